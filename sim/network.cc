#include "sim/network.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace grassdb::sim {
namespace {

// What a message's random number decides.
enum Salt : std::uint64_t {
  kSaltDelay = 1,
  kSaltDrop = 2,
  kSaltDuplicate = 3,
  kSaltStraggle = 4,
  kSaltStraggleTime = 5,
  kSaltCopy = 6,
  kSaltReset = 7,
  kSaltDamage = 8,
  kSaltDamagedBit = 9,
  kSaltCorrupt = 10,
};

// Enough for the birth of a cluster of seven.
constexpr std::size_t kFirstMail = 128;
constexpr std::size_t kNewestMail = 64;

struct FactsReader {
  MessageFacts operator()(const RequestVoteRequest& m) const {
    return {0, m.last_log_index.value(), m.last_log_term.value(),
            KeyedRandom(static_cast<std::uint64_t>(m.ballot), static_cast<std::uint64_t>(m.reason),
                        m.campaign_term.value())};
  }
  MessageFacts operator()(const RequestVoteResponse& m) const {
    return {0, m.granted ? 1u : 0u, m.campaign_term.value(), static_cast<std::uint64_t>(m.ballot)};
  }
  MessageFacts operator()(const AppendEntriesRequest& m) const {
    const Term last = m.entries.empty() ? Term() : m.entries.back().term;
    return {0, m.prev_log_index.value(), m.entries.size(),
            KeyedRandom(m.prev_log_term.value(), m.leader_commit.value(), m.read_round.value(),
                        last.value())};
  }
  MessageFacts operator()(const AppendEntriesResponse& m) const {
    const bool matched = m.result == AppendResult::kMatched;
    return {0, static_cast<std::uint64_t>(m.result),
            matched ? m.match_index.value() : m.prev_log_index.value(),
            KeyedRandom(m.prev_log_index.value(), m.conflict_term.value(), m.conflict_index.value(),
                        m.read_round.value())};
  }
  MessageFacts operator()(const InstallSnapshotRequest& m) const {
    return {0, m.meta.index.value(), m.offset,
            KeyedRandom(m.meta.term.value(), m.last ? 1u : 0u, m.checksum)};
  }
  MessageFacts operator()(const InstallSnapshotResponse& m) const {
    return {0, m.snapshot_index.value(), m.next_offset,
            KeyedRandom(m.snapshot_term.value(), m.installed ? 1u : 0u, m.match_index.value())};
  }
  MessageFacts operator()(const TimeoutNow&) const { return {}; }
  MessageFacts operator()(const ReadIndexRequest& m) const { return {0, 0, 0, m.read.value()}; }
  MessageFacts operator()(const ReadIndexResponse& m) const {
    return {0, m.index.value(), 0, KeyedRandom(m.read.value(), m.confirmed ? 1u : 0u)};
  }
  MessageFacts operator()(const RepairRequest& m) const {
    return {0, m.first.value(), m.last.value(),
            KeyedRandom(static_cast<std::uint64_t>(m.ask), m.last_term.value(),
                        m.snapshot_index.value(), m.offset)};
  }
  MessageFacts operator()(const RepairResponse& m) const {
    return {0, static_cast<std::uint64_t>(m.verdict), m.first.value(), m.checksum};
  }
};

PacketKind KindOf(const ClientPacket& packet) {
  if (std::holds_alternative<ClientRequest>(packet.body)) return kPacketRequest;
  return std::holds_alternative<Reply>(packet.body) ? kPacketReply : kPacketReset;
}

// Of the data as a rule, of what stands around it now and then.
void FlipBit(std::uint64_t random, InstallSnapshotRequest* chunk) {
  const std::uint64_t bit = Derive(random, 1);
  switch (Bounded(Derive(random, 2), 8)) {
    case 0:
      chunk->offset ^= std::uint64_t{1} << Bounded(bit, 20);
      return;
    case 1:
      chunk->last = !chunk->last;
      return;
    case 2:
      chunk->meta.index = Index(chunk->meta.index.value() ^ (1 + Bounded(bit, 15)));
      return;
    default:
      break;
  }
  if (chunk->data.empty()) {
    chunk->checksum ^= 1;
    return;
  }
  std::string data(chunk->data.view());
  const std::uint64_t at = Bounded(bit, data.size() * 8);
  data[at / 8] = static_cast<char>(data[at / 8] ^ (1 << at % 8));
  chunk->data = Bytes(data);
}

// Of the entries, if there are any, or of what else it says.
void FlipBit(std::uint64_t bit, RepairResponse* answer) {
  if (answer->verdict == RepairVerdict::kChunk) return FlipBit(bit, &answer->chunk);
  if (answer->entries.empty()) {
    answer->checksum ^= 1;
    return;
  }
  Entry& entry = answer->entries[Bounded(Derive(bit, 1), answer->entries.size())];
  std::string payload(entry.payload.view());
  if (payload.empty()) {
    entry.term = Term(entry.term.value() ^ 1);
    return;
  }
  const std::uint64_t at = Bounded(Derive(bit, 2), payload.size() * 8);
  payload[at / 8] = static_cast<char>(payload[at / 8] ^ (1 << at % 8));
  entry.payload = Bytes(payload);
}

}  // namespace

MessageFacts FactsOf(const Message& message) {
  MessageFacts facts = std::visit(FactsReader(), message.body);
  facts.kind = message.body.index();
  facts.digest = Fold(facts.digest, Fold(facts.a, facts.b));
  return facts;
}

SimNetwork::SimNetwork(const Plan& plan, EventQueue* queue, Recorder* recorder)
    : plan_(plan.network),
      random_(plan.seed, plan.tape),
      queue_(queue),
      recorder_(recorder),
      nodes_(plan.nodes),
      places_(plan.nodes + plan.workload.clients),
      links_(std::size_t{places_} * places_),
      keeps_mail_(plan.network.order == DeliveryOrder::kAny &&
                  plan.faults[static_cast<std::size_t>(FaultKind::kWipe)].on) {}

TrueTime SimNetwork::ArrivalOn(Link& link, std::uint64_t random, const Decision& late) {
  Duration delay =
      plan_.delay_min + Between(Derive(random, kSaltDelay), Duration(0), plan_.delay_spread);
  if (Chance(Derive(random, kSaltStraggle), plan_.straggle) && recorder_->choices.Takes(late)) {
    delay += Between(Derive(random, kSaltStraggleTime), Duration(0), plan_.straggle_max);
  }
  TrueTime at = queue_->now() + delay;
  if (link.clogged_from <= queue_->now() && queue_->now() < link.clogged_until) {
    at = std::max(at, link.clogged_until + delay / 16);
  }
  if (plan_.order == DeliveryOrder::kPerLink) at = std::max(at, link.last_arrival);
  link.last_arrival = std::max(link.last_arrival, at);
  return at;
}

void SimNetwork::Lose(std::uint32_t from, std::uint32_t to, const Message& message) {
  ++recorder_->counters.messages_lost;
  recorder_->Note(LineKind::kLost, from, message.body.index(), to, message.term.value());
}

void SimNetwork::Send(std::uint32_t from, std::uint32_t to, Message message) {
  Link& link = LinkOf(from, to);
  const std::size_t kind = message.body.index();
  const std::uint64_t random = random_(Stream::kMessage, from, to, kind, ++link.sent[kind]);
  const auto decision = [&](Choice choice) {
    return Decision{choice, {from, to, static_cast<std::uint32_t>(kind)}, link.sent[kind]};
  };
  const auto takes = [&](Salt salt, PerMillion rate, Choice choice) {
    return Chance(Derive(random, salt), rate) && recorder_->choices.Takes(decision(choice));
  };
  ++recorder_->counters.messages_sent;
  if (keeps_mail_) Keep(from, to, message);
  if (link.cuts > 0 || takes(kSaltDrop, plan_.drop, Choice::kLoss)) {
    Lose(from, to, message);
    return;
  }
  if (takes(kSaltDuplicate, plan_.duplicate, Choice::kCopy)) {
    ++recorder_->counters.messages_repeated;
    // The copy's time is its own: it may come first, or long after.
    const std::uint64_t own = Derive(random, kSaltCopy);
    const TrueTime at = ArrivalOn(link, own, decision(Choice::kCopyLate));
    Carry(at, to, {from, message, 0, 0}, true);
  }
  auto* chunk = std::get_if<InstallSnapshotRequest>(&message.body);
  if (chunk != nullptr && takes(kSaltDamage, plan_.damage, Choice::kDamage)) {
    ++recorder_->counters.chunks_damaged;
    FlipBit(Derive(random, kSaltDamagedBit), chunk);
  }
  auto* answer = std::get_if<RepairResponse>(&message.body);
  if (answer != nullptr && takes(kSaltDamage, plan_.damage, Choice::kDamage)) {
    ++recorder_->counters.chunks_damaged;
    FlipBit(Derive(random, kSaltDamagedBit), answer);
  }
  std::uint64_t damage = 0;
  if (takes(kSaltCorrupt, plan_.corrupt, Choice::kCorrupt))
    damage = Derive(random, kSaltCorrupt) | 1;
  const TrueTime at = ArrivalOn(link, random, decision(Choice::kStraggle));
  Carry(at, to, {from, std::move(message), 0, damage}, false);
}

void SimNetwork::Carry(TrueTime at, std::uint32_t to, InFlight in_flight, bool repeated) {
  const std::uint32_t from = in_flight.from;
  const std::size_t kind = in_flight.message.body.index();
  const std::uint64_t term = in_flight.message.term.value();
  in_flight.connection = LinkOf(from, to).connection;
  const std::uint32_t slot = messages_.Put(std::move(in_flight));
  queue_->Push(at, EventType::kDeliver, to, slot);
  recorder_->Show(LineKind::kSent, from, kind, to, term, std::uint64_t{slot} * 2, repeated ? 1 : 0);
}

void SimNetwork::Keep(std::uint32_t from, std::uint32_t to, const Message& message) {
  if (first_mail_.size() < kFirstMail) {
    first_mail_.push_back({to, {from, message, 0, 0}});
    return;
  }
  // What a leader sends carries entries or chunks, and a later one takes its place anyway.
  if (std::holds_alternative<AppendEntriesRequest>(message.body) ||
      std::holds_alternative<InstallSnapshotRequest>(message.body)) {
    return;
  }
  newest_mail_.push_back({to, {from, message, 0, 0}});
  if (newest_mail_.size() > kNewestMail) newest_mail_.pop_front();
}

void SimNetwork::RepeatOldMail(std::uint32_t host, Duration within) {
  const auto repeat = [&](const OldMail& old) {
    if (old.to != host && old.mail.from != host) return;
    const std::uint64_t number = ++repeated_;
    const std::uint64_t random = random_(Stream::kOldMail, host, number);
    if (random % 2 == 0 || !recorder_->choices.Takes({Choice::kOldMail, {host}, number})) return;
    ++recorder_->counters.messages_repeated;
    const TrueTime at = queue_->now() + Between(Derive(random, kSaltCopy), Duration(0), within);
    Carry(at, old.to, old.mail, true);
  };
  for (const OldMail& old : first_mail_) repeat(old);
  for (const OldMail& old : newest_mail_) repeat(old);
}

SimNetwork::InFlight SimNetwork::TakeMessage(std::uint64_t slot, std::uint32_t to,
                                             Arrival* arrival) {
  InFlight in_flight = messages_.Take(slot);
  recorder_->Show(LineKind::kTaken, to, 0, 0, 0, slot * 2);
  Link& link = LinkOf(in_flight.from, to);
  *arrival = Arrival::kWhole;
  if (link.cuts > 0 || in_flight.connection != link.connection) {
    *arrival = Arrival::kLost;
  } else if (in_flight.damage != 0) {
    *arrival = Arrival::kDamaged;
    ++link.connection;
    ++recorder_->counters.connections_broken;
  }
  if (*arrival != Arrival::kWhole) Lose(in_flight.from, to, in_flight.message);
  return in_flight;
}

void SimNetwork::Arrive(TrueTime at, ClientPacket packet) {
  const bool request = std::holds_alternative<ClientRequest>(packet.body);
  const std::uint32_t target = request ? packet.host : packet.client;
  const Place client = PlaceOfClient(packet.client);
  const Place from = request ? client : packet.host;
  const Place to = request ? packet.host : client;
  const PacketKind kind = KindOf(packet);
  const std::uint32_t slot = packets_.Put(std::move(packet));
  queue_->Push(at, request ? EventType::kRequest : EventType::kReply, target, slot);
  recorder_->Show(LineKind::kSent, from, kind, to, 0, std::uint64_t{slot} * 2 + 1);
}

ClientPacket SimNetwork::TakePacket(std::uint64_t slot) {
  ClientPacket packet = packets_.Take(slot);
  const bool request = std::holds_alternative<ClientRequest>(packet.body);
  recorder_->Show(LineKind::kTaken, request ? packet.host : PlaceOfClient(packet.client), 0, 0, 0,
                  slot * 2 + 1);
  return packet;
}

void SimNetwork::SendPacket(Place from, Place to, Stream stream, ClientPacket packet) {
  Link& link = LinkOf(from, to);
  const std::uint64_t random = random_(stream, from, to, ++link.packets);
  const TrueTime at = ArrivalOn(link, random, {Choice::kPacketLate, {from, to}, link.packets});
  const bool lost =
      link.cuts > 0 || (Chance(Derive(random, kSaltDrop), plan_.drop) &&
                        recorder_->choices.Takes({Choice::kPacketLoss, {from, to}, link.packets}));
  const bool broken = !lost && Chance(Derive(random, kSaltCorrupt), plan_.corrupt) &&
                      recorder_->choices.Takes({Choice::kPacketCorrupt, {from, to}, link.packets});
  if (!lost && !broken) {
    Arrive(at, std::move(packet));
    return;
  }
  ++recorder_->counters.messages_lost;
  recorder_->Show(LineKind::kLost, from, KindOf(packet), to);
  // Who has a connection sees it break.
  if (broken) ++recorder_->counters.connections_broken;
  if (broken || Chance(Derive(random, kSaltReset), plan_.reset_seen)) {
    packet.body = ConnectionLost{Loss::kMaybeSent};
    Arrive(at, std::move(packet));
  }
}

void SimNetwork::SendRequest(ClientPacket packet) {
  const Place from = PlaceOfClient(packet.client);
  const Place to = packet.host;
  SendPacket(from, to, Stream::kRequest, std::move(packet));
}

void SimNetwork::SendReply(ClientPacket packet) {
  const Place from = packet.host;
  const Place to = PlaceOfClient(packet.client);
  SendPacket(from, to, Stream::kReply, std::move(packet));
}

void SimNetwork::SendReset(ClientPacket packet, Loss loss) {
  const Place to = PlaceOfClient(packet.client);
  Link& link = LinkOf(packet.host, to);
  const std::uint64_t random = random_(Stream::kReply, packet.host, to, ++link.packets);
  if (link.cuts > 0 || !Chance(Derive(random, kSaltReset), plan_.reset_seen)) return;
  const Decision late{Choice::kPacketLate, {packet.host, to}, link.packets};
  packet.body = ConnectionLost{loss};
  Arrive(ArrivalOn(link, random, late), std::move(packet));
}

void SimNetwork::Cut(Place from, Place to) {
  ++LinkOf(from, to).cuts;
  recorder_->Show(LineKind::kCut, from, 0, to);
}

void SimNetwork::Mend(Place from, Place to) {
  Link& link = LinkOf(from, to);
  if (link.cuts > 0) --link.cuts;  // 0 already when Heal came first
  recorder_->Show(LineKind::kMended, from, 0, to);
}

void SimNetwork::Clog(Place from, Place to, TrueTime begin, TrueTime end) {
  Link& link = LinkOf(from, to);
  const bool over = link.clogged_until <= queue_->now();
  link.clogged_from = over ? begin : std::min(link.clogged_from, begin);
  link.clogged_until = over ? end : std::max(link.clogged_until, end);
  recorder_->Show(LineKind::kClogged, from, 0, to, Nanoseconds(link.clogged_from),
                  Nanoseconds(link.clogged_until));
}

void SimNetwork::Heal() {
  plan_.drop = 0;
  plan_.duplicate = 0;
  plan_.straggle = 0;
  plan_.damage = 0;
  plan_.corrupt = 0;
  plan_.reset_seen = 1'000'000;
  for (Link& link : links_) {
    link.cuts = 0;
    link.clogged_until = TrueTime();
    link.last_arrival = TrueTime();
  }
}

}  // namespace grassdb::sim
