// TransactionRecord: a transaction of a client's history, with values by number, and what came back
// of it. And what a plain map would make of one: the meaning that both checks of linearizability
// hold the store to.
#ifndef GRASSDB_SIM_TRANSACTION_RECORD_H_
#define GRASSDB_SIM_TRANSACTION_RECORD_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace grassdb::sim {

// A value by its number. Every write of a run writes a number of its own. 0: the key is missing.
using ValueNumber = std::uint64_t;

struct TransactionRecord {
  // Every value has a number and a revision of its own, so however a client asks, this is it.
  struct Compare {
    std::uint32_t key = 0;
    ValueNumber value = 0;
    bool equal = true;  // else: that the key has another value
    friend bool operator==(const Compare&, const Compare&) = default;
  };
  struct Step {
    enum class Kind : std::uint8_t { kGet, kPut, kDelete };
    Kind kind = Kind::kGet;
    std::uint32_t key = 0;
    ValueNumber written = 0;  // kPut
    friend bool operator==(const Step&, const Step&) = default;
  };
  // Of a step: whether the key was there before it, and the value that a kGet has read.
  struct Result {
    bool found = false;
    ValueNumber read = 0;
    friend bool operator==(const Result&, const Result&) = default;
  };

  std::vector<Compare> compares;
  std::vector<Step> success;
  std::vector<Step> failure;
  // If it returned.
  bool succeeded = false;
  std::vector<Result> results;

  const std::vector<Step>& branch(bool held) const { return held ? success : failure; }
  // All keys that it may touch, each once, ascending.
  std::vector<std::uint32_t> Keys() const;
  // Whether one of its steps writes this value.
  bool MayWrite(ValueNumber value) const;
  // Of one that returned.
  bool Changed() const;
};

// Of a key after a step; 0: it was deleted.
using KeyWrite = std::pair<std::uint32_t, ValueNumber>;

struct TransactionEffect {
  bool succeeded = false;
  std::vector<TransactionRecord::Result> results;
  std::vector<KeyWrite> writes;  // in their order; none for a deletion of what is not there
};

// `value_of(key)` is the map before the transaction.
template <class ValueOf>
TransactionEffect EffectOf(const TransactionRecord& transaction, ValueOf value_of) {
  TransactionEffect effect;
  const auto now = [&](std::uint32_t key) -> ValueNumber {
    const auto last = std::find_if(effect.writes.rbegin(), effect.writes.rend(),
                                   [key](const KeyWrite& write) { return write.first == key; });
    return last == effect.writes.rend() ? value_of(key) : last->second;
  };
  effect.succeeded =
      std::ranges::all_of(transaction.compares, [&](const TransactionRecord::Compare& compare) {
        return (value_of(compare.key) == compare.value) == compare.equal;
      });
  using Kind = TransactionRecord::Step::Kind;
  for (const TransactionRecord::Step& step : transaction.branch(effect.succeeded)) {
    const ValueNumber before = now(step.key);
    effect.results.push_back({before != 0, step.kind == Kind::kGet ? before : 0});
    if (step.kind == Kind::kPut) effect.writes.emplace_back(step.key, step.written);
    if (step.kind == Kind::kDelete && before != 0) effect.writes.emplace_back(step.key, 0);
  }
  return effect;
}

// "if k1 = v7: put k2 v8, get k1; else: get k1".
std::string TextOf(const TransactionRecord& transaction);
// "done, 1 0 v5": which branch, and what each step of it gave.
std::string ResultsOf(const TransactionRecord& transaction);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_TRANSACTION_RECORD_H_
