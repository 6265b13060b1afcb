// Damage to bytes that were durable: every single flipped byte is refused with a message or does
// not matter, and a cut of the last record is a clean tail.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "core/hash.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

using Content = std::map<std::string, std::string>;

constexpr StorageOptions kOptions = {.segment_bytes = 1024, .recycled_segments_max = 0};
constexpr std::size_t kSegmentHeaderBytes = 128;

struct Written {
  Content content;
  Model model;           // all of it
  Model before;          // without the last record
  std::size_t last = 0;  // where the last record begins in the live log
};

Persist OneEntry(std::uint64_t index, std::uint64_t term) {
  Persist persist;
  persist.id = PersistId(index);
  persist.hard_state = {.term = Term(term), .voted_for = NodeId(2)};
  persist.entries.push_back({.index = Index(index),
                             .term = Term(term),
                             .type = EntryType::kCommand,
                             .payload = BytesOf(index, 90 + index)});
  return persist;
}

std::size_t EndOf(const std::string& wal) {
  return (wal.find_last_not_of('\0') + 8) / 8 * 8;
}

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

// Recovers from `content`; empty if it gives `model` exactly, else what is different or refused.
std::string Recover(const Content& content, const Model& model) {
  CrashDirectory directory(content);
  auto opened = Storage::Open(directory, kOptions, TestIdentity());
  if (!opened.ok()) return opened.status().ToString();
  return Difference(opened->state, *opened->storage, model);
}

bool IsRefusal(const std::string& text) {
  const bool names_a_file = text.find("distdb_a.") != std::string::npos;
  return names_a_file && (text.find("DATA_LOSS") != std::string::npos ||
                          text.find("FAILED_PRECONDITION") != std::string::npos);
}

bool HoldsNothing(const std::string& name) {
  return name == "distdb_a.lock" || name == "distdb_a.spare" || name == "distdb_a.reserve";
}

TEST(StorageDamage, OfAnyByteIsRefusedOrDoesNotMatter) {
  const Written written = WriteSome();
  ASSERT_EQ(Recover(written.content, written.model), "");
  std::map<std::string, int> refusals;
  for (const auto& [name, bytes] : written.content) {
    if (HoldsNothing(name)) continue;
    const bool live = name == "distdb_a.wal";
    const std::size_t end = live ? EndOf(bytes) : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      Content damaged = written.content;
      damaged[name][at] = static_cast<char>(damaged[name][at] ^ (at % 2 == 0 ? 0x01 : 0x80));
      const std::string found = Recover(damaged, written.model);
      if (found.empty()) {
        // Room behind the last record of a segment: no part of the log.
        ASSERT_TRUE(live || name.ends_with(".seg")) << name << " at " << at;
        ASSERT_TRUE(!live || at >= end) << at;
        continue;
      }
      if (live && at >= written.last && at < end) {
        // The last record: to tell damage from a torn write is not possible. FORMAT.md, "Recovery".
        ASSERT_EQ(Recover(damaged, written.before), "") << at;
        continue;
      }
      ASSERT_TRUE(IsRefusal(found)) << name << " at " << at << ": " << found;
      ++refusals[name];
    }
  }
  EXPECT_GE(refusals.size(), 5u) << "identity, snapshot, live log and sealed segments";
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

TEST(StorageDamage, OfAMissingFileIsRefused) {
  const Written written = WriteSome();
  for (const auto& [name, bytes] : written.content) {
    if (HoldsNothing(name)) continue;
    Content damaged = written.content;
    damaged.erase(name);
    const std::string found = Recover(damaged, written.model);
    ASSERT_TRUE(IsRefusal(found)) << name << ": " << found;
    EXPECT_NE(found.find(name), std::string::npos) << found;
  }
}

TEST(StorageDamage, OfSegmentsThatChangedPlacesIsRefused) {
  const Written written = WriteSome();
  std::string first;
  for (const auto& [name, bytes] : written.content) {
    if (!name.ends_with(".seg")) continue;
    if (!first.empty()) {
      Content damaged = written.content;
      std::swap(damaged[first], damaged[name]);
      const std::string found = Recover(damaged, written.model);
      EXPECT_TRUE(IsRefusal(found)) << found;
    }
    first = name;
  }
  ASSERT_FALSE(first.empty());
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

}  // namespace
}  // namespace grassdb::store
