// Of proto/client_convert.h: what they are answered.
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "core/check.h"
#include "core/checksum.h"
#include "proto/client_convert.h"
#include "proto/invalid.h"

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

}  // namespace

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
