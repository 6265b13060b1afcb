// Puts the files of a new node in the place of what a data directory holds of a node: the end of
// `grassdb restore` and `grassdb recover`. Whatever ends it, nothing is lost: before BeginReplacing
// has returned the old node is there, after that ReplaceNode goes on from wherever it was, and in
// between no node starts in the directory (store/FORMAT.md, "Backups", has each step).
//
// All of it with the node's lock held, but for IsReplacing.
#ifndef GRASSDB_BIN_DATA_REPLACE_H_
#define GRASSDB_BIN_DATA_REPLACE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/entry.h"
#include "core/kv_store.h"
#include "store/birth.h"
#include "store/file.h"
#include "store/identity.h"

namespace grassdb {

struct NewNode {
  Identity identity;
  HardState hard_state;
  SnapshotMeta meta;  // of the state
};

// Whether a replacement of `node` has begun in `data_dir` and is not done. False if there is no
// such directory.
bool IsReplacing(const std::string& data_dir, const std::string& node);

// By which command. IsReplacing.
store::Replacement ReplacementIn(const std::string& data_dir, const std::string& node);

// Makes the files of the node beside their place, with `state`, and begins; `command` is one of the
// marks of store/birth.h. What an earlier try,
// which had not come so far, has made there is deleted.
absl::Status BeginReplacing(const std::string& data_dir, const NewNode& node, KvStore& state,
                            std::string_view command);

// The identity of the new node that is to come to its place. IsReplacing.
absl::StatusOr<Identity> ReplacementOf(const std::string& data_dir, const std::string& node);

// Gives the directory that the old files are in; empty if there were none, or an earlier call has
// moved them. IsReplacing.
absl::StatusOr<std::string> ReplaceNode(const std::string& data_dir, const std::string& node);

}  // namespace grassdb

#endif  // GRASSDB_BIN_DATA_REPLACE_H_
