// Histogram: counts of durations, in buckets no wider than 1/128 of what is in them, as an HDR
// histogram has them (Debian has none for C++). Recording costs little and never allocates.
#ifndef GRASSDB_BIN_BENCH_HISTOGRAM_H_
#define GRASSDB_BIN_BENCH_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/types.h"

namespace grassdb::bench {

// The quantiles that are reported, in millionths.
inline constexpr std::uint64_t kPpm50 = 500'000;
inline constexpr std::uint64_t kPpm99 = 990'000;
inline constexpr std::uint64_t kPpm999 = 999'000;

class Histogram {
 public:
  // What a quantile may be too large by, as a part of the value: 1 in so many.
  static constexpr std::uint64_t kPrecision = 128;

  Histogram();

  // A negative duration counts as zero.
  void Record(Duration duration);
  void Clear();

  std::uint64_t count() const { return count_; }
  Duration max() const { return Duration(max_); }
  // The smallest duration that at least `ppm` millionths of the recorded ones do not exceed (0 if
  // there is none): never below the exact one, at most 1/kPrecision above it, never above max().
  Duration Quantile(std::uint64_t ppm) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_HISTOGRAM_H_
