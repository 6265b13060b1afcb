#include "sim/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/sanitized.h"

namespace grassdb::sim {
namespace {

RunOptions Seed(std::uint64_t seed) {
  RunOptions options;
  options.seed = seed;
  options.seconds = 5;
  return options;
}

class EverySeed : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(EverySeed, GivesTheSameRunTwice) {
  const RunResult first = RunSeed(Seed(GetParam()));
  EXPECT_TRUE(first.ok()) << first.report;
  std::string trace;
  const RunResult second =
      RunSeed(Seed(GetParam()), [&trace](std::string_view line) { trace += line; });
  EXPECT_EQ(first.fingerprint, second.fingerprint) << "tracing changes nothing";
  EXPECT_FALSE(trace.empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, EverySeed, ::testing::Range<std::uint64_t>(1000, 1012));

// Of logs, disks and terms, and of what the clients saw, in a cluster under load.
TEST(Run, TheCheckersRememberNoMoreOfALongerRun) {
  if (kSanitized) GTEST_SKIP() << "it takes minutes, and memory is what it measures";
  const auto counters_after = [](std::uint32_t seconds) {
    RunOptions options;
    options.seed = 2;
    options.seconds = seconds;
    options.edits = {{"nodes", 3}, {"voters", 3}, {"clients", 12}, {"member_weight", 0}};
    for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
      std::string name = std::string("fault_") + NameOf(static_cast<FaultKind>(kind));
      std::ranges::replace(name, '-', '_');
      options.edits[name] = 0;
    }
    const RunResult result = RunSeed(options);
    EXPECT_TRUE(result.ok()) << result.report;
    return result.counters;
  };
  const Counters shorter = counters_after(15);
  const Counters longer = counters_after(150);
  EXPECT_GT(shorter.entries_committed, 3000u) << "more than are remembered in any case";
  EXPECT_GT(longer.entries_committed, 8 * shorter.entries_committed);
  EXPECT_LT(longer.checker_bytes * 10, shorter.checker_bytes * 12);
}

TEST(Run, APrefixIsTheBeginningOfTheRun) {
  const RunOptions options = Seed(1);
  const RunResult whole = RunSeed(options);
  ASSERT_TRUE(whole.ok()) << whole.report;
  const Prefix all = RunPrefix(options, UINT64_MAX);
  EXPECT_EQ(all.events, whole.counters.events);
  EXPECT_EQ(all.fingerprint, whole.fingerprint);
  const Prefix some = RunPrefix(options, 300);
  EXPECT_EQ(some.events, 300u);
  EXPECT_NE(some.fingerprint, RunPrefix(options, 301).fingerprint);
  EXPECT_EQ(some.fingerprint, RunPrefix(options, 300).fingerprint);
  EXPECT_EQ(RunPrefix(options, 0).events, 0u);
}

TEST(Run, DiffersFromSeedToSeed) {
  EXPECT_NE(RunSeed(Seed(1)).fingerprint, RunSeed(Seed(2)).fingerprint);
}

TEST(Run, IsOfClustersOfEverySizeAndNowAndThenWithLearners) {
  std::map<std::uint32_t, std::uint32_t> seeds;  // by voters
  std::uint32_t learners = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const Plan plan = DrawPlan(Seed(seed));
    ++seeds[plan.voters];
    if (plan.learners > 0) ++learners;
    EXPECT_LE(plan.voters + plan.learners, plan.nodes);
    EXPECT_LE(plan.nodes, kMachinesMax);
  }
  for (std::uint32_t voters = 1; voters <= 7; ++voters) EXPECT_GT(seeds[voters], 0u) << voters;
  EXPECT_GT(learners, 40u);
}

TEST(Run, IsBornWithItsLearners) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    RunOptions options = Seed(seed);
    options.edits = {{"learners", 2}, {"nodes", 5}, {"voters", 2}};
    const RunResult result = RunSeed(options);
    EXPECT_TRUE(result.ok()) << result.report;
  }
}

TEST(Run, TakesTheNumberOfNodesAsTold) {
  for (std::uint32_t nodes = 1; nodes <= 7; ++nodes) {
    RunOptions options = Seed(3);
    options.nodes = nodes;
    EXPECT_EQ(DrawPlan(options).voters, nodes);
    const RunResult result = RunSeed(options);
    EXPECT_TRUE(result.ok()) << result.report;
  }
}

TEST(Run, EndsItsFaultsAfterTheStepsAskedFor) {
  RunOptions options;
  options.seed = 5;
  options.steps = 3000;
  const RunResult result = RunSeed(options);
  EXPECT_TRUE(result.ok()) << result.report;
  EXPECT_GE(result.counters.events, 3000u);
}

TEST(Run, ReachesTheSituationsItIsMeantToTest) {
  Counters sum;
  for (std::uint64_t seed = 1; seed <= SomeOf(60); ++seed) {
    const RunResult result = RunSeed(Seed(seed));
    EXPECT_TRUE(result.ok()) << result.report;
    sum += result.counters;
  }
  if (kSanitized) return;
  EXPECT_GT(sum.crashes, 0u);
  EXPECT_GT(sum.partitions, 0u);
  EXPECT_GT(sum.messages_lost, 0u);
  EXPECT_GT(sum.messages_repeated, 0u);
  EXPECT_GT(sum.elections_won, 40u);
  EXPECT_GT(sum.snapshots_taken, 0u);
  EXPECT_GT(sum.snapshots_installed, 0u);
  EXPECT_GT(sum.memberships_committed, 20u);
  EXPECT_GT(sum.wipes, 5u);
  EXPECT_GT(sum.roll_backs, 0u);
  EXPECT_GT(sum.standing_partitions, 10u);
  EXPECT_GT(sum.hung_leaders, 10u);
  EXPECT_GT(sum.cores, 10u);
  EXPECT_GT(sum.operations_ok, 1000u);
  EXPECT_GT(sum.operations_unknown, 0u);
}

// Transfers in many small chunks, of which some arrive damaged and many are cut short by a crash.
TEST(Run, GoesOnWithSnapshotsAfterRestartsAndDamage) {
  Counters sum;
  for (std::uint64_t seed = 1; seed <= SomeOf(50); ++seed) {
    RunOptions options = Seed(seed);
    options.nodes = 3;
    options.seconds = 20;
    Plan plan = DrawPlan(options);
    plan.workload.keys = 16;
    plan.workload.put = 100;
    plan.workload.value_bytes_max = 512;
    plan.workload.think_max = std::chrono::milliseconds(100);
    plan.node.snapshot_log_bytes = 16384;
    plan.node.log_kept_bytes = 1;
    plan.node.snapshot_chunk_bytes = 64;
    plan.node.snapshot_bytes_per_second = 8192;
    plan.storage.snapshot_block_bytes = 32;
    plan.storage.snapshot_sync_bytes = 128;
    plan.network.damage = 50'000;
    FaultPlan& crash = plan.faults[static_cast<std::size_t>(FaultKind::kCrash)];
    crash.on = true;
    crash.gap_mean = std::chrono::milliseconds(500);
    const RunResult result = RunPlan(plan, nullptr, "");
    EXPECT_TRUE(result.ok()) << "seed " << seed << "\n" << result.report;
    sum += result.counters;
  }
  EXPECT_LE(sum.chunks_refused, sum.chunks_damaged) << "no whole one is";
  if (kSanitized) return;
  EXPECT_GT(sum.snapshots_installed, 20u);
  EXPECT_GT(sum.snapshots_resumed, 20u);
  EXPECT_GT(sum.chunks_refused, 20u);
}

TEST(Run, SurvivesADiskThatFails) {
  Plan plan = DrawPlan(Seed(1));
  plan.disk.write_failure = 2000;
  plan.disk.sync_failure = 2000;
  const RunResult result = RunPlan(plan, nullptr, "");
  EXPECT_TRUE(result.ok()) << result.report;
  EXPECT_GT(result.counters.io_failures, 0u);
  EXPECT_GT(result.counters.crashes, 0u);
}

// Of a sync that failed the page cache shows what is not on the disk. The next life writes it again
// before it rests on it, and then the power fails with nothing written behind that.
TEST(Run, LosesPowerBehindALifeThatFoundWhatAFailedSyncHadLost) {
  Counters sum;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    RunOptions options;
    options.seed = seed;
    options.edits["together"] = static_cast<std::uint64_t>(Together::kSyncsFailThenPower);
    const RunResult result = RunSeed(options);
    EXPECT_TRUE(result.ok()) << result.report;
    sum += result.counters;
  }
  EXPECT_GT(sum.saved_from_syncs, 3u);
}

TEST(Run, IsTheSameRunForCheckersThatLookIntoTheNodesAndWithoutThem) {
  for (std::uint64_t seed = 1; seed <= SomeOf(12); ++seed) {
    RunOptions options = Seed(seed);
    const RunResult white = RunSeed(options);
    options.edits["white_box"] = 0;
    const RunResult black = RunSeed(options);
    EXPECT_TRUE(black.ok()) << black.report;
    EXPECT_EQ(black.fingerprint, white.fingerprint) << seed;
  }
}

TEST(Run, SurvivesCrashesInTheMiddleOfItsIos) {
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 1; seed <= SomeOf(20); ++seed) {
    RunOptions options = Seed(seed);
    options.edits["fault_crash_at_io"] = 1;
    for (const char* other : {"fault_crash", "fault_crash_all", "fault_wipe", "fault_roll_back"}) {
      options.edits[other] = 0;
    }
    // Those that the healing begins with are left out.
    options.edits["end_with_faults"] = 1;
    const RunResult result = RunSeed(options);
    EXPECT_TRUE(result.ok()) << result.report;
    crashes += result.counters.crashes;
  }
  EXPECT_GT(crashes, kSanitized ? 0u : 10u);
}

// A plan that core refuses by a check, to see a failure from its cause to the report.
TEST(Run, ReportsABrokenCheckAndGoesOn) {
  Plan plan = DrawPlan(Seed(1));
  plan.node.snapshot_chunk_bytes = 0;
  const RunResult result = RunPlan(plan, nullptr, "grass-sim run --seed 1");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.violation->rule, "GRASS_CHECK");
  EXPECT_TRUE(result.violation->where.starts_with("core/node.cc:")) << result.violation->where;
  EXPECT_NE(result.report.find("seed 1,"), std::string::npos);
  EXPECT_NE(result.report.find("fingerprint: "), std::string::npos);
  EXPECT_TRUE(result.report.ends_with("repeat with: grass-sim run --seed 1\n")) << result.report;
  EXPECT_TRUE(RunSeed(Seed(1)).ok());
}

TEST(Run, NamesTheCommandWithItsOptions) {
  RunOptions options;
  options.seed = 7;
  options.nodes = 5;
  options.steps = 9;
  EXPECT_EQ(CommandFor(options), "grass-sim run --seed 7 --nodes 5 --steps 9");
}

TEST(Plan, DescribesItself) {
  const std::string text = Describe(DrawPlan(Seed(1)));
  for (const char* part : {"cluster: ", "raft: ", "network: ", "disk: ", "clients: ", "crash"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(Plan, DrawsEveryFaultOnAndOff) {
  for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
    int on = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      on += DrawPlan(Seed(seed)).faults[kind].on ? 1 : 0;
    }
    EXPECT_GT(on, 5) << NameOf(static_cast<FaultKind>(kind));
    EXPECT_LT(on, 95) << NameOf(static_cast<FaultKind>(kind));
  }
}

}  // namespace
}  // namespace grassdb::sim
