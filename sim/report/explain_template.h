// The texts of sim/report/explain/, as the build embedded them (explain/embed.cmake).
#ifndef GRASSDB_SIM_REPORT_EXPLAIN_TEMPLATE_H_
#define GRASSDB_SIM_REPORT_EXPLAIN_TEMPLATE_H_

#include <string_view>

namespace grassdb::sim {

extern const std::string_view kExplainPage;    // with places {{LIKE_THIS}} to fill
extern const std::string_view kExplainStyle;   // CSS
extern const std::string_view kExplainScript;  // every script, in the order in which they load

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_EXPLAIN_TEMPLATE_H_
