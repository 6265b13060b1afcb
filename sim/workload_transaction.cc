// The transactions of several keys: a move or a swap is a compare, a put and a delete; a read of
// all of them shows whether others are whole.
#include <algorithm>
#include <utility>

#include "sim/checkers/client_answers.h"
#include "sim/checkers/told.h"
#include "sim/workload.h"

namespace grassdb::sim {
namespace {

using Step = TransactionRecord::Step;

// What a transaction's draws are about, within its own number. Append, never renumber.
enum Part : std::uint64_t {
  kShape = 1,
  kCount = 2,
  kCompares = 3,
  kKeys = 10,          // and the place of the key
  kComparedKeys = 20,  // and the place of the compare
  kRelations = 30,
  kTargets = 40,
  kSuccess = 50,  // and the place of the step
  kFailure = 60,
};

enum class Shape : std::uint64_t {
  kReads = 0,   // all keys at once
  kWrites = 1,  // all keys, whatever they have
  kMoves = 2,   // if they are as expected, and else reads
  kMixed = 3,   // anything in both branches
};

std::vector<Step> Gets(const std::vector<std::uint32_t>& keys) {
  std::vector<Step> steps;
  for (const std::uint32_t key : keys) steps.push_back({Step::Kind::kGet, key, 0});
  return steps;
}

}  // namespace

// Distinct, as far as there are so many.
std::vector<std::uint32_t> SimClient::DrawKeys(std::uint64_t random) const {
  const std::uint64_t count =
      std::min<std::uint64_t>(2 + Bounded(Derive(random, kCount), kTransactionKeysMax - 1), keys());
  std::vector<std::uint32_t> drawn;
  while (drawn.size() < count) {
    auto key = static_cast<std::uint32_t>(Bounded(Derive(random, kKeys + drawn.size()), keys()));
    while (std::ranges::find(drawn, key) != drawn.end()) key = (key + 1) % keys();
    drawn.push_back(key);
  }
  return drawn;
}

// A step for each key, most of them writes. `*puts` have been drawn before.
std::vector<Step> SimClient::DrawSteps(const std::vector<std::uint32_t>& keys, std::uint64_t random,
                                       std::uint64_t salt, std::uint64_t* puts) const {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    static constexpr Step::Kind kKinds[] = {Step::Kind::kPut, Step::Kind::kPut, Step::Kind::kDelete,
                                            Step::Kind::kGet};
    Step step{kKinds[Bounded(Derive(random, salt + i), std::size(kKinds))], keys[i], 0};
    if (step.kind == Step::Kind::kPut) step.written = FreshValue((*puts)++);
    steps.push_back(step);
  }
  return steps;
}

void SimClient::BeginTransaction(std::uint64_t random) {
  auto record = std::make_shared<TransactionRecord>();
  const std::vector<std::uint32_t> keys = DrawKeys(random);
  const auto shape = static_cast<Shape>(Bounded(Derive(random, kShape), 4));
  Transaction transaction;
  if (shape == Shape::kMoves || shape == Shape::kMixed) {
    const std::uint64_t compares = 1 + Bounded(Derive(random, kCompares), kTransactionComparesMax);
    for (std::uint64_t i = 0; i < compares; ++i) {
      const std::uint64_t draw = Derive(random, kComparedKeys + i);
      // Now and then of a key that it does not touch otherwise.
      const std::uint32_t key =
          draw % 4 == 0 ? static_cast<std::uint32_t>(Bounded(Derive(draw, 1), plan_.workload.keys))
                        : keys[Bounded(Derive(draw, 1), keys.size())];
      record->compares.push_back(
          {key, last_seen_[key].value, Derive(random, kRelations + i) % 4 != 0});
      transaction.compares.push_back(
          CompareOf(record->compares.back(), Derive(random, kTargets + i)));
    }
  }
  std::uint64_t puts = 0;
  record->success = shape == Shape::kReads ? Gets(keys) : DrawSteps(keys, random, kSuccess, &puts);
  if (shape == Shape::kMoves) record->failure = Gets(keys);
  if (shape == Shape::kMixed) {
    // It sees what it has done itself.
    record->success.push_back({Step::Kind::kGet, keys.front(), 0});
    record->failure = DrawSteps(keys, random, kFailure, &puts);
  }
  transaction.success = OperationsOf(record->success);
  transaction.failure = OperationsOf(record->failure);
  HistoryOperation operation;
  operation.kind = OperationKind::kTransaction;
  operation.key = keys.front();
  operation.transaction = std::move(record);
  Begin(operation, std::move(transaction));
}

// By the value, or by the revision that only this value has.
Compare SimClient::CompareOf(const TransactionRecord::Compare& compare,
                             std::uint64_t random) const {
  using Target = Compare::Target;
  using Relation = Compare::Relation;
  const Seen& seen = last_seen_[compare.key];
  Compare result;
  result.key = KeyText(compare.key);
  result.relation = compare.equal ? Relation::kEqual : Relation::kNotEqual;
  if (compare.value == 0) {
    result.target = Target::kVersion;  // a missing key has 0
  } else if (compare.equal && random % 2 == 0) {
    result.target = Target::kValue;
    result.value = ValueText(compare.value);
  } else {
    result.target = Target::kModRevision;
    result.number = seen.revision;
  }
  return result;
}

std::vector<Operation> SimClient::OperationsOf(const std::vector<Step>& steps) const {
  std::vector<Operation> operations;
  for (const Step& step : steps) {
    Operation operation;
    operation.key = KeyText(step.key);
    operation.kind = step.kind == Step::Kind::kGet      ? Operation::Kind::kGet
                     : step.kind == Step::Kind::kDelete ? Operation::Kind::kDelete
                                                        : Operation::Kind::kPut;
    if (step.kind == Step::Kind::kPut) operation.value = ValueText(step.written);
    operations.push_back(std::move(operation));
  }
  return operations;
}

void SimClient::NoteTransaction(HistoryOperation* operation, const CommandResult& result) {
  TransactionRecord& record = *operation->transaction;
  record.succeeded = result.succeeded;
  const std::vector<Step>& steps = record.branch(record.succeeded);
  ClientAnswers::CheckResults(steps.size(),
                              Told(told::kResultsOfTransaction, result.operations.size()));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const OperationResult& one = result.operations[i];
    const bool reads = step.kind == Step::Kind::kGet;
    record.results.push_back({one.found, reads && one.found ? NumberOf(one.value) : 0});
    Seen& seen = last_seen_[step.key];
    if (step.kind == Step::Kind::kPut) {
      seen = {step.written, operation->revision};
    } else if (step.kind == Step::Kind::kDelete) {
      seen = {};
    } else {
      // What it has written itself has its revision.
      const Seen read{record.results.back().read, one.mod_revision.value()};
      ClientAnswers::CheckOwnRead(read.value != 0 && record.MayWrite(read.value),
                                  Told(told::kOwnRead, read.revision), operation->revision);
      seen = read;
    }
  }
}

}  // namespace grassdb::sim
