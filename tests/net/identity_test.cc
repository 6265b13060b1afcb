#include "net/identity.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "store/identity.h"
#include "store/posix.h"

namespace grassdb::net {
namespace {

class IdentityTest : public ::testing::Test {
 protected:
  IdentityTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "grassdb_identity_XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    options_.name = "n1";
    options_.data_directory = root_ + "/data";
  }
  ~IdentityTest() override { std::filesystem::remove_all(root_); }

  void Write(const Identity& identity) const {
    auto directory = store::OpenPosixDirectory(options_.data_directory);
    ASSERT_TRUE(directory.ok());
    ASSERT_TRUE(store::WriteIdentity(**directory, store::FileNames("n1"), identity).ok());
  }

  std::string root_;
  ServerOptions options_;
};

TEST_F(IdentityTest, OfOtherNodesInTheDirectoryAreTold) {
  EXPECT_TRUE(OtherNodesIn(options_).empty()) << "there is no directory yet";
  std::filesystem::create_directory(options_.data_directory);
  for (const char* file : {"distdb_n3.id", "distdb_n1.id", "distdb_a.b.id", "distdb_n2.wal",
                           "distdb_n4.id.tmp", "distdb_.id", "distdb_x y.id", "n5.id"}) {
    std::ofstream(options_.data_directory + "/" + file) << "any";
  }
  EXPECT_EQ(OtherNodesIn(options_), (std::vector<std::string>{"a.b", "n3"}));
}

Identity Joined() {
  Identity identity;
  identity.cluster = ClusterId(7);
  identity.cluster_name = "blue";
  identity.node = NodeIdOf("n1");
  identity.node_name = "n1";
  identity.incarnation = Incarnation(5);
  return identity;
}

TEST_F(IdentityTest, LookingForItMakesNoDirectory) {
  const auto found = FindIdentity(options_);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->has_value());
  EXPECT_FALSE(std::filesystem::exists(options_.data_directory));
}

TEST_F(IdentityTest, ThatWasLostIsNotTakenForANodeWithoutData) {
  std::filesystem::create_directory(options_.data_directory);
  std::ofstream(options_.data_directory + "/distdb_n1.00000000000000000001.seg") << "any";
  const auto found = FindIdentity(options_);
  ASSERT_TRUE(absl::IsFailedPrecondition(found.status())) << found.status();
  EXPECT_NE(found.status().message().find("distdb_n1.id is missing"), std::string_view::npos);
  EXPECT_NE(found.status().message().find("Way out: "), std::string_view::npos);
}

TEST_F(IdentityTest, OfANodeThatIsBeingReplacedIsRefusedByThatName) {
  std::filesystem::create_directory(options_.data_directory);
  std::ofstream(options_.data_directory + "/distdb_n1.placing") << "restore\n";
  const auto found = FindIdentity(options_);
  ASSERT_TRUE(absl::IsFailedPrecondition(found.status())) << found.status();
  EXPECT_NE(found.status().message().find("a `grassdb restore` of this node was interrupted"),
            std::string_view::npos)
      << found.status();
}

TEST_F(IdentityTest, OfANodeThatHasJoinedIsFoundWithAnEmptyBootstrapConfiguration) {
  Write(Joined());
  const auto found = FindIdentity(options_);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->cluster, ClusterId(7));
  EXPECT_EQ((*found)->cluster_name, "blue");
  EXPECT_EQ((*found)->incarnation, Incarnation(5));
  EXPECT_TRUE((*found)->bootstrap.empty());
}

TEST_F(IdentityTest, OfANodeWithDataNeedsNoFlag) {
  const auto expected = ExpectedIdentity(options_, Joined());
  ASSERT_TRUE(expected.ok());
  EXPECT_EQ(expected->cluster, ClusterId(7));
  options_.join = ServerOptions::Join();
  EXPECT_TRUE(ExpectedIdentity(options_, Joined()).ok()) << "--join is over";
  options_.cluster_name = "blue";
  EXPECT_TRUE(ExpectedIdentity(options_, Joined()).ok());
  options_.cluster_name = "red";
  EXPECT_TRUE(absl::IsFailedPrecondition(ExpectedIdentity(options_, Joined()).status()));
}

TEST_F(IdentityTest, OfANodeThatHasJoinedIsNotThatOfANewCluster) {
  options_.cluster = *ParseCluster("n1=h:1,n2=h:2");
  const auto refused = ExpectedIdentity(options_, Joined());
  ASSERT_TRUE(absl::IsFailedPrecondition(refused.status()));
  EXPECT_NE(refused.status().message().find("start it without --cluster"), absl::string_view::npos);
}

TEST_F(IdentityTest, OfABirthIsTheSameForTheSameList) {
  const std::atomic<bool> stop{false};
  options_.cluster = *ParseCluster("n1=h:1,n2=h:2");
  const auto born = NewIdentity(options_, stop);
  ASSERT_TRUE(born.ok());
  EXPECT_EQ(born->cluster_name, "grassdb");
  EXPECT_EQ(born->bootstrap, options_.cluster);
  options_.cluster = *ParseCluster("n2=h:9,n1=h:8");
  const auto again = ExpectedIdentity(options_, *born);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->cluster, born->cluster);
}

TEST_F(IdentityTest, WithoutDataNeedsToBeToldHowToBegin) {
  EXPECT_TRUE(absl::IsInvalidArgument(CheckCanBegin(options_)));
  options_.join = ServerOptions::Join();
  EXPECT_TRUE(CheckCanBegin(options_).ok());
}

TEST_F(IdentityTest, AJoinThatIsStoppedLeavesNoDirectory) {
  const std::atomic<bool> stop{true};
  options_.join = ServerOptions::Join();
  options_.join->peers = {"127.0.0.1:1"};
  EXPECT_TRUE(absl::IsCancelled(NewIdentity(options_, stop).status()));
  EXPECT_FALSE(std::filesystem::exists(options_.data_directory));
  std::filesystem::create_directory(options_.data_directory);
  EXPECT_TRUE(absl::IsCancelled(NewIdentity(options_, stop).status()));
  EXPECT_TRUE(std::filesystem::exists(options_.data_directory)) << "it was there before";
}

}  // namespace
}  // namespace grassdb::net
