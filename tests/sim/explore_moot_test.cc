// sim/explore/moot: what the reduced search leaves out is nothing that a replica or a rule could
// see.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/explore/catalog.h"
#include "sim/explore/explorer.h"
#include "sim/explore/moot.h"
#include "sim/explore/replica.h"
#include "sim/violation.h"

namespace grassdb::sim::explore {
namespace {

// At two depths the same replicas: none is reached later, and so no violation is.
TEST(ExploreReduction, LeavesOutNoReplica) {
  struct Case {
    Bounds bounds;
    std::uint32_t depth_max;
  };
  const std::vector<Case> cases = {
      {{.terms = 1, .entries = 1}, 13},
      {{.terms = 1, .entries = 0, .crashes = 1, .drops = 1, .duplicates = 1}, 12},
      {{.terms = 1, .entries = 0, .pre_votes = PreVotes::kExplored, .timeouts = 2}, 13},
      {{.terms = 2, .entries = 0}, 12},
      {{.terms = 2, .entries = 1, .disk = DiskSpeed::kInstant}, 10},
      {{.terms = 3, .entries = 0, .heartbeats = 1, .disk = DiskSpeed::kInstant}, 9},
  };
  for (const auto& [bounds, depth_max] : cases) {
    for (const std::uint32_t depth : {7u, depth_max}) {
      ExploreOptions options;
      options.bounds = bounds;
      options.depth_max = depth;
      const ExploreResult reduced = Explore(options);
      options.reduction = Reduction::kOff;
      const ExploreResult whole = Explore(options);
      const std::string where = FlagsOf(bounds) + ", depth " + std::to_string(depth);
      EXPECT_FALSE(reduced.not_reduced.has_value()) << where << ": " << *reduced.not_reduced;
      EXPECT_EQ(HexOf(reduced.replicas_fingerprint), HexOf(whole.replicas_fingerprint)) << where;
      EXPECT_LE(reduced.distinct, whole.distinct) << where;
    }
  }
}

TEST(ExploreReduction, EndsWhereTheWholeSearchDoes) {
  ExploreOptions options;
  options.bounds = {.terms = 1, .entries = 1};
  const ExploreResult reduced = Explore(options);
  options.reduction = Reduction::kOff;
  const ExploreResult whole = Explore(options);
  EXPECT_EQ(reduced.ending, Ending::kExhausted);
  EXPECT_LT(reduced.distinct * 7, whole.distinct);
  EXPECT_EQ(reduced.final, whole.final);
  EXPECT_EQ(HexOf(reduced.final_fingerprint), HexOf(whole.final_fingerprint));
  EXPECT_EQ(HexOf(reduced.replicas_fingerprint), HexOf(whole.replicas_fingerprint));
}

class MootMessages : public testing::Test {
 protected:
  // n1's, in term 1; n2's vote for it is under way.
  MootMessages() {
    const CheckFailuresThrow handler;
    std::vector<Message> sent;
    candidate_ = Act(cluster_, bounds_, StartReplica(cluster_, bounds_, 0),
                     Action{.kind = ActionKind::kTimeout}, &sent);
    vote_ = Message{.from = cluster_.IdOf(1),
                    .to = cluster_.IdOf(0),
                    .term = Term(1),
                    .body = RequestVoteResponse{Ballot::kVote, Term(1), true}};
    leader_ = Act(cluster_, bounds_, candidate_,
                  Action{.kind = ActionKind::kDeliver, .message = &vote_}, &sent);
    EXPECT_EQ(leader_.raft.role(), Role::kLeader);
  }

  const Bounds bounds_{.terms = 2, .disk = DiskSpeed::kInstant};
  const Cluster cluster_{3, Symmetry::kOn};
  Catalog catalog_{cluster_, bounds_};
  Replica candidate_ = StartReplica(cluster_, bounds_, 0);
  Replica leader_ = candidate_;
  Message vote_;
};

TEST_F(MootMessages, AVoteIsOneWhenTheElectionIsOver) {
  const MootWhen when = MootWhenOf(vote_, bounds_);
  const Age voter = AgeOf(StartReplica(cluster_, bounds_, 1));
  EXPECT_FALSE(IsMoot(when, AgeOf(candidate_), voter));
  EXPECT_TRUE(IsMoot(when, AgeOf(leader_), voter));
}

TEST_F(MootMessages, ARequestIsOneWhenItsRefusalWouldBe) {
  RequestVoteRequest asks;
  asks.campaign_term = Term(1);
  const Message request{
      .from = cluster_.IdOf(0), .to = cluster_.IdOf(1), .term = Term(1), .body = asks};
  const MootWhen when = MootWhenOf(request, bounds_);
  Replica voter = StartReplica(cluster_, bounds_, 1);
  voter.disk.hard_state = {.term = Term(1), .voted_for = cluster_.IdOf(2), .founder = true};
  EXPECT_FALSE(IsMoot(when, AgeOf(voter), AgeOf(leader_))) << "it may be told of term 2";
  Replica last_leader = leader_;
  last_leader.disk.hard_state.term = Term(2);
  EXPECT_TRUE(IsMoot(when, AgeOf(voter), AgeOf(last_leader)));
  voter.disk.hard_state.voted_for = NodeId();
  EXPECT_FALSE(IsMoot(when, AgeOf(voter), AgeOf(last_leader))) << "it may vote yet";
}

TEST_F(MootMessages, AreDeliveredAllTheSameForTheProof) {
  const CheckFailuresThrow handler;
  catalog_.AddReplica(leader_);
  catalog_.AddMessage(vote_);
  MootProof proof(cluster_, bounds_, catalog_);
  EXPECT_EQ(proof.Problem(), std::nullopt);
  // One that looks older than it is, as if Raft counted a vote too many.
  candidate_.disk.hard_state.term = Term(2);
  catalog_.AddReplica(candidate_);
  const std::optional<std::string> problem = proof.Problem();
  ASSERT_TRUE(problem.has_value());
  EXPECT_NE(problem->find("grants the vote of term 1"), std::string::npos) << *problem;
  EXPECT_NE(problem->find("changes it"), std::string::npos) << *problem;
}

// As a bug might let it: here a disk that was ahead is written with an earlier term.
TEST_F(MootMessages, AreNoneOnceAnAgeHasFallen) {
  const CheckFailuresThrow handler;
  candidate_.disk.hard_state.term = Term(3);
  const std::uint32_t ahead = catalog_.AddReplica(candidate_);
  MootProof proof(cluster_, bounds_, catalog_);
  EXPECT_EQ(proof.Problem(), std::nullopt);
  catalog_.Take(ahead, ActionKind::kTimeout, 0);
  EXPECT_EQ(proof.Problem(), "a replica's age has fallen");
}

// A refusal from a later term than the bounds know is news to whoever sent the request.
TEST_F(MootMessages, AreNoneIfTheAnswerMatters) {
  const CheckFailuresThrow handler;
  const Bounds later{.terms = 3, .disk = DiskSpeed::kInstant};
  Replica candidate = candidate_;
  std::vector<Message> sent;
  for (int term = 2; term <= 3; ++term) {
    candidate = Act(cluster_, later, candidate, Action{.kind = ActionKind::kTimeout}, &sent);
  }
  catalog_.AddMessage(Message{.from = cluster_.IdOf(1),
                              .to = cluster_.IdOf(0),
                              .term = Term(1),
                              .body = AppendEntriesRequest{}});
  catalog_.AddReplica(candidate);
  const std::optional<std::string> problem = MootProof(cluster_, bounds_, catalog_).Problem();
  ASSERT_TRUE(problem.has_value());
  EXPECT_NE(problem->find("is answered: n1 -> "), std::string::npos) << *problem;
}

}  // namespace
}  // namespace grassdb::sim::explore
