#include "net/twin_watch.h"

#include <gtest/gtest.h>

namespace grassdb::net {
namespace {

constexpr NodeId kNode{7};
constexpr Incarnation kOld{1};
constexpr Incarnation kNew{2};

class TwinWatching : public ::testing::Test {
 protected:
  // One message of `incarnation`, a second after the one before.
  bool Tells(Incarnation incarnation, Duration pause = std::chrono::seconds(1)) {
    now_ += pause;
    told_ = watch_.Heard(now_, kNode, incarnation, [incarnation] {
      return incarnation == kOld ? std::string("here") : std::string("there");
    });
    return told_.has_value();
  }

  TwinWatch watch_;
  Instant now_{};
  std::optional<TwinWatch::Twins> told_;
};

TEST_F(TwinWatching, TellsOfIncarnationsThatTakeTurns) {
  EXPECT_FALSE(Tells(kOld));
  EXPECT_FALSE(Tells(kNew));
  EXPECT_FALSE(Tells(kOld));
  ASSERT_TRUE(Tells(kNew));
  EXPECT_EQ(told_->one.incarnation, kNew);
  EXPECT_EQ(told_->one.source, "there");
  EXPECT_EQ(told_->other.incarnation, kOld);
  EXPECT_EQ(told_->other.source, "here");
}

TEST_F(TwinWatching, TellsOnceAMinute) {
  int told = 0;
  for (int i = 0; i < 50; ++i) told += Tells(i % 2 == 0 ? kOld : kNew) ? 1 : 0;
  EXPECT_EQ(told, 1);
  for (int i = 0; i < 50; ++i) told += Tells(i % 2 == 0 ? kOld : kNew) ? 1 : 0;
  EXPECT_EQ(told, 2);
}

TEST_F(TwinWatching, SaysNothingOfANodeThatComesBackWithoutItsData) {
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(Tells(kOld));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(Tells(kNew));
}

TEST_F(TwinWatching, SaysNothingOfADiskThatWasPutBack) {
  for (const Incarnation incarnation : {kOld, kNew, kOld}) {
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(Tells(incarnation));
  }
}

TEST_F(TwinWatching, SaysNothingOfMessagesOfAFormerLifeThatComeLate) {
  EXPECT_FALSE(Tells(kOld));
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(Tells(i % 2 == 0 ? kNew : kOld, std::chrono::milliseconds(50)));
  }
}

TEST_F(TwinWatching, KeepsNodesApart) {
  for (int i = 0; i < 10; ++i) {
    now_ += std::chrono::seconds(1);
    const bool even = i % 2 == 0;
    EXPECT_FALSE(watch_.Heard(now_, even ? NodeId(7) : NodeId(8), even ? kOld : kNew,
                              [] { return std::string(); }));
  }
}

}  // namespace
}  // namespace grassdb::net
