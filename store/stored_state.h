// The state that a stopped node's data directory adds up to, and a data directory that begins with
// a state: what backups are made of, and what they become.
#ifndef GRASSDB_STORE_STORED_STATE_H_
#define GRASSDB_STORE_STORED_STATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/configuration.h"
#include "core/disk.h"
#include "core/kv_store.h"
#include "store/file.h"
#include "store/home.h"
#include "store/payload.h"
#include "store/recovery.h"
#include "store/storage.h"

namespace grassdb::store {

// What index and revision of a new history are ahead of the old one it begins with. The old one may
// have gone on behind the point that is known: its clients have seen revisions, and opened sessions
// that are called by their index, which must not come again with another meaning. So many are not
// used up by 100,000 writes a second in a hundred days; and from JSON, too, the sum is read exactly
// (2^53) after nine thousand such beginnings.
inline constexpr std::uint64_t kNewHistoryGap = 1'000'000'000'000;

struct StoredState {
  Identity identity;
  HardState hard_state;
  KvStore state;
  LogPosition last;      // all up to here is in the state, also what may not be committed
  LogPosition snapshot;  // what is committed for certain; (0, 0) for nothing
  Configuration configuration;
  // The directory is this one's as long as it lives.
  std::unique_ptr<Lock> lock;
};

// Takes the lock of the node, recovers without writing, and applies the log to the snapshot.
// NotFound if the directory holds nothing of the node; FailedPrecondition if a node is running on
// it; DataLoss for damage.
//
// The log's entries behind `through` are left out, but what a snapshot holds is not.
absl::StatusOr<StoredState> LoadState(Directory& directory, const std::string& node,
                                      Index through = Index(UINT64_MAX));

// A data directory that no node can start on as long as this lives.
struct StoppedNode {
  Home home;
  Inventory inventory;
  std::unique_ptr<Lock> lock;
};
// Errors as for LoadState, which begins with this.
absl::StatusOr<StoppedNode> HoldStopped(Directory& directory, const std::string& node);

// The state of `snapshot`, of which a file is there, with the commands of `entries` applied that
// are behind it, through `through`. Without hard state and lock. DataLoss where the snapshot's file
// is damaged, or what was decoded before does not decode.
absl::StatusOr<StoredState> Assemble(const Home& home, const std::optional<SnapshotMeta>& snapshot,
                                     std::span<const Entry> entries, Index through);

// Makes the data directory of `identity`, of which `directory` holds nothing yet, with `state` as
// its snapshot of `meta`. Everything is durable when it returns; a crash before that can leave a
// node without any data.
absl::Status BeginWith(Directory& directory, const StorageOptions& options,
                       const Identity& identity, const HardState& hard_state,
                       const SnapshotMeta& meta, KvStore& state);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_STORED_STATE_H_
