// A snapshot that was being received when the node ended: what of it is whole is gone on with.
// (Here without compression, so that the place of each block is known; snapshot_file_test.cc has
// both.)
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kBlockInFile = kBlock + 16;
constexpr StorageOptions kNeverSynced = {.segment_bytes = 4096,
                                         .recycled_segments_max = 2,
                                         .snapshot_sync_bytes = 1 << 20,
                                         .snapshot_block_bytes = kBlock,
                                         .snapshot_compression = Compression::kNone};
constexpr StorageOptions kAlwaysSynced = {.segment_bytes = 4096,
                                          .recycled_segments_max = 2,
                                          .snapshot_sync_bytes = 1,
                                          .snapshot_block_bytes = kBlock,
                                          .snapshot_compression = Compression::kNone};
constexpr char kReceivedFile[] = "distdb_a.received.tmp";

SnapshotMeta Meta(std::uint64_t index = 9) {
  return {.index = Index(index),
          .term = Term(2),
          .configuration = TestIdentity().bootstrap,
          .configuration_index = Index(3)};
}

std::string Stream() {
  return std::string(BytesOf(5, 1000).view());
}

absl::Status Stage(Storage& storage, std::string_view stream, std::size_t from, std::size_t to,
                   const SnapshotMeta& meta = Meta()) {
  StageSnapshot stage;
  stage.source = SnapshotSource::kReceived;
  stage.meta = meta;
  stage.offset = from;
  stage.last = to == stream.size();
  stage.data = Bytes(stream.substr(from, to - from));
  return std::get<StageDone>(storage.Execute(std::move(stage))).status;
}

// In chunks of 150 bytes; the first error.
absl::Status StageUpTo(Storage& storage, std::string_view stream, std::size_t from,
                       std::size_t to) {
  absl::Status status;
  for (std::size_t at = from; at < to && status.ok(); at += 150) {
    status = Stage(storage, stream, at, std::min(at + 150, to));
  }
  return status;
}

absl::Status Install(Storage& storage, const SnapshotMeta& meta = Meta()) {
  Persist persist;
  persist.id = PersistId(1);
  persist.hard_state = {.term = Term(2), .voted_for = NodeId()};
  persist.install = meta;
  return std::get<PersistDone>(storage.Execute(std::move(persist))).status;
}

std::string Installed(Storage& storage) {
  auto read = std::get<SnapshotRead>(storage.Execute(
      ReadSnapshot{.index = Index(9), .offset = 0, .size_max = 100'000, .reader = NodeId()}));
  return read.status.ok() && read.last ? std::string(read.data.view()) : read.status.ToString();
}

std::uint64_t OffsetOf(const Opened& opened) {
  return opened.state.staged.has_value() ? opened.state.staged->offset : 0;
}

// Recovers, goes on from where recovery says, and installs. The offset gone on from; ends the test
// if what is installed is not the stream.
std::uint64_t GoOn(CrashDirectory& directory, const std::string& stream) {
  auto opened = Storage::Open(directory, kNeverSynced, TestIdentity());
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (!opened.ok()) return 0;
  const std::uint64_t offset = OffsetOf(*opened);
  EXPECT_EQ(opened->state.staged.value_or(StagedSnapshot{.meta = Meta(), .offset = 0}).meta,
            Meta());
  EXPECT_TRUE(Stage(*opened->storage, stream, offset, stream.size()).ok());
  EXPECT_TRUE(Install(*opened->storage).ok());
  EXPECT_EQ(Installed(*opened->storage), stream);
  return offset;
}

// The files of a node that ended with `size` bytes of the stream staged.
std::map<std::string, std::string> ContentWith(std::size_t size) {
  CrashDirectory directory;
  auto opened = Storage::Open(directory, kNeverSynced, TestIdentity());
  EXPECT_TRUE(StageUpTo(*opened->storage, Stream(), 0, size).ok());
  return directory.Content();
}

TEST(StorageStaged, GoesOnBehindTheLastWholeBlockOfAFileCutAtAnyByte) {
  for (const std::size_t size : {std::size_t{700}, Stream().size()}) {
    const auto content = ContentWith(size);
    const std::string& file = content.at(kReceivedFile);
    const std::size_t blocks = size / kBlock;
    const std::size_t finish = size == Stream().size() ? kBlockInFile - kBlock + size % kBlock + 40
                                                       : 0;  // the last block and the footer
    const std::size_t header = file.size() - blocks * kBlockInFile - finish;
    for (std::size_t cut = 0; cut <= file.size(); ++cut) {
      auto torn = content;
      torn[kReceivedFile].resize(cut);
      CrashDirectory directory(torn);
      const std::size_t whole =
          cut < header ? 0 : std::min(blocks, (cut - header) / kBlockInFile) * kBlock;
      ASSERT_EQ(GoOn(directory, Stream()), whole) << size << " staged, cut at " << cut;
    }
  }
}

TEST(StorageStaged, GoesOnBeforeTheFirstDamagedByte) {
  const auto content = ContentWith(700);
  const std::string& file = content.at(kReceivedFile);
  const std::size_t header = file.size() - 700 / kBlock * kBlockInFile;
  for (std::size_t at = 0; at < file.size(); ++at) {
    auto damaged = content;
    damaged[kReceivedFile][at] = static_cast<char>(damaged[kReceivedFile][at] ^ 0x10);
    CrashDirectory directory(damaged);
    const std::size_t whole = at < header ? 0 : (at - header) / kBlockInFile * kBlock;
    ASSERT_EQ(GoOn(directory, Stream()), whole) << "damaged at " << at;
  }
}

// A loss of power may leave the file as long as one that had its name before.
TEST(StorageStaged, IsCutOffBehindWhatIsWhole) {
  auto content = ContentWith(700);
  content[kReceivedFile] += std::string(BytesOf(8, 5000).view());
  CrashDirectory directory(content);
  EXPECT_EQ(GoOn(directory, Stream()), 640u);
}

// Power fails within every operation of staging, and within every one of the recovery after it.
TEST(StorageStaged, LosesNothingThatWasSynced) {
  std::uint64_t resumed = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    for (std::uint64_t point = 1; point <= 30; ++point) {
      CrashDirectory directory;
      std::uint64_t synced = 0;
      {
        auto opened = Storage::Open(directory, kAlwaysSynced, TestIdentity());
        directory.FailAt(point, Fault::kStop);
        for (std::uint64_t at = 0; at + 150 < Stream().size(); at += 150) {
          if (!Stage(*opened->storage, Stream(), at, at + 150).ok()) break;
          synced = (at + 150) / kBlock * kBlock;
        }
      }
      directory.CrashNow(Crash::kPower, seed);
      directory.FailAt(1 + seed, Fault::kStop);
      if (Storage::Open(directory, kAlwaysSynced, TestIdentity()).ok()) directory.FailAt(0, {});
      directory.CrashNow(Crash::kPower, seed + 1);
      const std::uint64_t offset = GoOn(directory, Stream());
      ASSERT_GE(offset, synced) << "operation " << point << ", seed " << seed;
      resumed += offset > 0 ? 1 : 0;
    }
  }
  EXPECT_GT(resumed, 100u);
}

// After a failed sync Linux may keep the bytes in clean pages: readable, but never to be written.
TEST(StorageStaged, IsDurableWhenRecoveryHasFoundItAfterAFailedSync) {
  CrashDirectory directory;
  {
    auto opened = Storage::Open(directory, kAlwaysSynced, TestIdentity());
    ASSERT_TRUE(Stage(*opened->storage, Stream(), 0, 150).ok());
    directory.FailAt(6, Fault::kDropPages);  // five blocks go well
    ASSERT_FALSE(Stage(*opened->storage, Stream(), 150, 500).ok());
  }
  directory.CrashNow(Crash::kProcess, 0);
  std::uint64_t found = 0;
  {
    const auto opened = Storage::Open(directory, kAlwaysSynced, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    found = OffsetOf(*opened);
    ASSERT_GT(found, 128u) << "the pages can be read";
  }
  directory.CrashNow(Crash::kPower, 0);
  EXPECT_EQ(GoOn(directory, Stream()), found);
}

TEST(StorageStaged, IsDroppedForAnotherSnapshot) {
  CrashDirectory directory(ContentWith(700));
  const std::string other(BytesOf(6, 300).view());
  {
    auto opened = Storage::Open(directory, kNeverSynced, TestIdentity());
    ASSERT_EQ(OffsetOf(*opened), 640u);
    ASSERT_TRUE(Stage(*opened->storage, other, 0, 150, Meta(11)).ok());
  }
  auto opened = Storage::Open(directory, kNeverSynced, TestIdentity());
  ASSERT_TRUE(opened->state.staged.has_value());
  EXPECT_EQ(opened->state.staged->meta, Meta(11));
  EXPECT_EQ(opened->state.staged->offset, 128u);
}

TEST(StorageStaged, IsDroppedWhenTheLogHoldsWhatItStandsFor) {
  CrashDirectory directory(ContentWith(700));
  {
    auto opened = Storage::Open(directory, kNeverSynced, TestIdentity());
    ASSERT_EQ(OffsetOf(*opened), 640u);
    Persist persist;
    persist.id = PersistId(1);
    persist.hard_state = {.term = Term(2), .voted_for = NodeId()};
    for (std::uint64_t i = 1; i <= 9; ++i) {
      persist.entries.push_back(
          {.index = Index(i), .term = Term(2), .type = EntryType::kNoop, .payload = {}});
    }
    ASSERT_TRUE(std::get<PersistDone>(opened->storage->Execute(std::move(persist))).status.ok());
  }
  auto opened = Storage::Open(directory, kNeverSynced, TestIdentity());
  EXPECT_FALSE(opened->state.staged.has_value());
  EXPECT_FALSE(directory.Content().contains(kReceivedFile));
}

TEST(StorageStaged, OfThisNodesOwnStateIsMadeAnew) {
  CrashDirectory directory;
  {
    auto opened = Storage::Open(directory, kAlwaysSynced, TestIdentity());
    StageSnapshot stage;
    stage.meta = Meta();
    stage.data = Bytes(Stream());
    ASSERT_TRUE(std::get<StageDone>(opened->storage->Execute(std::move(stage))).status.ok());
    ASSERT_TRUE(directory.Content().contains("distdb_a.taken.tmp"));
  }
  auto opened = Storage::Open(directory, kAlwaysSynced, TestIdentity());
  EXPECT_FALSE(opened->state.staged.has_value());
  EXPECT_FALSE(directory.Content().contains("distdb_a.taken.tmp"));
}

// The last sync, too, has little to write: a log write may wait behind it.
TEST(StorageStaged, IsSyncedOnTheWay) {
  CrashDirectory directory;
  StorageOptions options = kNeverSynced;
  options.snapshot_sync_bytes = 10'000;
  auto opened = Storage::Open(directory, options, TestIdentity());
  const std::string stream(BytesOf(1, 100'000).view());
  std::uint64_t unsynced = 0;
  std::uint64_t syncs = 0;
  for (std::size_t at = 0; at < stream.size(); at += 1000) {
    const auto before = directory.counters();
    ASSERT_TRUE(Stage(*opened->storage, stream, at, at + 1000).ok());
    const auto& after = directory.counters();
    unsynced += after.bytes_written - before.bytes_written;
    EXPECT_LE(unsynced, 12'000u) << "what the sync at " << at << " may have to write";
    if (after.file_syncs == before.file_syncs) continue;
    unsynced = 0;
    ++syncs;
  }
  EXPECT_GE(syncs, 10u);
  EXPECT_LE(syncs, 14u);
}

}  // namespace
}  // namespace grassdb::store
