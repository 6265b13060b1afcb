// Keyed randomness for the simulator. Every decision is a hash of the seed, the stream it belongs
// to and the logical event it is about. There is no generator with a state: whoever leaves out one
// decision leaves every other one as it was. (But for a Tape, which has an order; only a fuzzer's
// runs have one.)
#ifndef GRASSDB_SIM_RANDOM_H_
#define GRASSDB_SIM_RANDOM_H_

#include <cstdint>
#include <type_traits>

#include "core/check.h"
#include "core/hash.h"
#include "core/types.h"
#include "sim/tape.h"

namespace grassdb::sim {

// What a decision is about. Values are part of every fingerprint: append, never renumber.
enum class Stream : std::uint64_t {
  kPlan = 1,
  kMessage = 2,
  kRequest = 3,
  kReply = 4,
  kClock = 5,
  kIoDuration = 6,
  kIoFault = 7,
  kCrash = 8,
  kFault = 9,
  kHost = 10,
  kWorkload = 11,
  kClient = 12,
  kRaftSeed = 13,
  kOldMail = 14,
  kRarePath = 15,
  kDamage = 16,
  kCore = 17,
};

// A rate in millionths. Not a floating-point number: decisions must be the same on every machine.
using PerMillion = std::uint32_t;

class Keyed {
 public:
  // `tape`: null, or outlives this.
  explicit constexpr Keyed(std::uint64_t seed, Tape* tape = nullptr) : seed_(seed), tape_(tape) {}

  template <class... Parts>
  constexpr std::uint64_t operator()(Stream stream, Parts... parts) const {
    static_assert(((std::is_integral_v<Parts> || std::is_enum_v<Parts>)&&...),
                  "key a decision by integers");
    const std::uint64_t random = KeyedRandom(seed_, static_cast<std::uint64_t>(stream), parts...);
    if (tape_ == nullptr) [[likely]]
      return random;
    const std::uint8_t steer = tape_->Next();
    return steer == 0 ? random : Fold(random, steer);
  }
  constexpr std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_;
  Tape* tape_;
};

// A further independent number from one that was keyed; `salt` names what it decides.
constexpr std::uint64_t Derive(std::uint64_t random, std::uint64_t salt) {
  return Fold(random, salt);
}

constexpr bool Chance(std::uint64_t random, PerMillion rate) {
  return Bounded(random, 1'000'000) < rate;
}

// Evenly from [min, max], both ends included.
inline std::uint64_t Between(std::uint64_t random, std::uint64_t min, std::uint64_t max) {
  GRASS_CHECK_LE(min, max);
  return min + Bounded(random, max - min + 1);
}

inline Duration Between(std::uint64_t random, Duration min, Duration max) {
  GRASS_CHECK(min.count() >= 0);
  return Duration(static_cast<Duration::rep>(Between(
      random, static_cast<std::uint64_t>(min.count()), static_cast<std::uint64_t>(max.count()))));
}

// From [min, max] with small values as likely as large ones, scale by scale: first which doubling
// of `min` (or of max / 4096, if that is more), then the place in it. Finds the bugs that live at
// the small end and at the large one.
inline std::uint64_t BetweenScales(std::uint64_t random, std::uint64_t min, std::uint64_t max) {
  GRASS_CHECK_LE(min, max);
  std::uint64_t base = min > max / 4096 ? min : max / 4096;
  if (base == 0) base = 1;
  std::uint64_t doublings = 0;
  while (base << doublings < max) ++doublings;
  const std::uint64_t scale = Bounded(Derive(random, 1), doublings + 1);
  const std::uint64_t low = scale == 0 ? min : base << (scale - 1);
  const std::uint64_t high = base << scale < max ? base << scale : max;
  return low >= high ? high : Between(Derive(random, 2), low, high);
}

inline Duration BetweenScales(std::uint64_t random, Duration min, Duration max) {
  return Duration(static_cast<Duration::rep>(BetweenScales(
      random, static_cast<std::uint64_t>(min.count()), static_cast<std::uint64_t>(max.count()))));
}

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_RANDOM_H_
