// grass-sim prefix: the beginning of a run, to compare it with another build's.
#include <cstdio>
#include <memory>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/run.h"

namespace grassdb::sim_main {

void AddPrefix(CLI::App* app, int* exit_code) {
  struct Flags {
    sim::RunOptions run;
    std::uint64_t events = 0;
  };
  CLI::App* command = app->add_subcommand("prefix", "Runs the first events of one seed");
  const auto flags = std::make_shared<Flags>();
  AddNumber(command, "--seed", &flags->run.seed, {}, "The seed")->required();
  AddNumber(command, "--events", &flags->events, {}, "How many")->required();
  AddRunFlags(command, &flags->run);
  command->callback([flags, exit_code] {
    const sim::Prefix prefix = sim::RunPrefix(flags->run, flags->events);
    Print(prefix.newest_lines);
    std::printf("events: %llu\n", static_cast<unsigned long long>(prefix.events));
    Print("fingerprint: " + prefix.fingerprint.Hex() + "\n");
    *exit_code = kExitOk;
  });
}

}  // namespace grassdb::sim_main
