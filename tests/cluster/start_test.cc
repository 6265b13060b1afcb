// Starts that cannot be: one line on stderr, the right exit code, and nothing touched.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/cluster/cluster.h"

namespace grassdb {
namespace {

void ExpectOneLine(const Finished& result, int code, const std::string& part) {
  EXPECT_EQ(result.code, code);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

// Each file with what is in it.
std::map<std::string, std::string> FilesIn(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files[entry.path().filename()] = ReadFile(entry.path());
  }
  return files;
}

std::vector<std::string> With(std::vector<std::string> command, const std::string& flag,
                              const std::string& value) {
  command.push_back(flag);
  command.push_back(value);
  return command;
}

// `command` with another value for one of its flags.
std::vector<std::string> Replace(std::vector<std::string> command, const std::string& flag,
                                 const std::string& value) {
  const auto at = std::ranges::find(command, flag);
  if (at == command.end()) return With(std::move(command), flag, value);
  *(at + 1) = value;
  return command;
}

TEST(Start, RefusesAnAddressThatIsInUse) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const std::string elsewhere = cluster.directory() + "/elsewhere";
  const Finished second =
      RunToEnd(Replace(cluster.Command(0), "--data-dir", elsewhere), cluster.directory());
  ExpectOneLine(second, 1, cluster.address(0) + " is in use");
  EXPECT_FALSE(std::filesystem::exists(elsewhere)) << "the address comes before the data";
  EXPECT_EQ(cluster.Cli({"set", "k", "v"}).code, 0) << "the first node is undisturbed";
}

TEST(Start, RefusesAnEmptyHostWhosePortIsInUse) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const std::string port = cluster.address(0).substr(cluster.address(0).rfind(':'));
  const Finished second = RunToEnd(
      With(Replace(cluster.Command(0), "--data-dir", cluster.directory() + "/x"), "--addr", port),
      cluster.directory());
  ExpectOneLine(second, 1, "in use");
}

TEST(Start, RefusesDataThatAnotherProcessHasOpen) {
  Cluster cluster(1);
  cluster.StartAndElect();
  const ReservedPort other;
  const Finished second =
      RunToEnd(With(cluster.Command(0), "--addr", other.address()), cluster.directory());
  ExpectOneLine(second, 1, "locked by another process");
  EXPECT_EQ(cluster.Cli({"set", "k", "v"}).code, 0) << "the first node is undisturbed";
}

TEST(Start, RefusesTheDataOfAnotherCluster) {
  Cluster cluster(1);
  cluster.StartAndElect();
  cluster.Kill(0);
  const auto before = FilesIn(cluster.data_directory(0));
  const Finished other =
      RunToEnd(With(cluster.Command(0), "--cluster-name", "other"), cluster.directory());
  ExpectOneLine(other, 1, "belongs to");
  EXPECT_TRUE(FilesIn(cluster.data_directory(0)) == before) << "not even the lock's process id";
  cluster.StartAndElect();
}

TEST(Start, RefusesALogWithoutItsIdentityAndLeavesNoLockFile) {
  Cluster cluster(1);
  cluster.StartAndElect();
  cluster.Kill(0);
  const std::string prefix = cluster.data_directory(0) + "/distdb_node1.";
  std::filesystem::rename(prefix + "id", cluster.directory() + "/id");
  std::filesystem::remove(prefix + "lock");
  const auto before = FilesIn(cluster.data_directory(0));
  ExpectOneLine(RunToEnd(cluster.Command(0), cluster.directory()), 1, "distdb_node1.id is missing");
  EXPECT_TRUE(FilesIn(cluster.data_directory(0)) == before);
  std::filesystem::rename(cluster.directory() + "/id", prefix + "id");
  cluster.StartAndElect();
}

// A mistyped --id, as far as anybody can tell.
TEST(Start, WarnsWhenANewNodeBeginsBesideTheDataOfOthers) {
  Cluster cluster(1);
  cluster.StartAndElect();
  EXPECT_EQ(cluster.log(0).find("begins without data"), std::string::npos) << cluster.log(0);
  cluster.Kill(0);
  const auto command = Replace(Replace(cluster.Command(0), "--id", "nod1"), "--cluster",
                               "nod1=" + cluster.address(0));
  cluster.Start(0, command);
  cluster.Leader();
  EXPECT_NE(cluster.log(0).find("nod1 begins without data; " + cluster.data_directory(0) +
                                " holds data of node1, which it does not use"),
            std::string::npos)
      << cluster.log(0);
}

// The lines of `log` that hold both.
int CountOf(const std::string& log, const std::string& level, const std::string& part) {
  std::istringstream lines(log);
  int count = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool both =
        line.find(" " + level + " ") != std::string::npos && line.find(part) != std::string::npos;
    count += both ? 1 : 0;
  }
  return count;
}

TEST(Start, TellsOnceThatAPeerIsDownAndOnceThatItIsBack) {
  Cluster cluster(3, {"--log-level", "debug"});
  cluster.Start(0);
  cluster.Start(1);
  const int leader = cluster.Leader();
  const auto told = [&](const std::string& level, const std::string& part) {
    return CountOf(cluster.log(leader), level, part);
  };
  const std::string never = "Cannot reach node3 at " + cluster.address(2);
  const std::string lost = "stream to node3 at " + cluster.address(2);
  // More than five seconds of them, which was the time between two warnings.
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return told("debug", never) >= 20; }));
  EXPECT_EQ(told("warning", never), 1);
  EXPECT_EQ(told("warning", lost), 0);
  cluster.Start(2);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return told("info", "Reached node3") == 1; }));
  cluster.Kill(2);
  EXPECT_TRUE(WaitFor(Cluster::kPatience, [&] { return told("warning", lost) == 1; }));
  EXPECT_EQ(told("warning", never), 1);
}

TEST(Start, RefusesADirectoryThatCannotBe) {
  Cluster cluster(1);
  const std::string file = cluster.directory() + "/file";
  std::ofstream(file) << "not a directory";
  ExpectOneLine(RunToEnd(Replace(cluster.Command(0), "--data-dir", file), cluster.directory()), 1,
                "not a directory");
  ExpectOneLine(
      RunToEnd(Replace(cluster.Command(0), "--data-dir", cluster.directory() + "/no/such/parent"),
               cluster.directory()),
      1, "/no/such/parent");
}

TEST(Start, RefusesWrongUsageBeforeAnythingElse) {
  Cluster cluster(1);
  ExpectOneLine(RunToEnd(Replace(cluster.Command(0), "--id", "stranger"), cluster.directory()), 2,
                "stranger is not a member");
  ExpectOneLine(RunToEnd(With(cluster.Command(0), "--heartbeat", "often"), cluster.directory()), 2,
                "'often'");
  EXPECT_FALSE(std::filesystem::exists(cluster.data_directory(0)));
}

TEST(Start, ListensOnEveryInterfaceWithAnEmptyHost) {
  Cluster cluster(1);
  const std::string port = cluster.address(0).substr(cluster.address(0).rfind(':'));
  const std::string log = cluster.directory() + "/log";
  const Process node(With(cluster.Command(0), "--addr", port), log, log);
  cluster.Leader();
  EXPECT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
}

TEST(Start, SharesADirectoryWithTheOtherNodes) {
  Cluster cluster(3);
  const std::string shared = cluster.directory() + "/shared";
  std::vector<std::unique_ptr<Process>> nodes;
  for (int i = 0; i < 3; ++i) {
    const auto command = Replace(cluster.Command(i), "--data-dir", shared);
    const std::string log = cluster.directory() + "/" + cluster.name(i) + ".log";
    nodes.push_back(std::make_unique<Process>(command, log, log));
  }
  cluster.Leader();
  EXPECT_EQ(cluster.Cli({"set", "k", "v"}).code, 0);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(std::filesystem::exists(shared + "/distdb_node" + std::to_string(i) + ".wal"));
  }
}

}  // namespace
}  // namespace grassdb
