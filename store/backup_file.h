// A backup: the whole state of a cluster at one point, in one file that belongs to no data
// directory. It is a snapshot file (snapshot_file.h), checked by block and as a whole, whose stream
// begins with where the state is from. store/FORMAT.md, "Backups", has the bytes.
#ifndef GRASSDB_STORE_BACKUP_FILE_H_
#define GRASSDB_STORE_BACKUP_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "core/kv_store.h"
#include "core/types.h"
#include "store/file.h"
#include "store/payload.h"
#include "store/snapshot_file.h"

namespace grassdb::store {

struct BackupOrigin {
  ClusterId cluster;
  std::string cluster_name;
  std::string node_name;  // that gave it
  LogPosition position;   // of the last entry that is in the state
  // Random, not 0: no two backups have the same.
  std::uint64_t id = 0;
};

// Writes under a staging name beside the file, so that a file of the name is whole.
class BackupWriter {
 public:
  // AlreadyExists if there is a file of that name.
  static absl::StatusOr<std::unique_ptr<BackupWriter>> Start(Directory& directory,
                                                             const std::string& name,
                                                             const BackupOrigin& origin);
  // Leaves nothing behind unless it has finished.
  ~BackupWriter();

  // Of the state, as core/kv_snapshot.h streams it.
  absl::Status Append(std::string_view bytes);
  // The file is durable under its name then.
  absl::Status Finish();

 private:
  BackupWriter(Directory& directory, std::string name)
      : directory_(directory), name_(std::move(name)) {}

  Directory& directory_;
  std::string name_;
  std::unique_ptr<SnapshotWriter> writer_;  // null when finished
};

class BackupReader {
 public:
  // DataLoss, naming file and offset, if it is damaged or no backup.
  static absl::StatusOr<std::unique_ptr<BackupReader>> Open(Directory& directory,
                                                            const std::string& name);

  const BackupOrigin& origin() const { return origin_; }
  // All of it. Once. DataLoss for damage.
  absl::StatusOr<KvStore> ReadState();

 private:
  BackupReader() = default;

  // The next bytes of the state; none behind its end.
  absl::StatusOr<Bytes> Next();

  BackupOrigin origin_;
  std::unique_ptr<SnapshotReader> reader_;
  std::uint64_t offset_ = 0;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_BACKUP_FILE_H_
