#include "bin/bench/histogram.h"

#include <algorithm>
#include <bit>

namespace grassdb::bench {
namespace {

constexpr std::uint64_t kPpm = 1'000'000;
// Below kPrecision, a bucket a nanosecond; above, kPrecision buckets for each power of two.
constexpr std::uint64_t kBits = std::bit_width(Histogram::kPrecision) - 1;
constexpr std::uint64_t kBuckets = (64 - kBits + 1) * Histogram::kPrecision;

std::uint64_t BucketOf(std::uint64_t value) {
  if (value < Histogram::kPrecision) return value;
  const std::uint64_t shift = static_cast<std::uint64_t>(std::bit_width(value)) - 1 - kBits;
  return (shift + 1) * Histogram::kPrecision + (value >> shift) - Histogram::kPrecision;
}

// The largest value in it.
std::uint64_t TopOf(std::uint64_t bucket) {
  if (bucket < Histogram::kPrecision) return bucket;
  const std::uint64_t shift = bucket / Histogram::kPrecision - 1;
  const std::uint64_t high = bucket % Histogram::kPrecision + Histogram::kPrecision;
  return ((high + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::Record(Duration duration) {
  const auto value = static_cast<std::uint64_t>(std::max(duration, Duration::zero()).count());
  ++buckets_[BucketOf(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::Clear() {
  *this = Histogram();
}

Duration Histogram::Quantile(std::uint64_t ppm) const {
  if (count_ == 0) return Duration::zero();
  // Rounded up, and the first one at least.
  const std::uint64_t rank = std::max<std::uint64_t>(1, (count_ * ppm + kPpm - 1) / kPpm);
  std::uint64_t seen = 0;
  for (std::uint64_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return Duration(std::min(TopOf(bucket), max_));
  }
  return max();
}

}  // namespace grassdb::bench
