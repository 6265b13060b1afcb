// One node of an explored cluster: the real Raft, the Persists it has under way, and its disk; and
// what can happen to it. Copyable, and deterministic.
//
// Time. Nothing is drawn: the smallest election timeout is one nanosecond below the largest. The
// node's own clock stands still but for these jumps:
//  - An election timeout, and a leader's step down for want of a quorum, may happen at any moment:
//    the clock jumps to it.
//  - A heartbeat interval is one nanosecond, an election timeout an hour: no number of heartbeats
//    within the bounds adds up to one.
//  - A vote is asked for when the voter's defence of its leader (thesis 4.2.3) has just ended: the
//    clock jumps to the end of it.
//  - Every sent_at is the same instant. So no denial is newer than what it denies.
//  - A leader's clock stands still without heartbeats, so it has heard every follower at the same
//    instant: which it asks to confirm a read it decides by their answers and names. With them that
//    would hang on instants, so there are no reads then.
// So every distance between two instants that Raft decides on is fixed by what else it knows, and
// instants need not be told apart.
//
// This adds nothing that a slow network and slow nodes could not do: any message may be as late as
// it likes. It leaves out: votes refused for a leader that was heard (for safety the same as a lost
// request), leases, reads through a follower, the hand-over of a stalled disk, rolled back disks
// (Raft::OnForgotten), changes of the members, snapshots. With PreVotes::kAssumed every node may
// campaign at any moment; a pre-vote can only prevent that.
#ifndef GRASSDB_SIM_EXPLORE_REPLICA_H_
#define GRASSDB_SIM_EXPLORE_REPLICA_H_

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/raft.h"
#include "sim/explore/bounds.h"
#include "sim/explore/cluster.h"
#include "sim/explore/digest.h"

namespace grassdb::sim::explore {

struct Disk {
  HardState hard_state;
  std::vector<Entry> entries;  // from index 1 on
};

struct Replica {
  Raft raft;
  Instant now;
  std::deque<Persist> unfinished;
  Disk disk;
  // By the read's number - 1: the index + 1 as of which this life of it has answered; 0: it has
  // not.
  std::array<std::uint8_t, kReadsMax> answered{};
};

// What a node can be made to do. The values are part of no file.
enum class ActionKind : std::uint8_t {
  kDeliver = 1,
  kFinish = 2,     // the oldest unfinished Persist becomes durable
  kTimeout = 3,    // the election timeout
  kHeartbeat = 4,  // a leader's
  kStepDown = 5,   // a leader has not heard of a quorum for an election timeout
  kPropose = 6,    // one command
  kCrash = 7,      // and restart: of the unfinished Persists, `kept` parts have become durable
  kRead = 8,       // a leader is asked for a read
};

struct Action {
  ActionKind kind = ActionKind::kDeliver;
  const Message* message = nullptr;  // kDeliver
  std::uint32_t kept = 0;            // kCrash: 0..PartsUnfinished
  std::uint32_t read = 0;  // kRead: its number, from 1 on in the order in which they are asked
};

Replica StartReplica(const Cluster& cluster, const Bounds& bounds, std::uint32_t number);

// Whether `action` is possible within the bounds, as far as this node alone can tell. kDeliver
// always is.
bool IsPossible(const Replica& replica, ActionKind kind, const Bounds& bounds);

// The parts of a Persist that become durable one after the other: the hard state, each entry.
std::uint32_t PartsUnfinished(const Replica& replica);

// What the node is after it, and the messages it sends. Throws a Violation if a GRASS_CHECK fails
// (under CheckFailuresThrow). Ends the process if the node looks at the real world (hermetic.h).
Replica Act(const Cluster& cluster, const Bounds& bounds, const Replica& before,
            const Action& action, std::vector<Message>* sent);

// Of everything that can influence what the node does from now on.
Uint128 DigestOf(const Cluster& cluster, const Permutation& permutation, const Replica& replica);
Uint128 DigestOf(const Cluster& cluster, const Permutation& permutation, const Message& message);

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_REPLICA_H_
