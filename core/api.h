// What clients ask of a node and what a node answers: the client protocol as plain values, the same
// for the gRPC service and for the simulator.
#ifndef GRASSDB_CORE_API_H_
#define GRASSDB_CORE_API_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/bytes.h"
#include "core/command.h"
#include "core/entry.h"
#include "core/member_change.h"
#include "core/types.h"

namespace grassdb {

struct OpenSessionRequest {
  friend bool operator==(const OpenSessionRequest&, const OpenSessionRequest&) = default;
};

// Of a client that is done: its session takes up a place no longer. Nothing if it is not open.
struct CloseSessionRequest {
  SessionId session;

  friend bool operator==(const CloseSessionRequest&, const CloseSessionRequest&) = default;
};

struct TransactionRequest {
  SessionId session;  // 0: without a session, not exactly-once
  Sequence sequence;
  Sequence acknowledged;
  Transaction transaction;

  friend bool operator==(const TransactionRequest&, const TransactionRequest&) = default;
};

enum class ReadMode : std::uint8_t {
  kLinearizable = 1,  // a read-index round; on a follower the leader is asked for the index
  kStale = 2,         // whatever this node has applied
  // Without a round while the leader holds its lease, else as kLinearizable. Linearizable as long
  // as the nodes' clocks keep the drift bound (core/raft_types.h, lease_drift_percent_max).
  kLease = 3,
};

struct GetRequest {
  ReadMode mode = ReadMode::kLinearizable;
  std::string key;

  friend bool operator==(const GetRequest&, const GetRequest&) = default;
};

// Takes a snapshot now, whatever the log's size. Answered when it is durable.
struct TakeSnapshotRequest {
  friend bool operator==(const TakeSnapshotRequest&, const TakeSnapshotRequest&) = default;
};

// Changes the membership (core/member_change.h). Answered when the change has ended: a change of
// voters when both of its configurations are committed, an addition when the new member is a
// learner; that one becomes a voter later by itself.
struct ChangeMembershipRequest {
  std::vector<MemberChange> changes;

  friend bool operator==(const ChangeMembershipRequest&, const ChangeMembershipRequest&) = default;
};

// Hands leadership to `target`, or to the best follower if it is 0 (thesis 3.10).
struct TransferLeadershipRequest {
  NodeId target;

  friend bool operator==(const TransferLeadershipRequest&,
                         const TransferLeadershipRequest&) = default;
};

using ClientRequest =
    std::variant<OpenSessionRequest, TransactionRequest, GetRequest, TakeSnapshotRequest,
                 TransferLeadershipRequest, ChangeMembershipRequest, CloseSessionRequest>;

// Asks for a piece of a copy of the whole state, as core/kv_snapshot.h streams it. The first one
// fixes the state: it holds every write that was acknowledged before the request came. The others
// are refused when a newer snapshot has taken its place; then the copy begins anew. One copy at a
// time: a second one is answered with kOverloaded.
struct BackupRequest {
  Index snapshot;  // 0: the first piece; else what the first one's answer has
  std::uint64_t offset = 0;
};

struct BackupPiece {
  SnapshotMeta snapshot;
  std::uint64_t offset = 0;
  bool last = false;
  Bytes data;
};

enum class ReplyCode : std::uint8_t {
  kOk = 1,
  kNotLeader = 2,       // nothing happened; ask the leader, if known
  kOutcomeUnknown = 3,  // the write may or may not take effect, now or later
  kSessionUnknown = 4,  // open a new session. The write's earlier attempts may have taken effect
  kStaleSequence = 5,   // a bug of the client: it repeats what it had acknowledged
  kInvalid = 6,         // the request breaks a limit; `error` says which
  kOverloaded = 7,      // nothing happened; try again later
  kUnavailable = 8,     // nothing happened: no leader, or this node is starting or stopping
  kRefused = 9,         // nothing happened: not in the cluster's present state; `error` says why
  kDiskFull = 10,       // nothing happened: no node that could lead has room; `error` says where
};

struct Reply {
  ReplyCode code = ReplyCode::kOk;
  std::string error;  // for a person, when code is not kOk
  // The leader as this node knows it, in every reply; id 0 when it does not know.
  NodeId leader;
  std::string leader_name;
  std::string leader_address;

  CommandResult command;                      // OpenSession, Transaction
  bool found = false;                         // Get
  std::string value;                          // Get
  Revision mod_revision;                      // Get
  Revision revision;                          // Get: of the store the read saw
  std::shared_ptr<const BackupPiece> backup;  // Backup
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_API_H_
