// Changes of the membership (thesis 4): joint consensus for any change of voters, learners first,
// one change at a time.
//
// Every configuration is an entry. It takes effect when appended and rolls back with truncation
// (raft.cc); here is what a leader does: append it, leave the joint one once that is committed,
// promote who has caught up, and go when it is no member any more.
#include <algorithm>
#include <string>
#include <utility>

#include "core/check.h"
#include "core/probe.h"
#include "core/raft.h"

namespace grassdb {

bool Raft::IsChangingMembership() const {
  return configuration().IsJoint() || configuration_index() > commit_index_;
}

void Raft::Dispatch(ChangeMembership change) {
  const auto refuse = [this](ChangeOutcome outcome, std::string problem) {
    output_->change = outcome;
    output_->change_problem = std::move(problem);
  };
  const auto* leader = std::get_if<LeaderState>(&role_);
  if (leader == nullptr) return refuse(ChangeOutcome::kNotLeader, {});
  if (leader->transfer_target != NodeId(0)) {
    return refuse(ChangeOutcome::kBusy, "leadership is being handed over; try again");
  }
  // Until an entry of its own term is committed, a change of an earlier leader may still be open
  // that this one does not know of; two that differ from the same configuration by one server each
  // need not share a quorum (the bug found in single-server changes in 2015).
  if (commit_index_ < leader->first_index) {
    GRASS_PROBE("membership: asked before the first commit of the term");
    return refuse(ChangeOutcome::kBusy, "the leader has not committed in its term yet; try again");
  }
  if (IsChangingMembership()) {
    return refuse(ChangeOutcome::kBusy,
                  "another change of the membership is under way; try again when it has ended");
  }
  absl::StatusOr<Configuration> target = ChangedConfiguration(configuration(), change.changes);
  if (!target.ok()) return refuse(ChangeOutcome::kRefused, std::string(target.status().message()));
  if (*target == configuration()) return refuse(ChangeOutcome::kUnchanged, {});
  auto problem = configuration().JointTo(*target).Problem();
  if (!problem.has_value()) problem = ReachProblem(*target);
  if (problem.has_value()) {
    GRASS_PROBE("membership: refused for want of a quorum");
    return refuse(ChangeOutcome::kRefused, *std::move(problem));
  }
  output_->change = ChangeOutcome::kAppended;
  AppendConfiguration(*target);
  output_->first_index = configuration_index();
  output_->term = hard_state_.term;
  ReplicateToAll();
}

// It counts, and has been heard for an election timeout. Who has not spoken yet may turn out to
// have an empty disk, and no configuration may come to depend on its vote.
bool Raft::IsReachable(NodeId voter) const {
  if (voter == options_.id) return true;
  const Progress* follower = FindFollower(voter);
  return follower != nullptr && follower->lease_base != Instant::min() && Counts(*follower) &&
         now_ - follower->last_heard <= options_.election_timeout_max;
}

std::size_t Raft::FailuresTolerated() const {
  if (!std::holds_alternative<LeaderState>(role_)) return 0;
  // Who has no room acknowledges nothing that adds data, and is as good as down to that.
  return configuration().Spare(
      [this](NodeId voter) { return !IsDiskFull(voter) && IsReachable(voter); });
}

// Why the cluster would be at risk in `target`: a change that cannot commit blocks every other one.
std::optional<std::string> Raft::ReachProblem(const Configuration& target) const {
  std::size_t reachable = 0;
  std::string silent;
  for (const NodeId voter : target.voters()) {
    const Progress* follower = FindFollower(voter);
    // That it answers where it was says nothing about where it is going to be.
    const Member* present = configuration().Find(voter);
    const bool moves = voter != options_.id && present != nullptr &&
                       present->address != target.Find(voter)->address;
    if (IsReachable(voter) && !moves) {
      ++reachable;
    } else {
      silent += (silent.empty() ? "" : ", ") + target.Find(voter)->name;
    }
    if (configuration().IsVoter(voter)) continue;
    if (follower == nullptr || !MayBecomeVoter(*follower)) {
      const Index match = follower == nullptr ? Index() : follower->match;
      return "'" + target.Find(voter)->name + "' has not caught up: it has the log through " +
             std::to_string(match.value()) + " of " + std::to_string(log_.last_index().value()) +
             ". A member that was added without --learner becomes a voter by itself when it has";
    }
  }
  if (reachable >= target.majority()) return PresentQuorumProblem();
  return "the new configuration could not reach a quorum: of its " +
         std::to_string(target.voters().size()) + " voters " + silent +
         " cannot be reached now; bring them back, or remove them first";
}

// The joint configuration needs a majority of the present voters as well.
std::optional<std::string> Raft::PresentQuorumProblem() const {
  const Tally tally = configuration().Count(
      [this](NodeId voter) { return std::optional<bool>(IsReachable(voter)); });
  if (tally == Tally::kWon) return std::nullopt;
  return "the present configuration has no quorum that can be reached, so that nothing can be "
         "changed";
}

// A change of voters goes through both quorums (thesis 4.3), whatever its size; any other one
// changes no quorum, and one entry does.
void Raft::AppendConfiguration(const Configuration& target) {
  GRASS_CHECK(!target.IsJoint());
  GRASS_CHECK(!target.Problem().has_value());
  const bool same_voters = configuration().IsJoint() || target.voters() == configuration().voters();
  const Configuration next = same_voters ? target : configuration().JointTo(target);
  Append(EntryType::kConfiguration, Bytes(EncodeConfiguration(next)));
  SyncFollowers();
  // A smaller quorum may have confirmed already what the greater one was still asked for, and then
  // nobody will answer any more.
  ConfirmRounds();
}

// Once a step, after everything else.
void Raft::LeadMembership() {
  if (configuration_index() > commit_index_) return;
  if (GRASS_BUGGIFY("membership: the next step is put off")) return;
  LeaderState& leader = leading();
  if (configuration().IsJoint()) {
    // Only now: until the joint configuration is committed, a leader that does not know of it can
    // be elected by the old voters alone (thesis 4.3).
    if (commit_index_ < leader.first_index) {
      GRASS_PROBE("membership: joint, of an earlier leader");
      return;
    }
    AppendConfiguration(configuration().LeaveJoint());
    ReplicateToAll();
    return;
  }
  DropRemovedFollowers();
  if (!configuration().IsVoter(options_.id)) return LeaveCluster();
  if (RecordIncarnations() || (leader.joining > 0 && TryPromote())) ReplicateToAll();
}

// They hear of the commit, so that they know that they are out, and stay quiet.
void Raft::DropRemovedFollowers() {
  bool dropped = false;
  for (Progress& follower : leading().followers) {
    if (configuration().Find(follower.id) != nullptr) continue;
    SendHeartbeat(follower);
    dropped = true;
  }
  if (dropped) SyncFollowers();
}

// Followers are the members of the configuration in force. Who has just been dropped from it stays
// until it is committed, so that it learns that it is no member any more and stays quiet (thesis
// 4.2.3).
void Raft::SyncFollowers() {
  LeaderState& leader = leading();
  std::vector<Progress> followers;
  leader.joining = 0;
  for (const Member& member : configuration().members()) {
    if (member.role == MemberRole::kJoining) ++leader.joining;
    if (member.id == options_.id) continue;
    Progress* known = FindFollower(member.id);
    if (known != nullptr) {
      followers.push_back(std::move(*known));
    } else {
      Progress follower;
      follower.id = member.id;
      follower.next = log_.last_index() + 1;
      follower.last_heard = now_ - options_.election_timeout_max * 2;  // not yet
      follower.catch_up_target = log_.last_index();
      follower.catch_up_began = now_;
      followers.push_back(std::move(follower));
    }
    followers.back().role = member.role;
  }
  if (configuration_index() > commit_index_) {
    for (Progress& follower : leader.followers) {
      if (configuration().Find(follower.id) != nullptr) continue;
      followers.push_back(std::move(follower));
      followers.back().role = MemberRole::kLeaving;
    }
  }
  std::ranges::sort(followers, {}, &Progress::id);
  leader.followers = std::move(followers);
}

// Thesis 4.2.1: replication to a new server goes in rounds; a round shorter than an election
// timeout shows that what it still lacks will not make the cluster wait.
void Raft::MeasureCatchUp(Progress& follower) {
  if (follower.role == MemberRole::kVoter || follower.match < follower.catch_up_target) return;
  follower.caught_up = now_ - follower.catch_up_began <= options_.election_timeout_min;
  follower.catch_up_target = log_.last_index();
  follower.catch_up_began = now_;
}

// It has caught up, and not fallen behind since: it has all there is, or the round under way takes
// no longer than a quick one. (That it has what the round is about says nothing: who had everything
// when it began, and has been silent since, has that as well.) And it holds the configuration that
// names its incarnation: without that it would give nobody its vote, and if this leader goes,
// nobody could bring it that entry.
bool Raft::MayBecomeVoter(const Progress& follower) const {
  const bool keeps_up = follower.match == log_.last_index() ||
                        now_ - follower.catch_up_began <= options_.election_timeout_min;
  return follower.caught_up && keeps_up && Counts(follower) &&
         follower.match >= configuration_index();
}

// Makes voters of those who are to become one and have caught up; each in the place of the member
// that it replaces.
bool Raft::TryPromote() {
  const LeaderState& leader = leading();
  if (leader.transfer_target != NodeId(0) || commit_index_ < leader.first_index) return false;
  std::vector<MemberChange> changes;
  for (const Progress& follower : leader.followers) {
    if (follower.role != MemberRole::kJoining || !MayBecomeVoter(follower)) continue;
    if (now_ - follower.last_heard > options_.election_timeout_min) continue;
    changes.push_back(MemberChange{.kind = MemberChange::Kind::kPromote,
                                   .name = configuration().Find(follower.id)->name,
                                   .address = {},
                                   .replaced = {}});
  }
  if (changes.empty()) return false;
  GRASS_PROBE("membership: a learner has caught up");
  const absl::StatusOr<Configuration> target = ChangedConfiguration(configuration(), changes);
  if (!target.ok() || ReachProblem(*target).has_value()) return false;
  AppendConfiguration(*target);
  return true;
}

// Thesis 4.2.2: a leader that is no voter of the new configuration leads until that is committed,
// and then leaves the others to elect one of them; the most up-to-date one at once.
void Raft::LeaveCluster() {
  GRASS_PROBE("membership: the leader leaves");
  Emit(EventKind::kLeftCluster);
  const Progress* successor = BestSuccessor(Room::kPreferred);
  for (Progress& follower : leading().followers) {
    SendHeartbeat(follower);  // tells that the configuration is committed
    if (&follower == successor) Send(follower.id, TimeoutNow{}, term_persist_);
  }
  BecomeFollower(hard_state_.term, NodeId());
}

}  // namespace grassdb
