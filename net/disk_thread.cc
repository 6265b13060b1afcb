#include "net/disk_thread.h"

#include <utility>
#include <variant>

#include "net/event_loop.h"

namespace grassdb::net {

DiskThread::DiskThread(std::unique_ptr<store::Storage> storage, std::function<void()> wake)
    : storage_(std::move(storage)), wake_(std::move(wake)), thread_([this] { Run(); }) {}

DiskThread::~DiskThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void DiskThread::Submit(DiskJob job) {
  {
    const std::scoped_lock lock(mutex_);
    const bool writes_log =
        std::holds_alternative<Persist>(job) || std::holds_alternative<MendLog>(job);
    auto& queue = writes_log ? log_jobs_ : snapshot_jobs_;
    queue.push_back(std::move(job));
  }
  work_.notify_one();
}

void DiskThread::TakeDone(std::vector<DiskDone>* done) {
  done->clear();
  const std::scoped_lock lock(mutex_);
  done->swap(done_);
}

bool DiskThread::NextJob(DiskJob* job) {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return stopping_ || !log_jobs_.empty() || !snapshot_jobs_.empty(); });
  if (stopping_) return false;
  auto& queue = log_jobs_.empty() ? snapshot_jobs_ : log_jobs_;
  *job = std::move(queue.front());
  queue.pop_front();
  began_at_ = SteadyNow();
  return true;
}

DiskLatency DiskThread::Latency() const {
  const std::scoped_lock lock(mutex_);
  DiskLatency latency = latency_;
  if (began_at_.has_value()) latency.under_way = SteadyNow() - *began_at_;
  return latency;
}

void DiskThread::Run() {
  DiskJob job;
  while (NextJob(&job)) {
    DiskDone done = storage_->Execute(std::move(job));
    {
      const std::scoped_lock lock(mutex_);
      const Duration taken = SteadyNow() - *began_at_;
      began_at_.reset();
      const bool writes = std::holds_alternative<PersistDone>(done);
      const bool reads = std::holds_alternative<SnapshotRead>(done) ||
                         std::holds_alternative<EntriesRead>(done) ||
                         std::holds_alternative<ScrubDone>(done);
      if (writes) latency_.log_writes.Add(taken);
      if (reads) latency_.reads.Add(taken);
      done_.push_back(std::move(done));
    }
    wake_();
  }
}

}  // namespace grassdb::net
