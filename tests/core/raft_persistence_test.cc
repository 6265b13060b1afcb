// Thesis 3.8 and 10.2.1: nothing is promised before it is durable, and no driver can break that.
#include <gtest/gtest.h>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

Entry MakeEntry(std::uint64_t index, std::uint64_t term, const std::string& payload) {
  return Entry{.index = Index(index),
               .term = Term(term),
               .type = EntryType::kCommand,
               .payload = Bytes(payload)};
}

Message Append(int from, int to, std::uint64_t term, std::uint64_t prev, std::uint64_t prev_term,
               std::vector<Entry> entries) {
  AppendEntriesRequest request;
  request.prev_log_index = Index(prev);
  request.prev_log_term = Term(prev_term);
  request.entries = std::move(entries);
  return Message{
      .from = IdOfNode(from), .to = IdOfNode(to), .term = Term(term), .body = std::move(request)};
}

Message SentAt(std::int64_t nanoseconds, Message append) {
  std::get<AppendEntriesRequest>(append.body).sent_at = Instant(Duration(nanoseconds));
  return append;
}

RaftCluster SlowDisk(int voters) {
  RaftCluster cluster(voters);
  cluster.SetInstantDisk(false);
  return cluster;
}

TEST(RaftPersistence, HoldsAVoteUntilItIsDurable) {
  RaftCluster cluster = SlowDisk(3);
  RequestVoteRequest request;
  request.campaign_term = Term(3);
  cluster.Deliver(
      Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(3), .body = request});
  EXPECT_TRUE(cluster.network().empty());
  ASSERT_EQ(cluster.UnfinishedPersists(1), 1u);
  cluster.FinishOnePersist(1);
  ASSERT_EQ(cluster.Sent<RequestVoteResponse>(1, 2).size(), 1u);
  EXPECT_EQ(cluster.DiskOf(1).hard_state.voted_for, IdOfNode(2));
}

TEST(RaftPersistence, HoldsVoteRequestsUntilTheVoteForItselfIsDurable) {
  RaftCluster cluster = SlowDisk(3);
  cluster.FireDeadline(1);
  cluster.DropAll();
  RequestVoteResponse pre{.ballot = Ballot::kPreVote, .campaign_term = Term(1), .granted = true};
  cluster.Deliver(Message{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(0), .body = pre});
  EXPECT_EQ(cluster.raft(1).role(), Role::kCandidate);
  EXPECT_TRUE(cluster.network().empty());
  cluster.FinishOnePersist(1);
  EXPECT_EQ(cluster.Sent<RequestVoteRequest>(1, 2).size(), 1u);
}

TEST(RaftPersistence, HoldsAnAcknowledgementUntilTheEntriesAreDurable) {
  RaftCluster cluster = SlowDisk(3);
  cluster.Deliver(Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")}));
  EXPECT_TRUE(cluster.network().empty());
  cluster.FinishOnePersist(1);
  const auto answers = cluster.Sent<AppendEntriesResponse>(1, 2);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(std::get<AppendEntriesResponse>(answers[0].body).match_index, Index(1));
}

TEST(RaftPersistence, ARepeatedAppendIsAcknowledgedOnlyWhenTheFirstWriteIsDurable) {
  RaftCluster cluster = SlowDisk(3);
  cluster.Deliver(Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")}));
  cluster.Deliver(Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")}));
  EXPECT_TRUE(cluster.network().empty());
  cluster.FinishDisk(1);
  EXPECT_EQ(cluster.Sent<AppendEntriesResponse>(1, 2).size(), 1u);
}

TEST(RaftPersistence, AnswersHeartbeatsWhileTheDiskIsSlow) {
  RaftCluster cluster(3);
  cluster.Deliver(Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")}));
  cluster.SetInstantDisk(false);
  cluster.Deliver(Append(2, 1, 1, 1, 1, {MakeEntry(2, 1, "b")}));
  cluster.DropAll();
  cluster.Deliver(Append(2, 1, 1, 2, 1, {}));
  const auto answers = cluster.Sent<AppendEntriesResponse>(1, 2);
  ASSERT_EQ(answers.size(), 1u);
  // It says how far the disk is, not how far the log is.
  EXPECT_EQ(std::get<AppendEntriesResponse>(answers[0].body).match_index, Index(1));
}

TEST(RaftPersistence, ALeaderSendsBeforeItsOwnWriteAndCountsItselfAfterIt) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.Isolate(3);
  cluster.SetInstantDisk(false);
  cluster.Propose(1, "a");
  EXPECT_EQ(cluster.Sent<AppendEntriesRequest>(1, 2).size(), 1u);
  cluster.DeliverAll();
  cluster.FinishDisk(2);
  cluster.DeliverAll();
  // The follower has it, the leader not yet: one of three is no majority.
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(1));
  cluster.FinishDisk(1);
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(2));
}

TEST(RaftPersistence, NothingIsAppliedThatIsNotDurableHere) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  cluster.SetInstantDisk(false);
  cluster.Propose(1, "a");
  cluster.DeliverAll();
  cluster.FinishDisk(2);
  cluster.FinishDisk(3);
  cluster.DeliverAll();
  // Two followers are a majority: committed, but not on this disk.
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(2));
  EXPECT_EQ(cluster.last(1).apply_through, Index(1));
  cluster.FinishDisk(1);
  EXPECT_EQ(cluster.last(1).apply_through, Index(2));
}

TEST(RaftPersistence, ALoneLeaderCommitsOnlyWhatIsDurable) {
  RaftCluster cluster(1);
  cluster.Elect(1);
  cluster.SetInstantDisk(false);
  cluster.Propose(1, "a");
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(1));
  cluster.FinishDisk(1);
  EXPECT_EQ(cluster.raft(1).commit_index(), Index(2));
}

// The ABA race: an entry is replaced and comes back while its first write is still under way. The
// completion of the first write says nothing about the third.
TEST(RaftPersistence, AnOldWriteDoesNotMakeAReplacedEntryDurable) {
  RaftCluster cluster = SlowDisk(3);
  cluster.Deliver(Append(2, 1, 2, 0, 0, {MakeEntry(1, 2, "a")}));  // persist 1
  cluster.Deliver(Append(3, 1, 3, 0, 0, {MakeEntry(1, 3, "b")}));  // persist 2
  cluster.Deliver(Append(2, 1, 4, 0, 0, {MakeEntry(1, 2, "a")}));  // persist 3
  ASSERT_EQ(cluster.UnfinishedPersists(1), 3u);
  cluster.FinishOnePersist(1);
  EXPECT_EQ(cluster.raft(1).durable_index(), Index(0));
  cluster.FinishOnePersist(1);
  EXPECT_EQ(cluster.raft(1).durable_index(), Index(0));
  EXPECT_TRUE(cluster.network().empty());
  cluster.FinishOnePersist(1);
  EXPECT_EQ(cluster.raft(1).durable_index(), Index(1));
  // Only what was said in the present term comes out.
  ASSERT_EQ(cluster.network().size(), 1u);
  EXPECT_EQ(cluster.network().front().term, Term(4));
}

TEST(RaftPersistence, PersistsAreNumberedOneByOne) {
  RaftCluster cluster = SlowDisk(3);
  cluster.Deliver(Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")}));
  ASSERT_TRUE(cluster.last(1).persist.has_value());
  EXPECT_EQ(cluster.last(1).persist->id, PersistId(1));
  EXPECT_EQ(cluster.last(1).persist->hard_state->term, Term(1));
  cluster.Deliver(Append(2, 1, 1, 1, 1, {MakeEntry(2, 1, "b")}));
  EXPECT_EQ(cluster.last(1).persist->id, PersistId(2));
  EXPECT_FALSE(cluster.last(1).persist->hard_state.has_value());
}

TEST(RaftPersistence, OneCompletionCoversAllBeforeItAndTheNewestAnswerSaysSo) {
  RaftCluster cluster = SlowDisk(3);
  cluster.Deliver(SentAt(1, Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")})));
  cluster.Deliver(SentAt(2, Append(2, 1, 1, 1, 1, {MakeEntry(2, 1, "b")})));
  cluster.Step(1, Persisted{.id = PersistId(2)});
  EXPECT_EQ(cluster.raft(1).durable_index(), Index(2));
  const auto answers = cluster.Sent<AppendEntriesResponse>(1, 2);
  ASSERT_EQ(answers.size(), 1u);
  const auto& answer = std::get<AppendEntriesResponse>(answers[0].body);
  EXPECT_EQ(answer.match_index, Index(2));
  EXPECT_EQ(answer.sent_at, Instant(Duration(2)));
}

TEST(RaftPersistence, AnAnswerThatAloneReachesAsFarIsNotLeftOut) {
  RaftCluster cluster = SlowDisk(3);
  cluster.Deliver(SentAt(1, Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a"), MakeEntry(2, 1, "b")})));
  cluster.Deliver(SentAt(2, Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")})));
  cluster.FinishDisk(1);
  const auto answers = cluster.Sent<AppendEntriesResponse>(1, 2);
  ASSERT_EQ(answers.size(), 2u) << "the newer one is of the earlier entry";
  EXPECT_EQ(std::get<AppendEntriesResponse>(answers[0].body).match_index, Index(2));
}

TEST(RaftPersistence, AnAnswerToAnOlderAppendDoesNotStandForThatToANewerOne) {
  RaftCluster cluster = SlowDisk(3);
  cluster.Deliver(SentAt(2, Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a")})));
  cluster.Deliver(SentAt(1, Append(2, 1, 1, 0, 0, {MakeEntry(1, 1, "a"), MakeEntry(2, 1, "b")})));
  cluster.FinishDisk(1);
  const auto answers = cluster.Sent<AppendEntriesResponse>(1, 2);
  ASSERT_EQ(answers.size(), 2u) << "the lease rests on when the newer one was sent";
  EXPECT_EQ(std::get<AppendEntriesResponse>(answers[0].body).sent_at, Instant(Duration(2)));
}

TEST(RaftPersistence, ARestartKeepsExactlyWhatWasDurable) {
  RaftCluster cluster = SlowDisk(3);
  cluster.Deliver(Append(2, 1, 5, 0, 0, {MakeEntry(1, 4, "a")}));
  cluster.FinishOnePersist(1);
  cluster.Deliver(Append(2, 1, 5, 1, 4, {MakeEntry(2, 5, "b")}));
  cluster.Restart(1);
  EXPECT_EQ(cluster.raft(1).term(), Term(5));
  EXPECT_EQ(cluster.LogOf(1), "a@4");
}

TEST(RaftPersistence, ACopyBehavesAsTheOriginal) {
  RaftCluster cluster(3);
  cluster.Elect(1);
  Raft copy = cluster.raft(1);
  Submit submit;
  submit.commands.push_back(Bytes("a"));
  Output from_copy;
  copy.Step(cluster.now(), submit, &from_copy);
  Output from_original;
  cluster.raft(1).Step(cluster.now(), submit, &from_original);
  EXPECT_EQ(from_copy.first_index, from_original.first_index);
  EXPECT_EQ(from_copy.messages.size(), from_original.messages.size());
  EXPECT_EQ(copy.NextDeadline(), cluster.raft(1).NextDeadline());
}

}  // namespace
}  // namespace grassdb
