// Hermetic: while one lives, nothing in this process may look at the real world.
//
// A run is decided by its seed alone. What breaks that is mostly not written down anywhere: a clock
// read in a library, an entropy source behind a default argument, a thread, a file. So the
// functions of the C library that lead there are interposed at link time, and while a simulation
// runs they abort the process with one line that names the function: a defect of the simulated
// code, not a finding.
//
// Not seen: system calls made without the C library, instructions (rdtsc), and what was started
// before. Builds with a sanitizer, which interposes the same names, have no interposition.
#ifndef GRASSDB_SIM_HERMETIC_H_
#define GRASSDB_SIM_HERMETIC_H_

namespace grassdb::sim {

class Hermetic {
 public:
  Hermetic();
  ~Hermetic();
  Hermetic(const Hermetic&) = delete;
  Hermetic& operator=(const Hermetic&) = delete;

  // False in builds in which nothing is interposed.
  static bool IsEnforced();
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_HERMETIC_H_
