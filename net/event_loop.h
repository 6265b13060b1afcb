// EventLoop: the one completion queue of a node and the one thread that polls it. RPCs, wake-ups
// from other threads and deadlines all arrive here (net/README.md, "Threads").
#ifndef GRASSDB_NET_EVENT_LOOP_H_
#define GRASSDB_NET_EVENT_LOOP_H_

#include <grpc/support/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>

#include "core/types.h"
#include "net/completion.h"

namespace grassdb::net {

// Monotonic time of this machine as core counts it.
Instant SteadyNow();

// `deadline` for gRPC, by its monotonic clock; Instant::max(): the infinite future.
gpr_timespec ToTimespec(Instant deadline);

class EventLoop {
 public:
  // Takes over the queue of a server under construction.
  explicit EventLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue);
  // The queue has been shut down and drained (Drain).
  ~EventLoop() = default;

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

  // Waits until something has happened or `deadline` is reached; Instant::max(): no deadline. Then
  // handles all that is ready by now, up to a bound that keeps one batch from growing without end.
  void RunOnce(Instant deadline);

  // Makes a RunOnce that waits, or else the next one, return soon. From any thread; calls that come
  // together may give one wake-up.
  void Wake();

  // Shuts the queue down and handles what is left in it. Nothing may be started on the queue any
  // more.
  void Drain();

 private:
  void OnWoken(bool ok);

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  Forward<EventLoop, &EventLoop::OnWoken> woken_{this};
  std::mutex wake_mutex_;
  bool wake_pending_ =
      false;               // guarded by wake_mutex_: the alarm is set and its event not yet taken
  bool draining_ = false;  // guarded by wake_mutex_: no alarm may be set any more
  grpc::Alarm alarm_;      // guarded by wake_mutex_
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_EVENT_LOOP_H_
