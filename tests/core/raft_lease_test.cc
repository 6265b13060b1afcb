// Thesis 4.2.3 and 6.4.1: a leader's lease, and the voters that defend the leader it rests on.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

// 90 % of 300 ms.
constexpr Duration kLease = milliseconds(270);

bool HoldsLease(RaftCluster& cluster, int number) {
  return cluster.raft(number).HoldsLease(cluster.now());
}

// Takes what is under way from `from` to `to` off the network.
std::vector<Message> Take(RaftCluster& cluster, int from, int to) {
  std::vector<Message> taken;
  std::erase_if(cluster.network(), [&](const Message& message) {
    if (message.from != IdOfNode(from) || message.to != IdOfNode(to)) return false;
    taken.push_back(message);
    return true;
  });
  return taken;
}

void DeliverLink(RaftCluster& cluster, int from, int to) {
  for (const Message& message : Take(cluster, from, to)) cluster.Deliver(message);
}

Message Ask(int from, int to, Ballot ballot, CampaignReason reason, Term term) {
  RequestVoteRequest request;
  request.ballot = ballot;
  request.reason = reason;
  request.last_log_index = Index(99);
  request.last_log_term = Term(99);
  request.campaign_term = term;
  const Term own = ballot == Ballot::kVote ? term : Term(term.value() - 1);
  return Message{.from = IdOfNode(from), .to = IdOfNode(to), .term = own, .body = request};
}

std::optional<bool> AnswerOf(RaftCluster& cluster, int from, int to) {
  const auto answers = cluster.Sent<RequestVoteResponse>(from, to);
  if (answers.empty()) return std::nullopt;
  return std::get<RequestVoteResponse>(answers.back().body).granted;
}

TEST(RaftLease, IsHeldFromAQuorumsAnswerForAnElectionTimeoutLessTheDrift) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  EXPECT_TRUE(HoldsLease(cluster, 1));
  EXPECT_FALSE(HoldsLease(cluster, 2));
  EXPECT_TRUE(cluster.raft(1).HoldsLease(cluster.now() + kLease - milliseconds(1)));
  EXPECT_FALSE(cluster.raft(1).HoldsLease(cluster.now() + kLease));
}

// n2 would have voted for n3, then heard n1 again, and comes into n3's term by the denial of its
// own late pre-vote: it defends n1 as before.
TEST(RaftLease, IsDefendedAlsoByWhoHasComeIntoTheNextTermAnotherWay) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Advance(milliseconds(150));
  cluster.DropAll();
  const Instant both = std::max(cluster.raft(2).NextDeadline(), cluster.raft(3).NextDeadline());
  cluster.Skip(both - cluster.now());
  cluster.FireDeadline(2);
  const std::vector<Message> late_pre_vote = Take(cluster, 2, 3);
  cluster.DropAll();
  cluster.FireDeadline(3);
  DeliverLink(cluster, 3, 2);
  DeliverLink(cluster, 2, 3);
  ASSERT_EQ(cluster.raft(3).role(), Role::kCandidate);
  const std::vector<Message> vote_request = Take(cluster, 3, 2);
  ASSERT_EQ(vote_request.size(), 1u);
  cluster.DropAll();
  cluster.FireDeadline(1);
  DeliverLink(cluster, 1, 2);
  DeliverLink(cluster, 2, 1);
  cluster.DropAll();
  ASSERT_TRUE(HoldsLease(cluster, 1));
  for (const Message& message : late_pre_vote) cluster.Deliver(message);
  DeliverLink(cluster, 3, 2);
  ASSERT_EQ(cluster.raft(2).term(), cluster.raft(3).term());
  cluster.Deliver(vote_request[0]);
  EXPECT_EQ(AnswerOf(cluster, 2, 3), false);
}

// Nodes may have been started with different timeouts.
TEST(RaftLease, IsNotLongerThanTheFollowersDefendTheLeader) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Skip(kLease);
  cluster.FireDeadline(1);
  for (const int follower : {2, 3}) DeliverLink(cluster, 1, follower);
  for (const int follower : {2, 3}) {
    for (Message& message : Take(cluster, follower, 1)) {
      std::get<AppendEntriesResponse>(message.body).defends = milliseconds(follower * 20);
      cluster.Deliver(message);
    }
  }
  const auto drift = RaftOptions().lease_drift_percent_max;
  const Duration lease = milliseconds(60) * (100 - drift) / 100;  // n3 and n1 are a quorum
  EXPECT_TRUE(cluster.raft(1).HoldsLease(cluster.now() + lease - milliseconds(1)));
  EXPECT_FALSE(cluster.raft(1).HoldsLease(cluster.now() + lease));
}

TEST(RaftLease, IsShorterTheMoreTheClocksMayDrift) {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) { raft.lease_drift_percent_max = 40; };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  EXPECT_TRUE(cluster.raft(1).HoldsLease(cluster.now() + milliseconds(179)));
  EXPECT_FALSE(cluster.raft(1).HoldsLease(cluster.now() + milliseconds(180)));
}

TEST(RaftLease, NeedsTheAnswersOfAQuorum) {
  RaftCluster cluster(5);
  cluster.Elect(1);
  cluster.Skip(milliseconds(400));
  cluster.Step(1, DeadlineReached{});
  ASSERT_FALSE(HoldsLease(cluster, 1));
  for (const int follower : {2, 3}) {
    EXPECT_FALSE(HoldsLease(cluster, 1)) << "with the answers of " << follower - 2;
    DeliverLink(cluster, 1, follower);
    DeliverLink(cluster, follower, 1);
  }
  EXPECT_TRUE(HoldsLease(cluster, 1));
}

TEST(RaftLease, RunsFromWhenTheMessageWasSentAndNotFromWhenItsAnswerCame) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Skip(milliseconds(400));
  cluster.Step(1, DeadlineReached{});
  const Instant sent = cluster.now();
  DeliverLink(cluster, 1, 2);
  cluster.Skip(milliseconds(200));
  DeliverLink(cluster, 2, 1);
  EXPECT_TRUE(HoldsLease(cluster, 1));
  EXPECT_TRUE(cluster.raft(1).HoldsLease(sent + kLease - milliseconds(1)));
  EXPECT_FALSE(cluster.raft(1).HoldsLease(sent + kLease));
}

TEST(RaftLease, IsNotShortenedByTheLateAnswerToAnOlderMessage) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Skip(milliseconds(100));
  cluster.Step(1, DeadlineReached{});
  DeliverLink(cluster, 1, 2);
  const std::vector<Message> older = Take(cluster, 2, 1);
  ASSERT_FALSE(older.empty());
  cluster.Skip(milliseconds(100));
  cluster.Step(1, DeadlineReached{});
  const Instant sent = cluster.now();
  DeliverLink(cluster, 1, 2);
  DeliverLink(cluster, 2, 1);
  for (const Message& message : older) cluster.Deliver(message);
  EXPECT_TRUE(cluster.raft(1).HoldsLease(sent + kLease - milliseconds(1)));
}

TEST(RaftLease, IsNotHeldBeforeACommitInTheLeadersOwnTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Skip(milliseconds(600));
  cluster.Step(2, DeadlineReached{});
  while (cluster.raft(2).role() != Role::kLeader) {
    const Message message = cluster.network().front();
    cluster.network().pop_front();
    cluster.Deliver(message);
  }
  cluster.DropAll();
  // Any answer shows that its sender defends this leader; nothing is committed by this one.
  AppendEntriesResponse answer;
  answer.sent_at = cluster.now();
  for (const int follower : {1, 3}) {
    cluster.Deliver(
        Message{.from = IdOfNode(follower), .to = IdOfNode(2), .term = Term(2), .body = answer});
  }
  EXPECT_FALSE(HoldsLease(cluster, 2));
  cluster.Advance(milliseconds(200));
  EXPECT_EQ(cluster.raft(2).log().TermAt(cluster.raft(2).commit_index()), Term(2));
  EXPECT_TRUE(HoldsLease(cluster, 2));
}

TEST(RaftLease, IsVoidForTheRestOfTheTermOnceItsTransferIsOut) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Step(1, TransferLeadership{.target = IdOfNode(3)});
  ASSERT_EQ(cluster.Sent<TimeoutNow>(1, 3).size(), 1u);
  EXPECT_FALSE(HoldsLease(cluster, 1));
  cluster.DropAll();
  cluster.Advance(milliseconds(1000));
  ASSERT_EQ(cluster.raft(1).transfer_target(), NodeId()) << "given up";
  ASSERT_EQ(cluster.Leader(), 1);
  ASSERT_EQ(cluster.raft(1).term(), Term(1));
  EXPECT_FALSE(HoldsLease(cluster, 1)) << "the TimeoutNow may still be on its way";
  cluster.Elect(2);
  EXPECT_TRUE(HoldsLease(cluster, 2));
}

TEST(RaftLease, IsKeptWhileATransferOnlyWaitsForItsTarget) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  cluster.Step(1, TransferLeadership{.target = IdOfNode(3)});
  ASSERT_EQ(cluster.raft(1).transfer_target(), IdOfNode(3));
  EXPECT_TRUE(HoldsLease(cluster, 1));
}

TEST(RaftLease, NeedsBothQuorumsOfAJointConfiguration) {
  RaftCluster cluster(3);
  for (const int number : {4, 5}) cluster.Join(number);
  cluster.Elect(1);
  const auto change = [](MemberChange::Kind kind, int number) {
    return MemberChange{.kind = kind,
                        .name = NameOfNode(number),
                        .address = "127.0.0.1:" + std::to_string(7000 + number),
                        .replaced = {}};
  };
  using Kind = MemberChange::Kind;
  cluster.Step(1, ChangeMembership{{change(Kind::kAddLearner, 4), change(Kind::kAddLearner, 5)}});
  cluster.Advance(milliseconds(500));
  cluster.Step(1, ChangeMembership{{change(Kind::kPromote, 4), change(Kind::kPromote, 5),
                                    change(Kind::kRemove, 2), change(Kind::kRemove, 3)}});
  ASSERT_TRUE(cluster.raft(1).configuration().IsJoint());
  cluster.DropAll();
  cluster.Skip(milliseconds(300));
  cluster.Step(1, DeadlineReached{});
  ASSERT_FALSE(HoldsLease(cluster, 1));
  // Of {1, 4, 5} everybody answers, of {1, 2, 3} nobody else.
  for (const int number : {4, 5}) {
    DeliverLink(cluster, 1, number);
    DeliverLink(cluster, number, 1);
  }
  EXPECT_FALSE(HoldsLease(cluster, 1));
  DeliverLink(cluster, 1, 2);
  DeliverLink(cluster, 2, 1);
  EXPECT_TRUE(HoldsLease(cluster, 1));
}

// --- Who defends the leader ---

TEST(RaftDefence, AVoterThatHearsItsLeaderIgnoresACampaignAgainstItAndItsTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  const Message ask = Ask(2, 3, Ballot::kVote, CampaignReason::kTimeout, Term(9));
  cluster.Deliver(ask);
  EXPECT_EQ(AnswerOf(cluster, 3, 2), std::nullopt);
  EXPECT_EQ(cluster.raft(3).term(), Term(1));
  EXPECT_EQ(cluster.raft(3).leader(), IdOfNode(1));
  cluster.Skip(milliseconds(299));
  cluster.Deliver(ask);
  EXPECT_EQ(AnswerOf(cluster, 3, 2), std::nullopt);
  cluster.Skip(milliseconds(1));
  cluster.Deliver(ask);
  EXPECT_EQ(AnswerOf(cluster, 3, 2), true) << "an election timeout later";
}

TEST(RaftDefence, ALeaderIgnoresACampaignAgainstItself) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Skip(milliseconds(599));
  cluster.Deliver(Ask(2, 1, Ballot::kVote, CampaignReason::kTimeout, Term(9)));
  EXPECT_EQ(AnswerOf(cluster, 1, 2), std::nullopt);
  EXPECT_EQ(cluster.raft(1).role(), Role::kLeader);
  EXPECT_EQ(cluster.raft(1).term(), Term(1));
}

TEST(RaftDefence, ACampaignThatTheLeaderAskedForIsAnswered) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Deliver(Ask(2, 3, Ballot::kVote, CampaignReason::kTransfer, Term(9)));
  EXPECT_EQ(AnswerOf(cluster, 3, 2), true);
  EXPECT_EQ(cluster.raft(3).term(), Term(9));
}

TEST(RaftDefence, ARestartedVoterDefendsForAnElectionTimeoutWhatItMayHavePromised) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Restart(3);
  const Message pre_vote = Ask(2, 3, Ballot::kPreVote, CampaignReason::kTimeout, Term(9));
  const Message vote = Ask(2, 3, Ballot::kVote, CampaignReason::kTimeout, Term(9));
  cluster.Skip(milliseconds(299));
  cluster.Deliver(pre_vote);
  EXPECT_EQ(AnswerOf(cluster, 3, 2), false);
  cluster.DropAll();
  cluster.Deliver(vote);
  EXPECT_EQ(AnswerOf(cluster, 3, 2), std::nullopt);
  EXPECT_EQ(cluster.raft(3).term(), Term(1));
  cluster.Skip(milliseconds(1));
  cluster.Deliver(pre_vote);
  EXPECT_EQ(AnswerOf(cluster, 3, 2), true);
  cluster.DropAll();
  cluster.Deliver(vote);
  EXPECT_EQ(AnswerOf(cluster, 3, 2), true);
}

TEST(RaftDefence, ANodeThatHasNeverHeardOfATermHasNobodyToDefend) {
  RaftCluster cluster(3);
  cluster.Deliver(Ask(2, 3, Ballot::kVote, CampaignReason::kTimeout, Term(1)));
  EXPECT_EQ(AnswerOf(cluster, 3, 2), true);
}

TEST(RaftDefence, WhoComesBackWithAHigherTermAloneDeposesNobodyByItsRequests) {
  RaftCluster cluster(5);
  cluster.Elect(1);
  // n5 is a candidate of term 9, as a node without pre-vote would be.
  for (const int other : {1, 2, 3, 4}) {
    cluster.Deliver(Ask(5, other, Ballot::kVote, CampaignReason::kTimeout, Term(9)));
  }
  cluster.DeliverAll();
  EXPECT_EQ(cluster.Leader(), 1);
  for (const int number : {1, 2, 3, 4}) EXPECT_EQ(cluster.raft(number).term(), Term(1));
}

// The loss of a quorum of Omni-Paxos: only n3 reaches all others, and n1, which leads, only n3.
TEST(RaftDefence, TheOnlyNodeThatReachesAQuorumIsElectedWithinAFewTimeouts) {
  RaftCluster cluster(5);
  cluster.Elect(1);
  for (const int from : {1, 2, 4, 5}) {
    for (const int to : {1, 2, 4, 5}) {
      if (from != to) cluster.Cut(from, to);
    }
  }
  cluster.Advance(5 * milliseconds(600));
  EXPECT_EQ(cluster.Leader(), 3);
  cluster.Propose(3, "a");
  cluster.DeliverAll();
  EXPECT_EQ(cluster.raft(3).commit_index(), cluster.raft(3).log().last_index());
  const Term term = cluster.raft(3).term();
  cluster.Advance(std::chrono::seconds(20));
  EXPECT_EQ(cluster.Leader(), 3);
  EXPECT_EQ(cluster.raft(3).term(), term) << "it stays";
}

// The chain of Omni-Paxos: n1 and n3 reach only n2. Without a defence they depose each other for
// ever, with a higher term each time.
TEST(RaftDefence, TheEndsOfAChainDoNotDeposeEachOther) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Cut(1, 3);
  cluster.Cut(3, 1);
  cluster.Advance(std::chrono::seconds(20));
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(1).term(), Term(1));
  EXPECT_EQ(cluster.raft(3).term(), Term(1));
}

}  // namespace
}  // namespace grassdb
