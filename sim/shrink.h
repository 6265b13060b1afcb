// Shrink: makes a failing schedule as small as it goes while the same rule fails at the same place
// (delta debugging, Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input",
// 2002). In turn: the end of the run, its sizes, then, over what the run recorded, whole kinds of
// fault, single faults, clients, operations, and the faults of single messages, I/Os and crashes.
//
// Every candidate is run, so the result fails as the first one did, and is a schedule like any
// other. It is small, not smallest: no single decision can be left out any more, unless `enough`
// ended the search before.
#ifndef GRASSDB_SIM_SHRINK_H_
#define GRASSDB_SIM_SHRINK_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/run.h"
#include "sim/schedule.h"

namespace grassdb::sim {

// What a schedule comes to until its violation.
struct ScheduleSize {
  std::uint64_t events = 0;
  std::uint64_t virtual_ns = 0;
  std::uint32_t nodes = 0;
  std::uint32_t clients = 0;
  std::uint64_t operations = 0;
  std::uint64_t faults = 0;
  std::uint64_t message_faults = 0;
  std::uint64_t disk_faults = 0;
};

struct ShrinkResult {
  Schedule schedule;
  RunResult run;  // of `schedule`
  ScheduleSize before;
  ScheduleSize after;
  std::uint64_t runs = 0;
};

// Runs a schedule; `decisions` gets what happened.
using ScheduleRunner =
    std::function<RunResult(const Schedule& schedule, std::vector<Decision>* decisions)>;
RunResult RunNoting(const Schedule& schedule, std::vector<Decision>* decisions);

// nullopt if the schedule breaks no rule. `enough` is asked before every run, and may be null.
std::optional<ShrinkResult> Shrink(const Schedule& schedule, const std::function<bool()>& enough,
                                   const ScheduleRunner& runner = RunNoting);

// The table of before and after.
std::string Describe(const ShrinkResult& result);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_SHRINK_H_
