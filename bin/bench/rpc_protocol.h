// What the protocols over gRPC have in common: the cheapest shape of a client that was measured.
// Asynchronous stubs, one completion queue polled by one thread, and few channels: further threads
// and channels cost more than they bring.
#ifndef GRASSDB_BIN_BENCH_RPC_PROTOCOL_H_
#define GRASSDB_BIN_BENCH_RPC_PROTOCOL_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bin/bench/protocol.h"
#include "bin/bench/workload.h"
#include "core/types.h"

namespace grassdb::bench {

struct RpcOptions {
  std::vector<std::string> peers;  // host:port, at least one
  std::size_t clients = 1;
  std::size_t channels = 1;  // connections to each node that is asked; the clients share them
  Duration deadline = std::chrono::seconds(5);  // of one operation, its retries included
  std::uint64_t seed = 1;
  bool stream = false;  // grassdb: over Database/Pipeline instead of unary calls
};

// One client. At most one of its events is on the queue at a time; its tag is tag().
class RpcClient {
 public:
  explicit RpcClient(std::size_t number) : number_(number) {}
  RpcClient(const RpcClient&) = delete;
  RpcClient& operator=(const RpcClient&) = delete;
  virtual ~RpcClient() = default;

  std::size_t number() const { return number_; }
  void* tag() { return this; }

  // Puts an event on the queue.
  virtual void Begin(const Request& request) = 0;
  // The event has come. Either the operation has ended (client and time are filled in by the
  // caller), or there is another event on the queue.
  virtual std::optional<Finish> OnEvent() = 0;

 private:
  std::size_t number_;
};

// A call that has been begun, and its answer.
template <class Response>
struct Call {
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  Response response;
};

class RpcProtocol final : public Protocol {
 public:
  RpcProtocol() = default;
  // No operation is under way.
  ~RpcProtocol() override;

  grpc::CompletionQueue* queue() { return &queue_; }
  // Its number is how many there were before.
  void Add(std::unique_ptr<RpcClient> client);

  std::size_t clients() const override { return clients_.size(); }
  Instant Now() const override;
  void Begin(std::size_t client, const Request& request) override;
  std::optional<Finish> Wait(Instant until) override;

 private:
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<RpcClient>> clients_;
};

// A connection of its own, though there may be others to the same node.
std::shared_ptr<grpc::Channel> DialApart(const std::string& endpoint);

// Asks, with a deadline each time, until there is a leader: `ask` gives its address, or what the
// nodes had to say instead. An error says that of the last time, when `patience` is over.
absl::StatusOr<std::string> AwaitLeader(
    Duration patience, const std::function<absl::StatusOr<std::string>(Duration)>& ask);

// `after` from now, as a gRPC deadline.
std::chrono::system_clock::time_point After(Duration after);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_RPC_PROTOCOL_H_
