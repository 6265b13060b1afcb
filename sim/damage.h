// Damage: what a disk may do to bytes that it has called durable.
#ifndef GRASSDB_SIM_DAMAGE_H_
#define GRASSDB_SIM_DAMAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace grassdb::sim {

inline constexpr std::size_t kSectorBytes = 512;
inline constexpr std::size_t kBlockBytes = 4096;

// Values key decisions: append, never renumber.
enum class DamageKind : std::uint32_t {
  kBitFlip = 0,           // one bit
  kZeroed = 1,            // a sector or a block
  kGarbled = 2,           // a sector or a block
  kMisdirectedWrite = 3,  // a sector's last write went to another place, and is missing in its own
  kMisdirectedRead = 4,   // a sector shows what another one holds, for good
  kLostWrite = 5,         // a sector's last write was acknowledged and not done
  kUnreadable = 6,        // a sector or a block: an error, until it is written again
  kShrunk = 7,            // a file comes back with a size that it had before
};
inline constexpr std::size_t kDamageKinds = 8;

const char* NameOf(DamageKind kind);

// Whether what was read of a disk was damaged, or was of another place.
enum class DamageMet : std::uint8_t { kNo = 0, kYes = 1 };

// Bytes of a file.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  bool empty() const { return begin >= end; }
  bool Meets(const Extent& other) const {
    return !empty() && !other.empty() && begin < other.end && other.begin < end;
  }
};

// One piece of damage.
struct Wound {
  DamageKind kind = DamageKind::kBitFlip;
  std::string file;
  Extent extent;
  // The other place of the two misdirected kinds: a sector of that file from there on.
  std::string other_file;
  std::uint64_t other_begin = 0;
  std::uint64_t random = 0;  // which bit, which garbage
  // The process sees it at once. Else a page cache hides it until the next life of the node.
  bool evicted = true;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_DAMAGE_H_
