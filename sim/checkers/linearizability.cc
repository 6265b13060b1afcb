#include "sim/checkers/linearizability.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "sim/checkers/linear_search.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

using State = ValueNumber;  // of the one key

// The state after `operation` took effect on `state`, or nullopt if it would have returned
// something else than it did.
std::optional<State> Effect(const HistoryOperation& operation, State state) {
  const bool returned = operation.returned != kNotReturned;
  switch (operation.kind) {
    case OperationKind::kGet:
      if (operation.read != state) return std::nullopt;
      return state;
    case OperationKind::kPut:
      if (returned && operation.found != (state != 0)) return std::nullopt;
      return operation.written;
    case OperationKind::kDelete:
      if (returned && operation.found != (state != 0)) return std::nullopt;
      return State{0};
    case OperationKind::kCompareAndSet:
      if (returned && operation.succeeded != (state == operation.expected)) return std::nullopt;
      if (returned && operation.looked && operation.read != state) return std::nullopt;
      return state == operation.expected ? operation.written : state;
    case OperationKind::kTakeSnapshot:
    case OperationKind::kTransferLeadership:
    case OperationKind::kChangeMembership:
    case OperationKind::kStaleGet:
    case OperationKind::kSlip:
    case OperationKind::kCloseSession:
      break;
  }
  return std::nullopt;
}

class KeyModel {
 public:
  explicit KeyModel(std::vector<HistoryOperation> operations)
      : operations_(std::move(operations)) {}
  std::optional<State> Effect(std::uint32_t operation, State state) const {
    return grassdb::sim::Effect(operations_[operation], state);
  }
  const std::vector<HistoryOperation>& operations() const { return operations_; }

 private:
  std::vector<HistoryOperation> operations_;
};

using Search = LinearSearch<KeyModel>;

std::unique_ptr<Search> SearchOf(std::vector<HistoryOperation> operations) {
  std::vector<Interval> intervals;
  intervals.reserve(operations.size());
  for (const HistoryOperation& operation : operations) {
    intervals.push_back({operation.invoked, operation.returned});
  }
  return std::make_unique<Search>(std::move(intervals), KeyModel(std::move(operations)));
}

std::string Describe(const HistoryOperation& operation) {
  std::string text = "client " + Decimal(operation.client + 1) + ", ";
  switch (operation.kind) {
    case OperationKind::kGet:
      text += "get -> v" + Decimal(operation.read);
      break;
    case OperationKind::kPut:
      text += "put v" + Decimal(operation.written) + (operation.found ? " -> replaced" : " -> new");
      break;
    case OperationKind::kDelete:
      text += operation.found ? "delete -> found" : "delete -> missing";
      break;
    case OperationKind::kCompareAndSet:
      text += "compare-and-set v" + Decimal(operation.expected) + " to v" +
              Decimal(operation.written) + (operation.succeeded ? " -> done" : " -> refused") +
              (operation.looked ? " by v" + Decimal(operation.read) : "");
      break;
    default:
      break;
  }
  if (operation.returned == kNotReturned) return text + ", outcome unknown";
  return text + ", between " + Decimal(operation.invoked) + " and " + Decimal(operation.returned);
}

std::string DescribeStuck(const Search& search) {
  const Stuck stuck = search.stuck();
  const std::vector<HistoryOperation>& operations = search.model().operations();
  return Decimal(stuck.ordered) + " of " + Decimal(operations.size()) +
         " operations can be ordered; then, with the value v" + Decimal(stuck.state) +
         ", no order explains: " + Describe(operations[stuck.operation]);
}

}  // namespace

LinearizabilityVerdict CheckLinearizability(const std::vector<HistoryOperation>& history,
                                            std::uint64_t steps_max) {
  std::map<std::uint32_t, std::vector<HistoryOperation>> by_key;
  for (const HistoryOperation& operation : history) by_key[operation.key].push_back(operation);
  std::vector<std::pair<std::uint32_t, std::unique_ptr<Search>>> searches;
  for (auto& [key, operations] : by_key) {
    searches.emplace_back(key, SearchOf(std::move(operations)));
  }
  LinearizabilityVerdict verdict;
  std::uint64_t spent = 0;
  for (std::uint64_t budget = 20'000; !searches.empty() && spent < steps_max; budget *= 4) {
    const std::uint64_t steps = std::min(budget, steps_max - spent);
    for (auto& [key, search] : searches) {
      const SearchResult result = search->Run(steps);
      if (result == SearchResult::kSearching) continue;
      if (result == SearchResult::kViolated) {
        verdict.violated_key = key;
        verdict.text = "key k" + Decimal(key) + ": " + DescribeStuck(*search);
        return verdict;
      }
      search.reset();
    }
    std::erase_if(searches, [](const auto& entry) { return entry.second == nullptr; });
    spent += steps;
  }
  verdict.undecided = searches.size();
  return verdict;
}

}  // namespace grassdb::sim
