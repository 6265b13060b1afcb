// sim/offline: a look at a disk sees what its node's recovery sees, and where the two differ the
// rule is broken.
#include "sim/offline.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/command.h"
#include "sim/violation.h"
#include "store/storage.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

Identity IdentityOfN1() {
  Identity identity;
  identity.bootstrap = Configuration({MakeMember("n1", "n1:1")});
  identity.cluster_name = "test";
  identity.cluster = ClusterIdOf(identity.bootstrap, identity.cluster_name);
  identity.node = NodeIdOf("n1");
  identity.node_name = "n1";
  identity.incarnation = Incarnation(1);
  identity.secret = 5;
  return identity;
}

store::StorageOptions SmallFiles() {
  store::StorageOptions options;
  options.segment_bytes = 4096;
  options.reserve_bytes = 1024;
  return options;
}

// The disk of n1, which has written three entries of term 1.
class OfflineFixture : public ::testing::Test {
 protected:
  OfflineFixture() : disk_(DiskPlan(), Keyed(1), 0, &counters_, &choices_) {
    const store::Opened opened = Open();
    Persist persist;
    persist.id = PersistId(1);
    persist.hard_state = HardState{.term = Term(1), .voted_for = NodeIdOf("n1"), .founder = true};
    for (std::uint64_t index = 1; index <= 3; ++index) {
      Command command;
      command.transaction = PutTransaction("k" + std::to_string(index), "v");
      persist.entries.push_back({.index = Index(index),
                                 .term = Term(1),
                                 .type = EntryType::kCommand,
                                 .payload = EncodeCommand(command)});
    }
    disk_.BeginJob(now_);
    EXPECT_TRUE(std::get<PersistDone>(opened.storage->Execute(std::move(persist))).status.ok());
    now_ = disk_.EndJob();
  }

  store::Opened Open() {
    disk_.BeginJob(now_);
    store::StorageOptions options = SmallFiles();
    options.on_damage = store::OnDamage::kReport;
    auto opened = store::Storage::Open(disk_, options, IdentityOfN1());
    now_ = disk_.EndJob();
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  Counters counters_;
  Choices choices_;
  SimDisk disk_;
  TrueTime now_;
};

TEST_F(OfflineFixture, SeesWhatRecoverySees) {
  const Offline offline(disk_, "n1", SmallFiles());
  RecoveredState state = Open().state;
  ASSERT_EQ(state.entries.size(), 3u);
  EXPECT_EQ(RuleBrokenBy([&] { offline.Check(&state); }), "");
}

TEST_F(OfflineFixture, FailsForARecoveryThatSeesSomethingElse) {
  const Offline offline(disk_, "n1", SmallFiles());
  RecoveredState state = Open().state;
  EXPECT_EQ(RuleBrokenBy([&] { offline.Check(nullptr); }), "offline") << "it is whole";
  RecoveredState shorter = state;
  shorter.entries.pop_back();
  EXPECT_EQ(RuleBrokenBy([&] { offline.Check(&shorter); }), "offline");
  RecoveredState older = state;
  older.hard_state.term = Term(7);
  EXPECT_EQ(RuleBrokenBy([&] { offline.Check(&older); }), "offline");
  RecoveredState damaged = state;
  damaged.damage.lost.push_back({Index(2), Index(2), Term(1)});
  EXPECT_EQ(RuleBrokenBy([&] { offline.Check(&damaged); }), "offline");
}

TEST_F(OfflineFixture, SeesADamagedIdentity) {
  disk_.Damage(now_, {.kind = DamageKind::kZeroed,
                      .file = store::FileNames("n1").Identity(),
                      .extent = {0, kSectorBytes},
                      .other_file = {},
                      .other_begin = 0,
                      .random = 3,
                      .evicted = true});
  const Offline offline(disk_, "n1", SmallFiles());
  EXPECT_EQ(RuleBrokenBy([&] { offline.Check(nullptr); }), "");
  const RecoveredState whole;
  EXPECT_EQ(RuleBrokenBy([&] { offline.Check(&whole); }), "offline");
}

TEST_F(OfflineFixture, LeavesTheDiskAsItIs) {
  const SimDisk::Image before = disk_.Save(now_);
  const Offline offline(disk_, "n1", SmallFiles());
  EXPECT_EQ(disk_.Save(now_), before);
  EXPECT_FALSE(disk_.TakeMet());
}

}  // namespace
}  // namespace grassdb::sim
