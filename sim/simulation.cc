#include "sim/simulation.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/configuration.h"
#include "sim/checkers/linearizability.h"
#include "sim/checkers/witness.h"
#include "sim/violation.h"
#include "store/names.h"

namespace grassdb::sim {
namespace {

constexpr Incarnation kFirstDisk{1};
constexpr std::uint64_t kSlotMask = 0xffffffff;

std::string Milliseconds(Duration duration) {
  return Decimal(static_cast<std::uint64_t>(duration.count() / 1'000'000)) + " ms";
}

}  // namespace

Simulation::Simulation(const Plan& plan, Recorder* recorder)
    : plan_(plan),
      recorder_(recorder),
      random_(plan.seed, plan.tape),
      sites_(random_, plan.rare_path, recorder),
      network_(plan, &queue_, recorder),
      faults_(plan, &queue_, &network_, recorder, this) {
  MakeCluster();
}

Simulation::~Simulation() = default;

void Simulation::MakeCluster() {
  std::vector<Member> members;
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) {
    const std::string name = NodeName(i);
    addresses_.push_back(name + ":1");
    ids_.push_back(NodeIdOf(name));
    if (i < plan_.voters) members.push_back(MakeMember(name, addresses_.back()));
  }
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) addresses_.push_back(NodeName(i) + ":2");
  Identity identity;
  identity.bootstrap = Configuration(members);
  identity.cluster_name = "simulated";
  identity.cluster = ClusterIdOf(identity.bootstrap, identity.cluster_name);
  checkers_ = std::make_unique<Checkers>(ids_, plan_.node.store, plan_.white_box);
  HostOwner* const owner = this;
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) {
    identity.node = ids_[i];
    identity.node_name = NodeName(i);
    // Who is to be added later knows nobody.
    if (i >= plan_.voters) identity.bootstrap = Configuration();
    identity.incarnation = kFirstDisk;
    identity.secret = random_(Stream::kHost, i);
    hosts_.push_back(std::make_unique<Host>(i, plan_, identity, &queue_, recorder_, owner));
  }
  atlas_ = std::make_unique<FaultAtlas>(plan_, &hosts_, &ids_);
  for (const auto& host : hosts_) host->SetGuard(atlas_.get());
  refusals_.resize(plan_.nodes);
  roll_back_ = std::make_unique<RollBack>(&hosts_, &ids_, &network_, checkers_.get());
  for (std::uint32_t i = 0; i < plan_.workload.clients; ++i) {
    clients_.push_back(std::make_unique<SimClient>(i, plan_, addresses_, &queue_, &network_,
                                                   recorder_, &history_));
  }
}

void Simulation::Run() {
  const Watching watching(&sites_);
  RunFaults();
  if (!plan_.end_with_faults) {
    Heal();
    RunHealed();
  }
  CheckHistory();
  recorder_->counters.simulated_ns = Nanoseconds(queue_.now());
  recorder_->counters.entries_committed = checkers_->committed().value();
  recorder_->counters.memberships_committed = checkers_->configurations_committed();
}

void Simulation::RunHealed() {
  if (plan_.standing_partition) EndureStandingPartition();
  AwaitLeader();
  AwaitIdleClients();
  if (gave_up_) return;
  CheckKeys();
  AwaitSameState();
  if (gave_up_) return;
  for (const Member& member : hosts_[*Leader()]->node()->raft().configuration().members()) {
    const std::uint32_t host = NumberOf(member.id);
    checkers_->AtEnd(host, *hosts_[host]->node());
  }
}

// --- Events ---

void Simulation::Step() {
  const SimEvent event = queue_.Pop();
  recorder_->BeginEvent(event.at);
  sites_.BeginEvent(event.target);
  recorder_->fingerprint.AddAll(Nanoseconds(event.at),
                                static_cast<std::uint64_t>(event.type) << 32 | event.target);
  Dispatch(event);
  if (roll_back_->IsUnderWay() && !roll_back_->IsSupervised()) {
    WipeRolledBack(queue_.now() + plan_.process_start);
  }
}

void Simulation::Dispatch(const SimEvent& event) {
  switch (event.type) {
    case EventType::kDeliver:
      return OnDeliver(event.target, event.value);
    case EventType::kRequest:
      return OnRequest(event.target, event.value);
    case EventType::kReply:
      return clients_[event.target]->OnPacket(network_.TakePacket(event.value));
    case EventType::kHostWork:
      return hosts_[event.target]->OnWorkEvent(event.value);
    case EventType::kHostTimer:
      return hosts_[event.target]->OnTimerEvent(event.value);
    case EventType::kDiskDone:
      return hosts_[event.target]->OnDiskEvent(event.value);
    case EventType::kHostStart:
      return hosts_[event.target]->OnStartEvent(event.value);
    case EventType::kHostBoot: {
      Host& host = *hosts_[event.target];
      if (host.down() && host.life() == event.value) host.Boot();
      return;
    }
    case EventType::kClientWake:
      return clients_[event.target]->OnWake();
    case EventType::kFaultBegins:
      return faults_.OnBegin(static_cast<FaultKind>(event.target), event.value);
    case EventType::kFaultEnds:
      return faults_.OnEnd(static_cast<FaultKind>(event.target), event.value);
    case EventType::kTrapSprings:
      if (hosts_[event.target]->life() == event.value) faults_.OnTrap(event.target);
      return;
    case EventType::kProbe:
      return;
  }
}

void Simulation::OnDeliver(std::uint32_t host, std::uint64_t slot) {
  bool cut = false;
  SimNetwork::InFlight in_flight = network_.TakeMessage(slot, host, &cut);
  if (cut || !hosts_[host]->up()) return;
  const MessageFacts facts = FactsOf(in_flight.message);
  ++recorder_->counters.messages_delivered;
  recorder_->fingerprint.AddAll(in_flight.from << 8 | facts.kind,
                                Fold(facts.digest, in_flight.message.term.value()));
  recorder_->Note(LineKind::kDelivered, host, facts.kind, in_flight.from,
                  in_flight.message.term.value(), facts.a, facts.b);
  roll_back_->OnDelivered(host, in_flight.message);
  hosts_[host]->Deliver(std::move(in_flight.message));
}

void Simulation::OnRequest(std::uint32_t host, std::uint64_t slot) {
  ClientPacket packet = network_.TakePacket(slot);
  if (!hosts_[host]->up()) {
    network_.SendReset(std::move(packet), Loss::kNeverSent);
    return;
  }
  ClientRequest request = std::get<ClientRequest>(std::move(packet.body));
  recorder_->fingerprint.AddAll(packet.client, packet.attempt.value(), request.index());
  const std::uint64_t number = next_request_++;
  const std::uint32_t open = requests_.Put({number, std::move(packet)});
  hosts_[host]->Request(RequestId(number << 32 | open), std::move(request));
}

void Simulation::OnAnswer(std::uint32_t host, RequestId request, Reply reply) {
  const std::uint64_t slot = request.value() & kSlotMask;
  GRASS_RULE("client", requests_.InUse(slot) && requests_.At(slot).number == request.value() >> 32,
             NodeName(host) + " answers a request twice, or one never made");
  OpenRequest open = requests_.Take(slot);
  open.packet.body = std::move(reply);
  network_.SendReply(std::move(open.packet));
}

// The connections of a dead process break.
void Simulation::ResetRequestsOf(std::uint32_t host) {
  for (std::uint64_t slot = 0; slot < requests_.slots(); ++slot) {
    if (!requests_.InUse(slot) || requests_.At(slot).packet.host != host) continue;
    network_.SendReset(requests_.Take(slot).packet, Loss::kMaybeSent);
  }
}

void Simulation::OnSend(std::uint32_t host, Message message) {
  checkers_->OnSend(host, hosts_[host]->node()->raft(), message);
  const std::uint32_t to = NumberOf(message.to);
  network_.Send(host, to, std::move(message));
}

void Simulation::OnRaftEvent(std::uint32_t host, Term term, const Event& event) {
  const auto peer = std::ranges::find(ids_, event.peer);
  const auto number = peer == ids_.end() ? 0 : static_cast<std::uint64_t>(peer - ids_.begin()) + 1;
  recorder_->Note(LineKind::kRaftEvent, host, static_cast<std::uint64_t>(event.kind), number,
                  term.value(), event.a, event.b);
  GRASS_RULE("who remembers is believed",
             event.kind != EventKind::kMemberForgot || !plan_.white_box ||
                 hosts_[number - 1]->incarnation() != kFirstDisk ||
                 roll_back_->IsOf(static_cast<std::uint32_t>(number - 1)),
             NodeName(host) + " takes n" + Decimal(number) + " for one that has lost its disk");
  if (event.kind == EventKind::kMemberForgot) {
    roll_back_->OnNoticed(static_cast<std::uint32_t>(number - 1));
  }
  Counters& counters = recorder_->counters;
  if (event.kind == EventKind::kWonElection) {
    ++counters.elections_won;
    CheckLeases(host, term);
  }
  if (event.kind == EventKind::kSnapshotInstalled) ++counters.snapshots_installed;
  if (event.kind == EventKind::kSnapshotTaken) ++counters.snapshots_taken;
  if (event.kind == EventKind::kSnapshotResumed) ++counters.snapshots_resumed;
  if (event.kind == EventKind::kChunkRefused) ++counters.chunks_refused;
}

// Thesis 6.4.1: whoever holds a lease is the only leader. It rests on clocks that keep to the
// bound.
void Simulation::CheckLeases(std::uint32_t winner, Term term) const {
  if (plan_.workload.lease == 0 || !plan_.white_box) return;
  for (const auto& host : hosts_) {
    if (host->number() == winner || !host->up()) continue;
    const Raft& raft = host->node()->raft();
    GRASS_RULE("one leader under a lease",
               raft.term() >= term || !raft.HoldsLease(host->LocalTime()),
               NodeName(winner) + " was elected in term " + Decimal(term.value()) + ", while " +
                   NodeName(host->number()) + " holds a lease as leader of term " +
                   Decimal(raft.term().value()));
  }
}

void Simulation::OnDurableJobBegins(std::uint32_t host, const DiskJob& job) {
  checkers_->OnDurableJobBegins(host, job);
}

void Simulation::OnDurableJobDone(std::uint32_t host) {
  checkers_->OnDurableJobDone(host);
}

void Simulation::OnDurableJobRefused(std::uint32_t host) {
  checkers_->OnDurableJobRefused(host);
}

void Simulation::OnRecovered(std::uint32_t host, const RecoveredState& state, DamageMet met) {
  recorder_->fingerprint.AddAll(host, state.hard_state.term.value(), state.entries.size());
  checkers_->OnRecovered(host, state, met);
}

void Simulation::AfterStep(std::uint32_t host) {
  const Node& node = *hosts_[host]->node();
  const Raft& raft = node.raft();
  recorder_->fingerprint.AddAll(
      Fold(raft.term().value(), static_cast<std::uint64_t>(raft.role())),
      Fold(raft.commit_index().value(),
           Fold(raft.log().last_index().value(), node.applied_index().value())));
  checkers_->AfterStep(host, hosts_[host]->life(), node);
}

// Fail-stop, and an operator who starts it again. What was not written is gone: the machine forgets
// the pages whose write it could not finish.
void Simulation::OnNodeFailed(std::uint32_t host) {
  CrashHost(host, CrashKind::kPower, queue_.now() + plan_.node.raft.election_timeout_min);
}

std::optional<std::uint32_t> Simulation::Leader() const {
  return NewestLeader(hosts_);
}

void Simulation::CrashHost(std::uint32_t number, CrashKind kind, TrueTime back) {
  Host& host = *hosts_[number];
  if (host.down()) return;
  host.Crash(kind);
  ResetRequestsOf(number);
  queue_.Push(back, EventType::kHostBoot, number, host.life());
}

void Simulation::WipeHost(std::uint32_t number, TrueTime back) {
  if (MayForget(number)) Wipe(number, back);
}

void Simulation::Wipe(std::uint32_t number, TrueTime back) {
  ++recorder_->counters.wipes;
  recorder_->Note(LineKind::kWiped, number);
  CrashHost(number, CrashKind::kPower, back);
  hosts_[number]->Wipe();
  checkers_->OnWiped(number);
  atlas_->OnForgets(number);
  refusals_[number] = 0;
  network_.RepeatOldMail(number, (back - queue_.now()) + plan_.network.straggle_max);
}

void Simulation::RollBackHost(std::uint32_t number, TrueTime back) {
  if (!MayForget(number) || !roll_back_->MayBegin(number, *Leader())) return;
  ++recorder_->counters.roll_backs;
  recorder_->Note(LineKind::kRolledBack, number);
  const std::uint32_t leader = *Leader();
  atlas_->OnForgets(number);
  CrashHost(number, CrashKind::kPower, back);
  roll_back_->Begin(number, leader);
}

// The leader that would have noticed is gone.
void Simulation::WipeRolledBack(TrueTime back) {
  const std::uint32_t number = roll_back_->host();
  roll_back_->GiveUp();
  Wipe(number, back);
}

// What the rest of the cluster can bear, and no disk is rolled back unnoticed.
bool Simulation::MayForget(std::uint32_t number) const {
  return !roll_back_->IsUnderWay() && atlas_->MayForget(number);
}

bool Simulation::MayChangeMembership() {
  return !roll_back_->IsUnderWay() && atlas_->MayChangeMembership();
}

void Simulation::SaveDisk(std::uint32_t number) {
  if (!hosts_[number]->IsDamaged()) roll_back_->Save(number);
}

void Simulation::DamageHost(std::uint32_t host, std::uint64_t number, DamageWhen when,
                            TrueTime back) {
  if (roll_back_->IsUnderWay() || !atlas_->MayDamage(host)) return;
  const bool down = when == DamageWhen::kDown;
  if (down) CrashHost(host, CrashKind::kPower, back);
  std::uint32_t place = 0;
  for (const Wound& wound : atlas_->Draw(host, number, down)) {
    if (!recorder_->choices.Takes({Choice::kWound, {host, place++}, number})) continue;
    ++recorder_->counters.damages;
    const store::ParsedName file = store::FileNames(NodeName(host)).Parse(wound.file);
    recorder_->Note(LineKind::kDamaged, host, static_cast<std::uint64_t>(wound.kind),
                    static_cast<std::uint64_t>(file.kind), file.number, wound.extent.begin,
                    wound.extent.end);
    hosts_[host]->Damage(wound);
  }
  if (hosts_[host]->IsDamaged()) atlas_->OnForgets(host);
}

void Simulation::ShowDamage(std::uint32_t number, TrueTime back) {
  if (hosts_[number]->IsDamaged()) CrashHost(number, CrashKind::kPower, back);
}

// An operator restarts it: it may have been one bad read. The second time the disk is replaced, if
// the others are known to have what was on it.
void Simulation::OnDamageFound(std::uint32_t number) {
  ++recorder_->counters.refusals;
  recorder_->Note(LineKind::kRefused, number, ++refusals_[number]);
  const TrueTime back = queue_.now() + plan_.node.raft.election_timeout_min;
  if (!hosts_[number]->IsDamaged() || refusals_[number] == 1) {
    CrashHost(number, CrashKind::kPower, back);
  } else if (plan_.atlas) {
    Wipe(number, back);
  } else {
    recorder_->Note(LineKind::kGivenUp, number);
    hosts_[number]->Crash(CrashKind::kPower);
    ResetRequestsOf(number);
    gave_up_ = true;
  }
}

// --- The parts of a run ---

void Simulation::RunFaults() {
  for (const auto& host : hosts_) {
    const Duration after = Between(random_(Stream::kHost, host->number(), 0), Duration(0),
                                   plan_.node.raft.election_timeout_max);
    queue_.Push(TrueTime() + after, EventType::kHostBoot, host->number(), host->life());
  }
  for (const auto& client : clients_) client->Start();
  faults_.Start();
  const TrueTime end = TrueTime() + plan_.fault_phase;
  while (queue_.now() < end && recorder_->counters.events < plan_.fault_steps) Step();
}

void Simulation::Heal() {
  recorder_->Note(LineKind::kHealed, 0);
  faults_.Stop();
  sites_.Stop();
  if (roll_back_->IsUnderWay()) WipeRolledBack(queue_.now());
  network_.Heal();
  // In half of the runs everybody starts anew; in the others the cluster must come out of whatever
  // it has got itself into.
  const bool restart = Bounded(random_(Stream::kFault, kFaultKinds), 2) == 0 &&
                       recorder_->choices.Takes({Choice::kHealRestart, {}, 0});
  for (const auto& host : hosts_) {
    if (restart && !host->down()) CrashHost(host->number(), CrashKind::kProcess, queue_.now());
    // Now, and not when the cluster is already held to its bounds.
    ShowDamage(host->number(), queue_.now());
    host->Heal();
    if (host->down()) host->Boot();
  }
  for (const auto& client : clients_) client->StopAfterThis();
}

template <class Done>
void Simulation::StepUntil(Done done, TrueTime deadline, const std::string& what) {
  while (!done()) {
    // Who has said what it has lost is held to no bound.
    if (gave_up_ && (queue_.empty() || queue_.now() >= deadline)) return;
    GRASS_RULE("convergence", queue_.now() < deadline, what);
    Step();
  }
}

bool Simulation::HasLeader() const {
  return std::ranges::any_of(hosts_, [this](const auto& host) {
    if (!host->up()) return false;
    const Raft& raft = host->node()->raft();
    return raft.role() == Role::kLeader && raft.log().TermAt(raft.commit_index()) == raft.term() &&
           checkers_->committed() == raft.commit_index();
  });
}

// Members of the committed configuration; the others follow nobody. A disk that was full has been
// found to have room again. Everybody who is to become a
// voter has done so, also who has lost its disk: it is on record with the one that it has now.
bool Simulation::HasSameState() const {
  const std::optional<std::uint32_t> leader = Leader();
  if (!leader.has_value()) return false;
  const Raft& raft = hosts_[*leader]->node()->raft();
  if (raft.IsChangingMembership()) return false;
  return std::ranges::all_of(raft.configuration().members(), [this](const Member& member) {
    const Host& host = *hosts_[NumberOf(member.id)];
    return member.role != MemberRole::kJoining && member.incarnation == host.incarnation() &&
           host.up() && host.node()->loaded() && host.node()->space().space == DiskSpace::kAmple &&
           host.node()->raft().standing() == Standing::kProven &&
           host.node()->applied_index() == checkers_->committed();
  });
}

// A leader that has committed in its term, follows the newest configuration, and exchanges messages
// with a quorum that follows it.
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

std::uint32_t Simulation::NumberOf(NodeId id) const {
  const auto at = std::ranges::find(ids_, id);
  GRASS_CHECK(at != ids_.end());
  return static_cast<std::uint32_t>(at - ids_.begin());
}

// Of the voters that the longest log has.
bool Simulation::AVoterNeedsASnapshot() const {
  const Raft* longest = nullptr;
  Index released;
  for (const auto& host : hosts_) {
    if (!host->up()) continue;
    const Raft& raft = host->node()->raft();
    released = std::max(released, raft.log().base_index());
    if (longest == nullptr || raft.log().last_index() > longest->log().last_index()) {
      longest = &raft;
    }
  }
  return std::ranges::any_of(hosts_, [&](const auto& host) {
    return host->up() && longest->configuration().IsVoter(ids_[host->number()]) &&
           host->node()->raft().log().last_index() < released;
  });
}

void Simulation::AwaitLeader() {
  TrueTime ready = queue_.now();
  for (const auto& host : hosts_) ready = std::max(ready, host->disk_busy_until());
  const auto all_up = [this] {
    return std::ranges::all_of(hosts_, [](const auto& host) { return host->up(); });
  };
  StepUntil(all_up, ready + std::chrono::seconds(20),
            "a node did not start after all faults ended");
  Duration bound = 10 * plan_.node.raft.election_timeout_max;
  // Then a quorum may need the one that has to fetch it.
  if (AVoterNeedsASnapshot()) bound += TimeForASnapshot();
  StepUntil([this] { return HasLeader(); }, std::max(ready, queue_.now()) + bound,
            "no leader has committed an entry of its term within " + Milliseconds(bound) +
                " of the end of all faults");
}

void Simulation::AwaitIdleClients() {
  const Duration bound = plan_.workload.deadline + plan_.workload.attempt_timeout;
  StepUntil(
      [this] { return std::ranges::all_of(clients_, [](const auto& c) { return c->idle(); }); },
      queue_.now() + bound, "a client got no outcome within its deadline");
}

void Simulation::CheckKeys() {
  const Duration deadline =
      20 * plan_.node.raft.election_timeout_max + 4 * plan_.node.read_patience;
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
  if (gave_up_) return;
  const Configuration configuration = hosts_[*Leader()]->node()->raft().configuration();
  const Links links = faults_.StandingPartition([&](std::uint32_t node, std::uint64_t nodes) {
    return configuration.IsVoter(ids_[node]) &&
           configuration.Count([&](NodeId voter) -> std::optional<bool> {
             return (nodes >> NumberOf(voter) & 1) != 0;
           }) == Tally::kWon;
  });
  if (links.empty()) return;
  ++recorder_->counters.standing_partitions;
  for (const auto& [from, to] : links) network_.Cut(from, to);
  const Duration bound = 20 * plan_.node.raft.election_timeout_max;
  StepUntil([this] { return HasServingLeader(); }, queue_.now() + bound,
            "with a standing partition that leaves a connected quorum, no leader serves within " +
                Milliseconds(bound));
  for (const auto& [from, to] : links) network_.Mend(from, to);
}

// A follower far behind has to fetch a snapshot, chunk after chunk.
Duration Simulation::TimeForASnapshot() const {
  const Duration turn = 2 * (plan_.network.delay_min + plan_.network.delay_spread) +
                        4 * (plan_.disk.sync_min + plan_.disk.sync_spread);
  const std::uint64_t state =
      std::uint64_t{plan_.workload.keys} * 2 * (plan_.workload.value_bytes_max + 64) +
      (std::uint64_t{1} << 16);
  const std::uint64_t chunks = state / plan_.node.snapshot_chunk_bytes + 10;
  const std::uint64_t rate = plan_.node.snapshot_bytes_per_second;
  const Duration sending = rate == 0 ? Duration(0) : std::chrono::seconds(state / rate + 1);
  return turn * static_cast<Duration::rep>(chunks) * 4 + 2 * sending;
}

void Simulation::AwaitSameState() {
  const Duration bound = 20 * plan_.node.raft.election_timeout_max + TimeForASnapshot();
  StepUntil([this] { return HasSameState() && HasLeader(); }, queue_.now() + bound,
            "the nodes did not reach the same state within " + Milliseconds(bound));
}

// The order of the log explains every answer.
void Simulation::CheckWitnesses() {
  std::vector<CommittedChange> changes;
  for (const ReferenceStore::Change& change : checkers_->changes()) {
    // A transaction of these clients makes one change.
    GRASS_CHECK_EQ(change.revision, changes.size() + 1);
    changes.push_back({SimClient::NumberOfKey(change.key),
                       change.value.has_value() ? SimClient::NumberOf(*change.value) : 0});
  }
  const std::optional<std::string> problem =
      CheckWitness(history_.Checkable(), history_.Refused(), changes);
  GRASS_RULE("witness", !problem.has_value(), *problem);
}

void Simulation::CheckHistory() {
  if (plan_.white_box) CheckWitnesses();
  const LinearizabilityVerdict verdict = CheckLinearizability(history_.Checkable());
  GRASS_RULE("linearizability", !verdict.violated_key.has_value(), verdict.text);
  recorder_->counters.keys_undecided += verdict.undecided;
}

}  // namespace grassdb::sim
