// A run in a process of its own: what comes back is what the run was, or what it died of.
#include "sim/apart.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace grassdb::sim {
namespace {

Schedule Seed(std::uint64_t seed) {
  Schedule schedule;
  schedule.run.seed = seed;
  schedule.run.seconds = 2;
  return schedule;
}

ScheduleRunner Ending(void (*end)()) {
  return [end](const Schedule&, std::vector<Decision>*) {
    end();
    return RunResult();
  };
}

TEST(Apart, IsTheSameRunAsInThisProcess) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    std::vector<Decision> here;
    const RunResult wanted = RunNoting(Seed(seed), &here);
    std::vector<Decision> apart;
    const auto got = RunApart(Seed(seed), {}, &apart);
    ASSERT_TRUE(got.has_value());
    EXPECT_TRUE(got->ok()) << got->report;
    EXPECT_EQ(got->seed, seed);
    EXPECT_EQ(got->fingerprint, wanted.fingerprint);
    EXPECT_EQ(got->counters.events, wanted.counters.events);
    EXPECT_EQ(got->reached, wanted.reached);
    EXPECT_EQ(got->ended, wanted.ended);
    EXPECT_EQ(apart, here);
    EXPECT_FALSE(apart.empty());
  }
}

TEST(Apart, BreaksTheRuleThatTheRunBreaks) {
  const auto broken = [](const Schedule& schedule, std::vector<Decision>*) {
    RunResult result;
    result.seed = schedule.run.seed;
    result.violation = Violation{"rule", "a.cc:1", "n1 did it"};
    result.trace = "a line\n";
    result.report = "a report\n";
    return result;
  };
  std::vector<Decision> decisions;
  const auto got = RunApart(Seed(9), {}, &decisions, broken);
  ASSERT_TRUE(got.has_value());
  ASSERT_FALSE(got->ok());
  EXPECT_EQ(got->violation->rule, "rule");
  EXPECT_EQ(got->violation->where, "a.cc:1");
  EXPECT_EQ(got->violation->text, "n1 did it");
  EXPECT_EQ(got->trace, "a line\n");
  EXPECT_EQ(got->report, "a report\n");
}

TEST(Apart, EndsARunThatHasNoEnd) {
  std::vector<Decision> decisions;
  const auto got = RunApart(Seed(1), {.seconds = 1, .enough = nullptr}, &decisions, Ending([] {
                              for (volatile bool on = true; on;) {
                              }
                            }));
  ASSERT_TRUE(got.has_value());
  ASSERT_FALSE(got->ok());
  EXPECT_EQ(got->violation->rule, "seed without an end");
  EXPECT_EQ(got->violation->text, "it did not end within 1 s of processor time");
}

TEST(Apart, SurvivesARunThatKillsItsProcess) {
  std::vector<Decision> decisions;
  const auto got = RunApart(Seed(1), {}, &decisions, Ending([] { std::_Exit(7); }));
  ASSERT_TRUE(got.has_value());
  ASSERT_FALSE(got->ok());
  EXPECT_EQ(got->violation->rule, "process died");
  EXPECT_EQ(got->violation->text, "the process ended with 7");
}

TEST(Apart, EndsARunWhenItIsEnough) {
  std::vector<Decision> decisions;
  int asked = 0;
  const ApartLimits limits{.seconds = 0, .enough = [&asked] { return ++asked == 2; }};
  EXPECT_FALSE(RunApart(Seed(1), limits, &decisions, Ending([] {
                          for (volatile bool on = true; on;) {
                          }
                        }))
                   .has_value());
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace grassdb::sim
