// Peer messages: core's Message <-> the bytes of proto/raft.proto.
//
// Whatever comes in from the wire is checked here, field by field, so that core sees only messages
// that some replica could have sent: an error names the message, the field and the value. What is
// checked is form, not protocol: a well-formed message may still be stale, repeated or out of
// order.
#ifndef GRASSDB_PROTO_CONVERT_H_
#define GRASSDB_PROTO_CONVERT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/message.h"
#include "core/types.h"

namespace grassdb {

// No message between peers is larger than this when encoded: one AppendEntries carries up to
// RaftOptions::append_bytes_max, or else a single entry, which kTransactionBytesMax bounds.
inline constexpr std::size_t kPeerMessageBytesMax = std::size_t{8} << 20;

// Which alternative of MessageBody some bytes are; the transport knows it from the method and the
// direction they came in. The values are the alternatives' positions.
enum class MessageKind : std::uint8_t {
  kRequestVoteRequest = 0,
  kRequestVoteResponse = 1,
  kAppendEntriesRequest = 2,
  kAppendEntriesResponse = 3,
  kInstallSnapshotRequest = 4,
  kInstallSnapshotResponse = 5,
  kTimeoutNow = 6,
  kReadIndexRequest = 7,
  kReadIndexResponse = 8,
  kRepairRequest = 9,
  kRepairResponse = 10,
};

MessageKind KindOf(const MessageBody& body);

// `message` has a sender and a receiver. The payload of each entry is copied once, into the result.
std::string EncodeMessage(const Message& message, ClusterId cluster);

// InvalidArgument: the bytes are no message of that kind. FailedPrecondition: they are one of
// another cluster than `expected`; the error names both.
absl::StatusOr<Message> DecodeMessage(MessageKind kind, std::string_view bytes, ClusterId expected);

// An id as it is written in errors and logs: 16 hexadecimal digits.
std::string HexOf(std::uint64_t id);

}  // namespace grassdb

#endif  // GRASSDB_PROTO_CONVERT_H_
