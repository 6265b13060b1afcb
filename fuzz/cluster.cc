// The bytes are the schedule of a whole simulated cluster, with its clients, disks and faults and
// every checker: the first two draw what it is like, each further one takes part in a decision
// (sim/tape.h). No bytes at all are a run of the seed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "sim/run.h"
#include "sim/schedule.h"
#include "sim/tape.h"

namespace grassdb::sim {
namespace {

// Small, so that a second holds many runs, and without dull seeds.
RunOptions OptionsOf(std::uint64_t seed) {
  RunOptions options;
  options.seed = seed;
  options.nodes = 3;
  options.steps = 500;
  options.edits = {{"clients", 3}, {"keys", 3}, {"drop_ppm", 20'000}, {"duplicate_ppm", 20'000}};
  return options;
}

void Run(std::span<const std::uint8_t> input) {
  std::uint64_t seed = 0;
  for (int i = 0; i < 2 && !input.empty(); ++i) {
    seed = seed << 8 | input.front();
    input = input.subspan(1);
  }
  Tape tape(input);
  Plan plan = PlanOf(OptionsOf(seed));
  plan.tape = &tape;
  const RunResult result = RunPlan(plan, nullptr, "fuzz_cluster with the file of this input");
  if (result.ok()) return;
  std::fputs(result.report.c_str(), stderr);
  std::abort();
}

}  // namespace
}  // namespace grassdb::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  grassdb::sim::Run({data, size});
  return 0;
}
