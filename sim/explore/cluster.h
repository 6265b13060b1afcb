// The fixed part of an explored cluster: who its members are, and in which ways they can change
// names. n1, n2, ... are numbered from 0.
#ifndef GRASSDB_SIM_EXPLORE_CLUSTER_H_
#define GRASSDB_SIM_EXPLORE_CLUSTER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "core/configuration.h"
#include "core/types.h"
#include "sim/explore/bounds.h"

namespace grassdb::sim::explore {

// permutation[number] is the number it gets.
using Permutation = std::array<std::uint8_t, kNodesMax>;

enum class Symmetry : std::uint8_t { kOff, kOn };

class Cluster {
 public:
  // 1 <= nodes <= kNodesMax. kOff: only the identity among the permutations.
  Cluster(std::uint32_t nodes, Symmetry symmetry);

  std::uint32_t size() const { return static_cast<std::uint32_t>(ids_.size()); }
  NodeId IdOf(std::uint32_t number) const { return ids_[number]; }
  // The id is a member's.
  std::uint32_t NumberOf(NodeId id) const;
  const Configuration& configuration() const { return configuration_; }
  // The first one is the identity.
  const std::vector<Permutation>& permutations() const { return permutations_; }

 private:
  std::vector<NodeId> ids_;
  Configuration configuration_;
  std::vector<Permutation> permutations_;
};

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_CLUSTER_H_
