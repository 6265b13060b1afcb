// The command line of grass-bench.
#ifndef GRASSDB_BIN_BENCH_OPTIONS_H_
#define GRASSDB_BIN_BENCH_OPTIONS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bin/bench/driver.h"
#include "bin/bench/rpc_protocol.h"
#include "bin/bench/workload.h"
#include "bin/grassdb_options.h"

namespace grassdb {

enum class BenchProtocol : std::uint8_t { kGrassdb, kEtcd };

struct BenchOptions {
  BenchProtocol protocol = BenchProtocol::kGrassdb;
  bench::WorkloadOptions workload;
  bench::RpcOptions rpc;
  bench::DriverOptions driver;
  bool fill = true;  // write every key first, if the workload needs them
  std::vector<int> server_pids;
  bool json = false;
  std::string plot;  // a file, or empty
};

// `arguments` without the program's name.
std::variant<BenchOptions, EarlyExit> ParseBenchArguments(
    const std::vector<std::string>& arguments);

}  // namespace grassdb

#endif  // GRASSDB_BIN_BENCH_OPTIONS_H_
