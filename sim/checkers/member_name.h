// What violations call a member of which they know the id only.
#ifndef GRASSDB_SIM_CHECKERS_MEMBER_NAME_H_
#define GRASSDB_SIM_CHECKERS_MEMBER_NAME_H_

#include <string>

#include "core/types.h"

namespace grassdb::sim {

// "n2", as everywhere, of a machine of a run; "nobody" of the id that is none; else the id itself.
std::string MemberName(NodeId id);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_MEMBER_NAME_H_
