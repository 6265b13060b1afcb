// The client's end of a backup: a copy of the state from a live node into a file.
#ifndef GRASSDB_NET_BACKUP_CLIENT_H_
#define GRASSDB_NET_BACKUP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/types.h"
#include "store/backup_file.h"
#include "store/file.h"

namespace grassdb::net {

struct BackupTaken {
  store::BackupOrigin origin;
  std::uint64_t state_bytes = 0;
};

struct BackupPatience {
  Duration whole;  // for all of it
  Duration begin;  // for a copy to begin, at first and whenever one has ended before its end
};

struct BackupWatch {
  // How many bytes of the state are there; it begins anew when a copy does.
  std::function<void(std::uint64_t)> progress;
  // Told once, if some peer is there, and all have been asked, and none gives a copy yet: what each
  // of them said.
  std::function<void(const std::string&)> waits;
};

// Asks one peer after the other until one gives a whole copy, which is durable in the file then;
// otherwise there is no such file. Unavailable when the patience has come to its end, with what
// each peer said, or after some seconds in which none of them could be connected to;
// AlreadyExists, or what the directory reports, if the file cannot be written.
absl::StatusOr<BackupTaken> FetchBackup(const std::vector<std::string>& peers,
                                        const BackupPatience& patience, store::Directory& directory,
                                        const std::string& name, const BackupWatch& watch);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_BACKUP_CLIENT_H_
