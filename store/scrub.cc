#include "store/scrub.h"

#include <algorithm>
#include <utility>

#include "store/identity.h"

namespace grassdb::store {

Scrubber::Piece Scrubber::Read(std::optional<Index> snapshot, const LogFiles& files,
                               std::uint64_t bytes_max) {
  Piece piece;
  if (place_ == Place::kIdentity) {
    // Of a few bytes, which count for nothing.
    piece.status = CheckWrittenIdentity(home_.directory, home_.names, home_.identity);
    place_ = Place::kSnapshot;
    return piece;
  }
  if (place_ == Place::kSnapshot) {
    if (snapshot.has_value()) {
      ReadSnapshot(*snapshot, bytes_max, piece);
      return piece;
    }
    place_ = Place::kSealed;
    segment_ = SegmentNumber();
  }
  const auto at = std::ranges::lower_bound(files.sealed, segment_, {}, &LogFiles::Sealed::number);
  const bool sealed = at != files.sealed.end();
  segment_ = sealed ? at->number : files.live;
  place_ = sealed ? Place::kSealed : Place::kLive;
  piece.place = place_;
  piece.segment = segment_;
  ReadSegment(files, bytes_max, piece);
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

void Scrubber::ReadSegment(const LogFiles& files, std::uint64_t bytes_max, Piece& piece) {
  if (log_ == nullptr || log_->number() != segment_) {
    log_ = std::make_unique<SegmentReader>(home_, segment_, SegmentReader::Caching::kEvicted,
                                           SegmentReader::AtDamage::kStop);
  }
  const auto read =
      log_->Read(files, bytes_max, [](const RecordView&) { return SegmentReader::Next::kGoOn; });
  piece.status = read.status();
  if (read.ok()) piece.bytes = read->bytes;
  if (read.ok() && !read->at_end) return;
  Close();
  if (place_ == Place::kLive) {
    place_ = Place::kIdentity;
    piece.pass_done = true;
  } else {
    segment_ = segment_ + 1;
  }
}

void Scrubber::Close() {
  log_.reset();
  reader_.reset();
  index_.reset();
}

}  // namespace grassdb::store
