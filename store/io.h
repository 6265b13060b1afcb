// Whole-file helpers over Directory and File.
#ifndef GRASSDB_STORE_IO_H_
#define GRASSDB_STORE_IO_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/file.h"

namespace grassdb::store {

// The whole content of an existing file.
absl::StatusOr<std::string> ReadWholeFile(Directory& directory, const std::string& name);

// Reads exactly `out`. DataLoss if the file ends before: whoever asks knows that it was longer.
absl::Status ReadExactly(File& file, std::uint64_t offset, std::span<char> out);

// Overwrites [begin, end) with zeros.
absl::Status WriteZeros(File& file, std::uint64_t begin, std::uint64_t end);

absl::Status WriteOne(File& file, std::uint64_t offset, std::string_view bytes);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_IO_H_
