// The abstract disk of a replica: jobs in, completions out. store::Storage executes jobs over
// files; production runs it on a disk thread, the simulator over a simulated disk in virtual time.
// The same Storage code serves both.
//
// Order: jobs of one node are executed one at a time, log writes (Persist) in the order submitted
// and ahead of waiting snapshot jobs, snapshot jobs in the order submitted. The node never has more
// than one Persist outstanding. A job that was submitted but not completed at a crash may have
// happened wholly, partly or not at all.
//
// Errors: a failed job that writes stops the node (fail-stop): after a failed write or sync nothing
// is known about the disk. The one exception is a disk without room, which is found out before
// anything is written that counts: a job that is answered with ResourceExhausted has changed
// nothing, and the disk goes on.
#ifndef GRASSDB_CORE_DISK_H_
#define GRASSDB_CORE_DISK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "core/bytes.h"
#include "core/entry.h"
#include "core/log.h"
#include "core/types.h"

namespace grassdb {

enum class SnapshotSource : std::uint8_t {
  kTaken = 1,     // of this node's own state
  kReceived = 2,  // streamed in by the leader
};

// Appends one chunk to the staged snapshot of `source`. offset 0 starts anew and drops whatever was
// staged before under that source. With `last` the staged file is complete: it is flushed and can
// be published. Of a received one the whole blocks at its beginning survive a restart
// (RecoveredState::staged); what is flushed on the way survives a loss of power. None is asked for
// while a Persist that installs what was received is under way. Completion: StageDone.
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

enum class ReadFor : std::uint8_t {
  kState = 1,   // this node's own state machine, or a follower's
  kRepair = 2,  // a node that asked for it in a RepairRequest
};

// Reads from the current snapshot. Completion: SnapshotRead.
struct ReadSnapshot {
  Index index;  // of the snapshot wanted; another one by now gives NotFound
  std::uint64_t offset = 0;
  std::uint32_t size_max = 0;
  // Handed back with the completion. 0: for this node's own state machine; else the follower
  // served, or the node that repairs itself.
  NodeId reader;
  // Handed back too. Not 0: the client served, who copies the state.
  RequestId request{};
  ReadFor purpose = ReadFor::kState;
};

// Reads entries of `term` from the log's files, from `first` (which was durable before) on, at most
// through `last`; at most so many entries and bytes (CostOf), but one at least. One job reads
// about `bytes_max` of a file, or 64 KiB, also if it finds nothing in them: the next one for the
// same reader goes on from there. Completion: EntriesRead.
struct ReadEntries {
  NodeId reader;  // handed back: who is to have them; 0: this node itself, to apply them
  ReadFor purpose = ReadFor::kState;
  Index first;
  Index last;
  Term term;
  std::size_t count_max = 0;
  std::size_t bytes_max = 0;
};

// Mends a log that has lost entries (RecoveredState::damage). Either `fill` is contiguous and takes
// the place of lost entries, from the first one of a range on, with the terms that they had, and
// what is behind them stays; or the log is cut from `cut_from` on, which nobody may need any more
// (core/repair.h). Completion: MendDone.
struct MendLog {
  std::vector<Entry> fill;
  Index cut_from;  // 0: nothing is cut
  // Of the entry before `fill`, where that is lost too and of a term that is not known; else 0.
  Term previous_term;
};

// Makes durable, beside the log, which of its records is the newest durable one: so that damage to
// that one is not taken for a write that was torn. Does nothing if that is known already.
// Completion: MarkDone.
struct MarkDurable {};

// Tries to get back what a full disk has denied: a share of it, so that a log write does not wait
// long behind it. Completion: RestockDone.
struct Restock {
  // Only fills the file that the log goes on in as far as it lags (PersistDone::lags).
  bool ahead = false;
};

// Reads a piece of what is on the disk, and checks it (store/scrub.h). If the live log is damaged,
// it is sealed, so that it can be let go of; the identity is written anew. Completion: ScrubDone.
struct Scrub {
  std::uint32_t bytes_max = 0;
};

using DiskJob = std::variant<Persist, StageSnapshot, PublishSnapshot, ReadSnapshot, Restock, Scrub,
                             MendLog, MarkDurable, ReadEntries>;

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
  // The log grows faster than the file that it goes on in: a Restock with `ahead` is due. Without
  // one that file is filled all at once when it is needed.
  bool lags = false;
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
  bool more = false;   // the next share is worth trying at once
  bool ahead = false;  // as asked for
};
struct SnapshotRead {
  Index index;
  std::uint64_t offset = 0;
  NodeId reader;
  ReadFor purpose = ReadFor::kState;
  bool last = false;  // the stream ends with `data`
  Bytes data;
  absl::Status status;  // NotFound: superseded. DataLoss: damaged.
  RequestId request{};
};
struct EntriesRead {
  ReadEntries wanted;
  std::vector<Entry> entries;  // from wanted.first on; none, and OK: not found yet
  // NotFound: the log's files do not have them; perhaps they have been released meanwhile. Else
  // they cannot be read.
  absl::Status status;
};
struct MendDone {
  absl::Status status;
};
struct MarkDone {
  absl::Status status;
};

struct ScrubDone {
  absl::Status status;  // of sealing the log, or writing the identity
  SpaceReport space{};
  std::uint64_t bytes = 0;  // read
  bool pass_done = false;   // everything has been read once more
  std::string damage{};     // what is damaged or cannot be read, for a person; empty: nothing
  // It has been written anew; there is nothing left to do.
  bool mended = false;
  // Else: what is damaged is no longer needed with a snapshot at or above, published with `mends`.
  Index mend_from{};
};

using DiskDone = std::variant<PersistDone, StageDone, PublishDone, SnapshotRead, RestockDone,
                              ScrubDone, MendDone, MarkDone, EntriesRead>;

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

// By which the other members know what this node promises.
inline Incarnation IncarnationOf(const Identity& identity, const HardState& hard_state) {
  return hard_state.renewed == Incarnation(0) ? identity.incarnation : hard_state.renewed;
}

// A snapshot that was being received, and of which this much is whole, and durable.
struct StagedSnapshot {
  SnapshotMeta meta;
  std::uint64_t offset = 0;  // in the state stream; where staging goes on. Positive
};

// Entries that were durable and cannot be read any more. Of their terms only the last one's is
// known: whoever has an entry (last, last_term) has had the others too (log matching, thesis 3.5).
struct LostRange {
  Index first;
  Index last;
  Term last_term;

  friend bool operator==(const LostRange&, const LostRange&) = default;
};

// What was durable and has been lost, and cannot be restored from this disk alone (core/repair.h).
struct Damage {
  std::vector<LostRange> lost;  // ascending, apart
  // The log's base, if no snapshot is left that reaches it: one is needed that does. 0: one is
  // there.
  Index snapshot_lost;
  // Then: the base again, if the log says that a snapshot stood for it: it was committed. Else 0.
  Index committed;
  Term committed_term;
  // What was found, one damaged place each, for people; also of damage that matters no more.
  std::vector<std::string> places;

  bool empty() const { return lost.empty() && snapshot_lost == Index(0); }
};

// What recovery found: the state the last life of this node left behind.
struct RecoveredState {
  Identity identity;
  HardState hard_state;
  std::optional<SnapshotMeta> snapshot;
  // Newer than `snapshot` and than what the log holds.
  std::optional<StagedSnapshot> staged;
  // The entry before the first one of the log: (0, 0) for one never compacted. <= snapshot->index.
  Index base_index;
  Term base_term;
  // The oldest ones behind the base, which are on the disk only.
  EvictedEntries evicted{};
  // Contiguous, behind the evicted ones or the base. The log reaches at least to snapshot->index,
  // or ends with the base, and that is the snapshot's.
  std::vector<Entry> entries;
  SpaceReport space{};
  // Not empty: no Node can be made of this. In the place of a lost entry stands one of term 0, or
  // of the range's last_term, without payload (also among the evicted ones), and without a snapshot
  // base_index may be positive.
  Damage damage;
  // Configurations that the log names besides those in its entries; of no place in it.
  std::vector<Configuration> members{};

  LogPosition base() const { return {.index = base_index, .term = base_term}; }
  // The newest entry that is not in memory, or the base.
  LogPosition before_entries() const { return evicted.empty() ? base() : evicted.last(); }
  LogPosition last() const {
    if (entries.empty()) return before_entries();
    return {.index = entries.back().index, .term = entries.back().term};
  }
  // base_index <= index <= last().index.
  Term TermAt(Index index) const {
    if (index <= base_index) return base_term;
    const Index before = before_entries().index;
    return index > before ? entries[index - before - 1].term : *evicted.terms.TermAt(index);
  }
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_DISK_H_
