// What of a seed's plan a sweep counts failures by, and tells of each seed: which kinds of fault it
// has, and how large its cluster is.
#ifndef GRASSDB_SIM_FAULT_MIX_H_
#define GRASSDB_SIM_FAULT_MIX_H_

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "sim/plan.h"

namespace grassdb::sim {

// Kinds in a mix: first those that begin and end, by FaultKind; then what a plan has as a rate, or
// for all of the run.
enum class MixKind : std::uint32_t {
  kDrop = kFaultKinds,
  kDuplicate,
  kStraggle,
  kReorder,
  kCorrupt,      // bytes change on their way
  kChunkDamage,  // of a chunk of a snapshot one bit
  kDiskStraggle,
  kWriteFailure,
  kSyncFailure,
  kReadFailure,
  kMisread,
  kOldFormat,
  kRarePaths,
  kWire,       // over the bytes of proto/
  kLease,      // reads under the leader's lease
  kCoreFirst,  // faults end for a core of the nodes first
  kStandingPartition,
  kLeaderHangs,
};
inline constexpr std::size_t kMixKinds = static_cast<std::size_t>(MixKind::kLeaderHangs) + 1;

// Of those that begin and end, NameOf(FaultKind).
const char* NameOf(MixKind kind);

struct FaultMix {
  std::bitset<kMixKinds> on;
  // Machines, with those that wait to be added.
  std::uint32_t nodes = 0;
  std::uint32_t voters = 0;
  std::uint32_t learners = 0;
  std::uint32_t clients = 0;
  Together together = Together::kNothing;

  bool Has(MixKind kind) const { return on[static_cast<std::size_t>(kind)]; }
};

FaultMix MixOf(const Plan& plan);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_FAULT_MIX_H_
