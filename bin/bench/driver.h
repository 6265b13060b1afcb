// The driver: keeps the clients of a Protocol busy for a while and measures what comes back.
//
// Closed loop (rate 0): every client begins its next operation when the last one has ended. Open
// loop (a rate): operation i is due at i/rate whether or not the store keeps up. It is begun by the
// client that has been free for longest, and its latency counts from when it was due: waiting for a
// store that stalls is part of the latency ("coordinated omission" would leave it out).
#ifndef GRASSDB_BIN_BENCH_DRIVER_H_
#define GRASSDB_BIN_BENCH_DRIVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bin/bench/histogram.h"
#include "bin/bench/protocol.h"
#include "bin/bench/workload.h"
#include "core/types.h"

namespace grassdb::bench {

struct DriverOptions {
  std::uint64_t rate = 0;  // operations a second over all clients; 0: closed loop
  Duration warm_up = std::chrono::seconds(1);
  Duration duration = std::chrono::seconds(10);
  // Of the points of the timeline.
  Duration interval = std::chrono::seconds(1);
};

// When operation `number` of an open loop is due, after its start.
Duration DueAfter(std::uint64_t number, std::uint64_t rate);

// What ended in one interval of the measured time, well or not. The latencies are of what was due
// in that time, as those of the whole are.
struct Point {
  Duration end{};  // of the interval, since the measured time began
  Duration length{};
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  // Nothing where nothing of that has ended.
  std::optional<Duration> p50 = std::nullopt;
  std::optional<Duration> p99 = std::nullopt;
  std::optional<Duration> p999 = std::nullopt;
};

struct Measurement {
  Duration elapsed{};  // the measured time, without warm-up
  // That succeeded within the measured time: what throughput and CPU per operation are of.
  std::uint64_t completed = 0;
  // That Drive has begun and that succeeded, those of the warm-up and those that ended late among
  // them: with what OpenSessions did, what a count of everything that the servers did is of.
  std::uint64_t all_completed = 0;
  // It was ended before its time (DriverHooks::ends_early); the figures are of what there was.
  bool ended_early = false;
  // Of the operations that were due within the measured time, however late they ended: those that
  // failed count with the time until they did, and those that were not started with how long they
  // had waited at the end. Both are less than what a client that goes on would have seen.
  Histogram latencies;
  // The same by what they did, where the workload does several things.
  std::map<Request::Kind, Histogram> latencies_by_kind;
  // Of the operations that were due within the measured time.
  std::uint64_t failed = 0;
  std::map<std::string, std::uint64_t> failures;  // by kind
  std::map<std::string, std::uint64_t> answers;   // Finish::answers, by kind
  // Of those that succeeded: that looked for a key, and that found none.
  std::uint64_t looked = 0;
  std::uint64_t missing = 0;
  // Open loop: due within the measured time, and never begun because no client became free.
  std::uint64_t not_started = 0;
  // The longest time within the measured time in which no operation succeeded, and when it began,
  // after the beginning of the measured time. After the death of a leader: how long nobody wrote.
  Duration longest_pause{};
  Duration pause_begin{};
  std::vector<Point> timeline;
};

// Called once when the measured time begins, at each point of the timeline, and once when it ends,
// before the driver waits for what is still under way.
struct DriverHooks {
  std::function<void()> on_begin = {};
  std::function<void(const Point&)> on_point = {};
  std::function<void()> on_end = {};
  // Asked often, at least once an interval: whether the measured time is to end now. In the warm-up
  // nothing has been measured then.
  std::function<bool()> ends_early = {};
};

// Puts every key once, each client one at a time. Returns the kind of the first failure and ends
// early with it, or an empty text.
std::string FillKeys(Protocol& protocol, const RequestSource& source);

// Where the workload writes, each client carries out one of its writes, with which it opens its
// session: so that no latency that is measured later has that in it. Returns how many succeeded.
// Whoever is left after the first failure opens its session with its first operation.
std::uint64_t OpenSessions(Protocol& protocol, const RequestSource& source);

// Warm-up, measured time, and then the end of what is under way.
Measurement Drive(Protocol& protocol, const RequestSource& source, const DriverOptions& options,
                  const DriverHooks& hooks);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_DRIVER_H_
