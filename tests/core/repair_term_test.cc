// What proves that a lost entry was never committed where there is no later term to go to.
#include <gtest/gtest.h>

#include <utility>

#include "tests/core/patient.h"

namespace grassdb::repair_test {
namespace {

// A life of a repair before this one may have gone to the term of the leader that is heard now:
// there is no later one to go to, and an acknowledgement of this term would count with that leader
// alone.
TEST(RepairInTheLeadersTerm, CutsWhatItsLeaderAndEnoughOthersLack) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2}, 5);
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.Deliver(2, AppendEntriesRequest{}, 4);
  patient.Answer(3, Patient::Plain(RepairVerdict::kAbsent), 4);
  patient.Answer(4, Patient::Plain(RepairVerdict::kAbsent), 4);
  patient.Answer(5, Patient::Plain(RepairVerdict::kAbsent), 4);
  EXPECT_TRUE(patient.disk.jobs.empty()) << "the leader may have it, and count this node";
  patient.Answer(2, Patient::Plain(RepairVerdict::kAbsent), 4);
  EXPECT_EQ(patient.Mend().cut_from, Index(3));
}

TEST(RepairInTheLeadersTerm, DoesNotTakeTheLeadersWordForAQuorum) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2}, 5);
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.Deliver(2, AppendEntriesRequest{}, 4);
  patient.Answer(2, Patient::Plain(RepairVerdict::kAbsent), 4);
  patient.Answer(3, Patient::Plain(RepairVerdict::kAbsent), 3);
  patient.Answer(4, Patient::Plain(RepairVerdict::kAbsent), 4);
  EXPECT_TRUE(patient.disk.jobs.empty()) << "the third is still in an earlier term";
  patient.Answer(3, Patient::Plain(RepairVerdict::kAbsent), 4);
  EXPECT_EQ(patient.Mend().cut_from, Index(3));
}

// The leader has counted the others before it crashed, and they have the entry by now; what they
// said is from before.
TEST(RepairInTheLeadersTerm, DoesNotCutWhatThatLeaderMadeItself) {
  RecoveredState state = StateOf(1, 4, {1, 1, 4}, 5);
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.Deliver(2, AppendEntriesRequest{}, 4);
  for (const int other : {3, 4, 5, 2}) {
    patient.Answer(other, Patient::Plain(RepairVerdict::kAbsent), 4);
  }
  EXPECT_TRUE(patient.disk.jobs.empty());
}

}  // namespace
}  // namespace grassdb::repair_test
