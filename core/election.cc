// Elections: pre-vote, votes, check-quorum, transfer (thesis 3.4, 3.6.1, 3.10, 4.2.3, 9.6).
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "core/probe.h"
#include "core/raft.h"

namespace grassdb {

void Raft::ResetElectionDeadline() {
  const auto spread = static_cast<std::uint64_t>(
      (options_.election_timeout_max - options_.election_timeout_min).count());
  const std::uint64_t draw =
      KeyedRandom(options_.seed, options_.id.value(), hard_state_.term.value(), ++election_resets_);
  const bool least = GRASS_BUGGIFY("election: the least timeout");
  election_deadline_ =
      now_ + options_.election_timeout_min + Duration(least ? 0 : Bounded(draw, spread));
}

// A voter may; and one that is a voter no more by a configuration that it does not know to be
// committed: it may be the only one that has that entry and can be elected (thesis 4.2.2).
bool Raft::MayCampaign() const {
  if (standing() == Standing::kUnproven && !MayFound()) return false;
  for (auto record = configurations_.rbegin(); record != configurations_.rend(); ++record) {
    if (record->configuration.IsVoter(options_.id)) return true;
    if (record->index <= commit_index_) return false;
  }
  return false;
}

void Raft::StartCampaign(Ballot ballot, CampaignReason reason) {
  GRASS_CHECK(MayCampaign());
  GRASS_CHECK(!std::holds_alternative<LeaderState>(role_));
  CandidateState candidate;
  candidate.ballot = ballot;
  candidate.reason = reason;
  if (ballot == Ballot::kVote) {
    if (log_.last_index() == Index(0)) hard_state_.founder = true;
    SetHardState(hard_state_.term + 1, options_.id);
    candidate.campaign_term = hard_state_.term;
    candidate.own_vote = NextPersist();
  } else {
    candidate.campaign_term = hard_state_.term + 1;
  }
  role_ = std::move(candidate);
  ResetElectionDeadline();
  Emit(ballot == Ballot::kVote ? EventKind::kStartedElection : EventKind::kStartedPreVote, NodeId(),
       configuration().majority());
  for (const Member& member : configuration().members()) {
    if (member.id == options_.id || !configuration().IsVoter(member.id)) continue;
    AskForVote(member.id);
  }
  // A pre-vote promises nothing and counts at once; the vote for oneself counts when it is durable,
  // and not at all if this node is no voter of its newest configuration (Configuration::Count).
  if (ballot == Ballot::kPreVote) RecordVote(options_.id, true);
}

// At the birth of a cluster a vote is asked of a certain disk (IsBirth).
bool Raft::MustKnowVoters() const {
  return incarnation_ != Incarnation(0) && log_.last_index() == Index(0);
}

void Raft::AskForVote(NodeId voter) {
  const auto& candidate = std::get<CandidateState>(role_);
  RequestVoteRequest request;
  request.ballot = candidate.ballot;
  request.reason = candidate.reason;
  request.last_log_index = log_.last_index();
  request.last_log_term = log_.last_term();
  request.campaign_term = candidate.campaign_term;
  // Who is not known yet will be asked as soon as it has granted its pre-vote.
  if (request.ballot == Ballot::kVote && MustKnowVoters() && HeardOf(voter) == Incarnation(0)) {
    return;
  }
  Send(voter, request, term_persist_);
}

void Raft::RecordVote(NodeId from, bool granted) {
  auto& candidate = std::get<CandidateState>(role_);
  // Votes are a set: a repeated answer counts once, and the first one stands.
  for (const auto& [voter, vote] : candidate.votes) {
    if (voter == from) return;
  }
  candidate.votes.emplace_back(from, granted);
  CountVotes();
}

void Raft::CountVotes() {
  const auto& candidate = std::get<CandidateState>(role_);
  const Tally tally = configuration().Count([&candidate](NodeId voter) {
    for (const auto& [from, granted] : candidate.votes) {
      if (from == voter) return std::optional<bool>(granted);
    }
    return std::optional<bool>();
  });
  if (tally == Tally::kPending) return;
  const Ballot ballot = candidate.ballot;
  if (tally == Tally::kLost) {
    Emit(ballot == Ballot::kVote ? EventKind::kLostElection : EventKind::kLostPreVote);
    BecomeFollower(hard_state_.term, NodeId());
  } else if (ballot == Ballot::kPreVote) {
    StartCampaign(Ballot::kVote, candidate.reason);
  } else if (candidate.own_vote <= durable_persist_) {
    BecomeLeader();
  }
}

void Raft::OnRequestVote(const Message& message, const RequestVoteRequest& request) {
  const NodeId from = message.from;
  RequestVoteResponse response;
  response.ballot = request.ballot;
  response.campaign_term = request.campaign_term;
  response.removed_at = RemovedAt(from, request.last_log_index);
  if (request.ballot == Ballot::kPreVote) {
    response.granted = WouldPreVote(message, request);
    Send(from, response, term_persist_);
    return;
  }
  GRASS_CHECK_EQ(message.term, hard_state_.term);
  const bool free_to_vote = hard_state_.voted_for == NodeId() || hard_state_.voted_for == from;
  // A learner that is asked votes too: the candidate may know of a promotion that this node does
  // not (thesis 4.2.1). Who defends its leader does so also when something else than this request,
  // such as the denial of a pre-vote, has brought it into the new term.
  response.granted = free_to_vote && !DefendsLeader(request) &&
                     (standing() == Standing::kProven || IsBirth(message, request)) &&
                     !std::holds_alternative<LeaderState>(role_) &&
                     log_.IsUpToDate(request.last_log_index, request.last_log_term);
  if (response.granted && hard_state_.voted_for == NodeId()) {
    // A pre-candidate of this term gives up its own bid.
    if (std::holds_alternative<CandidateState>(role_)) BecomeFollower(hard_state_.term, NodeId());
    if (IsBirth(message, request)) hard_state_.founder = true;
    SetHardState(hard_state_.term, from);
    ResetElectionDeadline();
    Emit(EventKind::kGrantedVote, from);
    if (!configuration().IsVoter(options_.id)) GRASS_PROBE("vote: granted by a learner");
  } else if (!response.granted && free_to_vote) {
    if (DefendsLeader(request)) GRASS_PROBE("vote: refused to defend the leader");
    if (standing() != Standing::kProven) GRASS_PROBE("vote: refused for want of standing");
    if (!log_.IsUpToDate(request.last_log_index, request.last_log_term)) {
      GRASS_PROBE("vote: refused to a shorter log");
    }
  }
  // Held until the vote, or the term that refused it, is durable (thesis 3.8).
  Send(from, response, term_persist_);
}

// A member that is added learns of it from its leader before it can campaign.
Index Raft::RemovedAt(NodeId candidate, Index its_last) const {
  if (configuration().Find(candidate) != nullptr) return Index();
  const auto [committed, index] = ConfigurationAt(std::min(commit_index_, log_.last_index()));
  return its_last < index && committed.Find(candidate) == nullptr ? index : Index();
}

// Thesis 9.6 and 4.2.3.
bool Raft::WouldPreVote(const Message& message, const RequestVoteRequest& request) const {
  return request.campaign_term > hard_state_.term &&
         (standing() == Standing::kProven || IsBirth(message, request)) &&
         log_.IsUpToDate(request.last_log_index, request.last_log_term) && !DefendsLeader(request);
}

// A node that hears its leader does not help to depose it (thesis 4.2.3); a leader's lease rests on
// that. A leader that hears no quorum steps down by itself (CheckQuorum), so this cannot lock out a
// connected majority. A campaign that the leader itself asked for is not against it (thesis 3.10).
bool Raft::DefendsLeader(const RequestVoteRequest& request) const {
  if (request.reason == CampaignReason::kTransfer) return false;
  return std::holds_alternative<LeaderState>(role_) || now_ < defends_until_;
}

void Raft::OnRequestVoteResponse(NodeId from, const RequestVoteResponse& response) {
  if (response.removed_at > std::max(removed_at_, log_.last_index())) {
    GRASS_PROBE("election: told that it was removed");
    removed_at_ = response.removed_at;
    Emit(EventKind::kRemoved, from, removed_at_.value());
  }
  const auto* candidate = std::get_if<CandidateState>(&role_);
  // An answer to an earlier campaign says nothing about this one.
  if (candidate == nullptr || candidate->campaign_term != response.campaign_term) return;
  if (candidate->ballot == response.ballot) {
    RecordVote(from, response.granted);
  } else if (response.granted && candidate->ballot == Ballot::kVote && MustKnowVoters()) {
    GRASS_PROBE("election: vote asked after the pre-vote at the birth");
    AskForVote(from);
  }
}

void Raft::BecomeLeader() {
  const auto& candidate = std::get<CandidateState>(role_);
  GRASS_CHECK(candidate.ballot == Ballot::kVote);
  GRASS_CHECK_EQ(candidate.campaign_term, hard_state_.term);
  GRASS_CHECK_EQ(hard_state_.voted_for, options_.id);
  const auto votes = std::ranges::count_if(candidate.votes, [](const auto& v) { return v.second; });
  Emit(EventKind::kWonElection, options_.id, static_cast<std::uint64_t>(votes),
       configuration().voters().size());
  LeaderState leader;
  leader.first_index = log_.last_index() + 1;
  leader.heartbeat_deadline = now_ + options_.heartbeat_interval;
  for (Index index = std::max(apply_through_, log_.evicted_through()) + 1;
       index <= log_.last_index(); ++index) {
    leader.unapplied_bytes += CostOf(log_.At(index));
  }
  leader.unapplied_evicted_bytes = log_.EvictedBytesBehind(apply_through_);
  role_ = std::move(leader);
  SyncFollowers();
  // An election timeout to answer, as every follower of a leader has.
  for (Progress& follower : leading().followers) follower.last_heard = now_;
  // Thesis 6.4: an entry of the leader's own term tells it what is committed.
  Append(EntryType::kNoop, Bytes());
  ReplicateToAll();
}

void Raft::OnTimeoutNow(NodeId from) {
  const auto* follower = std::get_if<FollowerState>(&role_);
  if (follower == nullptr || follower->leader != from) return;
  // A leader hands over to who has its log. One that has not proven itself has lost its disk since,
  // and must not come to lead, or to be a founder, on the strength of what it was.
  if (!MayCampaign() || standing() != Standing::kProven) {
    GRASS_PROBE("transfer: to one that must not lead any more");
    return;
  }
  // Thesis 3.10: without pre-vote, whose answer would be no while the old leader is alive.
  StartCampaign(Ballot::kVote, CampaignReason::kTransfer);
}

Instant Raft::QuorumDeadline() const {
  const auto heard = QuorumHas(Instant::max(), Instant(),
                               [](const Progress& follower) { return follower.last_heard; });
  return heard == Instant::max() ? heard : heard + options_.election_timeout_max;
}

// Thesis 6.2: a leader that hears no quorum for an election timeout steps down, so that its clients
// look elsewhere and so that it does not hold back an election on a one-way link.
void Raft::CheckQuorum() {
  if (now_ < QuorumDeadline()) return;
  GRASS_PROBE("leader: hears no quorum");
  Emit(EventKind::kSteppedDown);
  BecomeFollower(hard_state_.term, NodeId());
}

// The voter with the longest matching log, of those with room on their disks if there are any. One
// that has gone silent would only use up the time.
const Progress* Raft::BestSuccessor(Room room) const {
  const auto* leader = std::get_if<LeaderState>(&role_);
  if (leader == nullptr) return nullptr;
  const Progress* best = nullptr;
  for (const Progress& follower : leader->followers) {
    if (follower.role != MemberRole::kVoter || !Counts(follower)) continue;
    if (now_ - follower.last_heard > options_.election_timeout_min) continue;
    // Where nothing is known yet, leadership would go round among nodes that are all full.
    if (room == Room::kNeeded && follower.space != FollowerSpace::kAmple) continue;
    const bool fuller = best != nullptr && follower.space == FollowerSpace::kFull &&
                        best->space != FollowerSpace::kFull;
    const bool emptier = best != nullptr && follower.space != FollowerSpace::kFull &&
                         best->space == FollowerSpace::kFull;
    if (best == nullptr || emptier || (!fuller && follower.match > best->match)) best = &follower;
  }
  return best;
}

// As far as this leader has heard.
bool Raft::IsDiskFull(NodeId voter) const {
  if (voter == options_.id) return disk_full_;
  const Progress* follower = FindFollower(voter);
  return follower != nullptr && follower->space == FollowerSpace::kFull;
}

bool Raft::LacksRoom() const {
  const auto* leader = std::get_if<LeaderState>(&role_);
  if (leader == nullptr) return false;
  const bool anybody = disk_full_ || std::ranges::any_of(leader->followers, [](const Progress& f) {
                         return f.space == FollowerSpace::kFull;
                       });
  if (!anybody) return false;
  // What is not known yet may be tried.
  enum class Use : std::uint8_t { kNone, kVital, kData };
  const Use use = configuration().QuorumValue<Use>([&](NodeId voter) {
    const Progress* follower = FindFollower(voter);
    const bool counts = follower != nullptr && Counts(*follower) &&
                        now_ - follower->last_heard <= options_.election_timeout_max;
    if (voter != options_.id && !counts) return Use::kNone;
    return IsDiskFull(voter) ? Use::kVital : Use::kData;
  });
  return use == Use::kVital;
}

// A leader without room refuses writes that another one could take.
void Raft::HandOverIfDiskFull() {
  if (!disk_full_ || leading().transfer_target != NodeId(0) || now_ < full_hand_over_at_) return;
  const Progress* successor = BestSuccessor(Room::kNeeded);
  if (successor == nullptr) return;
  GRASS_PROBE("leader: its disk is full");
  Emit(EventKind::kFullLeader, successor->id);
  // Deletes wait during a transfer: one that fails is not tried again at once.
  full_hand_over_at_ = now_ + 2 * options_.election_timeout_max;
  Dispatch(TransferLeadership{successor->id});
}

// A leader can commit with its followers' disks alone, but applies and answers nothing meanwhile.
void Raft::HandOverIfDiskStalls() {
  if (durable_persist_ == last_persist_ || leading().transfer_target != NodeId(0)) return;
  if (now_ - disk_progress_at_ < options_.election_timeout_max * options_.disk_stall_timeouts) {
    return;
  }
  GRASS_PROBE("leader: its disk stalls");
  Emit(EventKind::kDiskStalled);
  disk_progress_at_ = now_;  // if nobody can take over, try again after as long
  Dispatch(TransferLeadership{});
}

void Raft::TryTransfer(const Progress& follower) {
  LeaderState& leader = leading();
  if (leader.transfer_target != follower.id || leader.transfer_sent) return;
  if (follower.match != log_.last_index()) return;
  leader.transfer_sent = true;
  leader.lease_void = true;
  Send(follower.id, TimeoutNow{}, term_persist_);
}

void Raft::AbandonTransfer() {
  LeaderState& leader = leading();
  GRASS_PROBE("transfer: abandoned");
  Emit(EventKind::kTransferAbandoned, leader.transfer_target);
  leader.transfer_target = NodeId();
  leader.transfer_sent = false;
}

}  // namespace grassdb
