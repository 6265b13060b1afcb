#include "store/io.h"

#include <algorithm>
#include <array>
#include <vector>

#include "store/text.h"

namespace grassdb::store {
namespace {

// What a disk gives in one piece or not at all. Many read 4096 bytes at a time; finer does no harm.
constexpr std::size_t kSectorBytes = 512;

// The size of the file, of which all is to be read into memory.
absl::StatusOr<std::size_t> BoundedSize(const Directory& directory, const std::string& name,
                                        File& file, std::uint64_t bytes_max, Excess excess) {
  const auto size = file.Size();
  if (!size.ok()) return size.status();
  if (*size <= bytes_max) return static_cast<std::size_t>(*size);
  if (excess == Excess::kLeftOut) return static_cast<std::size_t>(bytes_max);
  const std::string bound = std::to_string(bytes_max);
  return Damaged(directory.path(), name, bytes_max,
                 "the file has " + std::to_string(*size) + " bytes, and one of its kind has " +
                     bound + " at most; what is behind them is not this node's, and `truncate -s " +
                     bound + "` takes it away");
}

}  // namespace

std::vector<ByteRange> ReadWhatIsLegible(File& file, std::uint64_t offset, std::span<char> out) {
  // So that one bad sector does not cost a read of each of the others.
  constexpr std::size_t kShareBytes = std::size_t{1} << 20;
  std::vector<ByteRange> illegible;
  for (std::size_t begin = 0; begin < out.size(); begin += kShareBytes) {
    const auto share = out.subspan(begin, std::min(kShareBytes, out.size() - begin));
    if (ReadExactly(file, offset + begin, share).ok()) continue;
    for (std::size_t at = 0, bytes = 0; at < share.size(); at += bytes) {
      const std::uint64_t place = offset + begin + at;
      bytes = std::min<std::size_t>(kSectorBytes - place % kSectorBytes, share.size() - at);
      const auto sector = share.subspan(at, bytes);
      const absl::Status status = ReadExactly(file, place, sector);
      if (status.ok()) continue;
      std::ranges::fill(sector, '\0');
      if (illegible.empty() || illegible.back().end != place) {
        illegible.push_back({place, 0, std::string(status.message())});
      }
      illegible.back().end = place + sector.size();
    }
  }
  return illegible;
}

absl::StatusOr<std::string> ReadWholeFile(Directory& directory, const std::string& name) {
  auto file = directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  const auto size = BoundedSize(directory, name, **file, kSegmentBytesMax, Excess::kRefused);
  if (!size.ok()) return size.status();
  std::string content(*size, '\0');
  const absl::Status status = ReadExactly(**file, 0, content);
  if (!status.ok()) return Annotate(status, "reading " + name + " in " + directory.path());
  return content;
}

bool IsIllegible(const std::vector<ByteRange>& illegible, const ByteRange& range) {
  return std::ranges::any_of(illegible, [&range](const ByteRange& each) {
    return each.begin < range.end && range.begin < each.end;
  });
}

absl::StatusOr<LegibleContent> ReadLegible(Directory& directory, const std::string& name,
                                           std::uint64_t bytes_max, Excess excess) {
  auto file = directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  const auto size = BoundedSize(directory, name, **file, bytes_max, excess);
  if (!size.ok()) return size.status();
  LegibleContent content;
  content.bytes.resize(*size, '\0');
  content.illegible = ReadWhatIsLegible(**file, 0, content.bytes);
  return content;
}

absl::StatusOr<bool> ReadLegibleAgain(Directory& directory, const std::string& name,
                                      std::uint64_t begin, std::uint64_t end,
                                      LegibleContent& content) {
  begin = begin / kSectorBytes * kSectorBytes;
  end = (end + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
  end = std::min<std::uint64_t>(end, content.bytes.size());
  if (begin >= end) return false;
  auto file = directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  (*file)->Evict();
  std::string bytes(static_cast<std::size_t>(end - begin), '\0');
  std::vector<ByteRange> illegible;
  for (const ByteRange& range : content.illegible) {
    if (range.begin < begin) {
      illegible.push_back({range.begin, std::min(range.end, begin), range.reason});
    }
  }
  const bool was_legible = !IsIllegible(content.illegible, ByteRange{.begin = begin, .end = end});
  const std::vector<ByteRange> again = ReadWhatIsLegible(**file, begin, bytes);
  // What was legible and is not any more stays as it was read.
  if (was_legible && !again.empty()) return false;
  illegible.insert(illegible.end(), again.begin(), again.end());
  for (const ByteRange& range : content.illegible) {
    if (range.end > end) {
      illegible.push_back({std::max(range.begin, end), range.end, range.reason});
    }
  }
  const std::string_view before =
      std::string_view(content.bytes).substr(static_cast<std::size_t>(begin), bytes.size());
  const bool differs = before != bytes;
  content.bytes.replace(static_cast<std::size_t>(begin), bytes.size(), bytes);
  content.illegible = std::move(illegible);
  return differs;
}

std::string IllegibleText(const ByteRange& range) {
  return "the disk does not give these " + std::to_string(range.end - range.begin) + " bytes" +
         (range.reason.empty() ? "" : " (" + range.reason + ")");
}

std::string IllegibleNote(const std::vector<ByteRange>& illegible) {
  return illegible.empty() ? "" : "; " + IllegibleText(illegible.front());
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

absl::Status RemoveIfThere(Directory& directory, const std::string& name) {
  const absl::Status status = directory.Remove(name);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status WriteOne(File& file, std::uint64_t offset, std::string_view bytes) {
  return file.WriteAt(offset, std::span(&bytes, 1));
}

}  // namespace grassdb::store
