// The checkers' memory: what was promised on a disk that is gone, what a leader knew of a follower,
// what a store keeps for its clients, and what is let go of in a long run.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sim/checkers/by_index.h"
#include "sim/checkers/commit_ledger.h"
#include "sim/checkers/durable_image.h"
#include "sim/checkers/election_safety.h"
#include "sim/checkers/log_matching.h"
#include "sim/checkers/progress_rules.h"
#include "sim/checkers/promises.h"
#include "sim/checkers/resource_bounds.h"
#include "sim/checkers/state_machine_safety.h"
#include "tests/sim/logs.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

TEST(ByIndex, KeepsWhatIsNotLetGoOf) {
  ByIndex<int> values;
  EXPECT_EQ(values.At(Index(3)), 0);
  for (std::uint64_t i = 0; i < 1000; ++i) values.Set(Index(i), static_cast<int>(i) + 1);
  values.ReleaseBelow(Index(900));
  EXPECT_EQ(values.At(Index(899)), 0);
  EXPECT_EQ(values.At(Index(900)), 901);
  EXPECT_EQ(values.begin(), Index(900));
  EXPECT_LT(values.Bytes(), 300 * sizeof(int));
  values.ReleaseBelow(Index(5000));
  EXPECT_EQ(values.At(Index(999)), 1000) << "the last one says where it ends";
  values.CutFrom(Index(999));
  EXPECT_EQ(values.end(), values.begin());
  values.Set(Index(50), 7);
  values.Set(Index(48), 6);
  EXPECT_EQ(values.At(Index(48)), 6);
  EXPECT_EQ(values.At(Index(49)), 0);
  EXPECT_EQ(values.At(Index(50)), 7);
}

TEST(ByIndex, RemembersNothingOfAGapBehindASnapshot) {
  ByIndex<int> values;
  values.SetBase(Index(10), 1);
  values.SetBase(Index(11), 2);
  EXPECT_EQ(values.At(Index(10)), 1) << "no gap";
  values.SetBase(Index(10), 3);
  EXPECT_EQ(values.At(Index(11)), 2);
  values.SetBase(Index(1'000'000), 4);
  EXPECT_EQ(values.begin(), Index(1'000'000));
  EXPECT_EQ(values.At(Index(1'000'000)), 4);
  EXPECT_EQ(values.At(Index(11)), 0);
  EXPECT_LT(values.Bytes(), 100 * sizeof(int));
}

// --- A disk that is gone ---

// One that is empty, and has taken the place of `before`.
DurableImage NewDiskAfter(const DurableImage& before) {
  DurableImage image;
  image.BeginForgetting(before);
  return image;
}

std::string Believes(std::uint64_t match, const DurableImage& image,
                     Incarnation incarnation = Incarnation()) {
  Progress follower;
  follower.incarnation = incarnation;
  follower.id = NodeId(2);
  follower.match = Index(match);
  return RuleBrokenBy([&] {
    Promises::CheckMatch(Term(3), LogOf({1, 3, 3, 3}), {follower},
                         [&image](NodeId) { return &image; });
  });
}

TEST(PromisesChecker, ExcusesALostDiskForWhatWasOnItAndForNothingElse) {
  DurableImage image = NewDiskAfter(ImageOfTerms({1, 3}, 3, NodeId()));
  EXPECT_EQ(Believes(2, image), "");
  EXPECT_EQ(Believes(3, image), "match rests on disk") << "it never had that";
  EXPECT_EQ(Believes(4, NewDiskAfter(ImageOfTerms({1, 3}, 4, NodeId()))), "")
      << "it followed another leader by then";
  image.EndForgetting();
  EXPECT_EQ(Believes(2, image), "match rests on disk") << "its leader knows";
}

TEST(PromisesChecker, ExcusesNothingToALeaderThatHasHeardOfTheNewDisk) {
  RecoveredState state;
  state.identity.incarnation = Incarnation(9);
  DurableImage image = DurableImage::Of(state);
  image.BeginForgetting(ImageOfTerms({1, 3}, 3, NodeId()));
  EXPECT_EQ(Believes(2, image), "");
  EXPECT_EQ(Believes(2, image, Incarnation(8)), "");
  EXPECT_EQ(Believes(2, image, Incarnation(9)), "match rests on disk");
  EXPECT_EQ(Believes(0, image, Incarnation(9)), "");
}

TEST(PromisesChecker, RemembersEveryDiskThatIsGone) {
  DurableImage second = NewDiskAfter(ImageOfTerms({1, 3, 3}, 3, NodeId()));
  Persist persist;
  persist.entries = {EntryOf(1, 1)};
  second.Apply(persist);
  EXPECT_EQ(Believes(3, NewDiskAfter(second)), "");
  EXPECT_EQ(Believes(4, NewDiskAfter(second)), "match rests on disk");
  DurableImage recovered = ImageOfTerms({1}, 3, NodeId());
  recovered.ForgetAs(second);
  EXPECT_EQ(Believes(3, recovered), "");
}

TEST(PromisesChecker, CountsALostDiskOnlyForEntriesAndVotesThatWereOnIt) {
  std::vector<Member> members;
  for (const char* name : {"a", "b", "c"}) members.push_back(MakeMember(name, "x:1"));
  const Configuration configuration(members);
  const NodeId a = members[0].id;
  const DurableImage full = ImageOfTerms({1, 3}, 3, a);
  const DurableImage less = NewDiskAfter(ImageOfTerms({1}, 2, a));
  const DurableImage all = NewDiskAfter(full);
  const DurableImage none = ImageOfTerms({}, 1, NodeId());
  const auto with = [&](const DurableImage& of_b) -> ImageOf {
    return [&](NodeId id) { return id == a ? &full : id == members[1].id ? &of_b : &none; };
  };
  const auto commits = [&](const DurableImage& of_b) {
    return RuleBrokenBy(
        [&] { Promises::CheckQuorum(Index(2), Term(3), configuration, with(of_b)); });
  };
  EXPECT_EQ(commits(all), "");
  EXPECT_EQ(commits(less), "commit rests on a quorum");
  const auto leads = [&](const DurableImage& of_b) {
    return RuleBrokenBy([&] { Promises::CheckVotes(Term(3), a, configuration, with(of_b)); });
  };
  EXPECT_EQ(leads(all), "");
  EXPECT_EQ(leads(less), "leadership rests on votes");
}

// --- A follower's match index ---

class Leader {
 public:
  // Of a member's name: what the leader knows of its match index.
  using Matches = std::vector<std::pair<std::string, std::uint64_t>>;

  // The rule that is broken when the leader of `term`, with these followers, goes by a
  // configuration of `members` at the index `configured`.
  std::string Knows(std::uint64_t term, const Matches& matches,
                    const std::vector<std::string>& members = {"a", "b"},
                    std::uint64_t configured = 1) {
    std::vector<Member> of_configuration;
    for (const std::string& name : members) {
      of_configuration.push_back(MakeMember(name, name + ":1"));
    }
    const Configuration configuration(std::move(of_configuration));
    std::vector<Progress> followers;
    for (const auto& [name, match] : matches) {
      followers.emplace_back();
      followers.back().id = MakeMember(name, name + ":1").id;
      followers.back().match = Index(match);
    }
    return RuleBrokenBy([&] {
      checker.ObserveMatch(0, {Term(term), &followers, &configuration, Index(configured)},
                           [this](NodeId) { return losses; });
    });
  }

  ProgressRules checker{1};
  std::uint64_t losses = 0;
};

TEST(MonotonyChecker, SeesALeaderThatForgetsWhatWasAcknowledgedToIt) {
  Leader leader;
  EXPECT_EQ(leader.Knows(2, {{"a", 5}, {"b", 3}}), "");
  EXPECT_EQ(leader.Knows(2, {{"a", 5}, {"b", 4}}), "");
  EXPECT_EQ(leader.Knows(2, {{"a", 5}, {"b", 3}}), "monotony");
  EXPECT_EQ(leader.Knows(2, {{"b", 3}, {"a", 5}}), "monotony") << "in another order";
  EXPECT_EQ(leader.Knows(3, {{"a", 0}, {"b", 0}}), "") << "a new term begins with nothing";
  EXPECT_EQ(leader.Knows(3, {{"a", 6}, {"b", 6}}), "");
  leader.checker.Begin(0, Term(3), NodeId());
  EXPECT_EQ(leader.Knows(3, {{"a", 1}, {"b", 6}}), "") << "nor does a new life know anything";
}

TEST(MonotonyChecker, ExcusesEachLossOfADiskOnce) {
  Leader leader;
  EXPECT_EQ(leader.Knows(3, {{"a", 6}, {"b", 6}}), "");
  ++leader.losses;
  EXPECT_EQ(leader.Knows(3, {{"a", 0}, {"b", 6}}), "");
  EXPECT_EQ(leader.Knows(3, {{"a", 4}, {"b", 6}}), "");
  EXPECT_EQ(leader.Knows(3, {{"a", 1}, {"b", 6}}), "monotony");
}

TEST(MonotonyChecker, KnowsNothingOfAMemberThatIsAddedAnew) {
  Leader leader;
  EXPECT_EQ(leader.Knows(2, {{"a", 5}, {"b", 4}}), "");
  EXPECT_EQ(leader.Knows(2, {{"a", 5}, {"b", 4}}, {"a"}, 2), "") << "b is told that it has left";
  EXPECT_EQ(leader.Knows(2, {{"a", 5}, {"b", 3}}, {"a"}, 2), "monotony");
  EXPECT_EQ(leader.Knows(2, {{"a", 5}, {"b", 0}}, {"a", "b"}, 3), "");
  EXPECT_EQ(leader.Knows(2, {{"a", 5}}, {"a"}, 4), "");
  EXPECT_EQ(leader.Knows(2, {{"a", 5}, {"b", 0}}, {"a", "b"}, 5), "");
  EXPECT_EQ(leader.Knows(2, {{"a", 4}, {"b", 0}}, {"a", "b"}, 6), "monotony")
      << "a was a member all the time";
}

// --- Answers that are kept ---

TEST(ResourceBoundsChecker, CountsTheAnswersThatAreKeptForSessions) {
  NodeOptions options;
  options.store.answers_max = 3;
  options.store.answer_bytes_max = 100;
  const ResourceBounds checker(options, 10);
  const auto broken = [&checker](const KvStore::KeptAnswers& kept) {
    return RuleBrokenBy([&] { checker.ObserveAnswers(0, kept); });
  };
  EXPECT_EQ(broken({.all = 5, .of_one_session = 3, .bytes = 100}), "");
  EXPECT_EQ(broken({.all = 5, .of_one_session = 4, .bytes = 100}), "resource bounds");
  EXPECT_EQ(broken({.all = 5, .of_one_session = 3, .bytes = 101}), "resource bounds");
  EXPECT_EQ(broken({.all = 1, .of_one_session = 1, .bytes = 101}), "")
      << "the answer given last stays";
}

// What the checker is shown: counted from what is there, not from the store's own sums.
TEST(ResourceBoundsChecker, IsShownEveryAnswerThatAStoreKeeps) {
  KvStore store;
  Index index;
  Command open;
  open.kind = Command::Kind::kOpenSession;
  const SessionId first = store.Apply(++index, open).session;
  const SessionId second = store.Apply(++index, open).session;
  const auto read = [&](SessionId session, std::uint64_t sequence) {
    Command command;
    command.session = session;
    command.sequence = Sequence(sequence);
    command.transaction = PutTransaction("a", std::string(100, 'x'));
    command.transaction.success.push_back({.kind = Operation::Kind::kGet, .key = "a", .value = {}});
    store.Apply(++index, command);
  };
  read(first, 1);
  read(first, 2);
  read(second, 1);
  const KvStore::KeptAnswers kept = store.CountAnswers();
  EXPECT_EQ(kept.all, 3u);
  EXPECT_EQ(kept.of_one_session, 2u);
  EXPECT_EQ(kept.bytes, 300u);
}

// --- What is let go of ---

TEST(LogMatchingChecker, LetsGoOfWhatNoLogHolds) {
  LogMatching checker(2);
  checker.Observe(0, LogOf({1, 1, 1, 2, 2}));
  const std::size_t bytes = checker.Bytes();
  checker.ReleaseBelow(Index(4));
  EXPECT_LT(checker.Bytes(), bytes);
  EXPECT_EQ(checker.Find(Index(3), Term(1)), nullptr);
  EXPECT_NE(checker.Find(Index(4), Term(2)), nullptr);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(1, LogOf({1, 1, 1}, "y"));
            }),
            "")
      << "a late message may bring it back, and nothing is left to compare it with";
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, LogOf({1, 1, 1, 2}, "y")); }), "log matching");
  EXPECT_EQ(checker.BaseOf(0), Index(0));
  checker.Forget(0);
  EXPECT_EQ(checker.BaseOf(0), std::nullopt);
}

// Of a node that was no member for a million entries.
TEST(LogMatchingChecker, RemembersNothingOfTheGapToASnapshotThatIsFarAhead) {
  LogMatching checker(1);
  checker.Observe(0, LogOf({1, 1, 1}));
  const std::size_t bytes = checker.Bytes();
  checker.Observe(0, Log(Index(1'000'000), Term(2), {}));
  EXPECT_EQ(checker.BaseOf(0), Index(1'000'000));
  EXPECT_LE(checker.Bytes(), bytes);
}

TEST(DurableImage, KeepsWhatIsOnADiskThatIsFarBehind) {
  DurableImage image = NewDiskAfter(ImageOfTerms({1, 3, 3}));
  image.Apply(PersistOf({1, 3, 3}));
  const auto forgotten_holds = [&image](std::uint64_t index) {
    return image.AnyEver([&](const DurableImage& disk) {
      return disk.last() == Index(3) && disk.forgot() != image.forgot() &&
             disk.Holds(Index(index), Term(3));
    });
  };
  EXPECT_TRUE(forgotten_holds(2));
  image.ReleaseBelow(Index(3), Index(0));
  EXPECT_TRUE(image.Holds(Index(2), Term(3)));
  EXPECT_FALSE(forgotten_holds(2)) << "that one will not come back";
  image.ReleaseBelow(Index(100), Index(3));
  EXPECT_EQ(image.TermAt(Index(2)), Term());
  EXPECT_TRUE(image.Holds(Index(3), Term(3)));
}

TEST(CommitLedgerChecker, StillSeesADifferenceAboveWhatItHasLetGoOf) {
  CommitLedger checker(2);
  checker.ObserveCommit(0, Role::kLeader, Term(2), Index(5), LogOf({1, 1, 1, 2, 2}));
  checker.ReleaseBelow(Index(4));
  EXPECT_EQ(checker.last(), Index(5));
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveCommit(1, Role::kFollower, Term(2), Index(3), LogOf({1, 2, 2}));
            }),
            "");
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveCommit(1, Role::kFollower, Term(2), Index(4), LogOf({1, 1, 1, 1}));
            }),
            "committed for ever");
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveNewLeader(1, Term(3), LogOf({1, 1, 1}));
            }),
            "leader completeness");
}

TEST(StateMachineSafetyChecker, StillSeesADifferenceAboveWhatItHasLetGoOf) {
  CommitLedger ledger(1);
  ledger.ObserveCommit(0, Role::kLeader, Term(1), Index(3), LogOf({1, 1, 1}));
  StateMachineSafety checker(2);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    checker.Observe(0, Index(i), 100 + i, LogOf({1, 1, 1}), ledger);
  }
  checker.ReleaseBelow(Index(3));
  ledger.ReleaseBelow(Index(3));
  const auto applies = [&](std::uint64_t index, std::uint64_t digest) {
    return RuleBrokenBy([&] {
      checker.Observe(1, Index(index), digest, LogOf({1, 1, 1}), ledger);
    });
  };
  EXPECT_EQ(applies(2, 7), "") << "nothing is left to compare it with";
  EXPECT_EQ(applies(3, 7), "state machine safety");
}

TEST(ElectionSafetyChecker, CountsEveryLeadershipAndRemembersTheNewest) {
  ElectionSafety checker;
  for (std::uint64_t term = 1; term <= 10'000; ++term) checker.ObserveLeader(0, 1, Term(term));
  EXPECT_EQ(checker.leaderships(), 10'000u);
  EXPECT_LT(checker.Bytes(), 1'000'000u);
  EXPECT_FALSE(checker.ObserveLeader(1, 1, Term(1)));
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveLeader(1, 1, Term(9'000)); }), "election safety");
}

}  // namespace
}  // namespace grassdb::sim
