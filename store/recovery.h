// Recovery: what the last life of a node left in its directory. Reads only; Adopt then makes the
// directory fit for writing. store/FORMAT.md, "Recovery", has the rules and their reasons.
#ifndef GRASSDB_STORE_RECOVERY_H_
#define GRASSDB_STORE_RECOVERY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/disk.h"
#include "store/home.h"
#include "store/log.h"
#include "store/mark.h"
#include "store/replay.h"
#include "store/snapshot_file.h"

namespace grassdb::store {

// The files of this node in the directory.
struct Inventory {
  bool identity = false;
  bool live = false;
  bool next = false;
  bool reserve = false;
  bool mark = false;
  std::vector<SegmentNumber> sealed;  // ascending
  std::vector<SegmentNumber> free;    // ascending
  std::vector<Index> snapshots;       // ascending
  bool received = false;              // the file of a snapshot being received
  std::vector<std::string> staging;   // names of other unfinished files
  std::string replacement;            // the mark of a replacement under way, if there is one
};

absl::StatusOr<Inventory> TakeInventory(Directory& directory, const FileNames& names);

// How the log goes on.
enum class LogEnd : std::uint8_t {
  kLive,    // in the live log
  kSealed,  // the live log is sealed, but the next segment is not in its place
  kNext,    // there is no live log, but the next segment is ready
};

struct Recovered {
  RecoveredState state;
  LogEnd end = LogEnd::kLive;
  LiveLog live;
  LogState log;  // what all records add up to
  std::deque<SealedSegment> sealed;
  // Of the live log: its last record, to be written again, and the torn tail behind it up to
  // dirty_end, to be overwritten with zeros. Empty for kNext.
  std::uint64_t last_record = 0;
  std::string last_record_bytes;
  std::uint64_t dirty_end = 0;
  // Of state.staged; null if there is none.
  std::unique_ptr<SnapshotReader> staged;
  // Files that no longer count.
  std::vector<std::string> obsolete;
  std::vector<std::string> damaged_snapshots;  // files that cannot be read, or not all of them
};

// Reads identity's log and snapshots. Changes nothing. `mark` is the newest there is. What cannot
// be restored from here is in Recovered::state's damage; DataLoss where not even that is known.
// `payloads` is for whoever only wants to know whether it could be recovered. Of the log's entries
// no more than `memory_bytes` stay in memory, and an eighth.
absl::StatusOr<Recovered> Recover(const Home& home, const Inventory& inventory,
                                  const std::optional<Mark>& mark,
                                  Payloads payloads = Payloads::kKept,
                                  std::size_t memory_bytes = SIZE_MAX);

// After a successful Recover: makes durable everything that recovery saw but the staged snapshot,
// which SnapshotWriter::Resume does, removes what a crash left
// half done, and opens `log` for writing. A crash in here leaves a directory that recovers to the
// same state.
absl::Status Adopt(const Home& home, const Inventory& inventory, const Recovered& recovered,
                   Log& log);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_RECOVERY_H_
