// A slab: values in numbered slots with a free list. What is in flight lives here, so that events
// stay small and nothing is allocated once the slab has grown to the run's needs.
#ifndef GRASSDB_SIM_SLAB_H_
#define GRASSDB_SIM_SLAB_H_

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "core/check.h"

namespace grassdb::sim {

// References stay valid while the slot is in use. Slots are reused last in, first out: the same
// calls give the same slots.
template <class T>
class Slab {
 public:
  std::uint32_t Put(T value) {
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
      used_.push_back(0);
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    slots_[slot] = std::move(value);
    used_[slot] = 1;
    return slot;
  }

  bool InUse(std::uint64_t slot) const { return slot < used_.size() && used_[slot] != 0; }

  T& At(std::uint64_t slot) {
    GRASS_CHECK(InUse(slot));
    return slots_[slot];
  }

  T Take(std::uint64_t slot) {
    GRASS_CHECK(InUse(slot));
    used_[slot] = 0;
    free_.push_back(static_cast<std::uint32_t>(slot));
    return std::move(slots_[slot]);
  }

  std::size_t slots() const { return slots_.size(); }
  std::size_t in_use() const { return slots_.size() - free_.size(); }

 private:
  std::deque<T> slots_;
  std::vector<std::uint8_t> used_;
  std::vector<std::uint32_t> free_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_SLAB_H_
