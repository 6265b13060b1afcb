#include "store/scrub.h"

#include <algorithm>
#include <utility>

#include "core/codec.h"
#include "store/io.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

// Of the record whose header this is, with header and padding; what its length says, true or not.
std::uint64_t FrameBytesOf(std::string_view header) {
  Decoder decoder(header);
  decoder.Take<std::uint64_t>();  // checksum
  const std::uint64_t length = decoder.Take<std::uint32_t>();
  return kRecordHeaderBytes + (length + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

}  // namespace

Scrubber::Piece Scrubber::Read(const ScrubTargets& targets, std::uint64_t bytes_max) {
  Piece piece;
  if (place_ == Place::kSnapshot) {
    if (targets.snapshot.has_value()) {
      ReadSnapshot(*targets.snapshot, bytes_max, piece);
      return piece;
    }
    place_ = Place::kSealed;
    segment_ = SegmentNumber();
  }
  const auto at = std::ranges::lower_bound(targets.sealed, segment_);
  const bool sealed = at != targets.sealed.end();
  const SegmentNumber segment = sealed ? *at : targets.live;
  if (segment != segment_) Close();
  segment_ = segment;
  place_ = sealed ? Place::kSealed : Place::kLive;
  end_ = sealed ? UINT64_MAX : targets.live_end;
  piece.place = place_;
  piece.segment = segment;
  ReadSegment(sealed ? home_.names.Sealed(segment) : home_.names.Live(), bytes_max, piece);
  return piece;
}

void Scrubber::ReadSnapshot(Index index, std::uint64_t bytes_max, Piece& piece) {
  piece.place = Place::kSnapshot;
  if (index_ != index) Close();
  if (reader_ == nullptr) {
    auto reader = SnapshotReader::Open(home_, home_.names.Snapshot(index));
    if (reader.ok()) (*reader)->Evict();
    piece.status = reader.status();
    if (reader.ok()) reader_ = std::move(*reader);
    index_ = index;
    offset_ = 0;
  }
  if (reader_ != nullptr && offset_ < reader_->stream_bytes()) {
    const auto data = reader_->Read(offset_, static_cast<std::uint32_t>(bytes_max));
    piece.status = data.status();
    piece.bytes = data.ok() ? data->size() : 0;
    offset_ += piece.bytes;
  }
  if (piece.status.ok() && offset_ < reader_->stream_bytes()) return;
  Close();
  place_ = Place::kSealed;
  segment_ = SegmentNumber();
}

void Scrubber::ReadSegment(const std::string& name, std::uint64_t bytes_max, Piece& piece) {
  absl::StatusOr<bool> more = ReadRecords(name, bytes_max, piece);
  piece.status = more.status();
  if (more.ok() && *more) return;
  Close();
  if (place_ == Place::kLive) {
    place_ = Place::kSnapshot;
    piece.pass_done = true;
  } else {
    segment_ = segment_ + 1;
  }
}

absl::Status Scrubber::OpenSegment(const std::string& name) {
  if (file_ != nullptr) return absl::OkStatus();
  auto file = home_.directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  (*file)->Evict();
  file_ = std::move(*file);
  offset_ = 0;
  sequence_.reset();
  return absl::OkStatus();
}

// False: the file has been read to its end.
absl::StatusOr<bool> Scrubber::ReadRecords(const std::string& name, std::uint64_t bytes_max,
                                           Piece& piece) {
  if (absl::Status s = OpenSegment(name); !s.ok()) return s;
  const auto size = file_->Size();
  if (!size.ok()) return size.status();
  const std::uint64_t end = std::min(end_, *size);
  const Salt salt = SegmentSalt(home_.identity, segment_);
  const auto damaged = [&](const std::string& problem) {
    return Damaged(home_.directory.path(), name, offset_, problem);
  };
  if (offset_ + kRecordHeaderBytes > end) {
    if (place_ == Place::kLive && offset_ >= end) return false;
    return damaged("the segment has no end");
  }
  buffer_.resize(std::min(std::max<std::uint64_t>(bytes_max, kRecordHeaderBytes), end - offset_));
  if (absl::Status s = ReadExactly(*file_, offset_, buffer_); !s.ok()) return s;
  const std::uint64_t frame = FrameBytesOf(std::string_view(buffer_).substr(0, kRecordHeaderBytes));
  if (frame > end - offset_) return damaged("a record's length reaches beyond the end");
  if (frame > buffer_.size()) {
    buffer_.resize(frame);
    if (absl::Status s = ReadExactly(*file_, offset_, buffer_); !s.ok()) return s;
  }
  piece.bytes = buffer_.size();
  std::string_view left = buffer_;
  while (left.size() >= kRecordHeaderBytes && FrameBytesOf(left) <= left.size()) {
    std::string problem;
    const auto record = ParseRecord(left, salt, &problem);
    if (!record.has_value()) return damaged(problem);
    if (sequence_.has_value() && record->sequence != *sequence_) {
      return damaged("a record of another place stands here");
    }
    sequence_ = record->sequence + 1;
    offset_ += record->frame_bytes;
    left.remove_prefix(record->frame_bytes);
    if (record->type == RecordType::kSeal) return false;
  }
  return place_ == Place::kSealed || offset_ < end;
}

void Scrubber::Close() {
  file_.reset();
  reader_.reset();
  index_.reset();
}

}  // namespace grassdb::store
