#include "sim/damage.h"

namespace grassdb::sim {

const char* NameOf(DamageKind kind) {
  switch (kind) {
    case DamageKind::kBitFlip:
      return "bit-flip";
    case DamageKind::kZeroed:
      return "zeroed";
    case DamageKind::kGarbled:
      return "garbled";
    case DamageKind::kMisdirectedWrite:
      return "misdirected-write";
    case DamageKind::kMisdirectedRead:
      return "misdirected-read";
    case DamageKind::kLostWrite:
      return "lost-write";
    case DamageKind::kUnreadable:
      return "unreadable";
    case DamageKind::kShrunk:
      return "shrunk";
  }
  return "?";
}

}  // namespace grassdb::sim
