#include "core/repair.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "core/check.h"
#include "core/chunk.h"
#include "core/probe.h"
#include "core/quorum.h"

namespace grassdb {
namespace {

constexpr int kElectionsUntilReadAgain = 10;
// An answer may be lost, and one that is asked answers one at a time.
constexpr int kAsksUntilNextSource = 4;

bool IsAmong(const std::vector<NodeId>& ids, NodeId id) {
  return std::ranges::find(ids, id) != ids.end();
}
void AddUnique(std::vector<NodeId>& ids, NodeId id) {
  if (!IsAmong(ids, id)) ids.push_back(id);
}

void Collect(const Configuration& configuration, std::vector<Member>& members) {
  for (const Member& member : configuration.members()) {
    std::erase_if(members, [&](const Member& known) { return known.id == member.id; });
    members.push_back(member);
    members.back().role = MemberRole::kLearner;
    members.back().outgoing = false;
    members.back().replaces = NodeId();
  }
}

// Contiguous from `first` on, of terms that do not fall and are not below `previous`.
bool IsRun(const std::vector<Entry>& entries, Index first, Term previous) {
  for (const Entry& entry : entries) {
    if (entry.index != first || entry.term < previous) return false;
    ++first;
    previous = entry.term;
  }
  return !entries.empty();
}

// What is in memory of the log besides its entries.
EvictedEntries WithoutEntries(const RecoveredState& recovered) {
  EvictedEntries log = recovered.evicted;
  if (log.empty()) log.terms.ResetTo(recovered.base());
  std::size_t bytes = 0;
  for (const Entry& entry : recovered.entries) {
    log.Add(recovered.base(), entry);
    bytes += CostOf(entry);
  }
  log.evictions.Add(recovered.last().index, bytes);
  return log;
}

}  // namespace

Repair::Repair(const NodeOptions& options, RecoveredState recovered, const Environment& environment)
    : options_(options),
      environment_(environment),
      identity_(recovered.identity),
      hard_state_(recovered.hard_state),
      promised_(recovered.hard_state.term),
      snapshot_(recovered.snapshot),
      log_(WithoutEntries(recovered)),
      lost_(recovered.damage.lost),
      snapshot_lost_(recovered.damage.snapshot_lost),
      lost_committed_(recovered.damage.committed),
      lost_committed_term_(recovered.damage.committed_term),
      snapshot_wanted_(snapshot_lost_),
      committed_(
          std::max(recovered.base_index, snapshot_.has_value() ? snapshot_->index : Index())),
      started_(environment.clock->Now()),
      ask_at_(started_),
      patience_(options.raft.heartbeat_interval) {
  GRASS_CHECK(!recovered.damage.empty());
  GRASS_CHECK(environment.network != nullptr && environment.disk != nullptr);
  std::vector<Member> members;
  Collect(identity_.bootstrap, members);
  for (const Configuration& known : recovered.members) Collect(known, members);
  if (snapshot_.has_value()) Collect(snapshot_->configuration, members);
  for (const Entry& entry : log_.configurations) {
    if (const auto known = DecodeConfiguration(entry.payload.view())) Collect(*known, members);
  }
  std::erase_if(members, [this](const Member& member) { return member.id == identity_.node; });
  members_ = Configuration(std::move(members));
}

void Repair::Start() {
  if (WantsSnapshot()) {
    Tell(EventKind::kSnapshotLost, NodeId(), snapshot_wanted_.value(), 0);
  }
  for (const LostRange& range : lost_) {
    Tell(EventKind::kEntriesLost, NodeId(), range.first.value(), range.last.value());
  }
  OnDeadline();
}

void Repair::Tell(EventKind kind, NodeId peer, std::uint64_t a, std::uint64_t b) {
  if (environment_.trace == nullptr) return;
  environment_.trace->OnEvent(hard_state_.term, Event{.kind = kind, .peer = peer, .a = a, .b = b});
}

// Always of the durable term: what is answered may be a proof.
void Repair::Send(NodeId to, MessageBody body) {
  environment_.network->Send(Message{.from = identity_.node,
                                     .to = to,
                                     .term = hard_state_.term,
                                     .body = std::move(body),
                                     .incarnation = incarnation()});
}

void Repair::Submit(DiskJob job) {
  GRASS_CHECK(!busy_);
  busy_ = true;
  environment_.disk->Submit(std::move(job));
}

// In a later term, without a vote.
HardState Repair::InTerm(Term term) const {
  HardState state = hard_state_;
  state.term = term;
  state.voted_for = NodeId();
  return state;
}

std::optional<Term> Repair::TermAt(Index index) const {
  const std::optional<Term> term = log_.terms.TermAt(index);
  const bool is_known = term != Term() || index == log_.terms.base().index;
  return is_known ? term : std::nullopt;
}

bool Repair::IsLost(Index index) const {
  return std::ranges::any_of(lost_, [index](const LostRange& range) {
    return index >= range.first && index <= range.last;
  });
}

Term Repair::PreviousTerm(Index first) const {
  const std::optional<Term> term = TermAt(first - 1);
  GRASS_CHECK(term.has_value());  // below the first lost range nothing is lost
  return *term;
}

bool Repair::IsRecent(std::optional<Instant> heard) const {
  return heard.has_value() &&
         environment_.clock->Now() - *heard < options_.raft.election_timeout_max;
}

std::optional<Configuration> Repair::ConfigurationAt(Index index) const {
  const auto& known = log_.configurations;
  const auto behind = std::ranges::upper_bound(known, index, {}, &Entry::index);
  if (behind != known.begin()) return DecodeConfiguration(std::prev(behind)->payload.view());
  if (snapshot_.has_value()) return snapshot_->configuration;
  if (log_.terms.base().index > Index(0)) return std::nullopt;
  return identity_.bootstrap;
}

// As Raft's (core/standing.cc), from what is there of the log.
Standing Repair::OwnStanding() const {
  if (incarnation() == Incarnation(0)) return Standing::kProven;
  const auto configuration = ConfigurationAt(log_.last().index);
  const Member* self = configuration ? configuration->Find(identity_.node) : nullptr;
  if (self != nullptr && self->incarnation != Incarnation(0)) {
    return self->incarnation == incarnation() ? Standing::kProven : Standing::kUnproven;
  }
  return hard_state_.founder ? Standing::kProven : Standing::kUnproven;
}

// --- Asking ---

void Repair::OnDeadline() {
  if (failed() || done_) return;
  LookForRoom();
  if (environment_.clock->Now() < ask_at_) return;
  const Instant now = environment_.clock->Now();
  const bool is_new = now - started_ < options_.raft.election_timeout_max;
  if (members_.empty() && !is_new && !busy_) {
    GRASS_PROBE("repair: there is nobody to ask");
    failure_ = NobodyToAsk();
    return;
  }
  const bool patient = is_new || HearsLeader();
  if (lost() != nullptr && hard_state_.term == promised_ && !busy_) {
    if (leader_term_ > promised_) {
      GRASS_PROBE("repair: goes to a leader's term");
      GoToNextTerm(leader_term_);
    } else if (!patient) {
      GRASS_PROBE("repair: goes to the next term");
      GoToNextTerm(hard_state_.term + 1);
    }
  }
  if (!patient && !said_stuck_) {
    said_stuck_ = true;
    read_again_at_ = now + kElectionsUntilReadAgain * options_.raft.election_timeout_max;
    Tell(EventKind::kRepairWaits, NodeId(), (lost() ? lost()->first : snapshot_wanted_).value(),
         (lost() ? lost()->last : snapshot_wanted_).value());
  }
  // A snapshot that is on its way may take longer than that.
  if (said_stuck_ && now >= read_again_at_ && !busy_ && !transfer_.has_value()) {
    GRASS_PROBE("repair: the disk is read again");
    done_ = true;
    return;
  }
  Ask();
  ask_at_ = now + patience_;
  patience_ = std::min(2 * patience_, 2 * options_.raft.election_timeout_max);
}

Instant Repair::NextDeadline() const {
  return failed() || done_ ? Instant::max() : std::min(ask_at_, look_at_);
}

void Repair::Ask() {
  if (WantsSnapshot()) {
    // One after the other, for as long as it sends something from one time to the next.
    if (!busy_ && transfer_.has_value() && transfer_->offset == transfer_seen_ &&
        ++transfer_->asks_in_vain == kAsksUntilNextSource) {
      transfer_.reset();
    }
    if (!busy_ && !transfer_.has_value()) ++source_;
    transfer_seen_ = transfer_.has_value() ? transfer_->offset : 0;
    AskForChunk();
  }
  if (lost() == nullptr) return;
  RepairRequest request;
  request.ask = hard_state_.term > promised_ ? RepairAsk::kProof : RepairAsk::kEntries;
  request.first = lost()->first;
  request.last = lost()->last;
  request.previous_term = PreviousTerm(request.first);
  request.last_term = lost()->last_term;
  request.takes_rest = true;
  request.deposes = request.ask == RepairAsk::kProof && IsRecent(earlier_leader_heard_);
  for (const Member& member : members_.members()) Send(member.id, request);
}

void Repair::AskForChunk() {
  if (busy_ || members_.empty()) return;
  const std::vector<Member>& members = members_.members();
  RepairRequest request;
  request.ask = RepairAsk::kSnapshot;
  request.first = snapshot_wanted_;
  request.last = lost_committed_;
  request.last_term = lost_committed_term_;
  NodeId from = members[source_ % members.size()].id;
  if (transfer_.has_value()) {
    from = transfer_->from;
    request.snapshot_index = transfer_->meta.index;
    request.snapshot_term = transfer_->meta.term;
    request.offset = transfer_->offset;
  }
  Send(from, request);
}

// Something was mended: what is lost next is asked for at once.
void Repair::Progressed() {
  absent_.clear();
  absent_in_promised_.clear();
  without_.clear();
  snapshot_wanted_ = snapshot_lost_;
  said_stuck_ = false;
  patience_ = options_.raft.heartbeat_interval;
  started_ = environment_.clock->Now();
  ask_at_ = started_;
  if (lost_.empty() && !WantsSnapshot()) done_ = true;
  OnDeadline();
}

// --- Answers ---

void Repair::OnMessage(Message message) {
  if (failed() || done_) return;
  if (message.to != identity_.node || message.from == identity_.node) return;
  if (message.to_incarnation != Incarnation(0) && message.to_incarnation != incarnation()) {
    return;
  }
  if (auto* response = std::get_if<RepairResponse>(&message.body)) {
    if (!IsWhole(*response)) {
      return Tell(EventKind::kChunkRefused, message.from, response->first.value(), 0);
    }
    OnResponse(message, *response);
  } else if (const auto* request = std::get_if<RepairRequest>(&message.body)) {
    OnRequest(message, *request);
  } else if (std::holds_alternative<AppendEntriesRequest>(message.body) ||
             std::holds_alternative<InstallSnapshotRequest>(message.body)) {
    const bool is_earlier = message.term < hard_state_.term;
    (is_earlier ? earlier_leader_heard_ : leader_heard_) = environment_.clock->Now();
    if (is_earlier) return;
    if (message.term < leader_term_) return;
    leader_term_ = message.term;
    leader_ = message.from;
  }
}

void Repair::OnResponse(const Message& message, RepairResponse& response) {
  if (response.verdict == RepairVerdict::kChunk) return OnChunk(message.from, response.chunk);
  const LostRange* range = lost();
  if (range == nullptr || busy_) return;
  if (response.first != range->first || response.last != range->last ||
      response.last_term != range->last_term) {
    return;  // to an earlier question
  }
  switch (response.verdict) {
    case RepairVerdict::kHeld:
    case RepairVerdict::kCommitted:
      return OnEntries(message.from, response);
    case RepairVerdict::kRest:
      return OnRest(message.from, response);
    case RepairVerdict::kReleased:
      return OnReleased(message.from);
    case RepairVerdict::kAbsent:
      return OnAbsent(message);
    case RepairVerdict::kUnknown:
      return AddUnique(without_, message.from);
    case RepairVerdict::kChunk:
      return;
  }
}

void Repair::OnEntries(NodeId from, RepairResponse& response) {
  const LostRange range = *lost();
  std::vector<Entry>& entries = response.entries;
  const bool committed = response.verdict == RepairVerdict::kCommitted;
  if (!IsRun(entries, range.first, response.previous_term)) return;
  if (entries.back().index > range.last) return;
  if (response.previous_term != PreviousTerm(range.first)) {
    // One of the two entries before is committed, and so the other one is not, nor what follows it.
    if (committed == IsCommitted(range.first - 1)) return;
    return Cut(from, range.first);
  }
  const auto differs = [&range](const Entry& entry) {
    return entry.term > range.last_term ||
           (entry.index == range.last && entry.term != range.last_term);
  };
  const auto end = std::ranges::find_if(entries, differs);
  if (end != entries.end() && !committed) return;
  if (end == entries.begin()) return Cut(from, range.first);
  entries.erase(end, entries.end());
  if (committed) committed_ = std::max(committed_, entries.back().index);
  Fill(from, std::move(entries), Term());
}

void Repair::OnRest(NodeId from, RepairResponse& response) {
  const LostRange& range = *lost();
  const Term previous = response.previous_term;
  std::vector<Entry>& entries = response.entries;
  if (entries.empty() || !IsRun(entries, entries.front().index, previous)) return;
  if (entries.front().index <= range.first || entries.back().index > range.last) return;
  if (previous == Term() || previous < PreviousTerm(range.first)) return;
  const bool is_end = entries.back().index == range.last;
  const Term end = entries.back().term;
  if (end > range.last_term || (is_end && end != range.last_term)) return;
  GRASS_PROBE("repair: what is lost is filled from behind");
  Fill(from, std::move(entries), previous);
}

// A set of voters without the entry that has one of every quorum. `first` was committed, if at all,
// by a quorum of the configuration that was in force before it, or of both that a joint one leads
// over, or of what a joint one leads to: both of its halves are looked at.
void Repair::OnAbsent(const Message& message) {
  AddUnique(without_, message.from);
  // An acknowledgement of this node may be of promised_. Whoever is durably beyond that can neither
  // count it nor receive the entry from one that does; in promised_ only its leader could do
  // either. It lacks what it has made itself only after a crash: until then it may have counted
  // those who said before that they lacked it.
  if (message.term < promised_) return;
  AddUnique(message.term > promised_ ? absent_ : absent_in_promised_, message.from);
  const bool leader_lacks = leader_term_ == promised_ && lost()->last_term < promised_ &&
                            IsAmong(absent_in_promised_, leader_);
  if (!leader_lacks && hard_state_.term <= promised_) return;
  const auto configuration = ConfigurationAt(lost()->first - 1);
  if (!configuration.has_value() || configuration->voters().empty()) return;
  const auto answer = [&](NodeId voter) -> std::optional<bool> {
    if (IsAmong(absent_, voter)) return false;
    return leader_lacks && IsAmong(absent_in_promised_, voter) ? std::optional(false)
                                                               : std::nullopt;
  };
  if (CountVotes(configuration->voters(), answer) != Tally::kLost) return;
  if (configuration->IsJoint() && CountVotes(configuration->outgoing(), answer) != Tally::kLost) {
    return;
  }
  GRASS_PROBE("repair: what is lost was never committed");
  Cut(message.from, lost()->first);
}

void Repair::OnReleased(NodeId from) {
  if (WantsSnapshot()) return;
  GRASS_PROBE("repair: a snapshot instead of entries");
  snapshot_wanted_ = lost()->first;
  // One that was to stand for what has come entry by entry since then.
  if (transfer_.has_value() && transfer_->meta.index < snapshot_wanted_) transfer_.reset();
  const auto& members = members_.members();
  const auto at = std::ranges::find(members, from, &Member::id);
  if (at != members.end()) source_ = static_cast<std::size_t>(at - members.begin());
  AskForChunk();
}

void Repair::OnChunk(NodeId from, const InstallSnapshotRequest& chunk) {
  if (!WantsSnapshot() || busy_ || !IsWhole(chunk)) return;
  const SnapshotMeta& meta = chunk.meta;
  if (meta.index < snapshot_wanted_) return;
  if (snapshot_.has_value() && meta.index <= snapshot_->index) return;
  const bool goes_on = transfer_.has_value() && transfer_->meta == meta;
  if (!goes_on) {
    if (chunk.offset != 0) return;
    transfer_ = Transfer{.meta = meta, .from = from, .offset = 0};
  }
  if (chunk.offset != transfer_->offset) return;
  transfer_->from = from;
  Submit(StageSnapshot{.source = SnapshotSource::kReceived,
                       .meta = meta,
                       .offset = chunk.offset,
                       .last = chunk.last,
                       .data = chunk.data});
}

// --- Mending ---

void Repair::Fill(NodeId from, std::vector<Entry> entries, Term previous) {
  mended_by_ = from;
  mending_ = MendLog{.fill = std::move(entries), .cut_from = Index(), .previous_term = previous};
  Submit(mending_);
}

void Repair::Cut(NodeId because_of, Index from) {
  GRASS_CHECK(!IsCommitted(from));
  mended_by_ = because_of;
  mending_ = MendLog{.fill = {}, .cut_from = from, .previous_term = Term()};
  Submit(mending_);
}

void Repair::GoToNextTerm(Term term) {
  GRASS_CHECK_GT(term, hard_state_.term);
  next_hard_state_ = InTerm(term);
  Persist persist;
  persist.id = ++last_persist_;
  persist.hard_state = next_hard_state_;
  Submit(std::move(persist));
}

void Repair::OnDisk(DiskDone done) {
  if (failed()) return;
  std::visit(
      [this]<class Done>(const Done& value) {
        constexpr bool kAsked = requires {
          this->OnDone(value);
        };
        GRASS_CHECK_MSG(kAsked, "a repair asks a disk for no such job");
        if constexpr (kAsked) OnDone(value);
      },
      done);
}

bool Repair::Succeeded(const absl::Status& status, std::optional<DiskJob> job) {
  if (absl::IsResourceExhausted(status)) {
    WaitForRoom(std::move(job));
    return false;
  }
  if (!status.ok()) failure_ = status;
  if (status.ok()) busy_ = false;
  return status.ok();
}

void Repair::OnDone(const MendDone& done) {
  if (!Succeeded(done.status, mending_)) return;
  NoteRoom();
  if (mending_.fill.empty()) {
    Tell(EventKind::kRepairCut, mended_by_, mending_.cut_from.value(), lost()->last.value());
    done_ = true;
    return;
  }
  NoteFilled();
  Progressed();
}

// What is left of the first lost range stands before it, behind it, or on both sides.
void Repair::NoteFilled() {
  const Index begin = mending_.fill.front().index;
  const Index end = mending_.fill.back().index;
  Tell(EventKind::kRepaired, mended_by_, begin.value(), end.value());
  for (const Entry& entry : mending_.fill) log_.Fill(entry);
  const LostRange range = lost_.front();
  lost_.erase(lost_.begin());
  if (end < range.last) {
    GRASS_PROBE("repair: a part of what is lost");
    lost_.insert(lost_.begin(),
                 {.first = end + 1, .last = range.last, .last_term = range.last_term});
  }
  if (begin == range.first) return;
  log_.terms.Set(begin - 1, mending_.previous_term);
  lost_.insert(lost_.begin(),
               {.first = range.first, .last = begin - 1, .last_term = mending_.previous_term});
}

void Repair::OnDone(const PersistDone& done) {
  if (!Succeeded(done.status, done.refused)) return;
  NoteRoom();
  if (installs_) {
    Tell(EventKind::kRepairedBySnapshot, transfer_->from, transfer_->meta.index.value(), 0);
    done_ = true;
    return;
  }
  hard_state_ = next_hard_state_;
  Ask();
}

void Repair::OnDone(const StageDone& done) {
  // Without room nothing of it is left, and it comes again from its beginning.
  if (!Succeeded(done.status, std::nullopt)) return;
  GRASS_CHECK(transfer_.has_value());
  transfer_->offset = done.next_offset;
  transfer_->asks_in_vain = 0;
  if (!done.last) {
    // What comes in pieces is waited for; reading the disk again would begin anew.
    said_stuck_ = false;
    started_ = environment_.clock->Now();
    patience_ = options_.raft.heartbeat_interval;
    ask_at_ = started_ + patience_;
    return AskForChunk();
  }
  installs_ = true;
  Persist persist;
  persist.id = ++last_persist_;
  persist.install = transfer_->meta;
  // A snapshot of a later term than this node's has been seen by it.
  if (transfer_->meta.term > hard_state_.term) {
    persist.hard_state = InTerm(transfer_->meta.term);
  }
  Submit(std::move(persist));
}

}  // namespace grassdb
