#include "sim/sweep.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

namespace grassdb::sim {
namespace {

SweepOptions Seeds(std::uint64_t first, std::uint64_t last, std::uint32_t jobs) {
  SweepOptions options;
  options.first = first;
  options.last = last;
  options.jobs = jobs;
  options.run.seconds = 1;
  return options;
}

TEST(Sweep, GivesTheSameResultWithAnyNumberOfWorkers) {
  const SweepResult one = Sweep(Seeds(1, 8, 1), nullptr);
  const SweepResult three = Sweep(Seeds(1, 8, 3), nullptr);
  EXPECT_EQ(one.fingerprint, three.fingerprint);
  EXPECT_EQ(one.counters.events, three.counters.events);
  EXPECT_EQ(Summary(Seeds(1, 8, 1), one), Summary(Seeds(1, 8, 1), three));
}

TEST(Sweep, GoesOnWhenASeedKillsItsProcess) {
  std::uint64_t done = 0;
  const SweepResult result = Sweep(
      Seeds(1, 9, 2), [&done](std::uint64_t now, std::uint64_t) { done = now; },
      [](const RunOptions& run) {
        if (run.seed == 3 || run.seed == 9) std::_Exit(9);
        RunResult fine;
        fine.seed = run.seed;
        return fine;
      });
  ASSERT_EQ(result.failed.size(), 2u);
  EXPECT_EQ(result.failed[0].seed, 3u);
  EXPECT_EQ(result.failed[1].seed, 9u);
  EXPECT_EQ(result.failed[0].rule, "process died");
  EXPECT_EQ(done, 9u);
}

TEST(Sweep, EndsAtTheGreatestSeedThereIs) {
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  for (const bool last_dies : {false, true}) {
    std::uint64_t done = 0;
    const SweepOptions options = Seeds(kLast - 5, kLast, 2);
    const SweepResult result = Sweep(
        options, [&done](std::uint64_t now, std::uint64_t) { done = now; },
        [last_dies](const RunOptions& run) {
          if (last_dies && run.seed >= kLast - 1) std::_Exit(9);
          RunResult fine;
          fine.seed = run.seed;
          return fine;
        });
    EXPECT_EQ(result.seeds, 6u);
    EXPECT_EQ(done, 6u);
    EXPECT_EQ(result.failed.size(), last_dies ? 2u : 0u);
  }
}

TEST(Sweep, EndsItsSummaryWithTheCommandThatRepeatsTheFirstFailure) {
  const SweepOptions options = Seeds(4, 7, 2);
  const SweepResult result = Sweep(options, nullptr, [](const RunOptions& run) {
    RunResult broken;
    broken.seed = run.seed;
    if (run.seed >= 6) broken.violation = Violation{"log matching", "x.cc:1", "text"};
    return broken;
  });
  const std::string summary = Summary(options, result);
  EXPECT_TRUE(summary.ends_with("repeat with: grass-sim run --seed 6 --seconds 1\n")) << summary;
  EXPECT_NE(summary.find("failed, log matching: 6 7\n"), std::string::npos) << summary;
}

}  // namespace
}  // namespace grassdb::sim
