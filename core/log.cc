#include "core/log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.h"

namespace grassdb {

void Evictions::Grow(Index index, std::size_t bytes) {
  const auto piece = std::ranges::lower_bound(pieces_, index, {}, &Piece::through);
  GRASS_CHECK(piece != pieces_.end());
  piece->bytes += bytes;
}

void Evictions::CutBehind(Index last, Index base) {
  const auto begin = [&] {
    return pieces_.size() > 1 ? std::next(pieces_.rbegin())->through : base;
  };
  while (!pieces_.empty() && begin() >= last) pieces_.pop_back();
  if (!pieces_.empty()) pieces_.back().through = std::min(pieces_.back().through, last);
}

void Evictions::ForgetThrough(Index through) {
  while (!pieces_.empty() && pieces_.front().through <= through) pieces_.pop_front();
}

std::optional<Index> Evictions::NewestBeyond(Index through, std::size_t bytes) const {
  std::size_t newest = 0;
  for (auto piece = pieces_.rbegin(); piece != pieces_.rend(); ++piece) {
    const auto before = std::next(piece);
    if (before != pieces_.rend() && before->through >= through) continue;
    newest += piece->bytes;
    if (newest > bytes) return std::min(piece->through, through);
  }
  return std::nullopt;
}

std::size_t Evictions::BytesBehind(Index index) const {
  std::size_t bytes = 0;
  for (auto piece = pieces_.rbegin(); piece != pieces_.rend() && piece->through > index; ++piece) {
    bytes += piece->bytes;
  }
  return bytes;
}

void EvictedEntries::Add(const LogPosition& base, const Entry& entry) {
  if (empty()) terms.ResetTo(base);
  GRASS_CHECK_EQ(entry.index, terms.last().index + 1);
  terms.Append(entry.term);
  if (entry.type == EntryType::kConfiguration) configurations.push_back(entry);
}

void EvictedEntries::CutBehind(Index last) {
  if (empty() || last >= terms.last().index) return;
  terms.CutFrom(last + 1);
  evictions.CutBehind(last, terms.base().index);
  while (!configurations.empty() && configurations.back().index > last) configurations.pop_back();
}

void EvictedEntries::Join(const EvictedEntries& behind) {
  GRASS_CHECK_EQ(behind.terms.base().index, terms.last().index);
  for (Index at = terms.last().index + 1; at <= behind.last().index; ++at) {
    terms.Append(*behind.terms.TermAt(at));
  }
  evictions.Join(behind.evictions);
  configurations.insert(configurations.end(), behind.configurations.begin(),
                        behind.configurations.end());
}

void EvictedEntries::Fill(const Entry& entry) {
  terms.Set(entry.index, entry.term);
  evictions.Grow(entry.index, entry.payload.size());
  if (entry.type != EntryType::kConfiguration) return;
  const auto at = std::ranges::lower_bound(configurations, entry.index, {}, &Entry::index);
  configurations.insert(at, entry);
}

void EvictedEntries::ForgetThrough(const LogPosition& base) {
  if (empty()) return;
  if (base.index >= last().index) return Clear();
  terms.Set(base.index, base.term);
  terms.ForgetThrough(base.index);
  evictions.ForgetThrough(base.index);
  std::erase_if(configurations, [&](const Entry& entry) { return entry.index <= base.index; });
}

Log::Log(Index base_index, Term base_term, std::vector<Entry> entries) {
  Reset(base_index, base_term);
  for (Entry& entry : entries) Append(std::move(entry));
}

Log::Log(LogPosition base, EvictedEntries evicted, const std::vector<Entry>& entries) {
  Reset(base.index, base.term);
  if (!evicted.empty()) {
    GRASS_CHECK(evicted.terms.base() == base);
    evicted_through_ = evicted.last().index;
    terms_ = std::move(evicted.terms);
    evictions_ = std::move(evicted.evictions);
  }
  for (const Entry& entry : entries) Append(entry);
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
  return evictions_.NewestBeyond(through, bytes - newest).value_or(std::min(base_index(), through));
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
  GRASS_CHECK_GT(from, base_index());
  while (!entries_.empty() && entries_.back().index >= from) {
    bytes_ -= CostOf(entries_.back());
    entries_.pop_back();
  }
  terms_.CutFrom(std::min(from, last_index() + 1));
  if (from > evicted_through_) return;
  evicted_through_ = from - 1;
  evictions_.CutBehind(evicted_through_, base_index());
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
  evictions_.Add(through, bytes);
}

void Log::ReleaseThrough(Index through) {
  GRASS_CHECK_GE(through, base_index());
  GRASS_CHECK_LE(through, last_index());
  EvictThrough(through);
  terms_.ForgetThrough(through);
  evictions_.ForgetThrough(through);
}

void Log::Reset(Index index, Term term) {
  GRASS_CHECK_EQ(index == Index(0), term == Term(0));
  entries_.clear();
  evictions_.Clear();
  bytes_ = 0;
  evicted_through_ = index;
  terms_.ResetTo({.index = index, .term = term});
}

}  // namespace grassdb
