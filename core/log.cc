#include "core/log.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace grassdb {
namespace {

// How many released entries are freed at their release, and by each entry appended after it.
constexpr std::size_t kFreedAtRelease = 4096;
constexpr std::size_t kFreedAtAppend = 16;

}  // namespace

Log::Log(Index base_index, Term base_term, std::vector<Entry> entries)
    : base_index_(base_index), base_term_(base_term) {
  GRASS_CHECK_EQ(base_index == Index(0), base_term == Term(0));
  for (Entry& entry : entries) Append(std::move(entry));
}

std::optional<Term> Log::TermAt(Index index) const {
  if (index == base_index_) return base_term_;
  if (index < base_index_ || index > last_index()) return std::nullopt;
  return At(index).term;
}

const Entry& Log::At(Index index) const {
  GRASS_CHECK_GT(index, base_index_);
  GRASS_CHECK_LE(index, last_index());
  return entries_[released_ + (index - base_index_ - 1)];
}

bool Log::IsUpToDate(Index index, Term term) const {
  if (term != last_term()) return term > last_term();
  return index >= last_index();
}

Index Log::FirstIndexOfTermAt(Index index) const {
  const Term term = At(index).term;
  // Terms never fall along the log, so the run of one term is found by bisection.
  const auto first = std::ranges::lower_bound(begin(), entries_.end(), term, {}, &Entry::term);
  return first->index;
}

Index Log::LastIndexWithTermAtMost(Index at_most, Term term) const {
  if (at_most <= base_index_) return base_index_;
  const auto end =
      begin() + static_cast<std::ptrdiff_t>(std::min(at_most, last_index()) - base_index_);
  const auto above = std::ranges::upper_bound(begin(), end, term, {}, &Entry::term);
  return base_index_ + static_cast<std::uint64_t>(above - begin());
}

std::vector<Entry> Log::Slice(Index from, std::size_t count_max, std::size_t bytes_max) const {
  GRASS_CHECK_GT(from, base_index_);
  std::vector<Entry> slice;
  if (from > last_index()) return slice;
  slice.reserve(std::min<std::size_t>(count_max, last_index() - from + 1));
  std::size_t bytes = 0;
  for (Index index = from; index <= last_index(); ++index) {
    const Entry& entry = At(index);
    bytes += CostOf(entry);
    if (!slice.empty() && (slice.size() >= count_max || bytes > bytes_max)) break;
    slice.push_back(entry);
  }
  return slice;
}

void Log::Append(Entry entry) {
  GRASS_CHECK_EQ(entry.index, last_index() + 1);
  GRASS_CHECK_GE(entry.term, last_term());
  Free(kFreedAtAppend);
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
  if (through == base_index_) return;
  base_term_ = At(through).term;
  released_ += through - base_index_;
  base_index_ = through;
  Free(kFreedAtRelease);
}

void Log::Free(std::size_t count_max) {
  for (std::size_t i = 0; i < count_max && released_ > 0; ++i) {
    bytes_ -= CostOf(entries_.front());
    entries_.pop_front();
    --released_;
  }
}

void Log::Reset(Index index, Term term) {
  entries_.clear();
  released_ = 0;
  bytes_ = 0;
  base_index_ = index;
  base_term_ = term;
}

}  // namespace grassdb
