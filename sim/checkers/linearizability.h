// Linearizability (Herlihy and Wing 1990): there is one order of all operations that keeps every
// operation between its invocation and its return, and in which each gives what a plain map would
// give. An operation of unknown outcome may take effect at any time after its invocation, or never.
//
// Linearizability is local, so each key is a history of its own (linear_search.h), or the keys that
// transactions have touched together are one. Where that is hard, the order of the revisions that
// the operations name is tried, as any other order might be. The search of all of them advances in
// rounds of growing budgets, so that a wrong key is found even when another one is hard.
#ifndef GRASSDB_SIM_CHECKERS_LINEARIZABILITY_H_
#define GRASSDB_SIM_CHECKERS_LINEARIZABILITY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/checkers/search_counts.h"
#include "sim/history.h"

namespace grassdb::sim {

struct LinearizabilityVerdict {
  // Set: the history of this key, or of those that it is the first of, is not linearizable.
  std::optional<std::uint32_t> violated_key;
  // What the search got stuck at, for a person.
  std::string text;
  SearchCounts counts;
};

struct SearchBounds {
  std::uint64_t steps = 4'000'000;        // of a key, or of keys together
  std::size_t bytes = 256 * 1024 * 1024;  // of all together, and what 100,000 steps add to it
};

LinearizabilityVerdict CheckLinearizability(const std::vector<HistoryOperation>& history,
                                            const SearchBounds& bounds = SearchBounds());

// As CheckLinearizability; a history that is not is a violation.
SearchCounts RequireLinearizable(const std::vector<HistoryOperation>& history);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_LINEARIZABILITY_H_
