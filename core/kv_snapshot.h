// Snapshots of the key-value store as a stream of bytes, written and read in slices, so that
// neither stops the node. store/FORMAT.md describes the file around the stream.
//
// Stream: header {u8 version = 1, u64 time, u64 revision, u64 keys, u64 digest, u32 sessions, each
// session}, then each key in ascending order {string key, string value, u64 create, u64 mod, u64
// version}; integers and strings as core/codec.h has them.
#ifndef GRASSDB_CORE_KV_SNAPSHOT_H_
#define GRASSDB_CORE_KV_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "core/kv_store.h"

namespace grassdb {

// Writes the state as it was when the writer was begun, while the store goes on changing: what a
// command changes behind the writer's cursor is preserved first. One writer a store at a time.
class KvSnapshotWriter {
 public:
  // Begins a snapshot of `store`, ending any that was under way.
  static KvSnapshotWriter Begin(KvStore& store);

  // The next slice of about `bytes` bytes (at least one key, so up to the largest key and value
  // more). After the last one done() is true and the store has forgotten the snapshot.
  Bytes Next(KvStore& store, std::size_t bytes);
  bool done() const { return done_; }

 private:
  std::string header_;
  std::uint64_t keys_left_ = 0;
  bool done_ = false;
};

// Builds a store from the stream, fed in slices cut anywhere.
class KvSnapshotReader {
 public:
  explicit KvSnapshotReader(const KvOptions& options) : store_(options) {}

  // DataLoss for bytes that no KvSnapshotWriter writes; the reader is useless after that.
  absl::Status Feed(std::string_view slice);
  // The store, once the stream has ended. DataLoss if it is not whole or its digest is wrong.
  absl::StatusOr<KvStore> Finish() &&;

 private:
  absl::Status TakeHeader();
  absl::Status TakeKeys();

  KvStore store_;
  std::string pending_;
  bool header_done_ = false;
  std::uint64_t keys_left_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_KV_SNAPSHOT_H_
