// grassdb verify, dump, backup, restore and recover, on the data of real nodes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cluster/cluster.h"
#include "tests/cluster/writer.h"

namespace grassdb {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kGap = 1'000'000'000'000;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void ExpectOneLine(const Finished& result, int code, const std::string& part) {
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_TRUE(Has(result.err, part)) << result.err;
}

std::map<std::string, std::string> FilesIn(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.is_regular_file()) files[entry.path().filename()] = ReadFile(entry.path());
  }
  return files;
}

void FlipByte(const std::string& file, std::size_t at) {
  std::string bytes = ReadFile(file);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
}

std::map<std::string, std::string> WriteSome(const Cluster& cluster, int count) {
  std::map<std::string, std::string> written;
  net::DatabaseClient client = cluster.Client();
  for (int i = 0; i < count; ++i) {
    const std::string key = "k" + std::to_string(i);
    written[key] = "value of " + key;
    EXPECT_EQ(client.Set(key, written[key]).code, Outcome::Code::kOk);
  }
  return written;
}

std::vector<Json> LinesOf(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
  return lines;
}

// Where the record of the live log with this number begins.
std::size_t PlaceOfRecord(const Cluster& cluster, const std::string& data, int sequence) {
  for (const Json& line :
       LinesOf(RunGrassdb(cluster.directory(), {"dump", "--data-dir", data, "--json"}).out)) {
    if (line["file"] == "distdb_node1.wal" && line.value("sequence", 0) == sequence) {
      return line["offset"].get<std::size_t>();
    }
  }
  ADD_FAILURE() << "no record " << sequence;
  return 0;
}

TEST(DataTools, VerifyAndDumpReadARunningAndAStoppedNode) {
  Cluster cluster(1);
  cluster.StartAndElect();
  WriteSome(cluster, 20);
  EXPECT_EQ(cluster.Cli({"snapshot"}).code, 0);
  WriteSome(cluster, 20);
  const std::string data = cluster.data_directory(0);
  const Finished running = RunGrassdb(cluster.directory(), {"verify", "--data-dir", data});
  EXPECT_EQ(running.code, 0) << running.out << running.err;
  EXPECT_TRUE(
      Has(running.out, "process " + std::to_string(cluster.process(0).id()) + " is running on it"))
      << running.out;
  EXPECT_EQ(cluster.Cli({"set", "k", "v"}).code, 0) << "the node is undisturbed";
  cluster.Kill(0);

  const auto before = FilesIn(data);
  const Finished whole = RunGrassdb(cluster.directory(), {"verify", "--data-dir", data});
  EXPECT_EQ(whole.code, 0) << whole.out << whole.err;
  EXPECT_TRUE(Has(whole.out, "node1: whole")) << whole.out;
  EXPECT_FALSE(Has(whole.out, "is running on it")) << whole.out;
  const Finished json = RunGrassdb(cluster.directory(), {"verify", "--data-dir", data, "--json"});
  const Json report = Json::parse(json.out);
  EXPECT_TRUE(report["whole"].get<bool>());
  EXPECT_GT(report["nodes"][0]["start"]["last_index"].get<int>(), 40);
  EXPECT_GT(report["nodes"][0]["start"]["snapshot_index"].get<int>(), 20);

  const Finished dump = RunGrassdb(cluster.directory(), {"dump", "--data-dir", data, "--json"});
  EXPECT_EQ(dump.code, 0) << dump.err;
  std::size_t puts = 0;
  for (const Json& line : LinesOf(dump.out)) {
    if (!line.contains("entries")) continue;
    for (const Json& entry : line["entries"]) {
      if (entry.value("command", "") != "transaction") continue;
      puts += entry["then"].size();
    }
  }
  EXPECT_EQ(puts, 41u);
  std::map<std::string, Json> by_type;
  for (const Json& line : LinesOf(dump.out)) {
    const std::string type = line.value("type", "");
    if (!by_type.contains(type) || line.value("counts", false)) by_type[type] = line;
  }
  EXPECT_EQ(by_type["segment header"]["before"]["cut"], 0);
  EXPECT_EQ(by_type["batch"]["members"][0]["name"], "node1") << "of the first one of a segment";
  EXPECT_EQ(by_type["batch"]["before"]["last"]["index"], 0);
  EXPECT_GT(by_type["mark"]["durable_sequence"].get<int>(), 20) << "it has been idle";
  EXPECT_GT(by_type["mark"]["after"]["last"]["index"].get<int>(), 20);
  const Finished text = RunGrassdb(cluster.directory(), {"dump", "--data-dir", data});
  EXPECT_TRUE(Has(text.out, "value of k7")) << text.out.substr(0, 2000);
  EXPECT_TRUE(FilesIn(data) == before) << "looking changes nothing";
}

TEST(DataTools, VerifyNamesTheDamagedFileAndPlace) {
  Cluster cluster(3, kEachWriteAtOnce);
  cluster.StartAndElect();
  WriteSome(cluster, 50);
  for (int i = 0; i < 3; ++i) cluster.Kill(i);
  const std::string data = cluster.data_directory(0);
  const std::size_t offset = PlaceOfRecord(cluster, data, 10);  // in the middle of the log
  ASSERT_GT(offset, 0u);
  FlipByte(data + "/distdb_node1.wal", offset + 40);
  const Finished damaged = RunGrassdb(cluster.directory(), {"verify", "--data-dir", data});
  EXPECT_EQ(damaged.code, 1) << damaged.out;
  EXPECT_TRUE(Has(damaged.out, "damaged: distdb_node1.wal at offset " + std::to_string(offset)))
      << damaged.out;
  EXPECT_TRUE(Has(damaged.out, "lost on this disk: the entry ")) << damaged.out;
  EXPECT_TRUE(Has(damaged.out, "may be with: node2, node3 (members, by the newest configuration"))
      << damaged.out;
  EXPECT_TRUE(Has(damaged.out, "way out: start node1 with the other members up")) << damaged.out;
  EXPECT_FALSE(Has(damaged.out, "a start refuses")) << damaged.out;
  EXPECT_TRUE(Has(damaged.out, "node1: DAMAGED")) << damaged.out;
  const Finished json = RunGrassdb(cluster.directory(), {"verify", "--data-dir", data, "--json"});
  const Json node = Json::parse(json.out)["nodes"][0];
  EXPECT_EQ(node["findings"][0]["offset"], offset);
  EXPECT_EQ(node["lost"]["entries"].size(), 1u);
  EXPECT_EQ(node["lost"]["may_be_with"], Json({"node2", "node3"}));
  EXPECT_EQ(RunGrassdb(cluster.directory(), {"dump", "--data-dir", data}).code, 1);
}

TEST(DataTools, RefuseWrongUsage) {
  const TestDirectory directory;
  const std::string& here = directory.path();
  const auto run = [&](const std::vector<std::string>& arguments) {
    return RunGrassdb(here, arguments);
  };
  ExpectOneLine(run({"verify", "--data-dir", here + "/none"}), 2, here + "/none");
  ExpectOneLine(run({"verify", "--data-dir", here}), 2, here + " holds no data of any node");
  ExpectOneLine(run({"verify", "--data-dir"}), 2, "--data-dir");
  ExpectOneLine(run({"verify", "--frob"}), 2, "--frob");
  ExpectOneLine(run({"dump", "--id", "a/b"}), 2, "--id");
  ExpectOneLine(run({"backup", "-o", "x"}), 2, "--peers");
  ExpectOneLine(run({"backup", "--peers", "127.0.0.1:1"}), 2, "--output is required");
  ExpectOneLine(run({"backup", "--peers", "127.0.0.1", "-o", "x"}), 2, "--peers");
  ExpectOneLine(run({"backup", "--peers", "127.0.0.1:1", "--deadline", "1s", "-o", "x"}), 1,
                "127.0.0.1:1: cannot connect");
  ExpectOneLine(run({"backup", "--peers", "127.0.0.1:1", "-o", "no/such/x"}), 2, "no/such");
  ExpectOneLine(run({"restore"}), 2, "file");
  ExpectOneLine(run({"restore", "x", "--id", "a", "--cluster", "b=127.0.0.1:1"}), 2,
                "a is not a member");
  ExpectOneLine(run({"restore", "x", "--id", "a", "--cluster", "a=127.0.0.1:1"}), 2, "x");
  std::ofstream(here + "/run.empty").close();
  for (const std::string& file : {std::string("/etc/passwd"), here + "/run.empty"}) {
    const Finished no_backup = run({"restore", file, "--id", "a", "--cluster", "a=127.0.0.1:1"});
    ExpectOneLine(no_backup, 1, "this is no backup, or a damaged one");
    EXPECT_TRUE(Has(no_backup.err, "Way out: give another file")) << no_backup.err;
    EXPECT_FALSE(Has(no_backup.err, "distdb_")) << no_backup.err;
  }
  ExpectOneLine(run({"recover", "--id", "a"}), 2, "--force-new-cluster is required");
  ExpectOneLine(run({"recover", "--force-new-cluster", "--id", "a"}), 2, "holds no data of a");
  for (const char* tool : {"verify", "dump", "backup", "restore", "recover"}) {
    const Finished help = run({tool, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_TRUE(Has(help.out, "Example")) << help.out;
    EXPECT_TRUE(Has(run({"--help"}).out, "grassdb " + std::string(tool)));
  }
  for (const auto& [name, bytes] : FilesIn(here)) {
    EXPECT_TRUE(name.starts_with("run")) << name << ": only the outputs are there";
  }
}

TEST(DataTools, ABackupOfNobodySaysSoBeforeItsDeadline) {
  const TestDirectory directory;
  const ReservedPort nobody;
  ExpectOneLine(RunGrassdb(directory.path(), {"backup", "--peers", nobody.address(), "-o", "x"}), 1,
                "no peer can be reached");
}

TEST(DataTools, ABackupWithoutALeaderSaysWhatItWaitsForAndEnds) {
  Cluster cluster(3);
  cluster.Start(0);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return cluster.Status(0).has_value(); }));
  const std::string file = cluster.directory() + "/backup";
  const Finished alone = RunGrassdb(
      cluster.directory(), {"backup", "--peers", cluster.address(0), "--wait", "5s", "-o", file});
  EXPECT_EQ(alone.code, 1);
  EXPECT_EQ(std::ranges::count(alone.err, '\n'), 2) << alone.err;
  EXPECT_TRUE(Has(alone.err, "no copy yet, trying again for 5s: " + cluster.address(0)))
      << alone.err;
  EXPECT_TRUE(Has(alone.err, "no peer has given a whole copy of the state in time")) << alone.err;

  for (const int other : {1, 2}) cluster.Start(other);
  const Finished served = RunGrassdb(
      cluster.directory(), {"backup", "--peers", cluster.address(0), "--wait", "60s", "-o", file});
  EXPECT_EQ(served.code, 0) << served.err;
}

TEST(DataTools, SayThatTheirOutputIsLost) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const std::string grassdb = cluster.Command(0).front();
  for (const char* tool : {"verify", "dump"}) {
    const std::string err = cluster.directory() + "/" + tool + ".err";
    Process process({grassdb, tool, "--data-dir", cluster.data_directory(0)}, "/dev/full", err);
    EXPECT_EQ(process.Wait(Cluster::kPatience), 2);
    EXPECT_TRUE(Has(ReadFile(err), "not all of the output could be written")) << ReadFile(err);
  }
}

// Whoever is asked whether to go on must be able to leave.
TEST(DataTools, RecoverEndsWithASignalWhileItAsks) {
  Cluster cluster(1);
  cluster.StartAndElect();
  cluster.Kill(0);
  const auto before = FilesIn(cluster.data_directory(0));
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);  // at which nobody answers
  ASSERT_TRUE(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
  const std::string answers = ptsname(terminal);
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string err = cluster.directory() + "/recover." + std::to_string(signal);
    Process process({cluster.Command(0).front(), "recover", "--force-new-cluster", "--data-dir",
                     cluster.data_directory(0), "--id", "node1"},
                    cluster.directory() + "/recover.out", err, answers);
    ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return Has(ReadFile(err), "Type the node"); }));
    process.Signal(signal);
    EXPECT_EQ(process.Wait(Seconds(20)), 128 + signal);
  }
  close(terminal);
  auto after = FilesIn(cluster.data_directory(0));
  after["distdb_node1.lock"] = before.at("distdb_node1.lock");  // names the process
  EXPECT_TRUE(after == before) << "nothing was changed";
}

// A cluster that is made of a backup; not started yet.
void RestoreAll(const Cluster& cluster, const std::string& file) {
  for (int i = 0; i < cluster.size(); ++i) {
    const Finished restored = RunGrassdb(
        cluster.directory(), {"restore", file, "--data-dir", cluster.data_directory(i), "--id",
                              cluster.name(i), "--cluster", cluster.ClusterFlag()});
    ASSERT_EQ(restored.code, 0) << restored.err;
  }
}

TEST(DataTools, ABackupOfALiveClusterBecomesANewOne) {
  Cluster old(3, {"--snapshot-log-size", "64KiB"});
  old.StartAndElect();
  const auto before = WriteSome(old, 300);
  const std::string file = old.directory() + "/state.backup";
  std::uint64_t revision = 0;
  {
    Writer writer(old, "during");
    ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] { return writer.acknowledged() > 20; }));
    const int acknowledged = writer.acknowledged();
    const Finished taken = RunGrassdb(
        old.directory(), {"backup", "--peers", old.address(0) + "," + old.address(1), "-o", file});
    ASSERT_EQ(taken.code, 0) << taken.err;
    EXPECT_TRUE(Has(taken.out, "cluster 'grassdb'")) << taken.out;
    EXPECT_GT(writer.acknowledged(), acknowledged) << "writes went on";
    writer.Stop();
    const auto status = old.Status(old.Leader());
    ASSERT_TRUE(status.has_value());
    revision = status->revision();
  }
  ExpectOneLine(RunGrassdb(old.directory(), {"backup", "--peers", old.address(0), "-o", file}), 1,
                "is there already");

  Cluster restored(3);
  RestoreAll(restored, file);
  // In the same breath as the old one, on the same machine: they are two clusters.
  restored.StartAndElect();
  ExpectAll(restored, before);
  const auto status = restored.Status(restored.Leader());
  ASSERT_TRUE(status.has_value());
  EXPECT_GE(status->revision(), kGap);
  EXPECT_GT(status->revision(), revision);
  EXPECT_NE(status->cluster_id(), old.Status(old.Leader())->cluster_id());
  EXPECT_EQ(restored.Cli({"set", "new", "life"}).code, 0);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto a = restored.Status(0);
    const auto b = restored.Status(1);
    const auto c = restored.Status(2);
    return a && b && c && a->digest() == b->digest() && b->digest() == c->digest();
  })) << "all three hold the same";
  EXPECT_EQ(old.Cli({"get", "new"}).out, "(nil)\n");
  ExpectOneLine(
      RunGrassdb(old.directory(), {"restore", file, "--data-dir", restored.data_directory(0),
                                   "--id", "node1", "--cluster", restored.ClusterFlag()}),
      1, "holds data of node1 already");
}

TEST(DataTools, ABackupOfAStoppedNodeHoldsItsWholeLog) {
  Cluster old(1);
  old.StartAndElect();
  auto written = WriteSome(old, 30);
  EXPECT_EQ(old.Cli({"snapshot"}).code, 0);
  ASSERT_EQ(old.Cli({"set", "after", "the snapshot"}).code, 0);
  written["after"] = "the snapshot";
  const std::string file = old.directory() + "/state.backup";
  const std::vector<std::string> backup = {
      "backup", "--data-dir", old.data_directory(0), "--id", "node1", "-o", file};
  const Finished running = RunGrassdb(old.directory(), backup);
  ExpectOneLine(running, 1, "locked by another process");
  EXPECT_TRUE(Has(running.err, "--peers")) << running.err;
  EXPECT_FALSE(std::filesystem::exists(file));
  old.Kill(0);
  const Finished taken = RunGrassdb(old.directory(), backup);
  ASSERT_EQ(taken.code, 0) << taken.err;
  EXPECT_TRUE(Has(taken.out, "Whether all of them were committed is not known")) << taken.out;
  EXPECT_TRUE(Has(taken.out, " bytes of state in a file of " +
                                 std::to_string(std::filesystem::file_size(file)) + " bytes\n"))
      << taken.out;

  // Any damaged byte is noticed before anything is made of it.
  const std::string damaged = old.directory() + "/damaged";
  std::filesystem::copy_file(file, damaged);
  FlipByte(damaged, std::filesystem::file_size(file) / 2);
  Cluster restored(1);
  const Finished refused =
      RunGrassdb(old.directory(), {"restore", damaged, "--data-dir", restored.data_directory(0),
                                   "--id", "node1", "--cluster", restored.ClusterFlag()});
  ExpectOneLine(refused, 1, "Way out: give another file");
  EXPECT_FALSE(Has(refused.err, "distdb_ files")) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(restored.data_directory(0)));
  RestoreAll(restored, file);
  restored.StartAndElect();
  ExpectAll(restored, written);
  EXPECT_EQ(restored.Cli({"set", "k", "v"}).code, 0);
  restored.Kill(0);
  restored.StartAndElect();
  EXPECT_EQ(restored.Cli({"get", "k"}).out, "v\n");
}

TEST(DataTools, ANodeOfALostMajorityBecomesAClusterThatOthersJoin) {
  Cluster cluster(3, kEachWriteAtOnce);
  cluster.StartAndElect();
  const auto written = WriteSome(cluster, 40);
  EXPECT_EQ(cluster.Cli({"snapshot"}).code, 0);
  // An entry behind the snapshot: to a single node alone it is in doubt.
  EXPECT_EQ(cluster.Cli({"set", "k7", "value of k7"}).code, 0);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto here = cluster.Status(0);
    const auto there = cluster.Status(cluster.Leader());
    return here && there && here->durable_index() == there->last_index();
  }));
  const std::string data = cluster.data_directory(0);
  std::vector<std::string> recover = {
      "recover", "--force-new-cluster", "--data-dir", data, "--id", "node1", "--yes"};
  const Finished in_use = RunGrassdb(cluster.directory(), recover);
  ExpectOneLine(in_use, 1, "locked by another process");
  for (int i = 0; i < 3; ++i) cluster.Kill(i);
  const auto before = FilesIn(data);
  recover.pop_back();
  const Finished unconfirmed = RunGrassdb(cluster.directory(), recover);
  EXPECT_EQ(unconfirmed.code, 1);
  EXPECT_TRUE(Has(unconfirmed.err, "not confirmed; nothing was changed")) << unconfirmed.err;
  EXPECT_TRUE(Has(unconfirmed.err, "In doubt: entries")) << unconfirmed.err;
  EXPECT_TRUE(Has(unconfirmed.err, "node2, node3")) << unconfirmed.err;
  for (const auto& [name, bytes] : before) {
    if (name.ends_with(".lock")) continue;
    EXPECT_TRUE(ReadFile(data + "/" + name) == bytes) << name;
  }
  recover.insert(recover.end(), {"--yes", "--addr", "foo"});
  ExpectOneLine(RunGrassdb(cluster.directory(), recover), 2, "--addr foo: 'foo': expected");
  recover.resize(recover.size() - 2);
  const Finished recovered = RunGrassdb(cluster.directory(), recover);
  ASSERT_EQ(recovered.code, 0) << recovered.err;

  cluster.Start(0, cluster.CommandOfRestart(0));
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto status = cluster.Status(0);
    return status && status->role() == "leader" && status->serving();
  })) << cluster.log(0);
  const auto status = cluster.Status(0);
  EXPECT_EQ(status->members_size(), 1);
  EXPECT_EQ(status->failures_tolerated(), 0u);
  EXPECT_GT(status->revision(), kGap);
  const Finished got = RunCli(cluster.directory(), {"--peers", cluster.address(0), "get", "k7"});
  EXPECT_EQ(got.out, "value of k7\n") << got.err;
  const Finished set =
      RunCli(cluster.directory(), {"--peers", cluster.address(0), "set", "alone", "yes"});
  EXPECT_EQ(set.code, 0) << set.err;

  // A member of the old cluster with its data is a stranger; without, it joins.
  cluster.Start(1, cluster.CommandOfRestart(1));
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return Has(cluster.log(1), "refuses this node"); }))
      << cluster.log(1);
  cluster.Kill(1);
  std::filesystem::remove_all(cluster.data_directory(1));
  std::vector<std::string> join = cluster.CommandOfRestart(1);
  join.insert(join.end(), {"--join", cluster.address(0)});
  cluster.Start(1, join);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto here = cluster.Status(0);
    const auto there = cluster.Status(1);
    return here && there && here->members_size() == 2 && here->digest() == there->digest() &&
           there->keys() == written.size() + 1;
  })) << cluster.log(1);
}

TEST(DataTools, ADamagedNodeOfALostMajorityGoesOnWithWhatWasBeforeTheDamage) {
  Cluster cluster(3, kEachWriteAtOnce);
  cluster.StartAndElect();
  WriteSome(cluster, 60);
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto here = cluster.Status(0);
    const auto there = cluster.Status(cluster.Leader());
    return here && there && here->durable_index() == there->last_index();
  }));
  for (int i = 0; i < 3; ++i) cluster.Kill(i);
  const std::string data = cluster.data_directory(0);
  const std::size_t at = PlaceOfRecord(cluster, data, 30);
  FlipByte(data + "/distdb_node1.wal", at + 40);
  auto before = FilesIn(data);
  before.erase("distdb_node1.lock");
  std::vector<std::string> recover = {
      "recover", "--force-new-cluster", "--data-dir", data, "--id", "node1", "--yes"};
  const Finished refused = RunGrassdb(cluster.directory(), recover);
  EXPECT_EQ(refused.code, 1);
  for (const std::string& part :
       {"distdb_node1.wal at offset " + std::to_string(at), std::string("Kept is what was before"),
        std::string("cannot be read"), std::string("put k59 (not there before)"),
        std::string("nothing was changed"), std::string("--discard-from-damage")}) {
    EXPECT_TRUE(Has(refused.err, part)) << part << " is not in: " << refused.err;
  }
  for (const auto& [name, bytes] : before) {
    EXPECT_TRUE(ReadFile(data + "/" + name) == bytes) << name;
  }

  recover.emplace_back("--discard-from-damage");
  const Finished recovered = RunGrassdb(cluster.directory(), recover);
  ASSERT_EQ(recovered.code, 0) << recovered.err;
  EXPECT_TRUE(Has(recovered.err, "put k59")) << recovered.err;
  std::map<std::string, std::string> aside;
  for (const auto& entry : std::filesystem::directory_iterator(data)) {
    if (Has(entry.path().filename(), ".before-")) aside = FilesIn(entry.path());
  }
  for (const auto& [name, bytes] : before) {
    EXPECT_TRUE(aside[name] == bytes) << name << " is kept";
  }
  cluster.Start(0, cluster.CommandOfRestart(0));
  ASSERT_TRUE(WaitFor(Cluster::kPatience, [&] {
    const auto status = cluster.Status(0);
    return status && status->role() == "leader" && status->serving();
  })) << cluster.log(0);
  const auto get = [&](const std::string& key) {
    return RunCli(cluster.directory(), {"--peers", cluster.address(0), "get", key}).out;
  };
  EXPECT_EQ(get("k0"), "value of k0\n");
  EXPECT_EQ(get("k59"), "(nil)\n");
  EXPECT_EQ(RunCli(cluster.directory(), {"--peers", cluster.address(0), "set", "k59", "new"}).code,
            0);
}

// The formats of the segments that the node has.
std::vector<int> FormatsOf(const Cluster& cluster, int node) {
  const Finished dump = RunGrassdb(
      cluster.directory(),
      {"dump", "--data-dir", cluster.data_directory(node), "--id", cluster.name(node), "--json"});
  EXPECT_EQ(dump.code, 0) << dump.err;
  std::vector<int> formats;
  for (const Json& line : LinesOf(dump.out)) {
    if (line.contains("format") && line.value("type", "") == "segment header") {
      formats.push_back(line["format"]);
    }
  }
  return formats;
}

TEST(DataTools, DiskFormatOneLeavesNothingOfFormatTwoBehindASnapshot) {
  Cluster cluster(1);
  cluster.Start(0);
  cluster.Leader();
  const auto written = WriteSome(cluster, 50);
  cluster.Kill(0);
  ASSERT_EQ(FormatsOf(cluster, 0), std::vector<int>{2});

  std::vector<std::string> command = cluster.CommandOfRestart(0);
  command.insert(command.end(), {"--disk-format", "1"});
  cluster.Start(0, command);
  cluster.Leader();
  ASSERT_EQ(cluster.Cli({"set", "one", "more"}).code, 0);
  ASSERT_EQ(cluster.Cli({"snapshot"}).code, 0);
  cluster.Kill(0);
  EXPECT_EQ(FormatsOf(cluster, 0), std::vector<int>{1});

  // And back again, with all that was written.
  cluster.Start(0);
  cluster.Leader();
  net::DatabaseClient client = cluster.Client();
  for (const auto& [key, value] : written)
    EXPECT_EQ(client.Get(key, ReadMode::kLinearizable).reply.value, value) << key;
  EXPECT_EQ(client.Get("one", ReadMode::kLinearizable).reply.value, "more");
}

}  // namespace
}  // namespace grassdb
