// State machine safety (thesis 3.6.3, figure 3.2): if a node has applied an entry at an index, no
// other node ever applies another one there; each node applies in order, each once. And its
// consequence: equal states at equal applied indexes.
#ifndef GRASSDB_SIM_CHECKERS_STATE_MACHINE_SAFETY_H_
#define GRASSDB_SIM_CHECKERS_STATE_MACHINE_SAFETY_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/log.h"
#include "core/types.h"
#include "sim/checkers/by_index.h"
#include "sim/checkers/commit_ledger.h"
#include "sim/violation.h"

namespace grassdb::sim {

class StateMachineSafety {
 public:
  explicit StateMachineSafety(std::uint32_t nodes) : applied_(nodes) {}

  // `node` has now applied up to `applied` of `log`, which leaves the state with this digest.
  void Observe(std::uint32_t node, Index applied, std::uint64_t digest, const Log& log,
               const CommitLedger& ledger) {
    const std::string who = NodeName(node);
    GRASS_RULE("state machine safety", applied <= ledger.last(),
               who + " applied index " + Decimal(applied.value()) + ", which is not committed");
    for (Index index = std::max(applied_[node], log.base_index()) + 1; index <= applied; ++index) {
      const Term committed = ledger.TermAt(index);  // 0: let go of
      GRASS_RULE("state machine safety", committed == Term() || log.TermAt(index) == committed,
                 who + " applied another entry at index " + Decimal(index.value()) +
                     " than is committed there");
    }
    applied_[node] = applied;
    if (applied < released_) return;
    std::uint64_t& known = digests_.Slot(applied);
    if (known == 0) known = digest;
    GRASS_RULE(
        "state machine safety", known == digest,
        who + " has another state than others had at applied index " + Decimal(applied.value()));
  }
  // A copy with this digest, taken from the node, is said to be the state after `index`.
  void CheckCopy(std::uint32_t node, Index index, std::uint64_t digest) const {
    const std::uint64_t known = digests_.At(index);
    GRASS_RULE("state machine safety", known == 0 || known == digest,
               "a copy of " + NodeName(node) + " has another state than nodes had at index " +
                   Decimal(index.value()));
  }
  // The node has lost its memory.
  void Forget(std::uint32_t node) { applied_[node] = Index(); }
  // No node is to come to a state below `index` any more, but one from a copy or disk so old that
  // nothing is left to compare it with.
  void ReleaseBelow(Index index) {
    released_ = std::max(released_, index);
    digests_.ReleaseBelow(index);
  }
  std::size_t Bytes() const { return digests_.Bytes(); }

 private:
  std::vector<Index> applied_;
  ByIndex<std::uint64_t> digests_;  // by applied index; 0: no node was seen at it
  Index released_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_STATE_MACHINE_SAFETY_H_
