// Reading one segment: which of its records are valid, and what of it is damaged.
//
//   sealed segment   every record is valid up to its seal, or it is damaged.
//   live log         records are written one at a time, each synced before the next. So a crash can
//                    tear only the last one: an invalid record with a later valid one behind it was
//                    durable once and is damaged; with none behind it, it is a torn tail, unless
//                    the mark says that it was durable (mark.h).
//
// A disk may also give wrong bytes once, and the right ones the next time. So what is no valid
// record is read once more before anything is concluded from it: where a log ends, it goes on by
// overwriting what is there.
//
// Reading goes on behind damage, at the next valid record; Replay is told what is missing.
#ifndef GRASSDB_STORE_SEGMENT_SCAN_H_
#define GRASSDB_STORE_SEGMENT_SCAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/disk.h"
#include "store/io.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/replay.h"

namespace grassdb::store {

enum class SegmentRole : std::uint8_t { kSealed, kLive };

// A segment's file, read into memory by the caller.
struct SegmentFile : LegibleContent {
  std::string path;  // of the directory, for messages
  std::string name;
  SegmentRole role = SegmentRole::kSealed;
};

// As far as the disk gives it; of a longer one the first `bytes_max`. DataLoss for one that is
// longer than any segment, if as much was asked for.
absl::StatusOr<SegmentFile> ReadSegmentFile(Directory& directory, std::string name,
                                            SegmentRole role,
                                            std::uint64_t bytes_max = kSegmentBytesMax);

// More than any segment header takes.
inline constexpr std::uint64_t kHeaderReadBytes = 4096;

struct SegmentScan {
  // What the log before the segment ended with.
  LogPosition previous;
  std::uint64_t last_record = 0;  // where the last valid record begins
  std::uint64_t end = 0;          // where it ends; 0: there is none
  RecordSequence next_sequence;   // 0: nothing is known of the segment's place
  bool sealed = false;            // the last valid record is a seal
  std::uint32_t format = kLogFormat;
  bool has_header = false;
};

// The beginning of what is said of a place that holds no such record.
std::string Expected(RecordSequence sequence);

// The header of a segment of this data directory. DataLoss if there is none, FailedPrecondition if
// a newer version wrote it.
absl::StatusOr<SegmentHeader> ReadSegmentHeader(const SegmentFile& file, const Identity& identity,
                                                RecordView* record);

// Whether the file begins with a whole header all the same: of another program, or directory.
bool HoldsOtherHeader(const SegmentFile& file);

// The newest segment of this data directory, `first` or a later one, of which the file holds a
// record that is no header and newer than `above`; nullopt if there is none. For where the header
// is damaged, or may be another segment's.
std::optional<SegmentNumber> NewestSegmentIn(const SegmentFile& file, const Identity& identity,
                                             SegmentNumber first, RecordSequence above);

// Whether the file holds a record of the segment `number` of this data directory: its header in its
// place, or one that is no header behind that.
bool HoldsRecordOf(const SegmentFile& file, const Identity& identity, SegmentNumber number);

// Reads the whole of segment `number` and applies its records to `replay`. What is invalid in
// `file` is read again from `directory`. `sequence` is what the header's record must have, if
// known. Damaged places are added to `places`. DataLoss for damage that leaves a contradiction.
absl::StatusOr<SegmentScan> ScanSegment(Directory& directory, SegmentFile& file,
                                        const Identity& identity, SegmentNumber number,
                                        std::optional<RecordSequence> sequence, Replay& replay,
                                        std::vector<std::string>& places);

// Whether a live log holds nothing but the header of a first segment.
bool IsUnusedLog(const SegmentFile& file);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_SEGMENT_SCAN_H_
