#include "store/recovery.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/probe.h"
#include "store/io.h"
#include "store/replay.h"
#include "store/segment_scan.h"
#include "store/snapshot_file.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

// Of the system's cache. A part of one is not written without reading the rest.
constexpr std::uint64_t kPageBytes = 4096;

std::string NumberText(SegmentNumber number) {
  return std::to_string(number.value());
}

// Reads the log of one directory. A fresh one for each attempt (Recover).
class LogReader {
 public:
  LogReader(const Home& home, const Inventory& inventory, const std::optional<Mark>& mark,
            Replay& replay, Recovered& recovered)
      : home_(home), inventory_(inventory), mark_(mark), replay_(replay), recovered_(recovered) {}

  // Goes back over so many gaps in the segments' numbers.
  absl::Status Read(std::size_t gaps);

 private:
  // The newest segment: the live log, or the one prepared to become it.
  absl::StatusOr<SegmentFile> ReadNewest(std::uint64_t bytes_max = kSegmentBytesMax);
  std::optional<SegmentNumber> NumberInHeader(const SegmentFile& newest) const;
  absl::StatusOr<SegmentNumber> NumberOf(const SegmentFile& newest) const;
  SegmentNumber LeastNumber() const;
  bool IsOfTheNext(SegmentNumber number) const;
  std::vector<SegmentNumber> RunBefore(SegmentNumber newest, std::size_t gaps) const;
  absl::Status ReadSealed(SegmentNumber number);
  absl::Status ReadLive(SegmentFile& file, SegmentNumber number);
  absl::Status WriteHeaderAgain(const SegmentFile& file, SegmentNumber number);
  absl::Status JudgeTail(const SegmentFile& file, const SegmentScan& scan);
  bool MayHideRecords(const SegmentFile& file, const SegmentScan& scan, bool was_durable) const;
  void NameIllegible(const SegmentFile& file);
  absl::Status WriteOver(const SegmentFile& file, RecordSequence sequence);
  void EndWith(RecordBuilder& record, RecordSequence sequence, std::uint64_t begin);

  std::vector<std::string>& places() { return recovered_.state.damage.places; }
  void Lose(const std::string& place) { places().push_back(place); }

  const Home& home_;
  const Inventory& inventory_;
  const std::optional<Mark>& mark_;
  Replay& replay_;
  Recovered& recovered_;
  std::optional<RecordSequence> sequence_;  // of the next record
};

absl::StatusOr<SegmentFile> LogReader::ReadNewest(std::uint64_t bytes_max) {
  const std::string name = inventory_.live ? home_.names.Live() : home_.names.Next();
  if (!inventory_.live && !inventory_.next) {
    return Damaged(home_.directory.path(), home_.names.Live(), 0, "the live log is missing");
  }
  auto file = ReadSegmentFile(home_.directory, name, SegmentRole::kLive, bytes_max);
  if (!file.ok() || inventory_.live) return file;
  RecordView record;
  if (const auto header = ReadSegmentHeader(*file, home_.identity, &record); !header.ok()) {
    return Annotate(header.status(),
                    home_.names.Live() + " is missing and " + name + " cannot take its place");
  }
  return file;
}

// That of the newest segment is behind the sealed ones', and not below the mark's.
SegmentNumber LogReader::LeastNumber() const {
  const SegmentNumber behind =
      inventory_.sealed.empty() ? SegmentNumber(1) : inventory_.sealed.back() + 1;
  return mark_.has_value() ? std::max(behind, mark_->segment) : behind;
}

// If it says enough. Where no sealed segment is left, a header of one that is released looks like
// the right one; but then newer records stand behind it, and they are not its own.
std::optional<SegmentNumber> LogReader::NumberInHeader(const SegmentFile& newest) const {
  if (inventory_.sealed.empty()) return std::nullopt;
  RecordView record;
  const auto header = ReadSegmentHeader(newest, home_.identity, &record);
  const bool fits = header.ok() && header->number >= LeastNumber() && !IsOfTheNext(header->number);
  return fits ? std::optional(header->number) : std::nullopt;
}

// Where the header is damaged, or another segment's, which a disk has put or read in the wrong
// place, the records behind it tell the number.
absl::StatusOr<SegmentNumber> LogReader::NumberOf(const SegmentFile& newest) const {
  RecordView record;
  const auto header = ReadSegmentHeader(newest, home_.identity, &record);
  if (!header.ok() && (!absl::IsDataLoss(header.status()) || HoldsOtherHeader(newest))) {
    return header.status();
  }
  const SegmentNumber behind =
      inventory_.sealed.empty() ? SegmentNumber(1) : inventory_.sealed.back() + 1;
  const SegmentNumber least = LeastNumber();
  const bool fits = header.ok() && header->number >= least && !IsOfTheNext(header->number);
  const auto number = fits
                          ? NewestSegmentIn(newest, home_.identity, header->number, record.sequence)
                          : NewestSegmentIn(newest, home_.identity, least, RecordSequence());
  if (number.has_value()) return *number;
  if (header.ok() && !fits && mark_.has_value() && mark_->segment == least) return least;
  if (header.ok()) return header->number;
  if (!inventory_.sealed.empty() && mark_.has_value() && mark_->segment <= behind) return behind;
  return header.status();
}

// Whether the file that is being made ready to follow the live log, beside it, has this number.
bool LogReader::IsOfTheNext(SegmentNumber number) const {
  if (!inventory_.live || !inventory_.next) return false;
  const auto next =
      ReadSegmentFile(home_.directory, home_.names.Next(), SegmentRole::kLive, kHeaderReadBytes);
  if (!next.ok()) return false;
  RecordView record;
  const auto header = ReadSegmentHeader(*next, home_.identity, &record);
  return header.ok() && header->number == number;
}

// The longest run of sealed segments that ends before `newest` and has no more than so many gaps,
// ascending. What is behind a gap may be left over from a release that a crash undid in part, or
// the gap is a file that is missing: whether the run suffices is for the caller.
std::vector<SegmentNumber> LogReader::RunBefore(SegmentNumber newest, std::size_t gaps) const {
  std::vector<SegmentNumber> run;
  SegmentNumber wanted = newest - 1;
  for (auto at = inventory_.sealed.rbegin(); at != inventory_.sealed.rend(); ++at) {
    if (*at >= newest) continue;
    if (*at != wanted && gaps-- == 0) break;
    run.push_back(*at);
    wanted = *at - 1;
  }
  std::reverse(run.begin(), run.end());
  return run;
}

absl::Status LogReader::Read(std::size_t gaps) {
  // While older segments are read, of the newest one only the header is in memory.
  auto newest = ReadNewest(kHeaderReadBytes);
  if (!newest.ok()) return newest.status();
  absl::StatusOr<SegmentNumber> number;
  const std::optional<SegmentNumber> in_header = NumberInHeader(*newest);
  if (in_header.has_value()) {
    number = *in_header;
  } else {
    newest = ReadNewest();
    if (!newest.ok()) return newest.status();
    number = NumberOf(*newest);
    if (!number.ok()) return number.status();
  }
  if (!inventory_.sealed.empty() && inventory_.sealed.back() >= *number) {
    return Damaged(home_.directory.path(), home_.names.Sealed(inventory_.sealed.back()), 0,
                   "the segment is not older than " + newest->name + ", which is segment " +
                       NumberText(*number));
  }
  for (const SegmentNumber sealed : RunBefore(*number, gaps)) {
    if (absl::Status s = ReadSealed(sealed); !s.ok()) return s;
  }
  if (!inventory_.live && recovered_.sealed.empty()) {
    return Damaged(newest->path, home_.names.Live(), 0, "the live log is missing");
  }
  if (!recovered_.sealed.empty() && recovered_.sealed.back().number + 1 != *number) {
    Lose(home_.names.Sealed(*number - 1) + ": the file is missing");
  }
  if (in_header.has_value()) newest = ReadNewest();
  if (!newest.ok()) return newest.status();
  NameIllegible(*newest);
  const bool legible = HoldsRecordOf(*newest, home_.identity, *number);
  const absl::Status live =
      legible ? ReadLive(*newest, *number) : WriteHeaderAgain(*newest, *number);
  if (!live.ok()) return live;
  if (const auto problem = replay_.Problem()) {
    return Damaged(newest->path, newest->name, 0,
                   (places().empty() ? "" : places().front() + "; ") + *problem);
  }
  return absl::OkStatus();
}

absl::Status LogReader::ReadSealed(SegmentNumber number) {
  auto file = ReadSegmentFile(home_.directory, home_.names.Sealed(number), SegmentRole::kSealed);
  if (!file.ok()) return file.status();
  NameIllegible(*file);
  if (!recovered_.sealed.empty() && recovered_.sealed.back().number + 1 != number) {
    Lose(home_.names.Sealed(number - 1) + ": the file is missing");
  }
  const bool oldest = recovered_.sealed.empty();
  const auto scan =
      ScanSegment(home_.directory, *file, home_.identity, number, sequence_, replay_, places());
  if (!scan.ok()) return scan.status();
  if (scan->next_sequence > RecordSequence(0)) sequence_ = scan->next_sequence;
  const LogPosition previous = oldest ? replay_.base() : scan->previous;
  recovered_.sealed.push_back({.number = number,
                               .previous = scan->has_header ? scan->previous : previous,
                               .bytes = file->bytes.size()});
  return absl::OkStatus();
}

absl::Status LogReader::ReadLive(SegmentFile& file, SegmentNumber number) {
  const bool oldest = recovered_.sealed.empty();
  const auto scan =
      ScanSegment(home_.directory, file, home_.identity, number, sequence_, replay_, places());
  if (!scan.ok()) return scan.status();
  recovered_.end = !inventory_.live ? LogEnd::kNext
                   : scan->sealed   ? LogEnd::kSealed
                                    : LogEnd::kLive;
  const bool known = scan->has_header || !oldest;
  recovered_.live = {.number = number,
                     .previous = known ? scan->previous : replay_.base(),
                     .end = scan->end,
                     .next_sequence = scan->next_sequence,
                     .format = scan->format};
  recovered_.last_record = scan->last_record;
  recovered_.last_record_bytes =
      file.bytes.substr(static_cast<std::size_t>(scan->last_record),
                        static_cast<std::size_t>(scan->end - scan->last_record));
  const std::size_t dirty = file.bytes.find_last_not_of('\0');
  recovered_.dirty_end = std::max<std::uint64_t>(scan->end, dirty + 1);
  if (!file.illegible.empty() && file.illegible.back().end > scan->end) {
    // Written again, they can be read again. In whole pages: the system would have to read the rest
    // of one that is written in part.
    const std::uint64_t end =
        (file.illegible.back().end + kPageBytes - 1) / kPageBytes * kPageBytes;
    recovered_.dirty_end =
        std::max(recovered_.dirty_end, std::min<std::uint64_t>(end, file.bytes.size()));
  }
  return JudgeTail(file, *scan);
}

void LogReader::NameIllegible(const SegmentFile& file) {
  for (const ByteRange& range : file.illegible) {
    GRASS_PROBE("recovery: a sector of the log cannot be read");
    Lose(file.name + " at offset " + std::to_string(range.begin) + ": " + IllegibleText(range));
  }
}

// Whether a record can stand behind the last valid one of the live log where the disk does not give
// the bytes. What a crash tears, it leaves legible. `was_durable`: the next record, which cannot be
// read, was.
bool LogReader::MayHideRecords(const SegmentFile& file, const SegmentScan& scan,
                               bool was_durable) const {
  const std::uint64_t size = file.bytes.size();
  if (scan.sealed || !IsIllegible(file.illegible, {scan.end, size})) return false;
  const ByteRange header{scan.end, scan.end + kRecordHeaderBytes};
  if (header.end > size) return was_durable;
  if (IsIllegible(file.illegible, header)) return true;
  const RecordClaim claim = ReadRecordClaim(std::string_view(file.bytes).substr(header.begin));
  const bool begun = claim.sequence == scan.next_sequence &&
                     claim.salt == SegmentSalt(home_.identity, recovered_.live.number);
  if (!begun) return was_durable;
  const std::uint64_t end = scan.end + claim.frame_bytes;
  if (!was_durable) return IsIllegible(file.illegible, {scan.end, end});
  // It is known what it did, by the mark; if it was the last one.
  return mark_->sequence != claim.sequence ||
         IsIllegible(file.illegible, {end, end + kRecordHeaderBytes});
}

// Whether what was found behind the last valid record of the live log is all there ever was.
absl::Status LogReader::JudgeTail(const SegmentFile& file, const SegmentScan& scan) {
  const bool was_durable = mark_.has_value() && mark_->sequence >= scan.next_sequence;
  if (MayHideRecords(file, scan, was_durable)) {
    GRASS_PROBE("recovery: the end of the log cannot be read");
    return Damaged(file.path, file.name, scan.end,
                   IllegibleText(file.illegible.back()) +
                       ", and what this node had written and promised last may have stood there");
  }
  const RecordSequence known = was_durable ? mark_->sequence + 1 : scan.next_sequence;
  const Salt salt = SegmentSalt(home_.identity, recovered_.live.number);
  if (!scan.sealed && IsBegunBehind(file.bytes, scan.end, salt, known)) {
    GRASS_PROBE("recovery: a record was begun behind the damaged ones");
    return Damaged(file.path, file.name, scan.end,
                   Expected(scan.next_sequence) +
                       "none that is whole, but a later one was begun: what this node had written "
                       "and promised last is damaged");
  }
  if (!was_durable) return absl::OkStatus();
  GRASS_PROBE("recovery: the last record was durable");
  Lose(file.name + " at offset " + std::to_string(scan.end) + ": expected record " +
       std::to_string(scan.next_sequence.value()) + ", which was durable by " + home_.names.Mark());
  replay_.Lose(LostRecords::kAny, scan.next_sequence);
  if (auto problem = replay_.EndWith(mark_->after, mark_->sequence)) {
    return Damaged(file.path, file.name, scan.end, *problem);
  }
  return WriteOver(file, mark_->sequence + 1);
}

// Where the last records were durable and are lost, another takes their place: it says where the
// log ended, for good. A batch of nothing, so that no new segment is needed, for which a full disk
// may have no room; in a file that was cut short, which the record may make longer again, or is of
// format 1, a seal.
absl::Status LogReader::WriteOver(const SegmentFile& file, RecordSequence sequence) {
  LiveLog& live = recovered_.live;
  Batch batch;
  batch.before = replay_.state();
  RecordBuilder record;
  EncodeBatch(batch, {}, record);
  const std::uint64_t room = file.bytes.size() - live.end;
  const bool goes_on = live.format > 1 && record.frame_bytes() + SealFrameBytes(kLogFormat) <= room;
  if (!goes_on) EncodeSeal({.last = batch.before->last, .before = batch.before}, record);
  if (recovered_.end != LogEnd::kLive) {
    return Damaged(file.path, file.name, live.end, "the log goes on elsewhere than was durable");
  }
  if (!goes_on) recovered_.end = LogEnd::kSealed;
  EndWith(record, sequence, live.end);
  return absl::OkStatus();
}

// A live log of which nothing can be read: its header only restates the segments before it, and is
// written again. If it held more than that, it is not known what.
absl::Status LogReader::WriteHeaderAgain(const SegmentFile& file, SegmentNumber number) {
  if (!sequence_.has_value() || !mark_.has_value() || mark_->sequence != *sequence_ ||
      !file.illegible.empty()) {
    return Damaged(file.path, file.name, 0,
                   "no record of the live log is whole" + IllegibleNote(file.illegible));
  }
  Lose(file.name + " at offset 0: the segment header is damaged, and nothing is behind it");
  const std::uint32_t format =
      std::max(home_.options.log_format, FormatMinFor(replay_.hard_state()));
  recovered_.end = LogEnd::kLive;
  recovered_.live = {.number = number, .previous = replay_.last(), .format = format};
  RecordBuilder record;
  EncodeSegmentHeader(HeaderOf(home_.identity, number, format, replay_.state()), record);
  EndWith(record, *sequence_, 0);
  const std::uint64_t dirty = file.bytes.find_last_not_of('\0') + 1;  // 0: nothing is
  recovered_.dirty_end = std::max(dirty, recovered_.live.end + SealFrameBytes(kLogFormat));
  return absl::OkStatus();
}

// `record` is written at `begin` of the live log (MakeLiveLogDurable), and is its last.
void LogReader::EndWith(RecordBuilder& record, RecordSequence sequence, std::uint64_t begin) {
  LiveLog& live = recovered_.live;
  recovered_.last_record = begin;
  recovered_.last_record_bytes.clear();
  for (const std::string_view part :
       record.Finish(sequence, SegmentSalt(home_.identity, live.number))) {
    recovered_.last_record_bytes.append(part);
  }
  live.end = begin + recovered_.last_record_bytes.size();
  live.next_sequence = sequence + 1;
  recovered_.dirty_end = std::max(recovered_.dirty_end, live.end);
}

// Whether the log vouches for a snapshot file. kAhead is damage: a snapshot of this node's own
// state is made of entries that were durable in its log.
enum class Standing : std::uint8_t { kCurrent, kObsolete, kAhead };

Standing StandingOf(const SnapshotHeader& header, const Replay& replay) {
  const LogPosition position = PositionOf(header.meta);
  // Renamed into place, but the record that installs it is not in the log: it never was current.
  if (header.source == SnapshotSource::kReceived && !replay.IsMarked(position)) {
    return Standing::kObsolete;
  }
  // Of an entry that is released or lost the log says nothing against it.
  const bool held = position.index < replay.base().index ||
                    replay.TermAt(position.index) == position.term ||
                    replay.IsUnknown(position.index);
  return held ? Standing::kCurrent : Standing::kAhead;
}

// Whether a leader may still want to go on with it: nobody needs a snapshot of what is there.
bool IsWanted(const SnapshotReader& staged, const Replay& replay, const RecoveredState& state) {
  const SnapshotHeader& header = staged.header();
  const LogPosition position = PositionOf(header.meta);
  return header.source == SnapshotSource::kReceived && staged.stream_bytes() > 0 &&
         !GRASS_BUGGIFY("recovery: a part of a snapshot is not gone on with") &&
         (!state.snapshot.has_value() || position.index > state.snapshot->index) &&
         replay.TermAt(position.index) != position.term;
}

// The newest snapshot that the log says was current at some time; (0, 0): it knows of none.
LogPosition NewestKnown(const Replay& replay) {
  LogPosition newest;
  for (const LogPosition& mark : replay.marks()) {
    if (mark.index > newest.index) newest = mark;
  }
  return newest;
}

// Which file it must be that is not there when the log begins behind all snapshots: the snapshot
// that the log knows of, or else the segment before the oldest.
std::string MissingFile(const Home& home, const Replay& replay, const Recovered& recovered) {
  const LogPosition known = NewestKnown(replay);
  if (known.index >= replay.base().index) return home.names.Snapshot(known.index);
  const SegmentNumber first =
      recovered.sealed.empty() ? recovered.live.number : recovered.sealed.front().number;
  return home.names.Sealed(first - 1);
}

bool ReachesSnapshot(const Replay& replay, const Recovered& recovered) {
  const auto& snapshot = recovered.state.snapshot;
  return replay.base().index <= (snapshot.has_value() ? snapshot->index : Index(0));
}

absl::Status ChooseSnapshot(const Home& home, const Inventory& inventory, const Replay& replay,
                            Recovered& recovered) {
  for (auto index = inventory.snapshots.rbegin(); index != inventory.snapshots.rend(); ++index) {
    const std::string name = home.names.Snapshot(*index);
    // Every block: one that is found damaged only when it is needed stops a node that runs.
    auto reader = SnapshotReader::Open(home, name);
    absl::Status problem = reader.ok() ? (*reader)->Verify() : reader.status();
    if (absl::IsDataLoss(problem)) {  // a disk may give wrong bytes once
      reader = SnapshotReader::Open(home, name);
      problem = reader.ok() ? (*reader)->Verify() : reader.status();
    }
    // A newer version's, say, or one that may not be opened, is no damage.
    if (!problem.ok() && !absl::IsDataLoss(problem) && !absl::IsUnknown(problem)) return problem;
    if (problem.ok()) {
      const SnapshotHeader& header = (*reader)->header();
      const Standing standing = StandingOf(header, replay);
      if (header.meta.index != *index) {
        problem = Damaged(home.directory.path(), name, 0,
                          "the file holds the snapshot of " + ToText(PositionOf(header.meta)));
      } else if (standing == Standing::kAhead) {
        return Damaged(home.directory.path(), name, 0,
                       "the snapshot stands for " + ToText(PositionOf(header.meta)) +
                           ", but the log ends at " + ToText(replay.last()) +
                           " and does not hold it: the log has lost durable entries");
      } else if (standing == Standing::kCurrent && !recovered.state.snapshot.has_value()) {
        recovered.state.snapshot = header.meta;
        continue;
      }
    }
    GRASS_PROBE("recovery: a snapshot that is not current");
    if (problem.ok()) {
      recovered.obsolete.push_back(name);
      continue;
    }
    recovered.state.damage.places.emplace_back(problem.message().data(), problem.message().size());
    recovered.damaged_snapshots.push_back(name);
  }
  return absl::OkStatus();
}

// The current snapshot stands for what is lost at or before it. If there is none, and the log
// begins behind one, that is lost.
absl::Status JudgeBase(const Home& home, const Inventory& inventory, Replay& replay,
                       Recovered& recovered) {
  const auto& snapshot = recovered.state.snapshot;
  if (snapshot.has_value()) replay.CoverLost(PositionOf(*snapshot));
  if (ReachesSnapshot(replay, recovered)) return absl::OkStatus();
  Damage& damage = recovered.state.damage;
  // One that is current, or there was never one.
  const LogPosition before = snapshot.has_value() ? PositionOf(*snapshot) : LogPosition();
  const bool known =
      snapshot.has_value() ||
      (replay.marks().empty() && (inventory.snapshots.empty() || replay.guesses_base()));
  if (known && before.term <= replay.base().term) {
    const std::string missing = MissingFile(home, replay, recovered);
    damage.places.push_back(missing + ": this file is missing");
    const auto problem = replay.LoseBeginning(before);
    return problem ? Damaged(home.directory.path(), missing, 0, *problem) : absl::OkStatus();
  }
  damage.snapshot_lost = replay.base().index;
  // Else a segment is missing too, and its end is the base.
  if (NewestKnown(replay).index >= replay.base().index) {
    damage.committed = replay.base().index;
    damage.committed_term = replay.base().term;
  }
  damage.places.push_back(MissingFile(home, replay, recovered) +
                          ": this file is missing or damaged: the log begins behind " +
                          ToText(replay.base()) + ", and no snapshot reaches that far");
  return absl::OkStatus();
}

// A file that is finished but for its name is taken up to its last full block too: one chunk more
// from the leader is simpler than a second way to complete a snapshot.
absl::Status ChooseStaged(const Home& home, const Inventory& inventory, const Replay& replay,
                          Recovered& recovered) {
  if (!inventory.received) return absl::OkStatus();
  const std::string name = home.names.Received();
  auto reader = SnapshotReader::OpenStaged(home, name);
  const bool unusable =
      absl::IsDataLoss(reader.status()) || absl::IsFailedPrecondition(reader.status());
  if (!reader.ok() && !unusable) return reader.status();
  if (unusable || !IsWanted(**reader, replay, recovered.state)) {
    recovered.obsolete.push_back(name);
    return absl::OkStatus();
  }
  GRASS_PROBE("recovery: a part of a snapshot is gone on with");
  recovered.state.staged = {.meta = (*reader)->header().meta, .offset = (*reader)->stream_bytes()};
  recovered.staged = std::move(*reader);
  return absl::OkStatus();
}

void TakeState(const Home& home, Replay& replay, Recovered& recovered) {
  recovered.log = replay.state();
  RecoveredState& state = recovered.state;
  if (state.snapshot.has_value()) recovered.log.snapshot = PositionOf(*state.snapshot);
  state.identity = home.identity;
  state.hard_state = replay.hard_state();
  state.base_index = replay.base().index;
  state.base_term = replay.base().term;
  state.damage.lost = replay.lost();
  for (const std::string& members : replay.members()) {
    if (auto known = DecodeConfiguration(members)) state.members.push_back(*std::move(known));
  }
  state.evicted = replay.TakeEvicted();
  state.entries = replay.TakeEntries();
  // A damaged snapshot stays as long as anything is lost. Then it goes: what cannot be read today
  // may be read tomorrow, and the node would have another past.
  if (state.damage.empty()) {
    recovered.obsolete.insert(recovered.obsolete.end(), recovered.damaged_snapshots.begin(),
                              recovered.damaged_snapshots.end());
  }
}

}  // namespace

absl::StatusOr<Inventory> TakeInventory(Directory& directory, const FileNames& names) {
  const auto listed = directory.List();
  if (!listed.ok()) return listed.status();
  Inventory inventory;
  for (const std::string& name : *listed) {
    const ParsedName parsed = names.Parse(name);
    switch (parsed.kind) {
      case FileKind::kForeign:
      case FileKind::kLock:
        break;
      case FileKind::kMark:
        inventory.mark = true;
        break;
      case FileKind::kIdentity:
        inventory.identity = true;
        break;
      case FileKind::kLive:
        inventory.live = true;
        break;
      case FileKind::kNext:
        inventory.next = true;
        break;
      case FileKind::kReserve:
        inventory.reserve = true;
        break;
      case FileKind::kSealed:
        inventory.sealed.emplace_back(parsed.number);
        break;
      case FileKind::kFree:
        inventory.free.emplace_back(parsed.number);
        break;
      case FileKind::kSnapshot:
        inventory.snapshots.emplace_back(parsed.number);
        break;
      case FileKind::kReceived:
        inventory.received = true;
        break;
      case FileKind::kSpare:
      case FileKind::kIdentityStaging:
      case FileKind::kTaken:
        inventory.staging.push_back(name);
        break;
      case FileKind::kReplacing:
      case FileKind::kPlacing:
        inventory.replacement = name;
        break;
    }
  }
  return inventory;
}

// Segments before a gap in the numbers are left over from a release, as long as those behind it and
// the snapshots suffice. If they do not, the gap is damage, and what is before it counts.
absl::StatusOr<Recovered> Recover(const Home& home, const Inventory& inventory,
                                  const std::optional<Mark>& mark, Payloads payloads,
                                  std::size_t memory_bytes) {
  for (std::size_t gaps = 0;; ++gaps) {
    Recovered recovered;
    Replay replay(payloads, memory_bytes);
    LogReader reader(home, inventory, mark, replay, recovered);
    if (absl::Status s = reader.Read(gaps); !s.ok()) return s;
    if (absl::Status s = ChooseSnapshot(home, inventory, replay, recovered); !s.ok()) return s;
    const bool more = !recovered.sealed.empty()
                          ? inventory.sealed.front() < recovered.sealed.front().number
                          : !inventory.sealed.empty();
    if (more && !ReachesSnapshot(replay, recovered)) continue;
    if (absl::Status s = JudgeBase(home, inventory, replay, recovered); !s.ok()) return s;
    if (absl::Status s = ChooseStaged(home, inventory, replay, recovered); !s.ok()) return s;
    for (const SegmentNumber number : inventory.sealed) {
      const bool counts = !recovered.sealed.empty() && number >= recovered.sealed.front().number;
      if (!counts) GRASS_PROBE("recovery: a segment behind a gap");
      if (!counts) recovered.obsolete.push_back(home.names.Sealed(number));
    }
    TakeState(home, replay, recovered);
    return recovered;
  }
}

}  // namespace grassdb::store
