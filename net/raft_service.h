// RaftService: the server's end of the streams between peers.
#ifndef GRASSDB_NET_RAFT_SERVICE_H_
#define GRASSDB_NET_RAFT_SERVICE_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "core/message.h"
#include "core/types.h"
#include "net/raft_rpc.h"
#include "net/stream_service.h"

namespace grassdb::net {

class RaftService {
 public:
  // Decodes what has arrived on the stream. An error ends the stream.
  using Decode =
      std::function<absl::StatusOr<Message>(RaftRpc, std::string_view, const ServerStream&)>;
  // Takes the message. It may be answered from inside this call.
  using Receive = std::function<void(Message)>;

  RaftService(Decode decode, Receive receive)
      : decode_(std::move(decode)), receive_(std::move(receive)) {}

  // Outlives the streams of `streams`.
  void AddTo(StreamService* streams);
  // Sends on the newest stream of `rpc` from `to`; without one the message is lost.
  void Respond(RaftRpc rpc, NodeId to, std::string message);

 private:
  class Handler;
  using Key = std::pair<RaftRpc, NodeId>;

  Decode decode_;
  Receive receive_;
  // The stream on which a message of this peer came in last.
  std::map<Key, ServerStream*> newest_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_RAFT_SERVICE_H_
