// The log as a replica sees it: a contiguous run of entries behind a base, the last entry that is
// no longer there. The terms of all of them are in memory, and so are their configurations
// (core/raft.h). The entries themselves are, but for the oldest ones, which may have been evicted
// and are on the disk only: since the start (EvictedEntries), or later.
#ifndef GRASSDB_CORE_LOG_H_
#define GRASSDB_CORE_LOG_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "core/check.h"
#include "core/entry.h"
#include "core/term_runs.h"
#include "core/types.h"

namespace grassdb {

// How many bytes the evicted entries of a log have, by the ones that were evicted together.
class Evictions {
 public:
  // The entries behind those before, through `through`, have so many bytes (CostOf).
  void Add(Index through, std::size_t bytes) {
    pieces_.push_back({.through = through, .bytes = bytes});
  }
  // The entry at `index`, which is among them, has so many bytes more.
  void Grow(Index index, std::size_t bytes);
  // The log ends with `last`, and begins behind `base`. A piece that is cut counts whole.
  void CutBehind(Index last, Index base);
  // The log begins behind `through`.
  void ForgetThrough(Index through);
  void Clear() { pieces_.clear(); }
  // `behind` goes on where these end.
  void Join(const Evictions& behind) {
    pieces_.insert(pieces_.end(), behind.pieces_.begin(), behind.pieces_.end());
  }

  // The index behind which the newest pieces up to `through` begin that fit into `bytes`; nullopt
  // if all of them do.
  std::optional<Index> NewestBeyond(Index through, std::size_t bytes) const;
  // Of all pieces that reach beyond `index`.
  std::size_t BytesBehind(Index index) const;

 private:
  struct Piece {
    Index through;
    std::size_t bytes;
  };
  std::deque<Piece> pieces_;  // ascending
};

// The oldest entries of a log that has just been read from the disk, where they have not been kept
// in memory. Empty, or they begin behind the log's base. Of lost ones (RecoveredState::damage) the
// terms are those that stand in their place there.
struct EvictedEntries {
  TermRuns terms;                     // base() is the log's
  Evictions evictions;                // of all of them
  std::vector<Entry> configurations;  // those among them, ascending

  bool empty() const { return terms.last().index == terms.base().index; }
  // The last one. Not empty.
  LogPosition last() const { return terms.last(); }

  // The next one goes behind last(), or if empty behind `base`.
  void Add(const LogPosition& base, const Entry& entry);
  // `behind` goes on where these end, which are not empty.
  void Join(const EvictedEntries& behind);
  // In the place of the one at entry.index, of which the term was not known, or which was lost.
  void Fill(const Entry& entry);
  // Those behind `last`, which is not before the base, are gone.
  void CutBehind(Index last);
  // The log begins behind `base` instead, which is among them or behind them.
  void ForgetThrough(const LogPosition& base);
  void Clear() { *this = {}; }
};

// Invariants: base_index() <= evicted_through() <= last_index(); entries have consecutive indexes
// from base_index() + 1 on and terms that never fall, the first one's not below base_term().
class Log {
 public:
  Log() = default;
  Log(Index base_index, Term base_term, std::vector<Entry> entries);
  // `entries` go on behind `evicted`, if there are any.
  Log(LogPosition base, EvictedEntries evicted, const std::vector<Entry>& entries);

  Index base_index() const { return terms_.base().index; }
  Term base_term() const { return terms_.base().term; }
  Index last_index() const { return terms_.last().index; }
  Term last_term() const { return terms_.last().term; }
  // The last entry that is not in memory; base_index() if all are.
  Index evicted_through() const { return evicted_through_; }
  bool IsEvicted(Index index) const { return index > base_index() && index <= evicted_through_; }
  // Sum of CostOf over the entries in memory, in bytes.
  std::size_t bytes() const { return bytes_; }

  // The term of the entry at `index`; nullopt before the base and after the end.
  std::optional<Term> TermAt(Index index) const { return terms_.TermAt(index); }
  // True if the entry (index, term) is in the log or is its base.
  bool Matches(Index index, Term term) const { return TermAt(index) == term; }
  // evicted_through() < index <= last_index().
  const Entry& At(Index index) const {
    GRASS_CHECK_GT(index, evicted_through_);
    GRASS_CHECK_LE(index, last_index());
    return entries_[index - evicted_through_ - 1];
  }
  // Thesis 3.6.1: is a log that ends with (index, term) at least as up-to-date as this one?
  bool IsUpToDate(Index index, Term term) const;
  // The first index that has the same term as the entry at `index`, as far as the log reaches back.
  Index FirstIndexOfTermAt(Index index) const { return terms_.FirstOfRunAt(index); }
  // The last index at or below `at_most` whose term is not above `term`. >= base_index().
  Index LastIndexWithTermAtMost(Index at_most, Term term) const {
    return terms_.LastWithTermAtMost(at_most, term);
  }

  // Entries from `from` on, which is not evicted, as many as fit into `count_max` and `bytes_max`,
  // but at least one if there is one. Payloads are shared, not copied.
  std::vector<Entry> Slice(Index from, std::size_t count_max, std::size_t bytes_max) const;
  // The index behind which the newest entries up to `through` begin that fit into `bytes`. Of
  // evicted ones, those of one call of EvictThrough count together.
  Index NewestBytes(Index through, std::size_t bytes) const;
  // Through which entries must be evicted for no more than `bytes` to stay in memory. Looks at
  // those only, not at what stays.
  Index OldestBeyond(std::size_t bytes) const;
  // Of the evicted entries behind `index`, or a little more.
  std::size_t EvictedBytesBehind(Index index) const { return evictions_.BytesBehind(index); }

  void Append(Entry entry);
  // Cuts the entries at and after `from`, also evicted ones. base_index() < from.
  void TruncateFrom(Index from);
  // Entries up to and including `through` (<= last_index()) are on the disk, and are not kept in
  // memory any longer.
  void EvictThrough(Index through);
  // Forgets entries up to and including `through`, which becomes the base. base <= through <= last.
  void ReleaseThrough(Index through);
  // Forgets everything and stands behind (index, term).
  void Reset(Index index, Term term);

 private:
  TermRuns terms_;
  Index evicted_through_;
  std::deque<Entry> entries_;  // those behind evicted_through_
  Evictions evictions_;        // those that the log still reaches back to
  std::size_t bytes_ = 0;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_LOG_H_
