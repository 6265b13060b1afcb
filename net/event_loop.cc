#include "net/event_loop.h"

#include <chrono>
#include <utility>

#include "core/check.h"

namespace grassdb::net {
namespace {

// How many events make one batch at most. Answers wait for the end of their batch, so it must stay
// short; it is long enough that the log write is shared by all that queued during the last one.
constexpr int kBatchMax = 512;

}  // namespace

Instant SteadyNow() {
  return Instant(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

gpr_timespec ToTimespec(Instant deadline) {
  if (deadline == Instant::max()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const Duration left = deadline - SteadyNow();
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(left.count(), GPR_TIMESPAN));
}

EventLoop::EventLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : queue_(std::move(queue)) {}

void EventLoop::RunOnce(Instant deadline) {
  gpr_timespec until = ToTimespec(deadline);
  for (int handled = 0; handled < kBatchMax; ++handled) {
    void* tag = nullptr;
    bool ok = false;
    if (queue_->AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) return;
    static_cast<Completion*>(tag)->OnComplete(ok);
    // The rest of the batch is what is there already.
    until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
  }
}

void EventLoop::Wake() {
  const std::scoped_lock lock(wake_mutex_);
  if (wake_pending_ || draining_) return;
  wake_pending_ = true;
  alarm_.Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), woken_.tag());
}

void EventLoop::OnWoken(bool) {
  const std::scoped_lock lock(wake_mutex_);
  wake_pending_ = false;
}

void EventLoop::Drain() {
  {
    const std::scoped_lock lock(wake_mutex_);
    draining_ = true;
  }
  queue_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<Completion*>(tag)->OnComplete(ok);
}

}  // namespace grassdb::net
