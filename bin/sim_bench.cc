// grass-sim bench: how fast the simulator is, in seconds of the one core that it runs on, or in
// instructions.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "core/check.h"
#include "sim/bench_plan.h"
#include "sim/checker_cost.h"
#include "sim/run.h"

namespace grassdb::sim_main {

// Not in the unnamed namespace and never inlined: tests/bench/instructions.sh tells callgrind its
// name. The check keeps the run from being its last call, which would be a jump.
[[gnu::noinline]] sim::RunResult CountedSimulation(const sim::Plan& plan,
                                                   const std::string& repeat) {
  sim::RunResult result = sim::RunPlan(plan, nullptr, repeat);
  GRASS_CHECK(result.counters.events > 0);
  return result;
}

namespace {

struct Flags {
  std::optional<std::uint64_t> seed;
  sim::RunOptions run;
  bool checkers = false;
  bool count = false;
};

// What is run: two workloads, or a seed.
struct Load {
  const char* name;
  const char* what;
  sim::Plan plan;
  std::string repeat;
};

// Of the CPU, so that whoever else is on the machine changes little.
double CpuSeconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// False, and a report, if a rule was broken.
bool Measure(const Load& load) {
  std::array<double, 5> seconds{};
  sim::RunResult result;
  for (double& taken : seconds) {
    const double begin = CpuSeconds();
    result = sim::RunPlan(load.plan, nullptr, load.repeat);
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
  std::printf("%s\n", load.what);
  std::printf("  events/s: %llu\n  messages/s: %llu\n  I/Os/s: %llu\n  simulated seconds/s: %llu\n",
              rate(result.counters.events), rate(result.counters.messages_sent),
              rate(result.counters.ios), rate(result.counters.simulated_ns) / 1'000'000'000);
  return true;
}

// What the checkers cost, of which the specification may not cost too much.
bool MeasureCheckers(const Load& load) {
  constexpr std::uint32_t kRepetitions = 5;
  sim::CheckerCost cost;
  if (const auto problem =
          sim::MeasureCheckers(load.plan, kRepetitions, CpuSeconds, load.repeat, &cost)) {
    Print(*problem);
    return false;
  }
  Print(std::string(load.what) + "\n" + sim::TextOf(cost));
  if (cost.SpecificationAdds() <= sim::kSpecificationAddsMax) return true;
  std::fprintf(stderr, "grass-sim: bench: the specification more than doubles the run's time\n");
  return false;
}

// What is done once, such as the tables of names, is done before.
bool Count(const Load& load) {
  const sim::RunResult first = sim::RunPlan(load.plan, nullptr, load.repeat);
  if (!first.ok()) {
    Print(first.report);
    return false;
  }
  const sim::RunResult counted = CountedSimulation(load.plan, load.repeat);
  std::printf("%s %llu\n", load.name, static_cast<unsigned long long>(counted.counters.events));
  return true;
}

std::vector<Load> LoadsOf(Flags flags) {
  if (flags.seed) {
    flags.run.seed = *flags.seed;
    return {{"sim/seed", "the seed", sim::PlanOf(flags.run), sim::CommandFor(flags.run)}};
  }
  const std::uint32_t seconds = flags.run.seconds.value_or(2000);
  return {{"sim/default", "default workload: 3 nodes, 3 clients with time to think",
           sim::BenchPlan(sim::BenchLoad::kDefault, seconds), "grass-sim bench"},
          {"sim/dense", "dense workload: 3 nodes, 12 clients without",
           sim::BenchPlan(sim::BenchLoad::kDense, std::max(seconds / 100, 1u)), "grass-sim bench"}};
}

int Bench(const Flags& flags) {
  sim::RunOptions others = flags.run;
  others.seconds.reset();
  if (!flags.seed && IsShaped(others)) {
    std::fprintf(stderr,
                 "grass-sim: bench: flags that shape a run go with --seed N; the two workloads "
                 "without one take --seconds only\n");
    return kExitUsage;
  }
  auto* measure = &Measure;
  if (flags.checkers) measure = &MeasureCheckers;
  if (flags.count) measure = &Count;
  return std::ranges::all_of(LoadsOf(flags), measure) ? kExitOk : kExitViolation;
}

}  // namespace

void AddBench(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand(
      "bench", "Measures the simulator, with every checker on: the median of five runs");
  const auto flags = std::make_shared<Flags>();
  AddNumber(command, "--seed", &flags->seed, {},
            "This seed, with its faults, instead of the two workloads without");
  AddRunFlags(command, &flags->run);
  command->add_flag("--checkers", flags->checkers,
                    "What the checkers cost instead: the same run with none, with all but the "
                    "specification and with all; fails if the specification doubles its time");
  command
      ->add_flag("--count", flags->count,
                 "Runs each workload twice and prints its name and the events of the second run; "
                 "for tests/bench/instructions.sh, which counts its instructions")
      ->excludes("--checkers");
  command->callback([flags, exit_code] { *exit_code = Bench(*flags); });
}

}  // namespace grassdb::sim_main
