#include "store/segment_scan.h"

#include <utility>

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

std::string Expected(RecordSequence sequence) {
  return "expected record " + std::to_string(sequence.value()) + ", found ";
}

// What to make of an invalid record at `at`: OK is a torn tail.
absl::Status Judge(const SegmentFile& file, std::size_t at, Salt salt, RecordSequence sequence,
                   const std::string& problem) {
  if (file.role == SegmentRole::kSealed) {
    return DamagedAt(file, at,
                     Expected(sequence) + problem + "; a sealed segment is whole up to its seal");
  }
  const auto later = FindRecordAbove(file.bytes, at, salt, sequence);
  if (!later.has_value()) return absl::OkStatus();
  return DamagedAt(file, at,
                   Expected(sequence) + problem + "; a later record is whole at offset " +
                       std::to_string(*later) + ", so this one was durable and no torn tail");
}

// Applies one valid record. Returns what is wrong with it, in words.
std::optional<std::string> ApplyRecord(const RecordView& record, Replay& replay,
                                       SegmentScan& scan) {
  if (record.type == RecordType::kBatch) {
    auto batch = DecodeBatch(record.payload);
    if (!batch.has_value()) return "a batch that cannot be decoded";
    return replay.Apply(*batch);
  }
  if (record.type == RecordType::kSeal) {
    const auto last = DecodeSeal(record.payload);
    if (!last.has_value()) return "a seal that cannot be decoded";
    if (*last != replay.last()) {
      return "a seal for a log that ends at " + ToText(*last) + ", but it ends at " +
             ToText(replay.last());
    }
    scan.sealed = true;
    return std::nullopt;
  }
  return "a record of type " + std::to_string(static_cast<int>(record.type)) +
         ", which has no place here";
}

}  // namespace

absl::StatusOr<SegmentHeader> ReadSegmentHeader(const SegmentFile& file, const Identity& identity,
                                                RecordView* record) {
  std::string problem;
  const auto found = ParseRecord(file.bytes, std::nullopt, &problem);
  if (!found.has_value()) return DamagedAt(file, 0, "expected a segment header, found " + problem);
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

absl::StatusOr<SegmentScan> ScanSegment(const SegmentFile& file, const Identity& identity,
                                        std::optional<RecordSequence> sequence, Replay& replay) {
  RecordView first;
  const auto header = ReadSegmentHeader(file, identity, &first);
  if (!header.ok()) return header.status();
  if (sequence.has_value() && first.sequence != *sequence) {
    return DamagedAt(file, 0,
                     Expected(*sequence) + "a segment header with record number " +
                         std::to_string(first.sequence.value()));
  }
  if (auto problem = replay.Apply(*header)) return DamagedAt(file, 0, *problem);

  SegmentScan scan;
  scan.header = *header;
  scan.end = first.frame_bytes;
  scan.next_sequence = first.sequence + 1;
  const Salt salt = first.salt;
  const std::string_view bytes = file.bytes;
  while (!scan.sealed) {
    std::string problem;
    const auto at = static_cast<std::size_t>(scan.end);
    const auto record = ParseRecord(bytes.substr(at), salt, &problem);
    if (!record.has_value()) {
      if (absl::Status s = Judge(file, at, salt, scan.next_sequence, problem); !s.ok()) return s;
      break;
    }
    if (record->version > kRecordVersion) return Newer(file, at, "a record");
    if (record->sequence != scan.next_sequence) {
      return DamagedAt(
          file, at,
          Expected(scan.next_sequence) + "record " + std::to_string(record->sequence.value()));
    }
    if (auto wrong = ApplyRecord(*record, replay, scan)) {
      return DamagedAt(file, at, Expected(scan.next_sequence) + *wrong);
    }
    scan.last_record = scan.end;
    scan.end += record->frame_bytes;
    ++scan.next_sequence;
  }
  return scan;
}

}  // namespace grassdb::store
