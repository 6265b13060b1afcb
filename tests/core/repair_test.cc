// How a node gets back what its disk has lost (core/repair.h), message by message: what it asks,
// what it takes, what it gives up, and above all what it does not.
#include "core/repair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/chunk.h"
#include "core/raft.h"
#include "core/repair_answer.h"
#include "tests/core/patient.h"

namespace grassdb::repair_test {
namespace {

TEST(Repair, AsksEveryOtherMemberForWhatIsLost) {
  Patient patient(LostMiddle());
  ASSERT_EQ(patient.network.sent.size(), 2u);
  const auto& request = patient.LastAsked();
  EXPECT_EQ(request.ask, RepairAsk::kEntries);
  EXPECT_EQ(request.first, Index(3));
  EXPECT_EQ(request.last, Index(4));
  EXPECT_EQ(request.previous_term, Term(1));
  EXPECT_EQ(request.last_term, Term(2));
  EXPECT_FALSE(patient.repair().done());
}

TEST(Repair, FillsInWhatAnotherOneHolds) {
  Patient patient(LostMiddle());
  patient.Answer(2, Patient::Held({MakeEntry(3, 2), MakeEntry(4, 2)}, 1), 4);
  const MendLog mend = patient.Mend();
  EXPECT_EQ(mend.fill, (std::vector<Entry>{MakeEntry(3, 2), MakeEntry(4, 2)}));
  EXPECT_TRUE(patient.repair().done());
}

TEST(Repair, TakesAPartAndAsksForTheRest) {
  Patient patient(LostMiddle());
  patient.Answer(2, Patient::Held({MakeEntry(3, 2)}, 1), 4);
  patient.Mend();
  EXPECT_FALSE(patient.repair().done());
  EXPECT_EQ(patient.LastAsked().first, Index(4));
  EXPECT_EQ(patient.LastAsked().previous_term, Term(2));
  patient.Answer(3, Patient::Held({MakeEntry(4, 2)}, 2), 4);
  patient.Mend();
  EXPECT_TRUE(patient.repair().done());
}

TEST(Repair, TakesNothingThatDoesNotFit) {
  Patient patient(LostMiddle());
  const std::vector<Entry> good = {MakeEntry(3, 2), MakeEntry(4, 2)};
  RepairResponse damaged = Patient::Held(good, 1);
  damaged.first = Index(3);
  damaged.last = Index(4);
  damaged.last_term = Term(2);
  damaged.checksum = ChecksumOf(damaged) ^ 1;
  patient.Deliver(2, damaged, 4);
  patient.Answer(2, Patient::Held({MakeEntry(4, 2)}, 1), 4);
  patient.Answer(2, Patient::Held({MakeEntry(3, 2), MakeEntry(5, 2)}, 1), 4);
  patient.Answer(2, Patient::Held({MakeEntry(3, 2), MakeEntry(4, 3)}, 1), 4);
  patient.Answer(2, Patient::Held({MakeEntry(3, 2), MakeEntry(4, 1)}, 1), 4);
  patient.Answer(2, Patient::Held(good, 2), 4);
  patient.Answer(2, Patient::Held({}, 1), 4);
  EXPECT_TRUE(patient.disk.jobs.empty());
}

TEST(Repair, CutsWhereSomethingElseIsCommitted) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2, 2, 2});
  Lose(state, 4, 4);
  Patient patient(std::move(state));
  patient.Answer(2, Patient::Committed({MakeEntry(4, 3)}, 2), 4);
  EXPECT_EQ(patient.Mend().cut_from, Index(4));
  EXPECT_TRUE(patient.repair().done());
}

// Up to the place where they part, committed entries are as good as the lost ones.
TEST(Repair, TakesWhatIsCommittedBeforeItCuts) {
  RecoveredState state = StateOf(1, 6, {1, 1, 2, 4, 4});
  Lose(state, 3, 5);
  Patient patient(std::move(state));
  patient.Answer(2, Patient::Committed({MakeEntry(3, 2), MakeEntry(4, 5)}, 1), 6);
  EXPECT_EQ(patient.Mend().fill, (std::vector<Entry>{MakeEntry(3, 2)}));
  patient.Answer(2, Patient::Committed({MakeEntry(4, 5)}, 2), 6);
  EXPECT_EQ(patient.Mend().cut_from, Index(4));
}

TEST(Repair, CutsNothingThatMayBeCommittedElsewhere) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2});
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.Despair();
  // Of three voters, this one and the one that is silent may have committed it.
  patient.Answer(2, Patient::Plain(RepairVerdict::kAbsent), 5);
  patient.Answer(2, Patient::Plain(RepairVerdict::kAbsent), 5);
  patient.Answer(3, Patient::Plain(RepairVerdict::kUnknown), 5);
  EXPECT_TRUE(patient.disk.jobs.empty());
  EXPECT_EQ(patient.repair().Status().without_it, (std::vector<NodeId>{Id(2), Id(3)}));
  patient.Answer(3, Patient::Plain(RepairVerdict::kAbsent), 5);
  EXPECT_EQ(patient.Mend().cut_from, Index(3));
}

// Who is still in the term of this node's acknowledgements could receive the entry tomorrow.
TEST(Repair, CountsNobodyWhoCouldStillReceiveIt) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2});
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.Answer(2, Patient::Plain(RepairVerdict::kAbsent), 4);
  patient.Answer(3, Patient::Plain(RepairVerdict::kAbsent), 4);
  EXPECT_TRUE(patient.disk.jobs.empty());
  patient.Despair();
  EXPECT_EQ(patient.LastAsked().ask, RepairAsk::kProof);
  EXPECT_EQ(patient.network.sent.back().term, Term(5));
  patient.Answer(2, Patient::Plain(RepairVerdict::kAbsent), 4);
  patient.Answer(3, Patient::Plain(RepairVerdict::kAbsent), 5);
  EXPECT_TRUE(patient.disk.jobs.empty());
  patient.Answer(2, Patient::Plain(RepairVerdict::kAbsent), 5);
  EXPECT_EQ(patient.Mend().cut_from, Index(3));
}

TEST(Repair, AsksBothHalvesOfAJointConfiguration) {
  std::vector<Member> members = Voters(5).members();
  for (Member& member : members) {
    const bool is_old = member.id == Id(1) || member.id == Id(2) || member.id == Id(3);
    member.outgoing = is_old;
    if (is_old && member.id != Id(1)) member.role = MemberRole::kLeaving;
  }
  RecoveredState state = StateOf(1, 4, {1, 1, 2});
  state.entries[1].type = EntryType::kConfiguration;
  state.entries[1].payload = Bytes(EncodeConfiguration(Configuration(members)));
  Lose(state, 3, 3);
  const std::vector<std::vector<int>> halves = {{2, 3}, {4, 5}};
  for (const std::size_t first : {0u, 1u}) {
    Patient patient(state);
    EXPECT_EQ(patient.repair().members().members().size(), 4u);
    patient.Despair();
    for (const int voter : halves[first]) {
      patient.Answer(voter, Patient::Plain(RepairVerdict::kAbsent), 5);
    }
    for (const int voter : halves[1 - first]) {
      EXPECT_TRUE(patient.disk.jobs.empty()) << "the other half may have committed it";
      patient.Answer(voter, Patient::Plain(RepairVerdict::kAbsent), 5);
    }
    EXPECT_EQ(patient.Mend().cut_from, Index(3));
  }
}

// A node goes to a later term by itself while it hears nobody. The others may have a leader by then
// that they elected in an earlier one, and defend it: whom it reaches deposes it.
TEST(Repair, DeposesALeaderThatItHears) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2});
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.Deliver(2, AppendEntriesRequest{}, 3);
  EXPECT_FALSE(patient.LastAsked().deposes);
  patient.Despair();
  EXPECT_EQ(patient.LastAsked().ask, RepairAsk::kProof);
  EXPECT_FALSE(patient.LastAsked().deposes) << "what it heard is long ago";
  patient.Deliver(2, AppendEntriesRequest{}, 3);
  patient.clock.now = patient.repair().NextDeadline();
  patient.Deliver(2, AppendEntriesRequest{}, 3);
  patient.repair().OnDeadline();
  EXPECT_EQ(patient.LastAsked().ask, RepairAsk::kProof);
  EXPECT_TRUE(patient.LastAsked().deposes);
  EXPECT_EQ(patient.network.sent.back().term, Term(5));
}

TEST(Repair, DeposesNoLeaderOfItsOwn) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2});
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.Despair();
  patient.clock.now = patient.repair().NextDeadline();
  patient.Deliver(2, AppendEntriesRequest{}, 5);
  patient.repair().OnDeadline();
  EXPECT_EQ(patient.LastAsked().ask, RepairAsk::kProof);
  EXPECT_FALSE(patient.LastAsked().deposes);
}

TEST(Repair, DisturbsNoLeader) {
  Patient patient(LostMiddle());
  for (int i = 0; i < 20; ++i) {
    patient.clock.now += Patient::Options().raft.heartbeat_interval;
    patient.Deliver(2, AppendEntriesRequest{}, 4);
    patient.repair().OnDeadline();
  }
  EXPECT_TRUE(patient.disk.jobs.empty());
  EXPECT_EQ(patient.LastAsked().ask, RepairAsk::kEntries);
  EXPECT_EQ(patient.network.sent.back().term, Term(4));
}

// With a leader nobody despairs, and yet nobody may have what was never committed.
TEST(Repair, GoesToTheTermOfALaterLeaderAndVotesForNobody) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2});
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.clock.now += Patient::Options().raft.heartbeat_interval;
  patient.Deliver(2, AppendEntriesRequest{}, 7);
  patient.repair().OnDeadline();
  const auto persist = patient.Take<Persist>();
  EXPECT_EQ(persist.hard_state, (HardState{.term = Term(7), .voted_for = NodeId()}));
  patient.repair().OnDisk(PersistDone{.id = persist.id, .status = absl::OkStatus()});
  EXPECT_EQ(patient.LastAsked().ask, RepairAsk::kProof);
  EXPECT_EQ(patient.network.sent.back().term, Term(7));
  patient.Answer(2, Patient::Plain(RepairVerdict::kAbsent), 7);
  EXPECT_TRUE(patient.disk.jobs.empty());
  patient.Answer(3, Patient::Plain(RepairVerdict::kAbsent), 7);
  EXPECT_EQ(patient.Mend().cut_from, Index(3));
}

// What could not be read once may be read the next time.
TEST(Repair, ReadsItsDiskAgainWhereNobodyCanHelp) {
  Patient patient(LostMiddle());
  patient.Despair();
  const Duration election = Patient::Options().raft.election_timeout_max;
  const Instant stuck = patient.clock.now;
  while (!patient.repair().done() && patient.clock.now < stuck + 30 * election) {
    patient.clock.now = std::max(patient.clock.now, patient.repair().NextDeadline());
    patient.repair().OnDeadline();
  }
  EXPECT_TRUE(patient.repair().done());
  EXPECT_GE(patient.clock.now, stuck + 9 * election);
  EXPECT_EQ(patient.repair().Status().lost, LostMiddle().damage.lost.front());
}

TEST(Repair, SendsNothingButRepairMessagesWhateverComes) {
  Patient patient(LostMiddle());
  patient.Deliver(2, AppendEntriesRequest{}, 9);
  patient.Deliver(2, RequestVoteRequest{}, 9);
  patient.Deliver(2, InstallSnapshotRequest{}, 9);
  patient.Deliver(2, TimeoutNow{}, 9);
  for (const Message& message : patient.network.sent) {
    EXPECT_TRUE(std::holds_alternative<RepairRequest>(message.body)) << NameOf(message.body);
    EXPECT_EQ(message.term, Term(4));
  }
  EXPECT_TRUE(patient.disk.jobs.empty());
}

TEST(Repair, InstallsASnapshotWhereTheOthersHaveReleasedTheEntries) {
  Patient patient(LostMiddle());
  patient.Answer(3, Patient::Plain(RepairVerdict::kReleased), 4);
  EXPECT_EQ(patient.LastAsked().ask, RepairAsk::kSnapshot);
  EXPECT_EQ(patient.LastAsked().first, Index(3));
  EXPECT_EQ(patient.network.sent.back().to, Id(3));
  patient.Deliver(3, ChunkAnswer(Chunk(2, 0, "too old", true)), 4);
  EXPECT_TRUE(patient.disk.jobs.empty());
  patient.Deliver(3, ChunkAnswer(Chunk(9, 0, "abc", false)), 4);
  const auto first = patient.Take<StageSnapshot>();
  EXPECT_EQ(first.data.view(), "abc");
  patient.repair().OnDisk(StageDone{.source = SnapshotSource::kReceived,
                                    .index = Index(9),
                                    .next_offset = 3,
                                    .last = false,
                                    .status = absl::OkStatus()});
  EXPECT_EQ(patient.LastAsked().offset, 3u);
  EXPECT_EQ(patient.LastAsked().snapshot_index, Index(9));
  patient.Deliver(3, ChunkAnswer(Chunk(9, 0, "abc", false)), 4);  // again, late
  EXPECT_TRUE(patient.disk.jobs.empty());
  patient.Deliver(3, ChunkAnswer(Chunk(9, 3, "de", true)), 4);
  EXPECT_TRUE(patient.Take<StageSnapshot>().last);
  patient.repair().OnDisk(StageDone{.source = SnapshotSource::kReceived,
                                    .index = Index(9),
                                    .next_offset = 5,
                                    .last = true,
                                    .status = absl::OkStatus()});
  const auto persist = patient.Take<Persist>();
  ASSERT_TRUE(persist.install.has_value());
  EXPECT_EQ(persist.install->index, Index(9));
  EXPECT_TRUE(persist.entries.empty());
  patient.repair().OnDisk(PersistDone{.id = persist.id, .status = absl::OkStatus()});
  EXPECT_TRUE(patient.repair().done());
}

RecoveredState LostSnapshot() {
  RecoveredState state = StateOf(1, 4, {});
  state.base_index = Index(7);
  state.base_term = Term(2);
  state.damage.snapshot_lost = Index(7);
  return state;
}

TEST(Repair, AsksOneAfterTheOtherForALostSnapshot) {
  Patient patient(LostSnapshot());
  std::vector<NodeId> asked;
  for (int i = 0; i < 4; ++i) {
    asked.push_back(patient.network.sent.back().to);
    EXPECT_EQ(patient.LastAsked().first, Index(7));
    patient.clock.now = patient.repair().NextDeadline();
    patient.repair().OnDeadline();
  }
  EXPECT_NE(asked[0], asked[1]);
  EXPECT_EQ(asked[0], asked[2]);
  EXPECT_EQ(patient.network.sent.size(), 5u);
}

// Three bytes of the snapshot of `index`, by whoever was asked; they are not its last.
void SendChunk(Patient& patient, std::uint64_t offset, std::uint64_t index = 9) {
  const int from = patient.network.sent.back().to == Id(2) ? 2 : 3;
  patient.Deliver(from, ChunkAnswer(Chunk(index, offset, "abc", false)), 4);
  ASSERT_EQ(patient.Take<StageSnapshot>().offset, offset);
  patient.repair().OnDisk(StageDone{.source = SnapshotSource::kReceived,
                                    .index = Index(index),
                                    .next_offset = offset + 3,
                                    .last = false,
                                    .status = absl::OkStatus()});
}

TEST(Repair, StaysWithWhoSendsASnapshotHoweverLongItTakes) {
  Patient patient(LostSnapshot());
  const NodeId from = patient.network.sent.back().to;
  for (std::uint64_t offset = 0; offset < 600; offset += 3) {
    SendChunk(patient, offset);
    EXPECT_EQ(patient.LastAsked().offset, offset + 3);
    // The question is on its way when it is time to ask again.
    patient.clock.now = patient.repair().NextDeadline();
    patient.repair().OnDeadline();
    ASSERT_FALSE(patient.repair().done()) << "it began anew after chunk " << offset;
    ASSERT_EQ(patient.network.sent.back().to, from) << "it left after chunk " << offset;
    ASSERT_EQ(patient.LastAsked().offset, offset + 3);
  }
}

TEST(Repair, GoesOnWithASnapshotOfWhichAChunkIsLost) {
  Patient patient(LostSnapshot());
  const NodeId from = patient.network.sent.back().to;
  SendChunk(patient, 0);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(patient.network.sent.back().to, from);
    EXPECT_EQ(patient.LastAsked().offset, 3u);
    const Instant before = patient.clock.now;
    patient.clock.now = patient.repair().NextDeadline();
    EXPECT_LE(patient.clock.now - before, 8 * Patient::Options().raft.heartbeat_interval);
    patient.repair().OnDeadline();
  }
  EXPECT_EQ(patient.LastAsked().offset, 3u);
  patient.clock.now = patient.repair().NextDeadline();
  patient.repair().OnDeadline();
  EXPECT_NE(patient.network.sent.back().to, from);
  EXPECT_EQ(patient.LastAsked().offset, 0u) << "the other one may have another snapshot";
}

// The snapshot was all that named the members. Perhaps it could not be read this once: whoever
// starts the node again reads it again.
TEST(Repair, StopsWhereItKnowsNobodyToAsk) {
  RecoveredState state = LostSnapshot();
  state.identity.bootstrap = Configuration();
  Patient patient(std::move(state));
  const Duration election = Patient::Options().raft.election_timeout_max;
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(patient.repair().failed());
    patient.clock.now += election / 2;
    patient.Deliver(2, AppendEntriesRequest{}, 4);
    patient.repair().OnDeadline();
  }
  EXPECT_TRUE(absl::IsDataLoss(patient.repair().failure())) << patient.repair().failure();
  for (const char* part : {"nothing that can names another member", "--discard-from-damage"}) {
    EXPECT_NE(patient.repair().failure().message().find(part), std::string::npos)
        << patient.repair().failure();
  }
  EXPECT_TRUE(patient.disk.jobs.empty()) << "and disturbs nobody by that";
}

TEST(Repair, DoesNotGoOnWithASnapshotThatIsOlderThanWhatIsLostNow) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2, 2, 2});
  Lose(state, 3, 3);
  Lose(state, 5, 5);
  Patient patient(std::move(state));
  patient.Answer(3, Patient::Plain(RepairVerdict::kReleased), 4);
  SendChunk(patient, 0, 4);
  patient.Answer(2, Patient::Held({MakeEntry(3, 2)}, 1), 4);
  patient.Mend();
  patient.Answer(3, Patient::Plain(RepairVerdict::kReleased), 4);
  EXPECT_EQ(patient.LastAsked().first, Index(5));
  EXPECT_EQ(patient.LastAsked().offset, 0u);
  EXPECT_EQ(patient.repair().Status().snapshot_index, Index(0));
}

TEST(Repair, StopsWhenTheDiskFails) {
  Patient patient(LostMiddle());
  patient.Answer(2, Patient::Held({MakeEntry(3, 2)}, 1), 4);
  patient.Take<MendLog>();
  patient.repair().OnDisk(MendDone{.status = absl::InternalError("no more")});
  EXPECT_TRUE(patient.repair().failed());
  EXPECT_EQ(patient.repair().NextDeadline(), Instant::max());
}

// --- What it says to others ---

RepairResponse Ask(Patient& patient, const RepairRequest& request) {
  patient.network.sent.clear();
  patient.Deliver(2, request, 4);
  if (patient.Reads()) patient.Read();
  EXPECT_EQ(patient.network.sent.size(), 1u);
  const auto response = std::get<RepairResponse>(patient.network.sent.back().body);
  EXPECT_TRUE(IsWhole(response));
  return response;
}

TEST(Repair, HelpsOthersWithWhatIsWhole) {
  Patient patient(LostMiddle());
  const RepairResponse held = Ask(patient, For(1, 2, 0, 1));
  EXPECT_EQ(held.verdict, RepairVerdict::kHeld);
  EXPECT_EQ(held.entries, Entries({1, 1}));
  const RepairResponse behind = Ask(patient, For(5, 5, 2, 3));
  EXPECT_EQ(behind.verdict, RepairVerdict::kHeld);
  EXPECT_EQ(behind.previous_term, Term(2));
}

// It holds none of them in memory.
TEST(Repair, ReadsFromItsDiskWhatItGives) {
  RecoveredState state = StateOf(1, 4, {1, 1, 2, 2, 2, 3});
  Lose(state, 3, 3);
  Patient patient(std::move(state));
  patient.network.sent.clear();
  patient.Deliver(2, For(1, 6, 0, 3), 4);
  patient.Deliver(3, For(4, 6, 2, 3), 4);
  EXPECT_TRUE(patient.network.sent.empty());
  const ReadEntries wanted = patient.Read();
  EXPECT_EQ(wanted.first, Index(1));
  EXPECT_EQ(wanted.last, Index(2)) << "the next one is lost";
  EXPECT_EQ(wanted.count_max, Patient::Options().raft.append_entries_max);
  EXPECT_EQ(wanted.bytes_max, Patient::Options().raft.append_bytes_max);
  ASSERT_EQ(patient.network.sent.size(), 1u);
  EXPECT_EQ(patient.network.sent.back().to, Id(2));
  EXPECT_EQ(patient.Read().last, Index(5)) << "the next one is of another term";
  const auto& answer = std::get<RepairResponse>(patient.network.sent.back().body);
  EXPECT_EQ(answer.entries, (std::vector<Entry>{MakeEntry(4, 2), MakeEntry(5, 2)}));
}

TEST(Repair, AsksItsDiskAgainForWhatItHasNotFoundYet) {
  Patient patient(LostMiddle());
  patient.network.sent.clear();
  patient.Deliver(2, For(1, 2, 0, 1), 4);
  const auto wanted = patient.Take<ReadEntries>();
  patient.repair().OnDisk(EntriesRead{.wanted = wanted, .entries = {}, .status = {}});
  EXPECT_TRUE(patient.network.sent.empty());
  EXPECT_EQ(patient.Read().first, wanted.first);
  EXPECT_EQ(patient.network.sent.size(), 1u);
}

TEST(Repair, AnswersEachThatAsksWhileItReads) {
  Patient patient(LostMiddle());
  patient.network.sent.clear();
  patient.Deliver(2, For(1, 2, 0, 1), 4);
  patient.Deliver(3, For(1, 1, 0, 1), 4);
  patient.Deliver(4, For(1, 2, 0, 1), 4);
  patient.Deliver(3, For(2, 2, 1, 1), 4);
  EXPECT_EQ(patient.disk.jobs.size(), 1u) << "one at a time";
  EXPECT_EQ(patient.Read().first, Index(1));
  EXPECT_EQ(patient.Read().first, Index(1));
  EXPECT_EQ(patient.Read().first, Index(2)) << "what it has asked last";
  EXPECT_TRUE(patient.disk.jobs.empty());
  ASSERT_EQ(patient.network.sent.size(), 3u);
  EXPECT_EQ(patient.network.sent[0].to, Id(2));
  EXPECT_EQ(patient.network.sent[1].to, Id(4));
  EXPECT_EQ(patient.network.sent[2].to, Id(3));
}

TEST(Repair, SaysThatItDoesNotKnowWhatItsDiskDoesNotGive) {
  Patient patient(LostMiddle());
  patient.network.sent.clear();
  patient.Deliver(2, For(1, 2, 0, 1), 4);
  const auto wanted = patient.Take<ReadEntries>();
  patient.repair().OnDisk(
      EntriesRead{.wanted = wanted, .entries = {}, .status = absl::DataLossError("damaged")});
  ASSERT_EQ(patient.network.sent.size(), 1u);
  EXPECT_EQ(std::get<RepairResponse>(patient.network.sent.back().body).verdict,
            RepairVerdict::kUnknown);
  EXPECT_EQ(Ask(patient, For(1, 2, 0, 1)).verdict, RepairVerdict::kHeld) << "the next time";
}

TEST(Repair, GivesWhatItHasBeenGiven) {
  Patient patient(LostMiddle());
  patient.Answer(2, Patient::Held({MakeEntry(3, 2)}, 1), 4);
  patient.Mend();
  const RepairResponse held = Ask(patient, For(3, 4, 1, 2));
  EXPECT_EQ(held.verdict, RepairVerdict::kHeld);
  EXPECT_EQ(held.entries, std::vector<Entry>{MakeEntry(3, 2)}) << "the next one is lost";
}

TEST(Repair, SaysNothingOfItsOwnLostEntries) {
  Patient patient(LostMiddle());
  EXPECT_EQ(Ask(patient, For(3, 4, 1, 2)).verdict, RepairVerdict::kUnknown);
  EXPECT_EQ(Ask(patient, For(3, 3, 1, 1)).verdict, RepairVerdict::kUnknown);
  EXPECT_EQ(Ask(patient, For(6, 7, 3, 4)).verdict, RepairVerdict::kAbsent);
}

TEST(Repair, IsAbsentForNobodyIfItsDiskIsAnotherOneThanIsOnRecord) {
  RecoveredState state = LostMiddle();
  state.identity.incarnation = Incarnation(99);
  Patient patient(std::move(state));
  EXPECT_EQ(Ask(patient, For(6, 7, 3, 4)).verdict, RepairVerdict::kUnknown);
}

TEST(Repair, TakesOverATermDurablyBeforeItIsAProof) {
  Patient patient(LostMiddle());
  patient.network.sent.clear();
  RepairRequest proof = For(6, 6, 3, 3);
  proof.ask = RepairAsk::kProof;
  patient.Deliver(2, proof, 8);
  EXPECT_TRUE(patient.network.sent.empty());
  const auto persist = patient.Take<Persist>();
  EXPECT_EQ(persist.hard_state->term, Term(8));
  EXPECT_EQ(persist.hard_state->voted_for, NodeId());
  patient.repair().OnDisk(PersistDone{.id = persist.id, .status = absl::OkStatus()});
  patient.network.sent.clear();
  patient.Deliver(2, proof, 8);
  ASSERT_EQ(patient.network.sent.size(), 1u);
  EXPECT_EQ(patient.network.sent.back().term, Term(8));
  EXPECT_EQ(std::get<RepairResponse>(patient.network.sent.back().body).verdict,
            RepairVerdict::kAbsent);
}

// --- All of a cluster ---

// Three nodes, each with another entry damaged: all of them are in repair, and all come out of it.
TEST(Repair, OfAllNodesAtDifferentEntriesEndsWellForAll) {
  std::map<NodeId, std::unique_ptr<Patient>> patients;
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> lost = {{1, 2}, {3, 4}, {5, 6}};
  for (int i = 1; i <= 3; ++i) {
    RecoveredState state = StateOf(i, 4, {1, 1, 2, 2, 3, 3});
    Lose(state, lost[static_cast<std::size_t>(i - 1)].first,
         lost[static_cast<std::size_t>(i - 1)].second);
    patients[Id(i)] = std::make_unique<Patient>(std::move(state));
  }
  for (int round = 0; round < 20; ++round) {
    for (auto& [id, patient] : patients) {
      while (!patient->network.sent.empty()) {
        Message message = std::move(patient->network.sent.front());
        patient->network.sent.pop_front();
        patients.at(message.to)->repair().OnMessage(std::move(message));
      }
      while (!patient->disk.jobs.empty()) {
        if (patient->Reads()) {
          patient->Read();
        } else {
          patient->Mend();
        }
      }
    }
  }
  for (const auto& [id, patient] : patients) EXPECT_TRUE(patient->repair().done());
}

}  // namespace
}  // namespace grassdb::repair_test
