#include "store/segment_scan.h"

#include <algorithm>
#include <utility>

#include "core/probe.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

absl::Status Newer(const SegmentFile& file, std::uint64_t offset, const std::string& what) {
  return absl::FailedPreconditionError(file.name + " at offset " + std::to_string(offset) + " in " +
                                       file.path + ": " + what +
                                       " of a newer version of grassdb. Use the newer program");
}

absl::Status DamagedAt(const SegmentFile& file, std::uint64_t offset, const std::string& problem) {
  return Damaged(file.path, file.name, offset, problem);
}

// Reads the records of one segment front to back.
class Scanner {
 public:
  Scanner(Directory& directory, SegmentFile& file, Salt salt, Replay& replay,
          std::vector<std::string>& places)
      : directory_(directory),
        file_(file),
        bytes_(file.bytes),
        salt_(salt),
        replay_(replay),
        places_(places) {}

  absl::Status ReadHeader(const Identity& identity, SegmentNumber number,
                          std::optional<RecordSequence> sequence);
  // Behind ReadHeader. False at the end of the segment.
  absl::StatusOr<bool> ReadRecord();

  const SegmentScan& scan() const { return scan_; }

 private:
  // What stands at `at_` is damaged. Goes on at the next valid record, if there is one.
  bool Skip(LostRecords what, const std::string& problem);
  // True if the disk gives something else at `at_` now. Each place is asked for once.
  bool ReadsOtherwise();
  std::optional<std::string> Apply(const RecordView& record);

  Directory& directory_;
  SegmentFile& file_;
  const std::string_view bytes_;  // of file_; what is read again comes to the same place
  const Salt salt_;
  Replay& replay_;
  std::vector<std::string>& places_;
  std::size_t at_ = 0;
  std::size_t read_again_ = 0;  // everything from the last invalid record on, up to here
  bool holds_records_ = true;   // or a header
  SegmentScan scan_;
};

bool Scanner::Skip(LostRecords what, const std::string& problem) {
  // Also of the record that is expected, where it should not stand.
  const RecordSequence wanted = scan_.next_sequence;
  const RecordSequence below = wanted > RecordSequence(0) ? wanted - 1 : wanted;
  const auto later = FindRecordAbove(bytes_, std::max(at_, HeaderFrameBytes(1)), salt_, below);
  const bool tail = !later.has_value() && file_.role == SegmentRole::kLive && scan_.end > 0;
  if (tail) return false;  // for the caller to judge
  GRASS_PROBE("scan: damaged records");
  places_.push_back(file_.name + " at offset " + std::to_string(at_) + ": " + Expected(wanted) +
                    problem);
  if (!later.has_value()) {
    if (wanted > RecordSequence(0)) replay_.Lose(LostRecords::kAny, wanted);
    return false;
  }
  std::string ignored;
  const RecordSequence found = ParseRecord(bytes_.substr(*later), salt_, &ignored)->sequence;
  // A header alone is lost if what stands there is the record behind it.
  const bool lone = wanted > RecordSequence(0)
                        ? found == wanted + 1
                        : *later == HeaderFrameBytes(1) || *later == HeaderFrameBytes(kLogFormat);
  const LostRecords lost =
      what == LostRecords::kHeader && lone ? LostRecords::kHeader : LostRecords::kAny;
  if (found != wanted) replay_.Lose(lost, wanted > RecordSequence(0) ? wanted : found);
  at_ = *later;
  scan_.next_sequence = found;
  return true;
}

bool Scanner::ReadsOtherwise() {
  // More than most records have, and little beside the whole of a segment.
  constexpr std::size_t kAgainBytes = std::size_t{1} << 20;
  if (at_ < read_again_ || at_ >= bytes_.size()) return false;
  read_again_ = std::min(at_ + kAgainBytes, bytes_.size());
  const auto differs = ReadLegibleAgain(directory_, file_.name, at_, read_again_, file_);
  if (!differs.ok() || !*differs) return false;
  GRASS_PROBE("scan: the second time the disk gives something else");
  return true;
}

absl::Status Scanner::ReadHeader(const Identity& identity, SegmentNumber number,
                                 std::optional<RecordSequence> sequence) {
  scan_.next_sequence = sequence.value_or(RecordSequence());
  scan_.previous = replay_.last();
  RecordView first;
  const auto header = ReadSegmentHeader(file_, identity, &first);
  const bool damaged = absl::IsDataLoss(header.status());
  if (!header.ok() && !damaged) return header.status();
  const bool other = header.ok() && header->number != number;
  const bool stale = header.ok() && first.sequence < scan_.next_sequence;
  if (damaged || other || stale) {
    const std::string problem =
        other ? "segment " + std::to_string(header->number.value()) : "no whole segment header";
    holds_records_ = Skip(LostRecords::kHeader, problem);
    return absl::OkStatus();
  }
  if (sequence.has_value() && first.sequence > *sequence) {
    replay_.Lose(LostRecords::kAny, *sequence);
  }
  if (auto problem = replay_.Apply(*header, first.sequence)) {
    return DamagedAt(file_, 0, *problem);
  }
  at_ = first.frame_bytes;
  scan_.has_header = true;
  scan_.previous = header->before.last;
  scan_.format = header->format;
  scan_.end = first.frame_bytes;
  scan_.next_sequence = first.sequence + 1;
  return absl::OkStatus();
}

absl::StatusOr<bool> Scanner::ReadRecord() {
  if (scan_.sealed || !holds_records_) return false;
  const std::size_t begin = at_;
  std::string problem;
  auto record = ParseRecord(bytes_.substr(at_), salt_, &problem);
  if (record.has_value() && record->sequence < scan_.next_sequence) {
    problem = "record " + std::to_string(record->sequence.value());
    record.reset();
  }
  if (record.has_value() && record->type == RecordType::kSegmentHeader) {
    // This one's own, which the disk has put or read in another place.
    problem = "a segment header";
    at_ += record->frame_bytes;
    record.reset();
  }
  if (!record.has_value()) {
    const std::size_t behind = std::exchange(at_, begin);
    if (ReadsOtherwise()) return true;
    at_ = behind;
    return Skip(LostRecords::kAny, problem);
  }
  if (record->version > kRecordVersion) return Newer(file_, at_, "a record");
  if (record->sequence > scan_.next_sequence) {
    places_.push_back(file_.name + " at offset " + std::to_string(at_) + ": " +
                      Expected(scan_.next_sequence) + "record " +
                      std::to_string(record->sequence.value()));
    replay_.Lose(LostRecords::kAny, scan_.next_sequence);
  }
  if (auto wrong = Apply(*record)) {
    return DamagedAt(file_, at_, Expected(record->sequence) + *wrong);
  }
  scan_.last_record = at_;
  at_ += record->frame_bytes;
  scan_.end = at_;
  scan_.next_sequence = record->sequence + 1;
  return true;
}

// Applies one valid record. Returns what is wrong with it, in words.
std::optional<std::string> Scanner::Apply(const RecordView& record) {
  if (record.type == RecordType::kBatch) {
    auto batch = DecodeBatch(record.payload);
    if (!batch.has_value()) return "a batch that cannot be decoded";
    return replay_.Apply(*batch, record.sequence);
  }
  if (record.type == RecordType::kSeal) {
    const auto seal = DecodeSeal(record.payload);
    if (!seal.has_value()) return "a seal that cannot be decoded";
    if (auto problem = replay_.Apply(*seal, record.sequence)) return problem;
    scan_.sealed = true;
    return std::nullopt;
  }
  return "a record of type " + std::to_string(static_cast<int>(record.type)) +
         ", which has no place here";
}

}  // namespace

std::string Expected(RecordSequence sequence) {
  return "expected record " + std::to_string(sequence.value()) + ", found ";
}

absl::StatusOr<SegmentFile> ReadSegmentFile(Directory& directory, std::string name,
                                            SegmentRole role, std::uint64_t bytes_max) {
  const Excess excess = bytes_max < kSegmentBytesMax ? Excess::kLeftOut : Excess::kRefused;
  auto content = ReadLegible(directory, name, bytes_max, excess);
  if (!content.ok()) return content.status();
  SegmentFile file;
  static_cast<LegibleContent&>(file) = *std::move(content);
  file.path = directory.path();
  file.name = std::move(name);
  file.role = role;
  return file;
}

absl::StatusOr<SegmentHeader> ReadSegmentHeader(const SegmentFile& file, const Identity& identity,
                                                RecordView* record) {
  std::string problem;
  const auto found = ParseRecord(file.bytes, std::nullopt, &problem);
  if (!found.has_value()) {
    if (IsIllegible(file.illegible, {0, HeaderFrameBytes(kLogFormat)})) {
      problem = "that " + IllegibleText(file.illegible.front());
    }
    return DamagedAt(file, 0, "expected a segment header, found " + problem);
  }
  if (found->version > kRecordVersion) return Newer(file, 0, "a record");
  if (found->type != RecordType::kSegmentHeader) {
    return DamagedAt(file, 0, "the first record is not a segment header");
  }
  const auto header = DecodeSegmentHeader(found->payload);
  if (!header.has_value()) return DamagedAt(file, 0, "the segment header cannot be decoded");
  if (header->format > kLogFormat) return Newer(file, 0, "a log format");
  if (header->cluster != identity.cluster || header->node != identity.node ||
      header->incarnation != identity.incarnation ||
      found->salt != SegmentSalt(identity, header->number)) {
    return DamagedAt(file, 0, "the segment is not one of this node and data directory");
  }
  *record = *found;
  return *header;
}

bool IsUnusedLog(const SegmentFile& file) {
  std::string problem;
  const auto first = ParseRecord(file.bytes, std::nullopt, &problem);
  if (!first.has_value()) return false;
  const auto header = DecodeSegmentHeader(first->payload);
  return header.has_value() && header->number == SegmentNumber(1) &&
         file.bytes.find_first_not_of('\0', first->frame_bytes) == std::string::npos;
}

bool HoldsOtherHeader(const SegmentFile& file) {
  std::string problem;
  const auto first = ParseRecord(file.bytes, std::nullopt, &problem);
  return first.has_value() && first->type == RecordType::kSegmentHeader;
}

// What a disk has put there of another segment, and what is left of the file's earlier use, is
// older, but for the header of the one that is being made ready. So the newest record that is no
// header is the segment's own; or of another directory, and then no number gives its salt.
std::optional<SegmentNumber> NewestSegmentIn(const SegmentFile& file, const Identity& identity,
                                             SegmentNumber first, RecordSequence above) {
  constexpr std::uint64_t kNumbersTried = std::uint64_t{1} << 16;
  for (const Salt salt : SaltsIn(file.bytes, above)) {
    for (std::uint64_t i = 0; i < kNumbersTried; ++i) {
      if (SegmentSalt(identity, first + i) == salt) return first + i;
    }
  }
  return std::nullopt;
}

// Where the header should be no other record counts: it would be written there again, over what is
// left of the header (Adopt). Nor does the header count in another place: nothing says what was
// behind it, and what is written next would stand where it belongs.
bool HoldsRecordOf(const SegmentFile& file, const Identity& identity, SegmentNumber number) {
  RecordView record;
  const auto header = ReadSegmentHeader(file, identity, &record);
  if (header.ok() && header->number == number) return true;
  const Salt salt = SegmentSalt(identity, number);
  std::string problem;
  std::size_t from = HeaderFrameBytes(1);
  while (const auto at = FindRecordAbove(file.bytes, from, salt, RecordSequence(0))) {
    const auto found = ParseRecord(std::string_view(file.bytes).substr(*at), salt, &problem);
    if (found->type != RecordType::kSegmentHeader) return true;
    from = *at + found->frame_bytes;
  }
  return false;
}

absl::StatusOr<SegmentScan> ScanSegment(Directory& directory, SegmentFile& file,
                                        const Identity& identity, SegmentNumber number,
                                        std::optional<RecordSequence> sequence, Replay& replay,
                                        std::vector<std::string>& places) {
  Scanner scanner(directory, file, SegmentSalt(identity, number), replay, places);
  if (absl::Status s = scanner.ReadHeader(identity, number, sequence); !s.ok()) return s;
  while (true) {
    const auto more = scanner.ReadRecord();
    if (!more.ok()) return more.status();
    if (!*more) return scanner.scan();
  }
}

}  // namespace grassdb::store
