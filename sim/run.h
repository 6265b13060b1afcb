// One seed from the plan to the verdict, as grass-sim and the tests use it.
#ifndef GRASSDB_SIM_RUN_H_
#define GRASSDB_SIM_RUN_H_

#include <optional>
#include <string>
#include <vector>

#include "sim/plan.h"
#include "sim/recorder.h"
#include "sim/schedule.h"
#include "sim/violation.h"

namespace grassdb::sim {

struct RunResult {
  std::uint64_t seed = 0;
  std::optional<Violation> violation;
  Fingerprint fingerprint;
  Counters counters;
  std::vector<std::uint8_t> reached;  // as in Recorder
  TrueTime ended;                     // virtual; with a violation, when it was found
  std::string trace;                  // the newest lines, if there is a violation
  // For a person, when there is a violation: what broke, when, the newest trace lines and, as its
  // last line, the command that repeats the run. Empty otherwise.
  std::string report;

  bool ok() const { return !violation.has_value(); }
};

// Runs in this thread. A broken rule, also a GRASS_CHECK of core or store, ends this run only.
// `sink` gets every trace line; it changes nothing about the run.
RunResult RunSeed(const RunOptions& options, const Recorder::Sink& sink = nullptr);

// As RunSeed, on a plan of the caller's own; `repeat` is how to run it again.
RunResult RunPlan(const Plan& plan, const Recorder::Sink& sink, const std::string& repeat);

// The first `events` events of a run, or all of it if it has no more.
struct Prefix {
  std::uint64_t events = 0;
  Fingerprint fingerprint;
  std::string newest_lines;  // of the trace
};
Prefix RunPrefix(const RunOptions& options, std::uint64_t events);

// Who looks on. Changes nothing about a run, unless the sink throws a Violation of its own.
struct RunObserver {
  Recorder::Sink sink;
  TraceWindow window;
  Recorder::Watch watch{};
  std::vector<Decision>* decisions = nullptr;  // gets those of choices.h that happen
};

RunResult RunSchedule(const Schedule& schedule, const RunObserver& observer = {},
                      const std::string& repeat = "");

// " --seed 7 --nodes 5 --set fault_wipe=0": all that shapes a run, for any command that takes it.
std::string FlagsFor(const RunOptions& options);

// "grass-sim run --seed 7 --nodes 5"
std::string CommandFor(const RunOptions& options);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_RUN_H_
