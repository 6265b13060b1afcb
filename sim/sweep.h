// Sweep: many seeds over several processes. The report does not depend on how many.
//
// Workers are processes, not threads: a seed that kills its process costs that seed, and is
// reported as such.
#ifndef GRASSDB_SIM_SWEEP_H_
#define GRASSDB_SIM_SWEEP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/plan.h"
#include "sim/recorder.h"
#include "sim/run.h"

namespace grassdb::sim {

// Of one sweep. More would take lifetimes, and the count of all seeds there are is no 64-bit
// number.
inline constexpr std::uint64_t kSweepSeedsMax = 1'000'000'000'000;

// first <= last, and at most kSweepSeedsMax seeds.
struct SweepOptions {
  std::uint64_t first = 1;
  std::uint64_t last = 1;  // included
  std::uint32_t jobs = 1;
  RunOptions run;  // its seed is not used
};

std::uint64_t SeedCount(const SweepOptions& options);

struct FailedSeed {
  std::uint64_t seed = 0;
  std::string rule;    // or "process died"
  std::string report;  // ends with the command that repeats the run
};

struct SweepResult {
  std::uint64_t seeds = 0;
  Counters counters;               // of all runs that came to an end
  Fingerprint fingerprint;         // over the fingerprints of all seeds, in their order
  std::vector<FailedSeed> failed;  // by seed
};

// `progress` is told how many seeds are done and how many have failed.
using SweepProgress = std::function<void(std::uint64_t done, std::uint64_t failed)>;

// What a worker does with one seed.
using SeedRunner = std::function<RunResult(const RunOptions&)>;

SweepResult Sweep(
    const SweepOptions& options, const SweepProgress& progress,
    const SeedRunner& runner = [](const RunOptions& run) { return RunSeed(run); });

// The summary, failing seeds and, if there are any, the command that repeats the first one last.
std::string Summary(const SweepOptions& options, const SweepResult& result);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_SWEEP_H_
