#include "core/bytes.h"

#include <gtest/gtest.h>

#include <cstring>

namespace grassdb {
namespace {

TEST(Bytes, SharesItsContentBetweenCopies) {
  const Bytes original("some bytes");
  const Bytes copy = original;
  EXPECT_EQ(copy.view().data(), original.view().data());
  EXPECT_EQ(copy, original);
}

TEST(Bytes, OutlivesTheObjectItWasCopiedFrom) {
  Bytes copy;
  {
    const Bytes original(std::string(1000, 'x'));
    copy = original;
  }
  EXPECT_EQ(copy.view(), std::string(1000, 'x'));
}

TEST(Bytes, HoldsAnyBytes) {
  const std::string all("\0\xff\n\0", 4);
  EXPECT_EQ(Bytes(all).view(), all);
}

TEST(Bytes, OfNothingIsEmpty) {
  EXPECT_TRUE(Bytes("").empty());
  EXPECT_EQ(Bytes().view(), "");
  EXPECT_EQ(Bytes(), Bytes(""));
}

TEST(Bytes, BuildsInPlace) {
  const Bytes built = Bytes::Build(3, [](char* at) { std::memcpy(at, "abc", 3); });
  EXPECT_EQ(built.view(), "abc");
}

TEST(Bytes, SurvivesAssignmentToItself) {
  Bytes bytes("x");
  const Bytes& alias = bytes;
  bytes = alias;
  EXPECT_EQ(bytes.view(), "x");
}

}  // namespace
}  // namespace grassdb
