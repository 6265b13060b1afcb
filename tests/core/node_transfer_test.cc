// What a node answers to who asks it to hand its leadership over.
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

using std::chrono::milliseconds;

class NodeTransfer : public NodeTest {
 protected:
  void Transfer(std::uint64_t request, NodeId target) {
    node_->OnClient(RequestId(request), TransferLeadershipRequest{.target = target});
    node_->Flush();
  }
  bool Answered(std::uint64_t request) { return clients_.replies.contains(RequestId(request)); }
  // `candidate` campaigns in term 2 and this node votes for it, so that nobody leads.
  void VoteFor(int candidate) {
    RequestVoteRequest ask;
    ask.reason = CampaignReason::kTransfer;
    ask.last_log_index = node_->raft().log().last_index();
    ask.last_log_term = Term(1);
    ask.campaign_term = Term(2);
    Receive(candidate, 2, ask);
    FinishDisk();
    ASSERT_EQ(node_->raft().leader(), NodeId());
  }
  // Lets time pass in small steps.
  void Wait(Duration time) {
    for (const Instant end = clock_.now + time; clock_.now < end;) {
      clock_.now = std::min(end, clock_.now + milliseconds(50));
      node_->OnDeadline();
      node_->Flush();
    }
  }
};

TEST_F(NodeTransfer, SucceedsWhenTheTargetIsSeenToLead) {
  LeadThree();
  Transfer(1, IdOfNode(2));
  EXPECT_EQ(SentCount<TimeoutNow>(2), 1u);
  EXPECT_FALSE(Answered(1));
  VoteFor(2);
  EXPECT_FALSE(Answered(1)) << "it does not lead any more, but nobody does yet";
  Receive(2, 2, AppendEntriesRequest{});
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
  EXPECT_EQ(clients_.replies[RequestId(1)].leader_name, "n2");
}

TEST_F(NodeTransfer, IsRefusedWhenAnotherNodeGotTheLeadership) {
  LeadThree();
  Transfer(1, IdOfNode(2));
  Receive(3, 2, AppendEntriesRequest{});
  EXPECT_EQ(CodeOf(1), ReplyCode::kRefused);
  EXPECT_NE(clients_.replies[RequestId(1)].error.find("n3"), std::string::npos);
}

TEST_F(NodeTransfer, IsUnknownWhenNobodyIsKnownToLeadInTime) {
  LeadThree();
  Transfer(1, IdOfNode(2));
  const Instant asked = clock_.now;
  VoteFor(2);
  const Duration patience = 3 * options_.raft.election_timeout_max;
  EXPECT_LE(node_->NextDeadline(), asked + patience);
  Wait(asked + patience - milliseconds(50) - clock_.now);
  EXPECT_FALSE(Answered(1));
  Wait(milliseconds(50));
  EXPECT_EQ(CodeOf(1), ReplyCode::kOutcomeUnknown);
}

TEST_F(NodeTransfer, IsRefusedWhenItIsGivenUp) {
  LeadThree();
  Transfer(1, IdOfNode(3));  // which has answered nothing
  EXPECT_EQ(SentCount<TimeoutNow>(3), 0u);
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(Answered(1));
    AcknowledgeAll(2);
    Wait(milliseconds(50));
  }
  EXPECT_EQ(node_->raft().role(), Role::kLeader);
  EXPECT_EQ(CodeOf(1), ReplyCode::kRefused) << "a client does not repeat it by itself";
}

TEST_F(NodeTransfer, IsRefusedAtOnceWhenTheTargetIsSilent) {
  LeadThree();
  clock_.now += milliseconds(301);
  Transfer(1, IdOfNode(3));
  EXPECT_EQ(CodeOf(1), ReplyCode::kRefused);
  EXPECT_EQ(node_->raft().transfer_target(), NodeId());
}

TEST_F(NodeTransfer, IsRefusedAtOnceWhenNoFollowerIsInReach) {
  LeadThree();
  clock_.now += milliseconds(301);
  Transfer(1, NodeId(0));
  EXPECT_EQ(CodeOf(1), ReplyCode::kUnavailable);
  EXPECT_EQ(node_->raft().transfer_target(), NodeId());
  Put(2, "k", "v");
  node_->Flush();
  FinishDisk();
  AcknowledgeAll(2);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk) << "it goes on to lead";
}

TEST_F(NodeTransfer, ASecondOneToAnotherNodeIsRefusedAndOneToTheSameWaitsWithTheFirst) {
  LeadThree();
  Transfer(1, IdOfNode(2));
  Transfer(2, IdOfNode(3));
  EXPECT_EQ(CodeOf(2), ReplyCode::kUnavailable);
  EXPECT_NE(clients_.replies[RequestId(2)].error.find("another node"), std::string::npos);
  Transfer(3, IdOfNode(2));
  Transfer(4, NodeId(0));  // whoever it is
  EXPECT_EQ(SentCount<TimeoutNow>(2), 1u);
  Receive(2, 2, AppendEntriesRequest{});
  for (const std::uint64_t request : {1u, 3u, 4u}) EXPECT_EQ(CodeOf(request), ReplyCode::kOk);
}

TEST_F(NodeTransfer, ToItselfHasHappenedAndToAStrangerCannot) {
  LeadThree();
  Transfer(1, IdOfNode(1));
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
  Transfer(2, IdOfNode(9));
  EXPECT_EQ(CodeOf(2), ReplyCode::kInvalid);
  EXPECT_EQ(node_->raft().transfer_target(), NodeId());
}

TEST_F(NodeTransfer, OnlyALeaderHandsOver) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  Transfer(1, IdOfNode(3));
  EXPECT_EQ(CodeOf(1), ReplyCode::kNotLeader);
}

TEST_F(NodeTransfer, WritesMeanwhileAreHeldAndSentOnToTheNextLeader) {
  LeadThree();
  Transfer(1, IdOfNode(2));
  const Index last = node_->raft().log().last_index();
  Put(2, "k", "v");
  node_->Flush();
  EXPECT_FALSE(clients_.replies.contains(RequestId(2)));
  EXPECT_EQ(node_->raft().log().last_index(), last) << "the target would have to catch up again";
  node_->BeginShutdown();
  // First the target's request for the vote: nobody is known to lead then.
  RequestVoteRequest ask;
  ask.ballot = Ballot::kVote;
  ask.reason = CampaignReason::kTransfer;
  ask.last_log_index = last;
  ask.last_log_term = Term(1);
  ask.campaign_term = Term(2);
  Receive(2, 2, ask);
  ASSERT_EQ(node_->raft().leader(), NodeId());
  EXPECT_FALSE(clients_.replies.contains(RequestId(2)));
  node_->OnMessage(Message{
      .from = IdOfNode(2), .to = IdOfNode(1), .term = Term(2), .body = AppendEntriesRequest{}});
  EXPECT_FALSE(node_->ReadyToStop()) << "somebody waits for an answer";
  node_->Flush();
  EXPECT_EQ(CodeOf(2), ReplyCode::kNotLeader);
  EXPECT_EQ(clients_.replies[RequestId(2)].leader, IdOfNode(2));
  EXPECT_TRUE(node_->ReadyToStop());
}

TEST_F(NodeTransfer, WritesMeanwhileAreAppendedWhenItIsGivenUp) {
  LeadThree();
  Transfer(1, IdOfNode(2));
  const Index last = node_->raft().log().last_index();
  Put(2, "k", "v");
  Get(3, "k");
  node_->Flush();
  ASSERT_EQ(node_->raft().log().last_index(), last);
  // Not before the round is overdue is n3 asked as well.
  clock_.now = node_->NextDeadline();
  node_->OnDeadline();
  AcknowledgeAll(3);
  EXPECT_EQ(CodeOf(3), ReplyCode::kOk) << "reads go on";
  clock_.now += options_.raft.election_timeout_max;
  AcknowledgeAll(2);
  AcknowledgeAll(3);
  node_->OnDeadline();
  ASSERT_EQ(node_->raft().transfer_target(), NodeId());
  node_->Flush();
  EXPECT_EQ(node_->raft().log().last_index(), last + 1);
  FinishDisk();
  AcknowledgeAll(2);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
}

}  // namespace
}  // namespace grassdb
