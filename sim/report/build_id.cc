#include "sim/report/build_id.h"

namespace grassdb::sim {

std::string BuildId() {
  return GRASSDB_BUILD_ID;
}

}  // namespace grassdb::sim
