// RaftOptions::append_delay: who is sent entries at once, and who may wait.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

constexpr Duration kDelay = milliseconds(10);

RaftCluster::Options Delayed() {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) {
    raft.append_delay = kDelay;
    raft.append_entries_max = 4;
    raft.append_bytes_max = 4096;
  };
  return options;
}

class RaftAppendDelay : public testing::Test {
 protected:
  // n2 is the first to answer, so it makes the quorums; n1 leads.
  RaftAppendDelay() { cluster_.Elect(1); }

  // How many entries each message under way from n1 has for this node.
  std::vector<std::size_t> SentTo(int number) const {
    std::vector<std::size_t> counts;
    for (const Message& message : cluster_.Sent<AppendEntriesRequest>(1, number)) {
      counts.push_back(std::get<AppendEntriesRequest>(message.body).entries.size());
    }
    return counts;
  }
  Index Committed() { return cluster_.raft(1).commit_index(); }

  RaftCluster cluster_{3, Delayed()};
};

using Counts = std::vector<std::size_t>;

TEST_F(RaftAppendDelay, WhoMadeTheLastQuorumIsSentEntriesAtOnce) {
  cluster_.Propose(1, "a");
  EXPECT_EQ(SentTo(2), Counts{1});
  EXPECT_EQ(SentTo(3), Counts{});
  cluster_.DeliverAll();
  EXPECT_EQ(Committed(), Index(2));
}

TEST_F(RaftAppendDelay, TheOthersAreSentWhatHasGatheredSinceItsFirstEntry) {
  const Instant began = cluster_.now();
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  cluster_.Skip(milliseconds(4));
  cluster_.Propose(1, "b");
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.raft(1).NextDeadline(), began + kDelay);
  cluster_.FireDeadline(1);
  EXPECT_EQ(cluster_.now(), began + kDelay);
  EXPECT_EQ(SentTo(3), Counts{2});
  EXPECT_EQ(SentTo(2), Counts{});
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.LogOf(3), "-@1 a@1 b@1");
  EXPECT_GT(cluster_.raft(1).NextDeadline(), cluster_.now() + kDelay) << "nothing waits any more";
}

TEST_F(RaftAppendDelay, WhoFailsDelaysOneCommitAndIsTheOneThatWaitsThen) {
  cluster_.Isolate(2);
  cluster_.Propose(1, "a");
  cluster_.Advance(kDelay - milliseconds(1));
  EXPECT_EQ(Committed(), Index(1));
  cluster_.Advance(milliseconds(1));
  EXPECT_EQ(Committed(), Index(2));
  cluster_.Propose(1, "b");
  EXPECT_EQ(SentTo(3), Counts{1});
  EXPECT_EQ(SentTo(2), Counts{});
  cluster_.DeliverAll();
  EXPECT_EQ(Committed(), Index(3));
}

TEST_F(RaftAppendDelay, WhoHasComeBackIsGivenWhatItLacks) {
  cluster_.Isolate(2);
  cluster_.Propose(1, "a");
  cluster_.Advance(kDelay);
  cluster_.Heal();
  cluster_.Advance(milliseconds(100));
  EXPECT_EQ(cluster_.LogOf(2), "-@1 a@1");
}

TEST_F(RaftAppendDelay, NobodyWaitsForAWholeMessage) {
  for (const char* command : {"a", "b", "c"}) {
    cluster_.Propose(1, command);
    EXPECT_EQ(SentTo(3), Counts{});
  }
  cluster_.Propose(1, "d");
  EXPECT_EQ(SentTo(3), Counts{4});
  cluster_.DropAll();
  cluster_.Propose(1, "e");
  EXPECT_EQ(SentTo(3), Counts{}) << "what was sent counts no more";
}

TEST_F(RaftAppendDelay, ManyBytesAreAWholeMessageToo) {
  cluster_.Propose(1, std::string(3000, 'a'));
  EXPECT_EQ(SentTo(3), Counts{});
  cluster_.Propose(1, std::string(3000, 'b'));
  EXPECT_EQ(SentTo(3), (Counts{1, 1}));
}

TEST_F(RaftAppendDelay, ANewLeaderFindsOutAnewWhoIsQuick) {
  cluster_.Isolate(1);
  cluster_.Elect(2);
  cluster_.Heal();
  cluster_.Advance(milliseconds(100));
  cluster_.Propose(2, "b");
  EXPECT_EQ(cluster_.Sent<AppendEntriesRequest>(2, 3).size(), 1u) << "n1 was not there";
  EXPECT_EQ(cluster_.Sent<AppendEntriesRequest>(2, 1).size(), 0u);
}

TEST_F(RaftAppendDelay, WhoIsToTakeOverDoesNotWait) {
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.LogOf(3), "-@1");
  cluster_.Step(1, TransferLeadership{.target = IdOfNode(3)});
  EXPECT_EQ(SentTo(3), Counts{1});
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.Leader(), 3);
}

TEST_F(RaftAppendDelay, WhoLeavesDoesNotWait) {
  const MemberChange removal{
      .kind = MemberChange::Kind::kRemove, .name = NameOfNode(3), .address = {}, .replaced = {}};
  cluster_.Step(1, ChangeMembership{.changes = {removal}});
  cluster_.DeliverAll();
  // By the entry that it is no member by; nothing is sent to it any more.
  EXPECT_EQ(cluster_.raft(3).configuration().Find(IdOfNode(3)), nullptr);
}

TEST_F(RaftAppendDelay, AFollowerThatMustBeProbedDoesNotWait) {
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  // n3 has lost what was sent to it, and a heartbeat shows it.
  cluster_.FireDeadline(1);
  cluster_.DropAll();
  cluster_.Skip(milliseconds(100));
  cluster_.FireDeadline(1);
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.LogOf(3), "-@1 a@1");
}

TEST_F(RaftAppendDelay, NobodyWaitsWhereTheQuickOnesMakeNoQuorum) {
  cluster_.Propose(1, "a");
  cluster_.DropAll();
  cluster_.Propose(1, "b");
  // n2 lacks "a" and says so; then it is probed, and counts no more.
  for (int i = 0; i < 2; ++i) {
    Message next = std::move(cluster_.network().front());
    cluster_.network().pop_front();
    cluster_.Deliver(std::move(next));
  }
  EXPECT_EQ(SentTo(3), Counts{});
  cluster_.Propose(1, "c");
  EXPECT_EQ(SentTo(3), Counts{3});
}

TEST_F(RaftAppendDelay, BothAreQuickWhereTheLeadersOwnDiskIsNot) {
  cluster_.HoldDisk(1);
  // This commit is made by n2 and n3, after the delay.
  cluster_.Propose(1, "a");
  cluster_.Advance(kDelay);
  EXPECT_EQ(Committed(), Index(2));
  // The leader's disk has not made it, so the bet on it is off.
  cluster_.Propose(1, "c");
  EXPECT_EQ(SentTo(2), Counts{1});
  EXPECT_EQ(SentTo(3), Counts{1});
  cluster_.DeliverAll();
  EXPECT_EQ(Committed(), Index(3));

  cluster_.ReleaseDisk(1);
  cluster_.Propose(1, "d");
  cluster_.DeliverAll();
  EXPECT_EQ(Committed(), Index(4));
  cluster_.Propose(1, "e");
  EXPECT_EQ(SentTo(2).size() + SentTo(3).size(), 1u) << "one of them is enough again";
}

// n2 goes on making the quorums, for n3 is not sent its entries before n2 has.
TEST_F(RaftAppendDelay, WhoHasBecomeSlowerIsFoundOutBehindAHeartbeat) {
  cluster_.HoldDisk(2);
  cluster_.Propose(1, "a");
  EXPECT_EQ(SentTo(3), Counts{});
  cluster_.DeliverAll();
  cluster_.ReleaseDisk(2);
  cluster_.DeliverAll();
  EXPECT_EQ(Committed(), Index(2));
  cluster_.Advance(milliseconds(100));  // a heartbeat
  cluster_.HoldDisk(2);
  cluster_.Propose(1, "b");
  EXPECT_EQ(SentTo(2), Counts{1});
  EXPECT_EQ(SentTo(3), Counts{1});
  cluster_.DeliverAll();
  EXPECT_EQ(Committed(), Index(3)) << "by n3";
  cluster_.Propose(1, "c");
  EXPECT_EQ(SentTo(2), Counts{});
  EXPECT_EQ(SentTo(3), Counts{1});
}

// Its disk is slow, and idle between any two commands.
TEST_F(RaftAppendDelay, ALeaderThatIsSlowerThanTwoFollowersIsFoundOutBehindAHeartbeat) {
  for (int i = 0; i < 3; ++i) {
    cluster_.Advance(milliseconds(100));
    cluster_.HoldDisk(1);
    const Index before = Committed();
    cluster_.Propose(1, "a");
    cluster_.DeliverAll();
    EXPECT_EQ(Committed(), before + 1) << "by n2 and n3";
    cluster_.Propose(1, "b");
    cluster_.DeliverAll();
    EXPECT_EQ(Committed(), before + 2) << "again, without a heartbeat before";
    cluster_.ReleaseDisk(1);
    cluster_.DeliverAll();
  }
}

TEST_F(RaftAppendDelay, WhatWasDueAndHadNoRoomIsSentAsSoonAsThereIsSome) {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) {
    raft.append_delay = kDelay;
    raft.append_entries_max = 4;
    raft.inflight_messages_max = 1;
  };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  for (const char* command : {"a", "b", "c", "d"}) cluster.Propose(1, command);
  // What n3 is sent is under way for long.
  std::vector<Message> held;
  const auto hold = [&cluster, &held] {
    auto& network = cluster.network();
    for (auto at = network.begin(); at != network.end();) {
      if (at->to == IdOfNode(3)) {
        held.push_back(std::move(*at));
        at = network.erase(at);
      } else {
        ++at;
      }
    }
  };
  hold();
  ASSERT_EQ(held.size(), 1u);
  cluster.DeliverAll();
  cluster.Propose(1, "e");
  hold();
  cluster.DeliverAll();
  cluster.Skip(kDelay);
  cluster.FireDeadline(1);
  EXPECT_EQ(held.size(), 1u) << "the window is full";
  cluster.Deliver(std::move(held[0]));
  cluster.DeliverAll();
  EXPECT_EQ(cluster.LogOf(3), cluster.LogOf(1)) << "without another delay";
}

TEST_F(RaftAppendDelay, AReadAtAFollowerDoesNotWaitForWhatItLacks) {
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.LogOf(3), "-@1");
  cluster_.Step(3, Submit{.commands = {}, .reads = {ReadId(7)}});
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.reads_ready(3).size(), 1u);
  EXPECT_EQ(cluster_.LogOf(3), "-@1 a@1");
}

TEST_F(RaftAppendDelay, ALearnerWaitsWhateverTheLeadersDiskDoes) {
  cluster_.Join(4);
  const MemberChange add{.kind = MemberChange::Kind::kAddLearner,
                         .name = NameOfNode(4),
                         .address = "host:4",
                         .replaced = {}};
  cluster_.Step(1, ChangeMembership{.changes = {add}});
  cluster_.Advance(milliseconds(500));
  cluster_.HoldDisk(1);
  for (int i = 0; i < 3; ++i) {
    cluster_.Propose(1, "a");
    EXPECT_EQ(SentTo(3).size(), 1u) << "it may make the quorum";
    EXPECT_EQ(SentTo(4).size(), 0u);
    cluster_.DeliverAll();
  }
}

TEST(RaftAppendDelayOfFive, AsManyAreSentEntriesAtOnceAsMakeAQuorum) {
  RaftCluster cluster(5, Delayed());
  cluster.Elect(1);
  for (const char* command : {"a", "b"}) {
    cluster.Propose(1, command);
    std::size_t sent = 0;
    for (int number = 2; number <= 5; ++number) {
      sent += cluster.Sent<AppendEntriesRequest>(1, number).size();
    }
    EXPECT_EQ(sent, 2u);
    cluster.DeliverAll();
  }
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(3));
}

TEST(RaftAppendDelayOfTwo, TheOnlyFollowerNeverWaits) {
  RaftCluster cluster(2, Delayed());
  cluster.Elect(1);
  for (int i = 0; i < 3; ++i) {
    cluster.Propose(1, "a");
    EXPECT_EQ(cluster.Sent<AppendEntriesRequest>(1, 2).size(), 1u);
    cluster.DeliverAll();
  }
}

TEST(RaftAppendDelayOptions, MustNotBeNegative) {
  RaftOptions options;
  options.id = NodeId(1);
  options.append_delay = milliseconds(-1);
  EXPECT_NE(options.Problem().value_or("").find("delay"), std::string::npos);
  options.append_delay = Duration::zero();
  EXPECT_EQ(options.Problem(), std::nullopt);
}

}  // namespace
}  // namespace grassdb
