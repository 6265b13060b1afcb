#include "core/configuration.h"

#include <algorithm>
#include <bit>

#include "tests/property.h"

namespace grassdb {
namespace {

Configuration Voters(int count) {
  std::vector<Member> members;
  for (int i = 0; i < count; ++i) {
    const std::string name = "n" + std::to_string(i);
    members.push_back(MakeMember(name, "h:" + std::to_string(i + 1)));
  }
  return Configuration(std::move(members));
}

// The naive twin: sort, and take the value that a majority has reached.
std::uint64_t NaiveQuorumValue(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values, std::greater<>());
  return values[values.size() / 2];
}

RC_GTEST_PROP(Quorum, ValueIsWhatAMajorityHasReached, ()) {
  const int count = *rc::gen::inRange(0, 20);
  const Configuration configuration = Voters(count);
  const auto values = *rc::gen::container<std::vector<std::uint64_t>>(
      static_cast<std::size_t>(count), rc::gen::inRange<std::uint64_t>(0, 5));
  int asked = 0;
  const auto value = configuration.QuorumValue<std::uint64_t>([&](NodeId id) {
    ++asked;
    const auto at = std::ranges::find(configuration.voters(), id);
    return values[static_cast<std::size_t>(at - configuration.voters().begin())];
  });
  RC_ASSERT(value == NaiveQuorumValue(values));
  RC_ASSERT(asked == count);
}

RC_GTEST_PROP(Quorum, CountsAsANaiveCountDoes, ()) {
  const int count = *rc::gen::inRange(1, 8);
  const Configuration configuration = Voters(count);
  const auto answers = *rc::gen::container<std::vector<int>>(static_cast<std::size_t>(count),
                                                             rc::gen::inRange(0, 3));
  const auto tally = configuration.Count([&](NodeId id) -> std::optional<bool> {
    const auto at = std::ranges::find(configuration.voters(), id);
    const int answer = answers[static_cast<std::size_t>(at - configuration.voters().begin())];
    if (answer == 2) return std::nullopt;
    return answer == 1;
  });
  const auto yes = std::ranges::count(answers, 1);
  const auto open = std::ranges::count(answers, 2);
  if (2 * yes > count) {
    RC_ASSERT(tally == Tally::kWon);
  } else if (2 * (yes + open) > count) {
    RC_ASSERT(tally == Tally::kPending);
  } else {
    RC_ASSERT(tally == Tally::kLost);
  }
}

// The voters among n0..n6 that `bits` names.
Configuration VotersOfBits(unsigned bits) {
  std::vector<Member> members;
  for (unsigned i = 0; i < 7; ++i) {
    if ((bits >> i & 1U) == 0) continue;
    members.push_back(MakeMember("n" + std::to_string(i), "h:" + std::to_string(i + 1)));
  }
  return Configuration(std::move(members));
}

unsigned BitOf(NodeId id) {
  unsigned bit = 0;
  while (NodeIdOf("n" + std::to_string(bit)) != id) ++bit;
  return bit;
}

// The naive twins of a joint configuration: each half by itself.
std::uint64_t NaiveHalfValue(unsigned voters, const std::vector<std::uint64_t>& values) {
  std::vector<std::uint64_t> reached;
  for (unsigned i = 0; i < 7; ++i) {
    if ((voters >> i & 1U) != 0) reached.push_back(values[i]);
  }
  return NaiveQuorumValue(reached);
}

Tally NaiveHalfTally(unsigned voters, unsigned yes, unsigned no) {
  const int count = std::popcount(voters);
  if (2 * std::popcount(voters & yes) > count) return Tally::kWon;
  return 2 * (count - std::popcount(voters & no)) > count ? Tally::kPending : Tally::kLost;
}

RC_GTEST_PROP(JointQuorum, ValueIsWhatAMajorityOfEachHalfHasReached, ()) {
  const auto before = *rc::gen::inRange(1U, 128U);
  const auto after = *rc::gen::inRange(1U, 128U);
  const Configuration joint = VotersOfBits(before).JointTo(VotersOfBits(after));
  const auto values =
      *rc::gen::container<std::vector<std::uint64_t>>(7, rc::gen::inRange<std::uint64_t>(0, 6));
  const auto value = joint.QuorumValue<std::uint64_t>([&](NodeId id) { return values[BitOf(id)]; });
  RC_ASSERT(value == std::min(NaiveHalfValue(before, values), NaiveHalfValue(after, values)));
}

RC_GTEST_PROP(JointQuorum, AVoteIsWonInBothHalvesAndLostInEither, ()) {
  const auto before = *rc::gen::inRange(1U, 128U);
  const auto after = *rc::gen::inRange(1U, 128U);
  const auto answered = *rc::gen::inRange(0U, 128U);
  const auto granted = *rc::gen::inRange(0U, 128U);
  const Configuration joint = VotersOfBits(before).JointTo(VotersOfBits(after));
  const Tally tally = joint.Count([&](NodeId id) -> std::optional<bool> {
    if ((answered >> BitOf(id) & 1U) == 0) return std::nullopt;
    return (granted >> BitOf(id) & 1U) != 0;
  });
  const Tally old_half = NaiveHalfTally(before, answered & granted, answered & ~granted);
  const Tally new_half = NaiveHalfTally(after, answered & granted, answered & ~granted);
  if (old_half == Tally::kLost || new_half == Tally::kLost) {
    RC_ASSERT(tally == Tally::kLost);
  } else {
    RC_ASSERT((tally == Tally::kWon) == (old_half == Tally::kWon && new_half == Tally::kWon));
    RC_ASSERT(tally != Tally::kLost);
  }
}

RC_GTEST_PROP(JointQuorum, WhichHalfIsWhichMakesNoDifference, ()) {
  const Configuration a = VotersOfBits(*rc::gen::inRange(1U, 128U));
  const Configuration b = VotersOfBits(*rc::gen::inRange(1U, 128U));
  const auto values =
      *rc::gen::container<std::vector<std::uint64_t>>(7, rc::gen::inRange<std::uint64_t>(0, 6));
  const auto reached = [&](NodeId id) { return values[BitOf(id)]; };
  RC_ASSERT(a.JointTo(b).QuorumValue<std::uint64_t>(reached) ==
            b.JointTo(a).QuorumValue<std::uint64_t>(reached));
  RC_ASSERT(a.JointTo(a).QuorumValue<std::uint64_t>(reached) ==
            a.QuorumValue<std::uint64_t>(reached));
}

// The naive twin: whoever fails, if no more than `value` of them do, those that are left win.
RC_GTEST_PROP(JointQuorum, SpareIsHowManyMayFailWhicheverTheyAre, ()) {
  const Configuration old_half = VotersOfBits(*rc::gen::inRange(1U, 128U));
  const Configuration new_half = VotersOfBits(*rc::gen::inRange(1U, 128U));
  const Configuration joint = *rc::gen::arbitrary<bool>() ? old_half.JointTo(new_half) : old_half;
  const auto present = *rc::gen::inRange(0U, 128U);
  const auto wins = [&joint](unsigned up) {
    return joint.Count([up](NodeId id) {
      return std::optional<bool>((up >> BitOf(id) & 1U) != 0);
    }) == Tally::kWon;
  };
  std::size_t fewest_that_matter = 8;
  for (unsigned failed = 0; failed < 128; ++failed) {
    if (wins(present & ~failed)) continue;
    fewest_that_matter =
        std::min(fewest_that_matter, static_cast<std::size_t>(std::popcount(failed)));
  }
  const std::size_t spare =
      joint.Spare([present](NodeId id) { return (present >> BitOf(id) & 1U) != 0; });
  RC_ASSERT(spare == (fewest_that_matter == 0 ? 0 : fewest_that_matter - 1));
}

// True if some set of nodes wins in `a` while those that are not in it win in `b`: two leaders.
bool CanBothWin(const Configuration& a, const Configuration& b) {
  for (unsigned set = 0; set < 128; ++set) {
    const auto of = [](unsigned granting) {
      return
          [granting](NodeId id) { return std::optional<bool>((granting >> BitOf(id) & 1U) != 0); };
    };
    if (a.Count(of(set)) == Tally::kWon && b.Count(of(~set)) == Tally::kWon) return true;
  }
  return false;
}

// Every change of up to five voters (thesis 4.3): what one configuration decides the next one
// knows.
TEST(JointQuorum, ConsecutiveConfigurationsShareANodeInAllTheirQuorums) {
  for (unsigned before = 1; before < 32; ++before) {
    const Configuration from = VotersOfBits(before);
    for (unsigned after = 1; after < 32; ++after) {
      const Configuration to = VotersOfBits(after);
      const Configuration joint = from.JointTo(to);
      ASSERT_FALSE(CanBothWin(from, joint)) << before << " to " << after;
      ASSERT_FALSE(CanBothWin(joint, joint)) << before << " to " << after;
      ASSERT_FALSE(CanBothWin(joint, joint.LeaveJoint())) << before << " to " << after;
    }
  }
  // Without the joint configuration it would not be so.
  EXPECT_TRUE(CanBothWin(VotersOfBits(0b00001), VotersOfBits(0b00111)));
  EXPECT_FALSE(CanBothWin(VotersOfBits(0b00011), VotersOfBits(0b00111)));
}

TEST(Configuration, SurvivesItsCodec) {
  std::vector<Member> members = Voters(5).members();
  members[2].role = MemberRole::kLearner;
  const Configuration configuration(members);
  const auto decoded = DecodeConfiguration(EncodeConfiguration(configuration));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(*decoded, configuration);
  EXPECT_EQ(decoded->voters().size(), 4u);
}

TEST(Configuration, RefusesBytesThatAreNotCanonical) {
  const std::string bytes = EncodeConfiguration(Voters(3));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeConfiguration(bytes.substr(0, size)).has_value());
  }
  EXPECT_FALSE(DecodeConfiguration(bytes + "x").has_value());
}

RC_GTEST_PROP(Configuration, AnyBytesAreDecodedOrRefused, (const std::string& bytes)) {
  if (const auto decoded = DecodeConfiguration(bytes)) {
    RC_ASSERT(EncodeConfiguration(*decoded) == bytes);
  }
}

TEST(Configuration, ALearnerIsInNoQuorum) {
  std::vector<Member> members = Voters(3).members();
  members[0].role = MemberRole::kLearner;
  const Configuration configuration(members);
  EXPECT_FALSE(configuration.IsVoter(members[0].id));
  EXPECT_EQ(configuration.majority(), 2u);
  EXPECT_NE(configuration.Find(members[0].id), nullptr);
}

TEST(Configuration, NamesWhatIsWrongWithIt) {
  EXPECT_FALSE(Voters(3).Problem().has_value());
  EXPECT_EQ(*Configuration().Problem(), "a cluster needs at least one voting member");
  auto members = Voters(2).members();
  members[1].address = members[0].address;
  EXPECT_TRUE(Configuration(members).Problem()->find("same address") != std::string::npos);
  members = Voters(2).members();
  members[1] = members[0];
  EXPECT_TRUE(Configuration(members).Problem()->find("named twice") != std::string::npos);
  members = Voters(1).members();
  members[0].name = "a b";
  members[0].id = NodeIdOf("a b");
  EXPECT_TRUE(Configuration(members).Problem()->find("'a b'") != std::string::npos);
}

TEST(Configuration, TheClusterIdDependsOnNamesNotOnOrderOrAddress) {
  auto members = Voters(3).members();
  const ClusterId id = ClusterIdOf(Configuration(members), "c");
  std::ranges::reverse(members);
  members[0].address = "elsewhere:1";
  EXPECT_EQ(ClusterIdOf(Configuration(members), "c"), id);
  EXPECT_NE(ClusterIdOf(Configuration(members), "d"), id);
  EXPECT_NE(ClusterIdOf(Voters(4), "c"), id);
}

}  // namespace
}  // namespace grassdb
