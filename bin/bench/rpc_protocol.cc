#include "bin/bench/rpc_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/check.h"
#include "net/dial.h"
#include "net/event_loop.h"
#include "net/next_before.h"

namespace grassdb::bench {

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
    void* tag = nullptr;
    bool ok = false;
    if (net::NextBefore(queue_, until, &tag, &ok) != grpc::CompletionQueue::GOT_EVENT) {
      return std::nullopt;
    }
    auto* client = static_cast<RpcClient*>(tag);
    std::optional<Finish> finish = client->OnEvent();
    if (!finish.has_value()) continue;
    finish->client = client->number();
    finish->at = Now();
    return finish;
  }
}

std::shared_ptr<grpc::Channel> DialApart(const std::string& endpoint) {
  grpc::ChannelArguments arguments = net::ClientArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return net::Dial(endpoint, arguments);
}

absl::StatusOr<std::string> AwaitLeader(
    Duration patience, const std::function<absl::StatusOr<std::string>(Duration)>& ask) {
  constexpr Duration kPause = std::chrono::milliseconds(100);
  const Instant deadline = net::SteadyNow() + patience;
  while (true) {
    absl::StatusOr<std::string> leader = ask(std::max(deadline - net::SteadyNow(), kPause));
    if (leader.ok()) return leader;
    if (net::SteadyNow() + kPause >= deadline) {
      return absl::UnavailableError(fmt::format(
          "--peers: no leader has answered within {:g} s ({}); see that a majority of the nodes "
          "runs, or name others",
          std::chrono::duration<double>(patience).count(), std::string(leader.status().message())));
    }
    std::this_thread::sleep_for(kPause);
  }
}

std::chrono::system_clock::time_point After(Duration after) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(after);
}

}  // namespace grassdb::bench
