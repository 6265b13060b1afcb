// A node in repair whose disk is full: it waits, looks for room, and goes on where it was.
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/probe.h"
#include "core/repair.h"

namespace grassdb {

void Repair::WaitForRoom(std::optional<DiskJob> job) {
  GRASS_CHECK(busy_ && !refused_.has_value());
  GRASS_PROBE("repair: no room for what is lost");
  refused_ = std::move(job);
  look_wait_ = look_wait_ == Duration::zero() ? options_.space_retry_min
                                              : std::min(2 * look_wait_, options_.space_retry_max);
  look_at_ = environment_.clock->Now() + look_wait_;
  if (std::exchange(full_, true)) return;
  Tell(EventKind::kDiskSpace, NodeId(), static_cast<std::uint64_t>(DiskSpace::kFull),
       static_cast<std::uint64_t>(DiskSpace::kAmple));
}

void Repair::LookForRoom() {
  if (environment_.clock->Now() < look_at_) return;
  GRASS_CHECK(busy_);
  look_at_ = Instant::max();
  environment_.disk->Submit(Restock{});
}

// Also where none was found: the job may need less than was looked for.
void Repair::OnDone(const RestockDone& done) {
  if (!done.status.ok()) {
    failure_ = done.status;
    return;
  }
  if (done.more) return environment_.disk->Submit(Restock{});
  GRASS_PROBE("repair: tries again whether there is room");
  busy_ = false;
  if (refused_.has_value()) return Submit(*std::exchange(refused_, std::nullopt));
  transfer_.reset();
  AskForChunk();
}

void Repair::NoteRoom() {
  look_wait_ = Duration::zero();
  if (!std::exchange(full_, false)) return;
  GRASS_PROBE("repair: there is room again");
  Tell(EventKind::kDiskSpace, NodeId(), static_cast<std::uint64_t>(DiskSpace::kAmple),
       static_cast<std::uint64_t>(DiskSpace::kFull));
}

}  // namespace grassdb
