#include "sim/checkers/linearizability.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "sim/checkers/linear_search.h"
#include "sim/checkers/revision_order.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

// The value after `operation`, which touches one key, took effect on `value`, or nullopt if it
// would have returned something else than it did.
std::optional<ValueNumber> Effect(const HistoryOperation& operation, ValueNumber value) {
  const bool returned = operation.returned != kNotReturned;
  switch (operation.kind) {
    case OperationKind::kGet:
      if (operation.read != value) return std::nullopt;
      return value;
    case OperationKind::kPut:
      if (returned && operation.found != (value != 0)) return std::nullopt;
      return operation.written;
    case OperationKind::kDelete:
      if (returned && operation.found != (value != 0)) return std::nullopt;
      return ValueNumber{0};
    case OperationKind::kCompareAndSet:
      if (returned && operation.succeeded != (value == operation.expected)) return std::nullopt;
      if (returned && operation.looked && operation.read != value) return std::nullopt;
      return value == operation.expected ? operation.written : value;
    case OperationKind::kTransaction:  // KeysModel
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

// Whether `operation` changes nothing, wherever it can return what it did.
bool Observes(const HistoryOperation& operation) {
  return operation.returned != kNotReturned && !operation.Changed();
}

// Of one key: the state is its value.
class KeyModel {
 public:
  KeyModel(std::vector<HistoryOperation> operations, const std::vector<std::uint32_t>& keys)
      : operations_(std::move(operations)) {
    GRASS_CHECK_EQ(keys.size(), 1u);
  }
  std::optional<std::uint64_t> Effect(std::uint32_t operation, std::uint64_t state) const {
    return grassdb::sim::Effect(operations_[operation], state);
  }
  bool Observes(std::uint32_t operation) const {
    return grassdb::sim::Observes(operations_[operation]);
  }
  const std::vector<HistoryOperation>& operations() const { return operations_; }
  std::size_t keys() const { return 1; }
  std::size_t Bytes() const { return 0; }
  std::string Describe(std::uint64_t state) const { return "the value v" + Decimal(state); }

 private:
  std::vector<HistoryOperation> operations_;
};

// The values of some keys together, each such row under a number of its own; 0 is that of none.
class Rows {
 public:
  explicit Rows(std::size_t width) : width_(width), values_(width), slots_(1024) {
    slots_[Hash(values_.data()) & (slots_.size() - 1)] = 1;
  }
  const ValueNumber* At(std::uint64_t number) const { return &values_[number * width_]; }
  std::size_t Bytes() const {
    return values_.capacity() * sizeof(ValueNumber) + slots_.capacity() * sizeof(std::uint32_t);
  }
  std::uint64_t NumberOf(const std::vector<ValueNumber>& row) {
    if (2 * (size() + 1) > slots_.size()) Grow();
    std::uint32_t& slot = Find(row.data());
    if (slot == 0) {
      values_.insert(values_.end(), row.begin(), row.end());
      slot = static_cast<std::uint32_t>(size());
    }
    return slot - 1;
  }

 private:
  std::size_t size() const { return values_.size() / width_; }
  std::uint64_t Hash(const ValueNumber* row) const {
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < width_; ++i) hash = Fold(hash, row[i]);
    return hash;
  }
  // The slot of the row, from 1, or the free one where it belongs.
  std::uint32_t& Find(const ValueNumber* row) {
    std::size_t at = Hash(row) & (slots_.size() - 1);
    while (slots_[at] != 0 && !std::equal(row, row + width_, At(slots_[at] - 1))) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return slots_[at];
  }
  void Grow() {
    slots_.assign(slots_.size() * 2, 0);
    for (std::uint64_t number = 0; number < size(); ++number) {
      Find(At(number)) = static_cast<std::uint32_t>(number + 1);
    }
  }

  std::size_t width_;
  std::vector<ValueNumber> values_;
  std::vector<std::uint32_t> slots_;  // open-addressed
};

// Of keys that transactions touch together.
class KeysModel {
 public:
  KeysModel(std::vector<HistoryOperation> operations, std::vector<std::uint32_t> keys)
      : operations_(std::move(operations)), keys_(std::move(keys)), rows_(keys_.size()) {}

  std::optional<std::uint64_t> Effect(std::uint32_t number, std::uint64_t state) const {
    const HistoryOperation& operation = operations_[number];
    const ValueNumber* row = rows_.At(state);
    if (operation.kind != OperationKind::kTransaction) {
      const std::size_t place = PlaceOf(operation.key);
      const auto value = grassdb::sim::Effect(operation, row[place]);
      if (!value.has_value()) return std::nullopt;
      return *value == row[place] ? state : With(state, {{operation.key, *value}});
    }
    const TransactionRecord& transaction = *operation.transaction;
    const TransactionEffect effect =
        EffectOf(transaction, [&](std::uint32_t key) { return row[PlaceOf(key)]; });
    if (operation.returned != kNotReturned &&
        (effect.succeeded != transaction.succeeded || effect.results != transaction.results)) {
      return std::nullopt;
    }
    return effect.writes.empty() ? state : With(state, effect.writes);
  }
  bool Observes(std::uint32_t operation) const {
    return grassdb::sim::Observes(operations_[operation]);
  }
  const std::vector<HistoryOperation>& operations() const { return operations_; }
  std::size_t keys() const { return keys_.size(); }
  std::size_t Bytes() const { return rows_.Bytes(); }
  std::string Describe(std::uint64_t state) const {
    std::string text = "the values";
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      text += " k" + Decimal(keys_[i]) + "=v" + Decimal(rows_.At(state)[i]);
    }
    return text;
  }

 private:
  std::size_t PlaceOf(std::uint32_t key) const {
    return static_cast<std::size_t>(std::ranges::lower_bound(keys_, key) - keys_.begin());
  }
  std::uint64_t With(std::uint64_t state, const std::vector<KeyWrite>& writes) const {
    row_.assign(rows_.At(state), rows_.At(state) + keys_.size());
    for (const auto& [key, value] : writes) row_[PlaceOf(key)] = value;
    return rows_.NumberOf(row_);
  }

  std::vector<HistoryOperation> operations_;
  std::vector<std::uint32_t> keys_;  // ascending
  mutable Rows rows_;
  mutable std::vector<ValueNumber> row_;  // kept for its memory
};

std::string Describe(const HistoryOperation& operation) {
  if (operation.client == kNobody) {
    return operation.kind == OperationKind::kGet
               ? "v" + Decimal(operation.read) + ", which the log has left there"
               : "v" + Decimal(operation.written) + ", which stood there at first";
  }
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
    case OperationKind::kTransaction:
      text += TextOf(*operation.transaction);
      if (operation.returned != kNotReturned) text += " -> " + ResultsOf(*operation.transaction);
      break;
    default:
      break;
  }
  if (operation.returned == kNotReturned) return text + ", outcome unknown";
  return text + ", between " + Decimal(operation.invoked) + " and " + Decimal(operation.returned);
}

// The search of one part of the history, which shares no key with the others.
class PartSearch {
 public:
  virtual ~PartSearch() = default;
  virtual SearchResult Run(std::uint64_t steps) = 0;
  virtual std::size_t Bytes() const = 0;
  // After kViolated.
  virtual std::string DescribeStuck() const = 0;
};

template <class Model>
class SearchBy final : public PartSearch {
 public:
  SearchBy(const std::vector<HistoryOperation>& operations, const std::vector<std::uint32_t>& keys)
      : search_(IntervalsOf(operations), Model(operations, keys)) {}
  SearchResult Run(std::uint64_t steps) override {
    // Writes of several keys that overlap have so many orders that a search which begins with the
    // wrong one seldom ends; so have those of one key that was not decided the first time.
    const bool is_hard = search_.model().keys() > 1 || std::exchange(searched_, true);
    if (is_hard && !std::exchange(guessed_, true) && RevisionOrder(search_.model()).Holds()) {
      return SearchResult::kLinearizable;
    }
    return search_.Run(steps);
  }
  std::size_t Bytes() const override { return search_.Bytes(); }
  std::string DescribeStuck() const override {
    const Stuck stuck = search_.stuck();
    const std::vector<HistoryOperation>& operations = search_.model().operations();
    return Decimal(stuck.ordered) + " of " + Decimal(operations.size()) +
           " operations can be ordered; then, with " + search_.model().Describe(stuck.state) +
           ", no order explains: " + Describe(operations[stuck.operation]);
  }

 private:
  static std::vector<Interval> IntervalsOf(const std::vector<HistoryOperation>& operations) {
    std::vector<Interval> intervals;
    intervals.reserve(operations.size());
    for (const HistoryOperation& operation : operations) {
      intervals.push_back({operation.invoked, operation.returned});
    }
    return intervals;
  }

  LinearSearch<Model> search_;
  bool searched_ = false;
  bool guessed_ = false;
};

struct Part {
  std::vector<std::uint32_t> keys;  // ascending
  std::unique_ptr<PartSearch> search;
};

// Keys that a transaction touches together belong together, and so do all that are so connected.
class Partition {
 public:
  explicit Partition(const std::vector<HistoryOperation>& history) {
    for (const HistoryOperation& operation : history) {
      first_.emplace(operation.key, operation.key);
      if (operation.kind != OperationKind::kTransaction) continue;
      for (const std::uint32_t key : operation.transaction->Keys()) Join(operation.key, key);
    }
  }
  std::uint32_t Of(std::uint32_t key) const {
    for (std::uint32_t first = first_.at(key); first != key; first = first_.at(key)) key = first;
    return key;
  }
  std::map<std::uint32_t, std::vector<std::uint32_t>> Parts() const {
    std::map<std::uint32_t, std::vector<std::uint32_t>> parts;
    for (const auto& [key, first] : first_) parts[Of(key)].push_back(key);
    return parts;
  }

 private:
  void Join(std::uint32_t one, std::uint32_t other) {
    first_.emplace(other, other);
    const std::uint32_t a = Of(one);
    const std::uint32_t b = Of(other);
    first_[std::max(a, b)] = std::min(a, b);
  }

  std::map<std::uint32_t, std::uint32_t> first_;  // by key: one before it in its part, or itself
};

std::vector<Part> PartsOf(const std::vector<HistoryOperation>& history) {
  const Partition partition(history);
  std::map<std::uint32_t, std::vector<HistoryOperation>> operations;
  for (const HistoryOperation& operation : history) {
    operations[partition.Of(operation.key)].push_back(operation);
  }
  std::vector<Part> parts;
  for (auto& [first, keys] : partition.Parts()) {
    const std::vector<HistoryOperation>& mine = operations.at(first);
    const bool plain = std::ranges::none_of(mine, [](const HistoryOperation& operation) {
      return operation.kind == OperationKind::kTransaction;
    });
    Part part;
    part.keys = keys;
    if (plain) {
      part.search = std::make_unique<SearchBy<KeyModel>>(mine, keys);
    } else {
      part.search = std::make_unique<SearchBy<KeysModel>>(mine, keys);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

// Between two looks at the memory.
constexpr std::uint64_t kStepsAtATime = 100'000;

// All parts side by side: the searches, and what has come of them.
class Searches {
 public:
  Searches(std::vector<Part> parts, const SearchBounds& bounds)
      : parts_(std::move(parts)), bounds_(bounds) {
    for (const Part& part : parts_) verdict_.counts.keys += part.keys.size();
  }

  LinearizabilityVerdict Run() && {
    std::uint64_t spent = 0;
    for (std::uint64_t budget = 20'000; !parts_.empty() && spent < bounds_.steps; budget *= 4) {
      const std::uint64_t steps = std::min(budget, bounds_.steps - spent);
      for (Part& part : parts_) {
        if (!Search(part, steps)) return std::move(verdict_);
      }
      std::erase_if(parts_, [](const Part& part) { return part.search == nullptr; });
      spent += steps;
    }
    for (Part& part : parts_) GiveUp(part);
    return std::move(verdict_);
  }

 private:
  // False if the part is a violation.
  bool Search(Part& part, std::uint64_t steps) {
    while (steps > 0 && part.search != nullptr) {
      const std::uint64_t some = std::min(steps, kStepsAtATime);
      const SearchResult result = part.search->Run(some);
      steps -= some;
      if (result == SearchResult::kViolated) {
        verdict_.violated_key = part.keys.front();
        verdict_.text = "key k" + Decimal(part.keys.front()) + ": " + part.search->DescribeStuck();
        return false;
      }
      const std::uint64_t bytes = Bytes();
      verdict_.counts.bytes_max = std::max(verdict_.counts.bytes_max, bytes);
      if (result == SearchResult::kLinearizable) {
        part.search.reset();
      } else if (bytes > bounds_.bytes) {
        // The one that takes most is the least likely to end.
        GiveUp(*std::ranges::max_element(parts_, {}, BytesOf));
      }
    }
    return true;
  }

  static std::size_t BytesOf(const Part& part) {
    return part.search == nullptr ? 0 : part.search->Bytes();
  }
  std::uint64_t Bytes() const {
    std::uint64_t bytes = 0;
    for (const Part& part : parts_) bytes += BytesOf(part);
    return bytes;
  }

  void GiveUp(Part& part) {
    part.search.reset();
    verdict_.counts.undecided += part.keys.size();
  }

  std::vector<Part> parts_;
  const SearchBounds bounds_;
  LinearizabilityVerdict verdict_;
};

}  // namespace

LinearizabilityVerdict CheckLinearizability(const std::vector<HistoryOperation>& history,
                                            const SearchBounds& bounds) {
  return Searches(PartsOf(history), bounds).Run();
}

SearchCounts RequireLinearizable(const std::vector<HistoryOperation>& history) {
  const LinearizabilityVerdict verdict = CheckLinearizability(history);
  GRASS_RULE("linearizability", !verdict.violated_key.has_value(), verdict.text);
  return verdict.counts;
}

}  // namespace grassdb::sim
