// PeerTransport: core's Network over gRPC. Requests go out on streams this node opens to its peers
// (PeerStream), answers come back on the same streams; and the other way round for the streams that
// peers open to this node (RaftService).
#ifndef GRASSDB_NET_PEER_TRANSPORT_H_
#define GRASSDB_NET_PEER_TRANSPORT_H_

#include <grpcpp/grpcpp.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/configuration.h"
#include "core/environment.h"
#include "core/types.h"
#include "net/address_book.h"
#include "net/peer_stream.h"
#include "net/raft_service.h"
#include "net/twin_watch.h"

namespace grassdb::net {

struct PeerTransportOptions {
  NodeId self;
  // A connection on which nothing was heard for the first of these is tested with a ping; without
  // an answer within the second it is given up and made anew.
  Duration keepalive = std::chrono::seconds(10);
  Duration keepalive_timeout = std::chrono::seconds(3);
};

class PeerTransport final : public Network {
 public:
  using Receive = std::function<void(Message)>;

  // `receive` is called on the event loop for each message that is meant for this node.
  PeerTransport(PeerTransportOptions options, Receive receive);
  // After Close and the end of the event loop.
  ~PeerTransport() override;

  // Takes part in the streams that peers open. Outlives them.
  void AddTo(StreamService* streams) { service_.AddTo(streams); }
  // The members are looked up with `configuration` at each message, for it may change at any time.
  void Start(grpc::CompletionQueue* queue, ClusterId cluster, AddressBook addresses,
             std::function<const Configuration&()> configuration);
  void Send(Message message) override;
  // After each round of the event loop. `index` and `settled` say of the configuration which log
  // entry it is from and that it is committed. A connection to where a member was before it moved
  // is dropped; who is no member any more is let go of when that is settled, for until then the
  // leader still speaks to it.
  void FollowMembership(Index index, bool settled);
  // Why this node's messages do not get to a member, if the member's address has said so, for a
  // person; empty: nothing is known against it.
  std::string_view ProblemWith(NodeId member) const;
  // Ends the calls of this node; its peers' calls end with the server.
  void Close();

 private:
  // What answers where the peer should.
  enum class Refusal : std::uint8_t { kNone, kOtherCluster, kOtherNode };
  struct Peer {
    std::string name;
    std::string address;
    std::array<std::unique_ptr<PeerStream>, kRaftRpcs> streams;
    PeerStream::Events events;
    bool heard = false;                   // a message of its has come
    bool lost = false;                    // and was told, and nothing has come since
    Instant warned_at = Instant::min();   // when that was
    Refusal refusal = Refusal::kNone;     // and was told, and nothing has come since
    Instant refused_at = Instant::min();  // last

    void Close();
    void Drain();
    bool idle() const;
  };

  void SendRequest(RaftRpc rpc, const Message& message);
  Peer* PeerFor(NodeId id);
  std::unique_ptr<Peer> Connect(const Member& member, const std::string& address);
  void Retire(std::unique_ptr<Peer> peer, const std::string* new_address);
  static void OnLost(Peer& peer, RaftRpc rpc, const grpc::Status& status);
  static void OnRefused(Peer& peer, Refusal refusal, const grpc::Status& status);
  static void OnHeard(Peer& peer);
  // `source` gives where the message came from; it is asked only when that matters.
  absl::StatusOr<Message> Decode(MessageKind kind, std::string_view bytes,
                                 const TwinWatch::Source& source);
  void NoticeTwins(const Message& message, const TwinWatch::Source& source);

  const PeerTransportOptions options_;
  Receive receive_;
  RaftService service_;
  grpc::CompletionQueue* queue_ = nullptr;
  ClusterId cluster_;
  AddressBook addresses_;
  std::function<const Configuration&()> configuration_;
  std::map<NodeId, std::unique_ptr<Peer>> peers_;
  std::vector<std::unique_ptr<Peer>> retired_;  // their calls are ending
  Index seen_index_;                            // of the last FollowMembership...
  bool seen_settled_ = false;                   // ...and whether it was committed
  TwinWatch twins_;
  Instant warned_at_ = Instant::min();
  bool closed_ = false;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_PEER_TRANSPORT_H_
