// Reads the records of one segment front to back, a bounded piece of its file at a time. For files
// that are whole as far as anybody knows: what is not the next valid record is damage, and reading
// ends there (segment_scan.h goes on behind it).
//
// Not thread-safe; the owner writes nothing meanwhile.
#ifndef GRASSDB_STORE_SEGMENT_READER_H_
#define GRASSDB_STORE_SEGMENT_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "store/file.h"
#include "store/home.h"
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
  enum class Next : std::uint8_t {
    kGoOn,
    kStop,  // the piece ends behind this record
  };
  // Sees each record in turn; the views are valid only meanwhile.
  using Visit = std::function<Next(const RecordView&)>;

  // Begins at the front of the segment `number`, which is the live one, with records up to
  // `live_end`, or a sealed one.
  SegmentReader(const Home& home, SegmentNumber number, Caching caching)
      : home_(home), number_(number), caching_(caching) {}

  SegmentNumber number() const { return number_; }

  struct Piece {
    std::uint64_t bytes = 0;  // read
    bool at_end = false;      // of the segment; of the live one, of what is written
  };
  // Reads about `bytes_max` more, or one record if that is larger. `files` says whether the segment
  // is the live one by now. NotFound: the segment is gone. DataLoss: damaged, with file and offset.
  absl::StatusOr<Piece> Read(const LogFiles& files, std::uint64_t bytes_max, const Visit& visit);
  // The file is opened anew for the next piece: it may have got another name.
  void Close() { file_.reset(); }

 private:
  absl::Status Open(const std::string& name);

  Home home_;
  SegmentNumber number_;
  Caching caching_;
  std::uint64_t offset_ = 0;
  std::optional<RecordSequence> sequence_;  // of the record at `offset_`, if one before it was read
  std::unique_ptr<File> file_;
  std::string name_;  // of file_
  std::string buffer_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_SEGMENT_READER_H_
