// How much of the log a node holds in memory, and what it does when the rest cannot be read.
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

class NodeEvictTest : public NodeTest {
 protected:
  NodeEvictTest() {
    options_.log_memory_bytes = 1000;
    options_.log_kept_bytes = 0;
  }
  void PutMany(int count) {
    for (int i = 0; i < count; ++i) {
      Put(++requests_, "key", std::string(100, 'v'));
      node_->Flush();
      FinishDisk();
    }
  }
  const Log& log() const { return node_->raft().log(); }

  std::uint64_t requests_ = 0;
};

TEST_F(NodeEvictTest, HoldsNoMoreOfTheAppliedLogInMemoryThanItMay) {
  Make(1);
  Lead();
  PutMany(100);
  EXPECT_EQ(node_->applied_index(), log().last_index());
  EXPECT_LE(log().bytes(), 1125u) << "an eighth more, so that it is not done for every entry";
  EXPECT_GT(log().bytes(), 500u);
  EXPECT_EQ(log().base_index(), Index(0)) << "it is on the disk";
  EXPECT_EQ(node_->Status().first_index, Index(1));
  EXPECT_EQ(node_->Status().memory_index, log().evicted_through() + 1);
}

TEST_F(NodeEvictTest, LetsGoOfALogWithDamagedPlacesOnceItIsApplied) {
  recovered_.hard_state.term = Term(1);
  recovered_.damage.places = {"distdb_a.wal at offset 7: wrong"};
  for (Index index(1); index <= Index(50); ++index) {
    Command command;
    command.transaction = PutTransaction("key", std::string(100, 'v'));
    recovered_.entries.push_back({.index = index,
                                  .term = Term(1),
                                  .type = EntryType::kCommand,
                                  .payload = EncodeCommand(command)});
  }
  Make(1);
  EXPECT_EQ(log().evicted_through(), Index(0));
  Lead();
  EXPECT_EQ(node_->applied_index(), Index(51));
  EXPECT_LE(log().bytes(), 1125u);
}

TEST_F(NodeEvictTest, KeepsWhatIsNotAppliedHoweverMuchItIs) {
  LeadThree();
  for (int i = 0; i < 50; ++i) Put(++requests_, "key", std::string(100, 'v'));
  node_->Flush();
  FinishDisk();
  EXPECT_EQ(node_->applied_index(), Index(1)) << "nobody else has it";
  EXPECT_GT(log().bytes(), 5000u);
  EXPECT_LE(log().evicted_through(), Index(1));
  AcknowledgeAll(2);
  EXPECT_LE(log().bytes(), 1125u);
}

class NodeEvictedFollowerTest : public NodeEvictTest {
 protected:
  // n3 is known to have nothing; n1 reads for it.
  ReadEntries Wanted() {
    LeadThree();
    for (int i = 0; i < 50; ++i) {
      Put(++requests_, "key", std::string(100, 'v'));
      node_->Flush();
      FinishDisk();
      AcknowledgeAll(2);
    }
    AppendEntriesResponse answer;
    answer.result = AppendResult::kConflict;
    answer.conflict_index = Index(1);
    for (int i = 0; i < 2; ++i) {
      answer.prev_log_index = Index(i == 0 ? 0 : 1);
      for (const Message& message : network_.sent) {
        const auto* append = std::get_if<AppendEntriesRequest>(&message.body);
        if (append == nullptr || message.to != IdOfNode(3)) continue;
        answer.prev_log_index = append->prev_log_index;
        answer.sent_at = append->sent_at;
      }
      if (answer.prev_log_index == Index(0)) answer.result = AppendResult::kMatched;
      Receive(3, 1, answer);
    }
    return Take<ReadEntries>();
  }
};

TEST_F(NodeEvictedFollowerTest, AsksAgainUntilTheEntriesHaveBeenFound) {
  const ReadEntries wanted = Wanted();
  EXPECT_EQ(wanted.first, Index(1));
  Finish(EntriesRead{.wanted = wanted, .entries = {}, .status = absl::OkStatus()});
  EXPECT_EQ(Take<ReadEntries>().first, Index(1));
  EXPECT_FALSE(node_->must_mend());
}

TEST_F(NodeEvictedFollowerTest, TakesASnapshotInThePlaceOfWhatCannotBeRead) {
  const ReadEntries wanted = Wanted();
  Finish(EntriesRead{.wanted = wanted,
                     .entries = {},
                     .status = absl::DataLossError("f at offset 7 in /data: wrong")});
  EXPECT_FALSE(node_->failed());
  EXPECT_TRUE(node_->must_mend());
  EXPECT_EQ(node_->Status().scrub.found, 1u);
  EXPECT_NE(node_->Status().scrub.newest.find("f at offset 7"), std::string::npos);
  StageAll();
  const auto publish = Take<PublishSnapshot>();
  EXPECT_TRUE(publish.mends);
  EXPECT_EQ(publish.release_through, publish.meta.index);
  Finish(PublishDone{.meta = publish.meta, .status = absl::OkStatus()});
  EXPECT_FALSE(node_->must_mend());
  EXPECT_EQ(log().base_index(), publish.meta.index) << "nobody is sent what is damaged";
}

TEST_F(NodeEvictedFollowerTest, MendsNothingForWhatHasBeenReleasedMeanwhile) {
  const ReadEntries wanted = Wanted();
  node_->OnClient(RequestId(9999), TakeSnapshotRequest{});
  node_->Flush();
  StageAll();
  const auto publish = Take<PublishSnapshot>();
  Finish(PublishDone{.meta = publish.meta, .status = absl::OkStatus()});
  Finish(EntriesRead{.wanted = wanted, .entries = {}, .status = absl::NotFoundError("not there")});
  EXPECT_FALSE(node_->must_mend());
  EXPECT_FALSE(node_->failed());
}

TEST_F(NodeEvictedFollowerTest, MendsALogWhoseFilesDoNotHaveWhatTheyShould) {
  const ReadEntries wanted = Wanted();
  Finish(EntriesRead{.wanted = wanted, .entries = {}, .status = absl::NotFoundError("not there")});
  EXPECT_TRUE(node_->must_mend());
}

}  // namespace
}  // namespace grassdb
