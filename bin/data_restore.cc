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
#include "bin/data_dropped.h"
#include "bin/data_replace.h"
#include "core/hash.h"
#include "net/random.h"
#include "net/server_options.h"
#include "proto/convert.h"
#include "store/backup_file.h"
#include "store/identity.h"
#include "store/inspect.h"
#include "store/posix.h"
#include "store/salvage.h"
#include "store/stored_state.h"

namespace grassdb {
namespace {

namespace fs = std::filesystem;

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

// Damage to a backup, unlike that to a node, only another file helps against.
absl::Status UseAnother(const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return status;
  return absl::DataLossError(std::string(status.message()) +
                             ". Nothing was changed. Way out: give another file that `grassdb "
                             "backup` has written");
}

absl::StatusOr<std::unique_ptr<store::BackupReader>> OpenBackup(const std::string& file) {
  const fs::path path(file);
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  auto directory = store::OpenPosixDirectoryToRead(parent);
  if (!directory.ok()) return directory.status();
  // The reader keeps the file, not the directory.
  auto backup = store::BackupReader::Open(**directory, path.filename());
  return backup.ok() ? std::move(backup) : UseAnother(backup.status());
}

// That the directory holds nothing of the node, but for its lock.
absl::Status CheckEmpty(store::Directory& directory, const std::string& node) {
  const auto listed = directory.List();
  if (!listed.ok()) return listed.status();
  const store::FileNames names(node);
  for (const std::string& name : *listed) {
    const store::FileKind kind = names.Parse(name).kind;
    if (kind == store::FileKind::kForeign || kind == store::FileKind::kLock) continue;
    return absl::AlreadyExistsError(
        fmt::format("{} holds data of {} already ({}); nothing was changed. Restore into another "
                    "directory, or move the files distdb_{}.* away",
                    directory.path(), node, name, node));
  }
  return absl::OkStatus();
}

// The same before the lock: who holds it may be the node itself. A directory that is not there has
// room, and is not made.
absl::Status CheckRoomFor(const std::string& node, const std::string& data_dir) {
  std::error_code error;
  if (!fs::exists(data_dir, error) && !error) return absl::OkStatus();
  const auto directory = store::OpenPosixDirectoryToRead(data_dir);
  return directory.ok() ? CheckEmpty(**directory, node) : directory.status();
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

// What an earlier call had begun is brought to its end.
absl::StatusOr<std::string> Finish(const std::string& data_dir, const std::string& node) {
  auto directory = store::OpenPosixDirectory(data_dir);
  if (!directory.ok()) return directory.status();
  auto lock = (*directory)->Acquire(store::FileNames(node).Lock());
  if (!lock.ok()) return lock.status();
  return ReplaceNode(data_dir, node);
}

// An earlier call for the same node ended on its way. It is gone on with if it was the same call.
absl::StatusOr<int> FinishRestore(const RestoreOptions& options, const Identity& wanted) {
  const auto begun = ReplacementOf(options.data_dir, options.id);
  if (!begun.ok()) return begun.status();
  if (begun->cluster != wanted.cluster) {
    return absl::FailedPreconditionError(fmt::format(
        "{} holds a restore or recovery of {} that was interrupted, to another cluster ({} instead "
        "of {}); nothing was changed. Give the same file and flags again, or run the recovery "
        "again, to finish it; or restore into another directory",
        options.data_dir, options.id, HexOf(begun->cluster.value()),
        HexOf(wanted.cluster.value())));
  }
  if (const auto old = Finish(options.data_dir, options.id); !old.ok()) return old.status();
  fmt::print("{} in {}: finished a restore that had been interrupted\n", options.id,
             options.data_dir);
  return 0;
}

// The recovery that was interrupted had been confirmed.
absl::StatusOr<int> FinishRecovery(const RecoverOptions& options) {
  const store::Replacement begun = ReplacementIn(options.data_dir, options.id);
  if (begun == store::Replacement::kRestore) {
    return absl::FailedPreconditionError(fmt::format(
        "{} holds a restore of {} that was interrupted, and no recovery. Nothing was changed. Way "
        "out: run `grassdb restore` again, with the same file and flags; it goes on where it was",
        options.data_dir, options.id));
  }
  if (begun == store::Replacement::kUnknown && !options.yes) {
    return absl::FailedPreconditionError(fmt::format(
        "{} holds a restore or a recovery of {} that was interrupted; which of them is not known. "
        "Nothing was changed. Way out: run the one again that was; --yes finishes either",
        options.data_dir, options.id));
  }
  if (const auto old = Finish(options.data_dir, options.id); !old.ok()) return old.status();
  fmt::print("{} in {}: finished a {} that had been interrupted\n", options.id, options.data_dir,
             begun == store::Replacement::kRecovery ? "recovery" : "restore or recovery");
  return 0;
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
  NewNode node;
  node.identity = NewIdentity(
      options.id, options.cluster_name.empty() ? origin.cluster_name : options.cluster_name,
      *cluster);
  // The same on all members, who have nothing in common but the file and the flags; and another one
  // than that of the cluster which the flags alone would begin.
  node.identity.cluster =
      ClusterId(KeyedRandom(ClusterIdOf(*cluster, node.identity.cluster_name).value(), origin.id));
  if (IsReplacing(options.data_dir, options.id)) return FinishRestore(options, node.identity);
  if (absl::Status s = CheckRoomFor(options.id, options.data_dir); !s.ok()) return s;
  // All of it before anything is written: what a damaged backup is refused for leaves nothing.
  auto state = (*backup)->ReadState();
  if (!state.ok()) return UseAnother(state.status());
  auto directory = store::OpenPosixDirectory(options.data_dir);
  if (!directory.ok()) return directory.status();
  auto lock = (*directory)->Acquire(store::FileNames(options.id).Lock());
  if (!lock.ok()) return lock.status();
  if (absl::Status s = CheckEmpty(**directory, options.id); !s.ok()) return s;
  const std::uint64_t revision = state->revision().value();
  state->ForgetSessions();
  state->Advance(store::kNewHistoryGap);
  const Term term(std::max<std::uint64_t>(origin.position.term.value(), 1));
  node.hard_state = {.term = term, .voted_for = NodeId(), .founder = true};
  node.meta = {.index = origin.position.index + store::kNewHistoryGap,
               .term = term,
               .configuration = *cluster,
               .configuration_index = Index(0)};
  if (absl::Status s = BeginReplacing(options.data_dir, node, *state, store::kRestoreMark);
      !s.ok()) {
    return s;
  }

  if (const auto old = ReplaceNode(options.data_dir, options.id); !old.ok()) return old.status();
  fmt::print(
      "{} in {}: {} keys of cluster '{}'. The new cluster '{}' has the id {}; its revisions go on "
      "behind {} (the backup ends at {}). Restore the other members from the same file, then start "
      "all of them, with the same --cluster and with --cluster-name {}.\n",
      options.id, options.data_dir, state->size(), origin.cluster_name, node.identity.cluster_name,
      HexOf(node.identity.cluster.value()), state->revision().value(), revision,
      node.identity.cluster_name);
  return 0;
}

absl::StatusOr<int> Recover(const RecoverOptions& options) {
  if (!options.force_new_cluster) {
    return absl::InvalidArgumentError(
        "--force-new-cluster is required: there is no other kind of recovery");
  }
  if (options.id.empty()) return absl::InvalidArgumentError("--id is required: the node to keep");
  if (IsReplacing(options.data_dir, options.id)) return FinishRecovery(options);
  auto opened = OpenData({.data_dir = options.data_dir, .id = options.id, .json = false});
  if (!opened.ok()) return opened.status();
  auto directory = store::OpenPosixDirectory(options.data_dir);
  if (!directory.ok()) return directory.status();
  auto salvaged = store::LoadUpToDamage(**directory, options.id);
  if (!salvaged.ok()) return salvaged.status();
  store::StoredState* const loaded = &salvaged->kept;
  if (salvaged->damaged()) {
    std::fputs(TextOfDropped(*salvaged, options.data_dir, options.id).c_str(), stderr);
    if (!options.discard_from_damage) {
      return absl::FailedPreconditionError(fmt::format(
          "the data of {} in {} is damaged; nothing was changed. If no other member has better "
          "data, --discard-from-damage goes on with what is kept",
          options.id, options.data_dir));
    }
  }
  const std::string address = AddressOf(*loaded, options);
  if (const auto parsed = net::ParsePeerAddress(address); !parsed.ok()) {
    return absl::InvalidArgumentError(
        (options.address.empty()
             ? "the log does not say where " + options.id + " is reached; give --addr: "
             : "--addr " + options.address + ": ") +
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
  if (absl::Status s = BeginReplacing(options.data_dir, node, loaded->state, store::kRecoveryMark);
      !s.ok()) {
    return s;
  }

  const auto old = ReplaceNode(options.data_dir, options.id);
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
