// What is kept of a damaged directory when nobody can give anything back.
#include "store/salvage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/command.h"
#include "core/kv_snapshot.h"
#include "store/inspect.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

using Content = std::map<std::string, std::string>;

constexpr StorageOptions kOptions = {
    .segment_bytes = 4096, .reserve_bytes = 512, .recycled_segments_max = 1};
constexpr std::uint64_t kEntries = 30;
const FileNames kNames("a");

Command PutOf(std::uint64_t index) {
  Command command;
  command.time = 5;
  command.transaction = PutTransaction("k" + std::to_string(index), std::string(150, 'v'));
  return command;
}

// What the log of kEntries puts adds up to behind each of them.
std::vector<std::uint64_t> Digests() {
  KvStore state;
  std::vector<std::uint64_t> digests = {state.digest()};
  for (std::uint64_t i = 1; i <= kEntries; ++i) {
    state.Apply(Index(i), PutOf(i));
    digests.push_back(state.digest());
  }
  return digests;
}

SnapshotMeta MetaAt(std::uint64_t index) {
  return {.index = Index(index),
          .term = Term(3),
          .configuration = TestIdentity().bootstrap,
          .configuration_index = Index(0)};
}

void TakeSnapshot(Storage& storage, KvStore& state, std::uint64_t index) {
  StageSnapshot stage;
  stage.meta = MetaAt(index);
  stage.data = KvSnapshotWriter::Begin(state).Next(state, 1 << 20);
  stage.last = true;
  ASSERT_TRUE(std::get<StageDone>(storage.Execute(stage)).status.ok());
  const PublishSnapshot publish{.meta = MetaAt(index), .release_through = Index(index)};
  ASSERT_TRUE(std::get<PublishDone>(storage.Execute(publish)).status.ok());
}

// The files of a node that has written entries 1 to kEntries, with a snapshot behind each of these.
// `after[i]` is what the files were behind entry i.
Content Write(const std::vector<std::uint64_t>& snapshots, std::vector<Content>* after = nullptr) {
  CrashDirectory directory;
  const auto opened = Storage::Open(directory, kOptions, TestIdentity());
  EXPECT_TRUE(opened.ok()) << opened.status();
  KvStore state;
  if (after != nullptr) after->push_back(directory.Content());
  for (std::uint64_t i = 1; i <= kEntries; ++i) {
    Persist persist;
    persist.id = PersistId(i);
    persist.hard_state = {.term = Term(3), .voted_for = NodeId(2)};
    persist.entries.push_back({.index = Index(i),
                               .term = Term(3),
                               .type = EntryType::kCommand,
                               .payload = EncodeCommand(PutOf(i))});
    const DiskDone done = opened->storage->Execute(std::move(persist));
    EXPECT_TRUE(std::get<PersistDone>(done).status.ok());
    state.Apply(Index(i), PutOf(i));
    if (std::ranges::count(snapshots, i) > 0) TakeSnapshot(*opened->storage, state, i);
    if (after != nullptr) after->push_back(directory.Content());
  }
  return directory.Content();
}

std::vector<LogFile> LogFilesIn(CrashDirectory& directory) {
  std::vector<LogFile> logs;
  EXPECT_TRUE(VisitLogFiles(directory, kNames, TestIdentity(), [&logs](const LogFile& log) {
                logs.push_back(log);
              }).ok());
  return logs;
}

// Where the record with entry `index` begins, and in which file.
std::pair<std::string, std::size_t> PlaceOf(const Content& content, std::uint64_t index) {
  CrashDirectory directory(content);
  std::pair<std::string, std::size_t> place;
  const std::vector<LogFile> logs = LogFilesIn(directory);
  for (const LogFile& log : logs) {
    WalkSegment(log.file.bytes, log.salt, log.file.role, [&](const LogPlace& at) {
      if (at.record->type != RecordType::kBatch) return;
      const auto batch = DecodeBatch(at.record->payload);
      if (batch->first == Index(index)) place = {log.file.name, at.offset};
    });
  }
  EXPECT_FALSE(place.first.empty()) << index;
  return place;
}

Content WithFlip(Content content, const std::string& name, std::size_t at) {
  content.at(name)[at] = static_cast<char>(content.at(name)[at] ^ 4);
  return content;
}

// Loads, and holds what must be true of any damage against it: what is kept is what was there, the
// rest is told, and nothing is written.
absl::StatusOr<Salvaged> Load(const Content& content) {
  static const std::vector<std::uint64_t> digests = Digests();
  CrashDirectory directory(content);
  const std::uint64_t before = directory.operations();
  auto salvaged = LoadUpToDamage(directory, "a");
  EXPECT_EQ(directory.operations(), before) << "it only reads";
  if (!salvaged.ok()) return salvaged;
  const std::uint64_t last = salvaged->kept.last.index.value();
  EXPECT_LE(last, kEntries);
  EXPECT_EQ(salvaged->kept.state.digest(), digests[last]) << last;
  EXPECT_GE(salvaged->known_end, salvaged->kept.last.index);
  EXPECT_LE(salvaged->known_end.value(), kEntries);
  for (const Entry& entry : salvaged->dropped) {
    EXPECT_GT(entry.index.value(), last);
    EXPECT_EQ(DecodeCommand(entry.payload.view()), PutOf(entry.index.value()));
  }
  EXPECT_TRUE(salvaged->damaged() || salvaged->known_end == salvaged->kept.last.index);
  EXPECT_TRUE(
      absl::IsFailedPrecondition(Storage::Open(directory, kOptions, TestIdentity()).status()))
      << "the directory is locked meanwhile";
  salvaged->kept.lock.reset();  // it is the directory's
  return salvaged;
}

TEST(StoreSalvage, KeepsAllOfAWholeDirectory) {
  const auto salvaged = Load(Write({7}));
  ASSERT_TRUE(salvaged.ok()) << salvaged.status();
  EXPECT_FALSE(salvaged->damaged());
  EXPECT_EQ(salvaged->kept.last.index, Index(kEntries));
  EXPECT_TRUE(salvaged->dropped.empty());
}

TEST(StoreSalvage, KeepsWhatIsBeforeADamagedEntryAndTellsWhatIsBehind) {
  const Content content = Write({7});
  const auto [name, at] = PlaceOf(content, 12);
  const auto salvaged = Load(WithFlip(content, name, at + 200));
  ASSERT_TRUE(salvaged.ok()) << salvaged.status();
  EXPECT_TRUE(salvaged->damaged());
  EXPECT_EQ(salvaged->kept.last, (LogPosition{.index = Index(11), .term = Term(3)}));
  EXPECT_EQ(salvaged->kept.snapshot.index, Index(7));
  EXPECT_EQ(salvaged->known_end, Index(kEntries));
  EXPECT_EQ(salvaged->dropped.size(), kEntries - 12);
  EXPECT_EQ(salvaged->dropped.front().index, Index(13));
  EXPECT_NE(salvaged->places.front().find(name + " at offset " + std::to_string(at)),
            std::string::npos)
      << salvaged->places.front();
}

// Whatever byte of whatever file it is: every seventh, so that all fields have their turn.
TEST(StoreSalvage, FindsAStateForEveryDamagedByte) {
  const Content content = Write({7});
  std::uint64_t damaged = 0;
  for (const auto& [name, bytes] : content) {
    for (std::size_t at = 0; at < bytes.size(); at += 7) {
      const auto salvaged = Load(WithFlip(content, name, at));
      const bool needed = name == kNames.Identity() || name == kNames.Snapshot(Index(7));
      if (!salvaged.ok()) {
        ASSERT_TRUE(needed) << name << " " << at << ": " << salvaged.status();
        continue;
      }
      damaged += salvaged->damaged() ? 1 : 0;
      // Without a mark a torn last record and a rotten one look the same.
      const std::uint64_t least = salvaged->damaged() ? 7 : kEntries - 1;
      ASSERT_GE(salvaged->kept.last.index.value(), least) << name << " " << at;
    }
  }
  EXPECT_GT(damaged, 300u);
}

TEST(StoreSalvage, KeepsTheSealedSegmentsWhereTheLiveLogIsMissing) {
  Content content = Write({});
  CrashDirectory directory(content);
  const std::vector<LogFile> logs = LogFilesIn(directory);
  ASSERT_GT(logs.size(), 2u);
  RecordView record;
  const auto header = ReadSegmentHeader(logs.back().file, TestIdentity(), &record);
  ASSERT_TRUE(header.ok());
  content.erase(kNames.Live());
  const auto salvaged = Load(content);
  ASSERT_TRUE(salvaged.ok()) << salvaged.status();
  EXPECT_TRUE(salvaged->damaged());
  EXPECT_EQ(salvaged->kept.last, header->before.last);
}

TEST(StoreSalvage, KeepsWhatIsBeforeAMissingSegmentAndNamesIt) {
  Content content = Write({});
  const std::string missing = kNames.Sealed(SegmentNumber(2));
  CrashDirectory directory(content);
  RecordView record;
  const auto file = ReadSegmentFile(directory, missing, SegmentRole::kSealed);
  const auto header = ReadSegmentHeader(*file, TestIdentity(), &record);
  ASSERT_TRUE(header.ok());
  content.erase(missing);
  const auto salvaged = Load(content);
  ASSERT_TRUE(salvaged.ok()) << salvaged.status();
  EXPECT_EQ(salvaged->kept.last, header->before.last);
  EXPECT_EQ(salvaged->known_end, Index(kEntries));
  EXPECT_EQ(salvaged->dropped.back().index, Index(kEntries));
  EXPECT_EQ(salvaged->places, std::vector<std::string>{missing + ": the file is missing"});
}

TEST(StoreSalvage, KeepsASnapshotThatTheLogDoesNotReach) {
  std::vector<Content> after;
  Content content = Write({20}, &after);
  const std::string snapshot = content.at(kNames.Snapshot(Index(20)));
  // The disk of a while ago, but for the snapshot.
  content = after[9];
  content[kNames.Snapshot(Index(20))] = snapshot;
  const auto salvaged = Load(content);
  ASSERT_TRUE(salvaged.ok()) << salvaged.status();
  EXPECT_TRUE(salvaged->damaged());
  EXPECT_EQ(salvaged->kept.last, (LogPosition{.index = Index(20), .term = Term(3)}));
}

TEST(StoreSalvage, FallsBackToAnOlderSnapshot) {
  std::vector<Content> after;
  Content content = Write({7, 25}, &after);
  const std::string newest = kNames.Snapshot(Index(25));
  content = WithFlip(content, newest, content.at(newest).size() / 2);
  content[kNames.Snapshot(Index(7))] = after[7].at(kNames.Snapshot(Index(7)));
  const auto salvaged = Load(content);
  ASSERT_TRUE(salvaged.ok()) << salvaged.status();
  EXPECT_TRUE(salvaged->damaged());
  EXPECT_EQ(salvaged->kept.last, (LogPosition{.index = Index(7), .term = Term(3)}));
  EXPECT_EQ(salvaged->known_end, Index(kEntries));
  EXPECT_FALSE(salvaged->dropped.empty());
}

TEST(StoreSalvage, RefusesWhereTheOnlySnapshotIsDamagedAndSaysTheWayOut) {
  const Content content = Write({25});
  const std::string name = kNames.Snapshot(Index(25));
  const auto salvaged = Load(WithFlip(content, name, content.at(name).size() / 2));
  ASSERT_TRUE(absl::IsDataLoss(salvaged.status())) << salvaged.status();
  const std::string text(salvaged.status().message());
  for (const std::string& part :
       {name, std::string("there is no whole snapshot"), std::string("Nothing was changed"),
        std::string("another member"), std::string("`grassdb restore`")}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
  }
}

TEST(StoreSalvage, RefusesWithoutTheIdentityAndSaysWhy) {
  Content content = Write({7});
  for (const bool missing : {false, true}) {
    content = missing ? content : WithFlip(content, kNames.Identity(), 30);
    if (missing) content.erase(kNames.Identity());
    const auto salvaged = Load(content);
    ASSERT_TRUE(absl::IsDataLoss(salvaged.status())) << salvaged.status();
    const std::string text(salvaged.status().message());
    EXPECT_NE(text.find("without the identity"), std::string::npos) << text;
    EXPECT_EQ(text.find("add it again"), std::string::npos)
        << "there is nobody to give it anything: " << text;
  }
}

TEST(StoreSalvage, RefusesADirectoryThatIsInUse) {
  const Content content = WithFlip(Write({7}), kNames.Sealed(SegmentNumber(1)), 300);
  CrashDirectory directory(content);
  const auto lock = directory.Acquire(kNames.Lock());
  EXPECT_TRUE(absl::IsFailedPrecondition(LoadUpToDamage(directory, "a").status()));
  EXPECT_TRUE(absl::IsNotFound(LoadUpToDamage(directory, "b").status()));
}

}  // namespace
}  // namespace grassdb::store
