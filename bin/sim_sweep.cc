// grass-sim sweep: many seeds. The clock is looked at for --minutes and the progress bar only.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bin/sim_commands.h"
#include "bin/sim_failures.h"
#include "bin/sim_flags.h"
#include "sim/report/failure_file.h"
#include "sim/report/shard.h"
#include "sim/report/sweep_progress.h"
#include "sim/report/sweep_report.h"
#include "sim/sweep.h"

namespace grassdb::sim_main {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kSeeds = "1..200";

struct Flags {
  sim::RunOptions run;
  std::optional<std::string> seeds;  // kSeeds, or without an end if something else ends the sweep
  std::uint32_t jobs = 2;
  std::string shard = "1/1";
  std::optional<std::uint64_t> minutes;
  std::uint32_t seed_seconds = sim::SweepOptions().seed_seconds;
  bool until_failure = false;
  std::string failures = "failures";
  bool no_failures = false;
  std::string json;
  std::string junit;
  std::string fingerprints;
  bool all_places = false;
};

// "A..B" with A <= B, or one number. The error is for a person.
std::optional<std::string> ParseSeeds(std::string_view text, sim::SweepOptions* options) {
  const std::size_t dots = text.find("..");
  const auto first = ParseNumber(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : ParseNumber(text.substr(dots + 2));
  if (!first.has_value() || !last.has_value() || *first > *last) {
    return "expected A..B with A <= B, as in 1..200, or one seed; each from 0 to " +
           std::to_string(UINT64_MAX);
  }
  if (*last - *first >= sim::kSweepSeedsMax) {
    return "too many seeds; a sweep takes at most " + std::to_string(sim::kSweepSeedsMax);
  }
  options->first = *first;
  options->last = *last;
  return std::nullopt;
}

std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

// A bar for a person who waits; nothing where nobody looks.
class ProgressBar {
 public:
  explicit ProgressBar(const sim::SweepPace& ends) : pace_(ends), on_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressBar() {
    if (on_) std::fputs("\r\033[K", stderr);
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Show(std::uint64_t done, std::uint64_t failed) {
    const Clock::time_point now = Clock::now();
    if (!on_ || (now - shown_ < std::chrono::milliseconds(100) && failed == pace_.failed)) return;
    shown_ = now;
    pace_.done = done;
    pace_.failed = failed;
    pace_.seconds = std::chrono::duration<double>(now - began_).count();
    std::fprintf(stderr, "\r%s\033[K", sim::TextOf(pace_).c_str());
    std::fflush(stderr);
  }

 private:
  sim::SweepPace pace_;
  bool on_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point shown_;
};

// Set by SIGINT and SIGTERM: the sweep ends with what there is.
volatile std::sig_atomic_t interrupted = 0;

void EndSoon(int) {
  interrupted = 1;
}

// The flags that `-` stands behind: their data has standard output for itself.
std::vector<std::string> OnStandardOutput(const Flags& flags) {
  std::vector<std::string> those;
  if (flags.json == "-") those.emplace_back("--json");
  if (flags.junit == "-") those.emplace_back("--junit");
  if (flags.fingerprints == "-") those.emplace_back("--fingerprints");
  return those;
}

// What is for a person.
void Tell(const Flags& flags, const std::string& text) {
  std::FILE* const to = OnStandardOutput(flags).empty() ? stdout : stderr;
  std::fwrite(text.data(), 1, text.size(), to);
}

// What a sweep leaves in files, written as it becomes known: who ends a sweep of many hours has it.
class Outputs {
 public:
  Outputs(const Flags& flags, const sim::SweepOptions& options)
      : flags_(flags),
        options_(options),
        failures_(flags.no_failures ? std::nullopt : std::optional(flags.failures)) {
    so_far_.interrupted = true;
  }

  // False, and a line on stderr, if one cannot be written. What cannot be is better known before
  // the hours of the sweep than after.
  bool Open() {
    if (const auto problem = failures_.Problem()) return Complain(*problem);
    for (Lines* lines : {&json_, &fingerprints_}) {
      if (lines->path.empty() || lines->path == "-") continue;
      lines->file = std::fopen(lines->path.c_str(), "wb");
      if (lines->file == nullptr) return Complain(lines->flag, lines->path);
    }
    return SaveJUnit();
  }
  ~Outputs() {
    for (const Lines* lines : {&json_, &fingerprints_}) {
      if (lines->file != nullptr) std::fclose(lines->file);
    }
  }
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  void OnRun(const sim::SeedRun& run) {
    Add(&json_, sim::JsonLine(run));
    Add(&fingerprints_, sim::FingerprintLine(run));
  }
  void OnFailed(const sim::FailedSeed& failed) {
    // The others come at the end.
    if (so_far_.failed.size() >= FailureFiles::kMax) return;
    so_far_.failed.push_back(failed);
    std::ranges::sort(so_far_.failed, {}, &sim::FailedSeed::seed);
    if (const auto problem = failures_.Save(failed)) Complain(*problem);
    SaveJUnit();
  }
  void OnProgress(std::uint64_t done) { so_far_.seeds = done; }

  // False, and a line on stderr, if something could not be written.
  bool Close(const sim::SweepResult& result) {
    so_far_ = result;
    if (const auto problem = failures_.KeepTheFirst(result.failed)) Complain(*problem);
    Add(&json_, sim::JsonSummary(options_, result));
    SaveJUnit();
    return ok_;
  }
  std::vector<std::string> FailureFilePaths() const { return failures_.Paths(); }

 private:
  struct Lines {
    const char* flag;
    std::string path;
    std::FILE* file = nullptr;
  };

  bool Complain(const std::string& problem) {
    std::fprintf(stderr, "grass-sim: %s\n", problem.c_str());
    ok_ = false;
    return false;
  }
  bool Complain(const char* flag, const std::string& path) {
    return Complain(std::string(flag) + ": cannot write '" + path + "': " + std::strerror(errno));
  }
  void Add(Lines* lines, const std::string& text) {
    if (lines->path.empty()) return;
    std::FILE* const to = lines->path == "-" ? stdout : lines->file;
    if (std::fwrite(text.data(), 1, text.size(), to) != text.size() || std::fflush(to) != 0) {
      if (ok_) Complain(lines->flag, lines->path);
    }
  }
  bool SaveJUnit() {
    if (flags_.junit.empty()) return true;
    if (flags_.junit == "-") return true;
    if (sim::WriteFile(flags_.junit, sim::JUnitXml(options_, so_far_)).ok()) return true;
    return Complain("--junit", flags_.junit);
  }
  const Flags& flags_;
  const sim::SweepOptions& options_;
  Lines json_{"--json", flags_.json};
  Lines fingerprints_{"--fingerprints", flags_.fingerprints};
  sim::SweepResult so_far_;
  FailureFiles failures_;
  bool ok_ = true;
};

std::optional<sim::SweepOptions> OptionsOf(const Flags& flags) {
  sim::SweepOptions options;
  options.run = flags.run;
  options.jobs = flags.jobs;
  options.until_failure = flags.until_failure;
  options.seed_seconds = flags.seed_seconds;
  options.all_places = flags.all_places;
  if (const auto those = OnStandardOutput(flags); those.size() > 1) {
    std::fprintf(stderr, "grass-sim: %s - and %s -: only one of them; give the other one a file\n",
                 those[0].c_str(), those[1].c_str());
    return std::nullopt;
  }
  options.endless = !flags.seeds && (flags.minutes || flags.until_failure);
  if (options.endless) {
    options.last = sim::kSweepSeedsMax;
  } else if (const auto problem = ParseSeeds(flags.seeds.value_or(kSeeds), &options)) {
    std::fprintf(stderr, "grass-sim: --seeds '%s': %s\n", flags.seeds->c_str(), problem->c_str());
    return std::nullopt;
  }
  const absl::StatusOr<sim::Shard> shard = sim::ParseShard(flags.shard, Variable);
  if (!shard.ok()) {
    std::fprintf(stderr, "grass-sim: %s\n", std::string(shard.status().message()).c_str());
    return std::nullopt;
  }
  options.shard = *shard;
  if (flags.minutes) {
    const Clock::time_point end = Clock::now() + std::chrono::minutes(*flags.minutes);
    options.enough = [end] { return Clock::now() >= end; };
  }
  return options;
}

int Sweep(const Flags& flags) {
  std::optional<sim::SweepOptions> options = OptionsOf(flags);
  if (!options.has_value()) return kExitUsage;
  Outputs outputs(flags, *options);
  if (!outputs.Open()) return kExitUsage;
  options->on_run = [&outputs](const sim::SeedRun& run) { outputs.OnRun(run); };
  options->on_failed = [&outputs](const sim::FailedSeed& failed) { outputs.OnFailed(failed); };
  options->interrupted = [] { return interrupted != 0; };
  std::signal(SIGINT, EndSoon);
  std::signal(SIGTERM, EndSoon);
  sim::SweepResult result;
  {
    sim::SweepPace ends;
    if (!options->endless) ends.seeds_max = sim::SeedCount(*options);
    if (flags.minutes) ends.seconds_max = 60.0 * static_cast<double>(*flags.minutes);
    ProgressBar bar(ends);
    result = sim::Sweep(*options, [&](std::uint64_t done, std::uint64_t failed) {
      outputs.OnProgress(done);
      bar.Show(done, failed);
    });
  }
  const bool saved = outputs.Close(result);
  if (flags.junit == "-") Print(sim::JUnitXml(*options, result));
  Tell(flags, sim::Summary(*options, result, outputs.FailureFilePaths()));
  if (const auto missed = sim::MissedPlace(*options, result)) {
    std::fprintf(stderr, "grass-sim: --all-places: %s\n", missed->c_str());
  }
  switch (sim::VerdictOf(*options, result)) {
    case sim::Verdict::kFailed:
      return kExitViolation;
    case sim::Verdict::kInterrupted:
      return kExitInterrupted;
    case sim::Verdict::kPassed:
      break;
  }
  return saved ? kExitOk : kExitUsage;
}

}  // namespace

void AddSweep(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("sweep", "Runs many seeds");
  const auto flags = std::make_shared<Flags>();
  command
      ->add_option("--seeds", flags->seeds,
                   "A..B, both included; without it, --minutes and --until-failure take as many "
                   "seeds as they can, from 1 on")
      ->default_str(kSeeds);
  AddNumber(command, "--jobs", &flags->jobs, {1, 1024}, "Processes to run them in")
      ->default_str("2");
  AddRunFlags(command, &flags->run);
  command
      ->add_option("--shard", flags->shard,
                   "i/n: every n-th seed from the i-th on; auto: as the environment of a CI, Slurm "
                   "or Kubernetes job says (sim/README.md)")
      ->capture_default_str();
  AddNumber(command, "--minutes", &flags->minutes, {1, 1'000'000},
            "Begin no seed after so much real time");
  AddNumber(command, "--seed-seconds", &flags->seed_seconds, {1, 1'000'000},
            "A seed that takes more processor time has failed")
      ->default_str(std::to_string(flags->seed_seconds));
  command->add_flag("--until-failure", flags->until_failure, "End with the first seed that fails");
  CLI::Option* const failures =
      command
          ->add_option("--failures", flags->failures,
                       "A directory: the first 20 failing seeds each leave a file there; made when "
                       "the first fails")
          ->type_name("DIR")
          ->capture_default_str();
  command->add_flag("--no-failures", flags->no_failures, "Failing seeds leave no files")
      ->excludes(failures);
  command->add_option("--json", flags->json,
                      "JSON lines, one a seed and a summary; -: standard output, and what is for "
                      "people on standard error");
  command->add_option("--junit", flags->junit, "JUnit XML; - as with --json");
  command->add_option("--fingerprints", flags->fingerprints,
                      "Each seed's fingerprint, for grass-sim compare; - as with --json");
  command->add_flag("--all-places", flags->all_places,
                    "Fail if a probe or a rare path of the code was reached by no seed");
  command->callback([flags, exit_code] { *exit_code = Sweep(*flags); });
}

}  // namespace grassdb::sim_main
