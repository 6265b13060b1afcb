#include "proto/convert.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdio>
#include <type_traits>
#include <variant>

#include "core/check.h"
#include "core/command.h"
#include "proto/messages.h"

namespace grassdb {
namespace {

namespace raft = wire::raft;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

template <MessageKind kind>
using BodyOf = std::variant_alternative_t<static_cast<std::size_t>(kind), MessageBody>;
static_assert(std::is_same_v<BodyOf<MessageKind::kRequestVoteRequest>, RequestVoteRequest>);
static_assert(std::is_same_v<BodyOf<MessageKind::kRequestVoteResponse>, RequestVoteResponse>);
static_assert(std::is_same_v<BodyOf<MessageKind::kAppendEntriesRequest>, AppendEntriesRequest>);
static_assert(std::is_same_v<BodyOf<MessageKind::kAppendEntriesResponse>, AppendEntriesResponse>);
static_assert(std::is_same_v<BodyOf<MessageKind::kInstallSnapshotRequest>, InstallSnapshotRequest>);
static_assert(
    std::is_same_v<BodyOf<MessageKind::kInstallSnapshotResponse>, InstallSnapshotResponse>);
static_assert(std::is_same_v<BodyOf<MessageKind::kTimeoutNow>, TimeoutNow>);
static_assert(std::is_same_v<BodyOf<MessageKind::kReadIndexRequest>, ReadIndexRequest>);
static_assert(std::is_same_v<BodyOf<MessageKind::kReadIndexResponse>, ReadIndexResponse>);
static_assert(std::is_same_v<BodyOf<MessageKind::kRepairRequest>, RepairRequest>);
static_assert(std::is_same_v<BodyOf<MessageKind::kRepairResponse>, RepairResponse>);
static_assert(std::variant_size_v<MessageBody> == 11);

// An instant is the number of nanoseconds since the epoch of its owner's clock; every number is
// one.
std::int64_t NanosOf(Instant instant) {
  return instant.time_since_epoch().count();
}

template <class Wire>
void PutHeader(const Message& message, ClusterId cluster, Wire& wire) {
  raft::Header& header = *wire.mutable_header();
  header.set_cluster(cluster.value());
  header.set_from(message.from.value());
  header.set_to(message.to.value());
  header.set_term(message.term.value());
  header.set_incarnation(message.incarnation.value());
  header.set_to_incarnation(message.to_incarnation.value());
}

raft::RequestVoteRequest ToWire(const RequestVoteRequest& body) {
  raft::RequestVoteRequest wire;
  wire.set_ballot(static_cast<raft::Ballot>(body.ballot));
  wire.set_transfer(body.reason == CampaignReason::kTransfer);
  wire.set_last_log_index(body.last_log_index.value());
  wire.set_last_log_term(body.last_log_term.value());
  wire.set_campaign_term(body.campaign_term.value());
  return wire;
}

raft::RequestVoteResponse ToWire(const RequestVoteResponse& body) {
  raft::RequestVoteResponse wire;
  wire.set_ballot(static_cast<raft::Ballot>(body.ballot));
  wire.set_campaign_term(body.campaign_term.value());
  wire.set_granted(body.granted);
  wire.set_removed_at(body.removed_at.value());
  return wire;
}

// Without the entries; see AppendEntry.
raft::AppendEntriesRequest ToWire(const AppendEntriesRequest& body) {
  raft::AppendEntriesRequest wire;
  wire.set_prev_log_index(body.prev_log_index.value());
  wire.set_prev_log_term(body.prev_log_term.value());
  wire.set_leader_commit(body.leader_commit.value());
  wire.set_read_round(body.read_round.value());
  wire.set_sent_at(NanosOf(body.sent_at));
  wire.set_vital(body.vital);
  wire.set_forgot(body.forgot.value());
  return wire;
}

raft::AppendEntriesResponse ToWire(const AppendEntriesResponse& body) {
  raft::AppendEntriesResponse wire;
  wire.set_result(static_cast<raft::AppendResult>(body.result));
  wire.set_standing(static_cast<raft::Standing>(body.standing));
  wire.set_match_index(body.match_index.value());
  wire.set_prev_log_index(body.prev_log_index.value());
  wire.set_conflict_term(body.conflict_term.value());
  wire.set_conflict_index(body.conflict_index.value());
  wire.set_read_round(body.read_round.value());
  wire.set_sent_at(NanosOf(body.sent_at));
  wire.set_defends(static_cast<std::uint64_t>(body.defends.count()));
  wire.set_disk_full(body.disk_full);
  return wire;
}

raft::InstallSnapshotRequest ToWire(const InstallSnapshotRequest& body) {
  raft::InstallSnapshotRequest wire;
  raft::SnapshotMeta& meta = *wire.mutable_meta();
  meta.set_index(body.meta.index.value());
  meta.set_term(body.meta.term.value());
  meta.set_configuration(EncodeConfiguration(body.meta.configuration));
  meta.set_configuration_index(body.meta.configuration_index.value());
  wire.set_offset(body.offset);
  wire.set_last(body.last);
  const std::string_view data = body.data.view();
  wire.set_data(data.data(), data.size());
  wire.set_checksum(body.checksum);
  return wire;
}

raft::InstallSnapshotResponse ToWire(const InstallSnapshotResponse& body) {
  raft::InstallSnapshotResponse wire;
  wire.set_snapshot_index(body.snapshot_index.value());
  wire.set_snapshot_term(body.snapshot_term.value());
  wire.set_installed(body.installed);
  wire.set_match_index(body.match_index.value());
  wire.set_next_offset(body.next_offset);
  return wire;
}

raft::TimeoutNowRequest ToWire(const TimeoutNow&) {
  return {};
}

raft::ReadIndexRequest ToWire(const ReadIndexRequest& body) {
  raft::ReadIndexRequest wire;
  wire.set_read(body.read.value());
  return wire;
}

raft::ReadIndexResponse ToWire(const ReadIndexResponse& body) {
  raft::ReadIndexResponse wire;
  wire.set_read(body.read.value());
  wire.set_confirmed(body.confirmed);
  wire.set_index(body.index.value());
  return wire;
}

raft::RepairRequest ToWire(const RepairRequest& body) {
  raft::RepairRequest wire;
  wire.set_ask(static_cast<raft::RepairAsk>(body.ask));
  wire.set_first(body.first.value());
  wire.set_last(body.last.value());
  wire.set_previous_term(body.previous_term.value());
  wire.set_last_term(body.last_term.value());
  wire.set_snapshot_index(body.snapshot_index.value());
  wire.set_snapshot_term(body.snapshot_term.value());
  wire.set_offset(body.offset);
  wire.set_takes_rest(body.takes_rest);
  wire.set_deposes(body.deposes);
  return wire;
}

raft::RepairResponse ToWire(const RepairResponse& body) {
  raft::RepairResponse wire;
  wire.set_verdict(static_cast<raft::RepairVerdict>(body.verdict));
  wire.set_first(body.first.value());
  wire.set_last(body.last.value());
  wire.set_last_term(body.last_term.value());
  wire.set_previous_term(body.previous_term.value());
  for (const Entry& entry : body.entries) {
    raft::LogEntry& added = *wire.add_entries();
    added.set_term(entry.term.value());
    added.set_type(static_cast<std::uint32_t>(entry.type));
    const std::string_view payload = entry.payload.view();
    added.set_payload(payload.data(), payload.size());
  }
  if (body.verdict == RepairVerdict::kChunk) *wire.mutable_chunk() = ToWire(body.chunk);
  if (body.verdict == RepairVerdict::kRest && !body.entries.empty()) {
    wire.set_rest_first(body.entries.front().index.value());
  }
  wire.set_checksum(body.checksum);
  return wire;
}

std::size_t EntryBytes(const Entry& entry) {
  const std::size_t payload = entry.payload.size();
  const std::size_t fixed = 1 + CodedOutputStream::VarintSize64(entry.term.value()) + 1 +
                            CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(entry.type));
  // As protobuf does it, an empty field is left out.
  return payload == 0 ? fixed : fixed + 1 + CodedOutputStream::VarintSize64(payload) + payload;
}

// Appends AppendEntriesRequest.entries[i] as protobuf would write it. By hand, because building the
// repeated message first would copy every payload a second time on its way to every follower. A
// message's fields may be written in any order, so the entries follow the rest.
std::uint8_t* AppendEntry(const Entry& entry, std::uint8_t* at) {
  at = WireFormatLite::WriteTagToArray(raft::AppendEntriesRequest::kEntriesFieldNumber,
                                       WireFormatLite::WIRETYPE_LENGTH_DELIMITED, at);
  at = CodedOutputStream::WriteVarint64ToArray(EntryBytes(entry), at);
  at = WireFormatLite::WriteUInt64ToArray(raft::LogEntry::kTermFieldNumber, entry.term.value(), at);
  at = WireFormatLite::WriteUInt32ToArray(raft::LogEntry::kTypeFieldNumber,
                                          static_cast<std::uint32_t>(entry.type), at);
  const std::string_view payload = entry.payload.view();
  if (payload.empty()) return at;
  at = WireFormatLite::WriteTagToArray(raft::LogEntry::kPayloadFieldNumber,
                                       WireFormatLite::WIRETYPE_LENGTH_DELIMITED, at);
  at = CodedOutputStream::WriteVarint64ToArray(payload.size(), at);
  return CodedOutputStream::WriteRawToArray(payload.data(), static_cast<int>(payload.size()), at);
}

void AppendEntries(const std::vector<Entry>& entries, std::string& out) {
  std::size_t size = 0;
  for (const Entry& entry : entries) {
    const std::size_t bytes = EntryBytes(entry);
    size += 1 + CodedOutputStream::VarintSize64(bytes) + bytes;
  }
  const std::size_t begin = out.size();
  out.resize(begin + size);
  auto* at = reinterpret_cast<std::uint8_t*>(out.data() + begin);
  for (const Entry& entry : entries) at = AppendEntry(entry, at);
  GRASS_CHECK(at == reinterpret_cast<std::uint8_t*>(out.data() + out.size()));
}

}  // namespace

MessageKind KindOf(const MessageBody& body) {
  return static_cast<MessageKind>(body.index());
}

std::string EncodeMessage(const Message& message, ClusterId cluster) {
  GRASS_CHECK_NE(message.from, NodeId());
  GRASS_CHECK_NE(message.to, NodeId());
  std::string bytes = std::visit(
      [&](const auto& body) {
        auto wire = ToWire(body);
        PutHeader(message, cluster, wire);
        return wire.SerializeAsString();
      },
      message.body);
  if (const auto* append = std::get_if<AppendEntriesRequest>(&message.body)) {
    AppendEntries(append->entries, bytes);
  }
  GRASS_CHECK_LE(bytes.size(), kPeerMessageBytesMax);
  return bytes;
}

std::string HexOf(std::uint64_t id) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(id));
  return digits;
}

}  // namespace grassdb
