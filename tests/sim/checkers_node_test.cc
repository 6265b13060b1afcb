// The checkers as a run feeds them, around a real node that is alone: what only they see together.
#include <optional>

#include "sim/checkers/checkers.h"
#include "tests/core/node_fixture.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

class CheckersTest : public NodeTest {
 protected:
  CheckersTest() : checkers_({IdOfNode(1)}, options_, 1024, true) {
    Make(1);
    checkers_.OnRecovered(0, recovered_, DamageMet::kNo);
    clock_.now = node_->NextDeadline();
    node_->OnDeadline();
    node_->Flush();
    checkers_.AfterStep(0, 1, *node_);
    while (!disk_.jobs.empty()) {
      checkers_.OnDurableJobBegins(0, disk_.jobs.front());
      checkers_.OnDurableJobDone(0);
      FinishOne();
      checkers_.AfterStep(0, 1, *node_);
    }
  }

  Checkers checkers_;
};

TEST_F(CheckersTest, SeesACommittedEntryThatIsDurablyCut) {
  ASSERT_EQ(checkers_.committed(), Index(1));
  Persist cut;
  cut.entries = {{Index(1), Term(9), EntryType::kNoop, Bytes()}};
  checkers_.OnDurableJobBegins(0, cut);
  EXPECT_EQ(RuleBrokenBy([&] { checkers_.OnDurableJobDone(0); }), "committed for ever");
}

TEST_F(CheckersTest, SeesANodeThatHasNotAppliedEverythingInTheEnd) {
  EXPECT_EQ(RuleBrokenBy([&] { checkers_.AtEnd(0, *node_); }), "");
  Make(1);  // one that has applied nothing
  EXPECT_EQ(RuleBrokenBy([&] { checkers_.AtEnd(0, *node_); }), "convergence");
}

}  // namespace
}  // namespace grassdb::sim
