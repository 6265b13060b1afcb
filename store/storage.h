// Storage: the durable half of a replica. Executes the jobs of core/disk.h over a Directory, and
// recovers what the last life left. store/FORMAT.md says every byte and every sync.
//
// Synchronous and single-threaded: Execute returns when the job is durable or has failed.
// Production calls it from the disk thread only; the simulator calls it inline and lets the
// simulated disk decide when its effects land.
//
// After Execute has returned an error for a job that writes, the storage refuses every further
// write with the same error (fail-stop). ResourceExhausted is the exception: there was no room,
// nothing has changed, and the same job may be tried again. A Persist without entries is refused
// last, one with a put in it first (store/FORMAT.md, "A full disk").
#ifndef GRASSDB_STORE_STORAGE_H_
#define GRASSDB_STORE_STORAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/disk.h"
#include "store/file.h"

namespace grassdb::store {

// How the blocks of a snapshot file are written. The values are on disk.
enum class Compression : std::uint8_t {
  kNone = 0,  // as programs before version 2 of the file read it
  kZstd = 1,  // each block that gets smaller by it
};

// What Open does about a directory that has lost something it cannot restore by itself.
enum class OnDamage : std::uint8_t {
  kRefuse = 1,  // DataLoss; nothing is changed
  kReport = 2,  // RecoveredState::damage says what, for core/repair.h
};

struct StorageOptions {
  // Size at which the live log is sealed, in bytes. The live log is preallocated and pre-written to
  // this size so that an append overwrites blocks that exist (DESIGN.md, "Production adapters").
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  // Room that is held for going on with a full disk: of a file beside the log, as large as this or
  // as a segment, whichever is less.
  std::uint64_t reserve_bytes = std::uint64_t{4} << 20;
  // How many released segments are kept for re-use instead of being removed.
  std::uint32_t recycled_segments_max = 2;
  // A snapshot file that is being written is synced whenever it has grown by this many bytes: a
  // crash costs a received one no more than that, and no sync, the last one included, has so much
  // to write that a log write behind it waits for long.
  std::uint64_t snapshot_sync_bytes = std::uint64_t{4} << 20;
  // State in every block of a new snapshot file but the last; what is whole after a crash counts in
  // blocks. 1..2^24.
  std::uint32_t snapshot_block_bytes = 65536;
  // Of new snapshot files; both are read.
  Compression snapshot_compression = Compression::kZstd;
  // Of the segments from the next one on: 2, or 1, which the version before can read. What 1 cannot
  // express (a repaired log) is written in 2 all the same.
  std::uint32_t log_format = 2;
  OnDamage on_damage = OnDamage::kRefuse;
  // Of the log that Open finds, no more entries are kept in memory (CostOf), and an eighth: the
  // newest; see RecoveredState::evicted. While it is read one segment is, too.
  std::size_t log_memory_bytes = SIZE_MAX;
};

struct Opened;

class Storage {
 public:
  // Opens the directory of the node `wanted`: a new directory is initialised for it; an existing
  // one must carry the same cluster and node (FailedPrecondition, naming both, otherwise) and is
  // recovered. Nothing in the directory but the lock file is changed before the identity has been
  // checked and recovery has succeeded. Errors: InvalidArgument (a node name that cannot be part of
  // a file name), FailedPrecondition (another identity, in use, or written by a newer version),
  // DataLoss (damage that cannot be repaired, or is not to be: OnDamage), or what the directory
  // reports. What recovery found
  // is durable when Open returns.
  //
  // `directory` outlives the storage.
  static absl::StatusOr<Opened> Open(Directory& directory, const StorageOptions& options,
                                     const Identity& wanted);

  virtual ~Storage() = default;

  virtual DiskDone Execute(DiskJob job) = 0;
};

struct Opened {
  std::unique_ptr<Storage> storage;
  RecoveredState state;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_STORAGE_H_
