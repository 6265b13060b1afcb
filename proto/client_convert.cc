#include "proto/client_convert.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "core/check.h"
#include "core/checksum.h"
#include "proto/convert.h"

namespace grassdb {
namespace {

// The wire's codes are core's codes.
static_assert(static_cast<int>(ReplyCode::kOk) == wire::OK);
static_assert(static_cast<int>(ReplyCode::kNotLeader) == wire::NOT_LEADER);
static_assert(static_cast<int>(ReplyCode::kOutcomeUnknown) == wire::OUTCOME_UNKNOWN);
static_assert(static_cast<int>(ReplyCode::kSessionUnknown) == wire::SESSION_UNKNOWN);
static_assert(static_cast<int>(ReplyCode::kStaleSequence) == wire::STALE_SEQUENCE);
static_assert(static_cast<int>(ReplyCode::kInvalid) == wire::INVALID);
static_assert(static_cast<int>(ReplyCode::kOverloaded) == wire::OVERLOADED);
static_assert(static_cast<int>(ReplyCode::kUnavailable) == wire::UNAVAILABLE);
static_assert(static_cast<int>(ReplyCode::kRefused) == wire::REFUSED);
static_assert(static_cast<int>(ReplyCode::kDiskFull) == wire::DISK_FULL);
static_assert(wire::ReplyCode_MAX == wire::DISK_FULL);

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

absl::Status Invalid(const std::string& field, const std::string& text) {
  return absl::InvalidArgumentError(field + ": " + text);
}

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

// What every answer with a code has in common.
template <class Wire>
void PutOutcome(const Reply& reply, Wire* wire) {
  wire->set_code(static_cast<wire::ReplyCode>(reply.code));
  wire->set_error(reply.error);
  wire->set_leader_id(reply.leader_name);
  wire->set_leader_address(reply.leader_address);
}

template <class Wire>
absl::StatusOr<Reply> TakeOutcome(Wire& wire) {
  if (wire.code() <= 0 || wire.code() > wire::ReplyCode_MAX) {
    return Invalid("code", std::to_string(wire.code()) + " is not a code of this version");
  }
  Reply reply;
  reply.code = static_cast<ReplyCode>(wire.code());
  reply.error = std::move(*wire.mutable_error());
  reply.leader_name = std::move(*wire.mutable_leader_id());
  reply.leader_address = std::move(*wire.mutable_leader_address());
  if (!reply.leader_name.empty()) reply.leader = NodeIdOf(reply.leader_name);
  return reply;
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

const char* NameOfState(ProgressState state) {
  switch (state) {
    case ProgressState::kProbe:
      return "probe";
    case ProgressState::kReplicate:
      return "replicate";
    case ProgressState::kSnapshot:
      return "snapshot";
  }
  return "unknown";
}

std::string NameIn(const Configuration& configuration, NodeId id) {
  const Member* member = configuration.Find(id);
  return member == nullptr ? std::string() : member->name;
}

void PutFollower(const NodeStatus::Follower& follower, const Configuration& configuration,
                 wire::FollowerStatus* wire) {
  wire->set_id(NameIn(configuration, follower.id));
  // One that has just been removed.
  if (wire->id().empty()) wire->set_id(HexOf(follower.id.value()));
  wire->set_state(NameOfState(follower.state));
  wire->set_counts(follower.counts);
  wire->set_disk_full(follower.disk_full);
  wire->set_match(follower.match.value());
  wire->set_next(follower.next.value());
  wire->set_lag(follower.lag);
  const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(follower.silent);
  wire->set_silent_ms(static_cast<std::uint64_t>(std::max<std::int64_t>(0, silent.count())));
  wire->set_snapshot_index(follower.snapshot_index.value());
  wire->set_snapshot_offset(follower.snapshot_offset);
}

void PutMember(const Member& member, const Configuration& configuration, wire::MemberStatus* wire) {
  wire->set_id(member.name);
  wire->set_address(member.address);
  wire->set_voter(member.role == MemberRole::kVoter);
  wire->set_role(NameOf(member.role));
  wire->set_outgoing(member.outgoing);
  wire->set_replaces(NameIn(configuration, member.replaces));
}

std::uint64_t MicrosecondsOf(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

void FillLatency(const LatencyHistogram& latency, wire::DiskLatency* wire) {
  wire->set_count(latency.count());
  wire->set_p50_us(MicrosecondsOf(latency.Quantile(500)));
  wire->set_p99_us(MicrosecondsOf(latency.Quantile(990)));
  wire->set_max_us(MicrosecondsOf(latency.max()));
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

void ToWire(Reply&& reply, wire::GetResponse* response) {
  response->set_found(reply.found);
  response->set_value(std::move(reply.value));
  response->set_mod_revision(reply.mod_revision.value());
  response->set_revision(reply.revision.value());
}

void ToWire(Reply&& reply, wire::SetResponse* response) {
  PutOutcome(reply, response);
  response->set_success(reply.code == ReplyCode::kOk);
  response->set_revision(reply.command.revision.value());
}

void ToWire(Reply&& reply, wire::TransactResponse* response) {
  PutOutcome(reply, response);
  response->set_succeeded(reply.code == ReplyCode::kOk && reply.command.succeeded);
  response->set_revision(reply.command.revision.value());
  for (OperationResult& result : reply.command.operations) {
    wire::OperationResult& to = *response->add_results();
    to.set_found(result.found);
    to.set_value(std::move(result.value));
    to.set_mod_revision(result.mod_revision.value());
  }
}

void ToWire(Reply&& reply, wire::OpenSessionResponse* response) {
  PutOutcome(reply, response);
  response->set_session(reply.command.session.value());
}

void ToWire(Reply&& reply, wire::CloseSessionResponse* response) {
  PutOutcome(reply, response);
}

void ToWire(Reply&& reply, wire::TakeSnapshotResponse* response) {
  response->set_success(reply.code == ReplyCode::kOk);
}

void ToWire(Reply&& reply, wire::TransferLeadershipResponse* response) {
  PutOutcome(reply, response);
}

void ToWire(Reply&& reply, wire::ChangeMembershipResponse* response) {
  PutOutcome(reply, response);
}

void ToWire(Reply&& reply, wire::PipelineOperation::OperationCase kind,
            wire::PipelineAnswer* answer) {
  const bool ok = reply.code == ReplyCode::kOk;
  if (ok) {
    reply.leader_name.clear();
    reply.leader_address.clear();
  }
  const bool has_code = kind != wire::PipelineOperation::kGet && reply.code != ReplyCode::kInvalid;
  if (!ok && !has_code) return PutOutcome(reply, answer->mutable_error());
  switch (kind) {
    case wire::PipelineOperation::kSet:
      return ToWire(std::move(reply), answer->mutable_set());
    case wire::PipelineOperation::kGet:
      return ToWire(std::move(reply), answer->mutable_get());
    case wire::PipelineOperation::kTransact:
      return ToWire(std::move(reply), answer->mutable_transact());
    case wire::PipelineOperation::kOpenSession:
      return ToWire(std::move(reply), answer->mutable_open_session());
    case wire::PipelineOperation::kCloseSession:
      return ToWire(std::move(reply), answer->mutable_close_session());
    case wire::PipelineOperation::OPERATION_NOT_SET:
      GRASS_CHECK_MSG(false, "an answer to an operation that asks for nothing");
  }
}

void ToWire(const NodeStatus& status, const Identity& self, wire::StatusResponse* response) {
  const Configuration& configuration = status.configuration;
  response->set_id(self.node_name);
  response->set_cluster(self.cluster_name);
  response->set_cluster_id(self.cluster.value());
  response->set_role(NameOf(status.role));
  response->set_term(status.term.value());
  if (const Member* leader = configuration.Find(status.leader)) {
    response->set_leader_id(leader->name);
    response->set_leader_address(leader->address);
  }
  response->set_commit_index(status.commit_index.value());
  response->set_applied_index(status.applied_index.value());
  response->set_durable_index(status.durable_index.value());
  response->set_last_index(status.last_index.value());
  response->set_first_index(status.first_index.value());
  response->set_memory_index(status.memory_index.value());
  response->set_snapshot_index(status.snapshot_index.value());
  response->set_revision(status.revision.value());
  response->set_keys(status.keys);
  response->set_sessions(status.sessions);
  response->set_digest(status.digest);
  response->set_serving(status.serving);
  for (const NodeStatus::Follower& follower : status.followers) {
    PutFollower(follower, configuration, response->add_followers());
  }
  for (const Member& member : configuration.members()) {
    PutMember(member, configuration, response->add_members());
  }
  response->set_configuration_index(status.configuration_index.value());
  response->set_changing_membership(status.changing_membership);
  response->set_transfer_target_id(NameIn(configuration, status.transfer_target));
  response->set_receiving_index(status.receiving_index.value());
  response->set_receiving_offset(status.receiving_offset);
  response->set_failures_tolerated(status.failures_tolerated);
  response->set_disk_space(NameOf(status.space.space));
  response->set_disk_problem(status.space.problem);
  FillLatency(status.disk_latency.log_writes, response->mutable_log_writes());
  FillLatency(status.disk_latency.reads, response->mutable_disk_reads());
  response->set_disk_under_way_us(MicrosecondsOf(status.disk_latency.under_way));
  wire::ScrubStatus* const scrub = response->mutable_scrub();
  scrub->set_bytes(status.scrub.bytes);
  scrub->set_passes(status.scrub.passes);
  scrub->set_found(status.scrub.found);
  scrub->set_mended(status.scrub.mended);
  scrub->set_newest(status.scrub.newest);
  response->set_repairing(status.repairing);
}

void ToWire(const BackupPiece& piece, const Identity& self, wire::BackupChunk* chunk) {
  if (piece.offset == 0) {
    wire::BackupChunk::Origin& origin = *chunk->mutable_origin();
    origin.set_cluster_id(self.cluster.value());
    origin.set_cluster_name(self.cluster_name);
    origin.set_node(self.node_name);
    origin.set_index(piece.snapshot.index.value());
    origin.set_term(piece.snapshot.term.value());
    for (const Member& member : piece.snapshot.configuration.members()) {
      origin.add_members(member.name + "=" + member.address);
    }
  }
  const std::string_view data = piece.data.view();
  chunk->set_offset(piece.offset);
  chunk->set_data(data.data(), data.size());
  chunk->set_checksum(Checksum(data, piece.offset));
  chunk->set_last(piece.last);
}

bool IsWhole(const wire::BackupChunk& chunk) {
  return Checksum(chunk.data(), chunk.offset()) == chunk.checksum();
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

absl::StatusOr<Reply> ReplyFrom(wire::GetResponse&& response) {
  if (!response.found() && !response.value().empty()) {
    return Invalid("value", std::to_string(response.value().size()) + " bytes of a missing key");
  }
  Reply reply;
  reply.found = response.found();
  reply.value = std::move(*response.mutable_value());
  reply.mod_revision = Revision(response.mod_revision());
  reply.revision = Revision(response.revision());
  return reply;
}

absl::StatusOr<Reply> ReplyFrom(wire::SetResponse&& response) {
  if (response.success() != (response.code() == wire::OK)) {
    return Invalid("success", "does not fit code " + std::to_string(response.code()));
  }
  absl::StatusOr<Reply> reply = TakeOutcome(response);
  if (reply.ok()) reply->command.revision = Revision(response.revision());
  return reply;
}

absl::StatusOr<Reply> ReplyFrom(wire::TransactResponse&& response) {
  absl::StatusOr<Reply> reply = TakeOutcome(response);
  if (!reply.ok()) return reply;
  CommandResult& result = reply->command;
  result.succeeded = response.succeeded();
  result.revision = Revision(response.revision());
  result.operations.reserve(static_cast<std::size_t>(response.results_size()));
  for (wire::OperationResult& from : *response.mutable_results()) {
    result.operations.push_back(OperationResult{.found = from.found(),
                                                .value = std::move(*from.mutable_value()),
                                                .mod_revision = Revision(from.mod_revision())});
  }
  return reply;
}

absl::StatusOr<Reply> ReplyFrom(wire::OpenSessionResponse&& response) {
  absl::StatusOr<Reply> reply = TakeOutcome(response);
  if (!reply.ok()) return reply;
  if (reply->code == ReplyCode::kOk && response.session() == 0) {
    return Invalid("session", "0 is not a session");
  }
  reply->command.session = SessionId(response.session());
  return reply;
}

absl::StatusOr<Reply> ReplyFrom(wire::CloseSessionResponse&& response) {
  return TakeOutcome(response);
}

absl::StatusOr<Reply> ReplyFrom(wire::TakeSnapshotResponse&& response) {
  if (!response.success()) return Invalid("success", "false without an error");
  return Reply{};
}

absl::StatusOr<Reply> ReplyFrom(wire::TransferLeadershipResponse&& response) {
  return TakeOutcome(response);
}

absl::StatusOr<Reply> ReplyFrom(wire::ChangeMembershipResponse&& response) {
  return TakeOutcome(response);
}

absl::StatusOr<Reply> ReplyFrom(wire::PipelineAnswer&& answer) {
  switch (answer.answer_case()) {
    case wire::PipelineAnswer::kSet:
      return ReplyFrom(std::move(*answer.mutable_set()));
    case wire::PipelineAnswer::kGet:
      return ReplyFrom(std::move(*answer.mutable_get()));
    case wire::PipelineAnswer::kTransact:
      return ReplyFrom(std::move(*answer.mutable_transact()));
    case wire::PipelineAnswer::kOpenSession:
      return ReplyFrom(std::move(*answer.mutable_open_session()));
    case wire::PipelineAnswer::kCloseSession:
      return ReplyFrom(std::move(*answer.mutable_close_session()));
    case wire::PipelineAnswer::kError: {
      absl::StatusOr<Reply> reply = TakeOutcome(*answer.mutable_error());
      if (reply.ok() && reply->code == ReplyCode::kOk) return Invalid("error.code", "OK");
      return reply;
    }
    case wire::PipelineAnswer::ANSWER_NOT_SET:
      break;
  }
  return Invalid("answer", "to id " + std::to_string(answer.id()) + " says nothing");
}

std::string WireNameOf(ReplyCode code) {
  return wire::ReplyCode_Name(static_cast<wire::ReplyCode>(code));
}

std::optional<ReplyCode> ReplyCodeFrom(std::string_view wire_name) {
  wire::ReplyCode code;
  if (!wire::ReplyCode_Parse(std::string(wire_name), &code)) return std::nullopt;
  if (code == wire::REPLY_CODE_UNSPECIFIED) return std::nullopt;
  return static_cast<ReplyCode>(code);
}

}  // namespace grassdb
