#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <set>
#include <utility>

#include "bin/data_commands.h"
#include "core/hash.h"
#include "core/kv_snapshot.h"
#include "net/random.h"
#include "net/server_options.h"
#include "proto/convert.h"
#include "store/backup_file.h"
#include "store/identity.h"
#include "store/inspect.h"
#include "store/posix.h"
#include "store/stored_state.h"

namespace grassdb {
namespace {

namespace fs = std::filesystem;

// Where the new files are made before they take their place.
std::string WorkshopOf(const std::string& data_dir, const std::string& node) {
  return data_dir + "/distdb_" + node + ".new";
}

// The node's files in `directory`, the identity last.
absl::StatusOr<std::vector<std::string>> FilesOf(store::Directory& directory,
                                                 const std::string& node) {
  const auto listed = directory.List();
  if (!listed.ok()) return listed.status();
  const store::FileNames names(node);
  std::vector<std::string> files;
  bool identity = false;
  for (const std::string& name : *listed) {
    const store::FileKind kind = names.Parse(name).kind;
    if (kind == store::FileKind::kIdentity) identity = true;
    if (kind == store::FileKind::kForeign || kind == store::FileKind::kIdentity ||
        kind == store::FileKind::kLock) {
      continue;
    }
    files.push_back(name);
  }
  if (identity) files.push_back(names.Identity());
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
// nothing: where it leaves first and arrives last, no crash leaves a node that would start.
absl::Status MoveAll(const std::string& from, const std::string& to, const std::string& node,
                     Order order) {
  auto source = store::OpenPosixDirectory(from);
  if (!source.ok()) return source.status();
  auto target = store::OpenPosixDirectory(to);
  if (!target.ok()) return target.status();
  auto files = FilesOf(**source, node);
  if (!files.ok()) return files.status();
  if (order == Order::kIdentityFirst) std::ranges::reverse(*files);
  const std::string identity = store::FileNames(node).Identity();
  for (const std::string& name : *files) {
    if (name == identity) {
      if (absl::Status s = (*target)->Sync(); !s.ok()) return s;
    }
    if (absl::Status s = MoveFile(from + "/" + name, to + "/" + name); !s.ok()) return s;
    if (name != identity) continue;
    if (absl::Status s = (*target)->Sync(); !s.ok()) return s;
    if (absl::Status s = (*source)->Sync(); !s.ok()) return s;
  }
  if (absl::Status s = (*target)->Sync(); !s.ok()) return s;
  return (*source)->Sync();
}

struct NewNode {
  Identity identity;
  HardState hard_state;
  SnapshotMeta meta;
};

// Makes the files of the node beside their place.
absl::Status Make(const std::string& data_dir, const NewNode& node, KvStore& state) {
  const std::string workshop = WorkshopOf(data_dir, node.identity.node_name);
  std::error_code error;
  fs::remove_all(workshop, error);  // of an earlier try
  auto directory = store::OpenPosixDirectory(workshop);
  if (!directory.ok()) return directory.status();
  return store::BeginWith(**directory, store::StorageOptions(), node.identity, node.hard_state,
                          node.meta, state);
}

absl::Status TakePlace(const std::string& data_dir, const std::string& node) {
  const std::string workshop = WorkshopOf(data_dir, node);
  if (absl::Status s = MoveAll(workshop, data_dir, node, Order::kIdentityLast); !s.ok()) return s;
  std::error_code error;
  fs::remove_all(workshop, error);
  return absl::OkStatus();
}

Identity NewIdentity(const std::string& node, const std::string& cluster_name,
                     const Configuration& members) {
  Identity identity;
  identity.node = NodeIdOf(node);
  identity.node_name = node;
  identity.cluster_name = cluster_name;
  identity.bootstrap = members;
  identity.incarnation = Incarnation(std::max<std::uint64_t>(net::RandomNumber(), 1));
  identity.secret = net::RandomNumber();
  return identity;
}

absl::StatusOr<KvStore> ReadState(store::BackupReader& backup) {
  KvSnapshotReader reader{KvOptions()};
  while (true) {
    const auto slice = backup.Next();
    if (!slice.ok()) return slice.status();
    if (slice->empty()) return std::move(reader).Finish();
    if (absl::Status s = reader.Feed(slice->view()); !s.ok()) return s;
  }
}

absl::StatusOr<std::unique_ptr<store::BackupReader>> OpenBackup(const std::string& file) {
  const fs::path path(file);
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  auto directory = store::OpenPosixDirectoryToRead(parent);
  if (!directory.ok()) return directory.status();
  // The reader keeps the file, not the directory.
  return store::BackupReader::Open(**directory, path.filename());
}

// The directory, made if it is missing, if it holds nothing of the node.
absl::Status CheckEmpty(const std::string& data_dir, const std::string& node) {
  auto directory = store::OpenPosixDirectory(data_dir);
  if (!directory.ok()) return directory.status();
  const auto listed = (*directory)->List();
  if (!listed.ok()) return listed.status();
  const store::FileNames names(node);
  for (const std::string& name : *listed) {
    if (names.Parse(name).kind == store::FileKind::kForeign) continue;
    return absl::AlreadyExistsError(
        fmt::format("{} holds data of {} already ({}); nothing was changed. Restore into another "
                    "directory, or move the files distdb_{}.* away",
                    data_dir, node, name, node));
  }
  return absl::OkStatus();
}

// What is asked for before data is replaced. True: go on.
bool Confirmed(const RecoverOptions& options) {
  if (options.yes) return true;
  if (isatty(STDIN_FILENO) != 1) return false;
  std::fprintf(stderr, "Type the node's name to go on: ");
  std::string typed;
  std::getline(std::cin, typed);
  return typed == options.id;
}

// Files in the workshop that say how far a recovery is: the new node's files are whole, and those
// of the old one are being taken away; they are away, and the new ones are being put in their
// place.
constexpr char kWhole[] = "whole";
constexpr char kPlacing[] = "placing";

bool Exists(const std::string& directory, const std::string& name) {
  std::error_code ignored;
  return fs::exists(directory + "/" + name, ignored);
}

// Ended after the old node was not there any more, and before the new one was.
bool IsHalfDone(const RecoverOptions& options) {
  const std::string workshop = WorkshopOf(options.data_dir, options.id);
  return !Exists(options.data_dir, store::FileNames(options.id).Identity()) &&
         (Exists(workshop, kWhole) || Exists(workshop, kPlacing));
}

// From wherever it is. Gives where the old files are.
absl::StatusOr<std::string> FinishRecovery(const RecoverOptions& options) {
  const std::string workshop = WorkshopOf(options.data_dir, options.id);
  auto directory = store::OpenPosixDirectory(workshop);
  if (!directory.ok()) return directory.status();
  std::string old;
  if (Exists(workshop, kWhole)) {
    const auto identity = store::ReadIdentity(**directory, store::FileNames(options.id));
    if (!identity.ok()) return identity.status();
    old = fmt::format("{}/distdb_{}.before-{}", options.data_dir, options.id,
                      HexOf(identity->incarnation.value()));
    const absl::Status moved = MoveAll(options.data_dir, old, options.id, Order::kIdentityFirst);
    if (!moved.ok()) return moved;
    if (absl::Status s = (*directory)->Rename(kWhole, kPlacing); !s.ok()) return s;
    if (absl::Status s = (*directory)->Sync(); !s.ok()) return s;
  }
  if (absl::Status s = TakePlace(options.data_dir, options.id); !s.ok()) return s;
  return old;
}

std::string AddressOf(const store::StoredState& loaded, const RecoverOptions& options) {
  if (!options.address.empty()) return options.address;
  const Member* self = loaded.configuration.Find(loaded.identity.node);
  return self == nullptr ? std::string() : self->address;
}

void Warn(const store::StoredState& loaded, const RecoverOptions& options) {
  std::set<std::string> others;
  for (const Member& member : loaded.configuration.members()) {
    if (member.id != loaded.identity.node) others.insert(member.name);
  }
  const std::uint64_t known = loaded.snapshot.index.value();
  const std::uint64_t last = loaded.last.index.value();
  const std::string doubtful =
      last == known ? std::string("nothing")
                    : fmt::format(
                          "entries {} to {}. They become part of the state, whether the "
                          "old cluster has committed them or not",
                          known + 1, last);
  fmt::print(stderr,
             "This makes {} the only member of a new cluster that begins with what {} holds.\n"
             "  Known to be committed: the log through index {} (its snapshot).\n"
             "  In doubt: {}.\n"
             "  Lost for good: every write that was acknowledged behind index {} without this node "
             "(term {} is the last it knows of).\n"
             "  Not members any more: {}. Delete their data before they are started again, or "
             "they may go on as the old cluster.\n"
             "  If a majority of the members can still be started, with their data, do that "
             "instead.\n",
             options.id, options.data_dir, known, doubtful, last, loaded.hard_state.term.value(),
             others.empty() ? "none" : fmt::format("{}", fmt::join(others, ", ")));
}

}  // namespace

absl::StatusOr<int> Restore(const RestoreOptions& options) {
  if (options.id.empty()) return absl::InvalidArgumentError("--id is required: the node to make");
  const auto cluster = net::ParseCluster(options.cluster);
  if (!cluster.ok()) {
    return absl::InvalidArgumentError("--cluster " + std::string(cluster.status().message()));
  }
  if (cluster->Find(NodeIdOf(options.id)) == nullptr) {
    return absl::InvalidArgumentError("--id " + options.id + " is not a member of --cluster");
  }
  auto backup = OpenBackup(options.file);
  if (!backup.ok()) return backup.status();
  const store::BackupOrigin& origin = (*backup)->origin();
  if (absl::Status s = CheckEmpty(options.data_dir, options.id); !s.ok()) return s;
  auto state = ReadState(**backup);
  if (!state.ok()) {
    return absl::DataLossError(options.file + ": " + std::string(state.status().message()) +
                               "; use another backup");
  }
  const std::uint64_t revision = state->revision().value();
  state->ForgetSessions();
  state->Advance(store::kNewHistoryGap);
  NewNode node;
  node.identity = NewIdentity(
      options.id, options.cluster_name.empty() ? origin.cluster_name : options.cluster_name,
      *cluster);
  // The same on all members, who have nothing in common but the file and the flags; and another one
  // than that of the cluster which the flags alone would begin.
  node.identity.cluster =
      ClusterId(KeyedRandom(ClusterIdOf(*cluster, node.identity.cluster_name).value(), origin.id));
  const Term term(std::max<std::uint64_t>(origin.position.term.value(), 1));
  node.hard_state = {.term = term, .voted_for = NodeId(), .founder = true};
  node.meta = {.index = origin.position.index + store::kNewHistoryGap,
               .term = term,
               .configuration = *cluster,
               .configuration_index = Index(0)};
  if (absl::Status s = Make(options.data_dir, node, *state); !s.ok()) return s;
  if (absl::Status s = TakePlace(options.data_dir, options.id); !s.ok()) return s;
  fmt::print(
      "{} in {}: {} keys of cluster '{}'. The new cluster '{}' has the id {}; its revisions go on "
      "behind {} (the backup ends at {}). Restore the other members from the same file, then start "
      "all of them.\n",
      options.id, options.data_dir, state->size(), origin.cluster_name, node.identity.cluster_name,
      HexOf(node.identity.cluster.value()), state->revision().value(), revision);
  return 0;
}

absl::StatusOr<int> Recover(const RecoverOptions& options) {
  if (!options.force_new_cluster) {
    return absl::InvalidArgumentError(
        "--force-new-cluster is required: there is no other kind of recovery");
  }
  if (options.id.empty()) return absl::InvalidArgumentError("--id is required: the node to keep");
  if (IsHalfDone(options)) {
    if (const auto old = FinishRecovery(options); !old.ok()) return old.status();
    fmt::print("{} in {}: finished a recovery that had been interrupted\n", options.id,
               options.data_dir);
    return 0;
  }
  auto opened = OpenData({.data_dir = options.data_dir, .id = options.id, .json = false});
  if (!opened.ok()) return opened.status();
  auto directory = store::OpenPosixDirectory(options.data_dir);
  if (!directory.ok()) return directory.status();
  auto loaded = store::LoadState(**directory, options.id);
  if (!loaded.ok()) return loaded.status();
  const std::string address = AddressOf(*loaded, options);
  if (const auto parsed = net::ParsePeerAddress(address); !parsed.ok()) {
    return absl::InvalidArgumentError("--addr: the log does not say where this node is reached; " +
                                      std::string(parsed.status().message()));
  }
  Warn(*loaded, options);
  if (!Confirmed(options)) {
    return absl::FailedPreconditionError("not confirmed; nothing was changed. --yes confirms");
  }
  Configuration self({MakeMember(options.id, address)});
  NewNode node;
  node.identity = NewIdentity(options.id, loaded->identity.cluster_name, self);
  node.identity.cluster =
      ClusterId(KeyedRandom(loaded->identity.cluster.value(), node.identity.incarnation.value()));
  loaded->state.Advance(store::kNewHistoryGap);
  const Term term(std::max<std::uint64_t>(loaded->hard_state.term.value(), 1));
  node.hard_state = {.term = term, .voted_for = NodeId(), .founder = true};
  node.meta = {.index = loaded->last.index + store::kNewHistoryGap,
               .term = term,
               .configuration = self,
               .configuration_index = Index(0)};
  if (absl::Status s = Make(options.data_dir, node, loaded->state); !s.ok()) return s;
  auto made = store::OpenPosixDirectory(WorkshopOf(options.data_dir, options.id));
  if (!made.ok()) return made.status();
  if (auto whole = (*made)->Open(kWhole, store::OpenMode::kCreate); !whole.ok()) {
    return whole.status();
  }
  if (absl::Status s = (*made)->Sync(); !s.ok()) return s;
  const auto old = FinishRecovery(options);
  if (!old.ok()) return old.status();
  fmt::print(
      "{} in {}: the only member of the new cluster {} at {}, {} keys, log index {}, revision {}. "
      "What was there before is in {}. Start it with --id and --addr, without --cluster; then add "
      "members with --join, their data directories empty.\n",
      options.id, options.data_dir, HexOf(node.identity.cluster.value()), address,
      loaded->state.size(), node.meta.index.value(), loaded->state.revision().value(), *old);
  return 0;
}

}  // namespace grassdb
