#include "store/mark.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/checksum.h"
#include "core/codec.h"
#include "core/probe.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

constexpr std::uint64_t kMagic = 0x4b524d5353415247u;  // "GRASSMRK"
constexpr std::uint32_t kVersion = 1;
// A slot of its own block each: no write of the one can harm the other.
constexpr std::size_t kSlotBytes = 4096;
constexpr std::size_t kSlots = 2;

std::uint64_t SaltOf(const Identity& identity) {
  std::string key;
  Encoder encoder(key);
  encoder.PutString("mark");
  encoder.Put(identity.cluster);
  encoder.Put(identity.node);
  encoder.Put(identity.incarnation);
  encoder.Put(identity.secret);
  return Checksum(key);
}

struct Slot {
  std::uint64_t counter = 0;
  Mark mark;
};

std::string Encode(const Slot& slot, std::uint64_t salt) {
  std::string bytes;
  Encoder encoder(bytes);
  encoder.Put(kMagic);
  encoder.Put(kVersion);
  encoder.Put(std::uint32_t{0});
  encoder.Put(salt);
  encoder.Put(slot.counter);
  encoder.Put(slot.mark.sequence);
  encoder.Put(slot.mark.segment);
  PutLogState(encoder, slot.mark.after);
  encoder.Put(Checksum(bytes));
  GRASS_CHECK_EQ(bytes.size(), kMarkBytes);
  return bytes;
}

std::optional<Slot> Decode(std::string_view bytes, std::uint64_t salt) {
  Decoder decoder(bytes);
  const auto magic = decoder.Take<std::uint64_t>();
  const auto version = decoder.Take<std::uint32_t>();
  decoder.Take<std::uint32_t>();
  const auto found_salt = decoder.Take<std::uint64_t>();
  Slot slot;
  slot.counter = decoder.Take<std::uint64_t>();
  slot.mark.sequence = decoder.Take<RecordSequence>();
  slot.mark.segment = decoder.Take<SegmentNumber>();
  const auto after = TakeLogState(decoder);
  const auto checksum = decoder.Take<std::uint64_t>();
  if (!decoder.done() || !after.has_value()) return std::nullopt;
  if (checksum != Checksum(bytes.substr(0, bytes.size() - sizeof checksum))) return std::nullopt;
  // One of a newer version says nothing that this program could use; the log itself is refused.
  if (magic != kMagic || version != kVersion || found_salt != salt) return std::nullopt;
  slot.mark.after = *after;
  return slot;
}

std::optional<Slot> NewestSlot(std::string_view bytes, const Identity& identity) {
  const std::uint64_t salt = SaltOf(identity);
  std::optional<Slot> newest;
  for (std::size_t i = 0; i < kSlots && (i * kSlotBytes) + kMarkBytes <= bytes.size(); ++i) {
    const auto slot = Decode(bytes.substr(i * kSlotBytes, kMarkBytes), salt);
    if (!slot.has_value()) continue;
    if (!newest.has_value() || slot->counter > newest->counter) newest = slot;
  }
  return newest;
}

}  // namespace

std::optional<Mark> NewestMark(std::string_view bytes, const Identity& identity) {
  const auto slot = NewestSlot(bytes, identity);
  return slot.has_value() ? std::optional<Mark>(slot->mark) : std::nullopt;
}

std::vector<MarkSlot> MarkSlots(std::string_view bytes, const Identity& identity) {
  const std::uint64_t salt = SaltOf(identity);
  std::vector<MarkSlot> slots;
  for (std::size_t i = 0; i < kSlots && (i * kSlotBytes) + kMarkBytes <= bytes.size(); ++i) {
    const std::string_view used = bytes.substr(i * kSlotBytes, kMarkBytes);
    MarkSlot& slot = slots.emplace_back();
    slot.offset = i * kSlotBytes;
    slot.blank = used.find_first_not_of('\0') == std::string_view::npos;
    if (const auto found = Decode(used, salt)) {
      slot.counter = found->counter;
      slot.mark = found->mark;
    }
  }
  return slots;
}

bool IsDamaged(const std::vector<MarkSlot>& slots) {
  return slots.size() == kSlots && std::ranges::all_of(slots, [](const MarkSlot& slot) {
           return !slot.blank && !slot.mark.has_value();
         });
}

absl::StatusOr<LegibleContent> ReadMarkSlots(Directory& directory, const FileNames& names) {
  return ReadLegible(directory, names.Mark(), kSlots * kSlotBytes, Excess::kLeftOut);
}

std::optional<Mark> MarkFile::Read() {
  const auto content = ReadMarkSlots(home_.directory, home_.names);
  if (!content.ok()) return std::nullopt;
  // What cannot be read may not be writable in part either: then the file is made anew.
  exists_ = content->bytes.size() == kSlots * kSlotBytes && content->illegible.empty();
  const auto newest = NewestSlot(content->bytes, home_.identity);
  if (!newest.has_value()) return std::nullopt;
  counter_ = newest->counter;
  return newest->mark;
}

absl::Status MarkFile::Write(const Mark& mark) {
  if (file_ == nullptr) {
    const OpenMode mode = exists_ ? OpenMode::kExisting : OpenMode::kReplace;
    auto file = home_.directory.Open(home_.names.Mark(), mode);
    if (!file.ok()) return file.status();
    file_ = std::move(*file);
  }
  const bool is_new = !exists_;
  if (is_new) {
    const absl::Status room = WriteZeros(*file_, 0, kSlots * kSlotBytes);
    if (!room.ok()) file_.reset();
    if (!room.ok()) return room;
  }
  const Slot slot{.counter = counter_ + 1, .mark = mark};
  const std::uint64_t offset = (slot.counter % kSlots) * kSlotBytes;
  if (absl::Status s = WriteOne(*file_, offset, Encode(slot, SaltOf(home_.identity))); !s.ok()) {
    return s;
  }
  if (absl::Status s = file_->Sync(); !s.ok()) return s;
  counter_ = slot.counter;
  exists_ = true;
  return is_new ? home_.directory.Sync() : absl::OkStatus();
}

}  // namespace grassdb::store
