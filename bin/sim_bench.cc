// grass-sim bench: how fast the simulator is, in seconds of the one core that it runs on.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/bench_plan.h"
#include "sim/run.h"

namespace grassdb::sim_main {
namespace {

struct Flags {
  std::optional<std::uint64_t> seed;
  sim::RunOptions run;
};

// Of the CPU, so that whoever else is on the machine changes little.
double CpuSeconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// False, and a report, if a rule was broken.
bool Measure(const char* what, const std::function<sim::RunResult()>& run) {
  std::array<double, 5> seconds{};
  sim::RunResult result;
  for (double& taken : seconds) {
    const double begin = CpuSeconds();
    result = run();
    taken = CpuSeconds() - begin;
    if (!result.ok()) {
      Print(result.report);
      return false;
    }
  }
  std::ranges::sort(seconds);
  const double median = seconds[2];
  const auto rate = [median](std::uint64_t count) {
    return static_cast<unsigned long long>(static_cast<double>(count) / median);
  };
  std::printf("%s\n", what);
  std::printf("  events/s: %llu\n  messages/s: %llu\n  I/Os/s: %llu\n  simulated seconds/s: %llu\n",
              rate(result.counters.events), rate(result.counters.messages_sent),
              rate(result.counters.ios), rate(result.counters.simulated_ns) / 1'000'000'000);
  return true;
}

bool MeasureLoad(const char* what, sim::BenchLoad load, std::uint32_t seconds) {
  const sim::Plan plan = sim::BenchPlan(load, seconds);
  return Measure(what, [&plan] { return sim::RunPlan(plan, nullptr, "grass-sim bench"); });
}

int Bench(Flags flags) {
  sim::RunOptions others = flags.run;
  others.seconds.reset();
  if (!flags.seed && IsShaped(others)) {
    std::fprintf(stderr,
                 "grass-sim: bench: flags that shape a run go with --seed N; the two workloads "
                 "without one take --seconds only\n");
    return kExitUsage;
  }
  bool ok = true;
  if (flags.seed) {
    flags.run.seed = *flags.seed;
    ok = Measure("the seed", [&flags] { return sim::RunSeed(flags.run); });
  } else {
    const std::uint32_t seconds = flags.run.seconds.value_or(2000);
    ok = MeasureLoad("default workload: 3 nodes, 3 clients with time to think",
                     sim::BenchLoad::kDefault, seconds) &&
         MeasureLoad("dense workload: 3 nodes, 12 clients without", sim::BenchLoad::kDense,
                     std::max(seconds / 100, 1u));
  }
  return ok ? kExitOk : kExitViolation;
}

}  // namespace

void AddBench(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand(
      "bench", "Measures the simulator, with every checker on: the median of five runs");
  const auto flags = std::make_shared<Flags>();
  AddNumber(command, "--seed", &flags->seed, {},
            "This seed, with its faults, instead of the two workloads without");
  AddRunFlags(command, &flags->run);
  command->callback([flags, exit_code] { *exit_code = Bench(*flags); });
}

}  // namespace grassdb::sim_main
