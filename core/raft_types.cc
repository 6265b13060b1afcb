#include "core/raft_types.h"

namespace grassdb {

std::optional<std::string> RaftOptions::Problem() const {
  if (id == NodeId(0)) return "the node id is missing";
  if (heartbeat_interval <= Duration::zero()) return "the heartbeat interval must be positive";
  if (election_timeout_min <= heartbeat_interval * 2) {
    // Below this, one lost heartbeat is an election (thesis 9.3: broadcast time << timeout).
    return "the smallest election timeout must be more than twice the heartbeat interval";
  }
  if (election_timeout_max <= election_timeout_min) {
    // Without a spread, candidates collide forever (thesis 3.4).
    return "the largest election timeout must be above the smallest";
  }
  if (append_entries_max == 0 || append_bytes_max == 0 || inflight_messages_max == 0 ||
      inflight_bytes_max == 0 || unapplied_bytes_max == 0) {
    return "a replication limit is 0";
  }
  if (reads_waiting_max == 0) return "the number of waiting reads must be positive";
  if (lease_drift_percent_max >= 100) return "the drift of clocks must be below 100 percent";
  if (disk_stall_timeouts == 0) return "the patience with a stalled disk must be positive";
  return std::nullopt;
}

void Output::Clear() {
  persist.reset();
  messages.clear();
  submit = SubmitOutcome::kNone;
  first_index = Index();
  term = Term();
  change = ChangeOutcome::kNone;
  change_problem.clear();
  reads_ready.clear();
  reads_refused.clear();
  restore.reset();
  apply_through = Index();
  snapshot_traffic.clear();
  snapshot_needed.clear();
  events.clear();
}

}  // namespace grassdb
