// The one place where a node's answer becomes a gRPC status, and where a client reads it back.
//
//   code of the reply      method whose response has a code      method whose response has none
//                          (Set, Transact, OpenSession,          (Get, TakeSnapshot)
//                          TransferLeadership,
//                          ChangeMembership)
//   OK                     OK                                    OK
//   INVALID                INVALID_ARGUMENT                      INVALID_ARGUMENT
//   DISK_FULL              RESOURCE_EXHAUSTED                    RESOURCE_EXHAUSTED
//   every other            OK; the response says it              UNAVAILABLE
//
// A status that is not OK carries the reply in trailing metadata: grassdb-code, and the leader as
// far as it is known in grassdb-leader-id and grassdb-leader-address.
#ifndef GRASSDB_NET_REPLY_STATUS_H_
#define GRASSDB_NET_REPLY_STATUS_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "core/api.h"

namespace grassdb::net {

inline constexpr char kCodeKey[] = "grassdb-code";
inline constexpr char kLeaderIdKey[] = "grassdb-leader-id";
inline constexpr char kLeaderAddressKey[] = "grassdb-leader-address";

enum class ResponseShape : std::uint8_t { kHasCode, kHasNoCode };

grpc::Status StatusOf(const Reply& reply, ResponseShape shape);
// Of a request that was refused before a node saw it.
grpc::Status StatusOf(const absl::Status& refused);

// The trailing metadata of a status that is not OK.
std::multimap<std::string, std::string> TrailersOf(const Reply& reply);

// The reply that a status which is not OK stands for; nullopt if no node of grassdb gave it, so
// that nothing is known about what became of the request.
std::optional<Reply> ReplyFromStatus(
    const grpc::Status& status, const std::multimap<grpc::string_ref, grpc::string_ref>& trailers);

// For a person, why a call has ended without an answer: where nobody could be reached, the system's
// words without gRPC's around them.
std::string WhyNoAnswer(const grpc::Status& status);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_REPLY_STATUS_H_
