// A guess at a linearization, for histories in which a search would not end: that of the revisions,
// which the operations that returned name. Where the next does not fit, one of unknown outcome is
// put to a revision before it that nobody names: that one, of all, with which the order then goes
// on for longest.
//
// An order that keeps every operation in its time and gives what each of them gave is one, wherever
// it came from. That the guess is wrong says nothing.
//
// `Model` is as for a LinearSearch (linear_search.h), with operations() besides.
#ifndef GRASSDB_SIM_CHECKERS_REVISION_ORDER_H_
#define GRASSDB_SIM_CHECKERS_REVISION_ORDER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/history.h"

namespace grassdb::sim {

// Whether one of them may change what the other one sees.
inline bool ShareAKey(const HistoryOperation& one, const HistoryOperation& other) {
  const auto keys = [](const HistoryOperation& operation) {
    return operation.kind == OperationKind::kTransaction ? operation.transaction->Keys()
                                                         : std::vector{operation.key};
  };
  const std::vector<std::uint32_t> of_other = keys(other);
  return std::ranges::any_of(keys(one), [&of_other](std::uint32_t key) {
    return std::ranges::find(of_other, key) != of_other.end();
  });
}

template <class Model>
class RevisionOrder {
 public:
  explicit RevisionOrder(const Model& model) : model_(model), operations_(model.operations()) {
    for (std::uint32_t i = 0; i < operations_.size(); ++i) {
      (operations_[i].returned == kNotReturned ? unknown_ : order_).push_back(i);
    }
    std::ranges::sort(order_, {}, [this](std::uint32_t i) {
      const HistoryOperation& operation = operations_[i];
      return std::tuple(operation.revision, operation.Changed() ? 0 : 1, operation.invoked);
    });
    FindGaps();
  }

  bool Holds() {
    std::size_t fits = Fits();
    while (fits < order_.size()) {
      const std::size_t stuck = std::exchange(fits, PlaceOne(fits));
      if (fits == stuck) return false;
    }
    return true;
  }

 private:
  // Revisions that nobody names, before this place of order_.
  struct Gap {
    std::size_t before = 0;
    std::uint64_t room = 0;
    std::vector<std::uint32_t> placed;  // there, in this order
  };

  void FindGaps() {
    std::uint64_t revision = 0;
    for (std::size_t at = 0; at < order_.size(); ++at) {
      const HistoryOperation& next = operations_[order_[at]];
      const std::uint64_t taken = revision + (next.Changed() ? 1 : 0);
      if (next.revision > taken) gaps_.push_back({at, next.revision - taken, {}});
      revision = std::max(revision, next.revision);
    }
  }

  // Places the operation of unknown outcome with which the order fits furthest, and gives how far;
  // `stuck` is where it does not fit without, and is given if it does with none of them.
  std::size_t PlaceOne(std::size_t stuck) {
    std::size_t best = stuck;
    std::size_t best_unknown = 0;
    Gap* best_gap = nullptr;
    for (std::size_t i = 0; i < unknown_.size(); ++i) {
      const HistoryOperation& operation = operations_[unknown_[i]];
      if (!ShareAKey(operation, operations_[order_[stuck]])) continue;
      for (Gap& gap : gaps_) {
        if (gap.before > stuck) break;
        if (gap.placed.size() == gap.room) continue;
        if (operation.invoked > operations_[order_[gap.before]].returned) continue;
        gap.placed.push_back(unknown_[i]);
        const std::size_t fits = Fits();
        gap.placed.pop_back();
        if (fits <= best) continue;
        best = fits;
        best_unknown = i;
        best_gap = &gap;
      }
    }
    if (best_gap == nullptr) return stuck;
    best_gap->placed.push_back(unknown_[best_unknown]);
    unknown_.erase(unknown_.begin() + static_cast<std::ptrdiff_t>(best_unknown));
    return best;
  }

  // So many of order_ fit, with what is placed in the gaps.
  std::size_t Fits() const {
    std::uint64_t state = 0;
    std::uint64_t invoked = 0;  // the latest so far
    const auto apply = [&](std::uint32_t operation) {
      const auto after = model_.Effect(operation, state);
      if (!after.has_value() || invoked > operations_[operation].returned) return false;
      state = *after;
      invoked = std::max(invoked, operations_[operation].invoked);
      return true;
    };
    auto gap = gaps_.begin();
    for (std::size_t at = 0; at < order_.size(); ++at) {
      if (gap != gaps_.end() && gap->before == at) {
        if (!std::ranges::all_of(gap->placed, apply)) return at;
        ++gap;
      }
      if (!apply(order_[at])) return at;
    }
    return order_.size();
  }

  const Model& model_;
  const std::vector<HistoryOperation>& operations_;
  std::vector<std::uint32_t> order_;    // those that returned
  std::vector<std::uint32_t> unknown_;  // the others, but for those that are placed
  std::vector<Gap> gaps_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_REVISION_ORDER_H_
