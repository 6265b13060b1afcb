#include "core/hash.h"

#include <bit>
#include <cstring>

namespace grassdb {
namespace {

std::uint64_t LoadLittle(const char* from, std::size_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, size);
  static_assert(std::endian::native == std::endian::little,
                "grassdb runs on little-endian machines");
  return value;
}

std::uint64_t MultiplyFold(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<Uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t HashBytes(std::string_view bytes, std::uint64_t seed) {
  constexpr std::uint64_t kA = 0xa0761d6478bd642fu;
  constexpr std::uint64_t kB = 0xe7037ed1a0b428dbu;
  std::uint64_t state = Mix(seed + kA) ^ bytes.size();
  std::size_t at = 0;
  for (; at + 16 <= bytes.size(); at += 16) {
    state = MultiplyFold(LoadLittle(bytes.data() + at, 8) ^ kA ^ state,
                         LoadLittle(bytes.data() + at + 8, 8) ^ kB) +
            0x9e3779b97f4a7c15u;
  }
  for (; at < bytes.size(); at += 8) {
    const std::size_t size = bytes.size() - at < 8 ? bytes.size() - at : 8;
    state =
        Fold(state, LoadLittle(bytes.data() + at, size) ^ (static_cast<std::uint64_t>(size) << 56));
  }
  return Mix(state ^ kB);
}

}  // namespace grassdb
