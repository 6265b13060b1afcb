#include "core/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace grassdb {
namespace {

// Golden values: what a seed means must never change between compilers, machines or releases.
TEST(Hash, GivesTheSameBitsEverywhere) {
  EXPECT_EQ(Mix(1), Mix(1));
  EXPECT_EQ(HashBytes(""), HashBytes(std::string_view()));
  const std::uint64_t all = KeyedRandom(HashBytes("grassdb", 7), 1, 2, 3);
  EXPECT_EQ(all, 0x8e79a8117cc334acu);
}

TEST(Hash, EveryLengthAndEveryByteMatters) {
  std::set<std::uint64_t> seen;
  std::string text(40, 'a');
  for (std::size_t size = 0; size <= text.size(); ++size) {
    seen.insert(HashBytes(std::string_view(text).substr(0, size)));
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = 'b';
    seen.insert(HashBytes(changed));
  }
  EXPECT_EQ(seen.size(), 41u + 40u);
}

TEST(Hash, KeysInAnotherOrderGiveAnotherNumber) {
  EXPECT_NE(KeyedRandom(1, 2, 3), KeyedRandom(1, 3, 2));
  EXPECT_NE(KeyedRandom(1, 2), KeyedRandom(2, 1));
}

TEST(Hash, BoundedStaysBelowItsBoundAndReachesAllOfIt) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t value = Bounded(KeyedRandom(5, i), 7);
    EXPECT_LT(value, 7u);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 7u);
}

}  // namespace
}  // namespace grassdb
