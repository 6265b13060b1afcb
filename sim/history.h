// What the clients saw: every operation with when it was invoked, when it returned, and what came
// back. The only thing the black-box check of linearizability looks at.
#ifndef GRASSDB_SIM_HISTORY_H_
#define GRASSDB_SIM_HISTORY_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
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
inline constexpr std::uint64_t kNotOver = UINT64_MAX;
// The client of what stands at the ends of a part of a history (checkers/history_parts.h).
inline constexpr std::uint32_t kNobody = UINT32_MAX;

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
  // The newest revision that anybody had been told of when it was invoked. History sets it.
  std::uint64_t told = 0;
  // Of the last attempt that was sent of a write; 0: none was.
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  // Of one of unknown outcome that was found to be over: whatever it did was done at this revision.
  std::uint64_t over_at = kNotOver;
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
    operation.told = told_;
    records_.push_back({next_, Fate::kUnderWay, std::move(operation)});
    return next_++;
  }
  HistoryOperation& At(std::size_t number) { return RecordOf(number).operation; }
  // With all that came back in it.
  void Return(std::size_t number) {
    Record& record = RecordOf(number);
    record.fate = Fate::kReturned;
    record.operation.returned = ++time_;
    told_ = std::max(told_, record.operation.revision);
  }
  // It may take effect at any time, or never; nobody waits for it any more.
  void GiveUp(std::size_t number) { RecordOf(number).fate = Fate::kUnknown; }
  // It certainly had no effect and told nobody anything.
  void Drop(std::size_t number) { RecordOf(number).fate = Fate::kDropped; }

  // Without what was dropped and without reads of unknown outcome, which say nothing.
  std::vector<HistoryOperation> Checkable() const {
    std::vector<HistoryOperation> result;
    for (const auto& [number, fate, operation] : records_) {
      if (fate == Fate::kDropped || !operation.IsChecked()) continue;
      if (operation.kind == OperationKind::kGet && fate != Fate::kReturned) continue;
      result.push_back(operation);
    }
    return result;
  }
  // As Checkable, and the stale reads that returned.
  std::vector<HistoryOperation> Witnessed() const {
    std::vector<HistoryOperation> result = Checkable();
    for (const auto& [number, fate, operation] : records_) {
      if (operation.kind == OperationKind::kStaleGet && fate == Fate::kReturned) {
        result.push_back(operation);
      }
    }
    return result;
  }
  // What was dropped.
  std::vector<HistoryOperation> Refused() const {
    std::vector<HistoryOperation> result;
    for (const auto& [number, fate, operation] : records_) {
      if (fate == Fate::kDropped) result.push_back(operation);
    }
    return result;
  }
  // That anybody has been told of so far.
  std::uint64_t NewestRevision() const { return told_; }
  // That somebody had been told of when the oldest of the operations under way was invoked.
  std::uint64_t ToldBeforeTheOldest() const {
    for (const auto& [number, fate, operation] : records_) {
      if (fate == Fate::kUnderWay) return operation.told;
    }
    return told_;
  }

  // Of all that was invoked since Forget, how many.
  std::size_t size() const { return records_.size() - kept_; }
  // Without what transactions hold.
  std::size_t Bytes() const { return records_.capacity() * sizeof(Record); }
  // The last invocation or return so far.
  std::uint64_t now() const { return time_; }
  // Forgets what has returned or was dropped, and of what was given up that which `is_over`. The
  // others keep their numbers.
  template <class IsOver>
  void Forget(IsOver is_over) {
    std::erase_if(records_, [&](Record& record) {
      switch (record.fate) {
        case Fate::kUnderWay:
          return false;
        case Fate::kUnknown:
          return !record.operation.IsChecked() || record.operation.kind == OperationKind::kGet ||
                 is_over(record.operation);
        case Fate::kReturned:
        case Fate::kDropped:
          break;
      }
      return true;
    });
    kept_ = records_.size();
    first_ = next_;
  }

 private:
  enum class Fate : std::uint8_t { kUnderWay, kReturned, kUnknown, kDropped };
  struct Record {
    std::size_t number = 0;
    Fate fate = Fate::kUnderWay;
    HistoryOperation operation;
  };

  // Of one that was not forgotten.
  Record& RecordOf(std::size_t number) {
    if (number >= first_) return records_[kept_ + (number - first_)];
    const auto kept = records_.begin() + static_cast<std::ptrdiff_t>(kept_);
    return *std::ranges::lower_bound(records_.begin(), kept, number, {}, &Record::number);
  }

  std::uint64_t time_ = 0;
  std::uint64_t told_ = 0;
  std::size_t next_ = 0;
  std::size_t first_ = 0;        // number of the first that was invoked since Forget
  std::size_t kept_ = 0;         // of the records, those that Forget has left
  std::vector<Record> records_;  // by number
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_HISTORY_H_
