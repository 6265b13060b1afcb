// What is set by hand stays as it was set, and what the seed draws gives way to it (schedule.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/random.h"
#include "sim/schedule.h"
#include "tests/property.h"

namespace grassdb::sim {
namespace {

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
    EXPECT_EQ(WhyNot(plan), std::nullopt) << "seed " << options.seed;
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

// Of timeouts, the others give way so that the cluster can live.
TEST(Edits, OfTimeoutsTakeTheOthersWithThem) {
  const std::uint64_t ms = 1'000'000;
  ExpectKept({{"election_timeout_min_ns", 2000 * ms}});
  ExpectKept({{"election_timeout_min_ns", 5 * ms}, {"timeout_percent_min", 50}});
  ExpectKept({{"election_timeout_max_ns", 20 * ms}});
  ExpectKept({{"heartbeat_interval_ns", 3000 * ms}});
  ExpectKept({{"heartbeat_interval_ns", 100 * ms}, {"election_timeout_max_ns", 202 * ms}});
  ExpectKept({{"timeout_percent_min", 1}});
  ExpectKept({{"fault_crash_length_min_ns", 60'000 * ms}});
  ExpectKept({{"fault_crash_length_max_ns", 1}});
  ExpectKept({{"space_retry_max_ns", ms}});
}

TEST(Edits, OfTimeoutsThatContradictEachOtherAreNamed) {
  const std::uint64_t ms = 1'000'000;
  const auto wrong = [](const Edits& edits) {
    RunOptions options;
    options.edits = edits;
    return Contradiction(options).value_or("");
  };
  EXPECT_NE(wrong({{"election_timeout_min_ns", 9 * ms}, {"election_timeout_max_ns", 9 * ms}})
                .find("election_timeout_min_ns=9000000 contradicts "
                      "election_timeout_max_ns=9000000: "),
            std::string::npos);
  EXPECT_NE(
      wrong({{"heartbeat_interval_ns", 3 * ms}, {"election_timeout_max_ns", 6 * ms}})
          .find("election_timeout_max_ns=6000000 contradicts heartbeat_interval_ns=3000000: "),
      std::string::npos);
  EXPECT_NE(wrong({{"timeout_percent_min", 1}, {"election_timeout_min_ns", 90 * ms}})
                .find("with timeout_percent_min=1"),
            std::string::npos);
  EXPECT_NE(wrong({{"fault_clog_length_min_ns", 2}, {"fault_clog_length_max_ns", 1}})
                .find("fault_clog_length_min_ns=2 contradicts fault_clog_length_max_ns=1: "),
            std::string::npos);
  EXPECT_NE(wrong({{"lease_ppm", 1}, {"drift_ppm_max", 20'000}, {"lease_drift_percent_max", 3}}),
            "");
  EXPECT_EQ(wrong({{"lease_ppm", 1}, {"drift_ppm_max", 20'000}}), "");
  EXPECT_EQ(wrong({{"heartbeat_interval_ns", 3 * ms}}), "");
}

// Whatever is set, and does not contradict itself, a cluster can have it.
RC_GTEST_PROP(Edits, MakePlansThatAClusterCanHave, ()) {
  RunOptions options;
  options.seed = *rc::gen::arbitrary<std::uint64_t>();
  const std::vector<std::string> names = EditNames();
  const auto some = *rc::gen::inRange<std::size_t>(1, 12);
  for (std::size_t i = 0; i < some; ++i) {
    const std::string& name = names[*rc::gen::inRange<std::size_t>(0, names.size())];
    const Edit& edit = AllEdits().at(name);
    const std::uint64_t random = *rc::gen::arbitrary<std::uint64_t>();
    options.edits[name] = BetweenScales(random, edit.min, std::min(edit.max, UINT64_MAX / 2));
  }
  RC_PRE(!Contradiction(options));
  const Plan plan = PlanOf(options);
  RC_ASSERT(WhyNot(plan) == std::nullopt);
  for (const auto& [name, value] : options.edits) {
    if (name != "together") RC_ASSERT(ValueOf(plan, name) == value);
  }
}

}  // namespace
}  // namespace grassdb::sim
