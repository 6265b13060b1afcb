// Every checker is shown a violation of its rule and must see it, and the nearest thing that is
// none and must not.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sim/checkers/commit_ledger.h"
#include "sim/checkers/damage_noticed.h"
#include "sim/checkers/durable_image.h"
#include "sim/checkers/election_safety.h"
#include "sim/checkers/leader_append_only.h"
#include "sim/checkers/log_matching.h"
#include "sim/checkers/membership_rules.h"
#include "sim/checkers/progress_rules.h"
#include "sim/checkers/promises.h"
#include "sim/checkers/recovery.h"
#include "sim/checkers/reference_store.h"
#include "sim/checkers/resource_bounds.h"
#include "sim/checkers/state_machine_safety.h"
#include "tests/sim/logs.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

SnapshotMeta MetaOf(std::uint64_t index, std::uint64_t term) {
  SnapshotMeta meta;
  meta.index = Index(index);
  meta.term = Term(term);
  return meta;
}

TEST(ElectionSafetyChecker, SeesTwoLeadersOfOneTerm) {
  ElectionSafety checker;
  EXPECT_TRUE(checker.ObserveLeader(0, 1, Term(3)));
  EXPECT_FALSE(checker.ObserveLeader(0, 1, Term(3)));
  EXPECT_TRUE(checker.ObserveLeader(1, 1, Term(4)));
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveLeader(1, 1, Term(3)); }), "election safety");
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveLeader(0, 2, Term(3)); }), "election safety");
}

TEST(LogMatchingChecker, SeesAnEntryThatDiffers) {
  LogMatching checker(2);
  checker.Observe(0, LogOf({1, 1, 2}));
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, LogOf({1, 1, 2})); }), "");
  LogMatching other(2);
  other.Observe(0, LogOf({1, 1}));
  EXPECT_EQ(RuleBrokenBy([&] { other.Observe(1, LogOf({1, 1}, "y")); }), "log matching");
}

TEST(LogMatchingChecker, SeesAnotherPastBehindTheSameEntry) {
  LogMatching checker(2);
  checker.Observe(0, LogOf({1, 1, 3}));
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, LogOf({1, 2, 3})); }), "log matching");
}

TEST(LogMatchingChecker, TellsWhatIsNewAndWhatWasCut) {
  LogMatching checker(1);
  EXPECT_EQ(checker.Observe(0, LogOf({1, 1})).first_new, Index(1));
  EXPECT_EQ(checker.Observe(0, LogOf({1, 1})).first_new, Index());
  EXPECT_FALSE(checker.Observe(0, LogOf({1, 1, 1})).cut);
  const LogMatching::Change change = checker.Observe(0, LogOf({1, 2}));
  EXPECT_TRUE(change.cut);
  EXPECT_EQ(change.first_new, Index(2));
  EXPECT_NE(checker.Find(Index(2), Term(2)), nullptr);
  EXPECT_EQ(checker.Find(Index(2), Term(3)), nullptr);
}

TEST(LeaderAppendOnlyChecker, SeesALeaderThatCutsItsLog) {
  const LeaderAppendOnly::Standing leads{Role::kLeader, Term(2)};
  const LeaderAppendOnly::Standing follows{Role::kFollower, Term(3)};
  const LogMatching::Change cut{.cut = true, .first_new = Index(1)};
  EXPECT_EQ(RuleBrokenBy([&] { LeaderAppendOnly::Observe(0, leads, follows, cut); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { LeaderAppendOnly::Observe(0, leads, leads, cut); }),
            "leader append-only");
}

TEST(CommitLedgerChecker, SeesTwoEntriesCommittedAtOneIndex) {
  CommitLedger checker(2);
  EXPECT_TRUE(checker.ObserveCommit(0, Role::kLeader, Term(1), Index(2), LogOf({1, 1})));
  EXPECT_FALSE(checker.ObserveCommit(1, Role::kFollower, Term(1), Index(2), LogOf({1, 1})));
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveCommit(1, Role::kFollower, Term(2), Index(2), LogOf({1, 2}));
            }),
            "committed for ever");
}

TEST(CommitLedgerChecker, SeesACommitBeyondTheLogAndASnapshotOfNothing) {
  CommitLedger checker(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveCommit(0, Role::kFollower, Term(1), Index(3), LogOf({1, 1}));
            }),
            "committed for ever");
  CommitLedger other(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              other.ObserveCommit(0, Role::kFollower, Term(1), Index(5),
                                  Log(Index(5), Term(1), {}));
            }),
            "committed for ever");
}

TEST(CommitLedgerChecker, SeesALeaderThatCommitsAnOldTermByCounting) {
  CommitLedger checker(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveCommit(0, Role::kLeader, Term(4), Index(2), LogOf({1, 2, 4}));
            }),
            "commit rule");
}

TEST(LeaderCompletenessChecker, SeesALeaderWithoutACommittedEntry) {
  CommitLedger checker(2);
  checker.ObserveCommit(0, Role::kLeader, Term(2), Index(2), LogOf({1, 2}));
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveNewLeader(1, Term(3), LogOf({1, 2})); }), "");
  // A leader of an earlier term, elected late by votes given before, owes nothing.
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveNewLeader(1, Term(2), LogOf({1})); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveNewLeader(1, Term(3), LogOf({1})); }),
            "leader completeness");
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveNewLeader(1, Term(3), LogOf({1, 1}));
            }),
            "leader completeness");
}

TEST(StateMachineSafetyChecker, SeesAnotherEntryAppliedAndAnotherState) {
  CommitLedger ledger(2);
  ledger.ObserveCommit(0, Role::kLeader, Term(2), Index(2), LogOf({1, 2}));
  StateMachineSafety checker(2);
  checker.Observe(0, Index(2), 77, LogOf({1, 2}), ledger);
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, Index(2), 77, LogOf({1, 2}), ledger); }), "");
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(1, Index(2), 78, LogOf({1, 2}), ledger);
            }),
            "state machine safety");
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(1, Index(2), 77, LogOf({1, 1}), ledger);
            }),
            "state machine safety");
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(1, Index(3), 79, LogOf({1, 2, 2}), ledger);
            }),
            "state machine safety");
}

TEST(MonotonyChecker, SeesWhateverFalls) {
  using Standing = ProgressRules::Standing;
  const Standing before{Term(3), NodeId(1), Index(5), Index(4)};
  const auto then = [&before](const Standing& after) {
    return RuleBrokenBy([&] {
      ProgressRules checker(1);
      checker.Observe(0, before);
      checker.Observe(0, after);
    });
  };
  EXPECT_EQ(then({Term(4), NodeId(), Index(5), Index(5)}), "");
  EXPECT_EQ(then({Term(2), NodeId(1), Index(5), Index(4)}), "monotony");
  EXPECT_EQ(then({Term(3), NodeId(2), Index(5), Index(4)}), "monotony");
  EXPECT_EQ(then({Term(3), NodeId(1), Index(4), Index(4)}), "monotony");
  EXPECT_EQ(then({Term(3), NodeId(1), Index(5), Index(3)}), "monotony");
  EXPECT_EQ(then({Term(3), NodeId(1), Index(5), Index(6)}), "monotony");
  ProgressRules checker(1);
  checker.Observe(0, before);
  checker.Begin(0, Term(3), NodeId(1));
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(0, {Term(3), NodeId(2), Index(), Index()});
            }),
            "monotony");
}

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
  const DurableImage image = ImageOfTerms({1, 2, 2}, 4);
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
  answer.last_term = Term(3);
  message.term = Term(5);
  EXPECT_EQ(broken(), "durable before promised") << "the term is not";
  message.body = AppendEntriesResponse{};
  EXPECT_EQ(RuleBrokenBy([&] { Promises::CheckRepair(message, image); }),
            "who repairs itself promises nothing");
}

TEST(RecoveryChecker, TakesWhatADamagedDiskSaysIsLostForThere) {
  const DurableImage image = ImageOfTerms({1, 1, 2, 2, 3}, 3);
  RecoveredState state;
  state.hard_state = image.hard_state();
  for (const std::uint64_t term : {1, 0, 0, 2, 3}) {
    state.entries.push_back(EntryOf(state.entries.size() + 1, term));
  }
  const auto broken = [&](LostRange range) {
    state.damage.lost = {range};
    return RuleBrokenBy(
        [&] { Recovery::Check(0, image, {}, Recovery::Completed(image, {}, state)); });
  };
  EXPECT_EQ(broken({.first = Index(2), .last = Index(4), .last_term = Term(2)}), "");
  EXPECT_EQ(broken({.first = Index(3), .last = Index(4), .last_term = Term(2)}), "recovery")
      << "the second one is lost as well, and is not said to be";
  state.entries[3].term = Term(3);
  EXPECT_EQ(broken({.first = Index(2), .last = Index(4), .last_term = Term(3)}), "recovery")
      << "what is lost ended with another term";
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

Configuration ConfigurationOf(const std::vector<std::string>& names) {
  std::vector<Member> members;
  for (const std::string& name : names) members.push_back(MakeMember(name, name + ":1"));
  return Configuration(std::move(members));
}

Entry ConfigurationEntry(std::uint64_t index, const Configuration& configuration) {
  return {Index(index), Term(1), EntryType::kConfiguration,
          Bytes(EncodeConfiguration(configuration))};
}

// A node that has recovered these entries above a snapshot of index 2, whose configuration is that
// of a, b and c and came from `configuration_index`.
Raft RaftOf(std::vector<Entry> entries, std::uint64_t configuration_index = 1) {
  RaftOptions options;
  options.id = MakeMember("a", "a:1").id;
  RecoveredState state;
  state.hard_state.term = Term(1);
  state.snapshot = MetaOf(2, 1);
  state.snapshot->configuration = ConfigurationOf({"a", "b", "c"});
  state.snapshot->configuration_index = Index(configuration_index);
  state.base_index = Index(2);
  state.base_term = Term(1);
  state.entries = std::move(entries);
  return Raft(options, state, Instant(std::chrono::seconds(1)));
}

std::string RuleBrokenByNode(const Raft& raft) {
  return RuleBrokenBy([&raft] {
    MembershipRules checker(1);
    checker.Observe(0, raft);
  });
}

TEST(MembershipChecker, SeesQuorumsWithoutACommonNode) {
  const Configuration three = ConfigurationOf({"a", "b", "c"});
  const auto intersect = [&three](const std::vector<std::string>& names) {
    const Configuration other = ConfigurationOf(names);
    EXPECT_EQ(MembershipRules::QuorumsIntersect(three, other),
              MembershipRules::QuorumsIntersect(other, three));
    return MembershipRules::QuorumsIntersect(three, other);
  };
  EXPECT_TRUE(intersect({"a", "b", "c"}));
  EXPECT_TRUE(intersect({"a", "b", "c", "d"})) << "one more";
  EXPECT_TRUE(intersect({"a", "b"})) << "one less";
  EXPECT_FALSE(intersect({"a", "b", "c", "d", "e"})) << "{a, b} and {c, d, e}";
  EXPECT_FALSE(intersect({"a", "b", "d"})) << "{a, c} and {b, d}";
  EXPECT_FALSE(intersect({"a"})) << "{b, c} and {a}";
  const Configuration far = ConfigurationOf({"d", "e"});
  EXPECT_FALSE(MembershipRules::QuorumsIntersect(three, far));
  EXPECT_TRUE(MembershipRules::QuorumsIntersect(three, three.JointTo(far)));
  EXPECT_TRUE(MembershipRules::QuorumsIntersect(three.JointTo(far), far));
}

TEST(MembershipChecker, SeesAStepBetweenConfigurationsThatCanDecideApart) {
  const Configuration three = ConfigurationOf({"a", "b", "c"});
  const Configuration far = ConfigurationOf({"a", "d", "e"});
  EXPECT_EQ(RuleBrokenByNode(RaftOf({EntryOf(3, 1), ConfigurationEntry(4, three.JointTo(far)),
                                     ConfigurationEntry(5, far)})),
            "");
  EXPECT_EQ(RuleBrokenByNode(RaftOf({EntryOf(3, 1), ConfigurationEntry(4, far)})),
            "configurations intersect");
}

TEST(MembershipChecker, SeesANodeThatGoesByAnotherConfigurationThanItsLogs) {
  const Configuration three = ConfigurationOf({"a", "b", "c"});
  const Configuration four = ConfigurationOf({"a", "b", "c", "d"});
  EXPECT_EQ(RuleBrokenByNode(RaftOf({EntryOf(3, 1), EntryOf(4, 1)})), "");
  EXPECT_EQ(RuleBrokenByNode(RaftOf({EntryOf(3, 1), ConfigurationEntry(4, four)})), "");
  // Its snapshot names an entry that came later: the node misses what its log holds,
  EXPECT_EQ(
      RuleBrokenByNode(RaftOf({EntryOf(3, 1), ConfigurationEntry(4, four), EntryOf(5, 1)}, 5)),
      "configuration in force");
  // or goes by one that its log does not hold.
  EXPECT_EQ(RuleBrokenByNode(RaftOf({EntryOf(3, 1), EntryOf(4, 1)}, 4)), "configuration in force");
}

TEST(MembershipChecker, SeesANodeThatHasMissedAConfigurationInItsLog) {
  const Log log(Index(2), Term(1), {EntryOf(3, 1), ConfigurationEntry(4, ConfigurationOf({"a"}))});
  const auto looks = [&log](std::uint64_t after) {
    return RuleBrokenBy([&] { MembershipRules::CheckNoneNewer(0, log, Index(1), Index(after)); });
  };
  EXPECT_EQ(looks(1), "configuration in force");
  EXPECT_EQ(looks(3), "configuration in force");
  EXPECT_EQ(looks(4), "");
}

TEST(MembershipChecker, SeesALeaderThatChangesTwoThingsAtATime) {
  const auto appended = [](std::uint64_t before, std::uint64_t commit) {
    return RuleBrokenBy(
        [&] { MembershipRules::CheckOneAtATime(0, Index(before), Index(5), Index(commit)); });
  };
  EXPECT_EQ(appended(3, 3), "");
  EXPECT_EQ(appended(3, 2), "one change at a time");
}

TEST(MembershipChecker, LooksAtEachConfigurationOnceAndAgainAfterALossOfMemory) {
  const Configuration far = ConfigurationOf({"a", "d", "e"});
  const Raft broken = RaftOf({EntryOf(3, 1), ConfigurationEntry(4, far)});
  const Raft sound = RaftOf({EntryOf(3, 1), EntryOf(4, 1)});
  MembershipRules checker(2);
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(0, sound); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, sound); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, broken); }), "configurations intersect");
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, broken); }), "configurations intersect");
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(0, sound); }), "");
}

RecoveredState Recovered(const std::vector<std::uint64_t>& terms, std::uint64_t term = 0) {
  RecoveredState state;
  state.hard_state.term = Term(term);
  state.entries = PersistOf(terms).entries;
  return state;
}

TEST(RecoveryChecker, SeesWhatIsMissing) {
  const DurableImage image = ImageOfTerms({1, 1}, 1);
  const auto found = [&image](const RecoveredState& state, std::optional<DiskJob> job = {}) {
    return RuleBrokenBy([&] { Recovery::Check(0, image, job, state); });
  };
  EXPECT_EQ(found(Recovered({1, 1}, 1)), "");
  EXPECT_EQ(found(Recovered({1}, 1)), "recovery");
  EXPECT_EQ(found(Recovered({1, 1}, 0)), "recovery");
  EXPECT_EQ(found(Recovered({1, 1, 1}, 1)), "recovery") << "nobody wrote the third";
  RecoveredState behind_a_snapshot = Recovered({}, 1);
  behind_a_snapshot.snapshot = MetaOf(2, 1);
  behind_a_snapshot.base_index = Index(2);
  behind_a_snapshot.base_term = Term(1);
  EXPECT_EQ(found(behind_a_snapshot), "recovery") << "nobody took one";
}

TEST(RecoveryChecker, TakesTheUnfinishedJobWhollyPartlyOrNotAtAll) {
  const DurableImage image = ImageOfTerms({1, 1}, 1);
  Persist persist = PersistOf({2, 2}, 2);
  persist.hard_state = HardState{Term(2), NodeId()};
  const auto found = [&](const RecoveredState& state) {
    return RuleBrokenBy([&] { Recovery::Check(0, image, DiskJob(persist), state); });
  };
  EXPECT_EQ(found(Recovered({1, 1}, 1)), "");
  EXPECT_EQ(found(Recovered({1, 1}, 2)), "");
  EXPECT_EQ(found(Recovered({1, 2}, 2)), "");
  EXPECT_EQ(found(Recovered({1, 2, 2}, 2)), "");
  EXPECT_EQ(found(Recovered({}, 2)), "recovery");
  EXPECT_EQ(found(Recovered({1, 3}, 2)), "recovery");
}

TEST(RecoveryChecker, TakesTheUnfinishedCutOfARepairOrNone) {
  const DurableImage image = ImageOfTerms({1, 1, 1}, 1);
  const auto found = [&](const RecoveredState& state) {
    return RuleBrokenBy([&] {
      Recovery::Check(0, image, DiskJob(MendLog{.fill = {}, .cut_from = Index(3)}), state);
    });
  };
  EXPECT_EQ(found(Recovered({1, 1, 1}, 1)), "");
  EXPECT_EQ(found(Recovered({1, 1}, 1)), "");
  EXPECT_EQ(found(Recovered({1}, 1)), "recovery");
  EXPECT_EQ(found(Recovered({1, 1, 2}, 1)), "recovery");
}

TEST(RecoveryChecker, LetsDamageTakeASnapshotThatTheLogStandsInFor) {
  DurableImage image = ImageOfTerms({1, 1, 2}, 2);
  PublishSnapshot publish;
  publish.meta = MetaOf(2, 1);
  image.Apply(publish);
  const auto found = [&image](const std::vector<std::uint64_t>& terms, DamageMet met) {
    return RuleBrokenBy([&] { Recovery::Check(0, image, {}, Recovered(terms, 2), met); });
  };
  EXPECT_EQ(found({1, 1, 2}, DamageMet::kYes), "");
  EXPECT_EQ(found({1, 1, 2}, DamageMet::kNo), "recovery") << "nothing was damaged";
  EXPECT_EQ(found({1, 1}, DamageMet::kYes), "recovery") << "an entry is gone";
  EXPECT_EQ(found({1, 2, 2}, DamageMet::kYes), "recovery") << "what the snapshot stood for";
}

TEST(RecoveryChecker, SeesALossWithoutDamage) {
  EXPECT_EQ(RuleBrokenBy([] { Recovery::CheckLoss(0, DamageMet::kNo); }), "recovery");
  EXPECT_EQ(RuleBrokenBy([] { Recovery::CheckLoss(0, DamageMet::kYes); }), "");
}

TEST(RecoveryChecker, LetsASnapshotComeBackThatCouldNotBeRead) {
  DurableImage image = ImageOfTerms({1, 1, 2}, 2);
  PublishSnapshot publish;
  publish.meta = MetaOf(2, 1);
  image.Apply(publish);
  RecoveredState damaged = Recovered({2}, 2);
  damaged.base_index = Index(2);
  damaged.base_term = Term(1);
  damaged.entries[0].index = Index(3);
  damaged.damage.snapshot_lost = Index(2);
  const auto found = [&image](const RecoveredState& state, DamageMet met) {
    return RuleBrokenBy(
        [&] { Recovery::Check(0, image, {}, Recovery::Completed(image, {}, state), met); });
  };
  EXPECT_EQ(found(damaged, DamageMet::kYes), "");
  image = DurableImage::Of(Recovery::Completed(image, {}, damaged), image, {});
  Persist install;
  install.install = MetaOf(3, 2);
  image.Apply(install);
  RecoveredState mended = Recovered({}, 2);
  mended.base_index = Index(3);
  mended.base_term = Term(2);
  mended.snapshot = MetaOf(3, 2);
  EXPECT_EQ(found(mended, DamageMet::kNo), "");
  RecoveredState again = damaged;
  again.damage = {};
  again.snapshot = MetaOf(2, 1);
  EXPECT_EQ(found(again, DamageMet::kNo), "recovery") << "an older one is gone for good";
}

TEST(DamageChecker, SeesDamagedBytesThatAreTakenForGoodOnes) {
  const auto job = [](const absl::Status& status) {
    return RuleBrokenBy([&] { DamageNoticed::CheckJob(0, status); });
  };
  EXPECT_EQ(job(absl::OkStatus()), "damage is noticed");
  EXPECT_EQ(job(absl::DataLossError("a checksum is wrong")), "");
  LogMatching logs(2);
  logs.Observe(1, LogOf({1, 1}));
  const auto recovered = [&logs](std::string_view payload) {
    RecoveredState state = Recovered({1});
    state.entries[0].payload = Bytes(payload);
    return RuleBrokenBy([&] { DamageNoticed::CheckRecovered(0, state, logs); });
  };
  EXPECT_EQ(recovered("x"), "");
  EXPECT_EQ(recovered("y"), "damage is noticed");
}

TEST(DurableImage, ReplacesALogThatDoesNotMatchTheSnapshotInstalled) {
  DurableImage image = ImageOfTerms({1, 1, 1}, 2);
  Persist install;
  install.install = MetaOf(2, 1);
  image.Apply(install);
  EXPECT_EQ(image.last(), Index(3));
  install.install = MetaOf(3, 2);
  image.Apply(install);
  EXPECT_EQ(image.last(), Index(3));
  EXPECT_TRUE(image.Holds(Index(3), Term(2)));
  install.install = MetaOf(9, 2);
  image.Apply(install);
  EXPECT_EQ(image.last(), Index(9));
  EXPECT_FALSE(image.Holds(Index(10), Term(2)));
}

Entry CommandEntry(std::uint64_t index, const Command& command) {
  return {Index(index), Term(1), EntryType::kCommand, EncodeCommand(command)};
}

// A store that has opened session 1 and been given the same write twice.
TEST(ReferenceStoreChecker, SeesACommandAppliedTwice) {
  Command open;
  open.kind = Command::Kind::kOpenSession;
  Command write;
  write.session = SessionId(1);
  write.sequence = Sequence(1);
  write.transaction = PutTransaction("k", "v");
  ReferenceStore reference{KvOptions()};
  KvStore store;
  reference.Apply(CommandEntry(1, open));
  reference.Apply(CommandEntry(2, write));
  reference.Apply(CommandEntry(3, write));
  store.Apply(Index(1), open);
  store.Apply(Index(2), write);
  store.Apply(Index(3), write);
  const ReferenceStore::Shown shown{store.revision().value(), store.size(), store.sessions()};
  EXPECT_EQ(RuleBrokenBy([&] { reference.Check(0, Index(3), shown); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { reference.CheckAll(0, store); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { reference.Check(0, Index(3), {2, 1, 1}); }), "exactly once");
  write.sequence = Sequence(2);
  store.Apply(Index(4), write);
  EXPECT_EQ(RuleBrokenBy([&] { reference.CheckAll(0, store); }), "exactly once");
}

TEST(ReferenceStoreChecker, SeesALogThatIsNoneAndAStoreThatHasOtherKeys) {
  Command write;
  write.transaction = PutTransaction("k", "v");
  ReferenceStore reference{KvOptions()};
  EXPECT_EQ(RuleBrokenBy([&] { reference.Apply(CommandEntry(2, write)); }), "exactly once");
  EXPECT_EQ(RuleBrokenBy([&] { reference.Apply(EntryOf(1, 1, "no command")); }), "exactly once");
  reference.Apply(CommandEntry(1, write));
  EXPECT_EQ(RuleBrokenBy([&] { reference.Check(0, Index(2), {}); }), "exactly once");
  KvStore store;
  EXPECT_EQ(RuleBrokenBy([&] { reference.CheckAll(0, store); }), "exactly once");
  store.Apply(Index(1), write);
  EXPECT_EQ(RuleBrokenBy([&] { reference.CheckAll(0, store); }), "");
}

TEST(ReferenceStoreChecker, ForgetsSessionsAsTheStoreDoes) {
  KvOptions options;
  options.sessions_max = 2;
  options.session_idle_max = 50;
  ReferenceStore reference(options);
  KvStore store(options);
  Command open;
  open.kind = Command::Kind::kOpenSession;
  for (std::uint64_t index = 1; index <= 40; ++index) {
    open.time = index * 7 * (index % 5);
    Command write;
    write.time = open.time;
    write.session = SessionId(index < 2 ? 1 : index - 1);
    write.sequence = Sequence(index);
    write.transaction = CompareAndSetTransaction("k", std::nullopt, "v");
    const Command& command = index % 3 == 1 ? open : write;
    reference.Apply(CommandEntry(index, command));
    store.Apply(Index(index), command);
    EXPECT_EQ(RuleBrokenBy([&] {
                reference.Check(0, Index(index),
                                {store.revision().value(), store.size(), store.sessions()});
              }),
              "");
  }
}

TEST(ResourceBoundsChecker, SeesWhatGoesBeyondItsLimit) {
  NodeOptions options;
  options.waiting_requests_max = 3;
  options.store.sessions_max = 4;
  options.raft.reads_waiting_max = 5;
  options.raft.unapplied_bytes_max = 1000;
  options.raft.inflight_messages_max = 2;
  options.raft.inflight_bytes_max = 100;
  options.raft.append_bytes_max = 50;
  options.log_memory_bytes = 800;
  const ResourceBounds checker(options, 10);
  ResourceBounds::Held held;
  const auto broken = [&] { return RuleBrokenBy([&] { checker.Observe(0, held); }); };
  held = {3, 4, 900, {2000, 5}, nullptr};
  EXPECT_EQ(broken(), "");
  held = {4, 4, 900, {2000, 5}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  held = {3, 5, 900, {2000, 5}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  held = {3, 4, 900, {2000 + 10 * 300, 5}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  held = {3, 4, 900, {2000, 6}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  held = {3, 4, 901, {2000, 5}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  std::vector<Progress> followers(1);
  followers[0].BecomeReplicate();
  followers[0].Sent(Index(1), 80);
  followers[0].Sent(Index(2), 80);
  held = {0, 0, std::nullopt, {}, &followers};
  EXPECT_EQ(broken(), "") << "the last one may go beyond";
  followers[0].Sent(Index(3), 0);
  EXPECT_EQ(broken(), "resource bounds");
  followers[0].Acknowledged(Index(2));
  EXPECT_EQ(broken(), "");
  followers[0].Sent(Index(4), 161);
  EXPECT_EQ(broken(), "resource bounds");
}

}  // namespace
}  // namespace grassdb::sim
