// One scripted history with every step there is, and a crash within every single operation of it.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/hash.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

std::vector<std::uint64_t> Script() {
  std::vector<std::uint64_t> script;
  for (std::uint64_t i = 0; i < 48; ++i) {
    // Appends, votes and rewrites, with a snapshot taken or received after every few of them.
    std::uint64_t kind = 7 + i % 3;
    if (i % 6 == 4) kind = 3;
    if (i % 6 == 5) kind = i % 12 == 5 ? 0 : 2;
    if (i % 6 == 1) kind = 5;
    script.push_back(KeyedRandom(7, i) / 16 * 16 + kind);
  }
  return script;
}

struct Outcome {
  std::string problem;
  bool met = false;  // the crash point lies within the script
  std::uint64_t operations = 0;
};

// Crashes within operation `point` of the script and, if `again` is not 0, within that operation of
// the recovery that follows.
Outcome CrashAt(std::uint64_t point, std::uint64_t again, Crash crash, std::uint64_t seed) {
  CrashDirectory directory;
  History history(directory);
  if (point > 0) directory.FailAt(point, Fault::kStop);
  Outcome outcome;
  outcome.problem = history.Open();
  const std::vector<std::uint64_t> script = Script();
  std::size_t step = 0;
  while (step < script.size() && outcome.problem.empty() && !history.down()) {
    outcome.problem = history.Step(script[step++]);
  }
  outcome.met = directory.stopped();
  outcome.operations = directory.operations();
  if (!outcome.problem.empty()) return outcome;
  history.CrashNow(crash, seed);
  if (again > 0) directory.FailAt(again, Fault::kStop);
  outcome.problem = history.Open();
  if (history.down() && outcome.problem.empty()) {
    history.CrashNow(Crash::kPower, KeyedRandom(seed, point, again));
    outcome.problem = history.Open();
  }
  directory.FailAt(0, Fault::kStop);  // in case the recovery was shorter than that
  // What was recovered must also be fit for use, and recover once more.
  for (int i = 0; i < 3 && outcome.problem.empty(); ++i) {
    outcome.problem = history.Step(KeyedRandom(seed, point, i) / 16 * 16 + 9);
  }
  if (!outcome.problem.empty()) return outcome;
  history.CrashNow(Crash::kPower, seed + 1);
  outcome.problem = history.Open();
  return outcome;
}

TEST(StorageCrash, RecoversFromEveryPointOfAScript) {
  const Outcome whole = CrashAt(0, 0, Crash::kPower, 0);
  ASSERT_EQ(whole.problem, "");
  ASSERT_GT(whole.operations, 200u) << "the script is meant to rotate, publish and install";
  for (std::uint64_t point = 1; point <= whole.operations; ++point) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const Outcome outcome = CrashAt(point, 0, seed == 4 ? Crash::kProcess : Crash::kPower, seed);
      ASSERT_TRUE(outcome.met);
      ASSERT_EQ(outcome.problem, "") << "operation " << point << ", seed " << seed;
    }
  }
}

// The first crash is the end of the process at times, so that recovery reads what only a cache
// holds.
TEST(StorageCrash, RecoversFromEveryPointOfARecovery) {
  const std::uint64_t operations = CrashAt(0, 0, Crash::kPower, 0).operations;
  for (std::uint64_t point = 1; point <= operations; ++point) {
    for (std::uint64_t again = 1 + point % 3; again <= 14; again += 3) {
      const std::uint64_t seed = point * 31 + again;
      const Crash crash = point % 2 == 0 ? Crash::kPower : Crash::kProcess;
      const Outcome outcome = CrashAt(point, again, crash, seed * 4 + 2 + seed % 2);
      ASSERT_EQ(outcome.problem, "")
          << "operation " << point << ", then operation " << again << " of the recovery";
    }
  }
}

// As above, and the power fails in the recovery that follows the end of the process, whatever the
// script was doing.
TEST(StorageCrash, RecoversWhenPowerFailsInTheRecoveryOfAnEndedProcess) {
  const std::uint64_t operations = CrashAt(0, 0, Crash::kPower, 0).operations;
  for (std::uint64_t point = 1; point <= operations; ++point) {
    for (std::uint64_t again = 2; again <= 4; ++again) {
      for (std::uint64_t seed = 8; seed < 12; seed += 3) {
        const Outcome outcome = CrashAt(point, again, Crash::kProcess, seed);
        ASSERT_EQ(outcome.problem, "") << "operation " << point << ", then operation " << again
                                       << " of the recovery, seed " << seed;
      }
    }
  }
}

// The directory was left as `files`; what is recovered from it must be right, fit for use, and
// recover once more.
std::string ProblemAfter(const History& before, const std::map<std::string, std::string>& files,
                         std::uint64_t choice) {
  CrashDirectory directory(files);
  History history = before.On(directory);
  std::string problem = history.Open();
  for (std::uint64_t i = 0; i < 2 && problem.empty(); ++i) {
    problem = history.Step(KeyedRandom(choice, i) / 16 * 16 + 9);
  }
  if (!problem.empty()) return problem;
  history.CrashNow(Crash::kPower, choice);
  return history.Open();
}

TEST(StorageCrash, RecoversFromEverySubsetOfWhatIsUnsyncedAtEveryPoint) {
  const std::vector<std::uint64_t> script = Script();
  const std::uint64_t operations = CrashAt(0, 0, Crash::kPower, 0).operations;
  std::uint64_t crashes = 0;
  std::uint64_t many = 0;  // points with more than four
  for (std::uint64_t point = 1; point <= operations; ++point) {
    CrashDirectory directory;
    History history(directory);
    directory.FailAt(point, Fault::kStop);
    std::string problem = history.Open();
    for (std::size_t step = 0; step < script.size() && problem.empty() && !history.down(); ++step) {
      problem = history.Step(script[step]);
    }
    ASSERT_EQ(problem, "");
    ASSERT_TRUE(directory.stopped());
    const std::size_t unsynced = directory.Unsynced();
    ASSERT_LE(unsynced, 20u) << "operation " << point;
    many += unsynced > 4 ? 1 : 0;
    for (const std::uint64_t subset : SubsetsOf(unsynced)) {
      ++crashes;
      ASSERT_EQ(ProblemAfter(history, directory.AfterPowerLoss(subset), point * 1000 + subset), "")
          << "operation " << point << ", of " << unsynced << " unsynced things the subset "
          << subset << " was left";
    }
  }
  EXPECT_GT(crashes, 8 * operations);
  EXPECT_GT(many, 0u);
  RecordProperty("crashes", std::to_string(crashes));
}

}  // namespace
}  // namespace grassdb::store
