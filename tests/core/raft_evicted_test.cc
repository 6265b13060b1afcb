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

// --- Since the start, and not committed as far as is known ---

// n1 of three begins with the entries 1 to 4 of term 1, 5 and 6 of term 2 on its disk only, and 7
// in memory.
class RaftBegunEvicted : public ::testing::Test {
 protected:
  static Entry EntryAt(std::uint64_t index, std::uint64_t term) {
    return {.index = Index(index),
            .term = Term(term),
            .type = EntryType::kCommand,
            .payload = Bytes(std::string(100, 'x'))};
  }
  RaftBegunEvicted() {
    for (std::uint64_t index = 1; index <= 6; ++index) {
      Entry entry = EntryAt(index, index <= 4 ? 1 : 2);
      if (index == 5) {
        entry.type = EntryType::kConfiguration;
        entry.payload = Bytes(EncodeConfiguration(VotersOf(4)));
      }
      state_.evicted.Add(LogPosition(), entry);
    }
    state_.evicted.evictions.Add(Index(6), 6 * CostOf(EntryAt(1, 1)));
    state_.entries = {EntryAt(7, 2)};
    state_.hard_state = {.term = Term(2), .voted_for = NodeId()};
    state_.identity.node = IdOfNode(1);
    state_.identity.bootstrap = VotersOf(3);
    options_.id = IdOfNode(1);
    raft_.emplace(options_, state_, RaftCluster::kStart);
  }
  void Step(Input input) {
    raft_->Step(now_, std::move(input), &output_);
    while (output_.persist.has_value()) {
      Output done;
      raft_->Step(now_, Persisted{.id = output_.persist->id}, &done);
      std::ranges::move(done.messages, std::back_inserter(output_.messages));
      std::ranges::move(done.entries_needed, std::back_inserter(output_.entries_needed));
      output_.apply_through = done.apply_through;
      output_.persist = std::move(done.persist);
    }
  }
  void Receive(int from, std::uint64_t term, MessageBody body) {
    Step(Message{
        .from = IdOfNode(from), .to = IdOfNode(1), .term = Term(term), .body = std::move(body)});
  }
  AppendEntriesResponse Append(std::uint64_t prev, std::uint64_t prev_term,
                               std::vector<Entry> entries = {}) {
    Receive(2, 3,
            AppendEntriesRequest{.prev_log_index = Index(prev),
                                 .prev_log_term = Term(prev_term),
                                 .leader_commit = Index(),
                                 .read_round = ReadRound(),
                                 .sent_at = Instant(),
                                 .entries = std::move(entries)});
    for (const Message& message : output_.messages) {
      if (const auto* answer = std::get_if<AppendEntriesResponse>(&message.body)) return *answer;
    }
    ADD_FAILURE() << "no answer";
    return {};
  }
  void Lead() {
    now_ = raft_->NextDeadline();
    Step(DeadlineReached{});
    const Term term = raft_->term() + 1;
    RequestVoteResponse vote{.ballot = Ballot::kPreVote, .campaign_term = term, .granted = true};
    for (const int voter : {2, 3}) Receive(voter, raft_->term().value(), vote);
    vote.ballot = Ballot::kVote;
    for (const int voter : {2, 3}) Receive(voter, term.value(), vote);
    ASSERT_EQ(raft_->role(), Role::kLeader);
  }
  // n3 has none of the log. What is read for it.
  ReadEntries ReadForN3() {
    const std::uint64_t term = raft_->term().value();
    AppendEntriesResponse answer;
    answer.result = AppendResult::kConflict;
    answer.prev_log_index = raft_->log().last_index() - 1;
    answer.conflict_index = Index(1);
    Receive(3, term, answer);
    Receive(3, term, AppendEntriesResponse());
    EXPECT_EQ(output_.entries_needed.size(), 1u);
    return output_.entries_needed.empty() ? ReadEntries() : output_.entries_needed[0];
  }
  static EntriesRead Found(const ReadEntries& wanted) {
    return {.wanted = wanted,
            .entries = {EntryAt(wanted.first.value(), wanted.term.value())},
            .status = absl::OkStatus()};
  }

  RecoveredState state_;
  RaftOptions options_;
  std::optional<Raft> raft_;
  Instant now_ = RaftCluster::kStart;
  Output output_;
};

TEST_F(RaftBegunEvicted, TheConfigurationInForceMayBeOneOfThem) {
  EXPECT_EQ(raft_->configuration(), VotersOf(4));
  EXPECT_EQ(raft_->configuration_index(), Index(5));
  EXPECT_EQ(raft_->ConfigurationAt(Index(4)).first, VotersOf(3));
}

TEST_F(RaftBegunEvicted, AppendsAreHeldAgainstTheirTerms) {
  EXPECT_EQ(Append(4, 1).result, AppendResult::kMatched);
  const AppendEntriesResponse conflict = Append(6, 3);
  EXPECT_EQ(conflict.result, AppendResult::kConflict);
  EXPECT_EQ(conflict.conflict_term, Term(2));
  EXPECT_EQ(conflict.conflict_index, Index(5));
}

TEST_F(RaftBegunEvicted, AConflictCutsThemAndRollsTheirConfigurationsBack) {
  EXPECT_EQ(Append(3, 1, {EntryAt(4, 3)}).match_index, Index(4));
  EXPECT_EQ(raft_->log().last_index(), Index(4));
  EXPECT_EQ(raft_->log().evicted_through(), Index(3));
  EXPECT_EQ(raft_->log().TermAt(Index(4)), Term(3));
  EXPECT_EQ(raft_->configuration(), VotersOf(3));
}

TEST_F(RaftBegunEvicted, CountAsNotAppliedWhenTheNodeComesToLead) {
  Lead();
  const std::size_t all = 7 * CostOf(EntryAt(1, 1)) + CostOf(Entry());
  EXPECT_EQ(raft_->load().unapplied_bytes, all);
  for (const int follower : {2, 3}) {
    AppendEntriesResponse answer;
    answer.match_index = Index(8);
    answer.prev_log_index = Index(7);
    Receive(follower, 3, answer);
  }
  EXPECT_EQ(output_.apply_through, Index(8));
  EXPECT_EQ(raft_->load().unapplied_bytes, 0u);
}

TEST_F(RaftBegunEvicted, WhatWasReadForARepairIsNotSentIfItHasBeenCutSince) {
  Receive(3, 2, Asked(3, 6));
  ASSERT_EQ(output_.entries_needed.size(), 1u);
  EntriesRead read{.wanted = output_.entries_needed[0], .entries = {}, .status = absl::OkStatus()};
  for (std::uint64_t index = 3; index <= 4; ++index) read.entries.push_back(EntryAt(index, 1));
  Append(2, 1, {EntryAt(3, 3), EntryAt(4, 3)});
  Step(std::move(read));
  EXPECT_TRUE(output_.messages.empty());
  Receive(3, 3, Asked(3, 6));
  EXPECT_EQ(output_.messages.size(), 1u) << "and the next one who asks is answered";
}

// As if the disk were so slow that the read outlasts a leadership, and another one's.
TEST_F(RaftBegunEvicted, WhatWasReadForAFollowerIsNotSentIfItHasBeenCutSince) {
  Lead();
  const ReadEntries late = ReadForN3();
  EXPECT_EQ(late.first, Index(1));
  Receive(2, 4,
          AppendEntriesRequest{.prev_log_index = Index(0),
                               .prev_log_term = Term(0),
                               .leader_commit = Index(1),
                               .read_round = ReadRound(),
                               .sent_at = Instant(),
                               .entries = {EntryAt(1, 4)}});
  ASSERT_EQ(output_.apply_through, Index(1));
  Step(Evict{.through = Index(1)});
  Lead();
  const ReadEntries wanted = ReadForN3();
  EXPECT_EQ(wanted.first, Index(1));
  EXPECT_EQ(wanted.term, Term(4));
  Step(Found(late));
  EXPECT_TRUE(output_.messages.empty());
  Step(Found(wanted));
  ASSERT_FALSE(output_.messages.empty());
  const auto sent = std::get<AppendEntriesRequest>(output_.messages[0].body);
  EXPECT_EQ(sent.entries.at(0), EntryAt(1, 4));
}

}  // namespace
}  // namespace grassdb
