#include "store/storage.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/check.h"
#include "core/command.h"
#include "core/configuration.h"
#include "core/probe.h"
#include "store/home.h"
#include "store/identity.h"
#include "store/io.h"
#include "store/log.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/scrub.h"
#include "store/segment_scan.h"
#include "store/snapshot_file.h"
#include "store/term_runs.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

class FileStorage final : public Storage {
 public:
  FileStorage(Home home, std::unique_ptr<Lock> lock)
      : home_(std::move(home)), lock_(std::move(lock)), log_(home_), scrubber_(home_) {}

  absl::Status Begin(const Inventory& inventory, const Recovered& recovered);
  SpaceReport Space() const;

  DiskDone Execute(DiskJob job) override {
    return std::visit([this](auto& each) { return DiskDone(Do(each)); }, job);
  }

 private:
  PersistDone Do(Persist& persist);
  StageDone Do(const StageSnapshot& stage);
  PublishDone Do(const PublishSnapshot& publish);
  SnapshotRead Do(const ReadSnapshot& read);
  RestockDone Do(const Restock& restock);
  ScrubDone Do(const Scrub& scrub);

  // Runs `action` unless an earlier write failed; keeps the first failure for good, which is none
  // for want of room.
  template <class Action>
  absl::Status FailStop(const char* what, Action action);

  absl::Status Write(const Persist& persist);
  absl::Status Write(const StageSnapshot& stage);
  absl::Status Write(const PublishSnapshot& publish);
  absl::Status Stage(const StageSnapshot& stage);
  absl::Status DropStaged(SnapshotSource source);
  absl::Status SyncStaged(SnapshotSource source, SnapshotWriter& writer);
  absl::Status DropTaken();
  // The staged file of `writer` gets its final name, durably.
  absl::Status NameSnapshot(std::unique_ptr<SnapshotWriter>& writer, const std::string& staging);
  // `meta` is current from now on. Frees what it replaces.
  absl::Status Supersede(const SnapshotMeta& meta, Index release_through);
  absl::Status WriteRecord(const Persist& persist, const std::optional<InstallMark>& install);
  // What the log adds up to once `persist` is in it.
  void Follow(const Persist& persist, const std::optional<InstallMark>& install);

  std::unique_ptr<SnapshotWriter>& WriterOf(SnapshotSource source) {
    return source == SnapshotSource::kTaken ? taken_ : received_;
  }
  std::string StagingOf(SnapshotSource source) const {
    return source == SnapshotSource::kTaken ? home_.names.Taken() : home_.names.Received();
  }
  LogState StateNow() const {
    return {.last = runs_.last(),
            .hard_state = hard_state_,
            .snapshot = snapshot_ ? PositionOf(*snapshot_) : LogPosition()};
  }

  Home home_;
  std::unique_ptr<Lock> lock_;
  absl::Status failed_;  // the first failure of a write; all later writes get it too
  Log log_;
  RecordBuilder record_;
  TermRuns runs_;
  HardState hard_state_;
  std::optional<SnapshotMeta> snapshot_;
  std::unique_ptr<SnapshotWriter> taken_;
  std::unique_ptr<SnapshotWriter> received_;
  std::unique_ptr<SnapshotReader> reader_;  // of snapshot_; opened when first read
  // Why there was no room for the newest snapshot taken here; empty: there was. The log cannot let
  // go of anything before there is one.
  std::string snapshot_problem_;
  Scrubber scrubber_;
};

absl::Status FileStorage::Begin(const Inventory& inventory, const Recovered& recovered) {
  if (absl::Status s = Adopt(home_, inventory, recovered, log_); !s.ok()) return s;
  const RecoveredState& state = recovered.state;
  hard_state_ = state.hard_state;
  snapshot_ = state.snapshot;
  runs_.ResetTo({.index = state.base_index, .term = state.base_term});
  for (const Entry& entry : state.entries) runs_.Append(entry.term);
  if (recovered.staged == nullptr) return absl::OkStatus();
  auto writer = SnapshotWriter::Resume(home_, home_.names.Received(), *recovered.staged);
  if (!writer.ok()) return writer.status();
  received_ = std::move(*writer);
  return absl::OkStatus();
}

template <class Action>
absl::Status FileStorage::FailStop(const char* what, Action action) {
  if (!failed_.ok()) return failed_;
  const absl::Status status = action();
  if (status.ok() || absl::IsResourceExhausted(status)) return status;
  failed_ = Annotate(status, "the storage in " + home_.directory.path() +
                                 " stopped for good when " + what + " failed");
  return failed_;
}

PersistDone FileStorage::Do(Persist& persist) {
  PersistDone done{.id = persist.id,
                   .status = FailStop("a log write", [&] { return Write(persist); }),
                   .space = Space()};
  if (absl::IsResourceExhausted(done.status)) done.refused = std::move(persist);
  return done;
}

StageDone FileStorage::Do(const StageSnapshot& stage) {
  return {.source = stage.source,
          .index = stage.meta.index,
          .next_offset = stage.offset + stage.data.size(),
          .last = stage.last,
          .status = FailStop("staging a snapshot", [&] { return Write(stage); }),
          .space = Space()};
}

PublishDone FileStorage::Do(const PublishSnapshot& publish) {
  return {.meta = publish.meta,
          .status = FailStop("publishing a snapshot", [&] { return Final(Write(publish)); }),
          .space = Space()};
}

RestockDone FileStorage::Do(const Restock&) {
  RestockDone done;
  // What would be filled with zeros is left for the snapshot.
  const auto extent = snapshot_problem_.empty() ? RestockExtent::kAll : RestockExtent::kReserve;
  done.status = FailStop("making room for the log", [&] {
    const absl::StatusOr<bool> more = log_.Restock(extent);
    done.more = more.ok() && *more;
    return more.status();
  });
  done.space = Space();
  return done;
}

ScrubDone FileStorage::Do(const Scrub& scrub) {
  ScrubDone done{.status = failed_, .space = Space()};
  if (!failed_.ok()) return done;
  ScrubTargets targets = log_.scrub_targets();
  if (snapshot_.has_value()) targets.snapshot = snapshot_->index;
  const Scrubber::Piece piece = scrubber_.Read(targets, scrub.bytes_max);
  done.bytes = piece.bytes;
  done.pass_done = piece.pass_done;
  if (piece.status.ok()) return done;
  GRASS_PROBE("storage: a scrub finds damage");
  done.damage = std::string(piece.status.message());
  switch (piece.place) {
    case Scrubber::Place::kSnapshot:
      done.mend_from = snapshot_->index;
      reader_.reset();
      break;
    case Scrubber::Place::kSealed:
      done.mend_from = log_.EndOf(piece.segment);
      break;
    case Scrubber::Place::kLive: {
      done.mend_from = runs_.last().index;
      const absl::Status status =
          FailStop("sealing a damaged log", [&] { return log_.Seal(StateNow()); });
      if (absl::IsResourceExhausted(status)) {
        done.damage.clear();  // nothing could be done about it; the next pass finds it again
      } else {
        done.status = status;
      }
      break;
    }
  }
  done.space = Space();
  return done;
}

SpaceReport FileStorage::Space() const {
  SpaceReport report = log_.space();
  if (report.space != DiskSpace::kAmple || snapshot_problem_.empty()) return report;
  return {.space = DiskSpace::kFull, .problem = snapshot_problem_};
}

// What the record is for, which is what counts when there is hardly any room.
Claim ClaimOf(const Persist& persist) {
  if (persist.entries.empty() && !persist.install.has_value()) return Claim::kVote;
  const bool adds_data =
      std::ranges::any_of(persist.entries, [](const Entry& entry) { return AddsData(entry); });
  return adds_data ? Claim::kData : Claim::kVital;
}

SnapshotRead FileStorage::Do(const ReadSnapshot& read) {
  SnapshotRead done{.index = read.index,
                    .offset = read.offset,
                    .reader = read.reader,
                    .last = false,
                    .data = {},
                    .status = absl::OkStatus(),
                    .request = read.request};
  if (!snapshot_.has_value() || snapshot_->index != read.index) {
    done.status = absl::NotFoundError(
        "snapshot " + std::to_string(read.index.value()) + " is not the current one" +
        (snapshot_ ? ", which is " + std::to_string(snapshot_->index.value()) : ""));
    return done;
  }
  if (reader_ == nullptr) {
    auto reader = SnapshotReader::Open(home_, home_.names.Snapshot(read.index));
    if (!reader.ok()) {
      done.status = reader.status();
      return done;
    }
    reader_ = std::move(*reader);
  }
  auto data = reader_->Read(read.offset, read.size_max);
  if (!data.ok()) {
    done.status = data.status();
    return done;
  }
  done.data = std::move(*data);
  done.last = read.offset + done.data.size() == reader_->stream_bytes();
  return done;
}

absl::Status FileStorage::Write(const Persist& persist) {
  if (persist.empty()) return absl::OkStatus();
  if (persist.hard_state.has_value()) GRASS_CHECK_GE(persist.hard_state->term, hard_state_.term);
  std::optional<InstallMark> install;
  LogPosition last = runs_.last();
  if (persist.install.has_value()) {
    const LogPosition position = PositionOf(*persist.install);
    GRASS_CHECK(received_ != nullptr && received_->finished());
    GRASS_CHECK(received_->meta() == *persist.install);
    if (snapshot_.has_value()) GRASS_CHECK_GT(position.index, snapshot_->index);
    const bool holds = runs_.TermAt(position.index) == position.term;
    install = {.snapshot = position, .suffix = holds ? SuffixRule::kKeep : SuffixRule::kDrop};
    if (!holds) last = position;
  }
  Term previous_term;
  if (!persist.entries.empty()) {
    const Index joint = persist.entries.front().index - 1;
    GRASS_CHECK_LE(joint, last.index);
    if (snapshot_.has_value()) GRASS_CHECK_GE(joint, snapshot_->index);
    const auto term = joint == last.index ? last.term : runs_.TermAt(joint);
    GRASS_CHECK(term.has_value());
    previous_term = *term;
  }
  EncodeBatch(persist, install, previous_term, record_);
  const std::size_t frame_bytes = record_.frame_bytes();
  if (!log_.HasRoom(frame_bytes) || GRASS_BUGGIFY("log: a segment is sealed early")) {
    const absl::Status room = log_.MakeRoom(frame_bytes, ClaimOf(persist), StateNow());
    if (absl::IsResourceExhausted(room)) GRASS_PROBE("storage: no room for a record");
    if (!room.ok()) return room;
  }
  return Final(WriteRecord(persist, install));
}

absl::Status FileStorage::WriteRecord(const Persist& persist,
                                      const std::optional<InstallMark>& install) {
  if (install.has_value()) {
    // The file is in its place before the record makes it count. The other way round, a crash
    // between the two would leave a log that rests on a snapshot that is not there.
    if (absl::Status s = NameSnapshot(received_, home_.names.Received()); !s.ok()) return s;
  }
  if (absl::Status s = log_.Append(record_); !s.ok()) return s;
  Follow(persist, install);
  if (!persist.install.has_value()) return absl::OkStatus();
  return Supersede(*persist.install, persist.install->index);
}

void FileStorage::Follow(const Persist& persist, const std::optional<InstallMark>& install) {
  if (persist.hard_state.has_value()) hard_state_ = *persist.hard_state;
  if (install.has_value() && install->suffix == SuffixRule::kDrop) runs_.ResetTo(install->snapshot);
  if (persist.entries.empty()) return;
  runs_.CutFrom(persist.entries.front().index);
  for (const Entry& entry : persist.entries) {
    GRASS_CHECK_EQ(entry.index, runs_.last().index + 1);
    GRASS_CHECK_GE(entry.term, runs_.last().term);
    runs_.Append(entry.term);
  }
}

absl::Status FileStorage::Write(const StageSnapshot& stage) {
  const absl::Status status = Stage(stage);
  if (!absl::IsResourceExhausted(status)) return status;
  GRASS_PROBE("storage: no room for a snapshot");
  if (absl::Status s = DropStaged(stage.source); !s.ok()) return Final(s);
  // So that there is more for the next attempt: a snapshot is what makes the log shorter.
  if (absl::Status s = log_.GiveWay(); !s.ok()) return s;
  if (stage.source == SnapshotSource::kTaken) snapshot_problem_ = std::string(status.message());
  return status;
}

absl::Status FileStorage::DropStaged(SnapshotSource source) {
  WriterOf(source).reset();
  const absl::Status status = home_.directory.Remove(StagingOf(source));
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status FileStorage::Stage(const StageSnapshot& stage) {
  std::unique_ptr<SnapshotWriter>& writer = WriterOf(stage.source);
  if (stage.offset == 0) {
    writer.reset();
    auto started = SnapshotWriter::Start(home_, StagingOf(stage.source),
                                         {.source = stage.source,
                                          .meta = stage.meta,
                                          .block_bytes = home_.options.snapshot_block_bytes,
                                          .compression = home_.options.snapshot_compression});
    if (!started.ok()) return started.status();
    writer = std::move(*started);
  }
  GRASS_CHECK(writer != nullptr && !writer->finished());
  GRASS_CHECK(writer->meta() == stage.meta);
  GRASS_CHECK_EQ(stage.offset, writer->stream_bytes());
  if (absl::Status s = writer->Append(stage.data.view()); !s.ok()) return s;
  if (stage.last) return writer->Finish();
  if (writer->unsynced_bytes() < home_.options.snapshot_sync_bytes) return absl::OkStatus();
  return SyncStaged(stage.source, *writer);
}

// What another life can go on with needs its name as well.
absl::Status FileStorage::SyncStaged(SnapshotSource source, SnapshotWriter& writer) {
  const bool named = writer.synced();
  if (absl::Status s = writer.Sync(); !s.ok()) return s;
  if (named || source == SnapshotSource::kTaken) return absl::OkStatus();
  return home_.directory.Sync();
}

absl::Status FileStorage::Write(const PublishSnapshot& publish) {
  const SnapshotMeta& meta = publish.meta;
  GRASS_CHECK_LE(publish.release_through, meta.index);
  // A snapshot received meanwhile may have overtaken the one taken here.
  const bool replaces = publish.mends && snapshot_.has_value() && *snapshot_ == meta;
  if (snapshot_.has_value() && meta.index <= snapshot_->index && !replaces) return DropTaken();
  GRASS_CHECK(taken_ != nullptr && taken_->finished());
  GRASS_CHECK(taken_->meta() == meta);
  GRASS_CHECK(runs_.TermAt(meta.index) == meta.term);
  if (absl::Status s = NameSnapshot(taken_, home_.names.Taken()); !s.ok()) return s;
  return Supersede(meta, publish.release_through);
}

absl::Status FileStorage::DropTaken() {
  return taken_ == nullptr ? absl::OkStatus() : DropStaged(SnapshotSource::kTaken);
}

absl::Status FileStorage::NameSnapshot(std::unique_ptr<SnapshotWriter>& writer,
                                       const std::string& staging) {
  const std::string name = home_.names.Snapshot(writer->meta().index);
  writer.reset();
  snapshot_problem_.clear();
  scrubber_.Reopen();
  if (absl::Status s = home_.directory.Rename(staging, name); !s.ok()) return s;
  return home_.directory.Sync();
}

absl::Status FileStorage::Supersede(const SnapshotMeta& meta, Index release_through) {
  const std::optional<SnapshotMeta> old = std::exchange(snapshot_, meta);
  reader_.reset();
  if (old.has_value() && old->index != meta.index) {
    if (absl::Status s = home_.directory.Remove(home_.names.Snapshot(old->index)); !s.ok()) {
      return s;
    }
  }
  if (absl::Status s = log_.Release(release_through); !s.ok()) return s;
  if (log_.released_through() > runs_.base().index && log_.released_through() <= release_through) {
    runs_.ForgetThrough(log_.released_through());
  }
  return home_.directory.Sync();
}

// A live log without an identity file is what a crash leaves of making a data directory. It holds
// no record but its header then; anything more is a directory whose identity file was lost.
absl::Status CheckUnused(Directory& directory, const FileNames& names, const Inventory& inventory) {
  bool used = !inventory.sealed.empty() || !inventory.snapshots.empty();
  if (inventory.live && !used) {
    auto bytes = ReadWholeFile(directory, names.Live());
    if (!bytes.ok()) return bytes.status();
    used = !IsUnusedLog({.path = directory.path(),
                         .name = names.Live(),
                         .bytes = std::move(*bytes),
                         .role = SegmentRole::kLive});
  }
  if (!used) return absl::OkStatus();
  return absl::FailedPreconditionError(
      names.Identity() + " is missing in " + directory.path() +
      ", but the log of this node is there. Nothing was changed. Way out: put the identity file "
      "back, or, if the data is not needed, delete this node's distdb_ files.");
}

// The identity in the directory; nullopt if the directory is to be made. Changes nothing, and fails
// if it cannot be this node's.
absl::StatusOr<std::optional<Identity>> Examine(const Home& home) {
  const auto inventory = TakeInventory(home.directory, home.names);
  if (!inventory.ok()) return inventory.status();
  if (!inventory->identity) {
    if (absl::Status s = CheckUnused(home.directory, home.names, *inventory); !s.ok()) return s;
    return std::nullopt;
  }
  auto found = ReadIdentity(home.directory, home.names);
  if (!found.ok()) return found.status();
  if (absl::Status s = CheckIdentity(home.directory, home.names, *found, home.identity); !s.ok()) {
    return s;
  }
  return *std::move(found);
}

absl::Status Initialise(const Home& home) {
  // The identity comes last: once it is there, so is the log.
  Log log(home);
  if (absl::Status s = log.Create(); !s.ok()) return s;
  return WriteIdentity(home.directory, home.names, home.identity);
}

}  // namespace

absl::StatusOr<Opened> Storage::Open(Directory& directory, const StorageOptions& options,
                                     const Identity& wanted) {
  if (const auto problem = MemberNameProblem(wanted.node_name)) {
    return absl::InvalidArgumentError(*problem);
  }
  Home home{.directory = directory,
            .names = FileNames(wanted.node_name),
            .identity = wanted,
            .options = options};
  // Before the lock as well as behind it: taking the lock writes its file, and a start that is
  // refused has changed nothing.
  if (const auto found = Examine(home); !found.ok()) return found.status();
  auto lock = directory.Acquire(home.names.Lock());
  if (!lock.ok()) return lock.status();
  auto found = Examine(home);
  if (!found.ok()) return found.status();
  if (found->has_value()) {
    home.identity = std::move(**found);
  } else if (absl::Status s = Initialise(home); !s.ok()) {
    return s;
  }
  auto inventory = TakeInventory(directory, home.names);
  if (!inventory.ok()) return inventory.status();
  auto recovered = Recover(home, *inventory);
  if (!recovered.ok()) return recovered.status();
  auto storage = std::make_unique<FileStorage>(std::move(home), std::move(*lock));
  if (absl::Status s = storage->Begin(*inventory, *recovered); !s.ok()) return s;
  recovered->state.space = storage->Space();
  return Opened{.storage = std::move(storage), .state = std::move(recovered->state)};
}

}  // namespace grassdb::store
