#include "sim/shrink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/report/failure_file.h"

namespace grassdb::sim {
namespace {

constexpr const char* kRule = "a crash, then a partition";

// A rule of the test's own, over the trace: broken by a partition that begins after a crash and a
// write of any client.
RunResult RunWithRule(const Schedule& schedule, std::vector<Decision>* decisions) {
  RunObserver observer;
  observer.decisions = decisions;
  observer.sink = [crashed = false, put = false](std::string_view line) mutable {
    if (line.find("fault crash #") != std::string_view::npos) crashed = true;
    if (crashed && line.find(" put k") != std::string_view::npos) put = true;
    if (put && line.find("fault partition") != std::string_view::npos &&
        line.find("begins") != std::string_view::npos) {
      throw Violation{kRule, "here:1", std::string(line)};
    }
  };
  return RunSchedule(schedule, observer);
}

Schedule Failing() {
  Schedule schedule;
  schedule.run.seconds = 8;
  for (schedule.run.seed = 1;; ++schedule.run.seed) {
    std::vector<Decision> decisions;
    if (!RunWithRule(schedule, &decisions).ok() && decisions.size() > 60) return schedule;
  }
}

std::uint64_t CountOf(const Schedule& schedule, Choice choice) {
  return static_cast<std::uint64_t>(std::ranges::count(*schedule.only, choice, &Decision::choice));
}

TEST(Shrink, LeavesOnlyWhatTheViolationNeeds) {
  const auto shrunk = Shrink(Failing(), nullptr, RunWithRule);
  ASSERT_TRUE(shrunk.has_value());
  ASSERT_TRUE(shrunk->schedule.only.has_value());
  EXPECT_EQ(shrunk->run.violation->rule, kRule);
  EXPECT_EQ(CountOf(shrunk->schedule, Choice::kFault), 2u) << ToJson(shrunk->schedule).dump();
  EXPECT_EQ(CountOf(shrunk->schedule, Choice::kOperation), 1u);
  EXPECT_EQ(shrunk->schedule.only->size(), 3u) << "no fault of a message or a disk is needed";
  EXPECT_EQ(shrunk->after.faults, 2u);
  EXPECT_EQ(shrunk->after.operations, 1u);
  EXPECT_LT(shrunk->after.events, shrunk->before.events);
  EXPECT_EQ(shrunk->after.nodes, 1u);
  EXPECT_GT(shrunk->before.operations, 10u);
}

TEST(Shrink, EndsInAScheduleThatReplaysToTheSameViolation) {
  const auto shrunk = Shrink(Failing(), nullptr, RunWithRule);
  ASSERT_TRUE(shrunk.has_value());
  const auto file = ParseFailure(TextOf(FailureOf(shrunk->schedule, shrunk->run)), "f");
  ASSERT_TRUE(file.ok()) << file.status();
  std::vector<Decision> decisions;
  EXPECT_EQ(Difference(*file, RunWithRule(file->schedule, &decisions)), "");
}

TEST(Shrink, GoesOnFromWhatItHasShrunk) {
  const auto once = Shrink(Failing(), nullptr, RunWithRule);
  const auto twice = Shrink(once->schedule, nullptr, RunWithRule);
  ASSERT_TRUE(twice.has_value());
  EXPECT_LE(twice->schedule.only->size(), once->schedule.only->size());
}

// There nothing is drawn: a file comes to the same as the seed that it was written of.
TEST(Shrink, OfAFileIsThatOfItsSeed) {
  const Schedule seed = Failing();
  std::vector<Decision> decisions;
  const auto file = ParseFailure(TextOf(FailureOf(seed, RunWithRule(seed, &decisions))), "f");
  ASSERT_TRUE(file.ok()) << file.status();
  const auto of_file = Shrink(file->schedule, nullptr, RunWithRule);
  const auto of_seed = Shrink(seed, nullptr, RunWithRule);
  ASSERT_TRUE(of_file.has_value() && of_seed.has_value());
  EXPECT_EQ(of_file->schedule.only, of_seed->schedule.only);
  EXPECT_EQ(of_file->run.fingerprint, of_seed->run.fingerprint);
  EXPECT_EQ(ConfigurationOf(PlanOf(of_file->schedule)), ConfigurationOf(PlanOf(of_seed->schedule)));
}

// Without the place, a shrink wanders off to another bug of the same rule.
TEST(Shrink, DoesNotTakeAnotherPlaceOfTheSameRuleForTheViolation) {
  const auto runner = [](const Schedule& schedule, std::vector<Decision>* decisions) {
    RunResult result = RunNoting(schedule, decisions);
    const bool many = std::ranges::count(*decisions, Choice::kOperation, &Decision::choice) >= 5;
    result.violation = Violation{"rule", many ? "a:1" : "b:2", ""};
    return result;
  };
  Schedule schedule;
  schedule.run.seed = 1;
  schedule.run.seconds = 2;
  const auto shrunk = Shrink(schedule, nullptr, runner);
  ASSERT_TRUE(shrunk.has_value());
  EXPECT_EQ(shrunk->run.violation->where, "a:1");
  EXPECT_EQ(CountOf(shrunk->schedule, Choice::kOperation), 5u);
}

// However many kinds and clients there are: else one of many decisions takes many runs. What is
// needed on either side of them keeps the parts of a bisection from being those groups.
TEST(Shrink, LeavesOutAWholeKindOrClientAtOnce) {
  constexpr std::uint64_t kNotNeeded = 5;
  std::vector<Decision> all;
  for (const Choice choice : {Choice::kFault, Choice::kOperation}) {
    for (const auto& [about, count] :
         std::map<std::uint32_t, std::uint64_t>{{1, 3}, {20, kNotNeeded}, {21, 4}}) {
      for (std::uint64_t number = 0; number < count; ++number) {
        all.push_back({.choice = choice, .about = {about}, .number = number});
      }
    }
  }
  std::uint64_t left[2] = {kNotNeeded, kNotNeeded};  // of number 20, in what was taken over last
  std::uint64_t at_once[2] = {};                     // the most of them that went in one try
  const auto runner = [&](const Schedule& schedule, std::vector<Decision>* decisions) {
    decisions->clear();
    std::uint64_t kept[2] = {};
    RunResult result;
    result.violation = Violation{"rule", "a:1", ""};
    for (const Decision& decision : all) {
      const bool is_kept =
          !schedule.only.has_value() || std::ranges::binary_search(*schedule.only, decision);
      if (is_kept) decisions->push_back(decision);
      if (is_kept && decision.about[0] == 20) ++kept[decision.choice == Choice::kOperation];
      if (!is_kept && decision.about[0] != 20) result.violation.reset();
    }
    for (std::size_t i = 0; i < 2 && !result.ok(); ++i) {
      at_once[i] = std::max(at_once[i], left[i] - kept[i]);
      left[i] = kept[i];
    }
    return result;
  };
  const auto shrunk = Shrink(Schedule(), nullptr, runner);
  ASSERT_TRUE(shrunk.has_value());
  EXPECT_EQ(shrunk->schedule.only->size(), all.size() - 2 * kNotNeeded);
  EXPECT_EQ(at_once[0], kNotNeeded);
  EXPECT_EQ(at_once[1], kNotNeeded);
}

TEST(Shrink, HasNothingToDoWhereNoRuleIsBroken) {
  Schedule schedule;
  schedule.run.seed = 1;
  schedule.run.seconds = 1;
  EXPECT_FALSE(Shrink(schedule, nullptr).has_value());
}

TEST(Shrink, StopsWithWhatItHasWhenTimeIsUp) {
  std::uint64_t runs = 0;
  const Schedule schedule = Failing();
  const auto shrunk = Shrink(
      schedule, [&runs] { return ++runs > 5; }, RunWithRule);
  ASSERT_TRUE(shrunk.has_value());
  EXPECT_LE(shrunk->runs, 6u);
  EXPECT_EQ(shrunk->run.violation->rule, kRule);
}

}  // namespace
}  // namespace grassdb::sim
