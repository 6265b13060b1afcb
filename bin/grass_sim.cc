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

void AddRunFlags(CLI::App* command, Flags* flags) {
  command->add_option("--nodes", flags->run.nodes, "Nodes of the cluster; drawn if not given")
      ->check(CLI::IsMember({1, 3, 5, 7}));
  command->add_option("--steps", flags->run.steps, "Faults end after so many events")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--seconds", flags->run.seconds,
                   "Faults end after so many simulated seconds; drawn if not given")
      ->check(CLI::Range(1u, 1'000'000u));
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

// "A..B" with A <= B, or one number.
bool ParseSeeds(std::string_view text, sim::SweepOptions* options) {
  const auto number = [](std::string_view part, std::uint64_t* value) {
    const char* end = part.data() + part.size();
    const auto [at, error] = std::from_chars(part.data(), end, *value);
    return error == std::errc() && at == end && !part.empty();
  };
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    if (!number(text, &options->first)) return false;
    options->last = options->first;
    return true;
  }
  return number(text.substr(0, dots), &options->first) &&
         number(text.substr(dots + 2), &options->last) && options->first <= options->last;
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
  if (!ParseSeeds(flags.seeds, &options)) {
    std::fprintf(stderr, "grass-sim: --seeds wants A..B with A <= B, not \"%s\"\n",
                 flags.seeds.c_str());
    return kExitUsage;
  }
  sim::SweepResult result;
  {
    ProgressBar bar(options.last - options.first + 1);
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
  app.require_subcommand(1);
  Flags flags;
  CLI::App* run = app.add_subcommand("run", "Runs one seed");
  run->add_option("--seed", flags.run.seed, "The seed: draws and repeats everything")->required();
  AddRunFlags(run, &flags);
  run->add_flag("--verbose", flags.verbose, "Prints the plan drawn from the seed");
  run->add_flag("--trace", flags.trace, "Prints every event");
  CLI::App* sweep = app.add_subcommand("sweep", "Runs many seeds");
  sweep->add_option("--seeds", flags.seeds, "A..B, both included")->capture_default_str();
  sweep->add_option("--jobs", flags.jobs, "Processes to run them in")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  AddRunFlags(sweep, &flags);
  CLI::App* bench = app.add_subcommand("bench", "Measures the simulator: the median of five runs");
  bench->add_option("--seed", flags.run.seed, "The seed to run")->capture_default_str();
  AddRunFlags(bench, &flags);
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
