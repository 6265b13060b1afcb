// The fault that tells nodes to stop: who is told, that they do, what they leave behind.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include "sim/faults.h"
#include "sim/run.h"
#include "tests/sanitized.h"

namespace grassdb::sim {
namespace {

// Notes who is told to stop; nothing else may be asked for.
class StopsNoted final : public FaultTargets {
 public:
  struct Stop {
    std::uint32_t host = 0;
    TrueTime back;
  };
  std::vector<Stop> stops;

  Host& HostAt(std::uint32_t) override { throw std::logic_error("no host is asked for"); }
  std::optional<std::uint32_t> Leader() const override { return 0; }
  void CrashHost(std::uint32_t, CrashKind, TrueTime) override {
    throw std::logic_error("no host is crashed");
  }
  void StopHost(std::uint32_t number, TrueTime back) override { stops.push_back({number, back}); }
  void WipeHost(std::uint32_t, TrueTime) override { throw std::logic_error("no disk is lost"); }
  void DamageHost(std::uint32_t, std::uint64_t, DamageWhen, TrueTime) override {
    throw std::logic_error("no disk is damaged");
  }
  void ShowDamage(std::uint32_t, TrueTime) override { throw std::logic_error("nor shown"); }
  void SaveDisk(std::uint32_t) override { throw std::logic_error("no disk is saved"); }
  void RollBackHost(std::uint32_t, TrueTime) override { throw std::logic_error("nor restored"); }
};

TEST(StopFault, TellsOneNodeToStopAndHowLongToStayAway) {
  Plan plan;
  plan.nodes = 5;
  plan.workload.clients = 1;
  FaultPlan& fault = plan.faults[static_cast<std::size_t>(FaultKind::kStop)];
  fault.on = true;
  fault.gap_mean = std::chrono::seconds(1);
  fault.length_min = std::chrono::seconds(2);
  fault.length_max = std::chrono::seconds(3);
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  StopsNoted targets;
  FaultInjector faults(plan, &queue, &network, &recorder, &targets);
  faults.Start();
  for (std::uint64_t number = 0; number < 20; ++number) {
    const SimEvent begin = queue.Pop();
    ASSERT_EQ(begin.type, EventType::kFaultBegins);
    faults.OnBegin(FaultKind::kStop, begin.value);
    ASSERT_EQ(targets.stops.size(), number + 1);
    EXPECT_LT(targets.stops.back().host, plan.nodes);
    EXPECT_GE(targets.stops.back().back - queue.now(), fault.length_min);
    EXPECT_LE(targets.stops.back().back - queue.now(), fault.length_max);
    const SimEvent end = queue.Pop();
    ASSERT_EQ(end.type, EventType::kFaultEnds);
    faults.OnEnd(FaultKind::kStop, end.value);
  }
}

// A cluster to which nothing happens but that its nodes are told to stop.
RunResult RunWithStops(std::uint64_t seed, std::uint32_t nodes) {
  RunOptions options;
  options.seed = seed;
  options.nodes = nodes;
  options.seconds = 20;
  Plan plan = DrawPlan(options);
  for (FaultPlan& fault : plan.faults) fault.on = false;
  FaultPlan& stop = plan.faults[static_cast<std::size_t>(FaultKind::kStop)];
  stop.on = true;
  stop.gap_mean = plan.node.raft.election_timeout_max;
  stop.length_min = stop.length_max = plan.node.raft.election_timeout_max;
  plan.network.drop = plan.network.straggle = plan.network.corrupt = 0;
  plan.disk.straggle = plan.disk.write_failure = plan.disk.sync_failure = plan.disk.misread = 0;
  plan.workload.transfer = plan.workload.change_membership = 0;
  plan.rare_path = 0;
  plan.nodes = plan.voters;
  return RunPlan(plan, nullptr, "");
}

TEST(StopFault, NodesStopWhenTheyAreToldAndComeBack) {
  Counters sum;
  for (std::uint64_t seed = 1; seed <= SomeOf(6); ++seed) {
    const RunResult result = RunWithStops(seed, 3);
    ASSERT_TRUE(result.ok()) << result.report;
    EXPECT_GT(result.counters.stops, 5u) << "and again, so that they have been up in between";
    EXPECT_GE(result.counters.crashes, result.counters.stops);
    sum += result.counters;
  }
  if (kSanitized) return;
  EXPECT_GT(sum.stops_led, 10u);
  EXPECT_LT(sum.stops_led, sum.stops) << "followers are told as well";
}

TEST(StopFault, ALeaderThatStopsHandsOver) {
  Counters three;
  Counters one;
  for (std::uint64_t seed = 1; seed <= SomeOf(6); ++seed) {
    three += RunWithStops(seed, 3).counters;
    one += RunWithStops(seed, 1).counters;
  }
  EXPECT_EQ(one.handed_over, 0u) << "there is nobody to hand over to";
  if (kSanitized) return;
  EXPECT_GT(10 * three.handed_over, 9 * three.stops_led);
  EXPECT_GT(one.stops_led, 10u);
}

}  // namespace
}  // namespace grassdb::sim
