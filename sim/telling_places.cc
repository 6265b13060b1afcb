#include "sim/telling_places.h"

#include <optional>
#include <string>

#include "core/types.h"
#include "store/payload.h"
#include "store/record.h"

namespace grassdb::sim {
namespace {

// The log ended with `last` before the batch; 0: not known.
bool Tells(const store::Batch& batch, Index last) {
  if (batch.kind != store::BatchKind::kAppend || batch.install.has_value()) return true;
  if (batch.entries.empty()) return false;
  return batch.entries.front().term != batch.previous_term ||
         (last > Index(0) && batch.first <= last);
}

}  // namespace

std::vector<Extent> TellingPlaces(std::string_view content) {
  std::vector<Extent> places;
  std::optional<Extent> before;  // the record before the newest so far, and that
  std::optional<Extent> newest;
  std::string problem;
  Index last;
  auto record = store::ParseRecord(content, std::nullopt, &problem);
  for (std::size_t at = 0; record.has_value();) {
    const Extent extent{at, at + record->frame_bytes};
    bool tells = record->type != store::RecordType::kBatch;
    if (!tells) {
      const auto batch = store::DecodeBatch(record->payload);
      if (!batch.has_value()) break;
      if (batch->before.has_value()) last = batch->before->last.index;
      tells = Tells(*batch, last);
      if (!batch->entries.empty()) last = batch->entries.back().index;
    }
    if (tells) places.push_back(extent);
    before = newest;
    newest = extent;
    // A log that was mended goes on behind what was lost of it.
    const auto next =
        store::FindRecordAbove(content, at + record->frame_bytes, record->salt, record->sequence);
    if (!next.has_value()) break;
    at = *next;
    record = store::ParseRecord(content.substr(at), record->salt, &problem);
  }
  const auto add = [&places](const Extent& place) {
    if (places.empty() || places.back().begin < place.begin) places.push_back(place);
  };
  if (before.has_value()) add(*before);
  if (newest.has_value() && IsBegunBehind(content, *newest)) add(*newest);
  return places;
}

bool IsBegunBehind(std::string_view content, const Extent& record) {
  if (record.end + store::kRecordHeaderBytes > content.size()) return false;
  const store::RecordClaim claim = store::ReadRecordClaim(content.substr(record.begin));
  const store::RecordClaim next = store::ReadRecordClaim(content.substr(record.end));
  return next.salt == claim.salt && next.sequence == claim.sequence + 1;
}

}  // namespace grassdb::sim
