// Nodes that were started with the wrong words, and what the nodes that notice say of it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cluster/cluster.h"

namespace grassdb {
namespace {

std::size_t CountOf(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// What stands behind `label` in the log, up to the next space, comma, bracket or end of line.
std::string WordBehind(const std::string& log, const std::string& label) {
  const std::size_t at = log.find(label);
  if (at == std::string::npos) return "nothing behind '" + label + "'";
  const std::size_t begin = at + label.size();
  return log.substr(begin, log.find_first_of(" ,)\n", begin) - begin);
}

TEST(MistakenStart, ANodeThatAnotherClusterRefusesSaysSoOnceAndShowsItInItsStatus) {
  Cluster cluster(3, {"--log-level", "debug"});
  std::vector<std::string> stranger = cluster.Command(2);
  stranger.insert(stranger.end(), {"--cluster-name", "other"});
  cluster.Start(2, stranger);
  cluster.Start(0);
  cluster.Start(1);
  const int leader = cluster.Leader();
  ASSERT_NE(leader, 2);
  const std::string refused = "node3 at " + cluster.address(2) + " refuses this node: ";
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return CountOf(cluster.log(leader), refused) >= 10;
  })) << cluster.log(leader);
  const std::string log = cluster.log(leader);
  std::string warning;
  std::size_t warnings = 0;
  for (std::size_t at = 0; at < log.size(); at = log.find('\n', at) + 1) {
    const std::string line = log.substr(at, log.find('\n', at) - at);
    if (line.find(refused) == std::string::npos) continue;
    if (line.find(" warning ") == std::string::npos) continue;
    warning = line;
    ++warnings;
  }
  EXPECT_EQ(warnings, 1u) << "of all attempts";
  const std::string ours = WordBehind(log, "of cluster 'grassdb' (");
  const std::string theirs = WordBehind(cluster.log(2), "of cluster 'other' (");
  EXPECT_NE(ours, theirs);
  EXPECT_NE(warning.find("belongs to cluster " + ours + "; this is cluster " + theirs),
            std::string::npos)
      << warning;
  EXPECT_NE(warning.find("Way out: "), std::string::npos) << warning;

  const Finished table = cluster.Cli({"status"});
  EXPECT_NE(table.out.find(cluster.name(leader) + " does not reach node3 at " + cluster.address(2) +
                           ": another cluster answers there.\n"),
            std::string::npos)
      << table.out;
  const auto json = nlohmann::json::parse(cluster.Cli({"status", "-w", "json"}).out);
  EXPECT_EQ(json[static_cast<std::size_t>(leader)]["cluster_id"], ours) << "printed in one way";
  EXPECT_EQ(json[2]["cluster_id"], theirs);
}

TEST(MistakenStart, ANodeThatComesIntoItsOwnClusterAgainIsNotSpokenIllOf) {
  Cluster cluster(3);
  std::vector<std::string> stranger = cluster.Command(2);
  stranger.insert(stranger.end(), {"--cluster-name", "other"});
  cluster.Start(2, stranger);
  cluster.Start(0);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return cluster.log(0).find("refuses this node") != std::string::npos;
  }));
  cluster.Start(1);
  // So that the one who was refused is a follower, and has no reason to try again.
  const int leader = 1;
  if (cluster.Leader() != leader) {
    ASSERT_EQ(cluster.Cli({"transfer-leader", "node2"}).code, 0);
  }
  const auto has_problem = [&] {
    return cluster.Cli({"status"}).out.find("another cluster answers") != std::string::npos;
  };
  ASSERT_TRUE(WaitFor(Cluster::kPatience, has_problem));
  cluster.Kill(2);
  std::vector<std::string> right = cluster.Command(2);
  for (std::string& word : right) {
    if (word == cluster.data_directory(2)) word += "_right";
  }
  cluster.Start(2, right);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return !has_problem(); }));
  EXPECT_NE(cluster.log(leader).find("Reached node3"), std::string::npos);
}

TEST(MistakenStart, AnotherNodeAtAMembersAddressIsTold) {
  Cluster cluster(3);
  cluster.StartAndElect();
  const int leader = cluster.Leader();
  const int moved = (leader + 1) % 3;
  const int stays = (leader + 2) % 3;
  cluster.Kill(moved);
  cluster.Kill(stays);
  // It listens where `moved` should.
  std::vector<std::string> command = cluster.CommandOfRestart(stays);
  for (std::string& word : command) {
    if (word == cluster.address(stays)) word = cluster.address(moved);
  }
  cluster.Start(stays, command);
  const std::string refused =
      cluster.name(moved) + " at " + cluster.address(moved) + " refuses this node: ";
  // Either of the two may lead now, and whoever leads calls there: the mistaken one calls itself.
  const auto logs = [&] { return cluster.log(leader) + cluster.log(stays); };
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return logs().find(refused) != std::string::npos;
  })) << logs();
  EXPECT_NE(logs().find("is meant for node"), std::string::npos);
  EXPECT_NE(cluster.Cli({"status"}).out.find("another node answers there"), std::string::npos);
}

TEST(MistakenStart, TwoProcessesWithTheIdOfOneNodeAreNamed) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const int victim = (leader + 1) % 3;
  const std::string name = cluster.name(victim);
  const ReservedPort port;
  const std::string twin_log = cluster.directory() + "/twin.log";
  std::vector<std::string> command = cluster.Command(victim);
  for (std::string& word : command) {
    if (word == cluster.data_directory(victim)) word += "_twin";
  }
  command.insert(command.end(), {"--addr", port.address()});
  const Process twin(command, twin_log, twin_log);
  const std::string told = "Two processes run as " + name + ": ";
  int noticed = -1;
  ASSERT_TRUE(WaitFor(Cluster::kPatience,
                      [&] {
                        for (int i = 0; i < 3; ++i) {
                          if (i != victim && cluster.log(i).find(told) != std::string::npos)
                            noticed = i;
                        }
                        return noticed >= 0;
                      }))
      << cluster.log(leader) << ReadFile(twin_log);
  const std::string log = cluster.log(noticed);
  const std::size_t at = log.find(told);
  const std::string line = log.substr(at, log.find('\n', at) - at);
  EXPECT_NE(log.substr(log.rfind('\n', at) + 1, at).find(" warning "), std::string::npos);
  const std::string first = WordBehind(cluster.log(victim), "incarnation ");
  const std::string second = WordBehind(ReadFile(twin_log), "incarnation ");
  EXPECT_NE(first, second);
  EXPECT_NE(line.find("incarnation " + first), std::string::npos) << line << "\n" << first;
  EXPECT_NE(line.find("incarnation " + second), std::string::npos) << line << "\n" << second;
  EXPECT_NE(line.find("127.0.0.1:"), std::string::npos) << line;
}

}  // namespace
}  // namespace grassdb
