// How a node without data becomes a member of a running cluster (`grassdb --join`).
#ifndef GRASSDB_NET_JOIN_H_
#define GRASSDB_NET_JOIN_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/types.h"
#include "net/database_client.h"
#include "net/server_options.h"

namespace grassdb::net {

struct JoinedCluster {
  ClusterId id;
  std::string name;
};

// Has the cluster that the peers of `options.join` belong to add this node, and says which cluster
// it is. Tries until it is added: the peers may be starting, or between two leaders. Asking twice
// adds once, so a process that was killed in between is just started again.
//
// FailedPrecondition, with a line for a person: trying again cannot help. Cancelled: `stop` was
// set.
absl::StatusOr<JoinedCluster> JoinCluster(const ServerOptions& options,
                                          const std::atomic<bool>& stop);

// The parts of it that need no network.

// The one cluster that all who have answered belong to. Unavailable if nobody has; else
// FailedPrecondition: they do not agree, or it is not the one that `wanted_name` (or nothing) asks
// for.
absl::StatusOr<JoinedCluster> ClusterOf(const std::vector<NodeReport>& reports,
                                        const std::string& wanted_name);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_JOIN_H_
