#include "sim/damage.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "sim/disk.h"
#include "sim/fault_atlas.h"
#include "sim/run.h"
#include "sim/schedule.h"
#include "store/record.h"

namespace grassdb::sim {
namespace {

DiskPlan QuickDisk() {
  DiskPlan plan;
  plan.read = Duration(10);
  plan.write = Duration(100);
  plan.sync_min = Duration(1000);
  plan.sync_spread = Duration(0);
  return plan;
}

class Permissive final : public DamageGuard {
 public:
  bool MayFailToRead(std::uint32_t, std::string_view) const override { return true; }
  bool MayMisread(std::uint32_t, std::string_view, std::string_view, const Extent&) const override {
    return true;
  }
};

// A disk with the durable files f (two sectors of 'a' over 'o') and g (one of 'g').
class DamagedDisk : public ::testing::Test {
 protected:
  explicit DamagedDisk(const DiskPlan& plan = QuickDisk())
      : disk_(plan, Keyed(1), 0, &counters_, &choices_) {
    Write("f", 0, std::string(2 * kSectorBytes, 'o'));
    Write("f", 0, std::string(2 * kSectorBytes, 'a'));
    Write("g", 0, std::string(kSectorBytes, 'g'));
    disk_.BeginJob(now_);
    EXPECT_TRUE(disk_.Sync().ok());
    now_ = disk_.EndJob();
  }

  void Write(const std::string& name, std::uint64_t offset, const std::string& text) {
    disk_.BeginJob(now_);
    auto file = disk_.Open(name, store::OpenMode::kExisting);
    if (!file.ok()) file = disk_.Open(name, store::OpenMode::kCreate);
    const std::string_view parts[] = {text};
    EXPECT_TRUE((*file)->WriteAt(offset, parts).ok());
    EXPECT_TRUE((*file)->Sync().ok());
    now_ = disk_.EndJob();
  }
  absl::StatusOr<std::string> Read(const std::string& name, std::uint64_t offset = 0,
                                   std::size_t size = 4 * kSectorBytes) {
    disk_.BeginJob(now_);
    std::string content(size, '\0');
    const auto read = (*disk_.Open(name, store::OpenMode::kExisting))->ReadAt(offset, content);
    now_ = disk_.EndJob();
    if (!read.ok()) return read.status();
    content.resize(*read);
    return content;
  }
  void Damage(DamageKind kind, const Extent& extent, bool evicted = true,
              const std::string& other = "g") {
    disk_.Damage(now_, {.kind = kind,
                        .file = "f",
                        .extent = extent,
                        .other_file = other,
                        .other_begin = 0,
                        .random = 3,
                        .evicted = evicted});
  }
  void LosePower() { disk_.Crash(now_, CrashKind::kPower, ++crashes_); }

  Counters counters_;
  Choices choices_;
  SimDisk disk_;
  TrueTime now_;
  std::uint64_t crashes_ = 0;
};

constexpr Extent kFirstSector = {0, kSectorBytes};

// One for each question: what was lost, and what else the disk had promised.
TEST_F(DamagedDisk, IsCopiedAsALossOfPowerWouldLeaveItWithItsDamageAndWithout) {
  Damage(DamageKind::kZeroed, kFirstSector);
  disk_.BeginJob(now_);
  const std::string_view parts[] = {"not synced"};
  EXPECT_TRUE((*disk_.Open("g", store::OpenMode::kExisting))->WriteAt(0, parts).ok());
  now_ = disk_.EndJob();
  SimDisk copy(QuickDisk(), Keyed(1), 0, &counters_, &choices_);
  copy.BecomeDurableCopyOf(disk_, now_);
  const auto content = [&copy](const std::string& name) {
    std::string bytes(4 * kSectorBytes, '\0');
    copy.BeginJob(copy.busy_until());
    const auto read = (*copy.Open(name, store::OpenMode::kExisting))->ReadAt(0, bytes);
    copy.EndJob();
    bytes.resize(read.value_or(0));
    return bytes;
  };
  EXPECT_EQ(content("f"), std::string(kSectorBytes, '\0') + std::string(kSectorBytes, 'a'));
  EXPECT_EQ(content("g"), std::string(kSectorBytes, 'g'));
  EXPECT_TRUE(copy.IsDamaged());
  EXPECT_EQ(copy.DamagedFiles(), std::vector<std::string>{"f"});
  copy.Undamage();
  EXPECT_EQ(content("f"), std::string(2 * kSectorBytes, 'a'));
  EXPECT_FALSE(copy.IsDamaged());
  EXPECT_TRUE(copy.DamagedFiles().empty());
  EXPECT_TRUE(disk_.IsDamaged()) << "the copy is not the disk";
}

TEST_F(DamagedDisk, FlipsOneBit) {
  Damage(DamageKind::kBitFlip, {700, 701});
  std::string wanted(2 * kSectorBytes, 'a');
  wanted[700] = 'a' ^ 8;
  EXPECT_EQ(*Read("f"), wanted);
  EXPECT_TRUE(disk_.TakeMet());
  EXPECT_FALSE(disk_.TakeMet()) << "once";
  EXPECT_EQ(*Read("f", 0, 700), std::string(700, 'a'));
  EXPECT_FALSE(disk_.TakeMet()) << "not that bit";
}

TEST_F(DamagedDisk, ZeroesAndGarblesWhatItIsTold) {
  Damage(DamageKind::kZeroed, kFirstSector);
  EXPECT_EQ(*Read("f"), std::string(kSectorBytes, '\0') + std::string(kSectorBytes, 'a'));
  Damage(DamageKind::kGarbled, kFirstSector);
  const std::string garbled = Read("f")->substr(0, kSectorBytes);
  EXPECT_GT(std::set<char>(garbled.begin(), garbled.end()).size(), 100u);
}

TEST_F(DamagedDisk, LosesTheLastWriteOfASectorThoughItWasSynced) {
  Damage(DamageKind::kLostWrite, kFirstSector);
  EXPECT_EQ(*Read("f"), std::string(kSectorBytes, 'o') + std::string(kSectorBytes, 'a'));
}

TEST_F(DamagedDisk, PutsAWriteInAnotherPlaceAndLeavesTheOldBytesInItsOwn) {
  Damage(DamageKind::kMisdirectedWrite, kFirstSector);
  EXPECT_EQ(*Read("f"), std::string(kSectorBytes, 'o') + std::string(kSectorBytes, 'a'));
  EXPECT_TRUE(disk_.TakeMet());
  EXPECT_EQ(*Read("g"), std::string(kSectorBytes, 'a'));
  EXPECT_TRUE(disk_.TakeMet());
}

TEST_F(DamagedDisk, ShowsAnotherSectorForGood) {
  Damage(DamageKind::kMisdirectedRead, kFirstSector);
  EXPECT_EQ(*Read("f"), std::string(kSectorBytes, 'g') + std::string(kSectorBytes, 'a'));
  EXPECT_EQ(*Read("g"), std::string(kSectorBytes, 'g'));
}

TEST_F(DamagedDisk, CannotReadASectorUntilItIsWritten) {
  Damage(DamageKind::kUnreadable, kFirstSector);
  EXPECT_EQ(Read("f").status().code(), absl::StatusCode::kUnknown);
  EXPECT_TRUE(disk_.TakeMet());
  EXPECT_EQ(*Read("f", kSectorBytes), std::string(kSectorBytes, 'a')) << "the other one";
  EXPECT_FALSE(disk_.TakeMet());
  Write("f", kSectorBytes + 1, "elsewhere");
  EXPECT_FALSE(Read("f").ok());
  Write("f", 1, "part");
  EXPECT_EQ(Read("f")->substr(0, kSectorBytes), "apart" + std::string(kSectorBytes - 5, 'a'));
  EXPECT_FALSE(disk_.IsDamaged());
}

TEST_F(DamagedDisk, ComesBackWithAnOlderSize) {
  Write("f", 2 * kSectorBytes, "more");
  LosePower();
  EXPECT_EQ(disk_.DurableFiles(now_)[0].older_size, 2 * kSectorBytes);
  Damage(DamageKind::kShrunk, {2 * kSectorBytes, 2 * kSectorBytes + 4});
  EXPECT_EQ(*Read("f"), std::string(2 * kSectorBytes, 'a'));
  EXPECT_TRUE(disk_.TakeMet());
  EXPECT_EQ(disk_.DurableFiles(now_)[0].content.size(), 2 * kSectorBytes + 4) << "without damage";
}

TEST_F(DamagedDisk, HidesDamageBehindThePageCacheUntilThatIsLost) {
  Damage(DamageKind::kZeroed, kFirstSector, /*evicted=*/false);
  EXPECT_EQ(*Read("f"), std::string(2 * kSectorBytes, 'a'));
  EXPECT_FALSE(disk_.TakeMet());
  EXPECT_TRUE(disk_.IsDamaged());
  LosePower();
  EXPECT_EQ(Read("f")->front(), '\0');
  EXPECT_TRUE(disk_.TakeMet());
}

TEST_F(DamagedDisk, IsWholeAgainWhereItIsWrittenAgain) {
  Damage(DamageKind::kGarbled, kFirstSector);
  Write("f", 0, std::string(100, 'b'));
  EXPECT_TRUE(disk_.IsDamaged()) << "behind that";
  EXPECT_EQ(*Read("f", 0, 100), std::string(100, 'b'));
  EXPECT_FALSE(disk_.TakeMet());
  Write("f", 100, std::string(kSectorBytes - 100, 'b'));
  EXPECT_EQ(*Read("f", 0, kSectorBytes), std::string(kSectorBytes, 'b'));
  EXPECT_FALSE(disk_.IsDamaged());
  LosePower();
  EXPECT_EQ(*Read("f"), std::string(kSectorBytes, 'b') + std::string(kSectorBytes, 'a'));
}

TEST_F(DamagedDisk, KnowsItsDamageAfterEveryPowerLoss) {
  Damage(DamageKind::kGarbled, kFirstSector);
  for (int crash = 0; crash < 40; ++crash) {
    disk_.BeginJob(now_);
    auto file = disk_.Open("f", store::OpenMode::kExisting);
    const std::string text(kSectorBytes / 2, static_cast<char>('A' + crash % 26));
    const std::string_view parts[] = {text};
    ASSERT_TRUE((*file)->WriteAt(kSectorBytes / 4, parts).ok());
    now_ = disk_.EndJob();
    LosePower();
    ASSERT_TRUE(disk_.IsDamaged()) << "its edges were never written again";
    ASSERT_NE(*Read("f", 0, kSectorBytes / 4), std::string(kSectorBytes / 4, 'a'));
    ASSERT_TRUE(disk_.TakeMet());
    ASSERT_EQ(*Read("f", kSectorBytes), std::string(kSectorBytes, 'a'));
    ASSERT_FALSE(disk_.TakeMet());
  }
}

TEST_F(DamagedDisk, IsSoundWithoutTheFile) {
  Damage(DamageKind::kZeroed, kFirstSector);
  disk_.BeginJob(now_);
  EXPECT_TRUE(disk_.Remove("f").ok());
  now_ = disk_.EndJob();
  EXPECT_TRUE(disk_.IsDamaged()) << "a crash may bring it back";
  disk_.BeginJob(now_);
  EXPECT_TRUE(disk_.Sync().ok());
  now_ = disk_.EndJob();
  disk_.BeginJob(now_);
  now_ = disk_.EndJob();
  EXPECT_FALSE(disk_.IsDamaged());
}

class MisreadingDisk : public DamagedDisk {
 protected:
  static DiskPlan Plan() {
    DiskPlan plan = QuickDisk();
    plan.misread = 1'000'000;
    return plan;
  }
  MisreadingDisk() : DamagedDisk(Plan()) {}
};

TEST_F(MisreadingDisk, MisdirectsAReadOnceAndNoneThatItMayNot) {
  EXPECT_EQ(*Read("f"), std::string(2 * kSectorBytes, 'a')) << "without a guard none may be";
  const Permissive all;
  disk_.SetGuard(&all);
  std::uint64_t wrong = 0;
  for (int i = 0; i < 50; ++i) {
    const bool is_wrong = *Read("f") != std::string(2 * kSectorBytes, 'a');
    EXPECT_EQ(disk_.TakeMet(), is_wrong);
    wrong += is_wrong ? 1 : 0;
  }
  EXPECT_GT(wrong, 10u);
  EXPECT_EQ(counters_.misreads, wrong);
  disk_.Heal();
  EXPECT_EQ(*Read("f"), std::string(2 * kSectorBytes, 'a'));
  EXPECT_FALSE(disk_.IsDamaged());
}

}  // namespace
}  // namespace grassdb::sim
