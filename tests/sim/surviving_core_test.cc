#include "sim/surviving_core.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <string>
#include <vector>

#include "sim/configuration_trail.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

Configuration Voters(std::uint32_t count) {
  std::vector<Member> members;
  for (std::uint32_t i = 0; i < count; ++i) {
    members.push_back(MakeMember(NodeName(i), NodeName(i) + ":1"));
    members.back().incarnation = Incarnation(1);
  }
  return Configuration(members);
}

std::vector<CoreCandidate> Hosts(std::uint32_t count) {
  std::vector<CoreCandidate> hosts;
  for (std::uint32_t i = 0; i < count; ++i) {
    hosts.push_back({.id = NodeIdOf(NodeName(i)),
                     .incarnation = Incarnation(1),
                     .whole = true,
                     .proven = true,
                     .holds_committed = true,
                     .term = Term(3),
                     .last_term = Term(3),
                     .last = Index(9)});
  }
  return hosts;
}

// All that are ever chosen.
std::set<HostSet> Cores(const std::vector<CoreCandidate>& hosts,
                        const std::vector<Configuration>& in_force) {
  std::set<HostSet> cores;
  for (std::uint64_t random = 1; random <= 400; ++random) {
    const auto core = ChooseCore(hosts, in_force, random * 0x9e3779b97f4a7c15);
    if (core.has_value()) cores.insert(core->hosts);
  }
  return cores;
}

TEST(SurvivingCore, IsAMajorityThatLeavesSomebodyOut) {
  EXPECT_EQ(Cores(Hosts(3), {Voters(3)}), (std::set<HostSet>{0b011, 0b101, 0b110}));
  // Of four, two are no majority.
  EXPECT_EQ(Cores(Hosts(4), {Voters(4)}), (std::set<HostSet>{0b0111, 0b1011, 0b1101, 0b1110}));
  EXPECT_TRUE(Cores(Hosts(2), {Voters(2)}).empty());
}

TEST(SurvivingCore, IsAQuorumOfEveryConfigurationThatMayBeInForce) {
  for (const HostSet core : Cores(Hosts(5), {Voters(3), Voters(5)})) {
    EXPECT_GE(std::popcount(core & 0b111), 2);
    EXPECT_GE(std::popcount(core), 3);
  }
  const Configuration joint = Voters(1).JointTo(Voters(3));
  for (const HostSet core : Cores(Hosts(3), {joint})) {
    EXPECT_TRUE(Contains(core, 0)) << "the old half is n1 alone";
    EXPECT_GE(std::popcount(core), 2);
  }
}

// A leader that is cut off from the core, or does not know yet that others are, makes a voter of a
// member that has caught up, by an entry that the core may have got.
TEST(SurvivingCore, IsAQuorumWithoutThoseWhoAreAboutToBecomeVoters) {
  std::vector<Member> members = Voters(4).members();
  for (Member& member : members) {
    if (member.name == NodeName(3)) member.role = MemberRole::kJoining;
  }
  const Configuration joining(members);
  EXPECT_EQ(Cores(Hosts(4), {joining}), (std::set<HostSet>{0b0111, 0b1011, 0b1101, 0b1110}));
  const Configuration joint = Voters(3).JointTo(joining);
  EXPECT_EQ(Cores(Hosts(4), {joint}), (std::set<HostSet>{0b0111, 0b1011, 0b1101, 0b1110}));
  for (Member& member : members) {
    if (member.name == NodeName(3)) member.replaces = NodeIdOf(NodeName(0));
  }
  for (const HostSet core : Cores(Hosts(4), {Configuration(members)})) {
    EXPECT_GE(std::popcount(core & 0b0111), 2);
    EXPECT_GE(std::popcount(core & 0b1110), 2) << "n4 takes the place of n1";
  }
}

TEST(SurvivingCore, DoesNotRestOnWhoHasForgotten) {
  std::vector<CoreCandidate> hosts = Hosts(3);
  hosts[1].incarnation = Incarnation(2);  // than is on record
  EXPECT_EQ(Cores(hosts, {Voters(3)}), (std::set<HostSet>{0b101}));
  hosts = Hosts(3);
  hosts[1].proven = false;
  EXPECT_EQ(Cores(hosts, {Voters(3)}), (std::set<HostSet>{0b101}));
}

TEST(SurvivingCore, HasNobodyWhoseDiskIsDamaged) {
  std::vector<CoreCandidate> hosts = Hosts(4);
  hosts[3].whole = false;
  for (const HostSet core : Cores(hosts, {Voters(3)})) EXPECT_FALSE(Contains(core, 3));
  hosts[2].whole = false;
  hosts[1].whole = false;
  EXPECT_TRUE(Cores(hosts, {Voters(3)}).empty());
}

TEST(SurvivingCore, IsOftenOneWhoseNewestLogIsInAnOlderTerm) {
  std::vector<CoreCandidate> hosts = Hosts(5);
  hosts[4].term = Term(4);
  hosts[4].last = Index(8);
  std::uint32_t hard = 0;
  for (std::uint64_t random = 1; random <= 400; ++random) {
    const auto core = ChooseCore(hosts, {Voters(5)}, random * 0x9e3779b97f4a7c15);
    ASSERT_TRUE(core.has_value());
    EXPECT_EQ(core->hard, Contains(core->hosts, 4));
    EXPECT_TRUE(HasHardCore(hosts, {Voters(5)}));
    EXPECT_NE(core->newest, 4u);
    if (core->hard) ++hard;
  }
  EXPECT_GT(hard, 200u);
  EXPECT_LT(hard, 400u);
  EXPECT_FALSE(HasHardCore(Hosts(5), {Voters(5)}));
}

TEST(ConfigurationTrail, HasTheBootstrapConfigurationAndWhatMayYetBeCommitted) {
  ConfigurationTrail trail(Voters(3));
  EXPECT_EQ(trail.InForce(), (std::vector<Configuration>{Voters(3)}));
  Entry entry;
  entry.index = Index(7);
  entry.term = Term(2);
  entry.type = EntryType::kConfiguration;
  entry.payload = Bytes(EncodeConfiguration(Voters(4)));
  trail.Note({entry});
  EXPECT_EQ(trail.InForce(), (std::vector<Configuration>{Voters(3), Voters(4)}));
}

TEST(ConfigurationTrail, BelievesADiskThatItsOwnLogNamesOrThatWasThereAtTheBirth) {
  const NodeId one = NodeIdOf("n1");
  Configuration born({MakeMember("n1", "n1:1")});
  ConfigurationTrail trail(born);
  DurableImage disk;
  EXPECT_FALSE(trail.IsProven(one, Incarnation(1), disk));
  Persist birth;
  birth.hard_state = HardState{Term(1), one, true};
  disk.Apply(birth);
  EXPECT_TRUE(trail.IsProven(one, Incarnation(1), disk));

  Entry entry;
  entry.index = Index(1);
  entry.term = Term(1);
  entry.type = EntryType::kConfiguration;
  entry.payload = Bytes(EncodeConfiguration(Voters(1)));
  trail.Note({entry});
  EXPECT_TRUE(trail.IsProven(one, Incarnation(2), disk)) << "it does not have the entry";
  Persist persist;
  persist.entries.push_back(entry);
  disk.Apply(persist);
  EXPECT_TRUE(trail.IsProven(one, Incarnation(1), disk));
  EXPECT_FALSE(trail.IsProven(one, Incarnation(2), disk));
}

}  // namespace
}  // namespace grassdb::sim
