// All white-box checkers of a run, fed with what the hosts do. After an event only the node that
// took it is looked at, and of it only what has changed.
#ifndef GRASSDB_SIM_CHECKERS_CHECKERS_H_
#define GRASSDB_SIM_CHECKERS_CHECKERS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/disk.h"
#include "core/node.h"
#include "sim/checkers/commit_ledger.h"
#include "sim/checkers/durable_image.h"
#include "sim/checkers/election_safety.h"
#include "sim/checkers/leader_append_only.h"
#include "sim/checkers/log_matching.h"
#include "sim/checkers/membership_rules.h"
#include "sim/checkers/progress_rules.h"
#include "sim/checkers/promises.h"
#include "sim/checkers/reference_store.h"
#include "sim/checkers/repair_cut.h"
#include "sim/checkers/resource_bounds.h"
#include "sim/checkers/specification.h"
#include "sim/checkers/state_machine_safety.h"
#include "sim/damage.h"
#include "sim/testimony.h"

namespace grassdb::sim {

class Checkers {
 public:
  // `nodes[i]` is the id of host i; all have `options`. Not `on`: nothing is checked, and disks and
  // commits are followed as far as others ask for them. Not `specified`: nor is any step held
  // against the specification.
  Checkers(const std::vector<NodeId>& nodes, const NodeOptions& options,
           std::size_t entry_bytes_max, bool on, bool specified = true);

  // `raft` is as it was when it sent the message.
  void OnSend(std::uint32_t host, const Raft& raft, const Message& message);
  // As OnSend, of a host that mends its disk.
  void OnSendInRepair(std::uint32_t host, const Message& message);
  void OnDurableJobBegins(std::uint32_t host, const DiskJob& job);
  void OnDurableJobDone(std::uint32_t host);
  void OnDurableJobRefused(std::uint32_t host);
  void OnWiped(std::uint32_t host);

  // What must be on a disk, and the job that was under way there.
  struct DiskState {
    DurableImage image;
    std::optional<DiskJob> running;
    bool rolled_back = false;     // and the others do not know of it yet
    std::vector<LostRange> lost;  // of a host that mends its disk; what was there still must be
  };
  const DiskState& DiskOf(std::uint32_t host) const { return disks_[host]; }
  // The disk of the host, which is down, has become what it was when `state` was its state.
  void OnRolledBack(std::uint32_t host, DiskState state);
  // The others know of it: from now on it is a disk like any.
  void OnRollBackKnown(std::uint32_t host);
  // Recovery has found that something is lost.
  void OnDamaged(std::uint32_t host, const RecoveredState& state, DamageMet met);
  void OnRecovered(std::uint32_t host, const RecoveredState& state, DamageMet met);
  // `node`, in its life `life`, has started or has taken a batch of inputs.
  void AfterStep(std::uint32_t host, std::uint64_t life, const Node& node);

  // All nodes have applied everything and are compared key by key.
  void AtEnd(std::uint32_t host, const Node& node) const;

  // `copy` was taken from the host, and is said to be the state after `index`.
  void CheckCopy(std::uint32_t host, Index index, const KvStore& copy) const;

  bool on() const { return on_; }
  // Of any node; if not on, that a node has been seen to know of.
  Index committed() const { return on_ ? commits_.last() : seen_commit_; }
  // The committed commands and what they have made; null if not on.
  ReferenceStore* reference() { return on_ ? &reference_ : nullptr; }
  std::uint64_t configurations_committed() const { return configurations_committed_; }
  std::size_t leaderships() const { return elections_.leaderships(); }
  // Of what is remembered of logs, disks and terms. It does not grow with the length of a run.
  std::size_t Bytes() const;

 private:
  static void LearnOfSnapshot(const SnapshotMeta& meta, DiskState* disk);
  static void NoteInstalled(const RecoveredState& state, DiskState* disk);
  void NoteRenewal(std::uint32_t host, Incarnation before);
  void ObserveState(std::uint32_t host, const Node& node);
  void ObserveStep(std::uint32_t host, const Raft& raft, const Testimony<ServerView>& testimony);
  void CheckCommitQuorum(const Raft& raft) const;
  void NoteAbsence(const Message& message);
  void CheckRepairCut(std::uint32_t host, Index first) const;
  void CheckRepairFill(std::uint32_t host, const MendLog& mend) const;
  std::optional<Configuration> ConfigurationBefore(std::uint32_t host, Index index) const;
  void FeedReference();
  void ReleasePast();

  const bool on_;
  const bool specified_;
  Index seen_commit_;
  std::map<NodeId, std::uint32_t> host_of_;
  ImageOf image_of_;
  std::vector<DiskState> disks_;
  std::vector<std::uint64_t>
      losses_;               // by host: how often its disk was lost, rolled back or renewed
  std::vector<bool> wiped_;  // by host: its first disk is gone
  ProgressRules::LossesOf losses_of_;
  std::vector<LeaderAppendOnly::Standing> standings_;
  std::vector<Index> shown_;  // applied indexes as compared last
  ElectionSafety elections_;
  LogMatching logs_;
  CommitLedger commits_;
  StateMachineSafety states_;
  ProgressRules progress_;
  MembershipRules memberships_;
  RepairCut cuts_;
  std::vector<NodeId> ids_;  // by host
  ResourceBounds resources_;
  Specification specification_;
  ReferenceStore reference_;
  std::uint64_t configurations_committed_ = 0;
  Index released_;  // when the past was let go of last, this was committed
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_CHECKERS_H_
