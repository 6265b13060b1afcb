// grass-sim run: one seed.
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/run.h"

namespace grassdb::sim_main {
namespace {

struct Flags {
  sim::RunOptions run;
  bool verbose = false;
  bool trace = false;
};

int Run(const Flags& flags) {
  if (flags.verbose) Print(sim::Describe(sim::PlanOf(flags.run)));
  sim::Recorder::Sink sink;
  if (flags.trace) {
    sink = [](std::string_view line) {
      Print(line);
      Print("\n");
    };
  }
  const sim::RunResult result = sim::RunSeed(flags.run, sink);
  if (!result.ok()) {
    Print(result.report);
    return kExitViolation;
  }
  const sim::Counters& c = result.counters;
  std::printf(
      "seed %llu: ok, %llu events in %llu.%03llu simulated seconds, %llu operations, "
      "%llu elections won, %llu crashes\n",
      static_cast<unsigned long long>(result.seed), static_cast<unsigned long long>(c.events),
      static_cast<unsigned long long>(c.simulated_ns / 1'000'000'000),
      static_cast<unsigned long long>(c.simulated_ns / 1'000'000 % 1000),
      static_cast<unsigned long long>(c.operations_ok),
      static_cast<unsigned long long>(c.elections_won), static_cast<unsigned long long>(c.crashes));
  std::printf("the checkers remember %llu KiB of logs, disks, terms and clients\n",
              static_cast<unsigned long long>(c.checker_bytes / 1024));
  std::printf("the search for a linearization of %llu keys took %llu KiB at most",
              static_cast<unsigned long long>(c.searched.keys),
              static_cast<unsigned long long>(c.searched.bytes_max / 1024));
  if (c.searched.undecided > 0) {
    std::printf(" and gave up on %llu", static_cast<unsigned long long>(c.searched.undecided));
  }
  Print("\n");
  Print("fingerprint: " + result.fingerprint.Hex() + "\n");
  return kExitOk;
}

}  // namespace

void AddRun(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("run", "Runs one seed");
  const auto flags = std::make_shared<Flags>();
  AddNumber(command, "--seed", &flags->run.seed, {}, "The seed: draws and repeats everything")
      ->required();
  AddRunFlags(command, &flags->run);
  command->add_flag("--verbose", flags->verbose, "Prints the plan drawn from the seed");
  command->add_flag("--trace", flags->trace, "Prints every event");
  command->callback([flags, exit_code] { *exit_code = Run(*flags); });
}

}  // namespace grassdb::sim_main
