#include "bin/bench/rpc_protocol.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/check.h"
#include "net/dial.h"
#include "net/event_loop.h"

namespace grassdb::bench {
namespace {

// The queue's own timeouts are whole milliseconds, too coarse for an open loop. So the last of a
// wait is spent asking the queue at once and sleeping for a little in between.
constexpr Duration kCoarse = std::chrono::milliseconds(2);
constexpr Duration kNap = std::chrono::microseconds(50);

gpr_timespec DeadlineIn(Duration left) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(left.count(), GPR_TIMESPAN));
}

}  // namespace

RpcProtocol::~RpcProtocol() {
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void RpcProtocol::Add(std::unique_ptr<RpcClient> client) {
  GRASS_CHECK(client->number() == clients_.size());
  clients_.push_back(std::move(client));
}

Instant RpcProtocol::Now() const {
  return net::SteadyNow();
}

void RpcProtocol::Begin(std::size_t client, const Request& request) {
  clients_[client]->Begin(request);
}

std::optional<Finish> RpcProtocol::Wait(Instant until) {
  while (true) {
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    bool naps = false;
    if (until != Instant::max()) {
      const Duration left = until - Now();
      naps = left < kCoarse;
      deadline = DeadlineIn(naps ? Duration::zero() : left - kCoarse / 2);
    }
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::GOT_EVENT) {
      auto* client = static_cast<RpcClient*>(tag);
      std::optional<Finish> finish = client->OnEvent();
      if (!finish.has_value()) continue;
      finish->client = client->number();
      finish->at = Now();
      return finish;
    }
    const Duration left = until - Now();
    if (left <= Duration::zero()) return std::nullopt;
    if (naps) std::this_thread::sleep_for(std::min(left, kNap));
  }
}

std::shared_ptr<grpc::Channel> DialApart(const std::string& endpoint) {
  grpc::ChannelArguments arguments = net::ClientArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return net::Dial(endpoint, arguments);
}

std::chrono::system_clock::time_point After(Duration after) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(after);
}

}  // namespace grassdb::bench
