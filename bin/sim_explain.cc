// grass-sim explain: a failure's file, a seed, or a schedule of an exploration, as a page to look
// at.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/explore/replay.h"
#include "sim/report/explain_page.h"
#include "sim/report/explore_page.h"
#include "sim/report/failure_file.h"
#include "sim/run.h"

namespace grassdb::sim_main {
namespace {

struct Flags {
  std::string file;
  std::optional<std::uint64_t> seed;
  sim::RunOptions run;
  std::string out;
  std::optional<Moment> from;
  std::optional<Moment> until;
};

int Refuse(const std::string& problem) {
  std::fprintf(stderr, "grass-sim: explain: %s\n", problem.c_str());
  return kExitUsage;
}

void PrintVerdict(const sim::RunResult& result) {
  Print(result.ok() ? "every rule held\n"
                    : "VIOLATION of " + result.violation->rule + " at " + result.violation->where +
                          "\n  " + result.violation->text + "\n");
}

// `more` is a line about the run, or empty.
int Save(const std::string& out, const std::string& page, const sim::Timeline& timeline,
         const std::string& more, const sim::RunResult& result) {
  const absl::Status written = sim::ReplaceFile(out, page);
  if (!written.ok()) return Refuse(std::string(written.message()));
  PrintVerdict(result);
  if (!timeline.LeftOut().empty()) Print(timeline.LeftOut() + "\n");
  Print(more + out + ": " + std::to_string(timeline.messages().size()) + " messages, " +
        std::to_string(timeline.points().size()) + " points; open it in a browser\n");
  return result.ok() ? kExitOk : kExitViolation;
}

// Of a file that `grass-sim explore --out` wrote.
int ExplainExplored(const Flags& flags, const std::string& text) {
  if (flags.seed || IsShaped(flags.run) || flags.from || flags.until) {
    return Refuse("'" + flags.file +
                  "' is a schedule of an exploration, which has no seed and no " +
                  "time: give no other flag than -o");
  }
  sim::explore::ScheduleFile file;
  if (const auto problem = sim::explore::ParseFile(text, &file)) {
    return Refuse("'" + flags.file + "': " + *problem);
  }
  const absl::StatusOr<sim::ExplainedSchedule> explained = sim::ExplainSchedule(file, flags.file);
  if (!explained.ok()) return Refuse(std::string(explained.status().message()));
  const std::string out = flags.out.empty() ? "grass-sim-explain-explore.html" : flags.out;
  return Save(out, sim::PageOf(explained->words, explained->run), explained->run.timeline,
              explained->words.finding + "\n", explained->run.result);
}

// The verdict is in what is printed and on the page, as with replay.
int Explain(const Flags& flags) {
  if (!flags.file.empty()) {
    const absl::StatusOr<std::string> text = sim::ReadFile(flags.file);
    if (text.ok() && sim::explore::IsSchedule(*text)) return ExplainExplored(flags, *text);
  }
  sim::Schedule schedule;
  std::optional<sim::FailureFile> failure;
  if (const auto problem = LoadSchedule(flags.file, flags.seed, flags.run, &schedule, &failure)) {
    return Refuse(*problem);
  }
  sim::TimelineLimits limits;
  if (flags.from) limits.from = sim::Nanoseconds(sim::TrueTime(flags.from->at));
  if (flags.until) limits.until = sim::Nanoseconds(sim::TrueTime(flags.until->at));
  if (const auto problem = SpanProblem(flags.from, flags.until)) return Refuse(*problem);
  const std::string out = flags.out.empty()
                              ? "grass-sim-explain-" + std::to_string(schedule.run.seed) + ".html"
                              : flags.out;
  if (const auto problem = CannotWrite(out)) return Refuse(*problem);
  const std::string repeat = failure.has_value() ? "grass-sim replay " + flags.file : "";
  const sim::ExplainedRun run = sim::Explain(schedule, limits, repeat);
  if (flags.from && sim::Nanoseconds(run.result.ended) < limits.from) {
    const std::uint64_t milliseconds = sim::Nanoseconds(run.result.ended) / 1'000'000;
    return Refuse("--from " + flags.from->text + " lies behind the end of the run, at " +
                  std::to_string(milliseconds) + " simulated milliseconds");
  }
  std::string notice;
  if (failure.has_value() && !sim::Difference(*failure, run.result).empty()) {
    notice = "NOT the run of the file: this build does something else (see grass-sim replay).";
  }
  const std::string more =
      (notice.empty() ? "" : notice + "\n") + "fingerprint: " + run.result.fingerprint.Hex() + "\n";
  return Save(out, sim::PageOf(schedule, run, notice), run.timeline, more, run.result);
}

}  // namespace

void AddExplain(CLI::App* app, int* exit_code) {
  CLI::App* command =
      app->add_subcommand("explain", "Shows a failure's file, or a seed, as a page for a browser");
  const auto flags = std::make_shared<Flags>();
  command->add_option("FILE", flags->file, "Written by sweep, by shrink, or by explore --out");
  AddNumber(command, "--seed", &flags->seed, {}, "Instead of a file");
  AddRunFlags(command, &flags->run);
  command->add_option("-o,--out", flags->out,
                      "Where to write it; grass-sim-explain-SEED.html if empty");
  AddMoment(command, "--from", &flags->from,
            "The page begins at this simulated time: seconds, or as in 1.5s or 1500ms");
  AddMoment(command, "--until", &flags->until, "The page ends there");
  command->callback([flags, exit_code] { *exit_code = Explain(*flags); });
}

}  // namespace grassdb::sim_main
