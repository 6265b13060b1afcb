// What a storage promises, example by example. The histories are in history_test.cc, the crashes in
// crash_points_test.cc, the damage in damage_test.cc.
#include "store/storage.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/hash.h"
#include "store/names.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

constexpr StorageOptions kOneSegment = {.segment_bytes = 65536, .recycled_segments_max = 2};

Persist MakePersist(std::uint64_t first, std::uint64_t count, std::uint64_t term,
                    std::size_t size = 100) {
  Persist persist;
  persist.id = PersistId(first);
  persist.hard_state = {.term = Term(term), .voted_for = NodeId(5)};
  for (std::uint64_t i = first; i < first + count; ++i) {
    persist.entries.push_back({.index = Index(i),
                               .term = Term(term),
                               .type = EntryType::kCommand,
                               .payload = BytesOf(i, size)});
  }
  return persist;
}

absl::Status Do(Storage& storage, DiskJob job) {
  return std::visit([](const auto& done) { return done.status; }, storage.Execute(std::move(job)));
}

SnapshotMeta MetaAt(std::uint64_t index, std::uint64_t term) {
  return {.index = Index(index),
          .term = Term(term),
          .configuration = TestIdentity().bootstrap,
          .configuration_index = Index(0)};
}

absl::Status StageWhole(Storage& storage, SnapshotSource source, const SnapshotMeta& meta,
                        std::string_view stream) {
  StageSnapshot stage;
  stage.source = source;
  stage.meta = meta;
  stage.last = true;
  stage.data = Bytes(stream);
  return Do(storage, std::move(stage));
}

SnapshotRead ReadAt(Storage& storage, std::uint64_t index, std::uint64_t offset,
                    std::uint32_t size) {
  return std::get<SnapshotRead>(storage.Execute(ReadSnapshot{
      .index = Index(index), .offset = offset, .size_max = size, .reader = NodeId(9)}));
}

std::string Message(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

bool Contains(const absl::Status& status, std::string_view text) {
  return Message(status).find(text) != std::string::npos;
}

TEST(StorageOpen, InitialisesANewDirectoryAndFindsItEmptyAgain) {
  CrashDirectory directory;
  for (int life = 0; life < 3; ++life) {
    const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->state.hard_state, HardState());
    EXPECT_FALSE(opened->state.snapshot.has_value());
    EXPECT_EQ(opened->state.base_index, Index(0));
    EXPECT_TRUE(opened->state.entries.empty());
  }
}

TEST(StorageOpen, KeepsTheIdentityOfTheFirstLife) {
  CrashDirectory directory;
  Identity identity = TestIdentity();
  ASSERT_TRUE(Storage::Open(directory, kOneSegment, identity).ok());
  identity.incarnation = Incarnation(99);
  const auto opened = Storage::Open(directory, kOneSegment, identity);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->state.identity.incarnation, TestIdentity().incarnation);
  EXPECT_EQ(opened->state.identity.bootstrap, TestIdentity().bootstrap);
  EXPECT_EQ(opened->state.identity.node_name, "a");
  EXPECT_EQ(opened->state.identity.cluster_name, "test");
}

// A node that has joined a running cluster: it learns the members from the log.
TEST(StorageOpen, KeepsAnEmptyBootstrapConfiguration) {
  CrashDirectory directory;
  Identity identity = TestIdentity();
  identity.bootstrap = Configuration();
  ASSERT_TRUE(identity.bootstrap.Problem().has_value()) << "no cluster begins with it";
  for (int life = 0; life < 2; ++life) {
    const auto opened = Storage::Open(directory, kOneSegment, identity);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_TRUE(opened->state.identity.bootstrap.empty());
    EXPECT_EQ(opened->state.identity.cluster, TestIdentity().cluster);
    identity.bootstrap = TestIdentity().bootstrap;  // the one on disk is what counts
  }
}

TEST(StorageOpen, RefusesAnotherClusterNamingBothAndChangesNothing) {
  CrashDirectory directory;
  ASSERT_TRUE(Storage::Open(directory, kOneSegment, TestIdentity()).ok());
  const auto before = directory.Content();
  Identity other = TestIdentity();
  other.cluster = ClusterId(0xbeef);
  other.cluster_name = "production";
  const auto opened = Storage::Open(directory, kOneSegment, other);
  ASSERT_TRUE(absl::IsFailedPrecondition(opened.status())) << opened.status();
  EXPECT_TRUE(Contains(opened.status(), "\"test\"")) << opened.status();
  EXPECT_TRUE(Contains(opened.status(), "\"production\"")) << opened.status();
  EXPECT_TRUE(Contains(opened.status(), "000000000000c105")) << opened.status();
  EXPECT_TRUE(Contains(opened.status(), "000000000000beef")) << opened.status();
  EXPECT_TRUE(Contains(opened.status(), "Way out")) << opened.status();
  EXPECT_EQ(directory.Content(), before);
}

TEST(StorageOpen, RefusesASecondOpener) {
  CrashDirectory directory;
  const auto first = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(
      absl::IsFailedPrecondition(Storage::Open(directory, kOneSegment, TestIdentity()).status()));
}

TEST(StorageOpen, LetsNodesOfOtherNamesShareTheDirectory) {
  CrashDirectory directory;
  const auto a = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_TRUE(a.ok()) << a.status();
  Identity other = TestIdentity();
  other.node_name = "a.b";  // begins like the files of "a"
  other.node = NodeIdOf("a.b");
  other.cluster = ClusterId(0xbeef);
  const auto b = Storage::Open(directory, kOneSegment, other);
  ASSERT_TRUE(b.ok()) << b.status();
  ASSERT_TRUE(Do(*a->storage, MakePersist(1, 3, 1)).ok());
  ASSERT_TRUE(Do(*b->storage, MakePersist(1, 7, 4)).ok());
  directory.CrashNow(Crash::kPower, 0);
  EXPECT_EQ(Storage::Open(directory, kOneSegment, TestIdentity())->state.entries.size(), 3u);
  EXPECT_EQ(Storage::Open(directory, kOneSegment, other)->state.entries.size(), 7u);
}

TEST(StorageOpen, RefusesALogWhoseIdentityFileIsGone) {
  CrashDirectory directory;
  {
    const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
    ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 1, 1)).ok());
  }
  ASSERT_TRUE(directory.Remove("distdb_a.id").ok());
  const auto before = directory.Content();
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status())) << opened.status();
  EXPECT_EQ(directory.Content(), before);
}

TEST(StorageOpen, RefusesANameThatCannotBePartOfAFileName) {
  CrashDirectory directory;
  Identity identity = TestIdentity();
  identity.node_name = "a/b";
  EXPECT_TRUE(absl::IsInvalidArgument(Storage::Open(directory, kOneSegment, identity).status()));
}

TEST(StoragePersist, CostsOneWriteAndOneSync) {
  CrashDirectory directory;
  const StorageOptions options = {.segment_bytes = std::uint64_t{1} << 20};
  const auto opened = Storage::Open(directory, options, TestIdentity());
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto before = directory.counters();
    ASSERT_TRUE(Do(*opened->storage, MakePersist(1 + i * 7, 7, 1)).ok());
    EXPECT_EQ(directory.counters().writes, before.writes + 1);
    EXPECT_EQ(directory.counters().file_syncs, before.file_syncs + 1);
    EXPECT_EQ(directory.counters().directory_syncs, before.directory_syncs);
  }
}

// No answer waits for the next segment: what it lacks is filled by jobs between the writes.
TEST(StoragePersist, LeavesTheFillingOfTheNextSegmentToSmallJobsBehindIt) {
  CrashDirectory directory;
  const StorageOptions options = {.segment_bytes = std::uint64_t{1} << 20};
  const auto opened = Storage::Open(directory, options, TestIdentity());
  std::uint64_t shares = 0;
  for (std::uint64_t i = 1; i <= 500; ++i) {
    auto before = directory.counters();
    const auto done = std::get<PersistDone>(opened->storage->Execute(MakePersist(i, 1, 1, 10'000)));
    ASSERT_TRUE(done.status.ok()) << done.status;
    // A rotation has a header and a seal to write too.
    EXPECT_LT(directory.counters().bytes_written - before.bytes_written, 11'000u) << i;
    EXPECT_LE(directory.counters().writes - before.writes, 3u) << i;
    if (!done.lags) continue;
    ++shares;
    before = directory.counters();
    ASSERT_TRUE(Do(*opened->storage, Restock{.ahead = true}).ok());
    EXPECT_LT(directory.counters().bytes_written - before.bytes_written, options.segment_bytes / 6);
  }
  EXPECT_GT(shares, 20u);
}

TEST(StoragePersist, OverwritesBlocksThatAreThere) {
  CrashDirectory directory;
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  EXPECT_EQ(directory.Content().at("distdb_a.wal").size(), kOneSegment.segment_bytes);
  for (std::uint64_t i = 1; i <= 50; ++i) {
    ASSERT_TRUE(Do(*opened->storage, MakePersist(i, 1, 1)).ok());
  }
  EXPECT_EQ(directory.Content().at("distdb_a.wal").size(), kOneSegment.segment_bytes);
}

TEST(StoragePersist, RefusesEverythingAfterAFailedSync) {
  CrashDirectory directory;
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 1, 1)).ok());
  directory.FailAt(2, Fault::kError);  // the write goes well
  const absl::Status failed = Do(*opened->storage, MakePersist(2, 1, 1));
  EXPECT_TRUE(Contains(failed, "injected sync error")) << failed;
  const std::uint64_t operations = directory.operations();
  EXPECT_EQ(Do(*opened->storage, MakePersist(2, 1, 1)), failed);
  EXPECT_EQ(StageWhole(*opened->storage, SnapshotSource::kTaken, MetaAt(1, 1), "x"), failed);
  EXPECT_EQ(
      Do(*opened->storage, PublishSnapshot{.meta = MetaAt(1, 1), .release_through = Index(1)}),
      failed);
  EXPECT_EQ(directory.operations(), operations);
}

TEST(StoragePersist, StopsForGoodAfterAFailureOfAnyOperation) {
  for (std::uint64_t point = 1; point <= 120; ++point) {
    CrashDirectory directory;
    const auto opened = Storage::Open(directory, TinySegments(), TestIdentity());
    directory.FailAt(point, Fault::kError);
    absl::Status first;
    for (std::uint64_t i = 1; i <= 40; ++i) {
      absl::Status status = Do(*opened->storage, MakePersist(i, 1, 1, 150));
      if (status.ok() && i % 10 == 0) {
        status = StageWhole(*opened->storage, SnapshotSource::kTaken, MetaAt(i, 1), "state");
        if (status.ok()) {
          status = Do(*opened->storage,
                      PublishSnapshot{.meta = MetaAt(i, 1), .release_through = Index(i)});
        }
      }
      EXPECT_TRUE(first.ok() || status == first) << "operation " << point;
      if (first.ok()) first = status;
    }
    EXPECT_FALSE(first.ok()) << "operation " << point;
  }
}

// After a failed sync Linux may keep the bytes in clean pages: readable, but never to be written. A
// recovery that trusts them promises what the disk does not hold.
TEST(StoragePersist, IsDurableAfterARecoveryThatFollowsAFailedSync) {
  CrashDirectory directory;
  {
    const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
    ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 1, 1, 2000)).ok());
    directory.FailAt(2, Fault::kDropPages);
    ASSERT_FALSE(Do(*opened->storage, MakePersist(2, 1, 1, 2000)).ok());
  }
  directory.CrashNow(Crash::kProcess, 0);
  std::size_t found = 0;
  {
    const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    found = opened->state.entries.size();
  }
  directory.CrashNow(Crash::kPower, 0);
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->state.entries.size(), found);
}

TEST(StoragePersist, CutsTheLogAtTheFirstEntry) {
  CrashDirectory directory;
  {
    const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
    ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 10, 1)).ok());
    ASSERT_TRUE(Do(*opened->storage, MakePersist(4, 2, 2)).ok());
  }
  directory.CrashNow(Crash::kPower, 0);
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_EQ(opened->state.entries.size(), 5u);
  EXPECT_EQ(opened->state.entries[2].term, Term(1));
  EXPECT_EQ(opened->state.entries[3].term, Term(2));
}

// A crash tears a long batch; the node then writes a short one in its place. What is left of the
// long one must not come back behind the short one.
TEST(StoragePersist, LeavesNothingOfATornBatchBehindANewOne) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CrashDirectory directory;
    {
      const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
      ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 2, 1)).ok());
      directory.FailAt(2, Fault::kStop);
      ASSERT_FALSE(Do(*opened->storage, MakePersist(3, 20, 1)).ok());
    }
    directory.CrashNow(Crash::kPower, seed);
    std::uint64_t last = 0;
    {
      const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
      ASSERT_TRUE(opened.ok()) << opened.status();
      last = opened->state.entries.size();
      ASSERT_TRUE(last == 2 || last == 22) << last;
      ASSERT_TRUE(Do(*opened->storage, MakePersist(last + 1, 1, 2, 8)).ok());
      const std::string wal = directory.Content().at("distdb_a.wal");
      EXPECT_TRUE(last != 2 || wal.find_first_not_of('\0', 1024) == std::string::npos);
    }
    directory.CrashNow(Crash::kPower, seed + 1);
    const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->state.entries.size(), last + 1);
  }
}

TEST(StoragePersist, TakesABatchThatIsLargerThanASegment) {
  CrashDirectory directory;
  {
    const auto opened = Storage::Open(directory, TinySegments(), TestIdentity());
    ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 50, 1, 400)).ok());
    ASSERT_TRUE(Do(*opened->storage, MakePersist(51, 1, 1, 400)).ok());
  }
  directory.CrashNow(Crash::kPower, 0);
  const auto opened = Storage::Open(directory, TinySegments(), TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->state.entries.size(), 51u);
}

TEST(StorageRelease, ReusesSegmentsWithoutWritingThemAnew) {
  CrashDirectory directory;
  const StorageOptions options = {.segment_bytes = 65536, .recycled_segments_max = 2};
  const auto opened = Storage::Open(directory, options, TestIdentity());
  std::uint64_t next = 1;
  std::uint64_t largest = 0;
  for (int round = 0; round < 12; ++round) {
    const std::uint64_t before = directory.counters().bytes_written;
    for (int i = 0; i < 15; ++i) {
      ASSERT_TRUE(Do(*opened->storage, MakePersist(next++, 1, 1, 4000)).ok());
    }
    const std::uint64_t written = directory.counters().bytes_written - before;
    if (round >= 4) largest = std::max(largest, written);
    const SnapshotMeta meta = MetaAt(next - 1, 1);
    ASSERT_TRUE(StageWhole(*opened->storage, SnapshotSource::kTaken, meta, "state").ok());
    ASSERT_TRUE(
        Do(*opened->storage, PublishSnapshot{.meta = meta, .release_through = meta.index}).ok());
  }
  EXPECT_LT(largest, 15u * 4000u + 4096u) << "a segment was filled with zeros again";
  std::size_t files = 0;
  for (const auto& [name, bytes] : directory.Content()) {
    files += name.ends_with(".seg") || name.ends_with(".free") ? 1u : 0u;
  }
  EXPECT_LE(files, 3u);
}

TEST(StorageSnapshot, ServesAnyRangeOfTheStream) {
  CrashDirectory directory;
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 5, 1)).ok());
  const Bytes content = BytesOf(3, 200'000);  // three blocks and a bit
  const std::string_view stream = content.view();
  for (std::size_t at = 0; at < stream.size(); at += 70'001) {
    StageSnapshot stage;
    stage.meta = MetaAt(5, 1);
    stage.offset = at;
    stage.data = Bytes(stream.substr(at, 70'001));
    stage.last = at + 70'001 >= stream.size();
    ASSERT_TRUE(Do(*opened->storage, std::move(stage)).ok());
  }
  ASSERT_TRUE(
      Do(*opened->storage, PublishSnapshot{.meta = MetaAt(5, 1), .release_through = Index(5)})
          .ok());
  for (const std::uint64_t offset : {0u, 1u, 65'535u, 65'536u, 131'071u, 199'999u, 200'000u}) {
    for (const std::uint32_t size : {1u, 100u, 65'536u, 300'000u}) {
      const SnapshotRead read = ReadAt(*opened->storage, 5, offset, size);
      ASSERT_TRUE(read.status.ok()) << read.status;
      EXPECT_TRUE(read.data.view() == stream.substr(offset, size)) << offset << " " << size;
      EXPECT_EQ(read.last, offset + size >= stream.size());
      EXPECT_EQ(read.reader, NodeId(9));
    }
  }
  EXPECT_TRUE(absl::IsOutOfRange(ReadAt(*opened->storage, 5, 200'001, 1).status));
  EXPECT_TRUE(absl::IsNotFound(ReadAt(*opened->storage, 4, 0, 1).status));
  // Who asks for what was there must not be told that it asks for too much.
  const auto file = directory.Open(FileNames("a").Snapshot(Index(5)), OpenMode::kExisting);
  ASSERT_TRUE((*file)->Truncate(100'000).ok());
  EXPECT_TRUE(absl::IsDataLoss(ReadAt(*opened->storage, 5, 150'000, 1).status));
}

TEST(StorageSnapshot, MayBeEmpty) {
  CrashDirectory directory;
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 5, 1)).ok());
  ASSERT_TRUE(StageWhole(*opened->storage, SnapshotSource::kTaken, MetaAt(5, 1), "").ok());
  ASSERT_TRUE(
      Do(*opened->storage, PublishSnapshot{.meta = MetaAt(5, 1), .release_through = Index(2)})
          .ok());
  const SnapshotRead read = ReadAt(*opened->storage, 5, 0, 100);
  EXPECT_TRUE(read.status.ok() && read.last && read.data.empty()) << read.status;
}

TEST(StorageSnapshot, TakenIsIgnoredWhenANewerOneWasInstalledMeanwhile) {
  CrashDirectory directory;
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 5, 1)).ok());
  ASSERT_TRUE(StageWhole(*opened->storage, SnapshotSource::kTaken, MetaAt(5, 1), "mine").ok());
  ASSERT_TRUE(StageWhole(*opened->storage, SnapshotSource::kReceived, MetaAt(9, 2), "theirs").ok());
  Persist persist;
  persist.id = PersistId(2);
  persist.hard_state = {.term = Term(2), .voted_for = NodeId()};
  persist.install = MetaAt(9, 2);
  ASSERT_TRUE(Do(*opened->storage, std::move(persist)).ok());
  ASSERT_TRUE(
      Do(*opened->storage, PublishSnapshot{.meta = MetaAt(5, 1), .release_through = Index(5)})
          .ok());
  EXPECT_EQ(ReadAt(*opened->storage, 9, 0, 100).data.view(), "theirs");
  EXPECT_FALSE(directory.Content().contains("distdb_a.taken.tmp"));
}

// The format before has no place for it, and a program that does not know it would take the node
// for one that remembers.
TEST(StorageOpen, ADiskThatHasForgottenIsWrittenInAFormatThatSaysSo) {
  StorageOptions options = kOneSegment;
  options.log_format = 1;
  CrashDirectory directory;
  const HardState state = {.term = Term(2), .voted_for = NodeId(), .renewed = Incarnation(77)};
  {
    const auto opened = Storage::Open(directory, options, TestIdentity());
    ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 3, 1)).ok());
    Persist renews;
    renews.id = PersistId(2);
    renews.hard_state = state;
    ASSERT_TRUE(Do(*opened->storage, std::move(renews)).ok());
  }
  for (int life = 0; life < 2; ++life) {
    directory.CrashNow(Crash::kPower, 0);
    const auto opened = Storage::Open(directory, options, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->state.hard_state, state);
    EXPECT_EQ(opened->state.entries.size(), 3u + static_cast<unsigned>(life));
    Persist entry = MakePersist(4 + static_cast<unsigned>(life), 1, 2);
    entry.hard_state.reset();
    ASSERT_TRUE(Do(*opened->storage, std::move(entry)).ok());
  }
}

TEST(StorageSnapshot, KeepsTheSuffixExactlyIfTheLogHoldsItsLastEntry) {
  for (const std::uint64_t term : {1u, 2u}) {
    CrashDirectory directory;
    {
      const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
      ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 8, 1)).ok());
      ASSERT_TRUE(
          StageWhole(*opened->storage, SnapshotSource::kReceived, MetaAt(5, term), "state").ok());
      Persist persist;
      persist.id = PersistId(2);
      persist.install = MetaAt(5, term);
      ASSERT_TRUE(Do(*opened->storage, std::move(persist)).ok());
    }
    directory.CrashNow(Crash::kPower, 0);
    const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_EQ(opened->state.snapshot->index, Index(5));
    const Index last = opened->state.base_index + opened->state.entries.size();
    EXPECT_EQ(last, term == 1 ? Index(8) : Index(5));
  }
}

TEST(StorageSnapshot, StartsAnewAtOffsetZero) {
  CrashDirectory directory;
  const auto opened = Storage::Open(directory, kOneSegment, TestIdentity());
  ASSERT_TRUE(Do(*opened->storage, MakePersist(1, 5, 1)).ok());
  StageSnapshot half;
  half.meta = MetaAt(4, 1);
  half.data = Bytes("an older, longer beginning");
  ASSERT_TRUE(Do(*opened->storage, std::move(half)).ok());
  ASSERT_TRUE(StageWhole(*opened->storage, SnapshotSource::kTaken, MetaAt(5, 1), "new").ok());
  ASSERT_TRUE(
      Do(*opened->storage, PublishSnapshot{.meta = MetaAt(5, 1), .release_through = Index(5)})
          .ok());
  EXPECT_EQ(ReadAt(*opened->storage, 5, 0, 100).data.view(), "new");
}

}  // namespace
}  // namespace grassdb::store
