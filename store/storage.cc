#include "store/storage.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/check.h"
#include "core/configuration.h"
#include "core/probe.h"
#include "core/term_runs.h"
#include "store/birth.h"
#include "store/entry_reader.h"
#include "store/home.h"
#include "store/identity.h"
#include "store/io.h"
#include "store/log.h"
#include "store/lost.h"
#include "store/mark.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/scrub.h"
#include "store/segment_scan.h"
#include "store/snapshot_file.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

class FileStorage final : public Storage {
 public:
  FileStorage(Home home, std::unique_ptr<Lock> lock, MarkFile mark_file, RecordSequence marked)
      : home_(std::move(home)),
        lock_(std::move(lock)),
        log_(home_),
        mark_file_(std::move(mark_file)),
        marked_(marked),
        scrubber_(home_),
        entry_reader_(home_) {}

  absl::Status Begin(const Inventory& inventory, Recovered& recovered);
  absl::Status ResumeStaged(Recovered& recovered);
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
  MendDone Do(const MendLog& mend);
  MarkDone Do(const MarkDurable&);
  EntriesRead Do(const ReadEntries& read);

  // Runs `action` unless an earlier write failed; keeps the first failure for good, which is none
  // for want of room.
  template <class Action>
  absl::Status FailStop(const char* what, Action action);

  absl::Status Write(const Persist& persist);
  absl::Status Write(const StageSnapshot& stage);
  absl::Status Write(const PublishSnapshot& publish);
  absl::Status Write(const MendLog& mend);
  absl::Status WriteMark();
  absl::Status WriteNothing(Claim claim);
  absl::Status WriteBatch(Batch& batch, const std::vector<Entry>& entries, Claim claim);
  // Makes room for the batch as it is encoded in record_, and encodes it anew for a new segment.
  absl::Status MakeRoom(Batch& batch, const std::vector<Entry>& entries, Claim claim,
                        std::uint32_t format);
  Term TermBefore(Index first, const LogPosition& last) const;
  SuffixRule SuffixRuleFor(const LogPosition& snapshot) const;
  absl::Status Stage(const StageSnapshot& stage);
  absl::Status DropStaged(SnapshotSource source);
  absl::Status SyncStaged(SnapshotSource source, SnapshotWriter& writer);
  absl::Status DropTaken();
  // The staged file of `writer` gets its final name, durably.
  absl::Status NameSnapshot(std::unique_ptr<SnapshotWriter>& writer, const std::string& staging);
  // `meta` is current from now on. Frees what it replaces.
  absl::Status Supersede(const std::optional<SnapshotMeta>& old, Index release_through);
  // What the log adds up to once the batch is in it.
  void Follow(const Batch& batch, const std::vector<Entry>& entries);
  void FollowFill(const Batch& batch, const std::vector<Entry>& entries);

  std::unique_ptr<SnapshotWriter>& WriterOf(SnapshotSource source) {
    return source == SnapshotSource::kTaken ? taken_ : received_;
  }
  std::string StagingOf(SnapshotSource source) const {
    return source == SnapshotSource::kTaken ? home_.names.Taken() : home_.names.Received();
  }
  LogState StateNow() const {
    return {.last = runs_.last(),
            .snapshot = snapshot_ ? PositionOf(*snapshot_) : lost_snapshot_,
            .hard_state = hard_state_,
            .cut = cut_};
  }

  Home home_;
  std::unique_ptr<Lock> lock_;
  absl::Status failed_;  // the first failure of a write; all later writes get it too
  Log log_;
  MarkFile mark_file_;
  RecordSequence marked_;  // the newest record that the mark covers
  RecordBuilder record_;
  TermRuns runs_;
  LostEntries lost_;  // their terms in runs_ are 0, but for the last one of a range
  HardState hard_state_;
  RecordSequence cut_;  // LogState::cut
  std::optional<SnapshotMeta> snapshot_;
  LogPosition lost_snapshot_;  // that the log names, while there is no other one
  std::unique_ptr<SnapshotWriter> taken_;
  std::unique_ptr<SnapshotWriter> received_;
  std::unique_ptr<SnapshotReader> reader_;  // of snapshot_; opened when first read
  // Why there was no room for the newest snapshot taken here; empty: there was. The log cannot let
  // go of anything before there is one.
  std::string snapshot_problem_;
  Scrubber scrubber_;
  EntryReader entry_reader_;
  std::string members_;           // Batch::members
  SegmentNumber members_are_in_;  // the newest segment that has them; 0: none of this life
};

// Whether the batch may name the members. Of the reserve nothing is spent on that, but for a
// snapshot, which may be all that names them.
bool Tells(const Batch& batch, Claim claim, std::uint32_t format, DiskSpace space) {
  if (format == 1) return false;
  return claim == Claim::kData || batch.install.has_value() || space == DiskSpace::kAmple;
}

absl::Status FileStorage::Begin(const Inventory& inventory, Recovered& recovered) {
  if (absl::Status s = Adopt(home_, inventory, recovered, log_); !s.ok()) return s;
  const RecoveredState& state = recovered.state;
  hard_state_ = state.hard_state;
  cut_ = recovered.log.cut;
  snapshot_ = state.snapshot;
  if (!snapshot_.has_value()) lost_snapshot_ = recovered.log.snapshot;
  runs_.ResetTo(state.base());
  if (!state.evicted.empty()) runs_ = state.evicted.terms;
  lost_ = LostEntries(state.damage.lost);
  members_ = MembersOf(state);
  for (const Entry& entry : state.entries) runs_.Append(entry.term);
  if (absl::Status s = ResumeStaged(recovered); !s.ok()) return s;
  const bool named = !state.members.empty() || !state.evicted.configurations.empty() ||
                     std::ranges::any_of(state.entries, [](const Entry& entry) {
                       return entry.type == EntryType::kConfiguration;
                     });
  // So that the snapshot is not all that names them: whoever loses it must know whom to ask.
  return named || !snapshot_.has_value() ? absl::OkStatus() : WriteNothing(Claim::kData);
}

// What is in a cache only may have no room on the disk, which its sync tells.
absl::Status FileStorage::ResumeStaged(Recovered& recovered) {
  if (recovered.staged == nullptr) return absl::OkStatus();
  auto writer = SnapshotWriter::Resume(home_, home_.names.Received(), *recovered.staged);
  if (absl::IsResourceExhausted(writer.status())) {
    GRASS_PROBE("recovery: no room for a part of a snapshot");
    recovered.state.staged.reset();
    return Final(DropStaged(SnapshotSource::kReceived));
  }
  if (writer.ok()) received_ = *std::move(writer);
  return writer.status();
}

// But what every batch says of the log and its members. Not in format 1, or without room.
absl::Status FileStorage::WriteNothing(Claim claim) {
  if (log_.FormatFor(FormatMinFor(hard_state_)) == 1) return absl::OkStatus();
  Batch batch;
  const absl::Status status = WriteBatch(batch, {}, claim);
  return absl::IsResourceExhausted(status) ? absl::OkStatus() : status;
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
                   .space = Space(),
                   .lags = log_.lags()};
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

RestockDone FileStorage::Do(const Restock& restock) {
  RestockDone done;
  done.ahead = restock.ahead;
  // What would be filled with zeros is left for the snapshot.
  const auto extent = snapshot_problem_.empty() ? RestockExtent::kAll : RestockExtent::kReserve;
  done.status = FailStop("making room for the log", [&] {
    if (restock.ahead) return log_.FillAhead();
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
  std::optional<Index> snapshot;
  if (snapshot_.has_value()) snapshot = snapshot_->index;
  const Scrubber::Piece piece = scrubber_.Read(snapshot, log_.files(), scrub.bytes_max);
  done.bytes = piece.bytes;
  done.pass_done = piece.pass_done;
  if (piece.status.ok()) return done;
  GRASS_PROBE("storage: a scrub finds damage");
  done.damage = std::string(piece.status.message());
  switch (piece.place) {
    case Scrubber::Place::kIdentity:
      done.status = FailStop("writing the identity anew", [&] {
        return WriteIdentity(home_.directory, home_.names, home_.identity);
      });
      done.mended = done.status.ok();
      break;
    case Scrubber::Place::kSnapshot:
      done.mend_from = snapshot_->index;
      reader_.reset();
      break;
    case Scrubber::Place::kSealed:
      done.mend_from = log_.EndOf(piece.segment);
      break;
    case Scrubber::Place::kLive:
      done.mend_from = runs_.last().index;
      done.status = FailStop("sealing a damaged log", [&] { return log_.Seal(StateNow()); });
      break;
  }
  if (absl::IsResourceExhausted(done.status)) {
    done.status = absl::OkStatus();
    done.damage.clear();  // nothing could be done about it; the next pass finds it again
  }
  done.space = Space();
  return done;
}

SpaceReport FileStorage::Space() const {
  SpaceReport report = log_.space();
  if (report.space != DiskSpace::kAmple || snapshot_problem_.empty()) return report;
  return {.space = DiskSpace::kFull, .problem = snapshot_problem_};
}

MendDone FileStorage::Do(const MendLog& mend) {
  return {.status = FailStop("mending the log", [&] { return Write(mend); })};
}

MarkDone FileStorage::Do(const MarkDurable&) {
  return {.status = FailStop("marking the log as durable", [&] { return WriteMark(); })};
}

EntriesRead FileStorage::Do(const ReadEntries& read) {
  auto entries = entry_reader_.Read(read, log_.files());
  EntriesRead done{.wanted = read, .entries = {}, .status = entries.status()};
  if (entries.ok()) done.entries = *std::move(entries);
  return done;
}

SnapshotRead FileStorage::Do(const ReadSnapshot& read) {
  SnapshotRead done{.index = read.index,
                    .offset = read.offset,
                    .reader = read.reader,
                    .purpose = read.purpose,
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
    done.status = reader.status();
    if (!reader.ok()) return done;
    reader_ = std::move(*reader);
  }
  auto data = reader_->Read(read.offset, read.size_max);
  done.status = data.status();
  if (!data.ok()) return done;
  done.data = std::move(*data);
  done.last = read.offset + done.data.size() == reader_->stream_bytes();
  return done;
}

absl::Status FileStorage::Write(const Persist& persist) {
  if (persist.empty()) return absl::OkStatus();
  if (persist.hard_state.has_value()) GRASS_CHECK_GE(persist.hard_state->term, hard_state_.term);
  Batch batch;
  batch.hard_state = persist.hard_state;
  LogPosition last = runs_.last();
  if (persist.install.has_value()) {
    const LogPosition position = PositionOf(*persist.install);
    GRASS_CHECK(received_ != nullptr && received_->finished());
    GRASS_CHECK(received_->meta() == *persist.install);
    if (snapshot_.has_value()) GRASS_CHECK_GT(position.index, snapshot_->index);
    batch.install = {.snapshot = position, .suffix = SuffixRuleFor(position)};
    if (batch.install->suffix == SuffixRule::kDrop) last = position;
    members_ = EncodeConfiguration(persist.install->configuration);
  }
  if (!persist.entries.empty()) {
    batch.first = persist.entries.front().index;
    GRASS_CHECK_LE(batch.first, last.index + 1);
    if (snapshot_.has_value()) GRASS_CHECK_GT(batch.first, snapshot_->index);
    batch.previous_term = TermBefore(batch.first, last);
  }
  if (absl::Status s = WriteBatch(batch, persist.entries, ClaimOf(persist)); !s.ok()) return s;
  if (!persist.install.has_value()) return absl::OkStatus();
  return Final(Supersede(std::exchange(snapshot_, persist.install), persist.install->index));
}

Term FileStorage::TermBefore(Index first, const LogPosition& last) const {
  if (first == last.index + 1) return last.term;
  GRASS_CHECK(!lost_.IsUnknown(first - 1));
  const auto term = runs_.TermAt(first - 1);
  GRASS_CHECK(term.has_value());
  return *term;
}

// Whether the log holds the snapshot's last entry. Of a lost one that is not known; what is behind
// it may be needed.
SuffixRule FileStorage::SuffixRuleFor(const LogPosition& snapshot) const {
  const bool holds =
      lost_.IsUnknown(snapshot.index) || runs_.TermAt(snapshot.index) == snapshot.term;
  return holds ? SuffixRule::kKeep : SuffixRule::kDrop;
}

absl::Status FileStorage::Write(const MendLog& mend) {
  Batch batch;
  batch.kind = mend.fill.empty() ? BatchKind::kCut : BatchKind::kFill;
  batch.first = mend.fill.empty() ? mend.cut_from : mend.fill.front().index;
  GRASS_CHECK_GT(batch.first, runs_.base().index);
  GRASS_CHECK_LE(batch.first, runs_.last().index);
  const bool learns = lost_.IsUnknown(batch.first - 1);
  if (learns) GRASS_CHECK_GT(mend.previous_term, Term(0));
  batch.previous_term = learns ? mend.previous_term : TermBefore(batch.first, runs_.last());
  return WriteBatch(batch, mend.fill, Claim::kVital);
}

absl::Status FileStorage::WriteBatch(Batch& batch, const std::vector<Entry>& entries, Claim claim) {
  const std::uint32_t format_min =
      std::max(FormatMinFor(hard_state_), FormatMinFor(batch.hard_state.value_or(hard_state_)));
  const std::uint32_t format = log_.FormatFor(batch.kind == BatchKind::kAppend ? format_min : 2);
  if (format > 1) batch.before = StateNow();
  // A snapshot brings others, and is all else that names those.
  const bool are_told = members_are_in_ == log_.live_number() && !batch.install.has_value();
  if (!are_told && Tells(batch, claim, format, log_.space().space)) batch.members = members_;
  EncodeBatch(batch, entries, record_);
  if (!log_.HasRoom(record_.frame_bytes(), format) ||
      GRASS_BUGGIFY("log: a segment is sealed early")) {
    const absl::Status room = MakeRoom(batch, entries, claim, format);
    if (absl::IsResourceExhausted(room)) GRASS_PROBE("storage: no room for a record");
    if (!room.ok()) return room;
  }
  if (batch.install.has_value()) {
    // The file is in its place before the record makes it count. The other way round, a crash
    // between the two would leave a log that rests on a snapshot that is not there.
    const absl::Status named = NameSnapshot(received_, home_.names.Received());
    if (!named.ok()) return Final(named);
  }
  if (absl::Status s = log_.Append(record_); !s.ok()) return Final(s);
  if (!batch.members.empty()) members_are_in_ = log_.live_number();
  Follow(batch, entries);
  return absl::OkStatus();
}

absl::Status FileStorage::MakeRoom(Batch& batch, const std::vector<Entry>& entries, Claim claim,
                                   std::uint32_t format) {
  if (Tells(batch, claim, format, log_.space().space) && batch.members.empty()) {
    batch.members = members_;
    EncodeBatch(batch, entries, record_);
  }
  return log_.MakeRoom(record_.frame_bytes(), claim, StateNow(), format);
}

void FileStorage::Follow(const Batch& batch, const std::vector<Entry>& entries) {
  if (batch.hard_state.has_value()) hard_state_ = *batch.hard_state;
  const RecordSequence written = log_.next_sequence() - 1;
  if (batch.install.has_value() && batch.install->suffix == SuffixRule::kDrop) {
    cut_ = written;
    lost_.Clear();
    runs_.ResetTo(batch.install->snapshot);
  }
  if (batch.first == Index(0)) return;
  if (batch.kind == BatchKind::kFill) return FollowFill(batch, entries);
  if (batch.first <= runs_.last().index) {
    cut_ = written;
    lost_.CutBehind({.index = batch.first - 1, .term = batch.previous_term});
    runs_.CutFrom(batch.first);
  }
  for (const Entry& entry : entries) {
    GRASS_CHECK_EQ(entry.index, runs_.last().index + 1);
    GRASS_CHECK_GE(entry.term, runs_.last().term);
    runs_.Append(entry.term);
    if (entry.type == EntryType::kConfiguration) members_ = entry.payload.view();
  }
}

// The entries behind the filled ones stay, with their terms.
void FileStorage::FollowFill(const Batch& batch, const std::vector<Entry>& entries) {
  const LogPosition joint{.index = batch.first - 1, .term = batch.previous_term};
  if (lost_.IsUnknown(joint.index)) runs_.Set(joint.index, joint.term);
  for (const Entry& entry : entries) runs_.Set(entry.index, entry.term);
  lost_.Fill(joint, entries.back().index);
}

absl::Status FileStorage::WriteMark() {
  const RecordSequence newest = log_.next_sequence() - 1;
  if (newest <= marked_) return absl::OkStatus();
  const Mark mark{.sequence = newest, .segment = log_.live_number(), .after = StateNow()};
  if (absl::Status s = mark_file_.Write(mark); !s.ok()) return s;
  marked_ = newest;
  return absl::OkStatus();
}

absl::Status FileStorage::Write(const StageSnapshot& stage) {
  const absl::Status status = Stage(stage);
  if (!absl::IsResourceExhausted(status)) return status;
  GRASS_PROBE("storage: no room for a snapshot");
  if (absl::Status s = DropStaged(stage.source); !s.ok()) return Final(s);
  const bool taken = stage.source == SnapshotSource::kTaken;
  // So that there is more for the next attempt: a snapshot is what makes the log shorter.
  if (absl::Status s = log_.GiveWay(taken); !s.ok()) return s;
  if (taken) snapshot_problem_ = std::string(status.message());
  return status;
}

absl::Status FileStorage::DropStaged(SnapshotSource source) {
  WriterOf(source).reset();
  return RemoveIfThere(home_.directory, StagingOf(source));
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
  // So that a log that does not reach a snapshot of its own is never what a torn write leaves.
  if (absl::Status s = WriteMark(); !s.ok() && !absl::IsResourceExhausted(s)) return s;
  if (absl::Status s = NameSnapshot(taken_, home_.names.Taken()); !s.ok()) return s;
  const std::optional<SnapshotMeta> old = std::exchange(snapshot_, meta);
  // Nobody knows whether any record of the live log is whole still; if none is, only the older
  // segments tell what it was. Before one of them goes it gets another, which tells of the snapshot
  // as well: else nothing would, were it lost.
  if (log_.WouldRelease(publish.release_through)) {
    if (absl::Status s = WriteNothing(Claim::kVital); !s.ok()) return s;
    if (absl::Status s = WriteMark(); !s.ok() && !absl::IsResourceExhausted(s)) return s;
  }
  return Supersede(old, publish.release_through);
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

// snapshot_ has taken the place of `old`.
absl::Status FileStorage::Supersede(const std::optional<SnapshotMeta>& old, Index release_through) {
  reader_.reset();
  lost_.ForgetThrough(snapshot_->index);
  if (old.has_value() && old->index != snapshot_->index) {
    if (absl::Status s = RemoveIfThere(home_.directory, home_.names.Snapshot(old->index));
        !s.ok()) {
      return s;
    }
  }
  const absl::Status released = log_.Release(release_through);
  entry_reader_.LetGoOfAllBut(log_.files());  // of those that went before an error, too
  if (!released.ok()) return released;
  if (log_.released_through() > runs_.base().index && log_.released_through() <= release_through) {
    runs_.ForgetThrough(log_.released_through());
  }
  return home_.directory.Sync();
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
  if (const auto found = FindIdentity(home); !found.ok()) return found.status();
  auto lock = directory.Acquire(home.names.Lock());
  if (!lock.ok()) return lock.status();
  auto found = FindIdentity(home);
  if (!found.ok()) return found.status();
  if (found->has_value()) {
    home.identity = std::move(**found);
  } else if (absl::Status s = Initialise(home); !s.ok()) {
    return s;
  }
  auto inventory = TakeInventory(directory, home.names);
  if (!inventory.ok()) return inventory.status();
  MarkFile mark_file(home);
  const std::optional<Mark> mark = mark_file.Read();
  auto recovered = Recover(home, *inventory, mark, Payloads::kKept, options.log_memory_bytes);
  if (!recovered.ok()) return Refusal(recovered.status(), wanted.node_name);
  const Damage& damage = recovered->state.damage;
  if (!damage.empty() && options.on_damage == OnDamage::kRefuse) {
    return Lost(directory.path(), damage);
  }
  const RecordSequence marked = mark.has_value() ? mark->sequence : RecordSequence();
  auto storage = std::make_unique<FileStorage>(std::move(home), std::move(*lock),
                                               std::move(mark_file), marked);
  if (absl::Status s = storage->Begin(*inventory, *recovered); !s.ok()) return s;
  recovered->state.space = storage->Space();
  return Opened{.storage = std::move(storage), .state = std::move(recovered->state)};
}

}  // namespace grassdb::store
