// Reading entries back out of the log's files.
#include "store/entry_reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "store/identity.h"
#include "store/io.h"
#include "store/names.h"
#include "store/segment_reader.h"
#include "store/storage.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"
#include "tests/store/small_log.h"

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
  ReadingBack() { OpenWithSegmentsOf(TinySegments().segment_bytes, directory_); }
  void OpenWithSegmentsOf(std::uint64_t bytes, CrashDirectory& directory) {
    StorageOptions options = TinySegments();
    options.segment_bytes = bytes;
    auto opened = Storage::Open(directory, options, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
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
  CrashDirectory directory;
  OpenWithSegmentsOf(std::uint64_t{1} << 20, directory);
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

// A reader that has caught up asks for nothing any more, and says so to nobody.
TEST_F(ReadingBack, KeepsTwoPlacesOfAReaderForAPurposeHoweverOftenItBegins) {
  for (std::uint64_t i = 1; i <= 60; ++i) Append(i, 1, 1);
  const std::size_t without = directory_.open_files();
  for (std::uint64_t first = 1; first <= 60; first += 3) {
    ASSERT_TRUE(ReadBack(*storage_, From(first, first, 1, 1)).status.ok());
    EXPECT_LE(directory_.open_files() - without, 2u) << first;
  }
  for (std::uint64_t first = 1; first <= 60; first += 3) {
    ReadEntries repair = From(first, first, 1, 1);
    repair.purpose = ReadFor::kRepair;
    ASSERT_TRUE(ReadBack(*storage_, repair).status.ok());
    EXPECT_LE(directory_.open_files() - without, 4u) << first;
  }
}

TEST_F(ReadingBack, LetsGoOfASegmentThatASnapshotHasReleased) {
  for (std::uint64_t i = 1; i <= 100; ++i) Append(i, 1, 1);
  TakeSnapshot(*storage_, 10, Index(0));  // what it opens for itself stays open
  const std::size_t without = directory_.open_files();
  ASSERT_TRUE(ReadBack(*storage_, From(3, 3, 1, 1)).status.ok());
  ASSERT_TRUE(ReadBack(*storage_, From(50, 50, 1, 1)).status.ok());
  ASSERT_GT(directory_.open_files(), without);
  TakeSnapshot(*storage_, 90, Index(90));
  EXPECT_EQ(directory_.open_files(), without);
}

// Of entries 1 to `last`, each a record of its own: those that are not read back as they were
// written. What is told of them names `file`.
std::set<std::uint64_t> MissingOf(Storage& storage, std::uint64_t last, const std::string& file) {
  std::set<std::uint64_t> missing;
  // Downwards, so that each is looked for anew.
  for (std::uint64_t index = last; index > 0; --index) {
    const EntriesRead read = ReadBack(storage, From(index, index, 1));
    if (read.status.ok()) {
      EXPECT_EQ(read.entries.at(0).index, Index(index));
      EXPECT_EQ(read.entries.at(0).payload, BytesOf(1000 + index, 100));
      continue;
    }
    EXPECT_TRUE(absl::IsDataLoss(read.status)) << read.status;
    EXPECT_NE(read.status.message().find(file), std::string::npos) << read.status;
    missing.insert(index);
  }
  return missing;
}

TEST_F(ReadingBack, ADamagedRecordTakesNoEntryButItsOwnWhereverItStands) {
  for (std::uint64_t i = 1; i <= 30; ++i) Append(i, 1, 1);
  std::set<std::uint64_t> taken;
  std::vector<std::string> files = FilesEnding(".seg");
  ASSERT_GE(files.size(), 2u);
  files.push_back(FilesEnding(".wal").at(0));
  for (const std::string& file : files) {
    for (std::size_t at = 0; at < 2048; at += 24) {
      directory_.Flip(file, at);
      const std::set<std::uint64_t> missing = MissingOf(*storage_, 30, file);
      EXPECT_LE(missing.size(), 1u) << file << " at " << at;
      taken.insert(missing.begin(), missing.end());
      directory_.Flip(file, at);
    }
  }
  EXPECT_EQ(taken.size(), 30u);
}

TEST_F(ReadingBack, ASectorThatTheDiskDoesNotGiveTakesOnlyTheEntriesInIt) {
  for (std::uint64_t i = 1; i <= 30; ++i) Append(i, 1, 1);
  const std::string file = FilesEnding(".seg").at(0);
  std::set<std::uint64_t> in_it;
  for (std::size_t at = 512; at < 1024; at += 8) {
    directory_.Flip(file, at);
    in_it.merge(MissingOf(*storage_, 30, file));
    directory_.Flip(file, at);
  }
  directory_.FailReads(file, 1);
  const std::set<std::uint64_t> missing = MissingOf(*storage_, 30, file);
  EXPECT_EQ(missing, in_it);
  ASSERT_GE(missing.size(), 2u);
  const EntriesRead read = ReadBack(*storage_, From(*missing.begin(), 30, 1));
  EXPECT_NE(read.status.message().find("does not give"), std::string::npos) << read.status;
}

TEST_F(ReadingBack, AFileThatIsMissingOrShortTakesOnlyTheEntriesInIt) {
  for (std::uint64_t i = 1; i <= 30; ++i) Append(i, 1, 1);
  const std::vector<std::string> files = FilesEnding(".seg");
  ASSERT_GE(files.size(), 2u);
  const std::string live = FilesEnding(".wal").at(0);
  {
    auto file = directory_.Open(live, OpenMode::kExisting);
    ASSERT_TRUE(file.ok() && (*file)->Truncate(400).ok());
  }
  const std::set<std::uint64_t> behind = MissingOf(*storage_, 30, live);
  EXPECT_TRUE(behind.contains(30));
  EXPECT_EQ(behind.size(), 30 - *behind.begin() + 1);
  ASSERT_TRUE(directory_.Remove(files[1]).ok());
  std::uint64_t missing = 0;
  for (std::uint64_t index = 1; index < *behind.begin(); ++index) {
    ReadEntries wanted = From(index, 30, 1);
    wanted.reader = NodeId(3);  // for which nothing is in memory yet
    const EntriesRead read = ReadBack(*storage_, wanted);
    if (read.status.ok()) continue;
    EXPECT_NE(read.status.message().find("file is missing"), std::string::npos) << read.status;
    ++missing;
  }
  EXPECT_GT(missing, 5u);
  EXPECT_LT(missing, 2048u / 132);
}

// What was cut is legible, and what cut it is not.
TEST_F(ReadingBack, WhatWasCutIsNotTakenForWhatADamagedRecordHeld) {
  Append(1, 4, 1);
  const std::string file = FilesEnding(".wal").at(0);
  const std::size_t before = directory_.Content().at(file).find_last_not_of('\0');
  Append(2, 3, 2);  // cuts 2 to 4
  Append(5, 2, 2);
  directory_.Flip(file, before + 100);
  EXPECT_EQ(ReadBack(*storage_, From(1, 1, 1)).entries.size(), 1u);
  for (std::uint64_t index = 2; index <= 4; ++index) {
    const EntriesRead read = ReadBack(*storage_, From(index, 6, 2));
    EXPECT_TRUE(absl::IsDataLoss(read.status)) << index << ": " << read.status;
  }
  const EntriesRead read = ReadBack(*storage_, From(5, 6, 2));
  ASSERT_EQ(read.entries.size(), 2u) << read.status;
  EXPECT_EQ(read.entries[0].payload, BytesOf(2005, 100));
}

// As a disk does that writes to the wrong place.
TEST_F(ReadingBack, AnOlderRecordInThePlaceOfAnotherIsPassedOver) {
  const FileNames names(TestIdentity().node_name);
  const std::string live = names.Live();
  std::vector<std::size_t> begins;
  for (std::uint64_t i = 1; i <= 7; ++i) {
    begins.push_back(EndOf(directory_.Content().at(live)));
    Append(i, 1, 1);
  }
  const std::size_t bytes = begins[6] - begins[5];
  const std::string third = directory_.Content().at(live).substr(begins[2], bytes);
  {
    auto file = directory_.Open(live, OpenMode::kExisting);
    ASSERT_TRUE(file.ok() && WriteOne(**file, begins[5], third).ok());
  }
  EXPECT_EQ(MissingOf(*storage_, 7, live), std::set<std::uint64_t>{6});

  const auto identity = ReadIdentity(directory_, names);
  ASSERT_TRUE(identity.ok()) << identity.status();
  const StorageOptions options = TinySegments();
  SegmentReader reader({directory_, names, *identity, options}, SegmentNumber(1),
                       SegmentReader::Caching::kUsed, SegmentReader::AtDamage::kGoOn);
  const LogFiles files{.sealed = {},
                       .live = SegmentNumber(1),
                       .live_previous = Index(0),
                       .live_end = EndOf(directory_.Content().at(live))};
  std::vector<std::uint64_t> seen;
  const auto visit = [&seen](const RecordView& record) {
    seen.push_back(record.sequence.value());
    return SegmentReader::Next::kGoOn;
  };
  for (bool at_end = false; !at_end;) {
    const auto piece = reader.Read(files, 1000, visit);
    ASSERT_TRUE(piece.ok()) << piece.status();
    at_end = piece->at_end;
  }
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 8}));
}

TEST_F(ReadingBack, ARecordWhereTheHeaderShouldBeIsPassedOver) {
  const std::string live = FileNames(TestIdentity().node_name).Live();
  const std::size_t first = EndOf(directory_.Content().at(live));
  std::size_t third = 0;
  std::size_t fourth = 0;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    if (i == 3) third = EndOf(directory_.Content().at(live));
    if (i == 4) fourth = EndOf(directory_.Content().at(live));
    Append(i, 1, 1);
  }
  const std::string record = directory_.Content().at(live).substr(third, fourth - third);
  ASSERT_GT(record.size(), first) << "the first entry's record is overwritten too";
  {
    auto file = directory_.Open(live, OpenMode::kExisting);
    ASSERT_TRUE(file.ok() && WriteOne(**file, 0, record).ok());
  }
  EXPECT_EQ(MissingOf(*storage_, 6, live), std::set<std::uint64_t>{1});
}

TEST_F(ReadingBack, ALargeRecordThatIsDamagedIsPassedOverInSharesToo) {
  CrashDirectory directory;
  OpenWithSegmentsOf(std::uint64_t{1} << 21, directory);
  Append(1, 1, 1);
  const std::string live = FileNames(TestIdentity().node_name).Live();
  const std::size_t second = EndOf(directory.Content().at(live));
  Append(2, 1, 1, 500'000);
  Append(3, 1, 1, 100'000);           // more than a share
  directory.Flip(live, second + 10);  // the length
  int pieces = 1;
  EntriesRead read;
  while (read.entries.empty()) {
    const std::uint64_t before = directory.counters().bytes_read;
    read = std::get<EntriesRead>(storage_->Execute(From(3, 3, 1, 10, 300)));
    ASSERT_TRUE(read.status.ok()) << read.status;
    EXPECT_LT(directory.counters().bytes_read - before, 1'200'000u) << "that record twice at most";
    ASSERT_LT(++pieces, 40);
  }
  EXPECT_GT(pieces, 6);
  EXPECT_EQ(read.entries[0].payload, BytesOf(1003, 100'000));
  storage_.reset();
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
  TakeSnapshot(*storage_, 90, Index(90));
  EXPECT_TRUE(absl::IsNotFound(ReadBack(*storage_, From(1, 100, 1)).status));
  EXPECT_TRUE(ReadBack(*storage_, From(91, 100, 1)).status.ok());
}

}  // namespace
}  // namespace grassdb::store
