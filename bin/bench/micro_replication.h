// Three replicas in one thread, joined by queues in memory: what replication costs without a
// network and a disk.
#ifndef GRASSDB_BIN_BENCH_MICRO_REPLICATION_H_
#define GRASSDB_BIN_BENCH_MICRO_REPLICATION_H_

#include <cstdint>
#include <memory>

#include "bin/bench/micro.h"

namespace grassdb::bench {

// The Raft step function alone: an operation is an entry with a command of 256 bytes, encoded by
// the caller, committed by the leader and by both followers. `window` entries are proposed at a
// time, and the next when those are committed everywhere. Every write is durable at once.
std::unique_ptr<MicroBenchmark> MakeRaftReplication(std::uint64_t window);

// Whole nodes: an operation is a client's put of 24 and 256 bytes in its session, proposed,
// replicated, applied to three stores and answered. Snapshots are taken as always.
std::unique_ptr<MicroBenchmark> MakeNodeReplication(std::uint64_t window);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_MICRO_REPLICATION_H_
