// Violation: a rule of the system was broken in this run. Thrown out of the abandoned run by the
// checkers and, through the check-failure handler, by every GRASS_CHECK of core, store and sim;
// caught where a run is turned into a report (sim/run.cc, sim/explore).
//
// This is the only exception of the project: a broken run cannot go on, and a sweep must.
#ifndef GRASSDB_SIM_VIOLATION_H_
#define GRASSDB_SIM_VIOLATION_H_

#include <string>

#include "core/check.h"
#include "sim/text.h"

namespace grassdb::sim {

struct Violation {
  std::string rule;   // name of the checker, or "GRASS_CHECK"
  std::string where;  // file:line
  std::string text;   // what was found, with the values
};

[[noreturn]] void ThrowViolation(const char* rule, const char* file, int line, std::string text);

// While it lives, a failed GRASS_CHECK throws a Violation of the rule "GRASS_CHECK". The handler
// belongs to the process; a run borrows it.
class CheckFailuresThrow {
 public:
  CheckFailuresThrow();
  ~CheckFailuresThrow();
  CheckFailuresThrow(const CheckFailuresThrow&) = delete;
  CheckFailuresThrow& operator=(const CheckFailuresThrow&) = delete;

 private:
  CheckFailureHandler previous_;
};

}  // namespace grassdb::sim

// Reports that `rule` is broken; `text` says by what.
#define GRASS_VIOLATION(rule, text) ::grassdb::sim::ThrowViolation(rule, __FILE__, __LINE__, text)

// As GRASS_VIOLATION unless `condition` holds; `text` is evaluated only then.
#define GRASS_RULE(rule, condition, text) \
  do {                                    \
    if (!(condition)) [[unlikely]]        \
      GRASS_VIOLATION(rule, text);        \
  } while (false)

#endif  // GRASSDB_SIM_VIOLATION_H_
