#include "store/io.h"

#include <algorithm>
#include <array>
#include <vector>

#include "store/text.h"

namespace grassdb::store {

absl::StatusOr<std::string> ReadWholeFile(Directory& directory, const std::string& name) {
  auto file = directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  const auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  std::string content(static_cast<std::size_t>(*size), '\0');
  const absl::Status status = ReadExactly(**file, 0, content);
  if (!status.ok()) return Annotate(status, "reading " + name + " in " + directory.path());
  return content;
}

absl::Status ReadExactly(File& file, std::uint64_t offset, std::span<char> out) {
  const auto read = file.ReadAt(offset, out);
  if (!read.ok()) return read.status();
  if (*read != out.size()) {
    return absl::DataLossError("the file ends at " + std::to_string(offset + *read) + ", before " +
                               std::to_string(offset + out.size()));
  }
  return absl::OkStatus();
}

absl::Status WriteZeros(File& file, std::uint64_t begin, std::uint64_t end) {
  // One write per megabyte: few calls, and no buffer of that size.
  static constexpr std::array<char, 65536> kZeros{};
  constexpr std::size_t kPartsMax = 16;
  while (begin < end) {
    std::vector<std::string_view> parts;
    std::uint64_t at = begin;
    while (at < end && parts.size() < kPartsMax) {
      const auto size = std::min<std::uint64_t>(kZeros.size(), end - at);
      parts.emplace_back(kZeros.data(), static_cast<std::size_t>(size));
      at += size;
    }
    if (absl::Status status = file.WriteAt(begin, parts); !status.ok()) return status;
    begin = at;
  }
  return absl::OkStatus();
}

absl::Status WriteOne(File& file, std::uint64_t offset, std::string_view bytes) {
  return file.WriteAt(offset, std::span(&bytes, 1));
}

}  // namespace grassdb::store
