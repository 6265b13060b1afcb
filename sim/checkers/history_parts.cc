#include "sim/checkers/history_parts.h"

#include <algorithm>
#include <set>
#include <utility>

#include "sim/checkers/client_answers.h"
#include "sim/checkers/linearizability.h"
#include "sim/checkers/told.h"

namespace grassdb::sim {

void HistoryParts::CheckTheLast() {
  if (reference_ != nullptr) CheckWitness(Changes());
  Search(Searchable());
}

void HistoryParts::EndPart() {
  const std::vector<CommittedChange> changes = Changes();
  const std::uint64_t told = history_->NewestRevision();
  Values last = ValuesAt(told, changes);
  CheckWitness(changes);
  std::vector<HistoryOperation> operations = Searchable();
  ReadAtTheEnd(last, &operations);
  Search(std::move(operations));
  first_ = std::move(last);
  // An operation that is under way saw none before the newest of its time; a stale read may.
  const std::uint64_t revision = std::min(base_.told, history_->ToldBeforeTheOldest());
  base_ = {.revision = revision, .values = ValuesAt(revision, changes), .told = told};
  place_ = history_->now();
  // What an operation did before it was over is at the newest revision at the latest.
  const std::uint64_t newest = reference_->revision();
  history_->Forget([&](HistoryOperation& operation) {
    if (operation.over_at == kNotOver &&
        !reference_->MayStillRun(operation.session, operation.sequence)) {
      operation.over_at = newest;
    }
    return operation.over_at <= told;
  });
  reference_->ReleaseChanges(revision);
}

void HistoryParts::CheckWitness(const std::vector<CommittedChange>& changes) const {
  RequireWitness(Told(told::kWitnessed, history_->Witnessed()), history_->Refused(), changes,
                 base_);
}

void HistoryParts::Search(std::vector<HistoryOperation> operations) {
  searched_ += RequireLinearizable(Told(told::kHistory, std::move(operations)));
}

std::vector<CommittedChange> HistoryParts::Changes() const {
  std::vector<CommittedChange> changes;
  for (const ReferenceStore::Change& change : reference_->changes()) {
    const std::uint64_t key = ClientAnswers::NumberOfKey(*Told(told::kKey, &change.key));
    changes.push_back({change.revision, static_cast<std::uint32_t>(key),
                       change.value.has_value() ? ClientAnswers::NumberOfValue(*change.value) : 0});
  }
  return changes;
}

HistoryParts::Values HistoryParts::ValuesAt(std::uint64_t revision,
                                            const std::vector<CommittedChange>& changes) const {
  Values values = base_.values;
  for (const CommittedChange& change : changes) {
    if (change.revision > revision) break;
    if (change.value == 0) {
      values.erase(change.key);
    } else {
      values[change.key] = change.value;
    }
  }
  return values;
}

std::vector<HistoryOperation> HistoryParts::Searchable() const {
  std::vector<HistoryOperation> result;
  for (const auto& [key, value] : first_) {
    HistoryOperation put;
    put.kind = OperationKind::kPut;
    put.client = kNobody;
    put.key = key;
    put.written = value;
    put.returned = put.invoked = 0;
    result.push_back(put);
  }
  for (HistoryOperation& operation : history_->Checkable()) {
    const bool had_its_effect = operation.invoked <= place_ && operation.returned != kNotReturned &&
                                operation.revision <= base_.told;
    if (!had_its_effect) result.push_back(std::move(operation));
  }
  return result;
}

void HistoryParts::ReadAtTheEnd(const Values& last,
                                std::vector<HistoryOperation>* operations) const {
  std::set<std::uint32_t> keys;
  for (const HistoryOperation& operation : *operations) {
    keys.insert(operation.key);
    if (operation.kind != OperationKind::kTransaction) continue;
    const std::vector<std::uint32_t> all = operation.transaction->Keys();
    keys.insert(all.begin(), all.end());
  }
  for (const std::uint32_t key : keys) {
    const auto value = last.find(key);
    HistoryOperation get;
    get.kind = OperationKind::kGet;
    get.client = kNobody;
    get.key = key;
    get.read = value == last.end() ? 0 : value->second;
    get.revision = history_->NewestRevision();
    get.returned = get.invoked = history_->now() + 1;
    operations->push_back(get);
  }
}

}  // namespace grassdb::sim
