#include "net/disk_thread.h"

#include <utility>
#include <variant>

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
  return true;
}

void DiskThread::Run() {
  DiskJob job;
  while (NextJob(&job)) {
    DiskDone done = storage_->Execute(std::move(job));
    {
      const std::scoped_lock lock(mutex_);
      done_.push_back(std::move(done));
    }
    wake_();
  }
}

}  // namespace grassdb::net
