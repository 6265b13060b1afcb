// Which segment the live log is, and where it goes on, after snapshots have been installed and the
// segments before it released.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "store/record.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"
#include "tests/store/small_log.h"

namespace grassdb::store {
namespace {

class Installing : public ::testing::Test {
 protected:
  Installing() {
    auto opened = Storage::Open(directory_, kOptions, TestIdentity());
    EXPECT_TRUE(opened.ok()) << opened.status();
    storage_ = std::move(opened->storage);
  }
  void Append(std::uint64_t index, std::size_t size = 90) {
    Persist persist = OneEntry(index, 1);
    persist.entries[0].payload = BytesOf(index, size);
    ASSERT_TRUE(std::get<PersistDone>(storage_->Execute(std::move(persist))).status.ok());
  }
  void Install(std::uint64_t index, const Configuration& configuration) {
    const SnapshotMeta meta{.index = Index(index),
                            .term = Term(1),
                            .configuration = configuration,
                            .configuration_index = Index(1)};
    StageSnapshot stage{.source = SnapshotSource::kReceived,
                        .meta = meta,
                        .offset = 0,
                        .last = true,
                        .data = BytesOf(index, 300)};
    ASSERT_TRUE(std::get<StageDone>(storage_->Execute(std::move(stage))).status.ok());
    Persist persist;
    persist.id = PersistId(index);
    persist.install = meta;
    ASSERT_TRUE(std::get<PersistDone>(storage_->Execute(std::move(persist))).status.ok());
  }
  std::string NewestSealed() const {
    std::string newest;
    for (const auto& [name, bytes] : directory_.Content()) {
      if (name.ends_with(".seg")) newest = name;
    }
    return newest;
  }
  // What recovery finds in `content`.
  static RecoveredState StateIn(const Content& content) {
    CrashDirectory directory(content);
    StorageOptions options = kOptions;
    options.on_damage = OnDamage::kReport;
    auto opened = Storage::Open(directory, options, TestIdentity());
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? std::move(opened->state) : RecoveredState();
  }

  CrashDirectory directory_;
  std::unique_ptr<Storage> storage_;
};

// The members of an earlier snapshot, which the same segment has named already, are not enough.
TEST_F(Installing, WhoLosesTheSnapshotKnowsTheMembersThatItBrought) {
  Append(1);
  std::vector<Member> members = TestIdentity().bootstrap.members();
  members.back().name = "newcomer";
  members.back().id = NodeIdOf("newcomer");
  const Configuration brought(members);
  Install(50, brought);
  storage_.reset();
  Content content = directory_.Content();
  ASSERT_EQ(std::erase_if(content, [](const auto& file) { return file.first.ends_with(".snap"); }),
            1u);
  const RecoveredState state = StateIn(content);
  EXPECT_EQ(state.damage.snapshot_lost, Index(50));
  EXPECT_EQ(state.damage.committed, Index(50));
  EXPECT_EQ(state.damage.committed_term, Term(1));
  ASSERT_FALSE(state.members.empty());
  EXPECT_NE(state.members.back().Find(NodeIdOf("newcomer")), nullptr);
}

// Also if nothing has been appended since it was published.
TEST_F(Installing, WhoLosesItsOwnSnapshotKnowsThatTheBaseWasCommitted) {
  for (std::uint64_t index = 1; index <= 30; ++index) Append(index);
  TakeSnapshot(*storage_, 25, Index(25));
  storage_.reset();
  Content content = directory_.Content();
  ASSERT_EQ(std::erase_if(content, [](const auto& file) { return file.first.ends_with(".snap"); }),
            1u);
  const RecoveredState state = StateIn(content);
  ASSERT_GT(state.damage.snapshot_lost, Index(0));
  EXPECT_EQ(state.damage.committed, state.damage.snapshot_lost);
  EXPECT_EQ(state.damage.committed_term, Term(1));
  ASSERT_FALSE(state.damage.places.empty());
  EXPECT_NE(state.damage.places.back().find("00025.snap: this file is missing"), std::string::npos)
      << state.damage.places.back();
}

// Which segment the live log is, where its header is not legible, is told by its records; not by
// one of an older segment that the disk has put there.
TEST_F(Installing, AMisplacedSectorOfASegmentThatIsGoneIsNotTakenForTheLiveLogs) {
  std::uint64_t next = 1;
  while (NewestSealed().empty()) Append(next++);
  const std::string first = NewestSealed();
  ASSERT_TRUE(std::get<MarkDone>(storage_->Execute(MarkDurable{})).status.ok());
  while (NewestSealed() == first) Append(next++);
  const std::string sealed = directory_.Content().at(NewestSealed());
  Install(50, TestIdentity().bootstrap);
  ASSERT_EQ(NewestSealed(), "");
  Append(51, 10);
  storage_.reset();
  Content content = directory_.Content();
  std::string& live = content.at("distdb_a.wal");
  ASSERT_EQ(NewestSealed(), "");
  ASSERT_GT(EndOf(live), 512u);
  live.replace(0, 512, sealed.substr(EndOf(sealed) - 512, 512));
  const RecoveredState state = StateIn(content);
  ASSERT_FALSE(state.entries.empty());
  EXPECT_EQ(state.entries.back().index, Index(51));
}

// No sealed segment is left that would tell it for an old one.
TEST_F(Installing, AHeaderOfASegmentThatIsGoneIsNotTakenForTheLiveLogs) {
  std::uint64_t next = 1;
  while (NewestSealed() != "distdb_a.00000000000000000002.seg") Append(next++);
  const std::string sealed = directory_.Content().at(NewestSealed());
  while (NewestSealed() != "distdb_a.00000000000000000003.seg") Append(next++);
  Install(50, TestIdentity().bootstrap);
  Append(51, 10);
  ASSERT_EQ(NewestSealed(), "");
  for (const bool marked : {false, true}) {
    if (marked) {
      ASSERT_TRUE(std::get<MarkDone>(storage_->Execute(MarkDurable{})).status.ok());
    }
    Content content = directory_.Content();
    std::string& live = content.at("distdb_a.wal");
    ASSERT_GT(EndOf(live), 512u);
    live.replace(0, 512, sealed.substr(0, 512));
    const RecoveredState state = StateIn(content);
    ASSERT_FALSE(state.entries.empty());
    EXPECT_EQ(state.entries.back().index, Index(51));
  }
}

// A rotation was interrupted when the header of the segment behind was ready.
TEST_F(Installing, TheHeaderOfTheNextSegmentIsNotTakenForTheLiveLogs) {
  Content before;
  std::uint64_t next = 1;
  while (NewestSealed() != "distdb_a.00000000000000000003.seg") {
    before = directory_.Content();
    Append(next++);
  }
  const std::string header = directory_.Content().at("distdb_a.wal").substr(0, kSegmentHeaderBytes);
  before["distdb_a.next"] = header + std::string(1024 - header.size(), '\0');
  for (const bool in_its_place : {false, true}) {
    Content content = before;
    std::string& live = content.at("distdb_a.wal");
    const std::size_t end = EndOf(live);
    ASSERT_LE(end + header.size(), live.size());
    live.replace(0, header.size(), header.size(), '\0');
    live.replace(in_its_place ? 0 : end, header.size(), header);
    const RecoveredState state = StateIn(content);
    ASSERT_FALSE(state.entries.empty());
    EXPECT_EQ(state.entries.back().index, Index(next - 2)) << in_its_place;
    EXPECT_TRUE(state.damage.empty()) << in_its_place;
  }
}

// It may be as large as a segment, which is nothing to a start that only asks for its number.
TEST_F(Installing, OfTheNextSegmentOnlyTheHeaderIsRead) {
  std::uint64_t next = 1;
  while (NewestSealed().empty()) Append(next++);
  storage_.reset();
  Content content = directory_.Content();
  content["distdb_a.next"] =
      content.at("distdb_a.wal").substr(0, kSegmentHeaderBytes) + std::string(1 << 20, 'x');
  CrashDirectory directory(content);
  const auto opened = Storage::Open(directory, kOptions, TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_LT(directory.counters().bytes_read, std::uint64_t{1} << 18);
}

// What is read there once would be written there, over what is left of the header.
TEST_F(Installing, NoRecordCountsWhereTheLiveLogsHeaderShouldBe) {
  std::uint64_t next = 1;
  while (NewestSealed().empty()) Append(next++);
  Install(50, TestIdentity().bootstrap);
  Persist vote;
  vote.id = PersistId(99);
  vote.hard_state = {.term = Term(7), .voted_for = NodeId(2)};
  ASSERT_TRUE(std::get<PersistDone>(storage_->Execute(Persist(vote))).status.ok());
  storage_.reset();
  Content content = directory_.Content();
  std::string& live = content.at("distdb_a.wal");
  std::size_t last = 0;
  std::string record;
  for (std::size_t at = kSegmentHeaderBytes; at < EndOf(live); at += record.size()) {
    last = at;
    record = live.substr(at, ReadRecordClaim(std::string_view(live).substr(at)).frame_bytes);
  }
  ASSERT_GT(last, kSegmentHeaderBytes);
  ASSERT_LE(8 + record.size(), kSegmentHeaderBytes);
  live.replace(0, 8, 8, '\0').replace(8, record.size(), record);
  CrashDirectory directory(content);
  StorageOptions options = kOptions;
  options.on_damage = OnDamage::kReport;
  const auto opened = Storage::Open(directory, options, TestIdentity());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->state.hard_state, vote.hard_state);
  EXPECT_EQ(directory.Content().at("distdb_a.wal").substr(last, record.size()), record);
}

// What is written next would stand where the header belongs, and the time after that nothing would
// say what the file is.
TEST_F(Installing, NorDoesTheLiveLogsOwnHeaderInAnotherPlace) {
  std::uint64_t next = 1;
  while (NewestSealed().empty()) Append(next++);
  storage_.reset();
  Content content = directory_.Content();
  std::string& live = content.at("distdb_a.wal");
  const std::string header = live.substr(0, kSegmentHeaderBytes);
  live.assign(live.size(), '\0');
  live.replace(512, header.size(), header);
  CrashDirectory directory(content);
  StorageOptions options = kOptions;
  options.on_damage = OnDamage::kReport;
  const auto opened = Storage::Open(directory, options, TestIdentity());
  EXPECT_TRUE(absl::IsDataLoss(opened.status())) << opened.status();
  EXPECT_EQ(directory.Content().at("distdb_a.wal"), live) << "and nothing is changed";
}

// The segments before it, which would tell the number, are released, and there is no mark.
TEST_F(Installing, WhichSegmentTheLiveLogIsItsRecordsTell) {
  std::uint64_t next = 1;
  while (NewestSealed() != "distdb_a.00000000000000000003.seg") Append(next++);
  Install(50, TestIdentity().bootstrap);
  ASSERT_EQ(NewestSealed(), "");
  Append(51, 10);
  storage_.reset();
  Content content = directory_.Content();
  content.at("distdb_a.wal").replace(0, kSegmentHeaderBytes, kSegmentHeaderBytes, '\0');
  const RecoveredState state = StateIn(content);
  ASSERT_FALSE(state.entries.empty());
  EXPECT_EQ(state.entries.back().index, Index(51));
}

}  // namespace
}  // namespace grassdb::store
