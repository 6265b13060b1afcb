// Damaged logs of real processes: the nodes get back from each other what their disks have lost.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "tests/cluster/cluster.h"
#include "tests/cluster/writer.h"

namespace grassdb {
namespace {

std::string KeyOf(int number) {
  return "key" + std::to_string(number) + "end";
}

std::map<std::string, std::string> WriteSome(const Cluster& cluster, int from, int until) {
  std::map<std::string, std::string> written;
  net::DatabaseClient client = cluster.Client();
  for (int i = from; i < until; ++i) {
    written[KeyOf(i)] = std::string(300, static_cast<char>('a' + i % 26));
    EXPECT_EQ(client.Set(KeyOf(i), written[KeyOf(i)]).code, Outcome::Code::kOk);
  }
  return written;
}

// Flips one bit of the record that wrote the key.
void Rot(const Cluster& cluster, int node, const std::string& key) {
  const std::string name = cluster.data_directory(node) + "/distdb_" + cluster.name(node) + ".wal";
  const std::string bytes = ReadFile(name);
  const std::size_t at = bytes.find(key);
  ASSERT_NE(at, std::string::npos) << key << " is not in " << name;
  std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(bytes[at] ^ 1));
  ASSERT_TRUE(file.good());
}

bool IsWhole(const Cluster& cluster, int node) {
  return cluster.log(node).find("The log is whole again") != std::string::npos;
}

TEST(Repair, ANodeWhoseLogIsDamagedGetsItBackFromTheOthers) {
  Cluster cluster(3);
  const int victim = (cluster.StartAndElect() + 1) % 3;
  std::map<std::string, std::string> written = WriteSome(cluster, 0, 60);
  cluster.Kill(victim);
  Rot(cluster, victim, KeyOf(20));
  Rot(cluster, victim, KeyOf(21));
  Rot(cluster, victim, KeyOf(40));
  written.merge(WriteSome(cluster, 60, 80));
  cluster.Start(victim);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return IsWhole(cluster, victim); }))
      << cluster.log(victim);
  EXPECT_NE(cluster.log(victim).find("Repaired 2 log entries"), std::string::npos)
      << cluster.log(victim);
  const bool same = WaitFor(Cluster::kPatience, [&] {
    const auto here = cluster.Status(victim);
    const auto there = cluster.Status(cluster.Leader());
    return here.has_value() && there.has_value() && here->keys() == written.size() &&
           here->digest() == there->digest();
  });
  EXPECT_TRUE(same);
  ExpectAll(cluster, written);
}

TEST(Repair, AClusterWithDamageOnEveryNodeComesBackWhole) {
  Cluster cluster(3);
  cluster.StartAndElect();
  const std::map<std::string, std::string> written = WriteSome(cluster, 0, 60);
  for (int node = 0; node < 3; ++node) cluster.Kill(node);
  for (int node = 0; node < 3; ++node) Rot(cluster, node, KeyOf(10 + 15 * node));
  cluster.StartAndElect();
  for (int node = 0; node < 3; ++node) {
    EXPECT_TRUE(IsWhole(cluster, node)) << cluster.log(node);
  }
  ExpectAll(cluster, written);
}

// The same entry of all three: nobody has it, and nobody makes it up.
TEST(Repair, AnEntryThatIsLostEverywhereIsSaidToBeLost) {
  Cluster cluster(3);
  cluster.StartAndElect();
  WriteSome(cluster, 0, 30);
  for (int node = 0; node < 3; ++node) cluster.Kill(node);
  for (int node = 0; node < 3; ++node) Rot(cluster, node, KeyOf(12));
  for (int node = 0; node < 3; ++node) cluster.Start(node);
  for (int node = 0; node < 3; ++node) {
    EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
      return cluster.log(node).find("Nobody has given back log entries") != std::string::npos;
    })) << cluster.log(node);
    EXPECT_FALSE(IsWhole(cluster, node));
  }
  net::DatabaseClient client = cluster.Client(Seconds(2));
  EXPECT_NE(client.Get(KeyOf(1), ReadMode::kLinearizable).code, Outcome::Code::kOk);
}

}  // namespace
}  // namespace grassdb
