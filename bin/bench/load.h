// Who uses the machine: CPU time and memory of processes and of everybody, from /proc. Linux only.
#ifndef GRASSDB_BIN_BENCH_LOAD_H_
#define GRASSDB_BIN_BENCH_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/types.h"

namespace grassdb::bench {

// CPU time since the start of the machine, all cores together, in clock ticks.
struct MachineTicks {
  std::uint64_t busy = 0;   // user, nice, system, interrupts
  std::uint64_t steal = 0;  // taken by other virtual machines
  std::uint64_t all = 0;    // the two above, idle, and waiting for disks
};

// CPU time since the start of a process, in clock ticks, and its memory.
struct ProcessTicks {
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::uint64_t resident_pages = 0;
};

// Of the text of /proc/stat; nullopt if it has no line of all cores.
std::optional<MachineTicks> ParseMachine(std::string_view stat);
// Of the text of /proc/PID/stat; nullopt also if the process has ended and is only still listed.
// The name of a process may hold blanks and parentheses.
std::optional<ProcessTicks> ParseProcess(std::string_view stat);

// All at one moment.
struct Snapshot {
  Duration time{};        // monotonic
  Duration client_cpu{};  // of this process
  MachineTicks machine;
  std::vector<ProcessTicks> servers;  // in the order of the ids
};

// An error names the process that is not there, or has ended.
absl::StatusOr<Snapshot> TakeSnapshot(const std::vector<int>& server_pids);

// What happened between two snapshots.
struct Load {
  Duration client_cpu{};
  // Without process ids of servers, none of these is known.
  std::optional<Duration> servers_user = std::nullopt;
  std::optional<Duration> servers_system = std::nullopt;
  std::optional<std::uint64_t> servers_resident_bytes = std::nullopt;  // at the end
  // CPU time per time that neither the client nor the servers used: 1.0 is one core. Below zero by
  // the rounding of the kernel's counters at most.
  std::optional<double> other_cores = std::nullopt;
  double steal_percent = 0;  // of the time of all cores
};

// `ticks_per_second` and `page_bytes` are the machine's.
Load LoadBetween(const Snapshot& before, const Snapshot& after, std::uint64_t ticks_per_second,
                 std::uint64_t page_bytes);
Load LoadBetween(const Snapshot& before, const Snapshot& after);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_LOAD_H_
