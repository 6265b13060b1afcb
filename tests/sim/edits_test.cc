// What is set by hand stays as it was set, and what the seed draws gives way to it (schedule.h).
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sim/report/failure_file.h"
#include "sim/run.h"
#include "sim/schedule.h"

namespace grassdb::sim {
namespace {

using Edits = std::map<std::string, std::uint64_t>;

constexpr std::uint64_t kSeeds = 200;

// In every seed each of the edits is the plan's.
void ExpectKept(const Edits& edits) {
  RunOptions options;
  options.edits = edits;
  for (options.seed = 1; options.seed <= kSeeds; ++options.seed) {
    const Plan plan = PlanOf(options);
    for (const auto& [name, value] : edits) {
      EXPECT_EQ(ValueOf(plan, name), value) << "seed " << options.seed << ", " << name;
    }
    EXPECT_LE(plan.voters + plan.learners, plan.nodes) << "seed " << options.seed;
  }
}

bool IsOn(const Plan& plan, FaultKind kind) {
  return plan.faults[static_cast<std::size_t>(kind)].on;
}

TEST(Edits, StayBesideWhatPutsSeveralDimensionsTogether) {
  for (std::uint64_t together = 0; together < kTogethers; ++together) {
    ExpectKept({{"together", together},
                {"fault_partition", 0},
                {"fault_slow_disk", 0},
                {"fault_crash", 0},
                {"clients", 1},
                {"put_weight", 7},
                {"sync_failure_ppm", 0},
                {"voters", 3}});
  }
}

TEST(Edits, KeepTheSizesThatTheyName) {
  ExpectKept({{"voters", 7}});
  ExpectKept({{"voters", 1}});
  ExpectKept({{"voters", 5}, {"learners", 2}});
  ExpectKept({{"learners", 3}});
  ExpectKept({{"nodes", 3}, {"learners", 2}});
  ExpectKept({{"nodes", 9}, {"voters", 6}, {"learners", 3}});
  ExpectKept({{"nodes", 1}});
}

TEST(Edits, OfVotersAreTheFlagNodes) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RunOptions flag;
    flag.seed = seed;
    flag.nodes = 3;
    RunOptions edit;
    edit.seed = seed;
    edit.edits = {{"voters", 3}};
    EXPECT_EQ(PlanOf(flag).voters, 3u) << seed;
    EXPECT_EQ(Describe(PlanOf(flag)), Describe(PlanOf(edit)));
  }
}

TEST(Edits, OfClocksSwitchOffTheLeaseReadsThatASeedDraws) {
  ExpectKept({{"fault_clock_jump", 1}, {"drift_ppm_max", 400'000}});
  ExpectKept({{"fault_clock_strobe", 1}});
  std::uint64_t leases = 0;
  RunOptions options;
  for (options.seed = 1; options.seed <= kSeeds; ++options.seed) {
    options.edits = {{"fault_clock_stop", 1}};
    EXPECT_EQ(PlanOf(options).workload.lease, 0u) << options.seed;
    options.edits = {{"fault_clock_stop", 0}};
    leases += PlanOf(options).workload.lease > 0 ? 1 : 0;
  }
  EXPECT_GT(leases, kSeeds / 5) << "else they are as drawn";
}

TEST(Edits, OfLeaseReadsKeepTheDrawnClocksToTheBound) {
  ExpectKept({{"lease_ppm", 500'000}});
  RunOptions options;
  options.edits = {{"lease_ppm", 500'000}};
  for (options.seed = 1; options.seed <= kSeeds; ++options.seed) {
    EXPECT_FALSE(IsOn(PlanOf(options), FaultKind::kClockJump)) << options.seed;
  }
}

TEST(Edits, ThatContradictEachOtherAreNamed) {
  const auto wrong = [](const Edits& edits, std::optional<std::uint32_t> nodes = std::nullopt) {
    RunOptions options;
    options.edits = edits;
    options.nodes = nodes;
    return Contradiction(options).value_or("");
  };
  const auto names = [&wrong](const Edits& edits, std::optional<std::uint32_t> nodes,
                              const std::string& one, const std::string& other) {
    const std::string text = wrong(edits, nodes);
    EXPECT_NE(text.find(one + " contradicts " + other + ": "), std::string::npos) << text;
  };
  names({{"lease_ppm", 1}, {"drift_ppm_max", 400'000}}, {}, "lease_ppm=1", "drift_ppm_max=400000");
  names({{"lease_ppm", 1}, {"fault_clock_stop", 1}}, {}, "lease_ppm=1", "fault_clock_stop=1");
  names({{"voters", 5}, {"nodes", 3}}, {}, "voters=5", "nodes=3");
  names({{"nodes", 4}}, 5, "--nodes 5", "nodes=4");
  names({{"voters", 3}}, 5, "--nodes 5", "voters=3");
  names({{"learners", 3}, {"nodes", 3}}, {}, "learners=3", "nodes=3");
  names({{"voters", 7}, {"learners", 3}}, {}, "voters=7 with learners=3",
        "the 9 machines of the largest cluster");
  EXPECT_EQ(wrong({{"lease_ppm", 0}, {"drift_ppm_max", 400'000}}), "");
  EXPECT_EQ(wrong({{"lease_ppm", 1}, {"drift_ppm_max", 0}, {"fault_clock_jump", 0}}), "");
  EXPECT_EQ(wrong({{"fault_clock_jump", 1}}), "") << "the lease is the seed's";
  EXPECT_EQ(wrong({{"voters", 5}, {"nodes", 5}}, 5), "");
  EXPECT_EQ(wrong({{"voters", 7}, {"learners", 2}}), "");
}

TEST(Edits, ThatAreFartherGiveWayToTheSizesThatAreNearer) {
  RunOptions options;
  options.nodes = 5;
  options.edits = {{"clients", 2}};
  AddFarther({{"nodes", 3}, {"voters", 3}, {"learners", 0}, {"clients", 12}, {"keys", 24}},
             &options);
  EXPECT_EQ(options.edits, (Edits{{"clients", 2}, {"keys", 24}, {"learners", 0}}));
  EXPECT_EQ(PlanOf(options).voters, 5u);
  options = {};
  options.edits = {{"nodes", 2}};
  AddFarther({{"nodes", 3}, {"voters", 3}, {"learners", 0}}, &options);
  EXPECT_EQ(options.edits, (Edits{{"learners", 0}, {"nodes", 2}}));
}

// What a file of version 1 meant was decided by the order of the names.
TEST(Edits, OfAFormerFileMeanThePlanThatTheyMeantThen) {
  RunOptions options;
  const auto in_order = [&options](const Edits& edits) {
    options.edits = edits;
    return InOrder(options).edits;
  };
  options.seed = 7;
  const Edits former = in_order({{"together", 2}, {"fault_partition", 0}, {"clients", 1}});
  EXPECT_EQ(former.at("fault_partition"), 1u) << "`together` came after it";
  EXPECT_EQ(former.at("clients"), 12u);
  const Edits lease =
      in_order({{"lease_ppm", 5}, {"fault_clock_jump", 1}, {"drift_ppm_max", 400'000}});
  EXPECT_EQ(lease.at("fault_clock_jump"), 0u);
  EXPECT_EQ(lease.at("drift_ppm_max"), 50'000u);
  for (options.seed = 1; options.seed <= kSeeds; ++options.seed) {
    const Edits nothing;
    EXPECT_EQ(in_order(nothing), nothing) << options.seed;
    const Edits shrunk = {{"nodes", 2}, {"voters", 2}, {"learners", 0}, {"clients", 1}};
    EXPECT_EQ(in_order(shrunk), shrunk) << options.seed;
    // It used to be cut to the machines that were drawn for fewer voters.
    RunOptions drawn;
    drawn.seed = options.seed;
    const Plan plan = DrawPlan(drawn);
    EXPECT_EQ(in_order({{"voters", 7}}).at("voters"), std::min<std::uint64_t>(7, plan.nodes));
    EXPECT_EQ(PlanOf(InOrder(options)).nodes, plan.nodes) << options.seed;
  }
}

TEST(FailureFile, OfTheFormerVersionIsReadAsItWasMeant) {
  Schedule schedule;
  schedule.run.seed = 7;
  schedule.run.edits = {{"clients", 1}, {"together", 2}};
  RunResult result;
  result.violation = Violation{"rule", "a.cc:1", "text"};
  std::string text = TextOf(FailureOf(schedule, result));
  const std::string version = "\"version\": 2";
  ASSERT_NE(text.find(version), std::string::npos) << text;
  const auto now = ParseFailure(text, "f");
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(PlanOf(now->schedule).workload.clients, 1u);
  text.replace(text.find(version), version.size(), "\"version\": 1");
  const auto former = ParseFailure(text, "f");
  ASSERT_TRUE(former.ok()) << former.status();
  EXPECT_EQ(PlanOf(former->schedule).workload.clients, 12u);
}

}  // namespace
}  // namespace grassdb::sim
