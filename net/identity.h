// Who a node is when it starts: what its data directory says, or else what --cluster or --join
// makes of it.
#ifndef GRASSDB_NET_IDENTITY_H_
#define GRASSDB_NET_IDENTITY_H_

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/disk.h"
#include "net/server_options.h"

namespace grassdb::net {

// What the data directory says; nullopt if it is missing or holds nothing of this node.
// FailedPrecondition if the node is being replaced, or its identity was lost. Changes nothing.
absl::StatusOr<std::optional<Identity>> FindIdentity(const ServerOptions& options);

// Of a node that has data. --join is over then and means nothing. --cluster, if given, must be the
// list that the cluster was born with, whatever the members are by now; a node that has joined was
// not in it, and is started without. FailedPrecondition, with the way out, if the options ask for
// another cluster.
absl::StatusOr<Identity> ExpectedIdentity(const ServerOptions& options, const Identity& found);

// The names of the other nodes that have data in the directory, sorted. Changes nothing.
std::vector<std::string> OtherNodesIn(const ServerOptions& options);

// InvalidArgument if the options do not say what a node without data is to be.
absl::Status CheckCanBegin(const ServerOptions& options);

// Of a node without data: a member of the cluster that --cluster begins, or of the running one that
// --join names, which has added this node then. Leaves no data directory behind that was not there,
// if it fails. Errors: as JoinCluster (net/join.h), and of a data directory that cannot be.
absl::StatusOr<Identity> NewIdentity(const ServerOptions& options, const std::atomic<bool>& stop);

}  // namespace grassdb::net

#endif  // GRASSDB_NET_IDENTITY_H_
