// The POSIX adapter: Directory and File over real files.
#ifndef GRASSDB_STORE_POSIX_H_
#define GRASSDB_STORE_POSIX_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "store/file.h"

namespace grassdb::store {

// Opens the directory `path`, making it if it is missing (but not its parents). NotFound if a
// parent is missing, FailedPrecondition if it is no directory, PermissionDenied if files cannot be
// made in it. Errors of the system carry its text, the operation and the file.
absl::StatusOr<std::unique_ptr<Directory>> OpenPosixDirectory(const std::string& path);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_POSIX_H_
