#include "sim/checkers/commit_ledger.h"

#include <algorithm>
#include <string>

#include "sim/violation.h"

namespace grassdb::sim {
bool CommitLedger::ObserveCommit(std::uint32_t node, Role role, Term term, Index commit,
                                 const Log& log) {
  const Index before = std::max(observed_[node], log.base_index());
  if (commit <= observed_[node]) return false;
  observed_[node] = commit;
  const Index known = last();
  GRASS_RULE("committed for ever", before <= known,
             NodeName(node) + " has a snapshot of index " + Decimal(before.value()) +
                 ", which nobody has committed");
  for (Index index = before + 1; index <= commit; ++index) {
    GRASS_RULE("committed for ever", index <= log.last_index(),
               NodeName(node) + " calls index " + Decimal(index.value()) +
                   " committed, beyond the end of its log");
    const Term held = *log.TermAt(index);
    if (index > last()) committed_.Set(index, {held, term});
    GRASS_RULE("committed for ever", index < committed_.begin() || TermAt(index) == held,
               NodeName(node) + " has an entry of term " + Decimal(held.value()) +
                   " committed at index " + Decimal(index.value()) +
                   ", where the cluster has committed one of term " +
                   Decimal(TermAt(index).value()));
  }
  if (last() == known) return false;
  GRASS_RULE("commit rule", role != Role::kLeader || TermAt(commit) == term,
             NodeName(node) + ", leader of term " + Decimal(term.value()) +
                 ", commits up to index " + Decimal(commit.value()) + " by an entry of term " +
                 Decimal(TermAt(commit).value()));
  return true;
}

void CommitLedger::ObserveNewLeader(std::uint32_t node, Term term, const Log& log) const {
  const Index end = std::max(log.base_index() + 1, committed_.begin());
  for (Index index = last(); index >= end && index > Index(); index = index - 1) {
    const Committed& entry = committed_.At(index);
    if (entry.in >= term) continue;
    GRASS_RULE("leader completeness", log.TermAt(index) == entry.term,
               NodeName(node) + ", new leader of term " + Decimal(term.value()) +
                   ", lacks the entry (index " + Decimal(index.value()) + ", term " +
                   Decimal(entry.term.value()) + ") committed in term " +
                   Decimal(entry.in.value()));
    return;  // by log matching it has the ones before
  }
}

}  // namespace grassdb::sim
