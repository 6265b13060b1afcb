// A node that loads a snapshot, and one that streams its own to a follower.
#include "core/chunk.h"
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
  const Instant loaded = clock_.now;
  Lead();
  clock_.now += milliseconds(700);
  Put(1, "k", "w");
  node_->Flush();
  EXPECT_EQ(TimeOfNewestCommand(),
            5000u + static_cast<std::uint64_t>((clock_.now - loaded) / milliseconds(1)));
}

// The newest ones, as many as fit: a follower a little behind gets entries, not a snapshot.
TEST_F(NodeSnapshot, EntriesAreKeptForSlowFollowersByTheirBytes) {
  options_.log_kept_bytes = 700;
  Make(1);
  Lead();
  for (std::uint64_t i = 1; i <= 9; ++i) {
    Put(i, "k", std::string(100 * (i % 3), 'x'));
    node_->Flush();
    FinishDisk();
  }
  node_->OnClient(RequestId(50), TakeSnapshotRequest{});
  node_->Flush();
  const auto stage = Take<StageSnapshot>();
  ASSERT_TRUE(stage.last);
  Finish(StageDone{.source = stage.source,
                   .index = stage.meta.index,
                   .next_offset = stage.data.size(),
                   .last = true,
                   .status = absl::OkStatus()});
  const auto publish = Take<PublishSnapshot>();
  ASSERT_EQ(publish.meta.index, Index(10));
  std::size_t kept = 0;
  for (Index at = publish.release_through + 1; at <= Index(10); ++at) {
    kept += CostOf(node_->raft().log().At(at));
  }
  EXPECT_LE(kept, 700u);
  EXPECT_GT(kept + CostOf(node_->raft().log().At(publish.release_through)), 700u);
  Finish(PublishDone{.meta = publish.meta, .status = absl::OkStatus()});
  EXPECT_EQ(node_->raft().log().base_index(), publish.release_through);
}

// --- Streaming to a follower ---

class NodeStreams : public NodeSnapshot {
 protected:
  NodeStreams() { options_.snapshot_bytes_per_second = 0; }
  // Leads three nodes; n3 lacks what the snapshot has. The first read for it is at the disk.
  void LeadWithLaggard() {
    MakeWithSnapshot(3);
    Load();
    clock_.now = node_->NextDeadline();
    BeElected(2);
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

TEST_F(NodeStreams, AMissingSnapshotIsMendedAndReadAgainAfterAWhile) {
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::NotFoundError("5.snap: no such file"));
  EXPECT_FALSE(node_->failed());
  EXPECT_TRUE(node_->must_mend());
  EXPECT_EQ(node_->Status().scrub.newest, "5.snap: no such file");
  const auto is_read = [](const DiskJob& job) { return std::holds_alternative<ReadSnapshot>(job); };
  EXPECT_TRUE(std::ranges::none_of(disk_.jobs, is_read)) << "not again and again";
  clock_.now += options_.snapshot_retry;
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
  static InstallSnapshotRequest ChunkOf(std::uint64_t index, std::uint64_t offset = 0,
                                        bool last = true) {
    InstallSnapshotRequest chunk;
    chunk.meta.index = Index(index);
    chunk.meta.term = Term(1);
    chunk.meta.configuration = VotersOf(3);
    chunk.offset = offset;
    chunk.last = last;
    chunk.data = Bytes("state");
    chunk.checksum = ChecksumOf(chunk);
    return chunk;
  }
  void ReceiveChunk(std::uint64_t index) { Receive(2, 1, ChunkOf(index)); }
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

// --- Going on where a transfer ended ---

class NodeGoesOn : public NodeReceives {
 protected:
  // This node was born with the first 5 bytes of snapshot 7 staged.
  void MakeWithStaged() {
    recovered_.staged = StagedSnapshot{.meta = ChunkOf(7).meta, .offset = 5};
    Make(3);
  }
  // What the node has answered last to a chunk of `to`.
  std::optional<std::uint64_t> WantedOf(int to) const {
    std::optional<std::uint64_t> wanted;
    for (const Message& message : network_.sent) {
      const auto* answer = std::get_if<InstallSnapshotResponse>(&message.body);
      if (answer != nullptr && message.to == IdOfNode(to)) wanted = answer->next_offset;
    }
    return wanted;
  }
};

TEST_F(NodeGoesOn, ARestartedNodeWantsWhatComesAfterTheStagedBytes) {
  MakeWithStaged();
  EXPECT_EQ(node_->Status().receiving_offset, 5u);
  Receive(2, 1, ChunkOf(7, 0, false));
  FinishDisk();
  EXPECT_FALSE(IsStaging());
  EXPECT_EQ(WantedOf(2), 5u);
  Receive(2, 1, ChunkOf(7, 5, true));
  ASSERT_TRUE(IsStaging());
  FinishStaging();
  FinishDisk();
  EXPECT_EQ(node_->raft().snapshot()->index, Index(7));
}

TEST_F(NodeGoesOn, ARestartedNodeTakesAnotherSnapshotFromItsBeginning) {
  MakeWithStaged();
  Receive(2, 1, ChunkOf(9, 5, true));
  FinishDisk();
  EXPECT_FALSE(IsStaging());
  EXPECT_EQ(WantedOf(2), 0u);
  Receive(2, 1, ChunkOf(9, 0, true));
  const auto stage = Take<StageSnapshot>();
  EXPECT_EQ(stage.meta.index, Index(9));
  EXPECT_EQ(stage.offset, 0u) << "drops what was staged";
}

// The same index and term, but not the same snapshot.
TEST_F(NodeGoesOn, ARestartedNodeGoesOnOnlyIfTheConfigurationIsTheSame) {
  MakeWithStaged();
  InstallSnapshotRequest chunk = ChunkOf(7, 5, true);
  chunk.meta.configuration = VotersOf(1);
  chunk.checksum = ChecksumOf(chunk);
  Receive(2, 1, chunk);
  EXPECT_FALSE(IsStaging());
  EXPECT_EQ(WantedOf(2), 0u);
}

TEST_F(NodeGoesOn, ASnapshotThatTheLogHasOvertakenIsNotReceivedAnyMore) {
  MakeWithStaged();
  AppendEntriesRequest append;
  append.leader_commit = Index(8);
  for (std::uint64_t index = 1; index <= 8; ++index) {
    append.entries.push_back(
        Entry{.index = Index(index), .term = Term(1), .type = EntryType::kNoop, .payload = {}});
  }
  Receive(2, 1, append);
  FinishDisk();
  ASSERT_EQ(node_->applied_index(), Index(8));
  EXPECT_EQ(node_->Status().receiving_index, Index(0));
  Receive(2, 1, ChunkOf(7, 5, true));
  EXPECT_FALSE(IsStaging());
}

TEST_F(NodeGoesOn, TheNextLeaderGoesOnWhereTheLastOneEnded) {
  Make(3);
  Receive(2, 1, ChunkOf(7, 0, false));
  FinishDisk();
  FinishStaging();
  EXPECT_EQ(WantedOf(2), 5u);
  Receive(3, 2, ChunkOf(7, 0, false));
  FinishDisk();
  EXPECT_FALSE(IsStaging());
  EXPECT_EQ(WantedOf(3), 5u);
  Receive(3, 2, ChunkOf(7, 5, true));
  FinishStaging();
  FinishDisk();
  EXPECT_EQ(node_->raft().snapshot()->index, Index(7));
}

// A leader that was restarted knows nothing of the offset; one answer tells it.
TEST_F(NodeStreams, ALeaderGoesOnAtTheOffsetThatTheFollowerWants) {
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  WantsOffset(4000);
  EXPECT_EQ(Take<ReadSnapshot>().offset, 4000u);
}

// --- How fast ---

TEST_F(NodeStreams, TheNextChunkWaitsUntilTheLastOneHasHadItsTime) {
  options_.snapshot_bytes_per_second = 100;  // and chunks are of 10 bytes
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  const Instant sent = clock_.now;
  WantsOffset(10);
  EXPECT_TRUE(disk_.jobs.empty()) << "a tenth of a second is not over";
  EXPECT_LE(node_->NextDeadline(), sent + milliseconds(100));
  clock_.now = sent + milliseconds(99);
  node_->OnDeadline();
  EXPECT_TRUE(disk_.jobs.empty());
  clock_.now = sent + milliseconds(100);
  node_->OnDeadline();
  EXPECT_EQ(Take<ReadSnapshot>().offset, 10u);
}

TEST_F(NodeStreams, AChunkThatIsSentAgainHasItsTimeAgain) {
  options_.snapshot_bytes_per_second = 100;
  options_.snapshot_retry = milliseconds(30);
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  const Instant sent = clock_.now;
  clock_.now = sent + milliseconds(30);
  node_->OnDeadline();
  EXPECT_TRUE(disk_.jobs.empty()) << "not even what was lost goes faster";
  clock_.now = sent + milliseconds(100);
  node_->OnDeadline();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  WantsOffset(10);
  EXPECT_TRUE(disk_.jobs.empty());
  clock_.now = sent + milliseconds(200);
  node_->OnDeadline();
  EXPECT_EQ(Take<ReadSnapshot>().offset, 10u);
}

TEST_F(NodeStreams, AStreamThatStartsAgainIsNoFaster) {
  options_.snapshot_bytes_per_second = 100;
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  const Instant sent = clock_.now;
  WantsOffset(10);
  clock_.now = sent + milliseconds(100);
  node_->OnDeadline();
  const auto read = Take<ReadSnapshot>();
  AnswerRead(read, absl::OkStatus());
  // Its answer is on the way when the follower turns out to want what is not there.
  WantsOffset(999);
  EXPECT_TRUE(disk_.jobs.empty());
  clock_.now = sent + milliseconds(200);
  node_->OnDeadline();
  AnswerRead(Take<ReadSnapshot>(), absl::OutOfRangeError("the stream has 50 bytes"));
  EXPECT_EQ(Take<ReadSnapshot>().offset, 0u) << "nothing was sent, so nothing is waited for";
}

TEST_F(NodeStreams, WithoutALimitTheNextChunkIsReadAtOnce) {
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  WantsOffset(10);
  EXPECT_EQ(Take<ReadSnapshot>().offset, 10u);
}

TEST_F(NodeStreams, HeartbeatsGoOnWhileAChunkHasItsTime) {
  options_.snapshot_bytes_per_second = 1;
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  WantsOffset(10);
  const std::size_t before = SentCount<AppendEntriesRequest>(3);
  for (int i = 0; i < 5; ++i) {
    clock_.now = node_->NextDeadline();
    node_->OnDeadline();
    AcknowledgeAll(2);
  }
  EXPECT_GE(SentCount<AppendEntriesRequest>(3), before + 3);
  EXPECT_EQ(SentCount<InstallSnapshotRequest>(3), 1u);
}

// --- Damage on the way ---

// Else it would have to begin anew with the next one, just as it gets what came in meanwhile.
TEST_F(NodeStreams, NoOtherSnapshotIsTakenBeforeTheFollowerHasWhatCameInMeanwhile) {
  options_.snapshot_log_bytes = 1000;
  options_.log_kept_bytes = 0;
  for (const bool silent : {false, true}) {
    disk_.jobs.clear();
    stream_.clear();
    LeadWithLaggard();
    const auto put = [this](std::uint64_t request) {
      Put(request, "k", std::string(400, 'x'));
      node_->Flush();
      FinishDisk();
      AcknowledgeAll(2);
    };
    for (std::uint64_t i = 1; i <= 4; ++i) put(i);
    const auto is_taken = [this] {
      return std::ranges::any_of(disk_.jobs, [](const DiskJob& job) {
        return std::holds_alternative<StageSnapshot>(job);
      });
    };
    EXPECT_FALSE(is_taken()) << "one is being sent";
    InstallSnapshotResponse installed;
    installed.snapshot_index = Index(5);
    installed.snapshot_term = Term(1);
    installed.installed = true;
    installed.match_index = Index(5);
    Receive(3, 2, installed);
    EXPECT_FALSE(is_taken());
    if (silent) {
      clock_.now += options_.raft.election_timeout_max + milliseconds(1);
      put(5);
    } else {
      AcknowledgeAll(3);
    }
    EXPECT_TRUE(is_taken());
    clients_.replies.clear();
    network_.sent.clear();
    recovered_ = RecoveredState();
  }
}

TEST_F(NodeStreams, EveryChunkCarriesItsChecksum) {
  LeadWithLaggard();
  AnswerRead(Take<ReadSnapshot>(), absl::OkStatus());
  const auto& chunk = std::get<InstallSnapshotRequest>(network_.sent.back().body);
  EXPECT_EQ(chunk.data.view(), "0123456789");
  EXPECT_TRUE(IsWhole(chunk));
}

using Spoil = void (*)(InstallSnapshotRequest&);

TEST_F(NodeReceives, ADamagedChunkIsNeitherStagedNorAnswered) {
  Make(3);
  for (const Spoil spoil :
       {Spoil([](InstallSnapshotRequest& chunk) { chunk.data = Bytes("statf"); }),
        Spoil([](InstallSnapshotRequest& chunk) { chunk.data = Bytes("stat"); }),
        Spoil([](InstallSnapshotRequest& chunk) { chunk.offset = 1; }),
        Spoil([](InstallSnapshotRequest& chunk) { chunk.last = false; }),
        Spoil([](InstallSnapshotRequest& chunk) { chunk.meta.index = Index(8); }),
        Spoil([](InstallSnapshotRequest& chunk) { chunk.meta.term = Term(2); }),
        Spoil([](InstallSnapshotRequest& chunk) { chunk.meta.configuration = VotersOf(1); }),
        Spoil([](InstallSnapshotRequest& chunk) { chunk.meta.configuration_index = Index(1); }),
        Spoil([](InstallSnapshotRequest& chunk) { chunk.checksum ^= 1; })}) {
    InstallSnapshotRequest chunk = ChunkOf(7);
    spoil(chunk);
    Receive(2, 1, chunk);
    EXPECT_FALSE(IsStaging());
    EXPECT_EQ(SentCount<InstallSnapshotResponse>(2), 0u);
    EXPECT_EQ(node_->raft().term(), Term(0)) << "nothing in it was believed";
  }
  ReceiveChunk(7);
  EXPECT_TRUE(IsStaging()) << "the same chunk, sent again";
}

// A leader would take "installed" for the whole snapshot.
TEST_F(NodeReceives, ADamagedIndexDoesNotMakeASnapshotLookOld) {
  recovered_.snapshot = ChunkOf(5).meta;
  recovered_.hard_state.term = Term(1);
  recovered_.base_index = Index(5);
  recovered_.base_term = Term(1);
  Make(3);
  InstallSnapshotRequest chunk = ChunkOf(7);
  chunk.meta.index = Index(3);
  Receive(2, 1, chunk);
  EXPECT_EQ(SentCount<InstallSnapshotResponse>(2), 0u);
  Receive(2, 1, ChunkOf(3));
  EXPECT_EQ(SentCount<InstallSnapshotResponse>(2), 1u) << "that one is old indeed";
  EXPECT_FALSE(IsStaging());
}

}  // namespace
}  // namespace grassdb
