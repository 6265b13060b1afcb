#include "sim/workload.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/check.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

// What a client's keyed decisions are about. Append, never renumber.
enum class About : std::uint64_t {
  kKind = 1,
  kKey = 2,
  kThink = 3,
  kReconnect = 4,
  kSize = 5,
  kExpected = 6,
  kStart = 7,
  kOrder = 8,
  kLease = 9,
  kChange = 10,
};

std::string KeyText(std::uint32_t key) {
  std::string text(1, 'k');
  text += Decimal(key);
  return text;
}

}  // namespace

SimClient::SimClient(std::uint32_t number, const Plan& plan,
                     const std::vector<std::string>& addresses, EventQueue* queue,
                     SimNetwork* network, Recorder* recorder, History* history)
    : number_(number),
      plan_(plan),
      addresses_(addresses),
      random_(plan.seed, plan.tape),
      queue_(queue),
      network_(network),
      recorder_(recorder),
      history_(history),
      deadline_(plan.workload.deadline),
      attempt_timeout_(plan.workload.attempt_timeout),
      last_seen_(plan.workload.keys) {
  Connect();
}

// A new client of the same place: it knows nothing of the old one's session.
void SimClient::Connect() {
  ++life_;
  ClientOptions options;
  options.endpoints.assign(addresses_.begin(), addresses_.begin() + plan_.nodes);
  const std::uint64_t first =
      Bounded(random_(Stream::kClient, number_, About::kOrder, life_), plan_.nodes);
  std::rotate(options.endpoints.begin(),
              options.endpoints.begin() + static_cast<std::ptrdiff_t>(first),
              options.endpoints.end());
  options.deadline = deadline_;
  options.attempt_timeout = attempt_timeout_;
  options.seed = random_(Stream::kClient, number_, life_);
  client_.emplace(options);
}

void SimClient::Start() {
  WakeAt(begin_at_ = queue_->now() + Between(random_(Stream::kWorkload, number_, About::kStart),
                                             Duration(0), plan_.workload.think_max));
}

void SimClient::WakeAt(TrueTime at) {
  if (at >= wake_at_) return;
  wake_at_ = std::max(at, queue_->now());
  queue_->Push(wake_at_, EventType::kClientWake, number_, 0);
}

void SimClient::OnWake() {
  if (queue_->now() >= wake_at_) wake_at_ = kNever;
  if (operation_.has_value()) client_->OnDeadline(Now());
  Drive();
}

void SimClient::OnPacket(ClientPacket packet) {
  if (packet.client_life != life_ || !operation_.has_value()) return;
  if (auto* reply = std::get_if<Reply>(&packet.body)) {
    client_->OnReply(Now(), packet.attempt, std::move(*reply));
  } else {
    client_->OnLost(Now(), packet.attempt, std::get<ConnectionLost>(packet.body).loss,
                    "connection lost");
  }
  Drive();
}

void SimClient::Drive() {
  if (operation_.has_value() && client_->outcome().has_value()) Finish(*client_->outcome());
  if (!operation_.has_value() && queue_->now() >= begin_at_) BeginNext();
  if (!operation_.has_value()) {
    if (begin_at_ != kNever) WakeAt(begin_at_);
    return;
  }
  while (std::optional<Attempt> attempt = client_->Next(Now())) SendAttempt(*attempt);
  const Instant deadline = client_->NextDeadline();
  if (deadline != Instant::max()) WakeAt(TrueTime(deadline.time_since_epoch()));
}

// --- Operations ---

// Before the operation that comes next.
Duration SimClient::ThinkTime() const {
  return BetweenScales(random_(Stream::kWorkload, number_, About::kThink, begun_), Duration(0),
                       plan_.workload.think_max);
}

void SimClient::BeginNext() {
  begin_at_ = kNever;
  if (phase_ == Phase::kWorking) {
    const Decision operation{Choice::kOperation, {number_}, begun_, Nanoseconds(queue_->now())};
    const TrueTime earliest = TrueTime() + Duration(recorder_->choices.NotBefore(operation));
    if (queue_->now() < earliest) {
      begin_at_ = earliest;
    } else if (recorder_->choices.Takes(operation)) {
      BeginWork();
    } else {
      ++begun_;
      begin_at_ = queue_->now() + ThinkTime();
    }
  } else if (phase_ == Phase::kChecking && next_key_ < keys()) {
    HistoryOperation operation;
    operation.kind = OperationKind::kGet;
    operation.key = next_key_;
    next_key_ += key_step_;
    Begin(operation, GetRequest{ReadMode::kLinearizable, KeyText(operation.key)});
  }
}

OperationKind SimClient::DrawKind(std::uint64_t random) const {
  const WorkloadPlan& work = plan_.workload;
  const std::pair<std::uint32_t, OperationKind> weights[] = {
      {work.get, OperationKind::kGet},
      {work.put, OperationKind::kPut},
      {work.erase, OperationKind::kDelete},
      {work.compare_and_set, OperationKind::kCompareAndSet},
      {work.take_snapshot, OperationKind::kTakeSnapshot},
      {work.transfer, OperationKind::kTransferLeadership},
      {work.change_membership, OperationKind::kChangeMembership}};
  std::uint64_t sum = 0;
  for (const auto& [weight, kind] : weights) sum += weight;
  std::uint64_t draw = Bounded(random, sum);
  for (const auto& [weight, kind] : weights) {
    if (draw < weight) return kind;
    draw -= weight;
  }
  GRASS_CHECK_MSG(false, "a draw beyond the sum of the weights");
  return OperationKind::kGet;
}

std::string SimClient::ValueText(ValueNumber value) const {
  std::string text(1, 'v');
  text += Decimal(value);
  text += '.';
  const std::uint64_t size =
      BetweenScales(random_(Stream::kWorkload, About::kSize, value), text.size(),
                    plan_.workload.value_bytes_max + text.size());
  text.resize(size, '.');
  return text;
}

std::uint32_t SimClient::NumberOfKey(const std::string& key) {
  GRASS_RULE("client", key.size() > 1 && key[0] == 'k', "a key that nobody wrote was written");
  return static_cast<std::uint32_t>(std::strtoull(key.c_str() + 1, nullptr, 10));
}

ValueNumber SimClient::NumberOf(const std::string& text) {
  GRASS_RULE("client", text.size() > 1 && text[0] == 'v', "a value that nobody wrote was read");
  return std::strtoull(text.c_str() + 1, nullptr, 10);
}

void SimClient::BeginWork() {
  const auto draw = [this](About decision) {
    return random_(Stream::kWorkload, number_, decision, begun_);
  };
  HistoryOperation operation;
  operation.kind = DrawKind(draw(About::kKind));
  operation.key = static_cast<std::uint32_t>(Bounded(draw(About::kKey), keys()));
  const ValueNumber fresh = (begun_ + 1) * 1000 + number_;
  const std::string key = KeyText(operation.key);
  switch (operation.kind) {
    case OperationKind::kGet: {
      const bool lease = Chance(draw(About::kLease), plan_.workload.lease);
      return Begin(operation, GetRequest{lease ? ReadMode::kLease : ReadMode::kLinearizable, key});
    }
    case OperationKind::kPut:
      operation.written = fresh;
      return Begin(operation, PutTransaction(key, ValueText(fresh)));
    case OperationKind::kDelete:
      return Begin(operation, DeleteTransaction(key));
    case OperationKind::kCompareAndSet: {
      operation.written = fresh;
      operation.expected = last_seen_[operation.key];
      std::optional<std::string> expected;
      if (operation.expected != 0) expected = ValueText(operation.expected);
      return Begin(operation, CompareAndSetTransaction(key, expected, ValueText(fresh)));
    }
    case OperationKind::kTakeSnapshot:
      return Begin(operation, TakeSnapshotRequest{});
    case OperationKind::kTransferLeadership:
      return Begin(operation, TransferLeadershipRequest{DrawTarget(draw(About::kChange))});
    case OperationKind::kChangeMembership:
      return Begin(operation, DrawChange(draw(About::kChange)));
  }
}

// As often as not the best one, for the leader to find.
NodeId SimClient::DrawTarget(std::uint64_t random) const {
  if (random % 2 == 0) return NodeId();
  return NodeIdOf(NodeName(static_cast<std::uint32_t>(Bounded(Derive(random, 1), plan_.nodes))));
}

// One change, or now and then several at once. Many are refused, as an operator's slips would be.
ChangeMembershipRequest SimClient::DrawChange(std::uint64_t random) const {
  ChangeMembershipRequest request;
  const std::uint64_t changes = Bounded(Derive(random, 1), 4) == 0 ? 3 : 1;
  for (std::uint64_t i = 0; i < changes; ++i) {
    const std::uint64_t one = Derive(random, 2 + i);
    const auto host = static_cast<std::uint32_t>(Bounded(Derive(one, 1), plan_.nodes));
    const auto other = static_cast<std::uint32_t>(Bounded(Derive(one, 2), plan_.nodes));
    static constexpr MemberChange::Kind kKinds[] = {
        MemberChange::Kind::kAdd,    MemberChange::Kind::kAdd,     MemberChange::Kind::kAddLearner,
        MemberChange::Kind::kRemove, MemberChange::Kind::kRemove,  MemberChange::Kind::kPromote,
        MemberChange::Kind::kDemote, MemberChange::Kind::kReplace, MemberChange::Kind::kMove};
    MemberChange change;
    change.kind = kKinds[Bounded(Derive(one, 3), std::size(kKinds))];
    change.name = NodeName(host);
    using Kind = MemberChange::Kind;
    if (change.kind == Kind::kAdd || change.kind == Kind::kAddLearner ||
        change.kind == Kind::kReplace || change.kind == Kind::kMove) {
      // A member that moves has the other of its two addresses.
      change.address = addresses_[host + (Bounded(Derive(one, 4), 4) == 0 ? plan_.nodes : 0)];
    }
    if (change.kind == Kind::kReplace) change.replaced = NodeName(other);
    request.changes.push_back(std::move(change));
  }
  return request;
}

void SimClient::Begin(const HistoryOperation& operation, ClientOperation client_operation) {
  ++begun_;
  operation_ = history_->Invoke([&] {
    HistoryOperation copy = operation;
    copy.client = number_;
    return copy;
  }());
  recorder_->Note(LineKind::kClientInvoked, number_, static_cast<std::uint64_t>(operation.kind),
                  operation.key, operation.written);
  client_->Begin(Now(), std::move(client_operation));
}

void SimClient::SendAttempt(const Attempt& attempt) {
  const auto found = std::ranges::find(addresses_, attempt.endpoint);
  GRASS_CHECK(found != addresses_.end());
  ClientPacket packet;
  packet.client = number_;
  packet.client_life = life_;
  packet.attempt = attempt.id;
  packet.host = static_cast<std::uint32_t>(found - addresses_.begin()) % plan_.nodes;
  packet.body = attempt.request;
  network_->SendRequest(std::move(packet));
}

// --- Outcomes ---

void SimClient::Finish(const Outcome& outcome) {
  const std::size_t number = *operation_;
  operation_.reset();
  ValueNumber value = 0;
  switch (outcome.code) {
    case Outcome::Code::kOk:
      ++recorder_->counters.operations_ok;
      history_->Return(number);
      NoteResult(number, outcome.reply);
      value = history_->At(number).read;
      break;
    case Outcome::Code::kUnknown:
      ++recorder_->counters.operations_unknown;
      break;
    case Outcome::Code::kRefused:
    case Outcome::Code::kDiskFull:
    case Outcome::Code::kUnreachable:
      ++recorder_->counters.operations_failed;
      history_->Drop(number);
      break;
  }
  recorder_->Note(LineKind::kClientReturned, number_, static_cast<std::uint64_t>(outcome.code),
                  value);
  recorder_->fingerprint.AddAll(number_, outcome.code, value);
  GRASS_RULE("convergence", phase_ != Phase::kChecking || outcome.code == Outcome::Code::kOk,
             "client " + Decimal(number_ + 1) +
                 " got no answer from the healed cluster: " + outcome.error);
  if (phase_ == Phase::kWorking) {
    begin_at_ = queue_->now() + ThinkTime();
  } else if (phase_ == Phase::kChecking) {
    begin_at_ = queue_->now();
  }
  const std::uint64_t again = random_(Stream::kWorkload, number_, About::kReconnect, begun_);
  // The reply lives in the client that is replaced here.
  if (Chance(again, plan_.workload.reconnect) &&
      recorder_->choices.Takes({Choice::kReconnect, {number_}, begun_})) {
    Connect();
  }
}

void SimClient::NoteResult(std::size_t number, const Reply& reply) {
  HistoryOperation& operation = history_->At(number);
  operation.revision = operation.kind == OperationKind::kGet ? reply.revision.value()
                                                             : reply.command.revision.value();
  ValueNumber& seen = last_seen_[operation.key];
  switch (operation.kind) {
    case OperationKind::kGet:
      operation.read = reply.found ? NumberOf(reply.value) : 0;
      seen = operation.read;
      break;
    case OperationKind::kPut:
    case OperationKind::kDelete:
      GRASS_RULE("client", reply.command.operations.size() == 1, "a write without its result");
      operation.found = reply.command.operations[0].found;
      seen = operation.written;
      break;
    case OperationKind::kCompareAndSet:
      operation.succeeded = reply.command.succeeded;
      if (operation.succeeded) seen = operation.written;
      break;
    case OperationKind::kTakeSnapshot:
    case OperationKind::kTransferLeadership:
    case OperationKind::kChangeMembership:
      break;
  }
}

void SimClient::CheckKeys(std::uint32_t first, std::uint32_t step, Duration deadline) {
  GRASS_CHECK(idle());
  phase_ = Phase::kChecking;
  next_key_ = first;
  key_step_ = step;
  deadline_ = deadline;
  // While faults are about, an attempt may be given less time than the network needs for it. Not
  // now.
  attempt_timeout_ = std::max(attempt_timeout_, Duration(std::chrono::seconds(1)));
  Connect();
  WakeAt(begin_at_ = queue_->now());
}

}  // namespace grassdb::sim
