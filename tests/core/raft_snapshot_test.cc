// Thesis 5: compaction and InstallSnapshot.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

SnapshotMeta MetaAt(std::uint64_t index, std::uint64_t term, int voters) {
  SnapshotMeta meta;
  meta.index = Index(index);
  meta.term = Term(term);
  meta.configuration = VotersOf(voters);
  return meta;
}

Message Chunk(int from, int to, std::uint64_t term, const SnapshotMeta& meta) {
  InstallSnapshotRequest request;
  request.meta = meta;
  request.last = true;
  request.data = Bytes("state");
  return Message{
      .from = IdOfNode(from), .to = IdOfNode(to), .term = Term(term), .body = std::move(request)};
}

TEST(RaftSnapshot, ALaggingFollowerIsToldToGetTheSnapshot) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  for (int i = 0; i < 5; ++i) cluster.Propose(1, "x");
  cluster.DeliverAll();
  cluster.Compact(1);
  EXPECT_EQ(cluster.raft(1).log().base_index(), Index(6));
  cluster.Propose(1, "y");
  cluster.Heal();
  cluster.Skip(milliseconds(100));
  cluster.Step(1, DeadlineReached{});
  cluster.DeliverAll();
  ASSERT_NE(cluster.raft(1).followers(), nullptr);
  for (const Progress& follower : *cluster.raft(1).followers()) {
    if (follower.id == IdOfNode(3)) {
      EXPECT_EQ(follower.state, ProgressState::kSnapshot);
      EXPECT_EQ(follower.snapshot_index, Index(6));
    }
  }
  // It keeps hearing the leader meanwhile.
  cluster.Advance(std::chrono::seconds(3));
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(3).term(), Term(1));
}

TEST(RaftSnapshot, AnInstalledSnapshotReplacesTheLogAndReplicationGoesOn) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  for (int i = 0; i < 5; ++i) cluster.Propose(1, "x");
  cluster.DeliverAll();
  cluster.Compact(1);
  cluster.Propose(1, "y");
  cluster.Heal();
  cluster.Advance(milliseconds(200));
  const SnapshotMeta meta = *cluster.raft(1).snapshot();
  cluster.Deliver(Chunk(1, 3, 1, meta));
  ASSERT_EQ(cluster.last(3).snapshot_traffic.size(), 1u);
  cluster.Step(3, SnapshotStaged{.meta = meta, .leader = IdOfNode(1)});
  ASSERT_TRUE(cluster.last(3).restore.has_value());
  EXPECT_EQ(cluster.last(3).restore->index, meta.index);
  cluster.DeliverAll();
  EXPECT_EQ(cluster.LogOf(3), "y@1");
  EXPECT_EQ(cluster.raft(3).commit_index(), Index(7));
}

TEST(RaftSnapshot, ASnapshotIsAcknowledgedOnlyWhenItIsDurable) {
  RaftCluster cluster(3);
  cluster.SetInstantDisk(false);
  const SnapshotMeta meta = MetaAt(10, 2, 3);
  cluster.Deliver(Chunk(2, 1, 3, meta));
  cluster.FinishDisk(1);
  cluster.DropAll();
  cluster.Step(1, SnapshotStaged{.meta = meta, .leader = IdOfNode(2)});
  EXPECT_TRUE(cluster.network().empty());
  EXPECT_FALSE(cluster.last(1).restore.has_value());
  EXPECT_EQ(cluster.last(1).apply_through, Index(0));
  cluster.FinishDisk(1);
  EXPECT_TRUE(cluster.last(1).restore.has_value());
  EXPECT_EQ(cluster.last(1).apply_through, Index(10));
  const auto answers = cluster.Sent<InstallSnapshotResponse>(1, 2);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(std::get<InstallSnapshotResponse>(answers[0].body).installed);
}

TEST(RaftSnapshot, AnOldSnapshotIsNotNeeded) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  for (int i = 0; i < 5; ++i) cluster.Propose(1, "x");
  cluster.Advance(milliseconds(200));
  const std::string log = cluster.LogOf(3);
  cluster.Deliver(Chunk(1, 3, 1, MetaAt(2, 1, 3)));
  EXPECT_TRUE(cluster.last(3).snapshot_traffic.empty());
  EXPECT_EQ(cluster.LogOf(3), log);
  const auto answers = cluster.Sent<InstallSnapshotResponse>(3, 1);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(std::get<InstallSnapshotResponse>(answers[0].body).installed);
  cluster.Step(3, SnapshotStaged{.meta = MetaAt(2, 1, 3), .leader = IdOfNode(1)});
  EXPECT_EQ(cluster.LogOf(3), log);
}

TEST(RaftSnapshot, AMatchingLogKeepsWhatComesAfterTheSnapshot) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(2);
  for (int i = 0; i < 5; ++i) cluster.Propose(1, "x");
  // Node 3 has the entries but has not heard that they are committed.
  for (const Message& message : cluster.Sent<AppendEntriesRequest>(1, 3)) cluster.Deliver(message);
  cluster.DropAll();
  ASSERT_LT(cluster.raft(3).commit_index(), Index(4));
  cluster.Deliver(Chunk(1, 3, 1, MetaAt(4, 1, 3)));
  EXPECT_EQ(cluster.raft(3).commit_index(), Index(4));
  EXPECT_EQ(cluster.raft(3).log().last_index(), Index(6));
  EXPECT_TRUE(cluster.last(3).snapshot_traffic.empty());
}

TEST(RaftSnapshot, AConflictingLogGoesAwayWhole) {
  RaftCluster cluster(3);
  AppendEntriesRequest append;
  for (std::uint64_t index = 1; index <= 8; ++index) {
    append.entries.push_back(
        Entry{.index = Index(index), .term = Term(1), .type = EntryType::kNoop, .payload = {}});
  }
  cluster.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(1), .body = append});
  const SnapshotMeta meta = MetaAt(5, 2, 3);
  cluster.Deliver(Chunk(3, 1, 3, meta));
  cluster.Step(1, SnapshotStaged{.meta = meta, .leader = IdOfNode(3)});
  EXPECT_EQ(cluster.raft(1).log().base_index(), Index(5));
  EXPECT_EQ(cluster.raft(1).log().last_index(), Index(5));
  EXPECT_EQ(cluster.raft(1).log().last_term(), Term(2));
}

TEST(RaftSnapshot, AStagedSnapshotOfADeposedLeaderIsNotInstalled) {
  RaftCluster cluster(3);
  const SnapshotMeta meta = MetaAt(10, 2, 3);
  cluster.Deliver(Chunk(2, 1, 3, meta));
  cluster.Deliver(Message{
      .from = IdOfNode(3), .to = IdOfNode(1), .term = Term(4), .body = AppendEntriesRequest{}});
  cluster.Step(1, SnapshotStaged{.meta = meta, .leader = IdOfNode(2)});
  EXPECT_FALSE(cluster.raft(1).snapshot().has_value());
}

TEST(RaftSnapshot, ARestartedNodeKnowsTheTermOfItsCompactedLog) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  for (int i = 0; i < 3; ++i) cluster.Propose(1, "x");
  cluster.Advance(milliseconds(200));
  cluster.Compact(1);
  cluster.Restart(1);
  EXPECT_EQ(cluster.raft(1).log().last_index(), Index(4));
  EXPECT_EQ(cluster.raft(1).log().last_term(), Term(1));
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(4));
  cluster.Advance(std::chrono::seconds(3));
  EXPECT_NE(cluster.Leader(), 0);
}

TEST(RaftSnapshot, AnAppendBeforeTheSnapshotIsAnsweredNotRefused) {
  RaftCluster cluster(3);
  const SnapshotMeta meta = MetaAt(10, 2, 3);
  cluster.Deliver(Chunk(2, 1, 3, meta));
  cluster.Step(1, SnapshotStaged{.meta = meta, .leader = IdOfNode(2)});
  cluster.DropAll();
  AppendEntriesRequest append;
  append.prev_log_index = Index(8);
  append.prev_log_term = Term(2);
  for (std::uint64_t index = 9; index <= 12; ++index) {
    append.entries.push_back(
        Entry{.index = Index(index), .term = Term(2), .type = EntryType::kNoop, .payload = {}});
  }
  cluster.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(3), .body = append});
  EXPECT_EQ(cluster.raft(1).log().last_index(), Index(12));
  const auto answers = cluster.Sent<AppendEntriesResponse>(1, 2);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(std::get<AppendEntriesResponse>(answers[0].body).match_index, Index(12));
}

TEST(RaftSnapshot, CarriesTheConfiguration) {
  RaftCluster cluster(3);
  SnapshotMeta meta = MetaAt(10, 2, 3);
  meta.configuration = VotersOf(5);
  meta.configuration_index = Index(6);
  cluster.Deliver(Chunk(2, 1, 3, meta));
  cluster.Step(1, SnapshotStaged{.meta = meta, .leader = IdOfNode(2)});
  EXPECT_EQ(cluster.raft(1).configuration(), VotersOf(5));
  cluster.Restart(1);
  EXPECT_EQ(cluster.raft(1).configuration(), VotersOf(5));
}

}  // namespace
}  // namespace grassdb
