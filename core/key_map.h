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

#include "absl/container/btree_set.h"
#include "core/check.h"
#include "core/key_index.h"
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
  KeyMap(const KeyMap& other)
      : sorted_(other.sorted_), index_(KeyIndex::WithSlots(other.index_.slots())) {
    for (const KeyValuePtr& owner : sorted_) {
      index_.Add(KeyIndex::HashOf(owner->key()), owner.get());
    }
  }
  KeyMap(KeyMap&& other) noexcept = default;
  KeyMap& operator=(KeyMap other) noexcept {
    std::swap(sorted_, other.sorted_);
    std::swap(index_, other.index_);
    return *this;
  }
  ~KeyMap() = default;

  // Ascending; none of them owns nothing.
  const Sorted& sorted() const { return sorted_; }
  std::size_t size() const { return sorted_.size(); }

  const KeyIndex& index() const { return index_; }

  // Null if missing. Stays where it is until the key is put or erased.
  const KeyValue* Find(std::string_view key) const {
    const KeyIndex::Slot* const slot = index_.Find(KeyIndex::HashOf(key), key);
    return slot == nullptr ? nullptr : slot->entry;
  }
  // `found` is what Find gives for the key; it is valid no longer. `key` and `value` are no parts
  // of it.
  const KeyValue& Put(const KeyValue* found, std::string_view key, std::string_view value,
                      const KeyRevisions& revisions) {
    index_.MoveSome();
    if (found == nullptr) {
      const std::uint32_t hash = MakeRoomFor(key);
      const auto [at, inserted] = sorted_.emplace(key, value, revisions);
      GRASS_CHECK(inserted);
      index_.Add(hash, at->get());
      return **at;
    }
    if (const_cast<KeyValue*>(found)->Overwrite(value, revisions)) return *found;
    KeyIndex::Slot* const slot = index_.Find(KeyIndex::HashOf(key), key);
    GRASS_CHECK(slot != nullptr && slot->entry == found);
    // Another block with the same key has the same place in the order.
    auto& owner = const_cast<KeyValuePtr&>(*sorted_.find(key));
    owner = KeyValuePtr(key, value, revisions);
    slot->entry = owner.get();
    return *owner;
  }
  // `key` is above all others.
  const KeyValue& Append(std::string_view key, std::string_view value,
                         const KeyRevisions& revisions) {
    index_.MoveSome();
    const std::uint32_t hash = MakeRoomFor(key);
    const std::size_t before = sorted_.size();
    const auto at = sorted_.emplace_hint(sorted_.end(), key, value, revisions);
    GRASS_CHECK_EQ(sorted_.size(), before + 1);
    index_.Add(hash, at->get());
    return **at;
  }
  // `key` is there. It may be the entry's own.
  void Erase(std::string_view key) {
    index_.MoveSome();
    index_.Remove(KeyIndex::HashOf(key), key);
    sorted_.erase(sorted_.find(key));
  }

 private:
  // For one key more; its hash.
  std::uint32_t MakeRoomFor(std::string_view key) {
    const std::uint32_t hash = KeyIndex::HashOf(key);
    index_.MakeRoomFor(hash, sorted_.size());
    return hash;
  }

  Sorted sorted_;
  KeyIndex index_;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_KEY_MAP_H_
