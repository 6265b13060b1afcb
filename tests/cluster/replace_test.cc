// grassdb restore and recover, killed before each of their steps.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cluster/cluster.h"
#include "tests/sanitized.h"

namespace grassdb {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

constexpr int kAsIfKilled = 137;
constexpr int kStepsMax = 500;
// Each takes the start of four programs, which with sanitizers is seconds.
constexpr int kStepsApart = kSanitized ? 7 : 1;
constexpr std::uint64_t kOldRevision = 2;  // of two puts
constexpr std::uint64_t kNewRevision = 1'000'000'000'000 + kOldRevision;

Finished RunAndDie(const std::string& directory, const Arguments& arguments, int step) {
  Arguments command = {"/usr/bin/env", "LD_PRELOAD=" DYING_PROCESS_LIBRARY,
                       // The library is not the first one, which sanitizers ask for.
                       "ASAN_OPTIONS=verify_asan_link_order=0",
                       "GRASSDB_TEST_DIES_AT=" + std::to_string(step), GRASSDB_BINARY};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return RunToEnd(command, directory);
}

class Replacing : public ::testing::Test {
 protected:
  // A node that has been stopped, and a backup of it.
  Replacing() : cluster_(1) {
    cluster_.StartAndElect();
    EXPECT_EQ(cluster_.Cli({"set", "k", "v"}).code, 0);
    EXPECT_EQ(cluster_.Cli({"snapshot"}).code, 0);
    EXPECT_EQ(cluster_.Cli({"set", "l", "w"}).code, 0);
    cluster_.Kill(0);
    EXPECT_EQ(Offline(cluster_.data_directory(0), file_).code, 0);
  }

  // The state of the node in the directory, read as it is.
  Finished Offline(const std::string& data, const std::string& file) {
    return RunGrassdb(cluster_.directory(),
                      {"backup", "--data-dir", data, "--id", "node1", "-o", file});
  }

  // That the directory holds a node whose state has this revision; whole, or it would be refused.
  bool IsWhole(const std::string& data, std::uint64_t revision) {
    const std::string file = cluster_.directory() + "/again.backup";
    fs::remove(file);
    const Finished taken = Offline(data, file);
    const std::string wanted = "revision " + std::to_string(revision) + ";";
    const bool same = taken.out.find(wanted) != std::string::npos;
    EXPECT_TRUE(same) << wanted << " " << data << ": " << taken.out << taken.err;
    return same;
  }

  // What a start in the directory says, where it does not start.
  Finished Start(const std::string& data) {
    return RunGrassdb(cluster_.directory(),
                      {"--id", "node1", "--cluster", cluster_.ClusterFlag(), "--data-dir", data});
  }

  void ExpectNoNode(const std::string& data) {
    const Finished refused = Start(data);
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.err.find("was interrupted"), std::string::npos) << refused.err;
    EXPECT_NE(Offline(data, cluster_.directory() + "/never").code, 0);
  }

  // That a recovery does not finish a restore that was interrupted.
  void ExpectNoRecovery() {
    const Finished refused =
        RunGrassdb(cluster_.directory(),
                   {"recover", "--force-new-cluster", "--data-dir", data_, "--id", "node1"});
    EXPECT_EQ(refused.code, 1) << refused.out;
    EXPECT_NE(refused.err.find("Way out: run "), std::string::npos) << refused.err;
    ASSERT_TRUE(IsUnderWay(data_));
  }

  static bool IsUnderWay(const std::string& data) {
    return fs::exists(data + "/distdb_node1.replacing") ||
           fs::exists(data + "/distdb_node1.placing");
  }

  // Where the old files are; empty if they are in their place.
  std::string Old() const {
    for (const auto& entry : fs::directory_iterator(data_)) {
      const std::string name = entry.path().filename();
      if (name.find(".before-") != std::string::npos) return entry.path();
    }
    return {};
  }

  Cluster cluster_;
  const std::string file_ = cluster_.directory() + "/state.backup";
  const std::string data_ = cluster_.directory() + "/victim";
};

TEST_F(Replacing, ARecoveryKilledAnywhereKeepsTheOldNodeAndGoesOn) {
  const Arguments recover = {"recover", "--force-new-cluster", "--data-dir", data_, "--id", "node1",
                             "--yes"};
  int under_way = 0;
  int step = 1;
  for (; step < kStepsMax; step += kStepsApart) {
    SCOPED_TRACE("killed before step " + std::to_string(step));
    fs::remove_all(data_);
    // Nothing writes into the files of the old node.
    fs::copy(cluster_.data_directory(0), data_,
             fs::copy_options::recursive | fs::copy_options::create_hard_links);
    const Finished killed = RunAndDie(cluster_.directory(), recover, step);
    if (killed.code == 0) break;
    ASSERT_EQ(killed.code, kAsIfKilled) << killed.err;
    if (IsUnderWay(data_)) {
      ++under_way;
      ExpectNoNode(data_);
    }
    // Behind the last step but one it is done, and another one would begin anew.
    if (IsUnderWay(data_) || Old().empty()) {
      ASSERT_TRUE(IsUnderWay(data_) || IsWhole(data_, kOldRevision));
      const Finished again = RunGrassdb(cluster_.directory(), recover);
      ASSERT_EQ(again.code, 0) << again.err;
    }
    ASSERT_TRUE(IsWhole(data_, kNewRevision));
    ASSERT_FALSE(Old().empty()) << "the old files are nowhere";
    ASSERT_TRUE(IsWhole(Old(), kOldRevision));
  }
  EXPECT_LT(step, kStepsMax);
  EXPECT_GT(under_way, 10 / kStepsApart) << "no step between the old node and the new one was met";
}

TEST_F(Replacing, ARestoreKilledAnywhereGoesOnAndIsNothingUntilItIsDone) {
  const Arguments restore = {"restore", file_,   "--data-dir", data_,
                             "--id",    "node1", "--cluster",  cluster_.ClusterFlag()};
  int under_way = 0;
  int step = 1;
  for (; step < kStepsMax; step += kStepsApart) {
    SCOPED_TRACE("killed before step " + std::to_string(step));
    fs::remove_all(data_);
    const Finished killed = RunAndDie(cluster_.directory(), restore, step);
    if (killed.code == 0) break;
    ASSERT_EQ(killed.code, kAsIfKilled) << killed.err;
    if (IsUnderWay(data_)) {
      ++under_way;
      ExpectNoNode(data_);
      Arguments another = restore;
      another.insert(another.end(), {"--cluster-name", "another"});
      const Finished refused = RunGrassdb(cluster_.directory(), another);
      EXPECT_EQ(refused.code, 1);
      EXPECT_NE(refused.err.find("to another cluster"), std::string::npos) << refused.err;
      ExpectNoRecovery();
    }
    const Finished again = RunGrassdb(cluster_.directory(), restore);
    if (again.code != 0) {
      // It had come to its end but for the workshop.
      EXPECT_NE(again.err.find("holds data of node1 already"), std::string::npos) << again.err;
    }
    ASSERT_TRUE(IsWhole(data_, kNewRevision));
  }
  EXPECT_LT(step, kStepsMax);
  EXPECT_GT(under_way, 10 / kStepsApart) << "no step before the end was met";
}

TEST_F(Replacing, WhatIsLeftOfARestoreIsCalledThatByEveryCommand) {
  fs::create_directory(data_);
  std::ofstream(data_ + "/distdb_node1.placing") << "restore\n";
  const Finished start = RunGrassdb(
      cluster_.directory(), {"--id", "node1", "--addr", cluster_.address(0), "--data-dir", data_});
  EXPECT_EQ(start.code, 1);
  EXPECT_NE(start.err.find("a `grassdb restore` of this node was interrupted"), std::string::npos)
      << start.err;
  const Finished verify = RunGrassdb(cluster_.directory(), {"verify", "--data-dir", data_});
  EXPECT_EQ(verify.code, 1);
  EXPECT_NE(verify.out.find("run the same command again"), std::string::npos) << verify.out;
  EXPECT_EQ(verify.out.find("delete"), std::string::npos) << verify.out;
  ExpectNoRecovery();
  // What it would be finished with is gone.
  const Finished restore =
      RunGrassdb(cluster_.directory(), {"restore", file_, "--data-dir", data_, "--id", "node1",
                                        "--cluster", cluster_.ClusterFlag()});
  EXPECT_EQ(restore.code, 1);
  EXPECT_NE(restore.err.find("remove distdb_node1.placing"), std::string::npos) << restore.err;
  EXPECT_TRUE(IsUnderWay(data_));
}

}  // namespace
}  // namespace grassdb
