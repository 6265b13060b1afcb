// The in-memory log: a contiguous run of entries behind a base, the last entry that is no longer
// held.
#ifndef GRASSDB_CORE_LOG_H_
#define GRASSDB_CORE_LOG_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "core/entry.h"
#include "core/types.h"

namespace grassdb {

// Invariants: base_index() <= last_index(); entries have consecutive indexes from base_index() + 1
// on and terms that never fall, the first one's not below base_term().
class Log {
 public:
  Log() = default;
  Log(Index base_index, Term base_term, std::vector<Entry> entries);

  Index base_index() const { return base_index_; }
  Term base_term() const { return base_term_; }
  Index last_index() const { return base_index_ + (entries_.size() - released_); }
  Term last_term() const { return last_index() == base_index_ ? base_term_ : entries_.back().term; }
  // Sum of CostOf over the entries in memory, in bytes: those held, and those that are released but
  // not freed yet.
  std::size_t bytes() const { return bytes_; }

  // The term of the entry at `index`; nullopt before the base and after the end.
  std::optional<Term> TermAt(Index index) const;
  // True if the entry (index, term) is in the log or is its base.
  bool Matches(Index index, Term term) const { return TermAt(index) == term; }
  // base_index() < index <= last_index().
  const Entry& At(Index index) const;
  // Thesis 3.6.1: is a log that ends with (index, term) at least as up-to-date as this one?
  bool IsUpToDate(Index index, Term term) const;
  // The first index that has the same term as the entry at `index`, as far as the log reaches back.
  Index FirstIndexOfTermAt(Index index) const;
  // The last index at or below `at_most` whose term is not above `term`. >= base_index().
  Index LastIndexWithTermAtMost(Index at_most, Term term) const;

  // Entries from `from` on, as many as fit into `count_max` and `bytes_max`, but at least one if
  // there is one. Payloads are shared, not copied.
  std::vector<Entry> Slice(Index from, std::size_t count_max, std::size_t bytes_max) const;

  void Append(Entry entry);
  // Cuts the entries at and after `from`. base_index() < from.
  void TruncateFrom(Index from);
  // Forgets entries up to and including `through`, which becomes the base. base <= through <= last.
  // They are freed a few at a time, here and by what is appended later: a snapshot can release
  // hundreds of thousands, and to free them all takes many milliseconds.
  void ReleaseThrough(Index through);
  // Forgets everything and stands behind (index, term).
  void Reset(Index index, Term term);

 private:
  // Of the entries held.
  std::deque<Entry>::const_iterator begin() const {
    return entries_.begin() + static_cast<std::ptrdiff_t>(released_);
  }
  void Free(std::size_t count_max);

  Index base_index_;
  Term base_term_;
  std::deque<Entry> entries_;  // the first `released_` of them are not in the log any more
  std::size_t released_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_LOG_H_
