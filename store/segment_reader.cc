#include "store/segment_reader.h"

#include <algorithm>
#include <utility>

#include "store/io.h"
#include "store/text.h"

namespace grassdb::store {
// A live log is sealed under another name, and the bytes go on with it; so the place in it stays.
absl::Status SegmentReader::Open(const std::string& name) {
  if (file_ != nullptr && name == name_) return absl::OkStatus();
  auto file = home_.directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  if (caching_ == Caching::kEvicted) (*file)->Evict();
  file_ = std::move(*file);
  name_ = name;
  return absl::OkStatus();
}

absl::StatusOr<SegmentReader::Piece> SegmentReader::Read(const LogFiles& files,
                                                         std::uint64_t bytes_max,
                                                         const Visit& visit) {
  const bool live = number_ == files.live;
  const std::string name = live ? home_.names.Live() : home_.names.Sealed(number_);
  if (absl::Status s = Open(name); !s.ok()) return s;
  const auto size = file_->Size();
  if (!size.ok()) return size.status();
  const std::uint64_t end = live ? files.live_end : *size;
  const Salt salt = SegmentSalt(home_.identity, number_);
  const auto damaged = [&](const std::string& problem) {
    return Damaged(home_.directory.path(), name, offset_, problem);
  };
  if (live && *size < files.live_end) {
    return damaged("the file ends at " + std::to_string(*size) +
                   ", and records were written up to " + std::to_string(files.live_end));
  }
  if (live && offset_ >= end) return Piece{.bytes = 0, .at_end = true};
  if (offset_ + kRecordHeaderBytes > end) return damaged("the segment has no end");
  buffer_.resize(std::min(std::max<std::uint64_t>(bytes_max, kRecordHeaderBytes), end - offset_));
  if (absl::Status s = ReadExactly(*file_, offset_, buffer_); !s.ok()) return s;
  const std::uint64_t frame = ReadRecordClaim(buffer_).frame_bytes;
  if (frame > std::min(end - offset_, kSegmentBytesMax)) {
    return damaged("a record's length reaches beyond the end");
  }
  if (frame > buffer_.size()) {
    buffer_.resize(frame);
    if (absl::Status s = ReadExactly(*file_, offset_, buffer_); !s.ok()) return s;
  }
  const std::uint64_t bytes = buffer_.size();
  std::string_view left = buffer_;
  while (left.size() >= kRecordHeaderBytes && ReadRecordClaim(left).frame_bytes <= left.size()) {
    std::string problem;
    const auto record = ParseRecord(left, salt, &problem);
    if (!record.has_value()) return damaged(problem);
    if (sequence_.has_value() && record->sequence != *sequence_) {
      return damaged("a record of another place stands here");
    }
    sequence_ = record->sequence + 1;
    offset_ += record->frame_bytes;
    left.remove_prefix(record->frame_bytes);
    const Next next = visit(*record);
    if (record->type == RecordType::kSeal) return Piece{.bytes = bytes, .at_end = true};
    if (next == Next::kStop) break;
  }
  return Piece{.bytes = bytes, .at_end = live && offset_ >= end};
}

}  // namespace grassdb::store
