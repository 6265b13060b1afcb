#include "sim/faults.h"

#include <algorithm>

namespace grassdb::sim {
namespace {

// Side 0 or 1 of each node.
bool SideOf(std::uint64_t random, std::uint32_t node) {
  return (random >> node & 1) != 0;
}

bool Cuts(PartitionShape shape, std::uint32_t nodes, std::uint32_t one, std::uint64_t random,
          std::uint32_t from, std::uint32_t to) {
  const std::uint64_t sides = Derive(random, 2);
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
  }
  return false;
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
  if (kind == FaultKind::kPartition) {
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

Links FaultInjector::StandingPartition(const CanLead& can_lead) const {
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
      if (can_lead(node, in_touch[node])) return links;
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
      network_->Clog(from, to, queue_->now() + Between(draw, length / 4, length));
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

// One node's disk, or everybody's: those of a cluster fill up together.
void FaultInjector::BeginFullDisk(std::uint64_t number, std::uint32_t victim) {
  const bool everybody = Draw(FaultKind::kFullDisk, number, About::kShape) % 3 == 0;
  for (std::uint32_t host = 0; host < plan_.nodes; ++host) {
    if (host != victim && !everybody) continue;
    const std::uint64_t draw = Draw(FaultKind::kFullDisk, number, About::kRoom, host);
    targets_->HostAt(host).LimitDiskRoom(BetweenScales(draw, 1, std::uint64_t{1} << 16) - 1);
  }
}

void FaultInjector::OnBegin(FaultKind kind, std::uint64_t number) {
  if (stopped_) return;
  const Duration length = LengthOf(kind, number);
  const std::uint32_t victim = VictimOf(kind, number);
  Active& active = active_[static_cast<std::size_t>(kind)];
  active = {victim, number, {}, false};
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
  recorder_->Note(LineKind::kFaultBegan, victim, static_cast<std::uint64_t>(kind), number);
  ++(kind == FaultKind::kPartition ? recorder_->counters.partitions
                                   : recorder_->counters.other_faults);
  switch (kind) {
    case FaultKind::kCrash:
      targets_->CrashHost(victim, CrashKindOf(kind, number), queue_->now() + length);
      break;
    case FaultKind::kWipe:
      targets_->WipeHost(victim, queue_->now() + length);
      break;
    case FaultKind::kRollBack:
      targets_->SaveDisk(victim);
      break;
    case FaultKind::kDamage:
      targets_->DamageHost(victim, number,
                           static_cast<DamageWhen>(Draw(kind, number, About::kWhen) % 2),
                           queue_->now() + length / 2);
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
      BeginFullDisk(number, victim);
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
    case FaultKind::kSlowDisk:
      targets_->HostAt(victim).SetDiskSlowness(
          static_cast<std::uint32_t>(BetweenScales(factor_draw, 2, 60)));
      break;
    case FaultKind::kClockJump:
      targets_->HostAt(victim).JumpClock(
          Between(Draw(kind, number, About::kJump), Duration(0), plan_.clock.jump_max));
      break;
  }
}

void FaultInjector::OnEnd(FaultKind kind, std::uint64_t number) {
  if (stopped_) return;
  const Active& active = active_[static_cast<std::size_t>(kind)];
  const std::uint32_t victim = active.victim;
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
    case FaultKind::kCrashAtIo:
      targets_->HostAt(victim).RemoveTrap();
      break;
    case FaultKind::kFullDisk:
      for (std::uint32_t host = 0; host < plan_.nodes; ++host) {
        targets_->HostAt(host).FreeDiskRoom();
      }
      break;
    case FaultKind::kDamage:
      targets_->ShowDamage(victim, queue_->now() + plan_.process_start);
      break;
    case FaultKind::kRollBack:
      targets_->RollBackHost(victim, queue_->now() + plan_.process_start);
      break;
    case FaultKind::kCrash:
    case FaultKind::kCrashAll:
    case FaultKind::kClog:
    case FaultKind::kClockJump:
    case FaultKind::kWipe:
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
