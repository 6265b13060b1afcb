#include "sim/wire.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "proto/client_convert.h"
#include "proto/convert.h"
#include "sim/checkers/told.h"
#include "sim/checkers/wire_rules.h"
#include "sim/random.h"

namespace grassdb::sim {
namespace {

template <class T>
T OverBytes(const T& sent) {
  T received;
  const bool reads = Told(told::kReadsItself, received.ParseFromString(sent.SerializeAsString()));
  WireRules::CheckReadsItself(reads, reads ? std::string() : std::string(sent.GetTypeName()));
  return received;
}

// One overload for each kind of request, since each has a message of its own.
class RequestWriter {
 public:
  explicit RequestWriter(const std::vector<std::string>& names) : names_(names) {}

  absl::StatusOr<ClientRequest> operator()(const TransferLeadershipRequest& request) const {
    if (request.target == NodeId()) return FromWire(OverBytes(TransferTo("")));
    const auto named = std::ranges::find(names_, request.target, NodeIdOf);
    GRASS_CHECK(named != names_.end());
    return FromWire(OverBytes(TransferTo(*named)));
  }
  template <class Request>
  absl::StatusOr<ClientRequest> operator()(const Request& request) const {
    return FromWire(OverBytes(ToWire(request)));
  }

 private:
  const std::vector<std::string>& names_;
};

template <class Response>
absl::StatusOr<Reply> Through(Reply reply) {
  Response response;
  ToWire(std::move(reply), &response);
  return ReplyFrom(OverBytes(response));
}

absl::StatusOr<Reply> Through(std::size_t asked, Reply reply) {
  switch (asked) {
    case 0:
      return Through<wire::OpenSessionResponse>(std::move(reply));
    case 1:
      return Through<wire::TransactResponse>(std::move(reply));
    case 2:
      return Through<wire::GetResponse>(std::move(reply));
    case 3:
      return Through<wire::TakeSnapshotResponse>(std::move(reply));
    case 4:
      return Through<wire::TransferLeadershipResponse>(std::move(reply));
    case 5:
      return Through<wire::ChangeMembershipResponse>(std::move(reply));
    default:
      return Through<wire::CloseSessionResponse>(std::move(reply));
  }
}
static_assert(std::is_same_v<std::variant_alternative_t<0, ClientRequest>, OpenSessionRequest>);
static_assert(std::is_same_v<std::variant_alternative_t<1, ClientRequest>, TransactionRequest>);
static_assert(std::is_same_v<std::variant_alternative_t<2, ClientRequest>, GetRequest>);
static_assert(std::is_same_v<std::variant_alternative_t<3, ClientRequest>, TakeSnapshotRequest>);
static_assert(
    std::is_same_v<std::variant_alternative_t<4, ClientRequest>, TransferLeadershipRequest>);
static_assert(
    std::is_same_v<std::variant_alternative_t<5, ClientRequest>, ChangeMembershipRequest>);
static_assert(std::variant_size_v<ClientRequest> == 7);

bool HasNoCode(std::size_t asked) {
  return asked == 2 || asked == 3;
}

// Whether two replies say the same to who has asked for `asked`.
bool SayTheSame(std::size_t asked, const Reply& a, const Reply& b) {
  if (asked == 2) {
    return a.found == b.found && a.value == b.value && a.mod_revision == b.mod_revision &&
           a.revision == b.revision;
  }
  if (asked == 3) return a.code == b.code;
  const bool same = a.code == b.code && a.error == b.error && a.leader_name == b.leader_name &&
                    a.leader_address == b.leader_address;
  if (asked == 0 && a.code == ReplyCode::kOk) return same && a.command.session == b.command.session;
  if (asked == 1 && a.code == ReplyCode::kOk) {
    return same && a.command.succeeded == b.command.succeeded &&
           a.command.revision == b.command.revision && a.command.operations == b.command.operations;
  }
  return same;
}

}  // namespace

Message Wire::Carry(Message message) const {
  const std::string bytes = EncodeMessage(message, cluster_);
  absl::StatusOr<Message> received = DecodeMessage(KindOf(message.body), bytes, cluster_);
  const absl::Status taken = Told(told::kMessageTaken, received.status());
  if (!taken.ok()) WireRules::CheckTaken(taken, NameOf(message.body));
  if (checks() && !Told(told::kMessageIsTheSame, *received == message)) {
    WireRules::CheckSame(
        false, std::string(NameOf(message.body)) + " of term " + Decimal(message.term.value()));
  }
  return *std::move(received);
}

absl::StatusOr<ClientRequest> Wire::Carry(ClientRequest request) const {
  absl::StatusOr<ClientRequest> received = std::visit(RequestWriter(names_), request);
  const auto what = [&request] { return "a request of kind " + Decimal(request.index()); };
  // An operator's slips are drawn; nobody else asks for what cannot be.
  if (!std::holds_alternative<ChangeMembershipRequest>(request)) {
    const absl::Status taken = Told(told::kRequestTaken, received.status());
    if (!taken.ok()) WireRules::CheckTaken(taken, what());
  }
  if (!received.ok()) return received;
  if (checks() && !Told(told::kRequestIsTheSame, *received == request)) {
    WireRules::CheckSame(false, what());
  }
  return received;
}

Reply Wire::Carry(std::size_t asked, Reply reply) const {
  if (HasNoCode(asked) && reply.code != ReplyCode::kOk) return reply;
  absl::StatusOr<Reply> received = Through(asked, reply);
  const auto what = [asked] { return "the reply to a request of kind " + Decimal(asked); };
  const absl::Status taken = Told(told::kReplyTaken, received.status());
  if (!taken.ok()) WireRules::CheckTaken(taken, what());
  if (checks() && !Told(told::kReplyIsTheSame, SayTheSame(asked, reply, *received))) {
    WireRules::CheckSame(false, what());
  }
  return *std::move(received);
}

void Wire::ReadDamaged(const Message& message, std::uint64_t random) const {
  std::string bytes = EncodeMessage(message, cluster_);
  const std::uint64_t flips = 1 + Bounded(Derive(random, 1), 4);
  for (std::uint64_t flip = 0; flip < flips; ++flip) {
    const std::uint64_t bit = Bounded(Derive(random, 2 + flip), bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
  const absl::StatusOr<Message> read = DecodeMessage(KindOf(message.body), bytes, cluster_);
  if (!read.ok()) return;
  // What was taken for a message is one: its bytes read as the same.
  const absl::StatusOr<Message> again =
      DecodeMessage(KindOf(read->body), EncodeMessage(*read, cluster_), cluster_);
  WireRules::CheckDamaged(Told(told::kDamagedIsAMessage, again.ok() && *again == *read),
                          NameOf(read->body));
}

}  // namespace grassdb::sim
