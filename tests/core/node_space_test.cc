// A node whose disk is full: what it refuses and holds back, what goes on, and how it comes back.
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

class NodeSpaceTest : public NodeTest {
 protected:
  // As the next completion of the disk would.
  void Report(DiskSpace space) {
    space_ = {.space = space, .problem = space == DiskSpace::kAmple ? "" : "/data/f: no space"};
    Finish(RestockDone{.status = absl::OkStatus(), .space = space_});
  }
  // Log writes only.
  void FinishWrites() {
    while (std::ranges::any_of(disk_.jobs, IsPersist)) {
      const auto persist = Take<Persist>();
      Finish(PersistDone{.id = persist.id, .status = absl::OkStatus(), .space = space_});
    }
  }
  void Delete(std::uint64_t request) {
    node_->OnClient(RequestId(request), TransactionRequest{.session = {},
                                                           .sequence = {},
                                                           .acknowledged = {},
                                                           .transaction = DeleteTransaction("k")});
    node_->Flush();
  }
  Entry CommandEntry(std::uint64_t index, Transaction transaction) {
    Command command;
    command.transaction = std::move(transaction);
    return {.index = Index(index),
            .term = Term(1),
            .type = EntryType::kCommand,
            .payload = EncodeCommand(command)};
  }
  void LookForSpace() {
    clock_.now += options_.space_retry_max;
    node_->OnDeadline();
    node_->Flush();
  }
  template <class Job>
  bool IsAtDisk() const {
    return std::ranges::any_of(disk_.jobs,
                               [](const auto& job) { return std::holds_alternative<Job>(job); });
  }

  SpaceReport space_;
};

TEST_F(NodeSpaceTest, AFullLeaderRefusesPutsNamingTheFileAndGoesOnWithTheRest) {
  Make(1);
  Lead();
  Report(DiskSpace::kFull);
  Put(1, "k", "v");
  EXPECT_EQ(CodeOf(1), ReplyCode::kDiskFull);
  EXPECT_NE(clients_.replies[RequestId(1)].error.find("/data/f: no space"), std::string::npos);
  Delete(2);
  FinishWrites();
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
  node_->OnClient(RequestId(3), OpenSessionRequest{});
  node_->Flush();
  FinishWrites();
  EXPECT_EQ(CodeOf(3), ReplyCode::kOk) << "a client that deletes may need one";
  Get(4, "k");
  node_->Flush();
  EXPECT_EQ(CodeOf(4), ReplyCode::kOk);
  EXPECT_EQ(node_->Status().space.space, DiskSpace::kFull);
}

TEST_F(NodeSpaceTest, APutInTheOtherBranchAddsDataToo) {
  Make(1);
  Lead();
  Report(DiskSpace::kFull);
  Transaction transaction = DeleteTransaction("k");
  transaction.failure = PutTransaction("k", "v").success;
  node_->OnClient(
      RequestId(1),
      TransactionRequest{
          .session = {}, .sequence = {}, .acknowledged = {}, .transaction = transaction});
  EXPECT_EQ(CodeOf(1), ReplyCode::kDiskFull);
}

TEST_F(NodeSpaceTest, WithTheReserveSpentDeletesAreRefusedToo) {
  Make(1);
  Lead();
  Report(DiskSpace::kSpent);
  Delete(1);
  EXPECT_EQ(CodeOf(1), ReplyCode::kDiskFull);
  Get(2, "k");
  node_->Flush();
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
}

TEST_F(NodeSpaceTest, AFullFollowerTakesEntriesUpToTheFirstThatAddsData) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  FinishWrites();
  Report(DiskSpace::kFull);
  AppendEntriesRequest append;
  append.entries = {CommandEntry(1, DeleteTransaction("a")),
                    CommandEntry(2, PutTransaction("b", "1")),
                    CommandEntry(3, DeleteTransaction("c"))};
  append.leader_commit = Index(3);
  Receive(2, 1, append);
  FinishWrites();
  EXPECT_EQ(node_->raft().log().last_index(), Index(1));
  EXPECT_EQ(node_->raft().commit_index(), Index(1));
  const auto& answer = std::get<AppendEntriesResponse>(network_.sent.back().body);
  EXPECT_EQ(answer.match_index, Index(1)) << "what it has not got is not acknowledged";
  EXPECT_TRUE(answer.disk_full);
  Report(DiskSpace::kAmple);
  append.entries.erase(append.entries.begin());
  append.prev_log_index = Index(1);
  append.prev_log_term = Term(1);
  Receive(2, 1, append);
  FinishWrites();
  EXPECT_EQ(node_->raft().log().last_index(), Index(3));
  EXPECT_FALSE(std::get<AppendEntriesResponse>(network_.sent.back().body).disk_full);
}

TEST_F(NodeSpaceTest, AWriteWithoutRoomWaitsAndIsTriedAgain) {
  Make(3);
  AppendEntriesRequest append;
  append.entries = {CommandEntry(1, PutTransaction("b", "1"))};
  Receive(2, 1, append);
  Persist refused = Take<Persist>();
  network_.sent.clear();
  space_ = {.space = DiskSpace::kFull, .problem = "no space"};
  Finish(PersistDone{.id = refused.id,
                     .status = absl::ResourceExhaustedError("no space"),
                     .space = space_,
                     .refused = refused});
  EXPECT_FALSE(node_->failed());
  EXPECT_TRUE(network_.sent.empty()) << "nothing is acknowledged";
  EXPECT_FALSE(IsAtDisk<Persist>());
  EXPECT_LE(node_->NextDeadline(), clock_.now + options_.space_retry_min);
  LookForSpace();
  const auto again = Take<Persist>();
  EXPECT_EQ(again.id, refused.id);
  EXPECT_EQ(again.entries, refused.entries);
  Finish(PersistDone{.id = again.id, .status = absl::OkStatus()});
  EXPECT_EQ(SentCount<AppendEntriesResponse>(2), 1u);
}

TEST_F(NodeSpaceTest, TheLogsNextFileIsFilledBehindTheAnswer) {
  Make(1);
  Lead();
  for (std::uint64_t request = 1; request <= 2; ++request) {
    Put(request, "k", "v");
    node_->Flush();
    const auto persist = Take<Persist>();
    Finish(PersistDone{.id = persist.id, .status = absl::OkStatus(), .lags = true});
    EXPECT_EQ(CodeOf(request), ReplyCode::kOk) << "nobody waits for the filling";
  }
  EXPECT_TRUE(Take<Restock>().ahead);
  EXPECT_FALSE(IsAtDisk<Restock>()) << "one at a time";
  space_ = {.space = DiskSpace::kFull, .problem = "/data/f: no space"};
  Finish(RestockDone{.status = absl::OkStatus(), .space = space_, .ahead = true});
  EXPECT_FALSE(IsAtDisk<Restock>()) << "there is a time to look for room";
  Put(3, "k", "v");
  EXPECT_EQ(CodeOf(3), ReplyCode::kDiskFull);
}

TEST_F(NodeSpaceTest, LooksForRoomAtGrowingIntervalsAndTakesASnapshot) {
  Make(1);
  Lead();
  Put(1, "k", "v");
  node_->Flush();
  FinishWrites();
  Report(DiskSpace::kFull);
  EXPECT_FALSE(IsAtDisk<StageSnapshot>());
  LookForSpace();
  Take<Restock>();
  EXPECT_TRUE(IsAtDisk<StageSnapshot>()) << "it lets go of the log before it";
  FindNoRoomToStage(space_);
  EXPECT_FALSE(node_->failed());
  Finish(RestockDone{.status = absl::OkStatus(), .space = space_});
  EXPECT_GT(node_->NextDeadline(), clock_.now);
  LookForSpace();
  Take<Restock>();
  EXPECT_TRUE(IsAtDisk<StageSnapshot>());
  Finish(RestockDone{.status = absl::OkStatus(), .space = space_, .more = true});
  EXPECT_TRUE(IsAtDisk<Restock>()) << "the next share";
  Report(DiskSpace::kAmple);
  Put(2, "k", "v");
  node_->Flush();
  FinishWrites();
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
}

TEST_F(NodeSpaceTest, ARequestedSnapshotWithoutRoomIsRefusedByName) {
  Make(1);
  Lead();
  node_->OnClient(RequestId(1), TakeSnapshotRequest{});
  node_->Flush();
  FindNoRoomToStage();
  EXPECT_EQ(CodeOf(1), ReplyCode::kDiskFull);
}

TEST_F(NodeSpaceTest, AFullLeaderHandsOverToAFollowerWithRoomAndSaysSo) {
  LeadThree();
  Report(DiskSpace::kFull);
  EXPECT_EQ(node_->raft().transfer_target(), IdOfNode(2)) << "n3 has not said";
  Put(1, "k", "v");
  EXPECT_EQ(CodeOf(1), ReplyCode::kUnavailable) << "another node will take it";
}

// --- No quorum has room ---

class NodeWithFullFollowersTest : public NodeSpaceTest {
 protected:
  // Follower `from` has all of the log, and says of its disk what is to be said.
  void Acknowledge(int from, bool disk_full) {
    AppendEntriesResponse answer;
    answer.match_index = node_->raft().log().last_index();
    answer.prev_log_index = answer.match_index;
    answer.sent_at = clock_.now;
    answer.disk_full = disk_full;
    Receive(from, node_->raft().term().value(), answer);
  }
  AppendEntriesRequest LastAppend(int to) const {
    for (auto message = network_.sent.rbegin(); message != network_.sent.rend(); ++message) {
      const auto* append = std::get_if<AppendEntriesRequest>(&message->body);
      if (append != nullptr && message->to == IdOfNode(to)) return *append;
    }
    return {};
  }
};

TEST_F(NodeWithFullFollowersTest, PutsAreRefusedByTheirNamesAndDeletesGoOn) {
  LeadThree();
  Acknowledge(2, true);
  EXPECT_FALSE(node_->raft().LacksRoom()) << "n3 may have some";
  Acknowledge(3, true);
  Put(1, "k", "v");
  EXPECT_EQ(CodeOf(1), ReplyCode::kDiskFull);
  EXPECT_NE(clients_.replies[RequestId(1)].error.find("the disks of n2, n3 are full"),
            std::string::npos)
      << clients_.replies[RequestId(1)].error;
  Delete(2);
  FinishWrites();
  EXPECT_TRUE(LastAppend(2).vital);
  EXPECT_EQ(LastAppend(2).entries.size(), 1u);
  Acknowledge(2, true);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk);
}

TEST_F(NodeWithFullFollowersTest, OneWithRoomIsEnoughForData) {
  LeadThree();
  Acknowledge(2, true);
  Acknowledge(3, true);
  Acknowledge(3, false);
  Put(1, "k", "v");
  node_->Flush();
  FinishWrites();
  EXPECT_FALSE(LastAppend(3).vital);
  Acknowledge(3, false);
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
}

TEST_F(NodeWithFullFollowersTest, OneThatIsNotHeardHasNoRoomThatCouldBeUsed) {
  LeadThree();
  Acknowledge(2, true);
  clock_.now += options_.raft.election_timeout_max + Duration(1);
  Acknowledge(2, true);
  EXPECT_TRUE(node_->raft().LacksRoom());
}

TEST_F(NodeWithFullFollowersTest, AFollowerTakesIntoItsReserveWhatStandsInTheWay) {
  Make(3);
  Receive(2, 1, AppendEntriesRequest{});
  FinishWrites();
  Report(DiskSpace::kFull);
  AppendEntriesRequest append;
  append.entries = {CommandEntry(1, PutTransaction("b", "1")),
                    CommandEntry(2, DeleteTransaction("c"))};
  append.vital = true;
  Receive(2, 1, append);
  EXPECT_EQ(node_->raft().log().last_index(), Index(2));
  EXPECT_TRUE(std::get<Persist>(disk_.jobs.back()).vital);
  FinishWrites();
  Report(DiskSpace::kSpent);
  append.prev_log_index = Index(2);
  append.prev_log_term = Term(1);
  append.entries = {CommandEntry(3, DeleteTransaction("d"))};
  Receive(2, 1, append);
  EXPECT_EQ(node_->raft().log().last_index(), Index(2)) << "what is left is for votes";
}

TEST_F(NodeWithFullFollowersTest, AWriteThatWaitsForRoomIsTriedWithTheReserveOnce) {
  Make(3);
  AppendEntriesRequest append;
  append.entries = {CommandEntry(1, PutTransaction("b", "1"))};
  Receive(2, 1, append);
  space_ = {.space = DiskSpace::kFull, .problem = "no space"};
  const auto refuse = [&] {
    const auto persist = Take<Persist>();
    Finish(PersistDone{.id = persist.id,
                       .status = absl::ResourceExhaustedError("no space"),
                       .space = space_,
                       .refused = persist});
    return persist.vital;
  };
  EXPECT_FALSE(refuse());
  EXPECT_FALSE(IsAtDisk<Persist>());
  append.vital = true;
  Receive(2, 1, append);
  EXPECT_TRUE(IsAtDisk<Persist>());
  EXPECT_TRUE(refuse());
  Receive(2, 1, append);
  EXPECT_FALSE(IsAtDisk<Persist>()) << "the next look for room is soon enough";
}

TEST_F(NodeWithFullFollowersTest, ASingleNodeWritesWhatItHasTakenAlready) {
  Make(1);
  Lead();
  Put(1, "k", "v");
  node_->Flush();
  const auto persist = Take<Persist>();
  space_ = {.space = DiskSpace::kFull, .problem = "no space"};
  Finish(PersistDone{.id = persist.id,
                     .status = absl::ResourceExhaustedError("no space"),
                     .space = space_,
                     .refused = persist});
  Delete(2);
  EXPECT_TRUE(std::get<Persist>(disk_.jobs.front()).vital);
  FinishWrites();
  EXPECT_EQ(CodeOf(1), ReplyCode::kOk);
  EXPECT_EQ(CodeOf(2), ReplyCode::kOk) << "it is not held up";
}

}  // namespace
}  // namespace grassdb
