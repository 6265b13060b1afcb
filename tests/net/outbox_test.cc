#include "net/outbox.h"

#include <gtest/gtest.h>

namespace grassdb::net {
namespace {

std::string PopText(Outbox& outbox) {
  const grpc::ByteBuffer buffer = outbox.Pop();
  grpc::Slice storage;
  return std::string(ViewOf(buffer, &storage));
}

TEST(Outbox, GivesMessagesInOrderAndWhole) {
  Outbox outbox;
  const std::string large(100000, 'x');
  EXPECT_TRUE(outbox.Push("small"));
  EXPECT_TRUE(outbox.Push(large));
  EXPECT_TRUE(outbox.Push(""));
  EXPECT_EQ(outbox.bytes(), 100005u);
  EXPECT_EQ(PopText(outbox), "small");
  EXPECT_EQ(PopText(outbox), large);
  EXPECT_EQ(PopText(outbox), "");
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(outbox.bytes(), 0u);
}

TEST(Outbox, DropsTheNewestWhenItHoldsTooMany) {
  Outbox outbox({.messages_max = 2, .bytes_max = 1000});
  EXPECT_TRUE(outbox.Push("a"));
  EXPECT_TRUE(outbox.Push("b"));
  EXPECT_FALSE(outbox.Push("c"));
  EXPECT_EQ(PopText(outbox), "a");
  EXPECT_TRUE(outbox.Push("d"));
  EXPECT_EQ(PopText(outbox), "b");
  EXPECT_EQ(PopText(outbox), "d");
}

TEST(Outbox, DropsTheNewestWhenItHoldsTooMuch) {
  Outbox outbox({.messages_max = 10, .bytes_max = 10});
  EXPECT_TRUE(outbox.Push("12345678"));
  EXPECT_FALSE(outbox.Push("123"));
  EXPECT_TRUE(outbox.Push("12"));
}

}  // namespace
}  // namespace grassdb::net
