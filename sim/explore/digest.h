// Digest: the sink (core/raft_describe.h) that hashes what it is told into 128 bits, with the nodes
// renamed by a permutation. Instants are left out: the explorer decides by itself when a timeout
// fires, and sees to it that no other instant matters (replica.h).
#ifndef GRASSDB_SIM_EXPLORE_DIGEST_H_
#define GRASSDB_SIM_EXPLORE_DIGEST_H_

#include <cstdint>
#include <string_view>

#include "core/hash.h"
#include "core/types.h"
#include "sim/explore/cluster.h"
#include "sim/recorder.h"

namespace grassdb::sim::explore {

class Digest {
 public:
  Digest(const Cluster& cluster, const Permutation& permutation)
      : cluster_(cluster), permutation_(permutation) {}

  void Number(std::uint64_t value) { hash_.Add(value); }
  void Node(NodeId id) {
    hash_.Add(id == NodeId(0) ? 0 : std::uint64_t{permutation_[cluster_.NumberOf(id)]} + 1);
  }
  void Text(std::string_view bytes) {
    hash_.Add(bytes.size());
    hash_.Add(HashBytes(bytes));
  }
  void Span(Duration) {}
  void Stamp(Instant) {}
  void Draws(std::uint64_t) {}
  template <class Range, class Describe>
  void Set(const Range& range, Describe describe) {
    Uint128 sum = 0;
    for (const auto& element : range) {
      Digest inner(cluster_, permutation_);
      describe(inner, element);
      sum += inner.value();
    }
    hash_.Add(range.size());
    hash_.Add(static_cast<std::uint64_t>(sum >> 64));
    hash_.Add(static_cast<std::uint64_t>(sum));
  }

  // Independent enough that sums of them tell multisets apart.
  Uint128 value() const { return Uint128{hash_.high()} << 64 | hash_.low(); }

 private:
  const Cluster& cluster_;
  const Permutation& permutation_;
  Fingerprint hash_;
};

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_DIGEST_H_
