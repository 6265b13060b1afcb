// One leader under a lease (thesis 6.4.1): while a leader holds a lease, nobody is elected in a
// later term. It rests on clocks that keep to the bound that leases allow for.
#ifndef GRASSDB_SIM_CHECKERS_LEASE_H_
#define GRASSDB_SIM_CHECKERS_LEASE_H_

#include <cstdint>

#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Lease {
 public:
  // `winner` was elected in `term` while `other`, in term `other_term`, holds a lease or does not.
  static void CheckElection(std::uint32_t winner, Term term, std::uint32_t other, Term other_term,
                            bool holds_lease) {
    GRASS_RULE("one leader under a lease", other_term >= term || !holds_lease,
               NodeName(winner) + " was elected in term " + Decimal(term.value()) + ", while " +
                   NodeName(other) + " holds a lease as leader of term " +
                   Decimal(other_term.value()));
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_LEASE_H_
