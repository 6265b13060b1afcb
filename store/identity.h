// The identity file: whose data directory this is. Written as the last step of making a data
// directory, so that its presence says that the rest is there; and anew if it is found damaged.
#ifndef GRASSDB_STORE_IDENTITY_H_
#define GRASSDB_STORE_IDENTITY_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/disk.h"
#include "store/file.h"
#include "store/names.h"

namespace grassdb::store {

// NotFound if there is none; DataLoss if it is damaged; FailedPrecondition if a newer version wrote
// it.
absl::StatusOr<Identity> ReadIdentity(Directory& directory, const FileNames& names);

// Writes it under a staging name, syncs, renames, syncs the directory: a crash leaves all of it or
// nothing. ResourceExhausted, and there is none of it, without room.
absl::Status WriteIdentity(Directory& directory, const FileNames& names, const Identity& identity);

// Whether the file on the disk itself still is that of `identity`; else what is wrong with it.
absl::Status CheckWrittenIdentity(Directory& directory, const FileNames& names,
                                  const Identity& identity);

// FailedPrecondition, naming both sides and the way out, unless `found` is the cluster and node
// that `wanted` asks for. (Incarnation and bootstrap configuration are those of `found`.)
absl::Status CheckIdentity(const Directory& directory, const FileNames& names,
                           const Identity& found, const Identity& wanted);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_IDENTITY_H_
