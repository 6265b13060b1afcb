// A leader whose disk is full gives way to a follower with room.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

// Every node has told the leader how it stands.
void Beat(RaftCluster& cluster) {
  cluster.Advance(milliseconds(100));
  cluster.DeliverAll();
}

TEST(RaftSpace, AFullLeaderHandsOverToAFollowerWithRoom) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(2, SpaceChanged{.full = true});
  Beat(cluster);
  cluster.Step(1, SpaceChanged{.full = true});
  cluster.DeliverAll();
  EXPECT_EQ(cluster.Leader(), 3);
}

TEST(RaftSpace, WhereAllAreFullLeadershipStays) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  for (const int number : {2, 3}) cluster.Step(number, SpaceChanged{.full = true});
  Beat(cluster);
  cluster.Step(1, SpaceChanged{.full = true});
  EXPECT_FALSE(cluster.raft(1).HasSuccessorWithRoom());
  for (int i = 0; i < 20; ++i) Beat(cluster);
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(1).term(), Term(1));
  cluster.Step(3, SpaceChanged{.full = false});
  Beat(cluster);
  Beat(cluster);
  EXPECT_EQ(cluster.Leader(), 3) << "as soon as one has room";
}

TEST(RaftSpace, AFullNodeThatIsElectedWaitsUntilItKnowsWhoHasRoom) {
  RaftCluster cluster(3);
  cluster.Step(1, SpaceChanged{.full = true});
  cluster.Elect(1);
  ASSERT_EQ(cluster.raft(1).term(), Term(1));
  Beat(cluster);
  Beat(cluster);
  EXPECT_NE(cluster.Leader(), 1);
}

TEST(RaftSpace, ATransferToNobodyInParticularPrefersRoom) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(2, SpaceChanged{.full = true});
  Beat(cluster);
  cluster.Step(1, TransferLeadership{});
  cluster.DeliverAll();
  EXPECT_EQ(cluster.Leader(), 3);
}

TEST(RaftSpace, WhoHasNoRoomIsNotCountedOnForWrites) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  Beat(cluster);
  EXPECT_EQ(cluster.raft(1).FailuresTolerated(), 1u);
  cluster.Step(2, SpaceChanged{.full = true});
  Beat(cluster);
  EXPECT_EQ(cluster.raft(1).FailuresTolerated(), 0u) << "nothing is written without n3";
  cluster.Step(2, SpaceChanged{.full = false});
  Beat(cluster);
  EXPECT_EQ(cluster.raft(1).FailuresTolerated(), 1u);
  for (const int number : {1, 2, 3}) cluster.Step(number, SpaceChanged{.full = true});
  Beat(cluster);
  EXPECT_EQ(cluster.raft(1).FailuresTolerated(), 0u);
}

TEST(RaftSpace, AFullFollowerIsNotSentTheWindowInVain) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(2, SpaceChanged{.full = true});
  Beat(cluster);
  for (int i = 0; i < 10; ++i) cluster.Propose(1, "a");
  EXPECT_EQ(cluster.Sent<AppendEntriesRequest>(1, 2).size(), 1u);
  EXPECT_EQ(cluster.Sent<AppendEntriesRequest>(1, 3).size(), 10u);
  cluster.DeliverAll();
  EXPECT_EQ(cluster.LogOf(2), cluster.LogOf(1)) << "it takes what it has room for";
}

}  // namespace
}  // namespace grassdb
