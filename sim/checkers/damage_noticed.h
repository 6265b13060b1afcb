// Damage is noticed: whatever a node takes from its disk is what it had put there, or it says that
// it is not. The simulator knows each damaged byte (SimDisk::IsDamaged); nothing is served from
// one.
#ifndef GRASSDB_SIM_CHECKERS_DAMAGE_NOTICED_H_
#define GRASSDB_SIM_CHECKERS_DAMAGE_NOTICED_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "core/disk.h"
#include "sim/checkers/log_matching.h"
#include "sim/violation.h"

namespace grassdb::sim {

class DamageNoticed {
 public:
  // A job of a running node has met damage and has ended with `status`.
  static void CheckJob(std::uint32_t node, const absl::Status& status) {
    GRASS_RULE("damage is noticed", !status.ok(),
               NodeName(node) + " takes damaged bytes of its disk for good ones");
  }
  // A recovery that has met damage has succeeded with `state`. Which entries must be there is the
  // rule of recovery.h; here, that each is the one it was.
  static void CheckRecovered(std::uint32_t node, const RecoveredState& state,
                             const LogMatching& logs) {
    for (const Entry& entry : state.entries) {
      const Entry* was = logs.Find(entry.index, entry.term);
      if (was == nullptr) continue;  // nobody has seen it yet
      GRASS_RULE("damage is noticed",
                 was->type == entry.type && was->payload.view() == entry.payload.view(),
                 NodeName(node) + " recovered the entry of index " + Decimal(entry.index.value()) +
                     " with other bytes than it had");
    }
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_DAMAGE_NOTICED_H_
