// sim/checkers/witness: the order of the log explains what the clients saw, or what is wrong is
// named.
#include "sim/checkers/witness.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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
  for (const ValueNumber value : values) changes.push_back({0, value});
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

}  // namespace
}  // namespace grassdb::sim
