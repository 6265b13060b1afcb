// grass-sim sweep: many seeds.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bin/sim_commands.h"
#include "bin/sim_flags.h"
#include "sim/sweep.h"

namespace grassdb::sim_main {
namespace {

struct Flags {
  sim::RunOptions run;
  std::string seeds = "1..200";
  std::uint32_t jobs = 2;
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
    const std::uint64_t permille = done * 1000 / total_;
    if (!on_ || (permille == shown_ && failed == failed_)) return;
    shown_ = permille;
    failed_ = failed;
    constexpr std::uint64_t kWidth = 40;
    std::string bar(kWidth, ' ');
    std::fill_n(bar.begin(), static_cast<std::ptrdiff_t>(done * kWidth / total_), '=');
    std::fprintf(stderr, "\r[%s] %llu/%llu seeds, %llu failed", bar.c_str(),
                 static_cast<unsigned long long>(done), static_cast<unsigned long long>(total_),
                 static_cast<unsigned long long>(failed));
    std::fflush(stderr);
  }

 private:
  std::uint64_t total_;
  bool on_;
  std::uint64_t shown_ = UINT64_MAX;
  std::uint64_t failed_ = 0;
};

int Sweep(const Flags& flags) {
  sim::SweepOptions options;
  options.run = flags.run;
  options.jobs = flags.jobs;
  if (const auto problem = ParseSeeds(flags.seeds, &options)) {
    std::fprintf(stderr, "grass-sim: --seeds '%s': %s\n", flags.seeds.c_str(), problem->c_str());
    return kExitUsage;
  }
  sim::SweepResult result;
  {
    ProgressBar bar(sim::SeedCount(options));
    result = sim::Sweep(
        options, [&bar](std::uint64_t done, std::uint64_t failed) { bar.Show(done, failed); });
  }
  Print(sim::Summary(options, result));
  return result.failed.empty() ? kExitOk : kExitViolation;
}

}  // namespace

void AddSweep(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("sweep", "Runs many seeds");
  const auto flags = std::make_shared<Flags>();
  command->add_option("--seeds", flags->seeds, "A..B, both included")->capture_default_str();
  AddNumber(command, "--jobs", &flags->jobs, {1, 1024}, "Processes to run them in")
      ->default_str("2");
  AddRunFlags(command, &flags->run);
  command->callback([flags, exit_code] { *exit_code = Sweep(*flags); });
}

}  // namespace grassdb::sim_main
