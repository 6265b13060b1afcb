#include "sim/disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "sim/text.h"

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

std::string Numbered(const char* stem, std::uint64_t number) {
  std::string name(stem);
  return name += Decimal(number);
}

class DiskFixture : public ::testing::Test {
 protected:
  DiskFixture() : disk_(QuickDisk(), Keyed(1), 0, &counters_, &choices_) {}

  TrueTime Now() const { return now_; }

  // Runs `body` as one job from now on and lets its time pass.
  template <class Body>
  void Job(Body body) {
    disk_.BeginJob(now_);
    body();
    now_ = disk_.EndJob();
  }

  void Write(const std::string& name, std::uint64_t offset, std::string_view text) {
    auto file = disk_.Open(name, store::OpenMode::kExisting);
    ASSERT_TRUE(file.ok());
    const std::string_view parts[] = {text};
    ASSERT_TRUE((*file)->WriteAt(offset, parts).ok());
  }
  void Create(const std::string& name) {
    ASSERT_TRUE(disk_.Open(name, store::OpenMode::kCreate).ok());
  }
  void SyncFile(const std::string& name) {
    auto file = disk_.Open(name, store::OpenMode::kExisting);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  // A file `f` with `text`, durable in content and name.
  void MakeDurable(const std::string& name, std::string_view text) {
    Job([&] {
      Create(name);
      Write(name, 0, text);
      SyncFile(name);
      ASSERT_TRUE(disk_.Sync().ok());
    });
  }

  bool Exists(const std::string& name) {
    bool exists = false;
    Job([&] { exists = disk_.Open(name, store::OpenMode::kExisting).ok(); });
    return exists;
  }
  std::string Content(const std::string& name) {
    std::string content(4096, '\0');
    Job([&] {
      auto file = disk_.Open(name, store::OpenMode::kExisting);
      ASSERT_TRUE(file.ok());
      const auto size = (*file)->ReadAt(0, content);
      ASSERT_TRUE(size.ok());
      content.resize(*size);
    });
    return content;
  }

  Counters counters_;
  Choices choices_;
  SimDisk disk_;
  TrueTime now_;
};

TEST_F(DiskFixture, KeepsWhatWasSyncedThroughEveryPowerLoss) {
  MakeDurable("f", "durable");
  for (std::uint64_t crash = 1; crash <= 50; ++crash) {
    disk_.Crash(Now(), CrashKind::kPower, crash);
    ASSERT_EQ(Content("f"), "durable");
  }
}

TEST_F(DiskFixture, LosesOrKeepsWhatWasNotSynced) {
  int lost = 0;
  int kept = 0;
  for (std::uint64_t crash = 1; crash <= 50; ++crash) {
    const std::string name = Numbered("f", crash);
    MakeDurable(name, "old");
    Job([&] { Write(name, 0, "new"); });
    EXPECT_EQ(Content(name), "new") << "reads see the page cache";
    disk_.Crash(Now(), CrashKind::kPower, crash);
    const std::string found = Content(name);
    lost += found == "old" ? 1 : 0;
    kept += found == "new" ? 1 : 0;
  }
  EXPECT_GT(lost, 5);
  EXPECT_GT(kept, 5);
}

TEST_F(DiskFixture, TearsASectorSometimes) {
  int torn = 0;
  for (std::uint64_t crash = 1; crash <= 200; ++crash) {
    const std::string name = Numbered("f", crash);
    MakeDurable(name, std::string(100, 'a'));
    Job([&] { Write(name, 0, std::string(100, 'b')); });
    disk_.Crash(Now(), CrashKind::kPower, crash);
    const std::string found = Content(name);
    ASSERT_EQ(found.size(), 100u);
    const bool has_old = found.find('a') != std::string::npos;
    const bool has_new = found.find('b') != std::string::npos;
    torn += has_old && has_new ? 1 : 0;
  }
  EXPECT_GT(torn, 0);
}

TEST_F(DiskFixture, LandsSectorsOfOneWriteOutOfOrder) {
  int later_without_earlier = 0;
  for (std::uint64_t crash = 1; crash <= 100; ++crash) {
    const std::string name = Numbered("f", crash);
    MakeDurable(name, std::string(2 * kSectorBytes, 'a'));
    Job([&] { Write(name, 0, std::string(2 * kSectorBytes, 'b')); });
    disk_.Crash(Now(), CrashKind::kPower, crash);
    const std::string found = Content(name);
    later_without_earlier += found.front() == 'a' && found.back() == 'b' ? 1 : 0;
  }
  EXPECT_GT(later_without_earlier, 0);
}

TEST_F(DiskFixture, LosesANameWithoutADirectorySync) {
  int lost = 0;
  for (std::uint64_t crash = 1; crash <= 20; ++crash) {
    const std::string name = Numbered("f", crash);
    Job([&] {
      Create(name);
      SyncFile(name);  // of the file, not of its name
    });
    disk_.Crash(Now(), CrashKind::kPower, crash);
    lost += Exists(name) ? 0 : 1;
  }
  EXPECT_GT(lost, 0);
}

TEST_F(DiskFixture, RenamesAtomicallyAndNotDurablyWithoutADirectorySync) {
  int renamed = 0;
  for (std::uint64_t crash = 1; crash <= 40; ++crash) {
    const std::string to = Numbered("to", crash);
    MakeDurable("from", "x");
    Job([&] { ASSERT_TRUE(disk_.Rename("from", to).ok()); });
    disk_.Crash(Now(), CrashKind::kPower, crash);
    ASSERT_NE(Exists("from"), Exists(to));
    renamed += Exists(to) ? 1 : 0;
    if (Exists("from")) {
      Job([&] {
        ASSERT_TRUE(disk_.Remove("from").ok());
        ASSERT_TRUE(disk_.Sync().ok());
      });
    }
  }
  EXPECT_GT(renamed, 0);
  EXPECT_LT(renamed, 40);
}

TEST_F(DiskFixture, MakesASyncCountOnlyWhenItsTimeHasCome) {
  int lost = 0;
  for (std::uint64_t crash = 1; crash <= 20; ++crash) {
    const std::string name = Numbered("f", crash);
    MakeDurable(name, "old");
    const TrueTime begin = Now();
    Job([&] {
      Write(name, 0, "new");
      SyncFile(name);
    });
    now_ = begin + Duration(500);  // the write has ended, the sync has not
    disk_.Crash(Now(), CrashKind::kPower, crash);
    lost += Content(name) == "old" ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
}

TEST_F(DiskFixture, KeepsThePageCacheWhenOnlyTheProcessDies) {
  MakeDurable("f", "old");
  Job([&] { Write("f", 0, "new"); });
  disk_.Crash(Now(), CrashKind::kProcess, 1);
  EXPECT_EQ(Content("f"), "new");
  // It is no more durable for having been read again.
  int lost = 0;
  for (std::uint64_t crash = 2; crash < 20 && Content("f") == "new"; ++crash) {
    disk_.Crash(Now(), CrashKind::kPower, crash);
    lost += Content("f") == "old" ? 1 : 0;
    if (lost == 0) Job([&] { Write("f", 0, "old"), SyncFile("f"), Write("f", 0, "new"); });
  }
  EXPECT_EQ(lost, 1);
}

TEST_F(DiskFixture, IsRestoredToWhatWasDurableWhenItWasSaved) {
  MakeDurable("f", "old");
  MakeDurable("g", "there");
  Job([&] { Write("f", 0, "new"); });
  const SimDisk::Image image = disk_.Save(Now());
  Job([&] {
    SyncFile("f");
    ASSERT_TRUE(disk_.Remove("g").ok());
    ASSERT_TRUE(disk_.Sync().ok());
  });
  MakeDurable("h", "later");
  disk_.Crash(Now(), CrashKind::kPower, 1);
  ASSERT_EQ(Content("f"), "new");
  disk_.Restore(image);
  EXPECT_EQ(Content("f"), "old");
  EXPECT_EQ(Content("g"), "there");
  EXPECT_FALSE(Exists("h"));
  disk_.Crash(Now(), CrashKind::kPower, 2);
  EXPECT_EQ(Content("f"), "old") << "it is durable";
}

TEST_F(DiskFixture, UndoesWhatTheProcessHadNotReachedWhenItDied) {
  MakeDurable("f", "old");
  const TrueTime begin = Now();
  Job([&] {
    SyncFile("f");
    Write("f", 0, "new");
  });
  now_ = begin + Duration(50);
  disk_.Crash(Now(), CrashKind::kProcess, 1);
  EXPECT_EQ(Content("f"), "old");
}

// A disk on which every sync of a file fails, or a share of what else can.
class FailingDisk : public ::testing::Test {
 protected:
  void Use(const DiskPlan& plan) {
    disk_ = std::make_unique<SimDisk>(plan, Keyed(1), 0, &counters_, &choices_);
  }
  template <class Body>
  void Job(Body body) {
    disk_->BeginJob(now_);
    body();
    now_ = disk_->EndJob();
  }
  std::unique_ptr<store::File> File(const std::string& name) {
    return *disk_->Open(name, store::OpenMode::kExisting);
  }
  void Write(const std::string& name, std::uint64_t offset, std::string_view text) {
    const std::string_view parts[] = {text};
    EXPECT_TRUE(File(name)->WriteAt(offset, parts).ok());
  }
  std::string Content(const std::string& name) {
    std::string content(8192, '-');
    Job([&] { content.resize(*File(name)->ReadAt(0, content)); });
    return content;
  }
  static DiskPlan WithFailingSyncs(PerMillion rate) {
    DiskPlan plan = QuickDisk();
    plan.sync_failure = rate;
    return plan;
  }

  Counters counters_;
  Choices choices_;
  std::unique_ptr<SimDisk> disk_;
  TrueTime now_;
};

// What a failed sync has lost never becomes durable, though a later sync of the file succeeds (the
// pages count as clean); what an earlier sync covered stays, however soon the failure follows it.
TEST_F(FailingDisk, LosesForGoodWhatAFailedSyncCoveredAndNothingElse) {
  Use(WithFailingSyncs(500'000));
  int lost = 0;
  int landed = 0;
  for (std::uint64_t number = 1; number <= 200; ++number) {
    const std::string name = Numbered("f", number);
    bool first = false;
    bool second = false;
    bool third = false;
    Job([&] {
      const auto sync = [&] { return File(name)->Sync().ok(); };
      EXPECT_TRUE(disk_->Open(name, store::OpenMode::kCreate).ok());
      while (!disk_->Sync().ok()) {
      }
      Write(name, 0, "first");
      first = sync();
      Write(name, kSectorBytes, "second");
      second = sync();
      Write(name, 2 * kSectorBytes, "third");
      third = sync();
    });
    if (!first || second || !third) continue;
    disk_->Crash(now_, CrashKind::kPower, number);
    const std::string content = Content(name);
    EXPECT_TRUE(content.starts_with("first")) << content;
    EXPECT_TRUE(content.ends_with("third")) << content;
    const bool is_there = content.find("second") != std::string::npos;
    ++(is_there ? landed : lost);
  }
  EXPECT_GT(lost, 3);
  EXPECT_GT(landed, 0) << "a failed sync may have written a part, too";
}

TEST_F(FailingDisk, LeavesOnlyAPartOfAWriteWhoseSyncFails) {
  int parts = 0;
  for (std::uint64_t number = 1; number <= 40; ++number) {
    Use(WithFailingSyncs(1'000'000));
    now_ = TrueTime();
    Job([&] {
      for (std::uint64_t skip = 0; skip < number; ++skip) disk_->List().IgnoreError();
      EXPECT_TRUE(disk_->Open("f", store::OpenMode::kCreate).ok());
      Write("f", 0, std::string(4 * kSectorBytes, 'x'));
      EXPECT_FALSE(File("f")->Sync().ok());
    });
    disk_->Heal();
    Job([&] {
      EXPECT_TRUE(File("f")->Sync().ok());
      EXPECT_TRUE(disk_->Sync().ok());
    });
    disk_->Crash(now_, CrashKind::kPower, number);
    const auto kept = std::ranges::count(Content("f"), 'x');
    parts += kept > 0 && kept < static_cast<std::ptrdiff_t>(4 * kSectorBytes) ? 1 : 0;
  }
  EXPECT_GT(parts, 3);
}

// As Linux does it: they can be read, by the next process too, and count as written.
TEST_F(FailingDisk, ShowsThePagesOfAFailedSyncUntilThePowerFails) {
  int hidden = 0;
  for (std::uint64_t number = 1; number <= 20; ++number) {
    Use(WithFailingSyncs(1'000'000));
    now_ = TrueTime();
    const std::string name = Numbered("f", number);
    Job([&] {
      for (std::uint64_t skip = 0; skip < number; ++skip) disk_->List().IgnoreError();
      EXPECT_TRUE(disk_->Open(name, store::OpenMode::kCreate).ok());
      Write(name, 0, "acknowledged by nobody");
      EXPECT_FALSE(File(name)->Sync().ok());
    });
    disk_->Heal();
    disk_->Crash(now_, CrashKind::kProcess, number);
    EXPECT_EQ(Content(name), "acknowledged by nobody");
    const bool again = number % 2 == 0;
    Job([&] {
      // One byte takes all of its page with it.
      if (again) Write(name, 0, "A");
      EXPECT_TRUE(File(name)->Sync().ok());
      EXPECT_TRUE(disk_->Sync().ok());
    });
    disk_->Crash(now_, CrashKind::kPower, number);
    if (again) {
      EXPECT_EQ(Content(name), "Acknowledged by nobody");
    } else {
      hidden += Content(name).find("nobody") == std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(hidden, 2);
}

TEST_F(FailingDisk, FindsOutThatThereIsNoRoomAtTheSync) {
  int late = 0;
  for (std::uint64_t number = 1; number <= 20; ++number) {
    Use(QuickDisk());
    now_ = TrueTime();
    Job([&] {
      for (std::uint64_t skip = 0; skip < number; ++skip) disk_->List().IgnoreError();
      EXPECT_TRUE(disk_->Open("f", store::OpenMode::kCreate).ok());
      disk_->LimitRoom(10);
      const std::string_view parts[] = {"more than there is room for"};
      const auto file = File("f");
      const absl::Status status = file->WriteAt(0, parts);
      const absl::Status synced = file->Sync();
      EXPECT_EQ(status.ok(), absl::IsResourceExhausted(synced)) << status << " " << synced;
      late += status.ok() ? 1 : 0;
      EXPECT_TRUE(file->Sync().ok()) << "which proves nothing";
    });
  }
  EXPECT_GT(late, 3);
  EXPECT_LT(late, 17);
}

TEST_F(FailingDisk, FailsInWhateverItDoesToNamesAndSizes) {
  DiskPlan plan = QuickDisk();
  plan.write_failure = 1'000'000;
  Use(plan);
  disk_->Restore({{"f", "text"}});
  Job([&] {
    EXPECT_TRUE(absl::IsInternal(disk_->Open("g", store::OpenMode::kCreate).status()));
    EXPECT_TRUE(absl::IsInternal(disk_->Rename("f", "g")));
    EXPECT_TRUE(absl::IsInternal(disk_->Remove("f")));
    EXPECT_TRUE(absl::IsInternal(File("f")->Truncate(1)));
  });
  EXPECT_EQ(Content("f"), "text") << "and nothing has changed";
}

TEST_F(FailingDisk, ReadsFailOnceAndNotTheNextTime) {
  DiskPlan plan = QuickDisk();
  plan.read_failure = 300'000;
  Use(plan);
  disk_->Restore({{"f", "text"}});
  std::array<int, 3> failed{};
  for (int i = 0; i < 100; ++i) {
    Job([&] {
      failed[0] += disk_->List().ok() ? 0 : 1;
      const auto file = disk_->Open("f", store::OpenMode::kExisting);
      failed[1] += file.ok() ? 0 : 1;
      if (!file.ok()) return;
      std::string out(4, '-');
      failed[2] += (*file)->ReadAt(0, out).ok() ? 0 : 1;
    });
  }
  for (const int each : failed) {
    EXPECT_GT(each, 10);
    EXPECT_LT(each, 60);
  }
  EXPECT_FALSE(disk_->IsDamaged());
  disk_->Heal();
  EXPECT_EQ(Content("f"), "text");
}

class NothingFails final : public DamageGuard {
 public:
  bool MayMisread(std::uint32_t, std::string_view, std::string_view, const Extent&) const override {
    return false;
  }
  bool MayFailToRead(std::uint32_t, std::string_view) const override { return false; }
};

TEST_F(FailingDisk, NoReadFailsWhereItMayNot) {
  DiskPlan plan = QuickDisk();
  plan.read_failure = 1'000'000;
  Use(plan);
  const NothingFails guard;
  disk_->SetGuard(&guard);
  disk_->Restore({{"f", "text"}});
  EXPECT_EQ(Content("f"), "text");
}

TEST(Disk, FailsAsOftenAsItsPlanSays) {
  DiskPlan plan = QuickDisk();
  plan.sync_failure = 1'000'000;
  Counters counters;
  Choices choices;
  SimDisk disk(plan, Keyed(1), 0, &counters, &choices);
  disk.BeginJob(TrueTime());
  EXPECT_FALSE(disk.Sync().ok());
  disk.Heal();
  EXPECT_TRUE(disk.Sync().ok());
  disk.EndJob();
  EXPECT_EQ(counters.io_failures, 1u);
}

TEST_F(DiskFixture, ATrapSpringsInTheMiddleOfTheIoItWasSetFor) {
  MakeDurable("f", "one");
  disk_.SetTrap(IoType::kRename, 2);
  const TrueTime begin = now_;
  Job([&] {
    Write("f", 0, "two");
    ASSERT_TRUE(disk_.Rename("f", "g").ok());
  });
  EXPECT_EQ(disk_.TakeSprung(), std::nullopt) << "the first rename";
  Job([&] { ASSERT_TRUE(disk_.Rename("g", "h").ok()); });
  const auto sprung = disk_.TakeSprung();
  ASSERT_TRUE(sprung.has_value());
  EXPECT_GT(*sprung, begin);
  EXPECT_LE(*sprung, now_);
  EXPECT_EQ(disk_.TakeSprung(), std::nullopt) << "once";
  Job([&] { ASSERT_TRUE(disk_.Rename("h", "i").ok()); });
  EXPECT_EQ(disk_.TakeSprung(), std::nullopt);
  disk_.SetTrap(IoType::kWrite, 1);
  disk_.Heal();
  Job([&] { Write("i", 0, "end"); });
  EXPECT_EQ(disk_.TakeSprung(), std::nullopt);
}

TEST(Disk, LocksOnce) {
  Counters counters;
  Choices choices;
  SimDisk disk(QuickDisk(), Keyed(1), 0, &counters, &choices);
  disk.BeginJob(TrueTime());
  {
    const auto lock = disk.Acquire("lock");
    EXPECT_TRUE(lock.ok());
    EXPECT_EQ(disk.Acquire("lock").status().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_TRUE(disk.Acquire("lock").ok());
  disk.EndJob();
}

TEST_F(DiskFixture, AFullDiskTakesAWriteUpToTheLastByteThatThereIsRoomFor) {
  MakeDurable("f", "0123456789");
  disk_.LimitRoom(2);
  Job([&] {
    auto file = disk_.Open("f", store::OpenMode::kExisting);
    ASSERT_TRUE(file.ok());
    const std::string_view within[] = {"abc"};
    EXPECT_TRUE((*file)->WriteAt(7, within).ok()) << "what is there already needs no room";
    const std::string_view parts[] = {"vw", "xyz"};
    EXPECT_TRUE(absl::IsResourceExhausted((*file)->WriteAt(8, parts)));
    EXPECT_TRUE((*file)->Sync().ok());
    EXPECT_TRUE(absl::IsResourceExhausted(disk_.Open("g", store::OpenMode::kCreate).status()));
  });
  EXPECT_EQ(Content("f"), "0123456avwxy");
  disk_.FreeRoom();
  Job([&] { EXPECT_TRUE(disk_.Open("g", store::OpenMode::kCreate).ok()); });
}

TEST_F(DiskFixture, WhatIsRemovedMakesRoomAlsoOnAFullDisk) {
  MakeDurable("f", std::string(100, 'f'));
  disk_.LimitRoom(0);
  Job([&] { ASSERT_TRUE(disk_.Remove("f").ok()); });
  Job([&] { Create("g"); });
  Job([&] { Write("g", 0, std::string(100, 'g')); });
  Job([&] {
    auto file = disk_.Open("g", store::OpenMode::kExisting);
    const std::string_view parts[] = {"x"};
    // Blocks may be given when the bytes are written out only.
    absl::Status status = (*file)->WriteAt(100, parts);
    if (status.ok()) status = (*file)->Sync();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  });
}

TEST_F(DiskFixture, KnowsAFileThatIsOpenAndHasNoNameAnyMore) {
  for (const char* name : {"a", "b", "c"}) MakeDurable(name, "text");
  Job([&] {
    auto open = disk_.Open("a", store::OpenMode::kExisting);
    EXPECT_EQ(disk_.TakeOpenAndGone(), std::nullopt);
    ASSERT_TRUE(disk_.Rename("a", "d").ok());
    EXPECT_EQ(disk_.TakeOpenAndGone(), std::nullopt) << "it has another name";
    ASSERT_TRUE(disk_.Rename("b", "d").ok());
    EXPECT_EQ(disk_.TakeOpenAndGone(), "a") << "the other one has its name";
    EXPECT_EQ(disk_.TakeOpenAndGone(), std::nullopt) << "nothing has gone since";
    open = disk_.Open("c", store::OpenMode::kExisting);
    ASSERT_TRUE(disk_.Remove("c").ok());
    EXPECT_EQ(disk_.TakeOpenAndGone(), "c");
    ASSERT_TRUE(disk_.Remove("d").ok());
    open->reset();
    EXPECT_EQ(disk_.TakeOpenAndGone(), std::nullopt) << "nothing is open";
  });
}

}  // namespace
}  // namespace grassdb::sim
