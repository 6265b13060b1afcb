// etcd's v3 API under measurement, with the same kind of client.
//
// Its writes are not exactly-once, so that a client may not repeat one: each operation is one call,
// and a call that fails is a failure, named by its gRPC code. One for which there is no connection
// fails at its deadline, and no failure takes less than 10 ms.
#ifndef GRASSDB_BIN_BENCH_ETCD_PROTOCOL_H_
#define GRASSDB_BIN_BENCH_ETCD_PROTOCOL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "bin/bench/protocol.h"
#include "bin/bench/rpc_protocol.h"

namespace grassdb::bench {

// All clients ask the leader, which Maintenance.Status names within options.deadline. etcd's own
// client goes round its endpoints, and a node that does not lead forwards: on one machine that was
// measured 5 to 30 % slower, and etcd shall be seen at its best.
absl::StatusOr<std::unique_ptr<Protocol>> ConnectEtcd(const RpcOptions& options);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_ETCD_PROTOCOL_H_
