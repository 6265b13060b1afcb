// That the name of a data directory itself is durable before anything in it counts. What is synced
// is seen in the place of the C library's function.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "store/posix.h"
#include "store/storage.h"
#include "tests/store/history.h"
#include "tests/store/temporary_folder.h"

namespace {

// Each directory that was synced, in order.
std::vector<std::string>& Synced() {
  static std::vector<std::string> synced;
  return synced;
}

int& FailingError() {
  static int error = 0;
  return error;
}

}  // namespace

extern "C" int fsync(int fd) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  if (::readlink(link.c_str(), path.data(), path.size() - 1) > 0) {
    Synced().emplace_back(path.data());
  }
  if (FailingError() != 0) {
    errno = FailingError();
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace grassdb::store {
namespace {

namespace fs = std::filesystem;

class OwnName : public ::testing::Test {
 protected:
  OwnName() { Synced().clear(); }
  ~OwnName() override { FailingError() = 0; }

  static std::size_t FirstSync(const std::string& path) {
    return static_cast<std::size_t>(std::ranges::find(Synced(), path) - Synced().begin());
  }

  TemporaryFolder folder_;
  const std::string parent_ = fs::canonical(folder_.path());
};

TEST_F(OwnName, OfANewDataDirectoryIsSyncedBeforeWhatIsInIt) {
  const std::string path = parent_ + "/new";
  for (const std::string_view spelled : {"/new", "/new/", "/./new"}) {
    Synced().clear();
    fs::remove_all(path);
    const auto directory = OpenPosixDirectory(parent_ + std::string(spelled));
    ASSERT_TRUE(directory.ok()) << directory.status();
    ASSERT_TRUE(Storage::Open(**directory, TinySegments(), TestIdentity()).ok());
    EXPECT_LT(FirstSync(parent_), FirstSync(path)) << spelled;
    EXPECT_LT(FirstSync(path), Synced().size()) << spelled;
  }
}

TEST_F(OwnName, OfAWorkingDirectorysChildIsSyncedToo) {
  const fs::path before = fs::current_path();
  fs::current_path(parent_);
  EXPECT_TRUE(OpenPosixDirectory("new").ok());
  fs::current_path(before);
  EXPECT_LT(FirstSync(parent_), Synced().size());
}

// The first start may have ended between the two steps.
TEST_F(OwnName, OfADirectoryThatIsThereIsSyncedAgain) {
  fs::create_directory(parent_ + "/new");
  ASSERT_TRUE(OpenPosixDirectory(parent_ + "/new").ok());
  EXPECT_LT(FirstSync(parent_), Synced().size());
}

TEST_F(OwnName, ThatCannotBeSyncedIsNotUsed) {
  FailingError() = EIO;
  const std::string path = parent_ + "/new";
  for (const bool there : {false, true}) {
    if (there) fs::create_directory(path);
    const absl::Status status = OpenPosixDirectory(path).status();
    EXPECT_NE(status.message().find("syncing the parent of the data directory " + path),
              std::string::npos)
        << status;
    EXPECT_EQ(fs::exists(path), there) << "the next attempt makes it again";
  }
  // A parent that is read only, or knows no such sync, has had the name for long.
  FailingError() = EINVAL;
  EXPECT_TRUE(OpenPosixDirectory(path).ok());
}

}  // namespace
}  // namespace grassdb::store
