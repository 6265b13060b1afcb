// The abstract disk of a replica: jobs in, completions out. store::Storage executes jobs over
// files; production runs it on a disk thread, the simulator over a simulated disk in virtual time.
// The same Storage code serves both.
//
// Order: jobs of one node are executed one at a time, log writes (Persist) in the order submitted
// and ahead of waiting snapshot jobs, snapshot jobs in the order submitted. The node never has more
// than one Persist outstanding. A job that was submitted but not completed at a crash may have
// happened wholly, partly or not at all.
//
// Errors: a failed Persist, StageSnapshot or PublishSnapshot stops the node (fail-stop): after a
// failed write or sync nothing is known about the disk. The one exception is a disk without room,
// which is found out before anything is written that counts: a Persist or a StageSnapshot that is
// answered with ResourceExhausted has changed nothing, and the disk goes on.
#ifndef GRASSDB_CORE_DISK_H_
#define GRASSDB_CORE_DISK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "core/bytes.h"
#include "core/entry.h"
#include "core/types.h"

namespace grassdb {

enum class SnapshotSource : std::uint8_t {
  kTaken = 1,     // of this node's own state
  kReceived = 2,  // streamed in by the leader
};

// Appends one chunk to the staged snapshot of `source`. offset 0 starts anew and drops whatever was
// staged before under that source. With `last` the staged file is complete: it is flushed and can
// be published. Of a received one the whole blocks at its beginning survive a restart
// (RecoveredState::staged); what is flushed on the way survives a loss of power. Completion:
// StageDone.
struct StageSnapshot {
  SnapshotSource source = SnapshotSource::kTaken;
  SnapshotMeta meta;
  std::uint64_t offset = 0;
  bool last = false;
  Bytes data;
};

// Makes the staged, complete snapshot of kTaken the current one, durably, and only then releases
// log entries at or below `release_through` (<= meta.index), which may free files. Completion:
// PublishDone. (A received snapshot is published by Persist::install.)
struct PublishSnapshot {
  SnapshotMeta meta;
  Index release_through;
  // Also in the place of the current one, if that has the same index: its file is damaged.
  bool mends = false;
};

// Reads from the current snapshot. Completion: SnapshotRead.
struct ReadSnapshot {
  Index index;  // of the snapshot wanted; another one by now gives NotFound
  std::uint64_t offset = 0;
  std::uint32_t size_max = 0;
  // Handed back with the completion. 0: for this node's own state machine; else the follower
  // served.
  NodeId reader;
  // Handed back too. Not 0: the client served, who copies the state.
  RequestId request{};
};

// Tries to get back what a full disk has denied: a share of it, so that a log write does not wait
// long behind it. Completion: RestockDone.
struct Restock {};

// Reads a piece of what is on the disk, and checks it (store/scrub.h). If the live log is damaged,
// it is sealed, so that it can be let go of. Completion: ScrubDone.
struct Scrub {
  std::uint32_t bytes_max = 0;
};

using DiskJob = std::variant<Persist, StageSnapshot, PublishSnapshot, ReadSnapshot, Restock, Scrub>;

// What the disk has left for this node's files.
enum class DiskSpace : std::uint8_t {
  kAmple = 1,  // as far as is known
  kFull = 2,   // what adds data must wait; the reserve has room for what does not
  kSpent = 3,  // and the reserve is nearly used up: what is left is for votes
};

// "ample" and so on.
const char* NameOf(DiskSpace space);

struct SpaceReport {
  DiskSpace space = DiskSpace::kAmple;
  std::string problem;  // which file could not be written, for a person; empty if kAmple
};

// Every completion of a job that writes tells what space there is behind it.
struct PersistDone {
  PersistId id;  // this and every earlier Persist is durable
  absl::Status status;
  SpaceReport space{};
  std::optional<Persist> refused{};  // the job itself, if there was no room for it
};
struct StageDone {
  SnapshotSource source = SnapshotSource::kTaken;
  Index index;
  std::uint64_t next_offset = 0;
  bool last = false;
  absl::Status status;  // ResourceExhausted: no room; nothing is staged under `source` any more
  SpaceReport space{};
};
struct PublishDone {
  SnapshotMeta meta;
  absl::Status status;
  SpaceReport space{};
};
struct RestockDone {
  absl::Status status;
  SpaceReport space{};
  bool more = false;  // the next share is worth trying at once
};
struct SnapshotRead {
  Index index;
  std::uint64_t offset = 0;
  NodeId reader;
  bool last = false;  // the stream ends with `data`
  Bytes data;
  absl::Status status;  // NotFound: superseded. DataLoss: damaged.
  RequestId request{};
};

struct ScrubDone {
  absl::Status status;  // of sealing the log
  SpaceReport space{};
  std::uint64_t bytes = 0;  // read
  bool pass_done = false;   // everything has been read once more
  std::string damage{};     // what is damaged or cannot be read, for a person; empty: nothing
  // What is damaged is no longer needed with a snapshot at or above, published with `mends`.
  Index mend_from{};
};

using DiskDone =
    std::variant<PersistDone, StageDone, PublishDone, SnapshotRead, RestockDone, ScrubDone>;

class Disk {
 public:
  virtual ~Disk() = default;
  // Takes the job over; returns at once. The completion arrives later through Node::OnDisk, never
  // from inside Submit.
  virtual void Submit(DiskJob job) = 0;
};

// Who a data directory belongs to. Written once, when the directory is first used.
struct Identity {
  ClusterId cluster;
  NodeId node;
  std::string node_name;
  std::string cluster_name;
  Configuration bootstrap;  // the configuration at index 0
  Incarnation incarnation;  // random, another one for every new data directory
  // Random, and told to nobody: no value of a client can hold what passes for a record of the log.
  std::uint64_t secret = 0;
};

// A snapshot that was being received, and of which this much is whole, and durable.
struct StagedSnapshot {
  SnapshotMeta meta;
  std::uint64_t offset = 0;  // in the state stream; where staging goes on. Positive
};

// What recovery found: the state the last life of this node left behind.
struct RecoveredState {
  Identity identity;
  HardState hard_state;
  std::optional<SnapshotMeta> snapshot;
  // Newer than `snapshot` and than what the log holds.
  std::optional<StagedSnapshot> staged;
  // The entry before entries.front(): (0, 0) for a log never compacted. <= snapshot->index.
  Index base_index;
  Term base_term;
  // Contiguous from base_index + 1. Reaches at least to snapshot->index, or is empty with
  // base_index == snapshot->index.
  std::vector<Entry> entries;
  SpaceReport space{};
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_DISK_H_
