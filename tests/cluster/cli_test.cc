// grass-cli against a running cluster: what it prints, where, and with which exit code.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/command.h"
#include "tests/cluster/cluster.h"

namespace grassdb {
namespace {

TEST(Cli, SetsAndGetsAsTheReadmeSays) {
  Cluster cluster(3);
  cluster.StartAndElect();
  const Finished set = cluster.Cli({"set", "mykey", "myvalue"});
  EXPECT_EQ(set.out, "OK\n");
  EXPECT_EQ(set.err, "");
  EXPECT_EQ(set.code, 0);
  EXPECT_EQ(cluster.Cli({"get", "mykey"}).out, "myvalue\n");
  const Finished missing = cluster.Cli({"get", "nothing"});
  EXPECT_EQ(missing.out, "(nil)\n");
  EXPECT_EQ(missing.code, 0);
  EXPECT_EQ(cluster.Cli({"del", "mykey"}).out, "1\n");
  EXPECT_EQ(cluster.Cli({"del", "mykey"}).out, "0\n");
  EXPECT_EQ(cluster.Cli({"get", "mykey"}).out, "(nil)\n");
  EXPECT_EQ(cluster.Cli({"set", "k", "-5"}).out, "OK\n");
  EXPECT_EQ(cluster.Cli({"get", "--stale", "nothing"}).out, "(nil)\n");
}

TEST(Cli, FindsTheLeaderFromAnyNode) {
  Cluster cluster(3);
  cluster.StartAndElect();
  for (int node = 0; node < cluster.size(); ++node) {
    const std::string key = "key" + std::to_string(node);
    EXPECT_EQ(RunCli(cluster.directory(), {"--peers", cluster.address(node), "set", key, "v"}).code,
              0);
    EXPECT_EQ(RunCli(cluster.directory(), {"get", key, "--peers=" + cluster.address(node)}).out,
              "v\n");
  }
}

TEST(Cli, LeavesNoSessionBehind) {
  Cluster cluster(1);
  cluster.StartAndElect();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(cluster.Cli({"set", "k", "v"}).out, "OK\n");
  ASSERT_EQ(cluster.Cli({"get", "k"}).out, "v\n");
  EXPECT_EQ(cluster.Status(0)->sessions(), 0u);
  net::DatabaseClient client = cluster.Client();
  ASSERT_EQ(client.Set("k", "w").code, Outcome::Code::kOk);
  EXPECT_EQ(cluster.Status(0)->sessions(), 1u) << "who goes on writing keeps its own";
  client.CloseSession();
  EXPECT_EQ(cluster.Status(0)->sessions(), 0u);
  EXPECT_EQ(client.Set("k", "x").code, Outcome::Code::kOk) << "in another one";
}

TEST(Cli, ShowsTheStatusOfEveryNode) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const Finished table = cluster.Cli({"status"});
  EXPECT_EQ(table.code, 0);
  for (int i = 0; i < 3; ++i) EXPECT_NE(table.out.find(cluster.address(i)), std::string::npos);
  const auto json = nlohmann::json::parse(cluster.Cli({"status", "-w", "json"}).out);
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[static_cast<std::size_t>(leader)]["role"], "leader");
  EXPECT_EQ(json[0]["members"].size(), 3u);

  const int follower = (leader + 1) % 3;
  cluster.Kill(follower);
  const Finished without = cluster.Cli({"status"});
  EXPECT_EQ(without.code, 0) << "two of three nodes still serve";
  EXPECT_NE(without.out.find("unreachable"), std::string::npos);
}

TEST(Cli, TransfersLeadershipToTheNodeItNames) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const int target = (leader + 1) % 3;
  const Finished moved = cluster.Cli({"transfer-leader", cluster.name(target)});
  EXPECT_EQ(cluster.Leader(), target);
  EXPECT_EQ(moved.out, "OK, " + cluster.name(target) + " leads (term " +
                           std::to_string(cluster.Status(target)->term()) + ")\n")
      << moved.err;
  const Finished nobody = cluster.Cli({"transfer-leader", "node9"});
  EXPECT_EQ(nobody.code, 1);
  EXPECT_NE(nobody.err.find("not a voting member"), std::string::npos) << nobody.err;
}

TEST(Cli, SaysThatNobodyCouldBeReached) {
  Cluster cluster(3);
  for (const std::string command : {"get", "del"}) {
    const Finished result = cluster.Cli({"--deadline=500ms", command, "k"});
    EXPECT_EQ(result.code, 3);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err.find("nothing was changed") != std::string::npos, command == "del")
        << result.err;
    for (const std::string& address : cluster.addresses()) {
      EXPECT_NE(result.err.find("cannot connect to " + address), std::string::npos) << result.err;
    }
  }
  EXPECT_EQ(cluster.Cli({"--deadline=500ms", "status"}).code, 3);
}

TEST(Cli, SaysThatThereIsNoQuorum) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  cluster.Kill((leader + 1) % 3);
  cluster.Kill((leader + 2) % 3);
  EXPECT_EQ(cluster.Cli({"--deadline=1s", "get", "k"}).code, 3);
  EXPECT_EQ(cluster.Cli({"--deadline=1s", "set", "k", "v"}).code, 3);
}

TEST(Cli, RefusesWrongUsageWithoutAskingAnybody) {
  const TestDirectory directory;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"fly"}, {"set"}, {"--peers=nonsense", "get", "k"}}) {
    const Finished result = RunCli(directory.path(), arguments);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err.find("grass-cli: "), 0u) << result.err;
  }
}

// `set KEY` with these bytes on standard input.
Finished SetFrom(const Cluster& cluster, const std::string& key, const std::string& bytes) {
  const std::string file = cluster.directory() + "/value";
  std::ofstream(file, std::ios::binary) << bytes;
  return RunToEnd({GRASS_CLI_BINARY, "--peers", cluster.address(0), "set", key},
                  cluster.directory(), Cluster::kPatience, file);
}

TEST(Cli, WritesAndPrintsAnyBytes) {
  Cluster cluster(1);
  cluster.StartAndElect();
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  std::string large;
  while (large.size() < kValueBytesMax) large += bytes;
  for (const std::string& value : {large, bytes, std::string("line\n")}) {
    const Finished set = SetFrom(cluster, "k", value);
    EXPECT_EQ(set.out, "OK\n") << set.err;
    EXPECT_TRUE(cluster.Cli({"get", "k"}).out == value + "\n");
    EXPECT_TRUE(cluster.Cli({"get", "--raw", "k"}).out == value);
    EXPECT_TRUE(cluster.Cli({"get", "k", "-r"}).out == value);
  }
  const Finished missing = cluster.Cli({"get", "-r", "nothing"});
  EXPECT_EQ(missing.code, 0);
  EXPECT_EQ(missing.out, "");
}

TEST(Cli, RefusesAValueThatIsTooLongByTheNameOfTheLimit) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const Finished result = SetFrom(cluster, "k", std::string(kValueBytesMax + 1, 'v'));
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("value"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("1048576"), std::string::npos) << result.err;
  EXPECT_EQ(cluster.Cli({"get", "k"}).out, "(nil)\n");
  // One without an end.
  const Finished endless = RunToEnd({GRASS_CLI_BINARY, "set", "k"}, cluster.directory(),
                                    Cluster::kPatience, "/dev/zero");
  EXPECT_EQ(endless.code, 1);
}

// More often a program that failed in front of the pipe than a value.
TEST(Cli, TakesAnEmptyValueOnlyWhereItIsWritten) {
  Cluster cluster(1);
  cluster.StartAndElect();
  ASSERT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
  const Finished refused = SetFrom(cluster, "k", "");
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_NE(refused.err.find("standard input is empty"), std::string::npos) << refused.err;
  EXPECT_EQ(cluster.Cli({"get", "k"}).out, "v\n");
  EXPECT_EQ(cluster.Cli({"set", "k", ""}).out, "OK\n");
  EXPECT_EQ(cluster.Cli({"get", "k"}).out, "\n");
}

TEST(Cli, SaysThatTheAnswerCouldNotBeWritten) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const std::string err = cluster.directory() + "/full.err";
  Process cli({GRASS_CLI_BINARY, "--peers", cluster.address(0), "set", "k", "v"}, "/dev/full", err);
  EXPECT_EQ(cli.Wait(Cluster::kPatience), 1);
  EXPECT_EQ(ReadFile(err),
            "grass-cli: the request was carried out, but its answer could not be written: No space "
            "left on device\n");
  EXPECT_EQ(cluster.Cli({"get", "k"}).out, "v\n") << "it was carried out";
}

// Sets variables of the environment, for the processes started meanwhile too.
class WithEnvironment {
 public:
  explicit WithEnvironment(std::vector<std::pair<std::string, std::string>> variables) {
    for (const auto& [name, value] : variables) {
      const char* before = std::getenv(name.c_str());
      before_.emplace_back(name,
                           before == nullptr ? std::nullopt : std::optional<std::string>(before));
      Set(name, value);
    }
  }
  ~WithEnvironment() {
    for (const auto& [name, value] : before_) Set(name, value);
  }
  WithEnvironment(const WithEnvironment&) = delete;
  WithEnvironment& operator=(const WithEnvironment&) = delete;

 private:
  static void Set(const std::string& name, const std::optional<std::string>& value) {
    if (value.has_value()) {
      setenv(name.c_str(), value->c_str(), 1);
    } else {
      unsetenv(name.c_str());
    }
  }
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

TEST(Cli, NeitherItNorTheNodesGoThroughAProxy) {
  // Nobody listens there.
  const std::string nowhere = "http://127.0.0.1:9";
  const WithEnvironment environment({{"http_proxy", nowhere},
                                     {"https_proxy", nowhere},
                                     {"grpc_proxy", nowhere},
                                     {"no_proxy", ""},
                                     {"no_grpc_proxy", ""}});
  Cluster cluster(3);
  cluster.StartAndElect();
  const Finished set = cluster.Cli({"set", "k", "v"});
  EXPECT_EQ(set.out, "OK\n") << set.err;
  EXPECT_EQ(cluster.Cli({"get", "k"}).out, "v\n");
  EXPECT_EQ(cluster.Cli({"status"}).code, 0);
}

TEST(Cli, SaysWhichLimitWasBroken) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const Finished result = cluster.Cli({"set", std::string(4097, 'k'), "v"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("4097"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("4096"), std::string::npos) << result.err;
}

// A change that reaches the leader, which cannot tell its fate: nobody else is awake. A change of
// the membership, because a write would open a session first, and would not get beyond that.
TEST(Cli, SaysThatAnOutcomeIsUnknown) {
  // The leader leads on alone for so long that the change finds it in time.
  Cluster cluster(3, {"--election-timeout", "2s-3s"});
  cluster.StartAll();
  Finished result;
  // Where this machine is too slow for that, once more.
  for (int attempt = 0; attempt < 5 && result.code != 4; ++attempt) {
    const int leader = cluster.Leader();
    for (int i = 1; i < 3; ++i) cluster.process((leader + i) % 3).Signal(SIGSTOP);
    result = RunCli(cluster.directory(), {"--peers", cluster.address(leader), "--deadline=1500ms",
                                          "member", "add", "node9", "127.0.0.1:1", "--learner"});
    for (int i = 1; i < 3; ++i) cluster.process((leader + i) % 3).Signal(SIGCONT);
  }
  EXPECT_EQ(result.code, 4);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err.find("grass-cli: outcome unknown"), 0u) << result.err;
}

}  // namespace
}  // namespace grassdb
