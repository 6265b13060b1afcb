// Thesis 4: changes of the membership.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

MemberChange ChangeOf(MemberChange::Kind kind, int number) {
  return MemberChange{.kind = kind,
                      .name = NameOfNode(number),
                      .address = "127.0.0.1:" + std::to_string(7000 + number),
                      .replaced = {}};
}

MemberChange Add(int number) {
  return ChangeOf(MemberChange::Kind::kAdd, number);
}
MemberChange Remove(int number) {
  return ChangeOf(MemberChange::Kind::kRemove, number);
}

ChangeOutcome Change(RaftCluster& cluster, int leader, std::vector<MemberChange> changes) {
  cluster.Step(leader, ChangeMembership{.changes = std::move(changes)});
  return cluster.last(leader).change;
}

MemberRole RoleIn(const Raft& raft, int number) {
  const Member* member = raft.configuration().Find(IdOfNode(number));
  EXPECT_NE(member, nullptr);
  return member == nullptr ? MemberRole::kLeaving : member->role;
}

TEST(RaftMembership, ANewNodeLearnsFirstAndBecomesAVoterByItself) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(1, "a");
  cluster.Join(4);
  EXPECT_EQ(Change(cluster, 1, {Add(4)}), ChangeOutcome::kAppended);
  EXPECT_EQ(RoleIn(cluster.raft(1), 4), MemberRole::kJoining);
  EXPECT_EQ(cluster.raft(1).configuration().voters().size(), 3u) << "no quorum has changed yet";
  cluster.Advance(milliseconds(500));
  EXPECT_EQ(cluster.raft(1).configuration().voters().size(), 4u);
  EXPECT_FALSE(cluster.raft(1).IsChangingMembership());
  EXPECT_EQ(cluster.raft(4).configuration(), cluster.raft(1).configuration());
}

// etcd 3505 and its kin: with the second voter counted at once, nothing commits until it is there.
TEST(RaftMembership, AOneNodeClusterGrowsWithoutLosingAvailability) {
  RaftCluster cluster(1);
  cluster.Elect(1);
  EXPECT_EQ(Change(cluster, 1, {Add(2)}), ChangeOutcome::kAppended);  // n2 is not there at all
  cluster.Propose(1, "a");
  EXPECT_EQ(cluster.raft(1).commit_index(), cluster.raft(1).log().last_index());
  cluster.Join(2);
  cluster.Advance(milliseconds(1000));
  EXPECT_EQ(cluster.raft(1).configuration().voters().size(), 2u);
  EXPECT_EQ(cluster.raft(2).commit_index(), cluster.raft(1).commit_index());
}

TEST(RaftMembership, ALearnerCountsInNoQuorum) {
  RaftCluster cluster(1);
  cluster.Join(2);
  cluster.Elect(1);
  Change(cluster, 1, {ChangeOf(MemberChange::Kind::kAddLearner, 2)});
  cluster.Advance(milliseconds(500));
  EXPECT_EQ(RoleIn(cluster.raft(1), 2), MemberRole::kLearner) << "it stays one";
  cluster.Isolate(2);
  cluster.Propose(1, "a");
  EXPECT_EQ(cluster.raft(1).commit_index(), cluster.raft(1).log().last_index());
  cluster.Advance(milliseconds(2000));
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(2).role(), Role::kFollower) << "a learner never campaigns";
}

TEST(RaftMembership, ALearnerNoticesThatItsLeaderHasGone) {
  RaftCluster cluster(1);
  cluster.Join(2);
  cluster.Elect(1);
  Change(cluster, 1, {ChangeOf(MemberChange::Kind::kAddLearner, 2)});
  cluster.Advance(milliseconds(500));
  ASSERT_EQ(cluster.raft(2).leader(), IdOfNode(1));
  cluster.Isolate(2);
  cluster.Advance(RaftOptions().election_timeout_max + milliseconds(1));
  EXPECT_EQ(cluster.raft(2).leader(), NodeId());
  EXPECT_EQ(cluster.raft(2).NextDeadline(), Instant::max()) << "there is nothing to wait for";
  cluster.Heal();
  cluster.Advance(milliseconds(500));
  EXPECT_EQ(cluster.raft(2).leader(), IdOfNode(1));
}

// The candidate may know of a promotion that the learner does not (etcd 10998).
TEST(RaftMembership, ALearnerThatIsAskedToVoteVotes) {
  RaftCluster cluster(2);
  cluster.Join(3);
  cluster.Elect(1);
  Change(cluster, 1, {ChangeOf(MemberChange::Kind::kAddLearner, 3)});
  cluster.Advance(milliseconds(300));
  ASSERT_EQ(RoleIn(cluster.raft(3), 3), MemberRole::kLearner);
  RequestVoteRequest ask;
  ask.ballot = Ballot::kPreVote;
  ask.last_log_index = cluster.raft(2).log().last_index();
  ask.last_log_term = Term(1);
  ask.campaign_term = Term(2);
  cluster.Skip(milliseconds(300));
  cluster.Deliver({.from = IdOfNode(2), .to = IdOfNode(3), .term = Term(1), .body = ask});
  ask.ballot = Ballot::kVote;
  cluster.Deliver({.from = IdOfNode(2), .to = IdOfNode(3), .term = Term(2), .body = ask});
  const auto answers = cluster.Sent<RequestVoteResponse>(3, 2);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_TRUE(std::get<RequestVoteResponse>(answers[0].body).granted);
  EXPECT_TRUE(std::get<RequestVoteResponse>(answers[1].body).granted);
  EXPECT_EQ(cluster.raft(3).voted_for(), IdOfNode(2));
}

TEST(RaftMembership, ChangesSeveralVotersAtOnceThroughAJointConfiguration) {
  RaftCluster cluster(3);
  for (const int number : {4, 5}) cluster.Join(number);
  cluster.Elect(1);
  Change(
      cluster, 1,
      {ChangeOf(MemberChange::Kind::kAddLearner, 4), ChangeOf(MemberChange::Kind::kAddLearner, 5)});
  cluster.Advance(milliseconds(500));
  EXPECT_EQ(Change(cluster, 1,
                   {ChangeOf(MemberChange::Kind::kPromote, 4),
                    ChangeOf(MemberChange::Kind::kPromote, 5), Remove(2), Remove(3)}),
            ChangeOutcome::kAppended);
  EXPECT_TRUE(cluster.raft(1).configuration().IsJoint());
  EXPECT_EQ(cluster.raft(1).configuration().outgoing().size(), 3u);
  cluster.Advance(milliseconds(300));
  EXPECT_FALSE(cluster.raft(1).configuration().IsJoint());
  EXPECT_EQ(cluster.raft(1).configuration().voters().size(), 3u);
  EXPECT_EQ(cluster.raft(1).configuration().Find(IdOfNode(2)), nullptr);
  EXPECT_EQ(cluster.raft(5).configuration(), cluster.raft(1).configuration());
}

TEST(RaftMembership, AJointConfigurationNeedsBothMajorities) {
  RaftCluster cluster(3);
  for (const int number : {4, 5}) cluster.Join(number);
  cluster.Elect(1);
  Change(
      cluster, 1,
      {ChangeOf(MemberChange::Kind::kAddLearner, 4), ChangeOf(MemberChange::Kind::kAddLearner, 5)});
  cluster.Advance(milliseconds(500));
  // The new half {1, 4, 5} is all there; of the old half {1, 2, 3} only the leader.
  for (const int number : {2, 3}) cluster.Cut(1, number);
  Change(cluster, 1,
         {ChangeOf(MemberChange::Kind::kPromote, 4), ChangeOf(MemberChange::Kind::kPromote, 5),
          Remove(2), Remove(3)});
  cluster.DeliverAll();
  EXPECT_TRUE(cluster.raft(1).IsChangingMembership());
  EXPECT_LT(cluster.raft(1).commit_index(), cluster.raft(1).configuration_index());
  cluster.Heal();
  cluster.Advance(milliseconds(200));
  EXPECT_FALSE(cluster.raft(1).IsChangingMembership());
}

TEST(RaftMembership, TakesOneChangeAtATime) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  EXPECT_EQ(Change(cluster, 1, {Add(4)}), ChangeOutcome::kAppended);
  EXPECT_EQ(Change(cluster, 1, {Add(5)}), ChangeOutcome::kBusy);
  EXPECT_NE(cluster.last(1).change_problem.find("another change"), std::string::npos);
  cluster.DeliverAll();
  EXPECT_EQ(Change(cluster, 1, {Add(5)}), ChangeOutcome::kAppended);
}

TEST(RaftMembership, RefusesAChangeBeforeTheLeaderHasCommittedInItsTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Elect(2);
  cluster.Isolate(2);
  cluster.Heal();
  cluster.FireDeadline(1);
  cluster.DropAll();
  // n3 wins term 3, but its no-op goes nowhere.
  RaftCluster fresh(3);
  fresh.SetInstantDisk(false);
  fresh.FireDeadline(1);
  fresh.FinishDisk(1);
  fresh.DropAll();
  RequestVoteResponse pre{.ballot = Ballot::kPreVote, .campaign_term = Term(1), .granted = true};
  fresh.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(0), .body = pre});
  fresh.FinishDisk(1);
  RequestVoteResponse vote{.ballot = Ballot::kVote, .campaign_term = Term(1), .granted = true};
  fresh.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(1), .body = vote});
  ASSERT_EQ(fresh.raft(1).role(), Role::kLeader);
  EXPECT_EQ(Change(fresh, 1, {Add(4)}), ChangeOutcome::kBusy);
  EXPECT_NE(fresh.last(1).change_problem.find("has not committed in its term"), std::string::npos);
}

TEST(RaftMembership, RefusesAChangeThatCouldNotReachAQuorum) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  cluster.Advance(milliseconds(1300));
  ASSERT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(Change(cluster, 1, {Remove(2)}), ChangeOutcome::kRefused);
  EXPECT_NE(cluster.last(1).change_problem.find("n3"), std::string::npos);
  EXPECT_EQ(Change(cluster, 1, {Remove(3)}), ChangeOutcome::kAppended) << "the way out";
}

// At its old address it may be heard well; at the new one there may be nobody.
TEST(RaftMembership, AVoterThatMovesIsNoneThatCanBeReached) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  MemberChange move = ChangeOf(MemberChange::Kind::kMove, 2);
  move.address = "elsewhere:1";
  EXPECT_EQ(Change(cluster, 1, {move}), ChangeOutcome::kAppended) << "n1 and n3 are a quorum";
  cluster.DeliverAll();
  cluster.Isolate(2);
  cluster.Advance(milliseconds(1300));
  move = ChangeOf(MemberChange::Kind::kMove, 3);
  move.address = "elsewhere:2";
  EXPECT_EQ(Change(cluster, 1, {move}), ChangeOutcome::kRefused);
  EXPECT_NE(cluster.last(1).change_problem.find("n3"), std::string::npos);
}

TEST(RaftMembership, RefusesToPromoteWhoHasNotCaughtUp) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  Change(cluster, 1, {ChangeOf(MemberChange::Kind::kAddLearner, 4)});  // n4 is not there
  cluster.Advance(milliseconds(300));
  EXPECT_EQ(Change(cluster, 1, {ChangeOf(MemberChange::Kind::kPromote, 4)}),
            ChangeOutcome::kRefused);
  EXPECT_NE(cluster.last(1).change_problem.find("has not caught up"), std::string::npos);
}

TEST(RaftMembership, RefusesToPromoteWhoHasFallenBehindSinceItCaughtUp) {
  RaftCluster cluster(3);
  cluster.Join(4);
  cluster.Elect(1);
  Change(cluster, 1, {ChangeOf(MemberChange::Kind::kAddLearner, 4)});
  cluster.Advance(milliseconds(500));
  cluster.HoldDisk(4);
  cluster.Propose(1, "a");
  cluster.Advance(milliseconds(500));  // n4 answers every heartbeat, and acknowledges nothing
  const MemberChange promote = ChangeOf(MemberChange::Kind::kPromote, 4);
  EXPECT_EQ(Change(cluster, 1, {promote}), ChangeOutcome::kRefused);
  EXPECT_NE(cluster.last(1).change_problem.find("has not caught up"), std::string::npos);
  cluster.ReleaseDisk(4);
  cluster.Advance(milliseconds(500));
  EXPECT_EQ(Change(cluster, 1, {promote}), ChangeOutcome::kAppended);
}

TEST(RaftMembership, RefusesToPromoteWhoHadEverythingAndHasBeenSilentSince) {
  RaftCluster cluster(3);
  cluster.Join(4);
  cluster.Elect(1);
  Change(cluster, 1, {ChangeOf(MemberChange::Kind::kAddLearner, 4)});
  cluster.Advance(milliseconds(500));
  cluster.Isolate(4);
  cluster.Propose(1, "a");
  cluster.Advance(milliseconds(1000));
  EXPECT_EQ(Change(cluster, 1, {ChangeOf(MemberChange::Kind::kPromote, 4)}),
            ChangeOutcome::kRefused);
  EXPECT_NE(cluster.last(1).change_problem.find("has not caught up"), std::string::npos);
}

TEST(RaftMembership, ASnapshotThatTookItsTimeIsNoQuickRound) {
  RaftCluster cluster(3);
  cluster.Join(4);
  cluster.Elect(1);
  Change(cluster, 1, {ChangeOf(MemberChange::Kind::kAddLearner, 4)});
  cluster.Advance(milliseconds(500));
  cluster.Isolate(4);
  cluster.Propose(1, "a");
  cluster.Advance(milliseconds(500));
  cluster.Compact(1);
  const SnapshotMeta meta = *cluster.raft(1).snapshot();
  cluster.Propose(1, "b");
  cluster.Advance(milliseconds(1000));
  // It is as far as the log was when its last round began, and that is long ago.
  InstallSnapshotResponse installed;
  installed.snapshot_index = meta.index;
  installed.snapshot_term = meta.term;
  installed.installed = true;
  installed.match_index = meta.index;
  cluster.Deliver(Message{.from = IdOfNode(4),
                          .to = IdOfNode(1),
                          .term = cluster.raft(1).term(),
                          .body = installed,
                          .incarnation = cluster.raft(4).incarnation()});
  EXPECT_EQ(Change(cluster, 1, {ChangeOf(MemberChange::Kind::kPromote, 4)}),
            ChangeOutcome::kRefused);
  EXPECT_NE(cluster.last(1).change_problem.find("has not caught up"), std::string::npos);
}

TEST(RaftMembership, AMemberThatCatchesUpSlowlyWaitsForAQuickRound) {
  RaftCluster cluster(3);
  cluster.Join(4);
  cluster.Elect(1);
  cluster.Cut(4, 1);
  Change(cluster, 1, {Add(4)});
  cluster.Advance(milliseconds(1000));
  cluster.Heal();
  // Its first round took a second: it has all of the log, and is not promoted for that yet.
  cluster.FireDeadline(1);
  cluster.DeliverAll();
  const std::vector<Progress>& followers = *cluster.raft(1).followers();
  const auto n4 = std::ranges::find(followers, IdOfNode(4), &Progress::id);
  ASSERT_NE(n4, followers.end());
  EXPECT_EQ(n4->match, cluster.raft(1).log().last_index());
  EXPECT_EQ(RoleIn(cluster.raft(1), 4), MemberRole::kJoining);
  cluster.Advance(milliseconds(300));
  EXPECT_EQ(RoleIn(cluster.raft(1), 4), MemberRole::kVoter);
}

TEST(RaftMembership, ReplacesAMemberWhenTheNewOneHasCaughtUp) {
  RaftCluster cluster(3);
  cluster.Join(4);
  cluster.Elect(1);
  MemberChange replace = ChangeOf(MemberChange::Kind::kReplace, 4);
  replace.replaced = NameOfNode(3);
  EXPECT_EQ(Change(cluster, 1, {replace}), ChangeOutcome::kAppended);
  EXPECT_EQ(RoleIn(cluster.raft(1), 3), MemberRole::kVoter) << "until the other has caught up";
  cluster.Advance(milliseconds(500));
  EXPECT_EQ(cluster.raft(1).configuration().Find(IdOfNode(3)), nullptr);
  EXPECT_EQ(RoleIn(cluster.raft(1), 4), MemberRole::kVoter);
}

TEST(RaftMembership, ALeaderThatIsRemovedLeadsUntilThatIsCommittedAndHandsOver) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  EXPECT_EQ(Change(cluster, 1, {Remove(1)}), ChangeOutcome::kAppended);
  EXPECT_EQ(cluster.raft(1).role(), Role::kLeader);
  cluster.DeliverAll();
  EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
  EXPECT_NE(cluster.Leader(), 1);
  EXPECT_NE(cluster.Leader(), 0) << "another one was asked to campaign at once";
  EXPECT_EQ(cluster.raft(cluster.Leader()).configuration().voters().size(), 2u);
  // And stays quiet.
  const Term term = cluster.raft(cluster.Leader()).term();
  cluster.Advance(milliseconds(3000));
  EXPECT_EQ(cluster.raft(cluster.Leader()).term(), term);
}

TEST(RaftMembership, ARemovedNodeThatDoesNotKnowItDoesNotDisturb) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  Change(cluster, 1, {Remove(3)});
  cluster.Advance(milliseconds(700));
  ASSERT_EQ(cluster.raft(1).configuration().voters().size(), 2u);
  cluster.Heal();
  const Term term = cluster.raft(1).term();
  cluster.Advance(milliseconds(5000));
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(1).term(), term);
}

TEST(RaftMembership, ANodeThatWasRemovedWhileItWasAwayIsToldOnce) {
  std::vector<Event> told;
  RaftCluster::Options options;
  options.on_step = [&told](int, const Input&, const Output& output) {
    std::ranges::copy_if(output.events, std::back_inserter(told),
                         [](const Event& event) { return event.kind == EventKind::kRemoved; });
  };
  RaftCluster cluster(4, options);
  cluster.Elect(1);
  cluster.Isolate(4);
  Change(cluster, 1, {Remove(3)});
  cluster.Advance(milliseconds(700));
  EXPECT_EQ(cluster.raft(1).configuration().voters().size(), 3u);
  cluster.Heal();
  cluster.Isolate(1);
  cluster.Advance(milliseconds(5000));
  EXPECT_TRUE(told.empty()) << "n4 asks before it has heard of the change, and is a member";
  cluster.Heal();
  cluster.Advance(milliseconds(2000));
  const int leader = cluster.Leader();
  cluster.Isolate(4);
  Change(cluster, leader, {Remove(4)});
  cluster.Advance(milliseconds(700));
  const Index by = cluster.raft(leader).configuration_index();
  ASSERT_EQ(cluster.raft(leader).configuration().voters().size(), 2u);
  told.clear();
  cluster.Heal();
  cluster.Advance(milliseconds(5000));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].a, by.value());
}

TEST(RaftMembership, AConfigurationGoesWithTheEntryThatIsCutOff) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(1);
  Change(cluster, 1, {Add(4)});
  ASSERT_NE(cluster.raft(1).configuration().Find(IdOfNode(4)), nullptr) << "in force when appended";
  cluster.DropAll();
  cluster.Elect(2);
  cluster.Heal();
  cluster.Advance(milliseconds(300));
  EXPECT_EQ(cluster.raft(1).configuration(), VotersOf(3));
  EXPECT_EQ(cluster.raft(1).configuration_index(), Index(0));
}

TEST(RaftMembership, ANewLeaderFinishesTheChangeOfTheOldOne) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  // n2 gets the joint configuration, and n1 is gone before it can leave it.
  cluster.Step(1, ChangeMembership{.changes = {Remove(3)}});
  ASSERT_TRUE(cluster.raft(1).configuration().IsJoint());
  for (const Message& message : cluster.Sent<AppendEntriesRequest>(1, 2)) cluster.Deliver(message);
  cluster.DropAll();
  cluster.Isolate(1);
  ASSERT_TRUE(cluster.raft(2).configuration().IsJoint());
  // n2 needs a majority of {1, 2} too, and n1 is away.
  cluster.Advance(milliseconds(2000));
  EXPECT_EQ(cluster.raft(2).role() == Role::kLeader, false);
  cluster.Heal();
  cluster.Advance(milliseconds(2000));
  ASSERT_NE(cluster.Leader(), 0);
  EXPECT_FALSE(cluster.raft(cluster.Leader()).IsChangingMembership());
  EXPECT_EQ(cluster.raft(cluster.Leader()).configuration().voters().size(), 2u);
}

// Thesis 4.2.2. Found by the simulator: who alone has the newest configuration is not in it.
TEST(RaftMembership, WhoIsRemovedByAnEntryThatIsNotCommittedMayStillBeElected) {
  RaftCluster cluster(2);
  cluster.Elect(1);
  cluster.Step(1, ChangeMembership{.changes = {Remove(1)}});
  cluster.DeliverAll();  // to the end: n2 alone is the cluster
  ASSERT_EQ(cluster.raft(2).configuration().voters().size(), 1u);

  RaftCluster stuck(2);
  stuck.Elect(1);
  stuck.Step(1, ChangeMembership{.changes = {Remove(1)}});
  // n2 has the joint configuration and not the one that leaves it; n1 has both and restarts.
  for (const Message& message : stuck.Sent<AppendEntriesRequest>(1, 2)) stuck.Deliver(message);
  for (const Message& message : stuck.Sent<AppendEntriesResponse>(2, 1)) stuck.Deliver(message);
  ASSERT_FALSE(stuck.raft(1).configuration().IsVoter(IdOfNode(1)));
  ASSERT_TRUE(stuck.raft(2).configuration().IsJoint());
  stuck.DropAll();
  stuck.Restart(1);
  stuck.Advance(milliseconds(3000));
  EXPECT_EQ(stuck.Leader(), 2) << "n1 had to lead once more, to bring n2 the entry";
  EXPECT_EQ(stuck.raft(2).configuration().voters().size(), 1u);
}

// Found by the simulator: the one that was asked to confirm a round of reads is dropped.
TEST(RaftMembership, AReadThatWaitsForTheOldQuorumIsServedByTheNewOne) {
  RaftCluster cluster(2);
  cluster.Elect(1);
  cluster.Step(1, ChangeMembership{.changes = {Remove(2)}});
  for (const Message& message : cluster.Sent<AppendEntriesRequest>(1, 2)) cluster.Deliver(message);
  const auto answers = cluster.Sent<AppendEntriesResponse>(2, 1);
  cluster.DropAll();
  cluster.Step(1, Submit{.commands = {}, .reads = {ReadId(7)}});
  cluster.DropAll();
  ASSERT_TRUE(cluster.reads_ready(1).empty());
  for (const Message& message : answers) cluster.Deliver(message);
  cluster.Isolate(2);
  ASSERT_EQ(cluster.raft(1).configuration().voters().size(), 1u);
  ASSERT_EQ(cluster.reads_ready(1).size(), 1u);
}

TEST(RaftMembership, ANodeGoesByTheConfigurationOfItsSnapshotAfterARestart) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  Change(cluster, 1, {Remove(3)});
  cluster.DeliverAll();
  ASSERT_FALSE(cluster.raft(1).IsChangingMembership());
  const Configuration before = cluster.raft(1).configuration();
  const Index index = cluster.raft(1).configuration_index();
  cluster.Compact(1);
  cluster.Restart(1);
  EXPECT_EQ(cluster.raft(1).configuration(), before);
  EXPECT_EQ(cluster.raft(1).configuration_index(), index);
}

TEST(RaftMembership, ARepeatedRequestChangesNothing) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  Change(cluster, 1, {Add(4)});
  cluster.DeliverAll();
  const Index last = cluster.raft(1).log().last_index();
  EXPECT_EQ(Change(cluster, 1, {Add(4)}), ChangeOutcome::kUnchanged);
  EXPECT_EQ(cluster.raft(1).log().last_index(), last);
}

TEST(RaftMembership, OnlyALeaderThatIsNotHandingOverTakesAChange) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  EXPECT_EQ(Change(cluster, 2, {Add(4)}), ChangeOutcome::kNotLeader);
  cluster.Isolate(3);
  cluster.Step(1, TransferLeadership{.target = IdOfNode(3)});
  EXPECT_EQ(Change(cluster, 1, {Add(4)}), ChangeOutcome::kBusy);
}

}  // namespace
}  // namespace grassdb
