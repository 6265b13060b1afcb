// KeyMap: the store's keys in their order, and an index that finds one without
// comparing its way down a tree: every comparison is a miss of the cache, and a
// put is little else.
//
// The order is the tree's; the index is never iterated, so nothing depends on
// its own. A copyable value.
#ifndef GRASSDB_CORE_KEY_MAP_H_
#define GRASSDB_CORE_KEY_MAP_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "core/check.h"
#include "core/hash.h"
#include "core/key_value.h"

namespace grassdb {

class KeyMap {
  struct ByKey {
    using is_transparent = void;
    static std::string_view KeyOf(std::string_view key) { return key; }
    static std::string_view KeyOf(const KeyValuePtr& owner) { return owner->key(); }
    bool operator()(const auto& a, const auto& b) const { return KeyOf(a) < KeyOf(b); }
  };

 public:
  using Sorted = absl::btree_set<KeyValuePtr, ByKey>;

  KeyMap() = default;
  KeyMap(const KeyMap& other) : sorted_(other.sorted_) { Rebuild(other.slots_.size()); }
  KeyMap(KeyMap&& other) noexcept = default;
  KeyMap& operator=(KeyMap other) noexcept {
    std::swap(sorted_, other.sorted_);
    std::swap(slots_, other.slots_);
    return *this;
  }
  ~KeyMap() = default;

  // Ascending; none of them owns nothing.
  const Sorted& sorted() const { return sorted_; }
  std::size_t size() const { return sorted_.size(); }

  // Null if missing. Stays where it is until the key is put or erased.
  const KeyValue* Find(std::string_view key) const {
    return slots_.empty() ? nullptr : slots_[SlotOf(HashOf(key), key)].entry;
  }
  // `found` is what Find gives for the key; it is valid no longer. `key` and `value` are no parts
  // of it.
  const KeyValue& Put(const KeyValue* found, std::string_view key, std::string_view value,
                      const KeyRevisions& revisions) {
    if (found == nullptr) {
      const std::uint32_t hash = MakeRoomFor(key);
      const auto [at, inserted] = sorted_.emplace(key, value, revisions);
      GRASS_CHECK(inserted);
      Place({.hash = hash, .entry = at->get()});
      return **at;
    }
    if (const_cast<KeyValue*>(found)->Overwrite(value, revisions)) return *found;
    Slot& slot = slots_[SlotOf(HashOf(key), key)];
    GRASS_CHECK(slot.entry == found);
    // Another block with the same key has the same place in the order.
    auto& owner = const_cast<KeyValuePtr&>(*sorted_.find(key));
    owner = KeyValuePtr(key, value, revisions);
    slot.entry = owner.get();
    return *owner;
  }
  // `key` is above all others.
  const KeyValue& Append(std::string_view key, std::string_view value,
                         const KeyRevisions& revisions) {
    const std::uint32_t hash = MakeRoomFor(key);
    const std::size_t before = sorted_.size();
    const auto at = sorted_.emplace_hint(sorted_.end(), key, value, revisions);
    GRASS_CHECK_EQ(sorted_.size(), before + 1);
    Place({.hash = hash, .entry = at->get()});
    return **at;
  }
  // `key` is there. It may be the entry's own.
  void Erase(std::string_view key) {
    Vacate(SlotOf(HashOf(key), key));
    sorted_.erase(sorted_.find(key));
  }

 private:
  // Empty if there is no entry. Enough of the hash is kept that growing looks at no key. Packed:
  // the index is most of what a key takes beside its block, and between a quarter and all of it is
  // empty.
  struct [[gnu::packed]] alignas(4) Slot {
    std::uint32_t hash = 0;
    KeyValue* entry = nullptr;
  };
  static constexpr std::size_t kSlotsMin = 16;  // a power of two, as every size

  static std::uint32_t HashOf(std::string_view key) {
    return static_cast<std::uint32_t>(HashBytes(key));
  }
  std::size_t Next(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  std::size_t Home(std::uint32_t hash) const { return hash & (slots_.size() - 1); }

  // Where the key is, or the empty slot where it would be. There is one: three
  // quarters are the most that is taken.
  std::size_t SlotOf(std::uint32_t hash, std::string_view key) const {
    std::size_t slot = Home(hash);
    while (slots_[slot].entry != nullptr &&
           (slots_[slot].hash != hash || slots_[slot].entry->key() != key)) {
      slot = Next(slot);
    }
    return slot;
  }

  // For one key more; its hash. Where it will be is fetched meanwhile: in a large index that takes
  // as long as all else that loading a key does.
  std::uint32_t MakeRoomFor(std::string_view key) {
    if (slots_.size() / 4 * 3 <= sorted_.size()) Grow();
    const std::uint32_t hash = HashOf(key);
    __builtin_prefetch(&slots_[Home(hash)], 1);
    return hash;
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
    for (const KeyValuePtr& owner : sorted_) {
      Place({.hash = HashOf(owner->key()), .entry = owner.get()});
    }
  }

  Sorted sorted_;
  std::vector<Slot> slots_;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_KEY_MAP_H_
