// What becomes durable, and what a crash leaves: the half of SimDisk that looks back.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/check.h"
#include "sim/disk.h"

namespace grassdb::sim {

// Of a file of `size` bytes.
std::size_t SimDisk::SizeAfter(const Io& change, std::size_t size) {
  GRASS_CHECK(ChangesContent(change));
  if (change.type != IoType::kWrite) return change.offset;
  return change.data.empty() ? size : std::max(size, change.offset + change.data.size());
}

// To what there is of a file from `begin` on; behind its end that is 0.
void SimDisk::ApplyToPiece(const Io& change, std::size_t begin, std::string* piece) {
  const std::size_t end = begin + piece->size();
  const std::size_t from = std::max<std::size_t>(begin, change.offset);
  if (change.type != IoType::kWrite) {
    if (from < end) piece->replace(from - begin, end - from, end - from, '\0');
    return;
  }
  const std::size_t to = std::min<std::size_t>(end, change.offset + change.data.size());
  if (from >= to) return;
  piece->replace(from - begin, to - from, change.data, from - change.offset, to - from);
}

void SimDisk::ApplyToContent(const Io& io, std::string* content) {
  content->resize(SizeAfter(io, content->size()));
  ApplyToPiece(io, 0, content);
}

void SimDisk::ApplyToCache(const Io& io) {
  Inode& inode = *io.inode;
  ApplyToContent(io, &inode.cache);
  if (inode.sound) ApplyToContent(io, &inode.sound->cache);
  if (inode.unreadable.empty()) return;
  // A sector that is written can be read again, also in part: to write a part of a page the system
  // has read the rest, or the write fails.
  if (io.type == IoType::kTruncate) {
    inode.unreadable.erase(inode.unreadable.lower_bound(io.offset), inode.unreadable.end());
    return;
  }
  std::erase_if(inode.unreadable, [&io](std::uint64_t begin) {
    return io.offset < begin + kSectorBytes && begin < io.offset + io.data.size();
  });
}

void SimDisk::ApplyToDurable(const Io& io) {
  Inode& inode = *io.inode;
  const std::uint64_t size = inode.durable.size();
  if (io.type == IoType::kWrite && !io.data.empty()) {
    inode.previous.resize(std::max(inode.previous.size(), inode.durable.size()));
    const std::uint64_t begin = io.offset / kSectorBytes * kSectorBytes;
    const std::uint64_t end = std::min<std::uint64_t>(size, io.offset + io.data.size());
    if (begin < end) inode.previous.replace(begin, end - begin, inode.durable, begin, end - begin);
  }
  ApplyToContent(io, &inode.durable);
  if (inode.sound) ApplyToContent(io, &inode.sound->durable);
  if (inode.durable.size() > size) inode.older_size = size;
}

void SimDisk::ApplyToNames(const Io& io, Names* names) {
  GRASS_CHECK(ChangesNames(io));
  if (io.type == IoType::kRename || io.type == IoType::kRemove) {
    const auto found = names->find(io.from);
    if (found != names->end()) names->erase(found);
  }
  if (io.type != IoType::kRemove) (*names)[io.to] = io.inode;
}

void SimDisk::Settle(TrueTime now) {
  for (std::size_t i = 0; i < pending_.size();) {
    const Io& io = pending_[i];
    const bool sync = io.type == IoType::kFileSync || io.type == IoType::kDirectorySync;
    if (!sync || io.end > now) {
      ++i;
      continue;
    }
    if (io.type == IoType::kFileSync) {
      SettleFile(i);
    } else {
      SettleNames(i);
    }
    i = 0;  // what was before the sync has moved
  }
}

void SimDisk::SettleFile(std::size_t sync) {
  const InodeRef inode = pending_[sync].inode;
  std::deque<Io> rest;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Io& io = pending_[i];
    if (i < sync && ChangesContent(io) && io.inode == inode) {
      ApplyToDurable(io);
    } else if (i != sync) {
      rest.push_back(std::move(io));
    }
  }
  pending_.swap(rest);
}

void SimDisk::SettleNames(std::size_t sync) {
  std::deque<Io> rest;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Io& io = pending_[i];
    if (i < sync && ChangesNames(io)) {
      ApplyToNames(io, &durable_names_);
    } else if (i != sync) {
      rest.push_back(std::move(io));
    }
  }
  pending_.swap(rest);
}

void SimDisk::ForEachInode(const std::function<void(Inode&)>& visit) {
  // By number, each once: a file may have an old name and a new one.
  std::map<std::uint64_t, InodeRef> inodes;
  for (const auto& [name, inode] : durable_names_) inodes[inode->number] = inode;
  for (const auto& [name, inode] : names_) inodes[inode->number] = inode;
  for (const Io& io : pending_) {
    if (io.inode != nullptr) inodes[io.inode->number] = io.inode;
  }
  for (const auto& [number, inode] : inodes) visit(*inode);
}

void SimDisk::Crash(TrueTime now, CrashKind kind, std::uint64_t number) {
  GRASS_CHECK(!locked_);
  in_job_ = false;
  cursor_ = now;
  Settle(now);
  while (!pending_.empty() && pending_.back().begin > now) pending_.pop_back();
  if (kind == CrashKind::kProcess) {
    CrashProcess(now, number);
  } else {
    counters_->saved_from_syncs += CountSaved();
    CrashPower(number);
  }
}

std::uint64_t SimDisk::CountSaved() {
  std::uint64_t count = 0;
  ForEachInode([&](Inode& inode) {
    const bool under_way = std::ranges::any_of(pending_, [&inode](const Io& io) {
      return io.inode.get() == &inode && io.type == IoType::kWrite;
    });
    if (std::exchange(inode.saved, false) && !under_way) ++count;
  });
  return count;
}

void SimDisk::Wipe() {
  GRASS_CHECK(!locked_);
  pending_.clear();
  names_.clear();
  durable_names_.clear();
  wounded_.clear();
}

SimDisk::Image SimDisk::Save(TrueTime now) {
  Settle(now);
  Image image;
  for (const auto& [name, inode] : durable_names_) image[name] = inode->durable;
  return image;
}

void SimDisk::Restore(const Image& image) {
  Wipe();
  for (const auto& [name, content] : image) {
    auto inode = std::make_shared<Inode>();
    inode->number = next_inode_++;
    inode->durable = content;
    inode->cache = content;
    durable_names_[name] = std::move(inode);
  }
  names_ = durable_names_;
}

void SimDisk::BecomeCopyOf(const SimDisk& other) {
  Wipe();
  for (const auto& [name, inode] : other.names_) {
    auto copy = std::make_shared<Inode>(*inode);
    copy->durable = copy->cache;
    copy->clean.clear();
    if (copy->sound) copy->sound->durable = copy->sound->cache;
    names_[name] = std::move(copy);
  }
  durable_names_ = names_;
}

// The page cache is what was durable with every surviving I/O on top. A sync that had not ended may
// have done nothing.
void SimDisk::CrashProcess(TrueTime now, std::uint64_t number) {
  if (!pending_.empty() && pending_.back().type == IoType::kWrite && pending_.back().end > now) {
    std::string& data = pending_.back().data;
    data.resize(Bounded(random_(Stream::kCrash, node_, number, 6), data.size() + 1));
  }
  std::erase_if(pending_, [](const Io& io) { return !ChangesContent(io) && !ChangesNames(io); });
  ForEachInode([this](Inode& inode) { RebuildCache(inode); });
  names_ = durable_names_;
  for (const Io& io : pending_) {
    if (ChangesNames(io)) ApplyToNames(io, &names_);
  }
}

void SimDisk::RebuildCache(Inode& inode) {
  inode.cache = inode.durable;
  if (inode.sound) inode.sound->cache = inode.sound->durable;
  for (const Io& io : pending_) {
    if (io.inode.get() == &inode && ChangesContent(io)) ApplyToCache(io);
  }
  for (const auto& [begin, bytes] : inode.clean) {
    inode.cache.resize(std::max<std::size_t>(inode.cache.size(), begin + bytes.size()));
    inode.cache.replace(begin, bytes.size(), bytes);
  }
}

void SimDisk::CrashPower(std::uint64_t number) {
  auto survival = static_cast<Survival>(Bounded(random_(Stream::kCrash, node_, number, 1), 4));
  if (survival != Survival::kEverything &&
      !choices_->Takes({Choice::kCrashLoss, {node_}, number})) {
    survival = Survival::kEverything;
  }
  switch (survival) {
    case Survival::kNothing:
      break;
    case Survival::kEverything:
      for (const Io& io : pending_) {
        if (ChangesContent(io)) ApplyToDurable(io);
      }
      break;
    case Survival::kPrefix:
      LandPrefix(number);
      break;
    case Survival::kSectors:
      ForEachInode([this, number](Inode& inode) { LandSectors(inode, number); });
      break;
  }
  LandNames(survival, number);
  pending_.clear();
  names_ = durable_names_;
  ForEachInode([this](Inode& inode) {
    inode.clean.clear();
    inode.overdrawn = false;
    RebuildCache(inode);
  });
}

// Everything up to some byte of some write, in the order of issue.
void SimDisk::LandPrefix(std::uint64_t crash) {
  std::uint64_t left = Bounded(random_(Stream::kCrash, node_, crash, 2), pending_.size() + 1);
  for (Io& io : pending_) {
    if (!ChangesContent(io)) {
      if (left > 0) --left;
      continue;
    }
    if (left == 0) {
      const std::uint64_t cut =
          Bounded(random_(Stream::kCrash, node_, crash, 3), io.data.size() + 1);
      if (io.type == IoType::kWrite) {
        io.data.resize(cut);
        ApplyToDurable(io);
      }
      return;
    }
    ApplyToDurable(io);
    --left;
  }
}

// Each sector of the file shows, independently, any of the contents it had since it was last
// durable, and may be torn between that one and the next. The size is any of the sizes the file
// had.
void SimDisk::LandSectors(Inode& inode, std::uint64_t crash) {
  std::string landed = Landed(inode, inode.durable, crash);
  if (inode.sound) inode.sound->durable = Landed(inode, inode.sound->durable, crash);
  inode.durable = std::move(landed);
}

std::string SimDisk::Landed(const Inode& inode, const std::string& durable,
                            std::uint64_t crash) const {
  // Of version v, which is what was durable with the first v changes.
  std::vector<const Io*> changes;
  std::vector<std::size_t> sizes{durable.size()};
  for (const Io& io : pending_) {
    if (!ChangesContent(io) || io.inode.get() != &inode) continue;
    changes.push_back(&io);
    sizes.push_back(SizeAfter(io, sizes.back()));
  }
  if (changes.empty()) return durable;
  const auto pick = [&](std::uint64_t what, std::uint64_t sector, std::uint64_t bound) {
    return Bounded(random_(Stream::kCrash, node_, crash, what, inode.number, sector), bound);
  };
  // Sector by sector: a file that was long and not synced for long has too many versions to be
  // kept.
  std::string landed(sizes[pick(4, 0, sizes.size())], '\0');
  for (std::size_t at = 0; at < landed.size(); at += kSectorBytes) {
    const std::size_t size = std::min(kSectorBytes, landed.size() - at);
    const std::size_t chosen = pick(5, at, sizes.size());
    const bool torn = chosen + 1 < sizes.size() && pick(7, at, 8) == 0;
    const std::size_t tear = torn ? pick(8, at, size) : 0;  // so many bytes are of the next version
    std::string sector = at < durable.size() ? durable.substr(at, size) : std::string();
    sector.resize(size);
    for (std::size_t i = 0; i < chosen; ++i) ApplyToPiece(*changes[i], at, &sector);
    landed.replace(at, size, sector);
    if (tear == 0) continue;
    ApplyToPiece(*changes[chosen], at, &sector);
    landed.replace(at, tear, sector, 0, tear);
  }
  return landed;
}

void SimDisk::LandNames(Survival survival, std::uint64_t crash) {
  for (const Io& io : pending_) {
    if (!ChangesNames(io)) continue;
    const bool lands = survival == Survival::kEverything ||
                       (survival != Survival::kNothing &&
                        Bounded(random_(Stream::kCrash, node_, crash, 9, io.number), 2) == 0);
    if (lands) ApplyToNames(io, &durable_names_);
  }
}

}  // namespace grassdb::sim
