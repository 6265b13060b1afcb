// What a sweep leaves for other programs. Of the result alone, in the order of the seeds: none of
// it depends on the number of workers or on a clock.
#ifndef GRASSDB_SIM_REPORT_SWEEP_REPORT_H_
#define GRASSDB_SIM_REPORT_SWEEP_REPORT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "sim/sweep.h"

namespace grassdb::sim {

// JSON lines: an object a seed, {"seed", "ok", "rule", "fingerprint", "events"} and what the seed
// has drawn: {"nodes", "voters", "learners", "clients", "wire", "together", "faults": [...]}, the
// names of the kinds that are on (fault_mix.h). Last {"summary": {...}}, of which the verdict is
// "passed", "failed" or "interrupted", as the exit code, and "set" is what flags and profile say
// instead of the seeds.
std::string JsonLine(const SeedRun& run);
std::string JsonSummary(const SweepOptions& options, const SweepResult& result);
std::string JsonLines(const SweepOptions& options, const SweepResult& result);

// JUnit: a test case for every seed that failed, and one for all that passed, if any has; and one
// that failed if the sweep fails for a place that was not reached.
std::string JUnitXml(const SweepOptions& options, const SweepResult& result);

// "SEED FINGERPRINT", a line a seed.
std::string FingerprintLine(const SeedRun& run);
std::string Fingerprints(const SweepResult& result);

// Two of the above. Empty if they are equal; else a line about the first seed that differs. The
// names are for errors.
absl::StatusOr<std::string> CompareFingerprints(std::string_view a, const std::string& name_a,
                                                std::string_view b, const std::string& name_b);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_SWEEP_REPORT_H_
