// DiskThread: executes a node's disk jobs on a thread of its own, so that the event loop never
// waits for a disk.
#ifndef GRASSDB_NET_DISK_THREAD_H_
#define GRASSDB_NET_DISK_THREAD_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/disk.h"
#include "core/latency.h"
#include "core/types.h"
#include "store/storage.h"

namespace grassdb::net {

class DiskThread final : public Disk {
 public:
  // `wake` is called on the disk thread when completions are waiting for TakeDone.
  DiskThread(std::unique_ptr<store::Storage> storage, std::function<void()> wake);
  // Finishes the job under way; drops those that wait. Then closes the storage.
  ~DiskThread() override;

  // On the event loop.
  void Submit(DiskJob job) override;
  // Replaces the content of `done` with the completions so far, in order. On the event loop.
  void TakeDone(std::vector<DiskDone>* done);
  // Of the jobs so far, and of the one under way.
  DiskLatency Latency() const;

 private:
  void Run();
  // Waits for a job; false when the thread shall end.
  bool NextJob(DiskJob* job);

  std::unique_ptr<store::Storage> storage_;
  std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  // Guarded by mutex_. Log writes go ahead of snapshot jobs that wait (core/disk.h).
  std::deque<DiskJob> log_jobs_;
  std::deque<DiskJob> snapshot_jobs_;
  std::vector<DiskDone> done_;
  bool stopping_ = false;
  DiskLatency latency_;
  std::optional<Instant> began_at_;  // the job under way

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_DISK_THREAD_H_
