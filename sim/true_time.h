// Virtual time as the simulator knows it: nanoseconds since the start of the run. A type of its
// own, so that it cannot be mixed up with what a node's clock shows (Instant).
#ifndef GRASSDB_SIM_TRUE_TIME_H_
#define GRASSDB_SIM_TRUE_TIME_H_

#include <chrono>

#include "core/types.h"

namespace grassdb::sim {

struct TrueClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<TrueClock>;
  static constexpr bool is_steady = true;
};

using TrueTime = TrueClock::time_point;

inline constexpr TrueTime kNever = TrueTime::max();

inline std::uint64_t Nanoseconds(TrueTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_TRUE_TIME_H_
