// What `grassdb verify` finds: every damaged byte, in its file and at its place, and nothing else.
#include "store/inspect.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/home.h"
#include "store/identity.h"
#include "store/posix.h"
#include "store/recovery.h"
#include "store/storage.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

using Content = std::map<std::string, std::string>;

constexpr StorageOptions kOptions = {.segment_bytes = 1024, .recycled_segments_max = 0};
constexpr char kLive[] = "distdb_a.wal";

void Append(Storage& storage, std::uint64_t index) {
  Persist persist;
  persist.id = PersistId(index);
  persist.hard_state = {.term = Term(1), .voted_for = NodeId(2)};
  persist.entries.push_back({.index = Index(index),
                             .term = Term(1),
                             .type = EntryType::kCommand,
                             .payload = BytesOf(index, 60)});
  EXPECT_TRUE(std::get<PersistDone>(storage.Execute(std::move(persist))).status.ok());
}

// Sealed segments, a live log and a snapshot.
Content WriteSome() {
  CrashDirectory directory;
  auto opened = Storage::Open(directory, kOptions, TestIdentity());
  Storage& storage = *opened->storage;
  for (std::uint64_t i = 1; i <= 8; ++i) Append(storage, i);
  const SnapshotMeta meta = {.index = Index(7),
                             .term = Term(1),
                             .configuration = TestIdentity().bootstrap,
                             .configuration_index = Index(0)};
  StageSnapshot stage;
  stage.meta = meta;
  stage.data = BytesOf(4, 400);
  stage.last = true;
  EXPECT_TRUE(std::get<StageDone>(storage.Execute(stage)).status.ok());
  EXPECT_TRUE(std::get<PublishDone>(
                  storage.Execute(PublishSnapshot{.meta = meta, .release_through = Index(7)}))
                  .status.ok());
  for (std::uint64_t i = 9; i <= 20; ++i) Append(storage, i);
  opened->storage.reset();
  return directory.Content();
}

Survey Look(const Content& content) {
  CrashDirectory directory(content);
  auto survey = Examine(directory, "a");
  EXPECT_TRUE(survey.ok()) << survey.status();
  EXPECT_EQ(directory.operations(), 0u) << "looking changes something";
  return *std::move(survey);
}

Content Flip(Content content, const std::string& name, std::size_t at) {
  content[name][at] = static_cast<char>(content[name][at] ^ (at % 2 == 0 ? 0x01 : 0x80));
  return content;
}

std::size_t EndOf(const std::string& segment) {
  return (segment.find_last_not_of('\0') + 8) / 8 * 8;
}

TEST(StoreInspect, FindsNothingWrongWithAWholeDirectory) {
  const Survey survey = Look(WriteSome());
  EXPECT_FALSE(survey.damaged());
  EXPECT_TRUE(survey.findings.empty());
  EXPECT_TRUE(survey.start.ok()) << survey.start;
  EXPECT_EQ(survey.last, (LogPosition{.index = Index(20), .term = Term(1)}));
  EXPECT_EQ(survey.snapshot.index, Index(7));
  EXPECT_EQ(survey.configuration, TestIdentity().bootstrap);
  EXPECT_GE(survey.files.size(), 3u);
}

// Of the refusal, and of what is lost: a start either refuses or asks the others.
int WaysOut(const Survey& survey) {
  return (survey.start.message().find("Way out: ") != std::string_view::npos ? 1 : 0) +
         (survey.WayOut().empty() ? 0 : 1);
}

TEST(StoreInspect, SaysWhatIsLostAndWhoMayHaveItWithoutPromisingThatTheyDo) {
  Content content = WriteSome();
  const std::string payload(BytesOf(18, 60).view());
  const auto holds = [&](const auto& file) {
    return file.second.find(payload) != std::string::npos;
  };
  const auto file = std::ranges::find_if(content, holds);
  ASSERT_NE(file, content.end());
  const Survey survey = Look(Flip(content, file->first, file->second.find(payload)));
  EXPECT_TRUE(survey.start.ok()) << survey.start << ": a start does not refuse this";
  ASSERT_EQ(survey.damage.lost.size(), 1u);
  EXPECT_EQ(survey.damage.lost[0].first, Index(18));
  EXPECT_EQ(survey.damage.lost[0].last, Index(18));
  EXPECT_EQ(survey.others(), (std::vector<std::string>{"b", "c"}));
  EXPECT_NE(survey.WayOut().find("asks them"), std::string::npos) << survey.WayOut();
  EXPECT_NE(survey.WayOut().find("--discard-from-damage"), std::string::npos) << survey.WayOut();
}

Content WithMark(const Content& content) {
  CrashDirectory directory(content);
  auto opened = Storage::Open(directory, kOptions, TestIdentity());
  EXPECT_TRUE(std::get<MarkDone>(opened->storage->Execute(MarkDurable{})).status.ok());
  Append(*opened->storage, 21);
  EXPECT_TRUE(std::get<MarkDone>(opened->storage->Execute(MarkDurable{})).status.ok());
  opened->storage.reset();
  return directory.Content();
}

TEST(StoreInspect, NamesAFileThatIsMissing) {
  Content content = WriteSome();
  std::vector<std::string> sealed;
  for (const auto& [name, bytes] : content) {
    if (name.ends_with(".seg")) sealed.push_back(name);
  }
  ASSERT_GE(sealed.size(), 3u) << "so that there is one before it and one behind it";
  const std::string missing = sealed[sealed.size() - 2];
  content.erase(missing);
  const Survey survey = Look(content);
  EXPECT_FALSE(survey.damage.empty());
  const auto finding = std::ranges::find(survey.findings, missing, &Finding::file);
  ASSERT_NE(finding, survey.findings.end());
  EXPECT_EQ(finding->weight, Weight::kDamage);
  EXPECT_NE(finding->problem.find("missing"), std::string::npos) << finding->problem;
}

TEST(StoreInspect, KnowsFromTheMarkThatTheLastRecordIsDamaged) {
  const Content content = WithMark(WriteSome());
  EXPECT_FALSE(Look(content).damaged());
  const std::size_t at = content.at(kLive).find(std::string(BytesOf(21, 60).view()));
  ASSERT_NE(at, std::string::npos);
  const Survey survey = Look(Flip(content, kLive, at));
  ASSERT_EQ(survey.findings.size(), 1u);
  EXPECT_EQ(survey.findings[0].weight, Weight::kDamage) << survey.findings[0].problem;
  EXPECT_EQ(survey.findings[0].file, kLive);
  EXPECT_LE(survey.findings[0].offset, at);
  EXPECT_NE(survey.findings[0].problem.find("durable by distdb_a.mark"), std::string::npos);
  ASSERT_EQ(survey.damage.lost.size(), 1u);
  EXPECT_EQ(survey.damage.lost[0].first, Index(21));
}

TEST(StoreInspect, SeesAMarkOfWhichNoSlotIsWhole) {
  const std::string name = "distdb_a.mark";
  const Content content = WithMark(WriteSome());
  for (const std::size_t slot : {0u, 4096u}) {
    const Survey one = Look(Flip(content, name, slot + 50));
    ASSERT_EQ(one.findings.size(), 1u);
    EXPECT_EQ(one.findings[0].weight, Weight::kNote) << "it may be torn by a crash";
    EXPECT_EQ(one.findings[0].offset, slot);
    EXPECT_FALSE(one.damaged());
  }
  const Survey both = Look(Flip(Flip(content, name, 50), name, 4096 + 50));
  EXPECT_TRUE(both.damaged());
  EXPECT_TRUE(both.start.ok()) << both.start;
  ASSERT_EQ(both.findings.size(), 2u);
  EXPECT_NE(both.findings[1].problem.find("neither"), std::string::npos);
}

TEST(StoreInspect, AReplacementThatWasInterruptedIsNoDamageToTheNode) {
  for (const auto& [text, command] : {std::pair("restore\n", "a `grassdb restore` of"),
                                      {"recover\n", "a `grassdb recover` of"},
                                      {"", "`grassdb restore` or `grassdb recover`"}}) {
    const Survey survey = Look({{"distdb_a.placing", text}});
    EXPECT_TRUE(survey.replaced);
    EXPECT_TRUE(survey.findings.empty());
    EXPECT_NE(survey.start.message().find(command), std::string_view::npos) << survey.start;
    EXPECT_NE(survey.start.message().find("run the same command again"), std::string_view::npos);
  }
}

TEST(StoreInspect, NamesFileAndOffsetOfAnyDamagedByte) {
  const Content content = WriteSome();
  int found = 0;
  for (const auto& [name, bytes] : content) {
    // What is in these says nothing, but for the mark, which has a test of its own.
    if (name == "distdb_a.lock" || name == "distdb_a.spare" || name == "distdb_a.reserve" ||
        name == "distdb_a.mark") {
      continue;
    }
    const std::size_t end =
        name.ends_with("wal") || name.ends_with(".seg") ? EndOf(bytes) : bytes.size();
    for (std::size_t at = 0; at < end; ++at) {
      const Survey survey = Look(Flip(content, name, at));
      const auto names_it = [&, file = name](const Finding& finding) {
        return finding.file == file && finding.offset <= at &&
               (finding.bytes == 0 || at < finding.offset + finding.bytes);
      };
      ASSERT_EQ(std::ranges::count_if(survey.findings, names_it), 1) << name << " at " << at;
      const Finding& finding = *std::ranges::find_if(survey.findings, names_it);
      if (finding.weight == Weight::kNote) {
        // Damage to the last record cannot be told from a write that was cut short.
        ASSERT_EQ(name, kLive);
        continue;
      }
      if (finding.weight == Weight::kSuperseded) {
        // A header restates what the records do, and the snapshot stands for the first entries.
        ASSERT_NE(finding.consequence.find("known without it"), std::string::npos);
        continue;
      }
      ++found;
      ASSERT_TRUE(survey.damaged());
      ASSERT_EQ(finding.weight, Weight::kDamage) << name << " at " << at;
      ASSERT_EQ(survey.start.ok(), !survey.damage.empty());
      ASSERT_EQ(WaysOut(survey), 1) << name << " at " << at;
    }
  }
  EXPECT_GT(found, 2000);
}

TEST(StoreInspect, GoesOnBehindDamage) {
  Content content = WriteSome();
  std::string segment;
  for (const auto& [name, bytes] : content) {
    if (name.ends_with(".seg")) segment = name;
  }
  std::vector<std::uint64_t> offsets;
  {
    CrashDirectory directory(content);
    const auto walk = [&](const LogFile& log) {
      if (log.file.name != segment) return;
      WalkSegment(log.file.bytes, log.salt, log.file.role,
                  [&](const LogPlace& place) { offsets.push_back(place.offset); });
    };
    const absl::Status status = VisitLogFiles(directory, FileNames("a"), TestIdentity(), walk);
    ASSERT_TRUE(status.ok()) << status;
  }
  ASSERT_GE(offsets.size(), 5u) << "a header, records and a seal";
  content = Flip(Flip(std::move(content), segment, offsets[1] + 40), segment, offsets[3] + 40);
  const Survey survey = Look(content);
  ASSERT_EQ(survey.findings.size(), 2u);
  EXPECT_EQ(survey.findings[0].offset, offsets[1]);
  EXPECT_EQ(survey.findings[0].bytes, offsets[2] - offsets[1]);
  EXPECT_EQ(survey.findings[1].offset, offsets[3]);
}

// What a start would find is known without all that the log holds in memory.
TEST(StoreInspect, JudgesAStartByEntriesWithoutTheirPayloads) {
  CrashDirectory directory(WriteSome());
  const FileNames names("a");
  const auto inventory = TakeInventory(directory, names);
  const auto identity = ReadIdentity(directory, names);
  ASSERT_TRUE(inventory.ok() && identity.ok());
  const Home home{
      .directory = directory, .names = names, .identity = *identity, .options = kOptions};
  const auto whole = Recover(home, *inventory, std::nullopt);
  const auto light = Recover(home, *inventory, std::nullopt, Payloads::kDropped);
  ASSERT_TRUE(whole.ok() && light.ok());
  ASSERT_GT(whole->state.entries.size(), 10u);
  ASSERT_EQ(light->state.entries.size(), whole->state.entries.size());
  for (std::size_t i = 0; i < whole->state.entries.size(); ++i) {
    EXPECT_EQ(light->state.entries[i].index, whole->state.entries[i].index);
    EXPECT_EQ(light->state.entries[i].term, whole->state.entries[i].term);
    EXPECT_GT(whole->state.entries[i].payload.size(), 0u);
    EXPECT_EQ(light->state.entries[i].payload.size(), 0u);
  }
  EXPECT_EQ(light->state.hard_state, whole->state.hard_state);
  EXPECT_EQ(light->state.snapshot, whole->state.snapshot);
}

TEST(StoreInspect, TellsDamageThatNoStartNeeds) {
  Content content = WriteSome();
  // As a crash leaves it between the new snapshot and the removal of the old one.
  content["distdb_a.00000000000000000003.snap"] = "not a snapshot any more";
  const Survey survey = Look(content);
  EXPECT_TRUE(survey.start.ok()) << survey.start;
  EXPECT_TRUE(survey.damaged()) << "the disk is not to be trusted";
  const auto superseded = std::ranges::find(survey.findings, Weight::kSuperseded, &Finding::weight);
  ASSERT_NE(superseded, survey.findings.end());
  EXPECT_NE(superseded->consequence.find("does not matter"), std::string::npos);
}

TEST(StoreInspect, SaysWhatIsLostWithTheIdentity) {
  Content content = WriteSome();
  content.erase("distdb_a.id");
  const Survey survey = Look(content);
  EXPECT_TRUE(survey.damaged());
  ASSERT_EQ(survey.findings.size(), 1u);
  EXPECT_EQ(survey.findings[0].file, "distdb_a.id");
  EXPECT_EQ(WaysOut(survey), 1) << survey.start;
}

TEST(StoreInspect, ANodeThatWasNeverMadeHasLostNothing) {
  const Survey survey = Look({{"distdb_a.spare", std::string(512, '\0')}});
  EXPECT_FALSE(survey.damaged());
  EXPECT_TRUE(survey.start.ok()) << survey.start;
}

TEST(StoreInspect, FindsTheNodesOfADirectory) {
  EXPECT_EQ(NodesIn({"distdb_a.wal", "distdb_a.id", "distdb_a.b.id", "distdb_c.taken.tmp",
                     "distdb_d.00000000000000000007.seg", "distdb_e.txt", "a.wal", "distdb_.wal"}),
            (std::vector<std::string>{"a", "a.b", "c", "d"}));
}

TEST(StoreInspect, OpensADirectoryForReadingOnly) {
  const std::string path = testing::TempDir() + "grassdb_inspect_" + std::to_string(::getpid());
  std::filesystem::create_directory(path);
  {
    auto directory = OpenPosixDirectory(path);
    ASSERT_TRUE(directory.ok()) << directory.status();
    ASSERT_TRUE((*directory)->Open("there", OpenMode::kCreate).ok());
    EXPECT_FALSE(LockHolder(path, "lock").has_value());
    const auto lock = (*directory)->Acquire("lock");
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_EQ(LockHolder(path, "lock"), std::int64_t{::getpid()});
  }
  EXPECT_FALSE(LockHolder(path, "lock").has_value());
  auto directory = OpenPosixDirectoryToRead(path);
  ASSERT_TRUE(directory.ok()) << directory.status();
  auto file = (*directory)->Open("there", OpenMode::kExisting);
  ASSERT_TRUE(file.ok()) << file.status();
  const std::string_view bytes = "x";
  EXPECT_FALSE((*file)->WriteAt(0, std::span(&bytes, 1)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*directory)->Open("new", OpenMode::kCreate).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition((*directory)->Rename("there", "else")));
  EXPECT_TRUE(absl::IsFailedPrecondition((*directory)->Remove("there")));
  EXPECT_TRUE((*directory)->Acquire("lock").ok()) << "the one thing that may be written";
  EXPECT_TRUE(absl::IsNotFound(OpenPosixDirectoryToRead(path + "/none").status()));
  EXPECT_FALSE(std::filesystem::exists(path + "/none"));
  std::filesystem::remove_all(path);
}

// One of its files is not for this user to read.
class Denying final : public Directory {
 public:
  Denying(Directory& files, std::string denied) : files_(files), denied_(std::move(denied)) {}
  absl::StatusOr<std::unique_ptr<File>> Open(std::string_view name, OpenMode mode) override {
    if (name == denied_) return absl::PermissionDeniedError("opening " + denied_);
    return files_.Open(name, mode);
  }
  absl::Status Rename(std::string_view from, std::string_view to) override {
    return files_.Rename(from, to);
  }
  absl::Status Remove(std::string_view name) override { return files_.Remove(name); }
  absl::StatusOr<std::vector<std::string>> List() override { return files_.List(); }
  absl::Status Sync() override { return files_.Sync(); }
  absl::StatusOr<std::unique_ptr<Lock>> Acquire(std::string_view name) override {
    return files_.Acquire(name);
  }
  std::string path() const override { return files_.path(); }

 private:
  Directory& files_;
  std::string denied_;
};

TEST(StoreInspect, WhatMayNotBeReadIsNotCalledDamaged) {
  const Content content = WriteSome();
  for (const auto& [name, bytes] : content) {
    const bool is_read = name == "distdb_a.id" || name.ends_with(".wal") ||
                         name.ends_with(".seg") || name.ends_with(".snap");
    CrashDirectory files(content);
    Denying directory(files, name);
    const auto survey = Examine(directory, "a");
    if (is_read) {
      EXPECT_TRUE(absl::IsPermissionDenied(survey.status())) << name << ": " << survey.status();
    } else {
      EXPECT_TRUE(survey.ok() && !survey->damaged()) << name;
    }
  }
}

}  // namespace
}  // namespace grassdb::store
