#include "sim/clock.h"

#include <gtest/gtest.h>

#include <chrono>

#include "sim/event_queue.h"
#include "sim/random.h"

namespace grassdb::sim {
namespace {

TEST(DriftingClock, GainsItsDrift) {
  const DriftingClock fast(TrueTime(), Instant(Duration(5)), 100);
  EXPECT_EQ(fast.At(TrueTime()), Instant(Duration(5)));
  EXPECT_EQ(fast.At(TrueTime() + std::chrono::seconds(1)) - Instant(Duration(5)),
            std::chrono::seconds(1) + std::chrono::microseconds(100));
}

TEST(DriftingClock, NeverGoesBack) {
  for (const std::int64_t drift : {-50'000, -1, 0, 3, 50'000}) {
    const DriftingClock clock(TrueTime(), Instant(), drift);
    Instant last = clock.At(TrueTime());
    for (std::int64_t at = 999'900; at < 1'000'100; ++at) {
      const Instant now = clock.At(TrueTime(Duration(at)));
      ASSERT_GE(now, last);
      last = now;
    }
  }
}

TEST(DriftingClock, TellsTheFirstMomentAtWhichItShowsAnInstant) {
  for (const std::int64_t drift : {-50'000, -7, 0, 7, 50'000}) {
    DriftingClock clock(TrueTime(Duration(123)), Instant(Duration(456)), drift);
    clock.JumpAhead(Duration(1000));
    for (const std::int64_t wait : {1L, 999L, 1'000'001L, 300'000'000L, 123'456'789'012L}) {
      const Instant wanted = clock.At(TrueTime(Duration(123))) + Duration(wait);
      const TrueTime at = clock.When(wanted);
      EXPECT_GE(clock.At(at), wanted);
      EXPECT_LT(clock.At(at - Duration(1)), wanted);
    }
  }
  EXPECT_EQ(DriftingClock().When(Instant::max()), kNever);
}

TEST(DriftingClock, StandsStillAndGoesOn) {
  DriftingClock clock(TrueTime(), Instant(Duration(5)), 100);
  const TrueTime stop = TrueTime() + std::chrono::seconds(1);
  const TrueTime end = stop + std::chrono::seconds(3);
  const Instant shown = clock.At(stop);
  clock.Stop(stop);
  EXPECT_EQ(clock.At(end), shown);
  EXPECT_EQ(clock.When(shown), stop);
  EXPECT_EQ(clock.When(shown + Duration(1)), kNever);
  DriftingClock behind = clock;
  behind.GoOn(end, Duration(0));
  EXPECT_EQ(behind.At(end), shown);
  EXPECT_EQ(behind.At(end + std::chrono::seconds(1)) - shown,
            std::chrono::seconds(1) + std::chrono::microseconds(100));
  clock.GoOn(end, std::chrono::seconds(3));
  EXPECT_EQ(clock.At(end) - shown, std::chrono::seconds(3));
  EXPECT_EQ(clock.When(shown + std::chrono::seconds(1)), end) << "it has leapt over it";
  clock.GoOn(end, std::chrono::seconds(3));
  EXPECT_EQ(clock.At(end) - shown, std::chrono::seconds(3)) << "a clock that runs does not leap";
}

TEST(EventQueue, GivesEventsInTheOrderOfTimeThenOfScheduling) {
  EventQueue queue;
  const Keyed random(1);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    queue.Push(TrueTime(Duration(static_cast<std::int64_t>(Bounded(random(Stream::kPlan, i), 50)))),
               EventType::kClientWake, 0, i);
  }
  SimEvent last = queue.Pop();
  while (!queue.empty()) {
    const SimEvent event = queue.Pop();
    ASSERT_TRUE(event.at > last.at || (event.at == last.at && event.value > last.value));
    EXPECT_EQ(queue.now(), event.at);
    last = event;
  }
}

TEST(KeyedRandom, DrawsFromScalesWithinTheBounds) {
  const Keyed random(3);
  std::uint64_t small = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t value = BetweenScales(random(Stream::kPlan, i), 10, 10'000);
    ASSERT_GE(value, 10u);
    ASSERT_LE(value, 10'000u);
    small += value < 100 ? 1u : 0u;
    ASSERT_EQ(BetweenScales(random(Stream::kPlan, i), 5, 5), 5u);
  }
  EXPECT_GT(small, 200u);
  EXPECT_LT(small, 600u);
}

}  // namespace
}  // namespace grassdb::sim
