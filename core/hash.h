// Deterministic hashing and keyed randomness. The same bits on every compiler, library and machine.
//
// Randomness in grassdb is keyed, not drawn in order: a decision is Hash(seed, what it decides), so
// that removing one decision leaves every other as it was. Shrinking and replay rest on this.
#ifndef GRASSDB_CORE_HASH_H_
#define GRASSDB_CORE_HASH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace grassdb {

__extension__ using Uint128 = unsigned __int128;

// A bijective mixer of 64 bits: every input bit changes about half of the output bits.
constexpr std::uint64_t Mix(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  return x;
}

// Folds `value` into `state`. The order of folds matters.
constexpr std::uint64_t Fold(std::uint64_t state, std::uint64_t value) {
  return Mix(state ^ (value + 0x9e3779b97f4a7c15u + (state << 6) + (state >> 2)));
}

// The keyed random number of the decision named by `parts`, all of them 64-bit values.
template <class... Parts>
constexpr std::uint64_t KeyedRandom(std::uint64_t seed, Parts... parts) {
  std::uint64_t state = Mix(seed + 0x9e3779b97f4a7c15u);
  ((state = Fold(state, static_cast<std::uint64_t>(parts))), ...);
  return state;
}

// Maps a random 64-bit number evenly onto [0, bound). `bound` > 0. The bias is below 2^-32 for
// every bound that fits in 32 bits.
constexpr std::uint64_t Bounded(std::uint64_t random, std::uint64_t bound) {
  return static_cast<std::uint64_t>((static_cast<Uint128>(random) * bound) >> 64);
}

// Hash of bytes; not cryptographic, and not the checksum of anything on disk (store uses XXH3).
std::uint64_t HashBytes(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace grassdb

#endif  // GRASSDB_CORE_HASH_H_
