// A client that copies the state, piece by piece.
#include "core/kv_snapshot.h"
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

class NodeBackup : public NodeTest {
 protected:
  void Begin(std::uint64_t request) {
    node_->OnBackup(RequestId(request), BackupRequest{});
    node_->Flush();
  }
  // Lets the node's own snapshot under way become durable.
  Index FinishSnapshot() {
    const auto stage = Take<StageSnapshot>();
    EXPECT_TRUE(stage.last);
    stream_ = stage.data;
    Finish(StageDone{.source = stage.source,
                     .index = stage.meta.index,
                     .next_offset = stage.data.size(),
                     .last = true,
                     .status = absl::OkStatus()});
    const auto publish = Take<PublishSnapshot>();
    Finish(PublishDone{.meta = publish.meta, .status = absl::OkStatus()});
    return publish.meta.index;
  }
  // The disk gives `bytes` of what the node asks for.
  void FinishRead(std::size_t bytes, absl::Status status = absl::OkStatus()) {
    const auto read = Take<ReadSnapshot>();
    const Bytes data(stream_.view().substr(read.offset, bytes));
    Finish(SnapshotRead{.index = read.index,
                        .offset = read.offset,
                        .reader = read.reader,
                        .last = read.offset + data.size() == stream_.size(),
                        .data = data,
                        .status = std::move(status),
                        .request = read.request});
  }
  const BackupPiece& Piece(std::uint64_t request) {
    EXPECT_EQ(CodeOf(request), ReplyCode::kOk);
    return *clients_.replies[RequestId(request)].backup;
  }
  void Write(std::uint64_t request) {
    Put(request, "k" + std::to_string(request), "v");
    node_->Flush();
    FinishDisk();
    ASSERT_EQ(CodeOf(request), ReplyCode::kOk);
  }

  Bytes stream_;
};

TEST_F(NodeBackup, HoldsEveryWriteThatWasAcknowledgedBefore) {
  Make(1);
  Lead();
  Write(1);
  Write(2);
  Begin(10);
  const Index index = FinishSnapshot();
  EXPECT_EQ(index, node_->applied_index());
  FinishRead(30);
  EXPECT_EQ(Piece(10).snapshot.index, index);
  EXPECT_EQ(Piece(10).offset, 0u);
  EXPECT_FALSE(Piece(10).last);
  std::string copy(Piece(10).data.view());
  node_->OnBackup(RequestId(11), BackupRequest{.snapshot = index, .offset = 30});
  node_->Flush();
  FinishRead(1 << 20);
  EXPECT_EQ(Piece(11).offset, 30u);
  EXPECT_TRUE(Piece(11).last);
  copy += Piece(11).data.view();
  KvSnapshotReader reader{KvOptions()};
  ASSERT_TRUE(reader.Feed(copy).ok());
  const auto state = std::move(reader).Finish();
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_NE(state->Find("k1"), nullptr);
  EXPECT_NE(state->Find("k2"), nullptr);
  EXPECT_EQ(state->digest(), node_->store().digest());
}

TEST_F(NodeBackup, NeedsAQuorum) {
  LeadThree();
  network_.sent.clear();
  Begin(10);
  EXPECT_FALSE(clients_.replies.contains(RequestId(10)));
  EXPECT_TRUE(disk_.jobs.empty()) << "it may have been replaced by another leader";
  AcknowledgeAll(2);
  FinishSnapshot();
  FinishRead(1 << 20);
  EXPECT_TRUE(Piece(10).last);
}

TEST_F(NodeBackup, IsRefusedWhenNoQuorumAnswers) {
  LeadThree();
  Begin(10);
  clock_.now += options_.read_patience;
  node_->OnDeadline();
  node_->Flush();
  EXPECT_EQ(CodeOf(10), ReplyCode::kUnavailable);
}

TEST_F(NodeBackup, TakesTheSnapshotThatIsThereIfNothingWasWrittenSince) {
  Make(1);
  Lead();
  Write(1);
  Begin(10);
  const Index index = FinishSnapshot();
  FinishRead(1 << 20);
  EXPECT_TRUE(Piece(10).last);
  Begin(11);
  FinishRead(1 << 20);
  EXPECT_EQ(Piece(11).snapshot.index, index);
  Write(2);
  Begin(12);
  EXPECT_GT(FinishSnapshot(), index);
}

TEST_F(NodeBackup, BeginsAnewWhenItsSnapshotIsSuperseded) {
  Make(1);
  Lead();
  Write(1);
  Begin(10);
  const Index index = FinishSnapshot();
  FinishRead(10);
  EXPECT_FALSE(Piece(10).last);
  Write(2);
  node_->OnClient(RequestId(20), TakeSnapshotRequest{});
  node_->Flush();
  FinishSnapshot();
  node_->OnBackup(RequestId(11), BackupRequest{.snapshot = index, .offset = 10});
  FinishRead(10, absl::NotFoundError("superseded"));
  EXPECT_EQ(CodeOf(11), ReplyCode::kUnavailable);
  EXPECT_FALSE(node_->failed());
}

TEST_F(NodeBackup, HoldsOffSnapshotsThatTheLogAsksForButNotForLong) {
  options_.snapshot_log_bytes = 1000;
  options_.log_kept_bytes = 1;
  Make(1);
  Lead();
  Write(1);
  Begin(10);
  const Index index = FinishSnapshot();
  FinishRead(10);
  std::uint64_t request = 100;
  const auto write = [&](std::size_t bytes) {
    Put(++request, "k", std::string(bytes, 'x'));
    node_->Flush();
    FinishDisk();
  };
  write(2000);
  EXPECT_TRUE(disk_.jobs.empty()) << "the log has twice what makes a snapshot";
  node_->OnBackup(RequestId(11), BackupRequest{.snapshot = index, .offset = 10});
  FinishRead(10);
  clock_.now += options_.read_patience;
  write(10);
  EXPECT_GT(FinishSnapshot(), index) << "the client has gone";
}

TEST_F(NodeBackup, DoesNotHoldOffTheSnapshotThatThereIsNoRoomWithout) {
  options_.space_retry_min = std::chrono::seconds(1);
  Make(1);
  Lead();
  Write(1);
  Begin(10);
  const Index index = FinishSnapshot();
  FinishRead(10);
  Write(2);
  node_->OnClient(RequestId(20), TakeSnapshotRequest{});
  node_->Flush();
  FindNoRoomToStage();
  EXPECT_EQ(CodeOf(20), ReplyCode::kDiskFull);
  node_->OnBackup(RequestId(11), BackupRequest{.snapshot = index, .offset = 10});
  FinishRead(10);
  clock_.now += std::chrono::seconds(1);
  node_->OnDeadline();
  node_->Flush();
  Take<Restock>();
  EXPECT_GT(FinishSnapshot(), index);
}

TEST_F(NodeBackup, IsOneAtATime) {
  Make(1);
  Lead();
  Write(1);
  Begin(10);
  Begin(11);
  EXPECT_EQ(CodeOf(11), ReplyCode::kOverloaded);
  FinishSnapshot();
  FinishRead(10);
  Begin(12);
  EXPECT_EQ(CodeOf(12), ReplyCode::kOverloaded);
  node_->OnBackup(RequestId(13), BackupRequest{.snapshot = Piece(10).snapshot.index, .offset = 10});
  FinishRead(1 << 20);
  EXPECT_TRUE(Piece(13).last);
  Begin(14);
  FinishRead(1 << 20);
  EXPECT_TRUE(Piece(14).last);
}

TEST_F(NodeBackup, OfADamagedSnapshotIsRefusedAndTheNodeGoesOn) {
  Make(1);
  Lead();
  Write(1);
  Begin(10);
  FinishSnapshot();
  FinishRead(10, absl::DataLossError("block 3"));
  EXPECT_EQ(CodeOf(10), ReplyCode::kRefused);
  EXPECT_NE(clients_.replies[RequestId(10)].error.find("block 3"), std::string::npos);
  EXPECT_FALSE(node_->failed());
  Write(2);
}

}  // namespace
}  // namespace grassdb
