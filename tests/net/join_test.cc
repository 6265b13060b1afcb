#include "net/join.h"

#include <gtest/gtest.h>

namespace grassdb::net {
namespace {

NodeReport Answer(const std::string& endpoint, std::uint64_t cluster, const std::string& name) {
  NodeReport report;
  report.endpoint = endpoint;
  report.status.emplace();
  report.status->set_cluster_id(cluster);
  report.status->set_cluster(name);
  return report;
}

NodeReport Silence(const std::string& endpoint) {
  return {.endpoint = endpoint, .status = std::nullopt, .error = "refused"};
}

TEST(Join, FindsTheClusterThatThePeersAgreeOn) {
  const auto cluster =
      ClusterOf({Silence("h:1"), Answer("h:2", 7, "blue"), Answer("h:3", 7, "blue")}, "");
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(cluster->id, ClusterId(7));
  EXPECT_EQ(cluster->name, "blue");
  EXPECT_TRUE(ClusterOf({Answer("h:2", 7, "blue")}, "blue").ok());
}

TEST(Join, TriesAgainWhileNoPeerAnswers) {
  const auto cluster = ClusterOf({Silence("h:1"), Silence("h:2")}, "");
  ASSERT_TRUE(absl::IsUnavailable(cluster.status()));
  EXPECT_EQ(cluster.status().message(), "no peer answers: h:1: refused; h:2: refused");
}

TEST(Join, GivesUpOnPeersOfDifferentClusters) {
  const auto cluster = ClusterOf({Answer("h:1", 7, "blue"), Answer("h:2", 8, "red")}, "");
  ASSERT_TRUE(absl::IsFailedPrecondition(cluster.status()));
  EXPECT_EQ(cluster.status().message(),
            "the peers of --join belong to different clusters: h:1 to 'blue' (0000000000000007), "
            "h:2 to 'red' (0000000000000008)");
}

TEST(Join, GivesUpOnAnotherClusterThanTheOneAskedForAndOnOldNodes) {
  EXPECT_TRUE(absl::IsFailedPrecondition(ClusterOf({Answer("h:1", 7, "blue")}, "red").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(ClusterOf({Answer("h:1", 0, "blue")}, "").status()));
}

wire::StatusResponse LeaderWith(const std::string& role, std::uint64_t match) {
  wire::StatusResponse leader;
  wire::MemberStatus& member = *leader.add_members();
  member.set_id("n4");
  member.set_address("h:4");
  member.set_role(role);
  member.set_voter(role == "voter");
  wire::FollowerStatus& follower = *leader.add_followers();
  follower.set_id("n4");
  follower.set_match(match);
  return leader;
}

TEST(Join, RefusesTheNameOfAMemberWhoseDataTheClusterCountsOn) {
  const absl::Status voter = CheckForgotten(LeaderWith("voter", 0), "n4", "h:4");
  EXPECT_TRUE(absl::IsFailedPrecondition(voter)) << "it may have voted";
  EXPECT_NE(voter.message().find("grass-cli member remove n4"), absl::string_view::npos);
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckForgotten(LeaderWith("learner", 9), "n4", "h:4")))
      << "it has acknowledged entries";
}

TEST(Join, TakesAMemberThatHasBeenAddedAndNeverStarted) {
  EXPECT_TRUE(CheckForgotten(LeaderWith("joining", 0), "n4", "h:4").ok());
  EXPECT_TRUE(CheckForgotten(LeaderWith("voter", 9), "n5", "h:5").ok());
  EXPECT_TRUE(CheckForgotten(LeaderWith("voter", 9), "n4", "h:5").ok())
      << "the cluster says itself that the name is taken";
}

TEST(Join, TheLeaderIsTheOneOfTheHighestTerm) {
  NodeReport old_leader = Answer("h:1", 7, "blue");
  old_leader.status->set_role("leader");
  old_leader.status->set_serving(true);
  old_leader.status->set_term(3);
  NodeReport leader = old_leader;
  leader.endpoint = "h:2";
  leader.status->set_term(4);
  NodeReport loading = leader;
  loading.status->set_term(5);
  loading.status->set_serving(false);
  const std::vector<NodeReport> reports = {Silence("h:9"), old_leader, leader, loading};
  ASSERT_NE(FindLeader(reports), nullptr);
  EXPECT_EQ(FindLeader(reports)->endpoint, "h:2");
  EXPECT_EQ(FindLeader({Silence("h:9"), loading}), nullptr);
}

}  // namespace
}  // namespace grassdb::net
