#include "sim/checkers/witness.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sim/text.h"

namespace grassdb::sim {
namespace {

using Problem = std::optional<std::string>;

std::string NameOf(const HistoryOperation& operation) {
  static constexpr const char* kNames[] = {"?",
                                           "get",
                                           "put",
                                           "delete",
                                           "compare-and-set",
                                           "snapshot",
                                           "transfer",
                                           "membership change",
                                           "stale get"};
  std::string text = std::string("the ") + kNames[static_cast<std::size_t>(operation.kind)] +
                     " of client " + Decimal(operation.client + 1) + " on k" +
                     Decimal(operation.key);
  if (operation.written != 0) text += " of v" + Decimal(operation.written);
  return text;
}

class Witness {
 public:
  Witness(const std::vector<HistoryOperation>& history, const std::vector<CommittedChange>& changes)
      : history_(history), changes_(changes), makers_(changes.size(), nullptr) {}

  Problem Check(const std::vector<HistoryOperation>& refused) {
    if (Problem problem = ReadChanges(); problem.has_value()) return problem;
    for (const HistoryOperation& operation : refused) {
      if (operation.written != 0 && revision_of_.contains(operation.written)) {
        return NameOf(operation) + " was refused, and took effect at revision " +
               Decimal(revision_of_[operation.written]);
      }
    }
    for (const HistoryOperation& operation : history_) {
      if (operation.returned == kNotReturned) continue;
      if (Problem problem = CheckEffect(operation); problem.has_value()) return problem;
    }
    if (Problem problem = FindMakers(); problem.has_value()) return problem;
    return CheckTimes();
  }

 private:
  Problem ReadChanges() {
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      const CommittedChange& change = changes_[i];
      by_key_[change.key].emplace_back(i + 1, change.value);
      if (change.value != 0 && !revision_of_.emplace(change.value, i + 1).second) {
        return "v" + Decimal(change.value) + " was written at revision " +
               Decimal(revision_of_[change.value]) + " and again at " + Decimal(i + 1);
      }
    }
    return std::nullopt;
  }

  ValueNumber ValueAt(std::uint32_t key, std::uint64_t revision) const {
    const auto of_key = by_key_.find(key);
    if (of_key == by_key_.end()) return 0;
    const auto after = std::ranges::upper_bound(of_key->second, revision, {},
                                                &std::pair<std::uint64_t, ValueNumber>::first);
    return after == of_key->second.begin() ? 0 : std::prev(after)->second;
  }

  static bool Changes(const HistoryOperation& operation) {
    return operation.kind == OperationKind::kPut ||
           (operation.kind == OperationKind::kDelete && operation.found) ||
           (operation.kind == OperationKind::kCompareAndSet && operation.succeeded);
  }

  // Of one that returned: against a plain map at its revision.
  Problem CheckEffect(const HistoryOperation& operation) {
    const std::uint64_t at = operation.revision;
    const std::string where = " at revision " + Decimal(at);
    if (at > changes_.size())
      return NameOf(operation) + " returned" + where + ", which is not committed";
    const ValueNumber after = ValueAt(operation.key, at);
    if (!Changes(operation)) {
      const bool reads = operation.kind == OperationKind::kGet ||
                         operation.kind == OperationKind::kStaleGet || operation.looked;
      const bool fits =
          (!reads || operation.read == after) &&
          (operation.kind != OperationKind::kDelete || after == 0) &&
          (operation.kind != OperationKind::kCompareAndSet || after != operation.expected);
      if (fits) return std::nullopt;
      return NameOf(operation) + " does not fit the value v" + Decimal(after) + where;
    }
    if (at == 0 || changes_[at - 1].key != operation.key ||
        changes_[at - 1].value != operation.written) {
      return NameOf(operation) + " is not what was committed" + where;
    }
    const ValueNumber before = ValueAt(operation.key, at - 1);
    const bool fits = operation.kind == OperationKind::kCompareAndSet
                          ? before == operation.expected
                          : operation.found == (before != 0);
    if (!fits)
      return NameOf(operation) + " does not fit the value v" + Decimal(before) + " before it" +
             where;
    if (makers_[at - 1] != nullptr)
      return NameOf(operation) + " and " + NameOf(*makers_[at - 1]) + " both made the change" +
             where;
    makers_[at - 1] = &operation;
    return std::nullopt;
  }

  // Of the changes whose operations did not return: by their values. A deletion has none; it is
  // taken for the earliest one that may have made it.
  Problem FindMakers() {
    std::map<std::uint32_t, const HistoryOperation*> deletes;
    for (const HistoryOperation& operation : history_) {
      if (operation.returned != kNotReturned) continue;
      if (operation.kind == OperationKind::kDelete) {
        const auto [first, added] = deletes.emplace(operation.key, &operation);
        if (!added && operation.invoked < first->second->invoked) first->second = &operation;
        continue;
      }
      const auto at = revision_of_.find(operation.written);
      if (at == revision_of_.end()) continue;
      if (changes_[at->second - 1].key != operation.key)
        return NameOf(operation) + " changed another key";
      makers_[at->second - 1] = &operation;
    }
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      if (makers_[i] != nullptr) continue;
      const CommittedChange& change = changes_[i];
      const auto may = deletes.find(change.key);
      if (change.value != 0 || may == deletes.end()) {
        return "nobody asked for the change of k" + Decimal(change.key) + " to v" +
               Decimal(change.value) + " at revision " + Decimal(i + 1);
      }
      makers_[i] = may->second;
    }
    return std::nullopt;
  }

  Problem CheckTimes() const {
    // By revision: when the last of the changes up to it was asked for.
    std::vector<std::uint64_t> asked(changes_.size() + 1, 0);
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      asked[i + 1] = std::max(asked[i], makers_[i]->invoked);
    }
    std::vector<std::pair<std::uint64_t, const HistoryOperation*>> places;
    for (const HistoryOperation& operation : history_) {
      if (operation.returned == kNotReturned) continue;
      places.emplace_back(operation.invoked, &operation);
      places.emplace_back(operation.returned, &operation);
    }
    std::ranges::sort(places, {}, &std::pair<std::uint64_t, const HistoryOperation*>::first);
    std::uint64_t reached = 0;  // the newest revision that anybody was told of
    std::map<const HistoryOperation*, std::uint64_t> reached_at_invocation;
    for (const auto& [place, operation] : places) {
      if (place == operation->invoked) {
        reached_at_invocation.emplace(operation, reached);
        continue;
      }
      const bool stale = operation->kind == OperationKind::kStaleGet;
      const std::uint64_t floor =
          stale ? 0 : reached_at_invocation.at(operation) + (Changes(*operation) ? 1 : 0);
      if (operation->revision < floor) {
        return NameOf(*operation) + " returned at revision " + Decimal(operation->revision) +
               ", after " + Decimal(reached_at_invocation.at(operation)) +
               " had been told before it was asked for";
      }
      if (asked[operation->revision] > operation->returned) {
        return NameOf(*operation) + " returned at revision " + Decimal(operation->revision) +
               " before a change up to there was asked for";
      }
      // Of a stale read as well: what a node has applied is committed.
      reached = std::max(reached, operation->revision);
    }
    return std::nullopt;
  }

  const std::vector<HistoryOperation>& history_;
  const std::vector<CommittedChange>& changes_;
  std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, ValueNumber>>> by_key_;
  std::map<ValueNumber, std::uint64_t> revision_of_;
  std::vector<const HistoryOperation*> makers_;  // by revision - 1
};

}  // namespace

std::optional<std::string> CheckWitness(const std::vector<HistoryOperation>& history,
                                        const std::vector<HistoryOperation>& refused,
                                        const std::vector<CommittedChange>& changes) {
  return Witness(history, changes).Check(refused);
}

}  // namespace grassdb::sim
