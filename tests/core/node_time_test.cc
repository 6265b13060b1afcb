// Replicated time, which a leader stamps into what it proposes: it goes on from the latest that the
// log has, whoever has written that, and never stands still under a leader.
#include "tests/core/node_fixture.h"

namespace grassdb {
namespace {

constexpr ClusterTime kWritten = 7'000'000;

Entry SessionAt(Index index, ClusterTime time) {
  Command command;
  command.kind = Command::Kind::kOpenSession;
  command.time = time;
  return {.index = index,
          .term = Term(1),
          .type = EntryType::kCommand,
          .payload = EncodeCommand(command)};
}

class NodeTime : public NodeTest {
 protected:
  NodeTime() { recovered_.hard_state.term = Term(1); }
  // What a write of now is stamped with.
  ClusterTime Stamp() {
    node_->OnClient(RequestId(++requests_), OpenSessionRequest{});
    node_->Flush();
    Command command;
    while (std::ranges::any_of(disk_.jobs, IsPersist)) {
      const Persist persist = FinishOne();
      if (persist.entries.empty()) continue;
      EXPECT_TRUE(DecodeCommand(persist.entries.back().payload.view(), &command));
    }
    return command.time;
  }
  std::uint64_t requests_ = 0;
};

TEST_F(NodeTime, GoesOnFromTheLogOfTheLastLife) {
  recovered_.entries.push_back(SessionAt(Index(1), 1000));
  recovered_.entries.push_back(SessionAt(Index(2), kWritten));
  Make(1);
  Lead();
  ASSERT_EQ(node_->store().time(), kWritten);
  clock_.now += std::chrono::milliseconds(500);
  EXPECT_EQ(Stamp(), kWritten + 500);
  EXPECT_EQ(node_->store().time(), kWritten + 500) << "a session's last use would wait for that";
}

TEST_F(NodeTime, GoesOnFromWhatIsReadBackFromTheDisk) {
  recovered_.evicted.Add(LogPosition(), SessionAt(Index(1), kWritten));
  recovered_.evicted.evictions.Add(Index(1), CostOf(SessionAt(Index(1), kWritten)));
  Make(1);
  Lead();
  ASSERT_EQ(node_->store().time(), 0u);
  EntriesRead done{.wanted = Take<ReadEntries>(), .entries = {}, .status = absl::OkStatus()};
  done.entries.push_back(SessionAt(Index(1), kWritten));
  Finish(std::move(done));
  clock_.now += std::chrono::milliseconds(500);
  EXPECT_EQ(Stamp(), kWritten + 500);
}

TEST_F(NodeTime, WhatPassesBetweenTheLastWriteAndAChangeOfLeadersCounts) {
  Make(3);
  AppendEntriesRequest append;
  append.leader_commit = Index(1);
  append.entries.push_back(SessionAt(Index(1), kWritten));
  Receive(2, 1, append);
  FinishDisk();
  ASSERT_EQ(node_->store().time(), kWritten);
  clock_.now += std::chrono::minutes(40);
  BeElected(2);
  EXPECT_EQ(Stamp(), kWritten + 40 * 60 * 1000);
}

TEST_F(NodeTime, BeginsWithTheClusterHoweverLongTheMachineRuns) {
  clock_.now += std::chrono::hours(1000);
  Make(1);
  const Instant begun = clock_.now;
  Lead();
  EXPECT_EQ(Stamp(), static_cast<ClusterTime>((clock_.now - begun) / std::chrono::milliseconds(1)));
}

TEST_F(NodeTime, WhatPassesBeforeAnythingIsKnownOfItDoesNotCount) {
  Make(3);
  clock_.now += std::chrono::hours(10);  // a node that waits to be a member, say
  AppendEntriesRequest append;
  append.leader_commit = Index(1);
  append.entries.push_back(SessionAt(Index(1), kWritten));
  Receive(2, 1, append);
  FinishDisk();
  const Instant applied = clock_.now;
  clock_.now = node_->NextDeadline();
  BeElected(2);
  EXPECT_EQ(Stamp(), kWritten + static_cast<ClusterTime>((clock_.now - applied) /
                                                         std::chrono::milliseconds(1)));
}

TEST_F(NodeTime, RunsOnUnderALeaderWhateverItWrites) {
  Make(1);
  Lead();
  const ClusterTime begun = Stamp();
  for (int i = 1; i <= 3; ++i) {
    clock_.now += std::chrono::microseconds(1'500'300);
    const ClusterTime passed = static_cast<ClusterTime>(i) * 1'500'300 / 1000;
    const ClusterTime stamp = Stamp() - begun;
    EXPECT_TRUE(stamp == passed || stamp == passed + 1) << stamp << ", and not " << passed;
  }
}

}  // namespace
}  // namespace grassdb
