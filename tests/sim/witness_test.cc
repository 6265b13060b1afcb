// sim/checkers/witness: the order of the log explains what the clients saw, or what is wrong is
// named.
#include "sim/checkers/witness.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

HistoryOperation Make(OperationKind kind, std::uint64_t revision, std::uint64_t invoked,
                      std::uint64_t returned) {
  HistoryOperation operation;
  operation.kind = kind;
  operation.invoked = invoked;
  operation.returned = returned;
  operation.revision = revision;
  return operation;
}
HistoryOperation Get(ValueNumber value, std::uint64_t revision, std::uint64_t invoked,
                     std::uint64_t returned) {
  HistoryOperation operation = Make(OperationKind::kGet, revision, invoked, returned);
  operation.read = value;
  return operation;
}
HistoryOperation Put(ValueNumber value, bool found, std::uint64_t revision, std::uint64_t invoked,
                     std::uint64_t returned) {
  HistoryOperation operation = Make(OperationKind::kPut, revision, invoked, returned);
  operation.written = value;
  operation.found = found;
  return operation;
}
HistoryOperation Delete(bool found, std::uint64_t revision, std::uint64_t invoked,
                        std::uint64_t returned) {
  HistoryOperation operation = Make(OperationKind::kDelete, revision, invoked, returned);
  operation.found = found;
  return operation;
}
HistoryOperation Cas(ValueNumber expected, ValueNumber value, bool succeeded,
                     std::uint64_t revision, std::uint64_t invoked, std::uint64_t returned) {
  HistoryOperation operation = Make(OperationKind::kCompareAndSet, revision, invoked, returned);
  operation.expected = expected;
  operation.written = value;
  operation.succeeded = succeeded;
  return operation;
}

HistoryOperation StaleGet(ValueNumber value, std::uint64_t revision, std::uint64_t invoked,
                          std::uint64_t returned) {
  HistoryOperation operation = Get(value, revision, invoked, returned);
  operation.kind = OperationKind::kStaleGet;
  return operation;
}
HistoryOperation CasThatLooked(ValueNumber expected, ValueNumber read, std::uint64_t revision,
                               std::uint64_t invoked, std::uint64_t returned) {
  HistoryOperation operation = Cas(expected, 9, false, revision, invoked, returned);
  operation.looked = true;
  operation.read = read;
  return operation;
}

// All on key 0.
std::string ProblemOf(const std::vector<HistoryOperation>& history,
                      const std::vector<ValueNumber>& values,
                      const std::vector<HistoryOperation>& refused = {}) {
  std::vector<CommittedChange> changes;
  for (const ValueNumber value : values) changes.push_back({changes.size() + 1, 0, value});
  return CheckWitness(history, refused, changes).value_or("");
}

constexpr auto kNever = kNotReturned;

TEST(Witness, ExplainsWhatAMapWouldGive) {
  EXPECT_EQ(ProblemOf({}, {}), "");
  EXPECT_EQ(
      ProblemOf({Get(0, 0, 1, 2), Put(7, false, 1, 3, 4), Get(7, 1, 5, 6),
                 Cas(9, 8, false, 1, 7, 8), Cas(7, 8, true, 2, 9, 10), Delete(true, 3, 11, 12),
                 Delete(false, 3, 13, 14), Put(5, false, 4, 15, 16), Put(6, true, 5, 17, 18)},
                {7, 8, 0, 5, 6}),
      "");
}

TEST(Witness, LetsWhatOverlapsTakeEffectEitherWay) {
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 6), Get(0, 0, 2, 3), Get(7, 1, 4, 5)}, {7}), "");
  EXPECT_EQ(ProblemOf({Put(7, true, 2, 1, 4), Put(8, false, 1, 2, 3)}, {8, 7}), "");
}

TEST(Witness, LetsWhatHasNoOutcomeHappenOrNot) {
  const HistoryOperation put = Put(7, false, 0, 1, kNever);
  EXPECT_EQ(ProblemOf({put, Get(0, 0, 2, 3)}, {}), "");
  EXPECT_EQ(ProblemOf({put, Get(7, 1, 2, 3)}, {7}), "");
  EXPECT_EQ(ProblemOf({put, Delete(false, 0, 2, kNever), Get(0, 2, 3, 4)}, {7, 0}), "");
}

TEST(Witness, SeesAStaleRead) {
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 2), Get(0, 0, 3, 4)}, {7}),
            "the get of client 1 on k0 returned at revision 0, after 1 had been told before it was "
            "asked for");
}

TEST(Witness, LetsAStaleReadBeLateButNotWrong) {
  const HistoryOperation put = Put(7, false, 1, 1, 2);
  EXPECT_EQ(ProblemOf({put, StaleGet(0, 0, 3, 4)}, {7}), "");
  EXPECT_EQ(ProblemOf({put, StaleGet(7, 0, 3, 4)}, {7}),
            "the stale get of client 1 on k0 does not fit the value v0 at revision 0");
  EXPECT_EQ(
      ProblemOf({StaleGet(7, 1, 1, 2), Put(7, false, 1, 3, kNever)}, {7}),
      "the stale get of client 1 on k0 returned at revision 1 before a change up to there was "
      "asked for");
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 6), StaleGet(7, 1, 2, 3), Get(0, 0, 4, 5)}, {7}),
            "the get of client 1 on k0 returned at revision 0, after 1 had been told before it was "
            "asked for");
}

TEST(Witness, SeesWhatARefusedCompareAndSetHasRead) {
  const HistoryOperation put = Put(7, false, 1, 1, 2);
  EXPECT_EQ(ProblemOf({put, CasThatLooked(6, 7, 1, 3, 4)}, {7}), "");
  EXPECT_EQ(ProblemOf({put, CasThatLooked(6, 5, 1, 3, 4)}, {7}),
            "the compare-and-set of client 1 on k0 of v9 does not fit the value v7 at revision 1");
}

TEST(Witness, SeesAReadOfWhatWasNotThere) {
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 2), Get(8, 1, 3, 4)}, {7}),
            "the get of client 1 on k0 does not fit the value v7 at revision 1");
  EXPECT_EQ(ProblemOf({Get(0, 1, 1, 2)}, {}),
            "the get of client 1 on k0 returned at revision 1, which is not committed");
}

TEST(Witness, SeesAWriteThatTookEffectBeforeAnEarlierOne) {
  EXPECT_EQ(
      ProblemOf({Put(7, true, 2, 1, 2), Put(8, false, 1, 3, 4)}, {8, 7}),
      "the put of client 1 on k0 of v7 returned at revision 2 before a change up to there was "
      "asked for");
}

TEST(Witness, SeesALostAndADoubledWrite) {
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 2)}, {}),
            "the put of client 1 on k0 of v7 returned at revision 1, which is not committed");
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 2)}, {7, 7}),
            "v7 was written at revision 1 and again at 2");
  EXPECT_EQ(
      ProblemOf({Delete(true, 2, 3, 4), Delete(true, 2, 5, 6), Put(7, false, 1, 1, 2)}, {7, 0}),
      "the delete of client 1 on k0 and the delete of client 1 on k0 both made the change at "
      "revision 2");
}

TEST(Witness, SeesAResultThatAMapWouldNotGive) {
  EXPECT_EQ(ProblemOf({Put(7, true, 1, 1, 2)}, {7}),
            "the put of client 1 on k0 of v7 does not fit the value v0 before it at revision 1");
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 2), Cas(7, 8, false, 1, 3, 4)}, {7}),
            "the compare-and-set of client 1 on k0 of v8 does not fit the value v7 at revision 1");
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 2), Cas(6, 8, true, 2, 3, 4)}, {7, 8}),
            "the compare-and-set of client 1 on k0 of v8 does not fit the value v7 before it at "
            "revision 2");
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 2), Delete(false, 1, 3, 4)}, {7}),
            "the delete of client 1 on k0 does not fit the value v7 at revision 1");
}

TEST(Witness, SeesAChangeThatWasRefusedOrThatNobodyAskedFor) {
  EXPECT_EQ(ProblemOf({}, {7}, {Put(7, false, 0, 1, kNever)}),
            "the put of client 1 on k0 of v7 was refused, and took effect at revision 1");
  EXPECT_EQ(ProblemOf({}, {7}), "nobody asked for the change of k0 to v7 at revision 1");
  EXPECT_EQ(ProblemOf({Put(7, false, 1, 1, 2)}, {7, 0}),
            "nobody asked for the change of k0 to v0 at revision 2");
}

TEST(Witness, SeesWhatIsReadBeforeItWasAskedFor) {
  EXPECT_EQ(
      ProblemOf({Get(7, 1, 1, 2), Put(7, false, 1, 3, kNever)}, {7}),
      "the get of client 1 on k0 returned at revision 1 before a change up to there was asked "
      "for");
}

// --- Transactions ---

using Record = TransactionRecord;
using Step = Record::Step;
using Kind = Step::Kind;

HistoryOperation Transact(Record record, std::uint64_t revision, std::uint64_t invoked,
                          std::uint64_t returned) {
  HistoryOperation operation = Make(OperationKind::kTransaction, revision, invoked, returned);
  operation.transaction = std::make_shared<Record>(std::move(record));
  return operation;
}
// Puts `a` into k0 and `b` into k1.
Record Pair(ValueNumber a, ValueNumber b, bool found) {
  return {.compares = {},
          .success = {{Kind::kPut, 0, a}, {Kind::kPut, 1, b}},
          .failure = {},
          .succeeded = true,
          .results = {{found, 0}, {found, 0}}};
}
Record Reads(ValueNumber a, ValueNumber b) {
  return {.compares = {},
          .success = {{Kind::kGet, 0, 0}, {Kind::kGet, 1, 0}},
          .failure = {},
          .succeeded = true,
          .results = {{a != 0, a}, {b != 0, b}}};
}
// From k0, if it has `from`, to k1 as `to`; else it reads k0.
Record Move(ValueNumber from, ValueNumber to) {
  return {.compares = {{0, from, true}},
          .success = {{Kind::kDelete, 0, 0}, {Kind::kPut, 1, to}},
          .failure = {{Kind::kGet, 0, 0}},
          .succeeded = true,
          .results = {{true, 0}, {false, 0}}};
}

std::string ProblemOfPair(const std::vector<HistoryOperation>& history,
                          const std::vector<CommittedChange>& changes,
                          const std::vector<HistoryOperation>& refused = {}) {
  return CheckWitness(history, refused, changes).value_or("");
}

TEST(WitnessOfTransactions, ExplainsWhatAMapWouldGive) {
  Record refused = Move(8, 9);
  refused.succeeded = false;
  refused.results = {{true, 1}};
  EXPECT_EQ(ProblemOfPair({Transact(Reads(0, 0), 0, 1, 2), Transact(Pair(1, 2, false), 1, 3, 4),
                           Transact(Reads(1, 2), 1, 5, 6), Transact(refused, 1, 7, 8),
                           Transact(Pair(3, 4, true), 2, 9, 10)},
                          {{1, 0, 1}, {1, 1, 2}, {2, 0, 3}, {2, 1, 4}}),
            "");
  // It sees what it has done itself, and of two writes of a key the last one stays.
  const Record twice{.compares = {},
                     .success = {{Kind::kPut, 0, 1},
                                 {Kind::kGet, 0, 0},
                                 {Kind::kPut, 0, 2},
                                 {Kind::kDelete, 1, 0}},
                     .failure = {},
                     .succeeded = true,
                     .results = {{false, 0}, {true, 1}, {true, 0}, {false, 0}}};
  EXPECT_EQ(ProblemOfPair({Transact(twice, 1, 1, 2), Get(2, 1, 3, 4)}, {{1, 0, 1}, {1, 0, 2}}), "");
}

TEST(WitnessOfTransactions, SeesHalfOfOneCommitted) {
  EXPECT_EQ(ProblemOfPair({Transact(Pair(1, 2, false), 1, 1, 2)}, {{1, 0, 1}}),
            "the transaction of client 1 on k0 (put k0 v1, put k1 v2) changed k0 to v1, k1 to v2; "
            "committed was k0 to v1 at revision 1");
  EXPECT_EQ(ProblemOfPair({Transact(Pair(1, 2, false), 0, 1, kNever)}, {{1, 0, 1}}),
            "the transaction of client 1 on k0 (put k0 v1, put k1 v2) would have changed k0 to v1, "
            "k1 to v2; committed was k0 to v1 at revision 1");
}

TEST(WitnessOfTransactions, SeesHalfOfOneRead) {
  EXPECT_EQ(ProblemOfPair({Transact(Pair(1, 2, false), 1, 1, 2), Transact(Reads(1, 0), 1, 3, 4)},
                          {{1, 0, 1}, {1, 1, 2}}),
            "the transaction of client 1 on k0 (get k0, get k1) returned 'done, v1 v0', and would "
            "have 'done, v1 v2' if it saw revision 1");
}

TEST(WitnessOfTransactions, SeesARevisionForEachChange) {
  EXPECT_NE(ProblemOfPair({Transact(Pair(1, 2, false), 2, 1, 2)}, {{1, 0, 1}, {2, 1, 2}}), "");
}

TEST(WitnessOfTransactions, SeesACompareEvaluatedOnALaterState) {
  // k0 has v1 at the revision before, and v3 only from this one on.
  Record record{.compares = {{0, 3, true}},
                .success = {{Kind::kPut, 0, 3}},
                .failure = {{Kind::kGet, 0, 0}},
                .succeeded = true,
                .results = {{true, 0}}};
  EXPECT_NE(
      ProblemOfPair({Put(1, false, 1, 1, 2), Transact(record, 2, 3, 4)}, {{1, 0, 1}, {2, 0, 3}}),
      "");
  record.compares[0].value = 1;
  EXPECT_EQ(
      ProblemOfPair({Put(1, false, 1, 1, 2), Transact(record, 2, 3, 4)}, {{1, 0, 1}, {2, 0, 3}}),
      "");
}

TEST(WitnessOfTransactions, FindsWhoMadeAChangeWithoutAnOutcome) {
  const HistoryOperation put = Put(1, false, 1, 1, 2);
  EXPECT_EQ(
      ProblemOfPair({put, Transact(Move(1, 5), 0, 3, kNever)}, {{1, 0, 1}, {2, 0, 0}, {2, 1, 5}}),
      "");
  EXPECT_NE(
      ProblemOfPair({put, Transact(Move(1, 5), 0, 3, kNever)}, {{1, 0, 1}, {2, 0, 0}, {3, 1, 5}}),
      "");
  EXPECT_NE(
      ProblemOfPair({put, Transact(Move(7, 5), 0, 3, kNever)}, {{1, 0, 1}, {2, 0, 0}, {2, 1, 5}}),
      "")
      << "the compare did not hold";
  // By deletions alone.
  const Record both{.compares = {},
                    .success = {{Kind::kDelete, 0, 0}, {Kind::kDelete, 1, 0}},
                    .failure = {},
                    .succeeded = false,
                    .results = {}};
  const HistoryOperation pair = Transact(Pair(1, 2, false), 1, 1, 2);
  EXPECT_EQ(ProblemOfPair({pair, Transact(both, 0, 3, kNever)},
                          {{1, 0, 1}, {1, 1, 2}, {2, 0, 0}, {2, 1, 0}}),
            "");
  EXPECT_EQ(ProblemOfPair({pair, Transact(both, 0, 3, kNever)}, {{1, 0, 1}, {1, 1, 2}, {2, 0, 0}}),
            "nobody asked for the change of k0 to v0 at revision 2");
}

TEST(WitnessOfTransactions, SeesOneThatWasRefusedAndTookEffect) {
  EXPECT_EQ(ProblemOfPair({}, {{1, 0, 1}, {1, 1, 2}}, {Transact(Pair(1, 2, false), 0, 1, kNever)}),
            "the transaction of client 1 on k0 (put k0 v1, put k1 v2) was refused, and took effect "
            "at revision 1");
}

TEST(Witness, MakesAViolationOfWhatIsWrong) {
  EXPECT_EQ(RuleBrokenBy([] { RequireWitness({Put(7, false, 1, 1, 2)}, {}, {{1, 0, 7}}); }), "");
  EXPECT_EQ(RuleBrokenBy([] { RequireWitness({Put(7, false, 1, 1, 2)}, {}, {}); }), "witness");
}

}  // namespace
}  // namespace grassdb::sim
