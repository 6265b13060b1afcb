#include "store/segment_reader.h"

#include <algorithm>
#include <utility>

#include "core/probe.h"
#include "store/payload.h"
#include "store/text.h"

namespace grassdb::store {

std::string SegmentReader::Name(const LogFiles& files) const {
  return number_ == files.live ? home_.names.Live() : home_.names.Sealed(number_);
}

// A live log is sealed under another name, and the bytes go on with it; so the place in it stays.
absl::StatusOr<std::uint64_t> SegmentReader::OpenAndMeasure(const std::string& name) {
  if (file_ == nullptr || name != name_) {
    auto file = home_.directory.Open(name, OpenMode::kExisting);
    if (!file.ok()) return file.status();
    if (caching_ == Caching::kEvicted) (*file)->Evict();
    file_ = std::move(*file);
    name_ = name;
  }
  return file_->Size();
}

std::uint64_t SegmentReader::EndOf(const LogFiles& files, std::uint64_t size) const {
  return number_ == files.live ? std::min(files.live_end, size) : size;
}

absl::Status SegmentReader::Fill(std::uint64_t bytes) {
  buffer_.resize(bytes);
  if (at_damage_ == AtDamage::kStop) return ReadExactly(*file_, offset_, buffer_);
  illegible_ = ReadWhatIsLegible(*file_, offset_, buffer_);
  return absl::OkStatus();
}

absl::StatusOr<SegmentReader::Piece> SegmentReader::Read(const LogFiles& files,
                                                         std::uint64_t bytes_max,
                                                         const Visit& visit) {
  auto piece = ReadOrSearch(files, bytes_max, visit);
  // A megabyte; the next piece may come after hours, or never. An assignment would keep the memory.
  std::string().swap(buffer_);
  return piece;
}

absl::StatusOr<SegmentReader::Piece> SegmentReader::ReadOrSearch(const LogFiles& files,
                                                                 std::uint64_t bytes_max,
                                                                 const Visit& visit) {
  if (searches_) return Search(files, bytes_max);
  auto piece = ReadWhole(files, bytes_max, visit);
  if (piece.ok() || at_damage_ == AtDamage::kStop) return piece;
  if (absl::IsNotFound(piece.status())) {
    const auto missing = Damaged(home_.directory.path(), Name(files), 0, "the file is missing");
    return Piece{.bytes = 0, .at_end = true, .damage = missing};
  }
  if (!absl::IsDataLoss(piece.status())) return piece;
  GRASS_PROBE("segment: read on behind damage");
  searches_ = true;
  auto found = Search(files, bytes_max);
  if (found.ok()) found->damage = piece.status();
  return found;
}

// Whatever has this segment's salt was written to it. Older records than the one that is expected
// stand elsewhere, or are what a disk has put here of another place.
absl::StatusOr<SegmentReader::Piece> SegmentReader::Search(const LogFiles& files,
                                                           std::uint64_t bytes_max) {
  constexpr std::uint64_t kSearchedMin = 4096;
  const auto size = OpenAndMeasure(Name(files));
  if (!size.ok()) return size.status();
  const std::uint64_t end = EndOf(files, *size);
  if (offset_ + kRecordHeaderBytes > end) return Piece{.bytes = 0, .at_end = true};
  if (absl::Status s = Fill(std::min(std::max(bytes_max, kSearchedMin), end - offset_)); !s.ok()) {
    return s;
  }
  const std::uint64_t bytes = buffer_.size();
  const Salt salt = SegmentSalt(home_.identity, number_);
  const RecordSequence above(sequence_.has_value() ? sequence_->value() - 1 : 0);
  // As a start does: where the header should be no other record counts.
  const std::size_t from = offset_ == 0 ? HeaderFrameBytes(1) : 0;
  const auto found = FindRecordAbove(buffer_, from, salt, above, [&](std::size_t at) {
    return IsValid(at, end - offset_ - at, salt);
  });
  if (found.has_value()) {
    sequence_ = ReadRecordClaim(std::string_view(buffer_).substr(*found)).sequence;
    searches_ = false;
    offset_ += *found;
    return Piece{.bytes = bytes, .at_end = false};
  }
  // What is left has no room for a header.
  offset_ += (bytes - kRecordHeaderBytes) / kRecordAlignment * kRecordAlignment + kRecordAlignment;
  return Piece{.bytes = bytes, .at_end = offset_ + kRecordHeaderBytes > end};
}

bool SegmentReader::IsValid(std::size_t at, std::uint64_t bytes_max, Salt salt) const {
  std::string problem;
  const std::string_view here = std::string_view(buffer_).substr(at);
  const std::uint64_t frame_bytes = ReadRecordClaim(here).frame_bytes;
  if (frame_bytes > bytes_max) return false;
  if (frame_bytes <= here.size()) return ParseRecord(here, salt, &problem).has_value();
  std::string frame(frame_bytes, '\0');
  return ReadExactly(*file_, offset_ + at, frame).ok() &&
         ParseRecord(frame, salt, &problem).has_value();
}

absl::StatusOr<SegmentReader::Piece> SegmentReader::ReadWhole(const LogFiles& files,
                                                              std::uint64_t bytes_max,
                                                              const Visit& visit) {
  const bool live = number_ == files.live;
  const std::string name = Name(files);
  const auto size = OpenAndMeasure(name);
  if (!size.ok()) return size.status();
  const std::uint64_t end = EndOf(files, *size);
  const Salt salt = SegmentSalt(home_.identity, number_);
  const auto damaged = [&](const std::string& problem) {
    return Damaged(home_.directory.path(), name, offset_, problem);
  };
  const bool cut = live && *size < files.live_end;
  if (cut && (at_damage_ == AtDamage::kStop || offset_ + kRecordHeaderBytes > end)) {
    return damaged("the file ends at " + std::to_string(*size) +
                   ", and records were written up to " + std::to_string(files.live_end));
  }
  if (live && offset_ >= end) return Piece{.bytes = 0, .at_end = true};
  if (offset_ + kRecordHeaderBytes > end) return damaged("the segment has no end");
  const std::uint64_t share = std::max<std::uint64_t>(bytes_max, kRecordHeaderBytes);
  if (absl::Status s = Fill(std::min(share, end - offset_)); !s.ok()) return s;
  const std::uint64_t frame = ReadRecordClaim(buffer_).frame_bytes;
  if (frame > std::min(end - offset_, kSegmentBytesMax)) {
    return damaged("a record's length reaches beyond the end");
  }
  if (frame > buffer_.size()) {
    if (absl::Status s = Fill(frame); !s.ok()) return s;
  }
  const std::uint64_t bytes = buffer_.size();
  std::string_view left = buffer_;
  while (left.size() >= kRecordHeaderBytes && ReadRecordClaim(left).frame_bytes <= left.size()) {
    std::string problem;
    const auto record = ParseRecord(left, salt, &problem);
    if (!record.has_value()) {
      const std::uint64_t frame_end = offset_ + ReadRecordClaim(left).frame_bytes;
      const bool illegible = IsIllegible(illegible_, {offset_, frame_end});
      return damaged(illegible ? IllegibleText(illegible_.front()) : problem);
    }
    const bool is_header = record->type == RecordType::kSegmentHeader;
    if ((sequence_.has_value() && record->sequence != *sequence_) || (offset_ == 0 && !is_header)) {
      return damaged("a record of another place stands here");
    }
    sequence_ = record->sequence + 1;
    offset_ += record->frame_bytes;
    left.remove_prefix(record->frame_bytes);
    const Next next = visit(*record);
    if (record->type == RecordType::kSeal) return Piece{.bytes = bytes, .at_end = true};
    if (next == Next::kStop) break;
  }
  return Piece{.bytes = bytes, .at_end = live && !cut && offset_ >= end};
}

}  // namespace grassdb::store
