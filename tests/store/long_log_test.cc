// A start with a log that is longer than memory is to hold: what is left of it there, and what of
// it is read back.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/configuration.h"
#include "store/storage.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"
#include "tests/store/small_log.h"

namespace grassdb::store {
namespace {

class LongLog : public ::testing::Test {
 protected:
  static constexpr std::size_t kMemory = 1000;

  LongLog() { Open(options_); }
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
    StorageOptions options = options_;
    options.log_memory_bytes = kMemory;
    Open(options);
  }
  // With other options, and nothing in it.
  void OpenAnew() {
    storage_.reset();
    const auto files = directory_.List();
    ASSERT_TRUE(files.ok());
    for (const std::string& name : *files) ASSERT_TRUE(directory_.Remove(name).ok());
    Open(options_);
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
  SnapshotMeta TakeSnapshot(std::uint64_t index, std::optional<Index> release_through = {}) {
    return store::TakeSnapshot(*storage_, index, release_through.value_or(Index(index)));
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

  // Of what is written by one record alone, or at its end.
  void Damage(const Entry& entry) {
    for (const auto& [name, bytes] : directory_.Content()) {
      const std::size_t at = bytes.find(entry.payload.view());
      if (at != std::string::npos) return directory_.Flip(name, at);
    }
    ADD_FAILURE() << "no file has entry " << entry.index.value();
  }
  // Entry `index` of 100. It is given back, and stands behind all others then.
  void LoseAndGetBack(std::uint64_t lost) {
    Append(1, 40, 1);
    Append(41, 100, 2);
    storage_.reset();
    const Entry entry = EntryAt(lost, lost <= 40 ? 1 : 2);
    Damage(entry);
    StartAgain();
    const LostRange range{.first = entry.index, .last = entry.index, .last_term = entry.term};
    EXPECT_EQ(state_.damage.lost, std::vector<LostRange>{range});
    EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
    for (std::uint64_t index = 1; index <= 100; ++index) {
      const std::uint64_t term = index <= 40 ? 1 : 2;
      EXPECT_EQ(state_.TermAt(Index(index)), Term(term)) << index;
      if (lost == index) continue;
      EXPECT_EQ(ReadBack(index, index, term).entries.at(0), EntryAt(index, term));
    }
    const MendLog mend{.fill = {entry}, .cut_from = Index(), .previous_term = Term()};
    ASSERT_TRUE(std::get<MendDone>(storage_->Execute(mend)).status.ok());
    StartAgain();
    EXPECT_TRUE(state_.damage.empty());
    EXPECT_FALSE(state_.damage.places.empty());
    EXPECT_EQ(state_.last(), (LogPosition{.index = Index(100), .term = Term(2)}));
    EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
    EXPECT_EQ(ReadBack(lost, lost, entry.term.value()).entries.at(0), entry);
  }

  CrashDirectory directory_;
  StorageOptions options_ = TinySegments();
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

TEST_F(LongLog, IsBoundedIfItHasLostWhatWouldNotBeInMemory) {
  LoseAndGetBack(5);
  EXPECT_GT(state_.before_entries().index, Index(5));
}

TEST_F(LongLog, IsBoundedIfItHasLostWhatWouldBeInMemory) {
  LoseAndGetBack(98);
  EXPECT_LT(state_.before_entries().index, Index(98));
}

TEST_F(LongLog, IsBoundedIfItHasLostSomeOfManyMebibytes) {
  constexpr std::uint64_t kEntries = 320;
  constexpr std::size_t kPayload = 65536;
  options_.segment_bytes = std::size_t{4} << 20;
  OpenAnew();
  std::vector<Entry> entries;
  for (std::uint64_t index = 1; index <= kEntries; ++index) {
    entries.push_back(EntryAt(index, 1));
    entries.back().payload = Bytes(std::string(kPayload, static_cast<char>('a' + index % 26)) +
                                   std::to_string(index) + ".");
    Write({entries.back()});
  }
  storage_.reset();
  for (const std::uint64_t index : {3u, 4u, 90u, 200u, 318u}) {
    for (const auto& [name, bytes] : directory_.Content()) {
      const std::size_t at = bytes.find(entries[index - 1].payload.view());
      if (at != std::string::npos) directory_.Flip(name, at);
    }
  }
  StartAgain();
  EXPECT_EQ(state_.damage.lost.size(), 4u);
  EXPECT_EQ(state_.last().index, Index(kEntries));
  // The newest one alone is more than there is room for.
  EXPECT_LE(BytesInMemory(), kMemory);
  EXPECT_EQ(state_.evicted.evictions.BytesBehind(Index(0)) / kPayload, kEntries - 5);
  for (const std::uint64_t index : {1u, 5u, 199u, 201u, 320u}) {
    EXPECT_EQ(ReadBack(index, index, 1).entries.at(0), entries[index - 1]);
  }
}

// Of a range only the last one's term is known, until somebody gives it back from behind.
TEST_F(LongLog, KnowsTheTermsOfWhatIsGivenBackOfALongRange) {
  options_.segment_bytes = 65536;
  OpenAnew();
  const Configuration changed({MakeMember("a", "a:1"), MakeMember("z", "z:1")});
  Append(1, 10, 1);
  Append(11, 12, 2);
  Entry configuration = EntryAt(13, 3);
  configuration.type = EntryType::kConfiguration;
  configuration.payload = Bytes(EncodeConfiguration(changed));
  Write({configuration});
  Append(14, 100, 3);
  storage_.reset();
  const auto original = [&](std::uint64_t index) {
    if (index == 13) return configuration;
    return EntryAt(index, index <= 10 ? 1 : index <= 12 ? 2 : 3);
  };
  for (std::uint64_t index = 1; index <= 20; ++index) Damage(original(index));
  StartAgain();
  const LostRange lost{.first = Index(1), .last = Index(20), .last_term = Term(3)};
  ASSERT_EQ(state_.damage.lost, std::vector<LostRange>{lost});
  ASSERT_GT(state_.before_entries().index, lost.last);
  EXPECT_EQ(state_.TermAt(Index(11)), Term(0));
  EXPECT_EQ(state_.TermAt(lost.last), Term(3));
  EXPECT_TRUE(state_.evicted.configurations.empty());
  for (std::uint64_t end = 20; end > 0;) {
    const std::uint64_t begin = end > 5 ? end - 4 : 1;
    MendLog mend;
    for (std::uint64_t index = begin; index <= end; ++index) mend.fill.push_back(original(index));
    if (begin > 1) mend.previous_term = original(begin - 1).term;
    ASSERT_TRUE(std::get<MendDone>(storage_->Execute(std::move(mend))).status.ok());
    end = begin - 1;
    StartAgain();
    ASSERT_LE(BytesInMemory(), kMemory + kMemory / 8);
    for (std::uint64_t index = std::max<std::uint64_t>(begin - 1, 1); index <= 100; ++index) {
      ASSERT_EQ(state_.TermAt(Index(index)), original(index).term) << index;
    }
  }
  EXPECT_TRUE(state_.damage.empty());
  EXPECT_EQ(state_.evicted.configurations, std::vector<Entry>{configuration});
  for (std::uint64_t index = 1; index <= 100; ++index) {
    const Entry entry = original(index);
    EXPECT_EQ(ReadBack(index, index, entry.term.value()).entries.at(0), entry);
  }
}

TEST_F(LongLog, IsBoundedIfASnapshotStandsForWhatItHasLost) {
  Append(1, 60, 1);
  const SnapshotMeta meta = TakeSnapshot(40, Index(1));
  Append(61, 100, 1);
  storage_.reset();
  Damage(EntryAt(5, 1));
  StartAgain();
  EXPECT_EQ(state_.snapshot, meta);
  EXPECT_TRUE(state_.damage.empty());
  EXPECT_EQ(state_.base(), (LogPosition{.index = meta.index, .term = meta.term}))
      << "for all of that, since it does for a part";
  ASSERT_FALSE(state_.evicted.empty());
  EXPECT_EQ(state_.evicted.terms.base(), state_.base());
  EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
  EXPECT_EQ(ReadBack(41, 100, 1).entries.at(0), EntryAt(41, 1));
}

TEST_F(LongLog, IsBoundedIfItsBeginningIsMissing) {
  Append(1, 40, 1);
  Append(41, 100, 2);
  storage_.reset();
  ASSERT_TRUE(directory_.Remove(FileEnding(".seg")).ok());
  StartAgain();
  ASSERT_EQ(state_.damage.lost.size(), 1u);
  const LostRange lost = state_.damage.lost.front();
  EXPECT_EQ(lost.first, Index(1));
  EXPECT_EQ(state_.base(), LogPosition());
  EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
  for (std::uint64_t index = lost.last.value(); index <= 100; ++index) {
    EXPECT_EQ(state_.TermAt(Index(index)), Term(index <= 40 ? 1 : 2)) << index;
    if (lost.last == Index(index)) continue;
    const std::uint64_t term = index <= 40 ? 1 : 2;
    EXPECT_EQ(ReadBack(index, index, term).entries.at(0), EntryAt(index, term));
  }
  // What fills it stands in later segments, and its own go: the beginning is missing again.
  MendLog mend;
  for (std::uint64_t index = 1; index <= lost.last.value(); ++index) {
    mend.fill.push_back(EntryAt(index, index <= 40 ? 1 : 2));
  }
  ASSERT_TRUE(std::get<MendDone>(storage_->Execute(std::move(mend))).status.ok());
  StartAgain();
  EXPECT_TRUE(state_.damage.empty()) << lost.last.value();
  EXPECT_EQ(ReadBack(1, 1, 1).entries.at(0), EntryAt(1, 1));
  EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
}

// Damage that matters no more, as to a seal, which only restates.
TEST_F(LongLog, IsBoundedIfAnyOfItIsDamaged) {
  Append(1, 100, 1);
  storage_.reset();
  const std::string name = FileEnding(".seg");
  const std::string bytes = directory_.Content().at(name);
  directory_.Flip(name, (bytes.find_last_not_of('\0') + 8) / 8 * 8 - 40);
  StartAgain();
  EXPECT_TRUE(state_.damage.empty());
  EXPECT_FALSE(state_.damage.places.empty());
  EXPECT_LE(BytesInMemory(), kMemory + kMemory / 8);
  for (std::uint64_t index = 1; index <= 100; ++index) {
    EXPECT_EQ(ReadBack(index, index, 1).entries.at(0), EntryAt(index, 1));
  }
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
