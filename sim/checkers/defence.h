// The leader is defended (thesis 4.2.3, 6.4.1): who has heard its leader gives nobody its vote for
// an election timeout of its own, unless the leader itself has asked for the campaign; nor does who
// has just started, since it does not know what it had let its leader count on. And a lease rests
// on them: as long as a leader takes its own for valid, those who defend it, with itself, are a
// quorum. Who is down votes for nobody.
#ifndef GRASSDB_SIM_CHECKERS_DEFENCE_H_
#define GRASSDB_SIM_CHECKERS_DEFENCE_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Defence {
 public:
  explicit Defence(std::uint32_t nodes) : since_(nodes, Instant::min()) {}

  // The node begins a life in this term, at `now` by its own clock.
  void Begin(std::uint32_t node, Instant now, Term term) {
    since_[node] = term > Term(0) ? now : Instant::min();
  }
  // It hears the leader of its term.
  void OnHears(std::uint32_t node, Instant now) { since_[node] = std::max(since_[node], now); }

  // Of a node that is up, whose least election timeout is `timeout`.
  bool Defends(std::uint32_t node, Instant now, Duration timeout) const {
    return since_[node] != Instant::min() && now < since_[node] + timeout;
  }
  // It gives its vote to a candidate that no leader has asked to campaign.
  void CheckVote(std::uint32_t node, Instant now, Duration timeout) const {
    GRASS_RULE("the leader is defended", !Defends(node, now, timeout),
               NodeName(node) + " gives its vote " + Milliseconds(now - since_[node]) +
                   " after it has heard its leader or has started, sooner than its election "
                   "timeout of " +
                   Milliseconds(timeout));
  }
  // A leader takes its lease for valid, and those who defend it are a quorum with it or are not.
  static void CheckLease(std::uint32_t node, Term term, bool rests) {
    GRASS_RULE("the leader is defended", rests,
               NodeName(node) + ", leader of term " + Decimal(term.value()) +
                   ", relies on a lease that no quorum defends");
  }

 private:
  std::vector<Instant> since_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_DEFENCE_H_
