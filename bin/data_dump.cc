#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "bin/data_commands.h"
#include "core/command.h"
#include "proto/convert.h"
#include "store/identity.h"
#include "store/inspect.h"
#include "store/io.h"
#include "store/mark.h"
#include "store/recovery.h"
#include "store/snapshot_file.h"

namespace grassdb {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTextBytesMax = 64;

Json JsonOf(const LogPosition& position) {
  return {{"index", position.index.value()}, {"term", position.term.value()}};
}

// Only where a node goes by another incarnation than its directory's.
void AddRenewed(const HardState& state, Json& json) {
  if (state.renewed != Incarnation(0)) json["goes_by_incarnation"] = HexOf(state.renewed.value());
}

const char* NameOf(EntryType type) {
  switch (type) {
    case EntryType::kNoop:
      return "noop";
    case EntryType::kCommand:
      return "command";
    case EntryType::kConfiguration:
      return "configuration";
  }
  return "unknown";
}

const char* NameOf(Compare::Target target) {
  switch (target) {
    case Compare::Target::kValue:
      return "value";
    case Compare::Target::kVersion:
      return "version";
    case Compare::Target::kCreateRevision:
      return "create_revision";
    case Compare::Target::kModRevision:
      return "mod_revision";
  }
  return "unknown";
}

const char* NameOf(Compare::Relation relation) {
  switch (relation) {
    case Compare::Relation::kEqual:
      return "=";
    case Compare::Relation::kNotEqual:
      return "!=";
    case Compare::Relation::kLess:
      return "<";
    case Compare::Relation::kGreater:
      return ">";
  }
  return "unknown";
}

const char* NameOf(Operation::Kind kind) {
  switch (kind) {
    case Operation::Kind::kPut:
      return "put";
    case Operation::Kind::kDelete:
      return "delete";
    case Operation::Kind::kGet:
      return "get";
  }
  return "unknown";
}

Json JsonOf(const std::vector<Operation>& operations) {
  Json list = Json::array();
  for (const Operation& operation : operations) {
    Json one = {{"do", NameOf(operation.kind)}, {"key", Escaped(operation.key, kTextBytesMax)}};
    if (operation.kind == Operation::Kind::kPut) {
      one["value"] = Escaped(operation.value, kTextBytesMax);
      one["value_bytes"] = operation.value.size();
    }
    list.push_back(std::move(one));
  }
  return list;
}

Json JsonOf(const std::vector<Compare>& compares) {
  Json list = Json::array();
  for (const Compare& compare : compares) {
    Json one = {{"compare", NameOf(compare.target)},
                {"key", Escaped(compare.key, kTextBytesMax)},
                {"relation", NameOf(compare.relation)}};
    if (compare.target == Compare::Target::kValue) {
      one["with"] = Escaped(compare.value, kTextBytesMax);
    } else {
      one["with"] = compare.number;
    }
    list.push_back(std::move(one));
  }
  return list;
}

Json JsonOf(const Command& command) {
  Json json = {{"time", command.time}};
  if (command.session != SessionId(0)) {
    json["session"] = command.session.value();
    json["sequence"] = command.sequence.value();
    json["acknowledged"] = command.acknowledged.value();
  }
  switch (command.kind) {
    case Command::Kind::kOpenSession:
      json["command"] = "open session";
      return json;
    case Command::Kind::kCloseSession:
      json["command"] = "close session";
      return json;
    case Command::Kind::kTransaction:
      break;
  }
  json["command"] = "transaction";
  const Transaction& transaction = command.transaction;
  if (!transaction.compares.empty()) json["if"] = JsonOf(transaction.compares);
  json["then"] = JsonOf(transaction.success);
  if (!transaction.failure.empty()) json["else"] = JsonOf(transaction.failure);
  return json;
}

Json JsonOf(const Configuration& configuration) {
  Json members = Json::array();
  for (const Member& member : configuration.members()) {
    members.push_back({{"name", member.name},
                       {"address", member.address},
                       {"role", NameOf(member.role)},
                       {"outgoing", member.outgoing},
                       {"incarnation", HexOf(member.incarnation.value())}});
  }
  return members;
}

// Prints one node's files: JSON objects, one a line, or the same as lines of text.
class Dumper {
 public:
  Dumper(store::Directory& directory, const std::string& node, bool json)
      : directory_(directory), names_(node), node_(node), json_(json) {}

  absl::Status Run();
  bool damaged() const { return damaged_; }

 private:
  void Learn(const Configuration& configuration);
  std::string NameOfVote(NodeId node) const;
  void Print(const std::string& file, std::uint64_t offset, const Json& line);
  void PrintIdentity(const Identity& identity);
  void PrintMark(const Identity& identity);
  absl::Status PrintSnapshot(const store::Home& home, Index index);
  void PrintRecord(const std::string& file, const store::LogPlace& place);
  Json BatchOf(const store::Batch& batch);
  Json EntryOf(const Entry& entry);
  Json StateOf(const store::LogState& state) const;

  store::Directory& directory_;
  store::FileNames names_;
  std::string node_;
  bool json_;
  bool damaged_ = false;
  std::map<NodeId, std::string> known_;  // members by what stands in a vote
};

void Dumper::Learn(const Configuration& configuration) {
  for (const Member& member : configuration.members()) known_[member.id] = member.name;
}

std::string Dumper::NameOfVote(NodeId node) const {
  if (node == NodeId(0)) return "nobody";
  const auto at = known_.find(node);
  return at == known_.end() ? HexOf(node.value()) : at->second;
}

// The values of `json` behind their names, without the braces.
std::string Flat(const Json& json) {
  std::string text;
  for (const auto& [name, value] : json.items()) {
    if (name == "entries") continue;
    text += (text.empty() ? "" : ", ") + name + " ";
    text += value.is_string() ? value.get<std::string>() : value.dump();
  }
  return text;
}

void Dumper::Print(const std::string& file, std::uint64_t offset, const Json& line) {
  if (json_) {
    Json object = {{"node", node_}, {"file", file}, {"offset", offset}};
    object.update(line);
    std::printf("%s\n", object.dump().c_str());
    return;
  }
  std::printf("%s %8llu  %s\n", file.c_str(), static_cast<unsigned long long>(offset),
              Flat(line).c_str());
  if (!line.contains("entries")) return;
  for (const Json& entry : line["entries"]) std::printf("    %s\n", Flat(entry).c_str());
}

void Dumper::PrintIdentity(const Identity& identity) {
  Learn(identity.bootstrap);
  known_[identity.node] = identity.node_name;
  Print(names_.Identity(), 0,
        {{"type", "identity"},
         {"cluster", identity.cluster_name},
         {"cluster_id", HexOf(identity.cluster.value())},
         {"node_id", HexOf(identity.node.value())},
         {"incarnation", HexOf(identity.incarnation.value())},
         {"born_with", JsonOf(identity.bootstrap)}});
}

void Dumper::PrintMark(const Identity& identity) {
  const auto content = store::ReadMarkSlots(directory_, names_);
  if (!content.ok()) return;
  const std::vector<store::MarkSlot> slots = store::MarkSlots(content->bytes, identity);
  const auto newest = store::NewestMark(content->bytes, identity);
  damaged_ = damaged_ || !content->illegible.empty() || store::IsDamaged(slots);
  for (const store::MarkSlot& slot : slots) {
    if (slot.blank) continue;
    if (!slot.mark.has_value()) {
      Print(names_.Mark(), slot.offset,
            {{"type", "mark"}, {"problem", "not whole: being written, or damaged"}});
      continue;
    }
    Print(names_.Mark(), slot.offset,
          {{"type", "mark"},
           {"counts", slot.mark == newest},
           {"counter", slot.counter},
           {"durable_sequence", slot.mark->sequence.value()},
           {"segment", slot.mark->segment.value()},
           {"after", StateOf(slot.mark->after)}});
  }
}

Json Dumper::StateOf(const store::LogState& state) const {
  Json json = {{"last", JsonOf(state.last)},
               {"snapshot", JsonOf(state.snapshot)},
               {"term", state.hard_state.term.value()},
               {"vote", NameOfVote(state.hard_state.voted_for)},
               {"founder", state.hard_state.founder}};
  AddRenewed(state.hard_state, json);
  // Format 1 does not say it.
  json["cut"] = state.cut == store::kCutUnknown ? Json("unknown") : Json(state.cut.value());
  return json;
}

absl::Status Dumper::PrintSnapshot(const store::Home& home, Index index) {
  const std::string name = names_.Snapshot(index);
  const auto reader = store::SnapshotReader::Open(home, name);
  if (absl::IsPermissionDenied(reader.status())) return reader.status();
  if (!reader.ok()) {
    damaged_ = true;
    Print(name, 0, {{"type", "damaged"}, {"problem", std::string(reader.status().message())}});
    return absl::OkStatus();
  }
  const store::SnapshotHeader& header = (*reader)->header();
  Learn(header.meta.configuration);
  Print(name, 0,
        {{"type", "snapshot"},
         {"index", header.meta.index.value()},
         {"term", header.meta.term.value()},
         {"source", header.source == SnapshotSource::kTaken ? "taken" : "received"},
         {"compression", header.compression == store::Compression::kNone ? "none" : "zstd"},
         {"bytes", (*reader)->stream_bytes()},
         {"file_bytes", (*reader)->file_bytes()},
         {"blocks", (*reader)->blocks()},
         {"configuration_index", header.meta.configuration_index.value()},
         {"configuration", JsonOf(header.meta.configuration)}});
  return absl::OkStatus();
}

Json Dumper::EntryOf(const Entry& entry) {
  Json json = {{"index", entry.index.value()},
               {"term", entry.term.value()},
               {"type", NameOf(entry.type)},
               {"bytes", entry.payload.size()}};
  if (entry.type == EntryType::kCommand) {
    const auto command = DecodeCommand(entry.payload.view());
    json.update(command.has_value() ? JsonOf(*command) : Json{{"command", "undecodable"}});
  } else if (entry.type == EntryType::kConfiguration) {
    const auto configuration = DecodeConfiguration(entry.payload.view());
    if (configuration.has_value()) Learn(*configuration);
    json["members"] = configuration.has_value() ? JsonOf(*configuration) : Json("undecodable");
  }
  return json;
}

Json Dumper::BatchOf(const store::Batch& batch) {
  Json json = {{"type", "batch"}};
  if (batch.before.has_value()) json["before"] = StateOf(*batch.before);
  if (!batch.members.empty()) {
    const auto members = DecodeConfiguration(batch.members);
    if (members.has_value()) Learn(*members);
    json["members"] = members.has_value() ? JsonOf(*members) : Json("undecodable");
  }
  if (batch.hard_state.has_value()) {
    json["term"] = batch.hard_state->term.value();
    json["vote"] = NameOfVote(batch.hard_state->voted_for);
    json["founder"] = batch.hard_state->founder;
    AddRenewed(*batch.hard_state, json);
  }
  if (batch.install.has_value()) {
    json["installs"] = JsonOf(batch.install->snapshot);
    json["log_behind_it"] = batch.install->suffix == store::SuffixRule::kKeep ? "kept" : "dropped";
  }
  switch (batch.kind) {
    case store::BatchKind::kAppend:
      break;
    case store::BatchKind::kFill:
      json["repairs_from"] = batch.first.value();
      break;
    case store::BatchKind::kCut:
      json["cuts_from"] = batch.first.value();
      break;
  }
  if (batch.entries.empty()) return json;
  json["entries"] = Json::array();
  for (const Entry& entry : batch.entries) json["entries"].push_back(EntryOf(entry));
  return json;
}

void Dumper::PrintRecord(const std::string& file, const store::LogPlace& place) {
  Json json;
  if (!place.record.has_value()) {
    damaged_ = true;
    return Print(file, place.offset,
                 {{"type", "damaged"}, {"bytes", place.bytes}, {"problem", place.problem}});
  }
  switch (place.record->type) {
    case store::RecordType::kSegmentHeader:
      if (const auto header = store::DecodeSegmentHeader(place.record->payload)) {
        json = {{"type", "segment header"},
                {"segment", header->number.value()},
                {"format", header->format},
                {"before", StateOf(header->before)}};
      }
      break;
    case store::RecordType::kBatch:
      if (const auto batch = store::DecodeBatch(place.record->payload)) json = BatchOf(*batch);
      break;
    case store::RecordType::kSeal:
      if (const auto seal = store::DecodeSeal(place.record->payload)) {
        json = {{"type", "seal"}, {"last", JsonOf(seal->last)}};
        if (seal->before.has_value()) json["before"] = StateOf(*seal->before);
      }
      break;
  }
  if (json.is_null()) {
    damaged_ = true;
    json = {{"type", "undecodable"}, {"bytes", place.bytes}};
  }
  Json line = {{"sequence", place.record->sequence.value()}};
  line.update(json);
  Print(file, place.offset, line);
}

absl::Status Dumper::Run() {
  const auto identity = store::ReadIdentity(directory_, names_);
  if (!identity.ok()) {
    return absl::NotFoundError("nothing can be read without the identity: " +
                               std::string(identity.status().message()));
  }
  PrintIdentity(*identity);
  PrintMark(*identity);
  const store::Home home{.directory = directory_,
                         .names = names_,
                         .identity = *identity,
                         .options = store::StorageOptions()};
  const auto inventory = store::TakeInventory(directory_, names_);
  if (!inventory.ok()) return inventory.status();
  for (const Index index : inventory->snapshots) {
    if (absl::Status s = PrintSnapshot(home, index); !s.ok()) return s;
  }
  return store::VisitLogFiles(directory_, names_, *identity, [this](const store::LogFile& log) {
    store::WalkSegment(log.file.bytes, log.salt, log.file.role,
                       [&](const store::LogPlace& place) { PrintRecord(log.file.name, place); });
  });
}

}  // namespace

std::string Escaped(std::string_view bytes, std::size_t max) {
  std::string text;
  for (const char c : bytes.substr(0, max)) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (bytes.size() > max) text += "...";
  return text;
}

absl::StatusOr<int> Dump(const DataOptions& options) {
  auto opened = OpenData(options);
  if (!opened.ok()) return opened.status();
  bool damaged = false;
  for (const std::string& node : opened->nodes) {
    Dumper dumper(*opened->directory, node, options.json);
    if (absl::Status s = dumper.Run(); !s.ok()) return s;
    damaged = damaged || dumper.damaged();
  }
  return damaged ? 1 : 0;
}

}  // namespace grassdb
