// Real disks that are full: each node's data directory is a small tmpfs of its own, in a mount
// namespace that ends with this process. Needs the right to mount; skipped without it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/cluster/cluster.h"
#include "tests/cluster/writer.h"

namespace grassdb {
namespace {

// Enough for the log and the reserve, and for a good part of the spare file.
constexpr const char* kSize = "size=100m";

// Why nothing can be mounted; empty: it can.
std::string OwnMounts() {
  if (::unshare(CLONE_NEWNS) < 0) return std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
    return std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
  }
  return {};
}

class FullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string problem = OwnMounts();
    if (!problem.empty()) GTEST_SKIP() << "cannot mount a tmpfs: " << problem;
    for (int i = 0; i < cluster_.size(); ++i) {
      const std::string path = cluster_.data_directory(i);
      std::filesystem::create_directories(path);
      ASSERT_EQ(::mount("tmpfs", path.c_str(), "tmpfs", 0, kSize), 0);
      mounted_.push_back(path);
    }
    leader_ = cluster_.StartAndElect();
  }
  void TearDown() override {
    for (int i = 0; i < cluster_.size() && !mounted_.empty(); ++i) cluster_.Kill(i);
    for (const std::string& path : mounted_) ::umount2(path.c_str(), MNT_DETACH);
  }
  // Somebody else takes all the room there is.
  void Fill(int node) {
    const int file = ::open(Ballast(node).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0);
    const std::string zeros(65536, '\0');
    std::size_t size = zeros.size();
    while (size > 0) {
      if (::write(file, zeros.data(), size) <= 0) size /= 2;
    }
    ::close(file);
  }
  void MakeRoom(int node) { std::filesystem::remove(Ballast(node)); }
  std::string Ballast(int node) const { return cluster_.data_directory(node) + "/ballast"; }
  std::string SpaceOf(int node) {
    const auto status = cluster_.Status(node);
    return status.has_value() ? status->disk_space() : "unreachable";
  }
  // Writes 64 KiB values until one is not taken; gives why.
  Outcome WriteUntilRefused(net::DatabaseClient& client) {
    for (int i = 0; i < 2000; ++i) {
      const std::string key = "big" + std::to_string(next_++);
      const std::string value(65536, static_cast<char>('a' + i % 26));
      Outcome outcome = client.Set(key, value);
      if (outcome.code != Outcome::Code::kOk) return outcome;
      written_[key] = value;
    }
    return {};
  }

  Cluster cluster_{3, kEachWriteAtOnce};  // so that the disks are full at the same time
  int leader_ = -1;
  int next_ = 0;
  std::map<std::string, std::string> written_;
  std::vector<std::string> mounted_;
};

TEST_F(FullDiskTest, WritesAreRefusedByTypeReadsAndDeletesGoOnAndItHeals) {
  for (int i = 0; i < 3; ++i) Fill(i);
  net::DatabaseClient client = cluster_.Client();
  const Outcome refused = WriteUntilRefused(client);
  ASSERT_EQ(refused.code, Outcome::Code::kDiskFull) << refused.error;
  EXPECT_NE(refused.error.find("No space left on device"), std::string::npos) << refused.error;
  EXPECT_GT(written_.size(), 4u);

  const Finished cli = cluster_.Cli({"set", "small", "v"});
  EXPECT_EQ(cli.code, 5) << cli.err;
  EXPECT_NE(cli.err.find("/distdb_node"), std::string::npos) << "names the file: " << cli.err;
  const std::string gone = written_.begin()->first;
  EXPECT_EQ(cluster_.Cli({"get", gone}).code, 0);
  EXPECT_EQ(cluster_.Cli({"del", gone}).out, "1\n");
  written_.erase(gone);
  EXPECT_EQ(cluster_.Cli({"get", gone}).out, "(nil)\n");

  const Finished status = cluster_.Cli({"status"});
  EXPECT_NE(status.out.find("is full, it takes deletes but no new data"), std::string::npos)
      << status.out;

  // All of them are killed, and start on a disk without room.
  for (int i = 0; i < 3; ++i) cluster_.Kill(i);
  for (int i = 0; i < 3; ++i) cluster_.Start(i);
  cluster_.Leader();
  EXPECT_EQ(cluster_.Cli({"del", "no-such-key"}).out, "0\n");

  for (int i = 0; i < 3; ++i) MakeRoom(i);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return cluster_.Client(Seconds(1)).Set("healed", "v").code == Outcome::Code::kOk;
  }));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return SpaceOf(i) == "ample"; }))
        << cluster_.name(i) << " is " << SpaceOf(i) << "\n"
        << cluster_.log(i);
  }
  written_["healed"] = "v";
  ExpectAll(cluster_, written_);
}

TEST_F(FullDiskTest, WithoutRoomAtAMajorityPutsAreRefusedByItsNamesAndDeletesGoOn) {
  std::vector<int> full;
  for (int i = 0; i < 3; ++i) {
    if (i == leader_) continue;
    Fill(i);
    full.push_back(i);
  }
  net::DatabaseClient client = cluster_.Client();
  const Outcome refused = WriteUntilRefused(client);
  ASSERT_EQ(refused.code, Outcome::Code::kDiskFull) << refused.error;
  for (const int i : full) {
    EXPECT_NE(refused.error.find(cluster_.name(i)), std::string::npos) << refused.error;
  }
  const std::string gone = written_.begin()->first;
  EXPECT_EQ(cluster_.Cli({"del", gone}).out, "1\n");
  written_.erase(gone);
  EXPECT_EQ(cluster_.Leader(), leader_);
  // One of them is enough.
  MakeRoom(full.front());
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    return cluster_.Client(Seconds(1)).Set("healed", "v").code == Outcome::Code::kOk;
  }));
  written_["healed"] = "v";
  MakeRoom(full.back());
  ExpectAll(cluster_, written_);
}

TEST_F(FullDiskTest, AFullLeaderHandsOverAndWritesGoOn) {
  Fill(leader_);
  net::DatabaseClient client = cluster_.Client();
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const std::string key = "k" + std::to_string(next_++);
    const std::string value(65536, 'v');
    const Outcome outcome = client.Set(key, value);
    EXPECT_EQ(outcome.code, Outcome::Code::kOk) << outcome.error;
    written_[key] = value;
    return cluster_.log(leader_).find("Handing leadership to") != std::string::npos;
  })) << cluster_.log(leader_);
  EXPECT_NE(cluster_.log(leader_).find("The disk is full"), std::string::npos);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return cluster_.Leader() != leader_; }));
  for (int i = 0; i < 50; ++i) {
    const std::string key = "after" + std::to_string(i);
    ASSERT_EQ(client.Set(key, "v").code, Outcome::Code::kOk);
    written_[key] = "v";
  }
  const Finished json = cluster_.Cli({"status", "-w", "json"});
  int full = 0;
  for (const auto& node : nlohmann::json::parse(json.out)) {
    full += node["disk_space"] == "full" ? 1 : 0;
  }
  EXPECT_EQ(full, 1) << json.out;
  EXPECT_NE(cluster_.Cli({"status"}).out.find("none; no new data is taken when one more voter"),
            std::string::npos)
      << "the other two are the quorum";
  MakeRoom(leader_);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return SpaceOf(leader_) == "ample"; }))
      << cluster_.Cli({"status"}).out << cluster_.log(leader_);
  ExpectAll(cluster_, written_);
}

}  // namespace
}  // namespace grassdb
