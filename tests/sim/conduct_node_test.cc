// The rules about what a node must do, as a run feeds them, around a real node: it keeps to them,
// and what it is not told of it is not held to.
#include <gtest/gtest.h>

#include "sim/checkers/conduct.h"
#include "tests/core/node_fixture.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

class ConductTest : public NodeTest {
 protected:
  std::string RuleBrokenByNode() {
    return RuleBrokenBy([&] { conduct_.AfterStep(0, clock_.now, *node_); });
  }
  Conduct conduct_{1};
};

TEST_F(ConductTest, SeesACandidateThatWasHandedAQuorumAndStaysOne) {
  Make(3);
  conduct_.Begin(0, clock_.now, Term());
  clock_.now = node_->NextDeadline();
  node_->OnDeadline();
  node_->Flush();
  ASSERT_EQ(node_->raft().role(), Role::kPreCandidate);
  conduct_.OnEvent(0, clock_.now, node_->raft(),
                   {.kind = EventKind::kStartedPreVote, .peer = NodeId()});
  EXPECT_EQ(RuleBrokenByNode(), "");
  Message grant{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(), .body = {}};
  grant.body = RequestVoteResponse{
      .ballot = Ballot::kPreVote, .campaign_term = node_->raft().term() + 1, .granted = true};
  Message stray = grant;
  stray.to_incarnation = Incarnation(99);
  conduct_.OnTakes(0, clock_.now, node_->raft(), stray);
  EXPECT_EQ(RuleBrokenByNode(), "") << "for another disk than it has";
  conduct_.OnTakes(0, clock_.now, node_->raft(), grant);  // and the node is not told
  EXPECT_EQ(RuleBrokenByNode(), "a won election is taken");
  node_->OnMessage(grant);
  node_->Flush();
  conduct_.OnEvent(0, clock_.now, node_->raft(),
                   {.kind = EventKind::kStartedElection, .peer = NodeId()});
  EXPECT_EQ(RuleBrokenByNode(), "");
}

TEST_F(ConductTest, SeesANodeThatGoesOnByADiskThatItWasToldHasForgotten) {
  recovered_.identity.incarnation = Incarnation(7);
  Make(3);
  Message append{.from = IdOfNode(2), .to = IdOfNode(1), .term = Term(1), .body = {}};
  AppendEntriesRequest request;
  append.body = request;
  node_->OnMessage(append);
  node_->Flush();
  ASSERT_EQ(node_->raft().term(), Term(1));
  request.forgot = Incarnation(7);
  append.body = request;
  append.term = Term();
  conduct_.OnTakes(0, clock_.now, node_->raft(), append);
  EXPECT_EQ(RuleBrokenByNode(), "") << "by nobody who leads its term";
  append.term = Term(1);
  conduct_.OnTakes(0, clock_.now, node_->raft(), append);
  EXPECT_EQ(RuleBrokenByNode(), "who forgets knows it");
  conduct_.OnTakes(0, clock_.now, node_->raft(), append);
  node_->OnMessage(append);
  node_->Flush();
  EXPECT_EQ(RuleBrokenByNode(), "");
}

TEST_F(ConductTest, SeesNothingWrongWithALeaderThatServes) {
  conduct_.Begin(0, clock_.now, Term());
  LeadThree();
  EXPECT_EQ(RuleBrokenByNode(), "");
  FinishDisk();
  AcknowledgeAll(2);
  EXPECT_EQ(RuleBrokenByNode(), "");
}

}  // namespace
}  // namespace grassdb::sim
