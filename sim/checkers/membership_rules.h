// Configurations (thesis 4.1, 4.3):
//
// In force when appended: the configuration a node goes by is the newest one in its log, or that of
// its snapshot; truncation takes it back. One at a time: a leader appends a
// configuration only when the one before is committed. Intersection: a configuration and the one it
// follows share a node in any two of their quorums, so that they cannot decide apart. A new disk
// has no vote (core/standing.cc): a voter that is on record with a disk is one with another disk
// only after it was none, since it may have forgotten what it has promised.
#ifndef GRASSDB_SIM_CHECKERS_MEMBERSHIP_RULES_H_
#define GRASSDB_SIM_CHECKERS_MEMBERSHIP_RULES_H_

#include <cstdint>
#include <vector>

#include "core/disk.h"
#include "core/raft.h"
#include "sim/checkers/log_matching.h"

namespace grassdb::sim {

class MembershipRules {
 public:
  explicit MembershipRules(std::uint32_t nodes) : seen_(nodes) {}

  // After every step of `node`.
  void Observe(std::uint32_t node, const Raft& raft);
  // The node has lost its memory.
  void Forget(std::uint32_t node) { seen_[node] = Seen(); }

  // `node` has recovered this: of entries that are not in memory the configurations are.
  static void CheckRecovered(std::uint32_t node, const RecoveredState& state,
                             const LogMatching& logs);

  // True if every quorum of one has a node in common with every quorum of the other.
  static bool QuorumsIntersect(const Configuration& a, const Configuration& b);

  // `node` goes by the configuration of `index`; of its log, what lies after `after` is new.
  static void CheckNoneNewer(std::uint32_t node, const Log& log, Index index, Index after);
  // `node` leads, has appended the configuration of `index` after the one of `before`, and knows of
  // commits up to `commit`.
  static void CheckOneAtATime(std::uint32_t node, Index before, Index index, Index commit);
  // `node` went from one configuration to the next.
  static void CheckDisks(std::uint32_t node, const Configuration& before, const Configuration& now);

 private:
  struct Seen {
    Index index;
    Term term;
    Index last;
    Term last_term;
  };

  static void CheckInForce(std::uint32_t node, const Raft& raft);
  static void CheckChange(std::uint32_t node, const Raft& raft);

  std::vector<Seen> seen_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_MEMBERSHIP_RULES_H_
