// sim/explore/invariants: each rule of an explored state, and of a step, is broken once.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "sim/explore/cluster.h"
#include "sim/explore/invariants.h"
#include "sim/explore/replica.h"
#include "tests/sim/planted.h"

namespace grassdb::sim::explore {
namespace {

Facts FactsWith(std::uint32_t node, std::uint8_t term, const std::vector<std::uint8_t>& log) {
  Facts facts;
  facts.node = node;
  facts.term = term;
  for (const std::uint8_t of_entry : log) {
    ++facts.last;
    facts.terms[facts.last] = of_entry;
    facts.log[facts.last] = Fold(facts.log[facts.last - 1u], of_entry);
  }
  facts.durable = facts.last;
  facts.disk = facts.log;
  facts.disk_term = term;
  return facts;
}

// The rule that is broken, or "".
std::string BrokenBy(const std::vector<Facts>& cluster, const History& history) {
  std::vector<const Facts*> facts;
  for (const Facts& of_node : cluster) facts.push_back(&of_node);
  return sim::RuleBrokenBy([&] { CheckState(facts, history); });
}

std::string BrokenByLearning(History* history, const Facts& facts) {
  return sim::RuleBrokenBy([&] { Learn(history, facts); });
}

TEST(ExploreRules, ATermHasOneLeaderEvenIfTheFirstIsGone) {
  History history;
  Facts first = FactsWith(0, 1, {1});
  first.leads = true;
  Facts second = FactsWith(1, 2, {1, 2});
  second.leads = true;
  EXPECT_EQ(BrokenByLearning(&history, first), "");
  EXPECT_EQ(BrokenByLearning(&history, first), "");
  EXPECT_EQ(BrokenByLearning(&history, second), "");
  second.term = 1;
  EXPECT_EQ(BrokenByLearning(&history, second), "election safety");
}

TEST(ExploreRules, AReadMissesNothingThatWasCommittedWhenItWasAsked) {
  History history;
  Facts node = FactsWith(0, 1, {1, 1});
  node.commit = 1;
  EXPECT_EQ(BrokenByLearning(&history, node), "");
  EXPECT_EQ(Ask(&history), 1u);
  node.commit = 2;
  EXPECT_EQ(BrokenByLearning(&history, node), "");
  EXPECT_EQ(Ask(&history), 2u);
  node.answered = {2};  // as of index 1
  EXPECT_EQ(BrokenBy({node}, history), "");
  node.answered = {2, 2};
  EXPECT_EQ(BrokenBy({node}, history), "read misses nothing");
  node.answered = {2, 3};
  EXPECT_EQ(BrokenBy({node}, history), "");
  node.answered = {1, 3};
  EXPECT_EQ(BrokenBy({node}, history), "read misses nothing");
}

TEST(ExploreRules, LogsWithAnEqualTermAreEqualUpToIt) {
  const std::vector<Facts> differ_behind = {FactsWith(0, 2, {1, 2}), FactsWith(1, 2, {1, 1}),
                                            FactsWith(2, 2, {})};
  EXPECT_EQ(BrokenBy(differ_behind, History()), "");
  const std::vector<Facts> differ_before = {FactsWith(0, 2, {1, 2}), FactsWith(1, 2, {2, 2}),
                                            FactsWith(2, 2, {})};
  EXPECT_EQ(BrokenBy(differ_before, History()), "log matching");
}

TEST(ExploreRules, ALeaderHoldsWhatAnEarlierTermHasCommitted) {
  std::vector<Facts> cluster = {FactsWith(0, 1, {1}), FactsWith(1, 1, {1}), FactsWith(2, 2, {2})};
  cluster[0].commit = 1;
  History history;
  Learn(&history, cluster[0]);
  EXPECT_EQ(BrokenBy(cluster, history), "");
  cluster[2].leads = true;
  EXPECT_EQ(BrokenBy(cluster, history), "leader completeness");
  // A leader of the same or an earlier term may not have heard of it.
  cluster[2] = FactsWith(2, 1, {});
  cluster[2].leads = true;
  cluster[2].disk_vote = 3;
  cluster[1].disk_vote = 3;
  EXPECT_EQ(BrokenBy(cluster, history), "");
}

TEST(ExploreRules, ALeaderHasTheVotesOfAMajorityOnDisk) {
  std::vector<Facts> cluster = {FactsWith(0, 2, {}), FactsWith(1, 2, {}), FactsWith(2, 1, {})};
  cluster[0].leads = true;
  cluster[0].disk_vote = 1;
  EXPECT_EQ(BrokenBy(cluster, History()), "leadership rests on votes");
  cluster[1].disk_vote = 3;
  EXPECT_EQ(BrokenBy(cluster, History()), "leadership rests on votes") << "for another";
  cluster[1].disk_vote = 1;
  EXPECT_EQ(BrokenBy(cluster, History()), "");
  cluster[1].disk_vote = 0;
  cluster[2].disk_vote = 1;
  EXPECT_EQ(BrokenBy(cluster, History()), "leadership rests on votes") << "in another term";
  cluster[2].disk_term = 3;
  EXPECT_EQ(BrokenBy(cluster, History()), "") << "it may have voted before it went on";
}

TEST(ExploreRules, ALeaderBelievesOfNobodyMoreThanIsOnDisk) {
  std::vector<Facts> cluster = {FactsWith(0, 2, {1, 2}), FactsWith(1, 2, {1}),
                                FactsWith(2, 2, {1, 1})};
  cluster[0].leads = true;
  cluster[0].disk_vote = 1;
  cluster[1].disk_vote = 1;
  cluster[0].match = {0, 1, 1};
  EXPECT_EQ(BrokenBy(cluster, History()), "");
  cluster[0].match = {0, 2, 1};
  EXPECT_EQ(BrokenBy(cluster, History()), "match rests on disk") << "not there";
  cluster[0].match = {0, 1, 2};
  EXPECT_EQ(BrokenBy(cluster, History()), "match rests on disk") << "another entry";
  cluster[2].disk_term = 3;
  EXPECT_EQ(BrokenBy(cluster, History()), "") << "it follows another leader by now";
}

TEST(ExploreRules, WhatIsCommittedStaysTheSameForEver) {
  Facts first = FactsWith(0, 1, {1, 1});
  first.commit = 2;
  History history;
  Learn(&history, first);
  Facts other = FactsWith(1, 2, {1, 2});
  other.commit = 1;
  EXPECT_EQ(BrokenBy({first, other, FactsWith(2, 1, {1, 1})}, history), "");
  other.commit = 2;
  EXPECT_EQ(BrokenBy({first, other, FactsWith(2, 1, {1, 1})}, history), "state machine safety");
  other = FactsWith(1, 2, {1, 2, 2});
  other.commit = 3;
  EXPECT_EQ(BrokenByLearning(&history, other), "state machine safety");
}

TEST(ExploreRules, WhatIsCommittedIsOnTheDisksOfAMajority) {
  std::vector<Facts> cluster = {FactsWith(0, 1, {1}), FactsWith(1, 1, {1}), FactsWith(2, 1, {})};
  cluster[0].commit = 1;
  History history;
  Learn(&history, cluster[0]);
  EXPECT_EQ(BrokenBy(cluster, history), "");
  cluster[1].durable = 0;
  EXPECT_EQ(BrokenBy(cluster, history), "commit rests on disks");
}

// --- Steps ---

// A node with a log of term 1, in term 2 when it starts.
class ExploreSteps : public testing::Test {
 protected:
  ExploreSteps() { options_.id = cluster_.IdOf(0); }

  // What is in the snapshot is committed.
  Replica With(HardState hard_state, const std::vector<const char*>& commands,
               std::optional<SnapshotMeta> snapshot = std::nullopt) {
    RecoveredState recovered;
    recovered.identity.bootstrap = cluster_.configuration();
    recovered.hard_state = hard_state;
    for (const char* command : commands) {
      recovered.entries.push_back(Entry{.index = Index(recovered.entries.size() + 1),
                                        .term = Term(1),
                                        .type = EntryType::kCommand,
                                        .payload = Bytes(command)});
    }
    recovered.snapshot = std::move(snapshot);
    Disk disk{hard_state, recovered.entries};
    return Replica{Raft(options_, std::move(recovered), now_), now_, {}, std::move(disk)};
  }
  Replica InTerm(std::uint64_t term, NodeId voted_for = NodeId()) {
    return With({.term = Term(term), .voted_for = voted_for, .founder = true}, {"a"});
  }
  // Of term 3.
  Replica Leader(const std::vector<const char*>& commands,
                 std::optional<SnapshotMeta> snapshot = std::nullopt) {
    Replica replica = With({.term = Term(2), .voted_for = cluster_.IdOf(0), .founder = true},
                           commands, std::move(snapshot));
    now_ = std::max(now_, replica.raft.NextDeadline());
    Step(&replica, DeadlineReached{});
    Step(&replica, Answer(Term(2), Ballot::kPreVote));
    Step(&replica, Persisted{PersistId(1)});
    Step(&replica, Answer(Term(3), Ballot::kVote));
    Step(&replica, Persisted{PersistId(2)});
    EXPECT_EQ(replica.raft.role(), Role::kLeader);
    return replica;
  }
  Message Answer(Term term, Ballot ballot) {
    return Message{.from = cluster_.IdOf(1),
                   .to = cluster_.IdOf(0),
                   .term = term,
                   .body = RequestVoteResponse{ballot, Term(3), true}};
  }
  void MatchThroughTwo(Replica* leader) {
    AppendEntriesResponse matches;
    matches.match_index = Index(2);
    matches.prev_log_index = Index(1);
    Step(leader,
         Message{
             .from = cluster_.IdOf(1), .to = cluster_.IdOf(0), .term = Term(3), .body = matches});
  }
  void Step(Replica* replica, Input input) { replica->raft.Step(now_, std::move(input), &output_); }
  static std::string BrokenBy(const Replica& before, const Replica& after,
                              ActionKind action = ActionKind::kDeliver) {
    return sim::RuleBrokenBy([&] { CheckStep(before, after, action); });
  }

  const Cluster cluster_{3, Symmetry::kOff};
  Instant now_{std::chrono::seconds(1000)};
  RaftOptions options_;
  Output output_;
};

TEST_F(ExploreSteps, ATermNeverFallsAndHasOneVote) {
  EXPECT_EQ(BrokenBy(InTerm(2), InTerm(2)), "");
  EXPECT_EQ(BrokenBy(InTerm(2), InTerm(3)), "");
  EXPECT_EQ(BrokenBy(InTerm(3), InTerm(2)), "monotony");
  const NodeId one = cluster_.IdOf(1);
  const NodeId two = cluster_.IdOf(2);
  EXPECT_EQ(BrokenBy(InTerm(3), InTerm(3, one)), "");
  EXPECT_EQ(BrokenBy(InTerm(3, one), InTerm(3, two)), "monotony");
  EXPECT_EQ(BrokenBy(InTerm(3, one), InTerm(4, two)), "");
}

TEST_F(ExploreSteps, ACommitIndexFallsWithALifeOnly) {
  const Replica unaware = Leader({"a"});
  Replica aware = unaware;
  MatchThroughTwo(&aware);
  ASSERT_GT(aware.raft.commit_index(), unaware.raft.commit_index());
  EXPECT_EQ(BrokenBy(unaware, aware), "");
  EXPECT_EQ(BrokenBy(aware, unaware), "monotony");
  EXPECT_EQ(BrokenBy(aware, unaware, ActionKind::kCrash), "");
}

TEST_F(ExploreSteps, ALeaderCommitsByAnEntryOfItsOwnTermOnly) {
  const Replica unaware = Leader({"a"});
  Replica aware = unaware;
  MatchThroughTwo(&aware);
  ASSERT_EQ(aware.raft.commit_index(), Index(2)) << "its no-op";
  EXPECT_EQ(BrokenBy(unaware, aware), "");
  const SnapshotMeta first{Index(1), Term(1), cluster_.configuration(), Index(0)};
  const Replica by_an_earlier_one = Leader({"a"}, first);
  ASSERT_EQ(by_an_earlier_one.raft.commit_index(), Index(1));
  EXPECT_EQ(BrokenBy(unaware, by_an_earlier_one), "commit rule");
  EXPECT_EQ(
      BrokenBy(InTerm(3), With({.term = Term(3), .voted_for = {}, .founder = true}, {"a"}, first)),
      "")
      << "a follower is told";
}

TEST_F(ExploreSteps, ALeaderKeepsItsEntries) {
  EXPECT_EQ(BrokenBy(Leader({"a"}), Leader({"a"})), "");
  EXPECT_EQ(BrokenBy(Leader({"a", "b"}), Leader({"a"})), "leader append-only");
  EXPECT_EQ(BrokenBy(Leader({"a"}), Leader({"b"})), "leader append-only");
}

}  // namespace
}  // namespace grassdb::sim::explore
