// What was acknowledged stays, whatever is killed.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/cluster/cluster.h"

namespace grassdb {
namespace {

// Writes keys one after the other and remembers which of them were acknowledged.
class Writer {
 public:
  Writer(const Cluster& cluster, std::string prefix)
      : client_(cluster.Client()), prefix_(std::move(prefix)), thread_([this] { Run(); }) {}
  ~Writer() { Stop(); }

  void Stop() {
    stop_.store(true);
    if (thread_.joinable()) thread_.join();
  }
  int acknowledged() const { return acknowledged_.load(); }
  // After Stop. Values by key; nothing else may be in their place.
  const std::map<std::string, std::string>& written() const { return written_; }

 private:
  void Run() {
    for (int i = 0; !stop_.load(); ++i) {
      const std::string key = prefix_ + std::to_string(i);
      const std::string value = "value of " + key;
      if (client_.Set(key, value).code == Outcome::Code::kOk) {
        written_.emplace(key, value);
        acknowledged_.fetch_add(1);
      }
    }
  }

  net::DatabaseClient client_;
  const std::string prefix_;
  std::map<std::string, std::string> written_;
  std::atomic<int> acknowledged_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

void ExpectAll(const Cluster& cluster, const std::map<std::string, std::string>& written) {
  net::DatabaseClient client = cluster.Client();
  for (const auto& [key, value] : written) {
    const Outcome outcome = client.Get(key, ReadMode::kLinearizable);
    ASSERT_EQ(outcome.code, Outcome::Code::kOk) << outcome.error;
    ASSERT_TRUE(outcome.reply.found) << key << " was acknowledged and is gone";
    ASSERT_EQ(outcome.reply.value, value);
  }
}

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
