// KeyIndex: finds a key's entry by the key's hash, in a table of slots that is never more than
// three quarters full.
//
// It grows without a stop: beside the full table stands one with half as many slots more from then
// on, and each call that changes the map takes a few slots along (MoveSome). So no single one of
// them pays for all, and the old table is gone long before the new one is full. Nothing depends on
// the order of the slots.
#ifndef GRASSDB_CORE_KEY_INDEX_H_
#define GRASSDB_CORE_KEY_INDEX_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "core/key_value.h"

namespace grassdb {

class KeyIndex {
 public:
  // Empty if there is no entry. Enough of the hash is kept that growing looks at no key. Packed:
  // the index is most of what a key takes beside its block, and between a quarter and a half of it
  // is empty.
  struct [[gnu::packed]] alignas(4) Slot {
    std::uint32_t hash;
    KeyValue* entry;
  };
  // Of the old table, in one call of MoveSome.
  static constexpr std::size_t kMovesMax = 8;

  static std::uint32_t HashOf(std::string_view key) {
    return static_cast<std::uint32_t>(HashBytes(key));
  }

  std::size_t slots() const { return table_.size(); }
  // Those of the old table that have not been looked at yet.
  std::size_t slots_to_move() const { return old_.size() == 0 ? 0 : old_.size() - moved_; }

  // Where the key's entry is; null if there is none. Valid until the next change. `hash` is that of
  // `key`, here and below.
  const Slot* Find(std::uint32_t hash, std::string_view key) const {
    if (const Slot* const slot = table_.Find(hash, key)) return slot;
    return old_.Find(hash, key);
  }
  Slot* Find(std::uint32_t hash, std::string_view key) {
    return const_cast<Slot*>(std::as_const(*this).Find(hash, key));
  }

  // For one entry more beside `entries`. Where it will be is fetched meanwhile: in a large index
  // that takes as long as all else that loading a key does.
  void MakeRoomFor(std::uint32_t hash, std::size_t entries) {
    if (table_.size() / 4 * 3 <= entries) Grow();
    table_.Prefetch(hash);
  }
  void MoveSome() {
    if (old_.size() > 0) MoveUpTo(std::min(moved_ + kMovesMax, old_.size()));
  }
  // The key is not there, and room has been made for it.
  void Add(std::uint32_t hash, KeyValue* entry) { table_.Add({.hash = hash, .entry = entry}); }
  // The key is there.
  void Remove(std::uint32_t hash, std::string_view key) {
    if (Slot* const slot = const_cast<Slot*>(table_.Find(hash, key))) return table_.Vacate(slot);
    Slot* const slot = const_cast<Slot*>(old_.Find(hash, key));
    GRASS_CHECK(slot != nullptr);
    slot->entry = Gone();
  }
  // Without entries, and with room for as many as one with so many slots has.
  static KeyIndex WithSlots(std::size_t slots) {
    KeyIndex index;
    index.table_ = Table(slots);
    return index;
  }

 private:
  static constexpr std::size_t kSlotsMin = 16;

  // In the old table: an entry that is there no more, and that the search for others goes on over.
  static KeyValue* Gone() {
    return reinterpret_cast<KeyValue*>(std::uintptr_t{1});  // NOLINT(performance-no-int-to-ptr)
  }

  class Table {
   public:
    Table() = default;
    // Memory that the system gives as zeros is not touched before it is used: a large table is
    // made in no time.
    explicit Table(std::size_t slots)
        : slots_(slots == 0 ? nullptr : static_cast<Slot*>(std::calloc(slots, sizeof(Slot)))),
          size_(slots) {
      GRASS_CHECK(slots == 0 || slots_ != nullptr);
    }
    Table(Table&& other) noexcept
        : slots_(std::move(other.slots_)), size_(std::exchange(other.size_, 0)) {}
    Table& operator=(Table&& other) noexcept {
      slots_ = std::move(other.slots_);
      size_ = std::exchange(other.size_, 0);
      return *this;
    }
    ~Table() = default;

    std::size_t size() const { return size_; }
    Slot& At(std::size_t slot) { return slots_.get()[slot]; }
    const Slot& At(std::size_t slot) const { return slots_.get()[slot]; }
    void Prefetch(std::uint32_t hash) const { __builtin_prefetch(&At(Home(hash)), 1); }

    const Slot* Find(std::uint32_t hash, std::string_view key) const {
      if (size_ == 0) return nullptr;
      for (std::size_t slot = Home(hash);; slot = Next(slot)) {
        const Slot& at = At(slot);
        if (at.entry == nullptr) return nullptr;
        if (at.hash == hash && at.entry != Gone() && at.entry->key() == key) return &at;
      }
    }
    void Add(const Slot& filled) {
      std::size_t slot = Home(filled.hash);
      while (At(slot).entry != nullptr) slot = Next(slot);
      At(slot) = filled;
    }
    // Moves up what had to make way for the slot's entry, so that no search stops short of it.
    void Vacate(const Slot* emptied) {
      auto slot = static_cast<std::size_t>(emptied - slots_.get());
      for (std::size_t at = Next(slot); At(at).entry != nullptr; at = Next(at)) {
        if (Distance(Home(At(at).hash), at) < Distance(slot, at)) continue;
        At(slot) = At(at);
        slot = at;
      }
      At(slot) = Slot{};
    }

   private:
    struct Free {
      void operator()(Slot* slots) const { std::free(slots); }
    };

    std::size_t Next(std::size_t slot) const { return slot + 1 == size_ ? 0 : slot + 1; }
    std::size_t Distance(std::size_t from, std::size_t to) const {
      return to >= from ? to - from : to + size_ - from;
    }
    // Of any size: the hash is the fraction of the table that lies before the slot.
    std::size_t Home(std::uint32_t hash) const { return (std::uint64_t{hash} * size_) >> 32; }

    std::unique_ptr<Slot, Free> slots_;
    std::size_t size_ = 0;
  };

  // Three eighths as many keys as the old table had slots have been added since it was full, and
  // each of them has moved kMovesMax slots: three times what there was.
  void Grow() {
    GRASS_CHECK_EQ(old_.size(), std::size_t{0});
    moved_ = 0;
    const std::size_t slots = table_.size();
    old_ = std::exchange(table_, Table(std::max(kSlotsMin, slots + slots / 2)));
  }

  void MoveUpTo(std::size_t end) {
    const auto is_there = [this](std::size_t slot) {
      return old_.At(slot).entry != nullptr && old_.At(slot).entry != Gone();
    };
    for (std::size_t slot = moved_; slot < end; ++slot) {
      if (is_there(slot)) table_.Prefetch(old_.At(slot).hash);
    }
    for (; moved_ < end; ++moved_) {
      if (!is_there(moved_)) continue;
      table_.Add(old_.At(moved_));
      old_.At(moved_).entry = Gone();
    }
    if (moved_ == old_.size()) old_ = Table();
  }

  Table table_;
  Table old_;
  std::size_t moved_ = 0;  // slots of the old table
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_KEY_INDEX_H_
