// Damage is mended: what a node has found to be damaged on its disk, and has still got in memory,
// it keeps in mind until a snapshot has taken the place of that, whatever comes in between: a disk
// without room for the snapshot, or another snapshot that does not reach as far.
#ifndef GRASSDB_SIM_CHECKERS_KNOWN_DAMAGE_H_
#define GRASSDB_SIM_CHECKERS_KNOWN_DAMAGE_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class KnownDamage {
 public:
  explicit KnownDamage(std::uint32_t nodes) : mend_from_(nodes) {}

  // The node says that it has found damage, which a snapshot of that index or a later one mends.
  void OnFound(std::uint32_t node, Index mend_from) {
    mend_from_[node] = std::max(mend_from_[node].value_or(Index()), mend_from);
  }
  // It says that a snapshot of that index has mended it.
  void OnMended(std::uint32_t node, Index snapshot) {
    if (mend_from_[node].has_value() && snapshot >= *mend_from_[node]) mend_from_[node].reset();
  }
  // Its next life reads all of its disk.
  void Forget(std::uint32_t node) { mend_from_[node].reset(); }
  bool IsWaiting(std::uint32_t node) const { return mend_from_[node].has_value(); }

  // After a step; `must_mend`: the node knows that it has damage to mend.
  void Check(std::uint32_t node, bool must_mend) const {
    if (!mend_from_[node].has_value()) return;
    GRASS_RULE("damage is mended", must_mend,
               NodeName(node) + " has found damage that a snapshot from index " +
                   Decimal(mend_from_[node]->value()) +
                   " on would mend, has taken none, and thinks no more of it");
  }

 private:
  std::vector<std::optional<Index>> mend_from_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_KNOWN_DAMAGE_H_
