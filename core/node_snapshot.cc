// Snapshots of a node: taking its own, streaming the current one to followers, receiving one, and
// loading one into the store. All in slices, so that none of it holds up the protocol.
#include <algorithm>
#include <tuple>
#include <utility>

#include "core/check.h"
#include "core/chunk.h"
#include "core/hash.h"
#include "core/node.h"
#include "core/probe.h"
#include "core/repair_answer.h"

namespace grassdb {

// --- Taking ---

void Node::MaybeTakeSnapshot() {
  if (taking_.has_value() || !loaded() || install_persist_ != PersistId(0)) return;
  // Without room it is tried again whenever room is looked for.
  if (MustMend() && (space_.space == DiskSpace::kAmple || snapshot_for_space_)) {
    snapshot_for_space_ = false;
    return BeginSnapshot();
  }
  if (snapshot_requests_.empty() && !snapshot_wanted_) {
    const bool for_space = std::exchange(snapshot_for_space_, false);
    const bool early = log_bytes_since_snapshot_ >= options_.snapshot_log_bytes / 8 &&
                       GRASS_BUGGIFY("snapshot: taken early");
    if (log_bytes_since_snapshot_ < options_.snapshot_log_bytes && !early && !for_space) return;
    // A new snapshot makes every transfer of the old one start again: a slow follower would never
    // get one whole. So a transfer holds it off, until the log is several times its size, or there
    // is no room for data without it.
    const bool copied =
        !sending_.empty() || AnyCatchesUp() || environment_.clock->Now() < backup_until_;
    const bool is_long = log_bytes_since_snapshot_ >= 4 * options_.snapshot_log_bytes;
    if (copied && !is_long && !for_space) return;
  }
  const Index current = raft_.snapshot().has_value() ? raft_.snapshot()->index : Index();
  if (applied_ == current) {
    snapshot_wanted_ = false;
    for (const SnapshotRequest& request : std::exchange(snapshot_requests_, {})) {
      AnswerSnapshotRequest(request);
    }
    return;
  }
  BeginSnapshot();
}

void Node::BeginSnapshot() {
  SnapshotMeta meta;
  meta.index = applied_;
  meta.term = applied_term_;
  std::tie(meta.configuration, meta.configuration_index) = raft_.ConfigurationAt(applied_);
  taking_.emplace(Taking{.meta = std::move(meta),
                         .writer = KvSnapshotWriter::Begin(store_),
                         .offset = 0,
                         .publishing = false,
                         .mends = MustMend(),
                         .release_through = Index(),
                         .requesters = std::exchange(snapshot_requests_, {})});
  log_bytes_since_snapshot_ = 0;
  snapshot_wanted_ = false;
  StageNextSlice();
}

void Node::StageNextSlice() {
  StageSnapshot stage;
  stage.source = SnapshotSource::kTaken;
  stage.meta = taking_->meta;
  stage.offset = taking_->offset;
  const std::size_t bytes_max =
      GRASS_BUGGIFY("snapshot: a short slice") ? 1 : options_.snapshot_chunk_bytes;
  stage.data = taking_->writer.Next(store_, bytes_max);
  stage.last = taking_->writer.done();
  taking_->offset += stage.data.size();
  environment_.disk->Submit(std::move(stage));
}

void Node::OnSliceStaged(const StageDone& done) {
  if (!taking_.has_value() || taking_->meta.index != done.index) return;  // abandoned
  GRASS_CHECK_EQ(done.next_offset, taking_->offset);
  if (!done.last) return StageNextSlice();
  taking_->publishing = true;
  // The disk's log and the one here let go of the same: what has been evicted here must be there.
  taking_->release_through =
      taking_->mends ? taking_->meta.index : ReleasePoint(taking_->meta.index);
  environment_.disk->Submit(PublishSnapshot{
      .meta = taking_->meta, .release_through = taking_->release_through, .mends = taking_->mends});
}

// Keeps the newest `log_kept_bytes` of entries at or below the snapshot for followers a little
// behind.
Index Node::ReleasePoint(Index snapshot) const {
  if (GRASS_BUGGIFY("snapshot: no entries are kept")) return snapshot;
  return raft_.log().NewestBytes(snapshot, options_.log_kept_bytes);
}

void Node::OnDone(const PublishDone& done) {
  if (!done.status.ok()) return Fail(done.status);
  NoteSpace(done.space);
  if (taking_.has_value() && taking_->publishing && taking_->meta.index == done.meta.index) {
    const std::vector<SnapshotRequest> requesters = std::move(taking_->requesters);
    if (taking_->mends) NoteMended(done.meta.index);
    const Index release = taking_->release_through;
    taking_.reset();
    if (environment_.trace != nullptr) {
      environment_.trace->OnEvent(raft_.term(), Event{.kind = EventKind::kSnapshotTaken,
                                                      .peer = NodeId(),
                                                      .a = done.meta.index.value(),
                                                      .b = 0});
    }
    Step(Compact{.meta = done.meta, .release_through = release});
    for (const SnapshotRequest& request : requesters) AnswerSnapshotRequest(request);
  }
}

// The state is about to be replaced by a newer snapshot; what is at the disk finishes unheeded.
void Node::AbandonTaking() {
  if (!taking_.has_value()) return;
  GRASS_PROBE("snapshot: abandoned for the leader's");
  for (const SnapshotRequest& request : taking_->requesters) {
    Refuse(request.request, ReplyCode::kUnavailable,
           "the leader's snapshot has replaced this node's state");
  }
  taking_.reset();
}

void Node::AnswerSnapshotRequest(const SnapshotRequest& request) {
  if (request.purpose == SnapshotRequest::Purpose::kBackup) {
    return ReadForBackup(request.request, raft_.snapshot()->index, 0);
  }
  environment_.clients->Answer(request.request, MakeReply(ReplyCode::kOk));
}

// --- Being copied ---
//
// A backup reads the current snapshot, piece by piece as its client asks for them. Nothing is kept
// for it but a while without a new snapshot.

void Node::ReadForBackup(RequestId request, Index snapshot, std::uint64_t offset) {
  backup_until_ = environment_.clock->Now() + options_.read_patience;
  environment_.disk->Submit(
      ReadSnapshot{.index = snapshot,
                   .offset = offset,
                   .size_max = static_cast<std::uint32_t>(options_.snapshot_chunk_bytes),
                   .reader = NodeId(),
                   .request = request});
}

void Node::AnswerBackup(const SnapshotRead& read) {
  const bool current = raft_.snapshot().has_value() && raft_.snapshot()->index == read.index;
  if (absl::IsNotFound(read.status) || !current) {
    return Refuse(read.request, ReplyCode::kUnavailable,
                  "a newer snapshot has taken the place of the one being copied; begin anew");
  }
  if (!read.status.ok()) {
    // Whoever reads it for the cluster's sake finds out, and acts on it.
    return Refuse(read.request, ReplyCode::kRefused,
                  "the snapshot cannot be copied: " + std::string(read.status.message()));
  }
  if (read.last) backup_until_ = Instant::min();
  Reply reply = MakeReply(ReplyCode::kOk);
  reply.backup = std::make_shared<const BackupPiece>(BackupPiece{
      .snapshot = *raft_.snapshot(), .offset = read.offset, .last = read.last, .data = read.data});
  environment_.clients->Answer(read.request, std::move(reply));
}

// --- Sending (leader) ---
//
// One chunk to each follower is under way at a time: the next one is read when the follower has
// asked for it, and not before the ones so far have had their time. So no heartbeat, here or at the
// follower, is ever behind more than one chunk, of snapshot_chunk_bytes: the event loop has one of
// a peer to take in between, the disk one to stage between two log writes, and the connection, if
// it were the same (net/ has two), one to carry.

void Node::StartSending(NodeId follower) {
  GRASS_CHECK(raft_.snapshot().has_value());
  Sending& sending = sending_[follower];
  const Instant paid_at = sending.paid_at;  // one snapshot after the other is no way to send more
  sending = Sending{};
  sending.snapshot = raft_.snapshot()->index;
  sending.term = raft_.term();
  sending.paid_at = paid_at;
  ReadWhenPaid(follower, sending);
}

// Waits until the chunks before have had the time that snapshot_bytes_per_second gives them.
void Node::ReadWhenPaid(NodeId follower, Sending& sending) {
  sending.read_at = std::max(environment_.clock->Now(), sending.paid_at);
  if (environment_.clock->Now() >= sending.read_at) ReadForFollower(follower, sending);
}

void Node::ReadForFollower(NodeId follower, Sending& sending) {
  if (sending.reading) return;
  sending.reading = true;
  const std::size_t size_max =
      GRASS_BUGGIFY("snapshot: a short chunk") ? 1 : options_.snapshot_chunk_bytes;
  environment_.disk->Submit(ReadSnapshot{.index = sending.snapshot,
                                         .offset = sending.offset,
                                         .size_max = static_cast<std::uint32_t>(size_max),
                                         .reader = follower});
}

void Node::OnDone(const SnapshotRead& done) {
  if (done.request != RequestId(0)) {
    AnswerBackup(done);
  } else if (done.purpose == ReadFor::kRepair) {
    SendToRepair(done);
  } else if (done.reader == NodeId(0)) {
    OnRestoreRead(done);
  } else {
    SendChunk(done);
  }
}

void Node::SendChunk(const SnapshotRead& read) {
  const auto at = sending_.find(read.reader);
  if (at == sending_.end()) return;
  Sending& sending = at->second;
  if (sending.snapshot != read.index || sending.offset != read.offset) return;  // an older read
  sending.reading = false;
  if (absl::IsNotFound(read.status) && raft_.snapshot()->index != read.index) {
    GRASS_PROBE("snapshot: superseded while it is sent");
    // Superseded by a newer one: the follower gets that, from its beginning.
    return StartSending(read.reader);
  }
  if (absl::IsNotFound(read.status)) {
    // The file is missing. What it holds is in memory, and read again when it has been mended.
    sending.read_at = environment_.clock->Now() + options_.snapshot_retry;
    if (mend_from_.value_or(Index()) >= read.index) return;
    return NoteDamage(std::string(read.status.message()), read.index);
  }
  if (absl::IsOutOfRange(read.status)) {
    // The follower asked for what is not there. It is told where the stream begins.
    sending.offset = 0;
    return ReadWhenPaid(read.reader, sending);
  }
  if (!read.status.ok()) return Fail(read.status);
  const auto& snapshot = raft_.snapshot();
  if (snapshot->index != read.index) return StartSending(read.reader);
  InstallSnapshotRequest chunk;
  chunk.meta = *snapshot;
  chunk.offset = read.offset;
  chunk.last = read.last;
  chunk.data = read.data;
  chunk.checksum = ChecksumOf(chunk);
  Pay(sending, chunk.data.size());
  sending.read_at = std::max(environment_.clock->Now() + options_.snapshot_retry, sending.paid_at);
  environment_.network->Send(Message{.from = raft_.id(),
                                     .to = read.reader,
                                     .term = raft_.term(),
                                     .body = std::move(chunk),
                                     .incarnation = raft_.incarnation()});
}

// A chunk that is sent again pays again. What was not sent in time is lost: there is no saving up
// for a burst.
void Node::Pay(Sending& sending, std::size_t bytes) const {
  if (options_.snapshot_bytes_per_second == 0) return;
  const Instant from = std::max(environment_.clock->Now(), sending.paid_at);
  constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
  const Uint128 nanoseconds =
      static_cast<Uint128>(bytes) * kNanosecondsPerSecond / options_.snapshot_bytes_per_second;
  sending.paid_at = from + Duration(static_cast<Duration::rep>(nanoseconds));
}

void Node::OnChunkAnswer(NodeId from, const InstallSnapshotResponse& answer) {
  const auto at = sending_.find(from);
  if (at == sending_.end() || at->second.snapshot != answer.snapshot_index) return;
  if (answer.installed) {
    sending_.erase(at);
    catching_up_[from] = raft_.log().last_index();
    return;
  }
  Sending& sending = at->second;
  // The same offset again is a repeated answer; if the chunk itself was lost, the retry sends it.
  if (answer.next_offset == sending.offset || sending.reading) {
    GRASS_PROBE("snapshot: a repeated answer");
    return;
  }
  sending.offset = answer.next_offset;
  ReadWhenPaid(from, sending);
}

// What a follower has not got of the log since its snapshot was taken would be let go of with a new
// one, and all of that sent to it in its place. Whoever is silent is not waited for.
bool Node::AnyCatchesUp() {
  const auto* followers = raft_.followers();
  std::erase_if(catching_up_, [&](const auto& each) {
    if (followers == nullptr) return true;
    const auto at = std::ranges::find(*followers, each.first, &Progress::id);
    return at == followers->end() || at->match >= each.second ||
           environment_.clock->Now() - at->last_heard > options_.raft.election_timeout_max;
  });
  return !catching_up_.empty();
}

void Node::ReadDueChunks() {
  const Instant now = environment_.clock->Now();
  const auto* followers = raft_.followers();
  std::erase_if(sending_, [followers](const auto& sending) {
    return followers == nullptr ||
           !std::ranges::binary_search(*followers, sending.first, {}, &Progress::id);
  });
  for (auto& [follower, sending] : sending_) {
    if (!sending.reading && now >= sending.read_at) ReadForFollower(follower, sending);
  }
}

Instant Node::NextChunkRead() const {
  Instant next = Instant::max();
  for (const auto& [follower, sending] : sending_) {
    if (!sending.reading) next = std::min(next, sending.read_at);
  }
  return next;
}

// --- For nodes in repair ---

// One at a time, and without any memory of who has had what: they ask again for what is lost.
void Node::OnSnapshotAsked(NodeId from, const RepairRequest& request) {
  if (failed()) return;
  const auto& snapshot = raft_.snapshot();
  if (!snapshot.has_value() || snapshot->index < request.first) {
    if (applied_ < request.first) return;
    snapshot_wanted_ = true;
    return;
  }
  if (repair_read_) return;
  repair_read_ = true;
  environment_.disk->Submit(ReadOfChunk(from, request, *snapshot, options_.snapshot_chunk_bytes));
}

void Node::SendToRepair(const SnapshotRead& read) {
  repair_read_ = false;
  if (absl::IsNotFound(read.status) || absl::IsOutOfRange(read.status)) return;
  if (!read.status.ok()) return Fail(read.status);
  const auto& snapshot = raft_.snapshot();
  if (!snapshot.has_value() || snapshot->index != read.index) return;
  environment_.network->Send(Message{.from = raft_.id(),
                                     .to = read.reader,
                                     .term = raft_.term(),
                                     .body = AnswerWithChunk(*snapshot, read),
                                     .incarnation = raft_.incarnation()});
}

// --- Receiving ---

// A damaged chunk is dropped before anything in it is believed, as if the network had lost it: the
// leader sends it again after snapshot_retry.
bool Node::RefuseDamaged(const Message& message) {
  const auto* chunk = std::get_if<InstallSnapshotRequest>(&message.body);
  if (chunk == nullptr || IsWhole(*chunk)) return false;
  Tell(EventKind::kChunkRefused, message.from, chunk->meta.index, chunk->offset);
  return true;
}

void Node::Tell(EventKind kind, NodeId peer, Index snapshot, std::uint64_t offset) {
  if (environment_.trace == nullptr) return;
  environment_.trace->OnEvent(
      raft_.term(), Event{.kind = kind, .peer = peer, .a = snapshot.value(), .b = offset});
}

void Node::OnSnapshotTraffic(Message message) {
  if (const auto* chunk = std::get_if<InstallSnapshotRequest>(&message.body)) {
    OnChunk(message.from, *chunk);
  } else {
    OnChunkAnswer(message.from, std::get<InstallSnapshotResponse>(message.body));
  }
}

void Node::OnChunk(NodeId from, const InstallSnapshotRequest& chunk) {
  // The staged file is being moved into place: a new one must not overwrite it.
  if (install_persist_ != PersistId(0)) return;
  if (environment_.clock->Now() < receive_again_at_) return;  // the leader sends it again
  if (receiving_.has_value() && receiving_->writing) return;
  const bool known = receiving_.has_value() && receiving_->meta == chunk.meta;
  if (!known) {
    // State streams are canonical, so the same snapshot of two leaders has the same bytes and is
    // resumed, also in another life of this node; any other one starts anew.
    receiving_ = Receiving{.meta = chunk.meta,
                           .leader = from,
                           .next_offset = 0,
                           .writing = false,
                           .complete = false,
                           .of_last_life = false};
  }
  receiving_->leader = from;
  if (receiving_->complete) return;  // Flush offers it to Raft
  if (chunk.offset != receiving_->next_offset) {
    return AnswerChunk(from, chunk.meta, receiving_->next_offset);
  }
  if (receiving_->of_last_life) {
    receiving_->of_last_life = false;
    Tell(EventKind::kSnapshotResumed, from, chunk.meta.index, chunk.offset);
  }
  receiving_->writing = true;
  environment_.disk->Submit(StageSnapshot{.source = SnapshotSource::kReceived,
                                          .meta = chunk.meta,
                                          .offset = chunk.offset,
                                          .last = chunk.last,
                                          .data = chunk.data});
}

void Node::AnswerChunk(NodeId to, const SnapshotMeta& meta, std::uint64_t next_offset) {
  InstallSnapshotResponse answer;
  answer.snapshot_index = meta.index;
  answer.snapshot_term = meta.term;
  answer.next_offset = next_offset;
  environment_.network->Send(Message{.from = raft_.id(),
                                     .to = to,
                                     .term = raft_.term(),
                                     .body = answer,
                                     .incarnation = raft_.incarnation()});
}

void Node::OnDone(const StageDone& done) {
  if (absl::IsResourceExhausted(done.status)) return OnNoRoomToStage(done);
  if (!done.status.ok()) return Fail(done.status);
  NoteSpace(done.space);
  if (done.source == SnapshotSource::kTaken) {
    OnSliceStaged(done);
  } else {
    OnChunkStaged(done);
  }
}

void Node::OnChunkStaged(const StageDone& done) {
  GRASS_CHECK(receiving_.has_value());
  GRASS_CHECK_EQ(receiving_->meta.index, done.index);
  receiving_->writing = false;
  receiving_->next_offset = done.next_offset;
  receiving_->complete = done.last;
  if (done.last) {
    OfferStaged();
  } else if (raft_.leader() == receiving_->leader) {
    AnswerChunk(receiving_->leader, receiving_->meta, receiving_->next_offset);
  }
}

// Raft decides whether the staged snapshot is still wanted. If its sender no longer leads, the file
// waits for the next leader to offer the same snapshot.
void Node::OfferStaged() {
  if (raft_.leader() != receiving_->leader) return;
  const SnapshotMeta meta = receiving_->meta;
  const NodeId leader = receiving_->leader;
  receiving_.reset();
  Step(SnapshotStaged{.meta = meta, .leader = leader});
}

// The log has brought what the snapshot stands for: no leader goes on with it. Its file stays until
// the next snapshot is received, or until recovery sees that nobody needs it.
void Node::DropOvertaken() {
  if (!receiving_.has_value() || receiving_->writing) return;
  if (receiving_->meta.index > raft_.commit_index()) return;
  GRASS_PROBE("snapshot: the log was quicker");
  receiving_.reset();
}

// --- Loading ---

void Node::BeginRestore(const SnapshotMeta& meta) {
  AbandonTaking();
  restore_.emplace(Restore{.meta = meta, .offset = 0, .reader = KvSnapshotReader(options_.store)});
  ContinueRestore();
}

void Node::ContinueRestore() {
  environment_.disk->Submit(
      ReadSnapshot{.index = restore_->meta.index,
                   .offset = restore_->offset,
                   .size_max = static_cast<std::uint32_t>(options_.snapshot_chunk_bytes),
                   .reader = NodeId()});
}

void Node::OnRestoreRead(const SnapshotRead& read) {
  if (!restore_.has_value() || restore_->meta.index != read.index ||
      restore_->offset != read.offset) {
    return;  // of a restore that was given up for a newer snapshot
  }
  if (!read.status.ok()) return Fail(read.status);
  restore_->offset += read.data.size();
  if (GRASS_BUGGIFY("restore: begun anew")) return BeginRestore(SnapshotMeta(restore_->meta));
  // The disk reads the next slice while this one is taken in.
  if (!read.last) ContinueRestore();
  if (absl::Status status = restore_->reader.Feed(read.data.view()); !status.ok()) {
    return Fail(std::move(status));
  }
  if (!read.last) return;
  absl::StatusOr<KvStore> store = std::move(restore_->reader).Finish();
  if (!store.ok()) return Fail(store.status());
  GRASS_CHECK_GE(restore_->meta.index, applied_);
  store_ = *std::move(store);
  applied_ = restore_->meta.index;
  applied_term_ = restore_->meta.term;
  log_bytes_since_snapshot_ = 0;
  restore_.reset();
  if (environment_.trace != nullptr) {
    environment_.trace->OnEvent(
        raft_.term(),
        Event{.kind = EventKind::kStateRestored, .peer = NodeId(), .a = applied_.value(), .b = 0});
  }
  Apply();
  AnswerReads();
}

}  // namespace grassdb
