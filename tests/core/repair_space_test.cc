// A node in repair whose disk is full (core/repair.h): it keeps what it has got, and looks for
// room.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/repair.h"
#include "tests/core/patient.h"

namespace grassdb::repair_test {
namespace {

absl::Status NoRoom() {
  return absl::ResourceExhaustedError("no room");
}

// Lets the time pass until it looks for room.
void LookForRoom(Patient& patient) {
  while (patient.disk.jobs.empty()) {
    patient.clock.now = patient.repair().NextDeadline();
    patient.repair().OnDeadline();
  }
  patient.Take<Restock>();
  patient.repair().OnDisk(RestockDone{.status = absl::OkStatus()});
}

TEST(RepairWithoutRoom, KeepsWhatItHasGotAndTriesAgain) {
  Patient patient(LostMiddle());
  const std::vector<Entry> good = {MakeEntry(3, 2), MakeEntry(4, 2)};
  patient.Answer(2, Patient::Held(good, 1), 4);
  patient.Take<MendLog>();
  patient.repair().OnDisk(MendDone{.status = NoRoom()});
  EXPECT_FALSE(patient.repair().failed());
  EXPECT_TRUE(patient.repair().Status().waits_for_room);
  patient.Answer(3, Patient::Held(good, 1), 4);
  EXPECT_TRUE(patient.disk.jobs.empty()) << "one thing at a time";
  LookForRoom(patient);
  EXPECT_EQ(patient.Mend().fill, good);
  EXPECT_FALSE(patient.repair().Status().waits_for_room);
  EXPECT_TRUE(patient.repair().done());
}

TEST(RepairWithoutRoom, LooksForItAtGrowingIntervals) {
  Patient patient(LostMiddle());
  patient.Answer(2, Patient::Held({MakeEntry(3, 2), MakeEntry(4, 2)}, 1), 4);
  Duration wait = Patient::Options().space_retry_min;
  for (int i = 0; i < 8; ++i) {
    patient.Take<MendLog>();
    patient.repair().OnDisk(MendDone{.status = NoRoom()});
    const Instant refused = patient.clock.now;
    LookForRoom(patient);
    EXPECT_EQ(patient.clock.now - refused, wait);
    wait = std::min(2 * wait, Patient::Options().space_retry_max);
  }
  EXPECT_EQ(wait, Patient::Options().space_retry_max);
}

TEST(RepairWithoutRoom, LooksOnAsLongAsMoreIsFound) {
  Patient patient(LostMiddle());
  patient.Answer(2, Patient::Held({MakeEntry(3, 2), MakeEntry(4, 2)}, 1), 4);
  patient.Take<MendLog>();
  patient.repair().OnDisk(MendDone{.status = NoRoom()});
  patient.clock.now += Patient::Options().space_retry_min;
  patient.repair().OnDeadline();
  patient.Take<Restock>();
  patient.repair().OnDisk(RestockDone{.status = absl::OkStatus(), .more = true});
  patient.Take<Restock>();
  patient.repair().OnDisk(RestockDone{.status = absl::OkStatus()});
  patient.Take<MendLog>();
}

TEST(RepairWithoutRoom, TriesATermAgain) {
  Patient patient(LostMiddle());
  patient.clock.now += 2 * Patient::Options().raft.election_timeout_max;
  patient.repair().OnDeadline();
  const auto persist = patient.Take<Persist>();
  PersistDone refused;
  refused.id = persist.id;
  refused.status = NoRoom();
  refused.refused = persist;
  patient.repair().OnDisk(std::move(refused));
  LookForRoom(patient);
  EXPECT_EQ(patient.Take<Persist>().hard_state, persist.hard_state);
  patient.repair().OnDisk(PersistDone{.id = persist.id, .status = absl::OkStatus()});
  EXPECT_EQ(patient.repair().term(), Term(5));
}

TEST(RepairWithoutRoom, BeginsASnapshotAnew) {
  Patient patient(LostMiddle());
  patient.Answer(3, Patient::Plain(RepairVerdict::kReleased), 4);
  patient.Deliver(3, ChunkAnswer(Chunk(9, 0, "abc", false)), 4);
  patient.Take<StageSnapshot>();
  patient.repair().OnDisk(StageDone{.source = SnapshotSource::kReceived,
                                    .index = Index(9),
                                    .next_offset = 3,
                                    .last = false,
                                    .status = NoRoom()});
  EXPECT_FALSE(patient.repair().failed());
  LookForRoom(patient);
  EXPECT_EQ(patient.LastAsked().offset, 0u);
  EXPECT_EQ(patient.LastAsked().snapshot_index, Index(0));
  patient.Deliver(3, ChunkAnswer(Chunk(9, 0, "abc", true)), 4);
  EXPECT_EQ(patient.Take<StageSnapshot>().offset, 0u);
}

TEST(RepairWithoutRoom, StopsWhenTheDiskFailsAsItLooks) {
  Patient patient(LostMiddle());
  patient.Answer(2, Patient::Held({MakeEntry(3, 2)}, 1), 4);
  patient.Take<MendLog>();
  patient.repair().OnDisk(MendDone{.status = NoRoom()});
  patient.clock.now += Patient::Options().space_retry_min;
  patient.repair().OnDeadline();
  patient.Take<Restock>();
  patient.repair().OnDisk(RestockDone{.status = absl::InternalError("no more")});
  EXPECT_TRUE(patient.repair().failed());
}

}  // namespace
}  // namespace grassdb::repair_test
