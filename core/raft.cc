#include "core/raft.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/probe.h"

namespace grassdb {

const char* NameOf(Role role) {
  switch (role) {
    case Role::kFollower:
      return "follower";
    case Role::kPreCandidate:
      return "pre-candidate";
    case Role::kCandidate:
      return "candidate";
    case Role::kLeader:
      return "leader";
  }
  return "unknown";
}

Raft::Raft(const RaftOptions& options, const RecoveredState& recovered, Instant now)
    : options_(options),
      incarnation_(IncarnationOf(recovered.identity, recovered.hard_state)),
      hard_state_(recovered.hard_state),
      log_(recovered.base(), recovered.evicted, recovered.entries),
      snapshot_(recovered.snapshot),
      durable_index_(log_.last_index()),
      now_(now),
      disk_full_(recovered.space.space != DiskSpace::kAmple) {
  GRASS_CHECK(!options.Problem().has_value());
  GRASS_CHECK_LE(log_.last_term(), hard_state_.term);
  if (snapshot_.has_value()) {
    GRASS_CHECK_LE(log_.base_index(), snapshot_->index);
    GRASS_CHECK_GE(log_.last_index(), snapshot_->index);
    GRASS_CHECK(log_.Matches(snapshot_->index, snapshot_->term));
    commit_index_ = snapshot_->index;
    configurations_.push_back({snapshot_->configuration_index, snapshot_->configuration});
  } else {
    GRASS_CHECK_EQ(log_.base_index(), Index(0));
    configurations_.push_back({Index(0), recovered.identity.bootstrap});
  }
  for (const Entry& entry : recovered.evicted.configurations) Adopt(entry);
  for (const Entry& entry : recovered.entries) {
    if (entry.type == EntryType::kConfiguration) Adopt(entry);
  }
  apply_through_ = commit_index_;
  if (hard_state_.term > Term(0)) defends_until_ = now + options_.election_timeout_min;
  ResetElectionDeadline();
}

// Of the log that was recovered, unless the snapshot has it.
void Raft::Adopt(const Entry& configuration) {
  if (configuration.index <= configurations_.back().index) return;
  auto decoded = DecodeConfiguration(configuration.payload.view());
  GRASS_CHECK_MSG(decoded.has_value(), "a configuration entry does not decode");
  configurations_.push_back({configuration.index, *std::move(decoded)});
}

void Raft::Step(Instant now, Input input, Output* output) {
  GRASS_CHECK(output != nullptr);
  GRASS_CHECK(now >= now_);
  now_ = now;
  output->Clear();
  output_ = output;
  std::visit([this](auto&& value) { Dispatch(std::forward<decltype(value)>(value)); },
             std::move(input));
  FinishStep();
  output_ = nullptr;
}

Instant Raft::NextDeadline() const {
  if (const auto* leader = std::get_if<LeaderState>(&role_)) {
    Instant deadline = leader->followers.empty() ? Instant::max() : leader->heartbeat_deadline;
    deadline = std::min(deadline, leader->round_overdue_at);
    for (const Progress& follower : leader->followers) {
      deadline = std::min(deadline, follower.append_at);
    }
    if (leader->transfer_target != NodeId(0)) {
      deadline = std::min(deadline, leader->transfer_deadline);
    }
    // This is asked more often than anything happens. Where everybody has been heard no quorum can
    // be missed before that, and who makes one need not be found out.
    const bool all_heard = std::ranges::all_of(leader->followers, [&](const Progress& follower) {
      return follower.last_heard + options_.election_timeout_max >= deadline && Counts(follower);
    });
    return all_heard ? deadline : std::min(deadline, QuorumDeadline());
  }
  // Who may not campaign still notices that its leader has gone.
  return MayCampaign() || leader() != NodeId(0) ? election_deadline_ : Instant::max();
}

Role Raft::role() const {
  if (std::holds_alternative<LeaderState>(role_)) return Role::kLeader;
  if (const auto* candidate = std::get_if<CandidateState>(&role_)) {
    return candidate->ballot == Ballot::kPreVote ? Role::kPreCandidate : Role::kCandidate;
  }
  return Role::kFollower;
}

NodeId Raft::leader() const {
  if (std::holds_alternative<LeaderState>(role_)) return options_.id;
  if (const auto* follower = std::get_if<FollowerState>(&role_)) return follower->leader;
  return NodeId();
}

std::pair<Configuration, Index> Raft::ConfigurationAt(Index index) const {
  auto at = configurations_.rbegin();
  while (at + 1 != configurations_.rend() && at->index > index) ++at;
  GRASS_CHECK_LE(at->index, index);
  return {at->configuration, at->index};
}

const std::vector<Progress>* Raft::followers() const {
  const auto* leader = std::get_if<LeaderState>(&role_);
  return leader == nullptr ? nullptr : &leader->followers;
}

Raft::Load Raft::load() const {
  const auto* leader = std::get_if<LeaderState>(&role_);
  if (leader == nullptr) return {};
  return {.unapplied_bytes = leader->unapplied_bytes + leader->unapplied_evicted_bytes,
          .reads_waiting = leader->reads_waiting.size()};
}

Raft::Rounds Raft::rounds() const {
  const auto* leader = std::get_if<LeaderState>(&role_);
  if (leader == nullptr) return {};
  return {.started = leader->round, .confirmed = leader->confirmed_round};
}

NodeId Raft::transfer_target() const {
  const auto* leader = std::get_if<LeaderState>(&role_);
  return leader == nullptr ? NodeId() : leader->transfer_target;
}

void Raft::Dispatch(DeadlineReached) {
  if (std::holds_alternative<LeaderState>(role_)) {
    OnLeaderDeadline();
    return;
  }
  if (now_ < election_deadline_) return;
  if (!MayCampaign()) return BecomeFollower(hard_state_.term, NodeId());
  // Thesis 9.6: ask first, so that a node that cannot win does not raise everybody's term.
  StartCampaign(Ballot::kPreVote, CampaignReason::kTimeout);
}

void Raft::OnLeaderDeadline() {
  LeaderState& leader = leading();
  if (leader.transfer_target != NodeId(0) && now_ >= leader.transfer_deadline) AbandonTransfer();
  CheckQuorum();
  if (!std::holds_alternative<LeaderState>(role_)) return;
  HandOverIfDiskStalls();
  HandOverIfDiskFull();
  for (Progress& follower : leading().followers) {
    if (now_ >= follower.append_at) Replicate(follower);
  }
  if (now_ >= leading().round_overdue_at) AskAllForRound();
  if (now_ >= leading().heartbeat_deadline) OnHeartbeatDue();
}

void Raft::Dispatch(Message&& message) {
  if (message.to != options_.id || message.from == options_.id) return;
  if (!PassesIncarnationCheck(message)) return;
  if (std::holds_alternative<RepairResponse>(message.body)) return;  // to an earlier life
  Hear(message);
  if (const auto* repair = std::get_if<RepairRequest>(&message.body)) {
    return OnRepairRequest(message, *repair);
  }
  if (!PassesTermCheck(message)) return;
  const NodeId from = message.from;
  if (std::holds_alternative<InstallSnapshotRequest>(message.body)) {
    OnInstallSnapshot(std::move(message));
  } else if (std::holds_alternative<InstallSnapshotResponse>(message.body)) {
    OnInstallSnapshotResponse(std::move(message));
  } else if (auto* append = std::get_if<AppendEntriesRequest>(&message.body)) {
    OnAppendEntries(from, std::move(*append));
  } else if (auto* appended = std::get_if<AppendEntriesResponse>(&message.body)) {
    OnAppendEntriesResponse(from, message.incarnation, *appended);
  } else if (auto* ask = std::get_if<RequestVoteRequest>(&message.body)) {
    OnRequestVote(message, *ask);
  } else if (auto* vote = std::get_if<RequestVoteResponse>(&message.body)) {
    OnRequestVoteResponse(from, *vote);
  } else if (std::holds_alternative<TimeoutNow>(message.body)) {
    OnTimeoutNow(from);
  } else if (auto* read = std::get_if<ReadIndexRequest>(&message.body)) {
    OnReadIndex(from, *read);
  } else {
    OnReadIndexResponse(std::get<ReadIndexResponse>(message.body));
  }
}

// Thesis 3.3: a higher term makes a follower, a lower one is refused. A pre-vote request is outside
// of this: it changes no state, and its answer tells the candidate of a higher term (thesis 9.6).
bool Raft::PassesTermCheck(const Message& message) {
  const auto* vote = std::get_if<RequestVoteRequest>(&message.body);
  if (vote != nullptr) {
    if (vote->ballot == Ballot::kPreVote) return true;
    // Not even its term is taken over (thesis 4.2.3).
    if (message.term > hard_state_.term && DefendsLeader(*vote)) {
      GRASS_PROBE("term: of a vote request not taken over");
      return false;
    }
  }
  if (message.term > hard_state_.term) BecomeFollower(message.term, NodeId());
  // A voter may still be in an earlier term than the one it grants a pre-vote for.
  const auto* answer = std::get_if<RequestVoteResponse>(&message.body);
  if (answer != nullptr && answer->ballot == Ballot::kPreVote) return true;
  if (message.term < hard_state_.term) {
    RefuseStale(message);
    return false;
  }
  return true;
}

// The answer's term is what counts: it makes a deposed leader or an old candidate step down.
void Raft::RefuseStale(const Message& message) {
  GRASS_CHECK_LT(message.term, hard_state_.term);
  if (std::holds_alternative<AppendEntriesRequest>(message.body) ||
      std::holds_alternative<InstallSnapshotRequest>(message.body)) {
    GRASS_PROBE("term: a deposed leader is told");
    AppendEntriesResponse response;
    response.result = AppendResult::kStaleTerm;
    Send(message.from, response, term_persist_);
  } else if (const auto* vote = std::get_if<RequestVoteRequest>(&message.body)) {
    RequestVoteResponse response;
    response.ballot = vote->ballot;
    response.campaign_term = vote->campaign_term;
    Send(message.from, response, term_persist_);
  } else if (const auto* read = std::get_if<ReadIndexRequest>(&message.body)) {
    ReadIndexResponse response;
    response.read = read->read;
    Send(message.from, response, term_persist_);
  }
}

void Raft::Dispatch(Persisted persisted) {
  if (persisted.id <= durable_persist_) return;
  GRASS_CHECK_LE(persisted.id, last_persist_);
  durable_persist_ = persisted.id;
  disk_progress_at_ = now_;
  AdvanceDurable(persisted.id);
  FinishInstalls(persisted.id);
  ReleaseHeld();
  if (auto* candidate = std::get_if<CandidateState>(&role_);
      candidate != nullptr && candidate->ballot == Ballot::kVote &&
      candidate->own_vote <= durable_persist_) {
    RecordVote(options_.id, true);
  } else if (std::holds_alternative<LeaderState>(role_)) {
    AdvanceCommit();
  }
}

void Raft::AdvanceDurable(PersistId id) {
  while (!pending_entries_.empty() && pending_entries_.front().id <= id) {
    durable_index_ = std::max(durable_index_, pending_entries_.front().last);
    pending_entries_.pop_front();
  }
}

void Raft::FinishInstalls(PersistId id) {
  while (!pending_installs_.empty() && pending_installs_.front().id <= id) {
    const PendingInstall install = std::move(pending_installs_.front());
    pending_installs_.pop_front();
    GRASS_CHECK_GE(durable_index_, install.meta.index);
    GRASS_CHECK_LE(apply_through_, install.meta.index);
    apply_through_ = install.meta.index;
    output_->restore = install.meta;
    Emit(EventKind::kSnapshotInstalled, install.leader, install.meta.index.value());
    if (leader() != install.leader) {
      GRASS_PROBE("install: its sender leads no more");
      continue;
    }
    InstallSnapshotResponse response;
    response.snapshot_index = install.meta.index;
    response.snapshot_term = install.meta.term;
    response.installed = true;
    response.match_index = install.meta.index;
    Send(install.leader, response, term_persist_);
  }
}

void Raft::Dispatch(Submit submit) {
  auto* leader = std::get_if<LeaderState>(&role_);
  if (!submit.commands.empty()) {
    output_->term = hard_state_.term;
    if (leader == nullptr) {
      output_->submit = SubmitOutcome::kNotLeader;
    } else if (leader->transfer_target != NodeId(0)) {
      // Thesis 3.10: the prior leader stops accepting, so that the target can catch up for good.
      output_->submit = SubmitOutcome::kTransferring;
    } else if (load().unapplied_bytes >= options_.unapplied_bytes_max ||
               GRASS_BUGGIFY("submit: overloaded")) {
      output_->submit = SubmitOutcome::kOverloaded;
    } else {
      output_->submit = SubmitOutcome::kAppended;
      output_->first_index = log_.last_index() + 1;
      for (Bytes& command : submit.commands) Append(EntryType::kCommand, std::move(command));
    }
  }
  for (const ReadId read : submit.reads) AddRead(WaitingRead{.from = options_.id, .id = read});
  if (leader != nullptr) {
    MaybeStartRound();
    ReplicateToAll();
  }
}

void Raft::Append(EntryType type, Bytes payload) {
  LeaderState& leader = leading();
  Entry entry{.index = log_.last_index() + 1,
              .term = hard_state_.term,
              .type = type,
              .payload = std::move(payload)};
  const std::size_t cost = CostOf(entry);
  leader.unapplied_bytes += cost;
  leader.appended_bytes += cost;
  AppendToLog(std::move(entry));
}

void Raft::Dispatch(Compact compact) {
  GRASS_CHECK_LE(compact.release_through, compact.meta.index);
  // The same index again: its file, and the log before it, were damaged.
  if (snapshot_.has_value() && snapshot_->index > compact.meta.index) return;
  GRASS_CHECK_LE(compact.meta.index, apply_through_);
  GRASS_CHECK(log_.Matches(compact.meta.index, compact.meta.term));
  snapshot_ = std::move(compact.meta);
  if (compact.release_through > log_.base_index()) log_.ReleaseThrough(compact.release_through);
  // The configuration in force at the snapshot is the oldest one that can still be asked for.
  while (configurations_.size() > 1 && configurations_[1].index <= snapshot_->index) {
    configurations_.erase(configurations_.begin());
  }
}

void Raft::Dispatch(Evict evict) {
  GRASS_CHECK_LE(evict.through, apply_through_);
  log_.EvictThrough(evict.through);
}

void Raft::Dispatch(EntriesRead read) {
  Index index = read.wanted.first;
  for (const Entry& entry : read.entries) {
    GRASS_CHECK_EQ(entry.index, index);
    GRASS_CHECK_EQ(entry.term, read.wanted.term);
    ++index;
  }
  GRASS_CHECK_NE(read.wanted.reader, NodeId(0));
  if (read.wanted.purpose == ReadFor::kRepair) {
    OnReadForRepair(read);
  } else {
    OnReadForFollower(std::move(read));
  }
}

// The log has been cut there since, and has gone on with others.
bool Raft::IsReplaced(const ReadEntries& read) const {
  return log_.TermAt(read.first).value_or(read.term) != read.term;
}

void Raft::Dispatch(SnapshotStaged staged) {
  if (leader() != staged.leader || CoversSnapshot(staged.meta, staged.leader)) return;
  GRASS_CHECK_GT(staged.meta.index, commit_index_);
  if (log_.last_index() > commit_index_) GRASS_PROBE("install: uncommitted entries are dropped");
  // Nothing above the commit index is known to be part of the snapshot's history: the whole log is
  // replaced (thesis 5.3). What was durable below stays so until the install is.
  durable_index_ = std::min(durable_index_, commit_index_);
  for (PendingEntries& pending : pending_entries_) {
    pending.last = std::min(pending.last, commit_index_);
  }
  log_.Reset(staged.meta.index, staged.meta.term);
  commit_index_ = staged.meta.index;
  snapshot_ = staged.meta;
  configurations_.clear();
  configurations_.push_back({staged.meta.configuration_index, staged.meta.configuration});
  install_dirty_ = staged.meta;
  pending_entries_.push_back({NextPersist(), staged.meta.index});
  pending_installs_.push_back({NextPersist(), std::move(staged.meta), staged.leader});
}

void Raft::Dispatch(TransferLeadership transfer) {
  auto* leader = std::get_if<LeaderState>(&role_);
  if (leader == nullptr || leader->transfer_target != NodeId(0)) return;
  const Progress* target = transfer.target == NodeId(0)
                               ? BestSuccessor(Room::kPreferred)
                               : std::as_const(*this).FindFollower(transfer.target);
  if (target == nullptr || target->role != MemberRole::kVoter || !Counts(*target)) return;
  // Writes would wait an election timeout for one that has gone.
  if (now_ - target->last_heard > options_.election_timeout_min) return;
  leader->transfer_target = target->id;
  leader->transfer_deadline = now_ + options_.election_timeout_max;
  leader->transfer_sent = false;
  Emit(EventKind::kTransferStarted, target->id);
  Replicate(*FindFollower(target->id));
  TryTransfer(*FindFollower(target->id));
}

void Raft::Dispatch(SpaceChanged space) {
  disk_full_ = space.full;
  if (std::holds_alternative<LeaderState>(role_)) HandOverIfDiskFull();
}

void Raft::BecomeFollower(Term term, NodeId leader) {
  GRASS_CHECK_GE(term, hard_state_.term);
  // First the term: who waits for a refusal may be in it already, and would drop an older one.
  if (term > hard_state_.term) SetHardState(term, NodeId());
  if (std::holds_alternative<LeaderState>(role_)) LeaveLeadership();
  role_ = FollowerState{.leader = leader, .answered_round = ReadRound()};
  ResetElectionDeadline();
  Emit(EventKind::kBecameFollower, leader);
}

void Raft::LeaveLeadership() {
  LeaderState& leader = leading();
  for (const WaitingRead& read : leader.reads_in_round) RefuseRead(read);
  for (const WaitingRead& read : leader.reads_waiting) RefuseRead(read);
}

void Raft::SetHardState(Term term, NodeId voted_for) {
  GRASS_CHECK_GE(term, hard_state_.term);
  // One vote a term (thesis 3.4): within a term the vote is given once and kept.
  GRASS_CHECK(term > hard_state_.term || hard_state_.voted_for == NodeId() ||
              hard_state_.voted_for == voted_for);
  hard_state_.term = term;
  hard_state_.voted_for = voted_for;
  hard_state_dirty_ = true;
  term_persist_ = NextPersist();
}

void Raft::AppendToLog(Entry entry) {
  GRASS_CHECK_LE(entry.term, hard_state_.term);
  GRASS_CHECK_GT(entry.index, commit_index_);
  if (entry.type == EntryType::kConfiguration) {
    auto configuration = DecodeConfiguration(entry.payload.view());
    GRASS_CHECK_MSG(configuration.has_value(), "a configuration entry does not decode");
    Emit(EventKind::kChangedMembership, NodeId(), entry.index.value(),
         configuration->IsJoint() ? 1 : 0);
    configurations_.push_back({entry.index, *std::move(configuration)});
  }
  if (first_dirty_ == Index(0) || entry.index < first_dirty_) first_dirty_ = entry.index;
  log_.Append(std::move(entry));
}

void Raft::TruncateLog(Index from) {
  GRASS_CHECK_GT(from, commit_index_);
  GRASS_CHECK_LE(from, log_.last_index());
  Emit(EventKind::kTruncatedLog, leader(), from.value(), log_.last_index().value());
  log_.TruncateFrom(from);
  durable_index_ = std::min(durable_index_, from - 1);
  // A Persist still under way may write entries that are now gone. Its completion must not count
  // for whatever replaces them, even if that has the same index and term again later (the ABA
  // race).
  if (!pending_entries_.empty()) GRASS_PROBE("truncate: a write is under way");
  for (PendingEntries& pending : pending_entries_) pending.last = std::min(pending.last, from - 1);
  while (configurations_.back().index >= from) {
    GRASS_CHECK_GT(configurations_.size(), 1u);
    GRASS_PROBE("truncate: a configuration is rolled back");
    configurations_.pop_back();
  }
}

void Raft::FinishStep() {
  if (std::holds_alternative<LeaderState>(role_)) LeadMembership();
  if (std::holds_alternative<LeaderState>(role_)) AskForRound();
  if (hard_state_dirty_ || install_dirty_.has_value() || first_dirty_ != Index(0)) {
    Persist persist;
    if (durable_persist_ == last_persist_) disk_progress_at_ = now_;
    persist.id = ++last_persist_;
    if (hard_state_dirty_) persist.hard_state = hard_state_;
    persist.install = std::move(install_dirty_);
    if (first_dirty_ != Index(0)) {
      persist.entries = log_.Slice(first_dirty_, SIZE_MAX, SIZE_MAX);
      GRASS_CHECK(!persist.entries.empty());
      pending_entries_.push_back({persist.id, log_.last_index()});
    }
    output_->persist = std::move(persist);
    hard_state_dirty_ = false;
    install_dirty_.reset();
    first_dirty_ = Index();
  }
  AdvanceApply();
  CheckInvariants();
}

void Raft::AdvanceApply() {
  // While a snapshot is being installed the log no longer has what lies between.
  if (pending_installs_.empty()) {
    const Index through = std::max(apply_through_, std::min(commit_index_, durable_index_));
    if (auto* leader = std::get_if<LeaderState>(&role_)) {
      const Index evicted = log_.evicted_through();
      for (Index index = std::max(apply_through_, evicted) + 1; index <= through; ++index) {
        leader->unapplied_bytes -= CostOf(log_.At(index));
      }
      if (through >= evicted) leader->unapplied_evicted_bytes = 0;
    }
    apply_through_ = through;
  }
  output_->apply_through = apply_through_;
}

void Raft::Send(NodeId to, MessageBody body, PersistId needs) {
  GRASS_CHECK_NE(to, options_.id);
  GRASS_CHECK_LE(needs, NextPersist());
  // What a leader sends, and a pre-vote, are for any life of the receiver's disk: that is how a new
  // one is found.
  const auto* vote = std::get_if<RequestVoteRequest>(&body);
  const bool to_any = std::holds_alternative<AppendEntriesRequest>(body) ||
                      std::holds_alternative<InstallSnapshotRequest>(body) ||
                      (vote != nullptr && vote->ballot == Ballot::kPreVote);
  const Incarnation addressee = to_any ? Incarnation() : HeardOf(to);
  Message message{.from = options_.id,
                  .to = to,
                  .term = hard_state_.term,
                  .body = std::move(body),
                  .incarnation = incarnation_,
                  .to_incarnation = addressee};
  if (needs <= durable_persist_) {
    output_->messages.push_back(std::move(message));
  } else {
    held_.push_back(HeldMessage{.needs = needs, .message = std::move(message)});
  }
}

// One answer to the newest of several appends stands for all of them. It must not take away what
// one of them alone would tell: reordered, the newest may be the one that reaches less far. An
// answer to a probe that is lost by this leads to another probe, as the match is news all the same.
bool Raft::CoversAnswer(const Message& message, const Message& earlier) {
  const auto* one = std::get_if<AppendEntriesResponse>(&earlier.body);
  const auto* other = std::get_if<AppendEntriesResponse>(&message.body);
  return one != nullptr && other != nullptr && one->result == AppendResult::kMatched &&
         other->result == AppendResult::kMatched && earlier.to == message.to &&
         earlier.to_incarnation == message.to_incarnation &&
         one->match_index <= other->match_index && one->read_round <= other->read_round &&
         one->sent_at <= other->sent_at;
}

void Raft::ReleaseHeld() {
  auto keep = held_.begin();
  for (HeldMessage& held : held_) {
    // What was said in an earlier term may rest on entries that a later write has replaced.
    if (held.message.term != hard_state_.term) {
      GRASS_PROBE("held: dropped, the term has moved on");
      continue;
    }
    if (held.needs <= durable_persist_) {
      auto& released = output_->messages;
      if (!released.empty() && CoversAnswer(held.message, released.back())) {
        GRASS_PROBE("held: one answer for several appends");
        released.pop_back();
      }
      released.push_back(std::move(held.message));
    } else {
      if (&*keep != &held) *keep = std::move(held);
      ++keep;
    }
  }
  held_.erase(keep, held_.end());
}

void Raft::Emit(EventKind kind, NodeId peer, std::uint64_t a, std::uint64_t b) {
  output_->events.push_back(Event{.kind = kind, .peer = peer, .a = a, .b = b});
}

void Raft::CheckInvariants() const {
  GRASS_CHECK_LE(log_.base_index(), commit_index_);
  GRASS_CHECK_LE(commit_index_, log_.last_index());
  GRASS_CHECK_LE(durable_index_, log_.last_index());
  GRASS_CHECK_LE(apply_through_, commit_index_);
  GRASS_CHECK_LE(durable_persist_, last_persist_);
  GRASS_CHECK_LE(term_persist_, last_persist_);
  GRASS_CHECK_LE(log_.last_term(), hard_state_.term);
  GRASS_CHECK(!configurations_.empty());
  GRASS_CHECK_LE(configurations_.back().index, log_.last_index());
  if (durable_persist_ == last_persist_) {
    GRASS_CHECK(held_.empty());
    GRASS_CHECK(pending_entries_.empty());
    GRASS_CHECK_EQ(durable_index_, log_.last_index());
  }
  if (const auto* leader = std::get_if<LeaderState>(&role_)) {
    // A leader's own term is durable: it came out of votes that waited for it.
    GRASS_CHECK_LE(term_persist_, durable_persist_);
    GRASS_CHECK_EQ(hard_state_.voted_for, options_.id);
    GRASS_CHECK_LE(leader->confirmed_round, leader->round);
    for (const Progress& follower : leader->followers) {
      GRASS_CHECK_LT(follower.match, follower.next);
      GRASS_CHECK_LE(follower.match, log_.last_index());
      GRASS_CHECK_NE(follower.id, options_.id);
      GRASS_CHECK_LE(follower.next, log_.last_index() + 1);
    }
  }
}

}  // namespace grassdb
