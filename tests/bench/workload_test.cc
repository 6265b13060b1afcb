#include "bin/bench/workload.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace grassdb::bench {
namespace {

RequestSource Source(Workload workload, std::uint64_t keys = 10, std::uint64_t seed = 1) {
  return RequestSource({.workload = workload, .keys = keys, .value_bytes = 32, .seed = seed});
}

bool Same(const Request& a, const Request& b) {
  return a.kind == b.kind && a.key == b.key && a.value == b.value;
}

TEST(BenchWorkload, IsDrawnFromTheSeedAlone) {
  const RequestSource one = Source(Workload::kMixed, 1000);
  const RequestSource again = Source(Workload::kMixed, 1000);
  const RequestSource other = Source(Workload::kMixed, 1000, 2);
  int differ = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(Same(one.At(i), again.At(i)));
    if (one.At(i).key != other.At(i).key) ++differ;
  }
  EXPECT_GT(differ, 90);
}

TEST(BenchWorkload, AsksOnlyForKeysThatAreFilled) {
  const RequestSource source = Source(Workload::kGet);
  std::set<std::string> filled;
  for (std::uint64_t key = 0; key < 10; ++key) {
    EXPECT_EQ(source.Fill(key).kind, Request::Kind::kPut);
    EXPECT_EQ(source.Fill(key).value.size(), 32u);
    filled.insert(source.Fill(key).key);
  }
  EXPECT_EQ(filled.size(), 10u);
  std::map<std::string, int> asked;
  for (std::uint64_t i = 0; i < 1000; ++i) ++asked[source.At(i).key];
  EXPECT_EQ(asked.size(), 10u) << "every key is asked for";
  for (const auto& [key, count] : asked) {
    EXPECT_TRUE(filled.contains(key)) << key;
    EXPECT_EQ(key.size(), 24u);
    EXPECT_GT(count, 50) << "as likely as the others";
  }
}

TEST(BenchWorkload, IsHalfPutsIfItIsMixed) {
  const RequestSource source = Source(Workload::kMixed);
  int puts = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Request request = source.At(i);
    EXPECT_EQ(source.KindOf(i), request.kind);
    if (request.kind == Request::Kind::kPut) {
      ++puts;
      EXPECT_EQ(request.value.size(), 32u);
    } else {
      EXPECT_EQ(request.kind, Request::Kind::kGet);
      EXPECT_EQ(request.value, "");
    }
  }
  EXPECT_NEAR(puts, 500, 60);
}

TEST(BenchWorkload, HasAnotherValueForEveryPut) {
  const RequestSource source = Source(Workload::kPut);
  std::set<std::string> values;
  for (std::uint64_t i = 0; i < 300; ++i) values.insert(source.At(i).value);
  EXPECT_EQ(values.size(), 300u);
}

TEST(BenchWorkload, HasANameThatReadsBack) {
  for (const Workload workload : {Workload::kPut, Workload::kGet, Workload::kGetStale,
                                  Workload::kMixed, Workload::kTxn, Workload::kStream}) {
    EXPECT_EQ(WorkloadOf(NameOf(workload)), workload);
  }
  EXPECT_EQ(WorkloadOf("micro"), std::nullopt);
}

}  // namespace
}  // namespace grassdb::bench
