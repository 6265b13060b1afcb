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
#include "net/outbox.h"

namespace grassdb::net {

// One call, as its handler sees it. Lives as long as the handler.
class ServerStream {
 public:
  // Sends a message, or drops it: when too much waits, and when the call is ending. False if it was
  // dropped.
  virtual bool Send(std::string message) = 0;
  // Reads nothing more, and ends the call when all that was sent is on its way.
  virtual void End(const grpc::Status& status) = 0;
  // Reads on, if reading has stopped because the handler wanted no more.
  virtual void Resume() = 0;
  // The address that the call comes from, as gRPC writes it: "ipv4:127.0.0.1:40000".
  virtual std::string peer() const = 0;

 protected:
  ~ServerStream() = default;
};

// What one call does. Destroyed when the call has ended.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // An error ends the call with its code and text.
  virtual absl::Status OnMessage(std::string_view message) = 0;
  // Asked after each message and after each that was sent. While it is false nothing is read, which
  // the client's sending comes to feel.
  virtual bool wants_more() const { return true; }
  // The client will send nothing more.
  virtual void OnHalfClose(ServerStream& stream) { stream.End(grpc::Status::OK); }
};

class StreamService {
 public:
  using MakeHandler = std::function<std::unique_ptr<StreamHandler>(ServerStream*)>;

  StreamService();
  // The queue of Start has been drained.
  ~StreamService();

  grpc::AsyncGenericService* service() { return &service_; }
  // `path` is "/package.Service/Method". Before Start. `limits`: of what waits to be sent.
  void Add(std::string path, MakeHandler make, Outbox::Limits limits = {});
  // Begins to accept calls. After the server has been started. A call to a path that nobody has
  // added is answered with UNIMPLEMENTED.
  void Start(grpc::ServerCompletionQueue* queue);

 private:
  class Stream;
  struct Method {
    MakeHandler make;
    Outbox::Limits limits;
  };

  void Accept();

  grpc::AsyncGenericService service_;
  grpc::ServerCompletionQueue* queue_ = nullptr;
  std::map<std::string, Method, std::less<>> methods_;
  std::map<Stream*, std::unique_ptr<Stream>> streams_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_STREAM_SERVICE_H_
