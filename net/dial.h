// What a host:port of a flag or of the configuration becomes before the system sees it.
#ifndef GRASSDB_NET_DIAL_H_
#define GRASSDB_NET_DIAL_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>

namespace grassdb::net {

// `endpoint`, with "localhost" replaced by 127.0.0.1 if this system cannot resolve it: the name
// always means the loopback (RFC 6761, 6.3), but a minimal system has no /etc/hosts that says so.
std::string WithLoopback(const std::string& endpoint);
// The same, with another judge of which hosts can be resolved.
std::string WithLoopback(const std::string& endpoint, bool (*resolves)(const std::string& host));

// A channel to host:port, without TLS and never through a proxy. Connects in the background.
std::shared_ptr<grpc::Channel> Dial(const std::string& endpoint, grpc::ChannelArguments arguments);

// As the clients of a database do it: what a call costs is cut down, and nothing is retried, which
// is core/client.h's to do.
grpc::ChannelArguments ClientArguments();
std::shared_ptr<grpc::Channel> DialAsClient(const std::string& endpoint);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_DIAL_H_
