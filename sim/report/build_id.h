// Which build this is: version, commit, compiler. Of no clock and of no machine's path, so that the
// same tree built by the same compiler says the same.
#ifndef GRASSDB_SIM_REPORT_BUILD_ID_H_
#define GRASSDB_SIM_REPORT_BUILD_ID_H_

#include <string>

namespace grassdb::sim {

std::string BuildId();

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_BUILD_ID_H_
