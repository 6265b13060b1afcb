// What a running node says to one that repairs itself (core/repair_answer.h), and what it learns.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/chunk.h"
#include "core/raft.h"
#include "core/repair_answer.h"
#include "tests/core/patient.h"

namespace grassdb::repair_test {
namespace {

class Healthy {
 public:
  explicit Healthy(RecoveredState state) : raft_(Options(state), state, now_) {}

  static RaftOptions Options(const RecoveredState& state) {
    RaftOptions options;
    options.id = state.identity.node;
    return options;
  }
  Output Step(Input input) {
    Output output;
    raft_.Step(now_, std::move(input), &output);
    return output;
  }
  Output Ask(const RepairRequest& request, std::uint64_t term) {
    return Step(Message{.from = Id(1),
                        .to = raft_.id(),
                        .term = Term(term),
                        .body = request,
                        .incarnation = Incarnation(1)});
  }
  // Node 3 leads in term 4, with entries 1 and 2 of term 1.
  void Follow() {
    AppendEntriesRequest append;
    append.prev_log_index = Index(2);
    append.prev_log_term = Term(1);
    Step(Message{.from = Id(3),
                 .to = Id(2),
                 .term = Term(4),
                 .body = append,
                 .incarnation = Incarnation(3)});
    EXPECT_EQ(raft_.role(), Role::kFollower);
  }
  // Of a cluster that needs no other vote.
  void Lead() {
    Pass(std::chrono::seconds(2));
    const Output campaign = Step(DeadlineReached{});
    EXPECT_TRUE(campaign.persist.has_value());
    Step(Persisted{.id = campaign.persist->id});
    EXPECT_EQ(raft_.role(), Role::kLeader);
  }
  static RepairResponse AnswerIn(const Output& output) {
    EXPECT_EQ(output.messages.size(), 1u);
    return output.messages.empty() ? RepairResponse()
                                   : std::get<RepairResponse>(output.messages.front().body);
  }
  void Pass(Duration time) { now_ += time; }
  Raft& raft() { return raft_; }

 private:
  Instant now_{std::chrono::hours(1)};
  Raft raft_;
};

TEST(RaftRepair, GivesEntriesUpToOneOfTheLastTerm) {
  Healthy healthy(StateOf(2, 4, {1, 1, 2, 2}));
  const RepairResponse whole = Healthy::AnswerIn(healthy.Ask(For(3, 4, 1, 2), 4));
  EXPECT_EQ(whole.verdict, RepairVerdict::kHeld);
  EXPECT_EQ(whole.entries.size(), 2u);
  EXPECT_EQ(whole.previous_term, Term(1));
  // It has no entry 6, but those of the same leader before it.
  const RepairResponse part = Healthy::AnswerIn(healthy.Ask(For(3, 6, 1, 2), 4));
  EXPECT_EQ(part.verdict, RepairVerdict::kHeld);
  EXPECT_EQ(part.entries.back().index, Index(4));
  EXPECT_TRUE(IsWhole(part));
}

// Not the one that was there before, whose messages may have come last.
TEST(RaftRepair, AnswersTheDiskThatAsks) {
  Healthy healthy(StateOf(2, 4, {1, 1, 2, 2}));
  AppendEntriesRequest append;
  append.prev_log_index = Index(4);
  append.prev_log_term = Term(2);
  healthy.Step(Message{
      .from = Id(1), .to = Id(2), .term = Term(4), .body = append, .incarnation = Incarnation(7)});
  const Output answer = healthy.Ask(For(3, 4, 1, 2), 4);
  ASSERT_EQ(answer.messages.size(), 1u);
  EXPECT_EQ(answer.messages.front().to_incarnation, Incarnation(1));
}

TEST(RaftRepair, DoesNotGuessWhatFollowedItsUncommittedEntries) {
  Healthy healthy(StateOf(2, 4, {1, 1, 2}));
  EXPECT_EQ(Healthy::AnswerIn(healthy.Ask(For(3, 5, 1, 3), 4)).verdict, RepairVerdict::kUnknown);
  EXPECT_EQ(Healthy::AnswerIn(healthy.Ask(For(3, 3, 1, 1), 4)).verdict, RepairVerdict::kAbsent);
  EXPECT_EQ(Healthy::AnswerIn(healthy.Ask(For(4, 5, 2, 2), 4)).verdict, RepairVerdict::kAbsent);
}

TEST(RaftRepair, TakesATermOverDurablyBeforeItSaysThatItLacksAnEntry) {
  Healthy healthy(StateOf(2, 4, {1, 1}));
  healthy.Pass(std::chrono::seconds(2));
  RepairRequest proof = For(3, 3, 1, 2);
  proof.ask = RepairAsk::kProof;
  const Output asked = healthy.Ask(proof, 5);
  EXPECT_TRUE(asked.messages.empty());
  ASSERT_TRUE(asked.persist.has_value());
  EXPECT_EQ(asked.persist->hard_state->term, Term(5));
  const Output done = healthy.Step(Persisted{.id = asked.persist->id});
  EXPECT_EQ(Healthy::AnswerIn(done).verdict, RepairVerdict::kAbsent);
  EXPECT_EQ(done.messages.front().term, Term(5));
}

TEST(RaftRepair, DefendsItsLeaderAgainstAProof) {
  Healthy healthy(StateOf(2, 4, {1, 1}));
  healthy.Follow();
  RepairRequest proof = For(3, 3, 1, 2);
  proof.ask = RepairAsk::kProof;
  const Output asked = healthy.Ask(proof, 5);
  EXPECT_EQ(healthy.raft().term(), Term(4));
  ASSERT_EQ(asked.messages.size(), 1u);
  EXPECT_EQ(asked.messages.front().term, Term(4)) << "which is no proof";
}

// Which it does for no candidate, as long as it is heard by a quorum.
TEST(RaftRepair, LeadsOnBesideAProofUnlessItReachesWhoAsks) {
  RecoveredState state = StateOf(2, 4, {1, 1});
  Member self = MakeMember("n2", "h:2");
  self.incarnation = Incarnation(2);
  state.identity.bootstrap = Configuration({self});
  Healthy healthy(std::move(state));
  healthy.Lead();
  ASSERT_EQ(healthy.raft().term(), Term(5));
  RepairRequest proof = For(3, 3, 1, 2);
  proof.ask = RepairAsk::kProof;
  healthy.Ask(proof, 8);
  EXPECT_EQ(healthy.raft().term(), Term(5));
  proof.deposes = true;
  healthy.Ask(proof, 5);
  EXPECT_EQ(healthy.raft().role(), Role::kLeader) << "it is of no later term";
  const Output asked = healthy.Ask(proof, 8);
  EXPECT_EQ(healthy.raft().role(), Role::kFollower);
  ASSERT_TRUE(asked.persist.has_value());
  EXPECT_EQ(asked.persist->hard_state->term, Term(8));
}

// A follower does not tell whom its leader reaches.
TEST(RaftRepair, DefendsALeaderThatReachesWhoAsks) {
  Healthy healthy(StateOf(2, 4, {1, 1}));
  healthy.Follow();
  RepairRequest proof = For(3, 3, 1, 2);
  proof.ask = RepairAsk::kProof;
  proof.deposes = true;
  healthy.Ask(proof, 5);
  EXPECT_EQ(healthy.raft().term(), Term(4));
}

// Where it is needed for a quorum, nobody else would tell.
TEST(RaftRepair, LearnsWhatIsCommittedFromWhoHasLostASnapshotOfIt) {
  Healthy healthy(StateOf(2, 4, {1, 1, 2, 2}));
  RepairRequest request = For(2, 3, 0, 1);
  request.ask = RepairAsk::kSnapshot;
  healthy.Ask(request, 4);
  EXPECT_EQ(healthy.raft().commit_index(), Index(0)) << "of another term";
  request.last_term = Term(2);
  healthy.Ask(request, 4);
  EXPECT_EQ(healthy.raft().commit_index(), Index(3));
  request.last = Index(2);
  request.last_term = Term(1);
  healthy.Ask(request, 4);
  EXPECT_EQ(healthy.raft().commit_index(), Index(3));
  request.last = Index(5);
  request.last_term = Term(2);
  healthy.Ask(request, 4);
  EXPECT_EQ(healthy.raft().commit_index(), Index(3)) << "there is no such entry";
}

TEST(RaftRepair, CampaignsNoMoreWhenItLearnsThatItsRemovalIsCommitted) {
  RecoveredState state = StateOf(2, 4, {1, 1});
  std::vector<Member> others = Voters(3).members();
  std::erase_if(others, [](const Member& member) { return member.id == Id(2); });
  state.entries.push_back(Entry{.index = Index(3),
                                .term = Term(1),
                                .type = EntryType::kConfiguration,
                                .payload = Bytes(EncodeConfiguration(Configuration(others)))});
  Healthy healthy(std::move(state));
  healthy.Pass(std::chrono::seconds(2));
  healthy.Step(DeadlineReached{});
  ASSERT_EQ(healthy.raft().role(), Role::kPreCandidate);
  RepairRequest request = For(1, 3, 0, 1);
  request.ask = RepairAsk::kSnapshot;
  healthy.Ask(request, 4);
  EXPECT_EQ(healthy.raft().commit_index(), Index(3));
  EXPECT_EQ(healthy.raft().role(), Role::kFollower);
}

TEST(RaftRepair, PointsToItsSnapshotForWhatItHasReleased) {
  RecoveredState state = StateOf(2, 4, {});
  state.snapshot = SnapshotMeta{.index = Index(5),
                                .term = Term(2),
                                .configuration = Voters(3),
                                .configuration_index = Index(0)};
  state.base_index = Index(5);
  state.base_term = Term(2);
  Healthy healthy(std::move(state));
  EXPECT_EQ(Healthy::AnswerIn(healthy.Ask(For(4, 6, 2, 2), 4)).verdict, RepairVerdict::kReleased);
}

}  // namespace
}  // namespace grassdb::repair_test
