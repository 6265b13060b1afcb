// What every Directory has to do, held against the POSIX adapter and the test directory alike.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/posix.h"
#include "store/storage.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"
#include "tests/store/temporary_folder.h"

namespace grassdb::store {
namespace {

enum class Kind : std::uint8_t { kPosix, kTest };

class DirectoryContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kTest) {
      directory_ = std::make_unique<CrashDirectory>();
      return;
    }
    auto opened = OpenPosixDirectory(folder_.path() + "/data");
    ASSERT_TRUE(opened.ok()) << opened.status();
    directory_ = std::move(*opened);
  }

  std::string Read(File& file, std::uint64_t offset, std::size_t size) {
    std::string out(size, '?');
    const auto read = file.ReadAt(offset, out);
    EXPECT_TRUE(read.ok()) << read.status();
    out.resize(read.ok() ? *read : 0);
    return out;
  }

  std::unique_ptr<File> Make(const std::string& name, std::string_view content) {
    auto file = directory_->Open(name, OpenMode::kReplace);
    EXPECT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE((*file)->WriteAt(0, std::span(&content, 1)).ok());
    return std::move(*file);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Directory> directory_;
};

TEST_P(DirectoryContract, OpensByMode) {
  EXPECT_TRUE(absl::IsNotFound(directory_->Open("x", OpenMode::kExisting).status()));
  EXPECT_TRUE(directory_->Open("x", OpenMode::kCreate).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(directory_->Open("x", OpenMode::kCreate).status()));
  Make("x", "content");
  EXPECT_EQ(*(*directory_->Open("x", OpenMode::kExisting))->Size(), 7u);
  EXPECT_EQ(*(*directory_->Open("x", OpenMode::kReplace))->Size(), 0u);
  EXPECT_TRUE(directory_->Open("y", OpenMode::kReplace).ok());
}

TEST_P(DirectoryContract, WritesPartsOneBehindTheOther) {
  auto file = Make("x", "0123456789");
  const std::array<std::string_view, 4> parts = {"ab", "", "c", "def"};
  ASSERT_TRUE(file->WriteAt(7, parts).ok());
  EXPECT_EQ(Read(*file, 0, 100), "0123456abcdef");
  EXPECT_EQ(*file->Size(), 13u);
}

TEST_P(DirectoryContract, WritesMorePartsThanOneSystemCallTakes) {
  auto file = Make("x", "");
  const std::string content(BytesOf(1, 5000).view());
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; i < content.size(); ++i) {
    parts.push_back(std::string_view(content).substr(i, 1));
  }
  ASSERT_TRUE(file->WriteAt(3, parts).ok());
  EXPECT_EQ(Read(*file, 3, 6000), content);
  EXPECT_EQ(Read(*file, 0, 3), std::string(3, '\0'));
}

TEST_P(DirectoryContract, ReadsShortOnlyAtTheEnd) {
  auto file = Make("x", "0123456789");
  EXPECT_EQ(Read(*file, 4, 3), "456");
  EXPECT_EQ(Read(*file, 8, 5), "89");
  EXPECT_EQ(Read(*file, 10, 5), "");
  EXPECT_EQ(Read(*file, 50, 5), "");
}

TEST_P(DirectoryContract, TruncatesAndGrowsWithZeros) {
  auto file = Make("x", "0123456789");
  ASSERT_TRUE(file->Truncate(4).ok());
  ASSERT_TRUE(file->Truncate(6).ok());
  EXPECT_EQ(Read(*file, 0, 10), std::string("0123\0\0", 6));
  EXPECT_TRUE(file->Sync().ok());
}

TEST_P(DirectoryContract, RenamesOverWhatIsThereAndRemoves) {
  Make("x", "new");
  Make("y", "old");
  ASSERT_TRUE(directory_->Rename("x", "y").ok());
  EXPECT_EQ(Read(**directory_->Open("y", OpenMode::kExisting), 0, 10), "new");
  EXPECT_TRUE(absl::IsNotFound(directory_->Rename("x", "z")));
  EXPECT_TRUE(directory_->Remove("y").ok());
  EXPECT_TRUE(absl::IsNotFound(directory_->Remove("y")));
  EXPECT_TRUE(directory_->Sync().ok());
}

TEST_P(DirectoryContract, ListsItsFilesSorted) {
  Make("b", "");
  Make("a", "");
  Make("c", "");
  ASSERT_TRUE(directory_->Remove("b").ok());
  EXPECT_EQ(*directory_->List(), (std::vector<std::string>{"a", "c"}));
}

TEST_P(DirectoryContract, LocksOnce) {
  {
    const auto lock = directory_->Acquire("lock");
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_TRUE(absl::IsFailedPrecondition(directory_->Acquire("lock").status()));
    EXPECT_TRUE(directory_->Acquire("other").ok());
  }
  EXPECT_TRUE(directory_->Acquire("lock").ok());
}

TEST_P(DirectoryContract, CarriesAStorage) {
  const StorageOptions options = TinySegments();
  for (std::uint64_t life = 0; life < 4; ++life) {
    auto opened = Storage::Open(*directory_, options, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_EQ(opened->state.entries.size() + opened->state.base_index.value(), life * 25);
    for (std::uint64_t i = 1; i <= 25; ++i) {
      Persist persist;
      persist.id = PersistId(i);
      persist.entries.push_back({.index = Index(life * 25 + i),
                                 .term = Term(1),
                                 .type = EntryType::kCommand,
                                 .payload = BytesOf(i, 200)});
      const auto done = std::get<PersistDone>(opened->storage->Execute(std::move(persist)));
      ASSERT_TRUE(done.status.ok()) << done.status;
    }
    StageSnapshot stage;
    stage.meta = {.index = Index(life * 25 + 20),
                  .term = Term(1),
                  .configuration = TestIdentity().bootstrap,
                  .configuration_index = Index(0)};
    stage.last = true;
    stage.data = BytesOf(life, 1000);
    const PublishSnapshot publish{.meta = stage.meta, .release_through = stage.meta.index};
    ASSERT_TRUE(std::get<StageDone>(opened->storage->Execute(stage)).status.ok());
    ASSERT_TRUE(std::get<PublishDone>(opened->storage->Execute(publish)).status.ok());
  }
}

INSTANTIATE_TEST_SUITE_P(Every, DirectoryContract, testing::Values(Kind::kPosix, Kind::kTest),
                         [](const testing::TestParamInfo<Kind>& each) {
                           return std::string(each.param == Kind::kPosix ? "Posix" : "Test");
                         });

TEST(PosixDirectory, SaysWhyItCannotBeOpened) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/file";
  { ASSERT_TRUE((*OpenPosixDirectory(folder.path()))->Open("file", OpenMode::kCreate).ok()); }
  const auto not_a_directory = OpenPosixDirectory(file);
  EXPECT_TRUE(absl::IsFailedPrecondition(not_a_directory.status())) << not_a_directory.status();
  EXPECT_NE(not_a_directory.status().ToString().find(file), std::string::npos);
  const auto no_parent = OpenPosixDirectory(folder.path() + "/missing/data");
  EXPECT_TRUE(absl::IsNotFound(no_parent.status())) << no_parent.status();
  if (::geteuid() != 0) {
    std::filesystem::permissions(
        folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    const auto read_only = OpenPosixDirectory(folder.path());
    EXPECT_TRUE(absl::IsPermissionDenied(read_only.status())) << read_only.status();
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  }
}

TEST(PosixDirectory, NamesTheHolderOfALock) {
  const TemporaryFolder folder;
  const auto first = OpenPosixDirectory(folder.path());
  const auto second = OpenPosixDirectory(folder.path());
  const auto lock = (*first)->Acquire("distdb_a.lock");
  ASSERT_TRUE(lock.ok()) << lock.status();
  const auto refused = (*second)->Acquire("distdb_a.lock");
  ASSERT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_NE(refused.status().ToString().find("process id " + std::to_string(::getpid())),
            std::string::npos)
      << refused.status();
}

TEST(PosixDirectory, NamesFileOperationAndReasonOfAnError) {
  const TemporaryFolder folder;
  const auto directory = OpenPosixDirectory(folder.path());
  const std::string text = (*directory)->Rename("from", "to").ToString();
  EXPECT_NE(text.find("renaming to to"), std::string::npos) << text;
  EXPECT_NE(text.find(folder.path() + "/from"), std::string::npos) << text;
  EXPECT_NE(text.find("No such file"), std::string::npos) << text;
}

}  // namespace
}  // namespace grassdb::store
