// The arithmetic of majorities (thesis 3.4, 3.6.2): who has won a vote, and what a majority has
// reached.
//
// Without allocation for a handful of voters: this runs for every acknowledgement.
#ifndef GRASSDB_CORE_QUORUM_H_
#define GRASSDB_CORE_QUORUM_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/types.h"

namespace grassdb {

enum class Tally : std::uint8_t { kPending, kWon, kLost };

inline std::size_t MajorityOf(const std::vector<NodeId>& voters) {
  return voters.size() / 2 + 1;
}

// Counts a vote. `answer(NodeId)` gives std::optional<bool>: granted, denied, or not yet known.
// No voters have always won: nobody is asked.
template <class Answer>
Tally CountVotes(const std::vector<NodeId>& voters, const Answer& answer) {
  std::size_t granted = 0;
  std::size_t denied = 0;
  for (const NodeId voter : voters) {
    const std::optional<bool> vote = answer(voter);
    if (vote.has_value()) ++(*vote ? granted : denied);
  }
  if (voters.empty() || granted >= MajorityOf(voters)) return Tally::kWon;
  return voters.size() - denied < MajorityOf(voters) ? Tally::kLost : Tally::kPending;
}

// How many of those that `counts(NodeId)` holds for may fail, whichever they are, before there is
// no majority of them. nullopt without voters: nobody is needed.
template <class Counts>
std::optional<std::size_t> SpareOfMajority(const std::vector<NodeId>& voters,
                                           const Counts& counts) {
  if (voters.empty()) return std::nullopt;
  const auto present = static_cast<std::size_t>(std::ranges::count_if(voters, counts));
  return present < MajorityOf(voters) ? 0 : present - MajorityOf(voters);
}

// The largest value that a majority has reached, with `reached(NodeId)` giving each voter's, which
// is asked once for each. nullopt without voters: there is no bound.
template <class Value, class Reached>
std::optional<Value> ReachedByMajority(const std::vector<NodeId>& voters, const Reached& reached) {
  if (voters.empty()) return std::nullopt;
  std::array<Value, 8> few{};
  std::vector<Value> many;
  if (voters.size() > few.size()) many.resize(voters.size());
  const std::span<Value> values =
      many.empty() ? std::span(few).first(voters.size()) : std::span(many);
  std::ranges::transform(voters, values.begin(), reached);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(voters.size() - MajorityOf(voters));
  std::ranges::nth_element(values, at);
  return *at;
}

}  // namespace grassdb

#endif  // GRASSDB_CORE_QUORUM_H_
