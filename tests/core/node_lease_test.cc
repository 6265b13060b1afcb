// Reads under the leader's lease, as the node serves them. The lease itself: raft_lease_test.cc.
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

class NodeLease : public NodeTest {
 protected:
  // A leader whose lease began now, with k = v.
  void LeadWithValue() {
    LeadThree();
    Put(1, "k", "v");
    node_->Flush();
    FinishDisk();
    AcknowledgeAll(2);
    ASSERT_EQ(CodeOf(1), ReplyCode::kOk);
    ASSERT_TRUE(node_->raft().HoldsLease(clock_.now));
    network_.sent.clear();
  }
  bool Answered(std::uint64_t request) { return clients_.replies.contains(RequestId(request)); }
};

TEST_F(NodeLease, AReadUnderTheLeaseIsAnsweredAtOnce) {
  LeadWithValue();
  Get(2, "k", ReadMode::kLease);
  ASSERT_TRUE(Answered(2)) << "without a message, and before any flush";
  EXPECT_EQ(clients_.replies[RequestId(2)].value, "v");
  node_->Flush();
  EXPECT_TRUE(network_.sent.empty());
}

TEST_F(NodeLease, AReadAfterTheLeaseHasRunOutWaitsForARound) {
  LeadWithValue();
  clock_.now += milliseconds(270);
  Get(2, "k", ReadMode::kLease);
  node_->Flush();
  EXPECT_FALSE(Answered(2));
  EXPECT_EQ(SentCount<AppendEntriesRequest>(2), 1u);
  AcknowledgeAll(2);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
}

TEST_F(NodeLease, ALeaseThatRunsOutDuringTheReadDoesNotCount) {
  LeadWithValue();
  // The process stands still between the first look at the clock and the second.
  clock_.JumpAfter(1, milliseconds(300));
  Get(2, "k", ReadMode::kLease);
  node_->Flush();
  EXPECT_FALSE(Answered(2));
  AcknowledgeAll(2);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
}

TEST_F(NodeLease, ALeaseThatIsAskedForMustBeTheOneTheReadWantsALinearizableReadTakesARound) {
  LeadWithValue();
  Get(2, "k");
  node_->Flush();
  EXPECT_FALSE(Answered(2));
  EXPECT_EQ(SentCount<AppendEntriesRequest>(2), 1u);
}

TEST_F(NodeLease, AReadIsNotServedWhileWhatIsCommittedIsNotApplied) {
  LeadWithValue();
  Put(2, "k", "w");
  node_->Flush();
  // n2 and n3 have it durably and so it is committed; here it is still at the disk.
  AcknowledgeAll(2);
  AcknowledgeAll(3);
  ASSERT_GT(node_->raft().commit_index(), node_->applied_index());
  Get(3, "k", ReadMode::kLease);
  node_->Flush();
  EXPECT_FALSE(Answered(3));
  FinishDisk();
  AcknowledgeAll(2);
  ASSERT_TRUE(Answered(3));
  EXPECT_EQ(clients_.replies[RequestId(3)].value, "w");
}

TEST_F(NodeLease, AFollowerAsksTheLeader) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  FinishDisk();
  network_.sent.clear();
  Get(1, "k", ReadMode::kLease);
  node_->Flush();
  EXPECT_FALSE(Answered(1));
  EXPECT_EQ(SentCount<ReadIndexRequest>(2), 1u);
}

TEST_F(NodeLease, ALeaderThatHandsOverReadsWithARound) {
  LeadWithValue();
  node_->OnClient(RequestId(2), TransferLeadershipRequest{.target = IdOfNode(2)});
  ASSERT_EQ(SentCount<TimeoutNow>(2), 1u);
  Get(3, "k", ReadMode::kLease);
  node_->Flush();
  EXPECT_FALSE(Answered(3));
}

// --- Limits ---

TEST_F(NodeLease, RefusesWritesThatComeInAtOnceBeyondTheBytesThatMayWait) {
  options_.raft.unapplied_bytes_max = 1000;
  Make(1);
  Lead();
  Put(1, "k", std::string(600, 'x'));
  Put(2, "k", std::string(600, 'x'));  // what is there already counts, not what comes
  Put(3, "k", "y");
  EXPECT_EQ(CodeOf(3), ReplyCode::kOverloaded);
  EXPECT_FALSE(Answered(1));
  node_->Flush();
  Put(4, "k", "y");
  node_->Flush();
  EXPECT_EQ(CodeOf(4), ReplyCode::kOverloaded) << "now they wait for the disk";
  FinishDisk();
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
  Put(5, "k", "y");
  node_->Flush();
  FinishDisk();
  EXPECT_EQ(CodeOf(5), ReplyCode::kOk);
}

TEST_F(NodeLease, ReadsCountAmongTheRequestsThatMayWait) {
  options_.waiting_requests_max = 2;
  LeadThree();
  Get(1, "k");
  Put(2, "k", "v");
  Get(3, "k");
  EXPECT_EQ(CodeOf(3), ReplyCode::kOverloaded);
  node_->Flush();
  FinishDisk();
  AcknowledgeAll(2);
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
  Get(4, "k", ReadMode::kStale);
  EXPECT_EQ(CodeOf(4), ReplyCode::kOk);
}

}  // namespace
}  // namespace grassdb
