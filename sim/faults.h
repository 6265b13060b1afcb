// FaultInjector: begins and ends the faults of the plan. Every kind of fault is a process of its
// own: the n-th fault of a kind has its gap, its length, its victim and its shape keyed by (kind,
// n), so that turning one kind off leaves the others as they were. Half of them are aimed at
// whoever leads then: most of what can go wrong goes wrong with the leader.
#ifndef GRASSDB_SIM_FAULTS_H_
#define GRASSDB_SIM_FAULTS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "sim/event_queue.h"
#include "sim/host.h"
#include "sim/network.h"
#include "sim/plan.h"
#include "sim/random.h"
#include "sim/recorder.h"

namespace grassdb::sim {

enum class DamageWhen : std::uint8_t { kRunning = 0, kDown = 1 };

// What faults are done to.
class FaultTargets {
 public:
  virtual ~FaultTargets() = default;
  virtual Host& HostAt(std::uint32_t number) = 0;
  // The host that leads the newest term; nullopt if none leads.
  virtual std::optional<std::uint32_t> Leader() const = 0;
  // Crashes the host if it is not down already, to boot it again at `back`.
  virtual void CrashHost(std::uint32_t number, CrashKind kind, TrueTime back) = 0;
  // Tells a node that is up to stop; when it has, it is booted again at `back`, or at once if that
  // is over.
  virtual void StopHost(std::uint32_t number, TrueTime back) = 0;
  // As CrashHost, and its disk is gone; unless that would be more than a cluster can bear.
  virtual void WipeHost(std::uint32_t number, TrueTime back) = 0;
  // Damages the host's disk in the way that is drawn for `number`: behind a running node's back, or
  // it crashes, and meets the damage when it boots again at `back`. Unless that would be more than
  // a cluster can bear.
  virtual void DamageHost(std::uint32_t host, std::uint64_t number, DamageWhen when,
                          TrueTime back) = 0;
  // A host at the end of whose log stands what is on no other disk; nullopt if there is none.
  virtual std::optional<std::uint32_t> OneAhead() const { return std::nullopt; }
  // As CrashHost for a loss of power, if the host's disk is damaged.
  virtual void ShowDamage(std::uint32_t number, TrueTime back) = 0;
  // Keeps what is on the host's disk now.
  virtual void SaveDisk(std::uint32_t number) = 0;
  // As CrashHost, and its disk is what was kept; unless nobody could notice that, or it would be
  // more than a cluster can bear.
  virtual void RollBackHost(std::uint32_t number, TrueTime back) = 0;
};

// Directed links.
using Links = std::vector<std::pair<Place, Place>>;

// The shapes of a partition. Values key decisions: append, never renumber.
enum class PartitionShape : std::uint32_t {
  kIsolateOne = 0,    // one node against the rest
  kHalves = 1,        // two sides, drawn node by node
  kDeaf = 2,          // one node hears nobody, and is heard
  kMute = 3,          // one node is heard by nobody, and hears
  kBridge = 4,        // two sides that only one node can reach, both ways
  kRing = 5,          // every node reaches its two neighbours only
  kSomeLinks = 6,     // each direction of each link for itself
  kLeaderless = 7,    // one node reaches all others, they do not reach each other
  kChain = 8,         // every node reaches the one before and the one behind it only; the ends one
  kOneWay = 9,        // two sides; the second hears the first and is not heard by it
  kOneLink = 10,      // one node and the next do not reach each other, but both reach all others
  kOneWayLink = 11,   // one node does not hear the next, and that is all
  kThreeWays = 12,    // three sides
  kMajorities = 13,   // every node reaches the nearest of a ring that make a majority with it
  kConstrained = 14,  // one node reaches nobody; the others reach the next one only
  kHalfOpen = 15,     // two sides joined by one node that hears both and is heard by one
};
inline constexpr std::uint32_t kPartitionShapes = 16;

// The links that a partition of `shape` cuts among `nodes`; `one` is the node that the shapes with
// a special node are about, `random` draws sides.
Links LinksCut(PartitionShape shape, std::uint32_t nodes, std::uint32_t one, std::uint64_t random);

class FaultInjector {
 public:
  FaultInjector(const Plan& plan, EventQueue* queue, SimNetwork* network, Recorder* recorder,
                FaultTargets* targets);

  void Start();
  void OnBegin(FaultKind kind, std::uint64_t number);
  void OnEnd(FaultKind kind, std::uint64_t number);
  // The trap that kCrashAtIo has set has sprung.
  void OnTrap(std::uint32_t host);
  // The next step of a fault that has several.
  void OnPulse(FaultKind kind, std::uint64_t number);
  // A partition that leaves some node able to lead; no links if none was found. `can_lead(node,
  // nodes)` decides of a node and those that it is in touch with both ways, itself included, one
  // bit each.
  using CanLead = std::function<bool(std::uint32_t, std::uint64_t)>;
  struct Standing {
    Links links;
    std::uint64_t in_touch = 0;    // those of the node that was found
    bool others_are_dead = false;  // drawn: all but those are down besides
  };
  Standing StandingPartition(const CanLead& can_lead) const;
  // No fault begins any more, and the end of a fault does nothing: the owner heals.
  void Stop() { stopped_ = true; }

 private:
  // What a fault's random numbers decide. Append, never renumber.
  enum class About : std::uint64_t {
    kGap = 1,
    kLength = 2,
    kVictim = 3,
    kShape = 4,
    kSides = 5,
    kCrashKind = 6,
    kFactor = 7,
    kLink = 8,
    kUntil = 9,
    kJump = 10,
    kAim = 11,
    kIo = 12,
    kPulse = 13,
    kOthers = 14,
    kFrom = 15,
    kRoom = 16,
    kWhen = 17,
  };
  // The fault of a kind that has begun and not ended.
  struct Active {
    std::uint32_t victim = 0;
    std::uint64_t number = 0;
    Links links;            // cut, or to be cut at the next pulse
    bool left_out = false;  // of the schedule: it only takes its time
    bool under_way = false;
    std::uint64_t pulses = 0;
    bool down = false;                 // kFlap: the links are cut
    std::vector<std::uint32_t> hosts;  // HostsOf
  };

  template <class... More>
  std::uint64_t Draw(FaultKind kind, std::uint64_t number, About about, More... more) const {
    return random_(Stream::kFault, kind, number, about, more...);
  }
  void Schedule(FaultKind kind, std::uint64_t number);
  Duration LengthOf(FaultKind kind, std::uint64_t number) const;
  std::uint32_t VictimOf(FaultKind kind, std::uint64_t number) const;
  // The hosts that it is done to: none if it is done to links, or to whoever a pulse is drawn for.
  std::vector<std::uint32_t> HostsOf(FaultKind kind, std::uint64_t number,
                                     std::uint32_t victim) const;
  std::vector<std::uint32_t> FullDisks(std::uint64_t number, std::uint32_t victim) const;
  std::vector<std::uint32_t> DamagedDisks(std::uint64_t number, std::uint32_t victim) const;
  std::uint64_t DamageShape(std::uint64_t number) const;
  CrashKind CrashKindOf(FaultKind kind, std::uint64_t number) const;
  Links LinksOf(FaultKind kind, std::uint64_t number, std::uint32_t victim) const;
  void Begin(FaultKind kind, std::uint64_t number, std::uint32_t victim, Duration length);
  void BeginClog(std::uint64_t number);
  void BeginSwizzle(std::uint64_t number);
  void SchedulePulse(FaultKind kind);
  void Pulse(FaultKind kind);
  void Flap(Active* active);
  void BeginCrashAll(std::uint64_t number);
  void BeginDamage(std::uint64_t number);
  void BeginFullDisk(std::uint64_t number);

  const Plan& plan_;
  const Keyed random_;
  EventQueue* queue_;
  SimNetwork* network_;
  Recorder* recorder_;
  FaultTargets* targets_;
  std::array<Active, kFaultKinds> active_;
  bool stopped_ = false;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_FAULTS_H_
