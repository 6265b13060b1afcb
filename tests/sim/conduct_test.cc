// Violations of the rules about what a node must do with what it has been told, and the nearest
// things that are none.
#include "sim/checkers/conduct.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/checkers/brought_members.h"
#include "sim/checkers/forgetting.h"
#include "sim/checkers/idle_voters.h"
#include "sim/checkers/known_damage.h"
#include "sim/checkers/letting_go.h"
#include "sim/checkers/membership_rules.h"
#include "sim/checkers/repair_cut.h"
#include "sim/checkers/repair_fill.h"
#include "sim/checkers/scrubbing.h"
#include "sim/checkers/staging.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

using std::chrono::milliseconds;

Member MemberOf(const std::string& name, MemberRole role = MemberRole::kVoter,
                std::uint64_t incarnation = 0) {
  Member member = MakeMember(name, name + ":1", role);
  member.incarnation = Incarnation(incarnation);
  return member;
}

Configuration Three() {
  return Configuration({MemberOf("a"), MemberOf("b"), MemberOf("c")});
}

Instant At(int ms) {
  return Instant(milliseconds(ms));
}

// --- A won election is taken ---

RequestVoteResponse Vote(Ballot ballot, std::uint64_t term, bool granted) {
  return {.ballot = ballot, .campaign_term = Term(term), .granted = granted};
}

class CampaignsChecker : public ::testing::Test {
 protected:
  std::string Undecided(Ballot ballot) {
    return RuleBrokenBy([&] { checker_.CheckUndecided(0, NodeIdOf("a"), ballot, Three()); });
  }
  Campaigns checker_{1};
};

TEST_F(CampaignsChecker, SeesAQuorumOfPreVotesThatIsNotMadeUseOf) {
  checker_.Begin(0, Ballot::kPreVote, Term(5));
  EXPECT_EQ(Undecided(Ballot::kPreVote), "") << "nobody has answered";
  checker_.OnAnswer(0, NodeIdOf("b"), Vote(Ballot::kPreVote, 5, false));
  checker_.OnAnswer(0, NodeIdOf("b"), Vote(Ballot::kPreVote, 5, true));
  EXPECT_EQ(Undecided(Ballot::kPreVote), "") << "the first answer of a voter counts";
  checker_.OnAnswer(0, NodeIdOf("c"), Vote(Ballot::kPreVote, 4, true));
  EXPECT_EQ(Undecided(Ballot::kPreVote), "") << "to another campaign";
  checker_.OnAnswer(0, NodeIdOf("c"), Vote(Ballot::kPreVote, 5, true));
  EXPECT_EQ(Undecided(Ballot::kPreVote), "a won election is taken");
  checker_.Begin(0, Ballot::kPreVote, Term(5));
  EXPECT_EQ(Undecided(Ballot::kPreVote), "") << "answers are not for the next campaign";
}

TEST_F(CampaignsChecker, SeesAQuorumOfVotesOnceItsOwnIsDurable) {
  checker_.Begin(0, Ballot::kVote, Term(5));
  checker_.OnAnswer(0, NodeIdOf("b"), Vote(Ballot::kVote, 5, true));
  EXPECT_EQ(Undecided(Ballot::kVote), "");
  RequestVoteRequest request;
  request.campaign_term = Term(5);
  checker_.OnAsk(0, request);
  EXPECT_EQ(Undecided(Ballot::kVote), "a won election is taken");
  checker_.End(0);
  EXPECT_EQ(Undecided(Ballot::kVote), "");
}

// --- Caught up before it votes ---

// The rule that is broken by a leader that has appended an entry every 100 ms and makes a voter of
// the fourth member at 1000 ms, which has its log up to `match`.
std::string RuleBrokenByPromotion(std::uint64_t match) {
  const Configuration before(
      {MemberOf("a"), MemberOf("b"), MemberOf("c"), MemberOf("d", MemberRole::kJoining)});
  const Configuration after({MemberOf("a"), MemberOf("b"), MemberOf("c"), MemberOf("d")});
  std::vector<Progress> followers(1);
  followers.front().id = NodeIdOf("d");
  followers.front().match = Index(match);
  const auto at = [&](int ms, const Configuration& configuration, std::uint64_t configured) {
    return CatchUp::Leading{.now = At(ms),
                            .timeout = milliseconds(300),
                            .term = Term(2),
                            .last = Index(static_cast<std::uint64_t>(ms) / 100),
                            .configuration = &configuration,
                            .configured = Index(configured),
                            .followers = &followers};
  };
  return RuleBrokenBy([&] {
    CatchUp checker(1);
    for (int ms = 100; ms < 1000; ms += 100) checker.Observe(0, at(ms, before, 1));
    checker.Observe(0, at(1000, after, 10));
  });
}

TEST(CatchUpChecker, SeesAVoterThatIsFarBehind) {
  EXPECT_EQ(RuleBrokenByPromotion(9), "");
  EXPECT_EQ(RuleBrokenByPromotion(3), "");
  EXPECT_EQ(RuleBrokenByPromotion(2), "caught up before it votes");
}

// --- Rounds of reads ---

std::string RuleBrokenByRounds(std::uint64_t started, std::uint64_t confirmed,
                               const std::vector<std::uint64_t>& answered, bool counts = true) {
  const Configuration three = Three();
  std::vector<Progress> followers(2);
  for (std::size_t i = 0; i < 2; ++i) {
    followers[i].id = NodeIdOf(i == 0 ? "b" : "c");
    followers[i].read_round = ReadRound(answered[i]);
  }
  return RuleBrokenBy([&] {
    ReadRounds checker(1);
    checker.Observe(0, {.term = Term(2),
                        .self = NodeIdOf("a"),
                        .started = ReadRound(started),
                        .confirmed = ReadRound(confirmed),
                        .followers = &followers,
                        .configuration = &three,
                        .before = [&three] { return three; },
                        .counts = [counts](const Progress&) { return counts; }});
  });
}

TEST(ReadRoundsChecker, SeesAReadThatNoQuorumHasAnswered) {
  EXPECT_EQ(RuleBrokenByRounds(3, 3, {3, 2}), "");
  EXPECT_EQ(RuleBrokenByRounds(3, 3, {2, 2}), "a read rests on a quorum");
}

TEST(ReadRoundsChecker, SeesAReadThatIsKeptWaiting) {
  EXPECT_EQ(RuleBrokenByRounds(3, 2, {2, 2}), "");
  EXPECT_EQ(RuleBrokenByRounds(3, 2, {3, 2}), "a read is not kept waiting");
  EXPECT_EQ(RuleBrokenByRounds(3, 2, {3, 2}, false), "") << "whose answers do not count";
}

// --- A held write is sent on ---

TEST(HeldWritesChecker, SeesAWriteThatIsRefusedTooSoon) {
  HeldWrites checker(1);
  const auto refuses = [&](int ms) {
    return RuleBrokenBy([&] { checker.CheckRefused(0, At(ms), milliseconds(300)); });
  };
  EXPECT_EQ(refuses(1000), "") << "it never handed over";
  checker.Observe(0, At(1000), NodeIdOf("b"));
  checker.Observe(0, At(1200), NodeId());
  EXPECT_EQ(refuses(1299), "a held write is sent on");
  EXPECT_EQ(refuses(1300), "");
  checker.Forget(0);
  EXPECT_EQ(refuses(1299), "");
}

// --- An answer is for the disk that has asked ---

TEST(AddresseesChecker, SeesAnAnswerByTheNameOfAnotherDisk) {
  Addressees checker(1);
  RequestVoteRequest request;
  request.campaign_term = Term(4);
  const auto answers = [&](std::uint64_t to_disk, std::uint64_t term = 4) {
    Message message;
    message.to = NodeIdOf("b");
    message.to_incarnation = Incarnation(to_disk);
    return RuleBrokenBy([&] { checker.CheckAnswer(0, message, Vote(Ballot::kVote, term, true)); });
  };
  EXPECT_EQ(answers(7), "") << "it is not known who has asked";
  Message asked;
  asked.from = NodeIdOf("b");
  asked.incarnation = Incarnation(8);
  checker.OnRequest(0, asked, request);
  EXPECT_EQ(answers(8), "");
  EXPECT_EQ(answers(0), "") << "for any";
  EXPECT_EQ(answers(7, 3), "") << "to another request";
  EXPECT_EQ(answers(7), "an answer is for the disk that has asked");
  checker.Forget(0);
  EXPECT_EQ(answers(7), "");
}

// --- What was said to another disk is not heard ---

TEST(MisaddressedChecker, SeesWhatANodeTakesThatWasSaidToAnotherDisk) {
  Misaddressed checker(1);
  const auto takes = [&](std::uint64_t to_disk, std::uint64_t term) {
    Message message;
    message.to_incarnation = Incarnation(to_disk);
    if (!Misaddressed::IsMisaddressed(message, Incarnation(8))) return std::string();
    Misaddressed::Known known;
    known.term = Term(4);
    checker.OnTakes(0, message, Incarnation(8), known);
    EXPECT_TRUE(checker.Awaits(0));
    known.term = Term(term);
    std::string rule = RuleBrokenBy([&] { checker.OnTook(0, known); });
    EXPECT_FALSE(checker.Awaits(0));
    return rule;
  };
  EXPECT_EQ(takes(8, 5), "");
  EXPECT_EQ(takes(0, 5), "") << "for any";
  EXPECT_EQ(takes(7, 4), "") << "it is dropped";
  EXPECT_EQ(takes(7, 5), "what was said to another disk is not heard");
}

// --- The leader is defended ---

TEST(DefenceChecker, SeesAVoteOfWhoHasHeardItsLeaderOrHasStarted) {
  Defence checker(1);
  const auto votes = [&](int ms) {
    return RuleBrokenBy([&] { checker.CheckVote(0, At(ms), milliseconds(300)); });
  };
  EXPECT_EQ(votes(100), "") << "it has heard of nobody";
  checker.Begin(0, At(100), Term());
  EXPECT_EQ(votes(100), "") << "nor could its leader have";
  checker.Begin(0, At(100), Term(2));
  EXPECT_EQ(votes(399), "the leader is defended");
  EXPECT_EQ(votes(400), "");
  checker.OnHears(0, At(400));
  EXPECT_EQ(votes(699), "the leader is defended");
  EXPECT_EQ(votes(700), "");
}

TEST(DefenceChecker, SeesALeaseThatNobodyDefends) {
  EXPECT_EQ(RuleBrokenBy([] { Defence::CheckLease(0, Term(2), true); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Defence::CheckLease(0, Term(2), false); }), "the leader is defended");
}

// --- No voter idles ---

class IdleVotersChecker : public testing::Test {
 protected:
  IdleVotersChecker() : followers_(2) {
    for (int i = 0; i < 2; ++i) {
      followers_[static_cast<std::size_t>(i)].id =
          members_.members()[static_cast<std::size_t>(i + 1)].id;
      followers_[static_cast<std::size_t>(i)].next = Index(4);
    }
  }
  std::string Gathers(std::size_t commands) {
    leading_.commands_gathered = commands;
    leading_.followers = &followers_;
    leading_.configuration = &members_;
    return RuleBrokenBy([&] { IdleVoters::Check(0, leading_); });
  }

  Configuration members_ = Three();
  std::vector<Progress> followers_;
  IdleVoters::Leading leading_{.now = At(100), .last = Index(3)};
};

TEST_F(IdleVotersChecker, SeesCommandsThatWaitWhileAVoterHasNothingToDo) {
  followers_[0].state = ProgressState::kReplicate;
  followers_[0].inflight.push_back({Index(3), 10});
  EXPECT_EQ(Gathers(2), "") << "one is at work, the other one has yet to be found out about";
  followers_[1].state = ProgressState::kReplicate;
  EXPECT_EQ(Gathers(0), "");
  EXPECT_EQ(Gathers(2), "no voter idles");
  leading_.append_delay = std::chrono::milliseconds(10);
  EXPECT_EQ(Gathers(2), "") << "with the leader the other one makes a quorum";
  followers_[1].quick = true;
  EXPECT_EQ(Gathers(2), "no voter idles") << "it is to be sent entries at once";
  followers_[1].quick = false;
  followers_[0].inflight.clear();
  EXPECT_EQ(Gathers(2), "no voter idles");
  leading_.append_delay = Duration::zero();
  followers_[0].inflight.push_back({Index(3), 10});
  followers_[1].role = MemberRole::kLearner;
  EXPECT_EQ(Gathers(2), "");
}

TEST_F(IdleVotersChecker, SeesEntriesThatAreNotToBeSentByAnyTime) {
  leading_.append_delay = std::chrono::milliseconds(10);
  leading_.last = Index(4);
  EXPECT_EQ(Gathers(0), "") << "a probe is under way";
  followers_[1].state = ProgressState::kReplicate;
  EXPECT_EQ(Gathers(0), "what waits is sent");
  followers_[1].append_at = At(110);
  EXPECT_EQ(Gathers(0), "");
  followers_[1].append_at = At(111);
  EXPECT_EQ(Gathers(0), "what waits is sent");
  followers_[1].inflight.push_back({Index(3), 10});
  EXPECT_EQ(Gathers(0), "") << "its answer will be heard";
  followers_[1].inflight.clear();
  leading_.evicted = Index(4);
  EXPECT_EQ(Gathers(0), "") << "read from the disk";
}

// --- One snapshot at a time ---

TEST(StagingChecker, SeesASnapshotThatIsReceivedOverAnotherOne) {
  EXPECT_EQ(RuleBrokenBy([] { Staging::CheckStage(0, Index(9), false); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Staging::CheckStage(0, Index(9), true); }), "one snapshot at a time");
}

TEST(StagingChecker, SeesWhoAsksForASnapshotWhileItPutsOneInForce) {
  EXPECT_EQ(RuleBrokenBy([] { Staging::CheckAsk(0, Index(9), false); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Staging::CheckAsk(0, Index(9), true); }), "one snapshot at a time");
}

// --- Everything is read again ---

std::string RuleBrokenByPass(bool before, bool after, const ScrubDone& piece) {
  return RuleBrokenBy([&] {
    Scrubbing checker;
    checker.OnPassEnded(0, before);
    checker.OnPiece(piece);
    checker.OnPassEnded(0, after);
  });
}

TEST(ScrubbingChecker, SeesAPassThatHasLeftDamageOut) {
  ScrubDone found;
  found.damage = "a record";
  ScrubDone full;
  full.space.space = DiskSpace::kFull;
  EXPECT_EQ(RuleBrokenByPass(true, true, {}), "everything is read again");
  EXPECT_EQ(RuleBrokenByPass(false, true, {}), "") << "it came behind the pass";
  EXPECT_EQ(RuleBrokenByPass(true, false, {}), "") << "it is gone";
  EXPECT_EQ(RuleBrokenByPass(true, true, found), "");
  EXPECT_EQ(RuleBrokenByPass(true, true, full), "") << "nothing could be done about it";
}

// --- A repair cuts with proof ---

TEST(RepairCutChecker, SeesACutThatNotEnoughHaveSaidTheyLack) {
  RepairCut checker(1);
  const auto cuts = [&] {
    return RuleBrokenBy([&] { checker.CheckCut(0, Index(7), Three(), NodeIdOf("b")); });
  };
  checker.Begin(0, Term(4));
  checker.OnAbsent(0, NodeIdOf("c"), Term(5), Index(7));
  EXPECT_EQ(cuts(), "a repair cuts with proof") << "one of two others";
  checker.OnAbsent(0, NodeIdOf("b"), Term(5), Index(6));
  EXPECT_EQ(cuts(), "a repair cuts with proof") << "another entry";
  checker.OnAbsent(0, NodeIdOf("b"), Term(3), Index(7));
  EXPECT_EQ(cuts(), "a repair cuts with proof") << "who may still receive it";
  checker.OnAbsent(0, NodeIdOf("b"), Term(4), Index(7));
  EXPECT_EQ(cuts(), "") << "whose leader is without it";
  checker.Forget(0);
  EXPECT_EQ(cuts(), "a repair cuts with proof");
}

TEST(RepairCutChecker, AsksForMoreThanMostOfAllWhereTwoHalvesDecide) {
  RepairCut checker(1);
  checker.Begin(0, Term(4));
  checker.OnAbsent(0, NodeIdOf("c"), Term(5), Index(7));
  checker.OnAbsent(0, NodeIdOf("d"), Term(5), Index(7));
  const Configuration joint =
      Three().JointTo(Configuration({MemberOf("a"), MemberOf("b"), MemberOf("d")}));
  const auto cuts = [&] {
    return RuleBrokenBy([&] { checker.CheckCut(0, Index(7), joint, NodeId()); });
  };
  EXPECT_EQ(cuts(), "a repair cuts with proof");
  checker.OnAbsent(0, NodeIdOf("b"), Term(5), Index(7));
  EXPECT_EQ(cuts(), "");
}

// --- A repair gives back what was lost ---

TEST(RepairFillChecker, SeesAnEntryOfAnotherTermThanTheLostOne) {
  const Entry entry{.index = Index(7), .term = Term(3), .payload = {}};
  const auto fills = [&entry](RepairFill::Place place) {
    return RuleBrokenBy([&] { RepairFill::CheckEntry(0, entry, place); });
  };
  EXPECT_EQ(fills({.lost = Term(3), .committed = Term()}), "");
  EXPECT_EQ(fills({.lost = Term(4), .committed = Term()}), "a repair gives back what was lost");
  EXPECT_EQ(fills({.lost = Term(), .committed = Term()}), "") << "nobody knows what it was";
  EXPECT_EQ(fills({.lost = Term(4), .committed = Term(3)}), "") << "nobody needs the lost one";
  EXPECT_EQ(fills({.lost = Term(4), .committed = Term(4)}), "a repair gives back what was lost");
}

TEST(RepairFillChecker, SeesAnEntryWithOtherBytesThanItHad) {
  Entry was{.index = Index(7), .term = Term(3), .payload = {}};
  was.payload = Bytes("a command");
  const auto fills = [&was](const char* payload) {
    Entry entry = was;
    entry.payload = Bytes(payload);
    return RuleBrokenBy([&] {
      RepairFill::CheckEntry(0, entry, {.lost = Term(3), .committed = Term(), .was = &was});
    });
  };
  EXPECT_EQ(fills("a command"), "");
  EXPECT_EQ(fills("another command"), "a repair gives back what was lost");
}

// --- Log and disk let go of the same ---

TEST(LettingGoChecker, SeesALogThatReachesBackToWhatItsDiskHasLetGoOf) {
  EXPECT_EQ(RuleBrokenBy([] { LettingGo::Check(0, Index(7), Index(7)); }), "");
  EXPECT_EQ(RuleBrokenBy([] { LettingGo::Check(0, Index(7), Index(9)); }), "");
  EXPECT_EQ(RuleBrokenBy([] { LettingGo::Check(0, Index(7), Index(6)); }),
            "log and disk let go of the same");
}

TEST(LettingGoChecker, SeesAFileThatIsOpenAndGone) {
  EXPECT_EQ(RuleBrokenBy([] { LettingGo::CheckFiles(0, std::nullopt); }), "");
  EXPECT_EQ(RuleBrokenBy([] { LettingGo::CheckFiles(0, "n1-1.wal"); }),
            "what is gone is let go of");
}

// --- Damage is mended ---

TEST(KnownDamageChecker, SeesWhoForgetsThatItHasFoundDamage) {
  KnownDamage checker(2);
  const auto broken = [&checker](bool must_mend) {
    return RuleBrokenBy([&] { checker.Check(0, must_mend); });
  };
  EXPECT_EQ(broken(false), "") << "it has found none";
  checker.OnFound(0, Index(9));
  checker.OnFound(0, Index(7));
  EXPECT_EQ(broken(true), "");
  EXPECT_EQ(broken(false), "damage is mended");
  checker.OnMended(0, Index(8));
  EXPECT_EQ(broken(false), "damage is mended") << "not by a snapshot that does not reach as far";
  checker.OnMended(0, Index(9));
  EXPECT_EQ(broken(false), "");
  checker.OnFound(0, Index(10));
  checker.Forget(0);
  EXPECT_EQ(broken(false), "") << "another life reads it again";
}

// --- Whom a snapshot brought is known ---

TEST(BroughtMembersChecker, SeesAMemberThatOnlyTheSnapshotNames) {
  SnapshotMeta snapshot;
  snapshot.index = Index(9);
  snapshot.configuration = Three();
  const auto knows = [&snapshot](const std::vector<NodeId>& known) {
    return RuleBrokenBy([&] { BroughtMembers::Check(0, snapshot, known); });
  };
  EXPECT_EQ(knows({NodeIdOf("c"), NodeIdOf("a"), NodeIdOf("b"), NodeIdOf("d")}), "");
  EXPECT_EQ(knows({NodeIdOf("a"), NodeIdOf("b")}), "whom a snapshot brought is known");
}

// --- Who forgets ---

TEST(ForgettingChecker, SeesWhoDoesNotKnowThatItHasForgotten) {
  EXPECT_EQ(RuleBrokenBy([] { Forgetting::CheckKnows(0, true); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Forgetting::CheckKnows(0, false); }), "who forgets knows it");
  EXPECT_EQ(RuleBrokenBy([] { Forgetting::CheckAbsence(0, Index(3), true); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Forgetting::CheckAbsence(0, Index(3), false); }),
            "who forgets knows it");
  EXPECT_EQ(RuleBrokenBy([] { Forgetting::CheckBirth(0, Index()); }), "");
  EXPECT_EQ(RuleBrokenBy([] { Forgetting::CheckBirth(0, Index(1)); }), "a cluster is born once");
}

TEST(MembershipChecker, SeesAVoterThatIsOneOnWithAnotherDisk) {
  const auto with = [](MemberRole role, std::uint64_t incarnation) {
    return Configuration({MemberOf("a"), MemberOf("b"), MemberOf("c", role, incarnation)});
  };
  const auto step = [](const Configuration& before, const Configuration& now) {
    return RuleBrokenBy([&] { MembershipRules::CheckDisks(0, before, now); });
  };
  const Configuration first = with(MemberRole::kVoter, 1);
  EXPECT_EQ(step(with(MemberRole::kVoter, 0), first), "") << "written down for the first time";
  EXPECT_EQ(step(first, with(MemberRole::kJoining, 1)), "");
  EXPECT_EQ(step(with(MemberRole::kJoining, 1), with(MemberRole::kJoining, 2)), "");
  EXPECT_EQ(step(with(MemberRole::kJoining, 2), with(MemberRole::kVoter, 2)), "");
  EXPECT_EQ(step(first, with(MemberRole::kVoter, 2)), "a new disk has no vote");
}

}  // namespace
}  // namespace grassdb::sim
