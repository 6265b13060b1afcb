#include "sim/tape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/run.h"

namespace grassdb::sim {
namespace {

struct Taped {
  RunResult result;
  std::size_t used = 0;
};

Taped RunWith(const std::vector<std::uint8_t>& bytes) {
  RunOptions options;
  options.seed = 5;
  options.nodes = 3;
  options.steps = 500;
  Plan plan = DrawPlan(options);
  Tape tape(bytes);
  plan.tape = &tape;
  Taped taped;
  taped.result = RunPlan(plan, nullptr, "");
  taped.used = tape.used();
  return taped;
}

TEST(Tape, WithoutBytesOrWithZeroesTheSeedDecides) {
  RunOptions options;
  options.seed = 5;
  options.nodes = 3;
  options.steps = 500;
  const RunResult plain = RunSeed(options);
  EXPECT_EQ(RunWith({}).result.fingerprint, plain.fingerprint);
  const Taped zeroes = RunWith(std::vector<std::uint8_t>(1000));
  EXPECT_EQ(zeroes.result.fingerprint, plain.fingerprint);
  EXPECT_EQ(zeroes.used, 1000u) << "a run has more decisions than that";
}

TEST(Tape, TheSameBytesAreTheSameRunAndOthersAnother) {
  std::vector<std::uint8_t> bytes(400, 1);
  const Taped one = RunWith(bytes);
  EXPECT_TRUE(one.result.ok()) << one.result.report;
  EXPECT_EQ(one.used, 400u);
  EXPECT_EQ(RunWith(bytes).result.fingerprint, one.result.fingerprint);
  EXPECT_NE(RunWith({}).result.fingerprint, one.result.fingerprint);
  std::fill(bytes.begin() + 200, bytes.end(), 2);
  EXPECT_NE(RunWith(bytes).result.fingerprint, one.result.fingerprint);
}

}  // namespace
}  // namespace grassdb::sim
