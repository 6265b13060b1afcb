#include "store/lost.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace grassdb::store {

const LostRange* LostEntries::Find(Index index) const {
  for (const LostRange& range : ranges_) {
    if (index >= range.first && index <= range.last) return &range;
  }
  return nullptr;
}

bool LostEntries::IsUnknown(Index index) const {
  const LostRange* range = Find(index);
  return range != nullptr && index != range->last;
}

void LostEntries::Add(const LostRange& range) {
  GRASS_CHECK_LE(range.first, range.last);
  GRASS_CHECK(ranges_.empty() || ranges_.back().last < range.first);
  ranges_.push_back(range);
}

void LostEntries::CutBehind(const LogPosition& last) {
  std::erase_if(ranges_, [&](const LostRange& range) { return range.first > last.index; });
  if (ranges_.empty() || ranges_.back().last <= last.index) return;
  ranges_.back().last = last.index;
  ranges_.back().last_term = last.term;
}

void LostEntries::ForgetThrough(Index through) {
  std::erase_if(ranges_, [through](const LostRange& range) { return range.last <= through; });
  if (ranges_.empty()) return;
  ranges_.front().first = std::max(ranges_.front().first, through + 1);
}

void LostEntries::Fill(const LogPosition& joint, Index last) {
  std::vector<LostRange> rest;
  for (const LostRange& range : ranges_) {
    if (range.last <= joint.index || range.first > last) {
      rest.push_back(range);
      continue;
    }
    if (range.first <= joint.index) {
      rest.push_back({.first = range.first, .last = joint.index, .last_term = joint.term});
    }
    if (range.last > last) {
      rest.push_back({.first = last + 1, .last = range.last, .last_term = range.last_term});
    }
  }
  ranges_ = std::move(rest);
}

}  // namespace grassdb::store
