// grass-sim replay: a failure's file, or a seed, once more.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/report/failure_file.h"
#include "sim/run.h"

namespace grassdb::sim_main {
namespace {

struct Flags {
  std::string file;
  std::optional<std::uint64_t> seed;
  sim::RunOptions run;
  std::optional<std::uint64_t> from;
  std::optional<std::uint64_t> until;
  std::string trace = "none";
};

sim::RunObserver ObserverOf(const Flags& flags) {
  sim::RunObserver observer;
  if (flags.trace == "none") return observer;
  observer.sink = [](std::string_view line) {
    Print(line);
    Print("\n");
  };
  observer.window.from = sim::TrueTime() + std::chrono::seconds(flags.from.value_or(0));
  if (flags.until) observer.window.until = sim::TrueTime() + std::chrono::seconds(*flags.until);
  observer.window.events_only = flags.trace == "events";
  return observer;
}

// What is wrong with the part of the trace that is asked for.
std::optional<std::string> WindowProblem(const Flags& flags) {
  if (flags.until.value_or(UINT64_MAX) < flags.from.value_or(0)) {
    return "--until " + std::to_string(*flags.until) + " lies before --from " +
           std::to_string(*flags.from);
  }
  if (flags.trace == "none" && (flags.from || flags.until)) {
    return "--from and --until choose lines of the trace; add --trace events or --trace all";
  }
  return std::nullopt;
}

// The verdict of a file is the file's: 1 if the run broke the rule that it is about.
int Replay(const Flags& flags) {
  sim::Schedule schedule;
  std::optional<sim::FailureFile> failure;
  if (const auto problem = LoadSchedule(flags.file, flags.seed, flags.run, &schedule, &failure)) {
    std::fprintf(stderr, "grass-sim: replay: %s\n", problem->c_str());
    return kExitUsage;
  }
  if (const auto problem = WindowProblem(flags)) {
    std::fprintf(stderr, "grass-sim: replay: %s\n", problem->c_str());
    return kExitUsage;
  }
  const std::string repeat = failure.has_value() ? "grass-sim replay " + flags.file : "";
  const sim::RunResult result = sim::RunSchedule(schedule, ObserverOf(flags), repeat);
  const sim::TrueTime from = sim::TrueTime() + std::chrono::seconds(flags.from.value_or(0));
  if (flags.from && result.ended < from) {
    std::fprintf(stderr,
                 "grass-sim: replay: --from %llu: no line of the trace, the run ends before that\n",
                 static_cast<unsigned long long>(*flags.from));
  }
  Print(result.ok() ? "every rule held\nfingerprint: " + result.fingerprint.Hex() + "\n"
                    : result.report);
  if (!failure.has_value()) return result.ok() ? kExitOk : kExitViolation;
  const std::string difference = sim::Difference(*failure, result);
  if (difference.empty()) {
    Print("the same run as in the file\n");
    return kExitViolation;
  }
  Print("NOT the run of the file; this build does something else:\n" + difference);
  return result.ok() ? kExitOk : kExitViolation;
}

}  // namespace

void AddReplay(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("replay", "Runs a failure's file, or a seed, again");
  const auto flags = std::make_shared<Flags>();
  command->add_option("FILE", flags->file, "Written by sweep or by shrink");
  AddNumber(command, "--seed", &flags->seed, {}, "Instead of a file");
  AddRunFlags(command, &flags->run);
  AddNumber(command, "--from", &flags->from, {0, 1'000'000},
            "The trace begins at this simulated second")
      ->default_str("0");
  AddNumber(command, "--until", &flags->until, {0, 1'000'000}, "The trace ends there");
  command->add_option("--trace", flags->trace, "none, events (no messages, no disks) or all")
      ->check(CLI::IsMember({"none", "events", "all"}))
      ->capture_default_str();
  command->callback([flags, exit_code] { *exit_code = Replay(*flags); });
}

}  // namespace grassdb::sim_main
