#include "sim/disk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

absl::Status IoError(std::string_view what, std::string_view name) {
  std::string text = "simulated I/O error: ";
  text += what;
  text += " ";
  text += name;
  return absl::InternalError(text);
}

absl::Status NoRoom(std::string_view what, std::string_view name) {
  std::string text = "simulated disk full: ";
  text += what;
  text += " ";
  text += name;
  return absl::ResourceExhaustedError(text);
}

absl::Status NoSuchFile(std::string_view name) {
  return absl::NotFoundError("no file " + std::string(name));
}

}  // namespace

class SimDisk::OpenFile final : public store::File {
 public:
  OpenFile(SimDisk* disk, InodeRef inode, std::string_view name)
      : disk_(disk), inode_(std::move(inode)), name_(name) {}

  absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<char> out) override {
    disk_->Spend(disk_->plan_.read, out.size());
    const std::string& content = inode_->cache;
    if (offset >= content.size()) return std::size_t{0};
    const std::size_t size = std::min<std::size_t>(out.size(), content.size() - offset);
    std::memcpy(out.data(), content.data() + offset, size);
    const absl::Status status = disk_->Meet(*inode_, name_, offset, out.first(size));
    if (!status.ok()) return status;
    return size;
  }

  absl::Status WriteAt(std::uint64_t offset, std::span<const std::string_view> parts) override {
    std::size_t size = 0;
    for (const std::string_view part : parts) size += part.size();
    const std::uint64_t grows =
        std::max<std::uint64_t>(offset + size, inode_->cache.size()) - inode_->cache.size();
    const std::uint64_t missing = grows - std::min(grows, disk_->RoomLeft());
    Io& io = disk_->Record(IoType::kWrite, disk_->plan_.write, size);
    io.inode = inode_;
    io.offset = offset;
    io.data.reserve(size);
    for (const std::string_view part : parts) io.data.append(part);
    const bool fails = disk_->Fails(disk_->plan_.write_failure);
    if (fails)
      io.data.resize(
          Bounded(disk_->random_(Stream::kIoFault, disk_->node_, io.number, 2), size + 1));
    // Up to the last byte that there is room for.
    if (missing > 0) io.data.resize(std::min<std::size_t>(io.data.size(), size - missing));
    ApplyToCache(io);
    if (fails) return IoError("write", "");
    return missing > 0 ? NoRoom("write in", disk_->path()) : absl::OkStatus();
  }

  absl::Status Sync() override {
    Io& io = disk_->Record(IoType::kFileSync, disk_->plan_.sync_min, 0);
    io.inode = inode_;
    if (!disk_->Fails(disk_->plan_.sync_failure)) return absl::OkStatus();
    disk_->pending_.pop_back();
    disk_->ForgetWritesTo(inode_);
    return IoError("sync", "");
  }

  absl::StatusOr<std::uint64_t> Size() override { return inode_->cache.size(); }

  absl::Status Truncate(std::uint64_t size) override {
    Io& io = disk_->Record(IoType::kTruncate, disk_->plan_.write, 0);
    io.inode = inode_;
    io.offset = size;
    ApplyToCache(io);
    return absl::OkStatus();
  }

 private:
  SimDisk* disk_;
  InodeRef inode_;
  const std::string name_;  // when it was opened
};

class SimDisk::HeldLock final : public store::Lock {
 public:
  explicit HeldLock(SimDisk* disk) : disk_(disk) { disk_->locked_ = true; }
  ~HeldLock() override { disk_->locked_ = false; }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

 private:
  SimDisk* disk_;
};

SimDisk::SimDisk(const DiskPlan& plan, Keyed random, std::uint32_t node, Counters* counters,
                 Choices* choices)
    : plan_(plan), random_(random), node_(node), counters_(counters), choices_(choices) {}

SimDisk::~SimDisk() = default;

void SimDisk::BeginJob(TrueTime now) {
  GRASS_CHECK(!in_job_);
  GRASS_CHECK(now >= cursor_);
  cursor_ = now;
  in_job_ = true;
  Settle(now);
}

TrueTime SimDisk::EndJob() {
  GRASS_CHECK(in_job_);
  in_job_ = false;
  return cursor_;
}

void SimDisk::Heal() {
  plan_.straggle = 0;
  plan_.misread = 0;
  plan_.write_failure = 0;
  plan_.sync_failure = 0;
  slowness_ = 1;
  FreeRoom();
  RemoveTrap();
}

// What a failed sync did not write, later ones do not write either: the pages count as clean from
// here on, though the cache still shows them. What an earlier sync covers is safe.
void SimDisk::ForgetWritesTo(const InodeRef& inode) {
  const auto synced = std::find_if(pending_.rbegin(), pending_.rend(), [&inode](const Io& io) {
    return io.inode == inode && io.type == IoType::kFileSync;
  });
  const auto forgotten = std::remove_if(synced.base(), pending_.end(), [&inode](const Io& io) {
    return io.inode == inode && ChangesContent(io);
  });
  pending_.erase(forgotten, pending_.end());
}

void SimDisk::Spend(Duration base, std::uint64_t bytes) {
  GRASS_CHECK(in_job_);
  const std::uint64_t random = random_(Stream::kIoDuration, node_, next_io_);
  ++next_io_;
  ++counters_->ios;
  const Duration duration = base + plan_.per_kib * static_cast<Duration::rep>(bytes / 1024) +
                            Between(Derive(random, 1), Duration(0), base);
  cursor_ += duration * slowness_;
  if (Chance(Derive(random, 2), plan_.straggle) &&
      choices_->Takes({Choice::kIoLate, {node_}, next_io_})) {
    cursor_ += Between(Derive(random, 3), Duration(0), plan_.straggle_max);
  }
}

SimDisk::Io& SimDisk::Record(IoType type, Duration base, std::uint64_t bytes) {
  Io& io = pending_.emplace_back();
  io.type = type;
  io.number = next_io_;
  io.begin = cursor_;
  if (type == IoType::kFileSync || type == IoType::kDirectorySync) {
    const std::uint64_t random = random_(Stream::kIoDuration, node_, next_io_, 1);
    cursor_ += Between(random, Duration(0), plan_.sync_spread) * slowness_;
  }
  Spend(base, bytes);
  io.end = cursor_;
  if (trap_.passes > 0 && trap_.type == type && --trap_.passes == 0) {
    const std::uint64_t random = random_(Stream::kIoDuration, node_, io.number, 2);
    trap_.sprung = io.begin + Between(random, Duration(0), Duration(io.end - io.begin));
  }
  return io;
}

bool SimDisk::Fails(PerMillion rate) {
  if (!Chance(random_(Stream::kIoFault, node_, next_io_, 1), rate)) return false;
  if (!choices_->Takes({Choice::kIoFailure, {node_}, next_io_})) return false;
  ++counters_->io_failures;
  return true;
}

absl::StatusOr<std::unique_ptr<store::File>> SimDisk::Open(std::string_view name,
                                                           store::OpenMode mode) {
  Spend(plan_.read, 0);
  const auto found = names_.find(name);
  if (mode == store::OpenMode::kExisting && found == names_.end()) return NoSuchFile(name);
  if (mode == store::OpenMode::kCreate && found != names_.end()) {
    return absl::AlreadyExistsError("file " + std::string(name) + " exists");
  }
  if (found != names_.end()) {
    const InodeRef inode = found->second;
    auto file = std::make_unique<OpenFile>(this, inode, name);
    if (mode == store::OpenMode::kReplace && !inode->cache.empty()) {
      const absl::Status status = file->Truncate(0);
      if (!status.ok()) return status;
    }
    return std::unique_ptr<store::File>(std::move(file));
  }
  if (RoomLeft() == 0) {
    Spend(plan_.write, 0);
    return NoRoom("making", name);
  }
  Io& io = Record(IoType::kCreate, plan_.write, 0);
  io.inode = std::make_shared<Inode>();
  io.inode->number = next_inode_++;
  io.to = name;
  ApplyToNames(io, &names_);
  return std::unique_ptr<store::File>(std::make_unique<OpenFile>(this, io.inode, name));
}

absl::Status SimDisk::Rename(std::string_view from, std::string_view to) {
  const auto found = names_.find(from);
  if (found == names_.end()) return NoSuchFile(from);
  Io& io = Record(IoType::kRename, plan_.write, 0);
  io.inode = found->second;
  io.from = from;
  io.to = to;
  ApplyToNames(io, &names_);
  return absl::OkStatus();
}

absl::Status SimDisk::Remove(std::string_view name) {
  if (names_.find(name) == names_.end()) return NoSuchFile(name);
  Io& io = Record(IoType::kRemove, plan_.write, 0);
  io.from = name;
  ApplyToNames(io, &names_);
  return absl::OkStatus();
}

std::uint64_t SimDisk::Used() const {
  std::uint64_t used = 0;
  for (const auto& [name, inode] : names_) used += inode->cache.size();
  return used;
}

std::uint64_t SimDisk::RoomLeft() const {
  if (limit_ == UINT64_MAX) return UINT64_MAX;
  return limit_ - std::min(limit_, Used());
}

absl::StatusOr<std::vector<std::string>> SimDisk::List() {
  Spend(plan_.read, 0);
  std::vector<std::string> names;
  names.reserve(names_.size());
  for (const auto& [name, inode] : names_) names.push_back(name);
  return names;
}

absl::Status SimDisk::Sync() {
  Record(IoType::kDirectorySync, plan_.sync_min, 0);
  if (!Fails(plan_.sync_failure)) return absl::OkStatus();
  pending_.pop_back();
  return IoError("sync of", path());
}

absl::StatusOr<std::unique_ptr<store::Lock>> SimDisk::Acquire(std::string_view name) {
  if (locked_) return absl::FailedPreconditionError(std::string(name) + " is held");
  if (names_.find(name) == names_.end()) {
    const absl::StatusOr<std::unique_ptr<store::File>> made = Open(name, store::OpenMode::kCreate);
    if (!made.ok()) return made.status();
  }
  return std::unique_ptr<store::Lock>(std::make_unique<HeldLock>(this));
}

std::string SimDisk::path() const {
  return "/sim/n" + Decimal(node_ + 1);
}

}  // namespace grassdb::sim
