// Clusters whose members come, go and move while they serve.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/cluster/cluster.h"
#include "tests/cluster/writer.h"

namespace grassdb {
namespace {

using Roles = std::map<std::string, std::string>;

// The members by name, as `node` knows them; empty if it does not answer.
Roles RolesAt(Cluster& cluster, int node) {
  Roles roles;
  if (const auto status = cluster.Status(node)) {
    for (const wire::MemberStatus& member : status->members()) {
      roles.emplace(member.id(), member.role());
    }
  }
  return roles;
}

testing::AssertionResult Reaches(Cluster& cluster, int node, const Roles& wanted) {
  Roles last;
  const bool reached = WaitFor(Cluster::kPatience, [&] {
    last = RolesAt(cluster, node);
    const auto status = cluster.Status(node);
    return last == wanted && status.has_value() && !status->changing_membership();
  });
  if (reached) return testing::AssertionSuccess();
  testing::AssertionResult failure = testing::AssertionFailure() << cluster.name(node) << " has";
  for (const auto& [name, role] : last) failure << " " << name << "=" << role;
  return failure;
}

bool WaitForLog(const Cluster& cluster, int node, const std::string& text) {
  return WaitFor(Cluster::kPatience,
                 [&] { return cluster.log(node).find(text) != std::string::npos; });
}

// One line on stderr that has `part`, and nothing else.
void ExpectRefusal(const Finished& result, const std::string& part) {
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

// The sockets of this process, as the kernel's tables name them.
std::set<std::string> OwnSockets() {
  std::set<std::string> inodes;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && target.starts_with("socket:[")) {
      inodes.insert(target.substr(8, target.size() - 9));
    }
  }
  return inodes;
}

// Established TCP connections of other processes of this machine whose far end is this port. (Those
// of the test's own clients live as long as gRPC likes.)
int ConnectionsTo(const std::string& address) {
  char wanted[8];
  std::snprintf(wanted, sizeof wanted, ":%04X", std::stoi(address.substr(address.rfind(':') + 1)));
  const std::set<std::string> own = OwnSockets();
  int count = 0;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      // Number, local end, far end, state, queues, timer, retransmits, user, timeout, inode.
      std::vector<std::string> fields(10);
      for (std::string& field : fields) words >> field;
      if (fields[3] == "01" && fields[2].ends_with(wanted) && !own.contains(fields[9])) ++count;
    }
  }
  return count;
}

TEST(Membership, AClusterOfOneGrowsToThreeUnderLoadAndOutlivesItsFirstNode) {
  Cluster cluster(3);
  cluster.BeginWith(1);
  cluster.StartAndElect();
  Writer writer(cluster, "k");
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return writer.acknowledged() > 20; }));
  cluster.Start(1);
  cluster.Start(2);
  ASSERT_TRUE(Reaches(cluster, 0, {{"node1", "voter"}, {"node2", "voter"}, {"node3", "voter"}}));
  EXPECT_NE(cluster.log(1).find("Added to the cluster 'grassdb'"), std::string::npos);

  const Finished removed = cluster.Cli({"member", "remove", "node1"});
  EXPECT_EQ(removed.code, 0) << removed.err;
  EXPECT_EQ(removed.out, "OK\n");
  const int leader = cluster.Leader();
  EXPECT_NE(leader, 0);
  EXPECT_TRUE(Reaches(cluster, leader, {{"node2", "voter"}, {"node3", "voter"}}));
  EXPECT_TRUE(WaitForLog(cluster, 0, "node1 is no member of the cluster any more"));
  const int before = writer.acknowledged();
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return writer.acknowledged() > before + 20; }));
  writer.Stop();
  EXPECT_TRUE(writer.failed().empty())
      << writer.failed().begin()->first << ": " << writer.failed().begin()->second;
  cluster.Kill(0);
  EXPECT_EQ(cluster.Cli({"set", "after", "all"}).code, 0);
  ExpectAll(cluster, writer.written());
}

TEST(Membership, TheOthersCloseTheirConnectionsToWhoHasBeenRemoved) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const int gone = (leader + 1) % 3;
  ASSERT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return ConnectionsTo(cluster.address(gone)) > 0; }))
      << "the leader speaks to its follower";
  ASSERT_EQ(cluster.Cli({"member", "remove", cluster.name(gone)}).code, 0);
  EXPECT_TRUE(
      WaitFor(Cluster::kPatience, [&] { return ConnectionsTo(cluster.address(gone)) == 0; }));
  EXPECT_TRUE(WaitForLog(cluster, leader, "Closing the connection to " + cluster.name(gone)));
  EXPECT_TRUE(
      WaitForLog(cluster, gone, cluster.name(gone) + " is no member of the cluster any more"))
      << "it is told before the connection goes";
  EXPECT_EQ(cluster.Cli({"set", "k", "w"}).code, 0);
  // Without an answer from anybody, it must not keep the others from stopping either.
  cluster.process(leader).Signal(SIGTERM);
  EXPECT_EQ(cluster.process(leader).Wait(Cluster::kPatience), 0);
}

TEST(Membership, WhoWasRemovedWhileItWasDownIsToldWhenItIsBack) {
  Cluster cluster(3);
  const int gone = (cluster.StartAndElect() + 1) % 3;
  cluster.Kill(gone);
  ASSERT_EQ(cluster.Cli({"member", "remove", cluster.name(gone)}).code, 0);
  cluster.Start(gone);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return cluster.log(gone).find("This node was removed from the cluster while it was away") !=
           std::string::npos;
  })) << cluster.log(gone);
}

TEST(Membership, OneNodeReplacesAnother) {
  Cluster cluster(4);
  cluster.BeginWith(3);
  for (int i = 0; i < 3; ++i) cluster.Start(i);
  const int leader = cluster.Leader();
  const int old_node = (leader + 1) % 3;
  Writer writer(cluster, "k");
  const Finished replaced =
      cluster.Cli({"member", "replace", cluster.name(old_node), "node4", cluster.address(3)});
  ASSERT_EQ(replaced.code, 0) << replaced.err;
  EXPECT_EQ(RolesAt(cluster, leader)["node4"], "joining");
  EXPECT_EQ(RolesAt(cluster, leader)[cluster.name(old_node)], "voter");
  const std::string list = cluster.Cli({"member", "list"}).out;
  EXPECT_NE(list.find("joining, in the place of " + cluster.name(old_node)), std::string::npos)
      << list;

  cluster.Start(3);
  Roles wanted = {{"node1", "voter"}, {"node2", "voter"}, {"node3", "voter"}, {"node4", "voter"}};
  wanted.erase(cluster.name(old_node));
  EXPECT_TRUE(Reaches(cluster, leader, wanted));
  EXPECT_TRUE(Reaches(cluster, 3, wanted));
  writer.Stop();
  EXPECT_TRUE(writer.failed().empty());
  cluster.Kill(old_node);
  // The new one counts: with it, two of three are a quorum.
  cluster.Kill(3 - leader - old_node);
  const Finished set = cluster.Cli({"--deadline=30s", "set", "k", "v"});
  EXPECT_EQ(set.code, 0) << set.err;
  ExpectAll(cluster, writer.written());
}

TEST(Membership, ALearnerStaysOneUntilItIsPromoted) {
  Cluster cluster(2);
  cluster.BeginWith(1);
  cluster.StartAndElect();
  ASSERT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
  std::vector<std::string> command = cluster.Command(1);
  command.insert(command.end(), {"--join-as", "learner"});
  cluster.Start(1, command);
  ASSERT_TRUE(Reaches(cluster, 1, {{"node1", "voter"}, {"node2", "learner"}}));
  EXPECT_EQ(RunCli(cluster.directory(), {"--peers", cluster.address(1), "get", "k"}).out, "v\n")
      << "a learner serves reads";
  const Finished status = cluster.Cli({"status"});
  EXPECT_NE(status.out.find("  node2  learner  "), std::string::npos) << status.out;
  Finished promoted;
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    promoted = cluster.Cli({"member", "promote", "node2"});
    return promoted.code == 0;
  })) << promoted.err;
  EXPECT_TRUE(Reaches(cluster, 0, {{"node1", "voter"}, {"node2", "voter"}}));
  EXPECT_EQ(cluster.Cli({"member", "demote", "node2"}).code, 0);
  EXPECT_TRUE(Reaches(cluster, 0, {{"node1", "voter"}, {"node2", "learner"}}));
}

TEST(Membership, ARefusedChangeIsOneLineAndChangesNothing) {
  Cluster cluster(2);
  cluster.BeginWith(1);
  cluster.StartAndElect();
  ASSERT_EQ(cluster.Cli({"member", "add", "node2", cluster.address(1)}).code, 0);
  const std::string before = cluster.Cli({"member", "list"}).out;
  ExpectRefusal(cluster.Cli({"member", "remove", "nobody"}), "'nobody' is not a member");
  ExpectRefusal(cluster.Cli({"member", "remove", "node1"}), "at least one voting member");
  ExpectRefusal(cluster.Cli({"member", "promote", "node2"}), "'node2' has not caught up");
  ExpectRefusal(cluster.Cli({"member", "add", "node2", "127.0.0.1:1"}),
                "'node2' is a member already, at " + cluster.address(1));
  ExpectRefusal(cluster.Cli({"member", "add", "node3", cluster.address(0)}), "the same address");
  ExpectRefusal(cluster.Cli({"member", "move", "node2", cluster.address(0)}), "the same address");
  ExpectRefusal(cluster.Cli({"member", "replace", "node9", "node3", "127.0.0.1:1"}),
                "'node9' is not a member");
  EXPECT_EQ(cluster.Cli({"member", "list"}).out, before);
  EXPECT_EQ(cluster.Cli({"member", "remove", "node2"}).code, 0) << "it was never there";
}

TEST(Membership, ARefusedJoinIsOneLineAndLeavesNothingBehind) {
  Cluster cluster(3);
  cluster.BeginWith(2);
  cluster.Start(0);
  cluster.Start(1);
  cluster.Leader();
  std::vector<std::string> command = cluster.Command(2);
  *(std::ranges::find(command, "--id") + 1) = "node2";
  const Finished taken = RunToEnd(command, cluster.directory());
  ExpectRefusal(taken, "'node2' is a member already, at " + cluster.address(1));
  EXPECT_FALSE(std::filesystem::exists(cluster.data_directory(2)));

  command = cluster.Command(2);
  command.insert(command.end(), {"--cluster-name", "other"});
  ExpectRefusal(RunToEnd(command, cluster.directory()), "belongs to the cluster 'grassdb'");
  cluster.Start(2);
  EXPECT_TRUE(Reaches(cluster, 2, {{"node1", "voter"}, {"node2", "voter"}, {"node3", "voter"}}));
}

// With an empty disk and its old name it could vote again in a term in which it has voted. It is
// started as it always was: node3 by --join, and node2 by --cluster.
TEST(Membership, AVoterThatLostItsDataComesBackAsALearnerByItself) {
  const Roles all = {{"node1", "voter"}, {"node2", "voter"}, {"node3", "voter"}};
  Cluster cluster(3);
  cluster.BeginWith(2);
  cluster.Start(0);
  cluster.Start(1);
  cluster.Leader();
  cluster.Start(2);
  ASSERT_TRUE(Reaches(cluster, 2, all));
  ASSERT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
  for (const int lost : {2, 1}) {
    cluster.Kill(lost);
    std::filesystem::remove_all(cluster.data_directory(lost));
    cluster.Start(lost);
    ASSERT_TRUE(WaitForLog(cluster, lost, cluster.name(lost) + " (joining)"));
    ASSERT_TRUE(Reaches(cluster, lost, all));
    const int leader = cluster.Leader();
    EXPECT_NE(cluster.log(leader).find(cluster.name(lost) + " has lost its disk"),
              std::string::npos);
    EXPECT_EQ(cluster.Cli({"get", "k"}).out, "v\n");
  }
}

// A machine that was restored from an older image of its disk.
TEST(Membership, AVoterWhoseDiskWasRolledBackComesBackAsALearnerByItself) {
  const Roles all = {{"node1", "voter"}, {"node2", "voter"}, {"node3", "voter"}};
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const int restored = (leader + 1) % 3;
  const std::string image = cluster.directory() + "/image";
  const auto set = [&](const std::string& value) {
    ASSERT_EQ(cluster.Cli({"set", "k", value}).code, 0);
    const std::uint64_t commit = cluster.Status(leader)->commit_index();
    ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
      const auto status = cluster.Status(restored);
      return status.has_value() && status->durable_index() >= commit;
    }));
  };
  set("old");
  cluster.Kill(restored);
  std::filesystem::copy(cluster.data_directory(restored), image);
  cluster.Start(restored);
  set("new");
  cluster.Kill(restored);
  std::filesystem::remove_all(cluster.data_directory(restored));
  std::filesystem::rename(image, cluster.data_directory(restored));
  cluster.Start(restored);
  ASSERT_TRUE(WaitForLog(cluster, leader, cluster.name(restored) + " has lost its disk"));
  ASSERT_TRUE(WaitForLog(cluster, leader, cluster.name(restored) + " (joining)"));
  EXPECT_TRUE(Reaches(cluster, restored, all));
  EXPECT_EQ(cluster.Cli({"get", "k"}).out, "new\n");
}

TEST(Membership, ANodeThatJoinsWaitsForTheClusterUntilItIsStopped) {
  Cluster cluster(2);
  cluster.BeginWith(1);
  cluster.Start(1);
  ASSERT_TRUE(WaitForLog(cluster, 1, "Not added to the cluster yet"));
  cluster.process(1).Signal(SIGTERM);
  EXPECT_EQ(cluster.process(1).Wait(Cluster::kPatience), 0);
  EXPECT_FALSE(std::filesystem::exists(cluster.data_directory(1)));

  cluster.Start(1);
  cluster.Start(0);
  EXPECT_TRUE(Reaches(cluster, 1, {{"node1", "voter"}, {"node2", "voter"}}));
}

TEST(Membership, ANodeThatHasJoinedIsStartedAgainWithoutBeingTold) {
  Cluster cluster(2);
  cluster.BeginWith(1);
  cluster.StartAndElect();
  cluster.Start(1);
  const Roles both = {{"node1", "voter"}, {"node2", "voter"}};
  ASSERT_TRUE(Reaches(cluster, 1, both));
  ASSERT_EQ(cluster.Cli({"set", "k", "1"}).code, 0);

  cluster.Kill(1);
  cluster.Start(1, cluster.CommandOfRestart(1));
  EXPECT_EQ(cluster.Cli({"--deadline=30s", "set", "k", "2"}).code, 0) << "both are needed";
  cluster.Kill(1);
  cluster.Start(1);
  EXPECT_TRUE(WaitForLog(cluster, 1, "--join is not needed any more"));
  EXPECT_EQ(cluster.Cli({"--deadline=30s", "set", "k", "3"}).code, 0);
  cluster.Kill(1);

  std::vector<std::string> with_cluster = cluster.CommandOfRestart(1);
  with_cluster.insert(with_cluster.end(), {"--cluster", "node2=" + cluster.address(1)});
  ExpectRefusal(RunToEnd(with_cluster, cluster.directory()), "start it without --cluster");
  // The first node was told at its birth, and needs it no more either.
  cluster.Kill(0);
  cluster.Start(0, cluster.CommandOfRestart(0));
  cluster.Start(1, cluster.CommandOfRestart(1));
  EXPECT_EQ(cluster.Cli({"--deadline=30s", "get", "k"}).out, "3\n");
}

TEST(Membership, AMemberMovesWhileTheClusterServes) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const int moving = (leader + 1) % 3;
  const int other = 3 - leader - moving;
  const std::string before = cluster.address(moving);
  ASSERT_EQ(cluster.Cli({"set", "k", "1"}).code, 0);
  cluster.Kill(moving);
  cluster.Move(moving);
  cluster.Start(moving, cluster.CommandOfRestart(moving));
  const Finished moved =
      cluster.Cli({"member", "move", cluster.name(moving), cluster.address(moving)});
  ASSERT_EQ(moved.code, 0) << moved.err;
  EXPECT_TRUE(WaitForLog(cluster, leader,
                         "Closing the connection to " + cluster.name(moving) + " at " + before +
                             ": it is at " + cluster.address(moving) + " now"));
  // Only with the one that has moved is there a quorum now.
  cluster.Kill(other);
  const Finished set = cluster.Cli({"--deadline=30s", "set", "k", "2"});
  EXPECT_EQ(set.code, 0) << set.err;
}

TEST(Membership, StatusTellsItAllInJson) {
  Cluster cluster(3);
  cluster.BeginWith(2);
  cluster.Start(0);
  cluster.Start(1);
  const int leader = cluster.Leader();
  ASSERT_EQ(cluster.Cli({"member", "add", "node3", cluster.address(2), "--learner"}).code, 0);
  // Asking one node is enough to see all.
  const Finished result =
      RunCli(cluster.directory(), {"--peers", cluster.address(1 - leader), "status", "-w", "json"});
  EXPECT_EQ(result.code, 0) << result.err;
  const auto nodes = nlohmann::json::parse(result.out);
  ASSERT_EQ(nodes.size(), 3u);
  const auto leading = std::ranges::find_if(
      nodes, [](const nlohmann::json& node) { return node.value("role", "") == "leader"; });
  ASSERT_NE(leading, nodes.end());
  EXPECT_EQ((*leading)["id"], cluster.name(leader));
  EXPECT_EQ((*leading)["cluster_id"].get<std::string>().size(), 16u);
  EXPECT_GT((*leading)["configuration_index"].get<std::uint64_t>(), 0u);
  EXPECT_FALSE((*leading)["changing_membership"].get<bool>());
  for (const char* field : {"term", "commit_index", "applied_index", "durable_index"}) {
    EXPECT_GT((*leading)[field].get<std::uint64_t>(), 0u) << field;
  }
  ASSERT_EQ((*leading)["followers"].size(), 2u);
  for (const auto& follower : (*leading)["followers"]) {
    const bool there = follower["id"] == cluster.name(1 - leader);
    EXPECT_EQ(follower["state"], there ? "replicate" : "probe");
    EXPECT_EQ(follower["match"].get<std::uint64_t>() == 0, !there);
    EXPECT_EQ(follower["lag"].get<std::uint64_t>() == 0, there);
    EXPECT_GE(follower["silent_ms"].get<std::uint64_t>(), there ? 0u : 1u);
    EXPECT_EQ(follower["snapshot_index"], 0);
  }
  ASSERT_EQ((*leading)["members"].size(), 3u);
  for (const auto& member : (*leading)["members"]) {
    EXPECT_EQ(member["role"], member["id"] == "node3" ? "learner" : "voter");
  }
  const auto list = nlohmann::json::parse(cluster.Cli({"member", "list", "-w", "json"}).out);
  EXPECT_EQ(list["members"], (*leading)["members"]);
  EXPECT_EQ(list["leader_id"], cluster.name(leader));

  const std::string table = cluster.Cli({"status"}).out;
  for (const char* part : {"FOLLOWER", "LAG", "SILENT", "MEMBER", "DURABLE", "unreachable"}) {
    EXPECT_NE(table.find(part), std::string::npos) << table;
  }
}

TEST(Membership, AFollowerRefusesAChangeAndNamesTheLeader) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const auto call = [&](int node, const std::string& address,
                        wire::ChangeMembershipResponse* response) {
    const auto stub = wire::Admin::NewStub(ChannelTo(cluster.address(node)));
    wire::ChangeMembershipRequest request;
    wire::MemberChange& change = *request.add_changes();
    change.set_kind(wire::MemberChange::ADD);
    change.set_name("node4");
    change.set_address(address);
    grpc::ClientContext context;
    return stub->ChangeMembership(&context, request, response);
  };
  wire::ChangeMembershipResponse response;
  ASSERT_TRUE(call((leader + 1) % 3, "127.0.0.1:1", &response).ok());
  EXPECT_EQ(response.code(), wire::NOT_LEADER);
  EXPECT_EQ(response.leader_id(), cluster.name(leader));
  EXPECT_EQ(response.leader_address(), cluster.address(leader));
  for (const char* address : {"nonsense", "127.0.0.1:0", "0.0.0.0:1", "[::]:1"}) {
    const grpc::Status status = call(leader, address, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << address;
    EXPECT_EQ(status.error_message().find("changes[0].address: '" + std::string(address)), 0u)
        << status.error_message();
  }
}

// The lease outlives the followers' silence by some seconds here; a round needs an answer.
TEST(Membership, ALeaseReadNeedsNoAnswerFromAnybody) {
  Cluster cluster(3, {"--election-timeout", "5s-6s"});
  const int leader = cluster.StartAndElect();
  ClientOptions options;
  options.endpoints = {cluster.address(leader)};
  options.deadline = Seconds(1);
  net::DatabaseClient client(options);
  ASSERT_EQ(client.Set("k", "v").code, Outcome::Code::kOk);
  const Finished cli = cluster.Cli({"get", "--lease", "k"});
  EXPECT_EQ(cli.out, "v\n") << cli.err;
  cluster.process((leader + 1) % 3).Signal(SIGSTOP);
  cluster.process((leader + 2) % 3).Signal(SIGSTOP);
  const Outcome leased = client.Get("k", ReadMode::kLease);
  EXPECT_EQ(leased.code, Outcome::Code::kOk) << leased.error;
  EXPECT_EQ(leased.reply.value, "v");
  EXPECT_EQ(client.Get("k", ReadMode::kLinearizable).code, Outcome::Code::kUnreachable);
}

TEST(Membership, AReadOfTwoKindsIsRefused) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const auto stub = wire::Database::NewStub(ChannelTo(cluster.address(0)));
  wire::GetRequest request;
  request.set_key("k");
  request.set_stale(true);
  request.set_lease(true);
  wire::GetResponse response;
  grpc::ClientContext context;
  const grpc::Status status = stub->Get(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "lease: true, and so is stale; a read is of one kind");
}

}  // namespace
}  // namespace grassdb
