// The page of `grass-sim explain`: one HTML file that shows a run's timeline and needs nothing but
// a browser. Its template is sim/report/explain/, put into the program when it is built.
//
// A page holds at most TimelineLimits::rows messages and points, the newest, and says what it
// leaves out; --from and --until choose another part. Roles, faults, cuts and operations are there
// as far as they reach into what is shown.
#ifndef GRASSDB_SIM_REPORT_EXPLAIN_PAGE_H_
#define GRASSDB_SIM_REPORT_EXPLAIN_PAGE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "sim/report/timeline.h"
#include "sim/run.h"
#include "sim/schedule.h"

namespace grassdb::sim {

struct ExplainedRun {
  RunResult result;
  Timeline timeline;
};
// Runs `schedule` and records it.
ExplainedRun Explain(const Schedule& schedule, const TimelineLimits& limits,
                     const std::string& repeat);

// What stands on a page besides the timeline.
struct PageWords {
  std::string name;     // of the run: "seed 7"
  std::string finding;  // a line about its end
  std::string plan;     // what it was: lines
  std::string notice;   // a line for the top, or empty
};

// What the page's scripts read (explain/data.js): JSON that cannot end the script it stands in. The
// same run gives the same bytes.
std::string DataOf(const std::string& name, const ExplainedRun& run);

// The whole page.
std::string PageOf(const PageWords& words, const ExplainedRun& run);
// Of Explain(schedule, ...).
std::string PageOf(const Schedule& schedule, const ExplainedRun& run, const std::string& notice);

// As WriteFile, and what is there stays whole until the new file is.
absl::Status ReplaceFile(const std::string& path, std::string_view text);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_EXPLAIN_PAGE_H_
