#include "sim/checkers/linearizability.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "sim/random.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

HistoryOperation At(std::uint64_t invoked, std::uint64_t returned) {
  HistoryOperation operation;
  operation.invoked = invoked;
  operation.returned = returned;
  return operation;
}
HistoryOperation Put(ValueNumber value, bool found, std::uint64_t invoked, std::uint64_t returned) {
  HistoryOperation operation = At(invoked, returned);
  operation.kind = OperationKind::kPut;
  operation.written = value;
  operation.found = found;
  return operation;
}
HistoryOperation Get(ValueNumber value, std::uint64_t invoked, std::uint64_t returned) {
  HistoryOperation operation = At(invoked, returned);
  operation.kind = OperationKind::kGet;
  operation.read = value;
  return operation;
}
HistoryOperation Cas(ValueNumber expected, ValueNumber value, bool succeeded, std::uint64_t invoked,
                     std::uint64_t returned) {
  HistoryOperation operation = At(invoked, returned);
  operation.kind = OperationKind::kCompareAndSet;
  operation.expected = expected;
  operation.written = value;
  operation.succeeded = succeeded;
  return operation;
}
HistoryOperation Delete(bool found, std::uint64_t invoked, std::uint64_t returned) {
  HistoryOperation operation = At(invoked, returned);
  operation.kind = OperationKind::kDelete;
  operation.found = found;
  return operation;
}

bool Linearizable(const std::vector<HistoryOperation>& history) {
  const LinearizabilityVerdict verdict = CheckLinearizability(history);
  EXPECT_EQ(verdict.counts.undecided, 0u);
  return !verdict.violated_key.has_value();
}

TEST(Linearizability, AcceptsTheEmptyHistory) {
  EXPECT_TRUE(Linearizable({}));
}

TEST(Linearizability, AcceptsAReadThatOverlapsAWriteEitherWay) {
  EXPECT_TRUE(Linearizable({Put(1, false, 1, 4), Get(0, 2, 3)}));
  EXPECT_TRUE(Linearizable({Put(1, false, 1, 4), Get(1, 2, 3)}));
}

TEST(Linearizability, RejectsAStaleRead) {
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 2), Put(2, true, 3, 4), Get(1, 5, 6)}));
}

TEST(Linearizability, RejectsAReadThatGoesBack) {
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 6), Get(1, 2, 3), Get(0, 4, 5)}));
}

TEST(Linearizability, RejectsALostUpdate) {
  // Both replaced the same value.
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 2), Cas(1, 2, true, 3, 6), Cas(1, 3, true, 4, 5)}));
}

TEST(Linearizability, RejectsAReadOfAValueNobodyWrote) {
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 2), Get(7, 3, 4)}));
}

TEST(Linearizability, RejectsAWriteThatTookEffectTwice) {
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 2), Delete(true, 3, 4), Get(0, 5, 6), Get(1, 7, 8)}));
}

TEST(Linearizability, RejectsAWrongAnswerOfADelete) {
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 2), Delete(false, 3, 4)}));
  EXPECT_FALSE(Linearizable({Delete(true, 1, 2)}));
}

TEST(Linearizability, RejectsARefusedCompareThatHeld) {
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 2), Cas(1, 2, false, 3, 4)}));
}

TEST(Linearizability, RejectsWhatARefusedCompareHasNotRead) {
  HistoryOperation refused = Cas(2, 3, false, 3, 4);
  refused.looked = true;
  refused.read = 1;
  EXPECT_TRUE(Linearizable({Put(1, false, 1, 2), refused}));
  refused.read = 4;
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 2), refused}));
}

TEST(Linearizability, LetsAnUnknownWriteTakeEffectLateOrNever) {
  const HistoryOperation unknown = Put(9, false, 1, kNotReturned);
  EXPECT_TRUE(Linearizable({unknown, Get(0, 2, 3)}));
  EXPECT_TRUE(Linearizable({unknown, Get(9, 2, 3)}));
  EXPECT_TRUE(Linearizable({unknown, Get(0, 2, 3), Get(9, 4, 5)}));
}

TEST(Linearizability, LetsAnUnknownWriteTakeEffectOnceOnly) {
  const HistoryOperation unknown = Put(9, false, 1, kNotReturned);
  EXPECT_FALSE(Linearizable({unknown, Get(9, 2, 3), Get(0, 4, 5)}));
  EXPECT_FALSE(Linearizable({unknown, Get(9, 2, 3), Put(1, true, 4, 5), Get(9, 6, 7)}));
  EXPECT_FALSE(Linearizable({Get(9, 1, 2), Put(9, false, 3, kNotReturned)}));
}

TEST(Linearizability, DoesNotTakeAWriteOfWhatIsThereForARead) {
  const std::vector<HistoryOperation> history = {Put(2, true, 1, 4), Cas(2, 1, true, 2, 5),
                                                 Cas(0, 2, true, 3, kNotReturned), Get(2, 6, 7)};
  EXPECT_TRUE(Linearizable(history));
}

TEST(Linearizability, NamesTheKeyThatIsWrong) {
  std::vector<HistoryOperation> history = {Put(1, false, 1, 2), Put(2, false, 3, 4), Get(0, 5, 6)};
  history[1].key = 5;
  history[2].key = 5;
  EXPECT_EQ(CheckLinearizability(history).violated_key, 5u);
}

TEST(Linearizability, SaysWhenItGivesUp) {
  const LinearizabilityVerdict verdict =
      CheckLinearizability({Put(1, false, 1, 2), Get(1, 3, 4)}, {.steps = 1});
  EXPECT_EQ(verdict.counts.keys, 1u);
  EXPECT_EQ(verdict.counts.undecided, 1u);
}

// Puts that all overlap; the one that was invoked first took effect last. Each has a revision.
std::vector<HistoryOperation> Tangle(std::uint32_t key) {
  constexpr std::uint64_t kPuts = 40;
  std::vector<HistoryOperation> history = {Put(100, false, 1, 2)};
  for (std::uint64_t i = 1; i <= kPuts; ++i) {
    history.push_back(Put(i, true, 10 + i, 1000 + i));
    history.back().revision = 100 - i;
  }
  history.push_back(Get(1, 2000, 2001));
  history.back().revision = 99;
  for (HistoryOperation& operation : history) operation.key = key;
  return history;
}

TEST(Linearizability, DecidesAHardHistoryByItsRevisions) {
  EXPECT_TRUE(Linearizable(Tangle(1)));
  std::vector<HistoryOperation> wrong = Tangle(1);
  wrong.push_back(Get(2, 3000, 3001));
  wrong.back().key = 1;
  wrong.back().revision = 99;
  const LinearizabilityVerdict verdict = CheckLinearizability(wrong, {.steps = 200'000});
  EXPECT_EQ(verdict.counts.undecided, 1u) << "the guess has to hold for all of it";
}

TEST(Linearizability, GivesUpBeforeTheMemoryIsGone) {
  std::vector<HistoryOperation> history;
  for (std::uint32_t key = 1; key <= 6; ++key) {
    for (HistoryOperation& operation : Tangle(key)) {
      operation.revision = 0;
      history.push_back(operation);
    }
  }
  history.push_back(Put(1, false, 1, 2));
  history.back().key = 7;
  history.push_back(Get(2, 3, 4));
  history.back().key = 7;
  const SearchBounds bounds = {.steps = 2'000'000, .bytes = 16 * 1024 * 1024};
  EXPECT_EQ(CheckLinearizability(history, bounds).violated_key, 7u);
  history.pop_back();
  const LinearizabilityVerdict verdict = CheckLinearizability(history, bounds);
  EXPECT_EQ(verdict.counts.keys, 7u);
  EXPECT_EQ(verdict.counts.undecided, 6u);
  EXPECT_LT(verdict.counts.bytes_max, 3 * bounds.bytes);
}

// --- Transactions ---

using Record = TransactionRecord;
using Kind = Record::Step::Kind;

HistoryOperation Transact(Record record, std::uint64_t invoked, std::uint64_t returned) {
  HistoryOperation operation = At(invoked, returned);
  operation.kind = OperationKind::kTransaction;
  operation.transaction = std::make_shared<Record>(std::move(record));
  return operation;
}
HistoryOperation OnKeyOne(HistoryOperation operation) {
  operation.key = 1;
  return operation;
}
// Puts `a` into k0 and `b` into k1, which are empty.
Record Pair(ValueNumber a, ValueNumber b) {
  return {.compares = {},
          .success = {{Kind::kPut, 0, a}, {Kind::kPut, 1, b}},
          .failure = {},
          .succeeded = true,
          .results = {{false, 0}, {false, 0}}};
}
Record Reads(ValueNumber a, ValueNumber b) {
  return {.compares = {},
          .success = {{Kind::kGet, 0, 0}, {Kind::kGet, 1, 0}},
          .failure = {},
          .succeeded = true,
          .results = {{a != 0, a}, {b != 0, b}}};
}
// Puts `written` into k1 if k0 has `expected`.
Record If(ValueNumber expected, bool equal, ValueNumber written, bool succeeded) {
  Record record{.compares = {{0, expected, equal}},
                .success = {{Kind::kPut, 1, written}},
                .failure = {},
                .succeeded = succeeded,
                .results = {}};
  if (succeeded) record.results = {{false, 0}};
  return record;
}

TEST(LinearizabilityOfTransactions, AcceptsWhatAMapWouldGive) {
  EXPECT_TRUE(Linearizable({Transact(Pair(1, 2), 1, 4), Transact(Reads(0, 0), 2, 3)}));
  EXPECT_TRUE(Linearizable({Transact(Pair(1, 2), 1, 4), Transact(Reads(1, 2), 2, 3)}));
  EXPECT_TRUE(Linearizable({Transact(Pair(1, 2), 1, kNotReturned), Get(0, 2, 3), Get(1, 4, 5)}));
}

TEST(LinearizabilityOfTransactions, SeesHalfOfOne) {
  EXPECT_FALSE(Linearizable({Transact(Pair(1, 2), 1, 4), Transact(Reads(1, 0), 2, 3)}));
  // Each key alone would have an order: k0 is new before k1 is read as missing.
  EXPECT_FALSE(Linearizable({Transact(Pair(1, 2), 1, 10), Get(1, 2, 3), OnKeyOne(Get(0, 4, 5))}));
  EXPECT_FALSE(
      Linearizable({Transact(Pair(1, 2), 1, kNotReturned), Get(1, 2, 3), OnKeyOne(Get(0, 4, 5))}));
}

TEST(LinearizabilityOfTransactions, SeesACompareEvaluatedOnALaterState) {
  // k0 gets v1 only after the transaction has returned.
  EXPECT_TRUE(Linearizable({Transact(If(1, true, 7, false), 1, 2), Put(1, false, 3, 4)}));
  EXPECT_FALSE(Linearizable({Transact(If(1, true, 7, true), 1, 2), Put(1, false, 3, 4)}));
  EXPECT_TRUE(Linearizable({Transact(If(1, true, 7, true), 1, 4), Put(1, false, 2, 3)}));
  EXPECT_FALSE(Linearizable({Put(1, false, 1, 2), Transact(If(1, false, 7, true), 3, 4)}));
}

TEST(LinearizabilityOfTransactions, LeavesOtherKeysToThemselves) {
  HistoryOperation stale = Get(0, 7, 8);
  stale.key = 9;
  HistoryOperation put = Put(5, false, 5, 6);
  put.key = 9;
  EXPECT_EQ(
      CheckLinearizability({Transact(Pair(1, 2), 1, 2), Transact(Reads(1, 2), 3, 4), put, stale})
          .violated_key,
      9u);
}

TEST(Linearizability, MakesAViolationOfAHistoryThatIsNot) {
  EXPECT_EQ(RuleBrokenBy([] { RequireLinearizable({Put(1, false, 1, 2), Get(1, 3, 4)}); }), "");
  EXPECT_EQ(RuleBrokenBy([] {
              RequireLinearizable({Put(1, false, 1, 2), Get(0, 3, 4)});
            }),
            "linearizability");
}

// A correct register, driven by clients whose operations take effect at a drawn moment between
// invocation and return: always linearizable. One read of it made stale: never.
class DrawnHistory : public ::testing::TestWithParam<std::uint64_t> {};

std::vector<HistoryOperation> Draw(std::uint64_t seed) {
  const Keyed random(seed);
  std::vector<HistoryOperation> history;
  std::uint64_t busy_until[4] = {};
  ValueNumber state = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    // Operation i takes effect at 1000 * i; its client was not busy before.
    const std::uint64_t client = Bounded(random(Stream::kWorkload, i, 1), 4);
    const std::uint64_t effect = 1000 * (i + 10);
    if (busy_until[client] >= effect) continue;
    const std::uint64_t earliest = std::max(busy_until[client] + 1, effect - 4000);
    const std::uint64_t invoked = Between(random(Stream::kWorkload, i, 2), earliest, effect) * 2;
    const std::uint64_t returned =
        Between(random(Stream::kWorkload, i, 3), effect, effect + 4000) * 2 + 1;
    busy_until[client] = returned / 2;
    const std::uint64_t kind = Bounded(random(Stream::kWorkload, i, 4), 4);
    if (kind == 0) {
      history.push_back(Put(i + 1, state != 0, invoked, returned));
      state = i + 1;
    } else if (kind == 1) {
      history.push_back(Delete(state != 0, invoked, returned));
      state = 0;
    } else if (kind == 2) {
      history.push_back(Cas(state, i + 1, true, invoked, returned));
      state = i + 1;
    } else {
      history.push_back(Get(state, invoked, returned));
    }
    if (kind < 3 && Bounded(random(Stream::kWorkload, i, 5), 8) == 0) {
      history.back().returned = kNotReturned;
    }
  }
  return history;
}

TEST_P(DrawnHistory, OfACorrectRegisterIsLinearizable) {
  EXPECT_TRUE(Linearizable(Draw(GetParam())));
}

TEST_P(DrawnHistory, WithAReadOfALongGoneValueIsNot) {
  std::vector<HistoryOperation> history = Draw(GetParam());
  std::uint64_t end = 0;
  for (const HistoryOperation& operation : history) {
    if (operation.returned != kNotReturned) end = std::max(end, operation.returned);
  }
  history.push_back(Put(100'000, true, end + 1, end + 2));
  history.back().returned = end + 2;
  history.push_back(Get(100'000, end + 3, end + 4));
  const auto first = std::ranges::find_if(history, [](const HistoryOperation& operation) {
    return operation.kind == OperationKind::kPut && operation.returned != kNotReturned;
  });
  history.push_back(Get(first->written, end + 5, end + 6));
  EXPECT_TRUE(CheckLinearizability(history).violated_key.has_value());
}

INSTANTIATE_TEST_SUITE_P(Seeds, DrawnHistory, ::testing::Range<std::uint64_t>(1, 41));

}  // namespace
}  // namespace grassdb::sim
