// Status: what an operator is shown of a node (`grass-cli status`) does not contradict itself or
// the node, and arrives as it was sent.
#ifndef GRASSDB_SIM_STATUS_H_
#define GRASSDB_SIM_STATUS_H_

#include "core/disk.h"
#include "sim/host.h"

namespace grassdb::sim {

// Of a host that is up or mends its disk; of any other nothing is known.
void CheckStatus(const Host& host);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_STATUS_H_
