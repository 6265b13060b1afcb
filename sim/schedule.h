// Schedule: a run as a value that can be written down, edited and run again. The seed decides
// everything; on top of it a schedule may
//
//   - set single dimensions of the plan (`edits`): fewer nodes, fewer clients, a shorter run;
//   - say which decisions happen at all (`only`): these crashes, these lost messages, these
//     operations, and nothing else of choices.h.
//
// Where a schedule has a `configuration`, every value of the plan is there, and nothing is drawn:
// it is the same run with a program that draws other plans. Edits are set on top of it.
//
// Because every decision is keyed by what it is about, what is left happens as it did. A schedule
// without edits is the seed. What is kept is listed rather than what is left out: a run that has
// been changed comes to decisions that the first one never came to, and a small schedule should
// stay small.
#ifndef GRASSDB_SIM_SCHEDULE_H_
#define GRASSDB_SIM_SCHEDULE_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/choices.h"
#include "sim/edits.h"
#include "sim/plan.h"

namespace grassdb::sim {

struct Schedule {
  // With a configuration, only its seed and its edits count.
  RunOptions run;
  std::optional<Edits> configuration{};
  std::optional<std::vector<Decision>> only;  // sorted, each once
};

// What may stand in `edits`.
std::vector<std::string> EditNames();

// What is set stays, and what is drawn gives way to it. `together` counts as set before all others.
// Of options that contradict each other the plan is cut to what can be. A configuration is taken as
// it is.
Plan PlanOf(const RunOptions& options);
Plan PlanOf(const Schedule& schedule);
// What of the options cannot all be so, with its names and the way out, for a person.
std::optional<std::string> Contradiction(const RunOptions& options);
// Adds what is farther from the user than all that is there: what is there stays, and of the sizes
// of the cluster what contradicts it is left out.
void AddFarther(const Edits& farther, RunOptions* options);
// The options, of a file of the version before, in which edits counted in the order of their names:
// with the edits that mean the same plan now.
RunOptions InOrder(RunOptions options);

// NAME=VALUE of the command line into `edits`. What is wrong with it, for a person.
std::optional<std::string> AddEdit(std::string_view text, Edits* edits);
// A profile: a JSON object of names and values as in `edits`, and "about", a text. What is there
// already stays. `name` is the file's. What is wrong with it, for a person.
std::optional<std::string> AddProfile(std::string_view text, const std::string& name, Edits* edits);

// "lost_messages": what the list of such decisions is called in a schedule.
const char* NameOf(Choice choice);

// Without the configuration, which has a place of its own in a file.
nlohmann::json ToJson(const Schedule& schedule);

class StrictObject;
// Reads what ToJson wrote; what it finds wrong goes to the reader, and the result is then of no
// use.
Schedule ReadSchedule(StrictObject object);
// As ReadSchedule, of a schedule to a configuration, which is read as well.
Schedule ReadSchedule(StrictObject object, StrictObject configuration);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_SCHEDULE_H_
