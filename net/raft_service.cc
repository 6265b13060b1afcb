#include "net/raft_service.h"

#include <cstddef>
#include <memory>
#include <utility>

namespace grassdb::net {

class RaftService::Handler final : public StreamHandler {
 public:
  Handler(RaftService* service, RaftRpc rpc, ServerStream* stream)
      : service_(service), rpc_(rpc), stream_(stream) {}
  ~Handler() override { Forget(); }

  absl::Status OnMessage(std::string_view bytes) override {
    absl::StatusOr<Message> message = service_->decode_(rpc_, bytes, *stream_);
    if (!message.ok()) return message.status();
    if (message->from != from_) Forget();
    from_ = message->from;
    service_->newest_[{rpc_, from_}] = stream_;  // first: the answer may come at once
    service_->receive_(*std::move(message));
    return absl::OkStatus();
  }

 private:
  void Forget() {
    const auto at = service_->newest_.find({rpc_, from_});
    if (at != service_->newest_.end() && at->second == stream_) service_->newest_.erase(at);
  }

  RaftService* const service_;
  const RaftRpc rpc_;
  ServerStream* const stream_;
  NodeId from_;
};

void RaftService::AddTo(StreamService* streams) {
  for (std::size_t i = 0; i < kRaftRpcs; ++i) {
    const auto rpc = static_cast<RaftRpc>(i);
    streams->Add(InfoOf(rpc).path, [this, rpc](ServerStream* stream) {
      return std::make_unique<Handler>(this, rpc, stream);
    });
  }
}

void RaftService::Respond(RaftRpc rpc, NodeId to, std::string message) {
  const auto at = newest_.find({rpc, to});
  if (at != newest_.end()) at->second->Send(std::move(message));
}

}  // namespace grassdb::net
