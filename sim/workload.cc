#include "sim/workload.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "sim/checkers/liveness.h"
#include "sim/checkers/told.h"

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
  kStale = 11,
  kForm = 12,
  kLeave = 13,
  kAcknowledges = 14,
  kTransaction = 15,
};

// --- Slips ---

// No node sees before it is applied that its answer would be too large: it is in the log, and every
// replica must refuse it.
Transaction TooMuchToRead(const std::string& key) {
  constexpr std::size_t kGets = kOperationsMax - 1;
  static_assert(kAnswerBytesMax / kGets + 1 + 16 * kOperationsMax < SimClient::kSlipBytesMax);
  Transaction transaction = PutTransaction(key, std::string(kAnswerBytesMax / kGets + 1, 'v'));
  transaction.success.resize(kOperationsMax,
                             {.kind = Operation::Kind::kGet, .key = key, .value = {}});
  return transaction;
}

// What breaks a limit (core/limits.h), one at a time.
ClientOperation Slip(std::uint64_t random, const std::string& key) {
  const std::string long_key(kKeyBytesMax + 1, 'k');
  const std::string large(kValueBytesMax, 'v');
  const Operation put{.kind = Operation::Kind::kPut, .key = key, .value = large};
  const Operation get{.kind = Operation::Kind::kGet, .key = key, .value = {}};
  const Compare compare{.key = key, .value = {}};
  switch (Bounded(random, 9)) {
    case 0:
      return GetRequest{ReadMode::kLinearizable, long_key};
    case 1:
      return GetRequest{ReadMode::kStale, ""};
    case 2:
      return DeleteTransaction(long_key);
    case 3:
      return PutTransaction(key, large + "v");
    case 4:
      return Derive(random, 1) % 2 == 0 ? Transaction{{}, {put, put}, {put}}  // as a whole
                                        : TooMuchToRead(key);
    case 5:
      return Transaction{std::vector<Compare>(kOperationsMax + 1, compare), {get}, {}};
    case 7:
      return Transaction{{Compare{.key = key, .value = large + "v"}}, {get}, {}};
    case 6:
      return Transaction{{compare}, {}, std::vector<Operation>(kOperationsMax + 1, get)};
    default:
      return Transaction{{Compare{.key = "", .value = {}}}, {get}, {}};
  }
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
  acknowledges_ =
      !Chance(random_(Stream::kClient, number_, About::kAcknowledges, life_), plan_.workload.hoard);
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
  if (phase_ == Phase::kWorking && std::exchange(leaves_, false)) {
    Leave();
  } else if (phase_ == Phase::kWorking) {
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
  } else if (phase_ == Phase::kChecking && !checks_.empty()) {
    BeginCheck();
  }
}

void SimClient::BeginCheck() {
  HistoryOperation operation;
  operation.kind = checks_.front().kind;
  operation.key = checks_.front().key;
  checks_.pop_front();
  check_by_ = queue_->now() + deadline_;
  const std::string key = KeyText(operation.key);
  if (operation.kind == OperationKind::kGet) {
    return Begin(operation, GetRequest{ReadMode::kLinearizable, key});
  }
  operation.written = FreshValue();
  Begin(operation, PutTransaction(key, ValueText(operation.written)));
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
      {work.change_membership, OperationKind::kChangeMembership},
      {work.slip, OperationKind::kSlip},
      {work.transaction, OperationKind::kTransaction}};
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

void SimClient::BeginWork() {
  const auto draw = [this](About decision) {
    return random_(Stream::kWorkload, number_, decision, begun_);
  };
  HistoryOperation operation;
  operation.kind = DrawKind(draw(About::kKind));
  operation.key = static_cast<std::uint32_t>(Bounded(draw(About::kKey), keys()));
  const ValueNumber fresh = FreshValue();
  const std::string key = KeyText(operation.key);
  switch (operation.kind) {
    case OperationKind::kGet:
    case OperationKind::kStaleGet: {
      if (Chance(draw(About::kStale), plan_.workload.stale)) {
        operation.kind = OperationKind::kStaleGet;
        return Begin(operation, GetRequest{ReadMode::kStale, key});
      }
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
      expected_ = last_seen_[operation.key];
      operation.expected = expected_.value;
      form_ = FormOfSwap(draw(About::kForm));
      return Begin(operation, SwapTransaction(form_, key, expected_, fresh));
    }
    case OperationKind::kTransaction:
      return BeginTransaction(draw(About::kTransaction));
    case OperationKind::kCloseSession:  // Leave
    case OperationKind::kSlip:
      return Begin(operation, Slip(draw(About::kForm), key));
    case OperationKind::kTakeSnapshot:
      return Begin(operation, TakeSnapshotRequest{});
    case OperationKind::kTransferLeadership:
      return Begin(operation, TransferLeadershipRequest{DrawTarget(draw(About::kChange))});
    case OperationKind::kChangeMembership:
      return Begin(operation, DrawChange(draw(About::kChange)));
  }
}

SimClient::Form SimClient::FormOfSwap(std::uint64_t random) {
  Form form;
  form.compares = static_cast<Form::Compares>(Bounded(random, 4));
  form.looks = Derive(random, 1) % 2 == 0;
  return form;
}

// Every value is written once, and with the revision of its own that its writer was told. So each
// of these compares holds exactly if the key has the value expected; or, inverted, if it has not.
std::vector<Compare> SimClient::SwapCompares(Form form, const std::string& key,
                                             const Seen& expected) const {
  using Target = Compare::Target;
  using Relation = Compare::Relation;
  const auto number = [&key](Target target, Relation relation, std::uint64_t than) {
    return Compare{.target = target, .relation = relation, .key = key, .value = {}, .number = than};
  };
  const auto value = [&key](Relation relation, std::string than) {
    return Compare{.target = Target::kValue,
                   .relation = relation,
                   .key = key,
                   .value = std::move(than),
                   .number = 0};
  };
  const bool missing = expected.value == 0;
  const std::string text = missing ? std::string() : ValueText(expected.value);
  switch (form.compares) {
    case Form::Compares::kSame:
      if (missing) return {number(Target::kVersion, Relation::kEqual, 0)};
      return {value(Relation::kEqual, text)};
    case Form::Compares::kRevision:
      return {number(Target::kModRevision, Relation::kEqual, expected.revision)};
    case Form::Compares::kRange:
      if (missing) return {number(Target::kCreateRevision, Relation::kLess, 1)};
      return {value(Relation::kGreater, text.substr(0, text.size() - 1)),
              value(Relation::kLess, text + "."), number(Target::kVersion, Relation::kGreater, 0),
              number(Target::kModRevision, Relation::kGreater, expected.revision - 1),
              number(Target::kCreateRevision, Relation::kLess, expected.revision + 1)};
    case Form::Compares::kOtherVersion:
      if (missing) return {number(Target::kVersion, Relation::kNotEqual, 0)};
      return {number(Target::kModRevision, Relation::kNotEqual, expected.revision)};
  }
  GRASS_CHECK_MSG(false, "a form that is none");
  return {};
}

Transaction SimClient::SwapTransaction(Form form, const std::string& key, const Seen& expected,
                                       ValueNumber fresh) const {
  const Operation get{.kind = Operation::Kind::kGet, .key = key, .value = {}};
  const Operation put{.kind = Operation::Kind::kPut, .key = key, .value = ValueText(fresh)};
  if (form.compares == Form::Compares::kSame && !form.looks) {
    std::optional<std::string> value;
    if (expected.value != 0) value = ValueText(expected.value);
    return CompareAndSetTransaction(key, value, put.value);
  }
  Transaction transaction;
  transaction.compares = SwapCompares(form, key, expected);
  if (form.looks) {
    transaction.success = {get, put, get};
    transaction.failure = {get};
  } else {
    transaction.success = {put};
  }
  if (form.inverted()) std::swap(transaction.success, transaction.failure);
  return transaction;
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
      if (Bounded(Derive(one, 5), 32) == 0) change.address = addresses_[other];  // a slip
    }
    if (change.kind == Kind::kReplace) change.replaced = NodeName(other);
    request.changes.push_back(std::move(change));
  }
  return request;
}

void SimClient::Begin(const HistoryOperation& operation, ClientOperation client_operation) {
  ++begun_;
  Invoke(operation, std::move(client_operation));
}

// As grass-cli ends. No operation of the workload's, so that those keep their numbers without it.
void SimClient::Leave() {
  HistoryOperation operation;
  operation.kind = OperationKind::kCloseSession;
  Invoke(operation, CloseSession{});
  if (client_->outcome().has_value()) Finish(*client_->outcome());
}

void SimClient::Invoke(const HistoryOperation& operation, ClientOperation client_operation) {
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
  ClientRequest request = attempt.request;
  // Another client than ours need not say what it has the answers of. This one never does.
  if (auto* write = std::get_if<TransactionRequest>(&request); write != nullptr) {
    if (!acknowledges_) write->acknowledged = Sequence();
    HistoryOperation& operation = history_->At(*operation_);
    operation.session = write->session.value();
    operation.sequence = write->sequence.value();
  }
  packet.body = std::move(request);
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
      NoteResult(number, outcome.reply);
      history_->Return(number);
      value = history_->At(number).read;
      break;
    case Outcome::Code::kUnknown:
      ++recorder_->counters.operations_unknown;
      history_->GiveUp(number);
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
  if (history_->At(number).kind == OperationKind::kSlip) {
    ClientAnswers::CheckSlip(Told(told::kSlipTaken, outcome.code == Outcome::Code::kOk));
  }
  if (phase_ == Phase::kChecking) NoteCheck(history_->At(number), outcome);
  if (phase_ == Phase::kWorking) {
    begin_at_ = queue_->now() + ThinkTime();
  } else if (phase_ == Phase::kChecking) {
    begin_at_ = queue_->now();
  }
  // The reply lives in the client that is replaced here.
  if (history_->At(number).kind == OperationKind::kCloseSession) return Connect();
  const std::uint64_t again = random_(Stream::kWorkload, number_, About::kReconnect, begun_);
  if (!Chance(again, plan_.workload.reconnect) ||
      !recorder_->choices.Takes({Choice::kReconnect, {number_}, begun_})) {
    return;
  }
  leaves_ = phase_ == Phase::kWorking &&
            Bounded(random_(Stream::kWorkload, number_, About::kLeave, begun_), 2) == 0;
  if (!leaves_) Connect();
}

void SimClient::NoteCheck(const HistoryOperation& operation, const Outcome& outcome) {
  // It was told, before its time was over, that its session is gone, or that a disk is full, whose
  // node may not have looked for room again yet: as good as an answer, but it has to ask once more.
  const bool told =
      (outcome.code == Outcome::Code::kUnknown || outcome.code == Outcome::Code::kDiskFull) &&
      queue_->now() < check_by_;
  if (told) checks_.push_front({operation.kind, operation.key});
  const bool answered = told || outcome.code == Outcome::Code::kOk;
  Liveness::CheckAnswered(number_, Told(told::kAnswered, answered), outcome.error);
}

void SimClient::NoteResult(std::size_t number, const Reply& reply) {
  HistoryOperation& operation = history_->At(number);
  const bool reads =
      operation.kind == OperationKind::kGet || operation.kind == OperationKind::kStaleGet;
  operation.revision = reads ? reply.revision.value() : reply.command.revision.value();
  Seen& seen = last_seen_[operation.key];
  switch (operation.kind) {
    case OperationKind::kGet:
    case OperationKind::kStaleGet:
      operation.read = reply.found ? NumberOf(*Told(told::kValue, &reply.value)) : 0;
      seen = {operation.read, reply.mod_revision.value()};
      break;
    case OperationKind::kPut:
      ClientAnswers::CheckResults(1, Told(told::kResultsOfPut, reply.command.operations.size()));
      operation.found = reply.command.operations[0].found;
      seen = {operation.written, operation.revision};
      break;
    case OperationKind::kDelete:
      ClientAnswers::CheckResults(1, Told(told::kResultsOfDelete, reply.command.operations.size()));
      operation.found = reply.command.operations[0].found;
      seen = {};
      break;
    case OperationKind::kCompareAndSet:
      NoteSwap(&operation, reply.command);
      break;
    case OperationKind::kTransaction:
      NoteTransaction(&operation, reply.command);
      break;
    case OperationKind::kSlip:
    case OperationKind::kTakeSnapshot:
    case OperationKind::kTransferLeadership:
    case OperationKind::kChangeMembership:
    case OperationKind::kCloseSession:
      break;
  }
}

void SimClient::NoteSwap(HistoryOperation* operation, const CommandResult& result) {
  operation->succeeded = result.succeeded != form_.inverted();
  const std::vector<OperationResult>& results = result.operations;
  const auto reads = [](const OperationResult& one, const Seen& seen) {
    return one.found == (seen.value != 0) && one.mod_revision.value() == seen.revision &&
           (seen.value == 0 || NumberOf(one.value) == seen.value);
  };
  const std::size_t looks = form_.looks ? 1 : 0;
  ClientAnswers::CheckResults(operation->succeeded ? 1 + 2 * looks : looks,
                              Told(told::kResultsOfSwap, results.size()));
  if (operation->succeeded) {
    const Seen written{operation->written, operation->revision};
    if (form_.looks) {
      ClientAnswers::CheckSwap(Told(told::kSwapReads, reads(results[0], expected_)),
                               reads(results[2], written));
    }
    last_seen_[operation->key] = written;
  } else if (form_.looks) {
    operation->looked = true;
    operation->read = results[0].found ? NumberOf(results[0].value) : 0;
    last_seen_[operation->key] = {operation->read, results[0].mod_revision.value()};
  }
}

void SimClient::CheckKeys(std::uint32_t first, std::uint32_t step, Duration deadline) {
  checks_.clear();
  for (std::uint32_t key = first; key < keys(); key += step) {
    checks_.push_back({OperationKind::kGet, key});
  }
  BeginChecking(deadline);
}

void SimClient::CheckService(Service service, Duration deadline) {
  const std::uint32_t key = number_ % keys();
  checks_.clear();
  if (service == Service::kWritesAndReads) checks_.push_back({OperationKind::kPut, key});
  checks_.push_back({OperationKind::kGet, key});
  BeginChecking(deadline);
}

void SimClient::BeginChecking(Duration deadline) {
  GRASS_CHECK(idle());
  phase_ = Phase::kChecking;
  deadline_ = deadline;
  // While faults are about, an attempt may be given less time than the network needs for it. Not
  // now.
  attempt_timeout_ = std::max(attempt_timeout_, Duration(std::chrono::seconds(1)));
  Connect();
  WakeAt(begin_at_ = queue_->now());
}

}  // namespace grassdb::sim
