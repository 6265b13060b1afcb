// A disk that hangs: nothing it is asked for is answered until the fault ends, and a leader
// notices.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sim/run.h"
#include "tests/sanitized.h"

namespace grassdb::sim {
namespace {

// How often a leader has said that its disk makes no progress, with no other fault than this.
int StallsIn(std::uint64_t seed, std::uint64_t hangs) {
  RunOptions options;
  options.seed = seed;
  options.edits = {{"fault_hang_disk", hangs}};
  for (const char* name :
       {"fault_crash",       "fault_crash_all",    "fault_partition",   "fault_clog",
        "fault_pause",       "fault_slow_node",    "fault_slow_disk",   "fault_client_cut",
        "fault_clock_jump",  "fault_wipe",         "fault_roll_back",   "fault_crash_at_io",
        "fault_clock_stop",  "fault_clock_strobe", "fault_crash_storm", "fault_swizzle",
        "fault_flap",        "fault_stop",         "fault_full_disk",   "fault_damage",
        "disk_straggle_ppm", "leader_hangs"}) {
    options.edits[name] = 0;
  }
  int stalls = 0;
  const RunResult result = RunSeed(options, [&stalls](std::string_view line) {
    stalls += line.find("disk stalled") != std::string_view::npos ? 1 : 0;
  });
  EXPECT_TRUE(result.ok()) << result.report;
  return stalls;
}

TEST(HangingDisk, IsNoticedByALeaderAndComesBack) {
  int with = 0;
  int without = 0;
  for (std::uint64_t seed = 1; seed <= SomeOf(12); ++seed) {
    with += StallsIn(seed, 1);
    without += StallsIn(seed, 0);
  }
  EXPECT_EQ(without, 0);
  if (kSanitized) return;
  EXPECT_GT(with, 2);
}

}  // namespace
}  // namespace grassdb::sim
