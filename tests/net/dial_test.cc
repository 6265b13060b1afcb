#include "net/dial.h"

#include <gtest/gtest.h>

namespace grassdb::net {
namespace {

bool Always(const std::string&) {
  return true;
}
bool Never(const std::string&) {
  return false;
}

TEST(Dial, TakesLocalhostForTheLoopbackWhereItCannotBeResolved) {
  EXPECT_EQ(WithLoopback("localhost:50051", &Never), "127.0.0.1:50051");
}

TEST(Dial, LeavesWhatTheSystemKnows) {
  EXPECT_EQ(WithLoopback("localhost:50051", &Always), "localhost:50051");
}

TEST(Dial, LeavesOtherHostsAlone) {
  EXPECT_EQ(WithLoopback("db1.example:50051", &Never), "db1.example:50051");
  EXPECT_EQ(WithLoopback("[::1]:50051", &Never), "[::1]:50051");
}

}  // namespace
}  // namespace grassdb::net
