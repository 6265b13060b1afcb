#include "sim/checkers/justified_refusal.h"

#include <algorithm>

#include "sim/violation.h"
#include "store/names.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/text.h"

namespace grassdb::sim {
namespace {

struct NewestRecord {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t told_by = 0;   // the end of what must be legible for it to be known as the newest
  std::uint32_t format = 0;  // of the log
  store::RecordType type = store::RecordType::kSegmentHeader;
};

// Where the record behind the newest one, which ends at `end`, would have its header, and all of it
// if it was begun: a crash may have torn it. Where that cannot be read, a record that was durable
// may have stood there.
std::size_t EndOfNext(std::string_view sound, std::size_t end, store::RecordSequence sequence,
                      store::Salt salt) {
  const std::size_t header = end + store::kRecordHeaderBytes;
  if (header > sound.size()) return header;
  const store::RecordClaim claim = store::ReadRecordClaim(sound.substr(end));
  if (claim.sequence != sequence || claim.salt != salt) return header;
  return std::max(header,
                  std::min(end + static_cast<std::size_t>(claim.frame_bytes), sound.size()));
}

// That the log should hold; nullopt if it should not even have a header.
std::optional<NewestRecord> NewestOf(std::string_view sound) {
  std::string problem;
  auto record = store::ParseRecord(sound, std::nullopt, &problem);
  const auto header =
      record.has_value() ? store::DecodeSegmentHeader(record->payload) : std::nullopt;
  if (!header.has_value()) return std::nullopt;
  NewestRecord newest{.end = record->frame_bytes, .format = header->format};
  // A log that was mended goes on behind what was lost of it.
  while (const auto next =
             store::FindRecordAbove(sound, newest.end, record->salt, record->sequence)) {
    record = store::ParseRecord(sound.substr(*next), record->salt, &problem);
    newest.begin = *next;
    newest.end = *next + record->frame_bytes;
    newest.type = record->type;
  }
  newest.told_by = EndOfNext(sound, newest.end, record->sequence + 1, record->salt);
  return newest;
}

// Whether the newest record that the log should hold can be read, and restates what the log was.
bool TellsTheEnd(const JustifiedRefusal::Shown& live) {
  const std::string_view sound = live.sound;
  const auto newest = NewestOf(sound);
  if (!newest.has_value() || newest->format < store::kLogFormat) return false;
  const std::size_t bytes = newest->told_by - newest->begin;
  return newest->end <= live.legible.size() &&
         std::string_view(live.legible).substr(newest->begin, bytes) ==
             sound.substr(newest->begin, bytes);
}

}  // namespace

JustifiedRefusal::Over JustifiedRefusal::Check(std::string_view name, const std::string& path,
                                               const absl::Status& status, const Show& show) {
  if (absl::IsResourceExhausted(status)) {
    const std::optional<Shown> live = show(store::FileNames(std::string(name)).Live());
    const auto newest = live.has_value() ? NewestOf(live->sound) : std::nullopt;
    GRASS_RULE("justified refusal", newest.has_value() && newest->type == store::RecordType::kSeal,
               std::string(name) + " wants room to start, though its log can go on where it is: " +
                   std::string(status.message()));
    return Over::kLiveLog;
  }
  const auto place = store::DamageIn(status, path);
  GRASS_RULE("justified refusal", place.has_value(),
             std::string(name) +
                 " refuses its disk and names no damaged place: " + std::string(status.message()));
  const store::FileKind kind = store::FileNames(std::string(name)).Parse(place->file).kind;
  const std::optional<Shown> shown = show(place->file);
  if (kind == store::FileKind::kIdentity) {
    GRASS_RULE("justified refusal", !shown.has_value() || shown->legible != shown->sound,
               std::string(name) + " refuses an identity that is whole: " + place->problem);
    return Over::kIdentity;
  }
  const bool live = kind == store::FileKind::kLive || kind == store::FileKind::kNext;
  GRASS_RULE("justified refusal", live && (!shown.has_value() || !TellsTheEnd(*shown)),
             std::string(name) + " refuses over what others could give back, " + place->file +
                 " at offset " + std::to_string(place->offset) + ": " + place->problem);
  return Over::kLiveLog;
}

}  // namespace grassdb::sim
