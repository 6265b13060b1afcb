#include "core/latency.h"

#include <gtest/gtest.h>

namespace grassdb {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(LatencyHistogram, OfNothingIsZero) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Quantile(990), Duration(0));
  EXPECT_EQ(histogram.max(), Duration(0));
}

TEST(LatencyHistogram, BoundsEachQuantileByAtMostTwiceWhatItIs) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.Add(microseconds(i));
  EXPECT_EQ(histogram.count(), 1000u);
  EXPECT_GE(histogram.Quantile(500), microseconds(500));
  EXPECT_LE(histogram.Quantile(500), microseconds(1000));
  EXPECT_GE(histogram.Quantile(990), microseconds(990));
  EXPECT_EQ(histogram.max(), microseconds(1000));
  EXPECT_EQ(histogram.Quantile(1000), microseconds(1000)) << "never above the longest";
}

TEST(LatencyHistogram, AFewThatHangShowInTheTailAlone) {
  LatencyHistogram histogram;
  for (int i = 0; i < 995; ++i) histogram.Add(microseconds(100));
  for (int i = 0; i < 5; ++i) histogram.Add(std::chrono::hours(5));
  EXPECT_LE(histogram.Quantile(990), microseconds(200));
  EXPECT_EQ(histogram.Quantile(999), std::chrono::hours(5));
  histogram.Add(Duration(-1));  // a clock that was asked in the wrong order
  EXPECT_EQ(histogram.count(), 1001u);
}

}  // namespace
}  // namespace grassdb
