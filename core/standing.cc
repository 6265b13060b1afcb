// Who can be counted on: nodes that have lost their disk, or part of it.
//
// Raft rests on nodes that never forget a vote or an entry that they acknowledged (thesis 3.8). One
// that comes back with an empty disk looks like a new one; if it voted or acknowledged as if
// nothing had happened, it could help to elect a leader that lacks what it has helped to commit.
//
// So a node's promises count only while it is proven: the configuration in its log names its own
// incarnation. A leader records there the incarnation of every member. A node that is not proven
// follows and receives, but gives no vote, does not campaign, and its acknowledgements count in no
// quorum. When a leader hears of a voter with another incarnation than the recorded one, it makes
// it a joining learner (through a joint configuration); caught up, it becomes a voter again.
//
// A new cluster has nothing recorded. There a node may vote for a candidate without a log while it
// has none itself: the birth of the cluster. It remembers that durably (HardState::founder), and is
// proven by it until the first incarnations are recorded.
//
// A disk that was rolled back to an earlier state has the same incarnation, and its node does not
// know what it has forgotten. The leader that holds its acknowledgements sees it deny them
// (OnForgotten), and tells it so with every append. The node then draws another incarnation and
// goes by that, durably (HardState::renewed), before it says anything more: from then on it is to
// everybody, itself included, as one that has lost its disk, whoever leads and whichever
// configurations are still about. Without that, the demotion would be all that keeps its vote from
// counting, and would do so only where it is known: those who have an older configuration, the node
// itself among them, would take it for a voter for as long as they do not hear of the new one.
//
// What this cannot see: a cluster of whose members a majority has no data, the wiped one among
// them, while those that have data are out of reach; it looks like a new cluster. And a disk that
// was rolled back, before the leader that holds its acknowledgements has told it, or if that one
// leads no more.
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "core/probe.h"
#include "core/raft.h"

namespace grassdb {

Standing Raft::standing() const {
  // A driver without incarnations answers for its disk itself.
  if (incarnation_ == Incarnation(0)) return Standing::kProven;
  // Removed by a configuration that it does not know to be committed, it may be needed still
  // (thesis 4.2.2), and is known by the one before.
  for (auto record = configurations_.rbegin(); record != configurations_.rend(); ++record) {
    const Member* self = record->configuration.Find(options_.id);
    if (self != nullptr && self->incarnation != Incarnation(0)) {
      return self->incarnation == incarnation_ ? Standing::kProven : Standing::kUnproven;
    }
    if (self != nullptr || record->index <= commit_index_) break;
  }
  return hard_state_.founder ? Standing::kProven : Standing::kUnproven;
}

// Of the birth of the cluster nothing is left to be seen. A leader that has told this node what it
// has forgotten led a cluster that was born long ago.
bool Raft::MayFound() const {
  return log_.last_index() == Index(0) && hard_state_.renewed == Incarnation(0);
}

// The request must be for this very disk: one of the birth that has long passed may come late, or
// once more, to a node that has lost its disk since. A candidate knows the disks of those that have
// granted its pre-vote, a quorum.
bool Raft::IsBirth(const Message& message, const RequestVoteRequest& request) const {
  if (request.last_log_index != Index(0) || !MayFound()) return false;
  return request.ballot == Ballot::kPreVote || message.to_incarnation == incarnation_;
}

Incarnation Raft::HeardOf(NodeId peer) const {
  const auto at =
      std::ranges::lower_bound(heard_, peer, {}, &std::pair<NodeId, Incarnation>::first);
  return at == heard_.end() || at->first != peer ? Incarnation() : at->second;
}

void Raft::Hear(const Message& message) {
  if (message.incarnation == Incarnation(0)) return;
  const auto at =
      std::ranges::lower_bound(heard_, message.from, {}, &std::pair<NodeId, Incarnation>::first);
  const bool known = at != heard_.end() && at->first == message.from;
  if (known && at->second == message.incarnation) return;
  if (configuration().Find(message.from) == nullptr) {
    // Anybody may claim to be anybody: strangers are not remembered, and neither is what one was
    // while it was a member.
    if (known) {
      GRASS_PROBE("heard: a former member with another disk");
      heard_.erase(at);
    }
    return;
  }
  if (known) {
    at->second = message.incarnation;
  } else {
    heard_.emplace(at, message.from, message.incarnation);
  }
  // A leader says what it does about it (NoteIncarnation). Where nobody leads this may be why.
  if (!std::holds_alternative<LeaderState>(role_) && IsOfNewDisk(message)) {
    Emit(EventKind::kNewDisk, message.from, message.incarnation.value());
  }
}

// False: the message is for another life of this disk, or it is a vote of another disk than the
// configuration knows, which promises what it cannot.
bool Raft::PassesIncarnationCheck(const Message& message) const {
  if (message.to_incarnation != Incarnation(0) && message.to_incarnation != incarnation_) {
    GRASS_PROBE("message: for another life of this disk");
    return false;
  }
  return !std::holds_alternative<RequestVoteResponse>(message.body) || !IsOfNewDisk(message);
}

// Of another disk than is on record.
bool Raft::IsOfNewDisk(const Message& message) const {
  const Member* sender = configuration().Find(message.from);
  return sender != nullptr && sender->incarnation != Incarnation(0) &&
         sender->incarnation != message.incarnation;
}

// Incarnations have no order: a wiped node's clock may be behind. But the lives of a disk do not
// overlap. Whose answer is to something that was sent after the last answer of another life had
// come in is the later one; so is whoever answers in this term, compared to what is on record from
// an earlier one.
bool Raft::IsOfPresentDisk(const Progress& follower, Incarnation incarnation,
                           Instant sent_at) const {
  if (incarnation == follower.incarnation) return true;
  if (sent_at > now_) return false;
  return follower.incarnation == Incarnation(0) || sent_at > follower.last_heard;
}

void Raft::NoteIncarnation(Progress& follower, Incarnation incarnation) {
  if (follower.incarnation == incarnation) return;
  const Member* member = configuration().Find(follower.id);
  const bool forgot = follower.incarnation != Incarnation(0) ||
                      (member != nullptr && member->incarnation != Incarnation(0) &&
                       member->incarnation != incarnation);
  follower.incarnation = incarnation;
  leading().incarnations_differ = true;
  if (!forgot) return;
  if (!std::exchange(follower.rolled_back, false)) {
    GRASS_PROBE("disk: a member has another one");
    Emit(EventKind::kMemberForgot, follower.id, incarnation.value());
  }
  follower.Forget(log_.last_index() + 1);
}

// A disk that is not on record takes itself for one that is: it was rolled back to before the one
// on record came, or took its own name. A new one, that of a wiped node, makes no such claim.
void Raft::DoubtIfOffRecord(Progress& follower) {
  if (follower.standing != Standing::kProven || follower.rolled_back) return;
  const Member* member = configuration().Find(follower.id);
  if (member == nullptr || member->incarnation == Incarnation(0)) return;
  if (member->incarnation == follower.incarnation) return;
  GRASS_PROBE("disk: one of before the one on record");
  follower.rolled_back = true;
}

// A follower of the same incarnation denies what it has acknowledged: its disk was rolled back. It
// must be admitted anew, as if it had a new disk, and is told (AppendAt). It counts in no quorum
// before it says that it knows, by another incarnation: one that cannot, being of a version that
// does not know how, stays a learner.
void Raft::OnForgotten(Progress& follower) {
  GRASS_PROBE("disk: a member's was rolled back");
  Emit(EventKind::kMemberForgot, follower.id, follower.incarnation.value());
  follower.Forget(follower.match + 1);
  follower.forgot_at = now_;
  follower.rolled_back = true;
  leading().incarnations_differ = true;
  Replicate(follower);
}

// What was said and has not been sent yet is of a disk that had forgotten. Another incarnation each
// time, so that the same disk, rolled back once more, is not taken for the one that was admitted:
// the seed is another one in each life.
void Raft::Renew(NodeId leader, Incarnation forgot) {
  if (forgot == Incarnation(0) || forgot != incarnation_) return;
  GRASS_PROBE("disk: this one was rolled back");
  constexpr std::uint64_t kBound = std::uint64_t{1} << 32;  // HardState::renewed
  const std::uint64_t draw = KeyedRandom(options_.seed, incarnation_.value(),
                                         hard_state_.term.value(), now_.time_since_epoch().count());
  incarnation_ = hard_state_.renewed = Incarnation(2 + Bounded(draw, kBound - 2));
  hard_state_.founder = false;
  hard_state_dirty_ = true;
  term_persist_ = NextPersist();
  held_.clear();
  Emit(EventKind::kRenewed, leader, incarnation_.value());
}

bool Raft::Counts(const Progress& follower) const {
  if (follower.standing == Standing::kUnproven || follower.rolled_back) return false;
  if (follower.incarnation == Incarnation(0)) return true;  // it has not said anything yet
  const Member* member = configuration().Find(follower.id);
  return member == nullptr || member->incarnation == Incarnation(0) ||
         member->incarnation == follower.incarnation;
}

// Writes down who has which disk. A voter whose disk may have forgotten something, because it is
// another one than was recorded, or was rolled back, or has no part in the birth of the cluster,
// becomes a joining learner.
bool Raft::RecordIncarnations() {
  LeaderState& leader = leading();
  if (!leader.incarnations_differ || leader.transfer_target != NodeId(0)) return false;
  if (commit_index_ < leader.first_index) return false;
  std::vector<Member> members = configuration().members();
  for (Member& member : members) {
    Progress* follower = FindFollower(member.id);
    const Incarnation seen = member.id == options_.id ? incarnation_
                             : follower == nullptr    ? Incarnation()
                                                      : follower->incarnation;
    if (seen == Incarnation(0) || seen == member.incarnation) {
      if (follower == nullptr || !follower->rolled_back) continue;
    }
    const bool remembers =
        member.id == options_.id || (member.incarnation == Incarnation(0) && Counts(*follower));
    if (member.role == MemberRole::kVoter && !remembers) {
      // Its old incarnation stays on record until it is out of every quorum.
      member.role = MemberRole::kJoining;
    } else {
      member.incarnation = seen;
    }
  }
  Configuration target(std::move(members));
  if (target == configuration()) {
    leader.incarnations_differ = false;
    return false;
  }
  // Without a quorum of those who remember, nobody can be admitted.
  if (target.Problem().has_value() || ReachProblem(target).has_value()) {
    GRASS_PROBE("disk: nobody can be admitted");
    return false;
  }
  AppendConfiguration(target);
  return true;
}

}  // namespace grassdb
