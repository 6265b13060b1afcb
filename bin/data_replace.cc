#include "bin/data_replace.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "proto/convert.h"
#include "store/io.h"
#include "store/posix.h"
#include "store/stored_state.h"

namespace grassdb {
namespace {

namespace fs = std::filesystem;

// Where the new files are made before they take their place.
std::string WorkshopOf(const std::string& data_dir, const std::string& node) {
  return data_dir + "/distdb_" + node + ".new";
}

// The files that make up the node in `directory`, the identity last.
absl::StatusOr<std::vector<std::string>> FilesOf(store::Directory& directory,
                                                 const store::FileNames& names) {
  const auto listed = directory.List();
  if (!listed.ok()) return listed.status();
  std::vector<std::string> files;
  for (const std::string& name : *listed) {
    switch (names.Parse(name).kind) {
      case store::FileKind::kForeign:
      case store::FileKind::kLock:
      case store::FileKind::kReplacing:
      case store::FileKind::kPlacing:
        break;
      default:
        files.push_back(name);
    }
  }
  std::stable_partition(files.begin(), files.end(),
                        [&](const std::string& name) { return name != names.Identity(); });
  return files;
}

absl::Status MoveFile(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError("moving " + from + " to " + to + ": " + error.message());
}

enum class Order { kIdentityFirst, kIdentityLast };

// Moves the files of the node, and makes that durable. Without its identity a log counts for
// nothing: where it leaves first and arrives last, no crash leaves a node that is half another.
absl::Status MoveAll(store::Directory& source, store::Directory& target,
                     const store::FileNames& names, Order order) {
  auto files = FilesOf(source, names);
  if (!files.ok()) return files.status();
  if (order == Order::kIdentityFirst) std::ranges::reverse(*files);
  for (const std::string& name : *files) {
    const bool identity = name == names.Identity();
    if (identity) {
      if (absl::Status s = target.Sync(); !s.ok()) return s;
    }
    const absl::Status moved = MoveFile(source.path() + "/" + name, target.path() + "/" + name);
    if (!moved.ok()) return moved;
    if (!identity) continue;
    if (absl::Status s = target.Sync(); !s.ok()) return s;
    if (absl::Status s = source.Sync(); !s.ok()) return s;
  }
  if (absl::Status s = target.Sync(); !s.ok()) return s;
  return source.Sync();
}

bool Has(const std::string& directory, const std::string& name) {
  std::error_code ignored;
  return fs::exists(directory + "/" + name, ignored);
}

// That the new node's files are there; its identity is the last that comes to its place.
absl::Status CheckReplacement(const std::string& data_dir, const std::string& node) {
  const store::FileNames names(node);
  const std::string workshop = WorkshopOf(data_dir, node);
  const bool placing = Has(data_dir, names.Placing());
  if (Has(workshop, names.Identity()) || (placing && Has(data_dir, names.Identity()))) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      fmt::format("{} holds {}, so {} is being replaced by a new node; but the files of that are "
                  "not in {}. Nothing was changed. Way out: move what is in {}/distdb_{}.before-*, "
                  "if there is one, back to {}, remove {}, and run the command again",
                  data_dir, placing ? names.Placing() : names.Replacing(), node, workshop, data_dir,
                  node, data_dir, placing ? names.Placing() : names.Replacing()));
}

// Step 2. Gives where the files are.
absl::StatusOr<std::string> MoveAway(store::Directory& directory, const store::FileNames& names,
                                     const Identity& next) {
  const auto files = FilesOf(directory, names);
  if (!files.ok()) return files.status();
  const std::string path = fmt::format("{}/distdb_{}.before-{}", directory.path(), next.node_name,
                                       HexOf(next.incarnation.value()));
  // Those that were moved before the end of an earlier call are there already.
  if (files->empty() && !fs::exists(path)) return std::string();
  auto old = store::OpenPosixDirectory(path);
  if (!old.ok()) return old.status();
  // The directory's own name first: the files are nowhere if it is lost.
  if (absl::Status s = directory.Sync(); !s.ok()) return s;
  const absl::Status moved = MoveAll(directory, **old, names, Order::kIdentityFirst);
  if (!moved.ok()) return moved;
  return path;
}

}  // namespace

store::Replacement ReplacementIn(const std::string& data_dir, const std::string& node) {
  auto directory = store::OpenPosixDirectoryToRead(data_dir);
  if (!directory.ok()) return store::Replacement::kUnknown;
  const auto inventory = store::TakeInventory(**directory, store::FileNames(node));
  return inventory.ok() ? store::ReplacementIn(**directory, *inventory)
                        : store::Replacement::kUnknown;
}

bool IsReplacing(const std::string& data_dir, const std::string& node) {
  const store::FileNames names(node);
  return Has(data_dir, names.Replacing()) || Has(data_dir, names.Placing());
}

absl::Status BeginReplacing(const std::string& data_dir, const NewNode& node, KvStore& state,
                            std::string_view command) {
  const store::FileNames names(node.identity.node_name);
  const std::string workshop = WorkshopOf(data_dir, node.identity.node_name);
  std::error_code error;
  fs::remove_all(workshop, error);
  auto directory = store::OpenPosixDirectory(data_dir);
  if (!directory.ok()) return directory.status();
  auto beside = store::OpenPosixDirectory(workshop);
  if (!beside.ok()) return beside.status();
  if (absl::Status s = store::BeginWith(**beside, store::StorageOptions(), node.identity,
                                        node.hard_state, node.meta, state);
      !s.ok()) {
    return s;
  }
  // The workshop's own name before the mark that says that it counts.
  if (absl::Status s = (*directory)->Sync(); !s.ok()) return s;
  auto mark = (*directory)->Open(names.Replacing(), store::OpenMode::kCreate);
  if (!mark.ok()) return mark.status();
  if (absl::Status s = store::WriteOne(**mark, 0, command); !s.ok()) return s;
  if (absl::Status s = (*mark)->Sync(); !s.ok()) return s;
  return (*directory)->Sync();
}

absl::StatusOr<Identity> ReplacementOf(const std::string& data_dir, const std::string& node) {
  if (absl::Status s = CheckReplacement(data_dir, node); !s.ok()) return s;
  const store::FileNames names(node);
  // The identity comes to its place last, so it is in one of the two.
  const std::string workshop = WorkshopOf(data_dir, node);
  auto directory =
      store::OpenPosixDirectoryToRead(Has(workshop, names.Identity()) ? workshop : data_dir);
  if (!directory.ok()) return directory.status();
  return store::ReadIdentity(**directory, names);
}

absl::StatusOr<std::string> ReplaceNode(const std::string& data_dir, const std::string& node) {
  const store::FileNames names(node);
  auto directory = store::OpenPosixDirectory(data_dir);
  if (!directory.ok()) return directory.status();
  const std::string workshop = WorkshopOf(data_dir, node);
  if (absl::Status s = CheckReplacement(data_dir, node); !s.ok()) return s;
  auto beside = store::OpenPosixDirectory(workshop);
  if (!beside.ok()) return beside.status();
  std::string old;
  if (Has(data_dir, names.Replacing())) {
    const auto next = store::ReadIdentity(**beside, names);
    if (!next.ok()) return next.status();
    auto away = MoveAway(**directory, names, *next);
    if (!away.ok()) return away.status();
    old = std::move(*away);
    if (absl::Status s = (*directory)->Rename(names.Replacing(), names.Placing()); !s.ok()) {
      return s;
    }
    if (absl::Status s = (*directory)->Sync(); !s.ok()) return s;
  }
  const absl::Status moved = MoveAll(**beside, **directory, names, Order::kIdentityLast);
  if (!moved.ok()) return moved;
  if (absl::Status s = (*directory)->Remove(names.Placing()); !s.ok()) return s;
  if (absl::Status s = (*directory)->Sync(); !s.ok()) return s;
  std::error_code error;
  fs::remove_all(workshop, error);
  return old;
}

}  // namespace grassdb
