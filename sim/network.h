// The simulated network: between nodes, and between clients and nodes.
//
// Every decision about a message (lost, repeated, how long it takes) is keyed by its sender, its
// receiver, its kind and its number among those of that kind on that link. So no message's fate
// depends on any other message of another kind or link, and taking away a partition changes only
// what the partition cut.
//
// A message may be delivered to a later life of its receiver than the one it was sent to.
//
// Damage. Bytes that change on their way are found by the transport (TCP's checksum, HTTP/2's
// framing, TLS): what was damaged does not arrive, the connection breaks, and with it goes all that
// is under way on the link in that direction. A chunk of a snapshot and the answer to a repair,
// which have checksums of their own, may besides arrive damaged, as if something behind the
// transport had changed them.
#ifndef GRASSDB_SIM_NETWORK_H_
#define GRASSDB_SIM_NETWORK_H_

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "core/api.h"
#include "core/client.h"
#include "core/message.h"
#include "sim/event_queue.h"
#include "sim/plan.h"
#include "sim/random.h"
#include "sim/recorder.h"
#include "sim/slab.h"

namespace grassdb::sim {

// A place that sends and receives: nodes first, then clients.
using Place = std::uint32_t;

// How a client hears that its attempt will not be answered.
struct ConnectionLost {
  Loss loss = Loss::kMaybeSent;
};

// Between a client and a node.
struct ClientPacket {
  std::uint32_t client = 0;
  std::uint64_t client_life = 0;  // which Client object of that place asked
  AttemptId attempt;
  std::uint32_t host = 0;
  std::variant<ClientRequest, Reply, ConnectionLost> body;
};

class SimNetwork {
 public:
  struct InFlight {
    std::uint32_t from = 0;
    Message message;
    std::uint64_t connection = 0;  // of the link: which one it was sent on
    std::uint64_t damage = 0;      // not 0: how its bytes were damaged
  };
  enum class Arrival : std::uint8_t { kWhole = 1, kLost = 2, kDamaged = 3 };

  // All of them outlive the network.
  SimNetwork(const Plan& plan, EventQueue* queue, Recorder* recorder);

  void Send(std::uint32_t from, std::uint32_t to, Message message);
  // The message in a kDeliver event's slot. kLost: its link or its connection went down meanwhile.
  // kDamaged: the transport notices, and the connection breaks.
  InFlight TakeMessage(std::uint64_t slot, std::uint32_t to, Arrival* arrival);

  void SendRequest(ClientPacket packet);
  void SendReply(ClientPacket packet);
  // Tells a client after a while, or never, that the node has died under its attempt.
  void SendReset(ClientPacket packet, Loss loss);
  ClientPacket TakePacket(std::uint64_t slot);

  // After `host` has lost its disk: some of what was said long ago, to it or by it, arrives once
  // more within `within`. Only where messages overtake each other.
  void RepeatOldMail(std::uint32_t host, Duration within);

  // A link is down as long as it has been cut more often than mended.
  void Cut(Place from, Place to);
  void Mend(Place from, Place to);
  bool IsCut(Place from, Place to) const { return links_[from * places_ + to].cuts > 0; }
  // Holds what is sent on the link from `begin` on, until `end`.
  void Clog(Place from, Place to, TrueTime begin, TrueTime end);
  // Every cut and clog ends; nothing is lost, repeated or held up from now on.
  void Heal();

  Place PlaceOfClient(std::uint32_t client) const { return nodes_ + client; }
  std::uint32_t nodes() const { return nodes_; }
  std::uint32_t clients() const { return places_ - nodes_; }

 private:
  static constexpr std::size_t kKinds = std::variant_size_v<MessageBody>;

  struct Link {
    std::uint32_t cuts = 0;
    TrueTime clogged_from;
    TrueTime clogged_until;
    std::uint64_t connection = 0;  // how often it has broken
    TrueTime last_arrival;
    std::uint64_t packets = 0;
    std::uint64_t sent[kKinds] = {};
  };

  Link& LinkOf(Place from, Place to) { return links_[from * places_ + to]; }
  // When something sent now arrives; `random` is its own, `late` the decision that it straggles.
  TrueTime ArrivalOn(Link& link, std::uint64_t random, const Decision& late);
  void Lose(std::uint32_t from, std::uint32_t to, const Message& message);
  void Keep(std::uint32_t from, std::uint32_t to, const Message& message);
  void SendPacket(Place from, Place to, Stream stream, ClientPacket packet);
  // Lets what is not lost arrive.
  void Carry(TrueTime at, std::uint32_t to, InFlight in_flight, bool repeated);
  void Arrive(TrueTime at, ClientPacket packet);

  NetworkPlan plan_;
  Keyed random_;
  EventQueue* queue_;
  Recorder* recorder_;
  std::uint32_t nodes_;
  std::uint32_t places_;
  std::vector<Link> links_;
  Slab<InFlight> messages_;
  Slab<ClientPacket> packets_;
  // What is kept for RepeatOldMail: the first messages of all, and the newest small ones.
  struct OldMail {
    std::uint32_t to = 0;
    InFlight mail;
  };
  std::vector<OldMail> first_mail_;
  std::deque<OldMail> newest_mail_;
  bool keeps_mail_ = false;
  std::uint64_t repeated_ = 0;
};

// The numbers a reader of a trace wants of a message, and a digest of all that matters in it.
struct MessageFacts {
  std::uint64_t kind = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t digest = 0;
};
MessageFacts FactsOf(const Message& message);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_NETWORK_H_
