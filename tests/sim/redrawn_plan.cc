// The plan of a program that draws otherwise: by each seed it comes to the plan of another one. The
// linker takes this file, and so never the one in the simulator's archive.
#define DrawPlan DrawnPlan
#include "sim/plan.cc"
#undef DrawPlan

namespace grassdb::sim {

Plan DrawPlan(const RunOptions& options);

Plan DrawPlan(const RunOptions& options) {
  RunOptions other = options;
  other.seed = ~options.seed;
  Plan plan = DrawnPlan(other);
  plan.seed = options.seed;
  return plan;
}

}  // namespace grassdb::sim
