// The line that somebody who waits for a sweep looks at.
#ifndef GRASSDB_SIM_REPORT_SWEEP_PROGRESS_H_
#define GRASSDB_SIM_REPORT_SWEEP_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace grassdb::sim {

struct SweepPace {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  double seconds = 0;  // since the sweep began
  // What ends it: so many seeds, so much time, whichever is first. With neither, nothing but a
  // failure.
  std::optional<std::uint64_t> seeds_max;
  std::optional<double> seconds_max;
};

// A bar, how many seeds are done and have failed, the rate, and the time that is left: of which the
// first and the last are there only if it has an end. Without a line break.
std::string TextOf(const SweepPace& pace);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_SWEEP_PROGRESS_H_
