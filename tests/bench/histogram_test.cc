#include "bin/bench/histogram.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/property.h"

namespace grassdb::bench {
namespace {

// By the definition in the header, from all values.
std::int64_t ExactQuantile(std::vector<std::int64_t> values, std::uint64_t ppm) {
  std::ranges::sort(values);
  const std::uint64_t rank = (values.size() * ppm + 999'999) / 1'000'000;
  return values[rank == 0 ? 0 : rank - 1];
}

RC_GTEST_PROP(Histogram, GivesTheQuantilesOfASortedVectorWithinItsPrecision, ()) {
  // Of every magnitude: nanoseconds to hours.
  const auto magnitudes = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(
      rc::gen::mapcat(rc::gen::inRange<int>(1, 43), [](int bits) {
        return rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << bits);
      })));
  const auto ppm = *rc::gen::inRange<std::uint64_t>(0, 1'000'001);
  Histogram histogram;
  for (const std::int64_t value : magnitudes) histogram.Record(Duration(value));
  const std::int64_t exact = ExactQuantile(magnitudes, ppm);
  const std::int64_t given = histogram.Quantile(ppm).count();
  RC_ASSERT(given >= exact);
  RC_ASSERT(given - exact <= exact / static_cast<std::int64_t>(Histogram::kPrecision));
  RC_ASSERT(histogram.count() == magnitudes.size());
  RC_ASSERT(histogram.max() == Duration(*std::ranges::max_element(magnitudes)));
}

TEST(Histogram, HasNoQuantileAboveTheLargestValue) {
  Histogram histogram;
  histogram.Record(Duration(1'000'000'001));
  EXPECT_EQ(histogram.Quantile(999'000), Duration(1'000'000'001));
  EXPECT_EQ(histogram.Quantile(0), Duration(1'000'000'001));
}

TEST(Histogram, IsZeroWithoutValues) {
  Histogram histogram;
  EXPECT_EQ(histogram.Quantile(500'000), Duration::zero());
  histogram.Record(Duration(5));
  histogram.Clear();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), Duration::zero());
  EXPECT_EQ(histogram.Quantile(1'000'000), Duration::zero());
}

TEST(Histogram, TakesTheLargestAndANegativeDuration) {
  Histogram histogram;
  histogram.Record(Duration::max());
  histogram.Record(Duration(-1));
  EXPECT_EQ(histogram.max(), Duration::max());
  EXPECT_EQ(histogram.Quantile(500'000), Duration::zero());
  EXPECT_EQ(histogram.Quantile(1'000'000), Duration::max());
}

}  // namespace
}  // namespace grassdb::bench
