// One snapshot at a time (core/disk.h): while a snapshot that was received is being put in force,
// nothing else is staged in its place, nor is anybody asked to send it. What the disk does first is
// not for the node to rely on.
#ifndef GRASSDB_SIM_CHECKERS_STAGING_H_
#define GRASSDB_SIM_CHECKERS_STAGING_H_

#include <cstdint>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Staging {
 public:
  // The node asks its disk to stage a piece of the snapshot of `index`, as received.
  static void CheckStage(std::uint32_t node, Index index, bool installs) {
    GRASS_RULE("one snapshot at a time", !installs,
               NodeName(node) + " receives the snapshot of index " + Decimal(index.value()) +
                   " while it puts another one in force");
  }
  // The node answers a piece of the snapshot of `index` by asking for another one.
  static void CheckAsk(std::uint32_t node, Index index, bool installs) {
    GRASS_RULE("one snapshot at a time", !installs,
               NodeName(node) + " asks for more of the snapshot of index " +
                   Decimal(index.value()) + " while it puts one in force");
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_STAGING_H_
