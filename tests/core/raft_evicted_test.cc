// What a replica does with entries that it holds on its disk only: for a follower that is far
// behind, and for a node that repairs its log.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

// n1 leads with a no-op and "a" to "e" (entries 2 to 6), n3 has none of the latter, and n1 has
// evicted up to entry 4.
class RaftEvicted : public ::testing::Test {
 protected:
  RaftEvicted() : cluster_(3) {
    cluster_.Elect(1);
    cluster_.Isolate(3);
    for (const char* command : {"a", "b", "c", "d", "e"}) cluster_.Propose(1, command);
    cluster_.DeliverAll();
    log_ = cluster_.raft(1).log();
    cluster_.Step(1, Evict{.through = Index(4)});
    EXPECT_EQ(cluster_.raft(1).log().evicted_through(), Index(4));
  }
  // n3 is there again; what the leader wants to read for it.
  ReadEntries Reconnect() {
    cluster_.Heal();
    cluster_.Skip(milliseconds(100));
    cluster_.Step(1, DeadlineReached{});
    return DeliverUntilRead();
  }
  ReadEntries DeliverUntilRead() {
    while (!cluster_.network().empty()) {
      Message message = cluster_.network().front();
      cluster_.network().pop_front();
      cluster_.Deliver(std::move(message));
      if (!cluster_.last(1).entries_needed.empty()) return cluster_.last(1).entries_needed.front();
    }
    ADD_FAILURE() << "nothing is read";
    return {};
  }
  EntriesRead Found(const ReadEntries& wanted) const {
    EntriesRead read{.wanted = wanted, .entries = {}, .status = absl::OkStatus()};
    for (Index index = wanted.first; index <= wanted.last; ++index) {
      read.entries.push_back(log_.At(index));
    }
    return read;
  }
  static EntriesRead Unreadable(const ReadEntries& wanted) {
    return {.wanted = wanted, .entries = {}, .status = absl::DataLossError("damaged")};
  }

  RaftCluster cluster_;
  Log log_;  // before it was evicted
};

TEST_F(RaftEvicted, AreReadForAFollowerThatNeedsThem) {
  const ReadEntries wanted = Reconnect();
  EXPECT_EQ(wanted.reader, IdOfNode(3));
  EXPECT_EQ(wanted.first, Index(2));
  EXPECT_EQ(wanted.last, Index(4)) << "what is behind is in memory";
  EXPECT_EQ(wanted.term, Term(1));
  cluster_.Step(1, Found(wanted));
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.LogOf(3), "-@1 a@1 b@1 c@1 d@1 e@1");
  EXPECT_EQ(cluster_.raft(3).commit_index(), Index(6));
}

TEST_F(RaftEvicted, AreReadOnceAtATimeForAFollower) {
  const ReadEntries wanted = Reconnect();
  for (int i = 0; i < 3; ++i) {
    cluster_.Skip(milliseconds(100));
    cluster_.Step(1, DeadlineReached{});
    EXPECT_TRUE(cluster_.last(1).entries_needed.empty());
    cluster_.DeliverAll();
  }
  EntriesRead part = Found(wanted);
  part.entries.resize(1);
  cluster_.Step(1, std::move(part));
  ASSERT_EQ(cluster_.last(1).entries_needed.size(), 1u) << "the next ones";
  EXPECT_EQ(cluster_.last(1).entries_needed[0].first, Index(3));
}

TEST_F(RaftEvicted, AreTriedAgainWithTheNextHeartbeatIfTheyCannotBeRead) {
  const ReadEntries wanted = Reconnect();
  cluster_.Step(1, Unreadable(wanted));
  EXPECT_TRUE(cluster_.last(1).entries_needed.empty());
  EXPECT_TRUE(cluster_.last(1).snapshot_needed.empty());
  cluster_.Skip(milliseconds(100));
  cluster_.Step(1, DeadlineReached{});
  EXPECT_EQ(cluster_.last(1).entries_needed.size(), 1u);
}

TEST_F(RaftEvicted, GiveWayToASnapshotThatReplacesThem) {
  const ReadEntries wanted = Reconnect();
  cluster_.Compact(1);
  cluster_.Step(1, Found(wanted));
  EXPECT_EQ(cluster_.last(1).snapshot_needed.size(), 1u) << "what was read is behind the base now";
  EXPECT_EQ(cluster_.last(1).snapshot_needed.front(), IdOfNode(3));
}

TEST_F(RaftEvicted, AreNotSentByOneWhoLeadsNoMore) {
  const ReadEntries wanted = Reconnect();
  cluster_.DropAll();
  cluster_.Step(1, Message{.from = IdOfNode(2),
                           .to = IdOfNode(1),
                           .term = Term(5),
                           .body = AppendEntriesRequest{.prev_log_index = Index(6),
                                                        .prev_log_term = Term(1),
                                                        .leader_commit = Index(6),
                                                        .read_round = ReadRound(),
                                                        .sent_at = Instant(),
                                                        .entries = {}}});
  cluster_.DropAll();
  cluster_.Step(1, Found(wanted));
  EXPECT_TRUE(cluster_.network().empty());
}

TEST_F(RaftEvicted, AreNotNeededForAProbe) {
  cluster_.Heal();
  cluster_.DropAll();
  cluster_.Skip(milliseconds(100));
  cluster_.Step(1, DeadlineReached{});
  const auto heartbeats = cluster_.Sent<AppendEntriesRequest>(1, 3);
  ASSERT_FALSE(heartbeats.empty());
  cluster_.Deliver(heartbeats.front());
  const auto conflicts = cluster_.Sent<AppendEntriesResponse>(3, 1);
  ASSERT_EQ(conflicts.size(), 1u);
  cluster_.Deliver(conflicts.front());
  EXPECT_TRUE(cluster_.last(1).entries_needed.empty());
  const auto probe = std::get<AppendEntriesRequest>(cluster_.last(1).messages.at(0).body);
  EXPECT_EQ(probe.prev_log_index, Index(1)) << "where n3's log ends";
  EXPECT_TRUE(probe.entries.empty());
}

RepairRequest Asked(std::uint64_t first, std::uint64_t last) {
  return RepairRequest{.ask = RepairAsk::kEntries,
                       .first = Index(first),
                       .last = Index(last),
                       .previous_term = Term(1),
                       .last_term = Term(1),
                       .snapshot_index = Index(),
                       .snapshot_term = Term()};
}

Message From3(const RepairRequest& request) {
  return Message{.from = IdOfNode(3), .to = IdOfNode(1), .term = Term(1), .body = request};
}

TEST_F(RaftEvicted, AreReadForANodeThatHasLostThem) {
  cluster_.DropAll();
  cluster_.Heal();
  cluster_.Step(1, From3(Asked(3, 6)));
  EXPECT_TRUE(cluster_.network().empty());
  ASSERT_EQ(cluster_.last(1).entries_needed.size(), 1u);
  const ReadEntries wanted = cluster_.last(1).entries_needed.front();
  EXPECT_EQ(wanted.purpose, ReadFor::kRepair);
  EXPECT_EQ(wanted.first, Index(3));
  EXPECT_EQ(wanted.last, Index(4));
  cluster_.Step(1, From3(Asked(2, 2)));
  EXPECT_TRUE(cluster_.last(1).entries_needed.empty()) << "one at a time";
  cluster_.Step(1, Found(wanted));
  ASSERT_EQ(cluster_.network().size(), 1u);
  const auto answer = std::get<RepairResponse>(cluster_.network().front().body);
  EXPECT_EQ(answer.verdict, RepairVerdict::kHeld);
  // What was read, and what is in memory behind it.
  ASSERT_EQ(answer.entries.size(), 4u);
  EXPECT_EQ(answer.entries.front(), log_.At(Index(3)));
  EXPECT_EQ(answer.entries.back(), log_.At(Index(6)));
}

TEST_F(RaftEvicted, AreNotSaidToBeAbsentIfTheyCannotBeRead) {
  cluster_.DropAll();
  cluster_.Heal();
  cluster_.Step(1, From3(Asked(3, 6)));
  cluster_.Step(1, Unreadable(cluster_.last(1).entries_needed.front()));
  ASSERT_EQ(cluster_.network().size(), 1u);
  EXPECT_EQ(std::get<RepairResponse>(cluster_.network().front().body).verdict,
            RepairVerdict::kUnknown);
}

}  // namespace
}  // namespace grassdb
