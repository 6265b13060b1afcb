#include "sim/network.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "core/chunk.h"
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
    SimNetwork::Arrival arrival{};
    const auto in_flight = network.TakeMessage(event.value, event.target, &arrival);
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
    SimNetwork::Arrival arrival{};
    const auto in_flight = network.TakeMessage(queue.Pop().value, 1, &arrival);
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
  SimNetwork::Arrival arrival{};
  network.TakeMessage(queue.Pop().value, 1, &arrival);
  EXPECT_EQ(arrival, SimNetwork::Arrival::kLost);
}

TEST(Network, BreaksTheConnectionOfADamagedMessageWithAllThatIsOnIt) {
  std::uint64_t whole_before = 0;
  std::uint64_t broken = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Plan plan = LossyPlan();
    plan.seed = seed;
    plan.network.order = DeliveryOrder::kPerLink;
    plan.network.drop = 0;
    plan.network.duplicate = 0;
    plan.network.corrupt = 50'000;
    EventQueue queue;
    Recorder recorder;
    SimNetwork network(plan, &queue, &recorder);
    for (std::uint64_t i = 1; i <= 50; ++i) network.Send(0, 1, Heartbeat(i));
    bool damaged = false;
    while (!queue.empty()) {
      SimNetwork::Arrival arrival{};
      const auto in_flight = network.TakeMessage(queue.Pop().value, 1, &arrival);
      const bool first = arrival == SimNetwork::Arrival::kDamaged;
      EXPECT_FALSE(first && damaged);
      EXPECT_TRUE(first || (arrival == SimNetwork::Arrival::kLost) == damaged);
      damaged = damaged || first;
      whole_before += damaged ? 0u : 1u;
    }
    broken += recorder.counters.connections_broken;
    network.Heal();
    network.Send(0, 1, Heartbeat(51));
    SimNetwork::Arrival arrival{};
    network.TakeMessage(queue.Pop().value, 1, &arrival);
    EXPECT_EQ(arrival, SimNetwork::Arrival::kWhole) << "over a new connection";
  }
  EXPECT_GT(whole_before, 50u);
  EXPECT_GT(broken, 10u);
}

TEST(Network, ADamagedMessageBreaksNoOtherDirection) {
  Plan plan = LossyPlan();
  plan.network.drop = 0;
  plan.network.duplicate = 0;
  plan.network.corrupt = 1'000'000;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  network.Send(1, 0, Heartbeat(1));
  network.Heal();
  network.Send(0, 1, Heartbeat(1));
  while (!queue.empty()) {
    const SimEvent event = queue.Pop();
    SimNetwork::Arrival arrival{};
    network.TakeMessage(event.value, event.target, &arrival);
    EXPECT_EQ(arrival == SimNetwork::Arrival::kDamaged, event.target == 0);
  }
}

TEST(Network, DamagesTheAnswersToRepairsWithoutTheTransportsNotice) {
  Plan plan = LossyPlan();
  plan.network.drop = 0;
  plan.network.duplicate = 0;
  plan.network.damage = 1'000'000;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  RepairResponse held;
  held.verdict = RepairVerdict::kHeld;
  RepairResponse chunk;
  chunk.verdict = RepairVerdict::kChunk;
  chunk.chunk.data = Bytes("state");
  std::vector<RepairResponse> answers = {RepairResponse{}, held, held, chunk};
  answers[1].entries.resize(1);
  answers[2].entries = answers[1].entries;
  answers[2].entries[0].payload = Bytes("payload");
  for (RepairResponse& answer : answers) {
    answer.checksum = ChecksumOf(answer);
    Message message;
    message.body = answer;
    network.Send(0, 1, message);
    SimNetwork::Arrival arrival{};
    const auto in_flight = network.TakeMessage(queue.Pop().value, 1, &arrival);
    EXPECT_EQ(arrival, SimNetwork::Arrival::kWhole);
    EXPECT_FALSE(IsWhole(std::get<RepairResponse>(in_flight.message.body)));
  }
}

TEST(Network, FlushesAClogAtItsEnd) {
  Plan plan = LossyPlan();
  plan.network.drop = 0;
  plan.network.duplicate = 0;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  const TrueTime end = TrueTime() + std::chrono::seconds(1);
  network.Clog(0, 1, TrueTime(), end);
  for (std::uint64_t i = 1; i <= 5; ++i) network.Send(0, 1, Heartbeat(i));
  EXPECT_EQ(queue.size(), 5u);
  EXPECT_GE(queue.Pop().at, end);
}

TEST(Network, HoldsNothingBeforeAClogBegins) {
  Plan plan = LossyPlan();
  plan.network.drop = 0;
  plan.network.duplicate = 0;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  const TrueTime begin = TrueTime() + std::chrono::seconds(1);
  const TrueTime end = begin + std::chrono::seconds(1);
  network.Clog(0, 1, begin, end);
  network.Send(0, 1, Heartbeat(1));
  EXPECT_LT(queue.Pop().at, begin);
  queue.Push(begin, EventType::kClientWake, 0, 0);
  queue.Pop();
  network.Send(0, 1, Heartbeat(2));
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
    const Links chain = LinksCut(PartitionShape::kChain, kNodes, 1, random);
    EXPECT_TRUE(Connected(chain, 1, 2));
    EXPECT_FALSE(Connected(chain, 0, 4)) << "no ring";
    EXPECT_EQ(chain.size(), 12u);
    EXPECT_EQ(LinksCut(PartitionShape::kOneLink, kNodes, 4, random).size(), 2u);
    EXPECT_FALSE(Connected(LinksCut(PartitionShape::kOneLink, kNodes, 4, random), 0, 4));
    EXPECT_EQ(LinksCut(PartitionShape::kOneWayLink, kNodes, 1, random), (Links{{2, 1}}));
    const Links constrained = LinksCut(PartitionShape::kConstrained, kNodes, 1, random);
    for (Place i = 0; i < kNodes; ++i) {
      for (Place j = 0; j < kNodes; ++j) {
        const bool hub = (i == 2 || j == 2) && i != 1 && j != 1;
        if (i == j) continue;
        EXPECT_EQ(Connected(constrained, i, j), hub) << i << " " << j;
      }
    }
    for (Place i = 0; i < 7; ++i) {
      int reached = 1;
      for (Place j = 0; j < 7; ++j) {
        const Links majorities = LinksCut(PartitionShape::kMajorities, 7, 1, random);
        if (i != j && Connected(majorities, i, j) && Connected(majorities, j, i)) ++reached;
      }
      EXPECT_EQ(reached, 5) << "a majority of seven, or one more";
    }
    for (const auto& [from, to] : LinksCut(PartitionShape::kOneWay, kNodes, 1, random)) {
      EXPECT_TRUE(Connected(LinksCut(PartitionShape::kOneWay, kNodes, 1, random), to, from));
    }
    for (const auto& [from, to] : LinksCut(PartitionShape::kThreeWays, kNodes, 1, random)) {
      EXPECT_FALSE(Connected(LinksCut(PartitionShape::kThreeWays, kNodes, 1, random), to, from));
    }
    const Links half_open = LinksCut(PartitionShape::kHalfOpen, kNodes, 1, random);
    for (Place i = 0; i < kNodes; ++i) {
      EXPECT_TRUE(i == 1 || Connected(half_open, i, 1)) << "it hears all";
    }
    for (const auto& [from, to] : LinksCut(PartitionShape::kHalves, kNodes, 1, random)) {
      EXPECT_FALSE(Connected(LinksCut(PartitionShape::kHalves, kNodes, 1, random), to, from));
    }
  }
}

}  // namespace
}  // namespace grassdb::sim
