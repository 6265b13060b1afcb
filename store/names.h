// The names of a node's files. Several nodes may share one directory: every name carries the node's
// name, and a file that is not one of ours is never touched. The sets of two different node names
// are disjoint, even where one name is the other with a dot and more behind it (store/FORMAT.md).
#ifndef GRASSDB_STORE_NAMES_H_
#define GRASSDB_STORE_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "core/types.h"

namespace grassdb::store {

// Position of a segment in the log, from 1, never used twice in the life of a data directory.
using SegmentNumber = Tagged<struct SegmentNumberTag>;

enum class FileKind : std::uint8_t {
  kForeign = 0,  // not a file of this node
  kIdentity,
  kIdentityStaging,
  kLock,
  kLive,
  kNext,
  kSpare,
  kReserve,
  kSealed,
  kFree,
  kSnapshot,
  kTaken,
  kReceived,
  kMark,
  kReplacing,
  kPlacing,
};

struct ParsedName {
  FileKind kind = FileKind::kForeign;
  // Of kSealed and kFree the segment's number, of kSnapshot the index; else 0.
  std::uint64_t number = 0;
};

class FileNames {
 public:
  // A name that a member can have (MemberNameProblem).
  explicit FileNames(std::string_view node_name);

  std::string node() const;
  std::string Identity() const { return prefix_ + "id"; }
  std::string IdentityStaging() const { return prefix_ + "id.tmp"; }
  std::string Lock() const { return prefix_ + "lock"; }
  std::string Live() const { return prefix_ + "wal"; }
  std::string Next() const { return prefix_ + "next"; }
  std::string Mark() const { return prefix_ + "mark"; }
  std::string Spare() const { return prefix_ + "spare"; }
  std::string Reserve() const { return prefix_ + "reserve"; }
  std::string Taken() const { return prefix_ + "taken.tmp"; }
  // Marks of a data directory whose node is being replaced (store/FORMAT.md, "Backups").
  std::string Replacing() const { return prefix_ + "replacing"; }
  std::string Placing() const { return prefix_ + "placing"; }
  std::string Received() const { return prefix_ + "received.tmp"; }
  std::string Sealed(SegmentNumber number) const;
  std::string Free(SegmentNumber number) const;
  std::string Snapshot(Index index) const;

  ParsedName Parse(std::string_view name) const;

 private:
  std::string prefix_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_NAMES_H_
