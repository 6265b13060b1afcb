#include "net/dial.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <netdb.h>

#include "net/server_options.h"

namespace grassdb::net {
namespace {

bool Resolves(const std::string& host) {
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, nullptr, &found) != 0) return false;
  freeaddrinfo(found);
  return true;
}

}  // namespace

std::string WithLoopback(const std::string& endpoint) {
  return WithLoopback(endpoint, &Resolves);
}

std::string WithLoopback(const std::string& endpoint, bool (*resolves)(const std::string& host)) {
  const auto [host, port] = SplitEndpoint(endpoint);
  if (host != "localhost" || resolves(host)) return endpoint;
  return "127.0.0.1:" + port;
}

std::shared_ptr<grpc::Channel> Dial(const std::string& endpoint, grpc::ChannelArguments arguments) {
  // gRPC would obey http_proxy even on the way to 127.0.0.1. A proxy for web pages is no way to a
  // node.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(WithLoopback(endpoint), grpc::InsecureChannelCredentials(),
                                   arguments);
}

grpc::ChannelArguments ClientArguments() {
  grpc::ChannelArguments arguments;
  // A third of the cost of a call is in filters that a client of grassdb has no use for; the check
  // of deadlines, which it has, comes back by its own switch.
  arguments.SetInt(GRPC_ARG_MINIMAL_STACK, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 1);
  // Retries are core/client.h's: only it knows what may be repeated.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetMaxReceiveMessageSize(-1);
  return arguments;
}

std::shared_ptr<grpc::Channel> DialAsClient(const std::string& endpoint) {
  return Dial(endpoint, ClientArguments());
}

}  // namespace grassdb::net
