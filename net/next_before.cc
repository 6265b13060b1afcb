#include "net/next_before.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "net/event_loop.h"

namespace grassdb::net {
namespace {

constexpr Duration kNap = std::chrono::microseconds(50);

}  // namespace

grpc::CompletionQueue::NextStatus NextBefore(grpc::CompletionQueue& queue, Instant until,
                                             void** tag, bool* ok) {
  if (until == Instant::max()) {
    return queue.AsyncNext(tag, ok, gpr_inf_future(GPR_CLOCK_MONOTONIC));
  }
  while (true) {
    const Duration coarse = until - SteadyNow() - kQueueRounding;
    // Only the infinite past is not rounded.
    const gpr_timespec deadline =
        coarse <= Duration::zero()
            ? gpr_inf_past(GPR_CLOCK_MONOTONIC)
            : gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                           gpr_time_from_nanos(coarse.count(), GPR_TIMESPAN));
    const auto status = queue.AsyncNext(tag, ok, deadline);
    if (status != grpc::CompletionQueue::TIMEOUT) return status;
    const Duration left = until - SteadyNow();
    if (left <= Duration::zero()) return status;
    if (coarse <= Duration::zero()) std::this_thread::sleep_for(std::min(left, kNap));
  }
}

}  // namespace grassdb::net
