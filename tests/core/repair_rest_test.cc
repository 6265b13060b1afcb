// A range of lost entries of which nobody has all: one member has its front, and cannot tell that
// it is the same; another one has what is behind that, and the term of the last entry in front.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "core/chunk.h"
#include "core/repair_answer.h"
#include "tests/core/patient.h"

namespace grassdb::repair_test {
namespace {

RepairResponse Rest(std::vector<Entry> entries, std::uint64_t previous_term) {
  RepairResponse response = Patient::Held(std::move(entries), previous_term);
  response.verdict = RepairVerdict::kRest;
  return response;
}

RepairRequest ForRest(std::uint64_t first, std::uint64_t last, std::uint64_t previous_term,
                      std::uint64_t last_term) {
  RepairRequest request = For(first, last, previous_term, last_term);
  request.takes_rest = true;
  return request;
}

RepairResponse Ask(Patient& patient, const RepairRequest& request) {
  patient.network.sent.clear();
  patient.Deliver(1, request, 4);
  if (patient.Reads()) patient.Read();
  EXPECT_EQ(patient.network.sent.size(), 1u);
  return patient.network.sent.empty() ? RepairResponse()
                                      : std::get<RepairResponse>(patient.network.sent[0].body);
}

// Entries 2 to 6 of terms 1, 1, 2, 3, 3.
RecoveredState LostMost() {
  RecoveredState state = StateOf(1, 4, {1, 1, 1, 2, 3, 3, 3});
  Lose(state, 2, 6);
  return state;
}

// The log begins behind `index`, and the snapshot that stood for what was before it is lost.
RecoveredState LostState(std::uint64_t index, const std::vector<std::uint64_t>& terms) {
  RecoveredState state = StateOf(2, 4, terms);
  state.base_index = Index(index);
  state.base_term = state.entries[index - 1].term;
  state.entries.erase(state.entries.begin(),
                      state.entries.begin() + static_cast<std::ptrdiff_t>(index));
  state.damage.snapshot_lost = Index(index);
  return state;
}

TEST(RepairFromBehind, SplitsTheRangeAtTheTermThatItLearns) {
  Patient patient(LostMost());
  EXPECT_TRUE(patient.LastAsked().takes_rest);
  patient.Answer(2, Rest({MakeEntry(4, 2), MakeEntry(5, 3)}, 1), 4);
  const MendLog mend = patient.Mend();
  EXPECT_EQ(mend.fill, (std::vector<Entry>{MakeEntry(4, 2), MakeEntry(5, 3)}));
  EXPECT_EQ(mend.previous_term, Term(1));
  EXPECT_EQ(patient.LastAsked().first, Index(2));
  EXPECT_EQ(patient.LastAsked().last, Index(3));
  EXPECT_EQ(patient.LastAsked().last_term, Term(1));
  patient.Answer(3, Patient::Held({MakeEntry(2, 1), MakeEntry(3, 1)}, 1), 4);
  EXPECT_EQ(patient.Mend().previous_term, Term());
  EXPECT_EQ(patient.LastAsked().first, Index(6));
  EXPECT_EQ(patient.LastAsked().last, Index(6));
  EXPECT_EQ(patient.LastAsked().previous_term, Term(3));
  patient.Answer(2, Patient::Held({MakeEntry(6, 3)}, 3), 4);
  patient.Mend();
  EXPECT_TRUE(patient.repair().done());
}

TEST(RepairFromBehind, TakesNothingThatDoesNotFit) {
  Patient patient(LostMost());
  const std::vector<Entry> good = {MakeEntry(4, 2), MakeEntry(5, 3), MakeEntry(6, 3)};
  const auto but = [&good](std::size_t at, std::uint64_t index, std::uint64_t term) {
    std::vector<Entry> entries = good;
    entries[at] = MakeEntry(index, term);
    return entries;
  };
  patient.Answer(2, Rest({}, 1), 4);
  patient.Answer(2, Rest(good, 0), 4);
  patient.Answer(2, Rest(good, 3), 4);
  patient.Answer(2, Rest(but(2, 7, 3), 1), 4);
  patient.Answer(2, Rest(but(2, 6, 2), 1), 4);
  patient.Answer(2, Rest(but(2, 6, 4), 1), 4);
  patient.Answer(2, Rest({MakeEntry(2, 1), MakeEntry(3, 1)}, 1), 4);
  patient.Answer(2, Rest({MakeEntry(6, 2)}, 1), 4);
  patient.Answer(2, Rest({MakeEntry(6, 3), MakeEntry(7, 3)}, 3), 4);
  RepairResponse damaged = Rest(good, 1);
  damaged.first = Index(2);
  damaged.last = Index(6);
  damaged.last_term = Term(3);
  damaged.checksum = ChecksumOf(damaged);
  damaged.previous_term = Term(2);
  patient.Deliver(2, damaged, 4);
  EXPECT_TRUE(patient.disk.jobs.empty());
  patient.Answer(2, Rest(good, 1), 4);
  EXPECT_EQ(patient.Mend().fill, good);
}

TEST(RepairFromBehind, IsGivenByWhoHasNoSnapshotForWhatItHasReleased) {
  Patient helper(LostState(3, {1, 1, 1, 2, 3, 3}));
  const RepairResponse rest = Ask(helper, ForRest(2, 6, 1, 3));
  EXPECT_EQ(rest.verdict, RepairVerdict::kRest);
  EXPECT_EQ(rest.previous_term, Term(1));
  EXPECT_EQ(rest.entries, std::vector<Entry>{MakeEntry(4, 2)}) << "one term at a time";
  EXPECT_TRUE(IsWhole(rest));
  EXPECT_EQ(Ask(helper, ForRest(2, 6, 1, 4)).verdict, RepairVerdict::kReleased)
      << "it has no entry of the last term, so it may have had others";
  EXPECT_EQ(Ask(helper, ForRest(2, 3, 1, 1)).verdict, RepairVerdict::kReleased);
  RepairRequest old = ForRest(2, 6, 1, 3);
  old.takes_rest = false;
  EXPECT_EQ(Ask(helper, old).verdict, RepairVerdict::kReleased) << "and knows of no other answer";
}

TEST(RepairFromBehind, IsGivenByWhoHasLostTheFrontItself) {
  RecoveredState state = StateOf(2, 4, {1, 1, 1, 2, 3, 3});
  Lose(state, 2, 4);
  Patient helper(std::move(state));
  const RepairResponse rest = Ask(helper, ForRest(2, 6, 1, 3));
  EXPECT_EQ(rest.verdict, RepairVerdict::kRest);
  EXPECT_EQ(rest.previous_term, Term(2)) << "of a lost entry, which ends a range";
  EXPECT_EQ(rest.entries, (std::vector<Entry>{MakeEntry(5, 3), MakeEntry(6, 3)}));
  RepairRequest old = ForRest(2, 6, 1, 3);
  old.takes_rest = false;
  EXPECT_EQ(Ask(helper, old).verdict, RepairVerdict::kUnknown);
  EXPECT_EQ(Ask(helper, ForRest(1, 6, 0, 3)).verdict, RepairVerdict::kHeld)
      << "from the front, if it can";
}

TEST(RepairFromBehind, IsNotGivenWhereASnapshotStandsForIt) {
  RecoveredState state = LostState(3, {1, 1, 1, 2, 3, 3});
  state.damage.snapshot_lost = Index();
  state.snapshot = SnapshotMeta{.index = Index(3),
                                .term = Term(1),
                                .configuration = Voters(3),
                                .configuration_index = Index(1)};
  state.damage.lost.push_back({.first = Index(4), .last = Index(4), .last_term = Term(2)});
  Patient helper(std::move(state));
  EXPECT_EQ(Ask(helper, ForRest(2, 6, 1, 3)).verdict, RepairVerdict::kReleased);
}

// Of a log that ends before the range's last term, and of one that begins behind its front.
TEST(RepairFromBehind, MendsARangeOfWhichOneHasTheFrontAndAnotherOneTheRest) {
  Patient loser(LostMost());
  RecoveredState parted = StateOf(3, 4, {1, 1, 1, 1});
  Lose(parted, 4, 4);
  Patient front(std::move(parted));
  Patient rest(LostState(3, {1, 1, 1, 2, 3, 3, 3}));
  for (int rounds = 0; rounds < 4 && !loser.repair().done(); ++rounds) {
    const std::vector<Message> asked(loser.network.sent.begin(), loser.network.sent.end());
    loser.network.sent.clear();
    for (const Message& question : asked) {
      Patient& asks = question.to == Id(3) ? front : rest;
      const auto& request = std::get<RepairRequest>(question.body);
      if (request.ask == RepairAsk::kSnapshot) continue;  // nobody has one
      const RepairResponse answer = Ask(asks, request);
      loser.Deliver(question.to == Id(3) ? 3 : 2, answer, 4);
      if (!loser.disk.jobs.empty()) loser.Mend();
    }
  }
  EXPECT_TRUE(loser.repair().done());
}

// Their ranges overlap in one entry. Each gets back all but that, and says that it is that one.
TEST(RepairFromBehind, LeavesExactlyWhatIsLostEverywhere) {
  std::map<NodeId, std::unique_ptr<Patient>> patients;
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> lost = {{2, 4}, {4, 6}, {3, 5}};
  for (int i = 1; i <= 3; ++i) {
    RecoveredState state = StateOf(i, 4, {1, 1, 2, 2, 3, 3});
    const auto& [first, last] = lost[static_cast<std::size_t>(i - 1)];
    Lose(state, first, last);
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
        } else if (std::holds_alternative<MendLog>(patient->disk.jobs.front())) {
          EXPECT_EQ(patient->Mend().cut_from, Index()) << "it may be committed";
        } else {
          const auto persist = patient->Take<Persist>();
          patient->repair().OnDisk(PersistDone{.id = persist.id, .status = absl::OkStatus()});
        }
      }
      patient->clock.now += Patient::Options().raft.election_timeout_max;
      patient->repair().OnDeadline();
    }
  }
  for (const auto& [id, patient] : patients) {
    EXPECT_FALSE(patient->repair().failed());
    ASSERT_TRUE(patient->repair().Status().lost.has_value());
    EXPECT_EQ(patient->repair().Status().lost->first, Index(4));
    EXPECT_EQ(patient->repair().Status().lost->last, Index(4));
  }
}

}  // namespace
}  // namespace grassdb::repair_test
