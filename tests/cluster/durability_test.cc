// What was acknowledged stays, whatever is killed.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "tests/cluster/cluster.h"
#include "tests/cluster/historian.h"
#include "tests/cluster/writer.h"

namespace grassdb {
namespace {

TEST(Durability, NoAcknowledgedWriteIsLostWhenLeadersAreKilledUnderLoad) {
  Cluster cluster(3);
  cluster.StartAndElect();
  Writer a(cluster, "a");
  Writer b(cluster, "b");
  for (int round = 0; round < 3; ++round) {
    const int before = a.acknowledged() + b.acknowledged();
    ASSERT_TRUE(WaitFor(Cluster::kPatience,
                        [&] { return a.acknowledged() + b.acknowledged() > before + 100; }));
    const int leader = cluster.Leader();
    cluster.Kill(leader);
    const int after = a.acknowledged() + b.acknowledged();
    EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
      return a.acknowledged() + b.acknowledged() > after + 10;
    })) << "the two other nodes do not go on";
    cluster.Start(leader);
  }
  a.Stop();
  b.Stop();
  ExpectAll(cluster, a.written());
  ExpectAll(cluster, b.written());
}

// Who is killed: one node by turns, the leader, a majority, all of them.
std::vector<int> Victims(Cluster& cluster, int round) {
  const int other = round / 4 % 3;
  switch (round % 4) {
    case 0:
      return {other};
    case 1:
      return {cluster.Leader()};
    case 2:
      return {other, (other + 1) % 3};
    default:
      return {0, 1, 2};
  }
}

// GRASSDB_KILLS in the environment says how often; the history of all answers must have an order.
TEST(Durability, TheHistoryOfAKillLoopIsLinearizable) {
  const char* const wanted = std::getenv("GRASSDB_KILLS");
  const int kills = wanted != nullptr ? std::stoi(wanted) : 8;
  // Small, so that segments are sealed and snapshots replace the log meanwhile.
  Cluster cluster(3, {"--snapshot-log-size", "64KiB"});
  cluster.StartAndElect();
  Historian historian(cluster, 4);
  for (int round = 0; round < kills; ++round) {
    const int before = historian.answered();
    ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return historian.answered() > before + 100; }))
        << "round " << round;
    const std::vector<int> victims = Victims(cluster, round);
    for (const int victim : victims) cluster.process(victim).Signal(SIGKILL);
    for (const int victim : victims) cluster.process(victim).Wait(Cluster::kPatience);
    for (const int victim : victims) cluster.Start(victim);
  }
  const int before = historian.answered();
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return historian.answered() > before + 100; }));
  historian.Stop();

  const std::string file = cluster.directory() + "/history.edn";
  std::ofstream(file) << historian.text();
  const Finished judged = RunToEnd({GRASS_SIM_BINARY, "check-history", file}, cluster.directory());
  EXPECT_EQ(judged.code, 0) << judged.out << judged.err;
  EXPECT_NE(judged.out.find("8 keys"), std::string::npos) << judged.out;
}

TEST(Durability, AllDataIsThereAfterAllNodesWereKilledAtOnce) {
  Cluster cluster(3);
  cluster.StartAndElect();
  Writer writer(cluster, "k");
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return writer.acknowledged() > 200; }));
  for (int i = 0; i < 3; ++i) cluster.process(i).Signal(SIGKILL);
  for (int i = 0; i < 3; ++i) cluster.process(i).Wait(Cluster::kPatience);
  cluster.StartAndElect();
  writer.Stop();
  ExpectAll(cluster, writer.written());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        std::filesystem::exists(cluster.data_directory(i) + "/distdb_" + cluster.name(i) + ".wal"));
  }
}

// After a failed sync nothing is known of what the disk holds: no second try makes it true.
TEST(Durability, ALeaderWhoseSyncFailsStopsAndSaysWhatToDo) {
  Cluster cluster(3);
  const std::string disk = cluster.directory() + "/disk";
  cluster.Start(0, Cluster::WithHangingDisk(cluster.Command(0), disk));
  cluster.Start(1);
  cluster.Start(2);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return cluster.Leader() == 0 || (cluster.Cli({"transfer-leader", "node1"}), false);
  }));
  Writer writer(cluster, "k");
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return writer.acknowledged() > 20; }));
  std::ofstream(disk + ".fail") << "from now on";
  EXPECT_EQ(cluster.process(0).Wait(Cluster::kPatience), 1);
  const std::string log = cluster.log(0);
  for (const char* part : {"The disk failed", "a log write failed", "distdb_node1.wal",
                           "Input/output error", "Check the disk", "start the node again"}) {
    EXPECT_NE(log.find(part), std::string::npos) << part << " is not in " << log;
  }
  const int before = writer.acknowledged();
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return writer.acknowledged() > before + 20; }))
      << "the two others do not go on";
  cluster.Start(0);
  writer.Stop();
  ExpectAll(cluster, writer.written());
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto a = cluster.Status(0);
    const auto b = cluster.Status(1);
    return a && b && a->keys() > 0 && a->digest() == b->digest();
  })) << "the node that had stopped has not what the others have";
}

TEST(Durability, AllDataIsThereAfterTheNodesMovedToOtherPorts) {
  Cluster cluster(3);
  cluster.StartAndElect();
  ASSERT_EQ(cluster.Client().Set("k", "v").code, Outcome::Code::kOk);
  for (int i = 0; i < 3; ++i) cluster.Kill(i);
  cluster.Move();
  cluster.StartAndElect();
  for (int i = 0; i < 3; ++i) {
    const Finished got = RunCli(cluster.directory(), {"--peers", cluster.address(i), "get", "k"});
    EXPECT_EQ(got.out, "v\n") << got.err;
  }
  // The redirect, too, leads to where the leader is now.
  const Finished set = RunCli(
      cluster.directory(), {"--peers", cluster.address(cluster.SomeFollower()), "set", "k", "w"});
  EXPECT_EQ(set.out, "OK\n") << set.err;
}

TEST(Durability, ASnapshotStandsForTheLogAfterARestart) {
  Cluster cluster(3);
  cluster.StartAndElect();
  std::map<std::string, std::string> written;
  {
    net::DatabaseClient client = cluster.Client();
    for (int i = 0; i < 50; ++i) {
      const std::string key = "k" + std::to_string(i);
      written[key] = std::string(1000, static_cast<char>('a' + i % 26));
      ASSERT_EQ(client.Set(key, written[key]).code, Outcome::Code::kOk);
    }
    for (int i = 0; i < 3; ++i) {
      const Finished taken =
          RunCli(cluster.directory(), {"--peers", cluster.address(i), "snapshot"});
      EXPECT_EQ(taken.out, "OK\n") << taken.err;
    }
    ASSERT_EQ(client.Set("after", "the snapshot").code, Outcome::Code::kOk);
    written["after"] = "the snapshot";
  }
  for (int i = 0; i < 3; ++i) cluster.Kill(i);
  cluster.StartAndElect();
  for (int i = 0; i < 3; ++i) {
    const auto status = cluster.Status(i);
    ASSERT_TRUE(status.has_value());
    EXPECT_GT(status->snapshot_index(), 0u);
  }
  ExpectAll(cluster, written);
}

TEST(Durability, ANodeThatIsBehindTheLeadersLogGetsItsSnapshot) {
  Cluster cluster(3, {"--snapshot-log-size", "64KiB"});
  const int leader = cluster.StartAndElect();
  const int victim = (leader + 1) % 3;
  cluster.Kill(victim);
  std::map<std::string, std::string> written;
  {
    net::DatabaseClient client = cluster.Client();
    for (int i = 0; i < 300; ++i) {
      const std::string key = "k" + std::to_string(i);
      written[key] = std::string(2000, static_cast<char>('a' + i % 26));
      ASSERT_EQ(client.Set(key, written[key]).code, Outcome::Code::kOk);
    }
  }
  cluster.Start(victim);
  const bool caught_up = WaitFor(Cluster::kPatience, [&] {
    const auto here = cluster.Status(victim);
    const auto there = cluster.Status(cluster.Leader());
    return here.has_value() && there.has_value() &&
           here->applied_index() == there->applied_index() && here->digest() == there->digest();
  });
  EXPECT_TRUE(caught_up);
  EXPECT_NE(cluster.log(victim).find("Installed snapshot"), std::string::npos);
  const auto status = cluster.Status(victim);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->keys(), written.size());
  ExpectAll(cluster, written);
}

}  // namespace
}  // namespace grassdb
