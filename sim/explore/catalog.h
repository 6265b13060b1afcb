// Catalog: every replica, message and history that an exploration has met, each once and with a
// number; and what an action makes of a replica, computed by the real step function once.
//
// A global state is a handful of these numbers. Millions of them are made of the same few hundred
// thousand replicas, so that the step function runs for a small part of the transitions only. That
// is the same exploration as long as replicas of equal digest behave the same, which is what
// Raft::Describe promises and tests/sim/explore_test.cc holds it to.
#ifndef GRASSDB_SIM_EXPLORE_CATALOG_H_
#define GRASSDB_SIM_EXPLORE_CATALOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "sim/explore/bounds.h"
#include "sim/explore/cluster.h"
#include "sim/explore/id_table.h"
#include "sim/explore/invariants.h"
#include "sim/explore/moot.h"
#include "sim/explore/replica.h"
#include "sim/violation.h"

namespace grassdb::sim::explore {

// What a replica can do next, as far as it alone can tell, and how old it is (moot.h).
struct Abilities {
  std::uint32_t facts = 0;  // number of its Facts
  std::uint8_t parts_unfinished = 0;
  bool finish = false;
  bool time_out = false;
  bool lead = false;       // propose, and be asked for a read
  bool step_down = false;  // and heartbeat
  Age age;
};

// Of a message.
struct Letter {
  std::uint8_t receiver = 0;
  std::uint8_t sender = 0;
  MootWhen moot_when;
};

struct Outcome {
  std::uint32_t replica = 0;
  std::uint32_t sent_begin = 0;
  std::uint32_t sent_count = 0;
  std::uint32_t failure = 0;  // 0: none; else its number + 1, and the rest says nothing
};

class Catalog {
 public:
  // `cluster` and `bounds` outlive it.
  Catalog(const Cluster& cluster, const Bounds& bounds);

  std::uint32_t AddReplica(const Replica& replica);
  std::uint32_t AddMessage(const Message& message);
  std::uint32_t AddHistory(const History& history);

  const Replica& replica(std::uint32_t number) const { return replicas_[number]; }
  const Message& message(std::uint32_t number) const { return messages_[number]; }
  const History& history(std::uint32_t number) const { return histories_[number]; }
  const Facts& facts(std::uint32_t number) const { return facts_[number]; }
  const Abilities& abilities(std::uint32_t replica) const { return abilities_[replica]; }
  const Letter& letter(std::uint32_t message) const { return letters_[message]; }

  // Their digests under every permutation of the cluster.
  const Uint128* ReplicaDigests(std::uint32_t number) const {
    return &replica_digests_[number * permutations_];
  }
  const Uint128* MessageDigests(std::uint32_t number) const {
    return &message_digests_[number * permutations_];
  }
  const Uint128* HistoryDigests(std::uint32_t number) const {
    return &history_digests_[number * permutations_];
  }

  // kDeliver: `argument` is a message; kCrash: the parts kept; kRead: its number.
  Outcome Take(std::uint32_t replica, ActionKind kind, std::uint32_t argument) {
    const std::uint64_t key = KeyOf(replica, kind, argument);
    const std::uint32_t known = outcome_ids_.Find(key);
    return known != IdTable<std::uint64_t>::kNone ? outcomes_[known]
                                                  : Compute(key, replica, kind, argument);
  }
  // Numbers of messages, ascending.
  std::span<const std::uint32_t> Sent(const Outcome& outcome) const {
    return std::span(sent_).subspan(outcome.sent_begin, outcome.sent_count);
  }
  const Violation& Failure(const Outcome& outcome) const { return failures_[outcome.failure - 1]; }

  // `history` with what `facts` shows. Throws a Violation.
  std::uint32_t Learned(std::uint32_t history, std::uint32_t facts);
  // `history` with one more read.
  std::uint32_t Asked(std::uint32_t history);

  // Of the set of the replicas; those that differ in the nodes' names only are one.
  Uint128 ReplicasFingerprint() const;

  // Whether a step has ever made a replica's age fall (moot.h).
  bool has_rejuvenated() const { return has_rejuvenated_; }

  // Steps of the real step function so far.
  std::size_t steps() const { return outcomes_.size(); }
  std::size_t replicas() const { return replicas_.size(); }
  std::size_t messages() const { return messages_.size(); }
  // About.
  std::size_t bytes() const;

 private:
  static std::uint64_t KeyOf(std::uint32_t replica, ActionKind kind, std::uint32_t argument) {
    return std::uint64_t{replica} << 32 | std::uint64_t{static_cast<std::uint8_t>(kind)} << 28 |
           argument;
  }
  Outcome Compute(std::uint64_t key, std::uint32_t replica, ActionKind kind,
                  std::uint32_t argument);
  std::uint32_t AddFacts(const Facts& facts);

  const Cluster& cluster_;
  const Bounds& bounds_;
  const std::size_t permutations_;

  // Never moved: an action's result is added while its origin is looked at.
  std::deque<Replica> replicas_;
  std::vector<Abilities> abilities_;
  std::vector<Uint128> replica_digests_;
  IdTable<Uint128> replica_ids_;

  std::deque<Message> messages_;
  std::vector<Letter> letters_;
  std::vector<Uint128> message_digests_;
  IdTable<Uint128> message_ids_;

  std::vector<History> histories_;
  std::vector<Uint128> history_digests_;
  IdTable<Uint128> history_ids_;

  std::vector<Facts> facts_;
  IdTable<Uint128> facts_ids_;

  std::vector<Outcome> outcomes_;
  IdTable<std::uint64_t> outcome_ids_;
  std::vector<std::uint32_t> sent_;
  std::vector<Violation> failures_;
  IdTable<std::uint64_t> learned_;

  bool has_rejuvenated_ = false;
  std::vector<Message> sending_;  // of the action under way
};

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_CATALOG_H_
