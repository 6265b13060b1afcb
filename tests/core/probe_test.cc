#include "core/probe.h"

#include <gtest/gtest.h>

#ifdef GRASSDB_SIMULATED
#error "core_test links core as production has it"
#endif

namespace grassdb {
namespace {

static_assert(!GRASS_BUGGIFY("in production"), "decided by the compiler");

TEST(Probe, IsNothingInProduction) {
  int reached = 0;
  if (GRASS_BUGGIFY("nowhere")) ++reached;
  GRASS_PROBE("nowhere");
  EXPECT_EQ(reached, 0);
}

}  // namespace
}  // namespace grassdb
