#include "sim/edits.h"

#include <algorithm>
#include <type_traits>

#include "core/check.h"

namespace grassdb::sim {
namespace {

constexpr std::uint64_t kRateMax = 1'000'000;
constexpr std::uint64_t kWeightMax = 1'000'000;
// Sizes that fit into memory a few times over, and times that can be added up.
constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kNanosecondsMax = 1'000'000'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
// The faults of a run that counts its events (--steps) end no sooner.
constexpr auto kForEver = static_cast<std::uint64_t>(Duration::max().count() / 4);

template <class Value>
std::uint64_t ToNumber(const Value& value) {
  if constexpr (std::is_same_v<Value, Duration>) {
    return static_cast<std::uint64_t>(value.count());
  } else {
    return static_cast<std::uint64_t>(value);
  }
}

template <class Value>
void FromNumber(std::uint64_t number, Value* value) {
  if constexpr (std::is_same_v<Value, Duration>) {
    *value = Duration(static_cast<Duration::rep>(number));
  } else if constexpr (std::is_same_v<Value, bool>) {
    *value = number != 0;
  } else {
    *value = static_cast<Value>(number);
  }
}

template <class Kind>
constexpr std::size_t Place(Kind kind) {
  return static_cast<std::size_t>(kind);
}

// `Where` is a lambda that returns the place of the value in a plan, const or not.
template <class Where>
constexpr Edit At(Where, std::uint64_t min, std::uint64_t max) {
  return {min, max, [](const Plan& plan) { return ToNumber(Where{}(plan)); },
          [](std::uint64_t value, Plan* plan) { FromNumber(value, &Where{}(*plan)); }};
}

template <class Where>
constexpr Edit Switch(Where where) {
  return At(where, 0, 1);
}

template <class Where>
constexpr Edit Rate(Where where) {
  return At(where, 0, kRateMax);
}

// Of an operation among the others; a put is worth 100 to 10100 where nothing is said. Of a kind of
// damage among the others, where fault_damage is on.
template <class Where>
constexpr Edit Weight(Where where, std::uint64_t min = 0) {
  return At(where, min, kWeightMax);
}

template <class Where>
constexpr Edit Time(Where where, std::uint64_t min = 0) {
  return At(where, min, kNanosecondsMax);
}

template <class Where>
constexpr Edit Bytes(Where where, std::uint64_t min = 1) {
  return At(where, min, kBytesMax);
}

// Of a kind of fault: whether it comes at all, how often and for how long.
template <FaultKind kKind>
void AddFault(const std::string& name, EditTable* edits) {
  edits->emplace(name, Switch([](auto& plan) -> auto& { return plan.faults[Place(kKind)].on; }));
  edits->emplace(
      name + "_gap_ns",
      Time(
          [](auto& plan) -> auto& { return plan.faults[Place(kKind)].gap_mean; }, kMillisecond));
  edits->emplace(name + "_length_min_ns",
                 Time([](auto& plan) -> auto& { return plan.faults[Place(kKind)].length_min; }));
  edits->emplace(name + "_length_max_ns",
                 Time([](auto& plan) -> auto& { return plan.faults[Place(kKind)].length_max; }));
}

void AddFaults(EditTable* edits) {
  AddFault<FaultKind::kCrash>("fault_crash", edits);
  AddFault<FaultKind::kCrashAll>("fault_crash_all", edits);
  AddFault<FaultKind::kPartition>("fault_partition", edits);
  AddFault<FaultKind::kClog>("fault_clog", edits);
  AddFault<FaultKind::kPause>("fault_pause", edits);
  AddFault<FaultKind::kSlowNode>("fault_slow_node", edits);
  AddFault<FaultKind::kSlowDisk>("fault_slow_disk", edits);
  AddFault<FaultKind::kClientCut>("fault_client_cut", edits);
  AddFault<FaultKind::kClockJump>("fault_clock_jump", edits);
  AddFault<FaultKind::kWipe>("fault_wipe", edits);
  AddFault<FaultKind::kRollBack>("fault_roll_back", edits);
  AddFault<FaultKind::kCrashAtIo>("fault_crash_at_io", edits);
  AddFault<FaultKind::kFullDisk>("fault_full_disk", edits);
  AddFault<FaultKind::kHangDisk>("fault_hang_disk", edits);
  AddFault<FaultKind::kDamage>("fault_damage", edits);
  AddFault<FaultKind::kClockStop>("fault_clock_stop", edits);
  AddFault<FaultKind::kClockStrobe>("fault_clock_strobe", edits);
  AddFault<FaultKind::kCrashStorm>("fault_crash_storm", edits);
  AddFault<FaultKind::kSwizzle>("fault_swizzle", edits);
  AddFault<FaultKind::kFlap>("fault_flap", edits);
  AddFault<FaultKind::kStop>("fault_stop", edits);
}

template <DamageKind kKind>
void AddDamage(const std::string& name, EditTable* edits) {
  edits->emplace(name, Weight([](auto& plan) -> auto& { return plan.disk.damage[Place(kKind)]; }));
}

void AddDamages(EditTable* edits) {
  AddDamage<DamageKind::kBitFlip>("bit_flip_weight", edits);
  AddDamage<DamageKind::kZeroed>("zeroed_weight", edits);
  AddDamage<DamageKind::kGarbled>("garbled_weight", edits);
  AddDamage<DamageKind::kMisdirectedWrite>("misdirected_write_weight", edits);
  AddDamage<DamageKind::kMisdirectedRead>("misdirected_read_weight", edits);
  AddDamage<DamageKind::kLostWrite>("lost_write_weight", edits);
  AddDamage<DamageKind::kUnreadable>("unreadable_weight", edits);
  AddDamage<DamageKind::kShrunk>("shrunk_weight", edits);
}

// A row of a table.
#define GRASS_AT(place) ([](auto& plan) -> auto& { return plan.place; })

void AddRun(EditTable* edits) {
  edits->insert({
      {"voters", At(GRASS_AT(voters), 1, 7)},
      {"nodes", At(GRASS_AT(nodes), 1, kMachinesMax)},
      {"learners", At(GRASS_AT(learners), 0, kLearnersMax)},
      {"together", At(GRASS_AT(together), 0, kTogethers - 1)},
      {"fault_phase_ns", At(GRASS_AT(fault_phase), 1, kForEver)},
      {"fault_steps", At(GRASS_AT(fault_steps), 1, UINT64_MAX)},
      {"core_first", Switch(GRASS_AT(core_first))},
      {"standing_partition", Switch(GRASS_AT(standing_partition))},
      {"leader_hangs", Switch(GRASS_AT(leader_hangs))},
      {"end_with_faults", Switch(GRASS_AT(end_with_faults))},
      {"white_box", Switch(GRASS_AT(white_box))},
      {"history_part", At(GRASS_AT(history_part), 1, 1'000'000'000)},
      {"wire", Switch(GRASS_AT(wire))},
      {"atlas", At(GRASS_AT(atlas), 0, 2)},
      {"strangers_forget", Switch(GRASS_AT(strangers_forget))},
      {"old_format_ppm", Rate(GRASS_AT(old_format))},
      {"rare_path_ppm", Rate(GRASS_AT(rare_path))},
      {"power_loss_ppm", Rate(GRASS_AT(power_loss))},
      // Time goes on, whatever is free.
      {"processing_ns", Time(GRASS_AT(processing), 1)},
      {"process_start_ns", Time(GRASS_AT(process_start), 1)},
      {"timeout_percent_min", At(GRASS_AT(timeout_percent_min), 1, 100)},
      {"drift_ppm_max", At(GRASS_AT(clock.drift_ppm_max), 0, 400'000)},
      {"clock_jump_max_ns", Time(GRASS_AT(clock.jump_max))},
      {"clock_offset_max_ns", Time(GRASS_AT(clock.offset_max))},
  });
}

void AddNode(EditTable* edits) {
  constexpr std::uint64_t kCountMax = 1'000'000;
  edits->insert({
      {"election_timeout_min_ns",
       At(GRASS_AT(node.raft.election_timeout_min), 3 * kMillisecond, kNanosecondsMax / 10)},
      {"election_timeout_max_ns", Time(GRASS_AT(node.raft.election_timeout_max), 4 * kMillisecond)},
      // A timeout that suits it is within the ranges above, and the other way around.
      {"heartbeat_interval_ns",
       At(GRASS_AT(node.raft.heartbeat_interval), kMillisecond, kNanosecondsMax / 10'000)},
      {"append_entries_max", At(GRASS_AT(node.raft.append_entries_max), 1, kCountMax)},
      {"append_bytes_max", Bytes(GRASS_AT(node.raft.append_bytes_max))},
      {"inflight_messages_max", At(GRASS_AT(node.raft.inflight_messages_max), 1, kCountMax)},
      {"inflight_bytes_max", Bytes(GRASS_AT(node.raft.inflight_bytes_max))},
      {"append_delay_ns", Time(GRASS_AT(node.raft.append_delay))},
      {"unapplied_bytes_max", Bytes(GRASS_AT(node.raft.unapplied_bytes_max))},
      {"reads_waiting_max", At(GRASS_AT(node.raft.reads_waiting_max), 1, kCountMax)},
      {"lease_drift_percent_max", At(GRASS_AT(node.raft.lease_drift_percent_max), 0, 99)},
      {"disk_stall_timeouts", At(GRASS_AT(node.raft.disk_stall_timeouts), 1, 1000)},
      {"session_idle_max_ms", At(GRASS_AT(node.store.session_idle_max), 1, 1'000'000'000)},
      {"sessions_max", At(GRASS_AT(node.store.sessions_max), 1, kCountMax)},
      {"answers_max", At(GRASS_AT(node.store.answers_max), 1, kCountMax)},
      {"answer_bytes_max", Bytes(GRASS_AT(node.store.answer_bytes_max))},
      {"snapshot_log_bytes", Bytes(GRASS_AT(node.snapshot_log_bytes))},
      {"log_kept_bytes", Bytes(GRASS_AT(node.log_kept_bytes), 0)},
      {"log_memory_bytes", Bytes(GRASS_AT(node.log_memory_bytes))},
      {"snapshot_chunk_bytes", Bytes(GRASS_AT(node.snapshot_chunk_bytes), 16)},
      {"snapshot_retry_ns", Time(GRASS_AT(node.snapshot_retry), kMillisecond)},
      {"snapshot_bytes_per_second", Bytes(GRASS_AT(node.snapshot_bytes_per_second), 0)},
      {"mark_idle_ns", Time(GRASS_AT(node.mark_idle))},
      {"read_patience_ns", Time(GRASS_AT(node.read_patience), kMillisecond)},
      {"scrub_bytes_per_second", Bytes(GRASS_AT(node.scrub_bytes_per_second), 0)},
      {"scrub_pause_ns", Time(GRASS_AT(node.scrub_pause))},
      {"space_retry_min_ns", Time(GRASS_AT(node.space_retry_min), kMillisecond)},
      {"space_retry_max_ns", Time(GRASS_AT(node.space_retry_max), kMillisecond)},
      {"waiting_requests_max", At(GRASS_AT(node.waiting_requests_max), 1, kCountMax)},
      {"segment_bytes", At(GRASS_AT(storage.segment_bytes), 4096, 1 << 24)},
      {"reserve_bytes", At(GRASS_AT(storage.reserve_bytes), 0, 1 << 24)},
      {"recycled_segments_max", At(GRASS_AT(storage.recycled_segments_max), 0, 64)},
      {"snapshot_sync_bytes", Bytes(GRASS_AT(storage.snapshot_sync_bytes))},
      {"snapshot_block_bytes", At(GRASS_AT(storage.snapshot_block_bytes), 16, 1 << 24)},
      {"snapshot_zstd", Switch(GRASS_AT(storage.snapshot_compression))},
  });
}

// What is sent on a link arrives in that order, or in any.
constexpr Edit Reorder() {
  return {0, 1,
          [](const Plan& plan) {
            return std::uint64_t{plan.network.order == DeliveryOrder::kAny ? 1u : 0u};
          },
          [](std::uint64_t value, Plan* plan) {
            plan->network.order = value != 0 ? DeliveryOrder::kAny : DeliveryOrder::kPerLink;
          }};
}

void AddNetworkAndDisk(EditTable* edits) {
  edits->insert({
      {"delay_min_ns", Time(GRASS_AT(network.delay_min))},
      {"delay_spread_ns", Time(GRASS_AT(network.delay_spread))},
      {"reorder", Reorder()},
      {"drop_ppm", Rate(GRASS_AT(network.drop))},
      {"duplicate_ppm", Rate(GRASS_AT(network.duplicate))},
      {"straggle_ppm", Rate(GRASS_AT(network.straggle))},
      {"straggle_max_ns", Time(GRASS_AT(network.straggle_max))},
      {"damage_ppm", Rate(GRASS_AT(network.damage))},
      {"corrupt_ppm", Rate(GRASS_AT(network.corrupt))},
      {"reset_seen_ppm", Rate(GRASS_AT(network.reset_seen))},
      {"disk_read_ns", Time(GRASS_AT(disk.read))},
      {"disk_write_ns", Time(GRASS_AT(disk.write))},
      {"disk_sync_min_ns", Time(GRASS_AT(disk.sync_min))},
      {"disk_sync_spread_ns", Time(GRASS_AT(disk.sync_spread))},
      {"disk_per_kib_ns", Time(GRASS_AT(disk.per_kib))},
      {"disk_straggle_ppm", Rate(GRASS_AT(disk.straggle))},
      {"disk_straggle_max_ns", Time(GRASS_AT(disk.straggle_max))},
      {"write_failure_ppm", Rate(GRASS_AT(disk.write_failure))},
      {"sync_failure_ppm", Rate(GRASS_AT(disk.sync_failure))},
      {"telling_ppm", Rate(GRASS_AT(disk.telling))},
      {"misread_ppm", Rate(GRASS_AT(disk.misread))},
      {"read_failure_ppm", Rate(GRASS_AT(disk.read_failure))},
  });
}

void AddWorkload(EditTable* edits) {
  edits->insert({
      {"clients", At(GRASS_AT(workload.clients), 1, 12)},
      {"keys", At(GRASS_AT(workload.keys), 1, 24)},
      {"think_max_ns", Time(GRASS_AT(workload.think_max), 1)},
      {"value_bytes_max", At(GRASS_AT(workload.value_bytes_max), 1, 2048)},
      {"deadline_ns", Time(GRASS_AT(workload.deadline), kMillisecond)},
      {"attempt_timeout_ns", Time(GRASS_AT(workload.attempt_timeout), kMillisecond)},
      {"get_weight", Weight(GRASS_AT(workload.get))},
      {"put_weight", Weight(GRASS_AT(workload.put), 1)},
      {"delete_weight", Weight(GRASS_AT(workload.erase))},
      {"cas_weight", Weight(GRASS_AT(workload.compare_and_set))},
      {"snapshot_weight", Weight(GRASS_AT(workload.take_snapshot))},
      {"transfer_weight", Weight(GRASS_AT(workload.transfer))},
      {"member_weight", Weight(GRASS_AT(workload.change_membership))},
      {"transaction_weight", Weight(GRASS_AT(workload.transaction))},
      {"slip_weight", Weight(GRASS_AT(workload.slip))},
      {"stale_ppm", Rate(GRASS_AT(workload.stale))},
      {"lease_ppm", Rate(GRASS_AT(workload.lease))},
      {"hoard_ppm", Rate(GRASS_AT(workload.hoard))},
      {"reconnect_ppm", Rate(GRASS_AT(workload.reconnect))},
  });
}

#undef GRASS_AT

}  // namespace

const EditTable& AllEdits() {
  static const EditTable kEdits = [] {
    EditTable edits;
    AddRun(&edits);
    AddNode(&edits);
    AddNetworkAndDisk(&edits);
    AddWorkload(&edits);
    AddDamages(&edits);
    AddFaults(&edits);
    return edits;
  }();
  return kEdits;
}

const Edit& EditNamed(std::string_view name, std::uint64_t value) {
  const auto found = AllEdits().find(name);
  GRASS_CHECK(found != AllEdits().end());
  GRASS_CHECK(value >= found->second.min && value <= found->second.max);
  return found->second;
}

std::uint64_t ValueOf(const Plan& plan, std::string_view name) {
  const auto found = AllEdits().find(name);
  GRASS_CHECK(found != AllEdits().end());
  return found->second.get(plan);
}

Edits ConfigurationOf(const Plan& plan) {
  Edits values;
  for (const auto& [name, edit] : AllEdits()) values.emplace(name, edit.get(plan));
  return values;
}

Plan PlanWith(const Edits& configuration, std::uint64_t seed) {
  Plan plan;
  plan.seed = seed;
  for (const auto& [name, value] : configuration) EditNamed(name, value).set(value, &plan);
  KeepRanges(&plan);
  return plan;
}

void KeepRanges(Plan* plan) {
  for (const auto& [name, edit] : AllEdits()) {
    edit.set(std::clamp(edit.get(*plan), edit.min, edit.max), plan);
  }
}

const std::vector<std::pair<std::string, std::string>>& AscendingEdits() {
  static const auto kPairs = [] {
    std::vector<std::pair<std::string, std::string>> pairs = {
        {"space_retry_min_ns", "space_retry_max_ns"}};
    const std::string_view shortest = "_length_min_ns";
    for (const auto& [name, edit] : AllEdits()) {
      if (!name.ends_with(shortest)) continue;
      pairs.emplace_back(name, name.substr(0, name.size() - shortest.size()) + "_length_max_ns");
    }
    return pairs;
  }();
  return kPairs;
}

std::optional<std::string> WhyNot(const Plan& plan) {
  if (plan.voters + plan.learners > plan.nodes) return "voters and learners are more than nodes";
  for (const auto& [low, high] : AscendingEdits()) {
    if (ValueOf(plan, low) > ValueOf(plan, high)) return low + " is above " + high;
  }
  Plan kept = plan;
  KeepToLeaseAssumptions(&kept);
  if (ConfigurationOf(kept) != ConfigurationOf(plan)) {
    return "with lease_ppm clocks drift little, and neither jump nor stop";
  }
  // As of the node with the shortest timeouts.
  NodeOptions node = plan.node;
  node.raft.id = NodeId(1);
  node.raft.election_timeout_min =
      node.raft.election_timeout_min * static_cast<Duration::rep>(plan.timeout_percent_min) / 100;
  return node.Problem();
}

}  // namespace grassdb::sim
