#include "store/entry_reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/check.h"
#include "core/probe.h"
#include "store/payload.h"

namespace grassdb::store {
namespace {

std::string TextOf(const ReadEntries& wanted) {
  return "entry " + std::to_string(wanted.first.value()) + " of term " +
         std::to_string(wanted.term.value());
}

}  // namespace

absl::StatusOr<std::vector<Entry>> EntryReader::Read(const ReadEntries& wanted,
                                                     const LogFiles& files) {
  Place& place = FindPlace(wanted, files);
  if (place.ahead.empty()) {
    const absl::StatusOr<bool> goes_on = ReadPiece(place, wanted, files);
    if (!goes_on.ok() || !*goes_on) places_.pop_back();
    if (!goes_on.ok()) return goes_on.status();
    if (!*goes_on) return std::vector<Entry>();
  }
  return TakeAhead(place, wanted);
}

void EntryReader::LetGoOfAllBut(const LogFiles& files) {
  std::erase_if(places_, [&files](const Place& place) { return !IsThere(place, files); });
}

bool EntryReader::IsOf(const Place& place, const ReadEntries& wanted) {
  return place.reader == wanted.reader && place.purpose == wanted.purpose;
}

bool EntryReader::IsThere(const Place& place, const LogFiles& files) {
  const SegmentNumber at = place.segment->number();
  return at == files.live ||
         (!files.sealed.empty() && at >= files.sealed.front().number && at < files.live);
}

void EntryReader::MakeRoomFor(const ReadEntries& wanted) {
  const auto of_reader = [&wanted](const Place& place) { return IsOf(place, wanted); };
  if (std::ranges::count_if(places_, of_reader) == kPlacesOfReaderMax) {
    places_.erase(std::ranges::find_if(places_, of_reader));
  } else if (places_.size() == kPlacesMax) {
    places_.pop_front();
  }
}

EntryReader::Place& EntryReader::FindPlace(const ReadEntries& wanted, const LogFiles& files) {
  const auto& sealed = files.sealed;
  const auto known = std::ranges::find_if(places_, [&wanted](const Place& place) {
    return IsOf(place, wanted) && place.next == wanted.first;
  });
  if (known != places_.end()) {
    Place place = std::move(*known);
    places_.erase(known);
    const bool ahead = place.ahead.empty() || place.ahead.front().term == wanted.term;
    GRASS_CHECK(IsThere(place, files));
    if (ahead) return places_.emplace_back(std::move(place));
  }
  // The newest segment that began before the entry was there, or the oldest. What is cut and
  // written again stands behind that, perhaps in a later one.
  SegmentNumber number = sealed.empty() ? files.live : sealed.front().number;
  for (const LogFiles::Sealed& segment : sealed) {
    if (segment.previous < wanted.first) number = segment.number;
  }
  if (files.live_previous < wanted.first) number = files.live;
  MakeRoomFor(wanted);
  return places_.emplace_back(Place{.reader = wanted.reader,
                                    .purpose = wanted.purpose,
                                    .began = wanted.first,
                                    .next = wanted.first,
                                    .ahead = {},
                                    .segment = Begin(number),
                                    .damage = {}});
}

std::unique_ptr<SegmentReader> EntryReader::Begin(SegmentNumber number) const {
  return std::make_unique<SegmentReader>(home_, number, SegmentReader::Caching::kUsed,
                                         SegmentReader::AtDamage::kGoOn);
}

// The entry that is looked for is told by its term. Those behind it follow it in the log, until a
// later record cuts them away.
void EntryReader::Follow(Place& place, Term term, Batch batch) {
  const bool cuts = batch.kind != BatchKind::kFill;
  for (Entry& entry : batch.entries) {
    while (cuts && !place.ahead.empty() && place.ahead.back().index >= entry.index) {
      place.ahead.pop_back();
    }
    if (entry.index != place.next + place.ahead.size()) continue;
    if (place.ahead.empty() && entry.term != term) continue;
    place.ahead.push_back(std::move(entry));
  }
}

absl::StatusOr<bool> EntryReader::ReadPiece(Place& place, const ReadEntries& wanted,
                                            const LogFiles& files) {
  std::size_t bytes = 0;
  const auto visit = [&](const RecordView& record) {
    if (record.type != RecordType::kBatch) return SegmentReader::Next::kGoOn;
    std::optional<Batch> batch = DecodeBatch(record.payload);
    // A record that is whole and no batch is a matter of recovery.
    if (!batch.has_value()) return SegmentReader::Next::kGoOn;
    Follow(place, wanted.term, *std::move(batch));
    if (!place.ahead.empty()) bytes += record.frame_bytes;
    const bool enough = place.ahead.size() >= wanted.count_max || bytes >= wanted.bytes_max;
    return enough ? SegmentReader::Next::kStop : SegmentReader::Next::kGoOn;
  };
  const std::uint64_t bytes_max = GRASS_BUGGIFY("entries: a short piece")
                                      ? wanted.bytes_max
                                      : std::max<std::uint64_t>(wanted.bytes_max, kPieceBytesMin);
  const auto piece = place.segment->Read(files, bytes_max, visit);
  if (!piece.ok()) return piece.status();
  place.damage.Update(piece->damage);
  if (!piece->at_end) return true;
  const SegmentNumber at = place.segment->number();
  if (at != files.live) {
    GRASS_PROBE("entries: read on in the next segment");
    place.segment = Begin(at + 1);
    return true;
  }
  if (!place.ahead.empty()) return true;
  if (place.began != wanted.first) return false;
  if (!place.damage.ok()) return place.damage;
  return absl::NotFoundError(TextOf(wanted) + " is in none of the log's files in " +
                             home_.directory.path());
}

std::vector<Entry> EntryReader::TakeAhead(Place& place, const ReadEntries& wanted) {
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  while (!place.ahead.empty() && place.next <= wanted.last &&
         place.ahead.front().term == wanted.term) {
    bytes += CostOf(place.ahead.front());
    if (!entries.empty() && (entries.size() >= wanted.count_max || bytes > wanted.bytes_max)) break;
    entries.push_back(std::move(place.ahead.front()));
    place.ahead.pop_front();
    ++place.next;
  }
  return entries;
}

}  // namespace grassdb::store
