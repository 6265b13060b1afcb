#include "sim/faults.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace grassdb::sim {
namespace {

// Side 0 or 1 of each node.
bool SideOf(std::uint64_t random, std::uint32_t node) {
  return (random >> node & 1) != 0;
}

bool Cuts(PartitionShape shape, std::uint32_t nodes, std::uint32_t one, std::uint64_t random,
          std::uint32_t from, std::uint32_t to) {
  const std::uint64_t sides = Derive(random, 2);
  const std::uint32_t next = (one + 1) % nodes;
  switch (shape) {
    case PartitionShape::kIsolateOne:
      return from == one || to == one;
    case PartitionShape::kHalves:
      return SideOf(sides, from) != SideOf(sides, to);
    case PartitionShape::kDeaf:
      return to == one;
    case PartitionShape::kMute:
      return from == one;
    case PartitionShape::kBridge:
      return from != one && to != one && SideOf(sides, from) != SideOf(sides, to);
    case PartitionShape::kRing: {
      const std::uint32_t apart = from < to ? to - from : from - to;
      return apart != 1 && apart != nodes - 1;
    }
    case PartitionShape::kSomeLinks:
      return Bounded(Derive(random, 3 + std::uint64_t{from} * nodes + to), 3) == 0;
    case PartitionShape::kLeaderless:
      return from != one && to != one;
    case PartitionShape::kChain:
      return (from < to ? to - from : from - to) != 1;
    case PartitionShape::kOneWay:
      return !SideOf(sides, from) && SideOf(sides, to);
    case PartitionShape::kOneLink:
      return (from == one && to == next) || (from == next && to == one);
    case PartitionShape::kOneWayLink:
      return from == next && to == one;
    case PartitionShape::kThreeWays:
      return Bounded(Derive(sides, from), 3) != Bounded(Derive(sides, to), 3);
    case PartitionShape::kMajorities: {
      const std::uint32_t apart = from < to ? to - from : from - to;
      return std::min(apart, nodes - apart) > (nodes / 2 + 1) / 2;
    }
    case PartitionShape::kConstrained:
      return from == one || to == one || (from != next && to != next);
    case PartitionShape::kHalfOpen:
      if (to == one) return false;
      if (from == one) return SideOf(sides, to);
      return SideOf(sides, from) != SideOf(sides, to);
  }
  return false;
}

// Of damage on several disks at a time: the one who has what nobody else has keeps it.
bool SparesWhoIsAhead(Together together) {
  return together == Together::kRunsRotAtPartings;
}

}  // namespace

Links LinksCut(PartitionShape shape, std::uint32_t nodes, std::uint32_t one, std::uint64_t random) {
  Links links;
  for (std::uint32_t from = 0; from < nodes; ++from) {
    for (std::uint32_t to = 0; to < nodes; ++to) {
      if (from != to && Cuts(shape, nodes, one, random, from, to)) links.emplace_back(from, to);
    }
  }
  return links;
}

FaultInjector::FaultInjector(const Plan& plan, EventQueue* queue, SimNetwork* network,
                             Recorder* recorder, FaultTargets* targets)
    : plan_(plan),
      random_(plan.seed, plan.tape),
      queue_(queue),
      network_(network),
      recorder_(recorder),
      targets_(targets) {}

void FaultInjector::Start() {
  for (std::uint32_t kind = 0; kind < kFaultKinds; ++kind) {
    if (plan_.faults[kind].on) Schedule(static_cast<FaultKind>(kind), 0);
  }
}

void FaultInjector::Schedule(FaultKind kind, std::uint64_t number) {
  const Duration mean = plan_.faults[static_cast<std::size_t>(kind)].gap_mean;
  const Duration gap = Between(Draw(kind, number, About::kGap), mean / 4, mean * 7 / 4);
  queue_->Push(queue_->now() + gap, EventType::kFaultBegins, static_cast<std::uint32_t>(kind),
               number);
}

Duration FaultInjector::LengthOf(FaultKind kind, std::uint64_t number) const {
  const FaultPlan& fault = plan_.faults[static_cast<std::size_t>(kind)];
  return BetweenScales(Draw(kind, number, About::kLength), fault.length_min, fault.length_max);
}

std::uint32_t FaultInjector::VictimOf(FaultKind kind, std::uint64_t number) const {
  const std::optional<std::uint32_t> leader = targets_->Leader();
  if (leader.has_value() && Draw(kind, number, About::kAim) % 2 == 0) return *leader;
  return static_cast<std::uint32_t>(Bounded(Draw(kind, number, About::kVictim), plan_.nodes));
}

CrashKind FaultInjector::CrashKindOf(FaultKind kind, std::uint64_t number) const {
  return Chance(Draw(kind, number, About::kCrashKind), plan_.power_loss) ? CrashKind::kPower
                                                                         : CrashKind::kProcess;
}

Links FaultInjector::LinksOf(FaultKind kind, std::uint64_t number, std::uint32_t victim) const {
  if (kind == FaultKind::kPartition || kind == FaultKind::kFlap) {
    const auto shape =
        static_cast<PartitionShape>(Bounded(Draw(kind, number, About::kShape), kPartitionShapes));
    return LinksCut(shape, plan_.nodes, victim, Draw(kind, number, About::kSides));
  }
  // Between clients and nodes, each direction for itself: a request or only its reply is lost.
  Links links;
  for (std::uint32_t client = 0; client < plan_.workload.clients; ++client) {
    const Place place = network_->PlaceOfClient(client);
    for (Place node = 0; node < plan_.nodes; ++node) {
      const std::uint64_t draw = Draw(kind, number, About::kLink, client, node);
      if (draw % 4 == 0) links.emplace_back(place, node);
      if (draw / 4 % 4 == 0) links.emplace_back(node, place);
    }
  }
  return links;
}

std::vector<std::uint32_t> FaultInjector::HostsOf(FaultKind kind, std::uint64_t number,
                                                  std::uint32_t victim) const {
  switch (kind) {
    case FaultKind::kPartition:
    case FaultKind::kFlap:
    case FaultKind::kClientCut:
    case FaultKind::kClog:
    case FaultKind::kSwizzle:
    case FaultKind::kCrashStorm:
      return {};
    case FaultKind::kCrashAll: {
      std::vector<std::uint32_t> all(plan_.nodes);
      std::iota(all.begin(), all.end(), 0);
      return all;
    }
    case FaultKind::kFullDisk:
      return FullDisks(number, victim);
    case FaultKind::kDamage:
      return DamagedDisks(number, victim);
    case FaultKind::kCrash:
    case FaultKind::kCrashAtIo:
    case FaultKind::kStop:
    case FaultKind::kWipe:
    case FaultKind::kRollBack:
    case FaultKind::kPause:
    case FaultKind::kSlowNode:
    case FaultKind::kSlowDisk:
    case FaultKind::kHangDisk:
    case FaultKind::kClockJump:
    case FaultKind::kClockStop:
    case FaultKind::kClockStrobe:
      break;
  }
  return {victim};
}

// One node's disk, or everybody's, as those of a cluster fill up together; or all but one, which
// alone is no quorum with room.
std::vector<std::uint32_t> FaultInjector::FullDisks(std::uint64_t number,
                                                    std::uint32_t victim) const {
  const std::uint64_t shape = Draw(FaultKind::kFullDisk, number, About::kShape);
  const bool others = shape % 3 == 0;
  const bool this_one = !others || shape / 3 % 2 == 0;
  std::vector<std::uint32_t> hosts;
  for (std::uint32_t host = 0; host < plan_.nodes; ++host) {
    if (host == victim ? this_one : others) hosts.push_back(host);
  }
  return hosts;
}

std::vector<std::uint32_t> FaultInjector::DamagedDisks(std::uint64_t number,
                                                       std::uint32_t victim) const {
  const std::uint64_t shape = DamageShape(number);
  std::optional<std::uint32_t> ahead;
  if (shape > 0) ahead = targets_->OneAhead();
  const bool spares = SparesWhoIsAhead(plan_.together) && shape > 1;
  if (!spares) victim = ahead.value_or(victim);
  std::vector<std::uint32_t> hosts;
  for (std::uint32_t host = 0; host < plan_.nodes; ++host) {
    const bool also = shape > 1 && Draw(FaultKind::kDamage, number, About::kOthers, host) % 4 != 0;
    if (spares && ahead.has_value() && host == *ahead) continue;
    if (host == victim || also) hosts.push_back(host);
  }
  return hosts;
}

FaultInjector::Standing FaultInjector::StandingPartition(const CanLead& can_lead) const {
  for (std::uint64_t attempt = 0; attempt < 16; ++attempt) {
    // Numbers that no partition of the fault phase reaches.
    const std::uint64_t number = UINT64_MAX - attempt;
    Links links = LinksOf(FaultKind::kPartition, number, VictimOf(FaultKind::kPartition, number));
    std::vector<std::uint64_t> in_touch(plan_.nodes, (std::uint64_t{1} << plan_.nodes) - 1);
    for (const auto& [from, to] : links) {
      in_touch[from] &= ~(std::uint64_t{1} << to);
      in_touch[to] &= ~(std::uint64_t{1} << from);
    }
    for (std::uint32_t node = 0; node < plan_.nodes; ++node) {
      if (!can_lead(node, in_touch[node])) continue;
      const bool dead = Draw(FaultKind::kPartition, number, About::kOthers) % 2 == 0;
      return {std::move(links), in_touch[node], dead};
    }
  }
  return {};
}

void FaultInjector::BeginClog(std::uint64_t number) {
  const Duration length = LengthOf(FaultKind::kClog, number);
  for (Place from = 0; from < plan_.nodes; ++from) {
    for (Place to = 0; to < plan_.nodes; ++to) {
      if (Draw(FaultKind::kClog, number, About::kLink, from, to) % 3 != 0) continue;
      const std::uint64_t draw = Draw(FaultKind::kClog, number, About::kUntil, from, to);
      network_->Clog(from, to, queue_->now(), queue_->now() + Between(draw, length / 4, length));
    }
  }
}

// FoundationDB's "swizzle": half of the machines are clogged one after the other in the first half
// of the time, and are let go in another order in the second.
void FaultInjector::BeginSwizzle(std::uint64_t number) {
  const FaultKind kind = FaultKind::kSwizzle;
  const Duration half = LengthOf(kind, number) / 2;
  for (Place node = 0; node < plan_.nodes; ++node) {
    if (Draw(kind, number, About::kLink, node) % 2 == 0) continue;
    const TrueTime begin =
        queue_->now() + Between(Draw(kind, number, About::kFrom, node), Duration(0), half);
    const TrueTime end =
        queue_->now() + half + Between(Draw(kind, number, About::kUntil, node), Duration(0), half);
    for (Place other = 0; other < plan_.nodes; ++other) {
      if (other == node) continue;
      network_->Clog(node, other, begin, end);
      network_->Clog(other, node, begin, end);
    }
  }
}

// --- Faults of several steps ---

void FaultInjector::SchedulePulse(FaultKind kind) {
  Active& active = active_[static_cast<std::size_t>(kind)];
  const Duration length = LengthOf(kind, active.number);
  const std::uint64_t draw = Draw(kind, active.number, About::kUntil, active.pulses);
  queue_->Push(queue_->now() + BetweenScales(draw, length / 64, length / 4), EventType::kFaultPulse,
               static_cast<std::uint32_t>(kind), active.number);
}

void FaultInjector::OnPulse(FaultKind kind, std::uint64_t number) {
  Active& active = active_[static_cast<std::size_t>(kind)];
  if (stopped_ || !active.under_way || active.number != number) return;
  ++active.pulses;
  const Decision decision{Choice::kPulse,
                          {static_cast<std::uint32_t>(kind), static_cast<std::uint32_t>(number)},
                          active.pulses};
  if (recorder_->choices.Takes(decision)) Pulse(kind);
  SchedulePulse(kind);
}

void FaultInjector::Pulse(FaultKind kind) {
  Active& active = active_[static_cast<std::size_t>(kind)];
  const std::uint64_t draw = Draw(kind, active.number, About::kPulse, active.pulses);
  if (kind == FaultKind::kClockStrobe) {
    Host& host = targets_->HostAt(active.victim);
    // Now and then it stays behind, so that it is also wrong in the end.
    const Host::GoOn how = draw % 8 == 0 ? Host::GoOn::kBehind : Host::GoOn::kCaughtUp;
    if (host.ClockStands()) return host.LetClockGoOn(how);
    return host.StopClock();
  }
  if (kind == FaultKind::kFlap) return Flap(&active);
  const std::optional<std::uint32_t> leader = targets_->Leader();
  const auto drawn = static_cast<std::uint32_t>(Bounded(Derive(draw, 1), plan_.nodes));
  const Duration back = BetweenScales(Derive(draw, 2), plan_.process_start,
                                      LengthOf(kind, active.number) / 4 + plan_.process_start);
  targets_->CrashHost(
      leader.has_value() && draw % 2 == 0 ? *leader : drawn,
      Chance(Derive(draw, 3), plan_.power_loss) ? CrashKind::kPower : CrashKind::kProcess,
      queue_->now() + back);
}

void FaultInjector::Flap(Active* active) {
  active->down = !active->down;
  for (const auto& [from, to] : active->links) {
    if (active->down) {
      network_->Cut(from, to);
    } else {
      network_->Mend(from, to);
    }
  }
}

void FaultInjector::BeginCrashAll(std::uint64_t number) {
  const FaultKind kind = FaultKind::kCrashAll;
  const Duration length = LengthOf(kind, number);
  for (std::uint32_t host = 0; host < plan_.nodes; ++host) {
    const std::uint64_t draw = Draw(kind, number, About::kUntil, host);
    targets_->CrashHost(host, CrashKindOf(kind, number),
                        queue_->now() + Between(draw, length / 4, length));
  }
}

void FaultInjector::BeginFullDisk(std::uint64_t number) {
  const FaultKind kind = FaultKind::kFullDisk;
  for (const std::uint32_t host : active_[static_cast<std::size_t>(kind)].hosts) {
    const std::uint64_t draw = Draw(kind, number, About::kRoom, host);
    targets_->HostAt(host).LimitDiskRoom(BetweenScales(draw, 1, std::uint64_t{1} << 16) - 1);
  }
}

// 0: one node's disk. Where the atlas looks at every entry, as often: 1: that of a node which has
// what no other disk has; 2: of some nodes, each at its own time; 3: of some, while the power of
// the whole room is out.
std::uint64_t FaultInjector::DamageShape(std::uint64_t number) const {
  if (plan_.atlas != AtlasRule::kEachEntry) return 0;
  return Draw(FaultKind::kDamage, number, About::kShape) % 4;
}

void FaultInjector::BeginDamage(std::uint64_t number) {
  const FaultKind kind = FaultKind::kDamage;
  const Duration length = LengthOf(kind, number);
  const std::uint64_t shape = DamageShape(number);
  const bool all_down = shape == 3;
  const auto back = [&](std::uint32_t host) {
    if (shape == 0) return queue_->now() + length / 2;
    return queue_->now() + Between(Draw(kind, number, About::kUntil, host), length / 8, length);
  };
  if (all_down) {
    for (std::uint32_t host = 0; host < plan_.nodes; ++host) {
      targets_->CrashHost(host, CrashKind::kPower, back(host));
    }
  }
  for (const std::uint32_t host : active_[static_cast<std::size_t>(kind)].hosts) {
    const std::uint64_t when = Draw(kind, number, About::kWhen) + (shape > 1 ? host : 0);
    targets_->DamageHost(
        host, number, all_down ? DamageWhen::kDown : static_cast<DamageWhen>(when % 2), back(host));
  }
}

void FaultInjector::OnBegin(FaultKind kind, std::uint64_t number) {
  if (stopped_) return;
  const Duration length = LengthOf(kind, number);
  const std::uint32_t victim = VictimOf(kind, number);
  Active& active = active_[static_cast<std::size_t>(kind)];
  active = {};
  active.victim = victim;
  active.number = number;
  active.under_way = true;
  active.left_out =
      !recorder_->choices.Takes({Choice::kFault, {static_cast<std::uint32_t>(kind)}, number});
  // Also of one that is left out: the next of its kind comes when it would have come.
  if (!active.left_out) Begin(kind, number, victim, length);
  queue_->Push(queue_->now() + length, EventType::kFaultEnds, static_cast<std::uint32_t>(kind),
               number);
}

void FaultInjector::Begin(FaultKind kind, std::uint64_t number, std::uint32_t victim,
                          Duration length) {
  Active& active = active_[static_cast<std::size_t>(kind)];
  const std::uint64_t factor_draw = Draw(kind, number, About::kFactor);
  active.hosts = HostsOf(kind, number, victim);
  std::uint64_t hosts = 0;
  for (const std::uint32_t host : active.hosts) hosts |= std::uint64_t{1} << host;
  recorder_->Note(LineKind::kFaultBegan, victim, static_cast<std::uint64_t>(kind), number, hosts);
  ++(kind == FaultKind::kPartition ? recorder_->counters.partitions
                                   : recorder_->counters.other_faults);
  switch (kind) {
    case FaultKind::kCrash:
      targets_->CrashHost(victim, CrashKindOf(kind, number), queue_->now() + length);
      break;
    case FaultKind::kStop:
      targets_->StopHost(victim, queue_->now() + length);
      break;
    case FaultKind::kWipe:
      targets_->WipeHost(victim, queue_->now() + length);
      break;
    case FaultKind::kRollBack:
      targets_->SaveDisk(victim);
      break;
    case FaultKind::kDamage:
      BeginDamage(number);
      break;
    case FaultKind::kCrashAtIo: {
      const std::uint64_t io = Draw(kind, number, About::kIo);
      targets_->HostAt(victim).SetTrap(static_cast<IoType>(Bounded(io, kIoTypes)),
                                       BetweenScales(Derive(io, 1), 1, 16));
      break;
    }
    case FaultKind::kCrashAll:
      BeginCrashAll(number);
      break;
    case FaultKind::kFullDisk:
      BeginFullDisk(number);
      break;
    case FaultKind::kPartition:
    case FaultKind::kClientCut:
      active.links = LinksOf(kind, number, victim);
      for (const auto& [from, to] : active.links) network_->Cut(from, to);
      break;
    case FaultKind::kClog:
      BeginClog(number);
      break;
    case FaultKind::kPause:
      targets_->HostAt(victim).Pause();
      break;
    case FaultKind::kSlowNode:
      targets_->HostAt(victim).SetSlowness(
          static_cast<std::uint32_t>(BetweenScales(factor_draw, 2, 500)));
      break;
    case FaultKind::kHangDisk:
      targets_->HostAt(victim).HangDisk();
      break;
    case FaultKind::kSlowDisk:
      targets_->HostAt(victim).SetDiskSlowness(
          static_cast<std::uint32_t>(BetweenScales(factor_draw, 2, 60)));
      break;
    case FaultKind::kClockJump:
      targets_->HostAt(victim).JumpClock(
          Between(Draw(kind, number, About::kJump), Duration(0), plan_.clock.jump_max));
      break;
    case FaultKind::kClockStop:
      targets_->HostAt(victim).StopClock();
      break;
    case FaultKind::kSwizzle:
      BeginSwizzle(number);
      break;
    case FaultKind::kFlap:
      active.links = LinksOf(kind, number, victim);
      [[fallthrough]];
    case FaultKind::kClockStrobe:
    case FaultKind::kCrashStorm:
      SchedulePulse(kind);
      break;
  }
}

void FaultInjector::OnEnd(FaultKind kind, std::uint64_t number) {
  if (stopped_) return;
  Active& active = active_[static_cast<std::size_t>(kind)];
  const std::uint32_t victim = active.victim;
  active.under_way = false;
  if (active.left_out) return Schedule(kind, number + 1);
  recorder_->Note(LineKind::kFaultEnded, victim, static_cast<std::uint64_t>(kind), number);
  switch (kind) {
    case FaultKind::kPartition:
    case FaultKind::kClientCut:
      for (const auto& [from, to] : active.links) network_->Mend(from, to);
      break;
    case FaultKind::kPause:
      targets_->HostAt(victim).Resume();
      break;
    case FaultKind::kSlowNode:
      targets_->HostAt(victim).SetSlowness(1);
      break;
    case FaultKind::kSlowDisk:
      targets_->HostAt(victim).SetDiskSlowness(1);
      break;
    case FaultKind::kHangDisk:
      targets_->HostAt(victim).LetDiskGoOn();
      break;
    case FaultKind::kCrashAtIo:
      targets_->HostAt(victim).RemoveTrap();
      break;
    case FaultKind::kFullDisk:
      for (std::uint32_t host = 0; host < plan_.nodes; ++host) {
        targets_->HostAt(host).FreeDiskRoom();
      }
      break;
    case FaultKind::kDamage:
      for (const std::uint32_t host : active.hosts) {
        targets_->ShowDamage(host, queue_->now() + plan_.process_start);
      }
      break;
    case FaultKind::kRollBack:
      targets_->RollBackHost(victim, queue_->now() + plan_.process_start);
      break;
    case FaultKind::kClockStop:
      targets_->HostAt(victim).LetClockGoOn(
          Draw(kind, number, About::kJump) % 2 == 0 ? Host::GoOn::kBehind : Host::GoOn::kCaughtUp);
      break;
    case FaultKind::kClockStrobe:
      targets_->HostAt(victim).LetClockGoOn(Host::GoOn::kCaughtUp);
      break;
    case FaultKind::kFlap:
      if (active.down) Flap(&active);
      break;
    case FaultKind::kCrash:
    case FaultKind::kCrashAll:
    case FaultKind::kClog:
    case FaultKind::kClockJump:
    case FaultKind::kWipe:
    case FaultKind::kCrashStorm:
    case FaultKind::kSwizzle:
    case FaultKind::kStop:
      break;  // these end by themselves
  }
  Schedule(kind, number + 1);
}

void FaultInjector::OnTrap(std::uint32_t host) {
  const FaultKind kind = FaultKind::kCrashAtIo;
  const Active& active = active_[static_cast<std::size_t>(kind)];
  if (stopped_ || active.victim != host) return;
  const Duration length = LengthOf(kind, active.number);
  const std::uint64_t draw = Draw(kind, active.number, About::kUntil);
  targets_->CrashHost(host, CrashKindOf(kind, active.number),
                      queue_->now() + Between(draw, length / 100, length));
}

}  // namespace grassdb::sim
