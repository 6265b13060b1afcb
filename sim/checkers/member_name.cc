#include "sim/checkers/member_name.h"

#include <cstdint>

#include "core/configuration.h"
#include "sim/plan.h"
#include "sim/text.h"

namespace grassdb::sim {

std::string MemberName(NodeId id) {
  if (id == NodeId()) return "nobody";
  for (std::uint32_t node = 0; node < kMachinesMax; ++node) {
    std::string name = NodeName(node);
    if (NodeIdOf(name) == id) return name;
  }
  return "node " + Decimal(id.value());
}

}  // namespace grassdb::sim
