// grass-sim shrink: the smallest schedule that fails as the given one does. The clock is looked at
// for --minutes only.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/apart.h"
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
  std::uint32_t seed_seconds = 60;
};

// Set by SIGINT and SIGTERM: what is smallest so far is written.
volatile std::sig_atomic_t interrupted = 0;

void EndSoon(int) {
  interrupted = 1;
}

int Refuse(const std::string& problem) {
  std::fprintf(stderr, "grass-sim: shrink: %s\n", problem.c_str());
  return kExitUsage;
}

// Each run has a process of its own, and ends with the search. What it has not come to then, it has
// not failed by.
sim::ScheduleRunner RunnerFor(const Flags& flags, const std::function<bool()>& enough) {
  const sim::ApartLimits limits{.seconds = flags.seed_seconds, .enough = enough};
  return [limits](const sim::Schedule& schedule, std::vector<sim::Decision>* decisions) {
    return sim::RunApart(schedule, limits, decisions).value_or(sim::RunResult());
  };
}

// Where nothing was shrunk.
int ReportNothing(const Flags& flags, const sim::Schedule& schedule, bool over) {
  if (interrupted != 0) {
    Refuse("interrupted before the first run had ended; nothing is written");
    return kExitInterrupted;
  }
  if (over) {
    return Refuse("the first run did not end within --minutes " + std::to_string(flags.minutes) +
                  "; nothing is written");
  }
  return Refuse("seed " + std::to_string(schedule.run.seed) +
                " breaks no rule in this build; nothing to shrink (see grass-sim replay)");
}

int Shrink(const Flags& flags) {
  sim::Schedule schedule;
  std::optional<sim::FailureFile> failure;
  if (const auto problem = LoadSchedule(flags.file, flags.seed, flags.run, &schedule, &failure)) {
    return Refuse(*problem);
  }
  const std::string out = flags.out.empty()
                              ? "grass-sim-shrunk-" + std::to_string(schedule.run.seed) + ".json"
                              : flags.out;
  if (const auto problem = CannotWrite(out)) return Refuse("--out: " + *problem);
  std::signal(SIGINT, EndSoon);
  std::signal(SIGTERM, EndSoon);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(flags.minutes);
  const auto enough = [end] { return interrupted != 0 || std::chrono::steady_clock::now() >= end; };
  const std::optional<sim::ShrinkResult> shrunk =
      sim::Shrink(schedule, enough, RunnerFor(flags, enough));
  if (!shrunk.has_value()) return ReportNothing(flags, schedule, enough());
  sim::FailureFile smaller = sim::FailureOf(shrunk->schedule, shrunk->run);
  smaller.drawn_by = failure.has_value() ? failure->drawn_by : sim::CommandFor(schedule.run);
  const absl::Status written = sim::WriteFile(out, sim::TextOf(smaller));
  if (!written.ok()) return Refuse(std::string(written.message()));
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
  command->add_option("FILE", flags->file, "Written by sweep or by shrink");
  AddNumber(command, "--seed", &flags->seed, {}, "Instead of a file");
  AddRunFlags(command, &flags->run);
  command->add_option("--out", flags->out,
                      "Where to write it; grass-sim-shrunk-SEED.json if empty");
  AddNumber(command, "--minutes", &flags->minutes, {1, 1'000'000},
            "Of real time; what is smallest by then, or at SIGINT, is written")
      ->default_str("10");
  AddNumber(command, "--seed-seconds", &flags->seed_seconds, {1, 1'000'000},
            "A run that takes more processor time is ended")
      ->default_str(std::to_string(flags->seed_seconds));
  command->callback([flags, exit_code] { *exit_code = Shrink(*flags); });
}

}  // namespace grassdb::sim_main
