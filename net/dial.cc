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

}  // namespace grassdb::net
