// What of a plan has a name: every value of it that shapes a run, but for the seed. By its name a
// value can be set by hand, by a profile and by a schedule, and all of them together are the plan
// (`configuration` in the file of a failure).
//
// Names are part of the formats: append, never rename. Units are in the name: _ns, _bytes, _ppm (of
// a million), _weight (beside the others of its kind); without one it is a number, or 0 and 1.
#ifndef GRASSDB_SIM_EDITS_H_
#define GRASSDB_SIM_EDITS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/plan.h"

namespace grassdb::sim {

struct Edit {
  // What the code can bear, which is more than seeds draw.
  std::uint64_t min;
  std::uint64_t max;
  std::uint64_t (*get)(const Plan& plan);
  // Sets this value and no other.
  void (*set)(std::uint64_t value, Plan* plan);
};

// By name.
using EditTable = std::map<std::string, Edit, std::less<>>;
const EditTable& AllEdits();

// A known name, and a value within its range.
const Edit& EditNamed(std::string_view name, std::uint64_t value);

// The value that `plan` has by that name, which is known.
std::uint64_t ValueOf(const Plan& plan, std::string_view name);

// Values by name.
using Edits = std::map<std::string, std::uint64_t>;

// All of them, of `plan`, which is one of PlanOf (schedule.h).
Edits ConfigurationOf(const Plan& plan);
// What has no name there is as in a plan that nobody has drawn: a kind of fault that was not known
// yet when the configuration was written is off.
Plan PlanWith(const Edits& configuration, std::uint64_t seed);

// What is beyond its range is at the end of it.
void KeepRanges(Plan* plan);

// Pairs of names: the first one's value is never above the other's.
const std::vector<std::pair<std::string, std::string>>& AscendingEdits();

// Why no cluster can have this plan, with the names, for a person. Each value is within its range.
std::optional<std::string> WhyNot(const Plan& plan);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_EDITS_H_
