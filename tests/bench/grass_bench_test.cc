// The program itself against a real node. Short runs: what is checked is that the figures fit
// together, not how large they are.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cluster/cluster.h"

namespace grassdb {
namespace {

using Json = nlohmann::json;

Finished Bench(const Cluster& cluster, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), GRASS_BENCH_BINARY);
  arguments.push_back("--peers=" + cluster.address(0));
  return RunToEnd(arguments, cluster.directory());
}

std::uint64_t Revision(Cluster& cluster) {
  const auto status = cluster.Status(0);
  EXPECT_TRUE(status.has_value());
  return status.has_value() ? status->revision() : 0;
}

TEST(GrassBench, CountsEveryPutThatTheClusterCarriedOut) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const std::uint64_t before = Revision(cluster);
  const Finished run = Bench(cluster, {"put", "--clients=8", "--channels=2", "--keys=50",
                                       "--duration=1s", "--warm-up=100ms", "-w", "json"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.err, "") << "no progress where there is no terminal";
  const Json json = Json::parse(run.out);
  const auto completed = json["completed"].get<std::uint64_t>();
  EXPECT_GT(completed, 8u);
  EXPECT_EQ(json["failed"], 0);
  EXPECT_EQ(json["missing"], 0);
  EXPECT_EQ(json["seconds"], 1.0);
  EXPECT_EQ(json["ops_per_second"], static_cast<double>(completed));
  EXPECT_GT(json["client_cpu_us_per_op"].get<double>(), 0);
  EXPECT_EQ(json["other_cores"], nullptr);
  // Each put is one revision; those of the warm-up and the last of each client are not counted.
  EXPECT_GE(Revision(cluster) - before, completed);
  const auto status = cluster.Status(0);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->sessions(), 8u) << "each client has a session";
  EXPECT_LE(status->keys(), 50u);
  std::uint64_t in_timeline = 0;
  for (const Json& point : json["timeline"]) {
    in_timeline += point["completed"].get<std::uint64_t>();
  }
  EXPECT_EQ(in_timeline, completed);
}

// How many TCP connections to this port of the machine there are.
int ConnectionsTo(const std::string& address) {
  const auto port = static_cast<unsigned>(std::stoi(address.substr(address.rfind(':') + 1)));
  int count = 0;
  // gRPC takes sockets of IPv6 to 127.0.0.1 too, where there is IPv6.
  for (const char* const name : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(name);
    std::string line;
    while (std::getline(table, line)) {
      unsigned remote_port = 0;
      unsigned state = 0;
      constexpr unsigned kEstablished = 1;
      if (std::sscanf(line.c_str(), " %*d: %*[0-9A-F]:%*x %*[0-9A-F]:%x %x", &remote_port,
                      &state) != 2) {
        continue;  // the names of the columns
      }
      if (remote_port == port && state == kEstablished) ++count;
    }
  }
  return count;
}

TEST(GrassBench, HasTheClientsShareSoManyConnections) {
  Cluster cluster(1);
  cluster.StartAndElect();
  for (const std::string workload : {"put", "stream"}) {
    Process bench({GRASS_BENCH_BINARY, workload, "--peers=" + cluster.address(0), "--clients=8",
                   "--channels=3", "--duration=600s"},
                  cluster.directory() + "/bench.out", cluster.directory() + "/bench.err");
    EXPECT_TRUE(WaitFor(Seconds(20), [&] { return ConnectionsTo(cluster.address(0)) == 3; }))
        << workload << ": " << ConnectionsTo(cluster.address(0));
  }
}

TEST(GrassBench, ShowsHowFarItIsOnATerminal) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  Process bench({GRASS_BENCH_BINARY, "put", "--peers=" + cluster.address(0), "--duration=500ms",
                 "--warm-up=100ms"},
                cluster.directory() + "/bench.out", ptsname(terminal));
  EXPECT_EQ(bench.Wait(Seconds(60)), 0);
  std::string shown;
  char part[4096];
  // An error where all is read: nobody has the other end open any more.
  for (ssize_t length = 0; (length = read(terminal, part, sizeof part)) > 0;) {
    shown.append(part, static_cast<std::size_t>(length));
  }
  close(terminal);
  EXPECT_NE(shown.find("\r\033[Kwarming up"), std::string::npos) << shown;
  EXPECT_NE(shown.find(" ops/s, p99 "), std::string::npos) << shown;
  EXPECT_TRUE(shown.ends_with("\r\033[K")) << "nothing is left of it: " << shown;
}

TEST(GrassBench, WritesTheKeysBeforeItReadsThem) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const std::string plot = cluster.directory() + "/plot.html";
  const Finished run =
      Bench(cluster, {"get", "--clients=4", "--keys=100", "--rate=200", "--duration=1s",
                      "--warm-up=100ms", "--write-out=json", "--plot=" + plot});
  ASSERT_EQ(run.code, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(cluster.Status(0)->keys(), 100u);
  EXPECT_EQ(json["missing"], 0);
  EXPECT_EQ(json["failed"], 0);
  // What was due in the measured second, however late on a busy machine.
  EXPECT_EQ(json["latency_us"]["count"].get<std::uint64_t>(), 200u);
  EXPECT_TRUE(ReadFile(plot).ends_with("</html>\n"));
}

// A rate that needs one of them at a time, and a warm-up in which nothing is due but the first one.
TEST(GrassBench, OpensEverySessionBeforeItMeasures) {
  for (const std::string workload : {"put", "stream", "mixed", "txn"}) {
    Cluster cluster(1);
    cluster.StartAndElect();
    const Finished run = Bench(cluster, {workload, "--rate=10", "--clients=40", "--keys=10",
                                         "--duration=500ms", "--warm-up=1ms", "-w", "json"});
    EXPECT_EQ(run.code, 0) << run.err;
    const auto status = cluster.Status(0);
    ASSERT_TRUE(status.has_value());
    // Those that write the keys have sessions of their own.
    EXPECT_GE(status->sessions(), 40u) << workload;
    EXPECT_GE(Json::parse(run.out)["all_completed"].get<int>(), 40 + 4) << workload;
  }
}

TEST(GrassBench, SaysThatTheKeysItReadsAreNotThere) {
  Cluster cluster(1);
  cluster.StartAndElect();
  for (const std::string workload : {"get", "get-stale", "txn"}) {
    const Finished run =
        Bench(cluster, {workload, "--no-fill", "--duration=300ms", "--warm-up=50ms"});
    EXPECT_EQ(run.code, 1);
    EXPECT_TRUE(run.err.starts_with("grass-bench: not one of ")) << run.err;
    EXPECT_NE(run.out.find("operations found no key"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("failed      0\n"), std::string::npos) << run.out;
  }
  // Some are.
  ASSERT_EQ(Bench(cluster, {"put", "--keys=10", "--duration=300ms"}).code, 0);
  const Finished some = Bench(cluster, {"get", "--no-fill", "--keys=30", "--duration=300ms"});
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_NE(some.out.find("operations found no key"), std::string::npos) << some.out;
}

TEST(GrassBench, TellsWhatTheServersCost) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const Finished run =
      Bench(cluster, {"put", "--clients=8", "--duration=1s", "--warm-up=100ms", "-w", "json",
                      "--server-pids=" + std::to_string(cluster.process(0).id())});
  ASSERT_EQ(run.code, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_GT(
      json["servers_user_us_per_op"].get<double>() + json["servers_system_us_per_op"].get<double>(),
      0);
  EXPECT_GT(json["servers_rss_mib"].get<double>(), 1);
  EXPECT_TRUE(json["other_cores"].is_number());
}

// What was measured of the clients is worth as much.
TEST(GrassBench, ReportsAlsoWhereAServerHasEndedMeanwhile) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const int other = cluster.SomeFollower();
  const std::string out = cluster.directory() + "/bench.out";
  const std::string err = cluster.directory() + "/bench.err";
  Process bench({GRASS_BENCH_BINARY, "put", "--peers=" + cluster.address(leader), "--duration=2s",
                 "--warm-up=1ms", "--deadline=20s", "-w", "json",
                 "--server-pids=" + std::to_string(cluster.process(other).id())},
                out, err);
  ASSERT_TRUE(WaitFor(Seconds(20), [&] {
    const auto status = cluster.Status(leader);
    return status.has_value() && status->revision() > 10;
  }));
  cluster.Kill(other);
  EXPECT_EQ(bench.Wait(Seconds(60)), 0) << ReadFile(err);
  const Json json = Json::parse(ReadFile(out));
  EXPECT_GT(json["completed"].get<int>(), 0);
  EXPECT_TRUE(json["servers_lost"].get<std::string>().starts_with("there is no process "));
  EXPECT_EQ(json["servers_user_us_per_op"], nullptr);
  EXPECT_EQ(json["disturbed"], nullptr);
}

// Measures `workload` while the leadership is handed over.
void ExpectRedirectsToBeCounted(const std::string& workload) {
  Cluster cluster(3);
  const int leader = cluster.StartAndElect();
  const std::string out = cluster.directory() + "/bench.out";
  const std::string err = cluster.directory() + "/bench.err";
  // What is retried in the warm-up is not counted, and a hundred writes take no longer than a few
  // milliseconds.
  Process bench({GRASS_BENCH_BINARY, workload, "--peers=" + cluster.address(leader), "--clients=8",
                 "--warm-up=1ms", "--duration=4s", "--deadline=20s", "-w", "json"},
                out, err);
  ASSERT_TRUE(WaitFor(Seconds(20), [&] {
    const auto status = cluster.Status(leader);
    return status.has_value() && status->revision() > 100;
  }));
  EXPECT_EQ(cluster.Cli({"transfer-leader"}).code, 0);
  EXPECT_EQ(bench.Wait(Seconds(60)), 0) << ReadFile(err);
  const Json json = Json::parse(ReadFile(out));
  EXPECT_EQ(json["failed"], 0);
  EXPECT_GE(json["retried_after"].value("NOT_LEADER", 0), 1) << json["retried_after"];
}

TEST(GrassBench, FollowsTheLeadershipAndCountsTheRedirects) {
  ExpectRedirectsToBeCounted("put");
}

TEST(GrassBench, CountsTheAnswersOfAnOverloadedNodeByKind) {
  Cluster cluster(1, {"--write-backlog=1KiB"});
  cluster.StartAndElect();
  const Finished run =
      Bench(cluster, {"put", "--clients=32", "--duration=1s", "--warm-up=50ms", "-w", "json"});
  const Json json = Json::parse(run.out);
  EXPECT_GT(json["retried_after"].value("OVERLOADED", 0), 0) << json["retried_after"];
  EXPECT_GT(json["completed"].get<int>(), 0);
  EXPECT_EQ(run.code == 0, json["failed"] == 0) << run.err;
}

TEST(GrassBench, ExitsWithAnErrorOfItsOwnWithoutACluster) {
  Cluster cluster(1);  // not started
  const std::string plot = cluster.directory() + "/plot.html";
  std::ofstream(plot) << "an earlier page";
  const Finished run = Bench(cluster, {"put", "--deadline=1s", "--plot=" + plot});
  EXPECT_EQ(ReadFile(plot), "an earlier page");
  EXPECT_EQ(run.code, 3);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err,
            "grass-bench: --peers: no leader has answered within 1 s (" + cluster.address(0) +
                ": cannot connect (Connection refused)); see that a majority of the nodes runs, or "
                "name others\n");
  const Finished etcd = Bench(cluster, {"put", "--protocol=etcd", "--deadline=1s"});
  EXPECT_EQ(etcd.code, 3);
  EXPECT_EQ(etcd.err, run.err);
}

TEST(GrassBench, LeavesNoPageBehindWhenItIsInterruptedBeforeItMeasures) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const TestDirectory pages;
  Process bench({GRASS_BENCH_BINARY, "get", "--peers=" + cluster.address(0), "--keys=100000000",
                 "--plot=" + pages.path() + "/plot.html"},
                cluster.directory() + "/bench.out", cluster.directory() + "/bench.err");
  ASSERT_TRUE(WaitFor(Seconds(20), [&] {
    const auto status = cluster.Status(0);
    return status.has_value() && status->keys() > 100;
  }));
  bench.Signal(SIGINT);
  EXPECT_EQ(bench.Wait(Seconds(30)), 130);
  EXPECT_TRUE(std::filesystem::is_empty(pages.path()));
}

TEST(GrassBench, FailsIfOperationsDo) {
  Cluster cluster(1);
  cluster.StartAndElect();
  std::vector<std::string> command = {
      GRASS_BENCH_BINARY, "put",          "--peers=" + cluster.address(0), "--deadline=200ms",
      "--warm-up=100ms",  "--duration=2s"};
  const std::string out = cluster.directory() + "/bench.out";
  const std::string err = cluster.directory() + "/bench.err";
  Process bench(command, out, err);
  // Until it is at work.
  ASSERT_TRUE(WaitFor(Seconds(20), [&] {
    const auto status = cluster.Status(0);
    return status.has_value() && status->keys() > 0;
  }));
  cluster.Kill(0);
  EXPECT_EQ(bench.Wait(Seconds(30)), 1);
  EXPECT_NE(ReadFile(out).find("connection lost"), std::string::npos) << ReadFile(out);
  EXPECT_NE(ReadFile(out).find("outcome unknown"), std::string::npos) << ReadFile(out);
  EXPECT_NE(ReadFile(err).find("operations failed\n"), std::string::npos) << ReadFile(err);
}

TEST(GrassBench, CountsEveryPutOfTheStream) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const std::uint64_t before = Revision(cluster);
  const Finished run = Bench(cluster, {"stream", "--clients=100", "--channels=2", "--keys=50",
                                       "--duration=1s", "--warm-up=100ms", "-w", "json"});
  ASSERT_EQ(run.code, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["failed"], 0);
  const auto completed = json["completed"].get<std::uint64_t>();
  EXPECT_GT(completed, 100u);
  EXPECT_GE(Revision(cluster) - before, completed);
  const auto status = cluster.Status(0);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->sessions(), 100u) << "each client has a session";
}

TEST(GrassBench, CountsTheRedirectsOfTheStream) {
  ExpectRedirectsToBeCounted("stream");
}

TEST(GrassBench, SaysHowManyPutsOfTheStreamWereNeverBegun) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const Finished run = Bench(cluster, {"stream", "--clients=2", "--rate=1000000", "--duration=1s",
                                       "--warm-up=100ms", "-w", "json"});
  const Json json = Json::parse(run.out);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_GT(json["not_started"].get<std::uint64_t>(), 500'000u);
  EXPECT_EQ(json["latency_us"]["count"].get<std::uint64_t>(), 1'000'000u)
      << "all that were due in the measured second";
}

TEST(GrassBench, ReportsWhatItHasWhenItIsInterrupted) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const std::string out = cluster.directory() + "/bench.out";
  const std::string err = cluster.directory() + "/bench.err";
  const std::string plot = cluster.directory() + "/plot.html";
  Process bench({GRASS_BENCH_BINARY, "put", "--peers=" + cluster.address(0), "--warm-up=1ms",
                 "--duration=600s", "-w", "json", "--plot=" + plot},
                out, err);
  ASSERT_TRUE(WaitFor(Seconds(20), [&] {
    const auto status = cluster.Status(0);
    return status.has_value() && status->revision() > 100;
  }));
  bench.Signal(SIGINT);
  EXPECT_EQ(bench.Wait(Seconds(30)), 130);
  EXPECT_EQ(ReadFile(err), "grass-bench: interrupted; the report is of the time until then\n");
  const Json json = Json::parse(ReadFile(out));
  EXPECT_EQ(json["ended_early"], true);
  EXPECT_GT(json["completed"].get<std::uint64_t>(), 50u);
  EXPECT_LT(json["seconds"].get<double>(), 100);
  EXPECT_TRUE(ReadFile(plot).ends_with("</html>\n"));
}

TEST(GrassBench, MeasuresThePiecesWithoutACluster) {
  const TestDirectory directory;
  const Finished run = RunToEnd({GRASS_BENCH_BINARY, "micro", "--filter=wal", "--min-time=10ms",
                                 "--data-dir=" + directory.path(), "-w", "json"},
                                directory.path());
  ASSERT_EQ(run.code, 0) << run.err;
  const Json json = Json::parse(run.out);
  ASSERT_EQ(json["benchmarks"].size(), 1u);
  EXPECT_EQ(json["benchmarks"][0]["name"], "wal/write-64");
  EXPECT_GT(json["benchmarks"][0]["items_per_second"].get<double>(), 0);
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    EXPECT_FALSE(entry.is_directory()) << entry.path() << " is left over";
  }
  const Finished nowhere =
      RunToEnd({GRASS_BENCH_BINARY, "micro", "--data-dir=/no/such/folder"}, directory.path());
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_EQ(nowhere.err,
            "grass-bench micro: --data-dir '/no/such/folder': no folder can be made in it: No such "
            "file or directory; name a folder that is there and writable\n");
}

TEST(GrassBench, LeavesNoLogBehindWhenItIsEndedAmongThePieces) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const TestDirectory data;
    const TestDirectory output;
    const std::string err = output.path() + "/err";
    Process bench({GRASS_BENCH_BINARY, "micro", "--filter=wal", "--min-time=600s",
                   "--data-dir=" + data.path()},
                  output.path() + "/out", err);
    ASSERT_TRUE(WaitFor(Seconds(20), [&] {
      const std::filesystem::recursive_directory_iterator files(data.path());
      return std::any_of(begin(files), end(files),
                         [](const auto& entry) { return entry.is_regular_file(); });
    }));
    bench.Signal(signal);
    EXPECT_EQ(bench.Wait(Seconds(30)), 128 + signal);
    EXPECT_EQ(ReadFile(err), "grass-bench micro: interrupted\n");
    EXPECT_TRUE(std::filesystem::is_empty(data.path()));
  }
}

TEST(GrassBench, LeavesNoLogBehindWhenNobodyReadsOnWhatThePiecesTake) {
  for (const std::string form : {"text", "json"}) {
    const TestDirectory data;
    const TestDirectory output;
    const Finished run =
        RunToEnd({"/bin/sh", "-c",
                  GRASS_BENCH_BINARY " micro --filter=w --min-time=1ms --data-dir=" + data.path() +
                      " -w " + form + " | true"},
                 output.path());
    EXPECT_NE(run.err.find("the figures could not be written"), std::string::npos) << run.err;
    EXPECT_TRUE(std::filesystem::is_empty(data.path()));
  }
}

TEST(GrassBench, RefusesWhatItCannotDoBeforeItBegins) {
  Cluster cluster(1);
  const Finished stream = Bench(cluster, {"stream", "--protocol=etcd"});
  EXPECT_EQ(stream.code, 2);
  const Finished nobody = Bench(cluster, {"put", "--server-pids=2147483647"});
  EXPECT_EQ(nobody.code, 2);
  EXPECT_NE(nobody.err.find("--server-pids: there is no process 2147483647"), std::string::npos)
      << nobody.err;
  const Finished plot = Bench(cluster, {"put", "--plot=" + cluster.directory() + "/no/plot.html"});
  EXPECT_EQ(plot.code, 2);
  EXPECT_NE(plot.err.find("cannot be written: No such file"), std::string::npos) << plot.err;
  const Finished folder = Bench(cluster, {"put", "--plot=" + cluster.directory()});
  EXPECT_EQ(folder.code, 2);
  EXPECT_NE(folder.err.find("cannot be written: Is a directory"), std::string::npos) << folder.err;
  const Finished report = Bench(cluster, {"put", "--plot=/dev/stdout"});
  EXPECT_EQ(report.code, 2);
  EXPECT_NE(report.err.find("cannot be written: the report goes there"), std::string::npos)
      << report.err;
}

}  // namespace
}  // namespace grassdb
