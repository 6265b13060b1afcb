// The file that a failing run leaves: all that is needed to run it again and to know whether it was
// the same, and what a person wants to read first. JSON, read strictly. Format version 3: the
// configuration is in the file, value by value, and a program that draws other plans from the seed
// runs it all the same. Versions 1 and 2 are read as well: their plans are drawn.
#ifndef GRASSDB_SIM_REPORT_FAILURE_FILE_H_
#define GRASSDB_SIM_REPORT_FAILURE_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/run.h"
#include "sim/schedule.h"
#include "sim/violation.h"

namespace grassdb::sim {

struct FailureFile {
  std::string build;
  Schedule schedule;
  Violation violation;
  std::uint64_t at_ns = 0;  // virtual
  std::uint64_t event = 0;
  std::string fingerprint;
  // For people: the command whose seed and settings came to the configuration, this in words, and
  // the newest lines of the trace.
  std::string drawn_by;
  std::vector<std::string> plan;
  std::vector<std::string> trace;
};

// Of a run of this build that broke a rule. What `schedule` sets is in the configuration then.
FailureFile FailureOf(const Schedule& schedule, const RunResult& result);

std::string TextOf(const FailureFile& failure);
// `name` is what errors call the file: one line, with the field.
absl::StatusOr<FailureFile> ParseFailure(std::string_view text, const std::string& name);

// "grass-sim-failure-17.json"
std::string FailureFileName(std::uint64_t seed);

// The whole file, or an error of one line that names it.
absl::StatusOr<std::string> ReadFile(const std::string& path);
absl::Status WriteFile(const std::string& path, std::string_view text);

// How `result`, a run of the failure's schedule, differs from what the file says, a line each.
// Empty: it is the same run.
std::string Difference(const FailureFile& failure, const RunResult& result);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_FAILURE_FILE_H_
