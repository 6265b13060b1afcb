#include "sim/checker_cost.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/check.h"
#include "sim/run.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

std::array<Plan, 3> WaysToRun(const Plan& plan) {
  Plan none = plan;
  none.white_box = false;
  none.judge_history = false;
  Plan all_but_specification = plan;
  all_but_specification.specification = false;
  return {none, all_but_specification, plan};
}

}  // namespace

std::optional<std::string> MeasureCheckers(const Plan& plan, std::uint32_t repetitions,
                                           const std::function<double()>& seconds,
                                           const std::string& repeat, CheckerCost* cost) {
  GRASS_CHECK_GE(repetitions, 1u);
  const std::array<Plan, 3> ways = WaysToRun(plan);
  std::array<std::vector<double>, 3> taken;
  std::optional<Fingerprint> first;
  std::uint64_t events = 0;
  for (std::uint32_t i = 0; i < repetitions; ++i) {
    for (std::size_t way = 0; way < ways.size(); ++way) {
      const double begin = seconds();
      const RunResult result = RunPlan(ways[way], nullptr, repeat);
      taken[way].push_back(seconds() - begin);
      if (!result.ok()) return result.report;
      if (!first.has_value()) first = result.fingerprint;
      events = result.counters.events;
      if (result.fingerprint != *first) return "the checkers have changed the run they look at\n";
    }
  }
  *cost = {.events = events,
           .none = Median(taken[0]),
           .all_but_specification = Median(taken[1]),
           .all = Median(taken[2])};
  return std::nullopt;
}

std::string TextOf(const CheckerCost& cost) {
  const auto times = [&cost](double value) { return Fixed(value / cost.none, 2); };
  const auto rate = [&cost](double seconds) {
    return Fixed(static_cast<double>(cost.events) / seconds, 0) + " events/s, " +
           Fixed(seconds, 3) + " s";
  };
  return "  without checkers: " + rate(cost.none) + "\n" +
         "  all but the specification: " + rate(cost.all_but_specification) + ", " +
         times(cost.all_but_specification) + " times as long\n" +
         "  all checkers: " + rate(cost.all) + ", " + times(cost.all) + " times as long\n" +
         "  the specification adds: " + Fixed(cost.SpecificationAdds(), 2) +
         " of the run without checkers, " + Fixed(cost.all / cost.all_but_specification, 2) +
         " times the run without it\n";
}

}  // namespace grassdb::sim
