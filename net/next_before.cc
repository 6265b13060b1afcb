#include "net/next_before.h"

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
  if (until == Instant::max()) return queue.AsyncNext(tag, ok, ToTimespec(until));
  while (true) {
    const bool is_near = until - SteadyNow() <= kQueueRounding;
    // Only the infinite past is not rounded.
    const gpr_timespec deadline =
        is_near ? gpr_inf_past(GPR_CLOCK_MONOTONIC) : ToTimespec(until - kQueueRounding);
    const auto status = queue.AsyncNext(tag, ok, deadline);
    if (status != grpc::CompletionQueue::TIMEOUT) return status;
    const Duration left = until - SteadyNow();
    if (left <= Duration::zero()) return status;
    if (is_near) std::this_thread::sleep_for(std::min(left, kNap));
  }
}

}  // namespace grassdb::net
