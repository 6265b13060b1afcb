// Whom a snapshot brought is known: as soon as a snapshot that was received is in force, the log
// names the members that it brought as well (store/FORMAT.md, "Damage"). They may be strangers to
// all that the node had before, and whoever loses the snapshot has nobody else to ask.
#ifndef GRASSDB_SIM_CHECKERS_BROUGHT_MEMBERS_H_
#define GRASSDB_SIM_CHECKERS_BROUGHT_MEMBERS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/entry.h"
#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class BroughtMembers {
 public:
  // The snapshot has just been put in force on the disk of `node`, and nothing stands behind it
  // yet. `known` would be asked by a repair if it were lost.
  static void Check(std::uint32_t node, const SnapshotMeta& snapshot,
                    const std::vector<NodeId>& known) {
    for (const Member& member : snapshot.configuration.members()) {
      GRASS_RULE("whom a snapshot brought is known",
                 std::ranges::find(known, member.id) != known.end(),
                 NodeName(node) + " would not know " + member.name +
                     " any more if it lost the snapshot of index " +
                     Decimal(snapshot.index.value()) + ", which brought that member");
    }
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_BROUGHT_MEMBERS_H_
