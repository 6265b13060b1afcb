// Damaged logs of real processes: the nodes get back from each other what their disks have lost.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
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

// Each range that was said to be lost is said to be repaired, by the same numbers. How many entries
// lie in a damaged record is the batch that its writer happened to be given.
void ExpectRepairedAsLost(const std::string& log) {
  static const std::regex kLost("The log entries ([0-9]+) to ([0-9]+) are lost");
  int ranges = 0;
  for (std::sregex_iterator at(log.begin(), log.end(), kLost), end; at != end; ++at, ++ranges) {
    const long from = std::stol((*at)[1]);
    const long to = std::stol((*at)[2]);
    const std::string said = "Repaired " + std::to_string(to - from + 1) + " log entries, " +
                             std::to_string(from) + " to " + std::to_string(to);
    EXPECT_NE(log.find(said), std::string::npos) << said << " is not in\n" << log;
  }
  EXPECT_GT(ranges, 0) << log;
}

TEST(Repair, ANodeWhoseLogIsDamagedGetsItBackFromTheOthers) {
  Cluster cluster(3, kEachWriteAtOnce);
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
  ExpectRepairedAsLost(cluster.log(victim));
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
  Cluster cluster(3, kEachWriteAtOnce);
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
  Cluster cluster(3, kEachWriteAtOnce);
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
  // Once each has answered, it is said so, with what is left to do; and not for ever again,
  // although the disk is read again and again.
  const auto count = [&](int node, const std::string& part) {
    const std::string log = cluster.log(node);
    int found = 0;
    for (std::size_t at = log.find(part); at != std::string::npos; at = log.find(part, at + 1)) {
      ++found;
    }
    return found;
  };
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return count(0, "Not with node2, node3, by what they have answered") == 1;
  })) << cluster.log(0);
  EXPECT_GT(count(0, "restore a backup"), 0);
  const auto status = cluster.Status(0);
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->repairing());
  ASSERT_EQ(status->members_size(), 3);
  for (const wire::MemberStatus& member : status->members()) EXPECT_EQ(member.role(), "voter");
  // Each life of the repair goes to a term of its own.
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto later = cluster.Status(0);
    return later.has_value() && later->term() > status->term() + 1;
  })) << cluster.log(0);
  EXPECT_EQ(count(0, "The log entries"), 1) << cluster.log(0);
  EXPECT_EQ(count(0, "Damaged data in"), 1) << cluster.log(0);
  EXPECT_EQ(count(0, "Recovered "), 2) << "with that of the first start: " << cluster.log(0);
  net::DatabaseClient client = cluster.Client(Seconds(2));
  EXPECT_NE(client.Get(KeyOf(1), ReadMode::kLinearizable).code, Outcome::Code::kOk);
}

void FlipByte(const std::string& name, std::size_t at) {
  const std::string bytes = ReadFile(name);
  ASSERT_LT(at, bytes.size());
  std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(bytes[at] ^ 0x20));
  ASSERT_TRUE(file.good());
}

// The used bytes of the files of a stopped node that something rests on.
std::map<std::string, std::size_t> UsedBytes(const Cluster& cluster, int node) {
  std::map<std::string, std::size_t> used;
  for (const auto& entry : std::filesystem::directory_iterator(cluster.data_directory(node))) {
    const std::string name = entry.path().string();
    const bool counts = name.ends_with(".id") || name.ends_with(".wal") || name.ends_with(".seg") ||
                        name.ends_with(".snap");
    if (counts) used[name] = ReadFile(name).find_last_not_of('\0') + 1;
  }
  return used;
}

bool HasWhatTheLeaderHas(Cluster& cluster, int node) {
  const auto here = cluster.Status(node);
  const auto there = cluster.Status(cluster.Leader());
  return here.has_value() && there.has_value() && here->serving() &&
         here->digest() == there->digest() && here->commit_index() == there->commit_index();
}

enum class Start { kMended, kRefused };

// Damages one byte, and starts the node. If that is refused, by the file's name, the byte is put
// back.
void StartWith(Cluster& cluster, int node, const std::string& name, std::size_t at, Start* start) {
  FlipByte(name, at);
  const std::size_t said = cluster.log(node).size();
  cluster.Start(node);
  std::optional<int> code;
  ASSERT_TRUE(WaitFor(Cluster::kPatience,
                      [&] {
                        code = cluster.process(node).Wait(Seconds(0));
                        return code.has_value() || HasWhatTheLeaderHas(cluster, node);
                      }))
      << name << " at " << at << ": " << cluster.log(node).substr(said);
  *start = code.has_value() ? Start::kRefused : Start::kMended;
  if (!code.has_value()) return;
  const std::string words = cluster.log(node).substr(said);
  const std::string file = std::filesystem::path(name).filename();
  ASSERT_EQ(*code, 1) << words;
  ASSERT_NE(words.find(file), std::string::npos) << file << " at " << at << ": " << words;
  FlipByte(name, at);
  cluster.Start(node);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return HasWhatTheLeaderHas(cluster, node); }))
      << cluster.log(node);
}

// The places are spread over all files; GRASSDB_FLIPS in the environment says how many there are.
TEST(Repair, ADamagedByteOfAnyFileIsMendedOrRefusedByName) {
  const char* const wanted = std::getenv("GRASSDB_FLIPS");
  const int flips = wanted != nullptr ? std::stoi(wanted) : 16;
  Cluster cluster(3, kEachWriteAtOnce);
  const int victim = (cluster.StartAndElect() + 1) % 3;
  std::map<std::string, std::string> written;
  std::map<Start, int> starts;
  for (int flip = 0; flip < flips; ++flip) {
    // What has been mended may be gone from the log: a snapshot stands for it.
    written.merge(WriteSome(cluster, 4 * flip, 4 * flip + 4));
    ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return HasWhatTheLeaderHas(cluster, victim); }));
    cluster.Kill(victim);
    const std::map<std::string, std::size_t> used = UsedBytes(cluster, victim);
    std::size_t all = 0;
    for (const auto& [name, bytes] : used) all += bytes;
    std::size_t at = all * static_cast<std::size_t>(flip) / static_cast<std::size_t>(flips);
    auto file = used.begin();
    for (; at >= file->second; ++file) at -= file->second;
    Start start{};
    ASSERT_NO_FATAL_FAILURE(StartWith(cluster, victim, file->first, at, &start));
    ++starts[start];
  }
  EXPECT_GT(starts[Start::kMended], flips / 2);
  EXPECT_GT(starts[Start::kRefused], 0) << "of the identity nobody else has a copy";
  ExpectAll(cluster, written);
}

}  // namespace
}  // namespace grassdb
