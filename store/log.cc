#include "store/log.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/command.h"
#include "core/probe.h"
#include "store/io.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

// A segment of fewer bytes would hold little but its own header and seal.
constexpr std::uint64_t kSegmentBytesMin = 512;

// What a segment of either format needs for one record of `frame_bytes`.
std::uint64_t NeededFor(std::size_t frame_bytes) {
  return HeaderFrameBytes(kLogFormat) + frame_bytes + SealFrameBytes(kLogFormat);
}

// At least the configured size.
std::uint64_t CapacityFor(const StorageOptions& options, std::size_t frame_bytes) {
  const std::uint64_t bytes =
      std::max({options.segment_bytes, kSegmentBytesMin, NeededFor(frame_bytes)});
  GRASS_CHECK_LE(bytes, kSegmentBytesMax);  // or the next start would refuse it
  return bytes;
}

}  // namespace

Claim ClaimOf(const Persist& persist) {
  if (persist.entries.empty() && !persist.install.has_value()) return Claim::kVote;
  const bool adds_data =
      !persist.vital &&
      std::ranges::any_of(persist.entries, [](const Entry& entry) { return AddsData(entry); });
  return adds_data ? Claim::kData : Claim::kVital;
}

absl::Status Log::Create() {
  GRASS_CHECK_EQ(live_.number.value(), std::uint64_t{0});
  const LogState empty;
  const RecordSequence first(1);
  const std::uint32_t format = FormatFor(kLogFormatMin);
  if (absl::Status s = ChooseNext(0, Claim::kData); !s.ok()) return s;
  if (absl::Status s = WriteHeader(empty, first, format); !s.ok()) return s;
  return NextToLive(empty, first, format);
}

absl::Status Log::Resume(const LiveLog& live, std::deque<SealedSegment> sealed,
                         std::vector<SegmentNumber> free) {
  GRASS_CHECK_GT(live.number.value(), std::uint64_t{0});
  live_ = live;
  sealed_ = std::move(sealed);
  free_ = std::move(free);
  if (absl::Status s = OpenLive(); !s.ok()) return s;
  return StockReserve();
}

absl::Status Log::ResumeSealed(const LiveLog& live, std::deque<SealedSegment> sealed,
                               std::vector<SegmentNumber> free, const LogState& state) {
  if (absl::Status s = Resume(live, std::move(sealed), std::move(free)); !s.ok()) return s;
  const std::uint32_t format = FormatFor(FormatMinFor(state.hard_state));
  if (absl::Status s = ChooseNext(0, Claim::kVote); !s.ok()) return s;
  if (absl::Status s = WriteHeader(state, live_.next_sequence, format); !s.ok()) return s;
  if (absl::Status s = SealedToDirectory(); !s.ok()) return s;
  return NextToLive(state, live_.next_sequence, format);
}

std::uint32_t Log::FormatFor(std::uint32_t format_min) const {
  return std::max(format_min, home_.options.log_format);
}

absl::Status Log::MakeRoom(std::size_t frame_bytes, Claim claim, const LogState& state,
                           std::uint32_t format) {
  GRASS_CHECK(file_ != nullptr);
  if (claim == Claim::kData && !IsStocked(reserve_)) {
    full_ = true;
    if (absl::Status s = Fill(reserve_, ReserveBytes()); !s.ok()) return s;
  }
  const bool has_room = MayUse(frame_bytes, claim) && format == live_.format;
  if (has_room && !HasRoom(frame_bytes, format)) return absl::OkStatus();
  const absl::Status status = Rotate(state, frame_bytes, claim, format);
  if (!absl::IsResourceExhausted(status)) return status;
  full_ = full_ || !has_room;
  return has_room ? absl::OkStatus() : status;
}

absl::Status Log::Append(RecordBuilder& record) {
  const std::size_t frame_bytes = record.frame_bytes();
  GRASS_CHECK(Fits(frame_bytes));
  if (absl::Status s = WriteRecord(record); !s.ok()) return Final(s);
  if (NeedsSpare()) spare_owed_ += 2 * frame_bytes;
  NoteRoom();
  return absl::OkStatus();
}

absl::Status Log::Release(Index through) {
  reserve_given_ = false;
  // The next segment's header says where the log stood when this one ended, and the log may have
  // been cut since. So the comparison is on the safe side: it never lets go of a segment that
  // still holds an entry above `through`.
  while (WouldRelease(through) && !GRASS_BUGGIFY("log: a segment is kept longer")) {
    const SegmentNumber number = sealed_.front().number;
    const std::string name = home_.names.Sealed(number);
    // One that once was the reserve is too small to go on with.
    const bool whole = sealed_.front().bytes >= CapacityFor(home_.options, 0);
    const bool keep = whole && free_.size() < home_.options.recycled_segments_max &&
                      !GRASS_BUGGIFY("log: a released segment is removed");
    const absl::Status status = keep ? home_.directory.Rename(name, home_.names.Free(number))
                                     : home_.directory.Remove(name);
    // What is to go may be gone: it is let go of because it was found missing.
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    if (keep && status.ok()) free_.push_back(number);
    sealed_.pop_front();
  }
  NoteRoom();
  return absl::OkStatus();
}

bool Log::Fits(std::size_t frame_bytes) const {
  return live_.end + frame_bytes + SealFrameBytes(live_.format) <= capacity_;
}

std::uint64_t Log::ReserveBytes() const {
  return std::min(home_.options.reserve_bytes, CapacityFor(home_.options, 0));
}

// Of the live log. What holds the reserve is data's only after there is another reserve.
bool Log::MayUse(std::size_t frame_bytes, Claim claim) const {
  if (!Fits(frame_bytes)) return false;
  if (claim == Claim::kVote || IsStocked(reserve_)) return true;
  return claim == Claim::kVital && Fits(frame_bytes + ReserveBytes() / 4);
}

// What the log can take without any more room on the disk.
std::uint64_t Log::RoomForData() const {
  if (!IsStocked(reserve_)) return 0;
  return capacity_ - live_.end + spare_.filled + free_.size() * CapacityFor(home_.options, 0);
}

// Room that cannot be had is no matter as long as there is enough: a small disk is used to the end.
void Log::NoteRoom() {
  const std::uint64_t segment = CapacityFor(home_.options, 0);
  if (problem_.empty() || RoomForData() >= segment / 4 * 3) full_ = false;
  if (!problem_.empty() && RoomForData() < segment / 2) full_ = true;
}

absl::Status Log::Rotate(const LogState& state, std::size_t frame_bytes, Claim claim,
                         std::uint32_t format) {
  const RecordSequence seal = live_.next_sequence;
  if (absl::Status s = ChooseNext(frame_bytes, claim); !s.ok()) return s;
  if (absl::Status s = WriteHeader(state, seal + 1, format); !s.ok()) return s;
  if (absl::Status s = WriteSeal(state); !s.ok()) return Final(s);
  GRASS_CHECK_EQ(live_.next_sequence, seal + 1);
  if (absl::Status s = SealedToDirectory(); !s.ok()) return s;
  return NextToLive(state, live_.next_sequence, format);
}

// Leaves a file that has room for the record as the next segment; one with all its blocks.
absl::Status Log::ChooseNext(std::size_t frame_bytes, Claim claim) {
  const std::uint64_t needed = NeededFor(frame_bytes);
  const absl::StatusOr<bool> taken = TakeFree(needed);
  if (!taken.ok()) return Final(taken.status());
  if (*taken) return absl::OkStatus();
  for (Stock* const stock : {&spare_, &reserve_}) {
    if (absl::Status s = ForgetIfGone(*stock); !s.ok()) return Final(s);
  }
  const absl::Status status = Fill(spare_, CapacityFor(home_.options, frame_bytes));
  if (!status.ok() && !absl::IsResourceExhausted(status)) return status;
  if (spare_.filled >= needed) {
    if (!status.ok()) GRASS_PROBE("log: a part of a spare file has to do");
    return TakeStock(spare_);
  }
  const std::uint64_t left = claim == Claim::kVote ? 0 : ReserveBytes() / 4;
  if (claim == Claim::kData || reserve_.filled < needed + left) return status;
  GRASS_PROBE("log: the reserve is used");
  return TakeStock(reserve_);
}

absl::StatusOr<bool> Log::TakeFree(std::uint64_t needed) {
  if (free_.empty()) return false;
  const std::string name = home_.names.Free(free_.back());
  auto file = home_.directory.Open(name, OpenMode::kExisting);
  if (absl::IsNotFound(file.status())) {
    free_.pop_back();
    return TakeFree(needed);
  }
  if (!file.ok()) return file.status();
  const auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size < needed) return false;
  GRASS_PROBE("log: a released segment is used again");
  // The stale bytes of a free segment stay: they carry another segment's salt.
  const std::uint64_t capacity = std::max(CapacityFor(home_.options, 0), needed);
  if (*size > capacity) {
    if (absl::Status s = (*file)->Truncate(capacity); !s.ok()) return s;
  }
  free_.pop_back();
  if (absl::Status s = home_.directory.Rename(name, home_.names.Next()); !s.ok()) return s;
  return true;
}

// Somebody may have removed the file, and nothing rests on it.
absl::Status Log::ForgetIfGone(Stock& stock) const {
  if (stock.file == nullptr) return absl::OkStatus();
  const auto file = home_.directory.Open(stock.name, OpenMode::kExisting);
  if (!absl::IsNotFound(file.status())) return file.status();
  stock.file.reset();
  stock.filled = 0;
  return absl::OkStatus();
}

absl::Status Log::TakeStock(Stock& stock) {
  auto file = home_.directory.Open(stock.name, OpenMode::kExisting);
  if (!file.ok()) return Final(file.status());
  const auto size = (*file)->Size();
  if (!size.ok()) return Final(size.status());
  // What a write without room has left behind may have no blocks.
  if (*size > stock.filled) {
    if (absl::Status s = (*file)->Truncate(stock.filled); !s.ok()) return Final(s);
  }
  stock.file.reset();
  stock.filled = 0;
  return Final(home_.directory.Rename(stock.name, home_.names.Next()));
}

absl::Status Log::Fill(Stock& stock, std::uint64_t until) {
  if (stock.filled >= until) return absl::OkStatus();
  absl::Status status;
  if (stock.file == nullptr) {
    auto file = home_.directory.Open(stock.name, OpenMode::kReplace);
    status = file.status();
    if (file.ok()) stock.file = std::move(*file);
  }
  if (status.ok()) status = WriteZeros(*stock.file, stock.filled, until);
  if (status.ok()) {
    status = stock.file->Sync();
    // Nothing is known of what a failed sync covered, also where it was for want of room.
    stock.filled = status.ok() ? until : 0;
    if (!status.ok()) stock.file.reset();
  }
  if (absl::IsResourceExhausted(status)) {
    GRASS_PROBE("log: no room for a file ahead of its use");
    problem_ = std::string(status.message());
  }
  return status;
}

// Its blocks may be those of a file that was never synced; the zeros see to that.
absl::Status Log::StockReserve() {
  auto file = home_.directory.Open(reserve_.name, OpenMode::kExisting);
  if (!file.ok() && !absl::IsNotFound(file.status())) return file.status();
  absl::Status status;
  if (file.ok()) {
    const auto size = (*file)->Size();
    if (!size.ok()) return size.status();
    reserve_.file = std::move(*file);
    status = Fill(reserve_, std::min(*size, ReserveBytes()));
  }
  if (status.ok()) status = Fill(reserve_, ReserveBytes());
  NoteRoom();
  if (absl::IsResourceExhausted(status)) return absl::OkStatus();
  if (!status.ok()) return status;
  return Final(home_.directory.Sync());
}

absl::StatusOr<bool> Log::Restock(RestockExtent extent) {
  constexpr std::uint64_t kShareBytes = std::uint64_t{1} << 20;
  const std::uint64_t capacity = CapacityFor(home_.options, 0);
  if (reserve_given_) return false;
  absl::Status status;
  const bool reserve_first = !IsStocked(reserve_);
  if (reserve_first && !free_.empty()) {
    if (absl::Status s = FreeToReserve(); !s.ok()) return Final(s);
    return true;
  }
  if (reserve_first) {
    status = Fill(reserve_, std::min(ReserveBytes(), reserve_.filled + kShareBytes));
    if (status.ok() && IsStocked(reserve_)) status = Final(home_.directory.Sync());
  } else if (extent == RestockExtent::kReserve) {
    return false;
  } else if (free_.empty()) {
    status = Fill(spare_, std::min(capacity, spare_.filled + kShareBytes));
  }
  if (!status.ok() && !absl::IsResourceExhausted(status)) return status;
  const bool more = status.ok() && (reserve_first || (free_.empty() && spare_.filled < capacity));
  if (status.ok() && !more) problem_.clear();
  NoteRoom();
  return more;
}

absl::Status Log::FreeToReserve() {
  GRASS_PROBE("log: a released segment becomes the reserve");
  const std::string name = home_.names.Free(free_.back());
  free_.pop_back();
  auto file = home_.directory.Open(name, OpenMode::kExisting);
  if (absl::IsNotFound(file.status())) return absl::OkStatus();  // another one may be there
  if (!file.ok()) return file.status();
  const auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (absl::Status s = home_.directory.Rename(name, reserve_.name); !s.ok()) return s;
  reserve_.file = std::move(*file);
  reserve_.filled = *size;
  return home_.directory.Sync();
}

absl::Status Log::GiveWay(bool own) {
  bool gave = !free_.empty();
  for (const SegmentNumber number : std::exchange(free_, {})) {
    const absl::Status status = RemoveIfThere(home_.directory, home_.names.Free(number));
    if (!status.ok()) return Final(status);
  }
  if (spare_.file != nullptr) {
    gave = gave || spare_.filled > 0;
    if (absl::Status s = Drop(spare_); !s.ok()) return s;
  }
  if (!own || gave || std::exchange(reserve_given_, false)) return absl::OkStatus();
  if (!IsStocked(reserve_) || !Fits(ReserveBytes() / 2)) return absl::OkStatus();
  GRASS_PROBE("log: the reserve makes room for a snapshot");
  reserve_given_ = true;
  return Drop(reserve_);
}

absl::Status Log::Drop(Stock& stock) {
  stock.file.reset();
  stock.filled = 0;
  NoteRoom();
  return Final(RemoveIfThere(home_.directory, stock.name));
}

Index Log::EndOf(SegmentNumber sealed) const {
  for (std::size_t i = 0; i + 1 < sealed_.size(); ++i) {
    if (sealed_[i].number == sealed) return sealed_[i + 1].previous.index;
  }
  return live_.previous.index;
}

LogFiles Log::files() const {
  LogFiles files{.sealed = {},
                 .live = live_.number,
                 .live_previous = live_.previous.index,
                 .live_end = live_.end};
  for (const SealedSegment& segment : sealed_) {
    files.sealed.push_back({.number = segment.number, .previous = segment.previous.index});
  }
  return files;
}

SpaceReport Log::space() const {
  if (!full_) return {};
  const bool spent = !IsStocked(reserve_) && !Fits(ReserveBytes() / 2);
  return {.space = spent ? DiskSpace::kSpent : DiskSpace::kFull, .problem = problem_};
}

absl::Status Log::WriteHeader(const LogState& state, RecordSequence sequence,
                              std::uint32_t format) {
  auto file = home_.directory.Open(home_.names.Next(), OpenMode::kExisting);
  if (!file.ok()) return Final(file.status());
  const SegmentHeader header = HeaderOf(home_.identity, live_.number + 1, format, state);
  RecordBuilder record;
  EncodeSegmentHeader(header, record);
  GRASS_CHECK_EQ(record.frame_bytes(), HeaderFrameBytes(format));
  const auto parts = record.Finish(sequence, SegmentSalt(home_.identity, header.number));
  if (absl::Status s = (*file)->WriteAt(0, parts); !s.ok()) return Final(s);
  if (absl::Status s = (*file)->Sync(); !s.ok()) return Final(s);
  return Final(home_.directory.Sync());
}

// Filling a whole segment at the rotation would hold up one batch for as long as the disk takes for
// it, a third of a second for 64 MiB. So a spare file is filled ahead, at twice the pace of the log
// and in shares small enough that none of them is felt, until released segments take its place. No
// answer waits for a share: it is a job of its own, behind that of the batch (PersistDone::lags).
// It also is how a disk without room is noticed while the live log still has some.
bool Log::NeedsSpare() const {
  return free_.empty() && spare_.filled < CapacityFor(home_.options, 0) && !full_;
}

bool Log::lags() const {
  constexpr std::uint64_t kShareBytesMax = std::uint64_t{1} << 20;
  constexpr std::uint64_t kSharesMin = 8;
  const std::uint64_t capacity = CapacityFor(home_.options, 0);
  return NeedsSpare() && spare_owed_ >= std::min(kShareBytesMax, capacity / kSharesMin);
}

absl::Status Log::FillAhead() {
  if (reserve_given_ || !lags() || GRASS_BUGGIFY("log: the spare file has to wait"))
    return absl::OkStatus();
  const std::uint64_t capacity = CapacityFor(home_.options, 0);
  const std::uint64_t until = std::min(capacity, spare_.filled + std::exchange(spare_owed_, 0));
  const absl::Status status = Fill(spare_, until);
  if (status.ok()) problem_.clear();
  NoteRoom();
  return absl::IsResourceExhausted(status) ? absl::OkStatus() : status;
}

absl::Status Log::WriteSeal(const LogState& state) {
  store::Seal seal{.last = state.last, .before = {}};
  if (live_.format > 1) seal.before = state;
  RecordBuilder record;
  EncodeSeal(seal, record);
  return WriteRecord(record);
}

absl::Status Log::SealedToDirectory() {
  file_.reset();
  const std::string sealed = home_.names.Sealed(live_.number);
  const absl::Status status = home_.directory.Rename(home_.names.Live(), sealed);
  // Somebody may have removed it. A scrub finds that too, and what it held is still known.
  if (!status.ok() && !absl::IsNotFound(status)) return Final(status);
  sealed_.push_back({.number = live_.number, .previous = live_.previous, .bytes = capacity_});
  // Before the next rename takes the live log's name: were only the second one to survive a crash,
  // it would put the new file in the place of the old one.
  return Final(home_.directory.Sync());
}

absl::Status Log::NextToLive(const LogState& state, RecordSequence sequence, std::uint32_t format) {
  const std::string live = home_.names.Live();
  if (absl::Status s = home_.directory.Rename(home_.names.Next(), live); !s.ok()) return Final(s);
  if (absl::Status s = home_.directory.Sync(); !s.ok()) return Final(s);
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
