// Node: one replica. The only driver of the Raft step function, the owner of the state machine and
// of the snapshot transfers. The simulator and the server run this very class.
//
// Single-threaded: every call comes from one thread, and no call blocks. The owner:
//  - calls Start() once, then OnMessage / OnClient / OnDisk as things arrive;
//  - calls Flush() after a batch of them, before it waits again: requests are collected and stepped
//    together there, or when the write at the disk is done, so that one log write and one message
//    to each follower carry them all;
//  - calls OnDeadline() when the clock has reached NextDeadline() (calling it early does nothing);
//  - stops the node for good when failed() says so.
// All effects go out through the Environment.
#ifndef GRASSDB_CORE_NODE_H_
#define GRASSDB_CORE_NODE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/api.h"
#include "core/disk.h"
#include "core/environment.h"
#include "core/kv_snapshot.h"
#include "core/kv_store.h"
#include "core/latency.h"
#include "core/limits.h"
#include "core/raft.h"

namespace grassdb {

// What reading the disk again has come to, since the start.
struct ScrubStatus {
  std::uint64_t bytes = 0;
  std::uint64_t passes = 0;
  std::uint64_t found = 0;  // damaged places; one that is not mended by the next pass counts again
  std::uint64_t mended = 0;
  std::string newest;  // damage, for a person; empty: none
};

struct NodeStatus {
  struct Follower {
    NodeId id;
    ProgressState state = ProgressState::kProbe;
    bool counts = true;  // false: it has lost its disk, and has no say (core/standing.cc)
    Index match;
    Index next;
    std::uint64_t lag = 0;              // entries of the leader's log that it does not have durably
    Index snapshot_index;               // of the snapshot on its way to it; 0: none
    std::uint64_t snapshot_offset = 0;  // bytes of it that have arrived
    Duration silent{};                  // since it was last heard
    bool disk_full = false;             // as it said last
  };

  NodeId id;
  Role role = Role::kFollower;
  Term term;
  NodeId leader;
  Index commit_index;
  Index applied_index;
  Index durable_index;
  Index last_index;
  Index first_index;     // of the log
  Index memory_index;    // the first one of it that is held in memory
  Index snapshot_index;  // 0: none
  Revision revision;
  std::uint64_t keys = 0;
  std::uint64_t sessions = 0;
  std::uint64_t digest = 0;
  std::vector<Follower> followers;  // on the leader
  Configuration configuration;
  Index configuration_index;
  bool changing_membership = false;
  NodeId transfer_target;              // leadership is on its way to it; 0: no
  Index receiving_index;               // of the snapshot being received; 0: none
  std::uint64_t receiving_offset = 0;  // bytes of it so far
  std::size_t failures_tolerated = 0;  // on the leader: Raft::FailuresTolerated
  bool repairing = false;              // there is no node yet (core/repair.h): no more is known
  bool serving = false;                // a leader is known and this node's state is loaded
  SpaceReport space;                   // of the disk
  ScrubStatus scrub;
  DiskLatency disk_latency;  // filled in by who runs the disk
};

class Node {
 public:
  // `recovered` comes from store::Storage::Open; the disk of `environment` executes on that
  // storage.
  Node(const NodeOptions& options, RecoveredState recovered, const Environment& environment);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Begins to load the snapshot, if there is one, and to take part.
  void Start();
  void OnMessage(Message message);
  // Answered through Clients::Answer exactly once, at once or later, unless the node fails.
  void OnClient(RequestId id, ClientRequest request);
  // The same, for a client that copies the state.
  void OnBackup(RequestId id, const BackupRequest& backup);
  void OnDisk(DiskDone done);
  void OnDeadline();
  void Flush();
  Instant NextDeadline() const;

  // Refuses new requests from now on and hands leadership over if this node has it.
  void BeginShutdown();
  // After BeginShutdown: nothing is gained by staying up.
  bool ReadyToStop() const;

  // Not OK once the disk has failed: the node does nothing any more and must be stopped.
  const absl::Status& failure() const { return failure_; }
  bool failed() const { return !failure_.ok(); }

  const Raft& raft() const { return raft_; }
  const KvStore& store() const { return store_; }
  Index applied_index() const { return applied_; }
  // The store is complete: no snapshot is being loaded.
  bool loaded() const { return !restore_.has_value(); }
  NodeStatus Status() const;
  const SpaceReport& space() const { return space_; }
  const ScrubStatus& scrub() const { return scrub_; }
  // Damage of this node's files has been found and not been mended yet.
  bool must_mend() const { return mend_from_.has_value(); }
  // Committed entries may leave memory before they are applied: they can be read back.
  bool may_read_back() const { return !must_mend(); }
  // Requests that have no answer yet (NodeOptions::waiting_requests_max).
  std::size_t requests_waiting() const;
  // Of them, commands that have not been handed to Raft: they are held, or gather for one append.
  std::size_t commands_gathered() const { return new_commands_.size(); }

 private:
  // A proposed command, waiting for its entry to be applied.
  struct WaitingCommand {
    Index index;
    Term term;
    RequestId request;
  };
  struct WaitingGet {
    RequestId request;
    std::optional<std::string> key;  // nullopt: a backup begins, and needs to know where
    Instant deadline;
    std::optional<Index> index;  // known once the read is confirmed
  };
  // Who waits for a snapshot of this node.
  struct SnapshotRequest {
    enum class Purpose : std::uint8_t { kAnswer, kBackup };
    RequestId request;
    Purpose purpose = Purpose::kAnswer;
  };
  // A transfer of this node's leadership in `term`.
  struct WaitingTransfer {
    RequestId request;
    NodeId target;
    Term term;
    Instant deadline;
  };
  // A change of the membership of this node's leadership in `term`.
  struct WaitingChange {
    RequestId request;
    Term term;
  };
  // A snapshot that is being streamed to one follower (leader only).
  struct Sending {
    Index snapshot;
    Term term;  // of the leadership
    std::uint64_t offset = 0;
    bool reading = false;  // a read is at the disk
    Instant read_at;       // the next chunk's, or the same one's again
    Instant paid_at;       // when the chunks so far have had their time
  };
  // A snapshot that is being streamed in.
  struct Receiving {
    SnapshotMeta meta;
    NodeId leader;  // who sent the last chunk; any leader may go on where another one ended
    std::uint64_t next_offset = 0;
    bool writing = false;  // a chunk is at the disk
    bool complete = false;
    bool of_last_life = false;  // and no chunk has come in this one
  };
  // This node's own snapshot under way.
  struct Taking {
    SnapshotMeta meta;
    KvSnapshotWriter writer;
    std::uint64_t offset = 0;
    bool publishing = false;
    bool mends = false;
    Index release_through;  // publishing: of the log, once it is in place
    std::vector<SnapshotRequest> requesters;
  };
  // The current snapshot is being loaded into a new store.
  struct Restore {
    SnapshotMeta meta;
    std::uint64_t offset = 0;
    KvSnapshotReader reader;
  };

  // node.cc
  void Step(Input input);
  void HandleOutput();
  void SettleSubmit();
  void QueuePersist(Persist persist);
  void PumpDisk();
  void MarkWhenDue();
  Instant NextMark() const;
  void MarkReadsReady();
  void RefuseOrphanedReads();
  void AnswerReads();
  void AnswerRead(const WaitingGet& waiting);
  Reply Read(const std::string& key) const;
  void ExpireReads();
  void NoticeRole();
  void NoticeElection();
  Instant VotesFirst() const;
  void RebaseTime();
  void SettleTransfers();
  void SettleChange();
  void AnswerChange();
  NodeStatus::Follower StatusOf(const Progress& follower) const;

  // node_apply.cc
  void Apply();
  void ReadToApply(Index first);
  void ApplyRead(EntriesRead done);
  void FailToApply(const absl::Status& status);
  void EvictOldest();
  void ApplyEntry(const Entry& entry);

  // node_space.cc
  void NoteSpace(const SpaceReport& report);
  void LookForSpace();
  void PutOffSpace();
  Instant NextLookForSpace() const;
  bool Admits(bool adds_data) const;
  bool UsesReserve() const;
  bool RetriesAsVital();
  void HoldBackEntries(Message& message);
  bool RefuseForSpace(RequestId request, const Command& command);
  void FillAhead();
  bool RefuseForOthersSpace(RequestId request, const Command& command);
  void OnDone(const RestockDone& done);

  // node_scrub.cc
  void ScrubIfDue();
  void PutOffScrub(std::uint64_t bytes);
  Instant NextScrub() const;
  bool MustMend() const;
  void OnDone(const ScrubDone& done);
  void OnDone(EntriesRead done);
  void CountDamage(std::string what);
  void NoteDamage(std::string what, Index mend_from);
  void NoteMended(Index snapshot);

  // node_requests.cc
  bool Accepts(RequestId request);
  bool AcceptsWrite(RequestId request, const Command& command);
  void Propose(RequestId request, const Command& command);
  void SubmitRequests();
  bool HoldsCommands();
  bool GathersCommands() const;
  std::optional<std::string> SessionProblem(const TransactionRequest& transaction) const;
  void OnRequest(RequestId request, const OpenSessionRequest&);
  void OnRequest(RequestId request, const CloseSessionRequest& close);
  void OnRequest(RequestId request, TransactionRequest transaction);
  void OnRequest(RequestId request, GetRequest get);
  void OnRequest(RequestId request, const TakeSnapshotRequest&);
  void OnRequest(RequestId request, const TransferLeadershipRequest& transfer);
  void OnRequest(RequestId request, ChangeMembershipRequest change);
  bool ServeUnderLease(RequestId request, const GetRequest& get);
  Reply MakeReply(ReplyCode code, std::string error = {}) const;
  void Refuse(RequestId request, ReplyCode code, std::string error);
  ClusterTime CurrentTime() const;
  void Fail(absl::Status status);
  void OnDone(const PersistDone& done);
  void OnDone(const StageDone& done);
  void OnDone(const PublishDone& done);
  void OnDone(const SnapshotRead& done);
  void OnDone(const MarkDone& done);

  // node_snapshot.cc
  void MaybeTakeSnapshot();
  void AbandonTaking();
  void AnswerSnapshotRequest(const SnapshotRequest& request);
  void ReadForBackup(RequestId request, Index snapshot, std::uint64_t offset);
  void AnswerBackup(const SnapshotRead& read);
  void OnSliceStaged(const StageDone& done);
  void OnNoRoomToStage(const StageDone& done);
  void OnChunkStaged(const StageDone& done);
  void BeginSnapshot();
  void StageNextSlice();
  Index ReleasePoint(Index snapshot) const;
  bool AnyCatchesUp();
  void StartSending(NodeId follower);
  void ReadForFollower(NodeId follower, Sending& sending);
  void ReadWhenPaid(NodeId follower, Sending& sending);
  void SendChunk(const SnapshotRead& read);
  bool RefuseDamaged(const Message& message);
  void Tell(EventKind kind, NodeId peer, Index snapshot, std::uint64_t offset);
  void OnSnapshotTraffic(Message message);
  void OnSnapshotAsked(NodeId from, const RepairRequest& request);
  void SendToRepair(const SnapshotRead& read);
  void OnChunk(NodeId from, const InstallSnapshotRequest& chunk);
  void OfferStaged();
  void DropOvertaken();
  void AnswerChunk(NodeId to, const SnapshotMeta& meta, std::uint64_t next_offset);
  void OnChunkAnswer(NodeId from, const InstallSnapshotResponse& answer);
  void ReadDueChunks();
  Instant NextChunkRead() const;
  void Pay(Sending& sending, std::size_t bytes) const;
  void BeginRestore(const SnapshotMeta& meta);
  void ContinueRestore();
  void OnRestoreRead(const SnapshotRead& read);

  NodeOptions options_;
  Environment environment_;
  Identity identity_;
  Raft raft_;
  KvStore store_;
  absl::Status failure_;
  bool started_ = false;
  bool stopping_ = false;
  Instant stop_deadline_;

  Index apply_through_;  // what Raft allows
  Index applied_;
  Term applied_term_;
  std::optional<ReadEntries> apply_read_;  // at the disk: evicted entries that are to be applied
  int apply_reads_failed_ = 0;             // in a row
  std::size_t log_bytes_since_snapshot_ = 0;

  // Requests that have not been submitted to Raft yet.
  std::vector<RequestId> new_command_requests_;
  std::vector<Bytes> new_commands_;
  std::size_t new_command_bytes_ = 0;
  // How long they are held after a leadership transfer for a leader to be known.
  Instant hold_until_ = Instant::min();
  std::vector<ReadId> new_reads_;

  std::deque<WaitingCommand> waiting_commands_;  // by index, ascending
  std::map<ReadId, WaitingGet> waiting_reads_;   // by age: later reads have later deadlines
  std::size_t reads_confirmed_ = 0;              // of them, those whose index is known
  std::vector<WaitingTransfer> waiting_transfers_;
  std::optional<WaitingChange> waiting_change_;
  ReadId last_read_;
  // Whom the newest reads were asked of: the leader of that term, or this node itself.
  NodeId reads_asked_of_;
  Term reads_asked_in_;
  Role seen_role_ = Role::kFollower;
  Term seen_term_;
  // Replicated time: what the log has reached, and when this node learned of it.
  ClusterTime time_base_ = 0;
  Instant time_base_at_;

  std::deque<Persist> persist_queue_;  // waiting for the one at the disk
  bool persisting_ = false;
  bool persist_waits_ = false;        // for room: it has been refused
  NodeId seen_leader_;                // of the last step
  Instant votes_first_until_;         // while no leader is known; see VotesFirst
  Instant mark_at_ = Instant::max();  // when what is durable is to be marked as such
  bool marking_ = false;              // the mark is at the disk

  SpaceReport space_;
  bool takes_vital_ = false;  // as the newest append said (core/message.h)
  // While there is no room: when it is looked for next, and the wait after that.
  Instant space_look_at_;
  Duration space_wait_{};
  bool restocking_ = false;
  bool filling_ahead_ = false;
  bool scrubbing_ = false;
  Instant scrub_at_;
  ScrubStatus scrub_;
  std::optional<Index> mend_from_;   // damage waits for a snapshot at or above
  bool snapshot_for_space_ = false;  // one is due although the log is short
  Instant receive_again_at_;         // chunks of a snapshot there was no room for
  PersistId install_persist_;        // the newest one that installs a snapshot; 0: none under way

  std::map<NodeId, Sending> sending_;
  // Who has installed a snapshot, and the end of the log then (leader only).
  std::map<NodeId, Index> catching_up_;
  std::optional<Receiving> receiving_;
  std::optional<Taking> taking_;
  std::optional<Restore> restore_;
  bool snapshot_wanted_ = false;  // for a node in repair, or to be rid of damaged files
  bool repair_read_ = false;      // a chunk for a node in repair is at the disk
  std::vector<SnapshotRequest> snapshot_requests_;  // for the snapshot after the one under way
  // Until then a client is taken to copy the current snapshot.
  Instant backup_until_ = Instant::min();

  Output output_;     // reused, so that a step allocates little
  Command applying_;  // as well
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_NODE_H_
