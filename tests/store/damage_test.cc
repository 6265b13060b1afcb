// Damage to bytes that were durable: of every single flipped byte, recovery gives what was written,
// or says exactly what is lost, or refuses with a message; and a cut of the last record is a clean
// tail unless the mark says that it was durable.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "store/posix.h"
#include "store/record.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"
#include "tests/store/small_log.h"
#include "tests/store/temporary_folder.h"

namespace grassdb::store {
namespace {

struct Written {
  Content content;
  Model model;           // all of it
  Model before;          // without the last record
  std::size_t last = 0;  // where the last record begins in the live log
};

// A log of several sealed segments and a live one, with a snapshot whose release freed the first.
Written WriteSome() {
  Written written;
  CrashDirectory directory;
  auto opened = Storage::Open(directory, kOptions, TestIdentity());
  Storage& storage = *opened->storage;
  const auto persist = [&](const Persist& each) {
    written.before = written.model;
    written.last = EndOf(directory.Content().at("distdb_a.wal"));
    EXPECT_TRUE(std::get<PersistDone>(storage.Execute(each)).status.ok());
    written.model.Apply(each, "");
  };
  for (std::uint64_t i = 1; i <= 8; ++i) persist(OneEntry(i, 1));
  const SnapshotMeta meta = {.index = Index(7),
                             .term = Term(1),
                             .configuration = TestIdentity().bootstrap,
                             .configuration_index = Index(3)};
  StageSnapshot stage;
  stage.meta = meta;
  stage.data = BytesOf(4, 400);
  stage.last = true;
  written.model.stream = std::string(stage.data.view());
  EXPECT_TRUE(std::get<StageDone>(storage.Execute(stage)).status.ok());
  EXPECT_TRUE(std::get<PublishDone>(
                  storage.Execute(PublishSnapshot{.meta = meta, .release_through = Index(7)}))
                  .status.ok());
  written.model.snapshot = meta;
  written.model.released = Index(7);
  std::uint64_t next = 9;
  for (; next <= 20; ++next) persist(OneEntry(next, 2));
  // The live log ends with two records, so that one of them is not the last.
  while (written.last < kSegmentHeaderBytes + 100) persist(OneEntry(next++, 2));
  opened->storage.reset();
  written.content = directory.Content();
  return written;
}

// Recovers; empty if it gives `model` exactly, else what is different or refused.
std::string Recover(Directory& directory, const Model& model) {
  auto opened = Storage::Open(directory, kOptions, TestIdentity());
  if (!opened.ok()) return opened.status().ToString();
  return Difference(opened->state, *opened->storage, model);
}

std::string Recover(const Content& content, const Model& model) {
  CrashDirectory directory(content);
  return Recover(directory, model);
}

// As Recover, with what is lost given back from the model.
std::string Mend(const Content& content, const Model& model, std::uint64_t* mended) {
  CrashDirectory directory(content);
  return OpenAndMend(directory, kOptions, model, 1, mended);
}

bool HoldsNothing(const std::string& name) {
  return name == "distdb_a.lock" || name == "distdb_a.spare" || name == "distdb_a.reserve" ||
         name == "distdb_a.mark";
}

Content WithMark(const Content& content) {
  CrashDirectory directory(content);
  auto opened = Storage::Open(directory, kOptions, TestIdentity());
  EXPECT_TRUE(std::get<MarkDone>(opened->storage->Execute(MarkDurable{})).status.ok());
  opened->storage.reset();
  return directory.Content();
}

char Flipped(char byte, std::size_t at) {
  return static_cast<char>(byte ^ (at % 2 == 0 ? 0x01 : 0x80));
}

enum class Kind : std::uint8_t { kMemory, kFiles };

// Directories that hold just some content: in memory, or files of this machine.
class DamagedByte : public testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Directory> Holding(const Content& content) {
    if (GetParam() == Kind::kMemory) return std::make_unique<CrashDirectory>(content);
    for (const auto& left : std::filesystem::directory_iterator(folder_.path())) {
      std::filesystem::remove(left);
    }
    for (const auto& [name, bytes] : content) {
      std::ofstream(folder_.path() + "/" + name, std::ios::binary) << bytes;
    }
    auto opened = OpenPosixDirectory(folder_.path());
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

 private:
  // Thousands of times synced: what is tested is how files are read, and not how long they last.
  static std::filesystem::path Where() {
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
  }
  TemporaryFolder folder_{Where()};
};

INSTANTIATE_TEST_SUITE_P(Storage, DamagedByte, testing::Values(Kind::kMemory, Kind::kFiles),
                         [](const auto& kind) {
                           return kind.param == Kind::kMemory ? "InMemory" : "OfAFile";
                         });

TEST_P(DamagedByte, IsMendedOrRefusedOrDoesNotMatter) {
  const Written written = WriteSome();
  ASSERT_EQ(Recover(*Holding(written.content), written.model), "");
  std::map<std::string, std::uint64_t> mended;
  std::map<std::string, int> refusals;
  for (const auto& [name, bytes] : written.content) {
    if (HoldsNothing(name)) continue;
    const bool live = name == "distdb_a.wal";
    const std::size_t end = live ? EndOf(bytes) : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      Content damaged = written.content;
      damaged[name][at] = Flipped(damaged[name][at], at);
      const std::string found =
          OpenAndMend(*Holding(damaged), kOptions, written.model, 1, &mended[name]);
      if (found.empty()) continue;
      if (live && at >= written.last && at < end) {
        // The last record: to tell damage from a torn write takes a mark. FORMAT.md, "Recovery".
        ASSERT_EQ(Recover(*Holding(damaged), written.before), "") << at;
        continue;
      }
      ASSERT_TRUE(IsRefusal(found)) << name << " at " << at << ": " << found;
      ++refusals[name];
    }
  }
  EXPECT_EQ(refusals.size(), 1u) << "nobody else knows what is in the identity";
  EXPECT_EQ(refusals.count("distdb_a.id"), 1u);
  EXPECT_GE(mended["distdb_a.wal"], 100u);
  EXPECT_GE(mended["distdb_a.00000000000000000007.snap"], 100u);
}

TEST(StorageDamage, OfTheLastRecordIsMendedIfTheMarkSaysThatItWasDurable) {
  const Written written = WriteSome();
  const Content content = WithMark(written.content);
  ASSERT_EQ(Recover(content, written.model), "");
  const std::size_t end = EndOf(content.at("distdb_a.wal"));
  for (std::size_t at = written.last; at < end; ++at) {
    Content damaged = content;
    damaged["distdb_a.wal"][at] = Flipped(damaged["distdb_a.wal"][at], at);
    std::uint64_t mended = 0;
    ASSERT_EQ(Mend(damaged, written.model, &mended), "") << at;
    ASSERT_EQ(mended, 1u) << at;
  }
  for (std::size_t cut = written.last; cut < end; ++cut) {
    Content zeros = content;
    std::string& wal = zeros["distdb_a.wal"];
    wal.replace(cut, wal.size() - cut, wal.size() - cut, '\0');
    std::uint64_t mended = 0;
    ASSERT_EQ(Mend(zeros, written.model, &mended), "") << "zeros from " << cut;
  }
}

// A slot that is torn, or rotten, leaves the mark before: an older one is no worse than none.
TEST(StorageDamage, OfTheMarkItselfDoesNotMatter) {
  const Written written = WriteSome();
  const Content content = WithMark(written.content);
  const std::string& bytes = content.at("distdb_a.mark");
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] == '\0') continue;
    Content damaged = content;
    damaged["distdb_a.mark"][at] = Flipped(bytes[at], at);
    ASSERT_EQ(Recover(damaged, written.model), "") << at;
  }
}

// The header of an older segment where the live log's belongs: a whole one, but not the live log's.
TEST(StorageDamage, OfTheLiveLogsHeaderByAnotherSegmentsIsMended) {
  const Written written = WriteSome();
  std::uint64_t mended = 0;
  int headers = 0;
  for (const auto& [name, bytes] : written.content) {
    if (!name.ends_with(".seg")) continue;
    Content damaged = written.content;
    damaged["distdb_a.wal"].replace(0, kSegmentHeaderBytes, bytes, 0, kSegmentHeaderBytes);
    ASSERT_EQ(Mend(damaged, written.model, &mended), "") << name;
    ++headers;
  }
  EXPECT_GT(headers, 1);
}

// A directory with these writes, each of them in `model` as well.
Content Holding(const std::vector<Persist>& writes, const StorageOptions& options, Model& model) {
  CrashDirectory directory;
  auto opened = Storage::Open(directory, options, TestIdentity());
  for (const Persist& persist : writes) {
    EXPECT_TRUE(std::get<PersistDone>(opened->storage->Execute(persist)).status.ok());
    model.Apply(persist, "");
  }
  opened->storage.reset();
  return directory.Content();
}

std::vector<Persist> Entries(std::uint64_t count) {
  std::vector<Persist> writes;
  for (std::uint64_t i = 1; i <= count; ++i) writes.push_back(OneEntry(i, 1));
  return writes;
}

// Without the vote of the batches in front of it, which those of format 1 do not restate, the
// header of the next segment is what tells it.
TEST(StorageDamage, OfAVoteOfFormatOneIsMendedByTheNextHeader) {
  StorageOptions options = kOptions;
  options.log_format = 1;
  std::vector<Persist> writes = Entries(20);
  // The vote of term 2 is in one record alone; then the segment goes on without any.
  writes[1].hard_state = {.term = Term(2), .voted_for = NodeId(3)};
  for (std::size_t i = 2; i < writes.size(); ++i) writes[i].hard_state.reset();
  Model model;
  const Content content = Holding(writes, options, model);
  const std::string first = "distdb_a.00000000000000000001.seg";
  int mended_bytes = 0;
  for (std::size_t at = 0; at < content.at(first).size(); ++at) {
    Content damaged = content;
    damaged[first][at] = Flipped(damaged[first][at], at);
    CrashDirectory copy(damaged);
    std::uint64_t mended = 0;
    ASSERT_EQ(OpenAndMend(copy, options, model, 1, &mended), "") << at;
    mended_bytes += mended > 0 ? 1 : 0;
  }
  EXPECT_GT(mended_bytes, 100);
}

// The header and batches behind it: those of format 1 do not restate where the log began.
TEST(StorageDamage, OfTheBeginningOfALogOfFormatOneIsMended) {
  StorageOptions options = kOptions;
  options.log_format = 1;
  Model model;
  const Content content = Holding(Entries(20), options, model);
  const std::string first = "distdb_a.00000000000000000001.seg";
  for (std::size_t end = 96; end <= content.at(first).size(); end += 8) {
    Content damaged = content;
    damaged[first].replace(0, end, end, '\0');
    CrashDirectory copy(damaged);
    std::uint64_t mended = 0;
    ASSERT_EQ(OpenAndMend(copy, options, model, 1, &mended), "") << end;
  }
}

TEST(StorageDamage, OfAHeaderThatStandsInAnotherPlaceIsMended) {
  StorageOptions options = kOptions;
  options.segment_bytes = 4096;
  Model model;
  Content content = Holding(Entries(10), options, model);
  std::string& live = content["distdb_a.wal"];
  live.replace(512, 512, live.substr(0, 512));
  for (const bool also_there : {true, false}) {
    if (!also_there) live.replace(0, 512, 512, '\0');
    CrashDirectory copy(content);
    std::uint64_t mended = 0;
    EXPECT_EQ(OpenAndMend(copy, options, model, 1, &mended), "");
    EXPECT_GT(mended, 0u);
  }
}

// A whole record, but no header.
TEST(StorageDamage, OfTheLiveLogsHeaderByABatchIsMended) {
  const Written written = WriteSome();
  std::uint64_t mended = 0;
  int batches = 0;
  for (const auto& [name, bytes] : written.content) {
    if (!name.ends_with(".seg") && !name.ends_with(".wal")) continue;
    const std::string_view batch = std::string_view(bytes).substr(kSegmentHeaderBytes);
    const auto size = static_cast<std::size_t>(ReadRecordClaim(batch).frame_bytes);
    Content damaged = written.content;
    damaged["distdb_a.wal"].replace(0, size, batch.substr(0, size));
    ASSERT_EQ(Mend(damaged, written.model, &mended), "") << name;
    ++batches;
  }
  EXPECT_GT(batches, 1);
}

TEST(StorageDamage, IsRefusedWhereItIsNotToBeRepaired) {
  const Written written = WriteSome();
  Content damaged = written.content;
  damaged["distdb_a.wal"][kSegmentHeaderBytes + 40] ^= 1;
  const std::string found = Recover(damaged, written.model);
  EXPECT_TRUE(IsRefusal(found)) << found;
  EXPECT_NE(found.find("lost are the entries"), std::string::npos) << found;
  EXPECT_NE(found.find("distdb_a.wal at offset " + std::to_string(kSegmentHeaderBytes)),
            std::string::npos)
      << found;
  EXPECT_NE(found.find("`grassdb recover --force-new-cluster --discard-from-damage`"),
            std::string::npos)
      << "where no other member has them: " << found;
}

TEST(StorageDamage, CutOfTheLastRecordIsACleanTail) {
  const Written written = WriteSome();
  const std::string& wal = written.content.at("distdb_a.wal");
  const std::size_t end = EndOf(wal);
  for (std::size_t cut = written.last; cut < end; ++cut) {
    Content torn = written.content;
    torn["distdb_a.wal"].replace(cut, wal.size() - cut, wal.size() - cut, '\0');
    const bool same = torn["distdb_a.wal"] == wal;
    ASSERT_EQ(Recover(torn, same ? written.model : written.before), "") << "zeros from " << cut;
    torn["distdb_a.wal"].resize(cut);
    ASSERT_EQ(Recover(torn, written.before), "") << "cut at " << cut;
  }
}

// What a crash tears is the last record. The one before it was durable, and nothing says what it
// did.
TEST(StorageDamage, InFrontOfATornRecordIsRefused) {
  const Written written = WriteSome();
  const std::string& wal = written.content.at("distdb_a.wal");
  std::size_t before = 0;
  for (std::size_t at = 0; at < written.last;) {
    before = at;
    at += static_cast<std::size_t>(ReadRecordClaim(std::string_view(wal).substr(at)).frame_bytes);
  }
  ASSERT_GT(before, 0u);
  for (std::size_t cut = written.last + kRecordHeaderBytes; cut < EndOf(wal); ++cut) {
    Content damaged = written.content;
    std::string& bytes = damaged["distdb_a.wal"];
    bytes.replace(cut, wal.size() - cut, wal.size() - cut, '\0');
    if (bytes == wal) continue;
    bytes[before + kRecordHeaderBytes] ^= 1;
    const std::string found = Recover(damaged, written.model);
    ASSERT_TRUE(IsRefusal(found)) << "torn at " << cut << ": " << found;
    ASSERT_NE(found.find("distdb_a.wal at offset " + std::to_string(before)), std::string::npos)
        << found;
    // Where a mark reaches, it says what they did.
    std::uint64_t mended = 0;
    Content marked = WithMark(written.content);
    marked["distdb_a.wal"] = bytes;
    ASSERT_EQ(Mend(marked, written.model, &mended), "") << "torn at " << cut;
  }
}

// Also where the cut is at a record's end, and no room is left in the file for another one.
TEST(StorageDamage, OfALiveLogThatWasCutShortIsMendedByTheMark) {
  const Written written = WriteSome();
  const Content marked = WithMark(written.content);
  const std::string& wal = marked.at("distdb_a.wal");
  std::uint64_t mended = 0;
  for (std::size_t cut = kSegmentHeaderBytes; cut < wal.size(); ++cut) {
    Content content = marked;
    content["distdb_a.wal"].resize(cut);
    ASSERT_EQ(Mend(content, written.model, &mended), "") << "cut at " << cut;
  }
  EXPECT_GE(mended, EndOf(wal) - kSegmentHeaderBytes);
}

TEST(StorageDamage, OfAMissingFileIsMendedOrRefused) {
  const Written written = WriteSome();
  std::uint64_t mended = 0;
  for (const auto& [name, bytes] : written.content) {
    if (HoldsNothing(name)) continue;
    Content damaged = written.content;
    damaged.erase(name);
    const std::uint64_t before = mended;
    const std::string found = Mend(damaged, written.model, &mended);
    if (name == "distdb_a.wal" || name == "distdb_a.id") {
      ASSERT_TRUE(IsRefusal(found)) << name << ": " << found;
      EXPECT_NE(found.find(name), std::string::npos) << found;
    } else {
      ASSERT_EQ(found, "") << name;
      EXPECT_EQ(mended, before + 1) << name;
    }
  }
}

// Without the others the rest can be gone on with, as long as it is known whose it is.
TEST(StorageDamage, ThatIsRefusedNamesTheWayOutThatDropsIt) {
  const Written written = WriteSome();
  const auto names_it = [&](const Content& damaged) {
    const std::string found = Recover(damaged, written.model);
    EXPECT_TRUE(IsRefusal(found)) << found;
    return found.find("--force-new-cluster --discard-from-damage") != std::string::npos;
  };
  Content without_log = written.content;
  without_log.erase("distdb_a.wal");
  EXPECT_TRUE(names_it(without_log));
  Content without_identity = written.content;
  without_identity["distdb_a.id"][30] ^= 1;
  EXPECT_FALSE(names_it(without_identity));
}

TEST(StorageDamage, OfSegmentsThatChangedPlacesIsMended) {
  const Written written = WriteSome();
  std::string first;
  for (const auto& [name, bytes] : written.content) {
    if (!name.ends_with(".seg")) continue;
    if (!first.empty()) {
      Content damaged = written.content;
      std::swap(damaged[first], damaged[name]);
      std::uint64_t mended = 0;
      EXPECT_EQ(Mend(damaged, written.model, &mended), "") << first << " and " << name;
      EXPECT_GE(mended, 1u);
    }
    first = name;
  }
  ASSERT_FALSE(first.empty());
}

// A misdirected write: whole records of the live log, with later numbers, in a sealed segment.
TEST(StorageDamage, OfRecordsWrittenToAnotherSegmentIsMended) {
  const Written written = WriteSome();
  const std::string& wal = written.content.at("distdb_a.wal");
  const std::string records = wal.substr(kSegmentHeaderBytes, written.last - kSegmentHeaderBytes);
  for (const auto& [name, bytes] : written.content) {
    if (!name.ends_with(".seg")) continue;
    Content damaged = written.content;
    damaged[name].replace(kSegmentHeaderBytes, records.size(), records);
    std::uint64_t mended = 0;
    EXPECT_EQ(Mend(damaged, written.model, &mended), "") << name;
    EXPECT_EQ(mended, 1u) << name;
  }
}

// A record of an older segment at the very place where the next record of the live log belongs, as
// a recycled file has it, or a misdirected write.
TEST(StorageDamage, DoesNotTakeAStaleRecordForTheNextOne) {
  const Written written = WriteSome();
  const std::size_t end = EndOf(written.content.at("distdb_a.wal"));
  int tried = 0;
  for (const auto& [name, bytes] : written.content) {
    if (!name.ends_with(".seg")) continue;
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      Content stale = written.content;
      std::string& wal = stale["distdb_a.wal"];
      wal.replace(end, std::string::npos, bytes, at, wal.size() - end);
      ASSERT_EQ(Recover(stale, written.model), "") << name << " at " << at;
      ++tried;
    }
  }
  ASSERT_GT(tried, 0);
}

TEST(StorageDamage, OfAnotherNodesLogIsRefused) {
  const Written written = WriteSome();
  Content foreign;
  {
    CrashDirectory directory;
    Identity identity = TestIdentity();
    identity.incarnation = Incarnation(77);
    auto opened = Storage::Open(directory, kOptions, identity);
    ASSERT_TRUE(opened.ok());
    opened->storage.reset();
    foreign = directory.Content();
  }
  Content damaged = written.content;
  damaged["distdb_a.wal"] = foreign.at("distdb_a.wal");
  const std::string found = Recover(damaged, written.model);
  EXPECT_TRUE(IsRefusal(found)) << found;
}

// Random histories, then damage to any sectors of the log and the snapshots: what comes out is what
// was written, once it has been given back what recovery says is lost; never anything else.
TEST(StorageDamage, OfAnySectorsOfAnyHistoryLosesWhatIsNamedAndNothingElse) {
  std::uint64_t mended = 0;
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    StorageOptions options = TinySegments();
    options.recycled_segments_max = static_cast<std::uint32_t>(seed % 3);
    if (seed % 8 == 0) options.log_format = 1;
    CrashDirectory directory;
    History history(directory, options);
    ASSERT_EQ(history.Open(), "");
    const std::uint64_t steps = 5 + KeyedRandom(seed, 1u) % 40;
    for (std::uint64_t i = 0; i < steps; ++i) ASSERT_EQ(history.Step(KeyedRandom(seed, 2u, i)), "");
    ASSERT_TRUE(std::get<MarkDone>(history.storage().Execute(MarkDurable{})).status.ok());
    history.CrashNow(Crash::kProcess, seed);
    Content content = directory.Content();
    const std::uint64_t places = 1 + KeyedRandom(seed, 3u) % 3;
    for (std::uint64_t place = 0; place < places; ++place) {
      const std::uint64_t pick = KeyedRandom(seed, 4u, place);
      auto file = content.begin();
      std::advance(file, static_cast<std::ptrdiff_t>(pick % content.size()));
      const std::string& name = file->first;
      const bool counts =
          name.ends_with(".wal") || name.ends_with(".seg") || name.ends_with(".snap");
      if (!counts || file->second.empty()) continue;
      std::string& bytes = file->second;
      const std::size_t used = name.ends_with(".wal") ? EndOf(bytes) : bytes.size();
      const std::size_t sector = pick / 64 % (used / 512 + 1) * 512;
      for (std::size_t at = sector; at < std::min(sector + 512, bytes.size()); ++at) {
        bytes[at] = pick / 8 % 2 == 0 ? '\0' : static_cast<char>(KeyedRandom(pick, at));
      }
    }
    CrashDirectory damaged(content);
    const std::string found = OpenAndMend(damaged, options, history.model(), seed, &mended);
    if (found.empty()) continue;
    ASSERT_TRUE(IsRefusal(found)) << "seed " << seed << ": " << found;
    ++refused;
  }
  EXPECT_GT(mended, 500u);
  EXPECT_LT(refused, 400u);
}

}  // namespace
}  // namespace grassdb::store
