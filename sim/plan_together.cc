// Plans in which what rarely meets is put together (Together in plan.h).
#include <algorithm>
#include <chrono>
#include <initializer_list>

#include "sim/plan.h"

namespace grassdb::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

void SetSync(Duration sync, Plan* plan) {
  DiskPlan& disk = plan->disk;
  disk.sync_min = sync;
  disk.sync_spread = disk.sync_min * 2;
  disk.read = disk.sync_min / 8;
  disk.write = disk.sync_min / 16;
  disk.per_kib = disk.sync_min / 64;
  disk.straggle_max = disk.sync_min * 100;
}

namespace {

void SetSyncAtMost(Duration sync, Plan* plan) {
  SetSync(std::min(plan->disk.sync_min, sync), plan);
}

void SetDelaySpreadAtMost(Duration spread, Plan* plan) {
  plan->network.delay_spread = std::min(plan->network.delay_spread, spread);
}

void SetFault(FaultKind kind, Duration gap, Duration length, Plan* plan) {
  FaultPlan& fault = plan->faults[static_cast<std::size_t>(kind)];
  fault.on = true;
  fault.gap_mean = gap;
  fault.length_max = std::max(fault.length_min, length);
}

void SetLeast(FaultKind kind, Duration length, Plan* plan) {
  plan->faults[static_cast<std::size_t>(kind)].length_min = length;
}

void TurnOff(std::initializer_list<FaultKind> kinds, Plan* plan) {
  for (const FaultKind kind : kinds) plan->faults[static_cast<std::size_t>(kind)].on = false;
}

void HaveVoters(std::uint32_t least, Plan* plan) {
  if (plan->voters >= least) return;
  plan->nodes += least - plan->voters;
  plan->voters = least;
}

// Nothing else is in the way: nobody hands over, which voids a lease, and the membership stays.
void PutLeases(Together together, Duration unit, Plan* plan) {
  WorkloadPlan& work = plan->workload;
  work.lease = 1'000'000;
  work.get = std::max(work.get, 5000U);
  work.transfer = work.change_membership = 1;
  plan->node.raft.heartbeat_interval = plan->node.raft.election_timeout_min / 5;
  plan->timeout_percent_min = 45;
  HaveVoters(3, plan);
  plan->nodes = plan->voters + plan->learners;  // nobody is waited for
  SetSyncAtMost(milliseconds(1), plan);
  TurnOff({FaultKind::kCrashAll, FaultKind::kWipe, FaultKind::kRollBack, FaultKind::kDamage,
           FaultKind::kFullDisk, FaultKind::kHangDisk},
          plan);
  plan->network.delay_min = std::min(plan->network.delay_min, Duration(milliseconds(1)));
  SetDelaySpreadAtMost(milliseconds(4), plan);
  if (together == Together::kLeasesAndRestarts) {
    SetFault(FaultKind::kPartition, unit, 4 * unit, plan);
    SetFault(FaultKind::kCrash, unit, unit / 8, plan);
    return;
  }
  plan->network.order = DeliveryOrder::kAny;
  plan->network.straggle = 200'000;
  plan->network.straggle_max = unit;
  SetFault(FaultKind::kPartition, unit, 4 * unit, plan);
  SetFault(FaultKind::kClog, unit / 2, unit, plan);
}

// On any disks, of every kind that the rule of each entry allows.
void PutDamage(Plan* plan) {
  plan->atlas = AtlasRule::kEachEntry;
  plan->disk.misread = 0;
  plan->disk.damage.fill(10);
  plan->disk.damage[static_cast<std::size_t>(DamageKind::kUnreadable)] = 0;
}

void PutNewDisks(Together together, Duration unit, Plan* plan) {
  HaveVoters(3, plan);
  // They would hold the next lost disk up.
  TurnOff({FaultKind::kCrashAll, FaultKind::kRollBack, FaultKind::kDamage, FaultKind::kFullDisk},
          plan);
  SetSyncAtMost(milliseconds(1), plan);
  SetDelaySpreadAtMost(milliseconds(4), plan);
  plan->network.order = DeliveryOrder::kAny;
  plan->network.straggle_max = 2 * unit;
  plan->node.snapshot_bytes_per_second = 0;
  if (together == Together::kLostDisksAndOldMail) {
    plan->workload.change_membership = 1;
    SetFault(FaultKind::kWipe, unit, unit / 16, plan);
    // Present answers are held up; old ones, which are on their way already, are not.
    SetFault(FaultKind::kSwizzle, unit / 2, 3 * unit, plan);
    SetFault(FaultKind::kClog, unit, 2 * unit, plan);
    return;
  }
  plan->workload.change_membership = 3000;
  plan->strangers_forget = true;
  plan->nodes = std::min(kMachinesMax, std::max(plan->nodes, plan->voters + plan->learners + 2));
  PutDamage(plan);
  SetFault(FaultKind::kDamage, unit, unit / 2, plan);
  SetFault(FaultKind::kWipe, unit, unit / 16, plan);
  SetFault(FaultKind::kCrash, unit, unit, plan);
  SetFault(FaultKind::kPartition, 2 * unit, 2 * unit, plan);
}

void PutRot(Duration unit, Plan* plan) {
  HaveVoters(3, plan);
  PutDamage(plan);
  plan->workload.change_membership = 1000;
  plan->workload.think_max = seconds(1);
  plan->workload.attempt_timeout = milliseconds(50);
  plan->network.damage = 200'000;
  SetDelaySpreadAtMost(milliseconds(4), plan);
  SetSyncAtMost(milliseconds(2), plan);
  TurnOff({FaultKind::kWipe, FaultKind::kRollBack, FaultKind::kFullDisk, FaultKind::kStop,
           FaultKind::kHangDisk},
          plan);
  SetFault(FaultKind::kPartition, unit, 2 * unit, plan);
  SetFault(FaultKind::kDamage, unit / 4, unit, plan);
  SetFault(FaultKind::kCrash, unit, unit, plan);
  SetFault(FaultKind::kCrashAll, 4 * unit, unit, plan);
}

// Whoever is cut off gets many attempts in vain, more than are read at a time. What has replaced
// them is in no memory and no snapshot when the node starts again.
void PutReadBack(Duration unit, Plan* plan) {
  HaveVoters(3, plan);
  WorkloadPlan& work = plan->workload;
  work.attempt_timeout = milliseconds(50);
  work.value_bytes_max = std::min(work.value_bytes_max, 64U);
  work.take_snapshot = work.change_membership = work.transfer = 1;
  plan->node.raft.append_entries_max = std::min(plan->node.raft.append_entries_max, std::size_t{4});
  plan->node.raft.unapplied_bytes_max = std::uint64_t{1} << 20;
  plan->node.log_memory_bytes = 1;
  plan->node.snapshot_log_bytes = 262144;
  plan->storage.segment_bytes = 65536;
  SetDelaySpreadAtMost(milliseconds(4), plan);
  SetSyncAtMost(milliseconds(1), plan);
  TurnOff({FaultKind::kWipe, FaultKind::kRollBack, FaultKind::kDamage, FaultKind::kFullDisk,
           FaultKind::kHangDisk},
          plan);
  SetFault(FaultKind::kPartition, unit, 2 * unit, plan);
  SetFault(FaultKind::kCrash, 2 * unit, unit / 4, plan);
}

// Whoever is cut off gets a few attempts in vain, and the others far more instead. Then the disks
// are damaged where these have taken the place of those, often while the power is out, so that a
// repair asks everybody before anyone leads.
void PutPartings(Duration unit, Plan* plan) {
  HaveVoters(3, plan);
  PutDamage(plan);
  plan->disk.telling = 900'000;
  plan->workload.change_membership = 1;
  plan->workload.take_snapshot = 0;
  plan->workload.value_bytes_max = std::min(plan->workload.value_bytes_max, 64U);
  plan->workload.attempt_timeout = std::max(plan->workload.attempt_timeout, unit / 4);
  plan->node.raft.unapplied_bytes_max = 512;
  plan->node.snapshot_log_bytes = std::max(plan->node.snapshot_log_bytes, std::uint64_t{32768});
  SetDelaySpreadAtMost(milliseconds(4), plan);
  SetSyncAtMost(milliseconds(1), plan);
  TurnOff({FaultKind::kWipe, FaultKind::kRollBack, FaultKind::kFullDisk, FaultKind::kStop,
           FaultKind::kHangDisk},
          plan);
  // Long enough for another leader; the power is out until that has passed, as often as not.
  SetFault(FaultKind::kPartition, unit / 2, 4 * unit, plan);
  SetLeast(FaultKind::kPartition, unit * 3 / 2, plan);
  SetFault(FaultKind::kDamage, unit / 2, 3 * unit, plan);
  SetLeast(FaultKind::kDamage, unit / 2, plan);
}

// Every follower that lags behind needs a snapshot, and there is a new one all the time.
void PutSnapshots(Duration unit, Plan* plan) {
  HaveVoters(3, plan);
  plan->workload.take_snapshot = 2000;
  plan->node.snapshot_log_bytes = std::min(plan->node.snapshot_log_bytes, std::uint64_t{4096});
  plan->node.log_kept_bytes = 1;
  plan->node.snapshot_bytes_per_second = 0;
  plan->node.raft.inflight_messages_max = 1;
  // In few pieces, and each of them staged at once.
  plan->node.snapshot_chunk_bytes = 65536;
  plan->storage.snapshot_block_bytes = 2048;
  plan->storage.snapshot_sync_bytes = 65536;
  plan->node.snapshot_retry = plan->node.raft.heartbeat_interval;
  SetSync(unit / 100, plan);
  SetDelaySpreadAtMost(milliseconds(4), plan);
  TurnOff({FaultKind::kWipe, FaultKind::kRollBack, FaultKind::kFullDisk, FaultKind::kDamage,
           FaultKind::kCrashAll},
          plan);
  SetFault(FaultKind::kSlowDisk, unit / 2, 10 * unit, plan);
  SetFault(FaultKind::kHangDisk, unit, 8 * unit, plan);
  SetFault(FaultKind::kPartition, unit, 2 * unit, plan);
}

// A write that is under way nearly always, and takes many sectors.
void PutRotInFrontOfATear(Duration unit, Plan* plan) {
  HaveVoters(3, plan);
  plan->atlas = AtlasRule::kOneNode;
  plan->disk.damage.fill(0);
  plan->disk.damage[static_cast<std::size_t>(DamageKind::kBitFlip)] = 1;
  plan->disk.telling = 900'000;
  plan->disk.misread = 0;
  plan->workload.value_bytes_max = 2048;
  plan->workload.change_membership = plan->workload.take_snapshot = plan->workload.transfer = 1;
  plan->node.snapshot_log_bytes = std::max(plan->node.snapshot_log_bytes, std::uint64_t{65536});
  plan->node.snapshot_bytes_per_second = 0;
  SetDelaySpreadAtMost(milliseconds(4), plan);
  SetSync(milliseconds(4), plan);
  // They would hold the next damage up.
  TurnOff({FaultKind::kWipe, FaultKind::kRollBack, FaultKind::kFullDisk, FaultKind::kHangDisk,
           FaultKind::kCrash, FaultKind::kCrashAll, FaultKind::kCrashStorm, FaultKind::kCrashAtIo,
           FaultKind::kStop, FaultKind::kPartition, FaultKind::kFlap, FaultKind::kClog,
           FaultKind::kSwizzle, FaultKind::kPause, FaultKind::kSlowNode, FaultKind::kSlowDisk},
          plan);
  SetFault(FaultKind::kDamage, unit / 4, unit / 4, plan);
}

// All of it is read again all the time, and a snapshot that would mend it is of many pieces.
void PutRotOnFullDisks(Duration unit, Plan* plan) {
  HaveVoters(3, plan);
  PutDamage(plan);
  plan->workload.value_bytes_max = 2048;
  plan->workload.keys = std::max(plan->workload.keys, 12U);
  plan->workload.change_membership = 1;
  plan->workload.take_snapshot = 0;
  plan->node.snapshot_log_bytes = std::max(plan->node.snapshot_log_bytes, std::uint64_t{65536});
  plan->node.snapshot_chunk_bytes = 4096;
  plan->node.scrub_bytes_per_second = 1 << 20;
  plan->node.scrub_pause = Duration(milliseconds(1));
  plan->storage.reserve_bytes = 1024;
  plan->storage.recycled_segments_max = 0;
  SetSyncAtMost(milliseconds(1), plan);
  TurnOff({FaultKind::kWipe, FaultKind::kRollBack, FaultKind::kHangDisk, FaultKind::kCrashAll,
           FaultKind::kCrashStorm},
          plan);
  SetFault(FaultKind::kFullDisk, unit / 2, 8 * unit, plan);
  SetLeast(FaultKind::kFullDisk, 2 * unit, plan);
  SetFault(FaultKind::kDamage, unit / 2, 6 * unit, plan);
  SetLeast(FaultKind::kDamage, 2 * unit, plan);
}

// Whoever is cut off keeps what it got in vain, and those who have got something else instead lose
// a part of that. When the power is back the one may be asked before anybody else can be.
void PutRotAtPartings(Duration unit, Plan* plan) {
  HaveVoters(3, plan);
  PutDamage(plan);
  plan->workload.change_membership = plan->workload.transfer = 1;
  plan->workload.take_snapshot = 0;
  plan->workload.value_bytes_max = std::min(plan->workload.value_bytes_max, 64U);
  plan->workload.attempt_timeout = std::max(plan->workload.attempt_timeout, unit / 4);
  plan->node.raft.unapplied_bytes_max = 512;
  plan->node.snapshot_log_bytes = std::max(plan->node.snapshot_log_bytes, std::uint64_t{65536});
  plan->disk.damage.fill(0);
  plan->disk.damage[static_cast<std::size_t>(DamageKind::kZeroed)] = 1;
  plan->disk.telling = 900'000;
  SetDelaySpreadAtMost(milliseconds(4), plan);
  SetSyncAtMost(milliseconds(1), plan);
  TurnOff({FaultKind::kWipe, FaultKind::kRollBack, FaultKind::kFullDisk, FaultKind::kStop,
           FaultKind::kHangDisk, FaultKind::kCrash, FaultKind::kCrashAll, FaultKind::kCrashStorm,
           FaultKind::kCrashAtIo, FaultKind::kFlap},
          plan);
  SetFault(FaultKind::kPartition, unit / 4, 4 * unit, plan);
  SetLeast(FaultKind::kPartition, unit * 3 / 2, plan);
  SetFault(FaultKind::kDamage, unit / 4, 3 * unit, plan);
  SetLeast(FaultKind::kDamage, unit / 2, plan);
}

}  // namespace

void PutTogether(Together together, Plan* plan) {
  plan->together = together;
  const Duration unit = plan->node.raft.election_timeout_max;
  WorkloadPlan& work = plan->workload;
  if (together == Together::kNothing) return;
  work.clients = 12;
  work.put = std::max(work.put, 5000U);
  work.think_max = std::min(work.think_max, Duration(milliseconds(10)));
  switch (together) {
    case Together::kNothing:
      return;
    case Together::kChangesInABacklog:
      work.change_membership = 2000;
      work.value_bytes_max = 64;
      plan->node.raft.append_entries_max = 2;
      plan->node.raft.inflight_messages_max = 1;
      plan->node.raft.unapplied_bytes_max = 4096;
      plan->network.delay_min = milliseconds(2);
      plan->network.delay_spread = milliseconds(10);
      SetSyncAtMost(milliseconds(1), plan);
      SetFault(FaultKind::kCrash, unit, unit, plan);
      return;
    case Together::kLogsPartOnSlowDisks:
      HaveVoters(5, plan);
      SetSync(unit / 30, plan);
      work.attempt_timeout = std::max(work.attempt_timeout, unit);
      SetFault(FaultKind::kSlowDisk, unit, 20 * unit, plan);
      SetFault(FaultKind::kPartition, unit, 3 * unit, plan);
      return;
    case Together::kManySegmentsGoAtOnce:
      plan->storage.segment_bytes = 4096;
      plan->storage.recycled_segments_max = 0;
      plan->node.snapshot_log_bytes = 65536;
      plan->node.log_kept_bytes = 1;
      plan->power_loss = 1'000'000;
      work.value_bytes_max = std::max(work.value_bytes_max, 512U);
      SetFault(FaultKind::kCrashAtIo, unit, 4 * unit, plan);
      return;
    case Together::kLogsPartAndRot:
      // Who is cut off gets every attempt of many clients in vain; the others get few writes.
      work.think_max = seconds(2);
      work.attempt_timeout = milliseconds(50);
      work.change_membership = 1;
      plan->node.raft.unapplied_bytes_max = std::uint64_t{1} << 20;
      plan->network.delay_min = milliseconds(1);
      plan->network.delay_spread = milliseconds(4);
      SetSyncAtMost(milliseconds(2), plan);
      // Nothing is damaged while anybody is down.
      TurnOff({FaultKind::kCrash, FaultKind::kCrashAll, FaultKind::kCrashStorm,
               FaultKind::kCrashAtIo, FaultKind::kStop, FaultKind::kWipe, FaultKind::kRollBack},
              plan);
      SetFault(FaultKind::kPartition, unit, unit, plan);
      SetFault(FaultKind::kDamage, unit / 4, unit / 2, plan);
      return;
    case Together::kSyncsFailThenPower:
      // What is written next to it would save it: few writes, and the power fails soon. But not
      // with the process that has met the failure.
      work.clients = 3;
      work.think_max = seconds(1);
      plan->disk.sync_failure = 20'000;
      plan->power_loss = 500'000;
      SetSyncAtMost(milliseconds(1), plan);
      SetFault(FaultKind::kCrash, unit / 2, unit / 8, plan);
      return;
    case Together::kLeasesAndRestarts:
    case Together::kLeasesAndLateMail:
      return PutLeases(together, unit, plan);
    case Together::kLostDisksAndOldMail:
    case Together::kMembersAndNewDisks:
      return PutNewDisks(together, unit, plan);
    case Together::kRotAndElections:
      return PutRot(unit, plan);
    case Together::kLogsAreReadBack:
      return PutReadBack(unit, plan);
    case Together::kPartingsRot:
      return PutPartings(unit, plan);
    case Together::kSnapshotsOnSlowDisks:
      return PutSnapshots(unit, plan);
    case Together::kRotOnFullDisks:
      return PutRotOnFullDisks(unit, plan);
    case Together::kRotInFrontOfATear:
      return PutRotInFrontOfATear(unit, plan);
    case Together::kRunsRotAtPartings:
      return PutRotAtPartings(unit, plan);
  }
}

}  // namespace grassdb::sim
