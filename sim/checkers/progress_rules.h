// Monotony (thesis figure 3.1): within one life of a node its term, its commit index and its
// applied index never fall, a vote once given in a term is not changed, and applied <= committed. A
// new life begins with what was durable.
#ifndef GRASSDB_SIM_CHECKERS_PROGRESS_RULES_H_
#define GRASSDB_SIM_CHECKERS_PROGRESS_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/types.h"
#include "sim/violation.h"

namespace grassdb::sim {

class ProgressRules {
 public:
  struct Standing {
    Term term;
    NodeId voted_for;
    Index commit;
    Index applied;
  };

  explicit ProgressRules(std::uint32_t nodes) : last_(nodes) {}

  void Observe(std::uint32_t node, const Standing& now) {
    const Standing& before = last_[node];
    const auto who = [node] { return NodeName(node) + ": "; };
    GRASS_RULE("monotony", now.term >= before.term, who() + Fell("term", before.term, now.term));
    GRASS_RULE(
        "monotony",
        now.term > before.term || before.voted_for == NodeId() || now.voted_for == before.voted_for,
        who() + "changed its vote within a term");
    GRASS_RULE("monotony", now.commit >= before.commit,
               who() + Fell("commit index", before.commit, now.commit));
    GRASS_RULE("monotony", now.applied >= before.applied,
               who() + Fell("applied index", before.applied, now.applied));
    GRASS_RULE("monotony", now.applied <= now.commit, who() + "applied more than is committed");
    last_[node] = now;
  }
  // A new life: `term` and `voted_for` as recovered.
  void Begin(std::uint32_t node, Term term, NodeId voted_for) {
    last_[node] = {term, voted_for, Index(), Index()};
  }

 private:
  template <class Id>
  static std::string Fell(const char* what, Id from, Id to) {
    return std::string(what) + " fell from " + Decimal(from.value()) + " to " + Decimal(to.value());
  }

  std::vector<Standing> last_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_PROGRESS_RULES_H_
