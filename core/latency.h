// How long a disk takes: a histogram with fixed buckets, so that adding to one costs nothing and
// two of them are alike whatever they hold.
#ifndef GRASSDB_CORE_LATENCY_H_
#define GRASSDB_CORE_LATENCY_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/types.h"

namespace grassdb {

class LatencyHistogram {
 public:
  void Add(Duration duration) {
    const auto nanoseconds =
        static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
    const auto bucket = static_cast<std::size_t>(std::bit_width(nanoseconds));
    ++buckets_[std::min(bucket, kBuckets - 1)];
    ++count_;
    max_ = std::max(max_, duration);
  }

  std::uint64_t count() const { return count_; }
  Duration max() const { return max_; }
  // So many of a thousand took at most this: the bound of their bucket, so up to twice what they
  // did, and never more than the longest. 0 if there are none.
  Duration Quantile(std::uint64_t per_mille) const {
    const std::uint64_t wanted = (count_ * per_mille + 999) / 1000;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (seen < wanted || seen == 0) continue;
      if (i + 1 == kBuckets) return max_;
      return std::min(max_, Duration((std::int64_t{1} << i) - 1));
    }
    return max_;
  }

 private:
  // Bucket i: [2^(i-1), 2^i) nanoseconds; the last one is open, from 2.4 hours on.
  static constexpr std::size_t kBuckets = 44;

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  Duration max_{};
};

struct DiskLatency {
  LatencyHistogram log_writes;  // each with its sync
  LatencyHistogram reads;
  Duration under_way{};  // for how long the disk has been at its present job; 0: at none
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_LATENCY_H_
