// A node that loads a snapshot, and one that streams its own to a follower.
#include "core/kv_snapshot.h"
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

class NodeSnapshot : public NodeTest {
 protected:
  // The node is born with a snapshot of index 5, in which it is time 5000 and k = v.
  void MakeWithSnapshot(int voters) {
    KvStore store;
    Command command;
    command.time = 5000;
    command.transaction = PutTransaction("k", "v");
    store.Apply(Index(5), command);
    KvSnapshotWriter writer = KvSnapshotWriter::Begin(store);
    while (!writer.done()) stream_ += writer.Next(store, 1000).view();
    SnapshotMeta meta;
    meta.index = Index(5);
    meta.term = Term(1);
    meta.configuration = VotersOf(voters);
    recovered_.hard_state.term = Term(1);
    recovered_.snapshot = meta;
    recovered_.base_index = meta.index;
    recovered_.base_term = meta.term;
    Make(voters);
  }
  void Load() {
    const auto read = Take<ReadSnapshot>();
    EXPECT_EQ(read.reader, NodeId());
    Finish(SnapshotRead{.index = read.index,
                        .offset = read.offset,
                        .reader = read.reader,
                        .last = true,
                        .data = Bytes(stream_),
                        .status = absl::OkStatus()});
  }
  // The entries of the newest log write at the disk, as commands.
  ClusterTime TimeOfNewestCommand() {
    const auto at = std::ranges::find_if(disk_.jobs, IsPersist);
    if (at == disk_.jobs.end()) return 0;
    const auto command = DecodeCommand(std::get<Persist>(*at).entries.back().payload.view());
    return command.has_value() ? command->time : 0;
  }

  std::string stream_;
};

TEST_F(NodeSnapshot, ANodeThatIsLoadingRefusesWritesAndServesWhenItIsLoaded) {
  MakeWithSnapshot(1);
  Lead();
  ASSERT_FALSE(node_->loaded());
  Put(1, "k", "w");
  EXPECT_EQ(CodeOf(1), ReplyCode::kUnavailable);
  node_->OnClient(RequestId(2), OpenSessionRequest{});
  EXPECT_EQ(CodeOf(2), ReplyCode::kUnavailable);
  Get(3, "k", ReadMode::kStale);
  EXPECT_EQ(CodeOf(3), ReplyCode::kUnavailable);
  Get(4, "k", ReadMode::kLease);
  Get(5, "k");
  node_->Flush();
  EXPECT_FALSE(clients_.replies.contains(RequestId(4))) << "nothing could be read";
  EXPECT_FALSE(clients_.replies.contains(RequestId(5)));
  Load();
  ASSERT_TRUE(node_->loaded());
  EXPECT_EQ(clients_.replies[RequestId(4)].value, "v");
  EXPECT_EQ(clients_.replies[RequestId(5)].value, "v");
  Put(6, "k", "w");
  node_->Flush();
  FinishDisk();
  EXPECT_EQ(CodeOf(6), ReplyCode::kOk);
}

TEST_F(NodeSnapshot, ReplicatedTimeGoesOnForALeaderElectedWhileItWasLoading) {
  MakeWithSnapshot(1);
  Lead();
  clock_.now += milliseconds(10000);  // of this time nobody knows
  Load();
  clock_.now += milliseconds(700);
  Put(1, "k", "w");
  node_->Flush();
  EXPECT_EQ(TimeOfNewestCommand(), 5700u);
}

TEST_F(NodeSnapshot, ReplicatedTimeGoesOnForALeaderThatHadLoaded) {
  MakeWithSnapshot(1);
  Load();
  Lead();
  const Instant elected = clock_.now;
  clock_.now += milliseconds(700);
  Put(1, "k", "w");
  node_->Flush();
  EXPECT_EQ(TimeOfNewestCommand(),
            5000u + static_cast<std::uint64_t>((clock_.now - elected) / milliseconds(1)));
}

// --- Streaming to a follower ---

class NodeStreams : public NodeSnapshot {
 protected:
  // Leads three nodes; n3 lacks what the snapshot has. The first read for it is at the disk.
  void LeadWithLaggard() {
    MakeWithSnapshot(3);
    Load();
    clock_.now = node_->NextDeadline();
    node_->OnDeadline();
    node_->Flush();
    RequestVoteResponse vote{.ballot = Ballot::kPreVote, .campaign_term = Term(2), .granted = true};
    Receive(2, 1, vote);
    FinishDisk();
    vote.ballot = Ballot::kVote;
    Receive(2, 2, vote);
    ASSERT_EQ(node_->raft().role(), Role::kLeader);
    FinishDisk();
    AcknowledgeAll(2);
    AppendEntriesResponse refusal;
    refusal.result = AppendResult::kConflict;
    refusal.prev_log_index = Index(5);
    refusal.conflict_index = Index(1);
    Receive(3, 2, refusal);
  }
  void AnswerRead(const ReadSnapshot& read, absl::Status status) {
    Finish(SnapshotRead{.index = read.index,
                        .offset = read.offset,
                        .reader = read.reader,
                        .last = false,
                        .data = Bytes("0123456789"),
                        .status = std::move(status)});
  }
  void WantsOffset(std::uint64_t offset) {
    InstallSnapshotResponse answer;
    answer.snapshot_index = Index(5);
    answer.snapshot_term = Term(1);
    answer.next_offset = offset;
    Receive(3, 2, answer);
  }
};

TEST_F(NodeStreams, AnAnswerWithAnOffsetBehindTheEndStartsTheStreamAgainAndStopsNobody) {
  LeadWithLaggard();
  ReadSnapshot read = Take<ReadSnapshot>();
  EXPECT_EQ(read.reader, IdOfNode(3));
  AnswerRead(read, absl::OkStatus());
  ASSERT_EQ(SentCount<InstallSnapshotRequest>(3), 1u);
  WantsOffset(999999);
  read = Take<ReadSnapshot>();
  EXPECT_EQ(read.offset, 999999u);
  AnswerRead(read, absl::OutOfRangeError("the stream has 50 bytes"));
  EXPECT_FALSE(node_->failed());
  EXPECT_EQ(node_->raft().role(), Role::kLeader);
  read = Take<ReadSnapshot>();
  EXPECT_EQ(read.offset, 0u);
  AnswerRead(read, absl::OkStatus());
  EXPECT_EQ(SentCount<InstallSnapshotRequest>(3), 2u);
}

TEST_F(NodeStreams, AChunkIsReadOnceHoweverOftenItsAnswerIsRepeated) {
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  for (int i = 0; i < 3; ++i) WantsOffset(10);
  EXPECT_EQ(disk_.jobs.size(), 1u);
  EXPECT_EQ(Take<ReadSnapshot>().offset, 10u);
}

TEST_F(NodeStreams, ALostChunkIsSentAgainAfterAWhile) {
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  clock_.now += options_.snapshot_retry;
  EXPECT_LE(node_->NextDeadline(), clock_.now);
  node_->OnDeadline();
  EXPECT_EQ(Take<ReadSnapshot>().offset, 0u);
}

TEST_F(NodeStreams, ADamagedSnapshotStopsTheNode) {
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::DataLossError("bad block"));
  EXPECT_TRUE(node_->failed());
}

// --- Receiving ---

class NodeReceives : public NodeSnapshot {
 protected:
  void ReceiveChunk(std::uint64_t index) {
    InstallSnapshotRequest chunk;
    chunk.meta.index = Index(index);
    chunk.meta.term = Term(1);
    chunk.meta.configuration = VotersOf(3);
    chunk.last = true;
    chunk.data = Bytes("state");
    Receive(2, 1, std::move(chunk));
  }
  bool IsStaging() const {
    return std::ranges::any_of(
        disk_.jobs, [](const DiskJob& job) { return std::holds_alternative<StageSnapshot>(job); });
  }
  void FinishStaging() {
    const auto stage = Take<StageSnapshot>();
    Finish(StageDone{.source = stage.source,
                     .index = stage.meta.index,
                     .next_offset = stage.offset + stage.data.size(),
                     .last = stage.last,
                     .status = absl::OkStatus()});
  }
};

TEST_F(NodeReceives, WhileASnapshotIsInstalledNoOtherOneIsWrittenOverIt) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  FinishDisk();
  ReceiveChunk(7);
  FinishStaging();
  ASSERT_TRUE(std::ranges::any_of(disk_.jobs, IsPersist)) << "it is being installed";
  ReceiveChunk(9);
  ReceiveChunk(7);
  EXPECT_FALSE(IsStaging());
  FinishDisk();
  EXPECT_EQ(node_->raft().snapshot()->index, Index(7));
  ReceiveChunk(9);
  EXPECT_TRUE(IsStaging());
}

TEST_F(NodeReceives, AChunkIsTakenOnceWhileItIsWritten) {
  Make(3);
  ReceiveChunk(7);
  ReceiveChunk(7);
  ReceiveChunk(9);
  FinishStaging();
  EXPECT_FALSE(IsStaging());
  EXPECT_EQ(node_->raft().snapshot()->index, Index(7));
}

}  // namespace
}  // namespace grassdb
