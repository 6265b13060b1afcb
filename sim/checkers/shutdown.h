// Stop: a node that is told to stop is ready for it within an election timeout. A supervisor would
// kill it then.
#ifndef GRASSDB_SIM_CHECKERS_SHUTDOWN_H_
#define GRASSDB_SIM_CHECKERS_SHUTDOWN_H_

#include <cstdint>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Shutdown {
 public:
  // Told to stop and not ready, by its own clock.
  static void CheckTime(std::uint32_t node, Instant now, Instant deadline) {
    GRASS_RULE("stop", now < deadline,
               NodeName(node) + " was told to stop an election timeout ago, and does not");
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_SHUTDOWN_H_
