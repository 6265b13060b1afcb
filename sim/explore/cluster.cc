#include "sim/explore/cluster.h"

#include <algorithm>
#include <numeric>

#include "core/check.h"
#include "sim/text.h"

namespace grassdb::sim::explore {

Cluster::Cluster(std::uint32_t nodes, Symmetry symmetry) {
  GRASS_CHECK(nodes >= 1 && nodes <= kNodesMax);
  std::vector<Member> members;
  for (std::uint32_t number = 0; number < nodes; ++number) {
    members.push_back(MakeMember(NodeName(number), "localhost:1"));
    ids_.push_back(members.back().id);
  }
  configuration_ = Configuration(std::move(members));
  Permutation permutation{};
  std::iota(permutation.begin(), permutation.end(), std::uint8_t{0});
  do {
    permutations_.push_back(permutation);
  } while (symmetry == Symmetry::kOn &&
           std::next_permutation(permutation.begin(), permutation.begin() + nodes));
}

std::uint32_t Cluster::NumberOf(NodeId id) const {
  const auto at = std::ranges::find(ids_, id);
  GRASS_CHECK(at != ids_.end());
  return static_cast<std::uint32_t>(at - ids_.begin());
}

}  // namespace grassdb::sim::explore
