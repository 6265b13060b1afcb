#include "bin/quantity.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "net/server_options.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

TEST(ParseDelay, IsADurationOrNone) {
  EXPECT_EQ(*ParseDelay("5ms"), milliseconds(5));
  EXPECT_EQ(*ParseDelay("0"), milliseconds(0));
  for (const char* text : {"", "0ms", "-1ms", "soon", "5"}) {
    EXPECT_EQ(ParseDelay(text).status().message(),
              "'" + std::string(text) +
                  "': expected a time up to a day, as in 5ms or 200us, or 0 for none");
  }
}

TEST(ParseDuration, ReadsTheUnits) {
  EXPECT_EQ(*ParseDuration("300ms"), milliseconds(300));
  EXPECT_EQ(*ParseDuration("1.5s"), milliseconds(1500));
  EXPECT_EQ(*ParseDuration("2m"), milliseconds(120000));
  EXPECT_EQ(*ParseDuration("250us"), std::chrono::microseconds(250));
}

TEST(ParseDuration, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "5", "ms", "-1s", "0s", "1h2", "1e9s", "nan", "inf s", "1 s", "25h"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

TEST(ParseDuration, ReadsBackWhatTextOfWrites) {
  for (const char* text : {"300ms", "2s", "250us"})
    EXPECT_EQ(net::TextOf(*ParseDuration(text)), text);
}

TEST(ParseDurationRange, NeedsTheFirstBelowTheSecond) {
  EXPECT_EQ(*ParseDurationRange("300ms-600ms"),
            std::pair(Duration(milliseconds(300)), Duration(milliseconds(600))));
  for (const char* bad : {"300ms", "600ms-300ms", "300ms-300ms", "-", "a-b", "1s-"}) {
    EXPECT_FALSE(ParseDurationRange(bad).ok()) << bad;
  }
}

TEST(ParseSize, ReadsTheUnits) {
  EXPECT_EQ(*ParseSize("65536"), 65536u);
  EXPECT_EQ(*ParseSize("64MiB"), std::uint64_t{64} << 20);
  EXPECT_EQ(*ParseSize("1GiB"), std::uint64_t{1} << 30);
  for (const char* bad : {"", "0", "-1", "64MB", "x", "1e30"}) EXPECT_FALSE(ParseSize(bad).ok());
}

TEST(ParseMoment, ReadsSecondsAndTheUnits) {
  EXPECT_EQ(*ParseMoment("0"), Duration(0));
  EXPECT_EQ(*ParseMoment("3"), milliseconds(3000));
  EXPECT_EQ(*ParseMoment("1.5"), milliseconds(1500));
  EXPECT_EQ(*ParseMoment("1.5s"), milliseconds(1500));
  EXPECT_EQ(*ParseMoment("1500ms"), milliseconds(1500));
  EXPECT_EQ(*ParseMoment("2m"), milliseconds(120000));
  EXPECT_EQ(*ParseMoment("1.565451902"), Duration(1'565'451'902)) << "as a trace has it";
  EXPECT_EQ(*ParseMoment("999999.999999999"), Duration(999'999'999'999'999));
  EXPECT_EQ(*ParseMoment("1000000"), Duration(1'000'000'000'000'000));
  for (const char* bad : {"", "s", "-1", "1e3", "0x10", " 1", "1 s", "1h", "1000001", "1000001s",
                          "nan", "inf", "1.5.5", "18446744073709551616"}) {
    EXPECT_FALSE(ParseMoment(bad).ok()) << bad;
  }
}

TEST(ParseRate, TakesZeroAndSaysSo) {
  EXPECT_EQ(*ParseRate("0"), 0u);
  EXPECT_EQ(*ParseRate("1KiB"), 1024u);
  const std::string problem(ParseRate("abc").status().message());
  EXPECT_NE(problem.find("'abc'"), std::string::npos);
  EXPECT_NE(problem.find("or 0"), std::string::npos) << problem;
  EXPECT_EQ(problem.find("above 0"), std::string::npos) << problem;
}

}  // namespace
}  // namespace grassdb
