// Sectors that the disk does not give: what stood there is given back by the others, or the start
// is refused by the name of the file; and never is there less than there was without a word.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>

#include "core/hash.h"
#include "store/io.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

using Content = std::map<std::string, std::string>;

constexpr std::size_t kSectorBytes = 512;
constexpr char kLive[] = "distdb_a.wal";
constexpr char kMark[] = "distdb_a.mark";
constexpr char kIdentity[] = "distdb_a.id";

enum class Marked : std::uint8_t { kNo, kYes };

struct Written {
  Content content;
  Model model;
};

// What a random history leaves, with or without a mark behind it.
Written Write(std::uint64_t seed, Marked marked) {
  Written written;
  CrashDirectory directory;
  History history(directory);
  EXPECT_EQ(history.Open(), "");
  const std::uint64_t steps = 10 + seed % 30;
  for (std::uint64_t i = 0; i < steps; ++i) EXPECT_EQ(history.Step(KeyedRandom(seed, i)), "");
  if (marked == Marked::kYes) {
    EXPECT_TRUE(std::get<MarkDone>(history.storage().Execute(MarkDurable{})).status.ok());
  }
  history.CrashNow(Crash::kProcess, 1);
  written.content = directory.Content();
  written.model = history.model();
  return written;
}

std::size_t SectorsOf(const std::string& bytes) {
  return (bytes.size() + kSectorBytes - 1) / kSectorBytes;
}

std::size_t LastUsedSector(const std::string& bytes) {
  return bytes.find_last_not_of('\0') / kSectorBytes;
}

TEST(StorageReadError, OfAnySectorIsMendedOrRefusedByName) {
  std::map<std::string, std::uint64_t> mended;
  std::map<std::string, std::uint64_t> refused;
  std::uint64_t tried = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Written written = Write(seed, seed % 2 == 0 ? Marked::kYes : Marked::kNo);
    for (const auto& [name, bytes] : written.content) {
      const std::string kind = name.substr(name.rfind('.'));
      for (std::size_t sector = 0; sector < SectorsOf(bytes); ++sector, ++tried) {
        CrashDirectory directory(written.content);
        directory.FailReads(name, sector);
        const std::string found =
            OpenAndMend(directory, TinySegments(), written.model, seed, &mended[kind]);
        if (found.empty()) continue;
        const std::string where = name + " sector " + std::to_string(sector) + ", seed " +
                                  std::to_string(seed) + ": " + found;
        ASSERT_TRUE(IsRefusal(found)) << where;
        ASSERT_NE(found.find(name), std::string::npos) << where;
        ASSERT_EQ(directory.Content(), written.content) << where;
        ++refused[kind];
        if (name == kIdentity) continue;
        // Who knows what this node has promised last, and whether it has?
        ASSERT_EQ(name, kLive) << where;
        ASSERT_LE(sector, LastUsedSector(bytes) + 1) << where;
      }
    }
  }
  EXPECT_GT(mended[".wal"], 20u);
  EXPECT_GT(mended[".seg"], 100u);
  EXPECT_GT(mended[".snap"], 100u);
  EXPECT_EQ(refused[".id"], 60u);
  EXPECT_LT(refused[".wal"], 150u) << "of " << tried;
}

// The mark tells what the record had done that cannot be read, but not whether another one came
// behind it.
TEST(StorageReadError, OfTheLastRecordIsMendedOnlyIfNothingCanHaveStoodBehindIt) {
  CrashDirectory directory;
  StorageOptions options = TinySegments();
  options.segment_bytes = 8192;
  auto opened = Storage::Open(directory, options, TestIdentity());
  ASSERT_TRUE(opened.ok());
  Model model;
  Persist persist;
  persist.id = PersistId(1);
  persist.hard_state = {.term = Term(1), .voted_for = NodeId(2)};
  persist.entries.push_back({.index = Index(1),
                             .term = Term(1),
                             .type = EntryType::kCommand,
                             .payload = BytesOf(3, 2000)});
  model.Apply(persist, "");
  ASSERT_TRUE(std::get<PersistDone>(opened->storage->Execute(persist)).status.ok());
  ASSERT_TRUE(std::get<MarkDone>(opened->storage->Execute(MarkDurable{})).status.ok());
  opened->storage.reset();
  const Content content = directory.Content();
  const std::size_t last = LastUsedSector(content.at(kLive));
  ASSERT_GE(last, 4u);
  for (std::size_t sector = 0; sector <= last; ++sector) {
    CrashDirectory damaged(content);
    damaged.FailReads(kLive, sector);
    std::uint64_t mended = 0;
    const std::string found = OpenAndMend(damaged, options, model, 1, &mended);
    const bool between = sector > 0 && sector < last;
    EXPECT_EQ(found.empty(), between) << sector << ": " << found;
    EXPECT_EQ(mended, between ? 1u : 0u) << sector;
  }
}

// Without a mark nothing tells that the last records were durable; where the log seems to end, it
// would be gone on with over them.
TEST(StorageReadError, WrongBytesThatComeOnceLoseNothing) {
  std::uint64_t tried = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Written written = Write(seed, seed % 2 == 0 ? Marked::kYes : Marked::kNo);
    for (const auto& [name, bytes] : written.content) {
      if (!name.ends_with(".wal") && !name.ends_with(".seg")) continue;
      for (std::size_t sector = 1; sector <= LastUsedSector(bytes); ++sector) {
        const std::string zeros(kSectorBytes, '\0');
        for (const std::string& shown : {zeros, bytes.substr((sector - 1) * kSectorBytes, 512)}) {
          ++tried;
          CrashDirectory directory(written.content);
          directory.MisreadOnce(name, sector, shown);
          const auto opened = Storage::Open(directory, TinySegments(), TestIdentity());
          const std::string where =
              name + " sector " + std::to_string(sector) + ", seed " + std::to_string(seed);
          ASSERT_TRUE(opened.ok()) << where << ": " << opened.status();
          ASSERT_EQ(Difference(opened->state, *opened->storage, written.model), "") << where;
          ASSERT_TRUE(opened->state.damage.places.empty()) << where;
        }
      }
    }
  }
  EXPECT_GT(tried, 500u);
}

TEST(StorageReadError, OfTheMarkMeansThatThereIsNone) {
  const Written written = Write(4, Marked::kYes);
  CrashDirectory directory(written.content);
  for (std::size_t sector = 0; sector < SectorsOf(written.content.at(kMark)); ++sector) {
    directory.FailReads(kMark, sector);
  }
  auto opened = Storage::Open(directory, TinySegments(), TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(Difference(opened->state, *opened->storage, written.model), "");
  // The next one is whole again.
  Persist vote;
  vote.hard_state = {.term = written.model.hard_state.term + 1, .voted_for = NodeId()};
  ASSERT_TRUE(std::get<PersistDone>(opened->storage->Execute(vote)).status.ok());
  ASSERT_TRUE(std::get<MarkDone>(opened->storage->Execute(MarkDurable{})).status.ok());
  EXPECT_TRUE(ReadWholeFile(directory, kMark).ok());
}

// Where the log is to go on, sectors that cannot be read are written before anything rests on them.
TEST(StorageReadError, BehindTheEndOfTheLogIsGoneAfterTheNextStart) {
  Written written = Write(1, Marked::kYes);
  const auto behind = [&] { return LastUsedSector(written.content.at(kLive)) + 2; };
  for (std::uint64_t seed = 2; behind() >= SectorsOf(written.content.at(kLive)); ++seed) {
    written = Write(seed, Marked::kYes);
  }
  CrashDirectory directory(written.content);
  directory.FailReads(kLive, behind());
  ASSERT_FALSE(ReadWholeFile(directory, kLive).ok());
  const auto opened = Storage::Open(directory, TinySegments(), TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(Difference(opened->state, *opened->storage, written.model), "");
  EXPECT_TRUE(ReadWholeFile(directory, kLive).ok());
}

// Any file of a life is proof that there was one: without the identity it is not begun anew.
TEST(StorageReadError, OfTheIdentityIsNotTakenForABirth) {
  Written written;
  for (std::uint64_t seed = 1; written.content.size() < 7; ++seed) {
    written = Write(seed, Marked::kYes);
    const bool all = std::ranges::all_of(
        std::array{".wal", ".seg", ".snap", ".free", ".mark"}, [&](std::string_view kind) {
          return std::ranges::any_of(
              written.content, [kind](const auto& file) { return file.first.ends_with(kind); });
        });
    if (!all) written.content.clear();
  }
  for (const auto& [name, bytes] : written.content) {
    const bool tells = name != kIdentity && !name.ends_with(".lock") && !name.ends_with(".spare") &&
                       !name.ends_with(".reserve");
    CrashDirectory directory(Content{{name, bytes}});
    const absl::Status status = Storage::Open(directory, TinySegments(), TestIdentity()).status();
    if (name == kIdentity) continue;
    EXPECT_EQ(absl::IsFailedPrecondition(status), tells) << name << ": " << status;
    if (!tells) continue;
    EXPECT_EQ(directory.Content(), (Content{{name, bytes}})) << name;
  }
  CrashDirectory directory(Content{{"distdb_a.next", written.content.at(kLive)}});
  const absl::Status status = Storage::Open(directory, TinySegments(), TestIdentity()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

TEST(StorageReadError, OfTheWholeLiveLogIsNamedAsTheSystemSaysIt) {
  const Written written = Write(4, Marked::kYes);
  CrashDirectory directory(written.content);
  for (std::size_t sector = 0; sector < SectorsOf(written.content.at(kLive)); ++sector) {
    directory.FailReads(kLive, sector);
  }
  const absl::Status status = Storage::Open(directory, TinySegments(), TestIdentity()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  for (const std::string part : {kLive, "injected read error at 0"}) {
    EXPECT_NE(status.message().find(part), std::string::npos) << part << ": " << status;
  }
}

TEST(StorageReadError, IsNamedWithItsPlaceAndWhatIsLost) {
  absl::Status status;
  std::string sealed;
  for (std::uint64_t seed = 1; status.ok(); ++seed) {
    ASSERT_LT(seed, 100u) << "in none of them is anything lost with two sectors";
    const Written written = Write(seed, Marked::kYes);
    for (const auto& [name, bytes] : written.content) {
      if (name.ends_with(".seg")) sealed = name;
    }
    if (!written.content.contains(sealed)) continue;
    CrashDirectory directory(written.content);
    directory.FailReads(sealed, 1);
    directory.FailReads(sealed, 2);
    status = Storage::Open(directory, TinySegments(), TestIdentity()).status();
  }
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(
      status.message().find(sealed + " at offset 512: the disk does not give these 1024 bytes"),
      std::string::npos)
      << status;
}

}  // namespace
}  // namespace grassdb::store
