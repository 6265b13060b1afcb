// Whole-file helpers over Directory and File.
#ifndef GRASSDB_STORE_IO_H_
#define GRASSDB_STORE_IO_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/file.h"

namespace grassdb::store {

// The most that any file of the log has; a Storage makes no larger one. What has more grew by
// mistake, and is not read into memory.
inline constexpr std::uint64_t kSegmentBytesMax = std::uint64_t{1} << 30;

// The whole content of an existing file of at most kSegmentBytesMax.
absl::StatusOr<std::string> ReadWholeFile(Directory& directory, const std::string& name);

// Bytes [begin, end) of a file.
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string reason{};  // why they cannot be read, as the system says it; else empty
};

// What a disk gives of a file.
struct LegibleContent {
  std::string bytes;                 // zeros where it gives nothing
  std::vector<ByteRange> illegible;  // sectors of which a read fails; ascending, apart
};

// Whether any of the bytes in `range` is.
bool IsIllegible(const std::vector<ByteRange>& illegible, const ByteRange& range);

// What is behind the bytes that such a file can have.
enum class Excess : std::uint8_t { kRefused, kLeftOut };

// The whole content of an existing file; a read that fails is no error. What opening the file
// reports still is one: it says nothing of the bytes. Of a file with more than `bytes_max`, which
// is what one of its kind can have: DataLoss, or only so many.
absl::StatusOr<LegibleContent> ReadLegible(Directory& directory, const std::string& name,
                                           std::uint64_t bytes_max,
                                           Excess excess = Excess::kRefused);
// Reads [begin, end) of what was read so once more, from the disk itself; widened to whole sectors,
// and as far as the content goes. True if other bytes have come, or some that had not before.
absl::StatusOr<bool> ReadLegibleAgain(Directory& directory, const std::string& name,
                                      std::uint64_t begin, std::uint64_t end,
                                      LegibleContent& content);

// Fills `out` from `offset` on; zeros where a read fails, which is told.
std::vector<ByteRange> ReadWhatIsLegible(File& file, std::uint64_t offset, std::span<char> out);

// In words, for messages: "the disk does not give these 512 bytes", and the reason if it is known.
std::string IllegibleText(const ByteRange& range);
// The same behind "; " of the first of them; empty if there is none.
std::string IllegibleNote(const std::vector<ByteRange>& illegible);

// Reads exactly `out`. DataLoss if the file ends before: whoever asks knows that it was longer.
absl::Status ReadExactly(File& file, std::uint64_t offset, std::span<char> out);

// Overwrites [begin, end) with zeros.
absl::Status WriteZeros(File& file, std::uint64_t begin, std::uint64_t end);

// A file that shall go and is gone already is gone. The caller syncs the directory.
absl::Status RemoveIfThere(Directory& directory, const std::string& name);

absl::Status WriteOne(File& file, std::uint64_t offset, std::string_view bytes);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_IO_H_
