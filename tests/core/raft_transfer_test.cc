// Thesis 3.10: leadership transfer.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

TEST(RaftTransfer, HandsOverToTheChosenNodeAtOnce) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(1, TransferLeadership{.target = IdOfNode(3)});
  cluster.DeliverAll();
  EXPECT_EQ(cluster.Leader(), 3);
  EXPECT_EQ(cluster.raft(3).term(), Term(2));
}

TEST(RaftTransfer, WaitsUntilTheTargetHasCaughtUp) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(1, "a");
  cluster.Step(1, TransferLeadership{.target = IdOfNode(3)});
  EXPECT_TRUE(cluster.Sent<TimeoutNow>(1, 3).empty());
  cluster.DeliverAll();
  EXPECT_EQ(cluster.Leader(), 3);
  EXPECT_EQ(cluster.LogOf(3), "-@1 a@1 -@2");
}

TEST(RaftTransfer, ChoosesTheFollowerWithTheLongestLog) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(2);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  cluster.Step(1, TransferLeadership{});
  EXPECT_EQ(cluster.raft(1).transfer_target(), IdOfNode(3));
}

TEST(RaftTransfer, RefusesProposalsMeanwhileAndTakesThemAgainWhenAbandoned) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  cluster.Step(1, TransferLeadership{.target = IdOfNode(3)});
  cluster.Propose(1, "a");
  EXPECT_EQ(cluster.last(1).submit, SubmitOutcome::kTransferring);
  cluster.Advance(milliseconds(650));
  EXPECT_EQ(cluster.raft(1).transfer_target(), NodeId());
  EXPECT_EQ(cluster.raft(1).role(), Role::kLeader);
  cluster.Propose(1, "a");
  EXPECT_EQ(cluster.last(1).submit, SubmitOutcome::kAppended);
}

TEST(RaftTransfer, OnlyTheLeaderCanAskForACampaign) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Deliver(
      Message{.from = IdOfNode(2), .to = IdOfNode(3), .term = Term(1), .body = TimeoutNow{}});
  EXPECT_EQ(cluster.raft(3).role(), Role::kFollower);
}

TEST(RaftTransfer, WhoIsSilentIsNoTargetAndHoldsUpNothing) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  cluster.Advance(milliseconds(1000));
  cluster.Step(1, TransferLeadership{.target = IdOfNode(3)});
  EXPECT_EQ(cluster.raft(1).transfer_target(), NodeId(0));
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  EXPECT_EQ(cluster.LogOf(2), "-@1 a@1");
}

TEST(RaftTransfer, AStrangerIsNoTarget) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(1, TransferLeadership{.target = IdOfNode(9)});
  EXPECT_EQ(cluster.raft(1).transfer_target(), NodeId());
}

}  // namespace
}  // namespace grassdb
