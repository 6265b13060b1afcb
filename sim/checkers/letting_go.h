// Log and disk let go of the same (core/disk.h, PublishSnapshot): what the files of the log have
// been told to let go of, the log in memory has let go of as well. What it still reaches back to, a
// follower or a repair is given of it, and what is evicted is read from the files.
//
// And what is gone is let go of: at the end of a job of its disk a node has no file open that has
// no name any more, for it takes room that nobody sees, and memory to read what nobody asks for.
#ifndef GRASSDB_SIM_CHECKERS_LETTING_GO_H_
#define GRASSDB_SIM_CHECKERS_LETTING_GO_H_

#include <cstdint>
#include <optional>
#include <string>

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

  // At the end of a job. `open`: a file that is open and has no name, by the one that it had.
  static void CheckFiles(std::uint32_t node, const std::optional<std::string>& open) {
    GRASS_RULE("what is gone is let go of", !open.has_value(),
               NodeName(node) + " still has " + *open + " open, which is gone");
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_LETTING_GO_H_
