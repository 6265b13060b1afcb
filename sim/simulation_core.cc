// The end of the faults for a core of the nodes only: the others are dead, or cut off in one
// direction, for ever, and the core must come back without them. It is the harder end: nobody who
// knows better comes to help, and what the chaos has left behind is not washed away by a restart of
// everybody.
#include <algorithm>
#include <chrono>
#include <string>
#include <tuple>
#include <utility>

#include "sim/checkers/liveness.h"
#include "sim/simulation.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

// What decisions about the core are about. Append, never renumber.
enum class About : std::uint64_t {
  kChoice = 1,
  kRestart = 2,
  kFate = 3,
  kCrash = 4,
  kLink = 5,
  kSeek = 6,
};

// What becomes of a node beside the core.
enum class Fate : std::uint64_t {
  kDead = 0,
  kDeaf = 1,      // it can still send, and hears nothing of the core
  kMute = 2,      // it hears the core, and is not heard by it
  kEachLink = 3,  // the one or the other, with each member of the core for itself
};
constexpr std::uint64_t kFates = 4;

}  // namespace

// Only where the atlas keeps damage within what a cluster can bear: else it may be held to nothing.
void Simulation::EndureWithACore() {
  if (plan_.atlas == AtlasRule::kAnywhere) return;
  faults_.Stop();
  sites_.Stop();
  if (roll_back_->IsUnderWay()) WipeRolledBack(queue_.now());
  if (random_(Stream::kCore, About::kSeek) % 2 == 0) SeekAHardCore();
  const std::vector<CoreCandidate> candidates = CoreCandidates();
  const std::vector<Configuration> before = ConfigurationsInForce();
  const auto core = ChooseCore(candidates, before, random_(Stream::kCore, About::kChoice));
  if (!core.has_value()) return;
  if (plan_.white_box) {
    Liveness::CheckRemembers(
        core->newest, Told(told::kNewestHoldsCommitted, candidates[core->newest].holds_committed),
        trail_->committed());
  }
  core_ = core->hosts;
  ++recorder_->counters.cores;
  if (core->hard) ++recorder_->counters.hard_cores;
  HealCore();
  const TrueTime heard = HeardOfTheDisks();
  AwaitStart();
  while (!queue_.empty() && queue_.now() < heard) Step();
  const Duration bound = TimeForALeader() + TimeForTheBacklog();
  StepUntil([this] { return HasServingLeader() && HasSpace(); }, queue_.now() + bound,
            "all others are dead or cut off, and no leader serves the core within " +
                Milliseconds(bound));
  AwaitIdleClients();
  CheckService();
  AwaitSameState();
  CheckCore(candidates, before);
  core_ = 0;
  dead_ = 0;
}

// What is at the disks when the faults end takes its time, and may still say then that it has found
// no room.
TrueTime Simulation::HeardOfTheDisks() const {
  TrueTime done = queue_.now();
  for (const auto& host : hosts_) {
    if (IsWhole(host->number())) done = std::max(done, host->disk_busy_until());
  }
  return done + TimeForAMessage();
}

// What a write may find at a disk: a piece of a snapshot that is read for who is not there any
// more, or staged, block by block.
Duration Simulation::TimeForASlice() const {
  const DiskPlan& disk = plan_.disk;
  const std::uint64_t bytes = plan_.node.snapshot_chunk_bytes;
  const auto times = [bytes](std::uint64_t unit) {
    return static_cast<Duration::rep>(bytes / unit + 2);
  };
  return times(plan_.storage.snapshot_block_bytes) * 2 * std::max(disk.read, disk.write) +
         times(1024) * disk.per_kib +
         times(plan_.storage.snapshot_sync_bytes) * (2 * disk.sync_min + disk.sync_spread);
}

// One client after the other: where there is room for fewer sessions than there are clients, or for
// fewer requests, all at once push each other out, and the cluster owes nobody an answer.
void Simulation::CheckService() {
  // A leader of a term that has begun before reads without those whose writes it has to wait for.
  const Duration quorum = AVoterNeedsASnapshot() ? TimeForASnapshot() : Duration(0);
  const Duration answer = TimeForAnAnswer() + TimeForTheBacklog() + quorum;
  // A session that is forgotten sooner than the next entry can be committed takes no write, however
  // often it is opened.
  const auto idle = std::chrono::milliseconds(plan_.node.store.session_idle_max);
  const Duration entry = TimeForAMessage() + 2 * TimeForASlice();
  const auto service =
      idle < entry ? SimClient::Service::kReads : SimClient::Service::kWritesAndReads;
  for (const auto& client : clients_) {
    client->CheckService(service, answer);
    StepUntil([&client] { return client->checked(); }, queue_.now() + 3 * answer,
              "a write and a read of a client of the core have no outcome");
  }
}

// Who has the newest log is cut off until the others have begun an election without it. Where that
// is how the faults end, it has to catch up with a term that it knows nothing of, and lead. Of
// itself that is rare: a candidate that wins has a newer log in a moment.
void Simulation::SeekAHardCore() {
  const std::vector<CoreCandidate> candidates = CoreCandidates();
  const auto rank = [this, &candidates](std::uint32_t host) {
    return std::tuple(candidates[host].last_term, candidates[host].last, host == Leader());
  };
  std::uint32_t victim = 0;
  for (std::uint32_t host = 1; host < candidates.size(); ++host) {
    if (rank(host) > rank(victim)) victim = host;
  }
  for (const auto& host : hosts_) {
    if (host->number() == victim) continue;
    network_.Cut(victim, host->number());
    network_.Cut(host->number(), victim);
  }
  const TrueTime until = queue_.now() + 4 * plan_.node.raft.election_timeout_max;
  Term term;
  while (!queue_.empty() && queue_.now() < until) {
    Term now;
    for (const auto& host : hosts_) {
      if (host->up()) now = std::max(now, host->node()->raft().term());
    }
    if (now > std::exchange(term, now) && HasHardCore(CoreCandidates(), ConfigurationsInForce())) {
      return;
    }
    Step();
  }
}

std::vector<CoreCandidate> Simulation::CoreCandidates() const {
  std::vector<CoreCandidate> candidates;
  for (const auto& host : hosts_) {
    const Checkers::DiskState& disk = checkers_->DiskOf(host->number());
    CoreCandidate candidate;
    candidate.id = ids_[host->number()];
    candidate.incarnation = disk.image.incarnation();
    // A recovery that is under way may have read something else than what is there, or nothing.
    candidate.whole = !host->IsDamaged() && disk.lost.empty() && !disk.rolled_back &&
                      (host->up() || host->down() || !MayMisread()) && !host->mending();
    candidate.proven = trail_->IsProven(candidate.id, candidate.incarnation, disk.image);
    candidate.holds_committed = disk.image.Holds(trail_->committed(), trail_->committed_term());
    candidate.term = host->up() ? host->node()->raft().term() : disk.image.hard_state().term;
    candidate.last = disk.image.last();
    candidate.last_term = disk.image.TermAt(candidate.last);
    candidates.push_back(candidate);
  }
  return candidates;
}

// With those that are only in the memory of a node so far.
std::vector<Configuration> Simulation::ConfigurationsInForce() const {
  std::vector<Configuration> configurations = trail_->InForce();
  for (const auto& host : hosts_) {
    if (!host->up()) continue;
    const Raft& raft = host->node()->raft();
    if (raft.configuration_index() > trail_->committed()) {
      configurations.push_back(raft.configuration());
    }
  }
  return configurations;
}

void Simulation::HealCore() {
  recorder_->Note(LineKind::kCoreHealed, 0, core_);
  network_.Heal();
  for (const auto& host : hosts_) {
    if (!Contains(core_, host->number())) CutOff(host->number());
  }
  const bool restarts = Bounded(random_(Stream::kCore, About::kRestart), 4) == 0 &&
                        recorder_->choices.Takes({Choice::kHealRestart, {}, 1});
  for (const auto& host : hosts_) {
    if (!Contains(core_, host->number())) continue;
    HealHost(host->number(), restarts ? Restart::kYes : Restart::kNo);
  }
  for (const auto& client : clients_) client->StopAfterThis();
}

void Simulation::CutOff(std::uint32_t number) {
  auto fate = static_cast<Fate>(Bounded(random_(Stream::kCore, About::kFate, number), kFates));
  // Who has damage would be given a new disk by its operator, and be another node then.
  const bool dies = fate == Fate::kDead || hosts_[number]->IsDamaged();
  if (dies && recorder_->choices.Takes({Choice::kCoreDeath, {number}, 0})) {
    dead_ |= HostSet{1} << number;
    const bool power = Chance(random_(Stream::kCore, About::kCrash, number), plan_.power_loss);
    KillHost(number, power ? CrashKind::kPower : CrashKind::kProcess);
    return;
  }
  for (const auto& host : hosts_) {
    const std::uint32_t other = host->number();
    if (!Contains(core_, other)) continue;
    const bool deaf =
        fate == Fate::kDeaf ||
        (fate == Fate::kEachLink && random_(Stream::kCore, About::kLink, number, other) % 2 == 0);
    if (deaf) {
      network_.Cut(other, number);
    } else {
      network_.Cut(number, other);
    }
  }
}

// What the newest log has and other members of the core, or without one other voters, do not: until
// that is sent, nothing newer can be committed. With the smallest window and the smallest messages
// it is sent entry by entry.
Duration Simulation::TimeForTheBacklog() const {
  const Raft* newest = nullptr;
  for (const auto& host : hosts_) {
    if (!host->up() || (core_ != 0 && !Contains(core_, host->number()))) continue;
    const Raft& raft = host->node()->raft();
    if (newest == nullptr || raft.log().last_index() > newest->log().last_index()) newest = &raft;
  }
  if (newest == nullptr) return Duration(0);
  Index shortest = newest->log().last_index();
  for (const auto& host : hosts_) {
    const bool is_voter = newest->configuration().IsVoter(ids_[host->number()]);
    if (!host->up() || !(core_ == 0 ? is_voter : Contains(core_, host->number()))) continue;
    shortest = std::min(shortest, host->node()->raft().log().last_index());
  }
  return TimeForAMessage() *
         static_cast<Duration::rep>(newest->log().last_index().value() - shortest.value());
}

void Simulation::CheckCore(const std::vector<CoreCandidate>& candidates,
                           const std::vector<Configuration>& before) const {
  const Host& leader = *hosts_[*Leader()];
  const Raft& raft = leader.node()->raft();
  // Who has lost its disk before is admitted anew, and rightly so.
  std::vector<NodeId> remember;
  for (const auto& host : hosts_) {
    const CoreCandidate& candidate = candidates[host->number()];
    const bool on_record = std::ranges::all_of(before, [&candidate](const Configuration& each) {
      const Member* member = each.Find(candidate.id);
      return member == nullptr || member->incarnation == Incarnation(0) ||
             member->incarnation == candidate.incarnation;
    });
    if (Contains(core_, host->number()) && candidate.proven && on_record) {
      remember.push_back(candidate.id);
    }
  }
  Liveness::CheckMembership(before, *Told(told::kConfigurationOfCore, &raft.configuration()),
                            remember);
  for (const Member& member : raft.configuration().members()) {
    const Host& host = *hosts_[NumberOf(member.id)];
    if (!Contains(core_, host.number())) continue;
    Liveness::CheckSameState(leader.number(), leader.node()->store().digest(), host.number(),
                             Told(told::kDigestInCore, host.node()->store().digest()),
                             host.node()->applied_index());
    checkers_->AtEnd(host.number(), *host.node());
  }
}

}  // namespace grassdb::sim
