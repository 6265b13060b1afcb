// The clock of one simulated node: it starts anywhere, runs a little fast or slow, may jump ahead,
// and may stand still for a while.
#ifndef GRASSDB_SIM_CLOCK_H_
#define GRASSDB_SIM_CLOCK_H_

#include <cstdint>

#include "core/check.h"
#include "core/types.h"
#include "sim/true_time.h"

namespace grassdb::sim {

// Never goes back, as core's Clock demands of one life. 0 drift and no jump: true time plus a base.
class DriftingClock {
 public:
  DriftingClock() = default;
  // Shows `base` at `start`; gains `drift_ppm` microseconds in every second, or loses them.
  DriftingClock(TrueTime start, Instant base, std::int64_t drift_ppm)
      : start_(start), base_(base), drift_ppm_(drift_ppm) {
    GRASS_CHECK(drift_ppm > -1'000'000 / 2 && drift_ppm < 1'000'000);
  }

  Instant At(TrueTime time) const {
    return stands_ ? base_ : base_ + Shown((time - start_).count());
  }

  // The earliest true time at which the clock shows `instant` or later; kNever for Instant::max(),
  // and while the clock stands still before it.
  TrueTime When(Instant instant) const {
    if (instant == Instant::max()) return kNever;
    const Duration::rep wanted = (instant - base_).count();
    if (wanted <= 0) return start_;
    if (stands_) return kNever;
    Duration::rep elapsed = wanted / (1'000'000 + drift_ppm_) * 1'000'000 - 2'000'000;
    if (elapsed < 0) elapsed = 0;
    // The estimate above is low by a few milliseconds at most; finish by exact steps.
    for (Duration::rep step = Duration::rep{1} << 30; step > 0; step >>= 1) {
      while (Shown(elapsed + step).count() < wanted) elapsed += step;
    }
    if (Shown(elapsed).count() < wanted) ++elapsed;
    return start_ + Duration(elapsed);
  }

  // From `now` on the clock runs true.
  void RunTrue(TrueTime now) { *this = DriftingClock(now, At(now), 0); }

  // It stands still from `now` on...
  void Stop(TrueTime now) {
    base_ = At(now);
    start_ = now;
    stands_ = true;
  }
  // ...until now, and goes on `leap` after what it has shown all the while. Nothing if it runs.
  void GoOn(TrueTime now, Duration leap) {
    if (!stands_) return;
    GRASS_CHECK(leap.count() >= 0);
    start_ = now;
    base_ += leap;
    stands_ = false;
  }
  bool stands() const { return stands_; }
  // When it stopped; it stands.
  TrueTime stopped_at() const { return start_; }

  // From now on the clock is `by` further ahead.
  void JumpAhead(Duration by) {
    GRASS_CHECK(by.count() >= 0);
    base_ += by;
  }

 private:
  // In parts of a second, so that the product stays far below the limit of 64 bits.
  Duration Shown(Duration::rep elapsed) const {
    return Duration(elapsed + elapsed / 1'000'000 * drift_ppm_ +
                    elapsed % 1'000'000 * drift_ppm_ / 1'000'000);
  }

  TrueTime start_;
  Instant base_;
  std::int64_t drift_ppm_ = 0;
  bool stands_ = false;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CLOCK_H_
