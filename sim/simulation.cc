#include "sim/simulation.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/configuration.h"
#include "sim/checkers/brought_members.h"
#include "sim/checkers/client_answers.h"
#include "sim/checkers/forgetting.h"
#include "sim/checkers/lease.h"
#include "sim/checkers/told.h"
#include "sim/holding.h"
#include "sim/status.h"
#include "store/names.h"

namespace grassdb::sim {
namespace {

constexpr Incarnation kFirstDisk{1};
constexpr std::uint64_t kSlotMask = 0xffffffff;
// In the lower half of the ids of the copier's requests; no slot.
constexpr std::uint64_t kCopySlot = kSlotMask;
// Keys what is copied; no host.
constexpr std::uint64_t kCopies = UINT64_MAX;

}  // namespace

Simulation::Simulation(const Plan& plan, Recorder* recorder)
    : plan_(plan),
      recorder_(recorder),
      random_(plan.seed, plan.tape),
      sites_(random_, plan.rare_path, recorder),
      network_(plan, &queue_, recorder),
      conduct_(plan.nodes),
      faults_(plan, &queue_, &network_, recorder, this) {
  MakeCluster();
}

Simulation::~Simulation() = default;

void Simulation::MakeCluster() {
  std::vector<Member> members;
  const std::uint32_t born = plan_.voters + plan_.learners;
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) {
    const std::string name = NodeName(i);
    addresses_.push_back(name + ":1");
    ids_.push_back(NodeIdOf(name));
    if (i >= born) continue;
    const MemberRole role = i < plan_.voters ? MemberRole::kVoter : MemberRole::kLearner;
    members.push_back(MakeMember(name, addresses_.back(), role));
  }
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) addresses_.push_back(NodeName(i) + ":2");
  Identity identity;
  identity.bootstrap = Configuration(members);
  identity.cluster_name = "simulated";
  trail_ = std::make_unique<ConfigurationTrail>(identity.bootstrap);
  identity.cluster = ClusterIdOf(identity.bootstrap, identity.cluster_name);
  std::size_t entry_bytes_max =
      SimClient::kValuesOfAWriteMax * std::size_t{plan_.workload.value_bytes_max} + 2048;
  if (plan_.workload.slip > 0) {
    entry_bytes_max = std::max(entry_bytes_max, SimClient::kSlipBytesMax);
  }
  checkers_ = std::make_unique<Checkers>(ids_, plan_.node, entry_bytes_max, plan_.white_box,
                                         plan_.specification);
  history_parts_ =
      std::make_unique<HistoryParts>(plan_.history_part, &history_, checkers_->reference());
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) names.push_back(NodeName(i));
  wire_ = std::make_unique<Wire>(identity.cluster, std::move(names),
                                 plan_.white_box ? WireRule::kChecked : WireRule::kNotChecked);
  HostOwner* const owner = this;
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) {
    identity.node = ids_[i];
    identity.node_name = NodeName(i);
    // Who is to be added later knows nobody.
    if (i >= born) identity.bootstrap = Configuration();
    identity.incarnation = kFirstDisk;
    identity.secret = random_(Stream::kHost, i);
    hosts_.push_back(std::make_unique<Host>(i, plan_, identity, &queue_, recorder_, owner));
  }
  atlas_ = std::make_unique<FaultAtlas>(plan_, &hosts_, &ids_);
  for (const auto& host : hosts_) host->SetGuard(atlas_.get());
  back_.resize(plan_.nodes);
  CopySources* const sources = this;
  copier_ =
      std::make_unique<Copier>(plan_.node.store, kCopySlot, sources, &history_, checkers_.get());
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
    if (plan_.core_first) EndureWithACore();
    Heal();
    RunHealed();
  }
  if (plan_.judge_history) history_parts_->CheckTheLast();
  recorder_->counters.searched += history_parts_->searched();
  recorder_->counters.simulated_ns = Nanoseconds(queue_.now());
  recorder_->counters.entries_committed = checkers_->committed().value();
  recorder_->counters.copies = copier_->checked();
  recorder_->counters.memberships_committed = checkers_->configurations_committed();
  recorder_->counters.checker_bytes = checkers_->Bytes() + history_.Bytes();
}

// --- Events ---

void Simulation::Step() {
  const SimEvent event = queue_.Pop();
  recorder_->BeginEvent(event.at);
  sites_.BeginEvent(event.target);
  recorder_->fingerprint.AddAll(Nanoseconds(event.at),
                                static_cast<std::uint64_t>(event.type) << 32 | event.target);
  Dispatch(event);
  history_parts_->EndPartIfLong();
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
      if (Contains(dead_, host.number())) return;
      if (host.down() && host.life() == event.value) host.Boot();
      return;
    }
    case EventType::kClientWake:
      return clients_[event.target]->OnWake();
    case EventType::kFaultBegins:
      return OnFaultBegins(static_cast<FaultKind>(event.target), event.value);
    case EventType::kFaultEnds:
      return faults_.OnEnd(static_cast<FaultKind>(event.target), event.value);
    case EventType::kTrapSprings:
      if (hosts_[event.target]->life() == event.value) faults_.OnTrap(event.target);
      return;
    case EventType::kFaultPulse:
      return faults_.OnPulse(static_cast<FaultKind>(event.target), event.value);
  }
}

// A moment at which operators look at the cluster, and begin to copy it: often a bad one.
void Simulation::OnFaultBegins(FaultKind kind, std::uint64_t number) {
  if (plan_.white_box) {
    for (const auto& host : hosts_) CheckStatus(*host);
  }
  copier_->Begin(static_cast<std::uint32_t>(
      Bounded(random_(Stream::kHost, kCopies, kind, number), plan_.nodes)));
  faults_.OnBegin(kind, number);
}

void Simulation::OnDeliver(std::uint32_t host, std::uint64_t slot) {
  SimNetwork::Arrival arrival{};
  SimNetwork::InFlight in_flight = network_.TakeMessage(slot, host, &arrival);
  if (arrival == SimNetwork::Arrival::kDamaged && plan_.wire) {
    wire_->ReadDamaged(in_flight.message, in_flight.damage);
  }
  if (arrival != SimNetwork::Arrival::kWhole) return;
  if (!hosts_[host]->up() && !hosts_[host]->mending()) return;
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
  if (plan_.wire) {
    absl::StatusOr<ClientRequest> received = wire_->Carry(std::move(request));
    if (!received.ok()) {
      Reply refusal;
      refusal.code = ReplyCode::kInvalid;
      refusal.error = std::string(received.status().message());
      packet.body = std::move(refusal);
      network_.SendReply(std::move(packet));
      return;
    }
    request = *std::move(received);
  }
  const std::uint64_t number = next_request_++;
  const std::uint32_t open = requests_.Put({number, std::move(packet)});
  hosts_[host]->Request(RequestId(number << 32 | open), std::move(request));
}

void Simulation::OnAnswer(std::uint32_t host, RequestId request, Reply reply) {
  const std::uint64_t slot = request.value() & kSlotMask;
  if (slot == kCopySlot) return copier_->OnAnswer(host, request, reply);
  const bool is_open = requests_.InUse(slot) && requests_.At(slot).number == request.value() >> 32;
  ClientAnswers::CheckRequest(host, Told(told::kRequestIsOpen, is_open));
  OpenRequest open = requests_.Take(slot);
  CheckHeld(host, open, reply);
  if (plan_.wire) {
    reply = wire_->Carry(std::get<ClientRequest>(open.packet.body).index(), std::move(reply));
  }
  open.packet.body = std::move(reply);
  network_.SendReply(std::move(open.packet));
}

// A write that was taken by the leader, and is refused because it leads no more.
void Simulation::CheckHeld(std::uint32_t host, const OpenRequest& open, const Reply& reply) const {
  if (!plan_.white_box || !open.led || reply.code != ReplyCode::kNotLeader) return;
  const auto& request = std::get<ClientRequest>(open.packet.body);
  const bool writes = std::holds_alternative<TransactionRequest>(request) ||
                      std::holds_alternative<OpenSessionRequest>(request) ||
                      std::holds_alternative<CloseSessionRequest>(request);
  if (!writes || reply.leader != NodeId(0)) return;
  conduct_.OnRefusesHeld(host, hosts_[host]->LocalTime(),
                         Told(told::kPatience, plan_.node.raft.election_timeout_max));
}

void Simulation::OnTakes(std::uint32_t host, const Message& message) {
  if (!plan_.white_box) return;
  conduct_.OnTakes(host, hosts_[host]->LocalTime(), hosts_[host]->node()->raft(), message);
}

void Simulation::OnTook(std::uint32_t host) {
  if (plan_.white_box) conduct_.OnTook(host, hosts_[host]->node()->raft());
}

void Simulation::OnTakesRequest(std::uint32_t host, RequestId request) {
  const std::uint64_t slot = request.value() & kSlotMask;
  if (slot == kCopySlot) return;
  requests_.At(slot).led = hosts_[host]->node()->raft().role() == Role::kLeader;
}

// The connections of a dead process break.
void Simulation::ResetRequestsOf(std::uint32_t host) {
  for (std::uint64_t slot = 0; slot < requests_.slots(); ++slot) {
    if (!requests_.InUse(slot) || requests_.At(slot).packet.host != host) continue;
    network_.SendReset(requests_.Take(slot).packet, Loss::kMaybeSent);
  }
}

void Simulation::OnSend(std::uint32_t host, Message message) {
  if (hosts_[host]->mending()) {
    checkers_->OnSendInRepair(host, message);
  } else {
    checkers_->OnSend(host, hosts_[host]->node()->raft(), message);
    if (plan_.white_box) conduct_.OnSend(host, message);
  }
  const std::uint32_t to = NumberOf(message.to);
  if (plan_.wire) message = wire_->Carry(std::move(message));
  network_.Send(host, to, std::move(message));
}

void Simulation::OnRaftEvent(std::uint32_t host, Term term, const Event& event) {
  const auto peer = std::ranges::find(ids_, event.peer);
  const auto number = peer == ids_.end() ? 0 : static_cast<std::uint64_t>(peer - ids_.begin()) + 1;
  recorder_->Note(LineKind::kRaftEvent, host, static_cast<std::uint64_t>(event.kind), number,
                  term.value(), event.a, event.b);
  if (plan_.white_box && hosts_[host]->up()) {
    conduct_.OnEvent(host, hosts_[host]->LocalTime(), hosts_[host]->node()->raft(), event);
  }
  if (event.kind == EventKind::kMemberForgot && plan_.white_box) {
    const auto member = static_cast<std::uint32_t>(number - 1);
    const Incarnation disk = checkers_->DiskOf(member).image.incarnation();
    const bool has_forgotten = disk != kFirstDisk || roll_back_->IsOf(member);
    Forgetting::CheckBelieved(host, member, Told(told::kHasForgotten, has_forgotten));
  }
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

void Simulation::CheckLeases(std::uint32_t winner, Term term) const {
  if (plan_.workload.lease == 0 || !plan_.white_box) return;
  for (const auto& host : hosts_) {
    if (host->number() == winner || !host->up()) continue;
    const Raft& raft = host->node()->raft();
    Lease::CheckElection(winner, term, host->number(), raft.term(),
                         Told(told::kHoldsLease, raft.HoldsLease(host->LocalTime())));
  }
}

void Simulation::OnDurableJobBegins(std::uint32_t host, const DiskJob& job) {
  if (const auto* persist = std::get_if<Persist>(&job)) trail_->Note(persist->entries);
  checkers_->OnDurableJobBegins(host, job);
}

void Simulation::OnDurableJobDone(std::uint32_t host) {
  const auto& running = checkers_->DiskOf(host).running;
  const auto* persist = running.has_value() ? std::get_if<Persist>(&*running) : nullptr;
  const auto install = persist != nullptr ? persist->install : std::nullopt;
  checkers_->OnDurableJobDone(host);
  if (install.has_value() && plan_.white_box) CheckBrought(host, *install);
}

// Of a whole disk: what else is damaged may have named them too. The former format of the log names
// nobody.
void Simulation::CheckBrought(std::uint32_t number, const SnapshotMeta& snapshot) {
  Host& host = *hosts_[number];
  const bool is_last = checkers_->DiskOf(number).image.last() == snapshot.index;
  if (!is_last || host.writes_old_format() || host.IsDamaged() || host.mending()) return;
  Wound wound;
  wound.kind = DamageKind::kZeroed;
  wound.file = store::FileNames(NodeName(number)).Snapshot(snapshot.index);
  wound.extent = {0, kBlockBytes};
  const Holding without = HoldingOf(host, plan_, {wound});
  if (!without.opens || without.state_lost == Index(0)) return;
  BroughtMembers::Check(number, snapshot, Told(told::kKnownWithoutSnapshot, without.knows));
}

void Simulation::OnDurableJobRefused(std::uint32_t host) {
  checkers_->OnDurableJobRefused(host);
}

void Simulation::OnDamaged(std::uint32_t host, const RecoveredState& state, DamageMet met) {
  recorder_->fingerprint.AddAll(host, state.damage.lost.size(), state.damage.snapshot_lost.value());
  recorder_->Note(LineKind::kMending, host, state.damage.lost.size(),
                  state.damage.snapshot_lost.value());
  const auto mends = [host](const auto& each) { return each->number() != host && each->mending(); };
  if (std::ranges::any_of(hosts_, mends)) ++recorder_->counters.repairs_joined;
  checkers_->OnDamaged(host, state, met);
}

void Simulation::OnRecovered(std::uint32_t host, const RecoveredState& state, DamageMet met) {
  recorder_->fingerprint.AddAll(host, state.hard_state.term.value(),
                                state.last().index - state.base_index);
  checkers_->OnRecovered(host, state, met);
  conduct_.Begin(host, hosts_[host]->LocalTime(), state.hard_state.term);
}

void Simulation::AfterStep(std::uint32_t host) {
  const Node& node = *hosts_[host]->node();
  const Raft& raft = node.raft();
  recorder_->fingerprint.AddAll(
      Fold(raft.term().value(), static_cast<std::uint64_t>(raft.role())),
      Fold(raft.commit_index().value(),
           Fold(raft.log().last_index().value(), node.applied_index().value())));
  trail_->ObserveCommit(raft);
  checkers_->AfterStep(host, hosts_[host]->life(), node);
  if (!plan_.white_box) return;
  conduct_.AfterStep(host, hosts_[host]->LocalTime(), node);
  if (plan_.workload.lease > 0) CheckDefended(host, raft);
}

// A lease rests on clocks that keep to the bound that it allows for, as they do where reads use
// one. Who is down, or mends its disk, votes for nobody, and begins its next life by waiting; who
// has lost its disk votes for nobody either.
void Simulation::CheckDefended(std::uint32_t leader, const Raft& raft) const {
  if (!raft.HoldsLease(hosts_[leader]->LocalTime())) return;
  const Tally tally = raft.configuration().Count([&](NodeId voter) -> std::optional<bool> {
    const Host& host = *hosts_[NumberOf(voter)];
    if (voter == raft.id() || !host.up()) return true;
    const Raft& other = host.node()->raft();
    return other.standing() != Standing::kProven ||
           conduct_.Defends(host.number(), host.LocalTime(), other);
  });
  Defence::CheckLease(leader, raft.term(), Told(told::kIsDefended, tally == Tally::kWon));
}

// Fail-stop, and an operator who starts it again. The machine goes on, and with it its page cache:
// the next life sees what could not be written, until the power fails. Or it fails at once.
void Simulation::OnNodeFailed(std::uint32_t host) {
  constexpr std::uint64_t kAfterFailure = 8;  // beside the disk's own decisions of this stream
  const std::uint64_t draw = random_(Stream::kIoFault, host, hosts_[host]->life(), kAfterFailure);
  CrashHost(host, Chance(draw, plan_.power_loss) ? CrashKind::kPower : CrashKind::kProcess,
            queue_.now() + plan_.node.raft.election_timeout_min);
}

std::optional<std::uint32_t> Simulation::Leader() const {
  return NewestLeader(hosts_);
}

void Simulation::CrashHost(std::uint32_t number, CrashKind kind, TrueTime back) {
  if (KillHost(number, kind))
    queue_.Push(back, EventType::kHostBoot, number, hosts_[number]->life());
}

void Simulation::StopHost(std::uint32_t number, TrueTime back) {
  back_[number] = back;
  hosts_[number]->Stop();
}

void Simulation::OnStopped(std::uint32_t number) {
  CrashHost(number, CrashKind::kProcess, std::max(back_[number], queue_.now()));
}

// For good; false if it is down already.
bool Simulation::KillHost(std::uint32_t number, CrashKind kind) {
  Host& host = *hosts_[number];
  if (host.down()) return false;
  host.Crash(kind);
  ResetRequestsOf(number);
  copier_->OnDown(number);
  return true;
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
  atlas_->OnRollsBack(number);
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
  // With a part of the members gone, an operator might take away the quorum that is left.
  return core_ == 0 && !roll_back_->IsUnderWay() && atlas_->MayChangeMembership();
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
  // Whose wounds were weighed one by one forgets nothing that matters.
  if (plan_.atlas != AtlasRule::kEachEntry && hosts_[host]->IsDamaged()) atlas_->OnForgets(host);
}

void Simulation::ShowDamage(std::uint32_t number, TrueTime back) {
  if (hosts_[number]->IsDamaged()) CrashHost(number, CrashKind::kPower, back);
}

// An operator restarts it: it may have been one bad read. The second time the disk is replaced, if
// the others are known to have all that was on it.
void Simulation::OnDamageFound(std::uint32_t number) {
  ++recorder_->counters.refusals;
  recorder_->Note(LineKind::kRefused, number, ++refusals_[number]);
  const TrueTime back = queue_.now() + plan_.node.raft.election_timeout_min;
  const bool again = hosts_[number]->IsDamaged() && refusals_[number] > 1;
  const bool may_be_replaced = !roll_back_->IsUnderWay() && atlas_->MayReplace(number);
  if (!again || (plan_.atlas == AtlasRule::kEachEntry && !may_be_replaced)) {
    CrashHost(number, CrashKind::kPower, back);
  } else if (plan_.atlas != AtlasRule::kAnywhere) {
    Wipe(number, back);
  } else {
    recorder_->Note(LineKind::kGivenUp, number);
    ++recorder_->counters.given_up;
    KillHost(number, CrashKind::kPower);
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

std::uint32_t Simulation::NumberOf(NodeId id) const {
  const auto at = std::ranges::find(ids_, id);
  GRASS_CHECK(at != ids_.end());
  return static_cast<std::uint32_t>(at - ids_.begin());
}

}  // namespace grassdb::sim
