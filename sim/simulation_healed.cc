// The last part of a run: every fault ends, and the cluster must come back within bounds.
#include <algorithm>
#include <string>

#include "core/configuration.h"
#include "core/kv_snapshot.h"
#include "sim/simulation.h"

namespace grassdb::sim {
void Simulation::RunHealed() {
  if (plan_.standing_partition) EndureStandingPartition();
  AwaitLeader();
  AwaitIdleClients();
  if (GaveUp()) return;
  CheckKeys();
  AwaitSameState();
  if (GaveUp()) return;
  for (const Member& member : hosts_[*Leader()]->node()->raft().configuration().members()) {
    const std::uint32_t host = NumberOf(member.id);
    checkers_->AtEnd(host, *hosts_[host]->node());
  }
  if (plan_.leader_hangs) EndureAHungLeader();
}

void Simulation::Heal() {
  recorder_->Note(LineKind::kHealed, 0);
  faults_.Stop();
  sites_.Stop();
  if (roll_back_->IsUnderWay()) WipeRolledBack(queue_.now());
  network_.Heal();
  // In half of the runs everybody starts anew; in the others the cluster must come out of whatever
  // it has got itself into.
  const bool restarts = Bounded(random_(Stream::kFault, kFaultKinds), 2) == 0 &&
                        recorder_->choices.Takes({Choice::kHealRestart, {}, 0});
  for (const auto& host : hosts_) HealHost(host->number(), restarts ? Restart::kYes : Restart::kNo);
  for (const auto& client : clients_) client->StopAfterThis();
}

void Simulation::HealHost(std::uint32_t number, Restart restart) {
  Host& host = *hosts_[number];
  if ((restart == Restart::kYes || host.stopping()) && !host.down())
    CrashHost(number, CrashKind::kProcess, queue_.now());
  // Now, and not when the cluster is already held to its bounds.
  ShowDamage(number, queue_.now());
  host.Heal();
  if (host.down()) host.Boot();
}

// With damage wherever it falls a node may have lost what nobody can give back.
bool Simulation::GaveUp() const {
  return plan_.atlas == AtlasRule::kAnywhere &&
         std::ranges::any_of(hosts_, [](const auto& host) { return !host->up(); });
}

bool Simulation::HasLeader() const {
  return std::ranges::any_of(hosts_, [this](const auto& host) {
    if (!host->up() || !IsWhole(host->number())) return false;
    const Raft& raft = host->node()->raft();
    return raft.role() == Role::kLeader && raft.log().TermAt(raft.commit_index()) == raft.term() &&
           checkers_->committed() == raft.commit_index();
  });
}

// Members of the committed configuration; the others follow nobody. A disk that was full has been
// found to have room again. Everybody who is to become a voter has done so, also who has lost its
// disk: it is on record with the one that it has now.
bool Simulation::HasSameState() const {
  const std::optional<std::uint32_t> leader = Leader();
  if (!leader.has_value() || !IsWhole(*leader)) return false;
  const Raft& raft = hosts_[*leader]->node()->raft();
  if (raft.IsChangingMembership()) return false;
  return std::ranges::all_of(raft.configuration().members(), [this](const Member& member) {
    const Host& host = *hosts_[NumberOf(member.id)];
    if (!IsWhole(host.number())) return true;
    return member.role != MemberRole::kJoining && host.up() &&
           member.incarnation == host.node()->raft().incarnation() && host.node()->loaded() &&
           host.node()->space().space == DiskSpace::kAmple &&
           host.node()->raft().standing() == Standing::kProven &&
           host.node()->applied_index() == checkers_->committed();
  });
}

// A leader that has committed in its term, follows the newest configuration, and exchanges messages
// with a quorum that follows it. Who is cut off from the core is in touch with none.
bool Simulation::HasServingLeader() const {
  return std::ranges::any_of(hosts_, [this](const auto& host) {
    if (!host->up()) return false;
    const Raft& raft = host->node()->raft();
    if (raft.role() != Role::kLeader) return false;
    if (raft.log().TermAt(raft.commit_index()) != raft.term()) return false;
    const Tally tally = raft.configuration().Count([&](NodeId voter) -> std::optional<bool> {
      if (voter == raft.id()) return true;
      const std::uint32_t other = NumberOf(voter);
      if (network_.IsCut(host->number(), other) || network_.IsCut(other, host->number())) {
        return false;
      }
      const Node* node = hosts_[other]->node();
      return node != nullptr && node->raft().term() == raft.term() &&
             node->raft().leader() == raft.id();
    });
    return tally == Tally::kWon;
  });
}

// Of the voters that the longest log has.
bool Simulation::AVoterNeedsASnapshot() const {
  const Raft* longest = nullptr;
  Index released;
  for (const auto& host : hosts_) {
    if (!host->up() || !IsWhole(host->number())) continue;
    const Raft& raft = host->node()->raft();
    released = std::max(released, raft.log().base_index());
    if (longest == nullptr || raft.log().last_index() > longest->log().last_index()) {
      longest = &raft;
    }
  }
  return std::ranges::any_of(hosts_, [&](const auto& host) {
    return host->up() && IsWhole(host->number()) &&
           longest->configuration().IsVoter(ids_[host->number()]) &&
           host->node()->raft().log().last_index() < released;
  });
}

void Simulation::AwaitStart() {
  const TrueTime now = queue_.now();
  TrueTime ready = now;
  for (const auto& host : hosts_) {
    if (IsWhole(host->number())) ready = std::max(ready, host->disk_busy_until());
  }
  const auto all_up = [this] {
    return std::ranges::all_of(
        hosts_, [this](const auto& host) { return host->up() || !IsWhole(host->number()); });
  };
  // What is at the disks now, recoveries among it, and then the operator: who fails is started
  // again an election timeout later and reads its disk once more, and if that is damaged, a second
  // time with a new one.
  const Duration once = plan_.node.raft.election_timeout_max + (ready - now) + plan_.process_start;
  Duration bound = 3 * once;
  // Who repairs its disk needs a leader to ask, and may have to fetch a snapshot, from one who does
  // so itself.
  const bool may_mend =
      plan_.faults[static_cast<std::size_t>(FaultKind::kDamage)].on || MayMisread();
  if (may_mend && core_ == 0) {
    bound += 10 * plan_.node.raft.election_timeout_max + 2 * TimeForASnapshot();
  }
  StepUntil(all_up, now + bound,
            "a node has not started within " + Milliseconds(bound) + " of the end of its faults");
}

// Of each disk, and as far as a leader has heard of the others': before that it refuses data.
bool Simulation::HasSpace() const {
  return std::ranges::all_of(hosts_, [this](const auto& host) {
    if (!host->up() || !IsWhole(host->number())) return true;
    return host->node()->space().space == DiskSpace::kAmple && !host->node()->raft().LacksRoom();
  });
}

// From when the nodes have started.
Duration Simulation::TimeForALeader() const {
  Duration bound = 10 * plan_.node.raft.election_timeout_max;
  // A quorum may need the one that has to fetch it.
  if (AVoterNeedsASnapshot()) bound += TimeForASnapshot();
  // Or one that has yet to look for room on its disk again.
  if (!HasSpace()) bound += plan_.node.space_retry_max;
  return bound;
}

void Simulation::AwaitLeader() {
  AwaitStart();
  TrueTime ready = queue_.now();
  for (const auto& host : hosts_) ready = std::max(ready, host->disk_busy_until());
  // To commit an entry of its term, others must have what is before it.
  const Duration bound = TimeForALeader() + TimeForTheBacklog();
  StepUntil([this] { return HasLeader(); }, ready + bound,
            "no leader has committed an entry of its term within " + Milliseconds(bound) +
                " of the end of all faults");
}

void Simulation::AwaitIdleClients() {
  const Duration bound = plan_.workload.deadline + plan_.workload.attempt_timeout;
  StepUntil(
      [this] { return std::ranges::all_of(clients_, [](const auto& c) { return c->idle(); }); },
      queue_.now() + bound, "a client got no outcome within its deadline");
}

Duration Simulation::TimeForAnAnswer() const {
  return 20 * plan_.node.raft.election_timeout_max + 4 * plan_.node.read_patience;
}

void Simulation::CheckKeys() {
  const Duration deadline = TimeForAnAnswer();
  for (std::uint32_t i = 0; i < clients_.size(); ++i) {
    clients_[i]->CheckKeys(i, static_cast<std::uint32_t>(clients_.size()), deadline);
  }
  StepUntil(
      [this] { return std::ranges::all_of(clients_, [](const auto& c) { return c->checked(); }); },
      queue_.now() + (plan_.workload.keys + 1) * deadline, "the final reads did not end");
}

// High availability while a quorum is up: a partition that leaves one node in touch with a quorum
// both ways must end with a leader that serves, whoever was cut off from whom.
void Simulation::EndureStandingPartition() {
  AwaitLeader();
  AwaitIdleClients();
  AwaitSameState();  // else the node in touch with a quorum may be one that must not lead
  if (GaveUp()) return;
  const Configuration configuration = hosts_[*Leader()]->node()->raft().configuration();
  const auto [links, in_touch, others_are_dead] =
      faults_.StandingPartition([&](std::uint32_t node, std::uint64_t nodes) {
        return configuration.IsVoter(ids_[node]) &&
               configuration.Count([&](NodeId voter) -> std::optional<bool> {
                 return (nodes >> NumberOf(voter) & 1) != 0;
               }) == Tally::kWon;
      });
  if (links.empty()) return;
  ++recorder_->counters.standing_partitions;
  for (const auto& [from, to] : links) network_.Cut(from, to);
  const bool deaths = others_are_dead && recorder_->choices.Takes({Choice::kStandingDeaths, {}, 0});
  for (const auto& host : hosts_) {
    const bool dead = deaths && (in_touch >> host->number() & 1) == 0;
    if (dead) KillHost(host->number(), CrashKind::kProcess);
  }
  const Duration bound = 10 * plan_.node.raft.election_timeout_max;
  StepUntil([this] { return HasServingLeader(); }, queue_.now() + bound,
            "with a standing partition that leaves a connected quorum, no leader serves within " +
                Milliseconds(bound));
  CheckKeys();
  for (const auto& [from, to] : links) network_.Mend(from, to);
  for (const auto& host : hosts_) {
    if (host->down()) host->Boot();
  }
}

// High availability without an operator: a leader whose disk answers nothing any more has to be
// told from a slow one by itself, and hands over to somebody whose disk does. For a client that
// writes and reads the cluster is away no longer than the watchdog's patience (twice, since who is
// handed to may not make it) and an election.
void Simulation::EndureAHungLeader() {
  const std::uint32_t leader = *Leader();
  const Configuration& configuration = hosts_[leader]->node()->raft().configuration();
  const Tally others = configuration.Count(
      [&](NodeId voter) -> std::optional<bool> { return voter != ids_[leader]; });
  const Duration patience =
      plan_.node.raft.election_timeout_max * plan_.node.raft.disk_stall_timeouts;
  // A session that is forgotten meanwhile takes no write, and what only reads needs no disk.
  const auto idle = std::chrono::milliseconds(plan_.node.store.session_idle_max);
  const Duration answer = 2 * patience + TimeForAnAnswer();
  if (others != Tally::kWon || idle < answer) return;
  ++recorder_->counters.hung_leaders;
  recorder_->Note(LineKind::kFaultBegan, leader, static_cast<std::uint64_t>(FaultKind::kHangDisk),
                  0, std::uint64_t{1} << leader);
  hosts_[leader]->HangDisk();
  SimClient& client = *clients_.front();
  client.CheckService(SimClient::Service::kWritesAndReads, answer);
  StepUntil([&client] { return client.checked(); }, queue_.now() + 3 * answer,
            "the leader's disk hangs, and a write and a read have no outcome");
  hosts_[leader]->LetDiskGoOn();
}

// Of the largest state that a node has now.
std::uint64_t Simulation::StateBytes() const {
  std::uint64_t largest = 0;
  for (const auto& host : hosts_) {
    if (!host->up() || !host->node()->loaded()) continue;
    KvStore store = host->node()->store();
    KvSnapshotWriter writer = KvSnapshotWriter::Begin(store);
    std::uint64_t bytes = 0;
    while (!writer.done()) bytes += writer.Next(store, std::size_t{1} << 20).size();
    largest = std::max(largest, bytes);
  }
  return largest;
}

// To be sent, made durable and answered.
Duration Simulation::TimeForAMessage() const {
  return 2 * (plan_.network.delay_min + plan_.network.delay_spread) +
         4 * (plan_.disk.sync_min + plan_.disk.sync_spread);
}

// A follower far behind has to fetch a snapshot, chunk after chunk.
Duration Simulation::TimeForASnapshot() const {
  const Duration turn = TimeForAMessage();
  const std::uint64_t keys =
      std::uint64_t{plan_.workload.keys} * 2 * (plan_.workload.value_bytes_max + 64) +
      (std::uint64_t{1} << 16);
  // With all the answers that are kept for sessions.
  const std::uint64_t state = std::max(keys, StateBytes());
  const std::uint64_t chunks = state / plan_.node.snapshot_chunk_bytes + 10;
  const std::uint64_t rate = plan_.node.snapshot_bytes_per_second;
  const Duration sending = rate == 0 ? Duration(0) : std::chrono::seconds(state / rate + 1);
  return turn * static_cast<Duration::rep>(chunks) * 4 + 2 * sending;
}

// No member has an entry that is not committed. Else the one that is in touch with a quorum may not
// have it, and the one that has it be in touch with none: then neither can be elected. Who was to
// be added by a change that has come to nothing may have one for good: nobody talks to it.
bool Simulation::NobodyIsAhead() const {
  const std::optional<std::uint32_t> leader = Leader();
  if (!leader.has_value()) return false;
  const Configuration& configuration = hosts_[*leader]->node()->raft().configuration();
  return std::ranges::all_of(configuration.members(), [this](const Member& member) {
    const Host& host = *hosts_[NumberOf(member.id)];
    return !host.up() || !IsWhole(host.number()) ||
           host.node()->raft().log().last_index() <= checkers_->committed();
  });
}

void Simulation::AwaitSameState() {
  const Duration bound = 20 * plan_.node.raft.election_timeout_max + TimeForASnapshot();
  StepUntil([this] { return HasSameState() && HasLeader() && NobodyIsAhead(); },
            queue_.now() + bound,
            "the nodes did not reach the same state within " + Milliseconds(bound));
}

}  // namespace grassdb::sim
