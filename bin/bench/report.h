// What a run of grass-bench says, as text for a person and as JSON for a program.
#ifndef GRASSDB_BIN_BENCH_REPORT_H_
#define GRASSDB_BIN_BENCH_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "bin/bench/driver.h"
#include "bin/bench/load.h"
#include "bin/bench/workload.h"

namespace grassdb::bench {

// A run with more than this beside it says little.
inline constexpr double kOtherCoresMax = 0.35;
inline constexpr double kStealPercentMax = 8;

struct RunReport {
  std::string protocol;  // grassdb, etcd
  WorkloadOptions workload;
  std::size_t clients = 1;
  std::size_t channels = 1;
  DriverOptions driver;
  // When the measured time began, in milliseconds since 1970, to put it beside other clocks' times;
  // up to a few milliseconds late.
  double begun_unix_ms = 0;
  Measurement measured;
  Load load;
  // Which of the servers' processes has ended during the run: then nothing is known of any of them.
  std::string servers_lost;
};

// Completed operations a second of the measured time.
double RateOf(const RunReport& run);

// Whether the machine had so much else to do that the figures are of little use.
bool IsDisturbed(const Load& load);

// Lines, each with its newline. Latencies are in milliseconds, CPU time in microseconds a
// completed operation.
std::string TextOf(const RunReport& run);

// One JSON object, indented, with a newline; the unit is part of each name. What is not known
// (servers, and whether the machine was disturbed, without their process ids; CPU per operation
// and latencies, without any operation) is null.
std::string JsonOf(const RunReport& run);

// "12.0 s: 3456 ops/s, p99 1.234 ms", and the failures if there are any; no latency if nothing has
// ended.
std::string ProgressOf(const Point& point);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_REPORT_H_
