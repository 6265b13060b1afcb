// Offline: what `grassdb verify`, `dump`, `backup` and `restore` make of a copy of a disk fits what
// the node finds that starts from it.
//
//   - a copy gives back what it was made from, and mistakes with a directory are refused;
//   - a disk is said to be whole exactly if recovery finds nothing lost;
//   - it has a state to back up exactly then;
//   - it is said to end where recovery ends.
#ifndef GRASSDB_SIM_CHECKERS_OFFLINE_RULES_H_
#define GRASSDB_SIM_CHECKERS_OFFLINE_RULES_H_

#include <string>

#include "absl/status/status.h"
#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class OfflineRules {
 public:
  // `whose` begins every text: "the disk of n1 ".
  static void CheckCopy(const std::string& whose, const std::string& problem) {
    GRASS_RULE("offline", problem.empty(), whose + problem);
  }
  static void CheckWhole(const std::string& whose, bool said, bool whole,
                         const absl::Status& start) {
    GRASS_RULE("offline", said == whole,
               whose +
                   (whole ? "is whole for recovery, and is said not to be: "
                          : "is damaged for recovery, and is said to be whole") +
                   std::string(start.message()));
  }
  static void CheckState(const std::string& whose, bool has_state, bool whole,
                         const absl::Status& loading) {
    GRASS_RULE("offline", has_state == whole,
               whose + (whole ? "has no state to back up: " : "has a state for all its damage") +
                   std::string(loading.message()));
  }
  static void CheckEnd(const std::string& whose, bool same, Index said, Index found) {
    GRASS_RULE("offline", same,
               whose + "is said to end at index " + Decimal(said.value()) +
                   "; recovery gives index " + Decimal(found.value()));
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_OFFLINE_RULES_H_
