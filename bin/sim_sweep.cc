// grass-sim sweep: many seeds. The clock is looked at for --minutes and the progress bar only.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/report/failure_file.h"
#include "sim/report/shard.h"
#include "sim/report/sweep_report.h"
#include "sim/sweep.h"

namespace grassdb::sim_main {
namespace {

using Clock = std::chrono::steady_clock;

// Of one sweep: whoever breaks every seed does not want a million files.
constexpr std::size_t kFailureFilesMax = 20;

struct Flags {
  sim::RunOptions run;
  std::string seeds = "1..200";
  std::uint32_t jobs = 2;
  std::string shard = "1/1";
  std::optional<std::uint64_t> minutes;
  bool until_failure = false;
  std::string failures;
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
  explicit ProgressBar(std::uint64_t total) : total_(total), on_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressBar() {
    if (on_) std::fputs("\r\033[K", stderr);
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Show(std::uint64_t done, std::uint64_t failed) {
    const Clock::time_point now = Clock::now();
    if (!on_ || (now - shown_ < std::chrono::milliseconds(100) && failed == failed_)) return;
    shown_ = now;
    failed_ = failed;
    constexpr std::uint64_t kWidth = 40;
    std::string bar(kWidth, ' ');
    std::fill_n(bar.begin(), static_cast<std::ptrdiff_t>(done * kWidth / total_), '=');
    const double seconds = std::chrono::duration<double>(now - began_).count();
    const double rate = static_cast<double>(done) / std::max(seconds, 1e-3);
    const double left = static_cast<double>(total_ - done) / std::max(rate, 1e-9);
    std::fprintf(stderr, "\r[%s] %llu/%llu seeds, %llu failed, %.1f/s, %.0f s left\033[K",
                 bar.c_str(), static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(total_), static_cast<unsigned long long>(failed),
                 rate, left);
    std::fflush(stderr);
  }

 private:
  std::uint64_t total_;
  bool on_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point shown_;
  std::uint64_t failed_ = 0;
};

// False, and a line on stderr, if it cannot be written.
bool Save(const char* flag, const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  if (path == "-") {
    Print(text);
    return true;
  }
  const absl::Status status = sim::WriteFile(path, text);
  if (status.ok()) return true;
  std::fprintf(stderr, "grass-sim: %s: %s\n", flag, std::string(status.message()).c_str());
  return false;
}

bool SaveFailures(const Flags& flags, const sim::SweepResult& result) {
  if (flags.failures.empty()) return true;
  const std::size_t count = std::min(result.failed.size(), kFailureFilesMax);
  for (std::size_t i = 0; i < count; ++i) {
    const sim::FailedSeed& failed = result.failed[i];
    const std::string path = flags.failures + "/" + sim::FailureFileName(failed.seed);
    if (!Save("--failures", path, failed.file)) return false;
    Print("wrote " + path + "\n");
  }
  return true;
}

std::optional<sim::SweepOptions> OptionsOf(const Flags& flags) {
  sim::SweepOptions options;
  options.run = flags.run;
  options.jobs = flags.jobs;
  options.until_failure = flags.until_failure;
  if (const auto problem = ParseSeeds(flags.seeds, &options)) {
    std::fprintf(stderr, "grass-sim: --seeds '%s': %s\n", flags.seeds.c_str(), problem->c_str());
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
  const std::optional<sim::SweepOptions> options = OptionsOf(flags);
  if (!options.has_value()) return kExitUsage;
  // What cannot be written is better known before the hours of the sweep than after.
  if (!flags.failures.empty() && access(flags.failures.c_str(), W_OK | X_OK) != 0) {
    std::fprintf(stderr, "grass-sim: --failures '%s': no directory to write to; make it first\n",
                 flags.failures.c_str());
    return kExitUsage;
  }
  for (const auto& [flag, path] :
       {std::pair("--json", &flags.json), std::pair("--junit", &flags.junit),
        std::pair("--fingerprints", &flags.fingerprints)}) {
    if (*path != "-" && !Save(flag, *path, "")) return kExitUsage;
  }
  sim::SweepResult result;
  {
    ProgressBar bar(std::max<std::uint64_t>(sim::SeedCount(*options), 1));
    result = sim::Sweep(
        *options, [&bar](std::uint64_t done, std::uint64_t failed) { bar.Show(done, failed); });
  }
  const bool saved = SaveFailures(flags, result) &&
                     Save("--json", flags.json, sim::JsonLines(*options, result)) &&
                     Save("--junit", flags.junit, sim::JUnitXml(*options, result)) &&
                     Save("--fingerprints", flags.fingerprints, sim::Fingerprints(result));
  // JSON lines on standard output are for a program.
  if (flags.json != "-") Print(sim::Summary(*options, result));
  if (!result.failed.empty()) return kExitViolation;
  if (flags.all_places && !result.sites.Unreached().empty()) {
    std::fprintf(stderr, "grass-sim: --all-places: no seed of the sweep reached '%s'\n",
                 result.sites.Unreached().front().c_str());
    return kExitViolation;
  }
  return saved ? kExitOk : kExitUsage;
}

}  // namespace

void AddSweep(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("sweep", "Runs many seeds");
  const auto flags = std::make_shared<Flags>();
  command->add_option("--seeds", flags->seeds, "A..B, both included")->capture_default_str();
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
  command->add_flag("--until-failure", flags->until_failure, "End with the first seed that fails");
  command->add_option("--failures", flags->failures,
                      "An existing directory: the first 20 failing seeds each leave a file there");
  command->add_option("--json", flags->json, "JSON lines, one a seed and a summary; - is stdout");
  command->add_option("--junit", flags->junit, "JUnit XML");
  command->add_option("--fingerprints", flags->fingerprints,
                      "Each seed's fingerprint, for grass-sim compare");
  command->add_flag("--all-places", flags->all_places,
                    "Fail if a probe or a rare path of the code was reached by no seed");
  command->callback([flags, exit_code] { *exit_code = Sweep(*flags); });
}

}  // namespace grassdb::sim_main
