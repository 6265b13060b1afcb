// Before a storage is opened: whose data directory it is, or that it is to be made.
// store/FORMAT.md, "Identity", has the steps of making one.
#ifndef GRASSDB_STORE_BIRTH_H_
#define GRASSDB_STORE_BIRTH_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/disk.h"
#include "store/home.h"
#include "store/names.h"
#include "store/recovery.h"

namespace grassdb::store {

// The identity in the directory; nullopt if there is none, and nothing that says that one was lost.
// Changes nothing. FailedPrecondition if the directory is not that of `home`'s identity, or has
// been used and has lost its own; DataLoss if the identity is damaged.
absl::StatusOr<std::optional<Identity>> FindIdentity(const Home& home);

// FailedPrecondition where a start without an identity may not make a directory anew: while the
// node is being replaced by another, or if the identity was lost. OK if there is one. Changes
// nothing.
absl::Status CheckNotLost(Directory& directory, const FileNames& names);

// Which command replaces the node by another: what stands in the mark of that.
enum class Replacement : std::uint8_t { kUnknown, kRestore, kRecovery };
constexpr std::string_view kRestoreMark = "restore\n";
constexpr std::string_view kRecoveryMark = "recover\n";
// Of a directory that has a mark.
Replacement ReplacementIn(Directory& directory, const Inventory& inventory);

// FailedPrecondition while the node is being replaced by another.
absl::Status CheckNotReplaced(Directory& directory, const Inventory& inventory);

// Makes the data directory. A crash in here leaves one that is made anew. ResourceExhausted, with
// the size that is needed, if there is no room for it; what was begun is removed then.
absl::Status Initialise(const Home& home);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_BIRTH_H_
