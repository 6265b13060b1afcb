#include "core/limits.h"

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
  if (append_delay < Duration::zero()) return "the delay of entries must not be negative";
  if (reads_waiting_max == 0) return "the number of waiting reads must be positive";
  if (lease_drift_percent_max >= 100) return "the drift of clocks must be below 100 percent";
  if (disk_stall_timeouts == 0) return "the patience with a stalled disk must be positive";
  return std::nullopt;
}

std::optional<std::string> NodeOptions::Problem() const {
  if (auto problem = raft.Problem()) return problem;
  if (snapshot_log_bytes == 0) return "the log size that triggers a snapshot must be positive";
  if (snapshot_chunk_bytes == 0) return "the snapshot chunk size must be positive";
  if (waiting_requests_max == 0) return "the number of waiting requests must be positive";
  if (snapshot_retry <= Duration::zero()) return "the snapshot retry interval must be positive";
  if (space_retry_min <= Duration::zero() || space_retry_max < space_retry_min) {
    return "the intervals at which a full disk is looked at must be positive and ascending";
  }
  if (scrub_pause < Duration::zero()) return "the pause between two scrubs must not be negative";
  if (mark_idle < Duration::zero()) return "the idle time before a mark must not be negative";
  if (read_patience <= Duration::zero()) return "the patience of reads must be positive";
  return std::nullopt;
}

}  // namespace grassdb
