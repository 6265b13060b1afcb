// The abstract file system under the store: what POSIX gives, no more. Two implementations: the
// POSIX adapter of this room and the simulated disk of sim/.
//
// Durability is what the store must assume, not what usually happens: bytes written are in a cache
// and survive a crash only after File::Sync; before that any subset of the written sectors may
// survive, the last one torn (a mix of its old and its new bytes). A created, renamed or removed
// name survives only after Directory::Sync; before that any subset of those changes may survive.
// After a failed Sync nothing is known about what it covered and a second Sync proves nothing, so
// the store treats every error of a write or a sync as final.
//
// A device without room answers with ResourceExhausted, and no other failure does. It can meet
// whatever needs new room: making a file, a write that grows one, and a sync behind such writes; a
// write within a file whose bytes were written and synced before needs none. (A file system that
// copies on write is not like that: on one, a full disk can stop a node.)
#ifndef GRASSDB_STORE_FILE_H_
#define GRASSDB_STORE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grassdb::store {

// An open file. Not thread-safe. Closed by the destructor, which makes nothing durable.
class File {
 public:
  virtual ~File() = default;

  // Reads up to out.size() bytes; the number read is short only at the end of the file.
  virtual absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<char> out) = 0;
  // Writes the parts one behind the other from `offset` on, as one gathered write; grows the file
  // as needed. An error leaves any part of it written.
  virtual absl::Status WriteAt(std::uint64_t offset, std::span<const std::string_view> parts) = 0;
  // Makes content and size durable (fdatasync).
  virtual absl::Status Sync() = 0;
  virtual absl::StatusOr<std::uint64_t> Size() = 0;
  virtual absl::Status Truncate(std::uint64_t size) = 0;
  // A hint: what is read next should come from the device, not from a cache.
  virtual void Evict() {}
};

enum class OpenMode : std::uint8_t {
  kExisting = 1,  // NotFound if there is none
  kCreate = 2,    // AlreadyExists if there is one
  kReplace = 3,   // an existing file is emptied, a missing one is made
};

// A held lock; released by the destructor or by the end of the process.
class Lock {
 public:
  virtual ~Lock() = default;
};

// One directory, without subdirectories. Names hold no '/'. Outlives the files it opened.
class Directory {
 public:
  virtual ~Directory() = default;

  virtual absl::StatusOr<std::unique_ptr<File>> Open(std::string_view name, OpenMode mode) = 0;
  // Atomic; replaces `to` if it exists.
  virtual absl::Status Rename(std::string_view from, std::string_view to) = 0;
  virtual absl::Status Remove(std::string_view name) = 0;
  // Plain files' names, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List() = 0;
  // Makes names durable: creations, renames and removals so far (fsync of the directory).
  virtual absl::Status Sync() = 0;
  // Locks the file `name` (made if missing) against every other process; FailedPrecondition, naming
  // the holder if known, if another one holds it.
  virtual absl::StatusOr<std::unique_ptr<Lock>> Acquire(std::string_view name) = 0;
  // For messages: where this is.
  virtual std::string path() const = 0;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_FILE_H_
