// A schedule of an exploration as text: one step a line, which a person reads and
// `grass-sim explore --replay` runs again.
//
//   timeout n1                  n1's election timeout ends: it campaigns
//   finish n1                   n1's oldest unfinished write is durable
//   deliver n1 -> n2 MESSAGE    it is taken from the network and arrives
//   repeat n1 -> n2 MESSAGE     it arrives, and a copy stays in the network
//   drop n1 -> n2 MESSAGE       it is lost
//   heartbeat n1                a leader's heartbeat interval ends
//   step-down n1                a leader has heard of no quorum for an election timeout
//   propose n1                  a client proposes a command to it
//   crash n1 keeping 2          n1 crashes and restarts; 2 parts (the hard state, or an entry) of
//                               its unfinished writes have reached the disk
#ifndef GRASSDB_SIM_EXPLORE_SCHEDULE_H_
#define GRASSDB_SIM_EXPLORE_SCHEDULE_H_

#include <cstdint>
#include <string>

#include "core/message.h"
#include "sim/explore/cluster.h"
#include "sim/explore/replica.h"

namespace grassdb::sim::explore {

// What happens to a message, or to a node.
enum class StepKind : std::uint8_t { kAct = 1, kDeliver = 2, kRepeat = 3, kDrop = 4 };

// The text of a message: two messages have the same one exactly if they are the same, but for
// instants.
std::string TextOf(const Cluster& cluster, const Message& message);

std::string TextOf(const Cluster& cluster, StepKind kind, const Message& message);
// kind is not kDeliver.
std::string TextOf(std::uint32_t node, ActionKind kind, std::uint32_t kept);

// One line on what the node is now: "n1 leader of term 1, log 1 1, durable 1, commit 0, 1 write
// under way".
std::string TextOf(const Cluster& cluster, const Replica& replica);

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_SCHEDULE_H_
