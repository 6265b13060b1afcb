#include "sim/checkers/witness.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/check.h"
#include "sim/text.h"
#include "sim/violation.h"

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
                                           "stale get",
                                           "slip",
                                           "close of the session",
                                           "transaction"};
  std::string text = std::string("the ") + kNames[static_cast<std::size_t>(operation.kind)] +
                     " of client " + Decimal(operation.client + 1) + " on k" +
                     Decimal(operation.key);
  if (operation.written != 0) text += " of v" + Decimal(operation.written);
  if (operation.transaction != nullptr) text += " (" + TextOf(*operation.transaction) + ")";
  return text;
}

std::string TextOf(const std::vector<KeyWrite>& writes) {
  std::string text;
  for (const auto& [key, value] : writes) {
    text += (text.empty() ? "k" : ", k") + Decimal(key) + " to v" + Decimal(value);
  }
  return text.empty() ? "nothing" : text;
}

class Witness {
 public:
  Witness(const std::vector<HistoryOperation>& history, const std::vector<CommittedChange>& changes,
          const WitnessBase& base)
      : history_(history), base_(base) {
    for (const CommittedChange& change : changes) {
      if (change.revision > last()) writes_.emplace_back();
      GRASS_CHECK_EQ(change.revision, last());
      writes_.back().emplace_back(change.key, change.value);
    }
    makers_.resize(writes_.size());
  }

  Problem Check(const std::vector<HistoryOperation>& refused) {
    if (Problem problem = ReadChanges(); problem.has_value()) return problem;
    for (const HistoryOperation& operation : refused) {
      if (const auto at = RevisionMadeBy(operation); at.has_value()) {
        return NameOf(operation) + " was refused, and took effect at revision " + Decimal(*at);
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
  using Writes = std::vector<KeyWrite>;

  Problem ReadChanges() {
    for (std::uint64_t at = base_.revision + 1; at <= last(); ++at) {
      for (const auto& [key, value] : WritesAt(at)) {
        by_key_[key].emplace_back(at, value);
        if (value != 0 && !revision_of_.emplace(value, at).second) {
          return "v" + Decimal(value) + " was written at revision " + Decimal(revision_of_[value]) +
                 " and again at " + Decimal(at);
        }
      }
    }
    return std::nullopt;
  }

  std::uint64_t last() const { return base_.revision + writes_.size(); }
  // Of one that follows the base.
  std::size_t PlaceOf(std::uint64_t revision) const { return revision - base_.revision - 1; }
  const Writes& WritesAt(std::uint64_t revision) const { return writes_[PlaceOf(revision)]; }

  // At the base or behind it.
  ValueNumber ValueAt(std::uint32_t key, std::uint64_t revision) const {
    if (const auto of_key = by_key_.find(key); of_key != by_key_.end()) {
      const auto after = std::ranges::upper_bound(of_key->second, revision, {},
                                                  &std::pair<std::uint64_t, ValueNumber>::first);
      if (after != of_key->second.begin()) return std::prev(after)->second;
    }
    const auto in_base = base_.values.find(key);
    return in_base == base_.values.end() ? 0 : in_base->second;
  }

  TransactionEffect EffectAt(const TransactionRecord& transaction, std::uint64_t revision) const {
    return EffectOf(transaction, [&](std::uint32_t key) { return ValueAt(key, revision); });
  }

  // The revision at which a value stands that only this operation writes.
  std::optional<std::uint64_t> RevisionMadeBy(const HistoryOperation& operation) const {
    const auto find = [this](ValueNumber value) -> std::optional<std::uint64_t> {
      const auto at = revision_of_.find(value);
      if (value == 0 || at == revision_of_.end()) return std::nullopt;
      return at->second;
    };
    if (operation.transaction == nullptr) return find(operation.written);
    for (const auto* branch : {&operation.transaction->success, &operation.transaction->failure}) {
      for (const TransactionRecord::Step& step : *branch) {
        if (const auto at = find(step.written); at.has_value()) return at;
      }
    }
    return std::nullopt;
  }

  // Of one that returned: against a plain map at its revision.
  Problem CheckEffect(const HistoryOperation& operation) {
    const std::uint64_t at = operation.revision;
    const std::string where = " at revision " + Decimal(at);
    if (at > last()) return NameOf(operation) + " returned" + where + ", which is not committed";
    const bool changes = operation.Changed();
    if (changes && at == 0) return NameOf(operation) + " is not what was committed" + where;
    const bool is_known = changes ? at > base_.revision : at >= base_.revision;
    if (!is_known) return std::nullopt;
    Problem problem;
    if (operation.kind == OperationKind::kTransaction) {
      problem = CheckTransaction(operation, changes ? at - 1 : at);
    } else {
      problem = changes ? CheckChange(operation) : CheckSight(operation);
    }
    if (problem.has_value() || !changes) return problem;
    const HistoryOperation*& maker = makers_[PlaceOf(at)];
    if (maker != nullptr) {
      return NameOf(operation) + " and " + NameOf(*maker) + " both made the change" + where;
    }
    maker = &operation;
    return std::nullopt;
  }

  // Of one that changed nothing.
  Problem CheckSight(const HistoryOperation& operation) const {
    const ValueNumber after = ValueAt(operation.key, operation.revision);
    const bool reads = operation.kind == OperationKind::kGet ||
                       operation.kind == OperationKind::kStaleGet || operation.looked;
    const bool fits =
        (!reads || operation.read == after) &&
        (operation.kind != OperationKind::kDelete || after == 0) &&
        (operation.kind != OperationKind::kCompareAndSet || after != operation.expected);
    if (fits) return std::nullopt;
    return NameOf(operation) + " does not fit the value v" + Decimal(after) + " at revision " +
           Decimal(operation.revision);
  }

  // Of one that changed its key.
  Problem CheckChange(const HistoryOperation& operation) const {
    const std::uint64_t at = operation.revision;
    const std::string where = " at revision " + Decimal(at);
    if (WritesAt(at) != Writes{{operation.key, operation.written}}) {
      return NameOf(operation) + " is not what was committed" + where;
    }
    const ValueNumber before = ValueAt(operation.key, at - 1);
    const bool fits = operation.kind == OperationKind::kCompareAndSet
                          ? before == operation.expected
                          : operation.found == (before != 0);
    if (fits) return std::nullopt;
    return NameOf(operation) + " does not fit the value v" + Decimal(before) + " before it" + where;
  }

  // `before` is the revision that it saw.
  Problem CheckTransaction(const HistoryOperation& operation, std::uint64_t before) const {
    const TransactionRecord& transaction = *operation.transaction;
    const TransactionEffect effect = EffectAt(transaction, before);
    if (effect.succeeded != transaction.succeeded || effect.results != transaction.results) {
      TransactionRecord should = transaction;
      should.succeeded = effect.succeeded;
      should.results = effect.results;
      return NameOf(operation) + " returned '" + ResultsOf(transaction) + "', and would have '" +
             ResultsOf(should) + "' if it saw revision " + Decimal(before);
    }
    if (effect.writes.empty() || WritesAt(operation.revision) == effect.writes) return std::nullopt;
    return NameOf(operation) + " changed " + TextOf(effect.writes) + "; committed was " +
           TextOf(WritesAt(operation.revision)) + " at revision " + Decimal(operation.revision);
  }

  // What an operation without an outcome would have made, had it made the revision.
  Writes WritesOf(const HistoryOperation& operation, std::uint64_t at) const {
    if (operation.kind == OperationKind::kTransaction) {
      return EffectAt(*operation.transaction, at - 1).writes;
    }
    return {{operation.key, operation.written}};
  }

  // Of the changes whose operations did not return: by their values. A deletion has none; it is
  // taken for the earliest one that may have made it.
  Problem FindMakers() {
    for (const HistoryOperation& operation : history_) {
      if (operation.returned != kNotReturned) continue;
      const auto at = RevisionMadeBy(operation);
      if (!at.has_value()) continue;
      if (WritesOf(operation, *at) != WritesAt(*at)) {
        return NameOf(operation) + " would have changed " + TextOf(WritesOf(operation, *at)) +
               "; committed was " + TextOf(WritesAt(*at)) + " at revision " + Decimal(*at);
      }
      makers_[PlaceOf(*at)] = &operation;
    }
    for (std::uint64_t at = base_.told + 1; at <= last(); ++at) {
      const HistoryOperation*& maker = makers_[PlaceOf(at)];
      if (maker == nullptr) maker = FindDeleter(at);
      if (maker == nullptr) {
        return "nobody asked for the change of " + TextOf(WritesAt(at)) + " at revision " +
               Decimal(at);
      }
    }
    return std::nullopt;
  }

  const HistoryOperation* FindDeleter(std::uint64_t at) const {
    const bool deletes =
        std::ranges::all_of(WritesAt(at), [](const KeyWrite& write) { return write.second == 0; });
    if (!deletes) return nullptr;
    const HistoryOperation* earliest = nullptr;
    for (const HistoryOperation& operation : history_) {
      if (operation.returned != kNotReturned) continue;
      if (operation.kind != OperationKind::kDelete &&
          operation.kind != OperationKind::kTransaction) {
        continue;
      }
      if (earliest != nullptr && earliest->invoked < operation.invoked) continue;
      if (WritesOf(operation, at) == WritesAt(at)) earliest = &operation;
    }
    return earliest;
  }

  Problem CheckTimes() const {
    // By revision from that of the base on: when the last of the changes up to it was asked for.
    std::vector<std::uint64_t> asked(writes_.size() + 1, 0);
    for (std::size_t i = 0; i < writes_.size(); ++i) {
      asked[i + 1] = std::max(asked[i], makers_[i] == nullptr ? 0 : makers_[i]->invoked);
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
        // What was told before may be gone from the history.
        reached_at_invocation.emplace(operation, std::max(reached, operation->told));
        continue;
      }
      const bool stale = operation->kind == OperationKind::kStaleGet;
      const std::uint64_t floor =
          stale ? 0 : reached_at_invocation.at(operation) + (operation->Changed() ? 1 : 0);
      if (operation->revision < floor) {
        return NameOf(*operation) + " returned at revision " + Decimal(operation->revision) +
               ", after " + Decimal(reached_at_invocation.at(operation)) +
               " had been told before it was asked for";
      }
      if (operation->revision > base_.revision &&
          asked[operation->revision - base_.revision] > operation->returned) {
        return NameOf(*operation) + " returned at revision " + Decimal(operation->revision) +
               " before a change up to there was asked for";
      }
      // Of a stale read as well: what a node has applied is committed.
      reached = std::max(reached, operation->revision);
    }
    return std::nullopt;
  }

  const std::vector<HistoryOperation>& history_;
  const WitnessBase& base_;
  std::vector<Writes> writes_;  // by PlaceOf
  std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, ValueNumber>>> by_key_;
  std::map<ValueNumber, std::uint64_t> revision_of_;
  // By PlaceOf. Up to base_.told there need be none.
  std::vector<const HistoryOperation*> makers_;
};

}  // namespace

std::optional<std::string> CheckWitness(const std::vector<HistoryOperation>& history,
                                        const std::vector<HistoryOperation>& refused,
                                        const std::vector<CommittedChange>& changes,
                                        const WitnessBase& base) {
  return Witness(history, changes, base).Check(refused);
}

void RequireWitness(const std::vector<HistoryOperation>& history,
                    const std::vector<HistoryOperation>& refused,
                    const std::vector<CommittedChange>& changes, const WitnessBase& base) {
  const std::optional<std::string> problem = CheckWitness(history, refused, changes, base);
  GRASS_RULE("witness", !problem.has_value(), *problem);
}

}  // namespace grassdb::sim
