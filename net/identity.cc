#include "net/identity.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include "core/hash.h"
#include "net/join.h"
#include "net/random.h"
#include "proto/convert.h"
#include "store/birth.h"
#include "store/identity.h"
#include "store/posix.h"
#include "store/text.h"

namespace grassdb::net {
namespace {

Identity Begin(const ServerOptions& options) {
  Identity identity;
  identity.node = NodeIdOf(options.name);
  identity.node_name = options.name;
  identity.secret = RandomNumber();
  identity.incarnation = Incarnation(std::max<std::uint64_t>(RandomNumber(), 1));
  return identity;
}

// Those who are born together have to find the same id by themselves. Who is born alone draws one:
// should it lose its disk when the cluster has grown, and be started with the same flags again, its
// new cluster of one is not taken for the old one.
Identity OfBirth(const ServerOptions& options, Identity identity) {
  identity.cluster_name = options.cluster_name.empty() ? kDefaultClusterName : options.cluster_name;
  identity.cluster = ClusterIdOf(options.cluster, identity.cluster_name);
  if (options.cluster.members().size() == 1) {
    identity.cluster =
        ClusterId(KeyedRandom(identity.cluster.value(), identity.incarnation.value()));
  }
  identity.bootstrap = options.cluster;
  return identity;
}

// Whether `found` was begun by the members that `wanted` begins with, under the same name.
bool WasBegunAs(const Identity& found, const Identity& wanted) {
  return !found.bootstrap.empty() && found.cluster_name == wanted.cluster_name &&
         ClusterIdOf(found.bootstrap, found.cluster_name) ==
             ClusterIdOf(wanted.bootstrap, wanted.cluster_name);
}

}  // namespace

absl::StatusOr<std::optional<Identity>> FindIdentity(const ServerOptions& options) {
  const store::FileNames names(options.name);
  // To be written, it would be made. What is wrong with it is for whoever does that to say.
  auto directory = store::OpenPosixDirectoryToRead(options.data_directory);
  if (!directory.ok()) return std::nullopt;
  if (absl::Status s = store::CheckNotLost(**directory, names); !s.ok()) return s;
  absl::StatusOr<Identity> found = store::ReadIdentity(**directory, names);
  if (absl::IsNotFound(found.status())) return std::nullopt;
  if (!found.ok()) return store::Refusal(found.status(), options.name);
  return *std::move(found);
}

absl::StatusOr<Identity> ExpectedIdentity(const ServerOptions& options, const Identity& found) {
  if (!options.cluster.empty()) {
    Identity expected = found;
    expected.node = NodeIdOf(options.name);
    expected.node_name = options.name;
    expected = OfBirth(options, std::move(expected));
    // The cluster that a restored backup begins has an id that its members alone do not give.
    if (WasBegunAs(found, expected)) expected.cluster = found.cluster;
    // The store refuses every other mismatch; it does not know what the flags are for.
    if (found.bootstrap.empty() && found.cluster != expected.cluster) {
      return absl::FailedPreconditionError(fmt::format(
          "{} has joined the running cluster '{}' ({}), as the data in {} says; start it without "
          "--cluster, which begins a new one",
          options.name, found.cluster_name, HexOf(found.cluster.value()), options.data_directory));
    }
    return expected;
  }
  if (!options.cluster_name.empty() && options.cluster_name != found.cluster_name) {
    return absl::FailedPreconditionError(
        fmt::format("the data in {} belongs to the cluster '{}', but --cluster-name is '{}'",
                    options.data_directory, found.cluster_name, options.cluster_name));
  }
  if (options.join.has_value()) {
    spdlog::info("{} holds data of {}, which goes on with it; --join is not needed any more",
                 options.data_directory, options.name);
  }
  Identity expected = found;
  expected.node = NodeIdOf(options.name);
  expected.node_name = options.name;
  return expected;
}

std::vector<std::string> OtherNodesIn(const ServerOptions& options) {
  constexpr std::string_view kPrefix = "distdb_";
  constexpr std::string_view kSuffix = ".id";
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(options.data_directory, ignored)) {
    std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    name.resize(name.size() - kSuffix.size());
    name.erase(0, kPrefix.size());
    if (name != options.name && !MemberNameProblem(name).has_value()) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

absl::Status CheckCanBegin(const ServerOptions& options) {
  if (!options.cluster.empty() || options.join.has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} holds no data of {}: --cluster is required to begin a new cluster, or --join "
                  "to become a member of a running one",
                  options.data_directory, options.name));
}

absl::StatusOr<Identity> NewIdentity(const ServerOptions& options, const std::atomic<bool>& stop) {
  if (const std::vector<std::string> others = OtherNodesIn(options); !others.empty()) {
    // Nodes may share a directory, so a mistyped --id is no error, but begins another node.
    spdlog::warn("{} begins without data; {} holds data of {}, which it does not use", options.name,
                 options.data_directory, fmt::join(others, ", "));
  }
  if (!options.join.has_value()) return OfBirth(options, Begin(options));
  std::error_code ignored;
  const bool was_there = std::filesystem::exists(options.data_directory, ignored);
  // Before the cluster is asked: a member that then cannot write would be of no use to it.
  if (const auto directory = store::OpenPosixDirectory(options.data_directory); !directory.ok()) {
    return directory.status();
  }
  const absl::StatusOr<JoinedCluster> joined = JoinCluster(options, stop);
  if (!joined.ok()) {
    // Only an empty directory goes.
    if (!was_there) std::filesystem::remove(options.data_directory, ignored);
    return joined.status();
  }
  Identity identity = Begin(options);
  identity.cluster = joined->id;
  identity.cluster_name = joined->name;
  return identity;
}

}  // namespace grassdb::net
