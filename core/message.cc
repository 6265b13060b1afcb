#include "core/message.h"

namespace grassdb {
namespace {

constexpr const char* kNames[] = {"RequestVoteRequest",
                                  "RequestVoteResponse",
                                  "AppendEntriesRequest",
                                  "AppendEntriesResponse",
                                  "InstallSnapshotRequest",
                                  "InstallSnapshotResponse",
                                  "TimeoutNow",
                                  "ReadIndexRequest",
                                  "ReadIndexResponse",
                                  "RepairRequest",
                                  "RepairResponse"};
static_assert(std::size(kNames) == std::variant_size_v<MessageBody>);

}  // namespace

const char* NameOf(const MessageBody& body) {
  return kNames[body.index()];
}

}  // namespace grassdb
