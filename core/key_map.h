// KeyMap: the store's keys in their order, and an index that finds one without
// comparing its way down a tree: long keys that begin alike make every
// comparison a miss of the cache, and a put is little else.
//
// The order is the tree's; the index is never iterated, so nothing depends on
// its own. A copyable value.
#ifndef GRASSDB_CORE_KEY_MAP_H_
#define GRASSDB_CORE_KEY_MAP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/hash.h"

namespace grassdb {

template <class Value>
class KeyMap {
 public:
  using Sorted = std::map<std::string, Value, std::less<>>;
  using Entry = typename Sorted::value_type;

  KeyMap() = default;
  KeyMap(const KeyMap& other) : sorted_(other.sorted_) { Rebuild(other.slots_.size()); }
  KeyMap(KeyMap&& other) noexcept = default;
  KeyMap& operator=(KeyMap other) noexcept {
    std::swap(sorted_, other.sorted_);
    std::swap(slots_, other.slots_);
    return *this;
  }
  ~KeyMap() = default;

  const Sorted& sorted() const { return sorted_; }
  std::size_t size() const { return sorted_.size(); }

  // Null if missing. Stays where it is until it is erased.
  Entry* Find(std::string_view key) { return const_cast<Entry*>(std::as_const(*this).Find(key)); }
  const Entry* Find(std::string_view key) const {
    if (slots_.empty()) return nullptr;
    return slots_[SlotOf(HashOf(key), key)].entry;
  }
  // `key` is not there.
  Entry& Insert(std::string_view key) {
    const auto [at, inserted] = sorted_.try_emplace(std::string(key));
    GRASS_CHECK(inserted);
    return Indexed(*at);
  }
  // `key` is above all others.
  Entry& Append(std::string key, Value value) {
    const std::size_t before = sorted_.size();
    const auto at = sorted_.emplace_hint(sorted_.end(), std::move(key), std::move(value));
    GRASS_CHECK_EQ(sorted_.size(), before + 1);
    return Indexed(*at);
  }
  // `key` is there. It may be the entry's own.
  void Erase(std::string_view key) {
    Vacate(SlotOf(HashOf(key), key));
    sorted_.erase(sorted_.find(key));
  }

 private:
  // Empty if there is no entry. The hash is kept, so that growing looks at no
  // key.
  struct Slot {
    std::uint64_t hash = 0;
    Entry* entry = nullptr;
  };
  static constexpr std::size_t kSlotsMin = 16;  // a power of two, as every size

  static std::uint64_t HashOf(std::string_view key) { return HashBytes(key); }
  std::size_t Next(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  std::size_t Home(std::uint64_t hash) const { return hash & (slots_.size() - 1); }

  // Where the key is, or the empty slot where it would be. There is one: three
  // quarters are the most that is taken.
  std::size_t SlotOf(std::uint64_t hash, std::string_view key) const {
    std::size_t slot = Home(hash);
    while (slots_[slot].entry != nullptr &&
           (slots_[slot].hash != hash || slots_[slot].entry->first != key)) {
      slot = Next(slot);
    }
    return slot;
  }

  // `entry` is in sorted_ already.
  Entry& Indexed(Entry& entry) {
    if (slots_.size() / 4 * 3 < sorted_.size()) {
      Grow();
    }
    Place({.hash = HashOf(entry.first), .entry = &entry});
    return entry;
  }

  void Place(const Slot& filled) {
    std::size_t slot = Home(filled.hash);
    while (slots_[slot].entry != nullptr) slot = Next(slot);
    slots_[slot] = filled;
  }

  void Grow() {
    std::vector<Slot> old(slots_.empty() ? kSlotsMin : 2 * slots_.size());
    std::swap(old, slots_);
    for (const Slot& slot : old) {
      if (slot.entry != nullptr) Place(slot);
    }
  }

  // Moves up what had to make way for the slot's entry, so that no search stops
  // short of it.
  void Vacate(std::size_t slot) {
    GRASS_CHECK(slots_[slot].entry != nullptr);
    for (std::size_t at = Next(slot); slots_[at].entry != nullptr; at = Next(at)) {
      const std::size_t mask = slots_.size() - 1;
      const std::size_t from_home = (at - Home(slots_[at].hash)) & mask;
      if (from_home < ((at - slot) & mask)) continue;
      slots_[slot] = slots_[at];
      slot = at;
    }
    slots_[slot] = Slot();
  }

  void Rebuild(std::size_t slots) {
    slots_.resize(slots);
    for (Entry& entry : sorted_) Place({.hash = HashOf(entry.first), .entry = &entry});
  }

  Sorted sorted_;
  std::vector<Slot> slots_;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_KEY_MAP_H_
