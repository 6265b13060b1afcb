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
