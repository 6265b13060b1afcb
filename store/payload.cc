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
  kAllFlags = 15,
};

constexpr std::size_t kEntryRowBytes = 16;

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
  const auto first = decoder.Take<Index>();
  batch.previous_term = decoder.Take<Term>();
  if (!decoder.ok() || first.value() == 0 || decoder.remaining() / kEntryRowBytes < count) {
    return false;
  }
  std::size_t at = payload.size() - decoder.remaining() + count * kEntryRowBytes;
  batch.entries.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Entry entry;
    entry.index = first + i;
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

}  // namespace

std::string ToText(const LogPosition& position) {
  return "index " + std::to_string(position.index.value()) + " of term " +
         std::to_string(position.term.value());
}

void EncodeSegmentHeader(const SegmentHeader& header, RecordBuilder& record) {
  record.Start(RecordType::kSegmentHeader);
  Encoder fields = record.fields();
  fields.Put(kSegmentMagic);
  fields.Put(header.format);
  fields.Put(std::uint32_t{header.hard_state.founder ? 1u : 0u});
  fields.Put(header.cluster);
  fields.Put(header.node);
  fields.Put(header.incarnation);
  fields.Put(header.number);
  PutPosition(fields, header.previous);
  fields.Put(header.hard_state.term);
  fields.Put(header.hard_state.voted_for);
  PutPosition(fields, header.snapshot);
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view payload) {
  Decoder decoder(payload);
  SegmentHeader header;
  if (decoder.Take<std::uint64_t>() != kSegmentMagic) return std::nullopt;
  header.format = decoder.Take<std::uint32_t>();
  const auto founder = decoder.Take<std::uint32_t>();
  if (founder > 1) return std::nullopt;
  header.hard_state.founder = founder == 1;
  header.cluster = decoder.Take<ClusterId>();
  header.node = decoder.Take<NodeId>();
  header.incarnation = decoder.Take<Incarnation>();
  header.number = decoder.Take<SegmentNumber>();
  header.previous = TakePosition(decoder);
  header.hard_state.term = decoder.Take<Term>();
  header.hard_state.voted_for = decoder.Take<NodeId>();
  header.snapshot = TakePosition(decoder);
  if (!decoder.done()) return std::nullopt;
  return header;
}

void EncodeBatch(const Persist& persist, const std::optional<InstallMark>& install,
                 Term previous_term, RecordBuilder& record) {
  record.Start(RecordType::kBatch);
  Encoder fields = record.fields();
  std::uint32_t flags = 0;
  if (persist.hard_state.has_value()) flags |= kHasHardState;
  if (persist.hard_state.has_value() && persist.hard_state->founder) flags |= kIsFounder;
  if (install.has_value()) flags |= kHasInstall;
  if (install.has_value() && install->suffix == SuffixRule::kKeep) flags |= kKeepsSuffix;
  fields.Put(flags);
  fields.Put(static_cast<std::uint32_t>(persist.entries.size()));
  if (persist.hard_state.has_value()) {
    fields.Put(persist.hard_state->term);
    fields.Put(persist.hard_state->voted_for);
  }
  if (install.has_value()) PutPosition(fields, install->snapshot);
  if (persist.entries.empty()) return;

  fields.Put(persist.entries.front().index);
  fields.Put(previous_term);
  for (const Entry& entry : persist.entries) {
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
  if ((flags & ~std::uint32_t{kAllFlags}) != 0) return std::nullopt;
  if ((flags & (kHasInstall | kKeepsSuffix)) == kKeepsSuffix) return std::nullopt;
  if ((flags & (kHasHardState | kIsFounder)) == kIsFounder) return std::nullopt;
  if ((flags & kHasHardState) != 0) {
    HardState& hard_state = batch.hard_state.emplace();
    hard_state.term = decoder.Take<Term>();
    hard_state.voted_for = decoder.Take<NodeId>();
    hard_state.founder = (flags & kIsFounder) != 0;
  }
  if ((flags & kHasInstall) != 0) {
    InstallMark& install = batch.install.emplace();
    install.snapshot = TakePosition(decoder);
    install.suffix = (flags & kKeepsSuffix) != 0 ? SuffixRule::kKeep : SuffixRule::kDrop;
  }
  if (count == 0) {
    if (!decoder.done()) return std::nullopt;
    return batch;
  }
  if (!TakeEntries(decoder, payload, count, batch)) return std::nullopt;
  return batch;
}

void EncodeSeal(const LogPosition& last, RecordBuilder& record) {
  record.Start(RecordType::kSeal);
  PutPosition(record.fields(), last);
  GRASS_CHECK_EQ(record.frame_bytes(), kSealFrameBytes);
}

std::optional<LogPosition> DecodeSeal(std::string_view payload) {
  Decoder decoder(payload);
  const LogPosition last = TakePosition(decoder);
  if (!decoder.done()) return std::nullopt;
  return last;
}

}  // namespace grassdb::store
