// Explore: breadth-first search over every state of a cluster of real Rafts that can be reached
// within bounds. A violation is found with as few steps as there can be.
//
// A state is: each node (replica.h), the messages in the network, which of the bounds are used up,
// and what has been committed and who has led so far (History). Two states are the same if renaming
// the nodes makes one of the other.
#ifndef GRASSDB_SIM_EXPLORE_EXPLORER_H_
#define GRASSDB_SIM_EXPLORE_EXPLORER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/hash.h"
#include "sim/explore/bounds.h"
#include "sim/explore/cluster.h"
#include "sim/violation.h"

namespace grassdb::sim::explore {

// kSkipped: a lost message is a message that never arrives, and every state that is reached with a
// loss is reached without, but for the message that is still in the network. No rule looks at the
// network. So nothing is missed by leaving losses out.
enum class Losses : std::uint8_t { kExplored, kSkipped };

// kOn: messages that nothing can come of are taken out of the network, which leaves out neither a
// replica nor a violation, nor makes a schedule longer (moot.h).
enum class Reduction : std::uint8_t { kOff, kOn };

struct Progress {
  std::uint64_t distinct = 0;
  std::uint64_t transitions = 0;
  std::uint32_t depth = 0;
  std::uint64_t layer_left = 0;  // states of this depth still to be expanded
  std::size_t bytes = 0;
};

struct ExploreOptions {
  Bounds bounds;
  Symmetry symmetry = Symmetry::kOn;
  Losses losses = Losses::kExplored;
  Reduction reduction = Reduction::kOn;
  std::uint32_t depth_max = UINT32_MAX;
  std::size_t bytes_max = std::size_t{4} << 30;  // about
  std::uint64_t states_max = UINT64_MAX;
  // Called every few hundred thousand transitions.
  std::function<void(const Progress&)> on_progress;
  // Asked as often: true ends the search with what there is. May be null.
  std::function<bool()> enough;
};

enum class Ending : std::uint8_t {
  kExhausted,  // every state within the bounds was seen
  kViolation,
  kDepth,   // there are deeper states than depth_max
  kMemory,  // there are more states than fit into bytes_max
  kStates,  // there are more states than states_max
  kEnough,  // somebody had enough
};

struct ExploreResult {
  Ending ending = Ending::kExhausted;
  std::uint64_t distinct = 0;     // states
  std::uint64_t transitions = 0;  // from a state to a state, seen before or not
  std::uint64_t final = 0;        // states in which nothing is left to happen
  std::uint32_t depth = 0;        // of the deepest state that is known to have all its like seen
  // Every state of up to `depth` steps has been seen, and every rule held against it; and of those
  // of one step more so many, found behind so many of the states of `depth` steps.
  std::uint64_t deeper = 0;
  std::uint64_t expanded = 0;
  std::uint64_t at_depth = 0;  // states of `depth` steps
  std::size_t bytes = 0;       // about
  // What was stepped and what was stored once (catalog.h).
  std::uint64_t replicas = 0;
  std::uint64_t messages = 0;
  std::uint64_t steps = 0;
  // Of the set of states and of that of the final ones: sums, so that no order matters.
  Uint128 fingerprint = 0;
  Uint128 final_fingerprint = 0;
  // Of the set of replicas, whatever their names, that the reduction neither adds to nor takes
  // from.
  Uint128 replicas_fingerprint = 0;
  // The search has begun again, without reduction: why, for a person.
  std::optional<std::string> not_reduced;
  std::optional<Violation> violation;
  std::vector<std::string> schedule;  // that leads to it (schedule.h)
};

ExploreResult Explore(const ExploreOptions& options);

// 32 hexadecimal digits.
std::string HexOf(Uint128 value);

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_EXPLORER_H_
