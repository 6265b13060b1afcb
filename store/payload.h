// What stands inside the records of the log: segment header, batch and seal. Pure encoding; the
// frame is record.h, the bytes are in store/FORMAT.md.
#ifndef GRASSDB_STORE_PAYLOAD_H_
#define GRASSDB_STORE_PAYLOAD_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/disk.h"
#include "core/entry.h"
#include "core/types.h"
#include "store/names.h"
#include "store/record.h"

namespace grassdb::store {

// "index 7 of term 2", for messages.
std::string ToText(const LogPosition& position);

// What this program writes unless it is told to write the one before (StorageOptions::log_format),
// and the oldest one that it reads.
inline constexpr std::uint32_t kLogFormat = 2;
inline constexpr std::uint32_t kLogFormatMin = 1;

// The oldest format that has a place for all of the hard state.
constexpr std::uint32_t FormatMinFor(const HardState& state) {
  return state.renewed == Incarnation(0) ? kLogFormatMin : 2;
}

// What all records up to some place add up to, but for the entries themselves. From format 2 on
// every record restates it as of before itself: so that, where records are damaged, the next whole
// one says what the log had become, and what of it is lost.
struct LogState {
  LogPosition last;      // the end of the log
  LogPosition snapshot;  // the current one; (0, 0): none
  HardState hard_state;
  // The newest record that took entries away from the end of the log; 0: none has. Where it is not
  // among damaged records, they have only added to the log.
  RecordSequence cut;

  friend bool operator==(const LogState&, const LogState&) = default;
};

inline constexpr RecordSequence kCutUnknown{UINT64_MAX};

// The first record of every segment. It restates what the segments before it add up to, so that
// they can be released without losing anything but entries.
struct SegmentHeader {
  std::uint32_t format = kLogFormat;
  ClusterId cluster;
  NodeId node;
  Incarnation incarnation;
  SegmentNumber number;
  LogState before;  // format 1 leaves `cut` unknown

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

SegmentHeader HeaderOf(const Identity& identity, SegmentNumber number, std::uint32_t format,
                       const LogState& before);

constexpr std::size_t HeaderFrameBytes(std::uint32_t format) {
  return kRecordHeaderBytes + (format == 1 ? 96 : 104);
}

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

// What a batch does with its entries.
enum class BatchKind : std::uint8_t {
  kAppend = 1,  // they cut the log at the first one's index and follow there
  kFill = 2,    // they take the place of lost ones; what is behind them stays
  kCut = 3,     // there are none: the log ends before `first` from now on
};

// One Persist, or one MendLog, as it stands in the log.
struct Batch {
  BatchKind kind = BatchKind::kAppend;
  std::optional<LogState> before;  // from format 2 on
  std::optional<HardState> hard_state;
  std::optional<InstallMark> install;
  Index first;  // of the entries, or of what is cut; 0: neither
  // Of the entry before `first`, so that a batch says where it joins even when the segments before
  // it are gone.
  Term previous_term;
  std::vector<Entry> entries;
  // The newest configuration that this node's log or snapshot had (EncodeConfiguration), so that a
  // node that has lost both knows whom to ask. In the first batch of every segment from format 2
  // on.
  std::string members;
};

// Encodes all of `batch` but its own entries, and `entries` in their place: their payloads become
// parts of the record, which point into them until it is written.
void EncodeBatch(const Batch& batch, std::span<const Entry> entries, RecordBuilder& record);
// nullopt for bytes that no batch encodes to.
std::optional<Batch> DecodeBatch(std::string_view payload);

// The last record of every sealed segment: without it the segment is not whole.
struct Seal {
  LogPosition last;
  std::optional<LogState> before;  // from format 2 on

  friend bool operator==(const Seal&, const Seal&) = default;
};

void EncodeSeal(const Seal& seal, RecordBuilder& record);
std::optional<Seal> DecodeSeal(std::string_view payload);
// Room that every segment keeps for its seal.
constexpr std::size_t SealFrameBytes(std::uint32_t format) {
  return kRecordHeaderBytes + (format == 1 ? 16 : 64);
}

// The fields of a LogState, 64 bytes.
void PutLogState(Encoder encoder, const LogState& state);
// nullopt for bytes that no state encodes to.
std::optional<LogState> TakeLogState(Decoder& decoder);

// The newest configuration that is known, encoded: what Batch::members says of this state.
std::string MembersOf(const RecoveredState& state);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_PAYLOAD_H_
