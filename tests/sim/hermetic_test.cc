// sim/hermetic.h
#include "sim/hermetic.h"

#include <gtest/gtest.h>
#include <sys/time.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "sim/run.h"

namespace grassdb::sim {
namespace {

struct Escape {
  const char* function;
  std::function<void()> call;
};

class HermeticTest : public ::testing::TestWithParam<Escape> {
 protected:
  void SetUp() override {
    if (!Hermetic::IsEnforced()) GTEST_SKIP() << "a sanitizer has the same functions";
  }
};

TEST_P(HermeticTest, EndsAProcessThatEscapes) {
  const auto escape = [] {
    const Hermetic hermetic;
    GetParam().call();
  };
  EXPECT_DEATH(escape(), std::string("the simulation called ") + GetParam().function);
}

TEST_P(HermeticTest, LeavesEverybodyElseAlone) {
  { const Hermetic hermetic; }
  GetParam().call();
}

INSTANTIATE_TEST_SUITE_P(
    Ways, HermeticTest,
    ::testing::Values(Escape{"clock_gettime", [] { (void)std::chrono::steady_clock::now(); }},
                      Escape{"clock_gettime", [] { (void)std::chrono::system_clock::now(); }},
                      Escape{"time", [] { (void)std::time(nullptr); }},
                      Escape{"gettimeofday",
                             [] {
                               timeval now{};
                               gettimeofday(&now, nullptr);
                             }},
                      Escape{"std::random_device", [] { (void)std::random_device()(); }},
                      Escape{"rand", [] { (void)std::rand(); }},
                      Escape{"getenv", [] { (void)std::getenv("HOME"); }},
                      Escape{"pthread_create", [] { std::thread([] {}).join(); }},
                      Escape{"(clock_)?nanosleep",
                             [] { std::this_thread::sleep_for(std::chrono::nanoseconds(1)); }}));

// The whole run is, with whoever watches it.
TEST(Run, IsHermetic) {
  if (!Hermetic::IsEnforced()) GTEST_SKIP() << "a sanitizer has the same functions";
  RunOptions options;
  options.seed = 1;
  options.steps = 100;
  const auto look = [](std::string_view) { (void)std::chrono::steady_clock::now(); };
  EXPECT_DEATH(RunSeed(options, look), "the simulation called clock_gettime");
  EXPECT_TRUE(RunSeed(options).ok());
  (void)std::chrono::steady_clock::now();
}

}  // namespace
}  // namespace grassdb::sim
