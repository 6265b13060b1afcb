// grass-sim shrink: the smallest schedule that fails as the given one does. The clock is looked at
// for --minutes only.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/report/failure_file.h"
#include "sim/shrink.h"

namespace grassdb::sim_main {
namespace {

struct Flags {
  std::string file;
  std::optional<std::uint64_t> seed;
  sim::RunOptions run;
  std::string out;
  std::uint64_t minutes = 10;
};

int Shrink(const Flags& flags) {
  sim::Schedule schedule;
  std::optional<sim::FailureFile> failure;
  if (const auto problem = LoadSchedule(flags.file, flags.seed, flags.run, &schedule, &failure)) {
    std::fprintf(stderr, "grass-sim: shrink: %s\n", problem->c_str());
    return kExitUsage;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(flags.minutes);
  const std::optional<sim::ShrinkResult> shrunk =
      sim::Shrink(schedule, [end] { return std::chrono::steady_clock::now() >= end; });
  if (!shrunk.has_value()) {
    std::fprintf(stderr,
                 "grass-sim: shrink: seed %llu breaks no rule in this build; nothing to shrink "
                 "(see grass-sim replay)\n",
                 static_cast<unsigned long long>(schedule.run.seed));
    return kExitUsage;
  }
  const std::string out = flags.out.empty()
                              ? "grass-sim-shrunk-" + std::to_string(schedule.run.seed) + ".json"
                              : flags.out;
  const absl::Status written =
      sim::WriteFile(out, sim::TextOf(sim::FailureOf(shrunk->schedule, shrunk->run)));
  if (!written.ok()) {
    std::fprintf(stderr, "grass-sim: shrink: %s\n", std::string(written.message()).c_str());
    return kExitUsage;
  }
  Print("VIOLATION of " + shrunk->run.violation->rule + " at " + shrunk->run.violation->where +
        "\n  " + shrunk->run.violation->text + "\n" + sim::Describe(*shrunk) +
        "repeat with: grass-sim replay " + out + " --trace all\n");
  return kExitViolation;
}

}  // namespace

void AddShrink(CLI::App* app, int* exit_code) {
  CLI::App* command =
      app->add_subcommand("shrink", "Makes a failing run as small as it goes, and writes it down");
  const auto flags = std::make_shared<Flags>();
  command->add_option("FILE", flags->file, "Written by sweep --failures or by shrink");
  AddNumber(command, "--seed", &flags->seed, {}, "Instead of a file");
  AddRunFlags(command, &flags->run);
  command->add_option("--out", flags->out,
                      "Where to write it; grass-sim-shrunk-SEED.json if empty");
  AddNumber(command, "--minutes", &flags->minutes, {1, 1'000'000},
            "Of real time; what is smallest by then is written")
      ->default_str("10");
  command->callback([flags, exit_code] { *exit_code = Shrink(*flags); });
}

}  // namespace grassdb::sim_main
