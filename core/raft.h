// The Raft consensus algorithm as one class with one verb (Ongaro, "Consensus: Bridging Theory and
// Practice", 2014; "thesis" below).
//
//     void Raft::Step(Instant now, Input input, Output* output);   // deterministic; no I/O
//     Instant Raft::NextDeadline() const;
//
// Contract of the driver:
//  - `now` never goes back.
//  - Every Persist of an output is made durable in order of its id; Persisted{id} tells of this one
//    and all before it. There is no other order to keep: votes, vote requests and acknowledgements
//    that rest on an unfinished Persist are held back in here and come out of the step that hears
//    of its completion. A message that was held back while the term moved on is dropped.
//  - Step is called with DeadlineReached no later than a little after NextDeadline().
//  - Messages may be lost, repeated, delayed and reordered.
//
// A leader sends entries before they are durable with itself, and counts itself only when they are
// (thesis 10.2.1). Nothing may be applied above min(committed, durable here).
//
// Raft is a copyable value: a copy behaves as the original would.
//
// Files: raft.cc (dispatch, roles, persistence), election.cc, replication.cc, reads.cc,
// membership.cc, standing.cc.
#ifndef GRASSDB_CORE_RAFT_H_
#define GRASSDB_CORE_RAFT_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "core/configuration.h"
#include "core/disk.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/raft_types.h"
#include "core/types.h"

namespace grassdb {

enum class Role : std::uint8_t { kFollower = 1, kPreCandidate = 2, kCandidate = 3, kLeader = 4 };

const char* NameOf(Role role);

class Raft {
 public:
  // Starts as a follower with what recovery found. `options` has no Problem().
  Raft(const RaftOptions& options, const RecoveredState& recovered, Instant now);

  // Replaces the content of `output`, keeping its memory.
  void Step(Instant now, Input input, Output* output);

  // When Step(DeadlineReached) is wanted next; Instant::max() if never.
  Instant NextDeadline() const;

  Role role() const;
  Term term() const { return hard_state_.term; }
  NodeId voted_for() const { return hard_state_.voted_for; }
  // The leader of this term as far as known; 0 if not.
  NodeId leader() const;
  NodeId id() const { return options_.id; }
  Incarnation incarnation() const { return incarnation_; }
  const RaftOptions& options() const { return options_; }
  const Log& log() const { return log_; }
  // Known to be committed; may run ahead of what is durable here.
  Index commit_index() const { return commit_index_; }
  // The log is durable on this node up to here.
  Index durable_index() const { return durable_index_; }
  const std::optional<SnapshotMeta>& snapshot() const { return snapshot_; }
  // The configuration in force: the latest in the log, committed or not (thesis 4.1).
  const Configuration& configuration() const { return configurations_.back().configuration; }
  // The configuration in force at `index`, and the entry it came from. snapshot <= index <= last.
  std::pair<Configuration, Index> ConfigurationAt(Index index) const;
  // Per follower, sorted by id; null when not leading.
  const std::vector<Progress>* followers() const;
  // What a leader holds for others, each with a limit in RaftOptions; nothing when not leading.
  struct Load {
    std::size_t unapplied_bytes = 0;
    std::size_t reads_waiting = 0;
  };
  Load load() const;
  // The newest round of reads that was started, and the newest that a quorum has confirmed (thesis
  // 6.4); none when not leading.
  struct Rounds {
    ReadRound started;
    ReadRound confirmed;
  };
  Rounds rounds() const;
  // The follower that leadership is being handed to; 0 if none.
  NodeId transfer_target() const;
  // The entry that configuration() came from; 0 for the bootstrap configuration.
  Index configuration_index() const { return configurations_.back().index; }
  // A change of membership has been appended and is not over: configuration() is not committed, or
  // is joint.
  bool IsChangingMembership() const;
  // Whether this node's votes and acknowledgements count (core/standing.cc).
  Standing standing() const;
  // On the leader: whether those of this follower do.
  bool Counts(const Progress& follower) const;
  // On the leader: entries need not be sent to this follower at once.
  bool MayWait(const Progress& follower) const;
  // On the leader: how many voters may fail from now on, whichever they are, before no quorum takes
  // new data. Who is not heard, does not count or has no room has failed already, as of the last
  // step. 0 on others.
  std::size_t FailuresTolerated() const;
  // On the leader: whether a voter in touch is known to have room for data, which this node could
  // hand over to.
  bool HasSuccessorWithRoom() const { return BestSuccessor(Room::kNeeded) != nullptr; }
  // On the leader: a quorum of voters is in touch, but no quorum that has room for data, so that
  // nothing that adds any could be committed. False on others.
  bool LacksRoom() const;
  // True if this node leads and no other node can have been elected by `now` (thesis 6.4.1): what
  // it has committed is all there is. Ask again after the read itself: the process may have been
  // paused in between. Needs clocks that keep RaftOptions::lease_drift_percent_max.
  bool HoldsLease(Instant now) const;

  // Tells `sink` everything that can influence what this replica does from now on
  // (core/raft_describe.h, which says what a sink is). Not from within a step.
  template <class Sink>
  void Describe(Sink& sink) const;

 private:
  struct FollowerState {
    NodeId leader;
    ReadRound answered_round;  // the newest one of that leader's that has been answered
  };
  struct CandidateState {
    Ballot ballot = Ballot::kPreVote;
    CampaignReason reason = CampaignReason::kTimeout;
    Term campaign_term;
    PersistId own_vote;  // kVote: counts once this Persist is durable
    std::vector<std::pair<NodeId, bool>> votes;
  };
  struct WaitingRead {
    NodeId from;  // this node, or the follower that asked
    ReadId id;
  };
  struct LeaderState {
    std::vector<Progress> followers;  // every other member, sorted by id
    std::size_t joining = 0;          // members of that role
    // A member's incarnation is not the one that the configuration has, or it has forgotten.
    bool incarnations_differ = true;
    Index first_index;  // of this leader's no-op; reads wait until it is committed
    Instant heartbeat_deadline;
    ReadRound round;                            // the newest round started
    ReadRound confirmed_round;                  // the newest round that a quorum has confirmed
    Index round_index;                          // the read index of the newest round
    std::uint64_t round_answers = 0;            // of all followers
    Instant round_overdue_at = Instant::max();  // when all are asked; max: no need
    std::vector<WaitingRead> reads_in_round;
    std::vector<WaitingRead> reads_waiting;  // for the next round
    NodeId transfer_target;
    Instant transfer_deadline;
    bool transfer_sent = false;  // TimeoutNow is out
    // A TimeoutNow of this term may still be on its way, and its receiver's voters do not defend
    // this leader. Never unset.
    bool lease_void = false;
    std::uint64_t appended_bytes = 0;  // CostOf of all that it has appended
    std::size_t unapplied_bytes = 0;   // of entries above apply_through_ that are in memory
    // Of those that are not, since before this node led.
    std::size_t unapplied_evicted_bytes = 0;
  };
  struct ConfigurationRecord {
    Index index;
    Configuration configuration;
  };
  struct PendingEntries {
    PersistId id;
    Index last;  // what the log reaches durably when `id` is done; falls when the log is cut
  };
  struct PendingInstall {
    PersistId id;
    SnapshotMeta meta;
    NodeId leader;
  };
  struct HeldMessage {
    PersistId needs;
    Message message;
  };

  // raft.cc
  void Dispatch(DeadlineReached);
  void Dispatch(Message&& message);
  void Dispatch(Persisted persisted);
  void Dispatch(Submit submit);
  void Dispatch(Compact compact);
  void Dispatch(SnapshotStaged staged);
  void Dispatch(TransferLeadership transfer);
  void Dispatch(ChangeMembership change);
  void Dispatch(SpaceChanged space);
  void Dispatch(Evict evict);
  void Dispatch(EntriesRead read);
  bool PassesTermCheck(const Message& message);
  void RefuseStale(const Message& message);
  void BecomeFollower(Term term, NodeId leader);
  void LeaveLeadership();
  void OnLeaderDeadline();
  void SetHardState(Term term, NodeId voted_for);
  void Adopt(const Entry& configuration);
  bool IsReplaced(const ReadEntries& read) const;
  void AppendToLog(Entry entry);
  void TruncateLog(Index from);
  void FinishStep();
  void ReleaseHeld();
  static bool CoversAnswer(const Message& message, const Message& earlier);
  void AdvanceDurable(PersistId id);
  void AdvanceApply();
  void FinishInstalls(PersistId id);
  PersistId NextPersist() const { return last_persist_ + 1; }
  // Sends when the Persist `needs` is durable, perhaps now.
  void Send(NodeId to, MessageBody body, PersistId needs);
  void Append(EntryType type, Bytes payload);
  void Emit(EventKind kind, NodeId peer = NodeId(), std::uint64_t a = 0, std::uint64_t b = 0);
  void CheckInvariants() const;

  // election.cc
  void ResetElectionDeadline();
  bool MayCampaign() const;
  void StartCampaign(Ballot ballot, CampaignReason reason);
  void AskForVote(NodeId voter);
  bool MustKnowVoters() const;
  void CountVotes();
  void RecordVote(NodeId from, bool granted);
  void OnRequestVote(const Message& message, const RequestVoteRequest& request);
  Index RemovedAt(NodeId candidate, Index its_last) const;
  bool WouldPreVote(const Message& message, const RequestVoteRequest& request) const;
  bool DefendsLeader(const RequestVoteRequest& request) const;
  void OnRequestVoteResponse(NodeId from, const RequestVoteResponse& response);
  void BecomeLeader();
  void OnTimeoutNow(NodeId from);
  void CheckQuorum();
  Instant QuorumDeadline() const;
  enum class Room : std::uint8_t { kPreferred, kNeeded };
  const Progress* BestSuccessor(Room room) const;
  void TryTransfer(const Progress& follower);
  void AbandonTransfer();
  void HandOverIfDiskStalls();
  void HandOverIfDiskFull();

  // replication.cc
  void OnAppendEntries(NodeId from, AppendEntriesRequest&& request);
  void FollowLeader(NodeId leader);
  std::string TwoLeaders(NodeId one, NodeId other) const;
  Index AppendMissing(AppendEntriesRequest& request);
  void AcknowledgeAppend(NodeId from, const AppendEntriesRequest& request, Index verified);
  void RefuseAppend(NodeId from, const AppendEntriesRequest& request);
  PersistId PersistThatCovers(Index index) const;
  void OnAppendEntriesResponse(NodeId from, Incarnation incarnation,
                               const AppendEntriesResponse& response);
  void OnConflict(Progress& follower, const AppendEntriesResponse& response);
  void OnMatched(Progress& follower, const AppendEntriesResponse& response);
  void OnInstallSnapshot(Message message);
  bool CoversSnapshot(const SnapshotMeta& meta, NodeId leader);
  void OnInstallSnapshotResponse(Message message);
  void Replicate(Progress& follower);
  void ReplicateToAll();
  bool QuickMakeQuorum() const;
  void ChooseQuick();
  void AskWhoIsQuick();
  void SendWhatWaits(NodeId id);
  void SendEntries(Progress& follower);
  void SendEntries(Progress& follower, std::vector<Entry> entries);
  AppendEntriesRequest AppendAt(Progress& follower);
  std::size_t EntriesMax(const Progress& follower) const;
  ReadEntries EvictedFrom(Index first, Index last, std::size_t count_max) const;
  void ReadForFollower(Progress& follower);
  void OnReadForFollower(EntriesRead read);
  void SendHeartbeat(Progress& follower);
  void OnHeartbeatDue();
  bool NeedsSnapshot(const Progress& follower) const;
  void StartSnapshot(Progress& follower);
  void AdvanceCommit();
  Progress* FindFollower(NodeId id);
  const Progress* FindFollower(NodeId id) const;
  // The largest value that a quorum has, with `own` as this leader's, `of(const Progress&)` giving
  // that of a follower that counts, and `none` as that of one that does not.
  template <class Value, class Of>
  Value QuorumHas(Value own, Value none, const Of& of) const {
    return configuration().QuorumValue<Value>([&](NodeId voter) -> Value {
      if (voter == options_.id) return own;
      const Progress* follower = FindFollower(voter);
      return follower == nullptr || !Counts(*follower) ? none : of(*follower);
    });
  }

  // membership.cc
  void LeadMembership();
  void AppendConfiguration(const Configuration& target);
  void DropRemovedFollowers();
  void SyncFollowers();
  void MeasureCatchUp(Progress& follower);
  bool MayBecomeVoter(const Progress& follower) const;
  bool TryPromote();
  bool IsReachable(NodeId voter) const;
  bool IsDiskFull(NodeId voter) const;
  std::optional<std::string> PresentQuorumProblem() const;
  std::optional<std::string> ReachProblem(const Configuration& target) const;
  void LeaveCluster();

  // standing.cc
  bool MayFound() const;
  bool IsBirth(const Message& message, const RequestVoteRequest& request) const;
  bool PassesIncarnationCheck(const Message& message) const;
  bool IsOfNewDisk(const Message& message) const;
  bool IsOfPresentDisk(const Progress& follower, Incarnation incarnation, Instant sent_at) const;
  void NoteIncarnation(Progress& follower, Incarnation incarnation);
  Incarnation HeardOf(NodeId peer) const;
  void Hear(const Message& message);
  void DoubtIfOffRecord(Progress& follower);
  void OnForgotten(Progress& follower);
  void Renew(NodeId leader, Incarnation forgot);
  bool RecordIncarnations();

  // repair_answer.cc
  void OnRepairRequest(const Message& message, const RepairRequest& request);
  void LearnCommitted(Index index, Term term);
  void SendRepair(NodeId to, const RepairRequest& request, std::span<const Entry> read);
  void ReadForRepair(const Message& message, const RepairRequest& request);
  void OnReadForRepair(const EntriesRead& read);

  // reads.cc
  void AddRead(WaitingRead read);
  bool AsksQuorum() const;
  Progress* NextToAsk();
  void AskAllForRound();
  void MaybeStartRound();
  void AskForRound();
  void ConfirmRounds();
  void OnReadIndex(NodeId from, const ReadIndexRequest& request);
  void OnReadIndexResponse(const ReadIndexResponse& response);
  void RefuseRead(const WaitingRead& read);

  // raft_describe.h
  template <class Sink>
  void DescribeLeader(Sink& sink, const LeaderState& leader) const;

  LeaderState& leading() { return std::get<LeaderState>(role_); }

  RaftOptions options_;
  Incarnation incarnation_;
  // Who has been heard since this node started, by id, each with the incarnation it had then.
  std::vector<std::pair<NodeId, Incarnation>> heard_;
  Index removed_at_;  // the newest RequestVoteResponse::removed_at
  HardState hard_state_;
  Log log_;
  std::optional<SnapshotMeta> snapshot_;
  // By index, ascending; never empty. front() is in force at the snapshot or before.
  std::vector<ConfigurationRecord> configurations_;
  Index commit_index_;
  Index durable_index_;
  Index apply_through_;  // as last told to the driver

  std::variant<FollowerState, CandidateState, LeaderState> role_;
  Instant now_;
  Instant election_deadline_;
  // Until then no vote helps to depose a leader: one that was heard may count on it (its lease). A
  // restarted node does not know what it had let its leader count on, and waits as well.
  Instant defends_until_;
  // When the disk last finished a Persist, or was given one while it had none.
  Instant disk_progress_at_;
  bool disk_full_ = false;
  // Since when this node, leading without room, may hand over once more.
  Instant full_hand_over_at_ = Instant::min();
  std::uint64_t election_resets_ = 0;  // makes every drawn timeout a decision of its own

  PersistId last_persist_;     // issued
  PersistId durable_persist_;  // completed
  PersistId term_persist_;     // the one that holds the current hard state
  std::deque<PendingEntries> pending_entries_;
  std::deque<PendingInstall> pending_installs_;
  std::vector<HeldMessage> held_;
  // A RepairRequest that waits for evicted entries.
  std::optional<Message> repair_waits_;

  // Of the step under way.
  Output* output_ = nullptr;
  bool hard_state_dirty_ = false;
  Index first_dirty_;  // entries from here on go into this step's Persist; 0: none
  std::optional<SnapshotMeta> install_dirty_;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_RAFT_H_
