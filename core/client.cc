#include "core/client.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "core/probe.h"

namespace grassdb {
namespace {

// For an overloaded node, before another one is asked.
constexpr std::size_t kWaitsAtOne = 4;

}  // namespace

Client::Client(const ClientOptions& options) : options_(options) {
  GRASS_CHECK(!options.endpoints.empty());
  GRASS_CHECK(options.backoff_min > Duration::zero());
  GRASS_CHECK(options.backoff_max >= options.backoff_min);
}

void Client::Begin(Instant now, ClientOperation operation) {
  GRASS_CHECK(outcome_.has_value());
  outcome_.reset();
  operation_ = std::move(operation);
  sequenced_ = false;
  unresolved_ = false;
  in_flight_ = false;
  failures_ = 0;
  redirects_ = 0;
  waits_ = 0;
  deadline_ = now + (IsClose() ? options_.attempt_timeout : options_.deadline);
  send_at_ = now;
  errors_.clear();
  if (IsClose() && session_ == SessionId(0)) Settle(Outcome::Code::kOk, {});
}

std::optional<Attempt> Client::Next(Instant now) {
  if (outcome_.has_value() || in_flight_ || now < send_at_ || now >= deadline_) return std::nullopt;
  Attempt attempt;
  attempt.id = ++last_attempt_;
  attempt.endpoint = options_.endpoints[endpoint_];
  attempt.request = MakeRequest();
  attempt.timeout = std::min(options_.attempt_timeout, Duration(deadline_ - now));
  if (GRASS_BUGGIFY("client: gives an attempt up early")) attempt.timeout /= 4;
  attempt_deadline_ = now + attempt.timeout;
  send_at_ = Instant::max();
  in_flight_ = true;
  return attempt;
}

ClientRequest Client::MakeRequest() {
  opens_session_ = IsWrite() && session_ == SessionId(0);
  if (opens_session_) return OpenSessionRequest{};
  if (const auto* transaction = std::get_if<Transaction>(&operation_)) {
    if (!sequenced_) {
      sequenced_ = true;
      ++sequence_;
    }
    // One operation at a time: what came before it is settled. If its outcome was unknown, this
    // also keeps a late copy of it from being applied after this one.
    return TransactionRequest{.session = session_,
                              .sequence = sequence_,
                              .acknowledged = sequence_ - 1,
                              .transaction = *transaction};
  }
  if (IsClose()) return CloseSessionRequest{session_};
  if (const auto* get = std::get_if<GetRequest>(&operation_)) return *get;
  if (const auto* change = std::get_if<ChangeMembershipRequest>(&operation_)) return *change;
  if (const auto* transfer = std::get_if<TransferLeadershipRequest>(&operation_)) return *transfer;
  return std::get<TakeSnapshotRequest>(operation_);
}

void Client::OnReply(Instant now, AttemptId id, Reply reply) {
  if (outcome_.has_value() || !in_flight_ || id != last_attempt_) return;
  in_flight_ = false;
  if (opens_session_) {
    OnSessionReply(now, reply);
  } else {
    OnOperationReply(now, std::move(reply));
  }
}

void Client::OnSessionReply(Instant now, const Reply& reply) {
  switch (reply.code) {
    case ReplyCode::kOk:
      session_ = reply.command.session;
      sequence_ = Sequence();
      sequenced_ = false;
      send_at_ = now;
      return;
    case ReplyCode::kNotLeader:
      return TryLeader(now, reply);
    case ReplyCode::kDiskFull:
      return Settle(Outcome::Code::kDiskFull, reply.error);
    default:
      // A session opened in vain expires by itself, so trying again is always right.
      Note(From::kNode, reply.error);
      return reply.code == ReplyCode::kOverloaded ? TryLater(now) : TryNextEndpoint(now);
  }
}

void Client::OnOperationReply(Instant now, Reply reply) {
  switch (reply.code) {
    case ReplyCode::kOk:
      return Settle(Outcome::Code::kOk, {}, std::move(reply));
    case ReplyCode::kInvalid:
    case ReplyCode::kRefused:
      // Perhaps because an earlier attempt has done it.
      return Settle(unresolved_ ? Outcome::Code::kUnknown : Outcome::Code::kRefused, reply.error);
    case ReplyCode::kDiskFull:
      // Trying again would not help before somebody makes room. An earlier attempt may be in a log.
      return Settle(unresolved_ ? Outcome::Code::kUnknown : Outcome::Code::kDiskFull, reply.error);
    case ReplyCode::kNotLeader:
      return TryLeader(now, reply);
    case ReplyCode::kOutcomeUnknown:
      if (std::holds_alternative<TransferLeadershipRequest>(operation_)) {
        return Settle(Outcome::Code::kUnknown, reply.error);
      }
      unresolved_ = unresolved_ || HasEffect();
      Note(From::kNode, reply.error);
      return TryNextEndpoint(now);
    case ReplyCode::kSessionUnknown:
      return OnSessionUnknown(now);
    case ReplyCode::kStaleSequence:
      return Settle(Outcome::Code::kUnknown, reply.error);
    case ReplyCode::kOverloaded:
      Note(From::kNode, reply.error);
      return IsWrite() ? TryLater(now) : TryNextEndpoint(now);
    case ReplyCode::kUnavailable:
      Note(From::kNode, reply.error);
      return TryNextEndpoint(now);
  }
}

void Client::OnSessionUnknown(Instant now) {
  session_ = SessionId();
  if (unresolved_) {
    GRASS_PROBE("client: its session expired during a retry");
    // An earlier attempt may have been applied before the session was forgotten: in a new session
    // it would be applied again.
    return Settle(Outcome::Code::kUnknown, "the session expired while the write was being retried");
  }
  sequenced_ = false;
  ++failures_;
  send_at_ = now;
}

void Client::OnLost(Instant now, AttemptId id, Loss loss, const std::string& error) {
  if (outcome_.has_value() || !in_flight_ || id != last_attempt_) return;
  in_flight_ = false;
  if (loss == Loss::kMaybeSent && !opens_session_) {
    if (HasEffect()) unresolved_ = true;
    if (std::holds_alternative<TransferLeadershipRequest>(operation_)) {
      // Asked again, the new leader would hand over once more.
      return Settle(Outcome::Code::kUnknown, error);
    }
  }
  Note(From::kTransport, error);
  TryNextEndpoint(now);
}

void Client::OnDeadline(Instant now) {
  if (outcome_.has_value()) return;
  if (now >= deadline_) return GiveUp();
  if (in_flight_ && now >= attempt_deadline_) {
    OnLost(now, last_attempt_, Loss::kMaybeSent,
           options_.endpoints[endpoint_] + " did not answer in time");
  }
}

Instant Client::NextDeadline() const {
  if (outcome_.has_value()) return Instant::max();
  return std::min(deadline_, in_flight_ ? attempt_deadline_ : send_at_);
}

void Client::TryLeader(Instant now, const Reply& reply) {
  Note(From::kNode, reply.error);
  if (reply.leader_address.empty()) return TryNextEndpoint(now);
  if (redirects_ > options_.endpoints.size()) {
    GRASS_PROBE("client: sent round in circles");
    // Nodes that disagree about the leader send a client round in circles: give them time.
    TryNextEndpoint(now);
    return Backoff(now);
  }
  ++redirects_;
  const auto at = std::ranges::find(options_.endpoints, reply.leader_address);
  endpoint_ = static_cast<std::size_t>(at - options_.endpoints.begin());
  if (at == options_.endpoints.end()) options_.endpoints.push_back(reply.leader_address);
  send_at_ = now;
}

void Client::TryNextEndpoint(Instant now) {
  redirects_ = 0;
  ++failures_;
  TurnToNextEndpoint();
  send_at_ = now;
  // Every endpoint has failed: an election is likely under way.
  if (failures_ % options_.endpoints.size() == 0) Backoff(now);
}

void Client::TurnToNextEndpoint() {
  // From where the round had got to: after a node that names a wrong leader, the one behind that
  // leader may send us back to it for ever.
  const std::size_t failed = endpoint_;
  endpoint_ = (round_ + 1) % options_.endpoints.size();
  if (endpoint_ == failed) endpoint_ = (endpoint_ + 1) % options_.endpoints.size();
  round_ = endpoint_;
}

// Only the leader takes writes, so the others would send the client back to where too much waits.
// Now and then one of them is asked all the same: who says so may have been deposed, and have no
// way to notice.
void Client::TryLater(Instant now) {
  redirects_ = 0;
  failures_ += options_.endpoints.size();
  if (++waits_ % kWaitsAtOne == 0) {
    GRASS_PROBE("client: too much waits at one node for long");
    TurnToNextEndpoint();
  }
  Backoff(now);
}

// Doubles with every round of failures; the jitter keeps clients apart.
void Client::Backoff(Instant now) {
  const std::size_t round = failures_ / options_.endpoints.size();
  Duration wait = options_.backoff_min;
  for (std::size_t i = 1; i < round && wait < options_.backoff_max; ++i) wait *= 2;
  wait = std::min(wait, options_.backoff_max);
  const std::uint64_t draw = KeyedRandom(options_.seed, ++backoffs_);
  send_at_ =
      now + wait / 2 + Duration(Bounded(draw, static_cast<std::uint64_t>((wait / 2).count()) + 1));
}

void Client::GiveUp() {
  const bool write_in_flight = in_flight_ && !opens_session_ && HasEffect();
  if (in_flight_) {
    Note(From::kTransport, options_.endpoints[endpoint_] + " did not answer in time");
  }
  Settle(unresolved_ || write_in_flight ? Outcome::Code::kUnknown : Outcome::Code::kUnreachable,
         Errors());
}

void Client::Note(From from, const std::string& error) {
  const std::string& endpoint = options_.endpoints[endpoint_];
  std::erase_if(errors_, [&](const Failure& failure) { return failure.endpoint == endpoint; });
  errors_.insert(errors_.begin(), {.endpoint = endpoint, .error = error, .from = from});
}

std::string Client::Errors() const {
  constexpr std::size_t kErrorsMax = 5;
  if (errors_.empty()) return "no node was asked";
  std::vector<Failure> errors = errors_;
  std::stable_partition(errors.begin(), errors.end(),
                        [](const Failure& each) { return each.from == From::kNode; });
  std::string text;
  for (std::size_t i = 0; i < std::min(errors.size(), kErrorsMax); ++i) {
    const auto& [endpoint, error, from] = errors[i];
    if (i > 0) text += "; ";
    if (error.find(endpoint) == std::string::npos) text += endpoint + ": ";
    text += error;
  }
  if (errors.size() > kErrorsMax) {
    text += "; and " + std::to_string(errors.size() - kErrorsMax) + " more";
  }
  return text;
}

void Client::Settle(Outcome::Code code, std::string error, Reply reply) {
  GRASS_CHECK(!outcome_.has_value());
  in_flight_ = false;
  send_at_ = Instant::max();
  if (IsClose()) session_ = SessionId();
  outcome_ = Outcome{.code = code, .error = std::move(error), .reply = std::move(reply)};
}

}  // namespace grassdb
