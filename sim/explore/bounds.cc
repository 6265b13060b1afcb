#include "sim/explore/bounds.h"

#include "sim/text.h"

namespace grassdb::sim::explore {

std::string FlagsOf(const Bounds& bounds) {
  std::string flags = "--nodes " + Decimal(bounds.nodes) + " --terms " + Decimal(bounds.terms) +
                      " --entries " + Decimal(bounds.entries) + " --crashes " +
                      Decimal(bounds.crashes) + " --drops " + Decimal(bounds.drops) +
                      " --duplicates " + Decimal(bounds.duplicates) + " --heartbeats " +
                      Decimal(bounds.heartbeats);
  if (bounds.disk == DiskSpeed::kInstant) flags += " --instant-disk";
  if (bounds.pre_votes == PreVotes::kExplored) flags += " --pre-votes";
  if (bounds.timeouts != 0) flags += " --timeouts " + Decimal(bounds.timeouts);
  if (bounds.append_max != 0) flags += " --append-max " + Decimal(bounds.append_max);
  if (bounds.reads != 0) flags += " --reads " + Decimal(bounds.reads);
  return flags;
}

}  // namespace grassdb::sim::explore
