// core/standing.cc: members that have lost their disk, or a part of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Incarnation kFirst = RaftCluster::kFirstIncarnation;
constexpr Incarnation kSecond = kFirst + 1;
constexpr Incarnation kSmaller{2};

class RaftStanding : public ::testing::Test {
 protected:
  explicit RaftStanding() : cluster_(3, WithIncarnations(this)) {}

  static RaftCluster::Options WithIncarnations(RaftStanding* test) {
    RaftCluster::Options options;
    options.incarnations = true;
    options.stream_snapshots = true;
    options.on_step = [test](int number, const Input&, const Output& output) {
      test->Note(number, output);
    };
    return options;
  }

  // The roles that n3 and the others pass through on the leader's way, and who was reported.
  void Note(int number, const Output& output) {
    for (const Event& event : output.events) {
      if (event.kind == EventKind::kMemberForgot) forgot_.push_back(event.peer);
      if (event.kind == EventKind::kNewDisk) without_vote_.push_back(event.peer);
      if (event.kind == EventKind::kRenewed) renewed_ = true;
      if (event.kind != EventKind::kChangedMembership ||
          cluster_.raft(number).leader() == NodeId(0))
        continue;
      for (const Member& member : cluster_.raft(number).configuration().members()) {
        if (member.role == MemberRole::kJoining) joined_.insert(member.id);
      }
    }
  }

  // A cluster that has run for a while.
  void Settle(int leader) {
    cluster_.Elect(leader);
    cluster_.Advance(milliseconds(500));
    forgot_.clear();
    joined_.clear();
  }

  bool AllAreVoters() {
    const int leader = cluster_.Leader();
    return leader != 0 && !cluster_.raft(leader).IsChangingMembership() &&
           cluster_.raft(leader).configuration().voters().size() == 3;
  }
  Incarnation RecordedOf(int number) {
    return cluster_.raft(cluster_.Leader()).configuration().Find(IdOfNode(number))->incarnation;
  }
  Standing StandingOf(int number) { return cluster_.raft(number).standing(); }
  const Progress& FollowerN2() {
    return *std::ranges::find(*cluster_.raft(1).followers(), IdOfNode(2), &Progress::id);
  }
  // The next round of appends of n1, and what follows, up to where one is renewed.
  void DeliverUntilRenewed() {
    cluster_.Skip(milliseconds(100));
    cluster_.Step(1, DeadlineReached{});
    while (!renewed_ && !cluster_.network().empty()) {
      const Message message = cluster_.network().front();
      cluster_.network().pop_front();
      cluster_.Deliver(message);
    }
  }
  // The first election of the cluster, won by `candidate`; `look` sees every message.
  void Birth(int candidate, const std::function<void(const Message&)>& look) {
    cluster_.Skip(milliseconds(600));
    cluster_.Step(candidate, DeadlineReached{});
    while (!cluster_.network().empty()) {
      const Message message = cluster_.network().front();
      cluster_.network().pop_front();
      look(message);
      cluster_.Deliver(message);
    }
  }
  Message FromN2(const AppendEntriesResponse& response) {
    return Message{.from = IdOfNode(2),
                   .to = IdOfNode(1),
                   .term = cluster_.raft(1).term(),
                   .body = response,
                   .incarnation = kFirst};
  }

  RaftCluster cluster_;
  std::vector<NodeId> forgot_;
  std::vector<NodeId> without_vote_;
  bool renewed_ = false;
  std::set<NodeId> joined_;
};

TEST_F(RaftStanding, ANewClusterWritesDownWhoHasWhichDisk) {
  cluster_.Elect(1);
  cluster_.Advance(milliseconds(300));
  for (const int number : {1, 2, 3}) {
    EXPECT_EQ(RecordedOf(number), kFirst) << number;
    EXPECT_EQ(StandingOf(number), Standing::kProven) << number;
  }
  EXPECT_TRUE(joined_.empty()) << "who took part in the birth is a voter from the start";
  EXPECT_TRUE(forgot_.empty());
}

// Mutant M87. n2 has acknowledged "a", which n3 has not.
TEST_F(RaftStanding, AWipedVoterHelpsNobodyToLeadWithoutWhatItAcknowledged) {
  Settle(1);
  cluster_.Isolate(3);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  const Index committed = cluster_.raft(1).commit_index();
  ASSERT_EQ(committed, cluster_.raft(1).log().last_index());
  ASSERT_LT(cluster_.raft(3).log().last_index(), committed);
  cluster_.Heal();
  cluster_.Isolate(1);
  cluster_.Wipe(2);
  for (int i = 0; i < 50; ++i) {
    cluster_.Advance(milliseconds(200));
    ASSERT_NE(cluster_.raft(2).role(), Role::kLeader);
    ASSERT_NE(cluster_.raft(3).role(), Role::kLeader);
  }
  // Nobody leads who could say so.
  EXPECT_EQ(without_vote_, std::vector<NodeId>{IdOfNode(2)}) << "said once, by n3";
  cluster_.Heal();
  cluster_.Advance(seconds(3));
  EXPECT_TRUE(AllAreVoters());
  EXPECT_EQ(RecordedOf(2), kSecond);
  EXPECT_GE(cluster_.raft(2).commit_index(), committed);
}

TEST_F(RaftStanding, AWipedVoterLearnsFirstAndBecomesAVoterByItself) {
  Settle(1);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  cluster_.Wipe(2);
  EXPECT_EQ(StandingOf(2), Standing::kUnproven);
  cluster_.Advance(seconds(1));
  EXPECT_EQ(forgot_, std::vector<NodeId>{IdOfNode(2)});
  EXPECT_EQ(joined_, std::set<NodeId>{IdOfNode(2)});
  EXPECT_TRUE(AllAreVoters());
  EXPECT_EQ(cluster_.Leader(), 1);
  EXPECT_EQ(RecordedOf(2), kSecond);
  EXPECT_EQ(StandingOf(2), Standing::kProven);
  EXPECT_EQ(cluster_.LogOf(2), cluster_.LogOf(1));
}

TEST_F(RaftStanding, AWipedLeaderComesBackAsALearner) {
  Settle(1);
  cluster_.Wipe(1);
  cluster_.Advance(seconds(3));
  EXPECT_TRUE(AllAreVoters());
  EXPECT_EQ(RecordedOf(1), kSecond);
  EXPECT_EQ(joined_, std::set<NodeId>{IdOfNode(1)});
}

TEST_F(RaftStanding, AWipedVoterComesBackThroughASnapshot) {
  Settle(1);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  for (const int number : {1, 2, 3}) cluster_.Compact(number);
  cluster_.Wipe(2);
  cluster_.Advance(seconds(2));
  EXPECT_TRUE(AllAreVoters());
  EXPECT_EQ(StandingOf(2), Standing::kProven);
  EXPECT_EQ(cluster_.raft(2).log().base_index(), cluster_.raft(1).log().base_index());
}

TEST_F(RaftStanding, WhatAWipedVoterAcknowledgesCountsForNothing) {
  Settle(1);
  cluster_.Isolate(3);
  cluster_.Wipe(2);
  const Index before = cluster_.raft(1).commit_index();
  cluster_.Propose(1, "a");
  cluster_.Advance(seconds(2));
  EXPECT_EQ(cluster_.raft(1).commit_index(), before);
  EXPECT_EQ(cluster_.Leader(), 0) << "a leader without a quorum that counts steps down";
  cluster_.Heal();
  cluster_.Advance(seconds(3));
  EXPECT_TRUE(AllAreVoters());
}

// Its clock may be behind, and incarnations have no order.
TEST_F(RaftStanding, AWipedVoterIsNoticedAlsoIfItsNewIncarnationIsTheSmallerOne) {
  Settle(1);
  cluster_.Wipe(2, kSmaller);
  cluster_.Advance(seconds(1));
  EXPECT_EQ(forgot_, std::vector<NodeId>{IdOfNode(2)});
  EXPECT_TRUE(AllAreVoters());
  EXPECT_EQ(RecordedOf(2), kSmaller);
  EXPECT_EQ(StandingOf(2), Standing::kProven);
}

TEST_F(RaftStanding, AnAnswerOfAnEarlierLifeOfTheDiskIsDropped) {
  Settle(1);
  cluster_.Propose(1, "a");
  std::optional<Message> late;
  while (!cluster_.network().empty()) {
    const Message message = cluster_.network().front();
    cluster_.network().pop_front();
    if (message.from == IdOfNode(2)) late = message;
    cluster_.Deliver(message);
  }
  ASSERT_TRUE(late.has_value() && std::holds_alternative<AppendEntriesResponse>(late->body));
  cluster_.Wipe(2, kSmaller);
  cluster_.Advance(seconds(1));
  ASSERT_EQ(RecordedOf(2), kSmaller);
  forgot_.clear();
  // What nobody has acknowledged yet must not count as acknowledged.
  cluster_.Isolate(1);
  cluster_.Propose(1, "b");
  const Index committed = cluster_.raft(1).commit_index();
  auto& answer = std::get<AppendEntriesResponse>(late->body);
  answer.match_index = cluster_.raft(1).log().last_index();
  cluster_.Deliver(*late);
  EXPECT_EQ(cluster_.raft(1).commit_index(), committed);
  EXPECT_EQ(FollowerN2().incarnation, kSmaller);
  EXPECT_TRUE(forgot_.empty()) << "taken for the newer disk";
}

// Of the same incarnation: only the leader that has its acknowledgements can tell.
TEST_F(RaftStanding, AVoterWhoseDiskWasRolledBackIsAdmittedAnew) {
  Settle(1);
  const RecoveredState earlier = cluster_.DiskOf(2);
  cluster_.Propose(1, "a");
  cluster_.Propose(1, "b");
  cluster_.DeliverAll();
  cluster_.RollBack(2, earlier);
  cluster_.Propose(1, "c");
  cluster_.Advance(seconds(1));
  EXPECT_EQ(forgot_, std::vector<NodeId>{IdOfNode(2)});
  EXPECT_EQ(joined_, std::set<NodeId>{IdOfNode(2)});
  EXPECT_TRUE(AllAreVoters());
  EXPECT_EQ(cluster_.LogOf(2), cluster_.LogOf(1));
}

// n2 has acknowledged "a", which n3 has not, and is rolled back. The leader that tells it is gone
// before anybody else knows.
TEST_F(RaftStanding, ADiskThatWasToldThatItWasRolledBackHelpsNobodyUntilItIsAdmittedAnew) {
  Settle(1);
  const RecoveredState earlier = cluster_.DiskOf(2);
  cluster_.Isolate(3);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  ASSERT_GT(cluster_.raft(1).commit_index(), cluster_.raft(3).log().last_index());
  cluster_.RollBack(2, earlier);
  DeliverUntilRenewed();
  EXPECT_TRUE(renewed_);
  cluster_.DropAll();
  cluster_.Heal();
  cluster_.Isolate(1);
  ASSERT_EQ(cluster_.LogOf(2), cluster_.LogOf(3)) << "by their logs, either can lead";
  for (int i = 0; i < 50; ++i) {
    if (i % 10 == 5) cluster_.Restart(2);
    cluster_.Advance(milliseconds(200));
    ASSERT_EQ(StandingOf(2), Standing::kUnproven);
    ASSERT_NE(cluster_.raft(2).role(), Role::kLeader);
    ASSERT_NE(cluster_.raft(3).role(), Role::kLeader);
  }
  cluster_.Heal();
  cluster_.Advance(seconds(3));
  EXPECT_TRUE(AllAreVoters());
  EXPECT_EQ(RecordedOf(2), cluster_.raft(2).incarnation());
  EXPECT_NE(RecordedOf(2), kFirst);
  EXPECT_EQ(cluster_.LogOf(2), cluster_.LogOf(1));
}

// It says nothing with its new incarnation, nor anything more with the old one, before that is
// durable.
TEST_F(RaftStanding, ADiskThatWasRolledBackIsSilentUntilItHasWrittenThatDown) {
  Settle(1);
  const RecoveredState earlier = cluster_.DiskOf(2);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  cluster_.RollBack(2, earlier);
  cluster_.HoldDisk(2);
  for (int i = 0; i < 5000 && !renewed_; ++i) cluster_.Advance(milliseconds(1));
  ASSERT_TRUE(renewed_);
  cluster_.DropAll();
  cluster_.Step(3, DeadlineReached{});
  cluster_.Skip(milliseconds(100));
  cluster_.Step(1, DeadlineReached{});
  for (const Message& message : cluster_.Sent<AppendEntriesRequest>(1, 2)) {
    cluster_.Step(2, message);
  }
  for (const int other : {1, 3}) {
    EXPECT_TRUE(cluster_.Sent<AppendEntriesResponse>(2, other).empty());
    EXPECT_TRUE(cluster_.Sent<RequestVoteResponse>(2, other).empty());
  }
  EXPECT_EQ(IncarnationOf(cluster_.DiskOf(2).identity, cluster_.DiskOf(2).hard_state), kFirst);
  cluster_.ReleaseDisk(2);
  EXPECT_FALSE(cluster_.Sent<AppendEntriesResponse>(2, 1).empty());
  for (const Message& message : cluster_.Sent<AppendEntriesResponse>(2, 1)) {
    EXPECT_EQ(message.incarnation, cluster_.raft(2).incarnation());
    EXPECT_NE(message.incarnation, kFirst);
  }
}

// What it has taken from an append that came late, before it is told, is of the disk that has
// forgotten.
TEST_F(RaftStanding, ADiskThatIsToldThatItWasRolledBackSaysNothingOfWhatWasHeldBackBefore) {
  Settle(1);
  const RecoveredState earlier = cluster_.DiskOf(2);
  cluster_.Propose(1, "a");
  const std::vector<Message> late = cluster_.Sent<AppendEntriesRequest>(1, 2);
  ASSERT_EQ(late.size(), 1u);
  cluster_.DeliverAll();
  cluster_.RollBack(2, earlier);
  cluster_.HoldDisk(2);
  for (int i = 0; i < 5000 && !renewed_; ++i) {
    cluster_.Skip(milliseconds(1));
    if (cluster_.raft(1).NextDeadline() <= cluster_.now()) cluster_.Step(1, DeadlineReached{});
    while (!renewed_ && !cluster_.network().empty()) {
      const Message message = cluster_.network().front();
      cluster_.network().pop_front();
      if (message.to == IdOfNode(2) && !forgot_.empty()) cluster_.Step(2, late.front());
      cluster_.Deliver(message);
    }
  }
  ASSERT_TRUE(renewed_);
  ASSERT_GT(cluster_.UnfinishedPersists(2), 0u);
  cluster_.DropAll();
  cluster_.ReleaseDisk(2);
  for (const Message& message : cluster_.network()) {
    EXPECT_FALSE(message.from == IdOfNode(2) && message.incarnation == kFirst);
  }
}

TEST_F(RaftStanding, ADiskThatIsRolledBackToBeforeItsIncarnationIsNotTakenForANewOne) {
  Settle(1);
  const RecoveredState earlier = cluster_.DiskOf(2);
  std::set<Incarnation> seen{kFirst};
  for (int times = 1; times <= 3; ++times) {
    cluster_.Propose(1, "a");
    cluster_.DeliverAll();
    cluster_.RollBack(2, earlier);
    ASSERT_EQ(StandingOf(2), Standing::kProven) << "in its own eyes";
    cluster_.Advance(seconds(1));
    EXPECT_TRUE(AllAreVoters());
    EXPECT_EQ(StandingOf(2), Standing::kProven);
    EXPECT_TRUE(seen.insert(RecordedOf(2)).second) << "another one each time";
    EXPECT_EQ(forgot_.size(), static_cast<std::size_t>(times));
  }
}

// It knows of a leader, so of a cluster that has been born.
TEST_F(RaftStanding, ADiskThatWasRolledBackToNothingIsNoFounder) {
  const RecoveredState earlier = cluster_.DiskOf(2);
  Settle(1);
  cluster_.RollBack(2, earlier);
  ASSERT_EQ(cluster_.raft(2).log().last_index(), Index(0));
  DeliverUntilRenewed();
  ASSERT_TRUE(renewed_);
  cluster_.DropAll();
  cluster_.Isolate(1);
  cluster_.Wipe(3);
  cluster_.Advance(seconds(3));
  EXPECT_EQ(cluster_.raft(2).term(), cluster_.raft(1).term()) << "it has not stood";
  EXPECT_FALSE(cluster_.DiskOf(2).hard_state.founder);
  EXPECT_FALSE(cluster_.DiskOf(3).hard_state.founder) << "nor made another one a founder";
}

// What it acknowledged before it was rolled back, still under way when that is noticed.
TEST_F(RaftStanding, AnAcknowledgementFromBeforeTheRollBackIsNotTakenForANewOne) {
  Settle(1);
  const RecoveredState earlier = cluster_.DiskOf(2);
  cluster_.Propose(1, "a");
  const Instant before = cluster_.now();
  cluster_.DeliverAll();
  AppendEntriesResponse matched;
  matched.match_index = cluster_.raft(1).log().last_index();
  matched.prev_log_index = matched.match_index - 1;
  matched.sent_at = before;
  cluster_.RollBack(2, earlier);
  cluster_.HoldDisk(2);  // it says what it has, and can learn nothing
  cluster_.Advance(milliseconds(300));
  ASSERT_EQ(forgot_.size(), 1u);
  cluster_.Deliver(FromN2(matched));
  EXPECT_LT(FollowerN2().match, matched.match_index);
  cluster_.ReleaseDisk(2);
  cluster_.Advance(seconds(1));
  EXPECT_EQ(forgot_.size(), 1u);
  EXPECT_TRUE(AllAreVoters());
}

TEST_F(RaftStanding, ALearnerThatDeniesWhatItAcknowledgedLearnsOnceMore) {
  Settle(1);
  const RecoveredState earlier = cluster_.DiskOf(2);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  cluster_.RollBack(2, earlier);
  cluster_.HoldDisk(2);
  cluster_.Advance(milliseconds(300));
  ASSERT_FALSE(cluster_.raft(1).configuration().IsVoter(IdOfNode(2)));
  AppendEntriesResponse denied;
  denied.result = AppendResult::kConflict;
  denied.conflict_index = Index(1);
  denied.prev_log_index = FollowerN2().match;
  denied.sent_at = cluster_.now() + milliseconds(1);
  cluster_.Skip(milliseconds(2));
  cluster_.Deliver(FromN2(denied));
  EXPECT_EQ(forgot_.size(), 2u);
  cluster_.ReleaseDisk(2);
  cluster_.Advance(seconds(1));
  EXPECT_TRUE(AllAreVoters());
}

// What was said at the birth of the cluster, repeated by the network to a disk that came after.
TEST_F(RaftStanding, TheAnswersToTheCampaignOfAnEarlierLifeElectNobody) {
  std::vector<Message> answers;
  Birth(3, [&](const Message& message) {
    if (std::holds_alternative<RequestVoteResponse>(message.body)) answers.push_back(message);
  });
  ASSERT_EQ(cluster_.Leader(), 3);
  ASSERT_GE(answers.size(), 4u);
  cluster_.Propose(3, "a");
  cluster_.DeliverAll();
  cluster_.Wipe(3);
  while (cluster_.raft(3).role() != Role::kPreCandidate) cluster_.FireDeadline(3);
  cluster_.DropAll();
  for (const Message& answer : answers) {
    if (answer.to == IdOfNode(3)) cluster_.Step(3, answer);
  }
  EXPECT_EQ(cluster_.raft(3).role(), Role::kPreCandidate);
  EXPECT_EQ(StandingOf(3), Standing::kUnproven);
}

TEST_F(RaftStanding, AVoteRequestToAnEarlierLifeMakesNoFounder) {
  std::vector<Message> requests;
  Birth(1, [&](const Message& message) {
    const auto* request = std::get_if<RequestVoteRequest>(&message.body);
    if (request != nullptr && request->ballot == Ballot::kVote) requests.push_back(message);
  });
  ASSERT_EQ(cluster_.Leader(), 1);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  cluster_.Wipe(3);
  ASSERT_EQ(requests.size(), 2u);
  for (Message& request : requests) {
    if (request.to != IdOfNode(3)) continue;
    cluster_.Step(3, request);
    EXPECT_EQ(StandingOf(3), Standing::kUnproven);
    request.to_incarnation = Incarnation(0);  // as of a candidate that had not heard of n3
    cluster_.Step(3, request);
    EXPECT_EQ(StandingOf(3), Standing::kUnproven);
  }
}

// n1 left, was wiped, was added again and leads, all while n3 was away (seed 7922).
TEST_F(RaftStanding, AMemberThatLeftIsNotKnownByTheDiskItHadThen) {
  Settle(1);
  cluster_.Step(1, TransferLeadership{.target = IdOfNode(2)});
  cluster_.Advance(milliseconds(500));
  ASSERT_EQ(cluster_.Leader(), 2);
  cluster_.Step(2, ChangeMembership{.changes = {{.kind = MemberChange::Kind::kRemove,
                                                 .name = NameOfNode(1),
                                                 .address = {},
                                                 .replaced = {}}}});
  cluster_.Advance(milliseconds(500));
  ASSERT_EQ(cluster_.raft(3).configuration().Find(IdOfNode(1)), nullptr);
  cluster_.DropAll();
  AppendEntriesRequest heartbeat;
  heartbeat.prev_log_index = cluster_.raft(3).log().last_index() + 5;
  heartbeat.prev_log_term = Term(7);
  cluster_.Step(3, Message{.from = IdOfNode(1),
                           .to = IdOfNode(3),
                           .term = Term(7),
                           .body = heartbeat,
                           .incarnation = kSecond});
  const std::vector<Message> answers = cluster_.Sent<AppendEntriesResponse>(3, 1);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_NE(answers[0].to_incarnation, kFirst);
}

// The leader has not heard yet that n3 has lost its disk, and hands over to it.
TEST_F(RaftStanding, AWipedVoterThatIsAskedToCampaignDoesNot) {
  Settle(1);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  cluster_.Wipe(3);
  cluster_.Cut(3, 1);
  cluster_.FireDeadline(1);
  cluster_.DeliverAll();
  ASSERT_EQ(cluster_.raft(3).leader(), IdOfNode(1));
  cluster_.Step(1, TransferLeadership{.target = IdOfNode(3)});
  cluster_.DeliverAll();
  EXPECT_EQ(cluster_.raft(3).role(), Role::kFollower);
  EXPECT_EQ(StandingOf(3), Standing::kUnproven);
}

// It cannot be told from one that was wiped.
TEST_F(RaftStanding, AVoterThatMissedTheBirthOfTheClusterLearnsFirst) {
  cluster_.Isolate(3);
  cluster_.Elect(1);
  cluster_.Advance(milliseconds(500));
  cluster_.Heal();
  EXPECT_EQ(StandingOf(3), Standing::kUnproven);
  cluster_.Advance(seconds(2));
  EXPECT_EQ(joined_, std::set<NodeId>{IdOfNode(3)});
  EXPECT_TRUE(AllAreVoters());
  EXPECT_EQ(StandingOf(3), Standing::kProven);
}

TEST_F(RaftStanding, TheLeaderKnowsHowManyMayFail) {
  const auto tolerated = [this] { return cluster_.raft(1).FailuresTolerated(); };
  cluster_.Elect(1);
  EXPECT_EQ(cluster_.raft(2).FailuresTolerated(), 0u) << "it does not lead";
  cluster_.Advance(milliseconds(300));
  EXPECT_EQ(tolerated(), 1u);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  cluster_.Wipe(3);
  cluster_.FireDeadline(1);
  while (cluster_.raft(1).configuration().IsVoter(IdOfNode(3))) {
    ASSERT_FALSE(cluster_.network().empty());
    const Message message = cluster_.network().front();
    cluster_.network().pop_front();
    cluster_.Deliver(message);
  }
  EXPECT_EQ(tolerated(), 0u) << "n3 has no vote until it has learned everything anew";
  cluster_.Advance(milliseconds(500));
  ASSERT_TRUE(AllAreVoters());
  EXPECT_EQ(tolerated(), 1u);
  cluster_.Isolate(2);
  cluster_.Advance(milliseconds(1000));
  EXPECT_EQ(tolerated(), 0u) << "n2 has failed already";
}

TEST_F(RaftStanding, NoConfigurationComesToRestOnWhoHasNotSpokenYet) {
  cluster_.Isolate(3);
  cluster_.Elect(1);
  cluster_.Propose(1, "a");
  cluster_.DeliverAll();
  cluster_.Step(1, ChangeMembership{.changes = {MemberChange{.kind = MemberChange::Kind::kRemove,
                                                             .name = NameOfNode(2),
                                                             .address = {},
                                                             .replaced = {}}}});
  EXPECT_EQ(cluster_.last(1).change, ChangeOutcome::kRefused);
  EXPECT_NE(cluster_.last(1).change_problem.find(NameOfNode(3)), std::string::npos);
}

TEST_F(RaftStanding, SurvivesARestartOfEveryNodeBeforeTheFirstRecord) {
  cluster_.Skip(seconds(1));
  cluster_.Step(1, DeadlineReached{});
  while (cluster_.raft(1).role() != Role::kLeader) {
    const Message message = cluster_.network().front();
    cluster_.network().pop_front();
    cluster_.Deliver(message);
  }
  cluster_.DropAll();
  for (const int number : {1, 2, 3}) {
    cluster_.Restart(number);
    ASSERT_EQ(cluster_.raft(number).configuration_index(), Index(0));
  }
  for (const int number : {1, 2, 3}) EXPECT_EQ(StandingOf(number), Standing::kProven) << number;
  cluster_.Advance(seconds(2));
  EXPECT_TRUE(AllAreVoters());
}

}  // namespace
}  // namespace grassdb
