// Leader append-only (thesis 3.5, figure 3.2): a leader never overwrites or deletes entries in its
// log; it only appends new ones.
#ifndef GRASSDB_SIM_CHECKERS_LEADER_APPEND_ONLY_H_
#define GRASSDB_SIM_CHECKERS_LEADER_APPEND_ONLY_H_

#include <cstdint>
#include <string>

#include "core/raft.h"
#include "sim/checkers/log_matching.h"
#include "sim/violation.h"

namespace grassdb::sim {

class LeaderAppendOnly {
 public:
  struct Standing {
    Role role = Role::kFollower;
    Term term;
  };

  // `change` is what happened to the log of `node` between the two.
  static void Observe(std::uint32_t node, const Standing& before, const Standing& after,
                      const LogMatching::Change& change) {
    const bool led_throughout =
        before.role == Role::kLeader && after.role == Role::kLeader && before.term == after.term;
    GRASS_RULE(
        "leader append-only", !led_throughout || !change.cut,
        NodeName(node) + " cut its own log while leading term " + Decimal(after.term.value()));
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_LEADER_APPEND_ONLY_H_
