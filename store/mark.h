// The known-durable mark: which record of the log is the newest one known to be durable, and what
// the log was with it. store/FORMAT.md, "The mark", has the bytes.
//
// A crash can leave the last record of the live log torn, and damage can look the same. The mark
// tells them apart: a record at or before it was durable. It is written now and then, behind the
// records; that it is missing or old makes damage to the very last record look like a torn write
// and nothing worse.
#ifndef GRASSDB_STORE_MARK_H_
#define GRASSDB_STORE_MARK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/file.h"
#include "store/home.h"
#include "store/io.h"
#include "store/payload.h"
#include "store/record.h"

namespace grassdb::store {

struct Mark {
  RecordSequence sequence;  // of the newest record known to be durable
  SegmentNumber segment;    // that holds it
  LogState after;           // what the log is with it

  friend bool operator==(const Mark&, const Mark&) = default;
};

// The newest mark in the bytes of a mark file of this data directory; nullopt if none is whole.
std::optional<Mark> NewestMark(std::string_view bytes, const Identity& identity);

// Of a slot; the rest of it is not looked at.
inline constexpr std::uint64_t kMarkBytes = 120;

// The two slots of the file, as far as there are any; NotFound without a file.
absl::StatusOr<LegibleContent> ReadMarkSlots(Directory& directory, const FileNames& names);

// One of the two places of a mark file, for people.
struct MarkSlot {
  std::uint64_t offset = 0;
  bool blank = false;         // it has never been written
  std::uint64_t counter = 0;  // of a whole one; the higher one counts
  std::optional<Mark> mark;   // nullopt: blank, or not whole
};
// As far as `bytes` reach.
std::vector<MarkSlot> MarkSlots(std::string_view bytes, const Identity& identity);
// Both have been written and neither is whole: no crash leaves that.
bool IsDamaged(const std::vector<MarkSlot>& slots);

// The file, with its two slots written by turns, so that a torn write leaves the mark before.
class MarkFile {
 public:
  explicit MarkFile(const Home& home) : home_(home) {}

  // The newest mark; nullopt if there is none that is whole and can be read.
  std::optional<Mark> Read();
  // Durable when it returns. Read has come before. An error is final, but for ResourceExhausted:
  // there was no room for the file.
  absl::Status Write(const Mark& mark);

 private:
  Home home_;
  std::unique_ptr<File> file_;  // null: not opened for writing yet
  bool exists_ = false;
  std::uint64_t counter_ = 0;  // of the newest slot
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_MARK_H_
