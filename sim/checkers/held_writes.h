// A held write is sent on (thesis 3.10): what a leader takes while it hands over is not refused for
// want of a leader before the next one is known, or an election timeout has passed. A client that
// is told nothing asks everybody in turn.
#ifndef GRASSDB_SIM_CHECKERS_HELD_WRITES_H_
#define GRASSDB_SIM_CHECKERS_HELD_WRITES_H_

#include <cstdint>
#include <vector>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class HeldWrites {
 public:
  explicit HeldWrites(std::uint32_t nodes) : handed_over_(nodes, Instant::min()) {}

  // After a step of `node`, at `now` by its own clock.
  void Observe(std::uint32_t node, Instant now, NodeId transfer_target) {
    if (transfer_target != NodeId(0)) handed_over_[node] = now;
  }
  void Forget(std::uint32_t node) { handed_over_[node] = Instant::min(); }

  // A write that `node` has taken as the leader is refused: there is another leader, it is not
  // known which.
  void CheckRefused(std::uint32_t node, Instant now, Duration patience) const {
    const Instant since = handed_over_[node];
    GRASS_RULE("a held write is sent on", since == Instant::min() || now >= since + patience,
               NodeName(node) + " hands over, and refuses a write that it held, " +
                   Milliseconds(now - since) + " later, before it knows who leads next");
  }

 private:
  std::vector<Instant> handed_over_;  // by node: when it was last at that
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_HELD_WRITES_H_
