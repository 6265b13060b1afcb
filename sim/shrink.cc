#include "sim/shrink.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>
#include <utility>

#include "sim/text.h"

namespace grassdb::sim {
namespace {

ScheduleSize SizeOf(const Schedule& schedule, const RunResult& run,
                    const std::vector<Decision>& decisions) {
  const Plan plan = PlanOf(schedule);
  ScheduleSize size;
  size.events = run.counters.events;
  size.virtual_ns = Nanoseconds(run.ended);
  size.nodes = plan.nodes;
  size.clients = plan.workload.clients;
  for (const Decision& decision : decisions) {
    if (decision.choice == Choice::kFault) {
      ++size.faults;
    } else if (decision.choice == Choice::kOperation) {
      ++size.operations;
    } else if ((decision.choice >= Choice::kLoss && decision.choice <= Choice::kPacketLate) ||
               decision.choice == Choice::kCorrupt || decision.choice == Choice::kPacketCorrupt) {
      ++size.message_faults;
    } else if ((decision.choice >= Choice::kIoFailure && decision.choice <= Choice::kCrashLoss) ||
               decision.choice == Choice::kWound || decision.choice == Choice::kMisread) {
      ++size.disk_faults;
    }
  }
  return size;
}

class Shrinker {
 public:
  Shrinker(const Schedule& schedule, const std::function<bool()>& enough,
           const ScheduleRunner& runner)
      : enough_(enough), runner_(runner), schedule_(schedule) {}

  std::optional<ShrinkResult> Run() {
    ++runs_;
    run_ = runner_(schedule_, &decisions_);
    if (run_.ok()) return std::nullopt;
    wanted_ = *run_.violation;
    fewest_events_ = run_.counters.events;
    const ScheduleSize before = SizeOf(schedule_, run_, decisions_);
    CutTime();
    ShrinkSizes();
    Pin();
    if (schedule_.only.has_value()) {
      std::uint64_t last = 0;
      do {
        last = Weight();
        ShrinkDecisions();
        CutTime();
        ShrinkSizes();
      } while (Weight() < last);
    }
    return ShrinkResult{schedule_, run_, before, SizeOf(schedule_, run_, decisions_), runs_};
  }

 private:
  // Takes the candidate over if the same rule fails at the same place.
  bool Try(Schedule candidate) {
    if (enough_ && enough_()) return false;
    ++runs_;
    std::vector<Decision> decisions;
    RunResult run = runner_(candidate, &decisions);
    if (run.ok() || run.violation->rule != wanted_.rule || run.violation->where != wanted_.where) {
      return false;
    }
    // Less may make it take longer, but not ever longer, step by step.
    if (candidate.only.has_value() && run.counters.events > 2 * fewest_events_) return false;
    fewest_events_ = std::min(fewest_events_, run.counters.events);
    // What is kept and did not happen says nothing.
    std::ranges::sort(decisions);
    if (candidate.only.has_value()) candidate.only = decisions;
    schedule_ = std::move(candidate);
    run_ = std::move(run);
    decisions_ = std::move(decisions);
    return true;
  }

  bool TryEdits(const std::vector<std::pair<std::string, std::uint64_t>>& edits) {
    Schedule candidate = schedule_;
    bool changed = false;
    const Plan plan = PlanOf(schedule_);
    for (const auto& [name, value] : edits) {
      changed = changed || ValueOf(plan, name) != value;
      candidate.run.edits[name] = value;
    }
    return changed && Try(std::move(candidate));
  }

  std::uint64_t Weight() const { return decisions_.size() + run_.counters.events; }

  // The faults end with the violation. If that came after them, they end as early as will do.
  void CutTime() {
    const std::uint64_t end = Nanoseconds(run_.ended) + 1;
    if (TryEdits({{"fault_phase_ns", end}, {"end_with_faults", 1}})) return;
    TryEdits({{"standing_partition", 0}});
    TryEdits({{"core_first", 0}});
    TryEdits({{"leader_hangs", 0}});
    while (TryEdits({{"fault_phase_ns", ValueOf(PlanOf(schedule_), "fault_phase_ns") / 2}})) {
    }
  }

  // The smallest value of each that will do, of a few.
  void ShrinkSizes() {
    TryEdits({{"learners", 0}});
    for (const std::uint32_t nodes : {1u, 2u, 3u, 4u, 5u, 6u}) {
      if (nodes >= PlanOf(schedule_).nodes) break;
      const std::uint64_t voters = std::min(nodes, PlanOf(schedule_).voters);
      if (TryEdits({{"nodes", nodes}, {"voters", voters}})) break;
    }
    for (const char* name : {"clients", "keys", "value_bytes_max"}) {
      for (std::uint64_t value = 1; value < ValueOf(PlanOf(schedule_), name); value *= 2) {
        if (TryEdits({{name, value}})) break;
      }
    }
  }

  // From here on nothing happens but what has happened.
  void Pin() {
    Schedule candidate = schedule_;
    candidate.only = decisions_;
    std::ranges::sort(*candidate.only);
    Try(std::move(candidate));
  }

  // The run may take somewhat longer to fail while things are left out.
  void GiveTime() {
    const Plan plan = PlanOf(schedule_);
    if (!plan.end_with_faults) return;
    const std::uint64_t at = Nanoseconds(run_.ended);
    Schedule candidate = schedule_;
    candidate.run.edits["fault_phase_ns"] = at + at / 4 + 1'000'000'000;
    Try(std::move(candidate));
  }

  template <class Belongs>
  std::vector<Decision> Kept(Belongs belongs) const {
    std::vector<Decision> kept;
    std::ranges::copy_if(*schedule_.only, std::back_inserter(kept), belongs);
    return kept;
  }

  // `dropped` is sorted.
  bool TryWithout(const std::vector<Decision>& dropped) {
    Schedule candidate = schedule_;
    std::vector<Decision> rest;
    std::ranges::set_difference(*schedule_.only, dropped, std::back_inserter(rest));
    candidate.only = std::move(rest);
    return Try(std::move(candidate));
  }

  // Delta debugging by complements: ever smaller parts are left out, until no single one can be.
  template <class Belongs>
  void Minimise(Belongs belongs) {
    std::vector<Decision> items = Kept(belongs);
    if (items.empty() || TryWithout(items)) return;
    for (std::size_t part = std::max<std::size_t>(items.size() / 2, 1);;) {
      bool removed = false;
      for (std::size_t at = 0; at < items.size();) {
        const auto begin = items.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end =
            items.begin() + static_cast<std::ptrdiff_t>(std::min(at + part, items.size()));
        if (TryWithout({begin, end})) {
          removed = true;
          items = Kept(belongs);
        } else {
          at += part;
        }
      }
      if (part == 1 && !removed) return;
      part = std::max<std::size_t>(part / 2, 1);
      if (enough_ && enough_()) return;
    }
  }

  void ShrinkDecisions() {
    GiveTime();
    for (std::uint32_t choice = 0; choice < kChoices; ++choice) {
      const auto of_choice = [choice](const Decision& d) {
        return d.choice == static_cast<Choice>(choice);
      };
      // Whole kinds of fault, and all that one client does, before single ones.
      if (choice <= static_cast<std::uint32_t>(Choice::kOperation)) {
        std::set<std::uint32_t> groups;
        for (const Decision& decision : Kept(of_choice)) groups.insert(decision.about[0]);
        for (const std::uint32_t about : groups) {
          const std::vector<Decision> group =
              Kept([&](const Decision& d) { return of_choice(d) && d.about[0] == about; });
          // What was left out before may have taken it along.
          if (!group.empty()) TryWithout(group);
        }
      }
      Minimise(of_choice);
    }
  }

  const std::function<bool()>& enough_;
  const ScheduleRunner& runner_;
  Violation wanted_;
  Schedule schedule_;
  RunResult run_;
  std::vector<Decision> decisions_;
  std::uint64_t runs_ = 0;
  std::uint64_t fewest_events_ = 0;  // of the runs that were taken over
};

}  // namespace

RunResult RunNoting(const Schedule& schedule, std::vector<Decision>* decisions) {
  return RunSchedule(schedule, {.sink = nullptr, .window = {}, .decisions = decisions});
}

std::optional<ShrinkResult> Shrink(const Schedule& schedule, const std::function<bool()>& enough,
                                   const ScheduleRunner& runner) {
  return Shrinker(schedule, enough, runner).Run();
}

std::string Describe(const ShrinkResult& result) {
  std::string text;
  const auto row = [&text](const char* what, std::uint64_t before, std::uint64_t after) {
    char line[96];
    std::snprintf(line, sizeof line, "%-28s %12llu %12llu\n", what,
                  static_cast<unsigned long long>(before), static_cast<unsigned long long>(after));
    text += line;
  };
  text += "                                   before        after\n";
  const ScheduleSize& a = result.before;
  const ScheduleSize& b = result.after;
  row("events until the violation", a.events, b.events);
  row("virtual milliseconds", a.virtual_ns / 1'000'000, b.virtual_ns / 1'000'000);
  row("nodes", a.nodes, b.nodes);
  row("clients", a.clients, b.clients);
  row("operations", a.operations, b.operations);
  row("faults", a.faults, b.faults);
  row("faults of messages", a.message_faults, b.message_faults);
  row("faults of disks", a.disk_faults, b.disk_faults);
  return text + Decimal(result.runs) + " runs\n";
}

}  // namespace grassdb::sim
