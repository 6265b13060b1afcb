// What the clients saw: every operation with when it was invoked, when it returned, and what came
// back. The only thing the black-box check of linearizability looks at.
#ifndef GRASSDB_SIM_HISTORY_H_
#define GRASSDB_SIM_HISTORY_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/transaction_record.h"

namespace grassdb::sim {

enum class OperationKind : std::uint8_t {
  kGet = 1,
  kPut = 2,
  kDelete = 3,
  kCompareAndSet = 4,
  kTakeSnapshot = 5,        // not part of the histories checked
  kTransferLeadership = 6,  // nor this
  kChangeMembership = 7,    // nor this
  kStaleGet = 8,            // of whatever a node has: for the witness only
  kSlip = 9,                // breaks a limit, and must be refused; nothing to check besides
  kCloseSession = 10,       // not part of the histories checked
  kTransaction = 11,        // of several keys
};

inline constexpr std::uint64_t kNotReturned = UINT64_MAX;

struct HistoryOperation {
  OperationKind kind = OperationKind::kGet;
  std::uint32_t client = 0;
  std::uint32_t key = 0;
  // Places in the one order of all invocations and returns. kNotReturned: the outcome is unknown,
  // the operation may take effect at any time after its invocation, or never.
  std::uint64_t invoked = 0;
  std::uint64_t returned = kNotReturned;
  ValueNumber expected = 0;  // kCompareAndSet
  ValueNumber written = 0;   // kPut, kCompareAndSet
  // What came back, if it returned.
  ValueNumber read = 0;    // kGet, kStaleGet, and a kCompareAndSet that `looked`
  bool looked = false;     // kCompareAndSet: it has read the key, and did not succeed
  bool found = false;      // kPut, kDelete: the key was there before
  bool succeeded = false;  // kCompareAndSet
  // Of the store that it saw or, if it changed something, made. For the witness only.
  std::uint64_t revision = 0;
  // kTransaction, and null for all others. `key` is one that it touches.
  std::shared_ptr<TransactionRecord> transaction;

  // Of one that returned.
  bool Changed() const {
    switch (kind) {
      case OperationKind::kPut:
        return true;
      case OperationKind::kDelete:
        return found;
      case OperationKind::kCompareAndSet:
        return succeeded;
      case OperationKind::kTransaction:
        return transaction->Changed();
      default:
        return false;
    }
  }
  // For a map to explain, as far as it had an effect or returned.
  bool IsChecked() const {
    return kind <= OperationKind::kCompareAndSet || kind == OperationKind::kTransaction;
  }
};

class History {
 public:
  // Returns a number to name the operation by.
  std::size_t Invoke(HistoryOperation operation) {
    operation.invoked = ++time_;
    operations_.push_back(operation);
    dropped_.push_back(0);
    return operations_.size() - 1;
  }
  HistoryOperation& At(std::size_t number) { return operations_[number]; }
  void Return(std::size_t number) { operations_[number].returned = ++time_; }
  // It certainly had no effect and told nobody anything.
  void Drop(std::size_t number) { dropped_[number] = 1; }

  // Without what was dropped and without reads of unknown outcome, which say nothing.
  std::vector<HistoryOperation> Checkable() const {
    std::vector<HistoryOperation> result;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const HistoryOperation& operation = operations_[i];
      if (dropped_[i] != 0 || !operation.IsChecked()) continue;
      if (operation.kind == OperationKind::kGet && operation.returned == kNotReturned) continue;
      result.push_back(operation);
    }
    return result;
  }
  // As Checkable, and the stale reads that returned.
  std::vector<HistoryOperation> Witnessed() const {
    std::vector<HistoryOperation> result = Checkable();
    for (const HistoryOperation& operation : operations_) {
      if (operation.kind != OperationKind::kStaleGet || operation.returned == kNotReturned)
        continue;
      result.push_back(operation);
    }
    return result;
  }
  // That anybody has been told of so far.
  std::uint64_t NewestRevision() const {
    std::uint64_t newest = 0;
    for (const HistoryOperation& operation : operations_) {
      if (operation.returned != kNotReturned) newest = std::max(newest, operation.revision);
    }
    return newest;
  }
  // What was dropped.
  std::vector<HistoryOperation> Refused() const {
    std::vector<HistoryOperation> result;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if (dropped_[i] != 0) result.push_back(operations_[i]);
    }
    return result;
  }

 private:
  std::uint64_t time_ = 0;
  std::vector<HistoryOperation> operations_;
  std::vector<std::uint8_t> dropped_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_HISTORY_H_
