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

std::string NumberText(SegmentNumber number) {
  return std::to_string(number.value());
}

absl::StatusOr<SegmentFile> ReadSegment(const Home& home, std::string name, SegmentRole role) {
  auto bytes = ReadWholeFile(home.directory, name);
  if (!bytes.ok()) return bytes.status();
  return SegmentFile{.path = home.directory.path(),
                     .name = std::move(name),
                     .bytes = std::move(*bytes),
                     .role = role};
}

// The newest segment: the live log, or the one prepared to become it.
struct Newest {
  SegmentFile file;
  SegmentHeader header;
};

absl::StatusOr<Newest> ReadNewest(const Home& home, const Inventory& inventory) {
  const std::string name = inventory.live ? home.names.Live() : home.names.Next();
  if (!inventory.live && !inventory.next) {
    return Damaged(home.directory.path(), home.names.Live(), 0, "the live log is missing");
  }
  auto file = ReadSegment(home, name, SegmentRole::kLive);
  if (!file.ok()) return file.status();
  RecordView record;
  const auto header = ReadSegmentHeader(*file, home.identity, &record);
  if (!header.ok()) {
    if (inventory.live) return header.status();
    return Annotate(header.status(),
                    home.names.Live() + " is missing and " + name + " cannot take its place");
  }
  return Newest{.file = std::move(*file), .header = *header};
}

// The longest run of sealed segments without a gap that ends before `newest`, ascending. Older ones
// are leftovers of a release that a crash undid in part; whether the run suffices is for the
// caller.
std::vector<SegmentNumber> RunBefore(SegmentNumber newest, const Inventory& inventory) {
  std::vector<SegmentNumber> run;
  SegmentNumber wanted = newest - 1;
  for (auto at = inventory.sealed.rbegin(); at != inventory.sealed.rend(); ++at) {
    if (*at >= newest) continue;
    if (*at != wanted) break;
    run.push_back(wanted);
    wanted = wanted - 1;
  }
  std::reverse(run.begin(), run.end());
  return run;
}

absl::Status ReadLog(const Home& home, const Inventory& inventory, Replay& replay,
                     Recovered& recovered) {
  auto newest = ReadNewest(home, inventory);
  if (!newest.ok()) return newest.status();
  const SegmentNumber number = newest->header.number;
  if (!inventory.sealed.empty() && inventory.sealed.back() >= number) {
    return Damaged(home.directory.path(), home.names.Sealed(inventory.sealed.back()), 0,
                   "the segment is not older than " + newest->file.name + ", which is segment " +
                       NumberText(number));
  }
  std::optional<RecordSequence> sequence;
  for (const SegmentNumber sealed : RunBefore(number, inventory)) {
    const auto file = ReadSegment(home, home.names.Sealed(sealed), SegmentRole::kSealed);
    if (!file.ok()) return file.status();
    const auto scan = ScanSegment(*file, home.identity, sequence, replay);
    if (!scan.ok()) return scan.status();
    if (scan->header.number != sealed) {
      return Damaged(file->path, file->name, 0,
                     "the file holds segment " + NumberText(scan->header.number));
    }
    sequence = scan->next_sequence;
    recovered.sealed.push_back(
        {.number = sealed, .previous = scan->header.previous, .bytes = file->bytes.size()});
  }
  const SegmentFile& file = newest->file;
  const auto scan = ScanSegment(file, home.identity, sequence, replay);
  if (!scan.ok()) return scan.status();
  if (!inventory.live && recovered.sealed.empty()) {
    return Damaged(file.path, home.names.Live(), 0, "the live log is missing");
  }
  recovered.end = !inventory.live ? LogEnd::kNext : scan->sealed ? LogEnd::kSealed : LogEnd::kLive;
  recovered.live = {.number = number,
                    .previous = scan->header.previous,
                    .end = scan->end,
                    .next_sequence = scan->next_sequence};
  recovered.last_record = scan->last_record;
  recovered.last_record_bytes =
      file.bytes.substr(static_cast<std::size_t>(scan->last_record),
                        static_cast<std::size_t>(scan->end - scan->last_record));
  const std::size_t dirty = file.bytes.find_last_not_of('\0');
  recovered.dirty_end = std::max<std::uint64_t>(scan->end, dirty + 1);
  return absl::OkStatus();
}

// Whether the log vouches for a snapshot file. kAhead is damage: a snapshot of this node's own
// state is made of entries that were durable in its log.
enum class Standing : std::uint8_t { kCurrent, kObsolete, kAhead };

Standing StandingOf(const SnapshotHeader& header, const Replay& replay) {
  const LogPosition position = PositionOf(header.meta);
  if (position.index < replay.base().index) return Standing::kObsolete;
  const bool held = replay.TermAt(position.index) == position.term;
  if (header.source == SnapshotSource::kReceived) {
    // Renamed into place, but the record that installs it is not in the log: it never was current.
    if (!replay.IsMarked(position)) return Standing::kObsolete;
    return held ? Standing::kCurrent : Standing::kAhead;
  }
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

// Which file it must be that is not there when the log begins behind all snapshots: the snapshot
// that the log knows of, or else the segment before the oldest.
std::string MissingFile(const Home& home, const Replay& replay, const Recovered& recovered) {
  const LogPosition known = replay.marks().empty() ? LogPosition() : replay.marks().back();
  if (known.index >= replay.base().index) return home.names.Snapshot(known.index);
  const SegmentNumber first =
      recovered.sealed.empty() ? recovered.live.number : recovered.sealed.front().number;
  return home.names.Sealed(first - 1);
}

absl::Status ChooseSnapshot(const Home& home, const Inventory& inventory, const Replay& replay,
                            Recovered& recovered) {
  absl::Status damage;  // of the newest damaged file, in case no other one will do
  for (auto index = inventory.snapshots.rbegin(); index != inventory.snapshots.rend(); ++index) {
    const std::string name = home.names.Snapshot(*index);
    const auto reader = SnapshotReader::Open(home, name);
    if (!reader.ok() && !absl::IsDataLoss(reader.status())) return reader.status();
    absl::Status problem = reader.status();
    if (reader.ok()) {
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
    if (damage.ok()) damage = problem;
    recovered.obsolete.push_back(name);
  }
  const Index covered = recovered.state.snapshot ? recovered.state.snapshot->index : Index(0);
  if (replay.base().index <= covered) return absl::OkStatus();
  if (!damage.ok()) return damage;
  return Damaged(home.directory.path(), MissingFile(home, replay, recovered), 0,
                 "this file is missing: the log begins behind " + ToText(replay.base()) +
                     " and no snapshot reaches that far");
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

absl::Status RemoveFiles(Directory& directory, const std::vector<std::string>& files) {
  for (const std::string& name : files) {
    GRASS_PROBE("recovery: a leftover file is removed");
    if (absl::Status s = directory.Remove(name); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// Makes what recovery read of the live log durable. It may have come from a cache: the last life's
// sync may not have begun, or have failed. After a failed sync the pages may count as clean, so
// that a sync alone would write nothing; hence the last record, the only one that can be in that
// state, is written again with the bytes it already has.
absl::Status MakeLiveLogDurable(const Home& home, const Recovered& recovered) {
  auto file = home.directory.Open(home.names.Live(), OpenMode::kExisting);
  if (!file.ok()) return file.status();
  if (absl::Status s = WriteOne(**file, recovered.last_record, recovered.last_record_bytes);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = WriteZeros(**file, recovered.live.end, recovered.dirty_end); !s.ok()) {
    return s;
  }
  return (*file)->Sync();
}

absl::Status ResumeLog(const Recovered& recovered, std::vector<SegmentNumber> free, Log& log) {
  if (recovered.end == LogEnd::kSealed) {
    GRASS_PROBE("recovery: the live log is sealed");
    const RecoveredState& state = recovered.state;
    LogState now;
    now.last =
        state.entries.empty()
            ? LogPosition{.index = state.base_index, .term = state.base_term}
            : LogPosition{.index = state.entries.back().index, .term = state.entries.back().term};
    now.hard_state = state.hard_state;
    if (state.snapshot.has_value()) now.snapshot = PositionOf(*state.snapshot);
    return log.ResumeSealed(recovered.live, recovered.sealed, std::move(free), now);
  }
  return log.Resume(recovered.live, recovered.sealed, std::move(free));
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
    }
  }
  return inventory;
}

absl::StatusOr<Recovered> Recover(const Home& home, const Inventory& inventory) {
  Recovered recovered;
  Replay replay;
  if (absl::Status s = ReadLog(home, inventory, replay, recovered); !s.ok()) return s;
  if (absl::Status s = ChooseSnapshot(home, inventory, replay, recovered); !s.ok()) return s;
  if (absl::Status s = ChooseStaged(home, inventory, replay, recovered); !s.ok()) return s;
  for (const SegmentNumber number : inventory.sealed) {
    const bool counts = !recovered.sealed.empty() && number >= recovered.sealed.front().number;
    if (!counts) GRASS_PROBE("recovery: a segment behind a gap");
    if (!counts) recovered.obsolete.push_back(home.names.Sealed(number));
  }
  recovered.state.identity = home.identity;
  recovered.state.hard_state = replay.hard_state();
  recovered.state.base_index = replay.base().index;
  recovered.state.base_term = replay.base().term;
  recovered.state.entries = replay.TakeEntries();
  return recovered;
}

absl::Status Adopt(const Home& home, const Inventory& inventory, const Recovered& recovered,
                   Log& log) {
  Directory& directory = home.directory;
  // Names that recovery saw may be in a cache only.
  if (absl::Status s = directory.Sync(); !s.ok()) return s;
  if (recovered.end == LogEnd::kNext) {
    GRASS_PROBE("recovery: the next segment takes the live log's place");
    if (absl::Status s = directory.Rename(home.names.Next(), home.names.Live()); !s.ok()) return s;
  } else if (absl::Status s = MakeLiveLogDurable(home, recovered); !s.ok()) {
    return s;
  }
  std::vector<std::string> remove = recovered.obsolete;
  remove.insert(remove.end(), inventory.staging.begin(), inventory.staging.end());
  if (inventory.next && recovered.end != LogEnd::kNext) {
    // On a full disk it may have been the reserve, and be all there is to finish a rotation with.
    if (inventory.reserve) {
      remove.push_back(home.names.Next());
    } else if (absl::Status s = directory.Rename(home.names.Next(), home.names.Reserve());
               !s.ok()) {
      return s;
    }
  }
  std::vector<SegmentNumber> free = inventory.free;
  for (; free.size() > home.options.recycled_segments_max; free.pop_back()) {
    remove.push_back(home.names.Free(free.back()));
  }
  if (absl::Status s = RemoveFiles(directory, remove); !s.ok()) return s;
  if (absl::Status s = directory.Sync(); !s.ok()) return s;
  return ResumeLog(recovered, std::move(free), log);
}

}  // namespace grassdb::store
