#include "sim/fault_mix.h"

namespace grassdb::sim {
namespace {

bool IsOn(MixKind kind, const Plan& plan) {
  switch (kind) {
    case MixKind::kDrop:
      return plan.network.drop > 0;
    case MixKind::kDuplicate:
      return plan.network.duplicate > 0;
    case MixKind::kStraggle:
      return plan.network.straggle > 0;
    case MixKind::kReorder:
      return plan.network.order == DeliveryOrder::kAny;
    case MixKind::kCorrupt:
      return plan.network.corrupt > 0;
    case MixKind::kChunkDamage:
      return plan.network.damage > 0;
    case MixKind::kDiskStraggle:
      return plan.disk.straggle > 0;
    case MixKind::kWriteFailure:
      return plan.disk.write_failure > 0;
    case MixKind::kSyncFailure:
      return plan.disk.sync_failure > 0;
    case MixKind::kReadFailure:
      return plan.disk.read_failure > 0;
    case MixKind::kMisread:
      return plan.disk.misread > 0;
    case MixKind::kOldFormat:
      return plan.old_format > 0;
    case MixKind::kRarePaths:
      return plan.rare_path > 0;
    case MixKind::kWire:
      return plan.wire;
    case MixKind::kLease:
      return plan.workload.lease > 0;
    case MixKind::kCoreFirst:
      return plan.core_first;
    case MixKind::kStandingPartition:
      return plan.standing_partition;
    case MixKind::kLeaderHangs:
      return plan.leader_hangs;
  }
  return plan.faults[static_cast<std::size_t>(kind)].on;
}

}  // namespace

const char* NameOf(MixKind kind) {
  switch (kind) {
    case MixKind::kDrop:
      return "drop";
    case MixKind::kDuplicate:
      return "duplicate";
    case MixKind::kStraggle:
      return "straggle";
    case MixKind::kReorder:
      return "reorder";
    case MixKind::kCorrupt:
      return "corrupt";
    case MixKind::kChunkDamage:
      return "chunk-damage";
    case MixKind::kDiskStraggle:
      return "disk-straggle";
    case MixKind::kWriteFailure:
      return "write-failure";
    case MixKind::kSyncFailure:
      return "sync-failure";
    case MixKind::kReadFailure:
      return "read-failure";
    case MixKind::kMisread:
      return "misread";
    case MixKind::kOldFormat:
      return "old-format";
    case MixKind::kRarePaths:
      return "rare-paths";
    case MixKind::kWire:
      return "wire";
    case MixKind::kLease:
      return "lease";
    case MixKind::kCoreFirst:
      return "core-first";
    case MixKind::kStandingPartition:
      return "standing-partition";
    case MixKind::kLeaderHangs:
      return "leader-hangs";
  }
  return NameOf(static_cast<FaultKind>(kind));
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
