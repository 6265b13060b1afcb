// Thesis 6.4: linearizable reads by read index.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

Submit Read(std::uint64_t id) {
  Submit submit;
  submit.reads.push_back(ReadId(id));
  return submit;
}

// Node 1 leads, and is given a read and a write at once, which its followers' disks do not finish.
void ReadBesideAWrite(RaftCluster& cluster, std::uint64_t id) {
  cluster.Elect(1);
  cluster.SetInstantDisk(false);
  Submit both = Read(id);
  both.commands.push_back(Bytes("a"));
  cluster.Step(1, both);
  cluster.DeliverAll();
}

TEST(RaftReads, ALeaderServesAReadAfterAQuorumHasConfirmedIt) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  cluster.Step(1, Read(7));
  EXPECT_TRUE(cluster.reads_ready(1).empty());
  cluster.DeliverAll();
  ASSERT_EQ(cluster.reads_ready(1).size(), 1u);
  EXPECT_EQ(cluster.reads_ready(1)[0].id, ReadId(7));
  EXPECT_EQ(cluster.reads_ready(1)[0].index, Index(2));
}

TEST(RaftReads, ADeposedLeaderNeverServes) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(1);
  cluster.Elect(2);
  ASSERT_EQ(cluster.raft(1).role(), Role::kLeader);  // it does not know yet
  cluster.Step(1, Read(7));
  cluster.Advance(std::chrono::seconds(2));
  EXPECT_TRUE(cluster.reads_ready(1).empty());
  ASSERT_EQ(cluster.reads_refused(1).size(), 1u);
  EXPECT_EQ(cluster.reads_refused(1)[0], ReadId(7));
}

TEST(RaftReads, AnAnswerToAnEarlierRoundConfirmsNothingLater) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(1, Read(1));
  // Keep a copy of the answers to the first round.
  std::vector<Message> requests(cluster.network().begin(), cluster.network().end());
  cluster.DropAll();
  for (const Message& request : requests) cluster.Deliver(request);
  const std::vector<Message> answers(cluster.network().begin(), cluster.network().end());
  cluster.DeliverAll();
  ASSERT_EQ(cluster.reads_ready(1).size(), 1u);
  cluster.Isolate(1);
  cluster.Step(1, Read(2));
  cluster.DropAll();
  cluster.Heal();
  for (const Message& answer : answers) cluster.Deliver(answer);
  EXPECT_EQ(cluster.reads_ready(1).size(), 1u);
}

// Its answer to the round came while nobody knew what its disk had kept.
TEST(RaftReads, AFollowerThatCountsAgainConfirmsWhatItHasAnswered) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(1, Read(1));
  const Message request = cluster.network().front();
  cluster.DropAll();
  cluster.Deliver(request);
  const Message answer = cluster.network().front();
  cluster.DropAll();
  Message unproven = answer;
  std::get<AppendEntriesResponse>(unproven.body).standing = Standing::kUnproven;
  cluster.Deliver(unproven);
  EXPECT_TRUE(cluster.reads_ready(1).empty());
  cluster.Deliver(answer);
  EXPECT_EQ(cluster.reads_ready(1).size(), 1u);
}

TEST(RaftReads, WaitForACommitInTheLeadersOwnTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  cluster.Skip(std::chrono::milliseconds(700));
  cluster.Step(2, DeadlineReached{});
  while (cluster.raft(2).role() != Role::kLeader) {
    Message message = cluster.network().front();
    cluster.network().pop_front();
    cluster.Deliver(message);
  }
  cluster.DropAll();
  cluster.Step(2, Read(1));
  // Nothing of term 2 is committed: not even a round is started.
  for (const Message& message : cluster.network()) {
    const auto* append = std::get_if<AppendEntriesRequest>(&message.body);
    EXPECT_TRUE(append == nullptr || append->read_round == ReadRound(0));
  }
  cluster.Advance(std::chrono::milliseconds(300));
  ASSERT_EQ(cluster.reads_ready(2).size(), 1u);
  EXPECT_GE(cluster.reads_ready(2)[0].index, Index(3));
}

TEST(RaftReads, OneRoundServesAllThatWait) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  Submit reads;
  for (std::uint64_t id = 1; id <= 100; ++id) reads.reads.push_back(ReadId(id));
  cluster.Step(1, std::move(reads));
  EXPECT_EQ(cluster.network().size(), 1u);
  // These wait for the next round, which starts when the first one is confirmed.
  cluster.Step(1, Read(101));
  cluster.Step(1, Read(102));
  EXPECT_EQ(cluster.network().size(), 1u);
  cluster.DeliverAll();
  EXPECT_EQ(cluster.reads_ready(1).size(), 102u);
}

TEST(RaftReads, ARoundAsksNoMoreThanAQuorumNeeds) {
  for (int voters = 2; voters <= 7; ++voters) {
    RaftCluster cluster(voters);
    cluster.Elect(1);
    cluster.Step(1, Read(7));
    EXPECT_EQ(cluster.network().size(), static_cast<std::size_t>(voters / 2)) << voters;
    cluster.DeliverAll();
    EXPECT_EQ(cluster.reads_ready(1).size(), 1u) << voters;
  }
}

// Node 1's next heartbeat, with a round under way, is answered by `first` before anybody else.
void AnswerSoonest(RaftCluster& cluster, int first) {
  cluster.Step(1, Read(99));
  cluster.DropAll();
  cluster.Skip(std::chrono::milliseconds(101));
  cluster.Step(1, DeadlineReached{});
  for (const Message& ask : cluster.Sent<AppendEntriesRequest>(1, first)) cluster.Deliver(ask);
  for (const Message& answer : cluster.Sent<AppendEntriesResponse>(first, 1)) {
    cluster.Deliver(answer);
  }
  cluster.DeliverAll();
}

TEST(RaftReads, WhoAnswersSoonestIsAskedFirst) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  for (const int quick : {3, 2, 3}) {
    AnswerSoonest(cluster, quick);
    cluster.Step(1, Read(9));
    ASSERT_EQ(cluster.network().size(), 1u);
    EXPECT_EQ(cluster.network().front().to, IdOfNode(quick));
    cluster.DeliverAll();
  }
}

TEST(RaftReads, ALearnerIsNotAsked) {
  RaftCluster cluster(2);
  cluster.Join(3);
  cluster.Elect(1);
  MemberChange learner;
  learner.kind = MemberChange::Kind::kAddLearner;
  learner.name = NameOfNode(3);
  learner.address = "127.0.0.1:7003";
  cluster.Step(1, ChangeMembership{.changes = {learner}});
  cluster.Advance(std::chrono::milliseconds(500));
  ASSERT_EQ(cluster.raft(1).configuration().members().size(), 3u);
  AnswerSoonest(cluster, 3);
  cluster.Step(1, Read(9));
  ASSERT_EQ(cluster.network().size(), 1u);
  EXPECT_EQ(cluster.network().front().to, IdOfNode(2));
}

TEST(RaftReads, AnAppendThatGoesOutAnywayAsksAsWell) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  Submit both = Read(7);
  both.commands.push_back(Bytes("a"));
  cluster.Step(1, std::move(both));
  EXPECT_EQ(cluster.network().size(), 2u) << "an append to each, and nothing else";
}

TEST(RaftReads, AnOverdueRoundAsksEverybody) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(1, Read(5));
  const NodeId asked = cluster.network().front().to;
  cluster.DropAll();
  cluster.FireDeadline(1);
  EXPECT_LE(cluster.now() - RaftCluster::kStart, std::chrono::milliseconds(620))
      << "before the heartbeat";
  ASSERT_EQ(cluster.network().size(), 1u);
  EXPECT_NE(cluster.network().front().to, asked);
  cluster.DeliverAll();
  EXPECT_EQ(cluster.reads_ready(1).size(), 1u);
  // Who was silent is not asked first again.
  cluster.Step(1, Read(6));
  ASSERT_EQ(cluster.network().size(), 1u);
  EXPECT_NE(cluster.network().front().to, asked);
  EXPECT_LT(cluster.raft(1).NextDeadline(), cluster.now() + std::chrono::milliseconds(20));
  cluster.DeliverAll();
  EXPECT_GT(cluster.raft(1).NextDeadline(), cluster.now() + std::chrono::milliseconds(20))
      << "nothing is overdue";
}

TEST(RaftReads, AFollowerAsksTheLeaderForTheIndex) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  cluster.Step(3, Read(5));
  cluster.DeliverAll();
  ASSERT_EQ(cluster.reads_ready(3).size(), 1u);
  EXPECT_EQ(cluster.reads_ready(3)[0].index, Index(2));
}

TEST(RaftReads, AFollowerOfNobodyRefuses) {
  RaftCluster cluster(3);
  cluster.Step(3, Read(5));
  EXPECT_EQ(cluster.reads_refused(3).size(), 1u);
}

TEST(RaftReads, ALoneVoterNeedsNoMessages) {
  RaftCluster cluster(1);
  cluster.Elect(1);
  cluster.Step(1, Read(5));
  ASSERT_EQ(cluster.reads_ready(1).size(), 1u);
  EXPECT_EQ(cluster.reads_ready(1)[0].index, Index(1));
}

TEST(RaftReads, ALostRoundIsAskedAgainByTheHeartbeat) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(1, Read(5));
  cluster.DropAll();
  cluster.Advance(std::chrono::milliseconds(150));
  EXPECT_EQ(cluster.reads_ready(1).size(), 1u);
}

TEST(RaftReads, AReadDoesNotWaitForTheWritesThatCameAlongWithIt) {
  RaftCluster cluster(3);
  ReadBesideAWrite(cluster, 7);
  EXPECT_EQ(cluster.UnfinishedPersists(2), 1u);
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(1))
      << "an answer to a round acknowledges nothing";
  ASSERT_EQ(cluster.reads_ready(1).size(), 1u);
  EXPECT_EQ(cluster.reads_ready(1)[0].index, Index(1));
  cluster.FinishDisk(1);
  cluster.FinishDisk(2);
  cluster.DeliverAll();
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(2));
}

TEST(RaftReads, ARoundIsAnsweredAheadOfTheDiskOnlyOnce) {
  RaftCluster cluster(3);
  ReadBesideAWrite(cluster, 7);
  cluster.Propose(1, "b");
  for (const Message& append : cluster.Sent<AppendEntriesRequest>(1, 2)) cluster.Deliver(append);
  EXPECT_TRUE(cluster.Sent<AppendEntriesResponse>(2, 1).empty());
}

}  // namespace
}  // namespace grassdb
