#include "tests/store/crash_directory.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/check.h"
#include "core/hash.h"

namespace grassdb::store {
namespace {

constexpr std::size_t kSectorBytes = 512;

}  // namespace

class CrashFile final : public File {
 public:
  CrashFile(CrashDirectory& directory, CrashDirectory::InodePtr inode)
      : directory_(directory),
        inode_(std::move(inode)),
        life_(directory.life_),
        open_files_(directory.open_files_) {
    ++*open_files_;
  }
  ~CrashFile() override { --*open_files_; }
  CrashFile(const CrashFile&) = delete;
  CrashFile& operator=(const CrashFile&) = delete;

  absl::StatusOr<std::size_t> ReadAt(std::uint64_t offset, std::span<char> out) override {
    if (dead()) return CrashDirectory::Stopped();
    const std::string& bytes = inode_->cached;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t size = std::min<std::size_t>(out.size(), bytes.size() - offset);
    const auto bad = inode_->illegible.lower_bound(offset / kSectorBytes);
    if (bad != inode_->illegible.end() && *bad * kSectorBytes < offset + size) {
      return absl::UnknownError("injected read error at " + std::to_string(*bad * kSectorBytes));
    }
    std::memcpy(out.data(), bytes.data() + offset, size);
    directory_.counters_.bytes_read += size;
    if (inode_->misread.has_value()) ShowOther(offset, out.subspan(0, size));
    return size;
  }

  // In the place of one sector, if it is among what was read; once.
  void ShowOther(std::uint64_t offset, std::span<char> out) {
    const auto& [sector, shown] = *inode_->misread;
    const std::uint64_t begin = sector * kSectorBytes;
    if (begin < offset || begin >= offset + out.size()) return;
    const auto there = out.subspan(static_cast<std::size_t>(begin - offset));
    std::memcpy(there.data(), shown.data(), std::min(shown.size(), there.size()));
    inode_->misread.reset();
  }

  absl::Status WriteAt(std::uint64_t offset, std::span<const std::string_view> parts) override {
    if (dead()) return CrashDirectory::Stopped();
    std::string bytes;
    for (const std::string_view part : parts) bytes.append(part);
    const auto fault = directory_.Count();
    ++directory_.counters_.writes;
    directory_.counters_.bytes_written += bytes.size();
    if (fault.has_value() && *fault != Fault::kStop) bytes.resize(bytes.size() / 2);
    const std::uint64_t size = inode_->cached.size();
    const std::uint64_t room = directory_.RoomLeft();
    const bool over = offset + bytes.size() > size && offset + bytes.size() - size > room;
    const bool full = over && directory_.told_ == NoRoom::kAtTheWrite;
    if (over && !full) inode_->overdrawn = true;
    if (full) bytes.resize(static_cast<std::size_t>(size + room - std::min(size + room, offset)));
    CrashDirectory::Write(*inode_, offset, bytes);
    if (full) return absl::ResourceExhaustedError("no space left in (memory)");
    return fault.has_value() ? absl::UnknownError("injected write error") : absl::OkStatus();
  }

  absl::Status Sync() override {
    if (dead()) return CrashDirectory::Stopped();
    const auto fault = directory_.Count();
    ++directory_.counters_.file_syncs;
    if (fault == Fault::kDropPages) inode_->dirty.clear();
    if (fault.has_value()) return absl::UnknownError("injected sync error");
    if (std::exchange(inode_->overdrawn, false) && directory_.Overdrawn()) {
      inode_->dirty.clear();
      return absl::ResourceExhaustedError("no space left in (memory)");
    }
    inode_->durable.resize(inode_->cached.size(), '\0');
    for (const std::size_t sector : inode_->dirty) {
      const std::size_t at = sector * kSectorBytes;
      if (at >= inode_->cached.size()) continue;
      const std::size_t size = std::min(kSectorBytes, inode_->cached.size() - at);
      std::memcpy(inode_->durable.data() + at, inode_->cached.data() + at, size);
    }
    inode_->dirty.clear();
    return absl::OkStatus();
  }

  absl::StatusOr<std::uint64_t> Size() override {
    if (dead()) return CrashDirectory::Stopped();
    return std::uint64_t{inode_->cached.size()};
  }

  absl::Status Truncate(std::uint64_t size) override {
    if (dead()) return CrashDirectory::Stopped();
    const auto fault = directory_.Count();
    inode_->cached.resize(static_cast<std::size_t>(size), '\0');
    std::erase_if(inode_->illegible,
                  [size](std::size_t sector) { return sector * kSectorBytes >= size; });
    return fault.has_value() ? absl::UnknownError("injected truncate error") : absl::OkStatus();
  }

 private:
  bool dead() const { return directory_.stopped_ || life_ != directory_.life_; }

  CrashDirectory& directory_;
  CrashDirectory::InodePtr inode_;
  std::uint64_t life_;
  std::shared_ptr<std::size_t> open_files_;  // a test may close a file after its directory
};

class CrashLock final : public Lock {
 public:
  CrashLock(CrashDirectory& directory, std::string name)
      : directory_(directory), name_(std::move(name)), life_(directory.life_) {}
  ~CrashLock() override {
    if (life_ == directory_.life_) directory_.locks_.erase(name_);
  }

 private:
  CrashDirectory& directory_;
  std::string name_;
  std::uint64_t life_;
};

CrashDirectory::CrashDirectory(const std::map<std::string, std::string>& content) {
  for (const auto& [name, bytes] : content) {
    auto inode = std::make_shared<Inode>();
    inode->cached = bytes;
    inode->durable = bytes;
    cached_[name] = inode;
    durable_[name] = inode;
  }
}

absl::StatusOr<std::unique_ptr<File>> CrashDirectory::Open(std::string_view name, OpenMode mode) {
  if (stopped_) return Stopped();
  const std::string text(name);
  const auto at = cached_.find(text);
  if (mode == OpenMode::kExisting) {
    if (at == cached_.end()) return absl::NotFoundError("no file " + text);
    return std::unique_ptr<File>(std::make_unique<CrashFile>(*this, at->second));
  }
  if (at != cached_.end() && mode == OpenMode::kCreate) {
    return absl::AlreadyExistsError("there is a file " + text);
  }
  const auto fault = Count();
  InodePtr inode;
  if (at != cached_.end()) {
    inode = at->second;
    inode->cached.clear();
    inode->illegible.clear();
    for (std::size_t i = 0; i * kSectorBytes < inode->durable.size(); ++i) inode->dirty.insert(i);
  } else {
    if (RoomLeft() == 0) return absl::ResourceExhaustedError("no space left to make " + text);
    inode = std::make_shared<Inode>();
    Change({.removed = {}, .added = text, .inode = inode});
  }
  if (fault.has_value()) return absl::UnknownError("injected open error");
  return std::unique_ptr<File>(std::make_unique<CrashFile>(*this, inode));
}

absl::Status CrashDirectory::Rename(std::string_view from, std::string_view to) {
  if (stopped_) return Stopped();
  const auto at = cached_.find(std::string(from));
  if (at == cached_.end()) return absl::NotFoundError("no file " + std::string(from));
  const auto fault = Count();
  if (fault == Fault::kError) return absl::UnknownError("injected rename error");
  Change({.removed = std::string(from), .added = std::string(to), .inode = at->second});
  return fault.has_value() ? absl::UnknownError("injected rename error") : absl::OkStatus();
}

absl::Status CrashDirectory::Remove(std::string_view name) {
  if (stopped_) return Stopped();
  const auto at = cached_.find(std::string(name));
  if (at == cached_.end()) return absl::NotFoundError("no file " + std::string(name));
  const auto fault = Count();
  if (fault == Fault::kError) return absl::UnknownError("injected remove error");
  Change({.removed = std::string(name), .added = {}, .inode = at->second});
  return fault.has_value() ? absl::UnknownError("injected remove error") : absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> CrashDirectory::List() {
  if (stopped_) return Stopped();
  std::vector<std::string> names;
  for (const auto& [name, inode] : cached_) names.push_back(name);
  return names;
}

absl::Status CrashDirectory::Sync() {
  if (stopped_) return Stopped();
  const auto fault = Count();
  ++counters_.directory_syncs;
  if (fault.has_value()) return absl::UnknownError("injected directory sync error");
  durable_ = cached_;
  changes_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Lock>> CrashDirectory::Acquire(std::string_view name) {
  if (stopped_) return Stopped();
  if (!locks_.insert(std::string(name)).second) {
    return absl::FailedPreconditionError(std::string(name) + " is locked");
  }
  if (!cached_.contains(std::string(name))) {
    Change({.removed = {}, .added = std::string(name), .inode = std::make_shared<Inode>()});
  }
  return std::unique_ptr<Lock>(std::make_unique<CrashLock>(*this, std::string(name)));
}

void CrashDirectory::CrashNow(Crash crash, std::uint64_t seed) {
  ++life_;
  locks_.clear();
  fault_at_ = 0;
  stopped_ = false;
  if (crash == Crash::kProcess) return;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const std::uint64_t keep = seed % 4 == 0 ? 0 : seed % 4 == 1 ? 1 : KeyedRandom(seed, 1u, i) % 2;
    if (keep == 0) continue;
    const NameChange& change = changes_[i];
    const auto at = durable_.find(change.removed);
    if (at != durable_.end() && at->second == change.inode) durable_.erase(at);
    if (!change.added.empty()) durable_[change.added] = change.inode;
  }
  changes_.clear();
  cached_ = durable_;
  std::uint64_t number = 0;
  std::set<Inode*> done;
  for (const auto& [name, inode] : durable_) {
    if (done.insert(inode.get()).second)
      LosePower(*inode, KeyedRandom(seed, 2u, ++number) * 4 + seed % 4);
  }
}

void CrashDirectory::FailAt(std::uint64_t n, Fault fault) {
  fault_at_ = operations_ + n;
  fault_ = fault;
}

void CrashDirectory::LimitRoom(std::uint64_t bytes, NoRoom told) {
  limit_ = UINT64_MAX;
  told_ = told;
  if (bytes == UINT64_MAX) return;
  limit_ = bytes;
  for (const auto& [name, inode] : cached_) limit_ += inode->cached.size();
}

void CrashDirectory::Flip(const std::string& name, std::size_t at) {
  Inode& inode = *cached_.at(name);
  for (std::string* bytes : {&inode.cached, &inode.durable}) {
    if (at < bytes->size()) (*bytes)[at] = static_cast<char>((*bytes)[at] ^ 1);
  }
}

void CrashDirectory::FailReads(const std::string& name, std::size_t sector) {
  cached_.at(name)->illegible.insert(sector);
}

void CrashDirectory::MisreadOnce(const std::string& name, std::size_t sector, std::string shown) {
  GRASS_CHECK_LE(shown.size(), kSectorBytes);
  cached_.at(name)->misread.emplace(sector, std::move(shown));
}

std::uint64_t CrashDirectory::Used() const {
  std::uint64_t used = 0;
  for (const auto& [name, inode] : cached_) used += inode->cached.size();
  return used;
}

std::uint64_t CrashDirectory::RoomLeft() const {
  return limit_ - std::min(limit_, Used());
}

std::map<std::string, std::string> CrashDirectory::Content() const {
  std::map<std::string, std::string> content;
  for (const auto& [name, inode] : cached_) content[name] = inode->cached;
  return content;
}

std::vector<CrashDirectory::InodePtr> CrashDirectory::Reachable() const {
  std::vector<InodePtr> inodes;
  const auto add = [&inodes](const InodePtr& inode) {
    if (std::ranges::find(inodes, inode) == inodes.end()) inodes.push_back(inode);
  };
  for (const auto& [name, inode] : durable_) add(inode);
  for (const NameChange& change : changes_) {
    if (!change.added.empty()) add(change.inode);
  }
  return inodes;
}

std::size_t CrashDirectory::Unsynced() const {
  std::size_t count = changes_.size();
  for (const InodePtr& inode : Reachable()) {
    count += inode->dirty.size() + (inode->cached.size() != inode->durable.size() ? 1 : 0);
  }
  return count;
}

std::map<std::string, std::string> CrashDirectory::AfterPowerLoss(std::uint64_t kept) const {
  const auto keeps = [&kept] {
    const bool keep = (kept & 1) != 0;
    kept >>= 1;
    return keep;
  };
  std::map<std::string, InodePtr> names = durable_;
  for (const NameChange& change : changes_) {
    if (!keeps()) continue;
    const auto at = names.find(change.removed);
    if (at != names.end() && at->second == change.inode) names.erase(at);
    if (!change.added.empty()) names[change.added] = change.inode;
  }
  std::map<Inode*, std::string> contents;
  for (const InodePtr& inode : Reachable()) {
    std::string bytes = inode->durable;
    if (inode->cached.size() != bytes.size() && keeps()) bytes.resize(inode->cached.size(), '\0');
    for (const std::size_t sector : inode->dirty) {
      const std::size_t at = sector * kSectorBytes;
      if (!keeps() || at >= inode->cached.size() || at >= bytes.size()) continue;
      const std::size_t size =
          std::min({kSectorBytes, inode->cached.size() - at, bytes.size() - at});
      std::memcpy(bytes.data() + at, inode->cached.data() + at, size);
    }
    contents[inode.get()] = std::move(bytes);
  }
  std::map<std::string, std::string> files;
  for (const auto& [name, inode] : names) files[name] = contents[inode.get()];
  return files;
}

std::optional<Fault> CrashDirectory::Count() {
  ++operations_;
  if (operations_ != fault_at_) return std::nullopt;
  stopped_ = fault_ == Fault::kStop;
  return fault_;
}

absl::Status CrashDirectory::Stopped() {
  return absl::AbortedError("the power is off");
}

void CrashDirectory::Change(NameChange change) {
  if (!change.removed.empty()) cached_.erase(change.removed);
  if (!change.added.empty()) cached_[change.added] = change.inode;
  changes_.push_back(std::move(change));
}

void CrashDirectory::Write(Inode& inode, std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  if (inode.cached.size() < offset + bytes.size()) inode.cached.resize(offset + bytes.size(), '\0');
  std::memcpy(inode.cached.data() + offset, bytes.data(), bytes.size());
  const std::size_t last = (offset + bytes.size() - 1) / kSectorBytes;
  for (std::size_t i = offset / kSectorBytes; i <= last; ++i) inode.dirty.insert(i);
  std::erase_if(inode.illegible, [&](std::size_t sector) {
    const std::size_t end = std::min((sector + 1) * kSectorBytes, inode.cached.size());
    return offset <= sector * kSectorBytes && end <= offset + bytes.size();
  });
}

void CrashDirectory::LosePower(Inode& inode, std::uint64_t seed) {
  const auto choose = [&](std::uint64_t what, std::uint64_t which) -> std::uint64_t {
    return seed % 4 == 0 ? 0 : seed % 4 == 1 ? 1 : KeyedRandom(seed, what, which) % 2;
  };
  if (choose(1, 0) == 1) inode.durable.resize(inode.cached.size(), '\0');
  bool torn = false;
  for (const std::size_t sector : inode.dirty) {
    const std::size_t at = sector * kSectorBytes;
    if (at >= inode.cached.size() || at >= inode.durable.size()) continue;
    std::size_t size =
        std::min({kSectorBytes, inode.cached.size() - at, inode.durable.size() - at});
    if (choose(2, sector) == 0) {
      if (seed % 4 < 2 || torn) continue;
      torn = true;
      size = KeyedRandom(seed, 3u, sector) % size;
    }
    std::memcpy(inode.durable.data() + at, inode.cached.data() + at, size);
  }
  inode.dirty.clear();
  inode.overdrawn = false;
  inode.cached = inode.durable;
}

std::vector<std::uint64_t> SubsetsOf(std::size_t things) {
  std::vector<std::uint64_t> subsets;
  const std::uint64_t all = (std::uint64_t{1} << things) - 1;
  for (std::uint64_t subset = 0; subset <= all; ++subset) {
    const int kept = std::popcount(subset);
    if (kept <= 4 || static_cast<std::size_t>(kept) + 4 >= things) subsets.push_back(subset);
  }
  return subsets;
}

}  // namespace grassdb::store
