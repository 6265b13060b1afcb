// Full disk: room may come back, so a repair waits for it and is not given up (core/repair.h).
#ifndef GRASSDB_SIM_CHECKERS_FULL_DISK_H_
#define GRASSDB_SIM_CHECKERS_FULL_DISK_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class FullDisk {
 public:
  // A repair has been given up with this status.
  static void CheckRepairFailure(std::uint32_t node, const absl::Status& failure) {
    GRASS_RULE("full disk", !absl::IsResourceExhausted(failure),
               NodeName(node) + " gives its repair up for want of room, which may come back: " +
                   std::string(failure.message()));
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_FULL_DISK_H_
