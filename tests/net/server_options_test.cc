#include "net/server_options.h"

#include <gtest/gtest.h>

#include "net/server.h"

namespace grassdb::net {
namespace {

using std::chrono::milliseconds;

TEST(ParseEndpoint, TakesHostsNamesAndBracketedAddresses) {
  for (const char* good : {"localhost:50051", "127.0.0.1:1", "a-b.example_1:65535", "[::1]:80"}) {
    const auto endpoint = ParseEndpoint(good, EmptyHost::kRefused);
    ASSERT_TRUE(endpoint.ok()) << good;
    EXPECT_EQ(*endpoint, good);
  }
}

TEST(ParseEndpoint, RefusesWhatIsNoEndpoint) {
  for (const char* bad : {"", "localhost", "localhost:", "localhost:0", "localhost:65536",
                          "localhost:5x", "a b:1", "::1:80", "[host]:1", "-h:1", "h:-1", "h:+1"}) {
    const auto endpoint = ParseEndpoint(bad, EmptyHost::kRefused);
    EXPECT_TRUE(absl::IsInvalidArgument(endpoint.status())) << bad;
  }
}

TEST(ParseEndpoint, TakesAnEmptyHostForEveryInterfaceWhereThatMakesSense) {
  EXPECT_EQ(*ParseEndpoint(":50051", EmptyHost::kEveryInterface), "[::]:50051");
  EXPECT_FALSE(ParseEndpoint(":50051", EmptyHost::kRefused).ok());
}

TEST(ParseEndpoint, QuotesWhatItRefuses) {
  EXPECT_EQ(ParseEndpoint("nonsense", EmptyHost::kRefused).status().message(),
            "'nonsense': expected host:port, as in localhost:50051");
}

TEST(ParsePeerAddress, RefusesWhatNobodyCanDial) {
  EXPECT_EQ(*ParsePeerAddress("host:1"), "host:1");
  for (const char* bad : {":1", "0.0.0.0:1", "[::]:1", "host"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParsePeerAddress(bad).status())) << bad;
  }
}

TEST(ParsePeerList, ReadsEveryItemOrNone) {
  EXPECT_EQ(*ParsePeerList("a:1,b:2"), (std::vector<std::string>{"a:1", "b:2"}));
  for (const char* bad : {"", "a:1,", ",a:1", "a"}) EXPECT_FALSE(ParsePeerList(bad).ok()) << bad;
}

TEST(IsLoopback, KnowsThisMachine) {
  for (const char* here : {"localhost:1", "127.0.0.1:1", "127.1.2.3:1", "[::1]:1"}) {
    EXPECT_TRUE(IsLoopback(here)) << here;
  }
  for (const char* elsewhere : {"host:1", "10.0.0.1:1", "[::]:1", "0.0.0.0:1"}) {
    EXPECT_FALSE(IsLoopback(elsewhere)) << elsewhere;
  }
}

TEST(SplitEndpoint, TakesTheBracketsOff) {
  EXPECT_EQ(SplitEndpoint("[::1]:80"), std::pair(std::string("::1"), std::string("80")));
  EXPECT_EQ(SplitEndpoint("host:80"), std::pair(std::string("host"), std::string("80")));
}

TEST(ParseCluster, ReadsNamesAndAddresses) {
  const auto cluster = ParseCluster("n1=h:1,n2=h:2,n3=h:3");
  ASSERT_TRUE(cluster.ok());
  ASSERT_EQ(cluster->members().size(), 3u);
  EXPECT_EQ(cluster->Find(NodeIdOf("n2"))->address, "h:2");
}

TEST(ParseCluster, RefusesWhatIsNoCluster) {
  for (const char* bad : {"", "n1", "n1=", "=h:1", "n1=h:1,", "n1=h:1,n1=h:2", "n1=h:1,n2=h:1",
                          "n 1=h:1", "n1=h:1;n2=h:2", ".n=h:1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseCluster(bad).status())) << bad;
  }
}

ServerOptions GoodOptions() {
  ServerOptions options;
  options.name = "n1";
  options.cluster = *ParseCluster("n1=h:1,n2=h:2,n3=h:3");
  options.cluster_name = "test";
  return options;
}

TEST(ServerOptions, NeedThisNodeInTheCluster) {
  EXPECT_FALSE(Problem(GoodOptions()).has_value());
  ServerOptions options = GoodOptions();
  options.name = "n4";
  EXPECT_EQ(Problem(options).value_or(""),
            "--id n4 is not a member of --cluster, which has n1, n2, n3");
}

TEST(ServerOptions, NeedHeartbeatsWellBelowTheElectionTimeout) {
  ServerOptions options = GoodOptions();
  options.heartbeat = milliseconds(200);
  EXPECT_TRUE(Problem(options).has_value());
}

TEST(ServerOptions, NeedAnAppendDelayOfAHeartbeatAtMost) {
  ServerOptions options = GoodOptions();
  options.append_delay = options.heartbeat;
  EXPECT_FALSE(Problem(options).has_value());
  options.append_delay += milliseconds(1);
  EXPECT_EQ(
      Problem(options).value_or(""),
      "--append-delay 101ms is more than --heartbeat 100ms; give a shorter one, or 0 for none");
}

}  // namespace
}  // namespace grassdb::net
