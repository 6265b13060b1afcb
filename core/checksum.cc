#include "core/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"

namespace grassdb {

std::uint64_t Checksum(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint64_t Checksum(std::span<const std::string_view> parts) {
  XXH3_state_t state;
  GRASS_CHECK(XXH3_64bits_reset(&state) == XXH_OK);
  for (const std::string_view part : parts) {
    GRASS_CHECK(XXH3_64bits_update(&state, part.data(), part.size()) == XXH_OK);
  }
  return XXH3_64bits_digest(&state);
}

}  // namespace grassdb
