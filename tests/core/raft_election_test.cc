// Thesis 3.4, 3.6.1, 3.8, 4.2.3, 6.2, 9.6, rule by rule.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

// Of a campaign that the leader asked for, so that nobody defends the leader against it.
Message VoteRequest(int from, int to, Term term, Index last_index, Term last_term) {
  RequestVoteRequest request;
  request.reason = CampaignReason::kTransfer;
  request.last_log_index = last_index;
  request.last_log_term = last_term;
  request.campaign_term = term;
  return Message{.from = IdOfNode(from), .to = IdOfNode(to), .term = term, .body = request};
}

// The one answer to a vote request that `replica` has sent to `to`.
bool Granted(RaftCluster& cluster, int replica, int to) {
  const auto answers = cluster.Sent<RequestVoteResponse>(replica, to);
  EXPECT_EQ(answers.size(), 1u);
  return !answers.empty() && std::get<RequestVoteResponse>(answers.back().body).granted;
}

TEST(RaftElection, StartsAsAFollowerOfNobody) {
  RaftCluster cluster(3);
  EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
  EXPECT_EQ(cluster.raft(1).leader(), NodeId());
  EXPECT_EQ(cluster.raft(1).term(), Term(0));
}

TEST(RaftElection, ElectsOneLeaderThatTheOthersFollow) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(2).leader(), IdOfNode(1));
  EXPECT_EQ(cluster.raft(3).leader(), IdOfNode(1));
  EXPECT_EQ(cluster.raft(2).term(), Term(1));
}

TEST(RaftElection, ElectsALeaderByItselfInTime) {
  RaftCluster cluster(5);
  cluster.Advance(milliseconds(6000));
  EXPECT_NE(cluster.Leader(), 0);
}

TEST(RaftElection, ALoneVoterElectsItselfOnlyWhenItsVoteIsDurable) {
  RaftCluster cluster(1);
  cluster.SetInstantDisk(false);
  cluster.FireDeadline(1);
  EXPECT_EQ(cluster.raft(1).role(), Role::kCandidate);
  cluster.FinishOnePersist(1);
  EXPECT_EQ(cluster.raft(1).role(), Role::kLeader);
}

TEST(RaftElection, DrawsTimeoutsFromTheirWholeRange) {
  Instant earliest = Instant::max();
  Instant latest = Instant::min();
  for (int seed = 0; seed < 200; ++seed) {
    RaftCluster::Options options;
    options.adjust = [seed](RaftOptions& raft) { raft.seed = static_cast<std::uint64_t>(seed); };
    RaftCluster cluster(1, options);
    const Instant deadline = cluster.raft(1).NextDeadline();
    EXPECT_GE(deadline - cluster.now(), milliseconds(300));
    EXPECT_LT(deadline - cluster.now(), milliseconds(600));
    earliest = std::min(earliest, deadline);
    latest = std::max(latest, deadline);
  }
  EXPECT_GT(latest - earliest, milliseconds(250));
}

TEST(RaftElection, VotesOnceATerm) {
  RaftCluster cluster(3);
  cluster.Deliver(VoteRequest(2, 1, Term(5), Index(0), Term(0)));
  EXPECT_TRUE(Granted(cluster, 1, 2));
  cluster.Deliver(VoteRequest(3, 1, Term(5), Index(0), Term(0)));
  EXPECT_FALSE(Granted(cluster, 1, 3));
}

TEST(RaftElection, RepeatsItsVoteForTheSameCandidate) {
  RaftCluster cluster(3);
  cluster.Deliver(VoteRequest(2, 1, Term(5), Index(0), Term(0)));
  cluster.DropAll();
  cluster.Deliver(VoteRequest(2, 1, Term(5), Index(0), Term(0)));
  EXPECT_TRUE(Granted(cluster, 1, 2));
}

TEST(RaftElection, KeepsItsVoteThroughARestart) {
  RaftCluster cluster(3);
  cluster.Deliver(VoteRequest(2, 1, Term(5), Index(0), Term(0)));
  cluster.DropAll();
  cluster.Restart(1);
  cluster.Deliver(VoteRequest(3, 1, Term(5), Index(0), Term(0)));
  EXPECT_FALSE(Granted(cluster, 1, 3));
}

TEST(RaftElection, KeepsItsVoteWhenAnAppendOfTheTermRefusesIt) {
  RaftCluster cluster(3);
  cluster.Deliver(VoteRequest(2, 1, Term(5), Index(0), Term(0)));
  AppendEntriesRequest append;
  append.prev_log_index = Index(7);  // conflicts: this log is empty
  append.prev_log_term = Term(4);
  cluster.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(5), .body = append});
  cluster.DropAll();
  cluster.Deliver(VoteRequest(3, 1, Term(5), Index(9), Term(4)));
  EXPECT_FALSE(Granted(cluster, 1, 3));
}

TEST(RaftElection, RefusesVoteWhenCandidateLogEndsInAnOlderTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);  // everybody's log ends with (1, term 1)
  cluster.Deliver(VoteRequest(2, 3, Term(9), Index(50), Term(0)));
  EXPECT_FALSE(Granted(cluster, 3, 2));
}

TEST(RaftElection, RefusesVoteWhenCandidateLogIsShorter) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  cluster.Deliver(VoteRequest(2, 3, Term(9), Index(1), Term(1)));
  EXPECT_FALSE(Granted(cluster, 3, 2));
  // It has taken over the term all the same (thesis 3.3).
  EXPECT_EQ(cluster.raft(3).term(), Term(9));
}

TEST(RaftElection, RefusesAStaleTermAndSaysWhichTermItIs) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Deliver(VoteRequest(2, 3, Term(0), Index(9), Term(9)));
  const auto answers = cluster.Sent<RequestVoteResponse>(3, 2);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].term, Term(1));
  EXPECT_FALSE(std::get<RequestVoteResponse>(answers[0].body).granted);
}

TEST(RaftElection, CountsARepeatedVoteOnce) {
  RaftCluster cluster(5);
  cluster.FireDeadline(1);
  cluster.DeliverAll();  // the pre-vote succeeds, the votes too
  RaftCluster fresh(5);
  fresh.FireDeadline(1);
  fresh.DropAll();
  RequestVoteResponse pre{.ballot = Ballot::kPreVote, .campaign_term = Term(1), .granted = true};
  for (int i = 0; i < 5; ++i) {
    fresh.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(0), .body = pre});
  }
  EXPECT_EQ(fresh.raft(1).role(), Role::kPreCandidate);
  fresh.Deliver(Message{.from = IdOfNode(3), .to = IdOfNode(1), .term = Term(0), .body = pre});
  EXPECT_EQ(fresh.raft(1).role(), Role::kCandidate);
  RequestVoteResponse vote{.ballot = Ballot::kVote, .campaign_term = Term(1), .granted = true};
  for (int i = 0; i < 5; ++i) {
    fresh.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(1), .body = vote});
  }
  EXPECT_EQ(fresh.raft(1).role(), Role::kCandidate);
}

TEST(RaftElection, IgnoresVotesOfAnEarlierTerm) {
  RaftCluster cluster(3);
  cluster.FireDeadline(1);
  cluster.DropAll();
  RequestVoteResponse pre{.ballot = Ballot::kPreVote, .campaign_term = Term(1), .granted = true};
  cluster.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(0), .body = pre});
  ASSERT_EQ(cluster.raft(1).role(), Role::kCandidate);
  cluster.DropAll();
  // A second campaign; the answer to the first one comes late.
  cluster.FireDeadline(1);
  cluster.DropAll();
  pre.campaign_term = Term(2);
  cluster.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(1), .body = pre});
  ASSERT_EQ(cluster.raft(1).term(), Term(2));
  RequestVoteResponse late{.ballot = Ballot::kVote, .campaign_term = Term(1), .granted = true};
  cluster.Deliver(Message{.from = IdOfNode(3), .to = IdOfNode(1), .term = Term(1), .body = late});
  EXPECT_EQ(cluster.raft(1).role(), Role::kCandidate);
}

TEST(RaftElection, StepsDownForAHigherTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Deliver(VoteRequest(2, 1, Term(7), Index(9), Term(1)));
  EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
  EXPECT_EQ(cluster.raft(1).term(), Term(7));
}

TEST(RaftElection, ACandidateFollowsTheLeaderOfItsTerm) {
  RaftCluster cluster(3);
  cluster.FireDeadline(1);
  cluster.DropAll();
  RequestVoteResponse pre{.ballot = Ballot::kPreVote, .campaign_term = Term(1), .granted = true};
  cluster.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(0), .body = pre});
  ASSERT_EQ(cluster.raft(1).role(), Role::kCandidate);
  cluster.Deliver(Message{
      .from = IdOfNode(3), .to = IdOfNode(1), .term = Term(1), .body = AppendEntriesRequest{}});
  EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
  EXPECT_EQ(cluster.raft(1).leader(), IdOfNode(3));
}

// --- Pre-vote (9.6) ---

TEST(RaftPreVote, ChangesNoStateOfTheVoter) {
  RaftCluster cluster(3);
  RequestVoteRequest request{.ballot = Ballot::kPreVote,
                             .last_log_index = Index(0),
                             .last_log_term = Term(0),
                             .campaign_term = Term(42)};
  cluster.Deliver(
      Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(41), .body = request});
  EXPECT_TRUE(Granted(cluster, 1, 2));
  EXPECT_EQ(cluster.raft(1).term(), Term(0));
  EXPECT_EQ(cluster.raft(1).voted_for(), NodeId());
  EXPECT_FALSE(cluster.last(1).persist.has_value());
}

TEST(RaftPreVote, ANodeCutOffDoesNotRaiseItsTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  cluster.Advance(std::chrono::seconds(30));
  EXPECT_EQ(cluster.raft(3).term(), Term(1));
  cluster.Heal();
  cluster.Advance(std::chrono::seconds(2));
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(1).term(), Term(1));
}

TEST(RaftPreVote, IsRefusedWhileALeaderIsHeard) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  RequestVoteRequest request{.ballot = Ballot::kPreVote,
                             .last_log_index = Index(9),
                             .last_log_term = Term(9),
                             .campaign_term = Term(2)};
  const Message ask{.from = IdOfNode(3), .to = IdOfNode(2), .term = Term(1), .body = request};
  cluster.Deliver(ask);
  EXPECT_FALSE(Granted(cluster, 2, 3));
  cluster.DropAll();
  cluster.Skip(milliseconds(300));
  cluster.Deliver(ask);
  EXPECT_TRUE(Granted(cluster, 2, 3));
}

TEST(RaftPreVote, IsRefusedByTheLeaderItself) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  RequestVoteRequest request{.ballot = Ballot::kPreVote,
                             .last_log_index = Index(9),
                             .last_log_term = Term(9),
                             .campaign_term = Term(2)};
  cluster.Deliver(
      Message{.from = IdOfNode(3), .to = IdOfNode(1), .term = Term(1), .body = request});
  EXPECT_FALSE(Granted(cluster, 1, 3));
}

TEST(RaftPreVote, IsRefusedWhenTheLogIsBehind) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Skip(milliseconds(700));
  RequestVoteRequest request{.ballot = Ballot::kPreVote,
                             .last_log_index = Index(0),
                             .last_log_term = Term(0),
                             .campaign_term = Term(2)};
  cluster.Deliver(
      Message{.from = IdOfNode(3), .to = IdOfNode(2), .term = Term(1), .body = request});
  EXPECT_FALSE(Granted(cluster, 2, 3));
}

TEST(RaftPreVote, TheRefusalOfAHigherTermIsTakenOver) {
  // Otherwise a node with an old term could be refused for ever by one that it is needed by.
  RaftCluster cluster(3);
  cluster.Deliver(VoteRequest(3, 2, Term(8), Index(0), Term(0)));
  cluster.DropAll();
  cluster.Isolate(3);
  cluster.FireDeadline(1);  // pre-vote for term 1; node 2 is at term 8
  cluster.DeliverAll();
  EXPECT_EQ(cluster.raft(1).term(), Term(8));
  cluster.Advance(std::chrono::seconds(5));
  EXPECT_NE(cluster.Leader(), 0);
}

TEST(RaftPreVote, TheAnswerOfAVoterInAnEarlierTermCounts) {
  RaftCluster cluster(3);
  // n1 hears of term 8 and the others do not.
  cluster.Deliver(VoteRequest(3, 1, Term(8), Index(0), Term(0)));
  cluster.DropAll();
  cluster.Isolate(3);
  cluster.FireDeadline(1);
  cluster.Advance(milliseconds(0));
  ASSERT_EQ(cluster.raft(1).term(), Term(9));
  EXPECT_EQ(cluster.Leader(), 1);
  EXPECT_EQ(cluster.raft(2).term(), Term(9));
}

// --- Check-quorum (6.2) ---

TEST(RaftCheckQuorum, ALeaderCutOffStepsDown) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(1);
  cluster.Advance(milliseconds(599));
  EXPECT_EQ(cluster.raft(1).role(), Role::kLeader);
  cluster.Advance(milliseconds(2));
  EXPECT_NE(cluster.raft(1).role(), Role::kLeader);
}

TEST(RaftCheckQuorum, ALeaderThatCanSendButNotReceiveStepsDownAndAnotherIsElected) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Cut(2, 1);
  cluster.Cut(3, 1);
  cluster.Advance(std::chrono::seconds(5));
  EXPECT_NE(cluster.raft(1).role(), Role::kLeader);
  EXPECT_NE(cluster.Leader(), 0);
}

TEST(RaftCheckQuorum, ALeaderThatHearsAQuorumStays) {
  RaftCluster cluster(5);
  cluster.Elect(1);
  cluster.Isolate(4);
  cluster.Isolate(5);
  cluster.Advance(std::chrono::seconds(10));
  EXPECT_EQ(cluster.raft(1).role(), Role::kLeader);
  EXPECT_EQ(cluster.raft(1).term(), Term(1));
}

TEST(RaftCheckQuorum, ABridgeOfFiveNodesGetsALeader) {
  // Only node 3 reaches everybody: it is the only one that can lead (thesis 4.2.3 must not lock
  // out).
  RaftCluster cluster(5);
  cluster.Elect(1);
  for (const int a : {1, 2}) {
    for (const int b : {4, 5}) {
      cluster.Cut(a, b);
      cluster.Cut(b, a);
    }
  }
  cluster.Cut(1, 2);
  cluster.Cut(2, 1);
  cluster.Cut(4, 5);
  cluster.Cut(5, 4);
  cluster.Advance(std::chrono::seconds(6));
  EXPECT_EQ(cluster.Leader(), 3);
}

}  // namespace
}  // namespace grassdb
