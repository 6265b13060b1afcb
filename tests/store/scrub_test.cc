// Reading the disk again: what is damaged is found and named, and can be let go of.
#include "store/scrub.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "store/storage.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"
#include "tests/store/small_log.h"

namespace grassdb::store {
namespace {

constexpr StorageOptions kSmall = {.segment_bytes = 4096,
                                   .reserve_bytes = 1024,
                                   .recycled_segments_max = 1,
                                   .snapshot_block_bytes = 512};

class Scrubbing : public ::testing::Test {
 protected:
  Scrubbing() { Open(); }

  void Open() {
    storage_.reset();
    auto opened = Storage::Open(directory_, kSmall, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->state.entries.empty() ? opened->state.base_index.value()
                                            : opened->state.entries.back().index.value(),
              last_);
    storage_ = std::move(opened->storage);
  }
  void Log(std::uint64_t count, std::size_t size = 300) {
    for (std::uint64_t i = 0; i < count; ++i) {
      Persist persist;
      persist.id = PersistId(++last_);
      if (last_ == 1) persist.hard_state = {.term = Term(1), .voted_for = NodeId(1)};
      persist.entries.push_back({.index = Index(last_),
                                 .term = Term(1),
                                 .type = EntryType::kNoop,
                                 .payload = BytesOf(last_, size)});
      ASSERT_TRUE(std::get<PersistDone>(storage_->Execute(std::move(persist))).status.ok());
    }
  }
  void Snapshot(std::uint64_t index, bool mends = false) {
    TakeSnapshot(*storage_, index, Index(index), 3000, mends);
  }
  // Everything once; what was found, one text each.
  std::set<std::string> Pass(std::uint32_t bytes_max = 1000) {
    std::set<std::string> found;
    for (int pieces = 0; pieces < 10000; ++pieces) {
      const auto done = std::get<ScrubDone>(storage_->Execute(Scrub{.bytes_max = bytes_max}));
      EXPECT_TRUE(done.status.ok()) << done.status;
      bytes_ += done.bytes;
      if (!done.damage.empty()) {
        found.insert(done.damage);
        mend_from_ = std::max(mend_from_, done.mend_from);
        mended_ += done.mended ? 1 : 0;
      }
      if (done.pass_done) return found;
    }
    ADD_FAILURE() << "a pass without an end";
    return found;
  }
  std::string NameEnding(const std::string& suffix) {
    for (const auto& [name, bytes] : directory_.Content()) {
      if (name.ends_with(suffix)) return name;
    }
    ADD_FAILURE() << "no " << suffix;
    return {};
  }
  void FlipIn(const std::string& name, std::size_t at) { directory_.Flip(name, at); }

  CrashDirectory directory_;
  std::unique_ptr<Storage> storage_;
  std::uint64_t last_ = 0;
  std::uint64_t bytes_ = 0;
  Index mend_from_;
  std::uint64_t mended_ = 0;  // by the scrub itself
};

TEST_F(Scrubbing, FindsNothingInWhatIsWholeAndReadsAllOfIt) {
  EXPECT_EQ(Pass(), std::set<std::string>());
  Log(60);
  Snapshot(30);
  Log(1, 6000);  // a record of more than a piece, and than a segment
  Log(3);
  bytes_ = 0;
  EXPECT_EQ(Pass(), std::set<std::string>());
  EXPECT_GT(bytes_, 3000u + 34 * 300u + 6000u);
  EXPECT_EQ(Pass(17), std::set<std::string>()) << "pieces smaller than a record's header";
}

TEST_F(Scrubbing, NamesADamagedSegmentAndASnapshotBehindItLetsGoOfIt) {
  Log(60);
  const std::string name = NameEnding("1.seg");
  FlipIn(name, 700);
  const auto found = Pass();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found.begin()->find(name), std::string::npos) << *found.begin();
  EXPECT_NE(found.begin()->find("offset"), std::string::npos) << *found.begin();
  ASSERT_LT(mend_from_, Index(60));
  Snapshot(mend_from_.value(), true);
  EXPECT_EQ(Pass(), std::set<std::string>());
  Open();
}

TEST_F(Scrubbing, DamageOfTheLiveLogSealsItSoThatItCanBeLetGoOf) {
  Log(5);
  FlipIn("distdb_a.wal", 400);
  ASSERT_EQ(Pass().size(), 1u);
  EXPECT_EQ(mend_from_, Index(5));
  Log(2);  // goes on in another segment
  Snapshot(6, true);
  EXPECT_EQ(Pass(), std::set<std::string>());
  Open();
}

// The live log is damaged once more, and nobody notices. As long as there are older segments they
// tell, with the mark, what it was. They go when there is a snapshot.
TEST_F(Scrubbing, OlderSegmentsGoOnlyWhenTheLiveLogHasAWholeRecord) {
  Log(5);
  FlipIn(NameEnding(".wal"), 1000);
  EXPECT_EQ(Pass().size(), 1u);
  ASSERT_TRUE(std::get<MarkDone>(storage_->Execute(MarkDurable{})).status.ok());
  FlipIn(NameEnding(".wal"), 60);
  const auto start = [this] {
    CrashDirectory disk(directory_.Content());
    StorageOptions options = kSmall;
    options.on_damage = OnDamage::kReport;
    auto opened = Storage::Open(disk, options, TestIdentity());
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? std::move(opened->state) : RecoveredState();
  };
  EXPECT_FALSE(start().damage.empty());
  Snapshot(last_, true);
  for (const auto& [name, bytes] : directory_.Content()) EXPECT_FALSE(name.ends_with(".seg"));
  const RecoveredState state = start();
  EXPECT_TRUE(state.damage.empty());
  EXPECT_EQ(state.snapshot.value_or(SnapshotMeta()).index, Index(last_));
  EXPECT_EQ(state.hard_state.voted_for, NodeId(1));
  storage_.reset();
}

TEST_F(Scrubbing, ADamagedSnapshotIsReplacedByOneOfTheSameIndex) {
  Log(20);
  Snapshot(20);
  const std::string name = NameEnding(".snap");
  FlipIn(name, 1500);
  ASSERT_EQ(Pass().size(), 1u);
  EXPECT_EQ(mend_from_, Index(20));
  Snapshot(20);
  EXPECT_EQ(Pass().size(), 1u) << "only one that mends takes its place";
  Snapshot(20, true);
  EXPECT_EQ(Pass(), std::set<std::string>());
  const auto read = std::get<SnapshotRead>(storage_->Execute(
      ReadSnapshot{.index = Index(20), .offset = 0, .size_max = 4000, .reader = NodeId(9)}));
  EXPECT_EQ(read.data.view(), BytesOf(20, 3000).view());
  Open();
}

// What was removed behind a running node's back is found, and its mending goes on where it would
// have removed the file itself.
TEST_F(Scrubbing, AFileThatIsMissingIsFoundAndLetGoOf) {
  for (const std::string kind : {".snap", ".seg", ".wal"}) {
    Log(60);
    Snapshot(last_ - 30);
    Log(2);
    const std::string name = NameEnding(kind);
    ASSERT_TRUE(directory_.Remove(name).ok());
    const auto found = Pass();
    ASSERT_EQ(found.size(), 1u) << name;
    EXPECT_NE(found.begin()->find(name), std::string::npos) << *found.begin();
    Log(40);
    Snapshot(last_, true);
    EXPECT_EQ(Pass(), std::set<std::string>()) << name;
    storage_.reset();
    directory_.CrashNow(Crash::kPower, 1);
    Open();
  }
}

TEST_F(Scrubbing, FilesThatOnlyHoldRoomMayBeMissing) {
  Log(60);
  Snapshot(50);
  for (const std::string kind : {".free", ".reserve"}) {
    ASSERT_TRUE(directory_.Remove(NameEnding(kind)).ok());
  }
  Log(60);
  directory_.Remove("distdb_a.spare").IgnoreError();
  Log(60);
  EXPECT_EQ(Pass(), std::set<std::string>());
  Open();
}

// Its records are whole, and some are missing: also before the next write shows it.
TEST_F(Scrubbing, ALiveLogThatWasCutAtARecordsEndIsDamaged) {
  Log(4);
  const std::string live = "distdb_a.wal";
  const std::size_t end = EndOf(directory_.Content().at(live));
  Log(1);
  ASSERT_TRUE((*directory_.Open(live, OpenMode::kExisting))->Truncate(end).ok());
  const auto found = Pass();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found.begin()->find("ends at " + std::to_string(end)), std::string::npos)
      << *found.begin();
  EXPECT_EQ(mend_from_, Index(5));
  Log(2);
  Snapshot(6, true);
  EXPECT_EQ(Pass(), std::set<std::string>());
  Open();
}

TEST_F(Scrubbing, ADamagedIdentityIsWrittenAnew) {
  const std::string name = "distdb_a.id";
  const std::string written = directory_.Content().at(name);
  Log(3);
  const auto damage = std::array<std::function<void()>, 4>{
      [&] { FlipIn(name, 9); }, [&] { FlipIn(name, written.size() - 1); },
      [&] { ASSERT_TRUE(directory_.Remove(name).ok()); }, [&] { directory_.FailReads(name, 0); }};
  for (std::size_t i = 0; i < damage.size(); ++i) {
    damage[i]();
    const auto found = Pass();
    ASSERT_EQ(found.size(), 1u) << i;
    EXPECT_NE(found.begin()->find(name), std::string::npos) << *found.begin();
    EXPECT_EQ(mended_, i + 1);
    EXPECT_EQ(mend_from_, Index()) << "needs no snapshot";
    EXPECT_EQ(Pass(), std::set<std::string>());
    storage_.reset();
    directory_.CrashNow(Crash::kPower, i);
    EXPECT_EQ(directory_.Content().at(name), written);
    Open();
  }
}

TEST_F(Scrubbing, ADamagedIdentityWaitsForRoom) {
  const std::string name = "distdb_a.id";
  FlipIn(name, 9);
  directory_.LimitRoom(0);
  EXPECT_EQ(Pass(), std::set<std::string>());
  EXPECT_FALSE(directory_.Content().contains(name + ".tmp"));
  Log(1);
  directory_.LimitRoom(UINT64_MAX);
  EXPECT_EQ(Pass().size(), 1u);
  Open();
}

TEST_F(Scrubbing, FindsAFlipOfAnyByteThatCounts) {
  Log(30);
  Snapshot(10);
  Log(4);
  const auto content = directory_.Content();
  for (const auto& [name, bytes] : content) {
    if (!name.ends_with(".seg") && !name.ends_with(".snap")) continue;
    const std::size_t end = bytes.find_last_not_of('\0') + 1;
    for (std::size_t at = 0; at < end; at += 7) {
      FlipIn(name, at);
      bool found = false;
      for (const std::string& text : Pass(4096))
        found = found || text.find(name) != std::string::npos;
      // Behind the seal is room that holds nothing.
      EXPECT_TRUE(found || (name.ends_with(".seg") && at > end / 2)) << name << " at " << at;
      FlipIn(name, at);
    }
  }
  EXPECT_EQ(Pass(), std::set<std::string>());
}

}  // namespace
}  // namespace grassdb::store
