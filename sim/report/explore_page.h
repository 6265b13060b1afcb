// A schedule of an exploration (sim/explore/replay.h) as a page of `grass-sim explain`. It is run
// again. An exploration has no time: each step is shown a millisecond behind the one before, and
// what it sends leaves at once.
#ifndef GRASSDB_SIM_REPORT_EXPLORE_PAGE_H_
#define GRASSDB_SIM_REPORT_EXPLORE_PAGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "sim/explore/replay.h"
#include "sim/report/explain_page.h"

namespace grassdb::sim {

struct ExplainedSchedule {
  ExplainedRun run;  // has no fingerprint, and of the counters the events: the steps
  PageWords words;
};

// `name` is what the file is called. InvalidArgument, with the step and the reason, if a step
// cannot be done.
absl::StatusOr<ExplainedSchedule> ExplainSchedule(const explore::ScheduleFile& file,
                                                  const std::string& name);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_EXPLORE_PAGE_H_
