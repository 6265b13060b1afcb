// sim/status: each lie that a node could tell of itself, and that a client could be told.
#include "sim/status.h"

#include <functional>
#include <string>

#include "core/repair.h"
#include "tests/core/node_fixture.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

class StatusTest : public NodeTest {
 protected:
  // What is broken by the node's status once `lie` has changed it.
  std::string RuleBrokenByLie(const std::function<void(NodeStatus&)>& lie) {
    NodeStatus status = node_->Status();
    lie(status);
    return RuleBrokenBy([&] { CheckNodeStatus(status, *node_, "n1"); });
  }
};

TEST_F(StatusTest, TheTruthIsNoLie) {
  LeadThree();
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus&) {}), "");
  Make(3);
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus&) {}), "") << "a follower";
}

TEST_F(StatusTest, SeesANodeThatSaysOfItselfWhatItIsNot) {
  LeadThree();
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.role = Role::kFollower; }), "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.term = s.term + 1; }), "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.commit_index = Index(0); }), "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.digest ^= 1; }), "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.revision = Revision(7); }), "status");
}

TEST_F(StatusTest, SeesIndexesOutOfOrder) {
  LeadThree();
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.applied_index = s.commit_index + 1; }), "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.last_index = Index(0); }), "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.durable_index = s.last_index + 1; }), "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.first_index = s.last_index + 2; }), "status");
}

TEST_F(StatusTest, SeesALeaderThatFollowsAnotherOne) {
  LeadThree();
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.leader = IdOfNode(2); }), "status");
}

TEST_F(StatusTest, SeesAFollowerThatTellsOfFollowers) {
  Make(3);
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.followers.emplace_back(); }), "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.failures_tolerated = 1; }), "status");
}

TEST_F(StatusTest, SeesMoreFailuresToleratedThanHalfOfTheVoters) {
  LeadThree();
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.failures_tolerated = 1; }), "");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.failures_tolerated = 2; }), "status");
}

TEST_F(StatusTest, SeesAContradictionAboutAFollower) {
  LeadThree();
  ASSERT_EQ(node_->Status().followers.size(), 2u);
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.followers[1].match = s.followers[1].next; }),
            "status");
  EXPECT_EQ(RuleBrokenByLie([](NodeStatus& s) { s.followers[0].lag += 1; }), "status");
  EXPECT_EQ(
      RuleBrokenByLie([](NodeStatus& s) { s.followers[1].snapshot_index = s.snapshot_index + 1; }),
      "status");
}

TEST_F(StatusTest, SeesAnAnswerThatIsNotWhatTheNodeSays) {
  LeadThree();
  const NodeStatus status = node_->Status();
  const auto broken_by = [&](const std::function<void(NodeStatus&)>& on_its_way) {
    NodeStatus shown = status;
    on_its_way(shown);
    return RuleBrokenBy([&] { CheckShown(status, "n1", BytesShown(shown, "n1")); });
  };
  EXPECT_EQ(broken_by([](NodeStatus&) {}), "");
  EXPECT_EQ(broken_by([](NodeStatus& s) { s.role = Role::kCandidate; }), "status");
  EXPECT_EQ(broken_by([](NodeStatus& s) { s.term = Term(9); }), "status");
  EXPECT_EQ(broken_by([](NodeStatus& s) { s.commit_index = Index(9); }), "status");
  EXPECT_EQ(broken_by([](NodeStatus& s) { s.digest ^= 1; }), "status");
  EXPECT_EQ(broken_by([](NodeStatus& s) { s.followers.pop_back(); }), "status");
  EXPECT_EQ(RuleBrokenBy([&] { CheckShown(status, "n1", BytesShown(status, "n2")); }), "status");
  EXPECT_EQ(RuleBrokenBy([&] { CheckShown(status, "n1", "\xff"); }), "status") << "no message";
}

// A node that has lost the first of its entries.
class RepairStatusTest : public NodeTest {
 protected:
  RepairStatusTest() {
    RecoveredState state;
    state.identity.node = IdOfNode(1);
    state.identity.bootstrap = VotersOf(3);
    state.hard_state.term = Term(1);
    state.entries = {{Index(1), Term(1), EntryType::kNoop, Bytes()}};
    state.damage.lost = {{.first = Index(1), .last = Index(1), .last_term = Term(1)}};
    options_.raft.id = IdOfNode(1);
    repair_.emplace(options_, state,
                    Environment{.clock = &clock_,
                                .network = &network_,
                                .disk = &disk_,
                                .clients = nullptr,
                                .trace = nullptr});
    repair_->Start();
  }
  std::string RuleBrokenByLie(const std::function<void(RepairStatus&)>& lie) {
    RepairStatus status = repair_->Status();
    lie(status);
    return RuleBrokenBy([&] { CheckRepairStatus(status, *repair_, "n1"); });
  }

  std::optional<Repair> repair_;
};

TEST_F(RepairStatusTest, TheTruthIsNoLie) {
  EXPECT_EQ(RuleBrokenByLie([](RepairStatus&) {}), "");
}

TEST_F(RepairStatusTest, SeesARepairOfNothing) {
  EXPECT_EQ(RuleBrokenByLie([](RepairStatus& s) { s.lost.reset(); }), "status");
}

TEST_F(RepairStatusTest, SeesASnapshotThatIsOlderThanIsNeeded) {
  EXPECT_EQ(RuleBrokenByLie([](RepairStatus& s) {
              s.snapshot_wanted = Index(5);
              s.snapshot_index = Index(4);
            }),
            "status");
  EXPECT_EQ(RuleBrokenByLie([](RepairStatus& s) {
              s.snapshot_wanted = Index(5);
              s.snapshot_index = Index(5);
            }),
            "");
}

TEST_F(RepairStatusTest, SeesMoreAnswersThanQuestions) {
  EXPECT_EQ(RuleBrokenByLie(
                [](RepairStatus& s) { s.without_it.assign(s.asked.size() + 2, IdOfNode(2)); }),
            "status");
}

}  // namespace
}  // namespace grassdb::sim
