// Of proto/client_convert.h: what clients ask for.
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "core/check.h"
#include "proto/client_convert.h"
#include "proto/invalid.h"

namespace grassdb {
namespace {

static_assert(static_cast<int>(MemberChange::Kind::kAdd) == wire::MemberChange::ADD);
static_assert(static_cast<int>(MemberChange::Kind::kAddLearner) == wire::MemberChange::ADD_LEARNER);
static_assert(static_cast<int>(MemberChange::Kind::kRemove) == wire::MemberChange::REMOVE);
static_assert(static_cast<int>(MemberChange::Kind::kPromote) == wire::MemberChange::PROMOTE);
static_assert(static_cast<int>(MemberChange::Kind::kDemote) == wire::MemberChange::DEMOTE);
static_assert(static_cast<int>(MemberChange::Kind::kReplace) == wire::MemberChange::REPLACE);
static_assert(static_cast<int>(MemberChange::Kind::kMove) == wire::MemberChange::MOVE);
static_assert(wire::MemberChange::Kind_MAX == wire::MemberChange::MOVE);

static_assert(static_cast<int>(Compare::Target::kValue) == wire::Compare::VALUE);
static_assert(static_cast<int>(Compare::Target::kVersion) == wire::Compare::VERSION);
static_assert(static_cast<int>(Compare::Target::kCreateRevision) == wire::Compare::CREATE_REVISION);
static_assert(static_cast<int>(Compare::Target::kModRevision) == wire::Compare::MOD_REVISION);
static_assert(static_cast<int>(Compare::Relation::kEqual) == wire::Compare::EQUAL);
static_assert(static_cast<int>(Compare::Relation::kNotEqual) == wire::Compare::NOT_EQUAL);
static_assert(static_cast<int>(Compare::Relation::kLess) == wire::Compare::LESS);
static_assert(static_cast<int>(Compare::Relation::kGreater) == wire::Compare::GREATER);
static_assert(static_cast<int>(Operation::Kind::kPut) == wire::Operation::PUT);
static_assert(static_cast<int>(Operation::Kind::kDelete) == wire::Operation::DELETE);
static_assert(static_cast<int>(Operation::Kind::kGet) == wire::Operation::GET);

// `session`, `sequence` and `acknowledged` of one write.
template <class Wire>
absl::Status TakeSession(const Wire& wire, TransactionRequest* request) {
  if (wire.session() == 0 && (wire.sequence() != 0 || wire.acknowledged() != 0)) {
    return Invalid("session", "0 (no session), but sequence is " + std::to_string(wire.sequence()) +
                                  " and acknowledged is " + std::to_string(wire.acknowledged()));
  }
  if (wire.session() != 0 && wire.sequence() == 0) {
    return Invalid("sequence", "0; the writes of a session are numbered from 1");
  }
  if (wire.session() != 0 && wire.acknowledged() >= wire.sequence()) {
    return Invalid("acknowledged", std::to_string(wire.acknowledged()) + " is not below sequence " +
                                       std::to_string(wire.sequence()));
  }
  request->session = SessionId(wire.session());
  request->sequence = Sequence(wire.sequence());
  request->acknowledged = Sequence(wire.acknowledged());
  return absl::OkStatus();
}

absl::Status TakeCompares(wire::TransactRequest& wire, std::vector<Compare>* compares) {
  compares->reserve(static_cast<std::size_t>(wire.compares_size()));
  for (wire::Compare& from : *wire.mutable_compares()) {
    const std::string field = "compares[" + std::to_string(compares->size()) + "].";
    if (from.target() <= 0 || from.target() > wire::Compare::Target_MAX) {
      return Invalid(field + "target", std::to_string(from.target()) + " is not a target");
    }
    if (from.relation() <= 0 || from.relation() > wire::Compare::Relation_MAX) {
      return Invalid(field + "relation", std::to_string(from.relation()) + " is not a relation");
    }
    compares->push_back(Compare{.target = static_cast<Compare::Target>(from.target()),
                                .relation = static_cast<Compare::Relation>(from.relation()),
                                .key = std::move(*from.mutable_key()),
                                .value = std::move(*from.mutable_value()),
                                .number = from.number()});
  }
  return absl::OkStatus();
}

absl::Status TakeOperations(google::protobuf::RepeatedPtrField<wire::Operation>& wire,
                            const char* branch, std::vector<Operation>* operations) {
  operations->reserve(static_cast<std::size_t>(wire.size()));
  for (wire::Operation& from : wire) {
    if (from.kind() <= 0 || from.kind() > wire::Operation::Kind_MAX) {
      return Invalid(std::string(branch) + "[" + std::to_string(operations->size()) + "].kind",
                     std::to_string(from.kind()) + " is not an operation");
    }
    operations->push_back(Operation{.kind = static_cast<Operation::Kind>(from.kind()),
                                    .key = std::move(*from.mutable_key()),
                                    .value = std::move(*from.mutable_value())});
  }
  return absl::OkStatus();
}

// Why `name` cannot be that of a member. The rule is a configuration's: asked of one that has no
// other member.
std::optional<std::string> NameProblem(const std::string& name) {
  return Configuration({MakeMember(name, "any:1")}).Problem();
}

bool HasAddress(MemberChange::Kind kind) {
  return kind == MemberChange::Kind::kAdd || kind == MemberChange::Kind::kAddLearner ||
         kind == MemberChange::Kind::kReplace || kind == MemberChange::Kind::kMove;
}

absl::Status TakeChange(wire::MemberChange& wire, const std::string& field, MemberChange* change) {
  if (wire.kind() <= 0 || wire.kind() > wire::MemberChange::Kind_MAX) {
    return Invalid(field + "kind", std::to_string(wire.kind()) + " is not a change");
  }
  change->kind = static_cast<MemberChange::Kind>(wire.kind());
  const std::string kind = wire::MemberChange::Kind_Name(wire.kind());
  if (const auto problem = NameProblem(wire.name())) return Invalid(field + "name", *problem);
  if (wire.address().empty() == HasAddress(change->kind)) {
    return Invalid(field + "address", "'" + wire.address() + "' does not fit " + kind);
  }
  const bool replaces = change->kind == MemberChange::Kind::kReplace;
  if (!replaces && !wire.replaced().empty()) {
    return Invalid(field + "replaced", "'" + wire.replaced() + "' does not fit " + kind);
  }
  if (replaces) {
    if (const auto problem = NameProblem(wire.replaced())) {
      return Invalid(field + "replaced", *problem);
    }
    if (wire.replaced() == wire.name()) {
      return Invalid(field + "replaced", "'" + wire.name() + "' cannot replace itself");
    }
  }
  change->name = std::move(*wire.mutable_name());
  change->address = std::move(*wire.mutable_address());
  change->replaced = std::move(*wire.mutable_replaced());
  return absl::OkStatus();
}

void PutOperations(const std::vector<Operation>& operations,
                   google::protobuf::RepeatedPtrField<wire::Operation>* wire) {
  for (const Operation& operation : operations) {
    wire::Operation& to = *wire->Add();
    to.set_kind(static_cast<wire::Operation::Kind>(operation.kind));
    to.set_key(operation.key);
    to.set_value(operation.value);
  }
}

}  // namespace

absl::StatusOr<ClientRequest> FromWire(wire::GetRequest&& request) {
  if (request.stale() && request.lease()) {
    return Invalid("lease", "true, and so is stale; a read is of one kind");
  }
  ReadMode mode = ReadMode::kLinearizable;
  if (request.stale()) mode = ReadMode::kStale;
  if (request.lease()) mode = ReadMode::kLease;
  return GetRequest{.mode = mode, .key = std::move(*request.mutable_key())};
}

absl::StatusOr<ClientRequest> FromWire(wire::SetRequest&& request) {
  TransactionRequest result;
  if (absl::Status status = TakeSession(request, &result); !status.ok()) return status;
  result.transaction =
      PutTransaction(std::move(*request.mutable_key()), std::move(*request.mutable_value()));
  return result;
}

absl::StatusOr<ClientRequest> FromWire(wire::TransactRequest&& request) {
  TransactionRequest result;
  absl::Status status = TakeSession(request, &result);
  if (status.ok()) status = TakeCompares(request, &result.transaction.compares);
  if (status.ok()) {
    status = TakeOperations(*request.mutable_success(), "success", &result.transaction.success);
  }
  if (status.ok()) {
    status = TakeOperations(*request.mutable_failure(), "failure", &result.transaction.failure);
  }
  if (!status.ok()) return status;
  return result;
}

absl::StatusOr<ClientRequest> FromWire(wire::OpenSessionRequest&&) {
  return OpenSessionRequest{};
}

absl::StatusOr<ClientRequest> FromWire(wire::CloseSessionRequest&& request) {
  if (request.session() == 0) return Invalid("session", "0 is no session that could be closed");
  return CloseSessionRequest{SessionId(request.session())};
}

absl::StatusOr<ClientRequest> FromWire(wire::TakeSnapshotRequest&&) {
  return TakeSnapshotRequest{};
}

absl::StatusOr<ClientRequest> FromWire(wire::TransferLeadershipRequest&& request) {
  TransferLeadershipRequest result;
  if (!request.target_id().empty()) result.target = NodeIdOf(request.target_id());
  return result;
}

absl::StatusOr<ClientRequest> FromWire(wire::ChangeMembershipRequest&& request) {
  const int count = request.changes_size();
  if (count == 0 || static_cast<std::size_t>(count) > kMemberChangesMax) {
    return Invalid("changes", std::to_string(count) + " of them; from 1 to " +
                                  std::to_string(kMemberChangesMax) + " go into one request");
  }
  ChangeMembershipRequest result;
  for (wire::MemberChange& change : *request.mutable_changes()) {
    const std::string field = "changes[" + std::to_string(result.changes.size()) + "].";
    const absl::Status status = TakeChange(change, field, &result.changes.emplace_back());
    if (!status.ok()) return status;
  }
  return result;
}

absl::StatusOr<ClientRequest> FromWire(wire::PipelineOperation&& operation) {
  switch (operation.operation_case()) {
    case wire::PipelineOperation::kSet:
      return FromWire(std::move(*operation.mutable_set()));
    case wire::PipelineOperation::kGet:
      return FromWire(std::move(*operation.mutable_get()));
    case wire::PipelineOperation::kTransact:
      return FromWire(std::move(*operation.mutable_transact()));
    case wire::PipelineOperation::kOpenSession:
      return OpenSessionRequest{};
    case wire::PipelineOperation::kCloseSession:
      return FromWire(std::move(*operation.mutable_close_session()));
    case wire::PipelineOperation::OPERATION_NOT_SET:
      break;
  }
  return Invalid("operation", "of id " + std::to_string(operation.id()) + " asks for nothing");
}

wire::GetRequest ToWire(const GetRequest& request) {
  wire::GetRequest wire;
  wire.set_key(request.key);
  wire.set_stale(request.mode == ReadMode::kStale);
  wire.set_lease(request.mode == ReadMode::kLease);
  return wire;
}

wire::TransactRequest ToWire(const TransactionRequest& request) {
  wire::TransactRequest wire;
  wire.set_session(request.session.value());
  wire.set_sequence(request.sequence.value());
  wire.set_acknowledged(request.acknowledged.value());
  for (const Compare& compare : request.transaction.compares) {
    wire::Compare& to = *wire.add_compares();
    to.set_target(static_cast<wire::Compare::Target>(compare.target));
    to.set_relation(static_cast<wire::Compare::Relation>(compare.relation));
    to.set_key(compare.key);
    to.set_value(compare.value);
    to.set_number(compare.number);
  }
  PutOperations(request.transaction.success, wire.mutable_success());
  PutOperations(request.transaction.failure, wire.mutable_failure());
  return wire;
}

wire::OpenSessionRequest ToWire(const OpenSessionRequest&) {
  return {};
}

wire::CloseSessionRequest ToWire(const CloseSessionRequest& request) {
  wire::CloseSessionRequest wire;
  wire.set_session(request.session.value());
  return wire;
}

std::optional<wire::SetRequest> SetOf(const TransactionRequest& request) {
  const Transaction& transaction = request.transaction;
  const bool puts_one = transaction.compares.empty() && transaction.failure.empty() &&
                        transaction.success.size() == 1 &&
                        transaction.success[0].kind == Operation::Kind::kPut;
  if (!puts_one) return std::nullopt;
  wire::SetRequest set;
  set.set_key(transaction.success[0].key);
  set.set_value(transaction.success[0].value);
  set.set_session(request.session.value());
  set.set_sequence(request.sequence.value());
  set.set_acknowledged(request.acknowledged.value());
  return set;
}

void ToWire(const ClientRequest& request, wire::PipelineOperation* operation) {
  if (const auto* get = std::get_if<GetRequest>(&request)) {
    *operation->mutable_get() = ToWire(*get);
    return;
  }
  if (const auto* close = std::get_if<CloseSessionRequest>(&request)) {
    *operation->mutable_close_session() = ToWire(*close);
    return;
  }
  const auto* write = std::get_if<TransactionRequest>(&request);
  if (write == nullptr) {
    GRASS_CHECK(std::holds_alternative<OpenSessionRequest>(request));
    operation->mutable_open_session();
    return;
  }
  if (std::optional<wire::SetRequest> set = SetOf(*write)) {
    *operation->mutable_set() = *std::move(set);
  } else {
    *operation->mutable_transact() = ToWire(*write);
  }
}

wire::TakeSnapshotRequest ToWire(const TakeSnapshotRequest&) {
  return {};
}

wire::TransferLeadershipRequest TransferTo(std::string_view target_name) {
  wire::TransferLeadershipRequest wire;
  wire.set_target_id(target_name.data(), target_name.size());
  return wire;
}

wire::ChangeMembershipRequest ToWire(const ChangeMembershipRequest& request) {
  wire::ChangeMembershipRequest wire;
  for (const MemberChange& change : request.changes) {
    wire::MemberChange& to = *wire.add_changes();
    to.set_kind(static_cast<wire::MemberChange::Kind>(change.kind));
    to.set_name(change.name);
    to.set_address(change.address);
    to.set_replaced(change.replaced);
  }
  return wire;
}

}  // namespace grassdb
