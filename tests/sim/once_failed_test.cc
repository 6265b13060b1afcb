// Seeds that have failed once, each for a cause of its own that was mended then.
#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>

#include "sim/report/failure_file.h"
#include "sim/run.h"
#include "sim/schedule.h"

namespace grassdb::sim {
namespace {

struct OnceFailed {
  const char* profile;  // of sim/profiles/
  std::uint64_t seed;
  const char* why;

  friend std::ostream& operator<<(std::ostream& out, const OnceFailed& it) {
    return out << it.profile << ", seed " << it.seed << ": " << it.why;
  }
};

constexpr OnceFailed kOnceFailed[] = {
    {"disk", 4365, "a snapshot that was received whole was installed when its sender led again"},
    {"disk", 1315, "nodes that a change was to add, and that came to nothing, kept what they had"},
    {"disk", 4375, "a disk came back as it was while its snapshot, unreadable once, was replaced"},
    {"disk", 5377, "a read had failed in a new directory, for which there was no room then"},
};

class SeedThatOnceFailed : public ::testing::TestWithParam<OnceFailed> {};

TEST_P(SeedThatOnceFailed, Passes) {
  RunOptions options;
  options.seed = GetParam().seed;
  const std::string file = std::string(GRASSDB_PROFILES) + "/" + GetParam().profile + ".json";
  const auto text = ReadFile(file);
  ASSERT_TRUE(text.ok()) << text.status();
  ASSERT_EQ(AddProfile(*text, file, &options.edits), std::nullopt);
  const RunResult result = RunSeed(options);
  EXPECT_TRUE(result.ok()) << result.report;
}

INSTANTIATE_TEST_SUITE_P(Sim, SeedThatOnceFailed, ::testing::ValuesIn(kOnceFailed),
                         [](const auto& it) {
                           return it.param.profile + std::to_string(it.param.seed);
                         });

}  // namespace
}  // namespace grassdb::sim
