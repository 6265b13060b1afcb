// What the checkers cost, by a clock that shows what it is told to.
#include "sim/checker_cost.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "sim/bench_plan.h"
#include "sim/checkers/specification.h"
#include "sim/checkers/told.h"
#include "sim/run.h"
#include "sim/testimony.h"

namespace grassdb::sim {
namespace {

TEST(CheckerCost, IsTheMedianOfRunsThatTakeTurns) {
  // By turn: what the run takes without checkers, with all but the specification, and with all.
  constexpr std::array<double, 9> kTaken = {9, 2, 3, 1, 7, 3.5, 1, 2, 8};
  std::size_t asked = 0;
  double now = 0;
  const auto clock = [&] {
    if (asked % 2 == 1) now += kTaken.at(asked / 2);
    ++asked;
    return now;
  };
  CheckerCost cost;
  EXPECT_EQ(MeasureCheckers(BenchPlan(BenchLoad::kDefault, 2), 3, clock, "", &cost), std::nullopt);
  EXPECT_EQ(asked, 18u);
  EXPECT_EQ(cost.none, 1);
  EXPECT_EQ(cost.all_but_specification, 2);
  EXPECT_EQ(cost.all, 3.5);
  EXPECT_EQ(cost.SpecificationAdds(), 1.5);
  EXPECT_GT(cost.SpecificationAdds(), kSpecificationAddsMax);
  EXPECT_EQ(cost.events, RunPlan(BenchPlan(BenchLoad::kDefault, 2), nullptr, "").counters.events);
  cost.events = 7'000'000;
  EXPECT_EQ(TextOf(cost),
            "  without checkers: 7000000 events/s, 1.000 s\n"
            "  all but the specification: 3500000 events/s, 2.000 s, 2.00 times as long\n"
            "  all checkers: 2000000 events/s, 3.500 s, 3.50 times as long\n"
            "  the specification adds: 1.50 of the run without checkers, 1.75 times the run "
            "without it\n");
}

TEST(CheckerCost, IsThatOfOneRunInThreeWays) {
  const Plan all = BenchPlan(BenchLoad::kDense, 1);
  Plan unspecified = all;
  unspecified.specification = false;
  Plan unjudged = all;
  unjudged.judge_history = false;
  unjudged.white_box = false;
  const RunResult with_all = RunPlan(all, nullptr, "");
  const RunResult without_specification = RunPlan(unspecified, nullptr, "");
  const RunResult with_none = RunPlan(unjudged, nullptr, "");
  ASSERT_TRUE(with_all.ok() && without_specification.ok() && with_none.ok());
  EXPECT_EQ(with_all.fingerprint, without_specification.fingerprint);
  EXPECT_EQ(with_all.fingerprint, with_none.fingerprint);
  EXPECT_LT(without_specification.counters.checker_bytes, with_all.counters.checker_bytes)
      << "what the specification remembers";
  EXPECT_GT(without_specification.counters.searched.keys, 0u);
  EXPECT_EQ(with_none.counters.searched.keys, 0u);
}

// Tells the specification that every server is in a term that nobody has begun.
class TermLiar final : public Liar {
 public:
  TermLiar() { liar = this; }
  ~TermLiar() override { liar = nullptr; }
  void OnTold(const void* testimony, void* value) override {
    if (testimony != &told::kServerAfterStep) return;
    ServerView& view = *static_cast<ServerView*>(value);
    view.term = Term(view.term.value() + 5);
    told_ = true;
  }
  bool told() const { return told_; }

 private:
  bool told_ = false;
};

TEST(CheckerCost, OfARunThatBreaksARuleIsItsReport) {
  Plan plan = BenchPlan(BenchLoad::kDefault, 2);
  const TermLiar lies;
  plan.specification = false;
  EXPECT_TRUE(RunPlan(plan, nullptr, "").ok());
  EXPECT_FALSE(lies.told()) << "nobody asks without the specification";
  plan.specification = true;
  CheckerCost cost;
  const auto problem = MeasureCheckers(
      plan, 1, [] { return 0.0; }, "grass-sim bench --seed 5", &cost);
  ASSERT_TRUE(problem.has_value());
  EXPECT_TRUE(problem->starts_with("VIOLATION of specification ")) << *problem;
  EXPECT_TRUE(problem->ends_with("repeat with: grass-sim bench --seed 5\n")) << *problem;
}

}  // namespace
}  // namespace grassdb::sim
