// Runs a schedule again, step by step on replicas of its own: without a catalog, a digest or a
// symmetry. What it finds does not rest on them.
#ifndef GRASSDB_SIM_EXPLORE_REPLAY_H_
#define GRASSDB_SIM_EXPLORE_REPLAY_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/explore/bounds.h"
#include "sim/violation.h"

namespace grassdb::sim::explore {

struct ReplayResult {
  std::optional<Violation> violation;
  std::size_t steps = 0;  // done, the one that broke the rule included
  // A step that cannot be done: which and why, for a person. Nothing was found then.
  std::optional<std::string> problem;
  // Every step, and after it the node it happened to.
  std::string text;
};

// Ends with the first violation.
ReplayResult Replay(const Bounds& bounds, std::span<const std::string> steps);

// The text of a schedule in a file: its bounds, its steps, and lines of comment before them.
std::string FileOf(const Bounds& bounds, std::span<const std::string> steps,
                   const std::string& comment);

struct ScheduleFile {
  Bounds bounds;
  std::vector<std::string> steps;
};

// What FileOf wrote; else the problem, for a person.
std::optional<std::string> ParseFile(const std::string& text, ScheduleFile* file);

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_REPLAY_H_
