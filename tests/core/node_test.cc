// The driver around Raft: grouping, answering, snapshots, failure. The protocol itself is tested in
// raft_*_test.cc and in the simulator.
#include "core/node.h"

#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

TEST_F(NodeTest, AnswersAWriteWhenItIsDurableAndApplied) {
  Make(1);
  Lead();
  Put(1, "k", "v");
  node_->Flush();
  EXPECT_TRUE(clients_.replies.empty());
  FinishOne();
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
  Get(2, "k");
  node_->Flush();
  EXPECT_EQ(clients_.replies[RequestId(2)].value, "v");
}

TEST_F(NodeTest, WhatQueuesDuringOneWriteIsTheNextWrite) {
  Make(1);
  Lead();
  Put(1, "a", "1");
  node_->Flush();
  for (std::uint64_t i = 2; i <= 50; ++i) {
    Put(i, "a", "1");
    node_->Flush();
  }
  ASSERT_EQ(disk_.jobs.size(), 1u);
  EXPECT_EQ(FinishOne().entries.size(), 1u);
  ASSERT_EQ(disk_.jobs.size(), 1u);
  EXPECT_EQ(FinishOne().entries.size(), 49u);
  EXPECT_EQ(clients_.replies.size(), 50u);
}

TEST_F(NodeTest, QueuedEntriesThatAreReplacedAreNotWritten) {
  Make(3);
  AppendEntriesRequest append;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    append.entries.push_back(
        Entry{.index = Index(i), .term = Term(1), .type = EntryType::kNoop, .payload = {}});
  }
  Receive(2, 1, append);  // at the disk
  append.prev_log_index = Index(3);
  append.prev_log_term = Term(1);
  for (std::uint64_t i = 0; i < 3; ++i) append.entries[i].index = Index(4 + i);
  Receive(2, 1, append);  // queued: 4 5 6
  append.prev_log_index = Index(4);
  append.entries.resize(1);
  append.entries[0].index = Index(5);
  append.entries[0].term = Term(2);
  Receive(3, 2, append);  // replaces 5 and cuts 6
  FinishOne();
  const Persist second = FinishOne();
  ASSERT_EQ(second.entries.size(), 2u);
  EXPECT_EQ(second.entries[0].term, Term(1));
  EXPECT_EQ(second.entries[1].index, Index(5));
  EXPECT_EQ(second.entries[1].term, Term(2));
  EXPECT_EQ(second.hard_state->term, Term(2));
}

TEST_F(NodeTest, AFollowerNamesTheLeader) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  Put(1, "k", "v");
  EXPECT_EQ(CodeOf(1), ReplyCode::kNotLeader);
  const Reply& reply = clients_.replies[RequestId(1)];
  EXPECT_EQ(reply.leader_name, "n2");
  EXPECT_EQ(reply.leader_address, "127.0.0.1:7002");
  EXPECT_NE(reply.error.find("127.0.0.1:7002"), std::string::npos);
}

TEST_F(NodeTest, AWriteOfALostLeadershipHasAnUnknownOutcome) {
  Make(3);
  // Elected by hand.
  clock_.now = node_->NextDeadline();
  node_->OnDeadline();
  node_->Flush();
  Receive(
      2, 0,
      RequestVoteResponse{.ballot = Ballot::kPreVote, .campaign_term = Term(1), .granted = true});
  FinishDisk();
  Receive(2, 1,
          RequestVoteResponse{.ballot = Ballot::kVote, .campaign_term = Term(1), .granted = true});
  ASSERT_EQ(node_->raft().role(), Role::kLeader);
  FinishDisk();
  Put(1, "k", "v");
  node_->Flush();
  Receive(3, 2, AppendEntriesRequest{});
  EXPECT_EQ(CodeOf(1), ReplyCode::kOutcomeUnknown);
}

TEST_F(NodeTest, RefusesWhatBreaksALimit) {
  Make(1);
  Lead();
  Put(1, "", "v");
  EXPECT_EQ(CodeOf(1), ReplyCode::kInvalid);
  Get(2, std::string(5000, 'k'));
  EXPECT_EQ(CodeOf(2), ReplyCode::kInvalid);
  TransactionRequest request{.session = SessionId(5),
                             .sequence = Sequence(2),
                             .acknowledged = Sequence(2),
                             .transaction = PutTransaction("k", "v")};
  node_->OnClient(RequestId(3), request);
  EXPECT_EQ(CodeOf(3), ReplyCode::kInvalid);
  request.session = SessionId();
  node_->OnClient(RequestId(4), request);
  EXPECT_EQ(CodeOf(4), ReplyCode::kInvalid);
}

TEST_F(NodeTest, RefusesMoreRequestsThanMayWait) {
  options_.waiting_requests_max = 3;
  Make(1);
  Lead();
  for (std::uint64_t i = 1; i <= 4; ++i) Put(i, "k", "v");
  EXPECT_EQ(CodeOf(4), ReplyCode::kOverloaded);
  node_->Flush();
  FinishDisk();
  EXPECT_EQ(CodeOf(3), ReplyCode::kOk);
}

// Else a client, which waits where it is told that too much waits, would not go to the leader.
TEST_F(NodeTest, WhoDoesNotLeadSaysSoToAWriteWhateverWaits) {
  options_.waiting_requests_max = 1;
  Make(3);
  Get(1, "k");
  Get(2, "k");
  EXPECT_EQ(CodeOf(2), ReplyCode::kOverloaded);
  Put(3, "k", "v");
  EXPECT_EQ(CodeOf(3), ReplyCode::kNotLeader);
}

TEST_F(NodeTest, AReadThatFindsNoLeaderIsRefusedAndAStaleOneIsNot) {
  Make(3);
  Get(1, "k");
  Get(2, "k", ReadMode::kStale);
  node_->Flush();
  EXPECT_EQ(CodeOf(1), ReplyCode::kUnavailable);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
}

TEST_F(NodeTest, AReadWhoseAnswerIsLostExpires) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  FinishDisk();
  Get(1, "k");
  node_->Flush();
  EXPECT_TRUE(clients_.replies.empty());
  clock_.now += options_.read_patience;
  EXPECT_LE(node_->NextDeadline(), clock_.now);
  node_->OnDeadline();
  EXPECT_EQ(CodeOf(1), ReplyCode::kUnavailable);
}

TEST_F(NodeTest, AReadIsRefusedAsSoonAsTheLeaderThatWasAskedIsLost) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  FinishDisk();
  Get(1, "k");
  node_->Flush();
  Get(2, "k");  // not asked of anybody yet
  Receive(3, 2, AppendEntriesRequest{});
  EXPECT_EQ(CodeOf(1), ReplyCode::kUnavailable);
  EXPECT_FALSE(clients_.replies.contains(RequestId(2)));
  node_->Flush();
  FinishDisk();
  EXPECT_TRUE(std::holds_alternative<ReadIndexRequest>(network_.sent.back().body));
  EXPECT_EQ(network_.sent.back().to, IdOfNode(3));
}

TEST_F(NodeTest, AnAnswerToAReadOfAnEarlierLifeConfirmsNothing) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  FinishDisk();
  Get(1, "k");
  node_->Flush();
  const Message asked = network_.sent.back();
  const ReadId id = std::get<ReadIndexRequest>(asked.body).read;
  options_.raft.seed = 99;  // the next life
  recovered_.hard_state.term = Term(1);
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  Get(2, "k");
  node_->Flush();
  Receive(2, 1, ReadIndexResponse{.read = id, .confirmed = true, .index = Index(0)});
  EXPECT_FALSE(clients_.replies.contains(RequestId(2)));
}

TEST_F(NodeTest, AFailedWriteStopsTheNodeForGood) {
  Make(1);
  Lead();
  Put(1, "k", "v");
  node_->Flush();
  const PersistId id = std::get<Persist>(disk_.jobs.front()).id;
  node_->OnDisk(PersistDone{.id = id, .status = absl::DataLossError("the disk is gone")});
  EXPECT_TRUE(node_->failed());
  EXPECT_EQ(node_->failure().message(), "the disk is gone");
  EXPECT_TRUE(clients_.replies.empty());
  EXPECT_EQ(node_->NextDeadline(), Instant::max());
}

TEST_F(NodeTest, TakesASnapshotInSlicesAndReleasesTheLog) {
  options_.snapshot_chunk_bytes = 64;
  options_.log_kept_bytes = 0;
  Make(1);
  Lead();
  for (std::uint64_t i = 1; i <= 20; ++i) Put(i, "key" + std::to_string(i), "value");
  node_->Flush();
  FinishDisk();
  node_->OnClient(RequestId(100), TakeSnapshotRequest{});
  node_->Flush();
  int slices = 0;
  while (!disk_.jobs.empty() && std::holds_alternative<StageSnapshot>(disk_.jobs.front())) {
    const auto stage = std::get<StageSnapshot>(disk_.jobs.front());
    disk_.jobs.pop_front();
    ++slices;
    node_->OnDisk(StageDone{.source = stage.source,
                            .index = stage.meta.index,
                            .next_offset = stage.offset + stage.data.size(),
                            .last = stage.last,
                            .status = absl::OkStatus()});
    node_->Flush();
  }
  EXPECT_GT(slices, 5);
  ASSERT_EQ(disk_.jobs.size(), 1u);
  const auto publish = std::get<PublishSnapshot>(disk_.jobs.front());
  EXPECT_FALSE(clients_.replies.contains(RequestId(100)));
  node_->OnDisk(PublishDone{.meta = publish.meta, .status = absl::OkStatus()});
  EXPECT_EQ(CodeOf(100), ReplyCode::kOk);
  EXPECT_EQ(node_->raft().log().base_index(), publish.meta.index);
  EXPECT_EQ(node_->Status().snapshot_index, publish.meta.index);
}

TEST_F(NodeTest, AShutdownRefusesNewRequestsAndALoneNodeMayStopAtOnce) {
  Make(1);
  Lead();
  EXPECT_FALSE(node_->ReadyToStop());
  node_->BeginShutdown();
  EXPECT_TRUE(node_->ReadyToStop());
  Put(1, "k", "v");
  EXPECT_EQ(CodeOf(1), ReplyCode::kUnavailable);
}

TEST_F(NodeTest, ClosesASessionForWhoNeedsItNoLonger) {
  Make(1);
  Lead();
  node_->OnClient(RequestId(1), OpenSessionRequest{});
  node_->Flush();
  FinishDisk();
  ASSERT_EQ(CodeOf(1), ReplyCode::kOk);
  ASSERT_EQ(node_->store().sessions(), 1u);
  node_->OnClient(RequestId(2),
                  CloseSessionRequest{clients_.replies[RequestId(1)].command.session});
  node_->Flush();
  FinishDisk();
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
  EXPECT_EQ(node_->store().sessions(), 0u);
  node_->OnClient(RequestId(3), CloseSessionRequest{});
  EXPECT_EQ(CodeOf(3), ReplyCode::kInvalid);
}

}  // namespace
}  // namespace grassdb
