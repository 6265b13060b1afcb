// StreamService: the server's end of every RPC that is handled as a stream of bytes: those between
// peers, health and reflection. (Clients' calls are typed and pooled: ClientService.)
//
// gRPC hands it the calls to methods that no other service has registered. So there is one
// implementation of a stream on the completion queue, whatever the message types; and health and
// reflection need not gRPC's own services, which bring threads of their own that would poll the
// sockets of the event loop (net/README.md, "Threads").
#ifndef GRASSDB_NET_STREAM_SERVICE_H_
#define GRASSDB_NET_STREAM_SERVICE_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace grassdb::net {

// One call, as its handler sees it. Lives as long as the handler.
class ServerStream {
 public:
  // Sends a message, or drops it: when too much waits, and when the call is ending.
  virtual void Send(std::string message) = 0;
  // The address that the call comes from, as gRPC writes it: "ipv4:127.0.0.1:40000".
  virtual std::string peer() const = 0;

 protected:
  ~ServerStream() = default;
};

// What one call does. Destroyed when the call has ended.
class StreamHandler {
 public:
  enum class HalfClose { kEndsCall, kKeepsCall };

  virtual ~StreamHandler() = default;
  // An error ends the call with its code and text.
  virtual absl::Status OnMessage(std::string_view message) = 0;
  // What it means that the client will send nothing more.
  virtual HalfClose half_close() const { return HalfClose::kEndsCall; }
};

class StreamService {
 public:
  using MakeHandler = std::function<std::unique_ptr<StreamHandler>(ServerStream*)>;

  StreamService();
  // The queue of Start has been drained.
  ~StreamService();

  grpc::AsyncGenericService* service() { return &service_; }
  // `path` is "/package.Service/Method". Before Start.
  void Add(std::string path, MakeHandler make);
  // Begins to accept calls. After the server has been started. A call to a path that nobody has
  // added is answered with UNIMPLEMENTED.
  void Start(grpc::ServerCompletionQueue* queue);

 private:
  class Stream;

  void Accept();

  grpc::AsyncGenericService service_;
  grpc::ServerCompletionQueue* queue_ = nullptr;
  std::map<std::string, MakeHandler, std::less<>> methods_;
  std::map<Stream*, std::unique_ptr<Stream>> streams_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_STREAM_SERVICE_H_
