// The terms of the log's entries as runs: what the storage keeps in memory of a log whose entries
// it has handed to the disk. A few runs stand for millions of entries.
#ifndef GRASSDB_STORE_TERM_RUNS_H_
#define GRASSDB_STORE_TERM_RUNS_H_

#include <optional>
#include <vector>

#include "core/types.h"
#include "store/payload.h"

namespace grassdb::store {

class TermRuns {
 public:
  TermRuns() = default;

  // Empties the log; the next entry is base.index + 1.
  void ResetTo(LogPosition base);
  // Appends the entry behind last().
  void Append(Term term);
  // Entries at or after `first` are gone. `first` is above base() and at most one behind last().
  void CutFrom(Index first);
  // Entries at or before `index`, which is base() or known, are no longer asked for.
  void ForgetThrough(Index index);

  const LogPosition& base() const { return base_; }
  LogPosition last() const { return {.index = last_, .term = LastTerm()}; }
  // nullopt below base() and above last().
  std::optional<Term> TermAt(Index index) const;

 private:
  struct Run {
    Index first;
    Term term;
  };

  Term LastTerm() const { return runs_.empty() ? base_.term : runs_.back().term; }

  LogPosition base_;
  Index last_;
  std::vector<Run> runs_;  // ascending; the first one begins at base_.index + 1
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_TERM_RUNS_H_
