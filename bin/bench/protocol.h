// Protocol: the store under measurement, as the driver sees it: clients that have one operation
// under way each, a clock, and one place to wait. A test puts a store of its own in its place.
#ifndef GRASSDB_BIN_BENCH_PROTOCOL_H_
#define GRASSDB_BIN_BENCH_PROTOCOL_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bin/bench/workload.h"
#include "core/types.h"

namespace grassdb::bench {

// The end of one operation.
struct Finish {
  std::size_t client = 0;
  Instant at;
  // Empty if it succeeded, else what kind of failure: "outcome unknown".
  std::string failure;
  // It read, or compared, a key that was not there.
  bool missing = false;
  // The answers after which it was tried again, or that it failed with, by kind ("NOT_LEADER").
  std::vector<std::string> answers;
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  // Numbered from 0.
  virtual std::size_t clients() const = 0;
  virtual Instant Now() const = 0;
  // The client has no operation under way. Every operation ends, with a failure if need be, within
  // the deadline that the protocol was made with.
  virtual void Begin(std::size_t client, const Request& request) = 0;
  // The next operation that ends; nullopt if none has by `until`.
  virtual std::optional<Finish> Wait(Instant until) = 0;
};

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_PROTOCOL_H_
