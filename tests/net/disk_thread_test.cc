#include "net/disk_thread.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace grassdb::net {
namespace {

// What the disk was asked for, in order; the first job waits until it is let go.
class Journal {
 public:
  void Begin(const DiskJob& job) {
    std::unique_lock lock(mutex_);
    begun_.push_back(std::holds_alternative<Persist>(job) ? "log" : "chunk");
    changed_.notify_all();
    changed_.wait(lock, [this] { return let_go_; });
  }
  void LetGo() {
    const std::scoped_lock lock(mutex_);
    let_go_ = true;
    changed_.notify_all();
  }
  std::vector<std::string> AwaitBegun(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return begun_.size() >= count; });
    return begun_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> begun_;
  bool let_go_ = false;
};

class SlowStorage final : public store::Storage {
 public:
  explicit SlowStorage(Journal* journal) : journal_(journal) {}
  DiskDone Execute(DiskJob job) override {
    journal_->Begin(job);
    return PersistDone{.id = PersistId(1), .status = absl::OkStatus()};
  }

 private:
  Journal* journal_;
};

TEST(DiskThread, ALogWriteWaitsForNoChunkButTheOneBeingStaged) {
  Journal journal;
  DiskThread disk(std::make_unique<SlowStorage>(&journal), [] {});
  disk.Submit(StageSnapshot{});
  journal.AwaitBegun(1);
  disk.Submit(StageSnapshot{});
  disk.Submit(Persist{});
  journal.LetGo();
  EXPECT_EQ(journal.AwaitBegun(3), (std::vector<std::string>{"chunk", "log", "chunk"}));
}

}  // namespace
}  // namespace grassdb::net
