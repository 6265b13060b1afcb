#include "bench/micro.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <utility>

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
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(operations));
}

// Google Benchmark takes its options from a command line, of which it keeps the program's name.
void Initialize(const MicroOptions& options) {
  static char program[] = "grass-bench micro";
  std::vector<std::string> words = {
      "--benchmark_min_time=" + std::to_string(options.seconds),
      std::string("--benchmark_format=") + (options.json ? "json" : "console")};
  std::vector<char*> arguments = {program};
  for (std::string& word : words) arguments.push_back(word.data());
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
  benchmark::RunSpecifiedBenchmarks();
  benchmark::ClearRegisteredBenchmarks();
  benchmark::Shutdown();
  return absl::OkStatus();
}

absl::Status CountMicro(const MicroOptions& options) {
  const std::vector<MicroCase> chosen = Chosen(options.filter);
  if (chosen.empty()) return NothingChosen(options.filter);
  for (const MicroCase& each : chosen) {
    absl::StatusOr<std::unique_ptr<MicroBenchmark>> made = each.make(options);
    if (!made.ok()) return made.status();
    (*made)->Run(each.batch);  // what is done once, and memory that is kept
    const std::uint64_t done = CountedRun(**made, each.counted);
    std::printf("%s %llu\n", each.name.c_str(), static_cast<unsigned long long>(done));
  }
  return absl::OkStatus();
}

}  // namespace grassdb::bench
