// Structured trace events: what a reader of a log wants to know about a replica. Core emits them to
// a sink it is handed and never looks at the sink; a run's fingerprint is the same with and without
// one.
#ifndef GRASSDB_CORE_EVENT_H_
#define GRASSDB_CORE_EVENT_H_

#include <cstdint>

#include "core/types.h"

namespace grassdb {

enum class EventKind : std::uint8_t {
  kBecameFollower = 1,   // peer: the leader, or 0
  kStartedPreVote = 2,   // a: votes needed
  kStartedElection = 3,  // a: votes needed
  kWonElection = 4,      // a: votes received, b: voters
  kLostPreVote = 5,
  kLostElection = 6,
  kSteppedDown = 7,         // a leader heard from no quorum for an election timeout
  kGrantedVote = 8,         // peer: the candidate
  kTruncatedLog = 9,        // a: first index cut, b: last index cut
  kSnapshotNeeded = 10,     // peer: the follower, a: snapshot index
  kSnapshotInstalled = 11,  // a: snapshot index
  kSnapshotTaken = 12,      // a: snapshot index
  kTransferStarted = 13,    // peer: the target
  kTransferAbandoned = 14,  // peer: the target
  kStateRestored = 15,      // a: applied index after loading a snapshot
  kFollowingLeader = 16,    // peer: the leader, first heard in this term
  kChangedMembership = 17,  // appended; a: index, b: 1 if joint
  kLeftCluster = 18,        // the leader is no voter of the committed configuration
  kDiskStalled = 19,        // a leader's disk makes no progress; it hands over
  kMemberForgot = 20,       // peer: its disk was wiped or rolled back; a: its incarnation
  kChunkRefused = 21,       // from peer, of snapshot a at offset b: its checksum is wrong
  kSnapshotResumed = 22,    // from peer, snapshot a, at offset b, where the last life ended
  kNewDisk = 23,            // peer speaks with incarnation a, which is not the one on record
  kRemoved = 24,            // while away, says peer; a: by the log entry
  kDiskSpace = 25,          // of this node is now a, a DiskSpace; it was b
  kFullLeader = 26,         // has no room for data, and hands over to peer, which has
  kDamageFound = 27,        // on this disk; b 1: it is mended; else by a snapshot at or above a
  kDamageMended = 28,       // by the snapshot a
  // Of a node in repair (core/repair.h).
  kEntriesLost = 29,         // of indexes a..b
  kSnapshotLost = 30,        // the state up to index a
  kRepairWaits = 31,         // nobody has given back a..b yet
  kRepaired = 32,            // entries a..b, from peer
  kRepairedBySnapshot = 33,  // a, from peer
  kRepairCut = 34,           // from index a on, never committed: peer's answer was the last proof
  // Of any node.
  kRenewed = 35,  // this disk has forgotten something, says peer, who leads; a: its incarnation now
};

const char* NameOf(EventKind kind);

struct Event {
  EventKind kind = EventKind::kBecameFollower;
  NodeId peer;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_EVENT_H_
