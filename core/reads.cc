// Linearizable reads without the log (thesis 6.4): the leader remembers its commit index, makes
// sure with one round of messages that it still is the leader, and serves the read from a state
// that has reached that index. One round serves every read that waits when it starts; a round's
// number is used once, so that an old or repeated answer never confirms a new one.
#include <utility>

#include "core/check.h"
#include "core/probe.h"
#include "core/raft.h"

namespace grassdb {
namespace {

// A round that has taken this part of a heartbeat's interval is overdue.
constexpr int kRoundsInHeartbeat = 10;

// A new leader has asked nobody yet: then it is who was heard last.
bool AnsweredSooner(const Progress& a, const Progress& b) {
  if (a.read_round != b.read_round) return a.read_round > b.read_round;
  if (a.round_answer != b.round_answer) return a.round_answer < b.round_answer;
  return a.last_heard > b.last_heard;
}

}  // namespace

void Raft::AddRead(WaitingRead read) {
  if (auto* leader = std::get_if<LeaderState>(&role_)) {
    // Who asked may have given up long ago; a leader that commits nothing must not collect them.
    if (leader->reads_waiting.size() >= options_.reads_waiting_max ||
        GRASS_BUGGIFY("reads: no room")) {
      return RefuseRead(read);
    }
    leader->reads_waiting.push_back(read);
    return;
  }
  const NodeId known = leader();
  if (known == NodeId(0) || read.from != options_.id) {
    RefuseRead(read);
    return;
  }
  Send(known, ReadIndexRequest{.read = read.id}, term_persist_);
}

void Raft::MaybeStartRound() {
  LeaderState& leader = leading();
  if (leader.reads_waiting.empty() || leader.round > leader.confirmed_round) return;
  // Until an entry of its own term is committed the leader does not know what is (thesis 6.4, step
  // 1).
  if (commit_index_ < leader.first_index) {
    GRASS_PROBE("reads: nothing is committed in the term yet");
    return;
  }
  ++leader.round;
  leader.round_index = commit_index_;
  leader.round_overdue_at = now_ + options_.heartbeat_interval / kRoundsInHeartbeat;
  GRASS_CHECK(leader.reads_in_round.empty());
  std::swap(leader.reads_in_round, leader.reads_waiting);
  ConfirmRounds();
}

// Asks no more followers than make a quorum with this node, those first that answered soonest last
// time: a message and its answer cost more than everything else that is done for a read. Who has
// gone, or has become slow, holds reads up until the round is overdue, and is not the first choice
// any more. Whom a message of this step has asked already is not asked again.
void Raft::AskForRound() {
  const LeaderState& leader = leading();
  if (leader.round == leader.confirmed_round) return;
  while (!AsksQuorum()) {
    Progress* const next = NextToAsk();
    if (next == nullptr) return;  // too few count
    SendHeartbeat(*next);
  }
}

bool Raft::AsksQuorum() const {
  const auto& leader = std::get<LeaderState>(role_);
  const auto asked = QuorumHas(leader.round, ReadRound(),
                               [](const Progress& follower) { return follower.round_sent; });
  return asked >= leader.round;
}

// nullptr: every voter is asked.
Progress* Raft::NextToAsk() {
  Progress* next = nullptr;
  for (Progress& follower : leading().followers) {
    if (follower.round_sent >= leading().round || !Counts(follower)) continue;
    if (!configuration().IsVoter(follower.id)) continue;
    if (next == nullptr || AnsweredSooner(follower, *next)) next = &follower;
  }
  return next;
}

void Raft::AskAllForRound() {
  LeaderState& leader = leading();
  leader.round_overdue_at = Instant::max();
  while (Progress* const next = NextToAsk()) {
    GRASS_PROBE("reads: a round is overdue");
    SendHeartbeat(*next);
  }
}

void Raft::ConfirmRounds() {
  LeaderState& leader = leading();
  const auto confirmed = QuorumHas(leader.round, ReadRound(),
                                   [](const Progress& follower) { return follower.read_round; });
  if (confirmed <= leader.confirmed_round) return;
  leader.confirmed_round = confirmed;
  if (confirmed < leader.round) return;
  leader.round_overdue_at = Instant::max();
  for (const WaitingRead& read : leader.reads_in_round) {
    if (read.from == options_.id) {
      output_->reads_ready.push_back(ReadReady{.id = read.id, .index = leader.round_index});
    } else {
      Send(read.from,
           ReadIndexResponse{.read = read.id, .confirmed = true, .index = leader.round_index},
           term_persist_);
      SendWhatWaits(read.from);
    }
  }
  leader.reads_in_round.clear();
  MaybeStartRound();
}

// Thesis 6.4.1. A voter that answered a message defends this leader for its own election timeout
// from when it came, which is not before it was sent; a quorum of them cannot elect another one
// until then. Void for good once a transfer is under way: its candidate is not refused.
bool Raft::HoldsLease(Instant now) const {
  const auto* leader = std::get_if<LeaderState>(&role_);
  if (leader == nullptr || leader->lease_void || commit_index_ < leader->first_index) return false;
  const auto end = QuorumHas(Instant::max(), Instant::min(), [this](const Progress& follower) {
    if (follower.lease_base == Instant::min()) return Instant::min();
    return follower.lease_base + follower.defends * (100 - options_.lease_drift_percent_max) / 100;
  });
  return now < end;
}

void Raft::OnReadIndex(NodeId from, const ReadIndexRequest& request) {
  AddRead(WaitingRead{.from = from, .id = request.read});
  if (std::holds_alternative<LeaderState>(role_)) MaybeStartRound();
}

void Raft::OnReadIndexResponse(const ReadIndexResponse& response) {
  if (response.confirmed) {
    GRASS_PROBE("reads: confirmed at a follower");
    output_->reads_ready.push_back(ReadReady{.id = response.read, .index = response.index});
  } else {
    output_->reads_refused.push_back(response.read);
  }
}

void Raft::RefuseRead(const WaitingRead& read) {
  if (read.from == options_.id) {
    output_->reads_refused.push_back(read.id);
  } else {
    Send(read.from, ReadIndexResponse{.read = read.id, .confirmed = false, .index = Index()},
         term_persist_);
  }
}

}  // namespace grassdb
