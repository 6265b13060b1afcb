#include "bin/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace grassdb {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() : folder_(testing::TempDir() + "/output.XXXXXX") {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }

  std::string In(const std::string& name) const { return folder_ + "/" + name; }
  void Have(const std::string& name, const std::string& text) { std::ofstream(In(name)) << text; }
  std::string Text(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(In(name)).rdbuf();
    return text.str();
  }
  std::vector<std::string> Listing() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }
  // Opens and writes it; empty, or what is wrong.
  std::string Write(const std::string& name, const std::string& text) {
    auto file = OutputFile::Open(In(name));
    if (!file.ok()) return std::string(file.status().message());
    return std::string(file->Write(text).message());
  }

  std::string folder_;
};

using Names = std::vector<std::string>;

TEST_F(OutputFileTest, KeepsWhatIsThereUntilItIsWritten) {
  Have("page.html", "old");
  ASSERT_EQ(chmod(In("page.html").c_str(), 0640), 0);
  {
    auto file = OutputFile::Open(In("page.html"));
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(Listing(), Names{"page.html"}) << "nothing is beside it while a run goes on";
  }
  EXPECT_EQ(Text("page.html"), "old");
  EXPECT_EQ(Write("page.html", "new"), "");
  EXPECT_EQ(Text("page.html"), "new");
  EXPECT_EQ(Listing(), Names{"page.html"});
  EXPECT_EQ(fs::status(In("page.html")).permissions(), fs::perms(0640));
}

TEST_F(OutputFileTest, TouchesNoOtherFileOfTheFolder) {
  Have("page.html.part", "somebody's");
  EXPECT_EQ(Write("page.html", "new"), "");
  EXPECT_EQ(Text("page.html.part"), "somebody's");
  EXPECT_EQ(Listing(), (Names{"page.html", "page.html.part"}));
  const mode_t mask = umask(022);
  EXPECT_EQ(Write("other.html", "new"), "");
  umask(mask);
  EXPECT_EQ(fs::status(In("other.html")).permissions(), fs::perms(0644));
}

TEST_F(OutputFileTest, FollowsLinksAndLetsThemStand) {
  fs::create_directory(In("pages"));
  Have("pages/real.html", "old");
  fs::create_symlink("pages/real.html", In("link.html"));
  fs::create_symlink(In("link.html"), In("again.html"));
  EXPECT_EQ(Write("again.html", "new"), "");
  EXPECT_EQ(Text("pages/real.html"), "new");
  EXPECT_TRUE(fs::is_symlink(In("again.html")));
  EXPECT_TRUE(fs::is_symlink(In("link.html")));
  fs::create_symlink("pages/none.html", In("nowhere.html"));
  EXPECT_EQ(Write("nowhere.html", "first"), "");
  EXPECT_EQ(Text("pages/none.html"), "first");
  EXPECT_TRUE(fs::is_symlink(In("nowhere.html")));
  fs::create_symlink("round", In("round"));
  EXPECT_NE(Write("round", "never"), "");
}

TEST_F(OutputFileTest, WritesToWhatIsNoFileAsItIs) {
  ASSERT_EQ(mkfifo(In("pipe").c_str(), 0600), 0);
  const int reader = open(In("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  EXPECT_EQ(Write("pipe", "a page"), "");
  std::array<char, 16> read_text = {};
  EXPECT_EQ(read(reader, read_text.data(), read_text.size()), 6);
  EXPECT_STREQ(read_text.data(), "a page");
  close(reader);
  EXPECT_TRUE(fs::is_fifo(In("pipe")));
  EXPECT_EQ(Listing(), Names{"pipe"});
  fs::create_symlink("/dev/full", In("full"));
  EXPECT_EQ(Write("full", "a page"), "No space left on device");
}

TEST_F(OutputFileTest, RefusesAtOnceWhatCannotBeWritten) {
  EXPECT_EQ(OutputFile::Open(folder_).status().message(), "Is a directory");
  EXPECT_EQ(OutputFile::Open(In("none/page.html")).status().message(), "No such file or directory");
  EXPECT_FALSE(OutputFile::Open("/proc/page.html").ok());
  EXPECT_EQ(Listing(), Names{});
}

}  // namespace
}  // namespace grassdb
