#include "store/salvage.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "core/check.h"
#include "core/probe.h"
#include "store/inspect.h"
#include "store/mark.h"
#include "store/replay.h"
#include "store/snapshot_file.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

// What a state is made of.
struct Basis {
  std::optional<SnapshotMeta> snapshot;
  std::vector<Entry> entries;
  HardState hard_state;
};

std::string PlaceText(const std::string& file, std::uint64_t offset, const std::string& problem) {
  return file + " at offset " + std::to_string(offset) + ": " + problem;
}

// Without the way out, which is another one where there are no other members.
std::string WithoutWayOut(const absl::Status& status, const std::string& path) {
  if (const auto damage = DamageIn(status, path)) {
    return PlaceText(damage->file, damage->offset, damage->problem);
  }
  return std::string(status.message());
}

absl::Status NothingToKeep(const std::string& path, const std::vector<std::string>& places,
                           const std::string& why) {
  std::string text = "damaged data in " + path + ":";
  for (const std::string& place : places) text += " " + place + ";";
  return absl::DataLossError(text + " " + why +
                             ". Nothing was changed. Way out: `grassdb recover` with the data of "
                             "another member, or of a copy of this node's files; or `grassdb "
                             "restore` with a backup");
}

// --- Records one after the other, up to the first that does not fit ---

// Applies records from the beginning of logs[from] on, `limit` at most, up to the first that is
// damaged, missing or does not fit. Gives how many fitted. `place`: where the first one is that
// does not, or empty: the log ends there.
std::uint64_t ApplyRecords(const std::vector<LogFile>& logs, std::size_t from, std::uint64_t limit,
                           Replay& replay, std::string& place) {
  std::uint64_t applied = 0;
  RecordSequence next;  // 0: any
  const auto apply = [&](const LogFile& log, const RecordView& record) -> std::string {
    if (next > RecordSequence(0) && record.sequence != next) {
      return "expected record " + std::to_string(next.value()) + ", found record " +
             std::to_string(record.sequence.value());
    }
    next = record.sequence + 1;
    std::optional<std::string> problem = "a record that cannot be decoded";
    if (record.type == RecordType::kSegmentHeader) {
      const auto header = DecodeSegmentHeader(record.payload);
      if (!header.has_value()) return *problem;
      if (header->number != log.number) return "the header of another segment";
      problem = replay.Apply(*header, record.sequence);
    } else if (record.type == RecordType::kBatch) {
      auto batch = DecodeBatch(record.payload);
      if (batch.has_value()) problem = replay.Apply(*batch, record.sequence);
    } else if (const auto seal = DecodeSeal(record.payload)) {
      problem = replay.Apply(*seal, record.sequence);
    }
    return problem.value_or("");
  };
  for (std::size_t i = from; i < logs.size() && place.empty() && applied < limit; ++i) {
    const LogFile& log = logs[i];
    if (i > from && log.number != logs[i - 1].number + 1) {
      place = log.file.name + ": the segment before it is missing";
      break;
    }
    bool begun = false;
    WalkSegment(log.file.bytes, log.salt, log.file.role, [&](const LogPlace& at) {
      if (!place.empty() || applied == limit) return;
      std::string problem = at.problem;
      if (at.record.has_value()) {
        const bool header = at.record->type == RecordType::kSegmentHeader;
        problem =
            header == begun ? "a record where none of its type belongs" : apply(log, *at.record);
        begun = true;
      }
      if (!problem.empty()) place = PlaceText(log.file.name, at.offset, problem);
      if (problem.empty()) ++applied;
    });
  }
  return applied;
}

// The log from one segment on, as far as it is whole.
struct Stretch {
  Replay replay;
  std::string place;  // where it ends for damage; empty: at the end of the log
};

// What does not fit leaves a replay half changed. So the records are counted first.
Stretch ReadStretch(const std::vector<LogFile>& logs, std::size_t from) {
  Stretch stretch;
  Replay trial;
  const std::uint64_t fitting = ApplyRecords(logs, from, UINT64_MAX, trial, stretch.place);
  std::string none;
  ApplyRecords(logs, from, fitting, stretch.replay, none);
  GRASS_CHECK(none.empty());
  return stretch;
}

// --- The whole ---

class Salvage {
 public:
  Salvage(StoppedNode stopped, absl::Status refusal)
      : stopped_(std::move(stopped)), home_(stopped_.home), refusal_(std::move(refusal)) {}

  absl::StatusOr<Salvaged> Run();

 private:
  Basis UpToFirstLost(Recovered& recovered);
  absl::StatusOr<Basis> UpToFirstMisfit(const std::vector<LogFile>& logs);
  std::optional<SnapshotMeta> NewestWholeSnapshot();
  void ListDropped(const std::vector<LogFile>& logs);
  void Reaches(Index index) { salvaged_.known_end = std::max(salvaged_.known_end, index); }
  std::vector<std::string>& places() { return salvaged_.places; }

  StoppedNode stopped_;
  const Home& home_;
  const absl::Status refusal_;  // of the ordinary way
  Salvaged salvaged_;
};

Basis Salvage::UpToFirstLost(Recovered& recovered) {
  GRASS_PROBE("salvage: what was before the first lost entry");
  RecoveredState& state = recovered.state;
  places() = state.damage.places;
  if (!state.entries.empty()) Reaches(state.entries.back().index);
  Basis basis{.snapshot = state.snapshot, .entries = {}, .hard_state = state.hard_state};
  // Without the snapshot that the log rests on no entry of it tells a state.
  if (state.damage.snapshot_lost > Index(0)) return basis;
  const Index lost = state.damage.lost.front().first;
  for (Entry& entry : state.entries) {
    if (entry.index < lost) basis.entries.push_back(std::move(entry));
  }
  return basis;
}

// Also one that the log does not name, or does not reach: a snapshot holds nothing but what was
// committed.
std::optional<SnapshotMeta> Salvage::NewestWholeSnapshot() {
  const std::vector<Index>& indexes = stopped_.inventory.snapshots;
  for (auto index = indexes.rbegin(); index != indexes.rend(); ++index) {
    const std::string name = home_.names.Snapshot(*index);
    const auto reader = SnapshotReader::Open(home_, name);
    const absl::Status problem = reader.ok() ? (*reader)->Verify() : reader.status();
    if (problem.ok() && (*reader)->header().meta.index == *index) return (*reader)->header().meta;
    places().push_back(problem.ok() ? name + ": the snapshot of another index"
                                    : WithoutWayOut(problem, home_.directory.path()));
  }
  return std::nullopt;
}

absl::StatusOr<Basis> Salvage::UpToFirstMisfit(const std::vector<LogFile>& logs) {
  GRASS_PROBE("salvage: record by record");
  places().push_back(WithoutWayOut(refusal_, home_.directory.path()));
  Basis basis{.snapshot = NewestWholeSnapshot(), .entries = {}, .hard_state = {}};
  const LogPosition begin = basis.snapshot ? PositionOf(*basis.snapshot) : LogPosition();
  LogPosition best = begin;
  bool joins = false;
  std::string place;
  for (std::size_t from = 0; from < logs.size(); ++from) {
    Stretch stretch = ReadStretch(logs, from);
    if (stretch.replay.base().index > begin.index ||
        stretch.replay.TermAt(begin.index) != begin.term) {
      continue;
    }
    if (joins && stretch.replay.last().index <= best.index) continue;
    joins = true;
    best = stretch.replay.last();
    place = stretch.place;
    basis.hard_state = stretch.replay.hard_state();
    basis.entries = stretch.replay.TakeEntries();
  }
  if (!joins && basis.snapshot.has_value()) {
    places().push_back("nothing of the log goes on behind the snapshot of " + ToText(begin));
  }
  if (!place.empty() && !std::ranges::count(places(), place)) places().push_back(place);
  return basis;
}

// As the log would be if every record that can be read had been applied in turn.
void Salvage::ListDropped(const std::vector<LogFile>& logs) {
  std::map<Index, Entry> legible;
  for (const LogFile& log : logs) {
    WalkSegment(log.file.bytes, log.salt, log.file.role, [&](const LogPlace& at) {
      if (!at.record.has_value() || at.record->type != RecordType::kBatch) return;
      auto batch = DecodeBatch(at.record->payload);
      if (!batch.has_value() || batch->first == Index(0)) return;
      if (batch->kind != BatchKind::kFill) {
        legible.erase(legible.lower_bound(batch->first), legible.end());
      }
      for (Entry& entry : batch->entries) legible[entry.index] = std::move(entry);
    });
  }
  legible.erase(legible.begin(), legible.upper_bound(salvaged_.kept.last.index));
  for (auto& [index, entry] : legible) salvaged_.dropped.push_back(std::move(entry));
  if (!salvaged_.dropped.empty()) Reaches(salvaged_.dropped.back().index);
}

absl::StatusOr<Salvaged> Salvage::Run() {
  // All of them at once: what can be kept is looked for from more than one of them on.
  std::vector<LogFile> logs;
  const absl::Status read = VisitLogFiles(home_.directory, home_.names, home_.identity,
                                          [&logs](const LogFile& log) { logs.push_back(log); });
  if (!read.ok()) return read;
  const std::optional<Mark> mark = MarkFile(home_).Read();
  auto recovered = Recover(home_, stopped_.inventory, mark);
  if (!recovered.ok() && !absl::IsDataLoss(recovered.status())) return recovered.status();
  if (recovered.ok() && recovered->state.damage.empty()) return refusal_;  // for what it decodes to
  const absl::StatusOr<Basis> basis =
      recovered.ok() ? UpToFirstLost(*recovered) : UpToFirstMisfit(logs);
  if (!basis.ok()) return basis.status();
  if (!basis->snapshot.has_value() && basis->entries.empty()) {
    return NothingToKeep(home_.directory.path(), places(),
                         "there is no whole snapshot, and no entry from the first one on, to begin "
                         "a state with");
  }
  auto kept = Assemble(home_, basis->snapshot, basis->entries, Index(UINT64_MAX));
  if (!kept.ok()) return kept.status();
  salvaged_.kept = *std::move(kept);
  HardState& hard_state = salvaged_.kept.hard_state;
  hard_state = basis->hard_state;
  hard_state.term = std::max(hard_state.term, salvaged_.kept.last.term);
  Reaches(salvaged_.kept.last.index);
  if (mark.has_value()) {
    Reaches(mark->after.last.index);
    hard_state.term = std::max(hard_state.term, mark->after.hard_state.term);
  }
  ListDropped(logs);
  for (const Entry& entry : salvaged_.dropped) {
    hard_state.term = std::max(hard_state.term, entry.term);
  }
  salvaged_.kept.lock = std::move(stopped_.lock);
  return std::move(salvaged_);
}

}  // namespace

absl::StatusOr<Salvaged> LoadUpToDamage(Directory& directory, const std::string& node) {
  auto whole = LoadState(directory, node);
  if (whole.ok()) {
    Salvaged salvaged;
    salvaged.kept = *std::move(whole);
    salvaged.known_end = salvaged.kept.last.index;
    return salvaged;
  }
  const FileNames names(node);
  const auto inventory = TakeInventory(directory, names);
  if (!inventory.ok()) return inventory.status();
  const bool lost = absl::IsNotFound(whole.status()) && !inventory->identity &&
                    (inventory->live || !inventory->sealed.empty());
  if (!absl::IsDataLoss(whole.status()) && !lost) return whole.status();
  auto stopped = HoldStopped(directory, node);
  if (stopped.ok()) return Salvage(*std::move(stopped), whole.status()).Run();
  return NothingToKeep(directory.path(),
                       {lost ? names.Identity() + ": this file is missing"
                             : WithoutWayOut(stopped.status(), directory.path())},
                       "without the identity no other byte can be checked");
}

}  // namespace grassdb::store
