// What a replica does when its disk, its quorum or its clients are too slow or too many.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

Submit Read(std::uint64_t id) {
  Submit submit;
  submit.reads.push_back(ReadId(id));
  return submit;
}

bool HasEvent(const Output& output, EventKind kind) {
  return std::ranges::any_of(output.events, [kind](const Event& e) { return e.kind == kind; });
}

const Progress& FollowerOf(RaftCluster& cluster, int leader, int number) {
  const std::vector<Progress>& followers = *cluster.raft(leader).followers();
  return *std::ranges::find(followers, IdOfNode(number), &Progress::id);
}

// --- A disk that stands still ---

TEST(RaftDiskStall, ALeaderWhoseDiskFinishesNothingHandsOver) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.HoldDisk(1);
  cluster.Propose(1, "a");
  // 3 x 600 ms.
  cluster.Advance(milliseconds(1799));
  EXPECT_EQ(cluster.Leader(), 1);
  cluster.Advance(milliseconds(700));
  EXPECT_NE(cluster.Leader(), 0);
  EXPECT_NE(cluster.Leader(), 1);
  EXPECT_EQ(cluster.LogOf(cluster.Leader()), "-@1 a@1 -@2") << "nothing of it is lost";
  EXPECT_EQ(cluster.raft(cluster.Leader()).term(), Term(2));
}

TEST(RaftDiskStall, TheFollowerWithTheLongestLogTakesOver) {
  for (const int stuck : {2, 3}) {
    RaftCluster cluster(3);
    cluster.Elect(1);
    cluster.HoldDisk(1);
    cluster.HoldDisk(stuck);  // answers, and acknowledges nothing
    cluster.Propose(1, "a");
    cluster.Advance(milliseconds(1850));
    cluster.ReleaseDisk(stuck);
    cluster.DeliverAll();
    EXPECT_EQ(cluster.Leader(), 5 - stuck);
  }
}

TEST(RaftDiskStall, ADiskThatIsSlowAndMovesIsNone) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.HoldDisk(1);
  cluster.Propose(1, "a");
  for (int i = 0; i < 10; ++i) {
    cluster.Propose(1, "b");
    cluster.Advance(milliseconds(1700));
    cluster.FinishOnePersist(1);
    ASSERT_GT(cluster.UnfinishedPersists(1), 0u);
  }
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(1).term(), Term(1));
}

TEST(RaftDiskStall, AnIdleDiskIsNone) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Advance(std::chrono::seconds(10));
  cluster.HoldDisk(1);
  cluster.Propose(1, "a");  // the time runs from here
  cluster.Advance(milliseconds(1700));
  EXPECT_EQ(cluster.Leader(), 1);
}

TEST(RaftDiskStall, ALeaderThatNobodyCanReplaceStaysAndTriesAgain) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Cut(1, 3);
  cluster.Cut(3, 1);
  for (const int number : {1, 2}) cluster.HoldDisk(number);
  cluster.Propose(1, "a");
  cluster.Advance(milliseconds(1900));
  EXPECT_EQ(cluster.raft(1).transfer_target(), IdOfNode(2)) << "the only one in reach";
  cluster.Advance(milliseconds(700));
  EXPECT_EQ(cluster.raft(1).transfer_target(), NodeId()) << "it cannot catch up";
  EXPECT_EQ(cluster.Leader(), 1);
  cluster.ReleaseDisk(2);
  cluster.Advance(milliseconds(2000));
  EXPECT_EQ(cluster.Leader(), 2);
}

TEST(RaftDiskStall, AFollowerWithAStuckDiskKeepsAnsweringHeartbeats) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(2);
  cluster.HoldDisk(3);
  cluster.Propose(1, "a");
  cluster.Advance(std::chrono::seconds(10));
  ASSERT_EQ(cluster.Leader(), 1) << "n3's answers are its quorum";
  EXPECT_EQ(FollowerOf(cluster, 1, 3).match, Index(1)) << "and promise nothing";
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(1));
  cluster.ReleaseDisk(3);
  cluster.Advance(milliseconds(200));
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(2));
}

// --- Limits ---

TEST(RaftLimits, RefusesProposalsWhileTooMuchIsCommittedAndNotDurableHere) {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) { raft.unapplied_bytes_max = 100; };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  cluster.HoldDisk(1);
  const std::string command(68, 'x');  // 100 bytes with its frame
  cluster.Propose(1, command);
  EXPECT_EQ(cluster.last(1).submit, SubmitOutcome::kAppended);
  cluster.DeliverAll();
  ASSERT_EQ(cluster.raft(1).commit_index(), Index(2)) << "the followers' disks are a quorum";
  cluster.Propose(1, command);
  EXPECT_EQ(cluster.last(1).submit, SubmitOutcome::kOverloaded);
  EXPECT_EQ(cluster.raft(1).log().last_index(), Index(2));
  cluster.ReleaseDisk(1);
  cluster.Propose(1, command);
  EXPECT_EQ(cluster.last(1).submit, SubmitOutcome::kAppended);
}

TEST(RaftLimits, CountsWhatANewLeaderFindsInItsLog) {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) { raft.unapplied_bytes_max = 200; };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  cluster.Propose(1, std::string(168, 'x'));
  for (const Message& message : cluster.Sent<AppendEntriesRequest>(1, 2)) cluster.Deliver(message);
  cluster.DropAll();
  cluster.Isolate(1);
  cluster.Skip(milliseconds(600));
  cluster.Step(2, DeadlineReached{});
  while (cluster.raft(2).role() != Role::kLeader) {
    ASSERT_FALSE(cluster.network().empty());
    const Message message = cluster.network().front();
    cluster.network().pop_front();
    cluster.Deliver(message);
  }
  cluster.DropAll();
  cluster.Propose(2, "y");
  EXPECT_EQ(cluster.last(2).submit, SubmitOutcome::kOverloaded);
  cluster.Advance(milliseconds(300));
  cluster.Propose(2, "y");
  EXPECT_EQ(cluster.last(2).submit, SubmitOutcome::kAppended);
}

TEST(RaftLimits, RefusesReadsBeyondThoseThatMayWait) {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) { raft.reads_waiting_max = 2; };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  cluster.Isolate(1);
  cluster.Step(1, Read(1));  // its round has begun: it waits no more for one
  cluster.Step(1, Read(2));
  cluster.Step(1, Read(3));
  EXPECT_TRUE(cluster.reads_refused(1).empty());
  cluster.Step(1, Read(4));
  EXPECT_EQ(cluster.reads_refused(1), std::vector<ReadId>{ReadId(4)});
  cluster.Heal();
  cluster.Deliver({.from = IdOfNode(2),
                   .to = IdOfNode(1),
                   .term = Term(1),
                   .body = ReadIndexRequest{.read = ReadId(77)}});
  const auto refused = cluster.Sent<ReadIndexResponse>(1, 2);
  ASSERT_EQ(refused.size(), 1u) << "a follower's read is refused as well";
  EXPECT_FALSE(std::get<ReadIndexResponse>(refused[0].body).confirmed);
  cluster.Advance(milliseconds(200));
  EXPECT_EQ(cluster.reads_ready(1).size(), 3u);
}

TEST(RaftDiskStall, SaysThatTheDiskStalls) {
  RaftCluster::Options options;
  int stalls = 0;
  options.on_step = [&stalls](int, const Input&, const Output& output) {
    stalls += HasEvent(output, EventKind::kDiskStalled) ? 1 : 0;
  };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  cluster.HoldDisk(1);
  cluster.Propose(1, "a");
  cluster.Advance(milliseconds(1900));
  EXPECT_EQ(stalls, 1);
}

}  // namespace
}  // namespace grassdb
