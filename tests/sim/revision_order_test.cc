#include "sim/checkers/revision_order.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace grassdb::sim {
namespace {

// k0 and k1; the state is k0's value and 1000 times k1's.
class TwoKeys {
 public:
  explicit TwoKeys(std::vector<HistoryOperation> operations) : operations_(std::move(operations)) {}

  std::optional<std::uint64_t> Effect(std::uint32_t number, std::uint64_t state) const {
    const HistoryOperation& operation = operations_[number];
    if (operation.kind == OperationKind::kTransaction) {
      const auto& steps = operation.transaction->success;
      return steps[0].written + 1000 * steps[1].written;
    }
    const bool first = operation.key == 0;
    if (operation.kind == OperationKind::kPut) {
      return first ? state / 1000 * 1000 + operation.written
                   : state % 1000 + 1000 * operation.written;
    }
    return operation.read == (first ? state % 1000 : state / 1000) ? std::optional(state)
                                                                   : std::nullopt;
  }
  const std::vector<HistoryOperation>& operations() const { return operations_; }

 private:
  std::vector<HistoryOperation> operations_;
};

HistoryOperation At(std::uint64_t invoked, std::uint64_t returned, std::uint64_t revision) {
  HistoryOperation operation;
  operation.invoked = invoked;
  operation.returned = returned;
  operation.revision = revision;
  return operation;
}
HistoryOperation Put(std::uint32_t key, ValueNumber value, HistoryOperation operation) {
  operation.kind = OperationKind::kPut;
  operation.key = key;
  operation.written = value;
  return operation;
}
HistoryOperation Get(std::uint32_t key, ValueNumber value, HistoryOperation operation) {
  operation.kind = OperationKind::kGet;
  operation.key = key;
  operation.read = value;
  return operation;
}
// Of unknown outcome; puts a value into each key.
HistoryOperation PutBoth(ValueNumber first, ValueNumber second, std::uint64_t invoked) {
  using Step = TransactionRecord::Step;
  HistoryOperation operation = At(invoked, kNotReturned, 0);
  operation.kind = OperationKind::kTransaction;
  operation.transaction = std::make_shared<TransactionRecord>();
  operation.transaction->success = {
      Step{.kind = Step::Kind::kPut, .key = 0, .written = first},
      Step{.kind = Step::Kind::kPut, .key = 1, .written = second},
  };
  return operation;
}

bool Holds(std::vector<HistoryOperation> operations) {
  const TwoKeys model(std::move(operations));
  return RevisionOrder(model).Holds();
}

TEST(RevisionOrder, IsThatOfTheRevisionsThatAreNamed) {
  EXPECT_TRUE(Holds({Put(0, 1, At(1, 9, 11)), Put(0, 2, At(2, 8, 10)), Get(0, 1, At(10, 11, 11))}));
  EXPECT_FALSE(
      Holds({Put(0, 1, At(1, 9, 10)), Put(0, 2, At(2, 8, 11)), Get(0, 1, At(10, 11, 11))}));
}

TEST(RevisionOrder, KeepsEveryOperationInItsTime) {
  EXPECT_FALSE(Holds({Put(0, 1, At(1, 2, 11)), Put(0, 2, At(3, 4, 10)), Get(0, 1, At(5, 6, 11))}));
}

TEST(RevisionOrder, HasAnUnknownOneWhereTheNextNeedsIt) {
  EXPECT_TRUE(Holds({Put(0, 1, At(1, 2, 10)), PutBoth(5, 6, 3), Get(0, 5, At(4, 5, 11))}));
  EXPECT_FALSE(Holds({Put(0, 1, At(1, 2, 10)), PutBoth(5, 6, 3), Get(0, 5, At(4, 5, 10))}))
      << "it would have made another revision";
  EXPECT_FALSE(Holds({Put(0, 1, At(1, 2, 10)), PutBoth(5, 6, 9), Get(0, 5, At(4, 5, 11))}))
      << "it had not begun";
}

TEST(RevisionOrder, HasAnUnknownOneAtARevisionThatNobodyNames) {
  EXPECT_TRUE(Holds({Put(0, 1, At(1, 2, 10)), PutBoth(5, 6, 3), Put(1, 7, At(4, 5, 12)),
                     Get(0, 5, At(6, 7, 12)), Get(1, 7, At(8, 9, 12))}));
}

// Which may be of another key that has nothing to do with these.
TEST(RevisionOrder, TakesOfSeveralSuchRevisionsTheOneWithWhichTheRestFits) {
  EXPECT_TRUE(Holds({Put(0, 1, At(1, 2, 10)), PutBoth(5, 6, 3), Put(1, 7, At(4, 5, 12)),
                     Get(1, 7, At(6, 7, 13)), Put(1, 8, At(8, 9, 14)), Get(0, 5, At(10, 11, 14))}));
}

}  // namespace
}  // namespace grassdb::sim
