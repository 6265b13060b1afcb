// Repair: how a node whose disk has lost part of its log, or its snapshot, gets it back from the
// other members (after Alagappan and others, "Protocol-Aware Recovery for Consensus-Based Storage",
// FAST 2018). It runs in place of a Node, over the same sockets, until nothing is lost any more.
//
// A node in repair is as good as down to Raft: it gives no vote and acknowledges nothing, because
// it does not know all that it has promised. It asks every member that it has ever heard of.
//
//   Entries. Whoever has an entry of the range's last term, at or behind the lost ones, has those
//   too, or never lost ones that differ (log matching). They are checked by place, term and
//   checksum, and take the lost ones' place in the log; what is behind them stays.
//
//   Who has not the first of them, but some behind it, gives those, and the term of the one before
//   them: then the rest ends with an entry of a known term, and somebody else may have that.
//
//   Snapshot. Where the others' logs begin behind what is lost, or the snapshot is lost itself, a
//   snapshot of one of them is installed. What a lost one stood for was committed, and whoever is
//   asked is told so: without a leader, which may want this very node, it would not know.
//
//   Cut. What was never committed may be with nobody. It may be given up if it is certain that it
//   was not, and never can be. Either somebody knows another entry, of another term, to be
//   committed in its place. Or so many voters have no such entry that every quorum has one of them
//   (of both halves of a joint configuration; that at the range's beginning is the one that
//   counts), each of them proven and, durably, in a later term than this node was in when it
//   acknowledged its entries. Without the terms, one that said "I have no such entry" could receive
//   it afterwards from an old leader, which then counts this node's old acknowledgement and commits
//   it. So this node goes to the term of a later leader that it hears; when none is heard, to the
//   next term, and asks the others to come along. It votes for nobody there. They may follow a
//   leader of an earlier term by then, and defend it: where it reaches this node, it steps down.
//   Where the leader that it hears is of the term that it began this life in, as after a crash in
//   repair, there is no later one. Then it will do that this leader lacks the entry itself: nobody
//   else could give it to anyone in that term, or count an acknowledgement of it. That holds for
//   entries of earlier terms. Its own it lacks only if a crash has ended its leadership, and who
//   said "absent" before that may have received and acknowledged it afterwards.
//
// If nobody who answers has what is lost, and it is not certain that it was never committed, the
// node stays in repair, says so, and keeps asking; now and then it reads its disk again, because
// what could not be read once may be read the next time. It never makes up an entry and never drops
// one that may have been acknowledged to a client. Where nothing on the disk names another member
// (a log of format 1 whose snapshot is lost), it fails, and says so.
//
// It asks for a piece at a time, and holds none of the log's entries in memory: what others ask of
// it is read from its disk.
//
// A disk without room is a normal state here too: the job that was refused is kept, room is looked
// for at growing intervals, and it is tried again. A snapshot that was being received begins anew.
//
// One life of a Repair mends one thing, or a few; then the storage is opened again, and says what
// is still lost. A crash within it is just another start.
#ifndef GRASSDB_CORE_REPAIR_H_
#define GRASSDB_CORE_REPAIR_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/configuration.h"
#include "core/disk.h"
#include "core/environment.h"
#include "core/limits.h"
#include "core/message.h"
#include "core/types.h"

namespace grassdb {

// How a repair goes, for people.
struct RepairStatus {
  std::optional<LostRange> lost;  // the range that is asked for
  Index snapshot_wanted;          // 0: none
  Index snapshot_index;           // of the one being received; 0: none
  std::uint64_t snapshot_offset = 0;
  std::vector<NodeId> asked;       // everybody who could have it
  std::vector<NodeId> without_it;  // those that have answered that they do not
  bool waits_for_room = false;     // on the disk
};

// Single-threaded, as a Node: the owner calls Start() once, then OnMessage and OnDisk as things
// arrive and OnDeadline when NextDeadline() has come. Environment::clients is not used.
class Repair {
 public:
  // `recovered` has damage.
  Repair(const NodeOptions& options, RecoveredState recovered, const Environment& environment);
  Repair(const Repair&) = delete;
  Repair& operator=(const Repair&) = delete;

  void Start();
  void OnMessage(Message message);
  void OnDisk(DiskDone done);
  void OnDeadline();
  Instant NextDeadline() const;

  // The storage is to be closed and opened again.
  bool done() const { return done_; }
  const absl::Status& failure() const { return failure_; }
  bool failed() const { return !failure_.ok(); }

  Term term() const { return hard_state_.term; }
  // Everybody who has ever been a member, as far as is known.
  const Configuration& members() const { return members_; }
  RepairStatus Status() const;

 private:
  // What is there of the log, for whoever asks (core/repair_answer.h).
  class View;
  struct Transfer {
    SnapshotMeta meta;
    NodeId from;
    std::uint64_t offset = 0;
    int asks_in_vain = 0;  // since it last went on
  };

  void Tell(EventKind kind, NodeId peer, std::uint64_t a, std::uint64_t b);
  void Send(NodeId to, MessageBody body);
  void Submit(DiskJob job);
  Incarnation incarnation() const { return IncarnationOf(identity_, hard_state_); }
  HardState InTerm(Term term) const;
  const LostRange* lost() const { return lost_.empty() ? nullptr : &lost_.front(); }
  bool WantsSnapshot() const { return snapshot_wanted_ > Index(0); }
  bool HearsLeader() const { return IsRecent(leader_heard_); }
  bool IsRecent(std::optional<Instant> heard) const;
  Term PreviousTerm(Index first) const;
  std::optional<Term> TermAt(Index index) const;
  bool IsLost(Index index) const;
  bool IsCommitted(Index index) const { return index <= committed_; }
  Standing OwnStanding() const;
  // In force behind `index`, where nothing is lost up to there; nullopt if it is not known.
  std::optional<Configuration> ConfigurationAt(Index index) const;

  absl::Status NobodyToAsk() const;
  void Ask();
  void AskForChunk();
  void Progressed();
  void OnRequest(const Message& message, const RepairRequest& request);
  void ReadToAnswer(const Message& message, const RepairRequest& request, Index first);
  void LetWait(const Message& message);
  void AnswerNext();
  void OnResponse(const Message& message, RepairResponse& response);
  void OnEntries(NodeId from, RepairResponse& response);
  void OnRest(NodeId from, RepairResponse& response);
  void OnAbsent(const Message& message);
  void OnReleased(NodeId from);
  void OnChunk(NodeId from, const InstallSnapshotRequest& chunk);
  // `previous`: of the entry before them, if it is not known; else 0.
  void Fill(NodeId from, std::vector<Entry> entries, Term previous);
  void NoteFilled();
  void Cut(NodeId because_of, Index from);
  void GoToNextTerm(Term term);

  // False, and the job is kept for later or the repair has failed, if the disk has not done it.
  bool Succeeded(const absl::Status& status, std::optional<DiskJob> job);
  // core/repair_space.cc
  void WaitForRoom(std::optional<DiskJob> job);
  void LookForRoom();
  void NoteRoom();

  void OnDone(const PersistDone& done);
  void OnDone(const StageDone& done);
  void OnDone(const SnapshotRead& done);
  void OnDone(const EntriesRead& done);
  void OnDone(const MendDone& done);
  void OnDone(const RestockDone& done);

  const NodeOptions options_;
  const Environment environment_;
  const Identity identity_;
  HardState hard_state_;  // durable
  const Term promised_;   // the term of the last life: no acknowledgement is of a later one
  const std::optional<SnapshotMeta> snapshot_;
  EvictedEntries log_;  // all of it: no entry is in memory
  std::vector<LostRange> lost_;
  const Index snapshot_lost_;
  const Index lost_committed_;  // of Damage::committed
  const Term lost_committed_term_;
  Index snapshot_wanted_;  // one of this index at least, in place of entries too; 0: none
  Index committed_;        // at least
  Configuration members_;
  absl::Status failure_;
  bool done_ = false;

  bool busy_ = false;   // a job that mends, stages or persists is at the disk, or waits for room
  bool reads_ = false;  // a chunk, or entries, for somebody else are
  std::optional<Message> answers_;  // the RepairRequest that entries are read for
  std::deque<Message> asking_;      // RepairRequests that wait for that, one of each sender
  MendLog mending_;                 // at the disk
  NodeId mended_by_;
  HardState next_hard_state_;  // at the disk
  PersistId last_persist_;
  bool installs_ = false;  // the Persist at the disk installs the snapshot
  // While there is no room: the job that was refused; nullopt for one that begins anew.
  bool full_ = false;
  std::optional<DiskJob> refused_;
  Instant look_at_ = Instant::max();  // for room, while a job waits
  Duration look_wait_{};              // 0: the next one is the first

  Instant started_;
  Instant ask_at_;
  Duration patience_;  // until the next time everybody is asked
  std::optional<Instant> leader_heard_;
  std::optional<Instant> earlier_leader_heard_;  // one of an earlier term than this node's
  Term leader_term_;                             // the newest heard
  NodeId leader_;                                // who led it
  bool said_stuck_ = false;
  Instant read_again_at_;  // once said_stuck_
  // Who lacks the first lost one, in a term later than promised_ or in that.
  std::vector<NodeId> absent_;
  std::vector<NodeId> absent_in_promised_;
  std::vector<NodeId> without_;  // have answered, and could not help
  std::size_t source_ = 0;       // whose turn it is to send its snapshot, of members_
  std::optional<Transfer> transfer_;
  std::uint64_t transfer_seen_ = 0;  // its offset when everybody was asked last
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_REPAIR_H_
