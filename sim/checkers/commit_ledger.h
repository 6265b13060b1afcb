// Which entry is committed at each index, for the whole cluster, and two rules about it:
//
// Committed for ever (thesis 3.6.2): every node that considers an index committed holds the same
// entry there. Commit rule (figure 8 of the Raft paper, thesis 3.6.2): a leader moves its commit
// index only to an entry of its own term; older ones are committed with it. Leader completeness
// (thesis 3.6.3, figure 3.2): an entry committed in a term is in the log of the leader of every
// later term.
#ifndef GRASSDB_SIM_CHECKERS_COMMIT_LEDGER_H_
#define GRASSDB_SIM_CHECKERS_COMMIT_LEDGER_H_

#include <cstdint>
#include <vector>

#include "core/log.h"
#include "core/raft.h"
#include "core/types.h"
#include "sim/checkers/by_index.h"

namespace grassdb::sim {

class CommitLedger {
 public:
  explicit CommitLedger(std::uint32_t nodes) : observed_(nodes) { committed_.Set(Index(), {}); }

  // The highest index known to be committed by any node.
  Index last() const { return committed_.end() - 1; }
  // The term of the entry committed at `index` <= last(); 0 below what is kept.
  Term TermAt(Index index) const { return committed_.At(index).term; }

  // `node` in `role` of `term` says that its log is committed up to `commit`. True if last() has
  // risen.
  bool ObserveCommit(std::uint32_t node, Role role, Term term, Index commit, const Log& log);
  // `node` has become the leader of `term`, with this log.
  void ObserveNewLeader(std::uint32_t node, Term term, const Log& log) const;
  // The node has lost its memory.
  void Forget(std::uint32_t node) { observed_[node] = Index(); }
  // No log reaches below `index` any more.
  void ReleaseBelow(Index index) { committed_.ReleaseBelow(index); }
  std::size_t Bytes() const { return committed_.Bytes(); }

 private:
  struct Committed {
    Term term;
    Term in;  // the term of the leader that committed it
  };

  ByIndex<Committed> committed_;
  std::vector<Index> observed_;  // by node: its commit index as observed last
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_COMMIT_LEDGER_H_
