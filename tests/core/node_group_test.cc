// How a node groups what clients ask: one append to each follower and one write, without a timer.
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

class NodeGroup : public NodeTest {
 protected:
  // One write is at the disk, and on its way to n2, when the test begins.
  void Begin() {
    LeadThree();
    Put(1, "a", "1");
    node_->Flush();
    first_ = node_->raft().log().last_index();
    network_.sent.clear();
  }
  void PutAndFlush(std::uint64_t request) {
    Put(request, "a", "1");
    node_->Flush();
  }
  Index last() const { return node_->raft().log().last_index(); }
  std::vector<std::size_t> EntriesSentTo(int follower) const {
    std::vector<std::size_t> counts;
    for (const Message& message : network_.sent) {
      const auto* append = std::get_if<AppendEntriesRequest>(&message.body);
      if (append == nullptr || message.to != IdOfNode(follower)) continue;
      counts.push_back(append->entries.size());
    }
    return counts;
  }

  Index first_;
};

TEST_F(NodeGroup, WhatComesWhileAWriteIsAtTheDiskIsOneAppendWhenItIsDone) {
  Begin();
  for (std::uint64_t i = 2; i <= 9; ++i) PutAndFlush(i);
  EXPECT_EQ(EntriesSentTo(2), std::vector<std::size_t>());
  EXPECT_EQ(node_->requests_waiting(), 9u);
  EXPECT_GT(node_->NextDeadline(), clock_.now) << "nothing but the write is waited for";
  FinishOne();
  EXPECT_EQ(EntriesSentTo(2), std::vector<std::size_t>{8});
  EXPECT_EQ(FinishOne().entries.size(), 8u);
}

TEST_F(NodeGroup, AVoterThatHasNothingToDoIsSentWhatHasGathered) {
  Begin();
  PutAndFlush(2);
  PutAndFlush(3);
  ASSERT_EQ(last(), first_);
  AcknowledgeAll(2);
  EXPECT_EQ(EntriesSentTo(2), std::vector<std::size_t>{2});
  EXPECT_EQ(disk_.jobs.size(), 1u) << "the first write is still under way";
}

TEST_F(NodeGroup, WhoIsNotSentEntriesAtOnceDoesNotEndTheGathering) {
  options_.raft.append_delay = std::chrono::milliseconds(10);
  Begin();
  AcknowledgeAll(3);
  network_.sent.clear();
  PutAndFlush(2);
  PutAndFlush(3);
  EXPECT_EQ(last(), first_) << "n2 has work, n3 has none and may wait";
  FinishOne();
  EXPECT_EQ(EntriesSentTo(2), std::vector<std::size_t>{2});
  EXPECT_EQ(EntriesSentTo(3), std::vector<std::size_t>());
}

TEST_F(NodeGroup, ALoneWriteIsSentAtOnce) {
  LeadThree();
  network_.sent.clear();
  PutAndFlush(1);
  EXPECT_EQ(EntriesSentTo(2), std::vector<std::size_t>{1});
}

TEST_F(NodeGroup, AGroupThatIsLargeIsNotKept) {
  Begin();
  Put(2, "a", std::string(std::size_t{255} << 10, 'v'));
  node_->Flush();
  EXPECT_EQ(last(), first_);
  Put(3, "a", std::string(2048, 'v'));
  node_->Flush();
  EXPECT_EQ(last(), first_ + 2);
}

TEST_F(NodeGroup, ReadsDoNotGather) {
  Begin();
  Put(2, "a", "1");
  Get(3, "a");
  node_->Flush();
  EXPECT_EQ(EntriesSentTo(2), std::vector<std::size_t>{0}) << "a round of its own";
}

TEST_F(NodeGroup, TheNextWriteBeginsBeforeTheAnswersOfTheLastOne) {
  Begin();
  PutAndFlush(2);
  AcknowledgeAll(2);
  PutAndFlush(3);
  std::size_t at_the_disk = 0;
  clients_.on_answer = [&] { at_the_disk = disk_.jobs.size(); };
  FinishOne();
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
  EXPECT_EQ(at_the_disk, 1u);
}

TEST_F(NodeGroup, WhatHasGatheredIsRefusedWhenTheLeadershipIsLost) {
  Begin();
  PutAndFlush(2);
  Receive(3, 2, AppendEntriesRequest{});
  EXPECT_EQ(CodeOf(1), ReplyCode::kOutcomeUnknown);
  EXPECT_EQ(CodeOf(2), ReplyCode::kNotLeader) << "it is in nobody's log";
  EXPECT_EQ(clients_.replies[RequestId(2)].leader, IdOfNode(3));
}

TEST_F(NodeGroup, WhatHasGatheredIsAppendedBeforeAShutdownHandsOver) {
  Begin();
  PutAndFlush(2);
  node_->BeginShutdown();
  EXPECT_EQ(last(), first_ + 1);
}

TEST_F(NodeGroup, WhatGathersOnALoneNodeIsItsNextWrite) {
  Make(1);
  Lead();
  for (std::uint64_t i = 1; i <= 5; ++i) PutAndFlush(i);
  EXPECT_EQ(FinishOne().entries.size(), 1u);
  EXPECT_EQ(FinishOne().entries.size(), 4u);
  for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(CodeOf(i), ReplyCode::kOk);
}

}  // namespace
}  // namespace grassdb
