// Reading entries back out of the log's files.
#include "store/entry_reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "store/storage.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

constexpr int kPiecesMax = 10000;

// Asks until something has been found, or cannot be.
EntriesRead ReadBack(Storage& storage, const ReadEntries& wanted) {
  for (int piece = 0; piece < kPiecesMax; ++piece) {
    auto done = std::get<EntriesRead>(storage.Execute(wanted));
    if (!done.status.ok() || !done.entries.empty()) return done;
  }
  return {.wanted = wanted, .entries = {}, .status = absl::DeadlineExceededError("never found")};
}

ReadEntries From(std::uint64_t first, std::uint64_t last, std::uint64_t term,
                 std::size_t count_max = 1000, std::size_t bytes_max = 2000) {
  return {.reader = NodeId(2),
          .first = Index(first),
          .last = Index(last),
          .term = Term(term),
          .count_max = count_max,
          .bytes_max = bytes_max};
}

// Whatever was appended, cut, written again, sealed and released: each entry that the log holds is
// read back as it was written, by several readers at once.
RC_GTEST_PROP(EntryReading, GivesBackWhatTheLogHolds, (const std::vector<std::uint64_t>& steps)) {
  CrashDirectory directory;
  History history(directory);
  RC_ASSERT(history.Open() == "");
  for (const std::uint64_t step : steps) {
    RC_ASSERT(history.Step(step) == "");
    const Model& model = history.model();
    const auto& entries = model.entries;
    if (entries.empty()) continue;
    const std::uint64_t choice = Mix(step + 1);
    const std::size_t at = choice % entries.size();
    std::size_t end = at;
    while (end < entries.size() && entries[end].term == entries[at].term) ++end;
    ReadEntries wanted = From(entries[at].index.value(), entries[end - 1].index.value(),
                              entries[at].term.value(), 1 + choice / 7 % 5, 1 + choice / 11 % 3000);
    wanted.reader = NodeId(1 + choice % 12);
    std::size_t next = at;
    while (next < end) {
      wanted.first = entries[next].index;
      const EntriesRead read = ReadBack(history.storage(), wanted);
      // What a snapshot stands for may have been released with its segment.
      if (absl::IsNotFound(read.status)) {
        RC_ASSERT(model.snapshot.has_value());
        RC_ASSERT(wanted.first <= model.snapshot->index);
        break;
      }
      RC_ASSERT(read.status.ToString() == "OK");
      RC_ASSERT(read.entries.size() <= wanted.count_max);
      for (const Entry& entry : read.entries) {
        RC_ASSERT(next < end);
        RC_ASSERT(entry == entries[next]);
        ++next;
      }
      if (choice % 5 == 0) break;  // and begins elsewhere the next time
    }
  }
}

class ReadingBack : public ::testing::Test {
 protected:
  ReadingBack() {
    auto opened = Storage::Open(directory_, TinySegments(), TestIdentity());
    EXPECT_TRUE(opened.ok()) << opened.status();
    storage_ = std::move(opened->storage);
  }
  void Append(std::uint64_t first, std::uint64_t count, std::uint64_t term,
              std::size_t size = 100) {
    Persist persist;
    persist.id = PersistId(++persists_);
    if (term > term_) persist.hard_state = {.term = Term(term), .voted_for = NodeId(1)};
    term_ = term;
    for (std::uint64_t i = 0; i < count; ++i) {
      persist.entries.push_back({.index = Index(first + i),
                                 .term = Term(term),
                                 .type = EntryType::kNoop,
                                 .payload = BytesOf(first + i + 1000 * term, size)});
    }
    ASSERT_TRUE(std::get<PersistDone>(storage_->Execute(std::move(persist))).status.ok());
  }
  std::vector<std::string> FilesEnding(const std::string& suffix) {
    std::vector<std::string> found;
    for (const auto& [name, bytes] : directory_.Content()) {
      if (name.ends_with(suffix)) found.push_back(name);
    }
    return found;
  }

  CrashDirectory directory_;
  std::unique_ptr<Storage> storage_;
  std::uint64_t persists_ = 0;
  std::uint64_t term_ = 0;
};

TEST_F(ReadingBack, FindsTheEntryOfTheTermAndNotWhatStoodThereBefore) {
  Append(1, 4, 1);
  Append(2, 3, 2);  // cuts 2 to 4
  EXPECT_EQ(ReadBack(*storage_, From(1, 1, 1)).entries.at(0).payload, BytesOf(1001, 100));
  const EntriesRead read = ReadBack(*storage_, From(2, 4, 2));
  ASSERT_EQ(read.entries.size(), 3u);
  EXPECT_EQ(read.entries[0].payload, BytesOf(2002, 100));
}

TEST_F(ReadingBack, GoesNoFurtherThanItIsAsked) {
  Append(1, 10, 1);
  EXPECT_EQ(ReadBack(*storage_, From(3, 5, 1)).entries.size(), 3u);
  EXPECT_EQ(ReadBack(*storage_, From(6, 10, 1, 2)).entries.size(), 2u);
  EXPECT_EQ(ReadBack(*storage_, From(8, 10, 1, 100, 300)).entries.size(), 2u) << "264 bytes";
  EXPECT_EQ(ReadBack(*storage_, From(10, 10, 1, 100, 1)).entries.size(), 1u) << "one at least";
}

TEST_F(ReadingBack, ReadsARecordOnlyOnceHoweverSmallTheShares) {
  Append(1, 50, 1, 1000);  // one record, of much more than a share
  for (std::uint64_t next = 1; next <= 50; ++next) {
    const EntriesRead read = ReadBack(*storage_, From(next, 50, 1, 1, 64));
    ASSERT_EQ(read.entries.size(), 1u) << next;
    EXPECT_EQ(read.entries[0].payload, BytesOf(next + 1000, 1000));
    // What is ahead is in memory.
    if (next == 1) directory_.Flip(FilesEnding(".wal").at(0), 3000);
  }
}

TEST_F(ReadingBack, OneJobReadsAboutAShareOfAFileAlsoIfItFindsNothing) {
  StorageOptions options = TinySegments();
  options.segment_bytes = std::uint64_t{1} << 20;
  CrashDirectory directory;
  auto opened = Storage::Open(directory, options, TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  storage_ = std::move(opened->storage);
  for (std::uint64_t i = 1; i <= 40; ++i) Append(i, 1, 1, 10'000);
  int pieces = 1;
  while (std::get<EntriesRead>(storage_->Execute(From(35, 40, 1, 10, 300))).entries.empty()) {
    ASSERT_LT(++pieces, 40);
  }
  EXPECT_GT(pieces, 4);
  EXPECT_LT(pieces, 8) << "64 KiB each";
  storage_.reset();
}

// Else two jobs, one of them left over from an earlier leadership, would send each other back.
TEST_F(ReadingBack, TheSameReaderMayLookForTwoPlacesInTurns) {
  for (std::uint64_t i = 1; i <= 30; ++i) Append(i, 1, 1);
  std::size_t found = 0;
  for (int turn = 0; turn < 200 && found < 2; ++turn) {
    found = 0;
    for (const std::uint64_t first : {12u, 25u}) {
      const auto read = std::get<EntriesRead>(storage_->Execute(From(first, 30, 1, 10, 300)));
      if (!read.entries.empty()) ++found;
    }
  }
  EXPECT_EQ(found, 2u);
}

TEST_F(ReadingBack, SaysWhereARecordOnTheWayIsDamaged) {
  for (std::uint64_t i = 1; i <= 20; ++i) Append(i, 1, 1);
  const auto files = FilesEnding(".seg");
  directory_.Flip(files.at(0), 300);
  const EntriesRead read = ReadBack(*storage_, From(1, 20, 1, 1000, 20000));
  EXPECT_TRUE(absl::IsDataLoss(read.status)) << read.status;
  EXPECT_NE(read.status.message().find(files[0]), std::string::npos) << read.status;
}

TEST_F(ReadingBack, SaysThatWhatIsInNoneOfTheFilesIsNotThere) {
  Append(1, 5, 1);
  const EntriesRead read = ReadBack(*storage_, From(4, 5, 7));
  EXPECT_TRUE(absl::IsNotFound(read.status)) << read.status;
  EXPECT_NE(read.status.message().find("entry 4 of term 7"), std::string::npos) << read.status;
}

TEST_F(ReadingBack, SaysThatWhatASnapshotHasReleasedIsNotThereAnyMore) {
  for (std::uint64_t i = 1; i <= 100; ++i) Append(i, 1, 1);
  ASSERT_EQ(ReadBack(*storage_, From(1, 100, 1)).status, absl::OkStatus());
  const SnapshotMeta meta{.index = Index(90),
                          .term = Term(1),
                          .configuration = TestIdentity().bootstrap,
                          .configuration_index = Index(0)};
  StageSnapshot stage{.source = SnapshotSource::kTaken,
                      .meta = meta,
                      .offset = 0,
                      .last = true,
                      .data = BytesOf(1, 300)};
  ASSERT_TRUE(std::get<StageDone>(storage_->Execute(std::move(stage))).status.ok());
  ASSERT_TRUE(std::get<PublishDone>(
                  storage_->Execute(PublishSnapshot{.meta = meta, .release_through = meta.index}))
                  .status.ok());
  EXPECT_TRUE(absl::IsNotFound(ReadBack(*storage_, From(1, 100, 1)).status));
  EXPECT_TRUE(ReadBack(*storage_, From(91, 100, 1)).status.ok());
}

}  // namespace
}  // namespace grassdb::store
