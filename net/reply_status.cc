#include "net/reply_status.h"

#include "core/configuration.h"
#include "proto/client_convert.h"

namespace grassdb::net {
namespace {

std::string Find(const std::multimap<grpc::string_ref, grpc::string_ref>& trailers,
                 const char* key) {
  const auto at = trailers.find(key);
  return at == trailers.end() ? std::string() : std::string(at->second.data(), at->second.size());
}

}  // namespace

grpc::Status StatusOf(const Reply& reply, ResponseShape shape) {
  if (reply.code == ReplyCode::kOk) return grpc::Status::OK;
  if (reply.code == ReplyCode::kInvalid) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, reply.error);
  }
  if (reply.code == ReplyCode::kDiskFull) {
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, reply.error);
  }
  if (shape == ResponseShape::kHasCode) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, reply.error);
}

grpc::Status StatusOf(const absl::Status& refused) {
  return grpc::Status(static_cast<grpc::StatusCode>(refused.code()),
                      std::string(refused.message()));
}

std::multimap<std::string, std::string> TrailersOf(const Reply& reply) {
  std::multimap<std::string, std::string> trailers;
  trailers.emplace(kCodeKey, WireNameOf(reply.code));
  if (!reply.leader_name.empty()) {
    trailers.emplace(kLeaderIdKey, reply.leader_name);
    trailers.emplace(kLeaderAddressKey, reply.leader_address);
  }
  return trailers;
}

std::optional<Reply> ReplyFromStatus(
    const grpc::Status& status, const std::multimap<grpc::string_ref, grpc::string_ref>& trailers) {
  Reply reply;
  reply.error = status.error_message();
  if (const std::optional<ReplyCode> code = ReplyCodeFrom(Find(trailers, kCodeKey))) {
    reply.code = *code;
    reply.leader_name = Find(trailers, kLeaderIdKey);
    reply.leader_address = Find(trailers, kLeaderAddressKey);
    if (!reply.leader_name.empty()) reply.leader = NodeIdOf(reply.leader_name);
    return reply;
  }
  switch (status.error_code()) {
    // Given before a node saw the request: by its decoding, or by gRPC for a message above its
    // limit.
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::UNIMPLEMENTED:
      reply.code = ReplyCode::kInvalid;
      return reply;
    default:
      return std::nullopt;
  }
}

std::string WhyNoAnswer(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return "no answer in time";
  const std::string text = status.error_message();
  const bool unreached =
      text.starts_with("failed to connect") || text.starts_with("DNS resolution failed");
  if (!unreached || status.error_code() != grpc::StatusCode::UNAVAILABLE) return text;
  // "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:50051: Failed to
  // connect to remote host: Connection refused"
  const std::size_t colon = text.rfind(": ");
  return colon == std::string::npos ? text : "cannot connect (" + text.substr(colon + 2) + ")";
}

}  // namespace grassdb::net
