// A repair cuts only what it has proof of (core/repair.h): that of every quorum of the
// configuration that the lost entry stands behind (of the new half of a joint one, which has to
// agree whatever comes) somebody has said that it lacks that entry, and can never acknowledge it to
// a leader who counts what the one in repair has forgotten: it is durably in a later term than
// that one was, or in that term, and its leader lacks the entry as well, which is not one of its
// own. Or another entry is committed in its place, or in front of it.
#ifndef GRASSDB_SIM_CHECKERS_REPAIR_CUT_H_
#define GRASSDB_SIM_CHECKERS_REPAIR_CUT_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/configuration.h"
#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class RepairCut {
 public:
  explicit RepairCut(std::uint32_t nodes) : repairs_(nodes) {}

  // The node begins to repair its disk, on which it may have made promises up to this term.
  void Begin(std::uint32_t node, Term promised) { repairs_[node].promised = promised; }
  // It has another disk.
  void Forget(std::uint32_t node) { repairs_[node] = Repair(); }
  Term PromisedBy(std::uint32_t node) const { return repairs_[node].promised; }
  // `by`, whose durable term is `term`, tells it that it lacks the entry of index `first`.
  void OnAbsent(std::uint32_t node, NodeId by, Term term, Index first) {
    repairs_[node].said.push_back({by, term, first});
  }

  // It durably cuts its log at `first`, behind `configuration`, and no other entry is known to be
  // committed there; `leader` has led the term of its promises, and the entry is of an earlier one
  // (nobody: else).
  void CheckCut(std::uint32_t node, Index first, const Configuration& configuration,
                NodeId leader) const {
    const Repair& repair = repairs_[node];
    const auto lacks = [&](NodeId voter, Term least) {
      return std::ranges::any_of(repair.said, [&](const Said& said) {
        return said.by == voter && said.first == first && said.term >= least;
      });
    };
    const Term least = lacks(leader, repair.promised) ? repair.promised : repair.promised + 1;
    const Tally tally = CountVotes(configuration.voters(), [&](NodeId voter) {
      return lacks(voter, least) ? std::optional(false) : std::optional<bool>();
    });
    GRASS_RULE("a repair cuts with proof", tally == Tally::kLost,
               NodeName(node) + " cuts its log at the lost entry of index " +
                   Decimal(first.value()) +
                   ", which a quorum may have or get; it had promised up "
                   "to term " +
                   Decimal(repair.promised.value()));
  }

 private:
  struct Said {
    NodeId by;
    Term term;
    Index first;
  };
  struct Repair {
    Term promised;
    std::vector<Said> said;
  };

  std::vector<Repair> repairs_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_REPAIR_CUT_H_
