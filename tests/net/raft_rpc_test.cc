#include "net/raft_rpc.h"

#include <gtest/gtest.h>

#include <variant>

namespace grassdb::net {
namespace {

TEST(RaftRpc, EveryMessageTravelsOnExactlyOneRpc) {
  for (std::size_t kind = 0; kind < std::variant_size_v<MessageBody>; ++kind) {
    int places = 0;
    for (const RaftRpcInfo& info : kRaftRpcInfos) {
      if (info.request == static_cast<MessageKind>(kind)) ++places;
      if (info.response == static_cast<MessageKind>(kind)) ++places;
    }
    EXPECT_EQ(places, 1) << "message kind " << kind;
  }
}

TEST(RaftRpc, AnswersTravelBackOnTheStreamOfTheirRequests) {
  const Route request = RouteOf(MessageKind::kAppendEntriesRequest);
  const Route response = RouteOf(MessageKind::kAppendEntriesResponse);
  EXPECT_EQ(request.rpc, response.rpc);
  EXPECT_EQ(request.direction, Direction::kRequest);
  EXPECT_EQ(response.direction, Direction::kResponse);
}

}  // namespace
}  // namespace grassdb::net
