#include "bin/bench/driver.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <utility>

namespace grassdb::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A store whose operations take as long as the test says, on a clock that only waiting moves.
class FakeStore final : public Protocol {
 public:
  // `service`: how long the operation takes that is begun at this time.
  FakeStore(std::size_t clients, std::function<Duration(Instant)> service)
      : clients_(clients), service_(std::move(service)) {}

  std::size_t clients() const override { return clients_; }
  Instant Now() const override { return now_; }

  void Begin(std::size_t client, const Request& request) override {
    requests.push_back(request);
    clients_used.push_back(client);
    ++under_way_;
    most_under_way = std::max(most_under_way, under_way_);
    Finish finish;
    finish.client = client;
    finish.at = now_ + service_(now_);
    if (decorate) decorate(requests.size(), &finish);
    ends_.emplace(finish.at, std::move(finish));
  }

  std::optional<Finish> Wait(Instant until) override {
    if (ends_.empty() || ends_.begin()->first > until) {
      EXPECT_NE(until, Instant::max()) << "waits for ever";
      now_ = std::max(now_, until);
      return std::nullopt;
    }
    Finish finish = std::move(ends_.begin()->second);
    ends_.erase(ends_.begin());
    now_ = finish.at;
    --under_way_;
    return finish;
  }

  std::vector<Request> requests;
  std::vector<std::size_t> clients_used;  // by each of them
  std::size_t most_under_way = 0;
  std::function<void(std::size_t number, Finish*)> decorate;

 private:
  std::size_t clients_;
  std::function<Duration(Instant)> service_;
  Instant now_ = Instant(seconds(1000));
  std::size_t under_way_ = 0;
  std::multimap<Instant, Finish> ends_;
};

const RequestSource& Puts() {
  static const RequestSource source({.workload = Workload::kPut, .keys = 100});
  return source;
}

Duration Always(Duration service) {
  return service;
}

DriverOptions Options(std::uint64_t rate) {
  return {.rate = rate, .warm_up = seconds(1), .duration = seconds(4), .interval = seconds(1)};
}

TEST(BenchDriver, KeepsEveryClientBusyWithoutARate) {
  FakeStore store(8, [](Instant) { return Always(milliseconds(10)); });
  const Measurement measured = Drive(store, Puts(), Options(0), {});
  EXPECT_EQ(store.most_under_way, 8u);
  EXPECT_NEAR(static_cast<double>(measured.completed), 8 * 400, 8);
  EXPECT_EQ(measured.latencies.max(), milliseconds(10));
  EXPECT_EQ(measured.elapsed, seconds(4));
}

TEST(BenchDriver, KeepsTheRateWhateverTheStoreCouldDo) {
  FakeStore store(8, [](Instant) { return Always(milliseconds(1)); });
  const Measurement measured = Drive(store, Puts(), Options(100), {});
  EXPECT_NEAR(static_cast<double>(measured.completed), 400, 1);
  EXPECT_EQ(measured.latencies.max(), milliseconds(1));
  EXPECT_EQ(measured.not_started, 0u);
}

// Else a stall would be the first time that most of them do anything.
TEST(BenchDriver, LetsFreeClientsTakeTurns) {
  FakeStore store(64, [](Instant) { return Always(milliseconds(15)); });
  Drive(store, Puts(), Options(100), {});
  ASSERT_GE(store.clients_used.size(), 500u);
  for (std::size_t i = 0; i < 500; ++i) ASSERT_EQ(store.clients_used[i], i % 64) << i;
}

TEST(BenchDriver, OpensTheSessionOfEachClientWithAWrite) {
  for (const Workload workload :
       {Workload::kPut, Workload::kStream, Workload::kMixed, Workload::kTxn}) {
    FakeStore store(1000, [](Instant) { return Always(milliseconds(10)); });
    EXPECT_EQ(OpenSessions(store, RequestSource({.workload = workload})), 1000u);
    EXPECT_EQ(std::set(store.clients_used.begin(), store.clients_used.end()).size(), 1000u);
    EXPECT_EQ(store.requests.size(), 1000u);
    EXPECT_LT(store.most_under_way, 1000u) << "a flood";
    for (const Request& request : store.requests) EXPECT_FALSE(IsRead(request.kind));
  }
  for (const Workload workload : {Workload::kGet, Workload::kGetStale}) {
    FakeStore store(8, [](Instant) { return Always(milliseconds(10)); });
    EXPECT_EQ(OpenSessions(store, RequestSource({.workload = workload})), 0u);
    EXPECT_TRUE(store.requests.empty()) << "a read needs no session";
  }
}

TEST(BenchDriver, OpensNoMoreSessionsWhereOneCannotBeOpened) {
  FakeStore store(1000, [](Instant) { return Always(milliseconds(10)); });
  store.decorate = [](std::size_t number, Finish* finish) {
    if (number == 10) finish->failure = "unreachable";
  };
  const std::uint64_t opened = OpenSessions(store, Puts());
  EXPECT_EQ(opened, store.requests.size() - 1) << "what was under way has ended";
  EXPECT_LT(opened, 300u);
}

// One client, 100 operations a second, and a store that stalls once for a second: the operations
// that were due meanwhile have waited, though none of them was sent.
TEST(BenchDriver, CountsALatencyFromWhenTheOperationWasDue) {
  bool stalled = false;
  const Instant stall = Instant(seconds(1002));
  FakeStore store(1, [&](Instant now) -> Duration {
    if (stalled || now < stall) return milliseconds(1);
    stalled = true;
    return milliseconds(1000);
  });
  const Measurement measured = Drive(store, Puts(), Options(100), {});
  EXPECT_EQ(measured.latencies.count(), 400u);
  // A quarter of the operations fell into the second of the stall or the time to make up for it.
  // Counted from when they were sent, only one of 400 would be slow.
  EXPECT_GT(measured.latencies.Quantile(900'000), milliseconds(400));
  EXPECT_LT(measured.latencies.Quantile(500'000), milliseconds(2));
  EXPECT_EQ(measured.latencies.max(), milliseconds(1000));
}

// Several clients, and nobody is served for the second of the stall; the one before it counts from
// its last success.
TEST(BenchDriver, FindsTheLongestTimeWithoutASuccess) {
  const Instant stall = Instant(seconds(1002));
  FakeStore store(64, [&](Instant now) -> Duration {
    return now < stall ? Always(milliseconds(1))
                       : std::max<Duration>(stall + seconds(1) - now, milliseconds(1));
  });
  const Measurement measured = Drive(store, Puts(), Options(100), {});
  EXPECT_EQ(measured.longest_pause, milliseconds(1009));
  EXPECT_EQ(measured.pause_begin, milliseconds(991));
}

TEST(BenchDriver, KnowsNoLatencyOfAnIntervalInWhichNothingEnded) {
  FakeStore store(1, [](Instant now) -> Duration {
    return now < Instant(seconds(1002)) ? milliseconds(10) : milliseconds(2500);
  });
  const Measurement measured = Drive(store, Puts(), Options(0), {});
  ASSERT_EQ(measured.timeline.size(), 4u);
  EXPECT_EQ(measured.timeline[0].p50, milliseconds(10));
  EXPECT_EQ(measured.timeline[1].completed, 0u);
  EXPECT_EQ(measured.timeline[1].p50, std::nullopt);
  EXPECT_EQ(measured.timeline[1].p999, std::nullopt);
  EXPECT_EQ(measured.timeline[3].p99, milliseconds(2500));
}

TEST(BenchDriver, CountsNoFailureAsTheEndOfAPause) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(10)); });
  store.decorate = [](std::size_t number, Finish* finish) {
    if (number > 200) finish->failure = "unreachable";
  };
  const Measurement measured = Drive(store, Puts(), Options(0), {});
  EXPECT_EQ(measured.pause_begin, seconds(1));
  EXPECT_EQ(measured.longest_pause, seconds(3)) << "until the end of the measured time";
}

TEST(BenchDriver, SaysHowManyOperationsWereNeverBegun) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(100)); });
  const Measurement measured = Drive(store, Puts(), Options(100), {});
  // 10 a second get done; the first of the five seconds' 500 are begun late.
  EXPECT_NEAR(static_cast<double>(measured.not_started), 400, 2);
  EXPECT_NEAR(static_cast<double>(measured.completed), 40, 1);
  EXPECT_EQ(measured.latencies.count(), 400u) << "all that were due in the measured time";
  // At the end of the five seconds what was due in the first of them is under way.
  EXPECT_GE(measured.latencies.max(), milliseconds(3900));
  EXPECT_NEAR(std::chrono::duration<double>(measured.latencies.Quantile(500'000)).count(), 2, 0.1);
}

// Ten times too many: in the measured time only what was due in the warm-up gets begun, so that
// nothing is known of how long the others take but that it is longer than they have waited.
TEST(BenchDriver, LeavesWhatWasDueInTheWarmUpOutOfTheTimelinesLatencies) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(100)); });
  DriverOptions options = Options(100);
  options.duration = seconds(2);
  const Measurement measured = Drive(store, Puts(), options, {});
  ASSERT_EQ(measured.timeline.size(), 2u);
  EXPECT_EQ(measured.not_started, 200u);
  EXPECT_EQ(measured.latencies.max(), seconds(2));
  for (const Point& point : measured.timeline) {
    EXPECT_NEAR(static_cast<double>(point.completed), 10, 1);
    EXPECT_EQ(point.p50, std::nullopt);
    EXPECT_EQ(point.p99, std::nullopt);
  }
}

// With a value made for each of the four million it took an hour.
TEST(BenchDriver, CountsWhatWasNeverBegunWithoutMakingIt) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(100)); });
  const RequestSource large({.workload = Workload::kMixed, .keys = 100, .value_bytes = 1 << 20});
  DriverOptions options = Options(10'000'000);
  options.warm_up = milliseconds(100);
  options.duration = milliseconds(400);
  const Measurement measured = Drive(store, large, options, {});
  EXPECT_NEAR(static_cast<double>(measured.not_started), 4'000'000, 10);
  EXPECT_EQ(measured.latencies.count(),
            measured.latencies_by_kind.at(Request::Kind::kPut).count() +
                measured.latencies_by_kind.at(Request::Kind::kGet).count());
}

// The measured time is over, and the count of what was never begun goes on for long.
TEST(BenchDriver, EndsEarlyWhileItCountsWhatWasNeverBegun) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(100)); });
  bool measured_time_is_over = false;
  const DriverHooks hooks{.on_end = [&] { measured_time_is_over = true; },
                          .ends_early = [&] { return measured_time_is_over; }};
  const Measurement measured = Drive(store, Puts(), Options(10'000'000), hooks);
  EXPECT_TRUE(measured.ended_early);
  EXPECT_EQ(measured.elapsed, seconds(4));
  EXPECT_LT(measured.not_started, 1'000'000u) << "of 40 million";
  EXPECT_EQ(measured.all_completed, store.requests.size()) << "what was under way has ended";
}

TEST(BenchDriver, TellsTheLatenciesOfAMixByKind) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(10)); });
  const RequestSource mixed({.workload = Workload::kMixed, .keys = 100});
  const Measurement measured = Drive(store, mixed, Options(0), {});
  ASSERT_EQ(measured.latencies_by_kind.size(), 2u);
  std::uint64_t puts = 0;
  for (std::size_t i = 100; i < 500; ++i) {
    puts += store.requests[i].kind == Request::Kind::kPut ? 1 : 0;
  }
  const Histogram& of_puts = measured.latencies_by_kind.at(Request::Kind::kPut);
  EXPECT_NEAR(static_cast<double>(of_puts.count()), static_cast<double>(puts), 1);
  EXPECT_EQ(of_puts.count() + measured.latencies_by_kind.at(Request::Kind::kGet).count(),
            measured.latencies.count());
  FakeStore puts_only(1, [](Instant) { return Always(milliseconds(10)); });
  EXPECT_TRUE(Drive(puts_only, Puts(), Options(0), {}).latencies_by_kind.empty());
}

TEST(BenchDriver, LeavesTheWarmUpOutOfTheFigures) {
  const Instant begin = Instant(seconds(1001));
  FakeStore store(
      1, [&](Instant now) { return Always(now < begin ? milliseconds(500) : milliseconds(10)); });
  store.decorate = [&](std::size_t, Finish* finish) {
    if (finish->at <= begin) finish->failure = "too early";
  };
  const Measurement measured = Drive(store, Puts(), Options(0), {});
  EXPECT_EQ(measured.failed, 0u);
  EXPECT_EQ(measured.latencies.max(), milliseconds(10));
  EXPECT_EQ(measured.longest_pause, milliseconds(10));
}

TEST(BenchDriver, CountsWhatHasLookedForAKey) {
  for (const auto& [workload, share] :
       std::map<Workload, double>{{Workload::kGet, 1}, {Workload::kMixed, 0.5}}) {
    FakeStore store(1, [](Instant) { return Always(milliseconds(10)); });
    store.decorate = [](std::size_t number, Finish* finish) {
      if (number % 2 == 0) finish->failure = "unreachable";
    };
    const Measurement measured =
        Drive(store, RequestSource({.workload = workload}), Options(0), {});
    EXPECT_NEAR(static_cast<double>(measured.looked), 200 * share, 25 * (1 - share) * 2)
        << "of those that succeeded";
  }
}

TEST(BenchDriver, CountsFailuresAndAnswersByKind) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(10)); });
  store.decorate = [](std::size_t number, Finish* finish) {
    if (number % 4 == 0) finish->failure = "outcome unknown";
    if (number % 4 == 1) finish->answers = {"OVERLOADED", "OVERLOADED", "NOT_LEADER"};
    if (number % 4 == 2) finish->missing = true;
  };
  const Measurement measured = Drive(store, Puts(), Options(0), {});
  EXPECT_EQ(measured.failed, 100u);
  EXPECT_EQ(measured.failures, (std::map<std::string, std::uint64_t>{{"outcome unknown", 100}}));
  EXPECT_EQ(measured.answers,
            (std::map<std::string, std::uint64_t>{{"NOT_LEADER", 100}, {"OVERLOADED", 200}}));
  EXPECT_EQ(measured.missing, 100u);
  EXPECT_EQ(measured.looked, 0u) << "they are puts";
  EXPECT_NEAR(static_cast<double>(measured.completed), 300, 1);
  EXPECT_EQ(measured.latencies.count(), 400u) << "of those that failed too";
}

// So many clients that none waits for another; what is due in the two seconds in which nobody is
// served runs into its deadline.
TEST(BenchDriver, CountsWhatRanIntoItsDeadlineInTheLatencies) {
  const Instant stall = Instant(seconds(1002));
  const auto stalls = [&](Instant now) { return now >= stall && now < stall + seconds(2); };
  FakeStore store(1000, [&](Instant now) -> Duration {
    return stalls(now) ? milliseconds(500) : milliseconds(1);
  });
  store.decorate = [&](std::size_t, Finish* finish) {
    if (stalls(store.Now())) finish->failure = "outcome unknown";
  };
  const Measurement measured = Drive(store, Puts(), Options(200), {});
  EXPECT_EQ(measured.failed, 400u);
  EXPECT_EQ(measured.latencies.count(), 800u);
  EXPECT_EQ(measured.latencies.Quantile(550'000), milliseconds(500));
  EXPECT_LT(measured.latencies.Quantile(450'000), milliseconds(2));
  EXPECT_EQ(measured.timeline[2].p50, milliseconds(500));
}

TEST(BenchDriver, TellsEveryIntervalOfTheMeasuredTimeOnce) {
  FakeStore store(2, [](Instant) { return Always(milliseconds(10)); });
  std::vector<std::string> calls;
  const DriverHooks hooks{.on_begin = [&] { calls.push_back("begin"); },
                          .on_point = [&](const Point&) { calls.push_back("point"); },
                          .on_end = [&] { calls.push_back("end"); }};
  const Measurement measured = Drive(store, Puts(), Options(0), hooks);
  EXPECT_EQ(calls, (std::vector<std::string>{"begin", "point", "point", "point", "point", "end"}));
  ASSERT_EQ(measured.timeline.size(), 4u);
  std::uint64_t completed = 0;
  Duration length{};
  for (const Point& point : measured.timeline) {
    EXPECT_NEAR(static_cast<double>(point.completed), 200, 4);
    EXPECT_EQ(point.p99, milliseconds(10));
    completed += point.completed;
    length += point.length;
  }
  EXPECT_EQ(completed, measured.completed);
  EXPECT_EQ(length, measured.elapsed);
  EXPECT_EQ(measured.timeline.back().end, measured.elapsed);
}

TEST(BenchDriver, WaitsForWhatIsUnderWayAtTheEnd) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(700)); });
  const Measurement measured = Drive(store, Puts(), Options(0), {});
  // Due at 1.4, 2.1, 2.8, 3.5, 4.2 and 4.9 s; the last one ends after the measured time.
  EXPECT_EQ(measured.completed, 6u);
  EXPECT_EQ(measured.latencies.count(), 6u);
  EXPECT_EQ(store.Now(), Instant(milliseconds(1'005'600)));
}

// Asked for in the third second of four, after the one of the warm-up.
TEST(BenchDriver, EndsEarlyWithWhatItHasMeasured) {
  FakeStore store(2, [](Instant) { return Always(milliseconds(10)); });
  const Instant end = Instant(milliseconds(1'003'500));
  const DriverHooks hooks{.ends_early = [&] { return store.Now() >= end; }};
  const Measurement measured = Drive(store, Puts(), Options(0), hooks);
  EXPECT_TRUE(measured.ended_early);
  EXPECT_EQ(measured.elapsed, milliseconds(2500));
  EXPECT_NEAR(static_cast<double>(measured.completed), 2 * 250, 4);
  ASSERT_EQ(measured.timeline.size(), 3u);
  EXPECT_EQ(measured.timeline[2].end, milliseconds(2500));
  EXPECT_EQ(measured.all_completed, store.requests.size()) << "what was under way has ended";
}

TEST(BenchDriver, NoticesWithinAnIntervalThatItIsToEndThoughNothingDoes) {
  FakeStore store(1, [](Instant) { return Always(seconds(60)); });
  Instant noticed;
  DriverOptions options = Options(0);
  options.warm_up = seconds(30);
  const DriverHooks hooks{.ends_early = [&] {
    const bool ends = store.Now() >= Instant(milliseconds(1'001'500));
    if (ends) noticed = store.Now();
    return ends;
  }};
  const Measurement measured = Drive(store, Puts(), options, hooks);
  EXPECT_EQ(noticed, Instant(seconds(1002)));
  EXPECT_TRUE(measured.ended_early);
  EXPECT_EQ(measured.elapsed, Duration::zero()) << "it was warming up";
  EXPECT_EQ(measured.completed, 0u);
}

TEST(BenchDriver, CountsAllThatSucceededApartFromWhatItMeasures) {
  FakeStore store(1, [](Instant) { return Always(milliseconds(10)); });
  store.decorate = [](std::size_t number, Finish* finish) {
    if (number == 7) finish->failure = "refused";
  };
  const Measurement measured = Drive(store, Puts(), Options(0), {});
  EXPECT_EQ(measured.all_completed, store.requests.size() - 1);
  EXPECT_LT(measured.completed, measured.all_completed);
  EXPECT_FALSE(measured.ended_early);
}

TEST(BenchDriver, FillsEveryKeyOnce) {
  FakeStore store(3, [](Instant) { return Always(milliseconds(1)); });
  EXPECT_EQ(FillKeys(store, Puts()), "");
  ASSERT_EQ(store.requests.size(), 100u);
  for (std::uint64_t key = 0; key < 100; ++key) {
    EXPECT_EQ(store.requests[key].key, Puts().Fill(key).key);
  }
}

TEST(BenchDriver, EndsFillingWithTheFirstFailure) {
  FakeStore store(3, [](Instant) { return Always(milliseconds(1)); });
  store.decorate = [](std::size_t number, Finish* finish) {
    if (number == 10) finish->failure = "refused";
  };
  EXPECT_EQ(FillKeys(store, Puts()), "refused");
  EXPECT_LT(store.requests.size(), 15u);
}

TEST(BenchDriver, HasDueTimesThatDoNotDrift) {
  EXPECT_EQ(DueAfter(0, 3), Duration::zero());
  EXPECT_EQ(DueAfter(1, 3), Duration(333'333'333));
  EXPECT_EQ(DueAfter(3, 3), seconds(1));
  EXPECT_EQ(DueAfter(3'000'000'000, 3), seconds(1'000'000'000));
}

}  // namespace
}  // namespace grassdb::bench
