#include "sim/network.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "sim/faults.h"

namespace grassdb::sim {
namespace {

Plan LossyPlan() {
  Plan plan;
  plan.seed = 7;
  plan.nodes = 3;
  plan.workload.clients = 1;
  plan.network.delay_min = Duration(1000);
  plan.network.delay_spread = Duration(100'000);
  plan.network.drop = 300'000;
  plan.network.duplicate = 300'000;
  return plan;
}

Message Heartbeat(std::uint64_t number) {
  AppendEntriesRequest heartbeat;
  heartbeat.leader_commit = Index(number);
  Message message;
  message.body = heartbeat;
  return message;
}

struct Arrival {
  std::uint64_t number;
  TrueTime at;
  friend bool operator==(const Arrival&, const Arrival&) = default;
};

// Sends ten heartbeats from 0 to 1 and, if wanted, as many votes and messages on other links
// between them; gives what arrived of the heartbeats.
std::vector<Arrival> ArrivalsOfHeartbeats(bool with_others) {
  const Plan plan = LossyPlan();
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  for (std::uint64_t i = 1; i <= 10; ++i) {
    if (with_others) {
      Message vote;
      vote.body = RequestVoteRequest{};
      network.Send(0, 1, vote);
      network.Send(2, 1, Heartbeat(99));
    }
    network.Send(0, 1, Heartbeat(i));
  }
  std::vector<Arrival> arrivals;
  while (!queue.empty()) {
    const SimEvent event = queue.Pop();
    bool cut = false;
    const auto in_flight = network.TakeMessage(event.value, event.target, &cut);
    const auto* append = std::get_if<AppendEntriesRequest>(&in_flight.message.body);
    if (append != nullptr && in_flight.from == 0) {
      arrivals.push_back({append->leader_commit.value(), event.at});
    }
  }
  return arrivals;
}

TEST(Network, DecidesTheFateOfAMessageWhateverElseIsSent) {
  const std::vector<Arrival> alone = ArrivalsOfHeartbeats(false);
  EXPECT_EQ(alone, ArrivalsOfHeartbeats(true));
  std::map<std::uint64_t, int> times;
  for (const Arrival& arrival : alone) ++times[arrival.number];
  EXPECT_LT(times.size(), 10u) << "some are lost";
  EXPECT_GT(alone.size(), times.size()) << "some are repeated";
}

TEST(Network, KeepsTheOrderOfALinkWhereThePlanSaysSo) {
  Plan plan = LossyPlan();
  plan.network.order = DeliveryOrder::kPerLink;
  plan.network.duplicate = 0;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  for (std::uint64_t i = 1; i <= 50; ++i) network.Send(0, 1, Heartbeat(i));
  std::uint64_t last = 0;
  while (!queue.empty()) {
    bool cut = false;
    const auto in_flight = network.TakeMessage(queue.Pop().value, 1, &cut);
    const std::uint64_t number =
        std::get<AppendEntriesRequest>(in_flight.message.body).leader_commit.value();
    EXPECT_GT(number, last);
    last = number;
  }
  EXPECT_GT(last, 0u);
}

TEST(Network, CutsOneDirectionOnly) {
  Plan plan = LossyPlan();
  plan.network.drop = 0;
  plan.network.duplicate = 0;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  network.Cut(0, 1);
  network.Send(0, 1, Heartbeat(1));
  EXPECT_TRUE(queue.empty());
  network.Send(1, 0, Heartbeat(1));
  EXPECT_FALSE(queue.empty());
  network.Mend(0, 1);
  EXPECT_FALSE(network.IsCut(0, 1));
}

TEST(Network, LosesWhatIsUnderWayWhenTheLinkIsCut) {
  Plan plan = LossyPlan();
  plan.network.drop = 0;
  plan.network.duplicate = 0;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  network.Send(0, 1, Heartbeat(1));
  network.Cut(0, 1);
  bool cut = false;
  network.TakeMessage(queue.Pop().value, 1, &cut);
  EXPECT_TRUE(cut);
}

TEST(Network, FlushesAClogAtItsEnd) {
  Plan plan = LossyPlan();
  plan.network.drop = 0;
  plan.network.duplicate = 0;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  const TrueTime end = TrueTime() + std::chrono::seconds(1);
  network.Clog(0, 1, end);
  for (std::uint64_t i = 1; i <= 5; ++i) network.Send(0, 1, Heartbeat(i));
  EXPECT_EQ(queue.size(), 5u);
  EXPECT_GE(queue.Pop().at, end);
}

// Which of the ordered pairs of n nodes a shape leaves connected.
bool Connected(const Links& cut, Place from, Place to) {
  return std::find(cut.begin(), cut.end(), std::pair(from, to)) == cut.end();
}

TEST(Partitions, HaveTheShapesTheirNamesPromise) {
  constexpr std::uint32_t kNodes = 5;
  for (std::uint64_t random = 1; random <= 50; ++random) {
    EXPECT_EQ(LinksCut(PartitionShape::kIsolateOne, kNodes, 1, random).size(), 8u);
    EXPECT_EQ(LinksCut(PartitionShape::kDeaf, kNodes, 1, random).size(), 4u);
    EXPECT_EQ(LinksCut(PartitionShape::kMute, kNodes, 1, random).size(), 4u);
    EXPECT_EQ(LinksCut(PartitionShape::kLeaderless, kNodes, 1, random).size(), 12u);
    const Links ring = LinksCut(PartitionShape::kRing, kNodes, 1, random);
    for (Place i = 0; i < kNodes; ++i) {
      EXPECT_TRUE(Connected(ring, i, (i + 1) % kNodes));
      EXPECT_FALSE(Connected(ring, i, (i + 2) % kNodes));
    }
    for (const auto& [from, to] : LinksCut(PartitionShape::kHalves, kNodes, 1, random)) {
      EXPECT_FALSE(Connected(LinksCut(PartitionShape::kHalves, kNodes, 1, random), to, from));
    }
  }
}

}  // namespace
}  // namespace grassdb::sim
