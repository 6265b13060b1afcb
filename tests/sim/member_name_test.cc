// Violations call nodes n1, n2 and so on, also where the checker knows their ids only: a person
// finds them in the trace, and the page of the run its lanes (report/highlights.h).
#include "sim/checkers/member_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/configuration.h"
#include "sim/checkers/progress_rules.h"
#include "sim/checkers/promises.h"
#include "sim/checkers/recovery.h"
#include "sim/report/highlights.h"
#include "tests/sim/logs.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

const NodeId kOne = NodeIdOf("n1");
const NodeId kTwo = NodeIdOf("n2");
const NodeId kThree = NodeIdOf("n3");

std::string TextBy(const std::function<void()>& body) {
  return ViolationBy(body).text;
}

TEST(MemberName, IsThatOfTheMachine) {
  EXPECT_EQ(MemberName(kOne), "n1");
  EXPECT_EQ(MemberName(NodeIdOf("n9")), "n9");
  EXPECT_EQ(MemberName(NodeId()), "nobody");
  EXPECT_EQ(MemberName(NodeId(17)), "node 17") << "of no machine that there is";
}

TEST(MemberName, IsInTheTextOfEachBrokenPromise) {
  RequestVoteResponse vote;
  vote.ballot = Ballot::kVote;
  vote.granted = true;
  const auto sent = [](const Message& message, const DurableImage& image) {
    return TextBy([&] { Promises::CheckMessage(message, image); });
  };
  const Message message{kOne, kThree, Term(3), vote};
  EXPECT_EQ(sent(message, ImageOfTerms({}, 2, kTwo)),
            "RequestVoteResponse of term 3 by n1 rests on a vote for n3; durable are term 2 and a "
            "vote for n2");
  EXPECT_EQ(sent(message, ImageOfTerms({}, 2)),
            "RequestVoteResponse of term 3 by n1 rests on a vote for n3; durable are term 2 and a "
            "vote for nobody");
  EXPECT_EQ(NamedIn(sent(message, ImageOfTerms({}, 2, kTwo))).nodes,
            (std::vector<std::uint32_t>{0, 2, 1}));
}

TEST(MemberName, IsInTheTextOfWhatALeaderRestsOn) {
  Progress follower;
  follower.id = kTwo;
  follower.match = Index(2);
  const DurableImage image = ImageOfTerms({1}, 3);
  const auto image_of = [&image](NodeId) { return &image; };
  EXPECT_EQ(
      TextBy([&] {
        Promises::CheckMatch(Term(3), LogOf({1, 3, 3}), {follower}, image_of);
      }),
      "a leader of term 3 believes that n2 matches its log up to 2; durable there are entries up "
      "to 1");
  const Configuration configuration({MakeMember("n1", "x:1"), MakeMember("n2", "x:1")});
  EXPECT_EQ(TextBy([&] { Promises::CheckVotes(Term(3), kTwo, configuration, image_of); }),
            "n2 leads term 3 without the votes of a quorum");
  ProgressRules progress(1);
  const auto observe = [&](std::uint64_t match) {
    std::vector<Progress> followers = {follower};
    followers.front().match = Index(match);
    progress.ObserveMatch(0, {Term(3), &followers, &configuration, Index(1)},
                          [](NodeId) { return 0; });
  };
  observe(2);
  EXPECT_EQ(TextBy([&] { observe(1); }),
            "n1, leader of term 3, forgets what n2 has acknowledged: match index fell from 2 to 1");
}

TEST(MemberName, IsInTheTextOfAVoteThatRecoveryGivesBack) {
  RecoveredState state;
  state.hard_state = {Term(3), kThree};
  EXPECT_EQ(TextBy([&] { Recovery::Check(0, ImageOfTerms({}, 3, kTwo), {}, state); }),
            "n1 recovered term 3 voted for n3; durable were term 3 voted for n2");
}

}  // namespace
}  // namespace grassdb::sim
