// FingerprintSet: a set of 128-bit hashes in flat tables; open addressing, linear probing.
//
// Many small tables, each of which grows by a fourth when it is three quarters full: so that
// growing takes no memory to speak of beside what there is, and a search that is given so much
// memory can fill it.
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
  FingerprintSet() : shards_(kShards, Shard{.slots = std::vector<Uint128>(kSlotsMin), .used = 0}) {}

  // False: it was there.
  bool Insert(Uint128 hash) {
    if (hash == 0) hash = 1;  // 0 is an empty slot
    Shard& shard = ShardOf(hash);
    if (IsFull(shard)) Grow(shard);
    Uint128& slot = *Find(shard.slots, hash);
    if (slot == hash) return false;
    slot = hash;
    ++shard.used;
    ++size_;
    return true;
  }
  // Before an Insert of the same hash that is some work away.
  void Prefetch(Uint128 hash) const {
    const std::vector<Uint128>& slots = shards_[Number(hash)].slots;
    __builtin_prefetch(&slots[Home(slots, hash)], 1);
  }

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_ * sizeof(Uint128); }
  // What it takes at most during an Insert of this hash.
  std::size_t bytes_during(Uint128 hash) const {
    const Shard& shard = shards_[Number(hash)];
    return bytes() + (IsFull(shard) ? SlotsAfter(shard) * sizeof(Uint128) : 0);
  }

 private:
  struct Shard {
    std::vector<Uint128> slots;
    std::size_t used = 0;
  };
  static constexpr std::size_t kShards = 256;
  static constexpr std::size_t kSlotsMin = 256;

  static std::size_t Number(Uint128 hash) { return static_cast<std::size_t>(hash >> 120); }
  Shard& ShardOf(Uint128 hash) { return shards_[Number(hash)]; }
  static bool IsFull(const Shard& shard) { return shard.used * 4 >= shard.slots.size() * 3; }
  static std::size_t SlotsAfter(const Shard& shard) { return shard.slots.size() / 4 * 5; }

  // In the order of the hashes, so that a table grows front to back.
  static std::size_t Home(const std::vector<Uint128>& slots, Uint128 hash) {
    const auto low = static_cast<std::uint64_t>(hash);
    return static_cast<std::size_t>(Uint128{low} * slots.size() >> 64);
  }
  static Uint128* Find(std::vector<Uint128>& slots, Uint128 hash) {
    std::size_t at = Home(slots, hash);
    while (slots[at] != 0 && slots[at] != hash) at = at + 1 == slots.size() ? 0 : at + 1;
    return &slots[at];
  }
  void Grow(Shard& shard) {
    slots_ -= shard.slots.size();
    std::vector<Uint128> old(SlotsAfter(shard));
    std::swap(old, shard.slots);
    slots_ += shard.slots.size();
    for (const Uint128 hash : old) {
      if (hash != 0) *Find(shard.slots, hash) = hash;
    }
  }

  std::vector<Shard> shards_;
  std::size_t slots_ = kShards * kSlotsMin;
  std::size_t size_ = 0;
};

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_FINGERPRINT_SET_H_
