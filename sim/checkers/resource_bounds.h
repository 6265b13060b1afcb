// Resource bounds: what a node keeps in memory for others has limits (core/limits.h), and whoever
// would go beyond is refused or waits. So no client, no slow follower and no lost quorum can make a
// node grow without end.
//
// A limit in bytes is looked at before the write that may go beyond it is taken; so at most one
// batch goes beyond, and a batch has its own limit.
#ifndef GRASSDB_SIM_CHECKERS_RESOURCE_BOUNDS_H_
#define GRASSDB_SIM_CHECKERS_RESOURCE_BOUNDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/disk.h"
#include "core/kv_store.h"
#include "core/limits.h"
#include "core/progress.h"
#include "core/raft.h"
#include "sim/violation.h"

namespace grassdb::sim {

class ResourceBounds {
 public:
  // What a node holds after a step.
  struct Held {
    std::size_t requests_waiting = 0;
    std::size_t sessions = 0;
    // Of the log, in memory, if all of it is applied, or can be read back to be applied.
    std::optional<std::size_t> settled_log_bytes;
    Raft::Load load;
    const std::vector<Progress>* followers = nullptr;  // null when not leading
  };

  // No entry costs more than `entry_bytes_max` (CostOf).
  ResourceBounds(const NodeOptions& options, std::size_t entry_bytes_max)
      : options_(options),
        unapplied_bytes_max_(2 * options.raft.unapplied_bytes_max +
                             (options.waiting_requests_max + kEntriesOfItsOwn) * entry_bytes_max),
        window_bytes_max_(options.raft.inflight_bytes_max + options.raft.append_bytes_max +
                          entry_bytes_max) {}

  void Observe(std::uint32_t node, const Held& held) const {
    Check(node, "requests that wait", held.requests_waiting, options_.waiting_requests_max);
    Check(node, "sessions", held.sessions, options_.store.sessions_max);
    Check(node, "reads that wait for a round", held.load.reads_waiting,
          options_.raft.reads_waiting_max);
    Check(node, "bytes not applied", held.load.unapplied_bytes, unapplied_bytes_max_);
    if (held.settled_log_bytes.has_value()) CheckLog(node, *held.settled_log_bytes);
    if (held.followers == nullptr) return;
    for (const Progress& follower : *held.followers) {
      Check(node, "messages on their way to one follower", follower.inflight.size(),
            options_.raft.inflight_messages_max);
      Check(node, "bytes on their way to one follower", follower.inflight_bytes, window_bytes_max_);
    }
  }

  // What it, or its repair, begins with.
  void ObserveStart(std::uint32_t node, const RecoveredState& state) const {
    std::size_t bytes = 0;
    for (const Entry& entry : state.entries) bytes += CostOf(entry);
    CheckLog(node, bytes);
  }

  // The answers that a node keeps for sessions, counted anew: its own count decides what it drops.
  // Of a session the answer given last is never dropped.
  void ObserveAnswers(std::uint32_t node, const KvStore::KeptAnswers& kept) const {
    Check(node, "answers of one session", kept.of_one_session, options_.store.answers_max);
    if (kept.all <= 1) return;
    Check(node, "bytes of answers", kept.bytes, options_.store.answer_bytes_max);
  }

 private:
  // What a leader appends that no client asks for: no-ops and configurations, elections in a row
  // that commit nothing included.
  static constexpr std::size_t kEntriesOfItsOwn = 256;

  // Let go of an eighth at a time.
  void CheckLog(std::uint32_t node, std::size_t bytes) const {
    Check(node, "bytes of the log that it need not", bytes,
          options_.log_memory_bytes + options_.log_memory_bytes / 8);
  }

  static void Check(std::uint32_t node, const char* what, std::size_t held, std::size_t most) {
    GRASS_RULE("resource bounds", held <= most,
               NodeName(node) + " holds " + Decimal(held) + " " + what + ", above its limit of " +
                   Decimal(most));
  }

  NodeOptions options_;
  std::size_t unapplied_bytes_max_;
  std::size_t window_bytes_max_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_RESOURCE_BOUNDS_H_
