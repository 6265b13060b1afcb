// Apart: a run in a process of its own. One that has no end, or kills its process, costs itself.
#ifndef GRASSDB_SIM_APART_H_
#define GRASSDB_SIM_APART_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/run.h"
#include "sim/shrink.h"

namespace grassdb::sim {

// SIGPROF ends this process when it has taken so much processor time from now on, if nothing else
// does; 0: nothing will.
void EndAfter(std::uint32_t seconds);

// Ends this process if nobody reads the pipe any more.
void WriteAll(int pipe, const void* data, std::size_t size);

// What a process died of, by its status, that had `seconds` of processor time for a run.
struct Death {
  std::string rule;  // "process died" or "seed without an end"
  std::string text;  // without the end of a line
};
Death DeathOf(int status, std::uint32_t seconds);

struct ApartLimits {
  // Of processor time; 0: as long as it likes.
  std::uint32_t seconds = 0;
  // Asked several times a second: true ends the run. May be null.
  std::function<bool()> enough;
};

// nullopt: `enough` has ended the run. A run that dies has broken the rule of its Death, and has
// come to no decisions. `decisions` gets those of the others.
std::optional<RunResult> RunApart(const Schedule& schedule, const ApartLimits& limits,
                                  std::vector<Decision>* decisions,
                                  const ScheduleRunner& runner = RunNoting);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_APART_H_
