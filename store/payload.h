// What stands inside the records of the log: segment header, batch and seal. Pure encoding; the
// frame is record.h, the bytes are in store/FORMAT.md.
#ifndef GRASSDB_STORE_PAYLOAD_H_
#define GRASSDB_STORE_PAYLOAD_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/disk.h"
#include "core/entry.h"
#include "core/types.h"
#include "store/names.h"
#include "store/record.h"

namespace grassdb::store {

// An entry by its place; (0, 0) is the empty prefix.
struct LogPosition {
  Index index;
  Term term;

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

// "index 7 of term 2", for messages.
std::string ToText(const LogPosition& position);

inline constexpr std::uint32_t kLogFormat = 1;

// The first record of every segment. It restates what the segments before it add up to, so that
// they can be released without losing anything but entries.
struct SegmentHeader {
  std::uint32_t format = kLogFormat;
  ClusterId cluster;
  NodeId node;
  Incarnation incarnation;
  SegmentNumber number;
  LogPosition previous;  // the last entry of the log when the segment began
  HardState hard_state;
  LogPosition snapshot;  // the current snapshot when the segment began

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

void EncodeSegmentHeader(const SegmentHeader& header, RecordBuilder& record);
std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view payload);

enum class SuffixRule : std::uint8_t {
  kKeep = 1,  // the log holds the snapshot's last entry: what follows it survives
  kDrop = 2,  // it does not: the log is emptied and begins behind the snapshot
};

struct InstallMark {
  LogPosition snapshot;
  SuffixRule suffix = SuffixRule::kDrop;
};

// One Persist as it stands in the log.
struct Batch {
  std::optional<HardState> hard_state;
  std::optional<InstallMark> install;
  // Of the entry before entries.front(), so that a batch says where it joins even when the segments
  // before it are gone.
  Term previous_term;
  std::vector<Entry> entries;
};

// Encodes everything but the payloads into the record's fields and adds the payloads as parts that
// point into `persist`, which outlives the record's writing.
void EncodeBatch(const Persist& persist, const std::optional<InstallMark>& install,
                 Term previous_term, RecordBuilder& record);
// nullopt for bytes that no batch encodes to.
std::optional<Batch> DecodeBatch(std::string_view payload);

// The last record of every sealed segment: without it the segment is not whole.
void EncodeSeal(const LogPosition& last, RecordBuilder& record);
std::optional<LogPosition> DecodeSeal(std::string_view payload);
// Room that every segment keeps for its seal.
inline constexpr std::size_t kSealFrameBytes = kRecordHeaderBytes + 16;

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_PAYLOAD_H_
