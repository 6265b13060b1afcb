// Shutting down, failing over, and what the logs say of it.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "tests/cluster/cluster.h"
#include "tests/cluster/writer.h"

namespace grassdb {
namespace {

TEST(Availability, ALeaderThatIsAskedToStopHandsOver) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const auto before = cluster.Status(leader);
  ASSERT_TRUE(before.has_value());
  cluster.process(leader).Signal(SIGTERM);
  EXPECT_EQ(cluster.process(leader).Wait(Cluster::kPatience), 0);
  EXPECT_NE(cluster.log(leader).find("Handing leadership to"), std::string::npos);
  const int next = cluster.Leader();
  EXPECT_NE(next, leader);
  const auto after = cluster.Status(next);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->term(), before->term() + 1) << "one election was enough";
}

TEST(Availability, AFollowerThatIsAskedToStopStops) {
  Cluster cluster(3);
  cluster.StartAndElect();
  const int follower = cluster.SomeFollower();
  cluster.process(follower).Signal(SIGINT);
  EXPECT_EQ(cluster.process(follower).Wait(Cluster::kPatience), 0);
  EXPECT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
}

TEST(Availability, ANodeAloneStopsWhenAsked) {
  Cluster cluster(3);
  cluster.Start(0);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return cluster.Status(0).has_value(); }));
  cluster.process(0).Signal(SIGTERM);
  EXPECT_EQ(cluster.process(0).Wait(Cluster::kPatience), 0);
}

// It has nobody to hand leadership to, and does not say so.
TEST(Availability, AClusterOfOneSpeaksOfNoHandingOver) {
  Cluster cluster(1);
  cluster.StartAndElect();
  cluster.process(0).Signal(SIGTERM);
  EXPECT_EQ(cluster.process(0).Wait(Cluster::kPatience), 0);
  EXPECT_NE(cluster.log(0).find("Shutting down\n"), std::string::npos) << cluster.log(0);
  EXPECT_EQ(cluster.log(0).find("anding leadership"), std::string::npos) << cluster.log(0);
}

TEST(Availability, EveryLineOfARestartHasTheTermThatWasRecovered) {
  Cluster cluster(1);
  cluster.StartAndElect();
  cluster.Kill(0);
  const std::size_t before = cluster.log(0).size();
  cluster.StartAndElect();
  const std::string log = cluster.log(0).substr(before);
  EXPECT_NE(log.find(": term "), std::string::npos) << log;
  EXPECT_EQ(log.find("term=0"), std::string::npos) << log;
}

// A disk that hangs holds up the node's end for as long as it likes.
TEST(Availability, ASecondSignalEndsANodeWhoseDiskHangs) {
  Cluster cluster(1);
  const std::string hang = cluster.directory() + "/hang";
  const std::vector<std::string> command = Cluster::WithHangingDisk(cluster.Command(0), hang);
  const std::string log = cluster.directory() + "/log";
  Process node(command, log, log);
  cluster.Leader();
  std::ofstream(hang) << "from now on";
  net::DatabaseClient client = cluster.Client(Seconds(1));
  EXPECT_NE(client.Set("k", "v").code, Outcome::Code::kOk) << "the disk should hang";
  node.Signal(SIGTERM);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return ReadFile(log).find("Stopped") != std::string::npos;
  })) << ReadFile(log);
  EXPECT_EQ(node.Wait(Seconds(1)), std::nullopt) << "waits for its disk";
  node.Signal(SIGTERM);
  EXPECT_EQ(node.Wait(Seconds(10)), 128 + SIGTERM);
}

TEST(Availability, WritesGoOnWhenTheLeaderIsKilled) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  ASSERT_EQ(cluster.Cli({"set", "k", "1"}).code, 0);
  cluster.Kill(leader);
  const Finished set = cluster.Cli({"--deadline=30s", "set", "k", "2"});
  EXPECT_EQ(set.out, "OK\n") << set.err;
  EXPECT_EQ(cluster.Cli({"--deadline=30s", "get", "k"}).out, "2\n");
}

// A leader that hands over holds writes; the client sends them on, and each is applied once.
TEST(Availability, WritesGoOnWhileLeadershipIsHandedOver) {
  Cluster cluster(3);
  cluster.StartAndElect();
  Writer writer(cluster, "k");
  for (int i = 0; i < 5; ++i) {
    const int before = writer.acknowledged();
    ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return writer.acknowledged() > before + 10; }));
    Finished moved;
    EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
      moved = cluster.Cli({"transfer-leader"});
      return moved.code == 0;
    })) << moved.err;
  }
  writer.Stop();
  EXPECT_TRUE(writer.failed().empty())
      << writer.failed().begin()->first << ": " << writer.failed().begin()->second;
  ExpectAll(cluster, writer.written());
  const auto status = cluster.Status(cluster.Leader());
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->revision(), writer.written().size()) << "one for each write";
}

TEST(Availability, TheLogSaysWhoWonWhichElectionWithHowManyVotes) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const std::string log = cluster.log(leader);
  const std::string wanted = "[" + cluster.name(leader) + "] Won election for term ";
  const std::size_t at = log.find(wanted);
  ASSERT_NE(at, std::string::npos) << log;
  const std::string line = log.substr(at, log.find('\n', at) - at);
  EXPECT_NE(line.find(" of 3 votes"), std::string::npos) << line;
}

TEST(Availability, AClusterOfOneServes) {
  Cluster cluster(1);
  cluster.StartAndElect();
  EXPECT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
  cluster.Kill(0);
  cluster.StartAndElect();
  EXPECT_EQ(cluster.Cli({"get", "k"}).out, "v\n");
}

TEST(Availability, AClusterOfFiveServesWithoutTwo) {
  Cluster cluster(5);
  const int leader = cluster.StartAndElect();
  ASSERT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
  cluster.Kill(leader);
  cluster.Kill((leader + 1) % 5);
  const Finished got = cluster.Cli({"--deadline=30s", "get", "k"});
  EXPECT_EQ(got.out, "v\n") << got.err;
}

}  // namespace
}  // namespace grassdb
