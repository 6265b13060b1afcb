// Before a storage is opened: whose data directory it is, or that it is to be made.
// store/FORMAT.md, "Identity", has the steps of making one.
#ifndef GRASSDB_STORE_BIRTH_H_
#define GRASSDB_STORE_BIRTH_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/disk.h"
#include "store/home.h"

namespace grassdb::store {

// The identity in the directory; nullopt if there is none, and nothing that says that one was lost.
// Changes nothing. FailedPrecondition if the directory is not that of `home`'s identity, or has
// been used and has lost its own; DataLoss if the identity is damaged.
absl::StatusOr<std::optional<Identity>> FindIdentity(const Home& home);

// Makes the data directory. A crash in here leaves one that is made anew.
absl::Status Initialise(const Home& home);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_BIRTH_H_
