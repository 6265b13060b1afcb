#include "sim/bench_plan.h"

#include <chrono>

namespace grassdb::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Plan BenchPlan(BenchLoad load, std::uint32_t run_seconds) {
  Plan plan;
  plan.seed = 1;
  plan.fault_phase = seconds(run_seconds);
  plan.fault_steps = UINT64_MAX;
  plan.storage.segment_bytes = 65536;
  plan.storage.snapshot_block_bytes = 4096;
  plan.storage.snapshot_sync_bytes = 65536;
  plan.node.snapshot_log_bytes = 65536;
  plan.node.log_kept_bytes = 32768;
  plan.node.snapshot_chunk_bytes = 16384;
  plan.network.delay_min = microseconds(100);
  plan.network.delay_spread = microseconds(100);
  plan.network.order = DeliveryOrder::kPerLink;
  plan.network.reset_seen = 1'000'000;
  plan.disk.read = microseconds(20);
  plan.disk.write = microseconds(10);
  plan.disk.sync_min = microseconds(200);
  plan.disk.sync_spread = microseconds(200);
  plan.disk.per_kib = microseconds(1);
  plan.processing = microseconds(5);
  plan.process_start = milliseconds(5);
  WorkloadPlan& work = plan.workload;
  work.clients = load == BenchLoad::kDense ? 12 : 3;
  work.keys = 24;
  // ThinkTime() is even over the scales below it.
  work.think_max = load == BenchLoad::kDense ? microseconds(1) : Duration(seconds(8));
  work.value_bytes_max = 64;
  work.deadline = seconds(5);
  work.attempt_timeout = seconds(1);
  work.get = 100;
  work.put = 100;
  return plan;
}

}  // namespace grassdb::sim
