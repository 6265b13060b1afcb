#include "sim/fault_mix.h"

#include <array>

namespace grassdb::sim {
namespace {

// Of the kinds behind those that begin and end.
struct Row {
  MixKind kind;
  const char* name;
  bool (*is_on)(const Plan&);
};

constexpr std::array<Row, kMixKinds - kFaultKinds> kRows = {{
    {MixKind::kDrop, "drop", [](const Plan& plan) { return plan.network.drop > 0; }},
    {MixKind::kDuplicate, "duplicate", [](const Plan& plan) { return plan.network.duplicate > 0; }},
    {MixKind::kStraggle, "straggle", [](const Plan& plan) { return plan.network.straggle > 0; }},
    {MixKind::kReorder, "reorder",
     [](const Plan& plan) { return plan.network.order == DeliveryOrder::kAny; }},
    {MixKind::kCorrupt, "corrupt", [](const Plan& plan) { return plan.network.corrupt > 0; }},
    {MixKind::kChunkDamage, "chunk-damage",
     [](const Plan& plan) { return plan.network.damage > 0; }},
    {MixKind::kDiskStraggle, "disk-straggle",
     [](const Plan& plan) { return plan.disk.straggle > 0; }},
    {MixKind::kWriteFailure, "write-failure",
     [](const Plan& plan) { return plan.disk.write_failure > 0; }},
    {MixKind::kSyncFailure, "sync-failure",
     [](const Plan& plan) { return plan.disk.sync_failure > 0; }},
    {MixKind::kReadFailure, "read-failure",
     [](const Plan& plan) { return plan.disk.read_failure > 0; }},
    {MixKind::kMisread, "misread", [](const Plan& plan) { return plan.disk.misread > 0; }},
    {MixKind::kOldFormat, "old-format", [](const Plan& plan) { return plan.old_format > 0; }},
    {MixKind::kRarePaths, "rare-paths", [](const Plan& plan) { return plan.rare_path > 0; }},
    {MixKind::kWire, "wire", [](const Plan& plan) { return plan.wire; }},
    {MixKind::kLease, "lease", [](const Plan& plan) { return plan.workload.lease > 0; }},
    {MixKind::kCoreFirst, "core-first", [](const Plan& plan) { return plan.core_first; }},
    {MixKind::kStandingPartition, "standing-partition",
     [](const Plan& plan) { return plan.standing_partition; }},
    {MixKind::kLeaderHangs, "leader-hangs", [](const Plan& plan) { return plan.leader_hangs; }},
}};

constexpr bool AreInOrder() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].kind) != kFaultKinds + i) return false;
  }
  return true;
}
static_assert(AreInOrder(), "a row for each kind, in the order of the kinds");

// Null of a kind that begins and ends.
const Row* RowOf(MixKind kind) {
  const auto number = static_cast<std::size_t>(kind);
  return number < kFaultKinds ? nullptr : &kRows[number - kFaultKinds];
}

bool IsOn(MixKind kind, const Plan& plan) {
  const Row* const row = RowOf(kind);
  return row != nullptr ? row->is_on(plan) : plan.faults[static_cast<std::size_t>(kind)].on;
}

}  // namespace

const char* NameOf(MixKind kind) {
  const Row* const row = RowOf(kind);
  return row != nullptr ? row->name : NameOf(static_cast<FaultKind>(kind));
}

FaultMix MixOf(const Plan& plan) {
  FaultMix mix;
  for (std::size_t kind = 0; kind < kMixKinds; ++kind) {
    mix.on[kind] = IsOn(static_cast<MixKind>(kind), plan);
  }
  mix.nodes = plan.nodes;
  mix.voters = plan.voters;
  mix.learners = plan.learners;
  mix.clients = plan.workload.clients;
  mix.together = plan.together;
  return mix;
}

}  // namespace grassdb::sim
