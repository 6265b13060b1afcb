#include "net/join.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "net/event_loop.h"
#include "net/random.h"
#include "proto/convert.h"

namespace grassdb::net {
namespace {

constexpr Duration kPauseMin = std::chrono::milliseconds(200);
constexpr Duration kPauseMax = std::chrono::seconds(5);
// How often a pause looks whether the node is to stop.
constexpr Duration kStopPoll = std::chrono::milliseconds(50);
constexpr Duration kStatusDeadline = std::chrono::seconds(2);
constexpr Duration kAddDeadline = std::chrono::seconds(5);

// What the leader says of the cluster; Unavailable while there is none.
absl::StatusOr<NodeReport> AskLeader(std::vector<NodeReport> reports) {
  if (FindLeader(reports) == nullptr) {
    std::vector<std::string> addresses;
    for (const NodeReport& report : reports) {
      if (!report.status.has_value() || report.status->leader_address().empty()) continue;
      if (std::ranges::count(addresses, report.status->leader_address()) > 0) continue;
      addresses.push_back(report.status->leader_address());
    }
    reports = AskForStatus(addresses, kStatusDeadline);
  }
  const NodeReport* leader = FindLeader(reports);
  if (leader == nullptr) return absl::UnavailableError("the cluster has no leader at the moment");
  return *leader;
}

absl::Status Add(const ServerOptions& options, const std::string& leader) {
  ClientOptions client_options;
  client_options.endpoints = {leader};
  client_options.endpoints.insert(client_options.endpoints.end(), options.join->peers.begin(),
                                  options.join->peers.end());
  client_options.deadline = kAddDeadline;
  client_options.seed = RandomNumber();
  MemberChange add;
  add.kind = options.join->role == MemberRole::kLearner ? MemberChange::Kind::kAddLearner
                                                        : MemberChange::Kind::kAdd;
  add.name = options.name;
  add.address = options.join->address;
  const Outcome outcome = DatabaseClient(client_options).ChangeMembership({add});
  switch (outcome.code) {
    case Outcome::Code::kOk:
      return absl::OkStatus();
    case Outcome::Code::kRefused:
      return absl::FailedPreconditionError("the cluster refuses to add " + options.name + ": " +
                                           outcome.error);
    case Outcome::Code::kDiskFull:
    case Outcome::Code::kUnreachable:
    case Outcome::Code::kUnknown:  // if it was done, the next request changes nothing
      break;
  }
  return absl::UnavailableError(outcome.error);
}

absl::StatusOr<JoinedCluster> TryToJoin(const ServerOptions& options) {
  std::vector<NodeReport> reports = AskForStatus(options.join->peers, kStatusDeadline);
  absl::StatusOr<JoinedCluster> cluster = ClusterOf(reports, options.cluster_name);
  if (!cluster.ok()) return cluster.status();
  const absl::StatusOr<NodeReport> leader = AskLeader(std::move(reports));
  if (!leader.ok()) return leader.status();
  if (absl::Status added = Add(options, leader->endpoint); !added.ok()) return added;
  return cluster;
}

}  // namespace

absl::StatusOr<JoinedCluster> ClusterOf(const std::vector<NodeReport>& reports,
                                        const std::string& wanted_name) {
  const NodeReport* first = nullptr;
  std::string silent;
  for (const NodeReport& report : reports) {
    if (!report.status.has_value()) {
      silent += fmt::format("{}{}: {}", silent.empty() ? "" : "; ", report.endpoint, report.error);
      continue;
    }
    const wire::StatusResponse& status = *report.status;
    if (status.cluster_id() == 0) {
      return absl::FailedPreconditionError(report.endpoint +
                                           " runs an older version, which cannot be joined");
    }
    if (first == nullptr) first = &report;
    if (status.cluster_id() != first->status->cluster_id()) {
      return absl::FailedPreconditionError(fmt::format(
          "the peers of --join belong to different clusters: {} to '{}' ({}), {} to '{}' ({})",
          first->endpoint, first->status->cluster(), HexOf(first->status->cluster_id()),
          report.endpoint, status.cluster(), HexOf(status.cluster_id())));
    }
  }
  if (first == nullptr) return absl::UnavailableError("no peer answers: " + silent);
  const std::string& name = first->status->cluster();
  if (!wanted_name.empty() && wanted_name != name) {
    return absl::FailedPreconditionError(
        fmt::format("{} belongs to the cluster '{}', but --cluster-name is '{}'", first->endpoint,
                    name, wanted_name));
  }
  return JoinedCluster{.id = ClusterId(first->status->cluster_id()), .name = name};
}

absl::StatusOr<JoinedCluster> JoinCluster(const ServerOptions& options,
                                          const std::atomic<bool>& stop) {
  Duration pause = kPauseMin;
  while (!stop.load()) {
    absl::StatusOr<JoinedCluster> joined = TryToJoin(options);
    if (joined.ok()) {
      spdlog::info("Added to the cluster '{}' ({}) as {} at {}", joined->name,
                   HexOf(joined->id.value()), options.name, options.join->address);
    }
    if (!absl::IsUnavailable(joined.status())) return joined;
    spdlog::warn("Not added to the cluster yet, trying again in {}: {}", TextOf(pause),
                 std::string(joined.status().message()));
    const Instant until = SteadyNow() + pause;
    while (!stop.load() && SteadyNow() < until) std::this_thread::sleep_for(kStopPoll);
    pause = std::min(pause * 2, kPauseMax);
  }
  return absl::CancelledError("stopped before the cluster had added this node");
}

}  // namespace grassdb::net
