// What the log is made of, and what must be durable before a promise (thesis figure 3.1,
// "persistent state").
#ifndef GRASSDB_CORE_ENTRY_H_
#define GRASSDB_CORE_ENTRY_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/configuration.h"
#include "core/types.h"

namespace grassdb {

// The values are written to disk and to the wire: never reuse one.
enum class EntryType : std::uint8_t {
  kNoop = 1,           // first entry of every leader's term (thesis 6.4); empty payload
  kCommand = 2,        // payload: core/command.h
  kConfiguration = 3,  // payload: EncodeConfiguration
};

struct Entry {
  Index index;
  Term term;
  EntryType type = EntryType::kNoop;
  Bytes payload;

  friend bool operator==(const Entry&, const Entry&) = default;
};

// An entry by its place; (0, 0) is the empty prefix.
struct LogPosition {
  Index index;
  Term term;

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

// What one entry counts for in limits given in bytes: its payload and a fixed share for its frame.
inline std::size_t CostOf(const Entry& entry) {
  return entry.payload.size() + 32;
}

struct HardState {
  Term term;
  NodeId voted_for;  // in `term`; 0: nobody
  // This disk took part in the first election of the cluster (core/standing.cc). Unset only by
  // `renewed`.
  bool founder = false;
  // By which the node goes since a leader has told it that its disk had forgotten something
  // (core/standing.cc), in the place of the directory's own; 0: never. 2 to 2^32 - 1.
  Incarnation renewed{};

  friend bool operator==(const HardState&, const HardState&) = default;
};

// Which prefix of the log a snapshot stands for, and the configuration in force at its end.
struct SnapshotMeta {
  Index index;
  Term term;
  Configuration configuration;
  // The entry that `configuration` came from; 0 for the bootstrap configuration. <= index.
  Index configuration_index;

  friend bool operator==(const SnapshotMeta&, const SnapshotMeta&) = default;
};

// One step's worth of state to make durable. The parts are written in this order, and a crash
// leaves a prefix of them: hard state, snapshot, entries.
struct Persist {
  PersistId id;
  std::optional<HardState> hard_state;
  // A snapshot received from the leader and staged (core/disk.h) becomes the current one. Entries
  // up to its index are superseded; entries after it survive exactly if the local log has the entry
  // (index, term) of the snapshot (thesis 5.3, figure 5.3 rule 6).
  std::optional<SnapshotMeta> install;
  // Contiguous. The first one's index cuts the log there: every older entry at or after it is gone.
  std::vector<Entry> entries;
  // Data among the entries may use the reserve of a full disk (core/node_space.cc).
  bool vital = false;

  bool empty() const { return !hard_state && !install && entries.empty(); }
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_ENTRY_H_
