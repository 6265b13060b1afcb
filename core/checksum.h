// XXH3-64, the checksum of everything on disk and of the chunks of snapshots on the wire. The one
// place that includes xxhash.
#ifndef GRASSDB_CORE_CHECKSUM_H_
#define GRASSDB_CORE_CHECKSUM_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace grassdb {

std::uint64_t Checksum(std::string_view bytes, std::uint64_t seed = 0);

// Of the parts one behind the other: the same as Checksum of their concatenation.
std::uint64_t Checksum(std::span<const std::string_view> parts);

}  // namespace grassdb

#endif  // GRASSDB_CORE_CHECKSUM_H_
