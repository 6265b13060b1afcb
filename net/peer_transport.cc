#include "net/peer_transport.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "net/dial.h"
#include "net/event_loop.h"

namespace grassdb::net {
namespace {

// Losses come in bursts, and a peer that is down fails several times a second: the first is worth a
// warning, and so is one after the peer was reached again, if that is not all too often.
constexpr Duration kWarningInterval = std::chrono::seconds(5);
// Who is refused tries again at least with every election. One that has stopped trying (a follower
// whose leader takes care of the peer) does not know any more.
constexpr Duration kRefusalHolds = std::chrono::seconds(10);

// How soon and how often the channel itself connects again to a peer that is down.
constexpr int kReconnectMillisMin = 50;
constexpr int kReconnectMillisMax = 500;
constexpr int kConnectTimeoutMillis = 1000;

int MillisOf(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const PeerTransportOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMillisMin);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMillisMax);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, MillisOf(options.keepalive));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, MillisOf(options.keepalive_timeout));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A connection of its own, also where two channels lead to the same address.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kPeerMessageBytesMax));
  arguments.SetMaxSendMessageSize(-1);
  return Dial(address, arguments);
}

}  // namespace

void PeerTransport::Peer::Close() {
  for (const auto& stream : streams) stream->Close();
}

void PeerTransport::Peer::Drain() {
  for (const auto& stream : streams) stream->Drain();
}

bool PeerTransport::Peer::idle() const {
  return std::ranges::all_of(streams, [](const auto& stream) { return stream->idle(); });
}

PeerTransport::PeerTransport(PeerTransportOptions options, Receive receive)
    : options_(std::move(options)),
      receive_(std::move(receive)),
      service_(
          [this](RaftRpc rpc, std::string_view bytes, const ServerStream& stream) {
            return Decode(InfoOf(rpc).request, bytes,
                          [&stream] { return "on a connection from " + stream.peer(); });
          },
          [this](Message message) { receive_(std::move(message)); }) {}

PeerTransport::~PeerTransport() {
  GRASS_CHECK(std::ranges::all_of(peers_, [](const auto& peer) { return peer.second->idle(); }));
  GRASS_CHECK(std::ranges::all_of(retired_, [](const auto& peer) { return peer->idle(); }));
}

void PeerTransport::Start(grpc::CompletionQueue* queue, ClusterId cluster, AddressBook addresses,
                          std::function<const Configuration&()> configuration) {
  queue_ = queue;
  cluster_ = cluster;
  addresses_ = std::move(addresses);
  configuration_ = std::move(configuration);
}

void PeerTransport::Send(Message message) {
  GRASS_CHECK_EQ(message.from, options_.self);
  if (closed_) return;
  const Route route = RouteOf(KindOf(message.body));
  if (route.direction == Direction::kRequest) {
    SendRequest(route.rpc, message);
  } else {
    service_.Respond(route.rpc, message.to, EncodeMessage(message, cluster_));
  }
}

void PeerTransport::SendRequest(RaftRpc rpc, const Message& message) {
  Peer* const peer = PeerFor(message.to);
  if (peer == nullptr) return;  // not a member: there is nowhere to send it
  peer->streams[static_cast<std::size_t>(rpc)]->Send(SteadyNow(), EncodeMessage(message, cluster_));
}

PeerTransport::Peer* PeerTransport::PeerFor(NodeId id) {
  const Member* const member = configuration_().Find(id);
  if (member == nullptr) {
    // It has been dropped, and is to hear of that: as long as there is a way to it.
    const auto at = peers_.find(id);
    return at == peers_.end() ? nullptr : at->second.get();
  }
  const std::string& address = addresses_.Resolve(id, member->address);
  std::unique_ptr<Peer>& peer = peers_[id];
  if (peer != nullptr && peer->address != address) Retire(std::move(peer), &address);
  if (peer == nullptr) peer = Connect(*member, address);
  return peer.get();
}

void PeerTransport::FollowMembership(Index index, bool settled) {
  if (!retired_.empty()) std::erase_if(retired_, [](const auto& peer) { return peer->idle(); });
  if (closed_ || (index == seen_index_ && settled == seen_settled_)) return;
  seen_index_ = index;
  seen_settled_ = settled;
  for (auto at = peers_.begin(); at != peers_.end();) {
    const Member* const member = configuration_().Find(at->first);
    const std::string* const address =
        member == nullptr ? nullptr : &addresses_.Resolve(at->first, member->address);
    const bool stays = address == nullptr ? !settled : *address == at->second->address;
    if (stays) {
      ++at;
    } else {
      Retire(std::move(at->second), address);
      at = peers_.erase(at);
    }
  }
}

// `new_address`: null if it is no member any more.
void PeerTransport::Retire(std::unique_ptr<Peer> peer, const std::string* new_address) {
  if (new_address == nullptr) {
    spdlog::info("Closing the connection to {} at {}: it is no member any more", peer->name,
                 peer->address);
    peer->Drain();  // what it is being told is that it has been removed
  } else {
    spdlog::info("Closing the connection to {} at {}: it is at {} now", peer->name, peer->address,
                 *new_address);
    peer->Close();
  }
  retired_.push_back(std::move(peer));
}

std::unique_ptr<PeerTransport::Peer> PeerTransport::Connect(const Member& member,
                                                            const std::string& address) {
  auto peer = std::make_unique<Peer>();
  Peer* const raw = peer.get();
  peer->name = member.name;
  peer->address = address;
  peer->events.on_message = [this, raw](RaftRpc rpc, std::string_view bytes) -> absl::Status {
    const std::optional<MessageKind> kind = InfoOf(rpc).response;
    if (!kind.has_value()) {
      return absl::InvalidArgumentError("an answer to a message that has none");
    }
    absl::StatusOr<Message> message = Decode(*kind, bytes, [raw] { return "at " + raw->address; });
    if (!message.ok()) return message.status();
    OnHeard(*raw);
    receive_(*std::move(message));
    return absl::OkStatus();
  };
  peer->events.on_lost = [raw](RaftRpc rpc, const grpc::Status& status) {
    OnLost(*raw, rpc, status);
  };
  // Snapshots have a connection of their own (MakeChannel shares none), so that no heartbeat waits
  // behind a chunk in a socket. In the event loops at both ends one may wait behind the coding of a
  // chunk, but only one: no other chunk to a follower is sent before it has asked for it, and none
  // is larger than snapshot_chunk_bytes (core/node_snapshot.cc).
  const std::shared_ptr<grpc::Channel> channel = MakeChannel(address, options_);
  const std::shared_ptr<grpc::Channel> bulk = MakeChannel(address, options_);
  for (std::size_t i = 0; i < kRaftRpcs; ++i) {
    const auto rpc = static_cast<RaftRpc>(i);
    peer->streams[i] = std::make_unique<PeerStream>(
        rpc, rpc == RaftRpc::kInstallSnapshot || rpc == RaftRpc::kRepair ? bulk : channel, queue_,
        &peer->events);
  }
  return peer;
}

void PeerTransport::OnLost(Peer& peer, RaftRpc rpc, const grpc::Status& status) {
  // The codes that Decode refuses with at the other end.
  if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION) {
    return OnRefused(peer, Refusal::kOtherCluster, status);
  }
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    return OnRefused(peer, Refusal::kOtherNode, status);
  }
  const Instant now = SteadyNow();
  // A peer that answers one stream and refuses another is found again and lost again many times.
  const bool lately = peer.warned_at != Instant::min() && now - peer.warned_at < kWarningInterval;
  const bool repeated = peer.lost || lately;
  if (!repeated) {
    peer.lost = true;
    peer.warned_at = now;
  }
  const auto level = repeated ? spdlog::level::debug : spdlog::level::warn;
  if (!peer.heard && status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    spdlog::log(level, "Cannot reach {} at {}: {}", peer.name, peer.address,
                status.error_message());
  } else {
    spdlog::log(level, "Lost the {} stream to {} at {}: {}", InfoOf(rpc).name, peer.name,
                peer.address, status.error_message());
  }
}

// Each of the streams is refused, and again at every attempt: the first refusal is told.
void PeerTransport::OnRefused(Peer& peer, Refusal refusal, const grpc::Status& status) {
  const auto level = peer.refusal == refusal ? spdlog::level::debug : spdlog::level::warn;
  peer.refusal = refusal;
  peer.refused_at = SteadyNow();
  if (refusal == Refusal::kOtherCluster) {
    spdlog::log(level,
                "{} at {} refuses this node: {}. Way out: correct that address, or start all nodes "
                "of one cluster with the same --cluster and --cluster-name",
                peer.name, peer.address, status.error_message());
  } else {
    spdlog::log(level,
                "{} at {} refuses this node: {}. Way out: correct that address, in --cluster or by "
                "grass-cli member move",
                peer.name, peer.address, status.error_message());
  }
}

std::string_view PeerTransport::ProblemWith(NodeId member) const {
  const auto at = peers_.find(member);
  const Refusal refusal = at == peers_.end() ? Refusal::kNone : at->second->refusal;
  if (refusal == Refusal::kNone || SteadyNow() - at->second->refused_at > kRefusalHolds) return {};
  switch (refusal) {
    case Refusal::kNone:
      break;
    case Refusal::kOtherCluster:
      return "another cluster answers there";
    case Refusal::kOtherNode:
      return "another node answers there";
  }
  return {};
}

void PeerTransport::OnHeard(Peer& peer) {
  if (peer.lost || peer.refusal != Refusal::kNone)
    spdlog::info("Reached {} at {}", peer.name, peer.address);
  peer.heard = true;
  peer.lost = false;
  peer.refusal = Refusal::kNone;
}

absl::StatusOr<Message> PeerTransport::Decode(MessageKind kind, std::string_view bytes,
                                              const TwinWatch::Source& source) {
  absl::StatusOr<Message> message = DecodeMessage(kind, bytes, cluster_);
  absl::Status status = message.status();
  if (status.ok() && message->to != options_.self) {
    status = absl::NotFoundError("the message is meant for node " + HexOf(message->to.value()) +
                                 "; this is node " + HexOf(options_.self.value()));
  }
  if (!status.ok()) {
    const Instant now = SteadyNow();
    if (warned_at_ == Instant::min() || now - warned_at_ >= kWarningInterval) {
      warned_at_ = now;
      spdlog::warn("Refused a message of a peer, which came {}: {}", source(),
                   std::string(status.message()));
    }
    return status;
  }
  NoticeTwins(*message, source);
  return message;
}

void PeerTransport::NoticeTwins(const Message& message, const TwinWatch::Source& source) {
  const Member* const member = configuration_().Find(message.from);
  if (member == nullptr) return;  // anybody may claim to be anybody; only members are remembered
  const auto twins = twins_.Heard(SteadyNow(), message.from, message.incarnation, source);
  if (!twins.has_value()) return;
  spdlog::warn(
      "Two processes run as {}: incarnation {} is heard {}, and incarnation {} {}. Each node needs "
      "an --id of its own. Way out: stop the one that was started by mistake; the line \"Started\" "
      "in its log names its incarnation",
      member->name, HexOf(twins->one.incarnation.value()), twins->one.source,
      HexOf(twins->other.incarnation.value()), twins->other.source);
}

void PeerTransport::Close() {
  closed_ = true;
  for (const auto& [id, peer] : peers_) peer->Close();
  for (const auto& peer : retired_) peer->Close();  // one that drains may wait for its peer
}

}  // namespace grassdb::net
