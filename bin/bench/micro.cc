#include "bin/bench/micro.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"

namespace grassdb::bench {

// Not in the unnamed namespace and never inlined: tests/bench/instructions.sh tells callgrind its
// name. The check keeps the call from being its last, which would be a jump.
[[gnu::noinline]] std::uint64_t CountedRun(MicroBenchmark& benchmark, std::uint64_t operations) {
  const std::uint64_t done = benchmark.Run(operations);
  GRASS_CHECK_EQ(done, operations);
  return done;
}

namespace {

constexpr const char* kInterrupted = "interrupted";

// Whether nobody wants to know more.
bool Ends(const MicroOptions& options) {
  return std::ferror(stdout) != 0 || (options.ends_early && options.ends_early());
}

absl::Status WhyItEnds() {
  return std::ferror(stdout) != 0 ? absl::DataLossError("the figures could not be written")
                                  : absl::CancelledError(kInterrupted);
}

std::vector<MicroCase> Chosen(const std::string& filter) {
  std::vector<MicroCase> chosen;
  for (const MicroCase& each : MicroCases()) {
    if (each.name.find(filter) != std::string::npos) chosen.push_back(each);
  }
  return chosen;
}

absl::Status NothingChosen(const std::string& filter) {
  std::string names;
  for (const MicroCase& each : MicroCases()) names += (names.empty() ? "" : ", ") + each.name;
  return absl::NotFoundError("--filter '" + filter + "' is part of no name; there are " + names);
}

// The benchmark made and warm, or a state that says why not.
std::unique_ptr<MicroBenchmark> Make(const MicroCase& each, const MicroOptions& options,
                                     benchmark::State& state) {
  if (Ends(options)) {
    state.SkipWithError(kInterrupted);
    return nullptr;
  }
  absl::StatusOr<std::unique_ptr<MicroBenchmark>> made = each.make(options);
  if (!made.ok()) {
    state.SkipWithError(std::string(made.status().message()).c_str());
    return nullptr;
  }
  (*made)->Run(each.batch);
  return *std::move(made);
}

void Measure(const MicroCase& each, const MicroOptions& options, benchmark::State& state) {
  const std::unique_ptr<MicroBenchmark> made = Make(each, options, state);
  if (made == nullptr) return;
  std::uint64_t operations = 0;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(each.batch))) {
    const std::uint64_t done = made->Run(each.batch);
    GRASS_CHECK_EQ(done, each.batch);
    operations += done;
    if (Ends(options)) {
      state.SkipWithError(kInterrupted);
      break;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(operations));
}

using Runs = std::vector<benchmark::BenchmarkReporter::Run>;

// Without those that were not to be carried out any more.
Runs Ended(const Runs& runs) {
  Runs ended;
  for (const auto& run : runs) {
    if (!run.error_occurred || run.error_message != kInterrupted) ended.push_back(run);
  }
  return ended;
}

// "NAME: WHY" of those that could not be carried out.
void AddFailures(const Runs& runs, std::vector<std::string>& failures) {
  for (const auto& run : runs) {
    if (run.error_occurred) failures.push_back(run.benchmark_name() + ": " + run.error_message);
  }
}

// A line an operation. Google Benchmark's own table begins with what it knows of the machine, and
// with a warning that it was built for debugging, as Debian builds it: that is true of the loop
// around the operations only.
class TextReporter final : public benchmark::BenchmarkReporter {
 public:
  explicit TextReporter(std::vector<std::string>* failures) : failures_(failures) {}

  bool ReportContext(const Context& context) override {
    width_ = context.name_field_width;
    Print(fmt::format("{:<{}} {:>14} {:>16}\n", "operation", width_, "ns", "a second"));
    return true;
  }
  void ReportRuns(const Runs& runs) override {
    const Runs ended = Ended(runs);
    for (const Run& run : ended) {
      if (run.error_occurred) {
        Print(fmt::format("{:<{}} FAILED: {}\n", run.benchmark_name(), width_, run.error_message));
        continue;
      }
      const double nanoseconds = run.GetAdjustedRealTime();
      Print(fmt::format("{:<{}} {:>14.1f} {:>16.0f}\n", run.benchmark_name(), width_, nanoseconds,
                        1e9 / nanoseconds));
    }
    AddFailures(ended, *failures_);
  }

 private:
  // Where nobody reads any more, fmt::print would throw through Google Benchmark.
  static void Print(const std::string& line) {
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
  }

  std::vector<std::string>* failures_;
  std::size_t width_ = 0;
};

class JsonReporter final : public benchmark::JSONReporter {
 public:
  explicit JsonReporter(std::vector<std::string>* failures) : failures_(failures) {}
  void ReportRuns(const Runs& runs) override {
    const Runs ended = Ended(runs);
    benchmark::JSONReporter::ReportRuns(ended);
    GetOutputStream().flush();
    AddFailures(ended, *failures_);
  }

 private:
  std::vector<std::string>* failures_;
};

void Report(const MicroOptions& options, std::vector<std::string>* failures) {
  if (options.json) {
    [[maybe_unused]] static const bool once = [] {
      benchmark::AddCustomContext(
          "about_library_build_type",
          "Google Benchmark's own, as the system has it: of the loop around the operations only");
      return true;
    }();
    JsonReporter reporter(failures);
    benchmark::RunSpecifiedBenchmarks(&reporter);
  } else {
    TextReporter reporter(failures);
    benchmark::RunSpecifiedBenchmarks(&reporter);
  }
}

// Google Benchmark takes its options from a command line, of which it keeps the program's name.
void Initialize(const MicroOptions& options) {
  static char program[] = "grass-bench micro";
  std::string time = "--benchmark_min_time=" + std::to_string(options.seconds);
  std::vector<char*> arguments = {program, time.data()};
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
}

}  // namespace

absl::Status RunMicro(const MicroOptions& options) {
  const std::vector<MicroCase> chosen = Chosen(options.filter);
  if (chosen.empty()) return NothingChosen(options.filter);
  Initialize(options);
  for (const MicroCase& each : chosen) {
    benchmark::RegisterBenchmark(each.name.c_str(), [each, &options](benchmark::State& state) {
      Measure(each, options, state);
    });
  }
  std::vector<std::string> failures;
  Report(options, &failures);
  // Not benchmark::Shutdown: it frees what AddCustomContext has made, and a second one again.
  benchmark::ClearRegisteredBenchmarks();
  if (Ends(options)) return WhyItEnds();
  if (failures.empty()) return absl::OkStatus();
  std::string text;
  for (const std::string& failure : failures) text += (text.empty() ? "" : "; ") + failure;
  return absl::InternalError(
      fmt::format("{} of {} failed: {}", failures.size(), chosen.size(), text));
}

absl::Status CountMicro(const MicroOptions& options) {
  const std::vector<MicroCase> chosen = Chosen(options.filter);
  if (chosen.empty()) return NothingChosen(options.filter);
  for (const MicroCase& each : chosen) {
    if (Ends(options)) return WhyItEnds();
    absl::StatusOr<std::unique_ptr<MicroBenchmark>> made = each.make(options);
    if (!made.ok()) return made.status();
    (*made)->Run(each.batch);  // what is done once, and memory that is kept
    const std::uint64_t done = CountedRun(**made, each.counted);
    std::printf("%s %llu\n", each.name.c_str(), static_cast<unsigned long long>(done));
  }
  return absl::OkStatus();
}

}  // namespace grassdb::bench
