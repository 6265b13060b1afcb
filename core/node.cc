#include "core/node.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "core/probe.h"

namespace grassdb {

Node::Node(const NodeOptions& options, RecoveredState recovered, const Environment& environment)
    : options_(options),
      environment_(environment),
      identity_(recovered.identity),
      raft_(options.raft, recovered, environment.clock->Now()),
      store_(options.store),
      apply_through_(raft_.commit_index()),
      // An answer to a read of an earlier life must not confirm a read of this one, so the numbers
      // of two lives do not meet: each life's seed differs.
      last_read_(KeyedRandom(options.raft.seed, std::uint64_t{0x72656164}) >> 24 << 24) {
  GRASS_CHECK(!options.Problem().has_value());
  GRASS_CHECK(environment.clock != nullptr);
  GRASS_CHECK(environment.network != nullptr);
  GRASS_CHECK(environment.disk != nullptr);
  GRASS_CHECK(environment.clients != nullptr);
  GRASS_CHECK_EQ(identity_.node, options.raft.id);
  time_base_at_ = environment.clock->Now();
  space_ = recovered.space;
  PutOffSpace();
  PutOffScrub(0);
  NoticeElection();
  GRASS_CHECK(recovered.damage.empty());
  // Damage that matters no more goes with the files that a snapshot releases.
  snapshot_wanted_ = !recovered.damage.places.empty();
  if (recovered.staged.has_value()) {
    GRASS_CHECK_GT(recovered.staged->offset, 0u);
    receiving_ = Receiving{.meta = recovered.staged->meta,
                           .leader = NodeId(),
                           .next_offset = recovered.staged->offset,
                           .writing = false,
                           .complete = false,
                           .of_last_life = true};
  }
}

void Node::Start() {
  GRASS_CHECK(!started_);
  started_ = true;
  if (raft_.snapshot().has_value()) BeginRestore(*raft_.snapshot());
}

void Node::OnMessage(Message message) {
  if (failed() || RefuseDamaged(message)) return;
  const auto* repair = std::get_if<RepairRequest>(&message.body);
  if (repair != nullptr && repair->ask == RepairAsk::kSnapshot) {
    const RepairRequest request = *repair;
    const NodeId from = message.from;
    Step(std::move(message));
    return OnSnapshotAsked(from, request);
  }
  if (space_.space != DiskSpace::kAmple) HoldBackEntries(message);
  Step(std::move(message));
}

void Node::OnDeadline() {
  if (failed()) return;
  const Instant now = environment_.clock->Now();
  if (now >= raft_.NextDeadline()) Step(DeadlineReached{});
  ExpireReads();
  SettleTransfers();
  ReadDueChunks();
  LookForSpace();
  ScrubIfDue();
  MarkWhenDue();
}

void Node::Flush() {
  if (failed()) return;
  SubmitRequests();
  if (receiving_.has_value() && receiving_->complete) OfferStaged();
  DropOvertaken();
  EvictOldest();
  MaybeTakeSnapshot();
  PumpDisk();
}

Instant Node::NextDeadline() const {
  if (failed()) return Instant::max();
  Instant deadline =
      std::min({raft_.NextDeadline(), NextChunkRead(), NextLookForSpace(), NextScrub()});
  deadline = std::min(deadline, NextMark());
  if (!waiting_reads_.empty()) {
    deadline = std::min(deadline, waiting_reads_.begin()->second.deadline);
  }
  if (!new_commands_.empty() && raft_.leader() == NodeId(0)) {
    deadline = std::min(deadline, hold_until_);
  }
  for (const WaitingTransfer& waiting : waiting_transfers_) {
    if (raft_.leader() == NodeId(0)) deadline = std::min(deadline, waiting.deadline);
  }
  if (stopping_) deadline = std::min(deadline, stop_deadline_);
  return deadline;
}

void Node::BeginShutdown() {
  if (failed() || stopping_) return;
  stopping_ = true;
  Flush();
  stop_deadline_ = environment_.clock->Now() + options_.raft.election_timeout_max;
  if (raft_.role() == Role::kLeader) Step(TransferLeadership{});
  Flush();
  if (mark_at_ != Instant::max()) mark_at_ = environment_.clock->Now();
  MarkWhenDue();
}

bool Node::ReadyToStop() const {
  if (failed()) return true;
  if (!stopping_) return false;
  if (environment_.clock->Now() >= stop_deadline_) return true;
  // What was held has been sent on as well.
  return raft_.transfer_target() == NodeId(0) && new_commands_.empty() && !marking_;
}

NodeStatus::Follower Node::StatusOf(const Progress& follower) const {
  NodeStatus::Follower status;
  status.id = follower.id;
  status.state = follower.state;
  status.counts = raft_.Counts(follower);
  status.match = follower.match;
  status.next = follower.next;
  status.disk_full = follower.space == FollowerSpace::kFull;
  status.lag = raft_.log().last_index() - follower.match;
  status.silent = environment_.clock->Now() - follower.last_heard;
  if (const auto at = sending_.find(follower.id); at != sending_.end()) {
    status.snapshot_index = at->second.snapshot;
    status.snapshot_offset = at->second.offset;
  }
  return status;
}

NodeStatus Node::Status() const {
  NodeStatus status;
  status.id = raft_.id();
  status.role = raft_.role();
  status.term = raft_.term();
  status.leader = raft_.leader();
  status.commit_index = raft_.commit_index();
  status.applied_index = applied_;
  status.durable_index = raft_.durable_index();
  status.last_index = raft_.log().last_index();
  status.first_index = raft_.log().base_index() + 1;
  status.memory_index = raft_.log().evicted_through() + 1;
  if (raft_.snapshot().has_value()) status.snapshot_index = raft_.snapshot()->index;
  status.revision = store_.revision();
  status.keys = store_.size();
  status.sessions = store_.sessions();
  status.digest = store_.digest();
  if (const auto* followers = raft_.followers()) {
    for (const Progress& follower : *followers) {
      status.followers.push_back(StatusOf(follower));
    }
  }
  status.configuration = raft_.configuration();
  status.configuration_index = raft_.configuration_index();
  status.changing_membership = raft_.IsChangingMembership();
  status.transfer_target = raft_.transfer_target();
  if (receiving_.has_value()) {
    status.receiving_index = receiving_->meta.index;
    status.receiving_offset = receiving_->next_offset;
  }
  status.failures_tolerated = raft_.FailuresTolerated();
  status.space = space_;
  status.scrub = scrub_;
  status.serving = !failed() && !stopping_ && loaded() && status.leader != NodeId(0);
  return status;
}

// --- Driving Raft ---

void Node::Step(Input input) {
  raft_.Step(environment_.clock->Now(), std::move(input), &output_);
  HandleOutput();
}

// Nothing in here steps Raft again: the output is used up first.
void Node::HandleOutput() {
  if (environment_.trace != nullptr) {
    for (const Event& event : output_.events) environment_.trace->OnEvent(raft_.term(), event);
  }
  for (Message& message : output_.messages) environment_.network->Send(std::move(message));
  if (output_.persist.has_value()) QueuePersist(*std::move(output_.persist));
  SettleSubmit();
  SettleChange();
  MarkReadsReady();
  if (output_.restore.has_value()) BeginRestore(*output_.restore);
  GRASS_CHECK_GE(output_.apply_through, apply_through_);
  apply_through_ = output_.apply_through;
  Apply();
  AnswerReads();
  for (Message& message : output_.snapshot_traffic) OnSnapshotTraffic(std::move(message));
  for (const NodeId follower : output_.snapshot_needed) StartSending(follower);
  for (const ReadEntries& read : output_.entries_needed) environment_.disk->Submit(read);
  NoticeRole();
}

void Node::SettleSubmit() {
  if (output_.submit == SubmitOutcome::kNone) return;
  std::vector<RequestId> requests;
  std::swap(requests, new_command_requests_);
  // Commands are held while leadership is handed over.
  GRASS_CHECK(output_.submit != SubmitOutcome::kTransferring);
  switch (output_.submit) {
    case SubmitOutcome::kNone:
    case SubmitOutcome::kTransferring:
      break;
    case SubmitOutcome::kAppended:
      for (std::size_t i = 0; i < requests.size(); ++i) {
        waiting_commands_.push_back(WaitingCommand{
            .index = output_.first_index + i, .term = output_.term, .request = requests[i]});
      }
      break;
    case SubmitOutcome::kNotLeader:
      for (const RequestId request : requests) Refuse(request, ReplyCode::kNotLeader, {});
      break;
    case SubmitOutcome::kOverloaded:
      for (const RequestId request : requests) {
        Refuse(request, ReplyCode::kOverloaded,
               "overloaded: " + std::to_string(options_.raft.unapplied_bytes_max) +
                   " bytes of writes are under way; try again later");
      }
      break;
  }
}

// Group commit without a timer: what arrives while one write is at the disk becomes the next one
// (SubmitRequests, and here what the leader sent).
void Node::QueuePersist(Persist persist) {
  if (persist.install.has_value()) install_persist_ = persist.id;
  if (persist_queue_.empty() || persist.install.has_value() ||
      persist_queue_.back().install.has_value() || GRASS_BUGGIFY("persist: a write of its own")) {
    persist_queue_.push_back(std::move(persist));
    return;
  }
  Persist& last = persist_queue_.back();
  GRASS_CHECK_LT(last.id, persist.id);
  last.id = persist.id;
  if (persist.hard_state.has_value()) last.hard_state = persist.hard_state;
  if (persist.entries.empty()) return;
  // The new entries replace what was queued at and after their first index.
  const Index from = persist.entries.front().index;
  if (!last.entries.empty() && last.entries.back().index >= from) {
    GRASS_PROBE("persist: queued entries are replaced");
  }
  while (!last.entries.empty() && last.entries.back().index >= from) last.entries.pop_back();
  if (last.entries.empty()) {
    last.entries = std::move(persist.entries);
    return;
  }
  GRASS_CHECK_EQ(last.entries.back().index + 1, from);
  std::ranges::move(persist.entries, std::back_inserter(last.entries));
}

void Node::PumpDisk() {
  if (persisting_ || persist_queue_.empty()) return;
  if (persist_waits_ && !RetriesAsVital()) return;
  persisting_ = true;
  mark_at_ = Instant::max();
  Persist next = std::move(persist_queue_.front());
  persist_queue_.pop_front();
  next.vital = space_.space != DiskSpace::kAmple && UsesReserve();
  environment_.disk->Submit(std::move(next));
}

void Node::OnDisk(DiskDone done) {
  if (failed()) return;
  std::visit(
      [this]<class Done>(Done& value) {
        constexpr bool kAsked = requires {
          this->OnDone(std::move(value));
        };
        GRASS_CHECK_MSG(kAsked, "a node asks a disk for no such job");
        if constexpr (kAsked) OnDone(std::move(value));
      },
      done);
}

void Node::OnDone(const PersistDone& done) {
  GRASS_CHECK(persisting_);
  persisting_ = false;
  if (absl::IsResourceExhausted(done.status)) {
    GRASS_PROBE("persist: waits for room");
    persist_queue_.push_front(*done.refused);
    persist_waits_ = true;
    return NoteSpace(done.space);
  }
  if (!done.status.ok()) return Fail(done.status);
  NoteSpace(done.space);
  if (install_persist_ <= done.id) install_persist_ = PersistId();
  NoticeElection();
  if (options_.mark_idle > Duration::zero()) {
    mark_at_ =
        stopping_ ? environment_.clock->Now() : environment_.clock->Now() + options_.mark_idle;
  }
  // First the next write, then the answers that this one allows: the disk does not wait for them.
  SubmitRequests();
  PumpDisk();
  if (done.lags) FillAhead();
  Step(Persisted{.id = done.id});
}

Instant Node::NextMark() const {
  if (marking_ || mark_at_ == Instant::max()) return Instant::max();
  return stopping_ ? mark_at_ : std::max(mark_at_, VotesFirst());
}

void Node::MarkWhenDue() {
  if (persisting_ || environment_.clock->Now() < NextMark()) return;
  mark_at_ = Instant::max();
  marking_ = true;
  environment_.disk->Submit(MarkDurable{});
}

void Node::OnDone(const MarkDone& done) {
  GRASS_CHECK(marking_);
  marking_ = false;
  // Without room for a mark its newest record is as safe as it was before there were any.
  if (!done.status.ok() && !absl::IsResourceExhausted(done.status)) Fail(done.status);
}

void Node::Fail(absl::Status status) {
  GRASS_CHECK(!status.ok());
  failure_ = std::move(status);
}

// --- Reads ---

void Node::MarkReadsReady() {
  for (const ReadId id : output_.reads_refused) {
    const auto at = waiting_reads_.find(id);
    if (at == waiting_reads_.end() || at->second.index.has_value()) continue;
    Refuse(at->second.request, ReplyCode::kUnavailable, "no leader with a quorum is known");
    waiting_reads_.erase(at);
  }
  for (const ReadReady& ready : output_.reads_ready) {
    const auto at = waiting_reads_.find(ready.id);
    if (at == waiting_reads_.end() || at->second.index.has_value()) continue;
    at->second.index = ready.index;
    ++reads_confirmed_;
  }
  if (raft_.leader() != reads_asked_of_ || raft_.term() != reads_asked_in_) RefuseOrphanedReads();
}

// Whoever was asked leads no more, as far as is known here, and will not answer.
void Node::RefuseOrphanedReads() {
  reads_asked_of_ = raft_.leader();
  reads_asked_in_ = raft_.term();
  for (auto at = waiting_reads_.begin(); at != waiting_reads_.end();) {
    const bool not_asked = !new_reads_.empty() && at->first >= new_reads_.front();
    if (at->second.index.has_value() || not_asked) {
      ++at;
      continue;
    }
    GRASS_PROBE("reads: the leader was lost");
    Refuse(at->second.request, ReplyCode::kUnavailable,
           "the leader was lost before it confirmed the read");
    at = waiting_reads_.erase(at);
  }
}

void Node::AnswerReads() {
  if (reads_confirmed_ == 0 || !loaded()) return;
  for (auto at = waiting_reads_.begin(); at != waiting_reads_.end() && reads_confirmed_ > 0;) {
    if (!at->second.index.has_value() || *at->second.index > applied_) {
      ++at;
      continue;
    }
    AnswerRead(at->second);
    at = waiting_reads_.erase(at);
    --reads_confirmed_;
  }
}

void Node::AnswerRead(const WaitingGet& waiting) {
  if (waiting.key.has_value()) {
    return environment_.clients->Answer(waiting.request, Read(*waiting.key));
  }
  if (raft_.snapshot().has_value() && raft_.snapshot()->index >= *waiting.index) {
    return ReadForBackup(waiting.request, raft_.snapshot()->index, 0);
  }
  snapshot_requests_.push_back(
      {.request = waiting.request, .purpose = SnapshotRequest::Purpose::kBackup});
}

Reply Node::Read(const std::string& key) const {
  GRASS_CHECK(loaded());
  Reply reply = MakeReply(ReplyCode::kOk);
  reply.revision = store_.revision();
  if (const KeyValue* found = store_.Find(key)) {
    reply.found = true;
    reply.value = found->value();
    reply.mod_revision = found->mod_revision;
  }
  return reply;
}

void Node::ExpireReads() {
  const Instant now = environment_.clock->Now();
  while (!waiting_reads_.empty() && waiting_reads_.begin()->second.deadline <= now) {
    const auto at = waiting_reads_.begin();
    const bool confirmed = at->second.index.has_value();
    if (confirmed) --reads_confirmed_;
    Refuse(at->second.request, ReplyCode::kUnavailable,
           confirmed ? "this node's state has not come as far as the read in time"
                     : "no leader with a quorum answered in time");
    waiting_reads_.erase(at);
  }
}

// --- Roles ---

// A vote waits for what it finds at the disk, and on a slow one that alone can take as long as it
// is until the next one stands: then nobody is ever elected. So while no leader is known, what may
// as well be done later is, until there has been nothing to write for so long that the election, if
// there is one, does not come to a vote. Snapshots go on: there may be no room for a vote without
// one, or a voter that repairs itself by it.
Instant Node::VotesFirst() const {
  return raft_.leader() == NodeId(0) ? votes_first_until_ : Instant::min();
}

// Something has been written, or the leader may have gone.
void Node::NoticeElection() {
  votes_first_until_ = environment_.clock->Now() + 2 * options_.raft.election_timeout_max;
}

void Node::NoticeRole() {
  if (std::exchange(seen_leader_, raft_.leader()) != raft_.leader()) NoticeElection();
  const bool was_leading = seen_role_ == Role::kLeader;
  const bool is_leading = raft_.role() == Role::kLeader;
  const bool same = was_leading == is_leading && seen_term_ == raft_.term();
  seen_role_ = raft_.role();
  seen_term_ = raft_.term();
  SettleTransfers();
  AnswerChange();
  if (same) return;
  if (was_leading) {
    sending_.clear();
    catching_up_.clear();
    // The next leader may have these entries or not: their clients must ask again to know.
    for (const WaitingCommand& waiting : waiting_commands_) {
      Refuse(waiting.request, ReplyCode::kOutcomeUnknown,
             "outcome unknown: leadership was lost while the write was being replicated");
    }
    waiting_commands_.clear();
    if (waiting_change_.has_value()) {
      GRASS_PROBE("membership: leadership lost during a change");
      Refuse(waiting_change_->request, ReplyCode::kOutcomeUnknown,
             "outcome unknown: leadership was lost during the change; list the members to see");
      waiting_change_.reset();
    }
  }
}

// The state has come to a later time than was known here.
void Node::RebaseTime() {
  time_base_ = store_.time();
  time_base_at_ = environment_.clock->Now();
}

// A transfer has succeeded when its target is seen to lead, not when this node has ceased to.
void Node::SettleTransfers() {
  std::erase_if(waiting_transfers_, [this](const WaitingTransfer& waiting) {
    if (raft_.term() == waiting.term && raft_.role() == Role::kLeader) {
      if (raft_.transfer_target() != NodeId(0)) return false;
      // Not to be repeated by itself: each time it holds up the writes for an election timeout.
      Refuse(waiting.request, ReplyCode::kRefused,
             "no follower could take the leadership over in time");
      return true;
    }
    const NodeId leader = raft_.leader();
    if (leader == NodeId(0)) {
      if (environment_.clock->Now() < waiting.deadline) return false;
      Refuse(waiting.request, ReplyCode::kOutcomeUnknown,
             "outcome unknown: nobody is known to have taken the leadership over yet");
    } else if (leader == waiting.target) {
      environment_.clients->Answer(waiting.request, MakeReply(ReplyCode::kOk));
    } else {
      GRASS_PROBE("transfer: somebody else was elected");
      Refuse(waiting.request, ReplyCode::kRefused,
             "the leadership went to " + MakeReply(ReplyCode::kOk).leader_name + " instead");
    }
    return true;
  });
}

void Node::SettleChange() {
  if (output_.change == ChangeOutcome::kNone) return;
  const RequestId request = waiting_change_->request;
  std::string& problem = output_.change_problem;
  switch (output_.change) {
    case ChangeOutcome::kNone:
      break;
    case ChangeOutcome::kAppended:
      waiting_change_->term = output_.term;
      return;
    case ChangeOutcome::kUnchanged:
      environment_.clients->Answer(request, MakeReply(ReplyCode::kOk));
      break;
    case ChangeOutcome::kNotLeader:
      Refuse(request, ReplyCode::kNotLeader, {});
      break;
    case ChangeOutcome::kBusy:
      Refuse(request, ReplyCode::kUnavailable, std::move(problem));
      break;
    case ChangeOutcome::kRefused:
      Refuse(request, ReplyCode::kRefused, std::move(problem));
      break;
  }
  waiting_change_.reset();
}

// Within the term nobody else can have written over the entries of the change.
void Node::AnswerChange() {
  if (!waiting_change_.has_value() || waiting_change_->term != raft_.term()) return;
  if (raft_.IsChangingMembership()) return;
  environment_.clients->Answer(waiting_change_->request, MakeReply(ReplyCode::kOk));
  waiting_change_.reset();
}

// Replicated time goes on from the latest that this node has applied, at the pace of its own clock
// since then; also before it leads, so that what passes between the last write and a change of
// leaders counts. What passes while no node runs does not.
ClusterTime Node::CurrentTime() const {
  const Duration passed = environment_.clock->Now() - time_base_at_;
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(passed).count();
  return time_base_ + static_cast<ClusterTime>(std::max<std::int64_t>(0, milliseconds));
}

}  // namespace grassdb
