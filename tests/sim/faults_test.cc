#include "sim/faults.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <set>
#include <stdexcept>
#include <vector>

namespace grassdb::sim {
namespace {

constexpr std::uint32_t kNodes = 5;

// Five nodes of which the first one leads; nothing is done to them.
class NobodyHarmed : public FaultTargets {
 public:
  Host& HostAt(std::uint32_t) override { throw std::logic_error("no host is asked for"); }
  std::optional<std::uint32_t> Leader() const override { return 0; }
  void CrashHost(std::uint32_t, CrashKind, TrueTime) override {
    throw std::logic_error("no host is crashed");
  }
  void StopHost(std::uint32_t, TrueTime) override {}
  void WipeHost(std::uint32_t, TrueTime) override { throw std::logic_error("no disk is lost"); }
  void DamageHost(std::uint32_t, std::uint64_t, DamageWhen, TrueTime) override {
    throw std::logic_error("no disk is damaged");
  }
  void ShowDamage(std::uint32_t, TrueTime) override { throw std::logic_error("nor shown"); }
  void SaveDisk(std::uint32_t) override { throw std::logic_error("no disk is saved"); }
  void RollBackHost(std::uint32_t, TrueTime) override { throw std::logic_error("nor restored"); }
};

FaultInjector::Standing StandingPartition(std::uint64_t seed,
                                          const FaultInjector::CanLead& can_lead) {
  Plan plan;
  plan.seed = seed;
  plan.nodes = kNodes;
  plan.workload.clients = 1;
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  NobodyHarmed targets;
  return FaultInjector(plan, &queue, &network, &recorder, &targets).StandingPartition(can_lead);
}

bool IsMajority(std::uint32_t, std::uint64_t nodes) {
  return std::popcount(nodes) > static_cast<int>(kNodes / 2);
}

// Nodes that `node` exchanges messages with both ways, itself included.
int InTouch(const Links& links, Place node) {
  const std::set<std::pair<Place, Place>> cut(links.begin(), links.end());
  int count = 0;
  for (Place other = 0; other < kNodes; ++other) {
    count += cut.contains({node, other}) || cut.contains({other, node}) ? 0 : 1;
  }
  return count;
}

// One bit each, as the trace has hosts.
std::uint64_t BitsOf(const std::set<std::uint32_t>& hosts) {
  std::uint64_t bits = 0;
  for (const std::uint32_t host : hosts) bits |= std::uint64_t{1} << host;
  return bits;
}

class DamageNoted final : public NobodyHarmed {
 public:
  void CrashHost(std::uint32_t host, CrashKind kind, TrueTime) override {
    EXPECT_EQ(kind, CrashKind::kPower);
    crashed.insert(host);
  }
  void DamageHost(std::uint32_t host, std::uint64_t, DamageWhen when, TrueTime) override {
    damaged.insert(host);
    (when == DamageWhen::kDown ? down : running) += 1;
  }
  std::optional<std::uint32_t> OneAhead() const override { return 3; }
  void ShowDamage(std::uint32_t host, TrueTime) override { shown.insert(host); }

  std::set<std::uint32_t> crashed;
  std::set<std::uint32_t> damaged;
  std::set<std::uint32_t> shown;
  std::uint64_t told = 0;  // the hosts, by the trace
  int down = 0;
  int running = 0;
};

DamageNoted DamageOf(std::uint64_t number, AtlasRule rule) {
  Plan plan;
  plan.seed = 1;
  plan.nodes = kNodes;
  plan.atlas = rule;
  plan.workload.clients = 1;
  FaultPlan& fault = plan.faults[static_cast<std::size_t>(FaultKind::kDamage)];
  fault.length_min = Duration(1000);
  fault.length_max = Duration(1'000'000);
  EventQueue queue;
  Recorder recorder;
  SimNetwork network(plan, &queue, &recorder);
  DamageNoted targets;
  recorder.SetWatch([&targets](const TraceLine& line) {
    if (line.kind == LineKind::kFaultBegan) targets.told = line.c;
  });
  FaultInjector faults(plan, &queue, &network, &recorder, &targets);
  faults.OnBegin(FaultKind::kDamage, number);
  faults.OnEnd(FaultKind::kDamage, number);
  return targets;
}

TEST(DamageFault, IsOfOneNodeUnlessTheAtlasLooksAtEveryEntry) {
  for (std::uint64_t number = 0; number < 20; ++number) {
    for (const AtlasRule rule : {AtlasRule::kOneNode, AtlasRule::kAnywhere}) {
      const DamageNoted noted = DamageOf(number, rule);
      EXPECT_EQ(noted.damaged.size(), 1u);
      EXPECT_EQ(noted.told, BitsOf(noted.damaged));
      EXPECT_EQ(noted.shown, noted.damaged);
      EXPECT_TRUE(noted.crashed.empty());
    }
  }
}

TEST(DamageFault, IsOfSeveralNodesNowAndThenWithoutPower) {
  int one = 0;
  int several = 0;
  int without_power = 0;
  for (std::uint64_t number = 0; number < 100; ++number) {
    const DamageNoted noted = DamageOf(number, AtlasRule::kEachEntry);
    (noted.damaged.size() == 1 ? one : several) += 1;
    EXPECT_EQ(noted.shown, noted.damaged) << "everybody has to read what is damaged";
    EXPECT_EQ(noted.told, BitsOf(noted.damaged));
    EXPECT_TRUE(noted.damaged.size() == 1 || noted.damaged.contains(3)) << "who is ahead";
    if (noted.crashed.empty()) continue;
    EXPECT_EQ(noted.crashed.size(), kNodes);
    EXPECT_EQ(noted.running, 0);
    ++without_power;
  }
  EXPECT_GT(one, 20);
  EXPECT_GT(several, 20);
  EXPECT_GT(without_power, 10);
}

class CrashesNoted final : public NobodyHarmed {
 public:
  void CrashHost(std::uint32_t host, CrashKind, TrueTime) override { crashed.insert(host); }

  std::set<std::uint32_t> crashed;
};

// What a watcher is shown of the fault, from its beginning on.
std::vector<TraceLine> LinesOf(FaultKind kind, std::uint64_t number, CrashesNoted* targets) {
  Plan plan;
  plan.seed = 1;
  plan.nodes = kNodes;
  plan.workload.clients = 2;
  FaultPlan& fault = plan.faults[static_cast<std::size_t>(kind)];
  fault.length_min = Duration(1000);
  fault.length_max = Duration(1'000'000);
  EventQueue queue;
  Recorder recorder;
  std::vector<TraceLine> lines;
  recorder.SetWatch([&lines](const TraceLine& line) { lines.push_back(line); });
  SimNetwork network(plan, &queue, &recorder);
  FaultInjector faults(plan, &queue, &network, &recorder, targets);
  faults.OnBegin(kind, number);
  return lines;
}

TEST(TracedFault, NamesTheHostsThatItIsDoneTo) {
  for (std::uint64_t number = 0; number < 20; ++number) {
    for (const FaultKind kind : {FaultKind::kCrash, FaultKind::kCrashAll}) {
      CrashesNoted targets;
      const TraceLine began = LinesOf(kind, number, &targets).at(0);
      ASSERT_EQ(began.kind, LineKind::kFaultBegan);
      EXPECT_EQ(began.c, BitsOf(targets.crashed));
      EXPECT_EQ(targets.crashed.size(), kind == FaultKind::kCrash ? 1u : kNodes);
    }
  }
  CrashesNoted targets;
  EXPECT_NE(TextOf(LinesOf(FaultKind::kCrashAll, 7, &targets).at(0))
                .find("-- fault crash-all #7 begins: n1 n2 n3"),
            std::string::npos);
}

TEST(TracedFault, IsOfNoHostIfItIsDoneToLinks) {
  for (const FaultKind kind : {FaultKind::kPartition, FaultKind::kClientCut, FaultKind::kFlap,
                               FaultKind::kClog, FaultKind::kSwizzle}) {
    CrashesNoted targets;
    const std::vector<TraceLine> lines = LinesOf(kind, 3, &targets);
    EXPECT_EQ(lines.at(0).c, 0u);
    if (kind == FaultKind::kFlap) continue;  // cuts at its first pulse
    const bool clogs = kind == FaultKind::kClog || kind == FaultKind::kSwizzle;
    ASSERT_GT(lines.size(), 1u) << "the links are shown";
    for (std::size_t i = 1; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i].kind, clogs ? LineKind::kClogged : LineKind::kCut);
      EXPECT_TRUE(!clogs || lines[i].c < lines[i].d);
    }
  }
}

TEST(StandingPartition, CutsLinksAndLeavesSomebodyInTouchWithAQuorum) {
  int leader_cut_off = 0;
  int one_way = 0;
  int none = 0;
  int dead = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const FaultInjector::Standing standing = StandingPartition(seed, IsMajority);
    const Links& links = standing.links;
    if (links.empty()) {
      ++none;
      continue;
    }
    int best = 0;
    for (Place node = 0; node < kNodes; ++node) best = std::max(best, InTouch(links, node));
    EXPECT_GE(best, 3) << "seed " << seed;
    EXPECT_GE(std::popcount(standing.in_touch), 3);
    dead += standing.others_are_dead ? 1 : 0;
    leader_cut_off += InTouch(links, 0) < 3 ? 1 : 0;
    one_way +=
        std::ranges::any_of(links,
                            [&links](const auto& link) {
                              return std::ranges::find(links, std::pair(link.second, link.first)) ==
                                     links.end();
                            })
            ? 1
            : 0;
  }
  EXPECT_LT(none, 10) << "two sides may be drawn with all nodes on one";
  EXPECT_GT(leader_cut_off, 40) << "else nobody has to be elected";
  EXPECT_GT(one_way, 40);
  EXPECT_GT(dead, 40) << "of the others, all are down";
  EXPECT_LT(dead, 160);
}

TEST(StandingPartition, AsksOfEachNodeForThoseItIsInTouchWith) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::uint64_t seen = 0;
    std::uint32_t chosen = 0;
    const auto can_lead = [&](std::uint32_t node, std::uint64_t nodes) {
      if ((nodes >> node & 1) == 0) return false;  // itself
      seen = nodes;
      chosen = node;
      return std::popcount(nodes) == 3;
    };
    const auto [links, in_touch, dead] = StandingPartition(seed, can_lead);
    if (links.empty()) continue;
    EXPECT_EQ(InTouch(links, chosen), std::popcount(seen));
    EXPECT_EQ(in_touch, seen);
  }
}

TEST(StandingPartition, IsNoneWhenNobodyCouldLead) {
  EXPECT_TRUE(
      StandingPartition(1, [](std::uint32_t, std::uint64_t) { return false; }).links.empty());
}

TEST(StandingPartition, IsDecidedByTheSeed) {
  EXPECT_EQ(StandingPartition(5, IsMajority).links, StandingPartition(5, IsMajority).links);
  EXPECT_NE(StandingPartition(5, IsMajority).links, StandingPartition(6, IsMajority).links);
}

}  // namespace
}  // namespace grassdb::sim
