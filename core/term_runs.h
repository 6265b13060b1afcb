// The terms of a log's entries as runs: a few of them stand for millions of entries.
#ifndef GRASSDB_CORE_TERM_RUNS_H_
#define GRASSDB_CORE_TERM_RUNS_H_

#include <optional>
#include <vector>

#include "core/entry.h"
#include "core/types.h"

namespace grassdb {

// Terms may fall along a log that has lost entries (store/lost.h); the calls that need them not to
// say so.
class TermRuns {
 public:
  TermRuns() = default;

  // Empties the log; the next entry is base.index + 1.
  void ResetTo(LogPosition base);
  // Appends the entry behind last(). Here and not in the source file: every entry passes it.
  void Append(Term term) {
    ++last_;
    if (runs_.empty() || runs_.back().term != term) runs_.push_back({.first = last_, .term = term});
  }
  // The entry at `index`, which is above base() and not above last(), is of `term` after all.
  void Set(Index index, Term term);
  // Entries at or after `first` are gone. `first` is above base() and at most one behind last().
  void CutFrom(Index first);
  // Entries at or before `index`, which is base() or known, are no longer asked for.
  void ForgetThrough(Index index);

  const LogPosition& base() const { return base_; }
  LogPosition last() const { return {.index = last_, .term = LastTerm()}; }
  // nullopt below base() and above last().
  std::optional<Term> TermAt(Index index) const;
  // The first index of the run that `index`, which is above base() and not above last(), is in.
  Index FirstOfRunAt(Index index) const;
  // The last index at or below `at_most` whose term is not above `term`. >= base(). In a log whose
  // terms never fall.
  Index LastWithTermAtMost(Index at_most, Term term) const;

 private:
  struct Run {
    Index first;
    Term term;
  };

  Term LastTerm() const { return runs_.empty() ? base_.term : runs_.back().term; }
  // The run that `index`, which is above base() and not above last(), is in.
  std::vector<Run>::const_iterator RunAt(Index index) const;

  LogPosition base_;
  Index last_;
  std::vector<Run> runs_;  // ascending; the first one begins at base_.index + 1
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_TERM_RUNS_H_
