#include "core/event.h"

namespace grassdb {

const char* NameOf(EventKind kind) {
  switch (kind) {
    case EventKind::kBecameFollower:
      return "became follower";
    case EventKind::kStartedPreVote:
      return "started pre-vote";
    case EventKind::kStartedElection:
      return "started election";
    case EventKind::kWonElection:
      return "won election";
    case EventKind::kLostPreVote:
      return "lost pre-vote";
    case EventKind::kLostElection:
      return "lost election";
    case EventKind::kSteppedDown:
      return "stepped down";
    case EventKind::kGrantedVote:
      return "granted vote";
    case EventKind::kTruncatedLog:
      return "truncated log";
    case EventKind::kSnapshotNeeded:
      return "snapshot needed";
    case EventKind::kSnapshotInstalled:
      return "snapshot installed";
    case EventKind::kSnapshotTaken:
      return "snapshot taken";
    case EventKind::kTransferStarted:
      return "transfer started";
    case EventKind::kTransferAbandoned:
      return "transfer abandoned";
    case EventKind::kStateRestored:
      return "state restored";
    case EventKind::kFollowingLeader:
      return "following leader";
    case EventKind::kChangedMembership:
      return "changed membership";
    case EventKind::kLeftCluster:
      return "left the cluster";
    case EventKind::kMemberForgot:
      return "member forgot";
    case EventKind::kChunkRefused:
      return "chunk refused";
    case EventKind::kSnapshotResumed:
      return "snapshot resumed";
    case EventKind::kDiskStalled:
      return "disk stalled";
    case EventKind::kNewDisk:
      return "new disk";
    case EventKind::kRemoved:
      return "removed";
    case EventKind::kDiskSpace:
      return "disk space";
    case EventKind::kFullLeader:
      return "full leader";
    case EventKind::kDamageFound:
      return "damage found";
    case EventKind::kDamageMended:
      return "damage mended";
    case EventKind::kEntriesLost:
      return "entries lost";
    case EventKind::kSnapshotLost:
      return "snapshot lost";
    case EventKind::kRepairWaits:
      return "repair waits";
    case EventKind::kRepaired:
      return "repaired";
    case EventKind::kRepairedBySnapshot:
      return "repaired by snapshot";
    case EventKind::kRepairCut:
      return "repair cut";
    case EventKind::kRenewed:
      return "renewed";
  }
  return "unknown";
}

}  // namespace grassdb
