#include "sim/disk.h"

#include <algorithm>
#include <cstring>
#include <iterator>
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
      : disk_(disk), inode_(std::move(inode)), name_(name) {
    disk_->open_.push_back(this);
  }
  ~OpenFile() override { std::erase(disk_->open_, this); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const InodeRef& inode() const { return inode_; }
  const std::string& name() const { return name_; }

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
    // Up to the last byte that there is room for; or all of it, and the sync finds out (file.h).
    const bool late = missing > 0 && !fails &&
                      Bounded(disk_->random_(Stream::kIoFault, disk_->node_, io.number, 5), 2) == 0;
    if (late) inode_->overdrawn = true;
    if (missing > 0 && !late) {
      io.data.resize(std::min<std::size_t>(io.data.size(), size - missing));
    }
    ApplyToCache(io);
    MakeDirty(io);
    if (fails) return IoError("write", "");
    return missing > 0 && !late ? NoRoom("write in", disk_->path()) : absl::OkStatus();
  }

  absl::Status Sync() override {
    Io& io = disk_->Record(IoType::kFileSync, disk_->plan_.sync_min, 0);
    io.inode = inode_;
    const std::uint64_t number = io.number;
    const bool full = inode_->overdrawn && disk_->Used() > disk_->limit_;
    inode_->overdrawn = false;
    if (!full && !disk_->Fails(disk_->plan_.sync_failure)) return absl::OkStatus();
    disk_->pending_.pop_back();
    disk_->LosePages(inode_, number);
    return full ? NoRoom("sync in", disk_->path()) : IoError("sync", "");
  }

  absl::StatusOr<std::uint64_t> Size() override { return inode_->cache.size(); }

  absl::Status Truncate(std::uint64_t size) override {
    if (disk_->Fails(disk_->plan_.write_failure)) return disk_->Failed("truncate", name_);
    Io& io = disk_->Record(IoType::kTruncate, disk_->plan_.write, 0);
    io.inode = inode_;
    io.offset = size;
    ApplyToCache(io);
    auto& clean = inode_->clean;
    clean.erase(clean.lower_bound(size), clean.end());
    if (clean.empty()) return absl::OkStatus();
    auto& [begin, bytes] = *std::prev(clean.end());
    bytes.resize(std::min<std::uint64_t>(bytes.size(), size - begin));
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
  plan_.read_failure = 0;
  plan_.write_failure = 0;
  plan_.sync_failure = 0;
  slowness_ = 1;
  FreeRoom();
  RemoveTrap();
}

// What a failed sync has not written, later ones do not write either: the pages count as clean from
// here on, though the cache still shows them. That may be all of them, a part, or none; sizes are
// not lost with them. What an earlier sync covers is safe.
void SimDisk::LosePages(const InodeRef& inode, std::uint64_t sync) {
  const auto synced = std::find_if(pending_.rbegin(), pending_.rend(), [&inode](const Io& io) {
    return io.inode == inode && io.type == IoType::kFileSync;
  });
  const bool all = Bounded(random_(Stream::kIoFault, node_, sync, 6), 2) == 0;
  std::deque<Io> kept(pending_.begin(), synced.base());
  for (auto io = synced.base(); io != pending_.end(); ++io) {
    if (io->inode != inode || io->type != IoType::kWrite) {
      kept.push_back(std::move(*io));
      continue;
    }
    // Of a write the sectors before the cut are still dirty.
    const std::uint64_t draw = random_(Stream::kIoFault, node_, io->number, 7);
    const std::uint64_t first = io->offset % kSectorBytes;
    const std::uint64_t sectors = (first + io->data.size() + kSectorBytes - 1) / kSectorBytes;
    const std::uint64_t left = all ? 0 : Bounded(draw, sectors + 1) * kSectorBytes;
    const auto cut = static_cast<std::size_t>(
        std::min<std::uint64_t>(io->data.size(), left - std::min(left, first)));
    MakeClean(*inode, *io, cut);
    io->data.resize(cut);
    if (cut > 0) kept.push_back(std::move(*io));
  }
  pending_.swap(kept);
}

// Damage is told by what is durable beside it: a damaged file loses such pages from its cache, too.
void SimDisk::MakeClean(Inode& inode, const Io& io, std::size_t from) {
  if (inode.sound) return;
  const std::uint64_t end = io.offset + io.data.size();
  for (std::uint64_t at = (io.offset + from) / kSectorBytes * kSectorBytes; at < end;
       at += kSectorBytes) {
    if (at >= inode.cache.size()) break;
    inode.clean[at] = inode.cache.substr(at, kSectorBytes);
  }
}

void SimDisk::MakeDirty(Io& io) {
  Inode& inode = *io.inode;
  inode.saved = false;
  if (inode.clean.empty() || io.data.empty()) return;
  const std::size_t before = inode.clean.size();
  std::uint64_t begin = io.offset;
  std::uint64_t end = io.offset + io.data.size();
  const std::uint64_t from = begin / kSectorBytes * kSectorBytes;
  for (auto page = inode.clean.lower_bound(from); page != inode.clean.end() && page->first < end;) {
    begin = std::min(begin, page->first);
    end = std::max<std::uint64_t>(end, page->first + page->second.size());
    page = inode.clean.erase(page);
  }
  inode.saved = inode.clean.size() < before;
  end = std::min<std::uint64_t>(end, inode.cache.size());
  io.offset = begin;
  io.data = inode.cache.substr(begin, end - begin);
}

absl::Status SimDisk::Failed(std::string_view what, std::string_view name) {
  Spend(plan_.write, 0);
  return IoError(what, name);
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

bool SimDisk::FailsToRead(std::string_view name) {
  if (plan_.read_failure == 0) return false;
  if (!Chance(random_(Stream::kIoFault, node_, next_io_, 4), plan_.read_failure)) return false;
  if (guard_ != nullptr && !guard_->MayFailToRead(node_, name)) return false;
  if (!choices_->Takes({Choice::kIoFailure, {node_}, next_io_})) return false;
  ++counters_->read_failures;
  return true;
}

absl::StatusOr<std::unique_ptr<store::File>> SimDisk::Open(std::string_view name,
                                                           store::OpenMode mode) {
  Spend(plan_.read, 0);
  const auto found = names_.find(name);
  if (found != names_.end() && FailsToRead(name)) return IoError("open", name);
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
  if (Fails(plan_.write_failure)) return Failed("create", name);
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
  if (Fails(plan_.write_failure)) return Failed("rename", from);
  Io& io = Record(IoType::kRename, plan_.write, 0);
  io.inode = found->second;
  io.from = from;
  io.to = to;
  ApplyToNames(io, &names_);
  name_lost_ = true;  // of what had the new one
  return absl::OkStatus();
}

absl::Status SimDisk::Remove(std::string_view name) {
  if (names_.find(name) == names_.end()) return NoSuchFile(name);
  if (Fails(plan_.write_failure)) return Failed("remove", name);
  Io& io = Record(IoType::kRemove, plan_.write, 0);
  io.from = name;
  ApplyToNames(io, &names_);
  name_lost_ = true;
  return absl::OkStatus();
}

std::optional<std::string> SimDisk::TakeOpenAndGone() {
  if (!std::exchange(name_lost_, false)) return std::nullopt;
  for (const OpenFile* file : open_) {
    const bool named = std::ranges::any_of(
        names_, [file](const auto& name) { return name.second == file->inode(); });
    if (!named) return file->name();
  }
  return std::nullopt;
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
  if (FailsToRead(path())) return IoError("list", path());
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
