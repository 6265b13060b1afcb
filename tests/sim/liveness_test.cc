#include "sim/checkers/liveness.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

Member Of(const std::string& name, MemberRole role = MemberRole::kVoter,
          Incarnation incarnation = Incarnation(1)) {
  Member member = MakeMember(name, name + ":1", role);
  member.incarnation = incarnation;
  return member;
}

const NodeId kOne = NodeIdOf("n1");
const NodeId kTwo = NodeIdOf("n2");

std::string BrokenAfter(const std::vector<Configuration>& before, const Configuration& after,
                        const std::vector<NodeId>& core = {kOne, kTwo}) {
  return RuleBrokenBy([&] { Liveness::CheckMembership(before, after, core); });
}

TEST(Liveness, SeesACoreThatElectsNobodyInTime) {
  const TrueTime deadline = TrueTime() + std::chrono::seconds(3);
  const auto rule = [deadline](TrueTime now) {
    return RuleBrokenBy([&] { Liveness::CheckTime(now, deadline, "no leader serves the core"); });
  };
  EXPECT_EQ(rule(deadline - Duration(1)), "");
  EXPECT_EQ(rule(deadline), "convergence");
}

TEST(Liveness, SeesAClientThatIsNeverAnswered) {
  EXPECT_EQ(RuleBrokenBy([] { Liveness::CheckAnswered(0, true, ""); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Liveness::CheckAnswered(0, false, "n1: no leader"); }),
            "convergence");
}

TEST(Liveness, SeesAQuorumThatDoesNotRemember) {
  EXPECT_EQ(RuleBrokenBy([] { Liveness::CheckRemembers(1, true, Index(5)); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Liveness::CheckRemembers(1, false, Index(5)); }),
            "a quorum remembers");
}

TEST(Liveness, SeesAMemberThatIsLost) {
  const Configuration before({Of("n1"), Of("n2"), Of("n3")});
  EXPECT_EQ(BrokenAfter({before}, before), "");
  EXPECT_EQ(BrokenAfter({before}, Configuration({Of("n1"), Of("n2")})), "membership unharmed");
  // Whom somebody had asked to leave may go.
  const Configuration leaves({Of("n1"), Of("n2"), Of("n3", MemberRole::kLeaving)});
  EXPECT_EQ(BrokenAfter({before, leaves}, Configuration({Of("n1"), Of("n2")})), "");
  Member other = Of("n4", MemberRole::kJoining);
  other.replaces = NodeIdOf("n3");
  const Configuration replaced({Of("n1"), Of("n2"), Of("n3"), other});
  EXPECT_EQ(BrokenAfter({replaced}, Configuration({Of("n1"), Of("n2"), Of("n4")})), "");
}

TEST(Liveness, SeesAWholeVoterThatLosesItsVote) {
  const Configuration before({Of("n1"), Of("n2"), Of("n3")});
  const Configuration joins({Of("n1"), Of("n2", MemberRole::kJoining), Of("n3")});
  EXPECT_EQ(BrokenAfter({before}, joins), "membership unharmed");
  // By a change that had begun; or beside the core, where its disk may be another one.
  EXPECT_EQ(BrokenAfter({before, joins}, joins), "");
  EXPECT_EQ(BrokenAfter({before}, joins, {kOne}), "");
  // It has a vote, but of a disk that it never had.
  const Configuration readmitted(
      {Of("n1"), Of("n2", MemberRole::kVoter, Incarnation(2)), Of("n3")});
  EXPECT_EQ(BrokenAfter({before}, readmitted), "membership unharmed");
}

TEST(Liveness, SeesTwoStatesAtOneIndex) {
  EXPECT_EQ(RuleBrokenBy([] { Liveness::CheckSameState(0, 7, 1, 7, Index(5)); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Liveness::CheckSameState(0, 7, 1, 8, Index(5)); }), "the same state");
}

}  // namespace
}  // namespace grassdb::sim
