// Thesis 3.5, 3.6.2, 3.6.3, 10.2.1, rule by rule.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

Entry MakeEntry(int index, int term, const std::string& payload) {
  return Entry{.index = Index(static_cast<std::uint64_t>(index)),
               .term = Term(static_cast<std::uint64_t>(term)),
               .type = EntryType::kCommand,
               .payload = Bytes(payload)};
}

Message Append(int from, int to, int term, int prev, int prev_term, std::vector<Entry> entries,
               int commit) {
  AppendEntriesRequest request;
  request.prev_log_index = Index(static_cast<std::uint64_t>(prev));
  request.prev_log_term = Term(static_cast<std::uint64_t>(prev_term));
  request.leader_commit = Index(static_cast<std::uint64_t>(commit));
  request.entries = std::move(entries);
  return Message{.from = IdOfNode(from),
                 .to = IdOfNode(to),
                 .term = Term(static_cast<std::uint64_t>(term)),
                 .body = std::move(request)};
}

AppendEntriesResponse AnswerOf(RaftCluster& cluster, int from, int to) {
  const auto answers = cluster.Sent<AppendEntriesResponse>(from, to);
  EXPECT_FALSE(answers.empty());
  return answers.empty() ? AppendEntriesResponse{}
                         : std::get<AppendEntriesResponse>(answers.back().body);
}

TEST(RaftReplication, ANewLeaderAppendsANoopOfItsTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  EXPECT_EQ(cluster.LogOf(1), "-@1");
  EXPECT_EQ(cluster.LogOf(3), "-@1");
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(1));
}

TEST(RaftReplication, CommitsWhatAQuorumHoldsAndTellsTheFollowers) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(2));
  cluster.Advance(milliseconds(100));
  EXPECT_EQ(cluster.raft(2).commit_index(), Index(2));
  EXPECT_EQ(cluster.last(2).apply_through, Index(2));
  EXPECT_EQ(cluster.raft(3).commit_index(), Index(0));
}

TEST(RaftReplication, CommitsNothingWithoutAQuorum) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(1);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(1));
}

TEST(RaftReplication, AFollowerRefusesProposals) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(2, "a");
  EXPECT_EQ(cluster.last(2).submit, SubmitOutcome::kNotLeader);
  EXPECT_EQ(cluster.LogOf(2), "-@1");
}

TEST(RaftReplication, SendsABatchInOneMessageToEachFollower) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  Submit submit;
  for (int i = 0; i < 50; ++i) submit.commands.push_back(Bytes("x"));
  submit.reads.push_back(ReadId(1));
  cluster.Step(1, std::move(submit));
  ASSERT_EQ(cluster.Sent<AppendEntriesRequest>(1, 2).size(), 1u);
  const auto sent = cluster.Sent<AppendEntriesRequest>(1, 2);
  const auto& append = std::get<AppendEntriesRequest>(sent[0].body);
  EXPECT_EQ(append.entries.size(), 50u);
  EXPECT_GT(append.read_round, ReadRound(0));
}

TEST(RaftReplication, RefusesAnAppendThatLeavesAHole) {
  RaftCluster cluster(3);
  cluster.Deliver(Append(2, 1, 1, 4, 1, {MakeEntry(5, 1, "e")}, 0));
  const auto answer = AnswerOf(cluster, 1, 2);
  EXPECT_EQ(answer.result, AppendResult::kConflict);
  EXPECT_EQ(answer.conflict_index, Index(1));
  EXPECT_EQ(cluster.LogOf(1), "");
}

TEST(RaftReplication, NamesTheFirstEntryOfTheConflictingTerm) {
  RaftCluster cluster(3);
  cluster.Deliver(Append(
      2, 1, 3, 0, 0,
      {MakeEntry(1, 1, "a"), MakeEntry(2, 2, "b"), MakeEntry(3, 2, "c"), MakeEntry(4, 2, "d")}, 0));
  cluster.DropAll();
  cluster.Deliver(Append(3, 1, 5, 4, 4, {}, 0));
  const auto answer = AnswerOf(cluster, 1, 3);
  EXPECT_EQ(answer.result, AppendResult::kConflict);
  EXPECT_EQ(answer.conflict_term, Term(2));
  EXPECT_EQ(answer.conflict_index, Index(2));
}

TEST(RaftReplication, RefusesAnAppendOfAStaleTerm) {
  RaftCluster cluster(3);
  cluster.Deliver(Append(2, 1, 3, 0, 0, {MakeEntry(1, 3, "a")}, 0));
  cluster.DropAll();
  cluster.Deliver(Append(3, 1, 2, 0, 0, {MakeEntry(1, 2, "b")}, 1));
  EXPECT_EQ(cluster.LogOf(1), "a@3");
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(0));
  const auto answers = cluster.Sent<AppendEntriesResponse>(1, 3);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].term, Term(3));
}

// The refused append was sent by the same node, before it led again.
TEST(RaftReplication, ARefusalForAStaleTermSaysNothingOfTheLog) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.DropAll();
  const auto next = [&] { return cluster.raft(1).followers()->back().next; };
  const Index before = next();
  AppendEntriesResponse refusal;
  refusal.result = AppendResult::kStaleTerm;
  cluster.Deliver(
      Message{.from = IdOfNode(3), .to = IdOfNode(1), .term = Term(1), .body = refusal});
  EXPECT_EQ(next(), before);
  EXPECT_EQ(cluster.raft(1).followers()->back().state, ProgressState::kReplicate);
  EXPECT_TRUE(cluster.last(1).events.empty());
  EXPECT_TRUE(cluster.Sent<AppendEntriesRequest>(1, 3).empty());
}

TEST(RaftReplication, AnOldAppendDoesNotCutWhatCameAfterIt) {
  RaftCluster cluster(3);
  const Message first = Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")}, 0);
  cluster.Deliver(first);
  cluster.Deliver(Append(2, 1, 1, 1, 1, {MakeEntry(2, 1, "b")}, 0));
  cluster.Deliver(first);
  EXPECT_EQ(cluster.LogOf(1), "a@1 b@1");
}

TEST(RaftReplication, AConflictingEntryCutsTheLogThere) {
  RaftCluster cluster(3);
  cluster.Deliver(
      Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a"), MakeEntry(2, 1, "b"), MakeEntry(3, 1, "c")}, 0));
  cluster.Deliver(Append(3, 1, 2, 1, 1, {MakeEntry(2, 2, "x")}, 0));
  EXPECT_EQ(cluster.LogOf(1), "a@1 x@2");
}

TEST(RaftReplication, CommitsOnlyWhatTheMessageVerified) {
  // The follower's tail is another leader's; the leader's commit index is above what it has
  // checked.
  RaftCluster cluster(3);
  cluster.Deliver(
      Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a"), MakeEntry(2, 1, "b"), MakeEntry(3, 1, "c")}, 0));
  cluster.Deliver(Append(3, 1, 2, 1, 1, {}, 3));
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(1));
}

TEST(RaftReplication, TheCommitIndexNeverFalls) {
  RaftCluster cluster(3);
  cluster.Deliver(Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a"), MakeEntry(2, 1, "b")}, 2));
  cluster.Deliver(Append(2, 1, 1, 2, 1, {}, 1));
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(2));
}

TEST(RaftReplication, DropsAMessageWhoseEntriesAreOutOfOrder) {
  RaftCluster cluster(3);
  cluster.Deliver(Append(2, 1, 3, 0, 0, {MakeEntry(2, 1, "a")}, 0));
  cluster.Deliver(Append(2, 1, 3, 0, 0, {MakeEntry(1, 2, "a"), MakeEntry(2, 1, "b")}, 0));
  cluster.Deliver(Append(2, 1, 3, 0, 0, {MakeEntry(1, 4, "a")}, 0));
  EXPECT_EQ(cluster.LogOf(1), "");
}

// Figure 3.7 of the thesis (figure 8 of the paper): an entry of an earlier term that a majority
// holds is not committed by that.
TEST(RaftReplication, DoesNotCommitAnEarlierTermByCounting) {
  RaftCluster cluster(5);
  cluster.Elect(1);
  cluster.Isolate(1);
  cluster.raft(1);
  cluster.Propose(1, "old");  // index 2, term 1, only on node 1
  cluster.DropAll();
  cluster.Restart(1);  // forgets that it led
  cluster.Heal();
  // Node 2 leads term 2 and writes nothing but its no-op, which reaches nobody.
  cluster.Skip(milliseconds(700));
  // Node 1 wins term 2 with its longer log, and its no-op of term 2 does not get out.
  cluster.Step(1, DeadlineReached{});
  while (cluster.raft(1).role() != Role::kLeader) {
    Message message = cluster.network().front();
    cluster.network().pop_front();
    cluster.Deliver(message);
  }
  const Term term = cluster.raft(1).term();
  cluster.DropAll();
  // Nodes 2 and 3 acknowledge "old" but not the no-op behind it.
  for (const int follower : {2, 3}) {
    AppendEntriesResponse matched;
    matched.match_index = Index(2);
    matched.prev_log_index = Index(1);
    cluster.Deliver(
        Message{.from = IdOfNode(follower), .to = IdOfNode(1), .term = term, .body = matched});
  }
  EXPECT_EQ(cluster.LogOf(1), "-@1 old@1 -@" + std::to_string(term.value()));
  EXPECT_LT(cluster.raft(1).commit_index(), Index(2));
  for (const int follower : {2, 3}) {
    AppendEntriesResponse matched;
    matched.match_index = Index(3);
    matched.prev_log_index = Index(2);
    cluster.Deliver(
        Message{.from = IdOfNode(follower), .to = IdOfNode(1), .term = term, .body = matched});
  }
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(3));
}

TEST(RaftReplication, BringsADivergedFollowerIntoLineTermByTerm) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(1);
  for (const char* command : {"x1", "x2", "x3", "x4", "x5"}) cluster.Propose(1, command);
  cluster.DropAll();
  cluster.Elect(2);
  for (const char* command : {"y1", "y2"}) cluster.Propose(2, command);
  cluster.DeliverAll();
  cluster.Heal();
  cluster.Advance(milliseconds(500));
  EXPECT_EQ(cluster.LogOf(1), "-@1 -@2 y1@2 y2@2");
  EXPECT_EQ(cluster.LogOf(3), cluster.LogOf(1));
  EXPECT_EQ(cluster.raft(1).leader(), IdOfNode(2));
}

TEST(RaftReplication, BacksOffAWholeTermAtATime) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(1);
  for (int i = 0; i < 500; ++i) cluster.Propose(1, "x");
  cluster.DropAll();
  cluster.Elect(2);
  for (int i = 0; i < 600; ++i) cluster.Propose(2, "y");
  cluster.DeliverAll();
  cluster.Heal();
  // Probes until the logs meet: a handful, not five hundred.
  int appends = 0;
  cluster.Step(2, DeadlineReached{});
  cluster.Skip(milliseconds(100));
  cluster.Step(2, DeadlineReached{});
  while (!cluster.network().empty()) {
    Message message = cluster.network().front();
    cluster.network().pop_front();
    if (message.to == IdOfNode(1)) ++appends;
    cluster.Deliver(std::move(message));
  }
  EXPECT_EQ(cluster.raft(1).log().last_index(), cluster.raft(2).log().last_index());
  EXPECT_LT(appends, 10);
}

TEST(RaftReplication, ALostAppendIsFoundByTheNextHeartbeat) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(1, "a");
  cluster.DropAll();
  cluster.Advance(milliseconds(250));
  EXPECT_EQ(cluster.LogOf(2), "-@1 a@1");
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(2));
}

TEST(RaftReplication, ALostProbeIsRepeatedByTheHeartbeat) {
  RaftCluster cluster(3);
  cluster.Skip(milliseconds(700));
  cluster.Step(1, DeadlineReached{});
  while (cluster.raft(1).role() != Role::kLeader) {
    Message message = cluster.network().front();
    cluster.network().pop_front();
    cluster.Deliver(message);
  }
  cluster.DropAll();
  cluster.Advance(milliseconds(150));
  EXPECT_EQ(cluster.LogOf(2), "-@1");
}

TEST(RaftReplication, StopsAtTheWindowAndGoesOnWhenItOpens) {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) { raft.inflight_messages_max = 3; };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  for (int i = 0; i < 10; ++i) cluster.Propose(1, "x");
  EXPECT_EQ(cluster.Sent<AppendEntriesRequest>(1, 2).size(), 3u);
  cluster.DeliverAll();
  EXPECT_EQ(cluster.raft(2).log().last_index(), Index(11));
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(11));
}

TEST(RaftReplication, ASlowFollowerDoesNotSlowTheQuorum) {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) { raft.inflight_messages_max = 2; };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  cluster.Isolate(3);
  for (int i = 0; i < 20; ++i) {
    cluster.Propose(1, "x");
    cluster.DeliverAll();
  }
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(21));
}

TEST(RaftReplication, RefusesProposalsWhenTooMuchIsUncommitted) {
  RaftCluster::Options options;
  options.adjust = [](RaftOptions& raft) { raft.unapplied_bytes_max = 1000; };
  RaftCluster cluster(3, options);
  cluster.Elect(1);
  cluster.Isolate(1);
  for (int i = 0; i < 20; ++i) cluster.Propose(1, std::string(200, 'x'));
  EXPECT_EQ(cluster.last(1).submit, SubmitOutcome::kOverloaded);
  EXPECT_LT(cluster.raft(1).log().last_index(), Index(10));
  cluster.Heal();
  cluster.Advance(milliseconds(300));
  cluster.Propose(1, "y");
  EXPECT_EQ(cluster.last(1).submit, SubmitOutcome::kAppended);
}

// A disk that was wiped, or rolled back, under a running leader.
TEST(RaftReplication, AFollowerThatDeniesWhatItAcknowledgedIsReportedOnce) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  AppendEntriesResponse denial;
  denial.result = AppendResult::kConflict;
  denial.prev_log_index = Index(2);
  denial.conflict_index = Index(1);
  const auto deny = [&](Instant sent_at) {
    denial.sent_at = sent_at;
    cluster.Deliver(
        Message{.from = IdOfNode(3), .to = IdOfNode(1), .term = Term(1), .body = denial});
    return std::ranges::count(cluster.last(1).events, EventKind::kMemberForgot, &Event::kind);
  };
  EXPECT_EQ(deny(cluster.now() - milliseconds(10)), 0) << "late: it acknowledged after that";
  cluster.Skip(milliseconds(20));
  EXPECT_EQ(deny(cluster.now()), 1);
  EXPECT_EQ(deny(cluster.now()), 0);
}

// The one thing that cannot be gone on from; it says who.
TEST(RaftReplicationDeathTest, TwoLeadersInOneTermStopTheNodeAndAreNamed) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  const Message second{
      .from = IdOfNode(3), .to = IdOfNode(2), .term = Term(1), .body = AppendEntriesRequest()};
  EXPECT_DEATH(cluster.Deliver(second), "two leaders in term 1: n1 and n3");
  const Message other{
      .from = IdOfNode(3), .to = IdOfNode(1), .term = Term(1), .body = AppendEntriesRequest()};
  EXPECT_DEATH(cluster.Deliver(other), "two leaders in term 1: n1 and n3");
}

TEST(RaftReplication, AnAcknowledgementBeyondTheLogIsIgnored) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  AppendEntriesResponse wrong;
  wrong.match_index = Index(99);
  cluster.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(1), .body = wrong});
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(1));
}

// After an election the leader probes; what it probes with may wait for a disk for long.
TEST(RaftReplication, AProbedFollowerWithASlowDiskKeepsAnswering) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Advance(milliseconds(200));
  cluster.Step(1, TransferLeadership{.target = IdOfNode(2)});
  while (cluster.raft(2).role() != Role::kLeader) {
    ASSERT_FALSE(cluster.network().empty());
    const Message message = cluster.network().front();
    cluster.network().pop_front();
    cluster.Deliver(message);
  }
  cluster.HoldDisk(1);
  cluster.HoldDisk(3);
  cluster.Advance(milliseconds(2000));
  EXPECT_EQ(cluster.raft(2).role(), Role::kLeader);
  cluster.ReleaseDisk(1);
  cluster.ReleaseDisk(3);
  cluster.Advance(milliseconds(200));
  EXPECT_EQ(cluster.raft(2).commit_index(), cluster.raft(2).log().last_index());
}

TEST(RaftReplication, AProbeThatIsNotAnsweredIsNotRepeatedWithAllItsEntries) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  cluster.Advance(milliseconds(100));
  cluster.Restart(1);
  cluster.Elect(2);
  for (int i = 0; i < 10; ++i) cluster.Propose(2, std::string(1000, 'x'));
  std::size_t entries = 0;
  for (int i = 0; i < 10; ++i) {
    cluster.Skip(RaftOptions().heartbeat_interval);
    cluster.FireDeadline(2);
    for (const Message& message : cluster.Sent<AppendEntriesRequest>(2, 3)) {
      entries += std::get<AppendEntriesRequest>(message.body).entries.size();
    }
    cluster.DeliverAll();
  }
  EXPECT_EQ(entries, 0u);
}

}  // namespace
}  // namespace grassdb
