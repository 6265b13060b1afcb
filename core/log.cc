#include "core/log.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace grassdb {

Log::Log(Index base_index, Term base_term, std::vector<Entry> entries)
    : base_index_(base_index), base_term_(base_term) {
  GRASS_CHECK_EQ(base_index == Index(0), base_term == Term(0));
  for (Entry& entry : entries) Append(std::move(entry));
}

bool Log::IsUpToDate(Index index, Term term) const {
  if (term != last_term()) return term > last_term();
  return index >= last_index();
}

Index Log::FirstIndexOfTermAt(Index index) const {
  const Term term = At(index).term;
  // Terms never fall along the log, so the run of one term is found by bisection.
  const auto first = std::ranges::lower_bound(entries_, term, {}, &Entry::term);
  return first->index;
}

Index Log::LastIndexWithTermAtMost(Index at_most, Term term) const {
  if (at_most <= base_index_) return base_index_;
  const auto end =
      entries_.begin() + static_cast<std::ptrdiff_t>(std::min(at_most, last_index()) - base_index_);
  const auto above = std::ranges::upper_bound(entries_.begin(), end, term, {}, &Entry::term);
  return base_index_ + static_cast<std::uint64_t>(above - entries_.begin());
}

std::vector<Entry> Log::Slice(Index from, std::size_t count_max, std::size_t bytes_max) const {
  GRASS_CHECK_GT(from, base_index_);
  if (from > last_index()) return {};
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(from - base_index_ - 1);
  const std::size_t available = last_index() - from + 1;
  auto end =
      begin + static_cast<std::ptrdiff_t>(std::min(available, std::max<std::size_t>(count_max, 1)));
  // No part of the log is larger than all of it.
  if (bytes_ > bytes_max) {
    std::size_t bytes = CostOf(*begin);
    auto at = begin + 1;
    while (at != end && (bytes += CostOf(*at)) <= bytes_max) ++at;
    end = at;
  }
  // All at once: the memory for it is taken once.
  return std::vector<Entry>(begin, end);
}

void Log::Append(Entry entry) {
  GRASS_CHECK_EQ(entry.index, last_index() + 1);
  GRASS_CHECK_GE(entry.term, last_term());
  bytes_ += CostOf(entry);
  entries_.push_back(std::move(entry));
}

void Log::TruncateFrom(Index from) {
  GRASS_CHECK_GT(from, base_index_);
  while (last_index() >= from) {
    bytes_ -= CostOf(entries_.back());
    entries_.pop_back();
  }
}

void Log::ReleaseThrough(Index through) {
  GRASS_CHECK_GE(through, base_index_);
  GRASS_CHECK_LE(through, last_index());
  while (base_index_ < through) {
    base_term_ = entries_.front().term;
    bytes_ -= CostOf(entries_.front());
    entries_.pop_front();
    ++base_index_;
  }
}

void Log::Reset(Index index, Term term) {
  entries_.clear();
  bytes_ = 0;
  base_index_ = index;
  base_term_ = term;
}

}  // namespace grassdb
