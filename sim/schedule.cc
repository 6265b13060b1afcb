#include "sim/schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "sim/sites.h"
#include "sim/strict_json.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

struct Edit {
  const char* name;
  std::uint64_t min;
  std::uint64_t max;
  std::uint64_t (*get)(const Plan& plan);
  void (*set)(std::uint64_t value, Plan* plan);
};

constexpr std::uint64_t kNanosecondsMax = 1'000'000'000'000'000;

// Whether faults of a kind come at all; how often and for how long stays as the seed draws it.
template <FaultKind kKind>
constexpr Edit FaultEdit(const char* name) {
  constexpr auto kPlace = static_cast<std::size_t>(kKind);
  return {name, 0, 1,
          [](const Plan& plan) { return std::uint64_t{plan.faults[kPlace].on ? 1u : 0u}; },
          [](std::uint64_t value, Plan* plan) { plan->faults[kPlace].on = value != 0; }};
}

template <auto kRate, auto kPart>
constexpr Edit RateEdit(const char* name) {
  return {name, 0, 1'000'000, [](const Plan& plan) { return std::uint64_t{plan.*kPart.*kRate}; },
          [](std::uint64_t value, Plan* plan) {
            plan->*kPart.*kRate = static_cast<PerMillion>(value);
          }};
}

// Of a kind of damage among the others, where fault_damage is on.
template <DamageKind kKind>
constexpr Edit DamageEdit(const char* name) {
  constexpr auto kPlace = static_cast<std::size_t>(kKind);
  return {name, 0, 1'000'000,
          [](const Plan& plan) { return std::uint64_t{plan.disk.damage[kPlace]}; },
          [](std::uint64_t value, Plan* plan) {
            plan->disk.damage[kPlace] = static_cast<std::uint32_t>(value);
          }};
}

// Of an operation among the others; a put is worth 100 to 10100 where nothing is said.
template <auto kWeight>
constexpr Edit WeightEdit(const char* name, std::uint64_t min = 0) {
  return {name, min, 1'000'000,
          [](const Plan& plan) { return std::uint64_t{plan.workload.*kWeight}; },
          [](std::uint64_t value, Plan* plan) {
            plan->workload.*kWeight = static_cast<std::uint32_t>(value);
          }};
}

// Part of the format: append, never rename.
constexpr std::array kEdits = {
    Edit{"voters", 1, 7, [](const Plan& plan) { return std::uint64_t{plan.voters}; },
         [](std::uint64_t value, Plan* plan) { plan->voters = static_cast<std::uint32_t>(value); }},
    Edit{"nodes", 1, 9, [](const Plan& plan) { return std::uint64_t{plan.nodes}; },
         [](std::uint64_t value, Plan* plan) { plan->nodes = static_cast<std::uint32_t>(value); }},
    Edit{"clients", 1, 12, [](const Plan& plan) { return std::uint64_t{plan.workload.clients}; },
         [](std::uint64_t value, Plan* plan) {
           plan->workload.clients = static_cast<std::uint32_t>(value);
         }},
    Edit{"keys", 1, 24, [](const Plan& plan) { return std::uint64_t{plan.workload.keys}; },
         [](std::uint64_t value, Plan* plan) {
           plan->workload.keys = static_cast<std::uint32_t>(value);
         }},
    Edit{"value_bytes_max", 1, 2048,
         [](const Plan& plan) { return std::uint64_t{plan.workload.value_bytes_max}; },
         [](std::uint64_t value, Plan* plan) {
           plan->workload.value_bytes_max = static_cast<std::uint32_t>(value);
         }},
    Edit{"fault_phase_ns", 1, kNanosecondsMax,
         [](const Plan& plan) { return static_cast<std::uint64_t>(plan.fault_phase.count()); },
         [](std::uint64_t value, Plan* plan) {
           plan->fault_phase = Duration(static_cast<Duration::rep>(value));
         }},
    Edit{"drift_ppm_max", 0, 400'000,
         [](const Plan& plan) { return static_cast<std::uint64_t>(plan.clock.drift_ppm_max); },
         [](std::uint64_t value, Plan* plan) {
           plan->clock.drift_ppm_max = static_cast<std::int64_t>(value);
         }},
    Edit{"lease_ppm", 0, 1'000'000,
         [](const Plan& plan) { return std::uint64_t{plan.workload.lease}; },
         [](std::uint64_t value, Plan* plan) {
           plan->workload.lease = static_cast<PerMillion>(value);
         }},
    Edit{"standing_partition", 0, 1,
         [](const Plan& plan) { return std::uint64_t{plan.standing_partition ? 1u : 0u}; },
         [](std::uint64_t value, Plan* plan) { plan->standing_partition = value != 0; }},
    Edit{"end_with_faults", 0, 1,
         [](const Plan& plan) { return std::uint64_t{plan.end_with_faults ? 1u : 0u}; },
         [](std::uint64_t value, Plan* plan) { plan->end_with_faults = value != 0; }},
    Edit{"white_box", 0, 1,
         [](const Plan& plan) { return std::uint64_t{plan.white_box ? 1u : 0u}; },
         [](std::uint64_t value, Plan* plan) { plan->white_box = value != 0; }},
    FaultEdit<FaultKind::kCrash>("fault_crash"),
    FaultEdit<FaultKind::kCrashAll>("fault_crash_all"),
    FaultEdit<FaultKind::kPartition>("fault_partition"),
    FaultEdit<FaultKind::kClog>("fault_clog"),
    FaultEdit<FaultKind::kPause>("fault_pause"),
    FaultEdit<FaultKind::kSlowNode>("fault_slow_node"),
    FaultEdit<FaultKind::kSlowDisk>("fault_slow_disk"),
    FaultEdit<FaultKind::kClientCut>("fault_client_cut"),
    FaultEdit<FaultKind::kClockJump>("fault_clock_jump"),
    FaultEdit<FaultKind::kWipe>("fault_wipe"),
    FaultEdit<FaultKind::kRollBack>("fault_roll_back"),
    FaultEdit<FaultKind::kCrashAtIo>("fault_crash_at_io"),
    FaultEdit<FaultKind::kFullDisk>("fault_full_disk"),
    FaultEdit<FaultKind::kHangDisk>("fault_hang_disk"),
    FaultEdit<FaultKind::kDamage>("fault_damage"),
    Edit{"atlas", 0, 2, [](const Plan& plan) { return static_cast<std::uint64_t>(plan.atlas); },
         [](std::uint64_t value, Plan* plan) { plan->atlas = static_cast<AtlasRule>(value); }},
    DamageEdit<DamageKind::kBitFlip>("bit_flip_weight"),
    DamageEdit<DamageKind::kZeroed>("zeroed_weight"),
    DamageEdit<DamageKind::kGarbled>("garbled_weight"),
    DamageEdit<DamageKind::kMisdirectedWrite>("misdirected_write_weight"),
    DamageEdit<DamageKind::kMisdirectedRead>("misdirected_read_weight"),
    DamageEdit<DamageKind::kLostWrite>("lost_write_weight"),
    DamageEdit<DamageKind::kUnreadable>("unreadable_weight"),
    DamageEdit<DamageKind::kShrunk>("shrunk_weight"),
    RateEdit<&DiskPlan::misread, &Plan::disk>("misread_ppm"),
    RateEdit<&DiskPlan::telling, &Plan::disk>("telling_ppm"),
    RateEdit<&DiskPlan::read_failure, &Plan::disk>("read_failure_ppm"),
    FaultEdit<FaultKind::kClockStop>("fault_clock_stop"),
    FaultEdit<FaultKind::kClockStrobe>("fault_clock_strobe"),
    FaultEdit<FaultKind::kCrashStorm>("fault_crash_storm"),
    FaultEdit<FaultKind::kSwizzle>("fault_swizzle"),
    FaultEdit<FaultKind::kFlap>("fault_flap"),
    FaultEdit<FaultKind::kStop>("fault_stop"),
    Edit{"wire", 0, 1, [](const Plan& plan) { return std::uint64_t{plan.wire ? 1u : 0u}; },
         [](std::uint64_t value, Plan* plan) { plan->wire = value != 0; }},
    Edit{"history_part", 1, 1'000'000'000,
         [](const Plan& plan) { return std::uint64_t{plan.history_part}; },
         [](std::uint64_t value, Plan* plan) { plan->history_part = value; }},
    Edit{
        "old_format_ppm", 0, 1'000'000,
        [](const Plan& plan) { return std::uint64_t{plan.old_format}; },
        [](std::uint64_t value, Plan* plan) { plan->old_format = static_cast<PerMillion>(value); }},
    Edit{"rare_path_ppm", 0, 1'000'000,
         [](const Plan& plan) { return std::uint64_t{plan.rare_path}; },
         [](std::uint64_t value, Plan* plan) { plan->rare_path = static_cast<PerMillion>(value); }},
    RateEdit<&NetworkPlan::drop, &Plan::network>("drop_ppm"),
    RateEdit<&NetworkPlan::duplicate, &Plan::network>("duplicate_ppm"),
    RateEdit<&NetworkPlan::straggle, &Plan::network>("straggle_ppm"),
    RateEdit<&NetworkPlan::damage, &Plan::network>("damage_ppm"),
    RateEdit<&NetworkPlan::corrupt, &Plan::network>("corrupt_ppm"),
    RateEdit<&DiskPlan::straggle, &Plan::disk>("disk_straggle_ppm"),
    RateEdit<&DiskPlan::write_failure, &Plan::disk>("write_failure_ppm"),
    RateEdit<&DiskPlan::sync_failure, &Plan::disk>("sync_failure_ppm"),
    RateEdit<&WorkloadPlan::reconnect, &Plan::workload>("reconnect_ppm"),
    WeightEdit<&WorkloadPlan::get>("get_weight"),
    WeightEdit<&WorkloadPlan::put>("put_weight", 1),
    WeightEdit<&WorkloadPlan::erase>("delete_weight"),
    WeightEdit<&WorkloadPlan::compare_and_set>("cas_weight"),
    WeightEdit<&WorkloadPlan::take_snapshot>("snapshot_weight"),
    WeightEdit<&WorkloadPlan::transfer>("transfer_weight"),
    WeightEdit<&WorkloadPlan::change_membership>("member_weight"),
    WeightEdit<&WorkloadPlan::slip>("slip_weight"),
    RateEdit<&WorkloadPlan::stale, &Plan::workload>("stale_ppm"),
    RateEdit<&WorkloadPlan::hoard, &Plan::workload>("hoard_ppm"),
    Edit{"together", 0, kTogethers - 1,
         [](const Plan& plan) { return static_cast<std::uint64_t>(plan.together); },
         [](std::uint64_t value, Plan* plan) { PutTogether(static_cast<Together>(value), plan); }},
    Edit{"core_first", 0, 1,
         [](const Plan& plan) { return std::uint64_t{plan.core_first ? 1u : 0u}; },
         [](std::uint64_t value, Plan* plan) { plan->core_first = value != 0; }},
    Edit{"leader_hangs", 0, 1,
         [](const Plan& plan) { return std::uint64_t{plan.leader_hangs ? 1u : 0u}; },
         [](std::uint64_t value, Plan* plan) { plan->leader_hangs = value != 0; }},
    WeightEdit<&WorkloadPlan::transaction>("transaction_weight"),
    Edit{"learners", 0, kLearnersMax, [](const Plan& plan) { return std::uint64_t{plan.learners}; },
         [](std::uint64_t value, Plan* plan) {
           plan->learners = static_cast<std::uint32_t>(value);
         }},
};

const Edit* FindEdit(std::string_view name) {
  const auto* found = std::ranges::find(kEdits, name, &Edit::name);
  return found == kEdits.end() ? nullptr : found;
}

const Edit& EditNamed(std::string_view name, std::uint64_t value) {
  const Edit* edit = FindEdit(name);
  GRASS_CHECK(edit != nullptr);
  GRASS_CHECK(value >= edit->min && value <= edit->max);
  return *edit;
}

using Edits = std::map<std::string, std::uint64_t>;

constexpr const char* kTogether = "together";
constexpr const char* kVoters = "voters";
constexpr const char* kLearners = "learners";
constexpr const char* kNodes = "nodes";
constexpr const char* kLease = "lease_ppm";
constexpr const char* kDrift = "drift_ppm_max";

std::optional<std::uint64_t> ValueIn(const Edits& edits, const char* name) {
  const auto found = edits.find(name);
  if (found == edits.end()) return std::nullopt;
  return found->second;
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

// What is drawn gives way to what is set: first the machines, then the voters, then the learners.
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

std::uint64_t LeaseDriftMax() {
  return static_cast<std::uint64_t>(RaftOptions().lease_drift_percent_max) * 10'000 / 2;
}

// The first of the edits that makes clocks do what a lease does not allow for.
std::optional<std::string> ClocksBeyondALease(const Edits& edits) {
  if (ValueIn(edits, kDrift).value_or(0) > LeaseDriftMax()) return kDrift;
  for (const char* name : {"fault_clock_jump", "fault_clock_stop", "fault_clock_strobe"}) {
    if (ValueIn(edits, name).value_or(0) != 0) return name;
  }
  return std::nullopt;
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

struct ChoiceForm {
  const char* name;
  std::size_t about;  // how many numbers say what it is about
};

// By value of Choice.
constexpr std::array<ChoiceForm, kChoices> kForms = {{{"faults", 1},
                                                      {"operations", 1},
                                                      {"reconnects", 1},
                                                      {"lost_messages", 3},
                                                      {"repeated_messages", 3},
                                                      {"late_messages", 3},
                                                      {"late_copies", 3},
                                                      {"damaged_chunks", 3},
                                                      {"lost_packets", 2},
                                                      {"late_packets", 2},
                                                      {"failed_ios", 1},
                                                      {"late_ios", 1},
                                                      {"lossy_crashes", 1},
                                                      {"restart_at_heal", 0},
                                                      {"old_mail", 1},
                                                      {"rare_paths", 2},
                                                      {"damaged_messages", 3},
                                                      {"damaged_packets", 2},
                                                      {"pulses", 2},
                                                      {"deaths_in_standing_partition", 0},
                                                      {"damage", 2},
                                                      {"misreads", 1},
                                                      {"deaths_beside_core", 1}}};

const ChoiceForm& FormOf(Choice choice) {
  return kForms[static_cast<std::size_t>(choice)];
}

// Begins with the kind of fault.
bool IsOfAFault(Choice choice) {
  return choice == Choice::kFault || choice == Choice::kPulse;
}

nlohmann::json ToJson(const Decision& decision) {
  nlohmann::json row = nlohmann::json::array();
  for (std::size_t i = 0; i < FormOf(decision.choice).about; ++i) {
    if (i == 0 && IsOfAFault(decision.choice)) {
      row.push_back(NameOf(static_cast<FaultKind>(decision.about[i])));
    } else if (decision.choice == Choice::kRarePath && i == 0) {
      row.push_back(NameOfSite(decision.about[i]));
    } else {
      row.push_back(decision.about[i]);
    }
  }
  row.push_back(decision.number);
  if (decision.choice == Choice::kOperation) row.push_back(decision.not_before);
  return row;
}

std::optional<std::uint32_t> FaultNamed(const nlohmann::json& name) {
  if (!name.is_string()) return std::nullopt;
  for (std::uint32_t kind = 0; kind < kFaultKinds; ++kind) {
    if (name.get<std::string>() == NameOf(static_cast<FaultKind>(kind))) return kind;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> SiteNamed(const nlohmann::json& name) {
  if (!name.is_string()) return std::nullopt;
  const std::uint32_t key = KeyOfSite(name.get<std::string>());
  if (NameOfSite(key) == nullptr) return std::nullopt;
  return key;
}

std::optional<Decision> ReadDecision(Choice choice, const nlohmann::json& row) {
  const std::size_t about = FormOf(choice).about;
  const bool timed = choice == Choice::kOperation;
  if (!row.is_array() || row.size() != about + (timed ? 2 : 1)) return std::nullopt;
  Decision decision;
  decision.choice = choice;
  for (std::size_t i = 0; i < about; ++i) {
    if (i == 0 && IsOfAFault(choice)) {
      const std::optional<std::uint32_t> kind = FaultNamed(row[i]);
      if (!kind.has_value()) return std::nullopt;
      decision.about[i] = *kind;
    } else if (choice == Choice::kRarePath && i == 0) {
      const std::optional<std::uint32_t> site = SiteNamed(row[i]);
      if (!site.has_value()) return std::nullopt;
      decision.about[i] = *site;
    } else if (row[i].is_number_unsigned() && row[i].get<std::uint64_t>() <= UINT32_MAX) {
      decision.about[i] = row[i].get<std::uint32_t>();
    } else {
      return std::nullopt;
    }
  }
  if (!row[about].is_number_unsigned() || !row.back().is_number_unsigned()) return std::nullopt;
  decision.number = row[about].get<std::uint64_t>();
  if (timed) decision.not_before = row.back().get<std::uint64_t>();
  if (decision.not_before > kNanosecondsMax) return std::nullopt;
  return decision;
}

std::vector<Decision> ReadDecisions(StrictObject object) {
  std::vector<Decision> decisions;
  for (std::size_t i = 0; i < kChoices; ++i) {
    const auto choice = static_cast<Choice>(i);
    const std::string name = NameOf(choice);
    if (!object.Has(name)) continue;
    for (const nlohmann::json& row : object.Array(name)) {
      const std::optional<Decision> decision = ReadDecision(choice, row);
      if (decision.has_value()) {
        decisions.push_back(*decision);
      } else {
        object.Fail(name, "'" + row.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
                              "' names no such decision");
      }
    }
  }
  object.End();
  std::ranges::sort(decisions);
  const auto twice = std::ranges::adjacent_find(decisions);
  if (twice != decisions.end()) object.Fail(NameOf(twice->choice), "names a decision twice");
  return decisions;
}

}  // namespace

const char* NameOf(Choice choice) {
  return FormOf(choice).name;
}

std::vector<std::string> EditNames() {
  std::vector<std::string> names;
  for (const Edit& edit : kEdits) names.emplace_back(edit.name);
  return names;
}

std::uint64_t ValueOf(const Plan& plan, std::string_view edit) {
  const Edit* found = FindEdit(edit);
  GRASS_CHECK(found != nullptr);
  return found->get(plan);
}

Plan PlanOf(const RunOptions& options) {
  const Wishes wishes = WishesOf(options);
  RunOptions drawn = options;
  if (wishes.voters) drawn.nodes = static_cast<std::uint32_t>(*wishes.voters);
  Plan plan = DrawPlan(drawn);
  // What puts several dimensions together comes before what sets one of them.
  for (const bool together : {true, false}) {
    for (const auto& [name, value] : options.edits) {
      if ((name == kTogether) == together) EditNamed(name, value).set(value, &plan);
    }
  }
  KeepSizes(wishes, &plan);
  // What is drawn gives way to what is set.
  if (!options.edits.contains(kLease) && ClocksBeyondALease(options.edits).has_value()) {
    plan.workload.lease = 0;
  }
  KeepToLeaseAssumptions(&plan);
  return plan;
}

std::optional<std::string> Contradiction(const RunOptions& options) {
  const Edits& edits = options.edits;
  if (options.nodes && ValueIn(edits, kVoters).value_or(*options.nodes) != *options.nodes) {
    return Against(NodesFlag(*options.nodes), Setting(edits, kVoters),
                   "both say how many voters there are; leave one out");
  }
  if (const auto sizes = SizesContradict(options)) return sizes;
  const std::optional<std::string> clocks = ClocksBeyondALease(edits);
  if (ValueIn(edits, kLease).value_or(0) == 0 || !clocks) return std::nullopt;
  return Against(Setting(edits, kLease), Setting(edits, *clocks),
                 "a lease rests on clocks that drift by at most " + Decimal(LeaseDriftMax()) +
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
    EditNamed(name, value).set(value, &plan);
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
  for (const Edit& edit : kEdits) {
    if (edit.get(plan) != edit.get(meant)) options.edits[edit.name] = edit.get(meant);
  }
  return options;
}

Plan PlanOf(const Schedule& schedule) {
  Plan plan = PlanOf(schedule.run);
  plan.only = schedule.only;
  return plan;
}

std::optional<std::string> AddEdit(std::string_view text,
                                   std::map<std::string, std::uint64_t>* edits) {
  const std::size_t equals = text.find('=');
  const Edit* edit = FindEdit(text.substr(0, equals));
  if (equals == std::string_view::npos || edit == nullptr) {
    std::string known;
    for (const Edit& one : kEdits) known += (known.empty() ? "" : ", ") + std::string(one.name);
    return "'" + std::string(text) + "' is not NAME=VALUE with one of the names " + known;
  }
  std::uint64_t value = 0;
  const std::string_view digits = text.substr(equals + 1);
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || at != end || value < edit->min || value > edit->max) {
    return "'" + std::string(text) + "': expected a whole number from " + Decimal(edit->min) +
           " to " + Decimal(edit->max);
  }
  (*edits)[edit->name] = value;
  return std::nullopt;
}

std::optional<std::string> AddProfile(std::string_view text, const std::string& name,
                                      std::map<std::string, std::uint64_t>* edits) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return "'" + name + "': is not JSON; expected a profile";
  std::string error;
  StrictObject object(json, "'" + name + "'", &error);
  std::map<std::string, std::uint64_t> found;
  if (object.Has("about")) object.Text("about");
  for (const Edit& edit : kEdits) {
    if (const auto value = object.OptionalNumber(edit.name, edit.min, edit.max)) {
      found[edit.name] = *value;
    }
  }
  object.End();
  if (!error.empty()) return error;
  edits->insert(found.begin(), found.end());
  return std::nullopt;
}

nlohmann::json ToJson(const Schedule& schedule) {
  nlohmann::json json = {{"seed", schedule.run.seed}};
  if (schedule.run.nodes) json["nodes"] = *schedule.run.nodes;
  if (schedule.run.steps) json["steps"] = *schedule.run.steps;
  if (schedule.run.seconds) json["seconds"] = *schedule.run.seconds;
  if (!schedule.run.edits.empty()) json["edits"] = schedule.run.edits;
  if (schedule.only.has_value()) {
    nlohmann::json& only = json["only"] = nlohmann::json::object();
    for (const Decision& decision : *schedule.only) {
      only[NameOf(decision.choice)].push_back(ToJson(decision));
    }
  }
  return json;
}

Schedule ReadSchedule(StrictObject object) {
  Schedule schedule;
  schedule.run.seed = object.Number("seed", 0, UINT64_MAX);
  if (const auto nodes = object.OptionalNumber("nodes", 1, 7)) {
    schedule.run.nodes = static_cast<std::uint32_t>(*nodes);
  }
  schedule.run.steps = object.OptionalNumber("steps", 1, UINT64_MAX);
  if (const auto seconds = object.OptionalNumber("seconds", 1, 1'000'000)) {
    schedule.run.seconds = static_cast<std::uint32_t>(*seconds);
  }
  if (object.Has("edits")) {
    StrictObject edits = object.Object("edits");
    for (const Edit& edit : kEdits) {
      if (const auto value = edits.OptionalNumber(edit.name, edit.min, edit.max)) {
        schedule.run.edits[edit.name] = *value;
      }
    }
    edits.End();
  }
  if (object.Has("only")) schedule.only = ReadDecisions(object.Object("only"));
  object.End();
  return schedule;
}

}  // namespace grassdb::sim
