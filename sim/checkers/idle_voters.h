// No voter idles (thesis 10.2.1): commands that a leader has taken wait for its own disk only while
// every voter has something to work at. A disk that hangs does not keep them from the others.
#ifndef GRASSDB_SIM_CHECKERS_IDLE_VOTERS_H_
#define GRASSDB_SIM_CHECKERS_IDLE_VOTERS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/progress.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class IdleVoters {
 public:
  // After a step of a leader that hands over to nobody.
  static void Check(std::uint32_t node, std::size_t commands_gathered,
                    const std::vector<Progress>& followers) {
    if (commands_gathered == 0) return;
    for (const Progress& follower : followers) {
      const bool idles = follower.role == MemberRole::kVoter &&
                         follower.state == ProgressState::kReplicate && follower.inflight.empty();
      GRASS_RULE("no voter idles", !idles,
                 NodeName(node) + " gathers " + Decimal(commands_gathered) +
                     " commands while a voter has nothing to do");
    }
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_IDLE_VOTERS_H_
