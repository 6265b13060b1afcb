// A repair gives back what was lost (core/repair.h): an entry that takes the place of a lost one is
// of the term that had been durable there, or it is the one that is committed there; and it has the
// bytes that any log has ever had in that term at that index. A term that a repair learns of a lost
// entry is that of what had been durable.
#ifndef GRASSDB_SIM_CHECKERS_REPAIR_FILL_H_
#define GRASSDB_SIM_CHECKERS_REPAIR_FILL_H_

#include <cstdint>

#include "core/entry.h"
#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class RepairFill {
 public:
  // What is known of one place of a log.
  struct Place {
    Term lost;                   // of the entry that was durable there; 0: not known any more
    Term committed;              // of the entry that is committed there; 0: none is, or not known
    const Entry* was = nullptr;  // the entry that a log has had in the term of the new one
  };

  // The node puts `entry` in the place of a lost one.
  static void CheckEntry(std::uint32_t node, const Entry& entry, const Place& place) {
    CheckTerm(node, entry.index, entry.term, place);
    if (place.was == nullptr) return;
    GRASS_RULE("a repair gives back what was lost",
               place.was->type == entry.type && place.was->payload.view() == entry.payload.view(),
               NodeName(node) + " fills its log with an entry of index " +
                   Decimal(entry.index.value()) + " that has other bytes than it had");
  }
  // It takes what was lost at the index to have been of the term.
  static void CheckTerm(std::uint32_t node, Index index, Term term, const Place& place) {
    const bool same = place.lost == Term() || place.lost == term || place.committed == term;
    GRASS_RULE("a repair gives back what was lost", same,
               NodeName(node) + " fills its log at index " + Decimal(index.value()) +
                   " with term " + Decimal(term.value()) + "; what it has lost there was of term " +
                   Decimal(place.lost.value()));
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_REPAIR_FILL_H_
