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

// The whole content of an existing file.
absl::StatusOr<std::string> ReadWholeFile(Directory& directory, const std::string& name);

// Bytes [begin, end) of a file.
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// What a disk gives of a file.
struct LegibleContent {
  std::string bytes;                 // zeros where it gives nothing
  std::vector<ByteRange> illegible;  // sectors of which a read fails; ascending, apart
};

// Whether any of the bytes in `range` is.
bool IsIllegible(const std::vector<ByteRange>& illegible, const ByteRange& range);

// As ReadWholeFile, but a read that fails is no error. What opening the file reports still is one:
// it says nothing of the bytes.
// Of a longer file only the first `bytes_max`.
absl::StatusOr<LegibleContent> ReadLegible(Directory& directory, const std::string& name,
                                           std::uint64_t bytes_max = UINT64_MAX);
// Reads [begin, end) of what was read so once more, from the disk itself; widened to whole sectors,
// and as far as the content goes. True if other bytes have come, or some that had not before.
absl::StatusOr<bool> ReadLegibleAgain(Directory& directory, const std::string& name,
                                      std::uint64_t begin, std::uint64_t end,
                                      LegibleContent& content);

// In words, for messages: "the disk does not give these 512 bytes".
std::string IllegibleText(const ByteRange& range);

// Reads exactly `out`. DataLoss if the file ends before: whoever asks knows that it was longer.
absl::Status ReadExactly(File& file, std::uint64_t offset, std::span<char> out);

// Overwrites [begin, end) with zeros.
absl::Status WriteZeros(File& file, std::uint64_t begin, std::uint64_t end);

absl::Status WriteOne(File& file, std::uint64_t offset, std::string_view bytes);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_IO_H_
