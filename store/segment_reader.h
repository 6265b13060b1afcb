// Reads the records of one segment front to back, a bounded piece of its file at a time. For files
// that are whole as far as anybody knows: what is not the next valid record is damage. Reading ends
// there, or goes on with the next valid one, as at a start (segment_scan.h).
//
// Not thread-safe; the owner writes nothing meanwhile.
#ifndef GRASSDB_STORE_SEGMENT_READER_H_
#define GRASSDB_STORE_SEGMENT_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/file.h"
#include "store/home.h"
#include "store/io.h"
#include "store/record.h"

namespace grassdb::store {

// The segments there are, as of now.
struct LogFiles {
  struct Sealed {
    SegmentNumber number;
    Index previous;  // where the log ended when the segment began
  };
  std::vector<Sealed> sealed;  // ascending, without gaps, up to live - 1
  SegmentNumber live;
  Index live_previous;
  std::uint64_t live_end = 0;
};

class SegmentReader {
 public:
  enum class Caching : std::uint8_t {
    kUsed,     // what the machine holds of the file is as good as the file
    kEvicted,  // the disk itself is to be read
  };
  enum class AtDamage : std::uint8_t { kStop, kGoOn };
  enum class Next : std::uint8_t {
    kGoOn,
    kStop,  // the piece ends behind this record
  };
  // Sees each record in turn; the views are valid only meanwhile.
  using Visit = std::function<Next(const RecordView&)>;

  // Begins at the front of the segment `number`, which is the live one, with records up to
  // `live_end`, or a sealed one.
  SegmentReader(const Home& home, SegmentNumber number, Caching caching, AtDamage at_damage)
      : home_(home), number_(number), caching_(caching), at_damage_(at_damage) {}

  SegmentNumber number() const { return number_; }

  struct Piece {
    std::uint64_t bytes = 0;  // read
    bool at_end = false;      // of the segment; of the live one, of what is written
    absl::Status damage{};    // DataLoss, with file and offset: what is passed over (kGoOn)
  };
  // Reads about `bytes_max` more, or one record if that is larger. `files` says whether the segment
  // is the live one by now. Who stops at damage gets DataLoss, with file and offset, and NotFound
  // for a segment that is gone; who goes on gets neither of them.
  absl::StatusOr<Piece> Read(const LogFiles& files, std::uint64_t bytes_max, const Visit& visit);
  // The file is opened anew for the next piece: it may have got another name.
  void Close() { file_.reset(); }

 private:
  std::string Name(const LogFiles& files) const;
  // The file's size.
  absl::StatusOr<std::uint64_t> OpenAndMeasure(const std::string& name);
  // Where records may stand at most, in a file of `size`.
  std::uint64_t EndOf(const LogFiles& files, std::uint64_t size) const;
  absl::StatusOr<Piece> ReadOrSearch(const LogFiles& files, std::uint64_t bytes_max,
                                     const Visit& visit);
  // Reads `bytes` at `offset_` into buffer_; who goes on behind damage gets zeros for what the disk
  // does not give.
  absl::Status Fill(std::uint64_t bytes);
  // Up to damage.
  absl::StatusOr<Piece> ReadWhole(const LogFiles& files, std::uint64_t bytes_max,
                                  const Visit& visit);
  // Looks for the next valid record from `offset_` on.
  absl::StatusOr<Piece> Search(const LogFiles& files, std::uint64_t bytes_max);
  // Whether a record of no more than `bytes_max` stands at `at` in buffer_, or begins there.
  bool IsValid(std::size_t at, std::uint64_t bytes_max, Salt salt) const;

  Home home_;
  SegmentNumber number_;
  Caching caching_;
  AtDamage at_damage_;
  bool searches_ = false;  // what stands at `offset_` is damaged
  std::uint64_t offset_ = 0;
  std::optional<RecordSequence> sequence_;  // of the record at `offset_`, if one before it was read
  std::unique_ptr<File> file_;
  std::string name_;                  // of file_
  std::string buffer_;                // of the piece that is being read; then empty
  std::vector<ByteRange> illegible_;  // of buffer_
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_SEGMENT_READER_H_
