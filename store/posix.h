// The POSIX adapter: Directory and File over real files.
#ifndef GRASSDB_STORE_POSIX_H_
#define GRASSDB_STORE_POSIX_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "store/file.h"

namespace grassdb::store {

// Opens the directory `path`, making it if it is missing (but not its parents). Its own name is
// durable then: its parent is synced, also where it was there, since whoever made it may not have
// come to that; unless it was there and the parent is none of this user's. NotFound if a
// parent is missing, FailedPrecondition if it is no directory, PermissionDenied if files cannot be
// made in it. Errors of the system carry its text, the operation and the file.
absl::StatusOr<std::unique_ptr<Directory>> OpenPosixDirectory(const std::string& path);

// The existing directory `path`, for reading only: whatever would change something in it is refused
// with FailedPrecondition, but for a lock. Where its file may not be written, it is taken by
// reading it; where there is none, and none can be made, nobody is kept out. NotFound if it is
// missing.
absl::StatusOr<std::unique_ptr<Directory>> OpenPosixDirectoryToRead(const std::string& path);

// The process that holds the lock file `name` of the directory `path`; nullopt if none does, or if
// the system does not tell. Neither takes the lock nor makes the file.
std::optional<std::int64_t> LockHolder(const std::string& path, const std::string& name);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_POSIX_H_
