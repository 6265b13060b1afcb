// IdTable: finds the number of a key; open addressing, linear probing, nothing is ever taken out.
#ifndef GRASSDB_SIM_EXPLORE_ID_TABLE_H_
#define GRASSDB_SIM_EXPLORE_ID_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/hash.h"

namespace grassdb::sim::explore {

template <class Key>
class IdTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  IdTable() : slots_(std::size_t{1} << 10) {}

  // kNone: not there.
  std::uint32_t Find(Key key) const { return slots_[At(key)].id; }
  // `key` is not there; `id` is not kNone.
  void Insert(Key key, std::uint32_t id) {
    if (size_ * 3 >= slots_.size() * 2) Grow();
    slots_[At(key)] = Slot{key, id};
    ++size_;
  }
  std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    Key key = 0;
    std::uint32_t id = kNone;
  };

  std::size_t At(Key key) const {
    std::size_t at = Mix(static_cast<std::uint64_t>(key)) & (slots_.size() - 1);
    while (slots_[at].id != kNone && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void Grow() {
    std::vector<Slot> old(slots_.size() * 2);
    std::swap(old, slots_);
    for (const Slot& slot : old) {
      if (slot.id != kNone) slots_[At(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_ID_TABLE_H_
