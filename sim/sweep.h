// Sweep: many seeds over several processes. The report does not depend on how many.
//
// Workers are processes, not threads: a seed that kills its process costs that seed, and is
// reported as such.
#ifndef GRASSDB_SIM_SWEEP_H_
#define GRASSDB_SIM_SWEEP_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/fault_mix.h"
#include "sim/plan.h"
#include "sim/recorder.h"
#include "sim/run.h"
#include "sim/sites.h"

namespace grassdb::sim {

// Of one sweep. More would take lifetimes, and the count of all seeds there are is no 64-bit
// number.
inline constexpr std::uint64_t kSweepSeedsMax = 1'000'000'000'000;

// Which part of a sweep this machine does: every count-th seed, from the index-th on.
struct Shard {
  std::uint64_t index = 1;  // from 1 to count
  std::uint64_t count = 1;
};

// "shard 2/8"
std::string NameOf(const Shard& shard);

struct FailedSeed {
  std::uint64_t seed = 0;
  std::string rule;    // or "process died", "seed without an end"
  std::string report;  // ends with the command that repeats the run
  std::string file;    // the text of its failure file (report/failure_file.h)
};

// One seed that was run.
struct SeedRun {
  std::uint64_t seed = 0;
  std::string rule;  // empty: it passed
  Fingerprint fingerprint;
  std::uint64_t events = 0;
  FaultMix mix;
};

// first <= last, and at most kSweepSeedsMax seeds.
struct SweepOptions {
  std::uint64_t first = 1;
  std::uint64_t last = 1;  // included
  // Nobody has said where the seeds end, and `last` is as far as they can be counted: what ends the
  // sweep is `until_failure`, `enough` or `interrupted`, and until then it is not short of any.
  bool endless = false;
  std::uint32_t jobs = 1;
  Shard shard;
  // Ends with the first seed, by number, that fails. What other workers have found behind it is
  // thrown away, so that the result is the same with any number of them.
  bool until_failure = false;
  // A seed that takes more processor time is killed and has failed (real time would blame a seed
  // for a machine that was stopped, or had other things to do): one in which time does not advance
  // would keep its worker for ever. 0: as long as it likes.
  std::uint32_t seed_seconds = 600;
  // Asked, in the worker, before a seed begins: true ends it. May be null.
  std::function<bool()> enough;
  // Asked several times a second, in the process that sweeps: true ends the sweep with what there
  // is. May be null.
  std::function<bool()> interrupted;
  // Told of each seed in their order, as soon as all before it are done; of what lies behind one
  // that is not, at the end. May be null; if it is not, nobody else keeps them, so that a sweep of
  // many days does not grow with its seeds.
  std::function<void(const SeedRun&)> on_run;
  // Told of each seed that fails when it is found, so in no order. May be null.
  std::function<void(const FailedSeed&)> on_failed;
  // The sweep fails if a place of the code was reached by none of its seeds.
  bool all_places = false;
  RunOptions run;  // its seed is not used
};

// Of the shard.
std::uint64_t SeedCount(const SweepOptions& options);
// "1..200" or, if it is endless, "from 1 on": behind the word "seeds".
std::string SeedsOf(const SweepOptions& options);

// Of the seeds in which a kind of fault was on, or two of them were.
struct FaultTally {
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
};
using FaultTallies = std::array<FaultTally, kMixKinds>;

struct SweepResult {
  std::uint64_t seeds = 0;         // that were run
  std::uint64_t wanted = 0;        // more than `seeds` if the sweep ended early
  Counters counters;               // of all runs that came to an end
  Fingerprint fingerprint;         // over the fingerprints of all seeds, in their order
  std::vector<FailedSeed> failed;  // by seed
  std::vector<SeedRun> runs;       // by seed; none where `on_run` was told of them
  FaultTallies by_fault{};         // by MixKind
  // By two of them, the lesser one first.
  std::array<FaultTallies, kMixKinds> by_pair{};
  SiteTally sites;           // of all runs that came to an end
  bool interrupted = false;  // or not yet at its end: not every seed that should be was looked at
};

enum class Verdict { kPassed, kFailed, kInterrupted };
Verdict VerdictOf(const SweepOptions& options, const SweepResult& result);
// With `all_places`, what is said of the first place that no seed has reached, if there is one.
std::optional<std::string> MissedPlace(const SweepOptions& options, const SweepResult& result);

// `progress` is told how many seeds are done and how many have failed.
using SweepProgress = std::function<void(std::uint64_t done, std::uint64_t failed)>;

// What a worker does with one seed.
using SeedRunner = std::function<RunResult(const RunOptions&)>;

SweepResult Sweep(
    const SweepOptions& options, const SweepProgress& progress,
    const SeedRunner& runner = [](const RunOptions& run) { return RunSeed(run); });

// The summary, failing seeds and, if there are any, the command that repeats the first one last.
// `files` are the failure files that there are, by seed.
std::string Summary(const SweepOptions& options, const SweepResult& result,
                    const std::vector<std::string>& files = {});

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_SWEEP_H_
