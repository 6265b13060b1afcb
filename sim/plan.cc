#include "sim/plan.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sim/text.h"

namespace grassdb::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Names every drawn dimension. Values key the draws: append, never renumber.
enum class Dimension : std::uint64_t {
  kNodes = 1,
  kTimeScale = 2,
  kFaultPhase = 3,
  kDelayMin = 4,
  kDelaySpread = 5,
  kOrder = 6,
  kDrop = 7,
  kDuplicate = 8,
  kStraggle = 9,
  kStraggleMax = 10,
  kResetSeen = 11,
  kDiskSpeed = 12,
  kDiskStraggle = 13,
  kWriteFailure = 14,
  kSyncFailure = 15,
  kDrift = 16,
  kJump = 17,
  kFaultOn = 18,
  kFaultGap = 19,
  kFaultLength = 20,
  kClients = 21,
  kKeys = 22,
  kThink = 23,
  kValueBytes = 24,
  kMix = 25,
  kReconnect = 26,
  kPowerLoss = 27,
  kProcessing = 28,
  kSegment = 29,
  kSnapshotLog = 30,
  kLogKept = 31,
  kChunk = 32,
  kAppendMax = 33,
  kInflight = 34,
  kAttemptTimeout = 35,
  kRecycled = 36,
  kSessionIdle = 37,
  kSessionsMax = 38,
  kSpares = 39,
  kLease = 40,
  kStanding = 41,
  kDamage = 42,
  kStageBlock = 43,
  kStageSync = 44,
  kSnapshotRate = 45,
  kTimeouts = 46,
  kRarePath = 47,
  kCorrupt = 48,
  kWire = 49,
  kWaitingMax = 50,
  kReserve = 51,
  kScrub = 52,
  kCompression = 53,
  kLogMemory = 54,
  kAnswerBytesMax = 55,
  kScrubPause = 56,
  kHoard = 57,
  kAnswersMax = 58,
  kDamageKinds = 60,
  kMisread = 61,
  kStale = 70,
  kOldFormat = 71,
  kTogether = 72,
  kReadFailure = 73,
  kCoreFirst = 74,
  kEvenNodes = 75,
  kLearners = 76,
  kLeaderHangs = 77,
  kTelling = 78,
  kAppendDelay = 79,
};

// Of the seeds, so many have one Together each.
constexpr std::uint64_t kTogetherOneIn = 40;

class Drawer {
 public:
  explicit Drawer(std::uint64_t seed) : random_(seed) {}

  template <class... Parts>
  std::uint64_t Raw(Dimension dimension, Parts... parts) const {
    return random_(Stream::kPlan, static_cast<std::uint64_t>(dimension), parts...);
  }
  // True in `percent` of the seeds.
  template <class... Parts>
  bool Coin(std::uint64_t percent, Dimension dimension, Parts... parts) const {
    return Bounded(Raw(dimension, parts...), 100) < percent;
  }
  std::uint64_t Scales(Dimension dimension, std::uint64_t min, std::uint64_t max) const {
    return BetweenScales(Derive(Raw(dimension), 1), min, max);
  }
  Duration Scales(Dimension dimension, Duration min, Duration max) const {
    return BetweenScales(Derive(Raw(dimension), 1), min, max);
  }
  // Off in some seeds, and between the two in the others.
  PerMillion Rate(std::uint64_t percent_on, Dimension dimension, PerMillion min,
                  PerMillion max) const {
    if (!Coin(percent_on, dimension)) return 0;
    return static_cast<PerMillion>(Scales(dimension, min, max));
  }

 private:
  Keyed random_;
};

void DrawRaft(const Drawer& draw, Plan* plan) {
  RaftOptions& raft = plan->node.raft;
  switch (Bounded(draw.Raw(Dimension::kTimeScale), 4)) {
    case 0:
      raft.election_timeout_min = milliseconds(150);
      raft.election_timeout_max = milliseconds(300);
      raft.heartbeat_interval = milliseconds(50);
      break;
    case 1:
      raft.election_timeout_min = milliseconds(1000);
      raft.election_timeout_max = milliseconds(1500);
      raft.heartbeat_interval = milliseconds(200);
      break;
    default:
      break;  // as in production
  }
  if (draw.Coin(30, Dimension::kTimeouts)) plan->timeout_percent_min = 75;
  if (draw.Coin(50, Dimension::kAppendMax)) {
    raft.append_entries_max = draw.Scales(Dimension::kAppendMax, 1, 64);
    raft.append_bytes_max = draw.Scales(Dimension::kAppendMax, 64, 16384);
  }
  if (draw.Coin(50, Dimension::kInflight)) {
    raft.inflight_messages_max = draw.Scales(Dimension::kInflight, 1, 64);
    raft.inflight_bytes_max = draw.Scales(Dimension::kInflight, 256, 65536);
    raft.unapplied_bytes_max = draw.Scales(Dimension::kInflight, 2048, 1 << 20);
  }
  if (draw.Coin(50, Dimension::kAppendDelay)) {
    raft.append_delay =
        draw.Scales(Dimension::kAppendDelay, milliseconds(1), raft.heartbeat_interval);
  }
}

void DrawStore(const Drawer& draw, Plan* plan) {
  plan->storage.segment_bytes = draw.Scales(Dimension::kSegment, 4096, 65536);
  plan->storage.recycled_segments_max =
      static_cast<std::uint32_t>(Bounded(draw.Raw(Dimension::kRecycled), 4));
  plan->storage.snapshot_block_bytes =
      static_cast<std::uint32_t>(draw.Scales(Dimension::kStageBlock, 32, 2048));
  plan->storage.snapshot_compression = draw.Coin(50, Dimension::kCompression)
                                           ? store::Compression::kZstd
                                           : store::Compression::kNone;
  plan->storage.snapshot_sync_bytes = draw.Scales(Dimension::kStageSync, 64, 16384);
  plan->node.snapshot_log_bytes = draw.Scales(Dimension::kSnapshotLog, 1024, 262144);
  plan->node.log_kept_bytes = draw.Scales(Dimension::kLogKept, 1, 65536);
  plan->node.log_memory_bytes = draw.Scales(Dimension::kLogMemory, 1, 65536);
  plan->node.snapshot_chunk_bytes = draw.Scales(Dimension::kChunk, 64, 8192);
  // Slow enough, in half of the seeds, that a node may crash while it is being sent a snapshot.
  plan->node.snapshot_bytes_per_second = draw.Coin(50, Dimension::kSnapshotRate)
                                             ? draw.Scales(Dimension::kSnapshotRate, 2048, 1 << 17)
                                             : 0;
  // Small enough that clients are refused, in a quarter of the seeds.
  if (draw.Coin(25, Dimension::kWaitingMax)) {
    plan->node.waiting_requests_max = draw.Scales(Dimension::kWaitingMax, 2, 12);
    plan->node.raft.reads_waiting_max = plan->node.waiting_requests_max;
  }
  plan->node.snapshot_retry = plan->node.raft.election_timeout_max;
  plan->storage.reserve_bytes = draw.Scales(Dimension::kReserve, 1024, 16384);
  plan->node.scrub_bytes_per_second =
      draw.Coin(50, Dimension::kScrub)
          ? draw.Scales(Dimension::kScrub, 1, 16) * plan->node.snapshot_chunk_bytes
          : 0;
  plan->node.scrub_pause =
      draw.Coin(50, Dimension::kScrubPause)
          ? draw.Scales(Dimension::kScrubPause, milliseconds(1), Duration(seconds(2)))
          : Duration(0);
  plan->node.space_retry_min = plan->node.raft.election_timeout_max / 4;
  plan->node.space_retry_max = 2 * plan->node.raft.election_timeout_max;
  // Sessions that expire or are evicted while their client is at work.
  if (draw.Coin(25, Dimension::kSessionIdle)) {
    plan->node.store.session_idle_max = draw.Scales(Dimension::kSessionIdle, 100, 60'000);
  }
  if (draw.Coin(25, Dimension::kSessionsMax)) {
    plan->node.store.sessions_max = draw.Scales(Dimension::kSessionsMax, 1, 16);
  }
  // Answers that are pushed out while their client may still ask for them.
  if (draw.Coin(20, Dimension::kAnswersMax)) {
    plan->node.store.answers_max = draw.Scales(Dimension::kAnswersMax, 1, 16);
  }
  if (draw.Coin(20, Dimension::kAnswerBytesMax)) {
    plan->node.store.answer_bytes_max = draw.Scales(Dimension::kAnswerBytesMax, 64, 65536);
  }
}

void DrawNetwork(const Drawer& draw, Plan* plan) {
  NetworkPlan& network = plan->network;
  network.delay_min = draw.Scales(Dimension::kDelayMin, microseconds(20), milliseconds(5));
  network.delay_spread = draw.Scales(Dimension::kDelaySpread, microseconds(1), milliseconds(40));
  network.order = draw.Coin(40, Dimension::kOrder) ? DeliveryOrder::kPerLink : DeliveryOrder::kAny;
  network.drop = draw.Rate(50, Dimension::kDrop, 500, 100'000);
  network.duplicate = draw.Rate(50, Dimension::kDuplicate, 500, 200'000);
  network.straggle = draw.Rate(50, Dimension::kStraggle, 500, 50'000);
  network.straggle_max = draw.Scales(Dimension::kStraggleMax, milliseconds(50), seconds(5));
  network.damage = draw.Rate(40, Dimension::kDamage, 1000, 200'000);
  network.corrupt = draw.Rate(30, Dimension::kCorrupt, 50, 20'000);
  network.reset_seen = draw.Rate(70, Dimension::kResetSeen, 100'000, 1'000'000);
}

void DrawDisk(const Drawer& draw, Plan* plan) {
  DiskPlan& disk = plan->disk;
  SetSync(draw.Scales(Dimension::kDiskSpeed, microseconds(20), milliseconds(10)), plan);
  disk.straggle = draw.Rate(50, Dimension::kDiskStraggle, 200, 20'000);
  disk.write_failure = draw.Rate(20, Dimension::kWriteFailure, 5, 300);
  disk.sync_failure = draw.Rate(25, Dimension::kSyncFailure, 5, 500);
  for (std::uint64_t kind = 0; kind < kDamageKinds; ++kind) {
    if (!draw.Coin(60, Dimension::kDamageKinds, kind)) continue;
    disk.damage[kind] = static_cast<std::uint32_t>(
        1 + Bounded(Derive(draw.Raw(Dimension::kDamageKinds, kind), 1), 100));
  }
  disk.telling = draw.Rate(70, Dimension::kTelling, 100'000, 900'000);
  disk.misread = draw.Rate(20, Dimension::kMisread, 200, 50'000);
  disk.read_failure = draw.Rate(20, Dimension::kReadFailure, 50, 5'000);
}

void DrawFault(const Drawer& draw, FaultKind kind, std::uint64_t percent_on, Duration gap,
               Duration length_min, Duration length_max, Plan* plan) {
  const auto number = static_cast<std::uint64_t>(kind);
  FaultPlan& fault = plan->faults[number];
  fault.on = draw.Coin(percent_on, Dimension::kFaultOn, number);
  fault.gap_mean = BetweenScales(draw.Raw(Dimension::kFaultGap, number), gap / 4, gap * 4);
  fault.length_min = length_min;
  fault.length_max =
      BetweenScales(draw.Raw(Dimension::kFaultLength, number), length_min, length_max);
}

void DrawFaults(const Drawer& draw, Plan* plan) {
  const Duration unit = plan->node.raft.election_timeout_max;
  DrawFault(draw, FaultKind::kCrash, 75, 4 * unit, unit / 100, 8 * unit, plan);
  DrawFault(draw, FaultKind::kCrashAll, 30, 12 * unit, unit / 100, 4 * unit, plan);
  DrawFault(draw, FaultKind::kPartition, 70, 4 * unit, unit / 10, 10 * unit, plan);
  DrawFault(draw, FaultKind::kClog, 40, 4 * unit, unit / 10, 5 * unit, plan);
  DrawFault(draw, FaultKind::kPause, 40, 5 * unit, unit / 20, 6 * unit, plan);
  DrawFault(draw, FaultKind::kSlowNode, 25, 6 * unit, unit, 10 * unit, plan);
  DrawFault(draw, FaultKind::kSlowDisk, 35, 6 * unit, unit, 10 * unit, plan);
  DrawFault(draw, FaultKind::kClientCut, 40, 4 * unit, unit / 2, 8 * unit, plan);
  DrawFault(draw, FaultKind::kClockJump, 25, 5 * unit, unit / 100, unit / 50, plan);
  DrawFault(draw, FaultKind::kWipe, 40, 8 * unit, unit / 100, 4 * unit, plan);
  DrawFault(draw, FaultKind::kCrashAtIo, 50, 3 * unit, unit / 4, 4 * unit, plan);
  DrawFault(draw, FaultKind::kRollBack, 30, 4 * unit, unit / 4, 8 * unit, plan);
  DrawFault(draw, FaultKind::kFullDisk, 45, 4 * unit, unit / 2, 12 * unit, plan);
  DrawFault(draw, FaultKind::kDamage, 35, 4 * unit, unit / 100, 6 * unit, plan);
  DrawFault(draw, FaultKind::kClockStop, 25, 6 * unit, unit / 10, 6 * unit, plan);
  DrawFault(draw, FaultKind::kClockStrobe, 25, 6 * unit, unit / 4, 8 * unit, plan);
  DrawFault(draw, FaultKind::kCrashStorm, 20, 12 * unit, unit, 8 * unit, plan);
  DrawFault(draw, FaultKind::kSwizzle, 30, 6 * unit, unit / 4, 8 * unit, plan);
  DrawFault(draw, FaultKind::kStop, 40, 5 * unit, unit / 100, 6 * unit, plan);
  // Long enough for the watchdog; what is shorter is a slow disk.
  DrawFault(draw, FaultKind::kHangDisk, 30, 6 * unit, 4 * unit, 16 * unit, plan);
  DrawFault(draw, FaultKind::kFlap, 30, 6 * unit, unit / 4, 8 * unit, plan);
  plan->power_loss =
      draw.Coin(50, Dimension::kPowerLoss)
          ? 1'000'000
          : static_cast<PerMillion>(Bounded(Derive(draw.Raw(Dimension::kPowerLoss), 1), 1'000'000));
  plan->clock.drift_ppm_max =
      static_cast<std::int64_t>(draw.Rate(60, Dimension::kDrift, 10, 400'000));
  plan->clock.jump_max = draw.Scales(Dimension::kJump, milliseconds(10), 4 * unit);
}

void DrawWorkload(const Drawer& draw, Plan* plan) {
  WorkloadPlan& work = plan->workload;
  work.clients = static_cast<std::uint32_t>(draw.Scales(Dimension::kClients, 1, 12));
  work.keys = static_cast<std::uint32_t>(draw.Scales(Dimension::kKeys, 1, 24));
  work.think_max = draw.Scales(Dimension::kThink, milliseconds(1), milliseconds(200));
  work.value_bytes_max = static_cast<std::uint32_t>(draw.Scales(Dimension::kValueBytes, 16, 2048));
  work.deadline =
      draw.Coin(50, Dimension::kAttemptTimeout) ? Duration(seconds(5)) : Duration(seconds(2));
  // A read at a follower takes three round trips, a write two and two syncs. Sometimes it is late.
  const Duration usual = 6 * (plan->network.delay_min + plan->network.delay_spread) +
                         4 * (plan->disk.sync_min + plan->disk.sync_spread);
  work.attempt_timeout =
      draw.Scales(Dimension::kAttemptTimeout, std::max(usual / 2, Duration(milliseconds(20))),
                  std::max(usual, Duration(milliseconds(1000))));
  const auto weight = [&draw](std::uint64_t which, std::uint64_t percent_on, std::uint64_t max) {
    if (!draw.Coin(percent_on, Dimension::kMix, which)) return std::uint32_t{0};
    return static_cast<std::uint32_t>(
        100 * (1 + Bounded(Derive(draw.Raw(Dimension::kMix, which), 1), max)));
  };
  // Never off, but in some seeds so rare that what needs a quiet cluster is found there.
  const auto rare = [&draw](std::uint64_t which) {
    return static_cast<std::uint32_t>(
        BetweenScales(Derive(draw.Raw(Dimension::kMix, which), 1), 1, 1000));
  };
  work.get = weight(1, 95, 100);
  work.put = 100 + weight(2, 95, 100);
  work.erase = weight(3, 70, 30);
  work.compare_and_set = weight(4, 80, 60);
  work.take_snapshot = weight(5, 50, 3);
  work.transfer = rare(6);
  work.change_membership = rare(7);
  work.slip = rare(8) / 8;
  work.transaction = weight(9, 60, 40);
  work.stale = draw.Rate(40, Dimension::kStale, 10'000, 500'000);
  work.hoard = draw.Rate(50, Dimension::kHoard, 100'000, 1'000'000);
  work.reconnect = draw.Rate(50, Dimension::kReconnect, 1000, 100'000);
}

std::uint32_t DrawOddVoters(const Drawer& draw) {
  if (draw.Coin(4, Dimension::kNodes)) return 7;
  if (draw.Coin(35, Dimension::kNodes)) return 5;
  return Bounded(Derive(draw.Raw(Dimension::kNodes), 2), 12) == 0 ? 1 : 3;
}

// A quarter of the clusters are of an even size, where a half is no majority.
std::uint32_t DrawVoters(const Drawer& draw) {
  const std::uint32_t odd = DrawOddVoters(draw);
  if (!draw.Coin(25, Dimension::kEvenNodes)) return odd;
  const bool more = Derive(draw.Raw(Dimension::kEvenNodes), 1) % 2 == 0;
  return odd < 7 && (more || odd == 1) ? odd + 1 : odd - 1;
}

std::string Text(Duration duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0";
  if (count % 1'000'000'000 == 0) return Decimal(count / 1'000'000'000) + "s";
  if (count >= 10'000'000) return Decimal(count / 1'000'000) + "ms";
  if (count >= 10'000) return Decimal(count / 1'000) + "us";
  return Decimal(count) + "ns";
}

std::string DescribeFaults(const Plan& plan) {
  std::string text;
  for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
    const FaultPlan& fault = plan.faults[kind];
    text += "  " + std::string(NameOf(static_cast<FaultKind>(kind))) + ": ";
    text += fault.on ? "every " + Text(fault.gap_mean) + " for " + Text(fault.length_min) + ".." +
                           Text(fault.length_max) + "\n"
                     : "off\n";
  }
  return text;
}

}  // namespace

const char* NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kCrash:
      return "crash";
    case FaultKind::kCrashAll:
      return "crash-all";
    case FaultKind::kPartition:
      return "partition";
    case FaultKind::kClog:
      return "clog";
    case FaultKind::kPause:
      return "pause";
    case FaultKind::kSlowNode:
      return "slow-node";
    case FaultKind::kSlowDisk:
      return "slow-disk";
    case FaultKind::kClientCut:
      return "client-cut";
    case FaultKind::kClockJump:
      return "clock-jump";
    case FaultKind::kWipe:
      return "wipe";
    case FaultKind::kRollBack:
      return "roll-back";
    case FaultKind::kCrashAtIo:
      return "crash-at-io";
    case FaultKind::kFullDisk:
      return "full-disk";
    case FaultKind::kDamage:
      return "damage";
    case FaultKind::kClockStop:
      return "clock-stop";
    case FaultKind::kClockStrobe:
      return "clock-strobe";
    case FaultKind::kCrashStorm:
      return "crash-storm";
    case FaultKind::kSwizzle:
      return "swizzle";
    case FaultKind::kFlap:
      return "flap";
    case FaultKind::kStop:
      return "stop";
    case FaultKind::kHangDisk:
      return "hang-disk";
  }
  return "?";
}

void KeepToLeaseAssumptions(Plan* plan) {
  if (plan->workload.lease == 0) return;
  const std::int64_t allowed = plan->node.raft.lease_drift_percent_max * 10'000 / 2;
  plan->clock.drift_ppm_max = std::min(plan->clock.drift_ppm_max, allowed);
  for (const FaultKind kind :
       {FaultKind::kClockJump, FaultKind::kClockStop, FaultKind::kClockStrobe}) {
    plan->faults[static_cast<std::size_t>(kind)].on = false;
  }
}

Plan DrawPlan(const RunOptions& options) {
  const Drawer draw(options.seed);
  Plan plan;
  plan.seed = options.seed;
  plan.voters = options.nodes.value_or(DrawVoters(draw));
  if (draw.Coin(20, Dimension::kLearners)) {
    const std::uint64_t learners = Derive(draw.Raw(Dimension::kLearners), 1);
    plan.learners = 1 + static_cast<std::uint32_t>(Bounded(learners, kLearnersMax - 1));
  }
  plan.nodes = std::min(kMachinesMax,
                        plan.voters + plan.learners +
                            static_cast<std::uint32_t>(Bounded(draw.Raw(Dimension::kSpares), 3)));
  DrawRaft(draw, &plan);
  DrawStore(draw, &plan);
  DrawNetwork(draw, &plan);
  DrawDisk(draw, &plan);
  DrawFaults(draw, &plan);
  DrawWorkload(draw, &plan);
  plan.workload.lease = draw.Rate(40, Dimension::kLease, 100'000, 1'000'000);
  // One that is asked for takes the place of the drawn one, and does not come on top of it.
  const auto asked = options.edits.find("together");
  const std::uint64_t together = asked != options.edits.end()
                                     ? asked->second
                                     : Bounded(draw.Raw(Dimension::kTogether), kTogetherOneIn) + 1;
  if (together < kTogethers) PutTogether(static_cast<Together>(together), &plan);
  plan.voters = options.nodes.value_or(plan.voters);  // also where that is too few for it
  KeepToLeaseAssumptions(&plan);
  plan.core_first = draw.Coin(50, Dimension::kCoreFirst);
  plan.leader_hangs = draw.Coin(50, Dimension::kLeaderHangs);
  plan.standing_partition = draw.Coin(50, Dimension::kStanding);
  plan.wire = draw.Coin(25, Dimension::kWire);
  plan.old_format = draw.Rate(20, Dimension::kOldFormat, 100'000, 1'000'000);
  plan.rare_path = draw.Rate(60, Dimension::kRarePath, 10'000, 250'000);
  plan.processing = draw.Scales(Dimension::kProcessing, microseconds(1), microseconds(200));
  plan.process_start = milliseconds(5);
  plan.fault_phase = draw.Scales(Dimension::kFaultPhase, seconds(8), seconds(24));
  plan.fault_steps = UINT64_MAX;
  if (options.steps || options.seconds) {
    plan.fault_phase = options.seconds ? Duration(seconds(*options.seconds)) : Duration::max() / 4;
    plan.fault_steps = options.steps.value_or(UINT64_MAX);
  }
  return plan;
}

std::string Describe(const Plan& plan) {
  const RaftOptions& raft = plan.node.raft;
  const NetworkPlan& net = plan.network;
  const DiskPlan& disk = plan.disk;
  const WorkloadPlan& work = plan.workload;
  std::string text = "plan of seed " + Decimal(plan.seed) + "\n";
  text += "  cluster: " + Decimal(plan.voters) + " voters and " + Decimal(plan.learners) +
          " learners of " + Decimal(plan.nodes) + " nodes, faults for " + Text(plan.fault_phase) +
          (plan.core_first ? ", then for a core only" : "") +
          (plan.standing_partition ? ", then a standing partition" : "") +
          (plan.leader_hangs ? ", then a leader that hangs\n" : "\n");
  text += "  raft: election " + Text(raft.election_timeout_min) + ".." +
          Text(raft.election_timeout_max) + ", heartbeat " + Text(raft.heartbeat_interval) +
          ", append " + Decimal(raft.append_entries_max) + " entries " +
          Decimal(raft.append_bytes_max) + " bytes, window " + Decimal(raft.inflight_messages_max) +
          " messages " + Decimal(raft.inflight_bytes_max) + " bytes, delay " +
          Text(raft.append_delay) + "\n";
  text += "  store: segment " + Decimal(plan.storage.segment_bytes) + ", snapshot at " +
          Decimal(plan.node.snapshot_log_bytes) + ", kept " + Decimal(plan.node.log_kept_bytes) +
          ", in memory " + Decimal(plan.node.log_memory_bytes) + ", chunk " +
          Decimal(plan.node.snapshot_chunk_bytes) + " at " +
          Decimal(plan.node.snapshot_bytes_per_second) + " a second, block " +
          Decimal(plan.storage.snapshot_block_bytes) +
          (plan.storage.snapshot_compression == store::Compression::kZstd ? " zstd" : "") +
          ", synced every " + Decimal(plan.storage.snapshot_sync_bytes) + " bytes, reserve " +
          Decimal(plan.storage.reserve_bytes) + ", lives with the format before " +
          Decimal(plan.old_format) + " ppm" + "\n";
  text += "  network: delay " + Text(net.delay_min) + "+" + Text(net.delay_spread) + ", order " +
          (net.order == DeliveryOrder::kPerLink ? "per link" : "any") + ", drop " +
          Decimal(net.drop) + " ppm, duplicate " + Decimal(net.duplicate) + " ppm, straggle " +
          Decimal(net.straggle) + " ppm to " + Text(net.straggle_max) + ", chunks damaged " +
          Decimal(net.damage) + " ppm, bytes damaged " + Decimal(net.corrupt) +
          " ppm, resets seen " + Decimal(net.reset_seen) + " ppm" +
          (plan.wire ? ", over the wire\n" : "\n");
  text += "  disk: sync " + Text(disk.sync_min) + "+" + Text(disk.sync_spread) + ", write " +
          Text(disk.write) + ", read " + Text(disk.read) + ", straggle " + Decimal(disk.straggle) +
          " ppm to " + Text(disk.straggle_max) + ", write failure " + Decimal(disk.write_failure) +
          " ppm, sync failure " + Decimal(disk.sync_failure) + " ppm, read failure " +
          Decimal(disk.read_failure) + " ppm, misdirected reads " + Decimal(disk.misread) +
          " ppm; damage";
  for (std::size_t kind = 0; kind < kDamageKinds; ++kind) {
    text +=
        std::string(" ") + NameOf(static_cast<DamageKind>(kind)) + " " + Decimal(disk.damage[kind]);
  }
  text += ", at telling places " + Decimal(disk.telling) + " ppm, " + NameOf(plan.atlas) + "\n";
  text += "  node: " + Text(plan.processing) + " an input, power loss " + Decimal(plan.power_loss) +
          " ppm of crashes, drift up to " +
          Decimal(static_cast<std::uint64_t>(plan.clock.drift_ppm_max)) + " ppm, jump up to " +
          Text(plan.clock.jump_max) + ", rare paths " + Decimal(plan.rare_path) + " ppm, " +
          Decimal(plan.node.store.sessions_max) + " sessions, idle for up to " +
          Decimal(plan.node.store.session_idle_max) + "ms\n";
  text +=
      "  clients: " + Decimal(work.clients) + " on " + Decimal(work.keys) + " keys, think up to " +
      Text(work.think_max) + ", values up to " + Decimal(work.value_bytes_max) +
      " bytes, get/put/delete/cas/transaction/snapshot/transfer/member/slip " + Decimal(work.get) +
      "/" + Decimal(work.put) + "/" + Decimal(work.erase) + "/" + Decimal(work.compare_and_set) +
      "/" + Decimal(work.transaction) + "/" + Decimal(work.take_snapshot) + "/" +
      Decimal(work.transfer) + "/" + Decimal(work.change_membership) + "/" + Decimal(work.slip) +
      ", stale reads " + Decimal(work.stale) + " ppm, lease reads " + Decimal(work.lease) +
      " ppm, deadline " + Text(work.deadline) + ", attempt " + Text(work.attempt_timeout) +
      ", reconnect " + Decimal(work.reconnect) + " ppm\n";
  return text + DescribeFaults(plan);
}

}  // namespace grassdb::sim
