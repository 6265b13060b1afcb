#include "sim/checkers/specification.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

// Three servers, told step by step.
class SpecificationTest : public ::testing::Test {
 protected:
  struct Told {
    Term term = {};
    std::uint32_t voted_for = 0;  // 1 to 3; 0: nobody
    Role role = Role::kFollower;
    std::vector<std::uint64_t> log = {};  // terms, from index 1 on
    Index commit = {};
    Index base = {};  // compacted through
  };

  SpecificationTest() {
    std::vector<Member> members;
    for (std::uint32_t i = 0; i < 3; ++i) {
      members.push_back(MakeMember(NodeName(i), "localhost:" + std::to_string(i + 1)));
      ids_.push_back(members.back().id);
    }
    configuration_ = Configuration(members);
    specification_.emplace(ids_);
  }

  void See(std::uint32_t server, const Told& told) {
    std::vector<Entry> entries;
    for (std::uint64_t i = told.base.value(); i < told.log.size(); ++i) {
      entries.push_back(Entry{.index = Index(i + 1),
                              .term = Term(told.log[i]),
                              .type = EntryType::kNoop,
                              .payload = {}});
    }
    const Term base_term = told.base == Index() ? Term() : Term(told.log[told.base.value() - 1]);
    const Log log(told.base, base_term, entries);
    specification_->Observe(server,
                            {.term = told.term,
                             .voted_for = told.voted_for == 0 ? NodeId() : ids_[told.voted_for - 1],
                             .role = told.role,
                             .log = &log,
                             .commit = told.commit,
                             .durable = log.last_index(),
                             .configuration = &configuration_,
                             .configuration_at = [this](Index) { return configuration_; }});
  }
  void Send(std::uint32_t from, std::uint32_t to, std::uint64_t term, MessageBody body) {
    specification_->OnSend(
        from, Message{.from = ids_[from], .to = ids_[to], .term = Term(term), .body = body});
  }
  void Ask(std::uint32_t from, std::uint32_t to, std::uint64_t term, Index last = {},
           Term last_term = {}) {
    RequestVoteRequest ask;
    ask.last_log_index = last;
    ask.last_log_term = last_term;
    ask.campaign_term = Term(term);
    Send(from, to, term, ask);
  }
  void Grant(std::uint32_t from, std::uint32_t to, std::uint64_t term) {
    RequestVoteResponse vote;
    vote.campaign_term = Term(term);
    vote.granted = true;
    Send(from, to, term, vote);
  }
  void Append(std::uint32_t from, std::uint32_t to, std::uint64_t term, Index prev, Term prev_term,
              const std::vector<std::uint64_t>& terms, Index commit = {}) {
    AppendEntriesRequest append;
    append.prev_log_index = prev;
    append.prev_log_term = prev_term;
    append.leader_commit = commit;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      append.entries.push_back(Entry{
          .index = prev + 1 + i, .term = Term(terms[i]), .type = EntryType::kNoop, .payload = {}});
    }
    Send(from, to, term, append);
  }
  void Acknowledge(std::uint32_t from, std::uint32_t to, std::uint64_t term, Index match) {
    AppendEntriesResponse answer;
    answer.match_index = match;
    Send(from, to, term, answer);
  }
  // n1 leads term 1 with one entry, that n2 has as well.
  void ElectFirst() {
    See(0, {.term = Term(1), .voted_for = 1});
    Ask(0, 1, 1);
    See(1, {.term = Term(1), .voted_for = 1});
    Grant(1, 0, 1);
    See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}});
    Append(0, 1, 1, Index(), Term(), {1});
    See(1, {.term = Term(1), .voted_for = 1, .log = {1}});
  }

  template <class Body>
  void Breaks(const std::string& text, Body body) {
    const Violation violation = ViolationBy(body);
    EXPECT_EQ(violation.rule, "specification") << "expected: " << text;
    EXPECT_NE(violation.text.find(text), std::string::npos) << violation.text;
  }

  std::vector<NodeId> ids_;
  Configuration configuration_;
  std::optional<Specification> specification_;
};

TEST_F(SpecificationTest, AllowsAnElectionAnEntryAndItsCommit) {
  ElectFirst();
  Acknowledge(1, 0, 1, Index(1));
  See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}, .commit = Index(1)});
  Append(0, 1, 1, Index(1), Term(1), {}, Index(1));
  See(1, {.term = Term(1), .voted_for = 1, .log = {1}, .commit = Index(1)});
  See(2, {.term = Term(1)});
  See(2, {.term = Term(1), .log = {1}, .commit = Index(1)});
}

TEST_F(SpecificationTest, ATermBeginsWithACandidateOfIt) {
  Breaks("no candidate has begun", [&] { See(0, {.term = Term(1)}); });
  Breaks("no candidate has begun", [&] { See(0, {.term = Term(2), .voted_for = 1}); });
}

TEST_F(SpecificationTest, ATermDoesNotGoBackAndAVoteIsGivenOnce) {
  ElectFirst();
  Breaks("goes back", [&] { See(1, {.term = Term(), .log = {1}}); });
  Ask(0, 1, 1);
  Breaks("votes twice", [&] { See(1, {.term = Term(1), .voted_for = 2, .log = {1}}); });
}

TEST_F(SpecificationTest, AVoteIsForWhoHasAskedWithALogThatIsLongEnough) {
  ElectFirst();
  Breaks("who has not asked", [&] { See(2, {.term = Term(1), .voted_for = 2}); });
  See(2, {.term = Term(2), .voted_for = 3});
  Ask(2, 1, 2);
  Breaks("its own has (1, 1)", [&] { See(1, {.term = Term(2), .voted_for = 3, .log = {1}}); });
}

TEST_F(SpecificationTest, AVoteThatIsToldHasBeenGiven) {
  ElectFirst();
  Breaks("not given", [&] { Grant(1, 2, 1); });
  Breaks("is no candidate", [&] { Ask(1, 2, 1); });
}

TEST_F(SpecificationTest, LeadingTakesTheVotesOfAQuorum) {
  See(0, {.term = Term(1), .voted_for = 1});
  Ask(0, 1, 1);
  Breaks("without the votes",
         [&] { See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}}); });
}

TEST_F(SpecificationTest, EntriesAreTheLeadersOwnOrTakenFromOne) {
  ElectFirst();
  Breaks("no leader it has followed has had", [&] {
    See(1, {.term = Term(1), .voted_for = 1, .log = {1, 1}});
  });
  Breaks("no leader it has followed has had", [&] {
    See(1, {.term = Term(1), .voted_for = 1, .log = {1, 2}});
  });
}

TEST_F(SpecificationTest, OnlyAConflictCutsALog) {
  ElectFirst();
  See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1, 1}});
  Append(0, 1, 1, Index(1), Term(1), {1});
  See(1, {.term = Term(1), .voted_for = 1, .log = {1, 1}});
  Breaks("no leader that it has followed has another entry there",
         [&] { See(1, {.term = Term(1), .voted_for = 1, .log = {1}}); });
  Breaks("cuts its own log",
         [&] { See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}}); });
}

// A member that was removed, and has heard of nothing since, may be added again.
TEST_F(SpecificationTest, ALogThatReachesBelowWhatIsLetGoOfIsStillKnown) {
  ElectFirst();
  Acknowledge(1, 0, 1, Index(1));
  See(0, {.term = Term(1),
          .voted_for = 1,
          .role = Role::kLeader,
          .log = {1, 1, 1},
          .commit = Index(1)});
  Append(0, 1, 1, Index(1), Term(1), {}, Index(1));
  See(1, {.term = Term(1), .voted_for = 1, .log = {1}, .commit = Index(1)});
  See(1, {.term = Term(2), .voted_for = 2, .log = {1}, .commit = Index(1)});
  Ask(1, 2, 2, Index(1), Term(1));
  See(2, {.term = Term(2), .voted_for = 2});
  Grant(2, 1, 2);
  See(1,
      {.term = Term(2), .voted_for = 2, .role = Role::kLeader, .log = {1, 2}, .commit = Index(1)});
  specification_->ReleaseBelow(Index(3));
  Append(1, 0, 2, Index(1), Term(1), {2});
  See(0, {.term = Term(2), .log = {1, 2}, .commit = Index(1)});
  Breaks("no leader it has followed has had", [&] {
    See(0, {.term = Term(2), .log = {1, 2, 2}, .commit = Index(1)});
  });
}

TEST_F(SpecificationTest, AConflictMayCutALog) {
  ElectFirst();
  // n1 goes on alone; n2 is elected without its second entry.
  See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1, 1}});
  See(1, {.term = Term(2), .voted_for = 2, .log = {1}});
  Ask(1, 2, 2, Index(1), Term(1));
  See(2, {.term = Term(2), .voted_for = 2});
  Grant(2, 1, 2);
  See(1, {.term = Term(2), .voted_for = 2, .role = Role::kLeader, .log = {1, 2}});
  Append(1, 0, 2, Index(1), Term(1), {2});
  See(0, {.term = Term(2), .log = {1, 2}});
  Acknowledge(0, 1, 2, Index(2));
}

TEST_F(SpecificationTest, ALeaderCommitsWhatAQuorumHasAcknowledgedInItsTerm) {
  ElectFirst();
  Breaks("no quorum has acknowledged", [&] {
    See(0,
        {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}, .commit = Index(1)});
  });
}

TEST_F(SpecificationTest, AFollowerCommitsWhatItHasBeenTold) {
  ElectFirst();
  Breaks("no leader has told it",
         [&] { See(1, {.term = Term(1), .voted_for = 1, .log = {1}, .commit = Index(1)}); });
}

TEST_F(SpecificationTest, ACommitIsOfWhatIsThereAndForEver) {
  ElectFirst();
  Breaks("has no such entry",
         [&] { See(1, {.term = Term(1), .voted_for = 1, .log = {1}, .commit = Index(2)}); });
  Acknowledge(1, 0, 1, Index(1));
  See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}, .commit = Index(1)});
  Breaks("takes back that index 1 is committed",
         [&] { See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}}); });
}

TEST_F(SpecificationTest, ATermIsLedOnce) {
  ElectFirst();
  RecoveredState state;
  state.hard_state = {Term(1), ids_[0]};
  specification_->Begin(0, state);
  Breaks("which n1 has led",
         [&] { See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader}); });
}

TEST_F(SpecificationTest, AnAcknowledgementIsOfALogThatIsTheLeaders) {
  ElectFirst();
  Breaks("its log is not its leader's", [&] { Acknowledge(1, 0, 1, Index(2)); });
  Breaks("which has none", [&] { Acknowledge(1, 0, 7, Index(1)); });
}

TEST_F(SpecificationTest, OnlyTheLeaderOfATermSpeaksAsOneAndOfWhatItHas) {
  ElectFirst();
  Breaks("which it does not lead", [&] { Append(1, 0, 1, Index(), Term(), {1}); });
  Breaks("which is not in its log", [&] { Append(0, 1, 1, Index(1), Term(1), {1}); });
  Breaks("which is not in its log", [&] { Append(0, 1, 1, Index(2), Term(1), {}); });
  Breaks("is committed", [&] { Append(0, 1, 1, Index(1), Term(1), {}, Index(1)); });
  Breaks("which it does not lead", [&] { Send(1, 0, 1, TimeoutNow{}); });
}

TEST_F(SpecificationTest, ASnapshotTakesThePlaceOfALogIfALeaderHasCommittedIt) {
  ElectFirst();
  See(2, {.term = Term(1)});
  Breaks("has a snapshot of (1, 1)",
         [&] { See(2, {.term = Term(1), .log = {1}, .commit = Index(1), .base = Index(1)}); });
  InstallSnapshotRequest chunk;
  chunk.meta.index = Index(1);
  chunk.meta.term = Term(1);
  Breaks("a snapshot of what is not committed", [&] { Send(0, 2, 1, chunk); });
  Acknowledge(1, 0, 1, Index(1));
  See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}, .commit = Index(1)});
  Send(0, 2, 1, chunk);
  chunk.meta.term = Term(2);
  Breaks("a snapshot of (1, 2), which is not in its log", [&] { Send(0, 2, 1, chunk); });
  See(2, {.term = Term(1), .log = {1}, .commit = Index(1), .base = Index(1)});
}

TEST_F(SpecificationTest, NothingIsRememberedOfTheGapToASnapshotThatIsFarAhead) {
  constexpr std::uint64_t kLast = 10'000;
  const std::vector<std::uint64_t> log(kLast, 1);
  ElectFirst();
  See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = log});
  Append(0, 1, 1, Index(1), Term(1), std::vector<std::uint64_t>(kLast - 1, 1));
  See(1, {.term = Term(1), .voted_for = 1, .log = log});
  Acknowledge(1, 0, 1, Index(kLast));
  See(0,
      {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = log, .commit = Index(kLast)});
  See(2, {.term = Term(1)});
  InstallSnapshotRequest chunk;
  chunk.meta.index = Index(kLast);
  chunk.meta.term = Term(1);
  Send(0, 2, 1, chunk);
  const std::size_t bytes = specification_->Bytes();
  See(2, {.term = Term(1), .log = log, .commit = Index(kLast), .base = Index(kLast)});
  EXPECT_LT(specification_->Bytes(), bytes + 1000);
}

// n1 is elected once more, with a commit index of 0, and has said nothing yet when n3 installs what
// it had of it before.
TEST_F(SpecificationTest, ASnapshotMayWaitUntilItsSenderLeadsAgain) {
  ElectFirst();
  Acknowledge(1, 0, 1, Index(1));
  See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}, .commit = Index(1)});
  See(2, {.term = Term(1)});
  const Told early = {.term = Term(1), .log = {1}, .commit = Index(1), .base = Index(1)};
  Breaks("(1, 1), which no leader up to term 1 has sent", [&] { See(2, early); });
  InstallSnapshotRequest chunk;
  chunk.meta.index = Index(1);
  chunk.meta.term = Term(1);
  Send(0, 2, 1, chunk);
  RecoveredState again;
  again.hard_state = {.term = Term(1), .voted_for = ids_[0]};
  again.entries = {{.index = Index(1), .term = Term(1), .type = EntryType::kNoop, .payload = {}}};
  specification_->Begin(0, again);
  See(0, {.term = Term(2), .voted_for = 1, .log = {1}});
  Ask(0, 1, 2, Index(1), Term(1));
  See(1, {.term = Term(2), .voted_for = 1, .log = {1}});
  Grant(1, 0, 2);
  See(0, {.term = Term(2), .voted_for = 1, .role = Role::kLeader, .log = {1, 2}});
  Append(0, 2, 2, Index(1), Term(1), {2});
  See(2, {.term = Term(2)});
  Breaks("has a snapshot of (2, 2)", [&] {
    See(2, {.term = Term(2), .log = {1, 2}, .commit = Index(2), .base = Index(2)});
  });
  See(2, {.term = Term(2), .log = {1}, .commit = Index(1), .base = Index(1)});
  Breaks("calls (2, 2) committed", [&] {
    See(2, {.term = Term(2), .log = {1, 2}, .commit = Index(2), .base = Index(1)});
  });
}

TEST_F(SpecificationTest, AServerThatRepairsItsDiskBeginsTheNextTermAtMost) {
  ElectFirst();
  const auto asks = [this](std::uint64_t term) {
    specification_->OnSendInRepair(1, Message{.from = NodeId(2),
                                              .to = NodeId(1),
                                              .term = Term(term),
                                              .body = RepairRequest{},
                                              .incarnation = {}});
  };
  Breaks("begins term 3 behind term 1", [&] { asks(3); });
  asks(2);
  See(2, {.term = Term(2)});
}

TEST_F(SpecificationTest, AServerThatHasLostASnapshotTellsWhatWasCommitted) {
  ElectFirst();
  Acknowledge(1, 0, 1, Index(1));
  const auto tells = [this](std::uint64_t index, std::uint64_t term) {
    RepairRequest request;
    request.ask = RepairAsk::kSnapshot;
    request.first = request.last = Index(index);
    request.last_term = Term(term);
    specification_->OnSendInRepair(
        2,
        {.from = NodeId(3), .to = NodeId(2), .term = Term(1), .body = request, .incarnation = {}});
  };
  const auto follows = [this] {
    See(1, {.term = Term(1), .voted_for = 1, .log = {1}, .commit = Index(1)});
  };
  Breaks("says in repair that (1, 1) is committed", [&] { tells(1, 1); });
  See(0, {.term = Term(1), .voted_for = 1, .role = Role::kLeader, .log = {1}, .commit = Index(1)});
  Breaks("says in repair that (1, 2) is committed", [&] { tells(1, 2); });
  Breaks("calls (1, 1) committed", follows);
  tells(1, 1);
  follows();
}

TEST_F(SpecificationTest, ANewLifeBeginsWithWhatItHasFound) {
  ElectFirst();
  RecoveredState state;
  state.hard_state.term = Term(1);
  specification_->Begin(1, state);
  See(1, {.term = Term(1)});
  Breaks("its log is not its leader's", [&] { Acknowledge(1, 0, 1, Index(1)); });
  Append(0, 1, 1, Index(), Term(), {1});
  See(1, {.term = Term(1), .log = {1}});
  Acknowledge(1, 0, 1, Index(1));
}

}  // namespace
}  // namespace grassdb::sim
