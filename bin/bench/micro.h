// Micro benchmarks: the pieces under the servers one by one, without a network. Google Benchmark
// takes the time of each; callgrind counts the instructions of the same code (CountMicro), which
// come out the same on a busy machine, so that a build can be held against an earlier one
// (tests/bench/instructions.sh).
#ifndef GRASSDB_BIN_BENCH_MICRO_H_
#define GRASSDB_BIN_BENCH_MICRO_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace grassdb::bench {

class MicroBenchmark {
 public:
  virtual ~MicroBenchmark() = default;
  // Carries out at least that many operations and returns how many it has seen take effect. It can
  // be called again and again; nothing grows for ever.
  virtual std::uint64_t Run(std::uint64_t operations) = 0;
};

struct MicroOptions {
  std::string filter;  // part of a name; empty: all
  double seconds = 0.5;
  std::string data_directory;  // of the benchmarks that write; there and writable
  bool json = false;
  // Asked after each batch of operations: whether to end now.
  std::function<bool()> ends_early = {};
};

struct MicroCase {
  std::string name;  // "replication/raft/64"
  // Operations of one Run: large enough that taking the time costs nothing.
  std::uint64_t batch = 0;
  // Operations whose instructions CountMicro counts.
  std::uint64_t counted = 0;
  std::function<absl::StatusOr<std::unique_ptr<MicroBenchmark>>(const MicroOptions&)> make;
};

const std::vector<MicroCase>& MicroCases();

// Measures and prints the time of an operation of each. NotFound if the filter leaves none;
// Cancelled if it was ended early, DataLoss if stdout takes no more; an error that names them if
// some could not be carried out, after all others.
absl::Status RunMicro(const MicroOptions& options);

// Runs each once, `counted` operations, all of them inside of CountedRun (micro.cc), and prints a
// line "NAME OPERATIONS" for each. Under callgrind with --toggle-collect and --dump-after of that
// function there is one dump a line, in the same order.
absl::Status CountMicro(const MicroOptions& options);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_MICRO_H_
