// The checksum that a chunk of a snapshot carries from the leader's core to the follower's.
//
// A chunk is checked where it is staged, not where it was received: between the two lie sockets,
// proxies and memory, and a snapshot that is wrong in one byte replaces a whole state. (TCP's own
// checksum misses one damaged segment in some 65,000.)
#ifndef GRASSDB_CORE_CHUNK_H_
#define GRASSDB_CORE_CHUNK_H_

#include <cstdint>

#include "core/message.h"

namespace grassdb {

// XXH3-64 over every field but `checksum` itself, so that a chunk does not pass for one of another
// place or another snapshot either.
std::uint64_t ChecksumOf(const InstallSnapshotRequest& chunk);

inline bool IsWhole(const InstallSnapshotRequest& chunk) {
  return chunk.checksum == ChecksumOf(chunk);
}

// The same for what a repair rewrites the log with.
std::uint64_t ChecksumOf(const RepairResponse& answer);

inline bool IsWhole(const RepairResponse& answer) {
  return answer.checksum == ChecksumOf(answer);
}

}  // namespace grassdb

#endif  // GRASSDB_CORE_CHUNK_H_
