// The RPCs between peers, and which message travels on which of them in which direction.
#ifndef GRASSDB_NET_RAFT_RPC_H_
#define GRASSDB_NET_RAFT_RPC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/convert.h"

namespace grassdb::net {

enum class RaftRpc : std::uint8_t {
  kRequestVote = 0,
  kAppendEntries = 1,
  kInstallSnapshot = 2,
  kTimeoutNow = 3,
  kReadIndex = 4,
  kRepair = 5,
};
inline constexpr std::size_t kRaftRpcs = 6;

struct RaftRpcInfo {
  const char* name;
  const char* path;
  MessageKind request;
  std::optional<MessageKind> response;
};

inline constexpr std::array<RaftRpcInfo, kRaftRpcs> kRaftRpcInfos = {{
    {"RequestVote", "/grassdb.raft.Raft/RequestVote", MessageKind::kRequestVoteRequest,
     MessageKind::kRequestVoteResponse},
    {"AppendEntries", "/grassdb.raft.Raft/AppendEntries", MessageKind::kAppendEntriesRequest,
     MessageKind::kAppendEntriesResponse},
    {"InstallSnapshot", "/grassdb.raft.Raft/InstallSnapshot", MessageKind::kInstallSnapshotRequest,
     MessageKind::kInstallSnapshotResponse},
    {"TimeoutNow", "/grassdb.raft.Raft/TimeoutNow", MessageKind::kTimeoutNow, std::nullopt},
    {"ReadIndex", "/grassdb.raft.Raft/ReadIndex", MessageKind::kReadIndexRequest,
     MessageKind::kReadIndexResponse},
    {"Repair", "/grassdb.raft.Raft/Repair", MessageKind::kRepairRequest,
     MessageKind::kRepairResponse},
}};

inline const RaftRpcInfo& InfoOf(RaftRpc rpc) {
  return kRaftRpcInfos[static_cast<std::size_t>(rpc)];
}

enum class Direction : std::uint8_t { kRequest, kResponse };

struct Route {
  RaftRpc rpc;
  Direction direction;
};

inline Route RouteOf(MessageKind kind) {
  for (std::size_t i = 0; i < kRaftRpcs; ++i) {
    if (kRaftRpcInfos[i].request == kind) return {static_cast<RaftRpc>(i), Direction::kRequest};
    if (kRaftRpcInfos[i].response == kind) return {static_cast<RaftRpc>(i), Direction::kResponse};
  }
  return {RaftRpc::kRequestVote, Direction::kRequest};  // every kind is in the table: raft_rpc_test
}

}  // namespace grassdb::net

#endif  // GRASSDB_NET_RAFT_RPC_H_
