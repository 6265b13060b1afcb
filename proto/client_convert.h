// The client protocol: core/api.h's requests and replies <-> the messages of proto/grassdb.proto.
//
// Requests that come in (FromWire) are checked for form: an error names the field and the value.
// Limits of size are not checked here; core/command.h's BrokenLimit does that where a request
// enters the node. Replies that come in (ReplyFrom) are checked too: a server may be another
// version, or no grassdb at all.
#ifndef GRASSDB_PROTO_CLIENT_CONVERT_H_
#define GRASSDB_PROTO_CLIENT_CONVERT_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/api.h"
#include "core/disk.h"
#include "core/node.h"
#include "proto/messages.h"

namespace grassdb {

// --- Server: requests in. The content is moved out of the wire message. ---

absl::StatusOr<ClientRequest> FromWire(wire::GetRequest&& request);
absl::StatusOr<ClientRequest> FromWire(wire::SetRequest&& request);
absl::StatusOr<ClientRequest> FromWire(wire::TransactRequest&& request);
absl::StatusOr<ClientRequest> FromWire(wire::OpenSessionRequest&& request);
absl::StatusOr<ClientRequest> FromWire(wire::CloseSessionRequest&& request);
absl::StatusOr<ClientRequest> FromWire(wire::TakeSnapshotRequest&& request);
absl::StatusOr<ClientRequest> FromWire(wire::TransferLeadershipRequest&& request);
// Addresses are not parsed here: that they can be reached is net's to judge.
absl::StatusOr<ClientRequest> FromWire(wire::ChangeMembershipRequest&& request);

// Any of the above; InvalidArgument also for an operation that asks for nothing.
absl::StatusOr<ClientRequest> FromWire(wire::PipelineOperation&& operation);

// --- Server: replies out. `response` is empty; `reply` is moved out of. ---

void ToWire(Reply&& reply, wire::GetResponse* response);
void ToWire(Reply&& reply, wire::SetResponse* response);
void ToWire(Reply&& reply, wire::TransactResponse* response);
void ToWire(Reply&& reply, wire::OpenSessionResponse* response);
void ToWire(Reply&& reply, wire::CloseSessionResponse* response);
void ToWire(Reply&& reply, wire::TakeSnapshotResponse* response);
void ToWire(Reply&& reply, wire::TransferLeadershipResponse* response);
void ToWire(Reply&& reply, wire::ChangeMembershipResponse* response);

// The answer to an operation of that kind. `answer` has its id and nothing else.
void ToWire(Reply&& reply, wire::PipelineOperation::OperationCase kind,
            wire::PipelineAnswer* answer);

// `self` names the node and its cluster: a node that has just joined finds neither in its log.
void ToWire(const NodeStatus& status, const Identity& self, wire::StatusResponse* response);

// The piece that `reply` carries. `self` gave it.
void ToWire(const BackupPiece& piece, const Identity& self, wire::BackupChunk* chunk);
// Over what is in the chunk. False: it was damaged on its way.
bool IsWhole(const wire::BackupChunk& chunk);

// --- Client: requests out ---

wire::GetRequest ToWire(const GetRequest& request);
wire::TransactRequest ToWire(const TransactionRequest& request);
wire::OpenSessionRequest ToWire(const OpenSessionRequest& request);
wire::CloseSessionRequest ToWire(const CloseSessionRequest& request);
// A transaction that only puts one key, as the shorter Set, whose answer does not say whether the
// key was there before; nullopt for any other.
std::optional<wire::SetRequest> SetOf(const TransactionRequest& request);
// `request` is one that a pipeline carries. What SetOf has a Set for goes as one.
void ToWire(const ClientRequest& request, wire::PipelineOperation* operation);
wire::TakeSnapshotRequest ToWire(const TakeSnapshotRequest& request);
// `target_name`: TransferLeadershipRequest has only the id; empty for the best follower.
wire::TransferLeadershipRequest TransferTo(std::string_view target_name);
wire::ChangeMembershipRequest ToWire(const ChangeMembershipRequest& request);

// --- Client: replies in ---

absl::StatusOr<Reply> ReplyFrom(wire::GetResponse&& response);
absl::StatusOr<Reply> ReplyFrom(wire::SetResponse&& response);
absl::StatusOr<Reply> ReplyFrom(wire::TransactResponse&& response);
absl::StatusOr<Reply> ReplyFrom(wire::OpenSessionResponse&& response);
absl::StatusOr<Reply> ReplyFrom(wire::CloseSessionResponse&& response);
absl::StatusOr<Reply> ReplyFrom(wire::TakeSnapshotResponse&& response);
absl::StatusOr<Reply> ReplyFrom(wire::TransferLeadershipResponse&& response);
absl::StatusOr<Reply> ReplyFrom(wire::ChangeMembershipResponse&& response);

absl::StatusOr<Reply> ReplyFrom(wire::PipelineAnswer&& answer);

// The names of the codes as they travel in text ("NOT_LEADER"), for places where a protobuf enum
// cannot go. nullopt for a name that is none.
std::string WireNameOf(ReplyCode code);
std::optional<ReplyCode> ReplyCodeFrom(std::string_view wire_name);

}  // namespace grassdb

#endif  // GRASSDB_PROTO_CLIENT_CONVERT_H_
