#include "store/inspect.h"

#include <algorithm>
#include <set>
#include <utility>

#include "store/birth.h"
#include "store/home.h"
#include "store/identity.h"
#include "store/io.h"
#include "store/mark.h"
#include "store/recovery.h"
#include "store/snapshot_file.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

// Of a file whose name does not say it, and whose header may be damaged.
SegmentNumber NumberOf(const SegmentFile& file, const Identity& identity, SegmentNumber otherwise) {
  RecordView record;
  const auto header = ReadSegmentHeader(file, identity, &record);
  return header.ok() ? header->number : otherwise;
}

class Examination {
 public:
  Examination(Directory& directory, const std::string& node) : directory_(directory), names_(node) {
    survey_.node = node;
  }

  absl::StatusOr<Survey> Run();

 private:
  absl::Status ReadFiles(const Inventory& inventory);
  void ReadMark(const Home& home);
  void Walk(const LogFile& log);
  void JudgeTail(const LogFile& log, const WalkEnd& end);
  absl::Status ReadSnapshot(const Home& home, Index index);
  void ReadReceived(const Home& home);
  void NoteLeftovers(const Inventory& inventory, const Recovered* recovered);
  void Judge(const Home& home, const Inventory& inventory);
  void Weigh();
  void Add(Weight weight, std::string file, std::uint64_t offset, std::uint64_t bytes,
           std::string problem);
  void AddDamage(const std::string& file, const absl::Status& status);
  void AddPlace(const std::string& place);

  Directory& directory_;
  FileNames names_;
  Survey survey_;
  std::set<std::string> uncounted_;  // files that a start does not read, or removes
  std::optional<Mark> mark_;
};

void Examination::Add(Weight weight, std::string file, std::uint64_t offset, std::uint64_t bytes,
                      std::string problem) {
  survey_.findings.push_back({.weight = weight,
                              .file = std::move(file),
                              .offset = offset,
                              .bytes = bytes,
                              .problem = std::move(problem),
                              .consequence = {}});
}

void Examination::AddDamage(const std::string& file, const absl::Status& status) {
  if (const auto damage = DamageIn(status, directory_.path())) {
    return Add(Weight::kDamage, damage->file, damage->offset, 0, damage->problem);
  }
  Add(Weight::kDamage, file, 0, 0, std::string(status.message()));
}

// What recovery has found and no look at a file shows: one that is missing.
void Examination::AddPlace(const std::string& place) {
  const std::size_t end = std::min(place.find_first_of(" :"), place.size());
  const std::string name = place.substr(0, end);
  const bool known = std::ranges::any_of(
      survey_.findings, [&](const Finding& finding) { return finding.file == name; });
  if (known) return;
  const std::size_t problem = place.find_first_not_of(" :", end);
  Add(Weight::kDamage, name, 0, 0, problem == std::string::npos ? place : place.substr(problem));
}

void Examination::Walk(const LogFile& log) {
  const SegmentFile& file = log.file;
  FileSummary summary{
      .name = file.name,
      .what = (file.role == SegmentRole::kSealed ? "sealed segment " : "live log, segment ") +
              std::to_string(log.number.value()),
      .bytes = file.bytes.size(),
      .records = 0};
  for (const ByteRange& range : file.illegible) {
    Add(Weight::kDamage, file.name, range.begin, range.end - range.begin, IllegibleText(range));
  }
  const WalkEnd end = WalkSegment(file.bytes, log.salt, file.role, [&](const LogPlace& place) {
    if (!place.record.has_value()) {
      return Add(Weight::kDamage, file.name, place.offset, place.bytes, place.problem);
    }
    ++summary.records;
    if (place.record->type != RecordType::kBatch) return;
    const auto batch = DecodeBatch(place.record->payload);
    if (!batch.has_value()) {
      return Add(Weight::kDamage, file.name, place.offset, place.bytes,
                 "a batch that cannot be decoded");
    }
    for (const Entry& entry : batch->entries) {
      if (entry.type != EntryType::kConfiguration) continue;
      const auto configuration = DecodeConfiguration(entry.payload.view());
      if (configuration.has_value()) survey_.configuration = *configuration;
    }
  });
  survey_.files.push_back(std::move(summary));
  if (file.role == SegmentRole::kLive) JudgeTail(log, end);
}

void Examination::JudgeTail(const LogFile& log, const WalkEnd& end) {
  const SegmentFile& file = log.file;
  if (end.next > RecordSequence(0) && mark_.has_value() && mark_->sequence >= end.next) {
    return Add(Weight::kDamage, file.name, end.offset, 0,
               "record " + std::to_string(end.next.value()) +
                   " belongs here, which was durable by " + names_.Mark());
  }
  if (end.next > RecordSequence(0) && IsBegunBehind(file.bytes, end.offset, log.salt, end.next)) {
    return Add(Weight::kDamage, file.name, end.offset, 0,
               "record " + std::to_string(end.next.value()) +
                   " belongs here, which was durable: a later one was begun");
  }
  // A record that was being written has salt and number in its first sector, if that has landed.
  const std::string_view rest =
      std::string_view(file.bytes).substr(static_cast<std::size_t>(end.offset));
  if (rest.size() < kRecordHeaderBytes) return;
  const RecordClaim claim = ReadRecordClaim(rest);
  if (claim.sequence != end.next && claim.salt != log.salt) return;
  Add(Weight::kNote, file.name, end.offset, 0,
      "a record that was being written, or the damaged last one: the two cannot be told apart");
}

// Before the log is read: a node that runs has written what its mark speaks of before the mark.
void Examination::ReadMark(const Home& home) {
  const std::string name = names_.Mark();
  const auto content = ReadMarkSlots(directory_, names_);
  if (!content.ok()) return;  // it is no mark then, as there is none before a node is first idle
  mark_ = NewestMark(content->bytes, home.identity);
  const std::vector<MarkSlot> slots = MarkSlots(content->bytes, home.identity);
  const auto add = [&](Weight weight, std::uint64_t offset, std::uint64_t bytes,
                       const std::string& problem) {
    Add(weight, name, offset, bytes, problem);
    if (weight == Weight::kNote) return;
    survey_.findings.back().consequence =
        mark_.has_value()
            ? "does not matter: the other slot is whole, and no older than a torn write leaves it"
            : "no start needs it; but until the node has written it anew, damage to the log's last "
              "record looks like a write that was cut short";
  };
  FileSummary summary{.name = name,
                      .what = "mark of the newest durable record",
                      .bytes = content->bytes.size(),
                      .records = 0,
                      .unit = "slots"};
  for (const ByteRange& range : content->illegible) {
    add(Weight::kSuperseded, range.begin, range.end - range.begin, IllegibleText(range));
  }
  const bool damaged = IsDamaged(slots);
  for (const MarkSlot& slot : slots) {
    if (slot.mark.has_value()) ++summary.records;
    if (slot.mark.has_value() || slot.blank) continue;
    add(damaged ? Weight::kSuperseded : Weight::kNote, slot.offset, kMarkBytes,
        damaged ? "the slot is not whole, and neither is the other one"
                : "a slot that was being written, or a damaged one: the two cannot be told apart");
  }
  survey_.files.push_back(std::move(summary));
}

absl::Status Examination::ReadSnapshot(const Home& home, Index index) {
  const std::string name = names_.Snapshot(index);
  const auto reader = SnapshotReader::Open(home, name);
  if (absl::IsNotFound(reader.status())) return absl::OkStatus();
  if (absl::IsPermissionDenied(reader.status())) return reader.status();
  if (!reader.ok()) {
    AddDamage(name, reader.status());
    return absl::OkStatus();
  }
  const SnapshotHeader& header = (*reader)->header();
  survey_.files.push_back({.name = name,
                           .what = "snapshot of " + ToText(PositionOf(header.meta)),
                           .bytes = (*reader)->file_bytes(),
                           .records = (*reader)->blocks(),
                           .unit = "blocks"});
  if (survey_.configuration.empty()) survey_.configuration = header.meta.configuration;
  for (const DamagedPlace& each : (*reader)->FindDamage()) {
    Add(Weight::kDamage, name, each.offset, 0, each.problem);
  }
  return absl::OkStatus();
}

void Examination::ReadReceived(const Home& home) {
  const std::string name = names_.Received();
  const auto reader = SnapshotReader::OpenStaged(home, name);
  if (!reader.ok()) return;  // it does not count then, and is no loss
  survey_.files.push_back({.name = name,
                           .what = "part of a snapshot being received, of " +
                                   ToText(PositionOf((*reader)->header().meta)),
                           .bytes = (*reader)->file_bytes(),
                           .records = (*reader)->blocks(),
                           .unit = "blocks"});
}

absl::Status Examination::ReadFiles(const Inventory& inventory) {
  const Home home{.directory = directory_,
                  .names = names_,
                  .identity = *survey_.identity,
                  .options = StorageOptions()};
  if (inventory.mark) ReadMark(home);
  // The snapshots first: their configurations are older than the log's.
  for (auto index = inventory.snapshots.rbegin(); index != inventory.snapshots.rend(); ++index) {
    if (absl::Status s = ReadSnapshot(home, *index); !s.ok()) return s;
  }
  if (survey_.configuration.empty()) survey_.configuration = survey_.identity->bootstrap;
  const absl::Status walked = VisitLogFiles(
      directory_, names_, *survey_.identity, [this](const LogFile& log) { Walk(log); },
      [this](const std::string& name, const absl::Status& status) { AddDamage(name, status); });
  if (!walked.ok()) return walked;
  if (inventory.received) ReadReceived(home);
  Judge(home, inventory);
  return absl::OkStatus();
}

void Examination::NoteLeftovers(const Inventory& inventory, const Recovered* recovered) {
  if (recovered != nullptr) {
    for (const std::string& name : recovered->obsolete) uncounted_.insert(name);
    if (inventory.next && recovered->end != LogEnd::kNext) uncounted_.insert(names_.Next());
  }
  for (const std::string& name : uncounted_) {
    Add(Weight::kNote, name, 0, 0, "a leftover that does not count; the next start removes it");
  }
}

void Examination::Judge(const Home& home, const Inventory& inventory) {
  const auto recovered = Recover(home, inventory, mark_, Payloads::kDropped);
  survey_.start = Refusal(recovered.status(), survey_.node);
  if (!recovered.ok()) {
    const auto damage = DamageIn(recovered.status(), directory_.path());
    const bool known =
        damage.has_value() && std::ranges::any_of(survey_.findings, [&](const Finding& finding) {
          return finding.file == damage->file && finding.offset == damage->offset;
        });
    if (!known && absl::IsDataLoss(recovered.status())) AddDamage({}, recovered.status());
    return NoteLeftovers(inventory, nullptr);
  }
  const RecoveredState& state = recovered->state;
  survey_.damage = state.damage;
  for (const std::string& place : state.damage.places) AddPlace(place);
  survey_.hard_state = state.hard_state;
  survey_.last = {.index = state.base_index, .term = state.base_term};
  if (!state.entries.empty()) {
    survey_.last = {.index = state.entries.back().index, .term = state.entries.back().term};
  }
  if (state.snapshot.has_value()) survey_.snapshot = PositionOf(*state.snapshot);
  NoteLeftovers(inventory, &*recovered);
}

void Examination::Weigh() {
  for (Finding& finding : survey_.findings) {
    if (finding.weight != Weight::kDamage) continue;
    if (uncounted_.contains(finding.file)) {
      finding.weight = Weight::kSuperseded;
      finding.consequence = "does not matter: no start needs this file";
    } else if (!survey_.start.ok()) {
      finding.consequence = "matters: a start refuses, see below";
    } else if (survey_.damage.empty()) {
      finding.weight = Weight::kSuperseded;
      finding.consequence = "does not matter: all that stood there is known without it";
    } else {
      finding.consequence = "may matter: see below for what is lost";
    }
  }
}

absl::StatusOr<Survey> Examination::Run() {
  const auto inventory = TakeInventory(directory_, names_);
  if (!inventory.ok()) return inventory.status();
  survey_.replaced = !inventory->replacement.empty();
  survey_.start = CheckNotLost(directory_, names_);
  if (!survey_.replaced && inventory->identity) {
    auto identity = ReadIdentity(directory_, names_);
    if (identity.ok()) {
      survey_.identity = *std::move(identity);
      if (absl::Status s = ReadFiles(*inventory); !s.ok()) return s;
    } else if (absl::IsPermissionDenied(identity.status())) {
      return identity.status();
    } else {
      survey_.start = Refusal(identity.status(), survey_.node);
      AddDamage(names_.Identity(), identity.status());
    }
  } else if (!survey_.replaced) {
    Add(survey_.start.ok() ? Weight::kNote : Weight::kDamage, names_.Identity(), 0, 0,
        survey_.start.ok() ? "missing, as of a node that was being made; the next start makes it"
                           : "missing, and nothing else can be checked without it");
  }
  Weigh();
  std::ranges::stable_sort(survey_.findings, [](const Finding& a, const Finding& b) {
    return std::pair(a.file, a.offset) < std::pair(b.file, b.offset);
  });
  return std::move(survey_);
}

}  // namespace

std::vector<std::string> NodesIn(const std::vector<std::string>& files) {
  constexpr std::string_view kPrefix = "distdb_";
  std::set<std::string> nodes;
  for (const std::string& file : files) {
    if (!file.starts_with(kPrefix)) continue;
    // The names of two nodes' files are disjoint, so at most one dot is the one behind the name.
    for (std::size_t dot = file.find('.'); dot != std::string::npos;
         dot = file.find('.', dot + 1)) {
      const std::string node = file.substr(kPrefix.size(), dot - kPrefix.size());
      if (MemberNameProblem(node).has_value()) continue;
      if (FileNames(node).Parse(file).kind != FileKind::kForeign) nodes.insert(node);
    }
  }
  return {nodes.begin(), nodes.end()};
}

WalkEnd WalkSegment(std::string_view bytes, Salt salt, SegmentRole role,
                    const std::function<void(const LogPlace&)>& visit) {
  std::size_t at = 0;
  WalkEnd end;
  RecordSequence last;  // 0: none yet
  while (true) {
    LogPlace place{.offset = at, .bytes = 0, .record = std::nullopt, .problem = {}};
    const auto record = ParseRecord(bytes.substr(at), salt, &place.problem);
    const bool follows =
        record.has_value() && (last == RecordSequence(0) || record->sequence == last + 1);
    if (follows) {
      place.bytes = record->frame_bytes;
      place.record = record;
      visit(place);
      at += record->frame_bytes;
      last = record->sequence;
      end = {.offset = at, .next = last + 1};
      if (record->type == RecordType::kSeal) return end;
      continue;
    }
    if (record.has_value()) {
      place.problem = "record " + std::to_string(record->sequence.value()) + " where record " +
                      std::to_string(last.value() + 1) + " belongs";
    }
    const auto later = FindRecordAbove(bytes, at, salt, last);
    if (!later.has_value() && role == SegmentRole::kLive && at > 0) return end;
    place.bytes = later.value_or(bytes.size()) - at;
    visit(place);
    if (!later.has_value()) return end;
    at = *later;
    last = RecordSequence(0);
  }
}

absl::Status VisitLogFiles(
    Directory& directory, const FileNames& names, const Identity& identity,
    const std::function<void(const LogFile&)>& visit,
    const std::function<void(const std::string&, const absl::Status&)>& refused) {
  const auto inventory = TakeInventory(directory, names);
  if (!inventory.ok()) return inventory.status();
  const auto read = [&](const std::string& name, SegmentNumber number,
                        SegmentRole role) -> absl::Status {
    auto file = ReadSegmentFile(directory, name, role);
    if (absl::IsNotFound(file.status())) return absl::OkStatus();
    if (absl::IsDataLoss(file.status()) && refused) {
      refused(name, file.status());
      return absl::OkStatus();
    }
    if (!file.ok()) return file.status();
    LogFile log{.file = *std::move(file), .number = number, .salt = {}};
    if (role == SegmentRole::kLive) log.number = NumberOf(log.file, identity, number);
    log.salt = SegmentSalt(identity, log.number);
    visit(log);
    return absl::OkStatus();
  };
  SegmentNumber newest;
  for (const SegmentNumber number : inventory->sealed) {
    const absl::Status status = read(names.Sealed(number), number, SegmentRole::kSealed);
    if (!status.ok()) return status;
    newest = number;
  }
  if (!inventory->live && !inventory->next) return absl::OkStatus();
  return read(inventory->live ? names.Live() : names.Next(), newest + 1, SegmentRole::kLive);
}

std::vector<std::string> Survey::others() const {
  std::set<std::string> names;
  for (const Member& member : configuration.members()) {
    if (member.name != node) names.insert(member.name);
  }
  return {names.begin(), names.end()};
}

std::string Survey::WayOut() const {
  if (damage.empty()) return {};
  if (others().empty()) {
    return "put a copy of all files of " + node +
           " back, or restore a backup; or go on without what is lost, by " +
           WithoutWhatIsLost(damage);
  }
  return "start " + node +
         " with the other members up: it asks them, mends what one of them has, and says in its "
         "log what nobody has. To go on without that: " +
         WithoutWhatIsLost(damage);
}

bool Survey::damaged() const {
  return !start.ok() || !damage.empty() ||
         std::ranges::any_of(
             findings, [](const Finding& finding) { return finding.weight != Weight::kNote; });
}

absl::StatusOr<Survey> Examine(Directory& directory, const std::string& node) {
  return Examination(directory, node).Run();
}

}  // namespace grassdb::store
