// grassdb under measurement, through core/client.h: every client has a session and numbers its
// writes, follows redirects and tries again, exactly as grass-cli does, so that what is measured is
// what a user gets.
#ifndef GRASSDB_BIN_BENCH_GRASSDB_PROTOCOL_H_
#define GRASSDB_BIN_BENCH_GRASSDB_PROTOCOL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "bin/bench/protocol.h"
#include "bin/bench/rpc_protocol.h"

namespace grassdb::bench {

// Clients that begin with the leader, which is asked for within options.deadline: a client that has
// worked for a while is there anyway, and the first redirects are no part of a measurement. An
// error says what each node had to say.
absl::StatusOr<std::unique_ptr<Protocol>> ConnectGrassdb(const RpcOptions& options);

}  // namespace grassdb::bench

#endif  // GRASSDB_BIN_BENCH_GRASSDB_PROTOCOL_H_
