#include "sim/run.h"

#include <memory>

#include "sim/hermetic.h"
#include "sim/simulation.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

std::string ReportOf(const Violation& violation, const Plan& plan, const Recorder& recorder,
                     const std::string& repeat) {
  const std::uint64_t at = Nanoseconds(recorder.at());
  std::string text = "VIOLATION of " + violation.rule + " at " + violation.where + "\n";
  text += "  " + violation.text + "\n";
  text += "  seed " + Decimal(plan.seed) + ", " + Decimal(at / 1'000'000'000) + "." +
          Decimal(1'000'000'000 + at % 1'000'000'000).substr(1) + " s, event " +
          Decimal(recorder.counters.events) + "\n";
  text += "the newest lines of the trace:\n" + recorder.NewestLines();
  text += "fingerprint: " + recorder.fingerprint.Hex() + "\n";
  return text + "repeat with: " + repeat + "\n";
}

}  // namespace

std::string FlagsFor(const RunOptions& options) {
  std::string flags = " --seed " + Decimal(options.seed);
  if (options.nodes) flags += " --nodes " + Decimal(*options.nodes);
  if (options.steps) flags += " --steps " + Decimal(*options.steps);
  if (options.seconds) flags += " --seconds " + Decimal(*options.seconds);
  for (const auto& [name, value] : options.edits) flags += " --set " + name + "=" + Decimal(value);
  return flags;
}

std::string CommandFor(const RunOptions& options) {
  return "grass-sim run" + FlagsFor(options);
}

Prefix RunPrefix(const RunOptions& options, std::uint64_t events) {
  const CheckFailuresThrow handler;
  const auto recorder = std::make_unique<Recorder>();
  recorder->StopAfter(events);
  const Plan plan = PlanOf(options);
  try {
    const Hermetic hermetic;
    Simulation simulation(plan, recorder.get());
    simulation.Run();
  } catch (const Violation&) {
    // Stopped, or broken before: either way this is how far it came.
  }
  return {recorder->counters.events, recorder->fingerprint, recorder->NewestLines()};
}

namespace {

RunResult RunObserved(const Plan& plan, const RunObserver& observer, const std::string& repeat) {
  const CheckFailuresThrow handler;
  const auto recorder = std::make_unique<Recorder>();
  if (observer.sink) recorder->SetSink(observer.sink, observer.window);
  if (observer.watch) recorder->SetWatch(observer.watch);
  recorder->choices.Use(plan.only.has_value() ? &*plan.only : nullptr, observer.decisions);
  RunResult result;
  result.seed = plan.seed;
  try {
    const Hermetic hermetic;
    Simulation simulation(plan, recorder.get());
    simulation.Run();
  } catch (const Violation& violation) {
    result.violation = violation;
    result.report = ReportOf(violation, plan, *recorder, repeat);
    result.trace = recorder->NewestLines(Recorder::kKept);
  }
  result.ended = recorder->at();
  result.fingerprint = recorder->fingerprint;
  result.counters = recorder->counters;
  result.reached = recorder->reached;
  return result;
}

}  // namespace

RunResult RunPlan(const Plan& plan, const Recorder::Sink& sink, const std::string& repeat) {
  return RunObserved(plan, {.sink = sink, .window = {}, .watch = nullptr, .decisions = nullptr},
                     repeat);
}

RunResult RunSchedule(const Schedule& schedule, const RunObserver& observer,
                      const std::string& repeat) {
  return RunObserved(PlanOf(schedule), observer,
                     repeat.empty() ? CommandFor(schedule.run) : repeat);
}

RunResult RunSeed(const RunOptions& options, const Recorder::Sink& sink) {
  return RunPlan(PlanOf(options), sink, CommandFor(options));
}

}  // namespace grassdb::sim
