#include "store/log.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/probe.h"
#include "store/io.h"

namespace grassdb::store {
namespace {

// A segment of fewer bytes would hold little but its own header and seal.
constexpr std::uint64_t kSegmentBytesMin = 512;

// What a segment needs for one record of `frame_bytes`, at least the configured size.
std::uint64_t CapacityFor(const StorageOptions& options, std::size_t frame_bytes) {
  const std::uint64_t needed =
      HeaderFrameBytes(kLogFormat) + frame_bytes + SealFrameBytes(kLogFormat);
  return std::max({options.segment_bytes, kSegmentBytesMin, needed});
}

}  // namespace

absl::Status Log::Create() {
  GRASS_CHECK_EQ(live_.number.value(), std::uint64_t{0});
  const LogState empty;
  const RecordSequence first(1);
  const std::uint32_t format = home_.options.log_format;
  if (absl::Status s = PrepareNext(empty, first, 0, format); !s.ok()) return s;
  return NextToLive(empty, first, format);
}

absl::Status Log::Resume(const LiveLog& live, std::deque<SealedSegment> sealed,
                         std::vector<SegmentNumber> free) {
  GRASS_CHECK_GT(live.number.value(), std::uint64_t{0});
  live_ = live;
  sealed_ = std::move(sealed);
  free_ = std::move(free);
  return OpenLive();
}

absl::Status Log::ResumeSealed(const LiveLog& live, std::deque<SealedSegment> sealed,
                               std::vector<SegmentNumber> free, const LogState& state) {
  if (absl::Status s = Resume(live, std::move(sealed), std::move(free)); !s.ok()) return s;
  const std::uint32_t format = home_.options.log_format;
  if (absl::Status s = PrepareNext(state, live_.next_sequence, 0, format); !s.ok()) return s;
  if (absl::Status s = SealedToDirectory(); !s.ok()) return s;
  return NextToLive(state, live_.next_sequence, format);
}

absl::Status Log::ResumeAnew(SegmentNumber number, RecordSequence sequence,
                             std::deque<SealedSegment> sealed, std::vector<SegmentNumber> free,
                             const LogState& state) {
  live_.number = number - 1;
  sealed_ = std::move(sealed);
  free_ = std::move(free);
  const std::uint32_t format = home_.options.log_format;
  if (absl::Status s = PrepareNext(state, sequence, 0, format); !s.ok()) return s;
  return NextToLive(state, sequence, format);
}

std::uint32_t Log::FormatFor(std::uint32_t format_min) const {
  return std::max(format_min, home_.options.log_format);
}

absl::Status Log::Append(RecordBuilder& record, const LogState& state, std::uint32_t format) {
  GRASS_CHECK(file_ != nullptr);
  const std::size_t frame_bytes = record.frame_bytes();
  if (!Fits(frame_bytes) || format != live_.format ||
      GRASS_BUGGIFY("log: a segment is sealed early")) {
    if (absl::Status s = Rotate(state, frame_bytes, format); !s.ok()) return s;
    GRASS_CHECK(Fits(frame_bytes));
  }
  if (absl::Status s = WriteRecord(record); !s.ok()) return s;
  return FillSpare(frame_bytes);
}

absl::Status Log::Release(Index through) {
  while (!sealed_.empty()) {
    // The next segment's header says where the log stood when this one ended, and the log may have
    // been cut since. So the comparison is on the safe side: it never lets go of a segment that
    // still holds an entry above `through`.
    const LogPosition& behind = sealed_.size() > 1 ? sealed_[1].previous : live_.previous;
    if (behind.index > through || GRASS_BUGGIFY("log: a segment is kept longer")) break;
    const SegmentNumber number = sealed_.front().number;
    const std::string name = home_.names.Sealed(number);
    const bool keep = free_.size() < home_.options.recycled_segments_max &&
                      !GRASS_BUGGIFY("log: a released segment is removed");
    const absl::Status status = keep ? home_.directory.Rename(name, home_.names.Free(number))
                                     : home_.directory.Remove(name);
    if (!status.ok()) return status;
    if (keep) free_.push_back(number);
    sealed_.pop_front();
  }
  return absl::OkStatus();
}

bool Log::Fits(std::size_t frame_bytes) const {
  return live_.end + frame_bytes + SealFrameBytes(live_.format) <= capacity_;
}

absl::Status Log::Rotate(const LogState& state, std::size_t frame_bytes, std::uint32_t format) {
  const RecordSequence seal = live_.next_sequence;
  if (absl::Status s = PrepareNext(state, seal + 1, frame_bytes, format); !s.ok()) return s;
  if (absl::Status s = WriteSeal(state); !s.ok()) return s;
  GRASS_CHECK_EQ(live_.next_sequence, seal + 1);
  if (absl::Status s = SealedToDirectory(); !s.ok()) return s;
  return NextToLive(state, live_.next_sequence, format);
}

absl::Status Log::PrepareNext(const LogState& state, RecordSequence sequence,
                              std::size_t frame_bytes, std::uint32_t format) {
  auto file = OpenNext(CapacityFor(home_.options, frame_bytes));
  if (!file.ok()) return file.status();
  SegmentHeader header;
  header.cluster = home_.identity.cluster;
  header.node = home_.identity.node;
  header.incarnation = home_.identity.incarnation;
  header.number = live_.number + 1;
  header.format = format;
  header.before = state;
  RecordBuilder record;
  EncodeSegmentHeader(header, record);
  const auto parts = record.Finish(sequence, SegmentSalt(home_.identity, header.number));
  if (absl::Status s = (*file)->WriteAt(0, parts); !s.ok()) return s;
  if (absl::Status s = (*file)->Sync(); !s.ok()) return s;
  return home_.directory.Sync();
}

absl::StatusOr<std::unique_ptr<File>> Log::OpenNext(std::uint64_t capacity) {
  const std::string next = home_.names.Next();
  std::uint64_t filled = 0;
  if (!free_.empty()) {
    GRASS_PROBE("log: a released segment is used again");
    const SegmentNumber number = free_.back();
    free_.pop_back();
    if (absl::Status s = home_.directory.Rename(home_.names.Free(number), next); !s.ok()) return s;
  } else if (spare_ != nullptr) {
    GRASS_PROBE("log: the spare file is used");
    spare_.reset();
    filled = std::exchange(spare_filled_, 0);
    if (absl::Status s = home_.directory.Rename(home_.names.Spare(), next); !s.ok()) return s;
  } else {
    auto file = home_.directory.Open(next, OpenMode::kReplace);
    if (!file.ok()) return file;
  }
  auto file = home_.directory.Open(next, OpenMode::kExisting);
  if (!file.ok()) return file;
  const auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  // The stale bytes of a free segment stay: they carry another segment's salt.
  if (filled == 0 && *size == capacity) return file;
  if (*size > capacity) {
    if (absl::Status s = (*file)->Truncate(capacity); !s.ok()) return s;
  }
  if (absl::Status s = WriteZeros(**file, filled, capacity); !s.ok()) return s;
  return file;
}

// Filling a whole segment at the rotation would hold up one batch for as long as the disk takes for
// it, a third of a second for 64 MiB. So a spare file is filled ahead, at twice the pace of the log
// and in shares small enough that none of them is felt, until released segments take its place.
absl::Status Log::FillSpare(std::size_t appended) {
  constexpr std::uint64_t kShareBytesMax = std::uint64_t{1} << 20;
  constexpr std::uint64_t kSharesMin = 8;
  const std::uint64_t capacity = CapacityFor(home_.options, 0);
  if (!free_.empty() || spare_filled_ == capacity) return absl::OkStatus();
  if (GRASS_BUGGIFY("log: the spare file has to wait")) return absl::OkStatus();
  spare_owed_ += 2 * appended;
  if (spare_owed_ < std::min(kShareBytesMax, capacity / kSharesMin)) return absl::OkStatus();
  if (spare_ == nullptr) {
    auto file = home_.directory.Open(home_.names.Spare(), OpenMode::kReplace);
    if (!file.ok()) return file.status();
    spare_ = std::move(*file);
  }
  const std::uint64_t until = std::min(capacity, spare_filled_ + spare_owed_);
  if (absl::Status s = WriteZeros(*spare_, spare_filled_, until); !s.ok()) return s;
  if (absl::Status s = spare_->Sync(); !s.ok()) return s;
  spare_filled_ = until;
  spare_owed_ = 0;
  return absl::OkStatus();
}

absl::Status Log::WriteSeal(const LogState& state) {
  Seal seal{.last = state.last, .before = {}};
  if (live_.format > 1) seal.before = state;
  RecordBuilder record;
  EncodeSeal(seal, record);
  return WriteRecord(record);
}

absl::Status Log::SealedToDirectory() {
  file_.reset();
  const std::string sealed = home_.names.Sealed(live_.number);
  if (absl::Status s = home_.directory.Rename(home_.names.Live(), sealed); !s.ok()) return s;
  sealed_.push_back({.number = live_.number, .previous = live_.previous});
  // Before the next rename takes the live log's name: were only the second one to survive a crash,
  // it would put the new file in the place of the old one.
  return home_.directory.Sync();
}

absl::Status Log::NextToLive(const LogState& state, RecordSequence sequence, std::uint32_t format) {
  const std::string live = home_.names.Live();
  if (absl::Status s = home_.directory.Rename(home_.names.Next(), live); !s.ok()) return s;
  if (absl::Status s = home_.directory.Sync(); !s.ok()) return s;
  live_ = {.number = live_.number + 1,
           .previous = state.last,
           .end = HeaderFrameBytes(format),
           .next_sequence = sequence + 1,
           .format = format};
  return OpenLive();
}

absl::Status Log::OpenLive() {
  auto file = home_.directory.Open(home_.names.Live(), OpenMode::kExisting);
  if (!file.ok()) return file.status();
  const auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  file_ = std::move(*file);
  capacity_ = *size;
  return absl::OkStatus();
}

absl::Status Log::WriteRecord(RecordBuilder& record) {
  const std::size_t frame_bytes = record.frame_bytes();
  const auto parts = record.Finish(live_.next_sequence, SegmentSalt(home_.identity, live_.number));
  if (absl::Status s = file_->WriteAt(live_.end, parts); !s.ok()) return s;
  if (absl::Status s = file_->Sync(); !s.ok()) return s;
  live_.end += frame_bytes;
  ++live_.next_sequence;
  return absl::OkStatus();
}

}  // namespace grassdb::store
