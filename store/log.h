// The log's files for writing: the live log, the sealed segments before it and the free ones kept
// for re-use. Recovery (recovery.h) says where writing goes on.
//
// Every error of every function here is final: the caller stops writing for good.
#ifndef GRASSDB_STORE_LOG_H_
#define GRASSDB_STORE_LOG_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "core/entry.h"
#include "store/file.h"
#include "store/home.h"
#include "store/payload.h"
#include "store/record.h"

namespace grassdb::store {

struct SealedSegment {
  SegmentNumber number;
  LogPosition previous;  // as in its header
};

// Where the live log stands.
struct LiveLog {
  SegmentNumber number;  // 0: there is none yet
  LogPosition previous;
  std::uint64_t end = 0;  // where the next record goes
  RecordSequence next_sequence = RecordSequence(1);
  std::uint32_t format = kLogFormat;
};

class Log {
 public:
  explicit Log(const Home& home) : home_(home) {}

  // Makes the first live log of a new data directory.
  absl::Status Create();
  // Goes on where recovery left off; the live log's file exists.
  absl::Status Resume(const LiveLog& live, std::deque<SealedSegment> sealed,
                      std::vector<SegmentNumber> free);
  // As Resume, for a live log that ends with a seal: finishes the rotation that a crash
  // interrupted.
  absl::Status ResumeSealed(const LiveLog& live, std::deque<SealedSegment> sealed,
                            std::vector<SegmentNumber> free, const LogState& state);

  // For a live log that is not worth keeping: makes the segment `number` anew, its header the
  // record `sequence`, and puts it in the live log's place.
  absl::Status ResumeAnew(SegmentNumber number, RecordSequence sequence,
                          std::deque<SealedSegment> sealed, std::vector<SegmentNumber> free,
                          const LogState& state);

  // The format that the next record is written in, if it needs `format_min` at least.
  std::uint32_t FormatFor(std::uint32_t format_min) const;
  // Makes the record durable: one gathered write and one sync, after a rotation if the live log has
  // no room or another format. `state` is that before the record. Finishes `record`. As long as
  // there is no free segment to re-use, now and then a share of a spare file is filled with zeros
  // and synced too.
  absl::Status Append(RecordBuilder& record, const LogState& state, std::uint32_t format);

  // The number that the next record gets, if no rotation comes before it.
  RecordSequence next_sequence() const { return live_.next_sequence; }
  SegmentNumber live_number() const { return live_.number; }

  // Gives up the oldest segments whose entries are all at or below `through`. The caller has made
  // durable what replaces them, and syncs the directory before the next Append.
  absl::Status Release(Index through);

  // The last entry before the oldest segment: what is not released begins behind it.
  Index released_through() const {
    return sealed_.empty() ? live_.previous.index : sealed_.front().previous.index;
  }

 private:
  bool Fits(std::size_t frame_bytes) const;
  // The rotation in its steps; store/FORMAT.md, "Rotation", has what a crash leaves after each.
  absl::Status Rotate(const LogState& state, std::size_t frame_bytes, std::uint32_t format);
  absl::Status PrepareNext(const LogState& state, RecordSequence sequence, std::size_t frame_bytes,
                           std::uint32_t format);
  absl::StatusOr<std::unique_ptr<File>> OpenNext(std::uint64_t capacity);
  absl::Status FillSpare(std::size_t appended);
  absl::Status WriteSeal(const LogState& state);
  absl::Status SealedToDirectory();
  absl::Status NextToLive(const LogState& state, RecordSequence sequence, std::uint32_t format);
  absl::Status OpenLive();
  absl::Status WriteRecord(RecordBuilder& record);

  Home home_;
  LiveLog live_;
  std::unique_ptr<File> file_;        // of the live log
  std::uint64_t capacity_ = 0;        // of the live log's file
  std::deque<SealedSegment> sealed_;  // ascending, without gaps, up to live_.number - 1
  std::vector<SegmentNumber> free_;
  // A file that is being filled with zeros ahead of its use; null if there is none.
  std::unique_ptr<File> spare_;
  std::uint64_t spare_filled_ = 0;
  std::uint64_t spare_owed_ = 0;  // appended to the log, but not yet matched by zeros
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_LOG_H_
