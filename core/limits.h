// Every limit, interval and size of a replica, with its unit and its default, in one place. (Those
// of files are in store/storage.h, those of a client in core/client.h.)
//
// Names end in _max where more is refused or waits; sizes are in bytes.
#ifndef GRASSDB_CORE_LIMITS_H_
#define GRASSDB_CORE_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/types.h"

namespace grassdb {

// Limits of a request, in bytes and in operations. Checked where a request enters (BrokenLimit) and
// documented in the README.
inline constexpr std::size_t kKeyBytesMax = 4096;
inline constexpr std::size_t kValueBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kOperationsMax = 128;  // compares, or operations of one branch
inline constexpr std::size_t kTransactionBytesMax = std::size_t{2} << 20;  // encoded
inline constexpr std::size_t kAnswerBytesMax = std::size_t{2} << 20;       // values it reads

// Changes of members in one request; more are refused.
inline constexpr std::size_t kMemberChangesMax = 64;

// Of the protocol.
struct RaftOptions {
  NodeId id;
  // Keys every random choice of this replica. Two replicas, and two lives of one, must differ in
  // it.
  std::uint64_t seed = 0;

  // An election timeout is drawn from [min, max) at every reset (thesis 3.4).
  Duration election_timeout_min = std::chrono::milliseconds(300);
  Duration election_timeout_max = std::chrono::milliseconds(600);
  Duration heartbeat_interval = std::chrono::milliseconds(100);

  // One AppendEntries message: at most so many entries and payload bytes, but never less than one
  // entry.
  std::size_t append_entries_max = 4096;
  std::size_t append_bytes_max = std::size_t{1} << 20;
  // Sent to one follower and not yet acknowledged; beyond either, the leader waits (thesis 10.2.1).
  std::size_t inflight_messages_max = 64;
  std::size_t inflight_bytes_max = std::size_t{8} << 20;
  // A leader sends entries at once to those who made the last quorum. Those whose copies that
  // commit did not need are sent what has gathered when its first entry has waited for so long; 0:
  // entries go to everybody at once (Raft::MayWait).
  Duration append_delay{};
  // Appended by a leader and not yet committed and durable here, so not yet applied; beyond it,
  // proposals are refused as overloaded.
  std::size_t unapplied_bytes_max = std::size_t{64} << 20;

  // Reads that wait for a round of confirmation, or for the leader's first commit; beyond it they
  // are refused.
  std::size_t reads_waiting_max = 100000;

  // A leader's lease assumes that the clocks of two nodes run at rates that differ by at most so
  // many percent (thesis 6.4.1).
  std::uint32_t lease_drift_percent_max = 10;
  // A leader whose disk finishes nothing for so many times election_timeout_max hands over.
  std::uint32_t disk_stall_timeouts = 3;

  // Why these options cannot work, in words for a person; nullopt if they can.
  std::optional<std::string> Problem() const;
};

// Of the state machine. Replicated: the same on every node of a cluster.
struct KvOptions {
  // A session not used for this much replicated time is forgotten, in milliseconds.
  ClusterTime session_idle_max = 60 * 60 * 1000;
  // Beyond so many sessions, the one that has been idle longest is forgotten.
  std::size_t sessions_max = 65536;
  // Answers kept a session; a client that has more commands than this unacknowledged is told
  // kStaleSequence for the oldest.
  std::size_t answers_max = 1024;
  // Bytes of values in the answers of all sessions; beyond it, the session that has been idle
  // longest is forgotten.
  std::size_t answer_bytes_max = std::size_t{16} << 20;
};

// Of one replica.
struct NodeOptions {
  RaftOptions raft;
  KvOptions store;

  // A snapshot is taken when the log above the last one holds this many bytes (CostOf)...
  std::size_t snapshot_log_bytes = std::size_t{64} << 20;
  // ...and after it so many bytes of entries are kept on the disk for slow followers.
  std::size_t log_kept_bytes = std::size_t{8} << 20;
  // Committed entries beyond this many bytes are not held in memory: whoever needs them is sent
  // what is read from the disk, and so this node applies what it had to let go of before. Entries
  // that wait to be committed have a limit of their own (RaftOptions::unapplied_bytes_max); of
  // those that a start finds in the log no more are held either (store/storage.h).
  std::size_t log_memory_bytes = std::size_t{8} << 20;
  // Slices in which a snapshot is written, sent and read.
  std::size_t snapshot_chunk_bytes = std::size_t{256} << 10;
  // A chunk that was not answered for this long is sent again.
  Duration snapshot_retry = std::chrono::milliseconds(500);
  // What a leader sends of snapshots to one follower, in bytes per second; 0: no limit. So that a
  // new member does not take the network and the disks away from the clients.
  std::uint64_t snapshot_bytes_per_second = std::uint64_t{64} << 20;
  // When the disk has had nothing to write for this long, the newest record of the log is marked as
  // durable (MarkDurable). Under load every later record shows it of those before it. 0: never.
  Duration mark_idle = std::chrono::milliseconds(50);
  // A linearizable read that found no quorum, or no leader, for this long is refused.
  Duration read_patience = std::chrono::seconds(2);
  // At what pace the files on the disk are read again and checked, in bytes per second; 0: not at
  // all.
  std::uint64_t scrub_bytes_per_second = std::uint64_t{1} << 20;
  // When all of them have been read, the next pass begins after so long: few bytes are not read
  // over and over.
  Duration scrub_pause = std::chrono::seconds(10);
  // With a full disk, room is looked for after so long, then after twice as long and so on.
  Duration space_retry_min = std::chrono::milliseconds(500);
  Duration space_retry_max = std::chrono::seconds(8);
  // Requests waiting for a commit or a read index; beyond it they are refused as overloaded.
  std::size_t waiting_requests_max = 100000;

  std::optional<std::string> Problem() const;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_LIMITS_H_
