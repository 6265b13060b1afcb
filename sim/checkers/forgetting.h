// Who forgets, and who does not (core/standing.cc):
//
//   - who remembers is believed: a node that still has its first disk, as it was, is taken by
//     nobody for one that has lost it;
//   - who forgets is noticed: a leader that is told by a follower that it lacks what it has
//     acknowledged notices that soon;
//   - who forgets knows it: a node that its leader tells so goes by another name of its disk from
//     then on, and does not say that it lacks an entry before it is on record with the disk that it
//     has: it does not know what it has acknowledged;
//   - a cluster is born once: when it has committed something, nobody whose disk was replaced takes
//     part in its birth any more.
#ifndef GRASSDB_SIM_CHECKERS_FORGETTING_H_
#define GRASSDB_SIM_CHECKERS_FORGETTING_H_

#include <cstdint>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Forgetting {
 public:
  // Of requests sent since the disk came back. The leader has learned more matches since, perhaps,
  // from answers that were on their way then.
  static constexpr std::uint32_t kDenialsMax = 50;

  // `leader` takes `member` for one that has lost its disk, which is true or not.
  static void CheckBelieved(std::uint32_t leader, std::uint32_t member, bool has_forgotten) {
    GRASS_RULE("who remembers is believed", has_forgotten,
               NodeName(leader) + " takes " + NodeName(member) + " for one that has lost its disk");
  }
  // A leader has told `node` that its disk has forgotten something.
  static void CheckKnows(std::uint32_t node, bool goes_by_another_name) {
    GRASS_RULE("who forgets knows it", goes_by_another_name,
               NodeName(node) + " was told that its disk was rolled back, and goes by it still");
  }
  // `node` says that it lacks the entry of `index`. `is_known`: its disk is on record as it is, or
  // has never been another one.
  static void CheckAbsence(std::uint32_t node, Index index, bool is_known) {
    GRASS_RULE("who forgets knows it", is_known,
               NodeName(node) + " has lost its disk, and says that it lacks the entry of index " +
                   Decimal(index.value()) + ", which it may have acknowledged");
  }
  // `node`, whose disk was replaced, durably takes part in the birth of the cluster.
  static void CheckBirth(std::uint32_t node, Index committed) {
    GRASS_RULE("a cluster is born once", committed == Index(),
               NodeName(node) +
                   " has lost its disk, and takes part in the birth of a cluster that "
                   "has committed up to index " +
                   Decimal(committed.value()));
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
