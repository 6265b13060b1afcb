// A run as one HTML page that needs nothing else: throughput and latencies over time, drawn as SVG,
// above the text of the report.
#ifndef GRASSDB_BIN_BENCH_PLOT_H_
#define GRASSDB_BIN_BENCH_PLOT_H_

#include <string>

#include "bin/bench/report.h"

namespace grassdb::bench {

std::string PlotOf(const RunReport& run);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_PLOT_H_
