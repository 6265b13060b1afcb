#include "bin/bench_options.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace grassdb {
namespace {

using Words = std::vector<std::string>;

BenchOptions Parsed(const Words& words) {
  auto result = ParseBenchArguments(words);
  if (const auto* exit = std::get_if<EarlyExit>(&result)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<BenchOptions>(result);
}

EarlyExit Exit(const Words& words) {
  auto result = ParseBenchArguments(words);
  if (std::holds_alternative<BenchOptions>(result)) {
    ADD_FAILURE() << "was taken";
    return {};
  }
  return std::get<EarlyExit>(result);
}

TEST(BenchOptions, HaveTheNodesOfTheProtocolByDefault) {
  const BenchOptions options = Parsed({"put"});
  EXPECT_EQ(options.workload.workload, bench::Workload::kPut);
  EXPECT_EQ(options.rpc.peers, (Words{"localhost:50051", "localhost:50052", "localhost:50053"}));
  EXPECT_EQ(options.rpc.clients, 1u);
  EXPECT_EQ(options.rpc.channels, 1u);
  EXPECT_EQ(options.driver.rate, 0u);
  EXPECT_EQ(options.driver.duration, std::chrono::seconds(10));
  EXPECT_TRUE(options.fill);
  EXPECT_FALSE(options.json);
  EXPECT_EQ(Parsed({"get", "--protocol", "etcd"}).rpc.peers, Words{"localhost:2379"});
}

TEST(BenchOptions, TakeEveryFlag) {
  const BenchOptions options = Parsed({"mixed",
                                       "--protocol=etcd",
                                       "--peers=h:1,h:2",
                                       "--clients",
                                       "64",
                                       "--channels",
                                       "4",
                                       "--value-size",
                                       "0",
                                       "--keys",
                                       "7",
                                       "--seed",
                                       "9",
                                       "--duration",
                                       "1m",
                                       "--warm-up",
                                       "200ms",
                                       "--deadline",
                                       "2s",
                                       "--rate",
                                       "500",
                                       "--no-fill",
                                       "--server-pids",
                                       "11,12",
                                       "-w",
                                       "json",
                                       "--plot",
                                       "out.html"});
  EXPECT_EQ(options.protocol, BenchProtocol::kEtcd);
  EXPECT_EQ(options.workload.workload, bench::Workload::kMixed);
  EXPECT_EQ(options.rpc.peers, (Words{"h:1", "h:2"}));
  EXPECT_EQ(options.rpc.clients, 64u);
  EXPECT_EQ(options.rpc.channels, 4u);
  EXPECT_EQ(options.rpc.deadline, std::chrono::seconds(2));
  EXPECT_EQ(options.rpc.seed, 9u);
  EXPECT_EQ(options.workload.value_bytes, 0u);
  EXPECT_EQ(options.workload.keys, 7u);
  EXPECT_EQ(options.workload.seed, 9u);
  EXPECT_EQ(options.driver.duration, std::chrono::minutes(1));
  EXPECT_EQ(options.driver.warm_up, std::chrono::milliseconds(200));
  EXPECT_EQ(options.driver.interval, std::chrono::seconds(1));
  EXPECT_EQ(options.driver.rate, 500u);
  EXPECT_FALSE(options.fill);
  EXPECT_EQ(options.server_pids, (std::vector<int>{11, 12}));
  EXPECT_TRUE(options.json);
  EXPECT_EQ(options.plot, "out.html");
}

struct Refused {
  Words words;
  std::string part;  // of the message: the thing, the value and the way out
};

TEST(BenchOptions, RefuseInOneLineThatNamesTheWayOut) {
  const std::vector<Refused> cases = {
      {{}, "which workload? One of put, get, get-stale, mixed, txn, stream or micro"},
      {{"puts"}, "unknown workload 'puts'; one of put, get, get-stale, mixed, txn, stream or"},
      {{"stream", "--protocol", "etcd"}, "stream: etcd's API has none; measure put beside it"},
      {{"put", "--clients", "0"}, "--clients '0': expected a whole number from 1 to 10000"},
      {{"put", "--clients", "-1"}, "--clients"},
      {{"put", "--channels", "5"}, "--channels '5': expected a whole number from 1 to 4"},
      {{"put", "--keys", "0"}, "--keys '0': expected a whole number from 1"},
      {{"put", "--value-size", "1048577"}, "--value-size '1048577': expected a whole number"},
      {{"put", "--rate", "0"}, "--rate '0': expected a whole number from 1"},
      {{"put", "--duration", "10"}, "--duration '10': expected a time above 0"},
      {{"put", "--warm-up", "soon"}, "--warm-up 'soon': expected a time above 0"},
      {{"put", "--deadline", "0s"}, "--deadline '0s': expected a time above 0"},
      {{"put", "--protocol", "redis"}, "--protocol 'redis': expected grassdb or etcd"},
      {{"put", "--peers", "nowhere"}, "--peers 'nowhere'"},
      {{"put", "--server-pids", "1,x"}, "--server-pids '1,x': expected process ids"},
      {{"put", "--server-pids", "1,"}, "--server-pids '1,': expected process ids"},
      {{"put", "--server-pids", "0"}, "--server-pids '0': expected process ids"},
      {{"put", "--server-pids", ""}, "--server-pids '': expected process ids"},
      {{"put", "--server-pids", "7,8,7"}, "--server-pids '7,8,7': 7 is there twice; name each"},
      {{"put", "--peers", ""}, "--peers ''"},
      {{"put", "--peers="}, "--peers"},
      {{"put", "--plot", ""}, "--plot '': expected a file"},
      {{"put", "--plot="}, "--plot"},
      {{"put", "-w", "xml"}, "--write-out 'xml': expected text or json"},
      {{"put", "--fast"}, "--fast"},
      {{"put", "get"}, "get"},
  };
  for (const Refused& each : cases) {
    const EarlyExit exit = Exit(each.words);
    EXPECT_EQ(exit.code, 2) << each.part;
    EXPECT_NE(exit.text.find(each.part), std::string::npos) << exit.text;
    EXPECT_TRUE(exit.text.starts_with("grass-bench: ")) << exit.text;
    EXPECT_TRUE(exit.text.ends_with("(see grass-bench --help)")) << exit.text;
    EXPECT_EQ(std::ranges::count(exit.text, '\n'), 0) << exit.text;
  }
}

TEST(BenchOptions, AFlagThatIsThereTwiceIsNamedInOurWords) {
  const EarlyExit twice = Exit({"put", "--duration", "1s", "--duration=2s"});
  EXPECT_EQ(twice.code, kUsageError);
  EXPECT_EQ(twice.text,
            "grass-bench: --duration is there 2 times; give it once (see grass-bench --help)");
  EXPECT_TRUE(Exit({"put", "--keys", "1", "--keys", "2", "--keys", "3"})
                  .text.starts_with("grass-bench: --keys is there 3 times; give it once"));
}

TEST(BenchOptions, ExplainThemselves) {
  const EarlyExit help = Exit({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* word :
       {"--clients", "--rate", "--server-pids", "--plot", "get-stale", "txn", "stream", "micro"}) {
    EXPECT_NE(help.text.find(word), std::string::npos) << word;
  }
  const EarlyExit version = Exit({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.text, "grass-bench " GRASSDB_TEST_VERSION "\n");
}

}  // namespace
}  // namespace grassdb
