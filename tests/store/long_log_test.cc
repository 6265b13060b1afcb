// A start with a log that is longer than memory is to hold: what is left of it there, and what of
// it is read back.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/configuration.h"
#include "store/storage.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

class LongLog : public ::testing::Test {
 protected:
  static constexpr std::size_t kMemory = 1000;

  LongLog() { Open(TinySegments()); }
  void Open(StorageOptions options) {
    options.on_damage = OnDamage::kReport;
    storage_.reset();
    auto opened = Storage::Open(directory_, options, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = std::move(opened->storage);
    state_ = std::move(opened->state);
  }
  // The directory is closed, and opened by a node with little memory for the log.
  void StartAgain() {
    StorageOptions options = TinySegments();
    options.log_memory_bytes = kMemory;
    Open(options);
  }
  static Entry EntryAt(std::uint64_t index, std::uint64_t term) {
    return {.index = Index(index),
            .term = Term(term),
            .type = EntryType::kCommand,
            .payload = BytesOf(index + 1000 * term, 100)};
  }
  void Write(std::vector<Entry> entries) {
    Persist persist;
    persist.id = PersistId(++persists_);
    persist.hard_state = {.term = entries.back().term, .voted_for = NodeId(1)};
    persist.entries = std::move(entries);
    ASSERT_TRUE(std::get<PersistDone>(storage_->Execute(std::move(persist))).status.ok());
  }
  void Append(std::uint64_t first, std::uint64_t last, std::uint64_t term) {
    for (std::uint64_t index = first; index <= last; ++index) Write({EntryAt(index, term)});
  }
  SnapshotMeta TakeSnapshot(std::uint64_t index) {
    const SnapshotMeta meta{.index = Index(index),
                            .term = Term(1),
                            .configuration = TestIdentity().bootstrap,
                            .configuration_index = Index(0)};
    StageSnapshot stage{.source = SnapshotSource::kTaken,
                        .meta = meta,
                        .offset = 0,
                        .last = true,
                        .data = BytesOf(1, 300)};
    EXPECT_TRUE(std::get<StageDone>(storage_->Execute(std::move(stage))).status.ok());
    const PublishSnapshot publish{.meta = meta, .release_through = meta.index};
    EXPECT_TRUE(std::get<PublishDone>(storage_->Execute(publish)).status.ok());
    return meta;
  }
  EntriesRead ReadBack(std::uint64_t first, std::uint64_t last, std::uint64_t term) {
    const ReadEntries wanted{.reader = NodeId(),
                             .first = Index(first),
                             .last = Index(last),
                             .term = Term(term),
                             .count_max = 10,
                             .bytes_max = 500};
    while (true) {
      auto done = std::get<EntriesRead>(storage_->Execute(wanted));
      if (!done.status.ok() || !done.entries.empty()) return done;
    }
  }
  std::size_t BytesInMemory() const {
    std::size_t bytes = 0;
    for (const Entry& entry : state_.entries) bytes += CostOf(entry);
    return bytes;
  }
  std::string FileEnding(const std::string& suffix) {
    for (const auto& [name, bytes] : directory_.Content()) {
      if (name.ends_with(suffix)) return name;
    }
    ADD_FAILURE() << "no file " << suffix;
    return "";
  }

  CrashDirectory directory_;
  std::unique_ptr<Storage> storage_;
  RecoveredState state_;
  std::uint64_t persists_ = 0;
};

TEST_F(LongLog, ItsNewestEntriesAreInMemoryAndTheTermsOfAll) {
  Append(1, 40, 1);
  Append(41, 100, 2);
  StartAgain();
  EXPECT_EQ(state_.last(), (LogPosition{.index = Index(100), .term = Term(2)}));
  EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
  EXPECT_GT(BytesInMemory(), kMemory / 2);
  EXPECT_EQ(state_.entries.back(), EntryAt(100, 2));
  for (std::uint64_t index = 1; index <= 100; ++index) {
    EXPECT_EQ(state_.TermAt(Index(index)), Term(index <= 40 ? 1 : 2)) << index;
  }
  const Index evicted = state_.before_entries().index;
  EXPECT_EQ(state_.entries.front().index, evicted + 1);
  EXPECT_EQ(state_.evicted.evictions.BytesBehind(Index(0)),
            evicted.value() * CostOf(EntryAt(1, 1)));
  EXPECT_EQ(ReadBack(1, 40, 1).entries.at(0), EntryAt(1, 1));
  EXPECT_EQ(ReadBack(evicted.value(), 100, 2).entries.at(0), EntryAt(evicted.value(), 2));
}

TEST_F(LongLog, ItsConfigurationsAreInMemory) {
  const Configuration changed({MakeMember("a", "a:1"), MakeMember("z", "z:1")});
  Append(1, 9, 1);
  Entry entry = EntryAt(10, 1);
  entry.type = EntryType::kConfiguration;
  entry.payload = Bytes(EncodeConfiguration(changed));
  Write({entry});
  Append(11, 100, 1);
  StartAgain();
  ASSERT_GT(state_.before_entries().index, Index(10));
  EXPECT_EQ(state_.evicted.configurations, std::vector<Entry>{entry});
  EXPECT_EQ(MembersOf(state_), EncodeConfiguration(changed));
}

TEST_F(LongLog, MayBeCutFarBelowWhatWasInMemory) {
  Append(1, 60, 1);
  Write({EntryAt(20, 2), EntryAt(21, 2)});
  StartAgain();
  EXPECT_EQ(state_.last(), (LogPosition{.index = Index(21), .term = Term(2)}));
  EXPECT_EQ(state_.TermAt(Index(19)), Term(1));
  EXPECT_EQ(ReadBack(19, 19, 1).entries.at(0), EntryAt(19, 1));
  EXPECT_EQ(state_.entries.back(), EntryAt(21, 2));
  // And now, by the node that has begun with it.
  Write({EntryAt(5, 3)});
  StartAgain();
  EXPECT_EQ(state_.last(), (LogPosition{.index = Index(5), .term = Term(3)}));
}

TEST_F(LongLog, GoesOnBehindItsEnd) {
  Append(1, 100, 1);
  StartAgain();
  Append(101, 120, 4);
  StartAgain();
  EXPECT_EQ(state_.last(), (LogPosition{.index = Index(120), .term = Term(4)}));
  EXPECT_EQ(ReadBack(90, 100, 1).entries.at(0), EntryAt(90, 1));
}

TEST_F(LongLog, IsAllInMemoryIfItHasLostAnything) {
  Append(1, 100, 1);
  storage_.reset();
  directory_.Flip(FileEnding(".seg"), 300);
  StartAgain();
  EXPECT_FALSE(state_.damage.lost.empty());
  EXPECT_TRUE(state_.evicted.empty());
  EXPECT_EQ(state_.entries.size(), 100u);
}

// More of it may soon be damaged, whether anybody needs what is now or not.
TEST_F(LongLog, IsAllInMemoryIfAnyOfItIsDamaged) {
  Append(1, 100, 1);
  storage_.reset();
  // The seal: it only restates.
  const std::string name = FileEnding(".seg");
  const std::string bytes = directory_.Content().at(name);
  directory_.Flip(name, (bytes.find_last_not_of('\0') + 8) / 8 * 8 - 40);
  StartAgain();
  EXPECT_TRUE(state_.damage.empty());
  EXPECT_FALSE(state_.damage.places.empty());
  EXPECT_TRUE(state_.evicted.empty());
  EXPECT_EQ(state_.entries.size(), 100u);
}

TEST_F(LongLog, IsBoundedIfTheDiskHasGivenSomethingElseOnlyOnce) {
  Append(1, 60, 1);
  const SnapshotMeta meta = TakeSnapshot(40);
  Append(61, 100, 1);
  storage_.reset();
  directory_.MisreadOnce(FileEnding(".snap"), 0, std::string(512, 'x'));
  StartAgain();
  EXPECT_EQ(state_.snapshot, meta);
  EXPECT_TRUE(state_.damage.places.empty());
  EXPECT_FALSE(state_.evicted.empty());
  EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
}

TEST_F(LongLog, IsBoundedAgainOnceASnapshotHasTakenThePlaceOfItsBeginning) {
  Append(1, 60, 1);
  const SnapshotMeta meta = TakeSnapshot(40);
  Append(61, 100, 1);
  StartAgain();
  EXPECT_EQ(state_.snapshot, meta);
  EXPECT_GT(state_.base_index, Index(30));
  EXPECT_FALSE(state_.evicted.empty());
  EXPECT_EQ(state_.evicted.terms.base(), state_.base());
  EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
  EXPECT_EQ(ReadBack(41, 100, 1).entries.at(0), EntryAt(41, 1));
}

}  // namespace
}  // namespace grassdb::store
