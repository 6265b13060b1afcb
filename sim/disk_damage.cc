// What happens to bytes that were durable: the half of SimDisk that lies.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "core/check.h"
#include "sim/disk.h"

namespace grassdb::sim {
namespace {

// The sector of `content` that begins there, or what there is of it.
std::string_view SectorAt(std::string_view content, std::uint64_t begin) {
  if (begin >= content.size()) return {};
  return content.substr(static_cast<std::size_t>(begin), kSectorBytes);
}

// Puts `bytes` into `content` without making it longer.
void Put(std::string_view bytes, std::uint64_t begin, std::string* content) {
  if (begin >= content->size()) return;
  const std::size_t size =
      std::min(bytes.size(), content->size() - static_cast<std::size_t>(begin));
  bytes.copy(content->data() + begin, size);
}

std::string Garbage(std::uint64_t random, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(Derive(random, i));
  return bytes;
}

}  // namespace

std::vector<SimDisk::DurableFile> SimDisk::DurableFiles(TrueTime now) {
  Settle(now);
  std::vector<DurableFile> files;
  for (const auto& [name, inode] : durable_names_) {
    files.push_back(
        {name, inode->sound ? inode->sound->durable : inode->durable, inode->older_size});
  }
  return files;
}

void SimDisk::Damage(TrueTime now, const Wound& wound) {
  Settle(now);
  const auto found = durable_names_.find(wound.file);
  GRASS_CHECK(found != durable_names_.end());
  const InodeRef inode = found->second;
  if (wound.kind == DamageKind::kMisdirectedWrite) {
    // What the sector was meant to hold is in the other place.
    const auto other = durable_names_.find(wound.other_file);
    GRASS_CHECK(other != durable_names_.end());
    Wreck(*other->second, {.kind = DamageKind::kMisdirectedRead,
                           .file = wound.other_file,
                           .extent = {wound.other_begin, wound.other_begin + kSectorBytes},
                           .other_file = wound.file,
                           .other_begin = wound.extent.begin,
                           .random = wound.random,
                           .evicted = wound.evicted});
  }
  Wreck(*inode, wound);
}

void SimDisk::Wreck(Inode& inode, const Wound& wound) {
  if (!inode.sound) {
    // From here on the cache is what is durable and pending (MakeClean).
    if (!std::exchange(inode.clean, {}).empty()) RebuildCache(inode);
    inode.sound = Inode::Sound{inode.durable, inode.cache};
  }
  const auto known = [&inode](const InodeRef& one) { return one.get() == &inode; };
  if (std::ranges::none_of(wounded_, known)) {
    for (const auto& [name, named] : durable_names_) {
      if (named.get() == &inode) wounded_.push_back(named);
    }
  }
  const std::uint64_t begin = wound.extent.begin;
  const std::uint64_t end = std::min<std::uint64_t>(wound.extent.end, inode.durable.size());
  const std::size_t size = begin < end ? static_cast<std::size_t>(end - begin) : 0;
  switch (wound.kind) {
    case DamageKind::kBitFlip:
      if (size > 0) {
        inode.durable[begin] = static_cast<char>(inode.durable[begin] ^ (1 << (wound.random % 8)));
      }
      break;
    case DamageKind::kZeroed:
      Put(std::string(size, '\0'), begin, &inode.durable);
      break;
    case DamageKind::kGarbled:
      Put(Garbage(wound.random, size), begin, &inode.durable);
      break;
    case DamageKind::kMisdirectedRead:
      Put(SectorAt(durable_names_.find(wound.other_file)->second->durable, wound.other_begin),
          begin, &inode.durable);
      break;
    case DamageKind::kMisdirectedWrite:
    case DamageKind::kLostWrite: {
      std::string before(SectorAt(inode.previous, begin));
      before.resize(size);
      Put(before, begin, &inode.durable);
      break;
    }
    case DamageKind::kUnreadable:
      for (std::uint64_t at = begin / kSectorBytes * kSectorBytes; at < end; at += kSectorBytes) {
        inode.unreadable.insert(at);
      }
      break;
    case DamageKind::kShrunk:
      inode.durable.resize(static_cast<std::size_t>(begin));
      break;
  }
  if (wound.evicted) RebuildCache(inode);
}

bool SimDisk::IsDamaged() {
  const auto named = [](const Names& names, const InodeRef& inode) {
    return std::ranges::any_of(names, [&](const auto& name) { return name.second == inode; });
  };
  std::erase_if(wounded_, [&](const InodeRef& inode) {
    if (!named(names_, inode) && !named(durable_names_, inode)) return true;
    if (!inode->unreadable.empty()) return false;
    const Inode::Sound& sound = *inode->sound;
    if (inode->durable != sound.durable || inode->cache != sound.cache) return false;
    inode->sound.reset();
    return true;
  });
  return !wounded_.empty();
}

std::optional<JustifiedRefusal::Shown> SimDisk::Show(std::string_view name) const {
  const auto found = names_.find(name);
  if (found == names_.end()) return std::nullopt;
  const Inode& inode = *found->second;
  JustifiedRefusal::Shown shown{inode.cache, inode.sound ? inode.sound->cache : inode.cache};
  for (const std::uint64_t begin : inode.unreadable) {
    Put(Garbage(begin, SectorAt(shown.legible, begin).size()), begin, &shown.legible);
  }
  return shown;
}

std::vector<std::string> SimDisk::DamagedFiles() const {
  std::vector<std::string> names;
  for (const auto& [name, inode] : durable_names_) {
    const bool differs = inode->sound && inode->sound->durable != inode->durable;
    if (differs || !inode->unreadable.empty()) names.push_back(name);
  }
  return names;
}

void SimDisk::Undamage() {
  ForEachInode([](Inode& inode) {
    inode.unreadable.clear();
    if (!inode.sound) return;
    inode.durable = std::move(inode.sound->durable);
    inode.cache = std::move(inode.sound->cache);
    inode.sound.reset();
  });
  wounded_.clear();
}

void SimDisk::BecomeDurableCopyOf(SimDisk& other, TrueTime now) {
  other.Settle(now);
  Wipe();
  for (const auto& [name, inode] : other.durable_names_) {
    auto copy = std::make_shared<Inode>(*inode);
    copy->cache = copy->durable;
    copy->clean.clear();
    copy->overdrawn = false;
    if (copy->sound) {
      copy->sound->cache = copy->sound->durable;
      wounded_.push_back(copy);
    }
    durable_names_[name] = std::move(copy);
  }
  names_ = durable_names_;
}

// What a process gets of `out`, which the page cache has filled.
absl::Status SimDisk::Meet(const Inode& inode, const std::string& name, std::uint64_t offset,
                           std::span<char> out) {
  if (out.empty()) return absl::OkStatus();
  if (FailsToRead(name)) {
    met_ = true;
    return absl::UnknownError("simulated: reading at " + std::to_string(offset) + " of " + name +
                              ": Input/output error, this time");
  }
  if (Misreads(inode, name, offset, out)) met_ = true;
  if (!inode.sound) return absl::OkStatus();
  const Extent read{offset, offset + out.size()};
  for (const std::uint64_t begin : inode.unreadable) {
    if (!read.Meets({begin, begin + kSectorBytes})) continue;
    met_ = true;
    return absl::UnknownError("simulated: reading at " + std::to_string(begin) + " of " + name +
                              ": Input/output error");
  }
  const std::string& sound = inode.sound->cache;
  // A file that is shorter than it was is met wherever its end is seen.
  if (inode.cache.size() != sound.size() ||
      std::string_view(inode.cache).substr(offset, out.size()) !=
          std::string_view(sound).substr(offset, out.size())) {
    met_ = true;
  }
  return absl::OkStatus();
}

// True if a sector of `out` now is another one's.
bool SimDisk::Misreads(const Inode& inode, const std::string& name, std::uint64_t offset,
                       std::span<char> out) {
  if (plan_.misread == 0 || guard_ == nullptr) return false;
  const std::uint64_t random = random_(Stream::kIoFault, node_, next_io_, 3);
  if (!Chance(random, plan_.misread)) return false;
  const std::uint64_t sectors = (out.size() + kSectorBytes - 1) / kSectorBytes;
  const std::uint64_t at = Bounded(Derive(random, 1), sectors) * kSectorBytes;
  const std::uint64_t size = std::min<std::uint64_t>(kSectorBytes, out.size() - at);
  const std::string& sound = inode.sound ? inode.sound->cache : inode.cache;
  if (!guard_->MayMisread(node_, name, sound, {offset + at, offset + at + size})) return false;
  const auto other = std::next(
      names_.begin(), static_cast<std::ptrdiff_t>(Bounded(Derive(random, 2), names_.size())));
  const std::string& content = other->second->cache;
  if (content.size() < kSectorBytes) return false;
  const std::uint64_t begin =
      Bounded(Derive(random, 3), content.size() / kSectorBytes) * kSectorBytes;
  const std::string_view shown = SectorAt(content, begin).substr(0, size);
  if (shown == std::string_view(out.data() + at, size)) return false;
  if (!choices_->Takes({Choice::kMisread, {node_}, next_io_})) return false;
  ++counters_->misreads;
  std::memcpy(out.data() + at, shown.data(), size);
  return true;
}

}  // namespace grassdb::sim
