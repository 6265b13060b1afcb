// The search for a linearization of one history: Wing and Gong's, with Lowe's memoisation. Depth
// first over "which operation took effect next", with every configuration (the set of operations
// that have taken effect, the state) visited once.
//
// What the operations mean is the model's: `std::optional<std::uint64_t> Effect(std::uint32_t
// operation, std::uint64_t state)` gives the state after the operation took effect on `state`, or
// nothing if it would have returned something else than it did; `bool Observes(std::uint32_t
// operation)` says that it changes no state, wherever it can return what it did. States are
// numbers, equal if and only if the states are; a history begins in state 0. An operation of
// unknown outcome may take effect at any time after its invocation, or never; whoever knows that
// one cannot have any leaves it out.
#ifndef GRASSDB_SIM_CHECKERS_LINEAR_SEARCH_H_
#define GRASSDB_SIM_CHECKERS_LINEAR_SEARCH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "sim/history.h"

namespace grassdb::sim {

// Places in the one order of all invocations and returns; kNotReturned: the outcome is unknown.
struct Interval {
  std::uint64_t invoked = 0;
  std::uint64_t returned = kNotReturned;
};

enum class SearchResult : std::uint8_t { kSearching, kLinearizable, kViolated };

// Where the search got furthest.
struct Stuck {
  std::size_t ordered = 0;      // so many operations have an order
  std::uint32_t operation = 0;  // which cannot be next then
  std::uint64_t state = 0;      // what it would find
};

// The configurations visited: what has taken effect of the operations that returned, and the state,
// by a 128-bit hash; and which of the first 64 operations of unknown outcome, by a mask. What is
// possible with a mask is possible with every smaller one, so only the smallest masks are kept. The
// table is open-addressed and grows by doubling.
class Visited {
 public:
  Visited() : slots_(1024) {}

  // False if this configuration, or one that allows all that it allows, was there.
  bool Insert(std::uint64_t high, std::uint64_t low, std::uint64_t mask) {
    if (2 * (used_ + 1) > slots_.size()) Grow();
    Slot& slot = Find(slots_, high, low);
    for (std::uint32_t at = slot.first; at != 0; at = masks_[at - 1].next) {
      if ((masks_[at - 1].mask & ~mask) == 0) return false;
    }
    if (slot.first == 0) {
      slot.high = high;
      slot.low = low;
      ++used_;
    }
    masks_.push_back({mask, slot.first});
    slot.first = static_cast<std::uint32_t>(masks_.size());
    return true;
  }

  std::size_t Bytes() const {
    return slots_.capacity() * sizeof(Slot) + masks_.capacity() * sizeof(Mask);
  }

 private:
  struct Slot {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::uint32_t first = 0;  // place in masks_, from 1; 0: the slot is free
  };
  struct Mask {
    std::uint64_t mask;
    std::uint32_t next;
  };

  // The slot of this hash, or the free one where it belongs.
  static Slot& Find(std::vector<Slot>& slots, std::uint64_t high, std::uint64_t low) {
    const std::size_t mask = slots.size() - 1;
    std::size_t at = low & mask;
    while (slots[at].first != 0 && (slots[at].high != high || slots[at].low != low)) {
      at = (at + 1) & mask;
    }
    return slots[at];
  }
  void Grow() {
    std::vector<Slot> grown(slots_.size() * 2);
    for (const Slot& slot : slots_) {
      if (slot.first != 0) Find(grown, slot.high, slot.low) = slot;
    }
    slots_.swap(grown);
  }

  std::vector<Slot> slots_;
  std::vector<Mask> masks_;
  std::size_t used_ = 0;
};

// The search over one history. Can be stopped after some steps and continued.
template <class Model>
class LinearSearch {
 public:
  LinearSearch(std::vector<Interval> operations, Model model);

  SearchResult Run(std::uint64_t steps);
  // After kViolated.
  Stuck stuck() const { return {deepest_, stuck_at_, stuck_state_}; }
  const Model& model() const { return model_; }
  // Of what grows with the steps.
  std::size_t Bytes() const { return visited_.Bytes() + model_.Bytes(); }

 private:
  using State = std::uint64_t;
  // Invocations and returns of what returned in a doubly linked list, in order; an operation that
  // took effect is lifted out of it.
  struct Node {
    std::uint32_t operation = 0;
    bool is_return = false;
    std::uint32_t previous = 0;
    std::uint32_t next = 0;
    std::uint32_t match = 0;  // an invocation's return
  };
  // An operation of unknown outcome; these are kept apart and tried when nothing else goes on.
  struct Unknown {
    std::uint32_t operation = 0;
    bool taken = false;
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Choice {
    std::uint32_t operation;
    std::uint32_t node;     // the invocation lifted, or kNone
    std::uint32_t unknown;  // the place in unknown_, or kNone
    State state;            // before it
    bool forced = false;    // an observer: there was nothing to choose
  };

  void Lift(std::uint32_t node);
  void Unlift(std::uint32_t node);
  void Unlink(std::uint32_t node) {
    nodes_[nodes_[node].previous].next = nodes_[node].next;
    nodes_[nodes_[node].next].previous = nodes_[node].previous;
  }
  void Relink(std::uint32_t node) {
    nodes_[nodes_[node].previous].next = node;
    nodes_[nodes_[node].next].previous = node;
  }
  // Adds the choice's operation to those that have taken effect, or takes it away.
  void Toggle(const Choice& choice) {
    if (choice.unknown < 64) {
      mask_ ^= std::uint64_t{1} << choice.unknown;
      return;
    }
    const std::uint32_t operation = choice.operation;
    high_ ^= KeyedRandom(0x5eed, operation, 1u);
    low_ ^= KeyedRandom(0x5eed, operation, 2u);
  }
  bool Visit(State state) { return visited_.Insert(Fold(high_, state), Fold(low_, ~state), mask_); }
  bool IsUnknown(std::uint32_t operation) const {
    return operations_[operation].returned == kNotReturned;
  }
  bool IsNeedless(std::uint32_t operation, State after);
  void Apply(const Choice& choice, State after);
  Choice Undo();
  void TakeObservers();
  bool Take(const Choice& choice);
  bool Backtrack();

  std::vector<Interval> operations_;
  Model model_;
  std::vector<Node> nodes_;         // 0 is the head, 1 the tail
  std::vector<Unknown> unknown_;    // by invocation
  std::uint32_t at_ = 0;            // the node to look at
  std::uint32_t next_unknown_ = 0;  // to try once at_ is a return
  std::uint32_t returns_left_ = 0;
  State state_ = 0;
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
  std::vector<Choice> choices_;
  std::uint64_t mask_ = 0;  // of the operations of unknown outcome that have taken effect
  Visited visited_;
  std::size_t deepest_ = 0;
  std::uint32_t stuck_at_ = 0;
  State stuck_state_ = 0;
};

template <class Model>
LinearSearch<Model>::LinearSearch(std::vector<Interval> operations, Model model)
    : operations_(std::move(operations)), model_(std::move(model)) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;  // (place, operation * 2 + return)
  for (std::uint32_t i = 0; i < operations_.size(); ++i) {
    if (IsUnknown(i)) {
      unknown_.push_back({i, false});
    } else {
      order.emplace_back(operations_[i].invoked, i * 2);
      order.emplace_back(operations_[i].returned, i * 2 + 1);
    }
  }
  std::ranges::sort(order);
  std::ranges::sort(unknown_, {}, [this](const Unknown& unknown) {
    return operations_[unknown.operation].invoked;
  });
  nodes_.resize(order.size() + 2);
  std::vector<std::uint32_t> invocation(operations_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    const std::uint32_t number = i + 2;
    const std::uint32_t operation = order[i].second / 2;
    Node& node = nodes_[number];
    node.operation = operation;
    node.is_return = order[i].second % 2 == 1;
    node.match = number;
    if (node.is_return) {
      nodes_[invocation[operation]].match = number;
      ++returns_left_;
    } else {
      invocation[operation] = number;
    }
  }
  std::uint32_t previous = 0;
  for (std::uint32_t number = 2; number <= nodes_.size(); ++number) {
    const std::uint32_t node = number == nodes_.size() ? 1 : number;
    nodes_[node].previous = previous;
    nodes_[previous].next = node;
    previous = node;
  }
  TakeObservers();
  at_ = nodes_[0].next;
}

template <class Model>
void LinearSearch<Model>::Lift(std::uint32_t node) {
  Unlink(node);
  Unlink(nodes_[node].match);
  --returns_left_;
}

template <class Model>
void LinearSearch<Model>::Unlift(std::uint32_t node) {
  Relink(nodes_[node].match);
  Relink(node);
  ++returns_left_;
}

// Whether a configuration found elsewhere allows all that taking `operation` next would: an
// operation of unknown outcome is needed only where the next one sees what it did. Otherwise
// leaving it out gives the same state, and keeps it for later. Without this, each of them doubles
// the search.
template <class Model>
bool LinearSearch<Model>::IsNeedless(std::uint32_t operation, State after) {
  if (IsUnknown(operation) && after == state_) return true;
  if (choices_.empty()) return false;
  const Choice& last = choices_.back();
  return last.unknown != kNone && model_.Effect(operation, last.state) == after;
}

template <class Model>
void LinearSearch<Model>::Apply(const Choice& choice, State after) {
  Toggle(choice);
  choices_.push_back(choice);
  state_ = after;
  if (choice.node != kNone) {
    Lift(choice.node);
  } else {
    unknown_[choice.unknown].taken = true;
  }
}

// Takes back the last choice, and the observers after it.
template <class Model>
typename LinearSearch<Model>::Choice LinearSearch<Model>::Undo() {
  for (;;) {
    const Choice choice = choices_.back();
    choices_.pop_back();
    state_ = choice.state;
    Toggle(choice);
    if (choice.node != kNone) {
      Unlift(choice.node);
    } else {
      unknown_[choice.unknown].taken = false;
    }
    if (!choice.forced || choices_.empty()) return choice;
  }
}

// An observer that returned and may be next is taken at once: whatever else could come next can
// come after it. Not so a write of what is there: it may be needed where something else is.
template <class Model>
void LinearSearch<Model>::TakeObservers() {
  for (std::uint32_t node = nodes_[0].next; node != 1 && !nodes_[node].is_return;) {
    const std::uint32_t operation = nodes_[node].operation;
    if (model_.Observes(operation) && model_.Effect(operation, state_) == state_) {
      Apply({operation, node, kNone, state_, true}, state_);
      node = nodes_[0].next;
    } else {
      node = nodes_[node].next;
    }
  }
}

// Takes an operation as the next to take effect, if that leads anywhere new.
template <class Model>
bool LinearSearch<Model>::Take(const Choice& choice) {
  const std::optional<State> after = model_.Effect(choice.operation, state_);
  if (!after.has_value() || IsNeedless(choice.operation, *after)) return false;
  Apply(choice, *after);
  TakeObservers();
  if (!Visit(state_)) {
    Undo();
    return false;
  }
  at_ = nodes_[0].next;
  next_unknown_ = 0;
  return true;
}

template <class Model>
bool LinearSearch<Model>::Backtrack() {
  if (choices_.size() >= deepest_) {
    deepest_ = choices_.size();
    stuck_at_ = nodes_[at_].operation;
    stuck_state_ = state_;
  }
  if (choices_.empty()) return false;
  const Choice choice = Undo();
  if (choice.forced) return false;  // nothing but observers was left to take back
  if (choice.node != kNone) {
    at_ = nodes_[choice.node].next;
    next_unknown_ = 0;
    return true;
  }
  // All that returned was tried before the operations of unknown outcome.
  at_ = nodes_[0].next;
  while (!nodes_[at_].is_return) at_ = nodes_[at_].next;
  next_unknown_ = choice.unknown + 1;
  return true;
}

template <class Model>
SearchResult LinearSearch<Model>::Run(std::uint64_t steps) {
  for (; steps > 0; --steps) {
    if (returns_left_ == 0) return SearchResult::kLinearizable;
    const Node& node = nodes_[at_];
    // Past a return nothing can take effect before that operation has.
    if (!node.is_return) {
      if (!Take({node.operation, at_, kNone, state_, false})) at_ = node.next;
      continue;
    }
    const bool more =
        next_unknown_ < unknown_.size() && operations_[unknown_[next_unknown_].operation].invoked <
                                               operations_[node.operation].returned;
    if (!more) {
      if (!Backtrack()) return SearchResult::kViolated;
      continue;
    }
    const Unknown& unknown = unknown_[next_unknown_];
    if (unknown.taken || !Take({unknown.operation, kNone, next_unknown_, state_, false}))
      ++next_unknown_;
  }
  return SearchResult::kSearching;
}

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_LINEAR_SEARCH_H_
