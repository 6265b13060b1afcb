// A node that reads its disk again, and what it does about damage.
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

class NodeScrubTest : public NodeTest {
 protected:
  NodeScrubTest() {
    options_.scrub_bytes_per_second = options_.snapshot_chunk_bytes;  // a piece a second
    options_.scrub_pause = Duration::zero();
  }
  void Pass(Duration time) {
    clock_.now += time;
    node_->OnDeadline();
    node_->Flush();
  }
  bool IsScrubAtDisk() const {
    return std::ranges::any_of(
        disk_.jobs, [](const DiskJob& job) { return std::holds_alternative<Scrub>(job); });
  }
  ScrubDone Whole() { return {.status = absl::OkStatus(), .bytes = 100, .pass_done = true}; }
  ScrubDone Damaged(std::uint64_t index) {
    return {.status = absl::OkStatus(),
            .bytes = 100,
            .damage = "f at offset 7 in /data: wrong",
            .mend_from = Index(index)};
  }
};

TEST_F(NodeScrubTest, ReadsAPieceAtATimeAtTheGivenPace) {
  Make(1);
  Lead();
  Pass(std::chrono::seconds(1));
  EXPECT_EQ(Take<Scrub>().bytes_max, options_.snapshot_chunk_bytes);
  Pass(std::chrono::seconds(5));
  EXPECT_FALSE(IsScrubAtDisk()) << "one is under way";
  Finish(Whole());
  EXPECT_FALSE(IsScrubAtDisk());
  Pass(std::chrono::milliseconds(999));
  EXPECT_FALSE(IsScrubAtDisk()) << "a piece a second";
  Pass(std::chrono::milliseconds(1));
  EXPECT_TRUE(IsScrubAtDisk());
  EXPECT_EQ(node_->Status().scrub.passes, 1u);
  EXPECT_EQ(node_->Status().scrub.bytes, 100u);
}

TEST_F(NodeScrubTest, PausesWhenEverythingHasBeenRead) {
  options_.scrub_pause = std::chrono::seconds(10);
  Make(1);
  Lead();
  Pass(std::chrono::seconds(1));
  (void)Take<Scrub>();
  ScrubDone part = Whole();
  part.pass_done = false;
  Finish(part);
  Pass(std::chrono::seconds(1));
  EXPECT_TRUE(IsScrubAtDisk()) << "there is more";
  (void)Take<Scrub>();
  Finish(Whole());
  Pass(std::chrono::milliseconds(9999));
  EXPECT_FALSE(IsScrubAtDisk());
  Pass(std::chrono::milliseconds(1));
  EXPECT_TRUE(IsScrubAtDisk());
}

// A vote must not wait for a piece that is being read; on a slow disk no election would end.
TEST_F(NodeScrubTest, WaitsForTheEndOfAnElection) {
  options_.raft.election_timeout_min = std::chrono::seconds(4);
  options_.raft.election_timeout_max = std::chrono::seconds(8);
  Make(3);
  Pass(std::chrono::seconds(2));
  EXPECT_FALSE(IsScrubAtDisk()) << "a leader may be elected soon";
  Receive(2, 1, AppendEntriesRequest{});
  FinishDisk();
  Pass(Duration::zero());
  EXPECT_TRUE(IsScrubAtDisk()) << "one is known";
  (void)Take<Scrub>();
  Finish(Whole());

  while (node_->raft().leader() != NodeId(0)) {
    clock_.now = node_->raft().NextDeadline();
    node_->OnDeadline();
  }
  Pass(std::chrono::seconds(3));
  EXPECT_FALSE(IsScrubAtDisk()) << "it has gone";
  Receive(3, 2, RequestVoteRequest{});
  FinishDisk();
  Pass(std::chrono::seconds(15));
  EXPECT_FALSE(IsScrubAtDisk()) << "a vote was given, and there may be another one";
  Pass(std::chrono::seconds(1));
  EXPECT_TRUE(IsScrubAtDisk()) << "without a quorum there is no end to that";
}

TEST_F(NodeScrubTest, IsOffWithoutAPace) {
  options_.scrub_bytes_per_second = 0;
  Make(1);
  Lead();
  Pass(std::chrono::seconds(100));
  EXPECT_FALSE(IsScrubAtDisk());
}

TEST_F(NodeScrubTest, WhatIsWrittenAnewNeedsNoSnapshot) {
  Make(1);
  Lead();
  Put(1, "k", "v");
  node_->Flush();
  FinishDisk();
  Pass(std::chrono::seconds(1));
  (void)Take<Scrub>();
  ScrubDone anew = Damaged(0);
  anew.mended = true;
  Finish(anew);
  EXPECT_TRUE(std::ranges::none_of(
      disk_.jobs, [](const DiskJob& job) { return std::holds_alternative<StageSnapshot>(job); }));
  EXPECT_FALSE(node_->must_mend());
  EXPECT_EQ(node_->Status().scrub.found, 1u);
  EXPECT_EQ(node_->Status().scrub.mended, 1u);
  EXPECT_EQ(node_->Status().scrub.newest, anew.damage);
}

TEST_F(NodeScrubTest, DamageIsMendedByASnapshotAlsoWhereNothingIsNew) {
  Make(1);
  Lead();
  Put(1, "k", "v");
  node_->Flush();
  FinishDisk();
  node_->OnClient(RequestId(2), TakeSnapshotRequest{});
  node_->Flush();
  StageAll();
  auto publish = Take<PublishSnapshot>();
  EXPECT_FALSE(publish.mends);
  Finish(PublishDone{.meta = publish.meta, .status = absl::OkStatus()});

  Pass(std::chrono::seconds(1));
  Take<Scrub>();
  Finish(Damaged(publish.meta.index.value()));
  EXPECT_EQ(node_->Status().scrub.found, 1u);
  EXPECT_EQ(node_->Status().scrub.newest, "f at offset 7 in /data: wrong");
  StageAll();
  const auto again = Take<PublishSnapshot>();
  EXPECT_TRUE(again.mends);
  EXPECT_EQ(again.meta, publish.meta);
  EXPECT_EQ(again.release_through, again.meta.index) << "all that is damaged goes";
  Finish(PublishDone{.meta = again.meta, .status = absl::OkStatus()});
  EXPECT_EQ(node_->Status().scrub.mended, 1u);
  EXPECT_FALSE(node_->must_mend());
  EXPECT_TRUE(disk_.jobs.empty()) << "once is enough";
}

TEST_F(NodeScrubTest, WaitsUntilTheStateHasComeAsFarAsTheDamage) {
  Make(1);
  Lead();
  Pass(std::chrono::seconds(1));
  Take<Scrub>();
  Finish(Damaged(2));
  EXPECT_TRUE(node_->must_mend());
  EXPECT_TRUE(disk_.jobs.empty());
  Put(1, "k", "v");
  node_->Flush();
  FinishDisk();
  StageAll();
  EXPECT_EQ(Take<PublishSnapshot>().meta.index, Index(2));
}

// Also where nothing is applied meanwhile, which would be another reason to take a snapshot.
TEST_F(NodeScrubTest, WithoutRoomItTriesAgainWheneverRoomIsLookedFor) {
  options_.space_retry_min = std::chrono::seconds(1);
  Make(1);
  Lead();
  Put(1, "k", "v");
  node_->Flush();
  FinishDisk();
  node_->OnClient(RequestId(2), TakeSnapshotRequest{});
  node_->Flush();
  StageAll();
  Finish(PublishDone{.meta = Take<PublishSnapshot>().meta, .status = absl::OkStatus()});
  Pass(std::chrono::seconds(1));
  Take<Scrub>();
  Finish(Damaged(2));
  FindNoRoomToStage();
  EXPECT_TRUE(node_->must_mend());
  EXPECT_TRUE(disk_.jobs.empty()) << "not at once";
  Pass(std::chrono::seconds(1));
  Take<Restock>();
  StageAll();
  EXPECT_EQ(Take<PublishSnapshot>().meta.index, Index(2));
}

TEST_F(NodeScrubTest, AFailedSealStopsTheNode) {
  Make(1);
  Lead();
  Pass(std::chrono::seconds(1));
  Take<Scrub>();
  Finish(ScrubDone{.status = absl::InternalError("sync failed")});
  EXPECT_TRUE(node_->failed());
}

}  // namespace
}  // namespace grassdb
