// Log and disk let go of the same (core/disk.h, PublishSnapshot): what the files of the log have
// been told to let go of, the log in memory has let go of as well. What it still reaches back to, a
// follower or a repair is given of it, and what is evicted is read from the files.
#ifndef GRASSDB_SIM_CHECKERS_LETTING_GO_H_
#define GRASSDB_SIM_CHECKERS_LETTING_GO_H_

#include <cstdint>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class LettingGo {
 public:
  // The node has heard that its disk was to let go of all entries through `released`; its log
  // begins behind `base`.
  static void Check(std::uint32_t node, Index released, Index base) {
    GRASS_RULE("log and disk let go of the same", base >= released,
               NodeName(node) + " has let its disk go of the log through index " +
                   Decimal(released.value()) + ", and its log still reaches back to index " +
                   Decimal(base.value() + 1));
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_LETTING_GO_H_
