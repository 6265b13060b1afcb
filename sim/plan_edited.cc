// Plans in which something is set by hand (schedule.h): what is drawn gives way to it.
#include <algorithm>

#include "core/check.h"
#include "sim/schedule.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

constexpr const char* kTogether = "together";
constexpr const char* kVoters = "voters";
constexpr const char* kLearners = "learners";
constexpr const char* kNodes = "nodes";
constexpr const char* kLease = "lease_ppm";
constexpr const char* kDrift = "drift_ppm_max";
constexpr const char* kLeaseDrift = "lease_drift_percent_max";
constexpr const char* kTimeoutMin = "election_timeout_min_ns";
constexpr const char* kTimeoutMax = "election_timeout_max_ns";
constexpr const char* kTimeoutPercent = "timeout_percent_min";
constexpr const char* kHeartbeat = "heartbeat_interval_ns";

std::optional<std::uint64_t> ValueIn(const Edits& edits, const char* name) {
  const auto found = edits.find(name);
  if (found == edits.end()) return std::nullopt;
  return found->second;
}

void Set(const std::string& name, std::uint64_t value, Plan* plan) {
  EditNamed(name, value).set(value, plan);
}

// `together` is more than the value of that name.
void Apply(const std::string& name, std::uint64_t value, Plan* plan) {
  if (name != kTogether) return Set(name, value, plan);
  GRASS_CHECK(value < kTogethers);
  PutTogether(static_cast<Together>(value), plan);
}

// The sizes that are set and not drawn.
struct Wishes {
  std::optional<std::uint64_t> voters;
  std::optional<std::uint64_t> learners;
  std::optional<std::uint64_t> nodes;
};

Wishes WishesOf(const RunOptions& options) {
  Wishes wishes{ValueIn(options.edits, kVoters), ValueIn(options.edits, kLearners),
                ValueIn(options.edits, kNodes)};
  if (!wishes.voters && options.nodes) wishes.voters = *options.nodes;
  return wishes;
}

std::uint32_t MachinesFor(const Plan& plan) {
  return std::min(kMachinesMax, std::max(plan.nodes, plan.voters + plan.learners));
}

// First the machines give way, then the voters, then the learners.
void KeepSizes(const Wishes& wishes, Plan* plan) {
  if (wishes.voters) plan->voters = static_cast<std::uint32_t>(*wishes.voters);
  if (!wishes.nodes) plan->nodes = MachinesFor(*plan);
  if (!wishes.voters) {
    const auto kept =
        std::min(plan->nodes - 1, static_cast<std::uint32_t>(wishes.learners.value_or(0)));
    plan->voters = std::min(plan->voters, plan->nodes - kept);
  }
  // Fewer machines than members, by a schedule that was made smaller: the others are not born.
  plan->voters = std::min(plan->voters, plan->nodes);
  plan->learners = std::min(plan->learners, plan->nodes - plan->voters);
}

// The least election timeout, before a node takes its part of it, in which two heartbeats fit
// (RaftOptions::Problem).
std::uint64_t LeastTimeout(std::uint64_t heartbeat, std::uint64_t percent) {
  return ((2 * heartbeat + 1) * 100 + percent - 1) / percent;
}

void KeepTimeouts(const Edits& edits, Plan* plan) {
  const auto value = [plan](const char* name) { return ValueOf(*plan, name); };
  const auto raise_max = [&] {
    if (value(kTimeoutMax) > value(kTimeoutMin) || edits.contains(kTimeoutMax)) return;
    Set(kTimeoutMax, 2 * value(kTimeoutMin), plan);
  };
  raise_max();
  if (value(kTimeoutMin) >= value(kTimeoutMax) && !edits.contains(kTimeoutMin)) {
    Set(kTimeoutMin, std::max(value(kTimeoutMax) / 2, AllEdits().at(kTimeoutMin).min), plan);
  }
  const auto too_short = [&] {
    return value(kTimeoutMin) < LeastTimeout(value(kHeartbeat), value(kTimeoutPercent));
  };
  if (too_short() && !edits.contains(kHeartbeat)) {
    const std::uint64_t third = value(kTimeoutMin) * value(kTimeoutPercent) / 100 / 3;
    Set(kHeartbeat, std::max(third, AllEdits().at(kHeartbeat).min), plan);
  }
  if (too_short() && !edits.contains(kTimeoutPercent)) Set(kTimeoutPercent, 100, plan);
  if (too_short() && !edits.contains(kTimeoutMin)) {
    Set(kTimeoutMin, LeastTimeout(value(kHeartbeat), value(kTimeoutPercent)), plan);
    raise_max();
  }
}

void KeepAscending(const Edits& edits, Plan* plan) {
  for (const auto& [low, high] : AscendingEdits()) {
    if (ValueOf(*plan, low) <= ValueOf(*plan, high)) continue;
    if (edits.contains(high) && !edits.contains(low)) {
      Set(low, ValueOf(*plan, high), plan);
    } else {
      Set(high, ValueOf(*plan, low), plan);
    }
  }
}

std::uint64_t LeaseDriftMax(const Edits& edits) {
  return ValueIn(edits, kLeaseDrift).value_or(RaftOptions().lease_drift_percent_max) * 10'000 / 2;
}

// The first of the edits that makes clocks do what a lease does not allow for.
std::optional<std::string> ClocksBeyondALease(const Edits& edits) {
  if (ValueIn(edits, kDrift).value_or(0) > LeaseDriftMax(edits)) return kDrift;
  for (const char* name : {"fault_clock_jump", "fault_clock_stop", "fault_clock_strobe"}) {
    if (ValueIn(edits, name).value_or(0) != 0) return name;
  }
  return std::nullopt;
}

void SetAll(const RunOptions& options, Plan* plan) {
  // What puts several dimensions together comes before what sets one of them.
  for (const bool together : {true, false}) {
    for (const auto& [name, value] : options.edits) {
      if ((name == kTogether) == together) Apply(name, value, plan);
    }
  }
  KeepSizes(WishesOf(options), plan);
  KeepTimeouts(options.edits, plan);
  KeepAscending(options.edits, plan);
  if (!options.edits.contains(kLease) && ClocksBeyondALease(options.edits).has_value()) {
    plan->workload.lease = 0;
  }
  KeepToLeaseAssumptions(plan);
}

std::string Setting(const Edits& edits, const std::string& name) {
  return name + "=" + Decimal(edits.at(name));
}

std::string NodesFlag(std::uint64_t voters) {
  return "--nodes " + Decimal(voters);
}

std::string Against(const std::string& one, const std::string& other, const std::string& why) {
  return one + " contradicts " + other + ": " + why;
}

// What is set has more members than machines.
std::optional<std::string> SizesContradict(const RunOptions& options) {
  const Wishes wishes = WishesOf(options);
  const std::uint64_t learners = wishes.learners.value_or(0);
  const std::uint64_t machines = wishes.nodes.value_or(kMachinesMax);
  if (wishes.voters.value_or(1) + learners <= machines) return std::nullopt;
  std::string members;
  if (options.edits.contains(kVoters)) {
    members = Setting(options.edits, kVoters);
  } else if (wishes.voters) {
    members = NodesFlag(*wishes.voters);
  }
  if (learners > 0)
    members += (members.empty() ? "" : " with ") + Setting(options.edits, kLearners);
  return Against(members,
                 wishes.nodes ? Setting(options.edits, kNodes)
                              : "the " + Decimal(machines) + " machines of the largest cluster",
                 "voters and learners are machines, and one is a voter; set fewer of them");
}

std::optional<std::string> OrderContradicts(const Edits& edits) {
  for (const auto& [low, high] : AscendingEdits()) {
    if (!edits.contains(low) || !edits.contains(high) || edits.at(low) <= edits.at(high)) continue;
    return Against(Setting(edits, low), Setting(edits, high), "the first is above the second");
  }
  return std::nullopt;
}

std::optional<std::string> TimeoutsContradict(const Edits& edits) {
  const auto min = ValueIn(edits, kTimeoutMin);
  const auto max = ValueIn(edits, kTimeoutMax);
  if (min && max && *max <= *min) {
    return Against(Setting(edits, kTimeoutMin), Setting(edits, kTimeoutMax),
                   "election timeouts are drawn from below the second");
  }
  const auto heartbeat = ValueIn(edits, kHeartbeat);
  const auto percent = ValueIn(edits, kTimeoutPercent);
  if (!min && !max) return std::nullopt;
  const std::uint64_t least =
      LeastTimeout(heartbeat.value_or(AllEdits().at(kHeartbeat).min), percent.value_or(100));
  if (min.value_or(*max - 1) >= least) return std::nullopt;
  return Against(Setting(edits, min ? kTimeoutMin : kTimeoutMax),
                 heartbeat ? Setting(edits, kHeartbeat) : "the shortest heartbeat",
                 "no two heartbeats fit into a timeout" +
                     (percent ? " with " + Setting(edits, kTimeoutPercent) : std::string()));
}

}  // namespace

std::vector<std::string> EditNames() {
  std::vector<std::string> names;
  for (const auto& [name, edit] : AllEdits()) names.push_back(name);
  return names;
}

Plan PlanOf(const RunOptions& options) {
  RunOptions drawn = options;
  if (const auto voters = WishesOf(options).voters) {
    drawn.nodes = static_cast<std::uint32_t>(*voters);
  }
  Plan plan = DrawPlan(drawn);
  SetAll(options, &plan);
  return plan;
}

Plan PlanOf(const Schedule& schedule) {
  Plan plan = schedule.configuration ? PlanWith(*schedule.configuration, schedule.run.seed)
                                     : PlanOf(schedule.run);
  if (schedule.configuration && !schedule.run.edits.empty()) {
    RunOptions set;
    set.edits = schedule.run.edits;
    SetAll(set, &plan);
    // What is put together goes by timeouts that nobody would draw.
    KeepRanges(&plan);
  }
  plan.only = schedule.only;
  return plan;
}

std::optional<std::string> Contradiction(const RunOptions& options) {
  const Edits& edits = options.edits;
  if (options.nodes && ValueIn(edits, kVoters).value_or(*options.nodes) != *options.nodes) {
    return Against(NodesFlag(*options.nodes), Setting(edits, kVoters),
                   "both say how many voters there are; leave one out");
  }
  if (auto sizes = SizesContradict(options)) return sizes;
  if (auto order = OrderContradicts(edits)) return order;
  if (auto timeouts = TimeoutsContradict(edits)) return timeouts;
  const std::optional<std::string> clocks = ClocksBeyondALease(edits);
  if (ValueIn(edits, kLease).value_or(0) == 0 || !clocks) return std::nullopt;
  return Against(Setting(edits, kLease), Setting(edits, *clocks),
                 "a lease rests on clocks that drift by at most " + Decimal(LeaseDriftMax(edits)) +
                     " ppm and neither jump nor stop; set one of the two to 0");
}

void AddFarther(const Edits& farther, RunOptions* options) {
  const Edits nearer = options->edits;
  options->edits.insert(farther.begin(), farther.end());
  if (options->nodes && !nearer.contains(kVoters)) options->edits.erase(kVoters);
  for (const char* name : {kNodes, kLearners, kVoters}) {
    if (nearer.contains(name) || !SizesContradict(*options)) continue;
    RunOptions without = *options;
    without.edits.erase(name);
    if (!SizesContradict(without)) *options = without;
  }
}

namespace {

// As it was before the edits were put in order: by their names, and then clipped.
Plan PlanByName(const RunOptions& options) {
  Plan plan = DrawPlan(options);
  for (const auto& [name, value] : options.edits) {
    Apply(name, value, &plan);
    if (name == kLearners) plan.nodes = MachinesFor(plan);
  }
  plan.voters = std::min(plan.voters, plan.nodes);
  plan.learners = std::min(plan.learners, plan.nodes - plan.voters);
  KeepToLeaseAssumptions(&plan);
  return plan;
}

}  // namespace

RunOptions InOrder(RunOptions options) {
  const Plan meant = PlanByName(options);
  for (auto& [name, value] : options.edits) value = ValueOf(meant, name);
  const Plan plan = PlanOf(options);
  for (const auto& [name, edit] : AllEdits()) {
    if (edit.get(plan) != edit.get(meant)) options.edits[name] = edit.get(meant);
  }
  return options;
}

}  // namespace grassdb::sim
