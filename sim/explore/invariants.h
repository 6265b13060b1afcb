// What must hold in every state of an explored cluster, and between a state and the next. A rule
// that does not hold is thrown as a Violation.
//
//  election safety        a term has at most one leader
//  log matching           two logs with the same term at an index are the same up to it
//  leader completeness    a leader holds everything that was committed in an earlier term
//  state machine safety   what one node knows to be committed, no other one knows otherwise, ever
//  commit rests on disks  what was committed is on the disks of a majority
//  leadership rests on votes  a majority has its vote for the leader on disk, or has gone on since
//  match rests on disk    a leader believes of no follower more than that one has durably
//  commit rule            a leader commits up to an entry of its own term only
//  leader append-only     a leader neither changes nor removes entries of its log
//  read misses nothing    a read is answered as of an index no lower than what was committed when
//                         it was asked (thesis 6.4)
//  monotony               a node's term never falls, within a life its commit index never does, and
//                         within a term it votes once
//
// They look at Facts, a summary of one node, and at a History of what has been seen.
#ifndef GRASSDB_SIM_EXPLORE_INVARIANTS_H_
#define GRASSDB_SIM_EXPLORE_INVARIANTS_H_

#include <array>
#include <cstdint>
#include <span>

#include "sim/explore/bounds.h"
#include "sim/explore/digest.h"
#include "sim/explore/replica.h"

namespace grassdb::sim::explore {

// prefix[i]: a hash of the entries 1..i. Two runs of entries are equal exactly if it is.
using Prefixes = std::array<std::uint64_t, kLogMax + 1>;

struct Facts {
  std::uint32_t node = 0;
  bool leads = false;
  std::uint8_t term = 0;
  std::uint8_t commit = 0;
  std::uint8_t last = 0;
  std::uint8_t durable = 0;  // entries on disk
  std::uint8_t disk_term = 0;
  std::uint8_t disk_vote = 0;                      // the number + 1 of whom it is for; 0: nobody
  std::array<std::uint8_t, kNodesMax> match{};     // of a leader, by node: what it believes
  std::array<std::uint8_t, kLogMax + 1> terms{};   // of the log's entries, from 1 on
  std::array<std::uint8_t, kReadsMax> answered{};  // as in Replica
  Prefixes log{};
  Prefixes disk{};

  friend bool operator==(const Facts&, const Facts&) = default;
};

// What no state shows any more: who led, what was committed, and how much of it when a read was
// asked.
struct History {
  std::array<std::uint8_t, kTermsMax + 1> leader{};  // of the term; its number + 1
  std::uint8_t committed = 0;
  std::array<std::uint8_t, kLogMax + 1> commit_term{};  // in which entry i was first seen so
  Prefixes prefix{};
  std::uint8_t reads = 0;                       // asked so far
  std::array<std::uint8_t, kReadsMax> asked{};  // what was committed then, by number - 1

  friend bool operator==(const History&, const History&) = default;
};

Facts FactsOf(const Cluster& cluster, const Replica& replica);

Uint128 DigestOf(const Permutation& permutation, const History& history);

// Whether `facts` shows something that `history` does not know.
inline bool IsNews(const History& history, const Facts& facts) {
  return facts.commit > history.committed ||
         (facts.leads && history.leader[facts.term] != facts.node + 1);
}

// Adds what `facts` shows.
void Learn(History* history, const Facts& facts);

// Adds a read that is asked; its number.
std::uint32_t Ask(History* history);

// `cluster` has every node's, in order of their numbers.
void CheckState(std::span<const Facts* const> cluster, const History& history);

// `action` made `after` of `before`.
void CheckStep(const Replica& before, const Replica& after, ActionKind action);

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_INVARIANTS_H_
