// Plan: everything one seed draws before the run begins (swarm testing): how large the cluster is,
// how time is scaled, which kinds of fault are on and how often, what the clients do, and how small
// the logs and snapshots are. Nothing of it is drawn later; the decisions of the run are keyed by
// the same seed.
#ifndef GRASSDB_SIM_PLAN_H_
#define GRASSDB_SIM_PLAN_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/node.h"
#include "sim/choices.h"
#include "sim/damage.h"
#include "sim/random.h"
#include "store/storage.h"

namespace grassdb::sim {

// What the command line fixes; the rest is drawn.
struct RunOptions {
  std::uint64_t seed = 1;
  std::optional<std::uint32_t> nodes;
  // The faults end after so many events, or so much simulated time, whichever is first.
  std::optional<std::uint64_t> steps;
  std::optional<std::uint32_t> seconds;
  // Of the plan, by the name of the dimension (EditNames in schedule.h), each within its range.
  std::map<std::string, std::uint64_t> edits;
};

enum class DeliveryOrder : std::uint8_t {
  kPerLink = 1,  // as over one stream: what was sent first arrives first
  kAny = 2,
};

struct NetworkPlan {
  Duration delay_min{};
  Duration delay_spread{};
  DeliveryOrder order = DeliveryOrder::kAny;
  PerMillion drop = 0;
  PerMillion duplicate = 0;
  PerMillion straggle = 0;  // a message, or a copy of one, that takes up to `straggle_max`
  Duration straggle_max{};
  PerMillion damage = 0;   // a chunk of a snapshot of which one bit is flipped
  PerMillion corrupt = 0;  // whatever is sent: its bytes change, and its connection breaks
  // Of lost requests and replies: the client is told (connection reset) rather than left waiting.
  PerMillion reset_seen = 0;
};

struct DiskPlan {
  Duration read{};
  Duration write{};
  Duration sync_min{};
  Duration sync_spread{};
  Duration per_kib{};
  PerMillion straggle = 0;  // an I/O that takes up to `straggle_max`
  Duration straggle_max{};
  PerMillion write_failure = 0;
  PerMillion sync_failure = 0;
  // Weights of the kinds of damage, by DamageKind; FaultKind::kDamage says when.
  std::array<std::uint32_t, kDamageKinds> damage{};
  // Of the wounds in files of the log, those at a place that tells more than others
  // (telling_places.h).
  PerMillion telling = 0;
  PerMillion misread = 0;       // a read of which a sector is another one's, once
  PerMillion read_failure = 0;  // a read, an open or a listing that fails, once
};

struct ClockPlan {
  std::int64_t drift_ppm_max = 0;  // each node draws its own from [-max, max]
  Duration jump_max{};
  // What a clock shows when its node boots, at most; each life draws its own. Never drawn itself.
  Duration offset_max = std::chrono::hours(1);
};

// The kinds of fault that begin and end. Values key their decisions: append, never renumber.
enum class FaultKind : std::uint32_t {
  kCrash = 0,         // one node; back after the fault's length
  kCrashAll = 1,      // every node at once: the power of the whole room
  kPartition = 2,     // of a drawn shape (FaultInjector)
  kClog = 3,          // links hold what is sent on them, then let all of it go
  kPause = 4,         // a node does nothing, while its disk and its clock go on
  kSlowNode = 5,      // every input takes a node much longer
  kSlowDisk = 6,      // every I/O of a node takes much longer
  kClientCut = 7,     // a client cannot reach, or is not reached by, some nodes
  kClockJump = 8,     // a node's clock jumps ahead
  kWipe = 9,          // a node loses its whole disk and comes back with an empty one
  kRollBack = 10,     // a node comes back with its disk as it was when the fault began
  kCrashAtIo = 11,    // one node, in the middle of an I/O of a drawn type, if it comes to one
  kClockStop = 12,    // a node's clock stands still, and then stays behind or leaps to where it was
  kClockStrobe = 13,  // a node's clock stands still and leaps ahead, again and again
  kCrashStorm = 14,   // one node after the other crashes and is soon back
  kSwizzle = 15,      // one machine after the other is clogged, then one after the other is not
  kFlap = 16,         // links go down and up again, quickly
  kFullDisk = 17,     // a node's disk, or every one, has room for so much more and no further
  kDamage = 18,       // durable bytes of a node go bad; it has to read them when the fault ends
  kStop = 19,      // one node is told to stop, and does so when it is ready; back as after a crash
  kHangDisk = 20,  // a node's disk answers nothing, however long it is waited for
};
inline constexpr std::size_t kFaultKinds = 21;

const char* NameOf(FaultKind kind);

struct FaultPlan {
  bool on = false;
  Duration gap_mean{};  // from the end of one to the beginning of the next
  Duration length_min{};
  Duration length_max{};
};

struct WorkloadPlan {
  std::uint32_t clients = 3;
  std::uint32_t keys = 4;
  Duration think_max{};
  std::uint32_t value_bytes_max = 64;
  Duration deadline{};
  Duration attempt_timeout{};
  // Weights of the operations.
  std::uint32_t get = 0;
  std::uint32_t put = 0;
  std::uint32_t erase = 0;
  std::uint32_t compare_and_set = 0;
  std::uint32_t take_snapshot = 0;
  std::uint32_t transfer = 0;
  std::uint32_t change_membership = 0;
  std::uint32_t transaction = 0;  // of several keys
  std::uint32_t slip = 0;         // what breaks a limit
  PerMillion stale = 0;           // of the reads, those of whatever a node has
  PerMillion lease = 0;           // of the reads, those that may be served under the leader's lease
  PerMillion hoard = 0;           // of the clients, those that never say which answers they have
  PerMillion reconnect = 0;  // after an operation: begin again as a new client with a new session
};

// Some situations lie where several dimensions meet, of which each is rarely there. In a few seeds
// they are put there together. Values are part of schedules: append, never renumber.
enum class Together : std::uint8_t {
  kNothing = 0,
  kChangesInABacklog = 1,      // of entries: a new leader knows half of a membership change
  kLogsPartOnSlowDisks = 2,    // what is not even written yet is replaced
  kManySegmentsGoAtOnce = 3,   // and power fails at that
  kLogsPartAndRot = 4,         // what is lost was never committed
  kSyncsFailThenPower = 5,     // and in between a life that rests on what the sync has lost
  kLeasesAndRestarts = 6,      // who has promised its leader something forgets it, and is asked
  kLeasesAndLateMail = 7,      // who is asked for a vote has heard its leader meanwhile
  kLostDisksAndOldMail = 8,    // who has lost its disk hears what was said to the one before
  kMembersAndNewDisks = 9,     // who comes back as a member has another disk than when it left
  kRotAndElections = 10,       // on several disks; who mends itself asks those who lead nobody
  kLogsAreReadBack = 11,       // what was replaced stands in front of what has replaced it
  kPartingsRot = 12,           // where logs have parted; others have what was cut there still
  kSnapshotsOnSlowDisks = 13,  // one comes while the one before is being put in force
  kRotOnFullDisks = 14,        // what is found to be damaged cannot be written anew
  kRotInFrontOfATear = 15,     // of what was durable the last, and a crash tore what came next
  kRunsRotAtPartings = 16,     // and whom one asks for what was lost has gone on by itself
};
inline constexpr std::uint64_t kTogethers = 17;

inline constexpr std::uint32_t kMachinesMax = 9;
inline constexpr std::uint32_t kLearnersMax = 3;

// How much damage there is at a time (fault_atlas.h). Values are part of schedules: append, never
// renumber.
enum class AtlasRule : std::uint8_t {
  kAnywhere = 0,   // never drawn: the cluster may lose what it needs; then it may stop, but not lie
  kOneNode = 1,    // on one node, all of whose disk another one can do without
  kEachEntry = 2,  // on any nodes, as long as each committed entry survives on one
};

const char* NameOf(AtlasRule rule);

struct Plan {
  std::uint64_t seed = 0;
  Together together = Together::kNothing;
  // Machines. The first `voters` of them, and the `learners` behind those, are the cluster as it is
  // born; the others wait to be added.
  std::uint32_t nodes = 3;
  std::uint32_t voters = 3;
  std::uint32_t learners = 0;
  // The faults end at the earlier of the two.
  Duration fault_phase{};
  std::uint64_t fault_steps = 0;
  NodeOptions node;
  // Election timeouts of the nodes: each draws its own part of what `node` says, at least this.
  std::uint32_t timeout_percent_min = 100;
  store::StorageOptions storage;
  NetworkPlan network;
  DiskPlan disk;
  ClockPlan clock;
  WorkloadPlan workload;
  std::array<FaultPlan, kFaultKinds> faults;
  // When the faults end, they do so for a core of the nodes only (surviving_core.h); later for all.
  bool core_first = false;
  // After that, a partition that leaves a connected quorum stays for a while, and the quorum
  // must get itself a leader that serves.
  bool standing_partition = false;
  // In the end the leader's disk hangs, and the others must get by without it.
  bool leader_hangs = false;
  // What is said goes through the bytes of proto/ (wire.h); else values are handed over.
  bool wire = false;
  PerMillion old_format =
      0;  // of the lives of a node, those that write the log as the version before
  PerMillion rare_path = 0;   // of the passes by a rare path that is open (sites.h)
  PerMillion power_loss = 0;  // of crashes; the others kill the process, the page cache stays
  Duration processing{};      // what one input costs a node
  Duration process_start{};   // from a boot to the first I/O of recovery

  AtlasRule atlas = AtlasRule::kOneNode;
  // Who is no member any more may lose its disk as well, before it is added again.
  bool strangers_forget = false;

  // Never drawn; a schedule may ask for them (schedule.h).
  // The checkers that look into the nodes. Without them a run is judged by what its clients see, by
  // the bounds on a healed cluster and by the code's own checks; it is the same run.
  bool white_box = true;
  // Of the operations of the clients, how many are checked at a time and then let go of
  // (checkers/history_parts.h).
  std::size_t history_part = 1024;
  // The run ends with its faults: nothing heals, and the history is searched as it is then.
  bool end_with_faults = false;
  // Nor may a schedule ask for these two, which `grass-sim bench --checkers` turns off: the
  // specification among the white-box checkers, and the two checks of what the clients saw.
  bool specification = true;
  bool judge_history = true;
  // Sorted: the only decisions of choices.h that happen. Without a value, all do.
  std::optional<std::vector<Decision>> only;
  // Steers the decisions of the run; null: the seed alone does. Outlives the run.
  Tape* tape = nullptr;
};

// Without the edits: PlanOf in schedule.h.
Plan DrawPlan(const RunOptions& options);

void PutTogether(Together together, Plan* plan);

// As if everything that a disk does took so much longer or shorter.
void SetSync(Duration sync, Plan* plan);

// A lease rests on clocks that keep to the drift it allows for: where reads use one, clocks do.
void KeepToLeaseAssumptions(Plan* plan);

// For people: one line a part.
std::string Describe(const Plan& plan);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_PLAN_H_
