// Files that are larger than any of their kind can be: no start takes memory by what a file says of
// its size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "store/inspect.h"
#include "store/posix.h"
#include "store/storage.h"
#include "tests/store/history.h"
#include "tests/store/small_log.h"
#include "tests/store/temporary_folder.h"

namespace grassdb::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFar = std::uint64_t{2} << 40;

class Oversize : public ::testing::Test {
 protected:
  Oversize() : directory_(OpenPosixDirectory(folder_.path()).value()) {
    auto opened = Storage::Open(*directory_, kOptions, TestIdentity());
    for (std::uint64_t i = 1; i <= kEntries; ++i) {
      EXPECT_TRUE(std::get<PersistDone>(opened->storage->Execute(OneEntry(i, 1))).status.ok());
    }
    EXPECT_TRUE(std::get<MarkDone>(opened->storage->Execute(MarkDurable{})).status.ok());
  }

  void Stretch(const std::string& name) const {
    fs::resize_file(folder_.path() + "/" + name, kFar);  // takes no room
  }

  static constexpr std::uint64_t kEntries = 20;
  TemporaryFolder folder_;
  std::unique_ptr<Directory> directory_;
};

TEST_F(Oversize, FilesAreRefusedWithTheirNameSizeAndBound) {
  std::vector<std::string> files = {"distdb_a.wal", "distdb_a.mark"};
  const auto listed = directory_->List();
  ASSERT_TRUE(listed.ok());
  for (const std::string& name : *listed) {
    if (name.ends_with(".seg")) files.push_back(name);
  }
  ASSERT_GT(files.size(), 3u);
  for (const std::string name : {"distdb_a.wal", "distdb_a.00000000000000000001.seg"}) {
    const std::uint64_t size = fs::file_size(folder_.path() + "/" + name);
    Stretch(name);
    const absl::Status start = Storage::Open(*directory_, kOptions, TestIdentity()).status();
    EXPECT_TRUE(absl::IsDataLoss(start)) << start;
    const auto survey = Examine(*directory_, "a");
    ASSERT_TRUE(survey.ok()) << survey.status();
    ASSERT_EQ(survey->findings.size(), 1u);
    const Finding& finding = survey->findings.front();
    EXPECT_EQ(finding.file, name);
    EXPECT_EQ(finding.weight, Weight::kDamage);
    for (const std::string& text : {std::string(start.message()), finding.problem}) {
      for (const std::string& part :
           {std::string("2199023255552 bytes"), std::string("has 1073741824 at most"),
            std::string("truncate -s 1073741824")}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << ": " << text;
      }
    }
    EXPECT_NE(start.message().find(name), std::string::npos) << start;
    EXPECT_EQ(survey->start, start);
    std::vector<std::string> read;
    for (const FileSummary& file : survey->files) read.push_back(file.name);
    for (const std::string& other : files) {
      EXPECT_EQ(std::ranges::count(read, other), other == name ? 0 : 1) << other;
    }
    fs::resize_file(folder_.path() + "/" + name, size);
  }
  EXPECT_TRUE(Storage::Open(*directory_, kOptions, TestIdentity()).ok());
}

TEST_F(Oversize, IdentityIsRefused) {
  Stretch("distdb_a.id");
  const absl::Status status = Storage::Open(*directory_, kOptions, TestIdentity()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("distdb_a.id"), std::string::npos) << status;
}

TEST_F(Oversize, LogWithoutAnIdentityIsRefused) {
  fs::remove(folder_.path() + "/distdb_a.id");
  for (const auto& file : fs::directory_iterator(folder_.path())) {
    if (file.path().filename() != "distdb_a.wal") fs::remove(file);
  }
  Stretch("distdb_a.wal");
  EXPECT_TRUE(absl::IsDataLoss(Storage::Open(*directory_, kOptions, TestIdentity()).status()));
}

// Its two slots are where they were.
TEST_F(Oversize, MarkCountsStill) {
  Stretch("distdb_a.mark");
  const std::string live = folder_.path() + "/distdb_a.wal";
  fs::resize_file(live, kSegmentHeaderBytes);
  StorageOptions options = kOptions;
  options.on_damage = OnDamage::kReport;
  const auto opened = Storage::Open(*directory_, options, TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(opened->state.damage.lost.size(), 1u);
  EXPECT_EQ(opened->state.damage.lost.front().last, Index(kEntries));
}

}  // namespace
}  // namespace grassdb::store
