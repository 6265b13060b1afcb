// Holding: what one disk of a cluster holds for certain, and what of that it has lost.
//
// Certain is what a loss of power leaves that spares nothing but what is durable. It is found by
// opening copies of the disk: one as it is, and one without its damage, which says what the first
// has lost. Neither is seen by any checker, takes time, fails, or comes to a probe.
#ifndef GRASSDB_SIM_HOLDING_H_
#define GRASSDB_SIM_HOLDING_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/configuration.h"
#include "core/disk.h"
#include "core/message.h"
#include "core/types.h"
#include "sim/damage.h"
#include "sim/host.h"
#include "sim/plan.h"
#include "store/names.h"

namespace grassdb::sim {

struct Holding {
  NodeId node;
  bool has_data = false;  // else the disk is empty: its node has promised nothing
  bool opens = true;      // else a start refuses the disk, or it cannot be said what was lost

  // As it would be without the damage.
  Standing standing = Standing::kUnproven;
  Index base;
  Term base_term;
  std::vector<Term> terms;  // of the entries behind it; 0: not known any more
  std::optional<SnapshotMeta> snapshot;
  std::map<Index, Configuration> configurations;  // of the log
  Configuration bootstrap;

  // What is lost. Of the state up to `state_lost` (0: of none) the snapshot is, which the node may
  // yet come to need.
  std::vector<LostRange> lost;
  Index state_lost;
  // The entry that it tells to be committed, of the state that is lost (0: it cannot tell).
  Index told;
  Term told_term;
  // What is whole: the state up to there (0: no snapshot is), and the entries behind that.
  Index state_whole;
  Index entries_whole_after;
  std::vector<NodeId> knows;                          // whom a repair would ask
  Standing standing_in_repair = Standing::kUnproven;  // by what is whole

  Index last() const { return base + terms.size(); }
  // nullopt if the disk does not say.
  std::optional<Term> TermAt(Index index) const;
  // Whether the entry is, or may be, or has been on the disk. nullopt: one of whatever term.
  bool Had(Index index, std::optional<Term> term) const;
  // Whether what stands at the index is whole.
  bool Gives(Index index) const;
  bool IsLost(Index index) const;
  // In force behind the entry; nullopt if the disk does not say.
  std::optional<Configuration> ConfigurationBehind(Index index) const;
};

// Of the host's disk with `more` damage done to it, each wound in its turn.
Holding HoldingOf(Host& host, const Plan& plan, const std::vector<Wound>& more);

// The rule of fault_atlas.h: whether each of these, which are of all disks of a cluster, can get
// back from the others what it has lost.
bool CanAllMend(const std::vector<Holding>& holdings);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_HOLDING_H_
