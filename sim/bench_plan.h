// What `grass-sim bench` runs, beside seeds: plans that nothing is drawn for but the decisions of
// the run, so that figures of two builds compare.
#ifndef GRASSDB_SIM_BENCH_PLAN_H_
#define GRASSDB_SIM_BENCH_PLAN_H_

#include "sim/plan.h"

namespace grassdb::sim {

enum class BenchLoad : std::uint8_t {
  // Three nodes with the timings of production, and three clients that do something about once a
  // second: most of what happens is heartbeats, as in most clusters most of the time.
  kDefault = 1,
  // The same under twelve clients that do not think.
  kDense = 2,
};

// No faults; every checker.
Plan BenchPlan(BenchLoad load, std::uint32_t seconds);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_BENCH_PLAN_H_
