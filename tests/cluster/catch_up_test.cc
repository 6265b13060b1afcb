// Followers that come back far behind: from the disk's log where it reaches, with little of it in
// memory.
#include <gtest/gtest.h>

#include "tests/cluster/cluster.h"

namespace grassdb {
namespace {

TEST(CatchUp, AFollowerBeyondTheMemoryOfTheLogIsSentEntriesAndNoSnapshot) {
  Cluster cluster(3, {"--log-memory", "256KiB"});
  const int leader = cluster.StartAndElect();
  const int follower = (leader + 1) % 3;
  cluster.Kill(follower);
  net::DatabaseClient client = cluster.Client();
  const std::string value(100'000, 'v');
  constexpr int kWrites = 40;
  for (int i = 0; i < kWrites; ++i) {
    ASSERT_EQ(client.Set("k" + std::to_string(i), value).code, Outcome::Code::kOk);
  }
  // Whoever leads by now.
  const auto lead = cluster.Status(cluster.Leader());
  ASSERT_TRUE(lead.has_value());
  EXPECT_EQ(lead->first_index(), 1u) << "all of the log is on the disk";
  EXPECT_GT(lead->memory_index() + 5, lead->last_index()) << "and little in memory";

  cluster.Start(follower);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto status = cluster.Status(follower);
    return status.has_value() && status->keys() == kWrites;
  }));
  const auto status = cluster.Status(follower);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->snapshot_index(), 0u);
  EXPECT_EQ(status->first_index(), 1u) << "it has had every entry";
  EXPECT_EQ(status->digest(), cluster.Status(cluster.Leader())->digest());
}

}  // namespace
}  // namespace grassdb
