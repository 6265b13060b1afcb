// grass-sim explain: a failure's file, or a seed, as a page to look at.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/report/explain_page.h"
#include "sim/report/failure_file.h"
#include "sim/run.h"

namespace grassdb::sim_main {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

struct Flags {
  std::string file;
  std::optional<std::uint64_t> seed;
  sim::RunOptions run;
  std::string out;
  std::uint64_t from = 0;
  std::optional<std::uint64_t> until;
};

int Refuse(const std::string& problem) {
  std::fprintf(stderr, "grass-sim: explain: %s\n", problem.c_str());
  return kExitUsage;
}

// The verdict is in what is printed and on the page, as with replay.
int Explain(const Flags& flags) {
  sim::Schedule schedule;
  std::optional<sim::FailureFile> failure;
  if (const auto problem = LoadSchedule(flags.file, flags.seed, flags.run, &schedule, &failure)) {
    return Refuse(*problem);
  }
  sim::TimelineLimits limits;
  limits.from = flags.from * kSecond;
  if (flags.until) limits.until = *flags.until * kSecond;
  if (limits.until < limits.from) {
    return Refuse("--until " + std::to_string(*flags.until) + " lies before --from " +
                  std::to_string(flags.from));
  }
  const std::string repeat = failure.has_value() ? "grass-sim replay " + flags.file : "";
  const sim::ExplainedRun run = sim::Explain(schedule, limits, repeat);
  std::string notice;
  if (failure.has_value() && !sim::Difference(*failure, run.result).empty()) {
    notice = "NOT the run of the file: this build does something else (see grass-sim replay).";
  }
  const std::string out = flags.out.empty()
                              ? "grass-sim-explain-" + std::to_string(schedule.run.seed) + ".html"
                              : flags.out;
  const absl::Status written = sim::ReplaceFile(out, sim::PageOf(schedule, run, notice));
  if (!written.ok()) return Refuse(std::string(written.message()));
  Print(run.result.ok()
            ? "every rule held\n"
            : "VIOLATION of " + run.result.violation->rule + " at " + run.result.violation->where +
                  "\n  " + run.result.violation->text + "\n");
  if (!notice.empty()) Print(notice + "\n");
  if (!run.timeline.LeftOut().empty()) Print(run.timeline.LeftOut() + "\n");
  Print("fingerprint: " + run.result.fingerprint.Hex() + "\n" + out + ": " +
        std::to_string(run.timeline.messages().size()) + " messages, " +
        std::to_string(run.timeline.points().size()) + " points; open it in a browser\n");
  return run.result.ok() ? kExitOk : kExitViolation;
}

}  // namespace

void AddExplain(CLI::App* app, int* exit_code) {
  CLI::App* command =
      app->add_subcommand("explain", "Shows a failure's file, or a seed, as a page for a browser");
  const auto flags = std::make_shared<Flags>();
  command->add_option("FILE", flags->file, "Written by sweep --failures or by shrink");
  AddNumber(command, "--seed", &flags->seed, {}, "Instead of a file");
  AddRunFlags(command, &flags->run);
  command->add_option("-o,--out", flags->out,
                      "Where to write it; grass-sim-explain-SEED.html if empty");
  AddNumber(command, "--from", &flags->from, {0, 1'000'000},
            "The page begins at this simulated second")
      ->default_str("0");
  AddNumber(command, "--until", &flags->until, {0, 1'000'000}, "The page ends there");
  command->callback([flags, exit_code] { *exit_code = Explain(*flags); });
}

}  // namespace grassdb::sim_main
