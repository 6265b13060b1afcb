// `grassdb verify`, `dump`, `backup`, `restore` and `recover`: looking after the data of nodes.
#ifndef GRASSDB_BIN_DATA_COMMANDS_H_
#define GRASSDB_BIN_DATA_COMMANDS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/file.h"

namespace grassdb {

struct DataOptions {
  std::string data_dir = ".";
  std::string id;  // verify, dump: empty for all nodes in the directory
  bool json = false;
};

// Gives the exit code: 0 all is whole, 1 something is damaged.
absl::StatusOr<int> Verify(const DataOptions& options);

absl::StatusOr<int> Dump(const DataOptions& options);

struct BackupOptions {
  std::string peers;  // of a running cluster; or
  std::string data_dir = ".";
  std::string id;  // of a stopped node
  std::string output;
  std::string deadline = "600s";
  std::string wait = "30s";
};
absl::StatusOr<int> Backup(const BackupOptions& options);

struct RestoreOptions {
  std::string file;
  std::string data_dir = ".";
  std::string id;
  std::string cluster;
  std::string cluster_name;  // empty: that of the backup
};
absl::StatusOr<int> Restore(const RestoreOptions& options);

struct RecoverOptions {
  bool force_new_cluster = false;
  std::string data_dir = ".";
  std::string id;
  std::string address;  // empty: the one that the log has
  bool discard_from_damage = false;
  bool yes = false;
};
absl::StatusOr<int> Recover(const RecoverOptions& options);

// What the commands have in common.

struct OpenedData {
  std::unique_ptr<store::Directory> directory;
  std::vector<std::string> nodes;  // those asked for, at least one
};
// For reading only. NotFound if there is no such directory, or nothing of the node in it.
absl::StatusOr<OpenedData> OpenData(const DataOptions& options);

// Any bytes as text for a person, and for JSON: what is not printable ASCII, and '"' and '\', as
// \xNN; cut off behind `max` bytes.
std::string Escaped(std::string_view bytes, std::size_t max);

}  // namespace grassdb

#endif  // GRASSDB_BIN_DATA_COMMANDS_H_
