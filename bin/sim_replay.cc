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
  std::optional<Moment> from;
  std::optional<Moment> until;
  std::string trace = "none";
};

sim::RunObserver ObserverOf(const Flags& flags) {
  sim::RunObserver observer;
  if (flags.trace == "none") return observer;
  observer.sink = [](std::string_view line) {
    Print(line);
    Print("\n");
  };
  if (flags.from) observer.window.from = sim::TrueTime(flags.from->at);
  if (flags.until) observer.window.until = sim::TrueTime(flags.until->at);
  observer.window.events_only = flags.trace == "events";
  return observer;
}

// What is wrong with the part of the trace that is asked for.
std::optional<std::string> WindowProblem(const Flags& flags) {
  if (const auto problem = SpanProblem(flags.from, flags.until)) return problem;
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
  if (flags.from && result.ended < sim::TrueTime(flags.from->at)) {
    std::fprintf(stderr,
                 "grass-sim: replay: --from %s: no line of the trace, the run ends before that\n",
                 flags.from->text.c_str());
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
  AddMoment(command, "--from", &flags->from,
            "The trace begins at this simulated time: seconds, or as in 1.5s or 1500ms");
  AddMoment(command, "--until", &flags->until, "The trace ends there");
  command->add_option("--trace", flags->trace, "none, events (no messages, no disks) or all")
      ->check(CLI::IsMember({"none", "events", "all"}))
      ->capture_default_str();
  command->callback([flags, exit_code] { *exit_code = Replay(*flags); });
}

}  // namespace grassdb::sim_main
