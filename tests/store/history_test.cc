// Random histories of a storage against a model: whatever was acknowledged is there after every
// crash, and nothing else but what was in flight.
#include "tests/store/history.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/hash.h"
#include "tests/store/crash_directory.h"

namespace grassdb::store {
namespace {

// One in eight numbers crashes the storage, most of the time within the step that follows.
struct Seen {
  std::uint64_t resumed = 0;
  std::uint64_t evicted = 0;
};
std::string RunHistory(const std::vector<std::uint64_t>& choices, StorageOptions options,
                       Seen* seen = nullptr) {
  CrashDirectory directory;
  History history(directory, options);
  std::string problem = history.Open();
  for (std::size_t i = 0; problem.empty() && i < choices.size(); ++i) {
    const std::uint64_t choice = Mix(choices[i] + i);
    const std::uint64_t seed = KeyedRandom(choice, 60u);
    if (seed % 8 < 2) directory.FailAt(1 + KeyedRandom(seed, 61u) % 24, Fault::kStop);
    problem = history.Step(choice);
    if (problem.empty() && !history.down() && seed % 8 != 2) continue;
    history.CrashNow(KeyedRandom(seed, 62u) % 4 == 0 ? Crash::kProcess : Crash::kPower, seed);
    if (seed % 3 == 0) directory.FailAt(1 + KeyedRandom(seed, 63u) % 16, Fault::kStop);
    if (problem.empty()) problem = history.Open();
    // The power may fail during recovery too.
    while (problem.empty() && history.down()) {
      history.CrashNow(Crash::kPower, KeyedRandom(seed, 64u));
      problem = history.Open();
    }
    if (!problem.empty()) problem = "after step " + std::to_string(i) + ": " + problem;
  }
  if (seen != nullptr) seen->resumed += history.resumed();
  if (seen != nullptr) seen->evicted += history.evicted();
  return problem;
}

RC_GTEST_PROP(StorageHistory, RecoversWhatWasAcknowledgedAfterEveryCrash,
              (const std::vector<std::uint64_t>& choices)) {
  const std::string problem = RunHistory(choices, TinySegments());
  if (!problem.empty()) RC_FAIL(problem);
}

TEST(StorageHistory, RecoversLongHistories) {
  Seen seen;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::vector<std::uint64_t> choices(120);
    for (std::size_t i = 0; i < choices.size(); ++i) choices[i] = KeyedRandom(seed, i);
    StorageOptions options = TinySegments();
    options.segment_bytes = 700 * (1 + seed % 6);
    options.recycled_segments_max = static_cast<std::uint32_t>(seed % 3);
    if (seed % 2 == 0) options.log_memory_bytes = KeyedRandom(seed, 65u) % 6000;
    ASSERT_EQ(RunHistory(choices, options, &seen), "") << "seed " << seed;
  }
  EXPECT_GT(seen.resumed, 20u) << "transfers that went on after a crash";
  EXPECT_GT(seen.evicted, 100u) << "starts that did not keep the whole log in memory";
}

}  // namespace
}  // namespace grassdb::store
