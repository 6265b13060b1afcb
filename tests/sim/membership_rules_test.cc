// Violations of checkers/membership_rules.h, and the nearest things that are none.
#include "sim/checkers/membership_rules.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/logs.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

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

TEST(MembershipChecker, SeesAConfigurationThatARecoveryHasNotKept) {
  const Entry one = ConfigurationEntry(2, ConfigurationOf({"a", "b"}));
  LogMatching logs(1);
  logs.Add(0, EntryOf(1, 1), Term());
  logs.Add(0, one, Term(1));
  RecoveredState state;
  const auto broken = [&] {
    return RuleBrokenBy([&] { MembershipRules::CheckRecovered(0, state, logs); });
  };
  state.entries = {EntryOf(1, 1), one};
  EXPECT_EQ(broken(), "") << "all of it is in memory";
  state.entries.clear();
  state.evicted.Add(LogPosition(), EntryOf(1, 1));
  state.evicted.Add(LogPosition(), one);
  EXPECT_EQ(broken(), "");
  state.evicted.configurations = {ConfigurationEntry(2, ConfigurationOf({"a", "c"}))};
  EXPECT_EQ(broken(), "configuration in force") << "another one";
  state.evicted.configurations = {ConfigurationEntry(1, ConfigurationOf({"a", "b"}))};
  EXPECT_EQ(broken(), "configuration in force") << "in another place";
  state.evicted.configurations.clear();
  EXPECT_EQ(broken(), "configuration in force") << "none";
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

TEST(MembershipChecker, SeesALeaderThatChangesBeforeItHasCommittedInItsTerm) {
  const auto appended = [](std::uint64_t term, std::uint64_t committed) {
    return RuleBrokenBy(
        [&] { MembershipRules::CheckCommittedInTerm(0, Term(term), Index(5), Term(committed)); });
  };
  EXPECT_EQ(appended(3, 3), "");
  EXPECT_EQ(appended(3, 2), "no change before a commit of the term");
  EXPECT_EQ(appended(1, 0), "no change before a commit of the term") << "nothing at all";
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

}  // namespace
}  // namespace grassdb::sim
