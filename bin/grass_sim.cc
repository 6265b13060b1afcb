// grass-sim: runs whole simulated clusters from a seed. A thin main; everything else is in sim/.
//
// Exit codes: 0 every rule held, 1 a rule was broken, 2 usage.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "sim/plan.h"
#include "sim/run.h"
#include "sim/sweep.h"

namespace {

namespace sim = grassdb::sim;

constexpr int kExitOk = 0;
constexpr int kExitViolation = 1;
constexpr int kExitUsage = 2;

struct Flags {
  sim::RunOptions run;
  bool verbose = false;
  bool trace = false;
  std::string seeds = "1..200";
  std::uint32_t jobs = 2;
};

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = UINT64_MAX;
};

// Decimal digits and nothing else.
std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

// The type of the number itself, also where the flag may be left out.
template <class Value>
struct NumberIn {
  using Type = Value;
};
template <class Value>
struct NumberIn<std::optional<Value>> {
  using Type = Value;
};

// A flag with a whole number in `range`. By hand: CLI11 takes -1 and what is too large for the
// nearest number it has, without a word.
template <class Value>
CLI::Option* AddNumber(CLI::App* command, const std::string& flag, Value* value, Range range,
                       const std::string& help) {
  return command
      ->add_option_function<std::string>(
          flag,
          [flag, value, range](const std::string& text) {
            const std::optional<std::uint64_t> number = ParseNumber(text);
            if (!number.has_value() || *number < range.min || *number > range.max) {
              throw CLI::ValidationError(flag + " '" + text + "': expected a whole number from " +
                                         std::to_string(range.min) + " to " +
                                         std::to_string(range.max));
            }
            *value = static_cast<typename NumberIn<Value>::Type>(*number);
          },
          help)
      ->type_name("N");
}

void AddRunFlags(CLI::App* command, Flags* flags) {
  AddNumber(command, "--nodes", &flags->run.nodes, {1, 7},
            "Nodes of the cluster; drawn if not given")
      ->check([](const std::string& text) {
        constexpr std::array<std::string_view, 4> kSizes = {"1", "3", "5", "7"};
        const bool known = std::ranges::find(kSizes, text) != kSizes.end();
        return known ? std::string() : "'" + text + "': expected 1, 3, 5 or 7";
      });
  AddNumber(command, "--steps", &flags->run.steps, {.min = 1},
            "Faults end after so many events; with --seconds, whichever comes first");
  AddNumber(command, "--seconds", &flags->run.seconds, {1, 1'000'000},
            "Faults end after so many simulated seconds; drawn without either flag");
}

int Run(const Flags& flags) {
  if (flags.verbose) Print(sim::Describe(sim::DrawPlan(flags.run)));
  sim::Recorder::Sink sink;
  if (flags.trace) {
    sink = [](std::string_view line) {
      Print(line);
      Print("\n");
    };
  }
  const sim::RunResult result = sim::RunSeed(flags.run, sink);
  if (!result.ok()) {
    Print(result.report);
    return kExitViolation;
  }
  const sim::Counters& c = result.counters;
  std::printf(
      "seed %llu: ok, %llu events in %llu.%03llu simulated seconds, %llu operations, "
      "%llu elections won, %llu crashes\n",
      static_cast<unsigned long long>(result.seed), static_cast<unsigned long long>(c.events),
      static_cast<unsigned long long>(c.simulated_ns / 1'000'000'000),
      static_cast<unsigned long long>(c.simulated_ns / 1'000'000 % 1000),
      static_cast<unsigned long long>(c.operations_ok),
      static_cast<unsigned long long>(c.elections_won), static_cast<unsigned long long>(c.crashes));
  if (c.keys_undecided > 0) {
    std::printf("the search for a linearization gave up on %llu keys\n",
                static_cast<unsigned long long>(c.keys_undecided));
  }
  Print("fingerprint: " + result.fingerprint.Hex() + "\n");
  return kExitOk;
}

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

// How fast the simulator is; the only place that looks at a real clock.
int Bench(const Flags& flags) {
  sim::RunOptions options = flags.run;
  options.nodes = options.nodes.value_or(3);
  options.seconds = options.seconds.value_or(60);
  std::array<double, 5> seconds{};
  sim::RunResult result;
  for (double& taken : seconds) {
    const auto begin = std::chrono::steady_clock::now();
    result = sim::RunSeed(options);
    taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!result.ok()) {
      Print(result.report);
      return kExitViolation;
    }
  }
  std::ranges::sort(seconds);
  const double median = seconds[2];
  const auto rate = [median](std::uint64_t count) {
    return static_cast<unsigned long long>(static_cast<double>(count) / median);
  };
  std::printf("events/s: %llu\nmessages/s: %llu\nI/Os/s: %llu\nsimulated seconds/s: %llu\n",
              rate(result.counters.events), rate(result.counters.messages_sent),
              rate(result.counters.ios), rate(result.counters.simulated_ns) / 1'000'000'000);
  return kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs whole grassdb clusters in deterministic simulation");
  app.set_version_flag("--version", "grass-sim " GRASSDB_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  Flags flags;
  CLI::App* run = app.add_subcommand("run", "Runs one seed");
  AddNumber(run, "--seed", &flags.run.seed, {}, "The seed: draws and repeats everything")
      ->required();
  AddRunFlags(run, &flags);
  run->add_flag("--verbose", flags.verbose, "Prints the plan drawn from the seed");
  run->add_flag("--trace", flags.trace, "Prints every event");
  CLI::App* sweep = app.add_subcommand("sweep", "Runs many seeds");
  sweep->add_option("--seeds", flags.seeds, "A..B, both included")->capture_default_str();
  AddNumber(sweep, "--jobs", &flags.jobs, {1, 1024}, "Processes to run them in")->default_str("2");
  AddRunFlags(sweep, &flags);
  CLI::App* bench = app.add_subcommand("bench", "Measures the simulator: the median of five runs");
  AddNumber(bench, "--seed", &flags.run.seed, {}, "The seed to run")->default_str("1");
  AddRunFlags(bench, &flags);
  // CLI11 would only say that a subcommand is missing.
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (!first.starts_with("-") && first != "run" && first != "sweep" && first != "bench") {
    const std::string problem =
        argc > 1 ? "unknown command '" + std::string(first) + "'; one of" : "which command? One of";
    std::fprintf(stderr, "grass-sim: %s run, sweep, bench (see grass-sim --help)\n",
                 problem.c_str());
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "grass-sim: %s\n", error.what());
    return kExitUsage;
  }
  if (run->parsed()) return Run(flags);
  if (sweep->parsed()) return Sweep(flags);
  return Bench(flags);
}
