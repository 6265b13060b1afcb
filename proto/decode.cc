// The half of proto/convert.h that trusts nobody: from the bytes of peers into core's messages,
// every field checked.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/check.h"
#include "core/command.h"
#include "proto/convert.h"
#include "proto/messages.h"

namespace grassdb {
namespace {

// No cluster reaches such a term, index or offset; above it, arithmetic could wrap. One such term
// would spread, be durable everywhere, and end all elections.
constexpr std::uint64_t kNumberBound = std::uint64_t{1} << 62;

namespace raft = wire::raft;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr std::uint32_t kEntriesTag = WireFormatLite::MakeTag(
    raft::AppendEntriesRequest::kEntriesFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint32_t kTermTag =
    WireFormatLite::MakeTag(raft::LogEntry::kTermFieldNumber, WireFormatLite::WIRETYPE_VARINT);
constexpr std::uint32_t kTypeTag =
    WireFormatLite::MakeTag(raft::LogEntry::kTypeFieldNumber, WireFormatLite::WIRETYPE_VARINT);
constexpr std::uint32_t kPayloadTag = WireFormatLite::MakeTag(
    raft::LogEntry::kPayloadFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

// Checks the fields of one message; remembers the first that is wrong.
class Fields {
 public:
  explicit Fields(const char* message) : message_(message) {}

  void Require(bool holds, const char* field, std::uint64_t value, const char* rule) {
    if (!holds) Refuse(field, std::to_string(value) + " " + rule);
  }
  void RequireNotZero(const char* field, std::uint64_t value) {
    Require(value != 0, field, value, "is not a valid value");
  }
  void Refuse(const char* field, const std::string& text) {
    if (!problem_.ok()) return;
    problem_ = absl::InvalidArgumentError(std::string(message_) + "." + field + ": " + text);
  }

  const absl::Status& problem() const { return problem_; }

 private:
  const char* message_;
  absl::Status problem_;
};

// As convert.cc's NanosOf has it: every number is an instant.
Instant InstantOf(std::int64_t nanos) {
  return Instant(Duration(nanos));
}

// An entry as it came in; the payload is still in the message.
struct WireEntry {
  std::uint64_t term = 0;
  std::uint32_t type = 0;
  std::string_view payload;
};

// Reads LogEntry as protobuf would, but for the payload, which is only looked at.
bool ParseEntry(std::string_view bytes, WireEntry& entry) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    switch (tag) {
      case kTermTag:
        if (!in.ReadVarint64(&entry.term)) return false;
        break;
      case kTypeTag:
        if (!in.ReadVarint32(&entry.type)) return false;
        break;
      case kPayloadTag: {
        std::uint32_t size = 0;
        if (!in.ReadVarint32(&size)) return false;
        const auto at = static_cast<std::size_t>(in.CurrentPosition());
        if (size > bytes.size() - at) return false;
        entry.payload = bytes.substr(at, size);
        in.Skip(static_cast<int>(size));
        break;
      }
      default:
        if (!WireFormatLite::SkipField(&in, tag)) return false;
    }
  }
  return in.ConsumedEntireMessage();
}

// Parts an AppendEntriesRequest: the entries, and the bytes of everything else, which is a message
// too. Entries are read by hand, because a LogEntry each would copy every payload once more.
bool PartAppend(std::string_view bytes, std::vector<WireEntry>& entries, std::string& rest) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  while (true) {
    const auto begin = static_cast<std::size_t>(in.CurrentPosition());
    const std::uint32_t tag = in.ReadTag();
    if (tag == 0) return in.ConsumedEntireMessage();
    if (tag != kEntriesTag) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      rest.append(bytes.substr(begin, static_cast<std::size_t>(in.CurrentPosition()) - begin));
      continue;
    }
    std::uint32_t size = 0;
    if (!in.ReadVarint32(&size)) return false;
    const auto at = static_cast<std::size_t>(in.CurrentPosition());
    if (size > bytes.size() - at) return false;
    if (!ParseEntry(bytes.substr(at, size), entries.emplace_back())) return false;
    in.Skip(static_cast<int>(size));
  }
}

// A configuration that no cluster can have is refused like bytes that are none: adopted, it would
// leave a cluster without a quorum, or with one that two leaders can have.
std::optional<Configuration> TakeConfiguration(std::string_view bytes, const char* field,
                                               Fields& fields) {
  std::optional<Configuration> configuration = DecodeConfiguration(bytes);
  if (!configuration.has_value()) {
    fields.Refuse(field, "does not decode as a configuration");
    return std::nullopt;
  }
  if (const std::optional<std::string> problem = configuration->Problem()) {
    fields.Refuse(field, "is a configuration that no cluster has: " + *problem);
    return std::nullopt;
  }
  return configuration;
}

constexpr const char* kBallotRule = "is not a ballot";

bool IsBallot(int ballot) {
  return ballot == raft::PRE_VOTE || ballot == raft::VOTE;
}

RequestVoteRequest FromWire(raft::RequestVoteRequest& wire, const Message&, Fields& fields) {
  fields.Require(IsBallot(wire.ballot()), "ballot", static_cast<std::uint64_t>(wire.ballot()),
                 kBallotRule);
  fields.RequireNotZero("campaign_term", wire.campaign_term());
  fields.Require(wire.campaign_term() <= kNumberBound, "campaign_term", wire.campaign_term(),
                 "is not a term any cluster reaches");
  fields.Require((wire.last_log_index() == 0) == (wire.last_log_term() == 0), "last_log_term",
                 wire.last_log_term(), "does not fit last_log_index");
  RequestVoteRequest body;
  body.ballot = static_cast<Ballot>(wire.ballot());
  body.reason = wire.transfer() ? CampaignReason::kTransfer : CampaignReason::kTimeout;
  body.last_log_index = Index(wire.last_log_index());
  body.last_log_term = Term(wire.last_log_term());
  body.campaign_term = Term(wire.campaign_term());
  return body;
}

RequestVoteResponse FromWire(raft::RequestVoteResponse& wire, const Message&, Fields& fields) {
  fields.Require(IsBallot(wire.ballot()), "ballot", static_cast<std::uint64_t>(wire.ballot()),
                 kBallotRule);
  fields.RequireNotZero("campaign_term", wire.campaign_term());
  fields.Require(wire.campaign_term() <= kNumberBound, "campaign_term", wire.campaign_term(),
                 "is not a term any cluster reaches");
  fields.Require(wire.removed_at() < kNumberBound, "removed_at", wire.removed_at(),
                 "is not an index any log reaches");
  RequestVoteResponse body;
  body.ballot = static_cast<Ballot>(wire.ballot());
  body.campaign_term = Term(wire.campaign_term());
  body.granted = wire.granted();
  body.removed_at = Index(wire.removed_at());
  return body;
}

// The checks of one entry; `last_term` is the term of the entry before it.
void CheckEntry(const WireEntry& entry, Term last_term, Term leader_term, Fields& fields) {
  fields.Require(entry.term >= last_term.value(), "entries.term", entry.term,
                 "is below the term of the entry before it");
  fields.Require(entry.term <= leader_term.value(), "entries.term", entry.term,
                 "is above the term of the leader");
  fields.RequireNotZero("entries.term", entry.term);
  switch (entry.type) {
    case static_cast<std::uint32_t>(EntryType::kNoop):
      fields.Require(entry.payload.empty(), "entries.payload", entry.payload.size(),
                     "bytes in an entry that carries none");
      return;
    case static_cast<std::uint32_t>(EntryType::kCommand):
      // Here, and not when it is committed: then it would stop every node, after every start.
      if (!IsCommand(entry.payload)) {
        fields.Refuse("entries.payload", "does not decode as a command");
      }
      return;
    case static_cast<std::uint32_t>(EntryType::kConfiguration):
      TakeConfiguration(entry.payload, "entries.payload", fields);
      return;
    default:
      fields.Require(false, "entries.type", entry.type, "is not an entry type");
  }
}

AppendEntriesRequest FromWire(const raft::AppendEntriesRequest& wire,
                              const std::vector<WireEntry>& entries, const Message& message,
                              Fields& fields) {
  fields.RequireNotZero("header.term", message.term.value());
  fields.Require((wire.prev_log_index() == 0) == (wire.prev_log_term() == 0), "prev_log_term",
                 wire.prev_log_term(), "does not fit prev_log_index");
  fields.Require(wire.prev_log_term() <= message.term.value(), "prev_log_term",
                 wire.prev_log_term(), "is above the term of the leader");
  fields.Require(wire.prev_log_index() < kNumberBound, "prev_log_index", wire.prev_log_index(),
                 "is not an index any log reaches");
  AppendEntriesRequest body;
  body.prev_log_index = Index(wire.prev_log_index());
  body.prev_log_term = Term(wire.prev_log_term());
  body.leader_commit = Index(wire.leader_commit());
  body.read_round = ReadRound(wire.read_round());
  body.sent_at = InstantOf(wire.sent_at());
  body.vital = wire.vital();
  body.forgot = Incarnation(wire.forgot());
  body.entries.reserve(entries.size());
  Index index = body.prev_log_index;
  Term last_term = body.prev_log_term;
  for (const WireEntry& entry : entries) {
    CheckEntry(entry, last_term, message.term, fields);
    if (!fields.problem().ok()) break;
    last_term = Term(entry.term);
    body.entries.push_back(Entry{.index = ++index,
                                 .term = last_term,
                                 .type = static_cast<EntryType>(entry.type),
                                 .payload = Bytes(entry.payload)});
  }
  return body;
}

AppendEntriesResponse FromWire(raft::AppendEntriesResponse& wire, const Message& message,
                               Fields& fields) {
  fields.RequireNotZero("header.term", message.term.value());
  fields.Require(wire.result() == raft::MATCHED || wire.result() == raft::CONFLICT ||
                     wire.result() == raft::STALE_TERM,
                 "result", static_cast<std::uint64_t>(wire.result()), "is not a result");
  fields.Require(wire.standing() == raft::PROVEN || wire.standing() == raft::UNPROVEN, "standing",
                 static_cast<std::uint64_t>(wire.standing()), "is not a standing");
  fields.Require(wire.defends() <= kNumberBound, "defends", wire.defends(),
                 "is longer than any election timeout");
  AppendEntriesResponse body;
  body.result = static_cast<AppendResult>(wire.result());
  body.standing = static_cast<Standing>(wire.standing());
  body.match_index = Index(wire.match_index());
  body.prev_log_index = Index(wire.prev_log_index());
  body.conflict_term = Term(wire.conflict_term());
  body.conflict_index = Index(wire.conflict_index());
  body.read_round = ReadRound(wire.read_round());
  body.sent_at = InstantOf(wire.sent_at());
  body.defends = Duration(static_cast<Duration::rep>(wire.defends()));
  body.disk_full = wire.disk_full();
  return body;
}

InstallSnapshotRequest FromWire(raft::InstallSnapshotRequest& wire, const Message& message,
                                Fields& fields) {
  const raft::SnapshotMeta& meta = wire.meta();
  fields.RequireNotZero("meta.index", meta.index());
  fields.RequireNotZero("meta.term", meta.term());
  fields.Require(meta.term() <= message.term.value(), "meta.term", meta.term(),
                 "is above the term of the leader");
  fields.Require(meta.configuration_index() <= meta.index(), "meta.configuration_index",
                 meta.configuration_index(), "is above meta.index");
  fields.Require(wire.offset() < kNumberBound, "offset", wire.offset(),
                 "is not an offset any snapshot reaches");
  std::optional<Configuration> configuration =
      TakeConfiguration(meta.configuration(), "meta.configuration", fields);
  if (!configuration.has_value()) return {};
  InstallSnapshotRequest body;
  body.meta.index = Index(meta.index());
  body.meta.term = Term(meta.term());
  body.meta.configuration = *std::move(configuration);
  body.meta.configuration_index = Index(meta.configuration_index());
  body.offset = wire.offset();
  body.last = wire.last();
  body.data = Bytes(wire.data());
  body.checksum = wire.checksum();
  return body;
}

InstallSnapshotResponse FromWire(raft::InstallSnapshotResponse& wire, const Message&,
                                 Fields& fields) {
  fields.RequireNotZero("snapshot_index", wire.snapshot_index());
  fields.RequireNotZero("snapshot_term", wire.snapshot_term());
  InstallSnapshotResponse body;
  body.snapshot_index = Index(wire.snapshot_index());
  body.snapshot_term = Term(wire.snapshot_term());
  body.installed = wire.installed();
  body.match_index = Index(wire.match_index());
  body.next_offset = wire.next_offset();
  return body;
}

TimeoutNow FromWire(raft::TimeoutNowRequest&, const Message& message, Fields& fields) {
  fields.RequireNotZero("header.term", message.term.value());
  return {};
}

ReadIndexRequest FromWire(raft::ReadIndexRequest& wire, const Message&, Fields& fields) {
  fields.RequireNotZero("read", wire.read());
  return {.read = ReadId(wire.read())};
}

ReadIndexResponse FromWire(raft::ReadIndexResponse& wire, const Message&, Fields& fields) {
  fields.RequireNotZero("read", wire.read());
  ReadIndexResponse body;
  body.read = ReadId(wire.read());
  body.confirmed = wire.confirmed();
  body.index = Index(wire.index());
  return body;
}

RepairRequest FromWire(raft::RepairRequest& wire, const Message&, Fields& fields) {
  fields.Require(
      wire.ask() == raft::ENTRIES || wire.ask() == raft::PROOF || wire.ask() == raft::SNAPSHOT,
      "ask", static_cast<std::uint64_t>(wire.ask()), "is nothing to ask for");
  fields.RequireNotZero("first", wire.first());
  fields.Require(wire.ask() == raft::SNAPSHOT || wire.first() <= wire.last(), "last", wire.last(),
                 "is below first");
  fields.Require(wire.first() < kNumberBound, "first", wire.first(),
                 "is not an index any log reaches");
  fields.Require(wire.last() < kNumberBound, "last", wire.last(),
                 "is not an index any log reaches");
  fields.Require(wire.offset() < kNumberBound, "offset", wire.offset(),
                 "is not an offset any snapshot reaches");
  RepairRequest body;
  body.ask = static_cast<RepairAsk>(wire.ask());
  body.first = Index(wire.first());
  body.last = Index(wire.last());
  body.previous_term = Term(wire.previous_term());
  body.last_term = Term(wire.last_term());
  body.snapshot_index = Index(wire.snapshot_index());
  body.snapshot_term = Term(wire.snapshot_term());
  body.offset = wire.offset();
  body.takes_rest = wire.takes_rest();
  body.deposes = wire.deposes();
  return body;
}

RepairResponse FromWire(raft::RepairResponse& wire, const Message& message, Fields& fields) {
  fields.Require(wire.verdict() >= raft::UNKNOWN && wire.verdict() <= raft::REST, "verdict",
                 static_cast<std::uint64_t>(wire.verdict()), "is not a verdict");
  fields.Require(wire.first() < kNumberBound, "first", wire.first(),
                 "is not an index any log reaches");
  fields.Require(wire.previous_term() <= message.term.value(), "previous_term",
                 wire.previous_term(), "is above the term of the sender");
  const bool is_rest = wire.verdict() == raft::REST;
  fields.Require(!is_rest || wire.rest_first() > wire.first(), "rest_first", wire.rest_first(),
                 "is not behind first");
  fields.Require(wire.rest_first() < kNumberBound, "rest_first", wire.rest_first(),
                 "is not an index any log reaches");
  RepairResponse body;
  body.verdict = static_cast<RepairVerdict>(wire.verdict());
  body.first = Index(wire.first());
  body.last = Index(wire.last());
  body.last_term = Term(wire.last_term());
  body.previous_term = Term(wire.previous_term());
  const Index begin = is_rest ? Index(wire.rest_first()) : body.first;
  Term last_term = body.previous_term;
  for (const raft::LogEntry& entry : wire.entries()) {
    CheckEntry({.term = entry.term(),
                .type = static_cast<std::uint32_t>(entry.type()),
                .payload = entry.payload()},
               last_term, message.term, fields);
    if (!fields.problem().ok()) return body;
    last_term = Term(entry.term());
    body.entries.push_back(Entry{.index = begin + body.entries.size(),
                                 .term = last_term,
                                 .type = static_cast<EntryType>(entry.type()),
                                 .payload = Bytes(entry.payload())});
  }
  if (body.verdict == RepairVerdict::kChunk) {
    body.chunk = FromWire(*wire.mutable_chunk(), message, fields);
  }
  body.checksum = wire.checksum();
  return body;
}

// The sender, the receiver and the term into `message`. Refuses another cluster before anything
// else is looked at: whatever else is wrong with such a message is that cluster's business.
absl::Status TakeHeader(const raft::Header& header, const char* name, ClusterId expected,
                        Message& message) {
  if (header.cluster() != expected.value()) {
    return absl::FailedPreconditionError(std::string(name) + " belongs to cluster " +
                                         HexOf(header.cluster()) + "; this is cluster " +
                                         HexOf(expected.value()));
  }
  Fields fields(name);
  fields.RequireNotZero("header.from", header.from());
  fields.RequireNotZero("header.to", header.to());
  fields.Require(header.from() != header.to(), "header.from", header.from(),
                 "is also the receiver");
  fields.Require(header.term() < kNumberBound, "header.term", header.term(),
                 "is not a term any cluster reaches");
  fields.RequireNotZero("header.incarnation", header.incarnation());
  message.from = NodeId(header.from());
  message.to = NodeId(header.to());
  message.term = Term(header.term());
  message.incarnation = Incarnation(header.incarnation());
  message.to_incarnation = Incarnation(header.to_incarnation());
  return fields.problem();
}

absl::Status DoesNotParse(const char* name, std::string_view bytes) {
  return absl::InvalidArgumentError(std::string(name) + ": " + std::to_string(bytes.size()) +
                                    " bytes that do not parse");
}

// `content` is what FromWire is given besides `message`.
template <class Wire, class... Content>
absl::StatusOr<Message> TakeMessage(const Wire& wire, ClusterId expected, const char* name,
                                    Content&&... content) {
  Message message;
  if (absl::Status status = TakeHeader(wire.header(), name, expected, message); !status.ok()) {
    return status;
  }
  Fields fields(name);
  message.body = FromWire(std::forward<Content>(content)..., message, fields);
  if (!fields.problem().ok()) return fields.problem();
  return message;
}

template <class Wire>
absl::StatusOr<Message> Decode(std::string_view bytes, ClusterId expected, const char* name) {
  Wire wire;
  if (bytes.size() > kPeerMessageBytesMax ||
      !wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DoesNotParse(name, bytes);
  }
  return TakeMessage(wire, expected, name, wire);
}

absl::StatusOr<Message> DecodeAppend(std::string_view bytes, ClusterId expected) {
  constexpr const char* kName = "AppendEntriesRequest";
  std::vector<WireEntry> entries;
  std::string rest;
  raft::AppendEntriesRequest wire;
  if (bytes.size() > kPeerMessageBytesMax || !PartAppend(bytes, entries, rest) ||
      !wire.ParseFromString(rest)) {
    return DoesNotParse(kName, bytes);
  }
  return TakeMessage(wire, expected, kName, wire, entries);
}

}  // namespace

absl::StatusOr<Message> DecodeMessage(MessageKind kind, std::string_view bytes,
                                      ClusterId expected) {
  switch (kind) {
    case MessageKind::kRequestVoteRequest:
      return Decode<raft::RequestVoteRequest>(bytes, expected, "RequestVoteRequest");
    case MessageKind::kRequestVoteResponse:
      return Decode<raft::RequestVoteResponse>(bytes, expected, "RequestVoteResponse");
    case MessageKind::kAppendEntriesRequest:
      return DecodeAppend(bytes, expected);
    case MessageKind::kAppendEntriesResponse:
      return Decode<raft::AppendEntriesResponse>(bytes, expected, "AppendEntriesResponse");
    case MessageKind::kInstallSnapshotRequest:
      return Decode<raft::InstallSnapshotRequest>(bytes, expected, "InstallSnapshotRequest");
    case MessageKind::kInstallSnapshotResponse:
      return Decode<raft::InstallSnapshotResponse>(bytes, expected, "InstallSnapshotResponse");
    case MessageKind::kTimeoutNow:
      return Decode<raft::TimeoutNowRequest>(bytes, expected, "TimeoutNowRequest");
    case MessageKind::kReadIndexRequest:
      return Decode<raft::ReadIndexRequest>(bytes, expected, "ReadIndexRequest");
    case MessageKind::kReadIndexResponse:
      return Decode<raft::ReadIndexResponse>(bytes, expected, "ReadIndexResponse");
    case MessageKind::kRepairRequest:
      return Decode<raft::RepairRequest>(bytes, expected, "RepairRequest");
    case MessageKind::kRepairResponse:
      return Decode<raft::RepairResponse>(bytes, expected, "RepairResponse");
  }
  GRASS_CHECK_MSG(false, "a message kind that is not in the list");
  return absl::InternalError("unreachable");
}

}  // namespace grassdb
