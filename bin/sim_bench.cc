// grass-sim bench: how fast the simulator is, by a real clock.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/run.h"

namespace grassdb::sim_main {
namespace {

int Bench(sim::RunOptions options) {
  options.nodes = options.nodes.value_or(3);
  options.seconds = options.seconds.value_or(60);
  std::array<double, 5> seconds{};
  sim::RunResult result;
  for (double& taken : seconds) {
    const auto begin = std::chrono::steady_clock::now();
    result = sim::RunSeed(options);
    taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!result.ok()) {
      Print(result.report);
      return kExitViolation;
    }
  }
  std::ranges::sort(seconds);
  const double median = seconds[2];
  const auto rate = [median](std::uint64_t count) {
    return static_cast<unsigned long long>(static_cast<double>(count) / median);
  };
  std::printf("events/s: %llu\nmessages/s: %llu\nI/Os/s: %llu\nsimulated seconds/s: %llu\n",
              rate(result.counters.events), rate(result.counters.messages_sent),
              rate(result.counters.ios), rate(result.counters.simulated_ns) / 1'000'000'000);
  return kExitOk;
}

}  // namespace

void AddBench(CLI::App* app, int* exit_code) {
  CLI::App* command =
      app->add_subcommand("bench", "Measures the simulator: the median of five runs");
  const auto options = std::make_shared<sim::RunOptions>();
  AddNumber(command, "--seed", &options->seed, {}, "The seed to run")->default_str("1");
  AddRunFlags(command, options.get());
  command->callback([options, exit_code] { *exit_code = Bench(*options); });
}

}  // namespace grassdb::sim_main
