// What goes into and comes out of the Raft step function (core/raft.h).
#ifndef GRASSDB_CORE_RAFT_TYPES_H_
#define GRASSDB_CORE_RAFT_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/bytes.h"
#include "core/disk.h"
#include "core/entry.h"
#include "core/event.h"
#include "core/limits.h"
#include "core/member_change.h"
#include "core/message.h"
#include "core/types.h"

namespace grassdb {

// --- Inputs ---

// The time NextDeadline() named has come. Stepping it early does nothing.
struct DeadlineReached {};

// This and every earlier Persist is durable.
struct Persisted {
  PersistId id;
};

// What clients asked for since the last step: commands to append, and reads that want to be
// linearizable. One input for both, so that one message to each follower serves all of them.
struct Submit {
  std::vector<Bytes> commands;
  std::vector<ReadId> reads;
};

// The snapshot `meta` of this node's own state is the current one, durably. Log entries up to
// `release_through` (<= meta.index) need not be kept in memory any longer.
struct Compact {
  SnapshotMeta meta;
  Index release_through;
};

// Log entries up to `through`, which are durable and may be applied (Output::apply_through), need
// not be kept in memory any longer. What others want of them is read from the disk
// (Output::entries_needed); what this node has not applied yet, the driver reads.
struct Evict {
  Index through;
};

// A snapshot streamed in by `leader` is staged and complete on this node's disk.
struct SnapshotStaged {
  SnapshotMeta meta;
  NodeId leader;
};

// Appends what leads to the configuration that `changes` ask for (core/member_change.h).
struct ChangeMembership {
  std::vector<MemberChange> changes;
};

// Hand leadership to `target`; 0: to the follower with the longest matching log (thesis 3.10).
struct TransferLeadership {
  NodeId target;
};

// Whether this node's disk has room for data. A leader without gives way to a follower with.
struct SpaceChanged {
  bool full = false;
};

using Input = std::variant<DeadlineReached, Message, Persisted, Submit, Compact, SnapshotStaged,
                           TransferLeadership, ChangeMembership, SpaceChanged, Evict, EntriesRead>;

// --- Output ---

enum class SubmitOutcome : std::uint8_t {
  kNone,          // the input was not a Submit, or had no commands
  kAppended,      // commands got consecutive indexes from Output::first_index on
  kNotLeader,     // nothing happened
  kOverloaded,    // nothing happened: too much waits to be applied
  kTransferring,  // nothing happened: leadership is being handed over
};

enum class ChangeOutcome : std::uint8_t {
  kNone,       // the input was not a ChangeMembership
  kAppended,   // done when configuration() is committed and not joint; see Output::first_index
  kUnchanged,  // the configuration is as wanted, and committed
  kNotLeader,  // nothing happened
  kBusy,       // nothing happened: another change, or a transfer, is under way; try again
  kRefused,    // nothing happened, and trying again will not help by itself
};

struct ReadReady {
  ReadId id;
  Index index;  // serve the read from a state that has applied this much
};

// What one step wants done. The driver may do the parts in any order and at any speed: whatever
// must wait for the disk, core holds back by itself.
struct Output {
  std::optional<Persist> persist;
  std::vector<Message> messages;

  // The submitted commands' fate.
  SubmitOutcome submit = SubmitOutcome::kNone;
  Index first_index;
  Term term;

  // The asked change of membership's fate, in words where it was refused.
  ChangeOutcome change = ChangeOutcome::kNone;
  std::string change_problem;

  std::vector<ReadReady> reads_ready;
  std::vector<ReadId> reads_refused;  // no leader can be asked now; nothing was read

  // The state machine must be replaced by the current snapshot before it applies anything more.
  std::optional<SnapshotMeta> restore;
  // Entries up to here may be applied: committed, and durable on this node. Never falls. Those that
  // are evicted (Log::IsEvicted) are to be read from the disk first.
  Index apply_through;

  // Snapshot chunks and their answers that passed the term checks, for the transfer logic.
  std::vector<Message> snapshot_traffic;
  // Followers that need the current snapshot, from now on.
  std::vector<NodeId> snapshot_needed;

  // Evicted entries that others are to have. Each is answered with an EntriesRead that has some of
  // them; or none, if they cannot be read.
  std::vector<ReadEntries> entries_needed;

  std::vector<Event> events;

  // Empties it and keeps the memory.
  void Clear();
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_RAFT_TYPES_H_
