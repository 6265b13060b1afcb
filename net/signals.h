// SignalThread: SIGTERM and SIGINT as ordinary calls, on a thread that waits for them. No code runs
// in a signal handler.
#ifndef GRASSDB_NET_SIGNALS_H_
#define GRASSDB_NET_SIGNALS_H_

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace grassdb::net {

// Blocks SIGTERM and SIGINT in the calling thread and in those it starts from now on. First thing
// in main, or another thread may be killed by the signal. Ignores SIGPIPE.
void BlockSignals();

class SignalThread {
 public:
  // Calls `on_signal` for the first signal, on its own thread. The second one ends the process at
  // once, with exit code 128 + its number.
  explicit SignalThread(std::function<void()> on_signal);
  ~SignalThread();
  // `on_signal` is not called any more, and no call of it is under way when this returns: what it
  // uses may go. A second signal ends the process as before, should going take too long.
  void Disarm();

 private:
  void Run();

  std::mutex mutex_;
  std::function<void()> on_signal_;  // guarded by mutex_; empty when disarmed
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_SIGNALS_H_
