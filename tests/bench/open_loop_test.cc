// The open loop on the real clock: what it is late by itself it would report as latency of the
// store. Medians, the best of some tries, and less what a thread that sleeps is late by: a busy
// machine keeps everybody waiting.
#include <grpcpp/alarm.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "bin/bench/driver.h"
#include "bin/bench/rpc_protocol.h"
#include "net/event_loop.h"
#include "net/pipeline_client.h"

namespace grassdb::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Duration kLate = microseconds(300);

Duration MedianOf(std::vector<Duration> durations) {
  const auto middle = durations.begin() + static_cast<std::ptrdiff_t>(durations.size() / 2);
  std::ranges::nth_element(durations, middle);
  return *middle;
}

// How late this thread wakes up, as a median: what the machine adds.
Duration LatenessOfSleeping() {
  std::vector<Duration> late;
  for (int i = 0; i < 31; ++i) {
    const Instant until = net::SteadyNow() + milliseconds(3);
    std::this_thread::sleep_for(milliseconds(3));
    late.push_back(net::SteadyNow() - until);
  }
  return MedianOf(std::move(late));
}

// Whether one of some tries gives no more than kLate above what the machine adds.
testing::AssertionResult IsOnTime(const std::function<Duration()>& median_of_a_try) {
  constexpr int kTries = 8;
  Duration best = Duration::max();
  for (int i = 0; i < kTries && best > kLate; ++i) {
    best = std::min(best, median_of_a_try() - LatenessOfSleeping());
  }
  if (best <= kLate) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << std::chrono::duration_cast<microseconds>(best).count() << " us late";
}

// How late `wait` comes back, for waits that end anywhere within a millisecond.
Duration MedianLateness(const std::function<void(Instant)>& wait) {
  std::vector<Duration> late;
  for (int i = 0; i < 31; ++i) {
    const Instant until =
        net::SteadyNow() + milliseconds(i % 2 == 0 ? 1 : 6) + microseconds(37 * i);
    wait(until);
    late.push_back(net::SteadyNow() - until);
    EXPECT_GE(late.back(), Duration::zero()) << "too early";
  }
  return MedianOf(std::move(late));
}

TEST(BenchOpenLoop, WaitsForUnaryCallsUntilTheNextOneIsDue) {
  RpcProtocol protocol;
  const auto wait = [&](Instant until) { EXPECT_FALSE(protocol.Wait(until).has_value()); };
  EXPECT_TRUE(IsOnTime([&] { return MedianLateness(wait); }));
}

TEST(BenchOpenLoop, WaitsForTheStreamUntilTheNextOneIsDue) {
  ClientOptions options;
  options.endpoints = {"127.0.0.1:1"};
  net::PipelineClient client(options, 1);
  const auto wait = [&](Instant until) { EXPECT_FALSE(client.Wait(until).has_value()); };
  EXPECT_TRUE(IsOnTime([&] { return MedianLateness(wait); }));
}

// A store that answers at once.
class InstantClient final : public RpcClient {
 public:
  InstantClient(std::size_t number, grpc::CompletionQueue* queue)
      : RpcClient(number), queue_(queue) {}
  void Begin(const Request&) override {
    alarm_.Set(queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), tag());
  }
  std::optional<Finish> OnEvent() override { return Finish{}; }

 private:
  grpc::CompletionQueue* queue_;
  grpc::Alarm alarm_;
};

TEST(BenchOpenLoop, AddsLittleToTheLatencyOfAStore) {
  const RequestSource puts({.workload = Workload::kPut, .keys = 10});
  const DriverOptions options{.rate = 150,
                              .warm_up = milliseconds(20),
                              .duration = milliseconds(200),
                              .interval = milliseconds(100)};
  const auto median = [&] {
    RpcProtocol protocol;
    for (std::size_t i = 0; i < 4; ++i) {
      protocol.Add(std::make_unique<InstantClient>(i, protocol.queue()));
    }
    const Measurement measured = Drive(protocol, puts, options, {});
    EXPECT_EQ(measured.latencies.count(), 30u);
    return measured.latencies.Quantile(500'000);
  };
  EXPECT_TRUE(IsOnTime(median));
}

}  // namespace
}  // namespace grassdb::bench
