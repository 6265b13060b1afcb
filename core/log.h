// The log as a replica sees it: a contiguous run of entries behind a base, the last entry that is
// no longer there. The terms of all of them are in memory. The entries themselves are, but for the
// oldest ones, which may have been evicted and are on the disk only.
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

// Invariants: base_index() <= evicted_through() <= last_index(); entries have consecutive indexes
// from base_index() + 1 on and terms that never fall, the first one's not below base_term().
class Log {
 public:
  Log() = default;
  Log(Index base_index, Term base_term, std::vector<Entry> entries);

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

  void Append(Entry entry);
  // Cuts the entries at and after `from`. evicted_through() < from.
  void TruncateFrom(Index from);
  // Entries up to and including `through` (<= last_index()) are on the disk, and are not kept in
  // memory any longer.
  void EvictThrough(Index through);
  // Forgets entries up to and including `through`, which becomes the base. base <= through <= last.
  void ReleaseThrough(Index through);
  // Forgets everything and stands behind (index, term).
  void Reset(Index index, Term term);

 private:
  struct Eviction {
    Index through;
    std::size_t bytes;
  };

  TermRuns terms_;
  Index evicted_through_;
  std::deque<Entry> entries_;       // those behind evicted_through_
  std::deque<Eviction> evictions_;  // those that the log still reaches back to, ascending
  std::size_t bytes_ = 0;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_LOG_H_
