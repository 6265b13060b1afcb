#include "core/log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.h"

namespace grassdb {

Log::Log(Index base_index, Term base_term, std::vector<Entry> entries) {
  Reset(base_index, base_term);
  for (Entry& entry : entries) Append(std::move(entry));
}

bool Log::IsUpToDate(Index index, Term term) const {
  if (term != last_term()) return term > last_term();
  return index >= last_index();
}

std::vector<Entry> Log::Slice(Index from, std::size_t count_max, std::size_t bytes_max) const {
  GRASS_CHECK_GT(from, evicted_through_);
  if (from > last_index()) return {};
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(from - evicted_through_ - 1);
  const std::size_t available = last_index() - from + 1;
  auto end =
      begin + static_cast<std::ptrdiff_t>(std::min(available, std::max<std::size_t>(count_max, 1)));
  // No part of what is in memory is larger than all of it.
  if (bytes_ > bytes_max) {
    std::size_t bytes = CostOf(*begin);
    auto at = begin + 1;
    while (at != end && (bytes += CostOf(*at)) <= bytes_max) ++at;
    end = at;
  }
  // All at once: the memory for it is taken once.
  return std::vector<Entry>(begin, end);
}

Index Log::NewestBytes(Index through, std::size_t bytes) const {
  GRASS_CHECK_LE(through, last_index());
  std::size_t newest = 0;
  for (Index at = through; at > evicted_through_; at = at - 1) {
    newest += CostOf(At(at));
    if (newest > bytes) return at;
  }
  for (auto eviction = evictions_.rbegin(); eviction != evictions_.rend(); ++eviction) {
    const auto before = std::next(eviction);
    if (before != evictions_.rend() && before->through >= through) continue;
    newest += eviction->bytes;
    if (newest > bytes) return std::min(eviction->through, through);
  }
  return std::min(base_index(), through);
}

Index Log::OldestBeyond(std::size_t bytes) const {
  std::size_t left = bytes_;
  Index through = evicted_through_;
  while (left > bytes) {
    ++through;
    left -= CostOf(At(through));
  }
  return through;
}

void Log::Append(Entry entry) {
  GRASS_CHECK_EQ(entry.index, last_index() + 1);
  GRASS_CHECK_GE(entry.term, last_term());
  bytes_ += CostOf(entry);
  terms_.Append(entry.term);
  entries_.push_back(std::move(entry));
}

void Log::TruncateFrom(Index from) {
  // What is evicted has been applied, so it is committed.
  GRASS_CHECK_GT(from, evicted_through_);
  GRASS_CHECK_GT(from, base_index());
  while (!entries_.empty() && entries_.back().index >= from) {
    bytes_ -= CostOf(entries_.back());
    entries_.pop_back();
  }
  terms_.CutFrom(std::min(from, last_index() + 1));
}

void Log::EvictThrough(Index through) {
  GRASS_CHECK_LE(through, last_index());
  if (through <= evicted_through_) return;
  std::size_t bytes = 0;
  while (evicted_through_ < through) {
    bytes += CostOf(entries_.front());
    entries_.pop_front();
    ++evicted_through_;
  }
  bytes_ -= bytes;
  evictions_.push_back({.through = through, .bytes = bytes});
}

void Log::ReleaseThrough(Index through) {
  GRASS_CHECK_GE(through, base_index());
  GRASS_CHECK_LE(through, last_index());
  EvictThrough(through);
  terms_.ForgetThrough(through);
  while (!evictions_.empty() && evictions_.front().through <= through) evictions_.pop_front();
}

void Log::Reset(Index index, Term term) {
  GRASS_CHECK_EQ(index == Index(0), term == Term(0));
  entries_.clear();
  evictions_.clear();
  bytes_ = 0;
  evicted_through_ = index;
  terms_.ResetTo({.index = index, .term = term});
}

}  // namespace grassdb
