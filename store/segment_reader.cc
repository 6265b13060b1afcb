#include "store/segment_reader.h"

#include <algorithm>
#include <utility>

#include "core/probe.h"
#include "store/text.h"

namespace grassdb::store {

std::string SegmentReader::Name(const LogFiles& files) const {
  return number_ == files.live ? home_.names.Live() : home_.names.Sealed(number_);
}

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

absl::Status SegmentReader::Fill(std::uint64_t bytes) {
  buffer_.resize(bytes);
  if (at_damage_ == AtDamage::kStop) return ReadExactly(*file_, offset_, buffer_);
  illegible_ = ReadWhatIsLegible(*file_, offset_, buffer_);
  return absl::OkStatus();
}

absl::StatusOr<SegmentReader::Piece> SegmentReader::Read(const LogFiles& files,
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
  if (absl::Status s = Open(Name(files)); !s.ok()) return s;
  const auto size = file_->Size();
  if (!size.ok()) return size.status();
  const std::uint64_t end = number_ == files.live ? std::min(files.live_end, *size) : *size;
  if (offset_ + kRecordHeaderBytes > end) return Piece{.bytes = 0, .at_end = true};
  if (absl::Status s = Fill(std::min(std::max(bytes_max, kSearchedMin), end - offset_)); !s.ok()) {
    return s;
  }
  const Salt salt = SegmentSalt(home_.identity, number_);
  std::string_view left = buffer_;
  for (; left.size() >= kRecordHeaderBytes; left.remove_prefix(kRecordAlignment)) {
    const std::uint64_t at = offset_ + (buffer_.size() - left.size());
    const RecordClaim claim = ReadRecordClaim(left);
    if (claim.salt != salt || claim.frame_bytes > end - at) continue;
    if (sequence_.has_value() && claim.sequence < *sequence_) continue;
    if (!IsValid(at, claim.frame_bytes, salt)) continue;
    sequence_ = claim.sequence;
    searches_ = false;
    break;
  }
  const std::uint64_t passed = buffer_.size() - left.size();
  offset_ += passed;
  const bool at_end = searches_ && offset_ + kRecordHeaderBytes > end;
  return Piece{.bytes = buffer_.size(), .at_end = at_end};
}

bool SegmentReader::IsValid(std::uint64_t offset, std::uint64_t frame_bytes, Salt salt) {
  std::string problem;
  const std::string_view here = std::string_view(buffer_).substr(offset - offset_);
  if (frame_bytes <= here.size()) return ParseRecord(here, salt, &problem).has_value();
  std::string frame(frame_bytes, '\0');
  return ReadExactly(*file_, offset, frame).ok() && ParseRecord(frame, salt, &problem).has_value();
}

absl::StatusOr<SegmentReader::Piece> SegmentReader::ReadWhole(const LogFiles& files,
                                                              std::uint64_t bytes_max,
                                                              const Visit& visit) {
  const bool live = number_ == files.live;
  const std::string name = Name(files);
  if (absl::Status s = Open(name); !s.ok()) return s;
  const auto size = file_->Size();
  if (!size.ok()) return size.status();
  const std::uint64_t end = live ? std::min(files.live_end, *size) : *size;
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
  return Piece{.bytes = bytes, .at_end = live && !cut && offset_ >= end};
}

}  // namespace grassdb::store
