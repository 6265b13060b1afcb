// Configurations (thesis 4.1, 4.3):
//
// In force when appended: the configuration a node goes by is the newest one in its log, or that of
// its snapshot; truncation takes it back. One at a time: a leader appends a configuration only when
// the one before is committed; and only after it has committed an entry of its own term. Until then
// one of an earlier leader may be committed that it does not know to be, or be open elsewhere.
// Intersection: a configuration and the one it follows share a node in any two of their quorums. A
// new disk has no vote (core/standing.cc): a voter that is on record with a disk is one with
// another disk only after it was none, since it may have forgotten what it has promised.
//
// Why a configuration and the one it follows only: two that are in force on different nodes at one
// time need not intersect, in a correct cluster either. A leader that was cut off has appended one
// that nobody else has. Its successor has committed an entry of its own term and has then gone on
// from the same configuration to another one, and from there, each committed, to any. By the first
// one nothing can be decided any more: each of its quorums has a node in common with each of the
// one before, and a quorum of that is in a later term. So what is checked is what makes deciding
// apart impossible: that a configuration intersects the one it follows, is the only one in its log
// that is open, and comes from a leader that has shut out what others had left open. What would
// come of it otherwise is seen by election safety and committed for ever.
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
  // `node` leads in `term`, has appended the configuration of `index`, and the newest entry that it
  // knows to be committed is of the term `committed`.
  static void CheckCommittedInTerm(std::uint32_t node, Term term, Index index, Term committed);
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
