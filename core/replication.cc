// Log replication (thesis 3.5, 3.6.2, 5.3, 10.2.1): AppendEntries and InstallSnapshot on both
// sides.
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/probe.h"
#include "core/raft.h"

namespace grassdb {
namespace {

// A message that breaks its own rules is dropped: no peer can stop a healthy node with one.
bool IsWellFormed(const AppendEntriesRequest& request, Term term) {
  Index index = request.prev_log_index;
  Term last = request.prev_log_term;
  if ((index == Index(0)) != (last == Term(0))) return false;
  for (const Entry& entry : request.entries) {
    if (entry.index != index + 1 || entry.term < last || entry.term > term) return false;
    index = entry.index;
    last = entry.term;
  }
  return true;
}

// A learner makes no quorum.
bool MayBeQuick(const Progress& follower) {
  return follower.state == ProgressState::kReplicate &&
         (follower.role == MemberRole::kVoter || follower.role == MemberRole::kLeaving);
}

}  // namespace

// --- Follower ---

// Election safety (thesis 3.4) is broken, and everything that rests on it.
std::string Raft::TwoLeaders(NodeId one, NodeId other) const {
  const auto name = [this](NodeId id) {
    const Member* member = configuration().Find(id);
    return member == nullptr ? std::to_string(id.value()) : member->name;
  };
  return "two leaders in term " + std::to_string(hard_state_.term.value()) + ": " + name(one) +
         " and " + name(other);
}

void Raft::FollowLeader(NodeId leader) {
  GRASS_CHECK_MSG(!std::holds_alternative<LeaderState>(role_), TwoLeaders(options_.id, leader));
  if (std::holds_alternative<CandidateState>(role_)) BecomeFollower(hard_state_.term, leader);
  auto& follower = std::get<FollowerState>(role_);
  if (follower.leader != leader) {
    GRASS_CHECK_MSG(follower.leader == NodeId(), TwoLeaders(follower.leader, leader));
    follower.leader = leader;
    Emit(EventKind::kFollowingLeader, leader);
  }
  defends_until_ = now_ + options_.election_timeout_min;
  ResetElectionDeadline();
}

void Raft::OnAppendEntries(NodeId from, AppendEntriesRequest&& request) {
  if (!IsWellFormed(request, hard_state_.term)) return;
  FollowLeader(from);
  Renew(from, request.forgot);
  const Index prev = request.prev_log_index;
  // Before the base everything is committed, and so the same in every leader's log (thesis 3.6.3).
  if (prev > log_.last_index() ||
      (prev >= log_.base_index() && !log_.Matches(prev, request.prev_log_term))) {
    RefuseAppend(from, request);
    return;
  }
  const Index verified = AppendMissing(request);
  // Thesis figure 3.1: not beyond the last entry this message has verified. What the log holds
  // behind it may be another leader's.
  commit_index_ = std::max(commit_index_, std::min(request.leader_commit, verified));
  AcknowledgeAppend(from, request, verified);
}

void Raft::AcknowledgeAppend(NodeId from, const AppendEntriesRequest& request, Index verified) {
  AppendEntriesResponse response;
  response.prev_log_index = request.prev_log_index;
  response.read_round = request.read_round;
  response.sent_at = request.sent_at;
  response.defends = options_.election_timeout_min;
  response.standing = standing();
  response.disk_full = disk_full_;
  auto& follower = std::get<FollowerState>(role_);
  const bool new_round = request.read_round > follower.answered_round;
  follower.answered_round = std::max(follower.answered_round, request.read_round);
  const PersistId covers = request.entries.empty() ? PersistId() : PersistThatCovers(verified);
  // A heartbeat is answered at once, however slow the disk is; it tells how far the disk has come.
  // So is a new read round, whose reads would else wait for the write that came along with it.
  if (request.entries.empty() || (new_round && covers > term_persist_)) {
    response.match_index = std::min(verified, durable_index_);
    Send(from, response, term_persist_);
    if (request.entries.empty()) return;
  }
  response.match_index = verified;
  Send(from, response, std::max(term_persist_, covers));
}

// Thesis 3.5: only a conflicting entry cuts the log. An old or repeated message that holds less
// than the log must not (it may have been acknowledged).
Index Raft::AppendMissing(AppendEntriesRequest& request) {
  const Index verified = request.prev_log_index + request.entries.size();
  for (Entry& entry : request.entries) {
    if (entry.index <= log_.base_index()) {
      GRASS_PROBE("append: entries from before the base");
      continue;
    }
    const std::optional<Term> have = log_.TermAt(entry.index);
    if (have == entry.term) continue;
    if (have.has_value()) TruncateLog(entry.index);
    AppendToLog(std::move(entry));
  }
  return verified;
}

void Raft::RefuseAppend(NodeId from, const AppendEntriesRequest& request) {
  AppendEntriesResponse response;
  response.result = AppendResult::kConflict;
  response.prev_log_index = request.prev_log_index;
  response.read_round = request.read_round;
  response.sent_at = request.sent_at;
  response.defends = options_.election_timeout_min;
  response.standing = standing();
  response.disk_full = disk_full_;
  if (request.prev_log_index > log_.last_index()) {
    response.conflict_index = log_.last_index() + 1;
  } else {
    // A committed entry is in every later leader's log (leader completeness, thesis 3.6.3).
    GRASS_CHECK_GT(request.prev_log_index, commit_index_);
    response.conflict_term = *log_.TermAt(request.prev_log_index);
    response.conflict_index =
        std::max(log_.FirstIndexOfTermAt(request.prev_log_index), commit_index_ + 1);
  }
  Send(from, response, term_persist_);
}

// The Persist that makes the log durable through `index`; 0 if it is.
PersistId Raft::PersistThatCovers(Index index) const {
  if (index <= durable_index_) return PersistId();
  for (const PendingEntries& pending : pending_entries_) {
    if (pending.last >= index) return pending.id;
  }
  GRASS_CHECK_NE(first_dirty_, Index(0));
  return NextPersist();
}

void Raft::OnInstallSnapshot(Message message) {
  const auto& request = std::get<InstallSnapshotRequest>(message.body);
  if (request.meta.index == Index(0) || request.meta.term > hard_state_.term) return;
  FollowLeader(message.from);
  if (!CoversSnapshot(request.meta, message.from)) {
    output_->snapshot_traffic.push_back(std::move(message));
  }
}

// True if the log holds all that the snapshot stands for; the leader is told when that is durable.
bool Raft::CoversSnapshot(const SnapshotMeta& meta, NodeId leader) {
  if (meta.index > commit_index_) {
    if (!log_.Matches(meta.index, meta.term)) return false;
    GRASS_PROBE("snapshot: the log has it all");
    // The snapshot says that its last entry is committed, and the log has it.
    commit_index_ = meta.index;
  }
  InstallSnapshotResponse response;
  response.snapshot_index = meta.index;
  response.snapshot_term = meta.term;
  response.installed = true;
  response.match_index = meta.index;
  Send(leader, response, std::max(term_persist_, PersistThatCovers(meta.index)));
  return true;
}

// --- Leader ---

Progress* Raft::FindFollower(NodeId id) {
  return const_cast<Progress*>(std::as_const(*this).FindFollower(id));
}

const Progress* Raft::FindFollower(NodeId id) const {
  const auto* leader = std::get_if<LeaderState>(&role_);
  if (leader == nullptr) return nullptr;
  const auto at = std::ranges::lower_bound(leader->followers, id, {}, &Progress::id);
  return at == leader->followers.end() || at->id != id ? nullptr : &*at;
}

void Raft::OnAppendEntriesResponse(NodeId from, Incarnation incarnation,
                                   const AppendEntriesResponse& response) {
  Progress* follower = FindFollower(from);
  if (follower == nullptr) return;
  if (!IsOfPresentDisk(*follower, incarnation, response.sent_at)) {
    GRASS_PROBE("append: answer of an earlier disk");
    return;
  }
  follower->last_heard = now_;
  NoteIncarnation(*follower, incarnation);
  // Its request was this node's too, of an earlier term of leading.
  if (response.result == AppendResult::kStaleTerm) return;
  if (response.sent_at < follower->forgot_at) return;
  follower->standing = response.standing;
  DoubtIfOffRecord(*follower);
  follower->space = response.disk_full ? FollowerSpace::kFull : FollowerSpace::kAmple;
  if (response.sent_at <= now_ && response.sent_at >= follower->lease_base) {
    follower->lease_base = response.sent_at;
    follower->defends = std::min(response.defends, options_.election_timeout_min);
  }
  if (response.result == AppendResult::kMatched) {
    OnMatched(*follower, response);
  } else {
    OnConflict(*follower, response);
  }
  // Either answer shows that the follower takes this node for the leader of the term.
  if (response.read_round <= leading().round && response.read_round > follower->read_round) {
    follower->read_round = response.read_round;
    follower->round_answer = ++leading().round_answers;
  }
  // Also without a newer round: by what it says of its disk the follower may count from now on.
  if (leading().confirmed_round < leading().round) ConfirmRounds();
}

void Raft::OnMatched(Progress& follower, const AppendEntriesResponse& response) {
  if (response.match_index > log_.last_index()) return;
  const bool advanced = response.match_index > follower.match;
  const bool answers_probe = response.prev_log_index + 1 == follower.next;
  if (advanced) {
    follower.match = response.match_index;
    follower.match_learned = now_;
    follower.next = std::max(follower.next, follower.match + 1);
    follower.Acknowledged(follower.match);
  }
  if (follower.state == ProgressState::kProbe) {
    // Only the answer to the probe opens the window again. Any other one is from before the
    // conflict: where messages are reordered, old matches and conflicts would take turns, each
    // match sending the whole window once more, until nodes and network do nothing else.
    if (answers_probe) {
      follower.BecomeReplicate();
    } else if (advanced) {
      GRASS_PROBE("probe: a late match");
      follower.BecomeProbe(follower.next);
    }
  } else if (follower.state == ProgressState::kSnapshot && follower.match >= log_.base_index()) {
    GRASS_PROBE("snapshot: not needed any more");
    follower.BecomeProbe(follower.match + 1);
  }
  if (advanced) AdvanceCommit();
  MeasureCatchUp(follower);
  Replicate(follower);
  TryTransfer(follower);
}

// Thesis 3.5, the faster back-off: skip the follower's whole conflicting term at once.
void Raft::OnConflict(Progress& follower, const AppendEntriesResponse& response) {
  const Index prev = response.prev_log_index;
  if (follower.state == ProgressState::kSnapshot) return;
  if (prev <= follower.match && response.sent_at > follower.match_learned) {
    return OnForgotten(follower);
  }
  // Late or repeated: the logs are known to match there by now, or another probe is out.
  if (prev <= follower.match || prev >= follower.next) {
    GRASS_PROBE("conflict: late");
    return;
  }
  if (follower.state == ProgressState::kProbe && prev != follower.next - 1) {
    GRASS_PROBE("conflict: another probe is out");
    return;
  }
  Index next = response.conflict_index;
  if (response.conflict_term != Term(0)) {
    const Index last = log_.LastIndexWithTermAtMost(prev, response.conflict_term);
    if (log_.TermAt(last) == response.conflict_term) next = last + 1;
  }
  if (GRASS_BUGGIFY("conflict: back off by one")) next = prev;
  next = std::max(std::min(next, prev), follower.match + 1);
  follower.BecomeProbe(next);
  Replicate(follower);
}

bool Raft::NeedsSnapshot(const Progress& follower) const {
  return follower.next <= log_.base_index();
}

void Raft::StartSnapshot(Progress& follower) {
  GRASS_CHECK(snapshot_.has_value());
  GRASS_CHECK_GE(snapshot_->index, log_.base_index());
  follower.BecomeSnapshot(snapshot_->index);
  output_->snapshot_needed.push_back(follower.id);
  Emit(EventKind::kSnapshotNeeded, follower.id, snapshot_->index.value());
}

void Raft::Replicate(Progress& follower) {
  if (follower.state == ProgressState::kSnapshot) return;
  if (NeedsSnapshot(follower) || (snapshot_.has_value() && follower.match < snapshot_->index &&
                                  GRASS_BUGGIFY("replicate: a snapshot instead of entries"))) {
    StartSnapshot(follower);
    return;
  }
  if (follower.state == ProgressState::kProbe) {
    if (!follower.probe_sent) SendEntries(follower);
    return;
  }
  if (MayWait(follower) && !GRASS_BUGGIFY("replicate: at once")) {
    if (follower.next <= log_.last_index() && follower.append_at == Instant::max()) {
      GRASS_PROBE("replicate: entries wait for more");
      follower.append_at = now_ + options_.append_delay;
    }
    return;
  }
  follower.append_at = Instant::max();
  follower.offered = log_.last_index();
  follower.offered_bytes = leading().appended_bytes;
  const std::size_t messages_max =
      follower.space == FollowerSpace::kFull ? 1 : options_.inflight_messages_max;
  while (follower.next <= log_.last_index() && follower.inflight.size() < messages_max &&
         follower.inflight_bytes < options_.inflight_bytes_max) {
    if (log_.IsEvicted(follower.next)) return ReadForFollower(follower);
    SendEntries(follower);
    if (GRASS_BUGGIFY("replicate: the window is closed early")) break;
  }
}

// A commit needs a quorum and not everybody, and a message and its answer cost more than the
// entries in it. So those who made the last quorum are sent entries at once, and the others what
// has gathered after append_delay: as much is copied to them, in fewer messages and fewer writes.
// It is a bet that the next quorum is the last one's. Where it is lost, for one of them has failed,
// the commit is later by append_delay at most, once: whoever makes it then is quick from there on.
// Who has only become slower than one that waits is found out with the next heartbeat, behind which
// all are sent entries at once. Nobody waits who lacks a whole message, which would get no cheaper,
// nor for what was due and had no room, nor who is to take over, nor who leaves: it is sent nothing
// any more once that is committed.
bool Raft::MayWait(const Progress& follower) const {
  if (options_.append_delay == Duration::zero() || follower.quick) return false;
  if (follower.state != ProgressState::kReplicate || now_ >= follower.append_at) return false;
  if (follower.next <= follower.offered) return false;
  const LeaderState& leader = std::get<LeaderState>(role_);
  if (follower.role == MemberRole::kLeaving || follower.id == leader.transfer_target) return false;
  if (log_.last_index() + 1 - follower.next >= options_.append_entries_max ||
      leader.appended_bytes - follower.offered_bytes >= options_.append_bytes_max) {
    return false;
  }
  return QuickMakeQuorum();
}

// It needs it now: for a read, which it may answer once it has applied so far.
void Raft::SendWhatWaits(NodeId id) {
  Progress* follower = FindFollower(id);
  if (follower == nullptr || follower->append_at == Instant::max()) return;
  follower->append_at = now_;
  Replicate(*follower);
}

// With this node.
bool Raft::QuickMakeQuorum() const {
  enum class Sent : std::uint8_t { kLater, kAtOnce };
  const auto quorum = QuorumHas(Sent::kAtOnce, Sent::kLater, [](const Progress& follower) {
    return follower.quick ? Sent::kAtOnce : Sent::kLater;
  });
  return quorum == Sent::kAtOnce;
}

// After a commit: as few of those who made it as make a quorum, and rather who was quick before.
// All who made it where this node's own disk has not: then the next is not to be its either.
void Raft::ChooseQuick() {
  if (options_.append_delay == Duration::zero()) return;
  const bool keeps_up = durable_index_ >= commit_index_;
  const auto made_it = [this](const Progress& follower) {
    return MayBeQuick(follower) && follower.match >= commit_index_;
  };
  for (Progress& follower : leading().followers) {
    if (!made_it(follower)) follower.quick = false;
  }
  for (Progress& follower : leading().followers) {
    if (made_it(follower) && (!keeps_up || !QuickMakeQuorum())) follower.quick = true;
  }
  if (!keeps_up) return;
  for (Progress& follower : leading().followers) {
    if (!follower.quick) continue;
    follower.quick = false;
    if (!QuickMakeQuorum()) follower.quick = true;
  }
}

// The next entries are sent to all at once, and whoever makes their quorum is quick then: who waits
// cannot show that it is quicker than the others.
void Raft::AskWhoIsQuick() {
  if (options_.append_delay == Duration::zero()) return;
  for (Progress& follower : leading().followers) {
    if (MayBeQuick(follower)) follower.quick = true;
  }
}

void Raft::ReplicateToAll() {
  for (Progress& follower : leading().followers) Replicate(follower);
}

// One without room takes some entries and not others. It is not sent the same window in vain with
// every heartbeat, also where it may use its reserve: that may be too little.
std::size_t Raft::EntriesMax(const Progress& follower) const {
  const bool single =
      follower.space == FollowerSpace::kFull || GRASS_BUGGIFY("append: a single entry");
  return single ? 1 : options_.append_entries_max;
}

// The next entries; a probe needs none, and is not worth reading the disk for.
void Raft::SendEntries(Progress& follower) {
  const bool evicted = log_.IsEvicted(follower.next);
  GRASS_CHECK(!evicted || follower.state == ProgressState::kProbe);
  SendEntries(follower,
              evicted ? std::vector<Entry>()
                      : log_.Slice(follower.next, EntriesMax(follower), options_.append_bytes_max));
}

// An AppendEntries for the follower's place in the log, without entries.
AppendEntriesRequest Raft::AppendAt(Progress& follower) {
  AppendEntriesRequest request;
  request.prev_log_index = follower.next - 1;
  request.prev_log_term = log_.TermAt(request.prev_log_index).value_or(Term());
  request.leader_commit = commit_index_;
  request.read_round = leading().round;
  request.sent_at = now_;
  request.vital = LacksRoom();
  if (follower.rolled_back) request.forgot = follower.incarnation;
  follower.round_sent = request.read_round;
  return request;
}

void Raft::SendEntries(Progress& follower, std::vector<Entry> entries) {
  AppendEntriesRequest request = AppendAt(follower);
  GRASS_CHECK(log_.TermAt(request.prev_log_index).has_value());
  request.entries = std::move(entries);
  if (follower.state == ProgressState::kProbe) {
    follower.probe_sent = true;
  } else {
    GRASS_CHECK(!request.entries.empty());
    std::size_t bytes = 0;
    for (const Entry& entry : request.entries) bytes += CostOf(entry);
    follower.Sent(request.entries.back().index, bytes);
  }
  // Before this node's own write is durable: disk and network work in parallel (thesis 10.2.1).
  Send(follower.id, std::move(request), term_persist_);
}

// An AppendEntries without entries. Its place in the log makes a lost append show up: a follower
// that lacks the entry before refuses, and the leader goes back to probing.
void Raft::SendHeartbeat(Progress& follower) {
  AppendEntriesRequest request = AppendAt(follower);
  if (follower.state == ProgressState::kSnapshot || NeedsSnapshot(follower)) {
    request.prev_log_index = Index();
    request.prev_log_term = Term();
  }
  Send(follower.id, std::move(request), term_persist_);
}

// A follower that is further behind than memory reaches has the entries read from the disk, one
// message's worth at a time: while one is under way to it, the next one is read. All of one term,
// which is how the disk tells them from what stood there before.
void Raft::ReadForFollower(Progress& follower) {
  if (follower.reads_from != Index(0)) return;
  follower.reads_from = follower.next;
  GRASS_PROBE("replicate: entries are read from the disk");
  output_->entries_needed.push_back(
      EvictedFrom(follower.next, log_.evicted_through(), EntriesMax(follower)));
  output_->entries_needed.back().reader = follower.id;
}

ReadEntries Raft::EvictedFrom(Index first, Index last, std::size_t count_max) const {
  GRASS_CHECK(log_.IsEvicted(first));
  ReadEntries read;
  read.first = first;
  read.term = *log_.TermAt(first);
  read.last = log_.LastIndexWithTermAtMost(std::min(last, log_.evicted_through()), read.term);
  read.count_max = count_max;
  read.bytes_max = options_.append_bytes_max;
  return read;
}

void Raft::OnReadForFollower(EntriesRead read) {
  Progress* follower = FindFollower(read.wanted.reader);
  if (follower == nullptr || follower->reads_from != read.wanted.first || IsReplaced(read.wanted)) {
    GRASS_PROBE("replicate: what was read is not needed any more");
    return;
  }
  follower->reads_from = Index();
  // What cannot be read is tried again with the next heartbeat, if there is no snapshot by then.
  if (read.entries.empty()) return;
  if (follower->state == ProgressState::kReplicate && follower->next == read.wanted.first &&
      !NeedsSnapshot(*follower)) {
    SendEntries(*follower, std::move(read.entries));
  }
  Replicate(*follower);
}

void Raft::OnHeartbeatDue() {
  LeaderState& leader = leading();
  leader.heartbeat_deadline = now_ + options_.heartbeat_interval;
  for (Progress& follower : leader.followers) {
    // The probe or its answer may be lost; the heartbeat asks the same question, and is answered
    // however slow the disk is.
    if (NeedsSnapshot(follower) || log_.IsEvicted(follower.next)) Replicate(follower);
    if (!GRASS_BUGGIFY("heartbeat: left out")) SendHeartbeat(follower);
  }
  AskWhoIsQuick();
}

// Thesis 3.6.2, figure 3.7: only an entry of the leader's own term is committed by counting;
// earlier ones are committed by being before it.
void Raft::AdvanceCommit() {
  const auto reached =
      QuorumHas(durable_index_, Index(), [](const Progress& follower) { return follower.match; });
  if (reached <= commit_index_) return;
  if (log_.TermAt(reached) != hard_state_.term) {
    GRASS_PROBE("commit: an earlier term's entry waits");
    return;
  }
  commit_index_ = reached;
  ChooseQuick();
  MaybeStartRound();
}

void Raft::OnInstallSnapshotResponse(Message message) {
  const auto& response = std::get<InstallSnapshotResponse>(message.body);
  Progress* follower = FindFollower(message.from);
  if (follower == nullptr || response.match_index > log_.last_index()) return;
  if (message.incarnation != follower->incarnation) return;
  follower->last_heard = now_;
  if (response.installed) {
    if (response.match_index > follower->match) {
      follower->match = response.match_index;
      follower->match_learned = now_;
      follower->next = std::max(follower->next, follower->match + 1);
      follower->Acknowledged(follower->match);
      AdvanceCommit();
    }
    // If the log was compacted beyond it meanwhile, this starts the next snapshot.
    if (follower->state == ProgressState::kSnapshot) follower->BecomeProbe(follower->match + 1);
    Replicate(*follower);
  }
  output_->snapshot_traffic.push_back(std::move(message));
}

}  // namespace grassdb
