// What a node says, and what a leader builds on, beside what the disks hold (checkers/promises.h).
#include "sim/checkers/promises.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "tests/sim/logs.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

Message MessageOf(std::uint64_t term, MessageBody body) {
  return {NodeId(1), NodeId(2), Term(term), std::move(body)};
}

TEST(PromisesChecker, SeesAVoteThatIsNotDurable) {
  RequestVoteResponse vote;
  vote.ballot = Ballot::kVote;
  vote.granted = true;
  const auto sent = [](const Message& message, const DurableImage& image) {
    return RuleBrokenBy([&] { Promises::CheckMessage(message, image); });
  };
  EXPECT_EQ(sent(MessageOf(3, vote), ImageOfTerms({}, 3, NodeId(2))), "");
  EXPECT_EQ(sent(MessageOf(3, vote), ImageOfTerms({}, 3, NodeId(9))), "durable before promised");
  EXPECT_EQ(sent(MessageOf(3, vote), ImageOfTerms({}, 2, NodeId(2))), "durable before promised");
  RequestVoteRequest request;
  request.ballot = Ballot::kVote;
  EXPECT_EQ(sent(MessageOf(3, request), ImageOfTerms({}, 3, NodeId(1))), "");
  EXPECT_EQ(sent(MessageOf(3, request), ImageOfTerms({}, 3)), "durable before promised");
  request.ballot = Ballot::kPreVote;
  EXPECT_EQ(sent(MessageOf(3, request), ImageOfTerms({}, 3)), "") << "promises nothing";
}

TEST(PromisesChecker, SeesAnAcknowledgementThatIsNotDurable) {
  AppendEntriesResponse answer;
  answer.match_index = Index(2);
  const auto sent = [&answer](const DurableImage& image) {
    return RuleBrokenBy([&] { Promises::CheckMessage(MessageOf(3, answer), image); });
  };
  EXPECT_EQ(sent(ImageOfTerms({1, 1}, 3)), "");
  EXPECT_EQ(sent(ImageOfTerms({1}, 3)), "durable before promised");
  EXPECT_EQ(sent(ImageOfTerms({1, 1}, 2)), "durable before promised");
  InstallSnapshotResponse installed;
  installed.installed = true;
  installed.match_index = Index(9);
  EXPECT_EQ(RuleBrokenBy([&] {
              Promises::CheckMessage(MessageOf(3, installed), ImageOfTerms({1, 1}, 3));
            }),
            "durable before promised");
}

TEST(PromisesChecker, SeesWhatANodeInRepairMustNotSay) {
  DurableImage image = ImageOfTerms({1, 2, 2}, 4);
  Message message;
  message.term = Term(4);
  RepairResponse answer;
  answer.verdict = RepairVerdict::kAbsent;
  answer.first = Index(3);
  answer.last = Index(3);
  answer.last_term = Term(3);
  const auto broken = [&] {
    message.body = answer;
    return RuleBrokenBy([&] { Promises::CheckRepair(message, image); });
  };
  EXPECT_EQ(broken(), "");
  answer.last_term = Term(2);
  EXPECT_EQ(broken(), "durable before promised") << "the entry is there";
  message.term = Term(2);
  EXPECT_EQ(broken(), "") << "it may have come from the leader of that term meanwhile";
  message.term = Term(4);
  const DurableImage before = std::exchange(image, ImageOfTerms({1, 2, 3}, 4));
  PublishSnapshot publish;
  publish.meta = MetaOf(3, 3);
  image.Apply(publish);
  EXPECT_EQ(broken(), "") << "the snapshot stands for another one";
  image = before;
  answer.last_term = Term(3);
  message.term = Term(5);
  EXPECT_EQ(broken(), "durable before promised") << "the term is not";
  message.body = AppendEntriesResponse{};
  EXPECT_EQ(RuleBrokenBy([&] { Promises::CheckRepair(message, image); }),
            "who repairs itself promises nothing");
}

TEST(PromisesChecker, SeesALeaderThatBelievesTooMuch) {
  Progress follower;
  follower.id = NodeId(2);
  follower.match = Index(2);
  const auto believes = [&follower](std::vector<std::uint64_t> durable, std::uint64_t term) {
    const DurableImage image = ImageOfTerms(durable, term);
    return RuleBrokenBy([&] {
      Promises::CheckMatch(Term(3), LogOf({1, 3, 3}), {follower},
                           [&image](NodeId) { return &image; });
    });
  };
  EXPECT_EQ(believes({1, 3}, 3), "");
  EXPECT_EQ(believes({1}, 3), "match rests on disk");
  EXPECT_EQ(believes({1, 2}, 3), "match rests on disk");
  EXPECT_EQ(believes({1}, 4), "") << "it follows another leader by now";
}

TEST(PromisesChecker, SeesACommitWithoutADurableQuorum) {
  std::vector<Member> members;
  for (const char* name : {"a", "b", "c"}) members.push_back(MakeMember(name, "x:1"));
  const Configuration configuration(members);
  const DurableImage full = ImageOfTerms({1, 1}, 1);
  const DurableImage empty;
  const auto holders = [&](int count) {
    return RuleBrokenBy([&] {
      int asked = 0;
      Promises::CheckQuorum(Index(2), Term(1), configuration,
                            [&](NodeId) { return asked++ < count ? &full : &empty; });
    });
  };
  EXPECT_EQ(holders(2), "");
  EXPECT_EQ(holders(1), "commit rests on a quorum");
}

TEST(PromisesChecker, SeesALeaderWithoutTheVotesOfAQuorum) {
  std::vector<Member> members;
  for (const char* name : {"a", "b", "c", "d"}) members.push_back(MakeMember(name, "x:1"));
  const NodeId a = members[0].id;
  const Configuration old_half({members[0], members[1], members[2]});
  const Configuration joint = old_half.JointTo(Configuration({members[0], members[3]}));
  const DurableImage for_a = ImageOfTerms({}, 3, a);
  const DurableImage for_b = ImageOfTerms({}, 3, members[1].id);
  const DurableImage for_a_before = ImageOfTerms({}, 2, a);
  const DurableImage gone_on = ImageOfTerms({}, 4);
  // What a, b, c and d have on disk.
  const auto leads = [&](const Configuration& configuration,
                         std::vector<const DurableImage*> images) {
    return RuleBrokenBy([&] {
      Promises::CheckVotes(Term(3), a, configuration, [&](NodeId voter) {
        const auto at = std::ranges::find(members, voter, &Member::id);
        return images[static_cast<std::size_t>(at - members.begin())];
      });
    });
  };
  const char* rule = "leadership rests on votes";
  EXPECT_EQ(leads(old_half, {&for_a, &for_a, &for_b, nullptr}), "");
  EXPECT_EQ(leads(old_half, {&for_a, &for_b, &for_b, nullptr}), rule);
  EXPECT_EQ(leads(old_half, {&for_a, &for_a_before, nullptr, nullptr}), rule)
      << "a vote of an earlier term";
  EXPECT_EQ(leads(old_half, {&for_a, &gone_on, &for_b, nullptr}), "")
      << "it may have voted before it went on";
  EXPECT_EQ(leads(joint, {&for_a, &for_a, &for_b, &for_a}), "");
  EXPECT_EQ(leads(joint, {&for_a, &for_a, &for_b, &for_b}), rule) << "one half only";
  EXPECT_EQ(leads(joint, {&for_a, &for_b, &for_b, &for_a}), rule) << "the other half only";
}

}  // namespace
}  // namespace grassdb::sim
