#include "bin/sim_flags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace grassdb::sim_main {

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

void AddRunFlags(CLI::App* command, sim::RunOptions* run) {
  AddNumber(command, "--nodes", &run->nodes, {1, 7}, "Nodes of the cluster; drawn if not given")
      ->check([](const std::string& text) {
        constexpr std::array<std::string_view, 4> kSizes = {"1", "3", "5", "7"};
        const bool known = std::ranges::find(kSizes, text) != kSizes.end();
        return known ? std::string() : "'" + text + "': expected 1, 3, 5 or 7";
      });
  AddNumber(command, "--steps", &run->steps, {.min = 1},
            "Faults end after so many events; with --seconds, whichever comes first");
  AddNumber(command, "--seconds", &run->seconds, {1, 1'000'000},
            "Faults end after so many simulated seconds; drawn without either flag");
}

std::optional<std::string> LoadSchedule(const std::string& file,
                                        const std::optional<std::uint64_t>& seed,
                                        const sim::RunOptions& run, sim::Schedule* schedule,
                                        std::optional<sim::FailureFile>* failure) {
  if (file.empty() != seed.has_value()) return "give either a FILE or --seed N";
  if (seed.has_value()) {
    schedule->run = run;
    schedule->run.seed = *seed;
    return std::nullopt;
  }
  if (run.nodes || run.steps || run.seconds) {
    return "--nodes, --steps and --seconds go with --seed; '" + file + "' has its own";
  }
  const absl::StatusOr<std::string> text = sim::ReadFile(file);
  if (!text.ok()) return std::string(text.status().message());
  absl::StatusOr<sim::FailureFile> parsed = sim::ParseFailure(*text, file);
  if (!parsed.ok()) return std::string(parsed.status().message());
  *schedule = parsed->schedule;
  *failure = *std::move(parsed);
  return std::nullopt;
}

}  // namespace grassdb::sim_main
