#include "store/payload.h"

#include <string>
#include <utility>

#include "core/check.h"

namespace grassdb::store {
namespace {

constexpr std::uint64_t kSegmentMagic = 0x4c41575353415247u;  // "GRASSWAL"

enum BatchFlags : std::uint32_t {
  kHasHardState = 1,
  kHasInstall = 2,
  kKeepsSuffix = 4,
  kIsFounder = 8,
  kHasState = 16,
  kIsFill = 32,
  kIsCut = 64,
  kHasMembers = 128,
  kIsRenewed = 256,
  kAllFlags = 511,
};

constexpr std::size_t kEntryRowBytes = 16;

// What the hard state says of the node's part in the cluster (core/standing.cc), in one number: 0
// nothing, 1 founder, else HardState::renewed.
std::uint32_t PartOf(const HardState& state) {
  GRASS_CHECK(!state.founder || state.renewed == Incarnation(0));
  GRASS_CHECK_LE(state.renewed.value(), std::uint64_t{UINT32_MAX});
  GRASS_CHECK_NE(state.renewed, Incarnation(1));
  return state.founder ? 1 : static_cast<std::uint32_t>(state.renewed.value());
}

void SetPart(std::uint64_t part, HardState& state) {
  state.founder = part == 1;
  state.renewed = Incarnation(part == 1 ? 0 : part);
}

void PutPosition(Encoder encoder, const LogPosition& position) {
  encoder.Put(position.index);
  encoder.Put(position.term);
}

LogPosition TakePosition(Decoder& decoder) {
  LogPosition position;
  position.index = decoder.Take<Index>();
  position.term = decoder.Take<Term>();
  return position;
}

bool IsKnown(std::uint8_t type) {
  return type >= static_cast<std::uint8_t>(EntryType::kNoop) &&
         type <= static_cast<std::uint8_t>(EntryType::kConfiguration);
}

// Reads the rows, then hands each entry its share of the bytes behind them.
bool TakeEntries(Decoder& decoder, std::string_view payload, std::uint32_t count, Batch& batch) {
  if (!decoder.ok() || decoder.remaining() / kEntryRowBytes < count) return false;
  std::size_t at = payload.size() - decoder.remaining() + count * kEntryRowBytes;
  batch.entries.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Entry entry;
    entry.index = batch.first + i;
    entry.term = decoder.Take<Term>();
    const std::size_t length = decoder.Take<std::uint32_t>();
    const auto type = decoder.Take<std::uint8_t>();
    const auto zero = decoder.Take<std::uint8_t>() | decoder.Take<std::uint16_t>();
    if (!IsKnown(type) || zero != 0 || length > payload.size() - at) return false;
    entry.type = static_cast<EntryType>(type);
    entry.payload = Bytes(payload.substr(at, length));
    at += length;
    batch.entries.push_back(std::move(entry));
  }
  return at == payload.size();
}

bool AreConsistent(std::uint32_t flags) {
  const auto has = [flags](std::uint32_t bits) { return (flags & bits) == bits; };
  if ((flags & ~std::uint32_t{kAllFlags}) != 0) return false;
  if (has(kKeepsSuffix) && !has(kHasInstall)) return false;
  if ((flags & (kIsFounder | kIsRenewed)) != 0 && !has(kHasHardState)) return false;
  if (has(kIsFounder | kIsRenewed)) return false;
  return !has(kIsFill | kIsCut);
}

std::uint32_t FlagsOf(const Batch& batch) {
  std::uint32_t flags = 0;
  if (batch.before.has_value()) flags |= kHasState;
  if (batch.hard_state.has_value()) flags |= kHasHardState;
  const std::uint32_t part = batch.hard_state.has_value() ? PartOf(*batch.hard_state) : 0;
  if (part == 1) flags |= kIsFounder;
  if (part > 1) flags |= kIsRenewed;
  if (batch.install.has_value()) flags |= kHasInstall;
  if (batch.install.has_value() && batch.install->suffix == SuffixRule::kKeep) {
    flags |= kKeepsSuffix;
  }
  if (batch.kind == BatchKind::kFill) flags |= kIsFill;
  if (batch.kind == BatchKind::kCut) flags |= kIsCut;
  if (!batch.members.empty()) flags |= kHasMembers;
  return flags;
}

}  // namespace

std::string ToText(const LogPosition& position) {
  return "index " + std::to_string(position.index.value()) + " of term " +
         std::to_string(position.term.value());
}

void PutLogState(Encoder encoder, const LogState& state) {
  PutPosition(encoder, state.last);
  PutPosition(encoder, state.snapshot);
  encoder.Put(state.hard_state.term);
  encoder.Put(state.hard_state.voted_for);
  encoder.Put(std::uint64_t{PartOf(state.hard_state)});
  encoder.Put(state.cut);
}

std::optional<LogState> TakeLogState(Decoder& decoder) {
  LogState state;
  state.last = TakePosition(decoder);
  state.snapshot = TakePosition(decoder);
  state.hard_state.term = decoder.Take<Term>();
  state.hard_state.voted_for = decoder.Take<NodeId>();
  const auto part = decoder.Take<std::uint64_t>();
  SetPart(part, state.hard_state);
  state.cut = decoder.Take<RecordSequence>();
  if (!decoder.ok() || part > UINT32_MAX) return std::nullopt;
  return state;
}

SegmentHeader HeaderOf(const Identity& identity, SegmentNumber number, std::uint32_t format,
                       const LogState& before) {
  return {.format = format,
          .cluster = identity.cluster,
          .node = identity.node,
          .incarnation = identity.incarnation,
          .number = number,
          .before = before};
}

void EncodeSegmentHeader(const SegmentHeader& header, RecordBuilder& record) {
  record.Start(RecordType::kSegmentHeader);
  Encoder fields = record.fields();
  const LogState& before = header.before;
  GRASS_CHECK_GE(header.format, FormatMinFor(before.hard_state));
  fields.Put(kSegmentMagic);
  fields.Put(header.format);
  fields.Put(PartOf(before.hard_state));
  fields.Put(header.cluster);
  fields.Put(header.node);
  fields.Put(header.incarnation);
  fields.Put(header.number);
  PutPosition(fields, before.last);
  fields.Put(before.hard_state.term);
  fields.Put(before.hard_state.voted_for);
  PutPosition(fields, before.snapshot);
  if (header.format > 1) fields.Put(before.cut);
  GRASS_CHECK_EQ(record.frame_bytes(), HeaderFrameBytes(header.format));
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view payload) {
  Decoder decoder(payload);
  SegmentHeader header;
  LogState& before = header.before;
  if (decoder.Take<std::uint64_t>() != kSegmentMagic) return std::nullopt;
  header.format = decoder.Take<std::uint32_t>();
  const auto part = decoder.Take<std::uint32_t>();
  if (part > 1 && header.format == 1) return std::nullopt;
  SetPart(part, before.hard_state);
  header.cluster = decoder.Take<ClusterId>();
  header.node = decoder.Take<NodeId>();
  header.incarnation = decoder.Take<Incarnation>();
  header.number = decoder.Take<SegmentNumber>();
  before.last = TakePosition(decoder);
  before.hard_state.term = decoder.Take<Term>();
  before.hard_state.voted_for = decoder.Take<NodeId>();
  before.snapshot = TakePosition(decoder);
  // What a newer format has behind these is not for this program.
  if (decoder.ok() && header.format > kLogFormat) return header;
  before.cut = header.format > 1 ? decoder.Take<RecordSequence>() : kCutUnknown;
  if (!decoder.done() || header.format < kLogFormatMin) return std::nullopt;
  return header;
}

void EncodeBatch(const Batch& batch, std::span<const Entry> entries, RecordBuilder& record) {
  GRASS_CHECK_EQ(batch.first == Index(0), entries.empty() && batch.kind != BatchKind::kCut);
  record.Start(RecordType::kBatch);
  Encoder fields = record.fields();
  fields.Put(FlagsOf(batch));
  fields.Put(static_cast<std::uint32_t>(entries.size()));
  if (batch.before.has_value()) PutLogState(fields, *batch.before);
  if (!batch.members.empty()) fields.PutString(batch.members);
  if (batch.hard_state.has_value()) {
    fields.Put(batch.hard_state->term);
    fields.Put(batch.hard_state->voted_for);
    if (PartOf(*batch.hard_state) > 1) fields.Put(std::uint64_t{PartOf(*batch.hard_state)});
  }
  if (batch.install.has_value()) PutPosition(fields, batch.install->snapshot);
  if (batch.first == Index(0)) return;

  fields.Put(batch.first);
  fields.Put(batch.previous_term);
  for (const Entry& entry : entries) {
    fields.Put(entry.term);
    fields.Put(static_cast<std::uint32_t>(entry.payload.size()));
    fields.Put(static_cast<std::uint8_t>(entry.type));
    fields.Put(std::uint8_t{0});
    fields.Put(std::uint16_t{0});
    record.Add(entry.payload.view());
  }
}

std::optional<Batch> DecodeBatch(std::string_view payload) {
  Decoder decoder(payload);
  Batch batch;
  const auto flags = decoder.Take<std::uint32_t>();
  const auto count = decoder.Take<std::uint32_t>();
  if (!AreConsistent(flags)) return std::nullopt;
  const bool cuts = (flags & kIsCut) != 0;
  const bool fills = (flags & kIsFill) != 0;
  if ((cuts && count > 0) || (fills && count == 0)) return std::nullopt;
  batch.kind = cuts ? BatchKind::kCut : fills ? BatchKind::kFill : BatchKind::kAppend;
  if ((flags & kHasState) != 0) {
    batch.before = TakeLogState(decoder);
    if (!batch.before.has_value()) return std::nullopt;
  }
  if ((flags & kHasMembers) != 0) {
    batch.members = decoder.TakeString();
    if (batch.members.empty()) return std::nullopt;
  }
  if ((flags & kHasHardState) != 0) {
    HardState& hard_state = batch.hard_state.emplace();
    hard_state.term = decoder.Take<Term>();
    hard_state.voted_for = decoder.Take<NodeId>();
    hard_state.founder = (flags & kIsFounder) != 0;
    if ((flags & kIsRenewed) != 0) {
      hard_state.renewed = decoder.Take<Incarnation>();
      const std::uint64_t renewed = hard_state.renewed.value();
      if (renewed < 2 || renewed > UINT32_MAX) return std::nullopt;
    }
  }
  if ((flags & kHasInstall) != 0) {
    InstallMark& install = batch.install.emplace();
    install.snapshot = TakePosition(decoder);
    install.suffix = (flags & kKeepsSuffix) != 0 ? SuffixRule::kKeep : SuffixRule::kDrop;
  }
  if (count > 0 || cuts) {
    batch.first = decoder.Take<Index>();
    batch.previous_term = decoder.Take<Term>();
    if (batch.first == Index(0)) return std::nullopt;
  }
  if (count == 0) {
    if (!decoder.done()) return std::nullopt;
    return batch;
  }
  if (!TakeEntries(decoder, payload, count, batch)) return std::nullopt;
  return batch;
}

void EncodeSeal(const Seal& seal, RecordBuilder& record) {
  record.Start(RecordType::kSeal);
  if (seal.before.has_value()) {
    GRASS_CHECK(seal.before->last == seal.last);
    PutLogState(record.fields(), *seal.before);
  } else {
    PutPosition(record.fields(), seal.last);
  }
  GRASS_CHECK_EQ(record.frame_bytes(), SealFrameBytes(seal.before.has_value() ? 2 : 1));
}

std::optional<Seal> DecodeSeal(std::string_view payload) {
  Decoder decoder(payload);
  Seal seal;
  if (payload.size() + kRecordHeaderBytes == SealFrameBytes(1)) {
    seal.last = TakePosition(decoder);
  } else {
    seal.before = TakeLogState(decoder);
    if (!seal.before.has_value()) return std::nullopt;
    seal.last = seal.before->last;
  }
  if (!decoder.done()) return std::nullopt;
  return seal;
}

std::string MembersOf(const RecoveredState& state) {
  for (auto entry = state.entries.rbegin(); entry != state.entries.rend(); ++entry) {
    if (entry->type == EntryType::kConfiguration && !entry->payload.empty()) {
      return std::string(entry->payload.view());
    }
  }
  const std::vector<Entry>& evicted = state.evicted.configurations;
  if (!evicted.empty()) return std::string(evicted.back().payload.view());
  if (state.snapshot.has_value()) return EncodeConfiguration(state.snapshot->configuration);
  if (!state.members.empty()) return EncodeConfiguration(state.members.back());
  return EncodeConfiguration(state.identity.bootstrap);
}

}  // namespace grassdb::store
