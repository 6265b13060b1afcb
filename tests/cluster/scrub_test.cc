// Files of a running node that go bad under it: found, named and mended before the next start.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "core/hash.h"
#include "tests/cluster/cluster.h"
#include "tests/cluster/writer.h"

namespace grassdb {
namespace {

// Flips a bit of the file, `from_end` of its last byte that is not zero.
void Flip(const std::string& path, std::size_t from_end) {
  const std::string bytes = ReadFile(path);
  const std::size_t last = bytes.find_last_not_of('\0');
  ASSERT_GT(last, from_end);
  const char flipped = static_cast<char>(bytes[last - from_end] ^ 1);
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  EXPECT_EQ(::pwrite(file, &flipped, 1, static_cast<off_t>(last - from_end)), 1);
  ::close(file);
}

// 500 bytes that do not get shorter by compression.
std::string Noise(int number) {
  std::string bytes;
  for (std::uint64_t i = 0; i < 500; ++i) {
    bytes += static_cast<char>(KeyedRandom(static_cast<std::uint64_t>(number), i));
  }
  return bytes;
}

std::string FileEnding(const std::string& directory, const std::string& suffix) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().string().ends_with(suffix)) return entry.path().string();
  }
  return {};
}

class ScrubTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.Start(0);
    cluster_.Leader();
    net::DatabaseClient client = cluster_.Client();
    for (int i = 0; i < 200; ++i) {
      const std::string key = "k" + std::to_string(i);
      written_[key] = Noise(i);
      ASSERT_EQ(client.Set(key, written_[key]).code, Outcome::Code::kOk);
    }
  }
  wire::ScrubStatus Status() {
    const auto status = cluster_.Status(0);
    return status.has_value() ? status->scrub() : wire::ScrubStatus();
  }
  // And shows it; then a start finds everything. `later` is what the file is called once it has
  // been set aside, under which name the damage may be met again before it is mended.
  void ExpectMended(const std::string& file, const std::string& later) {
    EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return Status().mended() > 0; }))
        << cluster_.log(0);
    const std::string newest = Status().newest();
    EXPECT_TRUE(newest.starts_with(file + " ") || newest.starts_with(later + " ")) << newest;
    EXPECT_NE(Status().newest().find("offset"), std::string::npos) << Status().newest();
    EXPECT_NE(cluster_.Cli({"status"}).out.find("was found damaged"), std::string::npos);
    EXPECT_NE(cluster_.log(0).find(file), std::string::npos);
    const std::uint64_t found = Status().found();
    const std::uint64_t passes = Status().passes();
    ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return Status().passes() > passes + 2; }));
    EXPECT_EQ(Status().found(), found) << "the disk is whole again";
    cluster_.Kill(0);
    cluster_.Start(0);
    cluster_.Leader();
    ExpectAll(cluster_, written_);
  }

  Cluster cluster_{1, {"--scrub-rate", "256MiB", "--scrub-pause", "1ms"}};
  std::map<std::string, std::string> written_;
};

TEST_F(ScrubTest, MendsTheLiveLog) {
  Flip(cluster_.data_directory(0) + "/distdb_node1.wal", 20000);
  ExpectMended("distdb_node1.wal", "distdb_node1.00000000000000000001.seg");
}

TEST_F(ScrubTest, MendsASnapshotThatNothingNewHasComeAfter) {
  ASSERT_EQ(cluster_.Cli({"snapshot"}).out, "OK\n");
  const std::string path = FileEnding(cluster_.data_directory(0), ".snap");
  ASSERT_FALSE(path.empty());
  Flip(path, 5000);
  const std::string file = std::filesystem::path(path).filename().string();
  ExpectMended(file, file);
}

}  // namespace
}  // namespace grassdb
