// A state that leaves one data directory and begins another one, by way of a backup's file.
#include "store/stored_state.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "core/kv_snapshot.h"
#include "store/backup_file.h"
#include "store/names.h"
#include "store/posix.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"
#include "tests/store/temporary_folder.h"

namespace grassdb::store {
namespace {

constexpr StorageOptions kOptions = {.segment_bytes = 4096, .recycled_segments_max = 1};

Command Put(const std::string& key, const std::string& value) {
  Command command;
  command.time = 5;
  command.transaction = PutTransaction(key, value);
  return command;
}

Command OpenSession() {
  Command command;
  command.kind = Command::Kind::kOpenSession;
  command.time = 5;
  return command;
}

void Append(Storage& storage, std::uint64_t index, const Command& command) {
  Persist persist;
  persist.id = PersistId(index);
  persist.hard_state = {.term = Term(3), .voted_for = NodeId(2)};
  persist.entries.push_back({.index = Index(index),
                             .term = Term(3),
                             .type = EntryType::kCommand,
                             .payload = EncodeCommand(command)});
  ASSERT_TRUE(std::get<PersistDone>(storage.Execute(std::move(persist))).status.ok());
}

// Entries 1 to 12, the first of them a session; a snapshot at 7.
void WriteSome(Directory& directory) {
  auto opened = Storage::Open(directory, kOptions, TestIdentity());
  Storage& storage = *opened->storage;
  KvStore state;
  for (std::uint64_t i = 1; i <= 12; ++i) {
    const Command command =
        i == 1 ? OpenSession() : Put("k" + std::to_string(i), std::string(100, 'v'));
    Append(storage, i, command);
    state.Apply(Index(i), command);
    if (i != 7) continue;
    const SnapshotMeta meta = {.index = Index(7),
                               .term = Term(3),
                               .configuration = TestIdentity().bootstrap,
                               .configuration_index = Index(0)};
    StageSnapshot stage;
    stage.meta = meta;
    stage.data = KvSnapshotWriter::Begin(state).Next(state, 1 << 20);
    stage.last = true;
    ASSERT_TRUE(std::get<StageDone>(storage.Execute(stage)).status.ok());
    ASSERT_TRUE(std::get<PublishDone>(
                    storage.Execute(PublishSnapshot{.meta = meta, .release_through = Index(7)}))
                    .status.ok());
  }
}

// As long as it lives, this process may read the folder's files and write none, whoever runs it.
class MayOnlyRead {
 public:
  explicit MayOnlyRead(const std::string& path) : path_(path), user_(::geteuid()) {
    Permit(0555, 0444);
    EXPECT_EQ(user_ == 0 ? ::seteuid(kNobody) : 0, 0);
  }
  MayOnlyRead(const MayOnlyRead&) = delete;
  MayOnlyRead& operator=(const MayOnlyRead&) = delete;
  ~MayOnlyRead() {
    EXPECT_EQ(user_ == 0 ? ::seteuid(user_) : 0, 0);
    Permit(0755, 0644);
  }

 private:
  static constexpr uid_t kNobody = 65534;

  void Permit(mode_t directory, mode_t files) const {
    EXPECT_EQ(::chmod(path_.c_str(), directory), 0);
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      EXPECT_EQ(::chmod(entry.path().c_str(), files), 0);
    }
  }

  const std::string path_;
  const uid_t user_;
};

TEST(StoreStoredState, IsReadWhereNothingMayBeWritten) {
  const TemporaryFolder folder;
  const std::string lock = FileNames("a").Lock();
  const auto directory = OpenPosixDirectory(folder.path());
  ASSERT_TRUE(directory.ok()) << directory.status();
  WriteSome(**directory);
  const auto load = [&] {
    const MayOnlyRead reader(folder.path());
    const auto to_read = OpenPosixDirectoryToRead(folder.path());
    EXPECT_TRUE(to_read.ok()) << to_read.status();
    return LoadState(**to_read, "a");
  };
  {
    const auto loaded = load();
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->last.index, Index(12));
    EXPECT_TRUE(absl::IsFailedPrecondition((*directory)->Acquire(lock).status()))
        << "no node may start meanwhile";
  }
  {
    const auto held = (*directory)->Acquire(lock);
    ASSERT_TRUE(held.ok()) << held.status();
    const absl::Status status = load().status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_NE(status.message().find("process id " + std::to_string(::getpid())), std::string::npos)
        << status;
  }
  // A copy without it.
  ASSERT_TRUE((*directory)->Remove(lock).ok());
  EXPECT_TRUE(load().ok());
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/" + lock));
}

TEST(StoreStoredState, IsTheSnapshotWithTheLogApplied) {
  CrashDirectory directory;
  WriteSome(directory);
  const auto loaded = LoadState(directory, "a");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->last, (LogPosition{.index = Index(12), .term = Term(3)}));
  EXPECT_EQ(loaded->snapshot.index, Index(7));
  EXPECT_EQ(loaded->state.size(), 11u);
  EXPECT_EQ(loaded->state.revision(), Revision(11));
  EXPECT_EQ(loaded->state.sessions(), 1u);
  EXPECT_EQ(loaded->hard_state.term, Term(3));
  EXPECT_EQ(loaded->configuration, TestIdentity().bootstrap);
  EXPECT_TRUE(
      absl::IsFailedPrecondition(Storage::Open(directory, kOptions, TestIdentity()).status()))
      << "the directory is locked meanwhile";
  EXPECT_TRUE(absl::IsNotFound(LoadState(directory, "b").status()));
}

// The backup of `state` in a directory of its own.
std::map<std::string, std::string> BackUp(KvStore& state) {
  CrashDirectory directory;
  auto writer = BackupWriter::Start(directory, "file",
                                    {.cluster = ClusterId(9),
                                     .cluster_name = "test",
                                     .node_name = "a",
                                     .position = {.index = Index(12), .term = Term(3)},
                                     .id = 77});
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (KvSnapshotWriter stream = KvSnapshotWriter::Begin(state); !stream.done();) {
    EXPECT_TRUE((*writer)->Append(stream.Next(state, 100).view()).ok());
    EXPECT_FALSE(directory.Content().contains("file")) << "not whole yet";
  }
  EXPECT_TRUE((*writer)->Finish().ok());
  directory.CrashNow(Crash::kPower, 1);
  return directory.Content();
}

absl::StatusOr<KvStore> ReadBack(const std::map<std::string, std::string>& content) {
  CrashDirectory directory(content);
  const auto backup = BackupReader::Open(directory, "file");
  if (!backup.ok()) return backup.status();
  EXPECT_EQ((*backup)->origin().cluster, ClusterId(9));
  EXPECT_EQ((*backup)->origin().cluster_name, "test");
  EXPECT_EQ((*backup)->origin().node_name, "a");
  EXPECT_EQ((*backup)->origin().position.index, Index(12));
  EXPECT_EQ((*backup)->origin().id, 77u);
  return (*backup)->ReadState();
}

TEST(StoreBackupFile, GivesTheStateBack) {
  CrashDirectory directory;
  WriteSome(directory);
  auto loaded = LoadState(directory, "a");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const auto content = BackUp(loaded->state);
  ASSERT_EQ(content.size(), 1u) << "the staging file is gone";
  const auto state = ReadBack(content);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->digest(), loaded->state.digest());
}

TEST(StoreBackupFile, RefusesAnyDamagedByteAndAnyCut) {
  KvStore state;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    state.Apply(Index(i), Put("k" + std::to_string(i), std::string(BytesOf(i, 60).view())));
  }
  const auto content = BackUp(state);
  for (std::size_t at = 0; at < content.at("file").size(); ++at) {
    auto damaged = content;
    damaged["file"][at] = static_cast<char>(damaged["file"][at] ^ 4);
    const auto read = ReadBack(damaged);
    ASSERT_TRUE(absl::IsDataLoss(read.status())) << at << ": " << read.status();
    damaged = content;
    damaged["file"].resize(at);
    ASSERT_TRUE(absl::IsDataLoss(ReadBack(damaged).status())) << at;
  }
}

TEST(StoreBackupFile, TakesNoFilesPlaceAndLeavesNoneBehind) {
  CrashDirectory directory(std::map<std::string, std::string>{{"file", "something else"}});
  const BackupOrigin origin = {
      .cluster = ClusterId(9), .cluster_name = "test", .node_name = "a", .position = {}, .id = 1};
  EXPECT_TRUE(absl::IsAlreadyExists(BackupWriter::Start(directory, "file", origin).status()));
  { const auto given_up = BackupWriter::Start(directory, "other", origin); }
  EXPECT_EQ(directory.Content().size(), 1u);
}

TEST(StoreStoredState, BeginsAnotherDirectory) {
  CrashDirectory directory;
  WriteSome(directory);
  auto loaded = LoadState(directory, "a");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  loaded->state.ForgetSessions();
  loaded->state.Advance(kNewHistoryGap);
  Identity identity = TestIdentity();
  identity.cluster = ClusterId(0xbeef);
  identity.incarnation = Incarnation(5);
  const HardState hard_state = {.term = Term(3), .voted_for = NodeId(), .founder = true};
  const SnapshotMeta meta = {.index = Index(12 + kNewHistoryGap),
                             .term = Term(3),
                             .configuration = identity.bootstrap,
                             .configuration_index = Index(0)};
  CrashDirectory other;
  ASSERT_TRUE(BeginWith(other, kOptions, identity, hard_state, meta, loaded->state).ok());
  other.CrashNow(Crash::kPower, 3);
  const auto opened = Storage::Open(other, kOptions, identity);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->state.hard_state, hard_state);
  EXPECT_EQ(opened->state.snapshot, meta);
  EXPECT_EQ(opened->state.base_index, meta.index);
  other.CrashNow(Crash::kProcess, 3);
  const auto again = LoadState(other, "a");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->state.digest(), loaded->state.digest());
  EXPECT_EQ(again->state.sessions(), 0u);
  EXPECT_EQ(again->state.revision(), Revision(11 + kNewHistoryGap));
  EXPECT_EQ(again->last.index, meta.index);
}

// tests/store/format1: a node's files as the last program wrote them that knew format 1 only, after
// six puts, with a snapshot behind the fifth; without the zeros that its log is filled up with.
TEST(StoredState, IsReadFromFilesOfTheVersionBefore) {
  std::map<std::string, std::string> content;
  for (const auto& entry : std::filesystem::directory_iterator(GRASSDB_FORMAT_ONE)) {
    std::ostringstream bytes;
    bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    content[entry.path().filename()] = bytes.str();
  }
  ASSERT_EQ(content.size(), 3u);
  content["distdb_node1.wal"].resize(1 << 16);
  CrashDirectory directory(content);
  auto loaded = LoadState(directory, "node1");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->last, (LogPosition{.index = Index(14), .term = Term(1)}));
  EXPECT_EQ(loaded->snapshot, (LogPosition{.index = Index(12), .term = Term(1)}));
  EXPECT_EQ(loaded->state.size(), 6u);
  for (const std::string number : {"1", "2", "3", "4", "5", "6"}) {
    const KeyValue* const found = loaded->state.Find("k" + number);
    ASSERT_NE(found, nullptr) << number;
    EXPECT_EQ(found->value(), "v" + number);
  }
}

}  // namespace
}  // namespace grassdb::store
