// FingerprintSet: a set of 128-bit hashes in one flat table; open addressing, linear probing.
#ifndef GRASSDB_SIM_EXPLORE_FINGERPRINT_SET_H_
#define GRASSDB_SIM_EXPLORE_FINGERPRINT_SET_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/hash.h"

namespace grassdb::sim::explore {

class FingerprintSet {
 public:
  FingerprintSet() : slots_(std::size_t{1} << 16) {}

  // False: it was there.
  bool Insert(Uint128 hash) {
    if (hash == 0) hash = 1;  // 0 is an empty slot
    if (size_ * 4 >= slots_.size() * 3) Grow();
    Uint128& slot = *Find(hash);
    if (slot == hash) return false;
    slot = hash;
    ++size_;
    return true;
  }
  // Before an Insert of the same hash that is some work away.
  void Prefetch(Uint128 hash) const { __builtin_prefetch(&slots_[Home(hash)], 1); }

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_.size() * sizeof(Uint128); }
  // What it takes at most during the next Insert.
  std::size_t bytes_next() const { return size_ * 4 >= slots_.size() * 3 ? bytes() * 3 : bytes(); }

 private:
  // The hash is even enough to be its own position.
  std::size_t Home(Uint128 hash) const {
    return static_cast<std::size_t>(hash) & (slots_.size() - 1);
  }
  Uint128* Find(Uint128 hash) {
    std::size_t at = Home(hash);
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & (slots_.size() - 1);
    return &slots_[at];
  }
  void Grow() {
    std::vector<Uint128> old(slots_.size() * 2);
    std::swap(old, slots_);
    for (const Uint128 hash : old) {
      if (hash != 0) *Find(hash) = hash;
    }
  }

  std::vector<Uint128> slots_;
  std::size_t size_ = 0;
};

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_FINGERPRINT_SET_H_
