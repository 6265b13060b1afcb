// What the checkers cost: the same run with all of them, without the specification, and with none.
#ifndef GRASSDB_SIM_CHECKER_COST_H_
#define GRASSDB_SIM_CHECKER_COST_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sim/plan.h"

namespace grassdb::sim {

// In seconds.
struct CheckerCost {
  std::uint64_t events = 0;  // of a run, the same in each way
  double none = 0;
  double all_but_specification = 0;
  double all = 0;

  // A run without checkers takes so many times as long for it. Not above 1: it does not even double
  // the time of the barest run, let alone of one that others look into. 0 where the clock's noise
  // is more than that.
  double SpecificationAdds() const { return std::max(0.0, (all - all_but_specification) / none); }
};
inline constexpr double kSpecificationAddsMax = 1;

// Runs the plan `repetitions` times in each of the three ways, taking turns, so that a machine that
// is slow for a while is so for all of them; the figures are medians. `seconds` is a clock,
// `repeat` the command that does this. Returns what is wrong with a run, for a person: a broken
// rule, or that checkers have changed it.
std::optional<std::string> MeasureCheckers(const Plan& plan, std::uint32_t repetitions,
                                           const std::function<double()>& seconds,
                                           const std::string& repeat, CheckerCost* cost);

// For a person, some lines.
std::string TextOf(const CheckerCost& cost);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKER_COST_H_
