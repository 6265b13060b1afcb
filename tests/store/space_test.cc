// A disk without room: what is refused, what goes on, and that nothing acknowledged is lost.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/command.h"
#include "core/hash.h"
#include "store/names.h"
#include "store/storage.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

constexpr std::uint64_t kNoLimit = UINT64_MAX;
constexpr char kLive[] = "distdb_a.wal";
constexpr StorageOptions kSmall = {
    .segment_bytes = 16384, .reserve_bytes = 4096, .recycled_segments_max = 1};

// A storage on a disk that fills up, and what it has acknowledged.
class FullDisk : public ::testing::Test {
 protected:
  FullDisk() { Open(); }

  void Open() {
    storage_.reset();
    auto opened = Storage::Open(directory_, kSmall, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = std::move(opened->storage);
    space_ = opened->state.space;
    EXPECT_EQ(opened->state.entries.size(), entries_.size());
    for (std::size_t i = 0; i < std::min(entries_.size(), opened->state.entries.size()); ++i) {
      EXPECT_EQ(opened->state.entries[i], entries_[i]);
    }
    if (voted_ > 0) {
      EXPECT_EQ(opened->state.hard_state.voted_for, NodeId(voted_));
    }
  }
  void CrashAndOpen(Crash crash, std::uint64_t seed) {
    storage_.reset();
    directory_.CrashNow(crash, seed);
    Open();
  }
  // One entry more; the status of logging it.
  absl::Status Log(EntryType type, Bytes payload) {
    Persist persist;
    persist.id = ++persist_;
    persist.entries.push_back({.index = Index(entries_.size() + 1),
                               .term = Term(1),
                               .type = type,
                               .payload = std::move(payload)});
    persist.vital = vital_;
    if (entries_.empty()) persist.hard_state = {.term = Term(1), .voted_for = NodeId(1)};
    const Entry entry = persist.entries.front();
    const auto done = std::get<PersistDone>(storage_->Execute(std::move(persist)));
    space_ = done.space;
    if (done.lags) FillAhead();
    if (done.status.ok()) entries_.push_back(entry);
    EXPECT_EQ(done.refused.has_value(), absl::IsResourceExhausted(done.status));
    if (done.refused.has_value()) {
      EXPECT_EQ(done.refused->entries.front(), entry);
    }
    return done.status;
  }
  void FillAhead() {
    const auto done = std::get<RestockDone>(storage_->Execute(Restock{.ahead = true}));
    EXPECT_TRUE(done.status.ok()) << done.status;
    space_ = done.space;
  }
  absl::Status LogPut(std::size_t size = 500) {
    Command command;
    command.transaction = PutTransaction("k", std::string(size, 'v'));
    return Log(EntryType::kCommand, EncodeCommand(command));
  }
  absl::Status LogDelete() {
    Command command;
    command.transaction = DeleteTransaction("k");
    return Log(EntryType::kCommand, EncodeCommand(command));
  }
  absl::Status Vote() {
    Persist persist;
    persist.id = ++persist_;
    persist.hard_state = {.term = Term(1 + ++voted_), .voted_for = NodeId(voted_)};
    return std::get<PersistDone>(storage_->Execute(std::move(persist))).status;
  }
  absl::Status Mark() { return std::get<MarkDone>(storage_->Execute(MarkDurable{})).status; }
  // Until it is refused.
  std::size_t FillWithPuts() {
    std::size_t logged = 0;
    while (LogPut().ok()) ++logged;
    return logged;
  }
  absl::Status Stage(SnapshotSource source, std::uint64_t index, std::size_t size) {
    StageSnapshot stage;
    stage.source = source;
    stage.meta = {.index = Index(index),
                  .term = Term(1),
                  .configuration = TestIdentity().bootstrap,
                  .configuration_index = Index(0)};
    stage.last = true;
    stage.data = BytesOf(index, size);
    meta_ = stage.meta;
    const auto done = std::get<StageDone>(storage_->Execute(std::move(stage)));
    space_ = done.space;
    return done.status;
  }
  absl::Status Publish() {
    const auto done = std::get<PublishDone>(
        storage_->Execute(PublishSnapshot{.meta = meta_, .release_through = meta_.index}));
    space_ = done.space;
    return done.status;
  }
  void RestockAll() {
    for (bool more = true; more;) {
      const auto done = std::get<RestockDone>(storage_->Execute(Restock{}));
      ASSERT_TRUE(done.status.ok()) << done.status;
      space_ = done.space;
      more = done.more;
    }
  }
  void StageUntilTheReserveIsGiven(std::size_t size) {
    for (int attempt = 0; attempt < 4 && Has("reserve"); ++attempt) {
      ASSERT_TRUE(absl::IsResourceExhausted(Stage(SnapshotSource::kTaken, entries_.size(), size)));
    }
    ASSERT_FALSE(Has("reserve"));
  }
  bool Has(const std::string& suffix) const {
    return directory_.Content().contains("distdb_a." + suffix);
  }

  CrashDirectory directory_;
  std::unique_ptr<Storage> storage_;
  std::vector<Entry> entries_;
  std::uint64_t voted_ = 0;
  PersistId persist_;
  SnapshotMeta meta_;
  SpaceReport space_;
  bool vital_ = false;
};

TEST_F(FullDisk, IsNoticedWhileTheLiveLogStillHasRoom) {
  directory_.LimitRoom(100);
  std::size_t logged = 0;
  while (space_.space == DiskSpace::kAmple) {
    ASSERT_TRUE(LogPut().ok());
    ++logged;
  }
  EXPECT_EQ(space_.space, DiskSpace::kFull);
  EXPECT_NE(space_.problem.find("no space left"), std::string::npos) << space_.problem;
  EXPECT_GT(logged, 5u) << "a small disk is used";
  EXPECT_GT(FillWithPuts(), 5u) << "what was accepted before must find room";
}

TEST_F(FullDisk, RefusesDataAndGoesOnWithDeletesAndVotes) {
  directory_.LimitRoom(0);
  FillWithPuts();
  EXPECT_TRUE(absl::IsResourceExhausted(LogPut()));
  EXPECT_TRUE(absl::IsResourceExhausted(LogPut())) << "and it goes on refusing, not failing";
  std::size_t deletes = 0;
  while (LogDelete().ok()) ++deletes;
  EXPECT_GT(deletes, 10u);
  EXPECT_EQ(space_.space, DiskSpace::kSpent);
  EXPECT_TRUE(absl::IsResourceExhausted(LogDelete()));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Vote().ok()) << i;
  CrashAndOpen(Crash::kPower, 2);
  EXPECT_NE(space_.space, DiskSpace::kAmple);
  EXPECT_TRUE(Vote().ok());
}

TEST_F(FullDisk, APutIsRefusedAlsoWhereADeleteWouldFit) {
  directory_.LimitRoom(0);
  FillWithPuts();
  while (Has("reserve")) ASSERT_TRUE(LogDelete().ok());
  EXPECT_TRUE(absl::IsResourceExhausted(LogPut(1))) << "the reserve is the live log now";
  EXPECT_TRUE(LogDelete().ok());
}

TEST_F(FullDisk, HealsWhenThereIsRoomAgain) {
  directory_.LimitRoom(0);
  FillWithPuts();
  while (Has("reserve")) ASSERT_TRUE(LogDelete().ok());
  RestockAll();
  EXPECT_EQ(space_.space, DiskSpace::kFull) << "nothing has changed";
  directory_.LimitRoom(kNoLimit);
  RestockAll();
  EXPECT_EQ(space_.space, DiskSpace::kAmple);
  EXPECT_TRUE(Has("reserve"));
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(LogPut().ok()) << i;
  CrashAndOpen(Crash::kPower, 4);
}

TEST_F(FullDisk, ASnapshotLetsGoOfTheLogAndSoMakesRoom) {
  while (entries_.size() < 100) ASSERT_TRUE(LogPut().ok());
  directory_.LimitRoom(9000);  // a spare file takes it
  FillWithPuts();
  ASSERT_EQ(space_.space, DiskSpace::kFull);
  EXPECT_TRUE(absl::IsResourceExhausted(Stage(SnapshotSource::kTaken, entries_.size(), 20000)));
  EXPECT_FALSE(Has("taken.tmp")) << "what there is no room for takes none";
  directory_.LimitRoom(21000);
  ASSERT_TRUE(Stage(SnapshotSource::kTaken, entries_.size(), 20000).ok());
  ASSERT_TRUE(Publish().ok());
  directory_.LimitRoom(0);
  RestockAll();
  EXPECT_EQ(space_.space, DiskSpace::kAmple) << space_.problem;
  EXPECT_TRUE(LogPut().ok());
}

// The zeros that wait for the log's next segment are worth less than what makes the log shorter.
TEST_F(FullDisk, ASnapshotMayHaveTheRoomOfTheSpareFile) {
  while (!Has("spare")) ASSERT_TRUE(LogPut().ok());
  while (entries_.size() < 25) ASSERT_TRUE(LogPut().ok());
  directory_.LimitRoom(0);
  EXPECT_TRUE(absl::IsResourceExhausted(Stage(SnapshotSource::kTaken, 20, 2000)));
  EXPECT_EQ(space_.space, DiskSpace::kFull);
  EXPECT_FALSE(Has("spare"));
  RestockAll();
  EXPECT_FALSE(Has("spare")) << "the snapshot comes first";
  EXPECT_TRUE(Stage(SnapshotSource::kTaken, 20, 2000).ok());
  ASSERT_TRUE(Publish().ok());
  EXPECT_EQ(space_.space, DiskSpace::kAmple);
}

// Where there is nothing else to give: the live log stands in for the reserve meanwhile.
TEST_F(FullDisk, ASnapshotMayHaveTheRoomOfTheReserve) {
  while (entries_.size() < 25) ASSERT_TRUE(LogPut().ok());
  directory_.LimitRoom(0);
  EXPECT_TRUE(absl::IsResourceExhausted(Stage(SnapshotSource::kTaken, entries_.size(), 500)));
  directory_.LimitRoom(0);  // somebody else has what the spare file has given up
  StageUntilTheReserveIsGiven(500);
  EXPECT_EQ(space_.space, DiskSpace::kFull) << "and not spent";
  EXPECT_TRUE(LogDelete().ok());
  RestockAll();
  EXPECT_FALSE(Has("reserve")) << "the snapshot comes first";
  EXPECT_TRUE(Stage(SnapshotSource::kTaken, entries_.size(), 500).ok());
  ASSERT_TRUE(Publish().ok());
  RestockAll();
  EXPECT_TRUE(Has("reserve"));
}

TEST_F(FullDisk, TheReserveIsMadeAgainIfItIsTooLittleForTheSnapshotToo) {
  directory_.LimitRoom(0);
  while (space_.space == DiskSpace::kAmple) ASSERT_TRUE(LogPut().ok());
  StageUntilTheReserveIsGiven(100000);
  EXPECT_TRUE(absl::IsResourceExhausted(Stage(SnapshotSource::kTaken, entries_.size(), 100000)));
  RestockAll();
  EXPECT_TRUE(Has("reserve"));
  EXPECT_TRUE(LogDelete().ok());
}

TEST_F(FullDisk, TheReserveOfALogThatIsNearlyAtItsEndIsNotGiven) {
  directory_.LimitRoom(0);
  FillWithPuts();
  while (Has("reserve")) ASSERT_TRUE(LogDelete().ok());
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(absl::IsResourceExhausted(Stage(SnapshotSource::kTaken, entries_.size(), 500)));
  }
  EXPECT_TRUE(Vote().ok());
}

// Data that no quorum has room for and that are in the log already (core/node_space.cc).
TEST_F(FullDisk, VitalDataMayUseTheReserveButForItsLastQuarter) {
  directory_.LimitRoom(0);
  FillWithPuts();
  ASSERT_TRUE(absl::IsResourceExhausted(LogPut()));
  vital_ = true;
  std::size_t puts = 0;
  while (LogPut().ok()) ++puts;
  EXPECT_GT(puts, 2u);
  EXPECT_EQ(space_.space, DiskSpace::kSpent);
  EXPECT_TRUE(Vote().ok());
}

TEST_F(FullDisk, AReceivedSnapshotWithoutRoomIsDroppedAndCanBeginAnew) {
  ASSERT_TRUE(LogPut().ok());
  directory_.LimitRoom(3000);
  EXPECT_TRUE(absl::IsResourceExhausted(Stage(SnapshotSource::kReceived, 50, 20000)));
  EXPECT_FALSE(Has("received.tmp"));
  EXPECT_TRUE(LogPut().ok());
  directory_.LimitRoom(kNoLimit);
  EXPECT_TRUE(Stage(SnapshotSource::kReceived, 50, 20000).ok());
}

// It is in the cache only, and no sync finds room for it.
TEST_F(FullDisk, APartOfASnapshotWithoutRoomIsNoReasonNotToStart) {
  ASSERT_TRUE(LogPut().ok());
  directory_.LimitRoom(3000, NoRoom::kAtTheSync);
  StageSnapshot stage;
  stage.source = SnapshotSource::kReceived;
  stage.meta = {.index = Index(50),
                .term = Term(1),
                .configuration = TestIdentity().bootstrap,
                .configuration_index = Index(0)};
  stage.data = BytesOf(50, 200'000);
  ASSERT_TRUE(std::get<StageDone>(storage_->Execute(std::move(stage))).status.ok());
  CrashAndOpen(Crash::kProcess, 1);
  ASSERT_NE(storage_, nullptr);
  EXPECT_FALSE(Has("received.tmp"));
  EXPECT_TRUE(LogPut().ok());
}

// The last record was durable, and is lost: what says so stands in its place, in the same segment.
TEST_F(FullDisk, ADamagedEndOfTheLogNeedsNoSegmentToGoOnIn) {
  ASSERT_TRUE(LogPut().ok());
  ASSERT_TRUE(Mark().ok());
  directory_.LimitRoom(0);
  FillWithPuts();
  while (LogDelete().ok()) continue;
  while (Vote().ok()) continue;
  --voted_;
  ASSERT_TRUE(Mark().ok());
  storage_.reset();
  directory_.Flip(kLive, directory_.Content().at(kLive).find_last_not_of('\0'));
  Open();
  ASSERT_NE(storage_, nullptr);
  EXPECT_TRUE(absl::IsResourceExhausted(Vote())) << "there still is no room";
  --voted_;
  CrashAndOpen(Crash::kPower, 5);
  directory_.LimitRoom(kNoLimit);
  RestockAll();
  EXPECT_TRUE(Vote().ok());
  CrashAndOpen(Crash::kPower, 6);
}

TEST_F(FullDisk, ADamagedHeaderWithNothingBehindItNeedsNoOtherSegment) {
  ASSERT_TRUE(LogPut().ok());
  ASSERT_TRUE(Mark().ok());
  directory_.LimitRoom(0);
  FillWithPuts();
  directory_.Flip(kLive, 700);
  std::string found;
  for (int i = 0; i < 10 && found.empty(); ++i) {
    found = std::get<ScrubDone>(storage_->Execute(Scrub{.bytes_max = 1 << 20})).damage;
  }
  ASSERT_FALSE(Has("reserve")) << "the damaged log is sealed";
  ASSERT_TRUE(Mark().ok());
  storage_.reset();
  directory_.Flip(kLive, 40);
  StorageOptions options = kSmall;
  options.on_damage = OnDamage::kReport;
  auto opened = Storage::Open(directory_, options, TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->state.entries.size(), entries_.size());
  EXPECT_FALSE(opened->state.damage.lost.empty()) << "what stood at 700";
  storage_ = std::move(opened->storage);
  EXPECT_TRUE(Vote().ok());
  storage_.reset();
  directory_.CrashNow(Crash::kPower, 7);
  opened = Storage::Open(directory_, options, TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->state.hard_state.voted_for, NodeId(voted_));
}

TEST_F(FullDisk, ANewDirectoryWithoutRoomIsRefusedAsFull) {
  CrashDirectory empty;
  empty.LimitRoom(1000);
  const auto opened = Storage::Open(empty, kSmall, TestIdentity());
  EXPECT_TRUE(absl::IsResourceExhausted(opened.status())) << opened.status();
  empty.LimitRoom(kNoLimit);
  EXPECT_TRUE(Storage::Open(empty, kSmall, TestIdentity()).ok());
}

TEST_F(FullDisk, AnotherFailureOfTheReserveIsFinal) {
  directory_.LimitRoom(0);
  FillWithPuts();
  while (Has("reserve")) ASSERT_TRUE(LogDelete().ok());
  directory_.LimitRoom(kNoLimit);
  directory_.FailAt(2, Fault::kError);
  const auto done = std::get<RestockDone>(storage_->Execute(Restock{}));
  ASSERT_FALSE(done.status.ok());
  EXPECT_FALSE(absl::IsResourceExhausted(done.status)) << done.status;
  EXPECT_FALSE(LogPut().ok());
  EXPECT_FALSE(Vote().ok()) << "fail-stop";
}

// Whatever room there is, and whatever a crash within any I/O leaves: what was acknowledged is
// there, and a directory can always be opened again without any more room.
TEST(FullDiskHistory, LosesNothingAtAnyByteAndAnyCrash) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    CrashDirectory directory;
    History history(directory, {.segment_bytes = 2048, .reserve_bytes = 1024});
    ASSERT_EQ(history.Open(), "");
    for (std::uint64_t step = 0; step < 60; ++step) {
      const std::uint64_t draw = KeyedRandom(seed, step);
      if (draw % 16 == 0) {
        directory.LimitRoom(draw / 16 % 6000,
                            seed % 2 == 0 ? NoRoom::kAtTheWrite : NoRoom::kAtTheSync);
      }
      if (draw % 16 == 1) directory.LimitRoom(kNoLimit);
      if (draw % 16 == 2) directory.FailAt(1 + draw / 16 % 12, Fault::kStop);
      ASSERT_EQ(history.Step(draw >> 32), "");
      if (!history.down() && draw % 16 != 3) continue;
      history.CrashNow(draw % 2 == 0 ? Crash::kPower : Crash::kProcess, draw);
      ASSERT_EQ(history.Open(), "") << "step " << step;
      ASSERT_FALSE(history.down()) << "step " << step;
    }
  }
}

// Nobody would remove it: there is no node yet, and it may never be tried there again.
TEST(NewNodeWithoutRoom, SaysHowMuchItTakesAndLeavesNothing) {
  for (const std::uint64_t room : {0u, 5000u, 16000u}) {
    CrashDirectory directory;
    directory.LimitRoom(room);
    const auto opened = Storage::Open(directory, StorageOptions(), TestIdentity());
    ASSERT_TRUE(absl::IsResourceExhausted(opened.status())) << opened.status();
    const std::string message(opened.status().message());
    EXPECT_NE(message.find("takes 68 MiB of disk at once, 64 MiB"), std::string::npos) << message;
    EXPECT_NE(message.find("Way out: make room in (memory)"), std::string::npos) << message;
    const auto left = directory.Content();
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left.begin()->first, "distdb_a.lock");
    directory.LimitRoom(UINT64_MAX);
    EXPECT_TRUE(Storage::Open(directory, kSmall, TestIdentity()).ok()) << "once there is room";
  }
}

}  // namespace
}  // namespace grassdb::store
