// The golden transcripts: one test a file of tests/core/transcripts, named after it.
//
//     transcript_test [--rewrite] [--gtest_filter=Transcript.NAME]
//
// --rewrite writes what the commands cause now into the files; the diff is then for a person to
// review. The last line of a failing run is the command that does it.
#include "tests/core/transcript.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace grassdb {
namespace {

namespace fs = std::filesystem;

enum class Mode { kCompare, kRewrite };

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in.good()) << "cannot read " << path;
  return text.str();
}

// Which tests can be repaired by --rewrite.
std::vector<std::string>& Outdated() {
  static std::vector<std::string> names;
  return names;
}

class TranscriptTest : public testing::Test {
 public:
  TranscriptTest(fs::path path, Mode mode) : path_(std::move(path)), mode_(mode) {}

  void TestBody() override {
    const std::string text = ReadFile(path_);
    const absl::StatusOr<Transcript> expected = ParseTranscript(text);
    ASSERT_TRUE(expected.ok()) << Where() << expected.status().message();
    const absl::StatusOr<Transcript> actual = RunTranscript(*expected);
    ASSERT_TRUE(actual.ok()) << Where() << actual.status().message();
    const std::string now = FormatTranscript(*actual);
    if (now == text) return;
    if (mode_ == Mode::kRewrite) {
      std::ofstream(path_, std::ios::binary) << now;
      std::cout << "rewrote " << path_.string() << '\n';
      return;
    }
    Outdated().push_back(path_.stem().string());
    const std::string difference = FirstDifference(*expected, *actual);
    FAIL() << Where() << (difference.empty() ? " only the layout differs" : difference);
  }

 private:
  std::string Where() const { return path_.string() + ":"; }

  fs::path path_;
  Mode mode_;
};

void RegisterTests(const fs::path& folder, Mode mode) {
  std::vector<fs::path> paths;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().extension() == ".txt") paths.push_back(file.path());
  }
  std::ranges::sort(paths);
  for (const fs::path& path : paths) {
    testing::RegisterTest(
        "Transcript", path.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [path, mode]() -> testing::Test* { return new TranscriptTest(path, mode); });
  }
}

int Main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  Mode mode = Mode::kCompare;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--rewrite") {
      std::cerr << "usage: transcript_test [--rewrite] [--gtest_filter=Transcript.NAME]\n";
      return 2;
    }
    mode = Mode::kRewrite;
  }
  RegisterTests(GRASSDB_TRANSCRIPTS, mode);
  const int code = RUN_ALL_TESTS();
  if (testing::UnitTest::GetInstance()->test_to_run_count() == 0) {
    std::cerr << "no transcript has that name\n";
    return 2;
  }
  if (!Outdated().empty()) {
    std::string filter;
    for (const std::string& name : Outdated()) {
      filter += (filter.empty() ? "" : ":") + ("Transcript." + name);
    }
    std::cout << "If this is as it should be: " << argv[0] << " --rewrite --gtest_filter=" << filter
              << std::endl;
  } else if (code != 0) {
    std::cout << "Repeat with: " << argv[0] << " --gtest_filter=" << testing::GTEST_FLAG(filter)
              << std::endl;
  }
  return code;
}

}  // namespace
}  // namespace grassdb

int main(int argc, char** argv) {
  return grassdb::Main(argc, argv);
}
