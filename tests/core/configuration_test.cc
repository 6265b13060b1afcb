#include "core/configuration.h"

#include <algorithm>

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
  const int count = *rc::gen::inRange(0, 8);
  const Configuration configuration = Voters(count);
  const auto values = *rc::gen::container<std::vector<std::uint64_t>>(
      static_cast<std::size_t>(count), rc::gen::inRange<std::uint64_t>(0, 5));
  const auto value = configuration.QuorumValue<std::uint64_t>([&](NodeId id) {
    const auto at = std::ranges::find(configuration.voters(), id);
    return values[static_cast<std::size_t>(at - configuration.voters().begin())];
  });
  RC_ASSERT(value == NaiveQuorumValue(values));
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
