// Who forgets, and who does not (core/standing.cc):
//
//   - who remembers is believed: a node that still has its first disk, as it was, is taken by
//     nobody for one that has lost it;
//   - who forgets is noticed: a leader that is told by a follower that it lacks what it has
//     acknowledged notices that soon.
#ifndef GRASSDB_SIM_CHECKERS_FORGETTING_H_
#define GRASSDB_SIM_CHECKERS_FORGETTING_H_

#include <cstdint>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Forgetting {
 public:
  // More than can have been on their way when the disk came back.
  static constexpr std::uint32_t kDenialsMax = 50;

  // `leader` takes `member` for one that has lost its disk, which is true or not.
  static void CheckBelieved(std::uint32_t leader, std::uint32_t member, bool has_forgotten) {
    GRASS_RULE("who remembers is believed", has_forgotten,
               NodeName(leader) + " takes " + NodeName(member) + " for one that has lost its disk");
  }
  // So often `member` has denied to `leader` what it had acknowledged up to `promised`.
  static void CheckNoticed(std::uint32_t leader, std::uint32_t member, std::uint32_t denials,
                           Index promised) {
    GRASS_RULE("who forgets is noticed", denials < kDenialsMax,
               NodeName(leader) + " does not notice that " + NodeName(member) +
                   " denies what it acknowledged, up to index " + Decimal(promised.value()));
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_FORGETTING_H_
