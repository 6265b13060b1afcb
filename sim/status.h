// Status: what an operator is shown of a node (`grass-cli status`) does not contradict itself or
// the node, and arrives as it was sent.
#ifndef GRASSDB_SIM_STATUS_H_
#define GRASSDB_SIM_STATUS_H_

#include <string>

#include "core/disk.h"
#include "core/node.h"
#include "core/repair.h"
#include "sim/host.h"

namespace grassdb::sim {

// Of a host that is up or mends its disk; of any other nothing is known.
void CheckStatus(const Host& host);

// Its parts. `status` is what the node or the repair says of itself.
void CheckNodeStatus(const NodeStatus& status, const Node& node, const std::string& name);
void CheckRepairStatus(const RepairStatus& status, const Repair& repair, const std::string& name);
// `bytes` is what a client receives of it.
std::string BytesShown(const NodeStatus& status, const std::string& name);
void CheckShown(const NodeStatus& status, const std::string& name, const std::string& bytes);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_STATUS_H_
