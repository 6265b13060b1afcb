#include "net/reply_status.h"

#include <gtest/gtest.h>

#include "core/configuration.h"

namespace grassdb::net {
namespace {

Reply ReplyOf(ReplyCode code) {
  Reply reply;
  reply.code = code;
  reply.error = "why";
  reply.leader_name = "node2";
  reply.leader = NodeIdOf("node2");
  reply.leader_address = "host:2";
  return reply;
}

std::multimap<grpc::string_ref, grpc::string_ref> AsReceived(
    const std::multimap<std::string, std::string>& sent) {
  std::multimap<grpc::string_ref, grpc::string_ref> received;
  for (const auto& [key, value] : sent) received.emplace(key, value);
  return received;
}

TEST(ReplyStatus, IsOkForAReplyThatIsOk) {
  EXPECT_TRUE(StatusOf(ReplyOf(ReplyCode::kOk), ResponseShape::kHasCode).ok());
  EXPECT_TRUE(StatusOf(ReplyOf(ReplyCode::kOk), ResponseShape::kHasNoCode).ok());
}

TEST(ReplyStatus, IsInvalidArgumentForABrokenLimit) {
  for (const ResponseShape shape : {ResponseShape::kHasCode, ResponseShape::kHasNoCode}) {
    const grpc::Status status = StatusOf(ReplyOf(ReplyCode::kInvalid), shape);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.error_message(), "why");
  }
}

TEST(ReplyStatus, IsResourceExhaustedForAFullDiskAndKnowsItFromAMessageThatIsTooLarge) {
  for (const ResponseShape shape : {ResponseShape::kHasCode, ResponseShape::kHasNoCode}) {
    const Reply reply = ReplyOf(ReplyCode::kDiskFull);
    const grpc::Status status = StatusOf(reply, shape);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    const auto sent = TrailersOf(reply);
    EXPECT_EQ(ReplyFromStatus(status, AsReceived(sent))->code, ReplyCode::kDiskFull);
    EXPECT_EQ(ReplyFromStatus(status, {})->code, ReplyCode::kInvalid);
  }
}

TEST(ReplyStatus, LeavesEveryOtherCodeToAResponseThatHasOne) {
  for (const ReplyCode code :
       {ReplyCode::kNotLeader, ReplyCode::kOutcomeUnknown, ReplyCode::kOverloaded,
        ReplyCode::kUnavailable, ReplyCode::kRefused}) {
    EXPECT_TRUE(StatusOf(ReplyOf(code), ResponseShape::kHasCode).ok());
    EXPECT_EQ(StatusOf(ReplyOf(code), ResponseShape::kHasNoCode).error_code(),
              grpc::StatusCode::UNAVAILABLE);
  }
}

TEST(ReplyStatus, CarriesTheReplyThroughTrailers) {
  const Reply reply = ReplyOf(ReplyCode::kOverloaded);
  const auto sent = TrailersOf(reply);
  const auto read = ReplyFromStatus(StatusOf(reply, ResponseShape::kHasNoCode), AsReceived(sent));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->code, ReplyCode::kOverloaded);
  EXPECT_EQ(read->error, "why");
  EXPECT_EQ(read->leader, NodeIdOf("node2"));
  EXPECT_EQ(read->leader_name, "node2");
  EXPECT_EQ(read->leader_address, "host:2");
}

TEST(ReplyStatus, NamesNoLeaderWhenNoneIsKnown) {
  Reply reply;
  reply.code = ReplyCode::kUnavailable;
  EXPECT_EQ(TrailersOf(reply).size(), 1u);
}

TEST(ReplyStatus, OfATransportThatBrokeSaysNothingAboutTheRequest) {
  EXPECT_FALSE(
      ReplyFromStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "reset"), {}).has_value());
  EXPECT_FALSE(
      ReplyFromStatus(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""), {}).has_value());
}

TEST(ReplyStatus, OfARequestThatNoNodeSawIsARefusal) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::RESOURCE_EXHAUSTED,
        grpc::StatusCode::UNIMPLEMENTED}) {
    const auto read = ReplyFromStatus(grpc::Status(code, "text"), {});
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->code, ReplyCode::kInvalid);
    EXPECT_EQ(read->error, "text");
  }
}

TEST(ReplyStatus, SaysWhyThereIsNoAnswerInTheSystemsWords) {
  using enum grpc::StatusCode;
  const auto why = [](grpc::StatusCode code, const char* text) {
    return WhyNoAnswer(grpc::Status(code, text));
  };
  EXPECT_EQ(why(UNAVAILABLE,
                "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:50051: "
                "Failed to connect to remote host: Connection refused"),
            "cannot connect (Connection refused)");
  EXPECT_EQ(why(UNAVAILABLE,
                "DNS resolution failed for nowhere:1: C-ares status is not ARES_SUCCESS qtype=A "
                "name=nowhere is_balancer=0: Domain name not found"),
            "cannot connect (Domain name not found)");
  EXPECT_EQ(why(DEADLINE_EXCEEDED, "Deadline Exceeded"), "no answer in time");
  EXPECT_EQ(why(UNAVAILABLE, "Socket closed"), "Socket closed");
  EXPECT_EQ(why(UNAVAILABLE, "the node: has stopped"), "the node: has stopped");
  EXPECT_EQ(why(INTERNAL, "failed to connect: a node's words"),
            "failed to connect: a node's words");
}

}  // namespace
}  // namespace grassdb::net
