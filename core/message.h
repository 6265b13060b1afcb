// What replicas say to each other: Raft's own messages as plain values (thesis figures 3.1 and 5.3,
// sections 3.10, 6.4 and 9.6).
//
// The network may drop, repeat, delay and reorder every one of them.
#ifndef GRASSDB_CORE_MESSAGE_H_
#define GRASSDB_CORE_MESSAGE_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "core/bytes.h"
#include "core/entry.h"
#include "core/types.h"

namespace grassdb {

enum class Ballot : std::uint8_t {
  kPreVote = 1,  // would you vote for me in term + 1? Changes no state (thesis 9.6)
  kVote = 2,
};

enum class CampaignReason : std::uint8_t {
  kTimeout = 1,   // no leader was heard for an election timeout
  kTransfer = 2,  // the leader asked for it (thesis 3.10): a voter does not defend that leader
};

struct RequestVoteRequest {
  Ballot ballot = Ballot::kVote;
  CampaignReason reason = CampaignReason::kTimeout;
  Index last_log_index;
  Term last_log_term;
  // For kPreVote, the term the candidate would campaign in; the message's own term stays the
  // candidate's current one, so that a pre-vote can never spread an inflated term.
  Term campaign_term;

  friend bool operator==(const RequestVoteRequest&, const RequestVoteRequest&) = default;
};

struct RequestVoteResponse {
  Ballot ballot = Ballot::kVote;
  Term campaign_term;  // of the request it answers
  bool granted = false;
  // The entry whose configuration, which is committed, has no such candidate, and which the
  // candidate does not have: it was removed while it was away. 0: not so, as far as is known.
  Index removed_at{};

  friend bool operator==(const RequestVoteResponse&, const RequestVoteResponse&) = default;
};

// With no entries it is the heartbeat.
struct AppendEntriesRequest {
  Index prev_log_index;
  Term prev_log_term;
  Index leader_commit;
  ReadRound read_round;  // the newest round that the leader wants confirmed; 0: none
  Instant sent_at;       // by the leader's clock; it alone can read it
  // No quorum has room for data, and the leader takes no more: what it took before stands in the
  // way of all that frees room, so a follower with a full disk takes it into its reserve.
  bool vital = false;
  std::vector<Entry> entries;
  // A disk of the receiver that denies what it has acknowledged to this leader: it must go by
  // another incarnation from now on (standing.cc). 0: none does.
  Incarnation forgot{};

  friend bool operator==(const AppendEntriesRequest&, const AppendEntriesRequest&) = default;
};

// Whether what a node promises can be counted on.
enum class Standing : std::uint8_t {
  // Its disk holds all that it has ever promised as this member.
  kProven = 1,
  // It may have forgotten votes and entries (core/standing.cc): it counts in no quorum.
  kUnproven = 2,
};

enum class AppendResult : std::uint8_t {
  kMatched = 1,    // the log holds the leader's entries through match_index, durably
  kConflict = 2,   // no entry (prev_log_index, prev_log_term); see the hints
  kStaleTerm = 3,  // of the append or the chunk it answers; nothing is said of the log
};

struct AppendEntriesResponse {
  AppendResult result = AppendResult::kMatched;
  Standing standing = Standing::kProven;
  Index match_index;     // kMatched
  Index prev_log_index;  // of the request it answers; 0 if stale
  // Hints of kConflict (thesis 3.5, fast back-off): the term of the follower's entry at
  // prev_log_index (0: its log is shorter) and the first index it holds of that term (or one past
  // its last entry).
  Term conflict_term;
  Index conflict_index;
  ReadRound read_round;  // of the request it answers
  Instant sent_at;       // of the request it answers
  // For how long from now on, by its own clock, the follower helps nobody to depose this leader
  // (thesis 6.4.1): its smallest election timeout, which need not be the leader's.
  Duration defends{};
  bool disk_full = false;  // the follower takes no entries that add data

  friend bool operator==(const AppendEntriesResponse&, const AppendEntriesResponse&) = default;
};

// One chunk of the leader's current snapshot.
struct InstallSnapshotRequest {
  SnapshotMeta meta;
  std::uint64_t offset = 0;  // of `data` in the snapshot's state stream, in bytes
  bool last = false;         // the stream ends with this chunk
  Bytes data;
  std::uint64_t checksum = 0;  // of all of the above: core/chunk.h

  friend bool operator==(const InstallSnapshotRequest&, const InstallSnapshotRequest&) = default;
};

struct InstallSnapshotResponse {
  Index snapshot_index;  // of the request it answers
  Term snapshot_term;
  bool installed = false;         // the whole snapshot is in place, durably, or was not needed
  Index match_index;              // when installed
  std::uint64_t next_offset = 0;  // when not: the chunk the follower wants next

  friend bool operator==(const InstallSnapshotResponse&, const InstallSnapshotResponse&) = default;
};

// The receiver should campaign at once (thesis 3.10).
struct TimeoutNow {
  friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
};

// A follower asks the leader for a read index (thesis 6.4, follower reads).
struct ReadIndexRequest {
  ReadId read;  // of the follower

  friend bool operator==(const ReadIndexRequest&, const ReadIndexRequest&) = default;
};

struct ReadIndexResponse {
  ReadId read;
  bool confirmed = false;  // false: the receiver is not, or no longer, a leader that can tell
  Index index;             // when confirmed

  friend bool operator==(const ReadIndexResponse&, const ReadIndexResponse&) = default;
};

// A node that has lost part of its log, or its snapshot, asks for it (core/repair.h). Neither this
// nor its answer takes part in Raft's term checks.
enum class RepairAsk : std::uint8_t {
  kEntries = 1,   // of the lost range [first, last]
  kProof = 2,     // the same, and the receiver takes over the message's term, if that is higher,
                  // before it answers: unless it defends a leader
  kSnapshot = 3,  // a chunk of one that stands for `first` at least. Where `last` is not 0, the
                  // sender had one that stood for that entry, of `last_term`: it is committed
};

struct RepairRequest {
  RepairAsk ask = RepairAsk::kEntries;
  Index first;
  Index last;
  Term previous_term;  // of the entry before `first`
  Term last_term;      // of the entry `last`
  // kSnapshot: the one of which the chunks before `offset` have come; index 0: none has.
  Index snapshot_index;
  Term snapshot_term;
  std::uint64_t offset = 0;
  // kRest may be the answer. An older version knows of no such one.
  bool takes_rest = false;
  // kProof: the sender hears a leader of an earlier term than the message's. Reached, that leader
  // steps down, as for the answer of a follower in a later term (thesis 3.3).
  bool deposes = false;

  friend bool operator==(const RepairRequest&, const RepairRequest&) = default;
};

enum class RepairVerdict : std::uint8_t {
  kUnknown = 1,    // nothing can be said of `first`
  kHeld = 2,       // the receiver's log has these entries, and one of the range's last term at or
                   // behind them: so they are the lost ones (log matching, thesis 3.5)
  kCommitted = 3,  // these entries are committed; whether the lost ones are the same, they show
  kReleased = 4,   // the log begins behind `first`: there is a snapshot that stands for it
  kAbsent = 5,     // a proven node, whose durable term is the message's, has no entry `first` whose
                   // term is one from previous_term to last_term
  kChunk = 6,      // of a snapshot
  kRest = 7,       // as kHeld, but of these entries only those are there that begin behind `first`
};

struct RepairResponse {
  RepairVerdict verdict = RepairVerdict::kUnknown;
  Index first;  // of the request it answers, as are these
  Index last;
  Term last_term;
  Term previous_term;            // of the sender's entry before the first of `entries`
  std::vector<Entry> entries;    // kHeld, kCommitted: from `first` on; kRest: from behind it on
  InstallSnapshotRequest chunk;  // kChunk
  std::uint64_t checksum = 0;    // of all of the above: core/chunk.h

  friend bool operator==(const RepairResponse&, const RepairResponse&) = default;
};

using MessageBody =
    std::variant<RequestVoteRequest, RequestVoteResponse, AppendEntriesRequest,
                 AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse, TimeoutNow,
                 ReadIndexRequest, ReadIndexResponse, RepairRequest, RepairResponse>;

struct Message {
  NodeId from;
  NodeId to;
  Term term;  // the sender's current term
  MessageBody body;
  Incarnation incarnation{};  // of the sender
  // Of the receiver, as the sender knows it; 0: it does not. What was said to an earlier life of
  // the receiver's disk is not for the present one (standing.cc).
  Incarnation to_incarnation{};

  friend bool operator==(const Message&, const Message&) = default;
};

// "AppendEntriesRequest" and so on, for logs and traces.
const char* NameOf(const MessageBody& body);

}  // namespace grassdb

#endif  // GRASSDB_CORE_MESSAGE_H_
