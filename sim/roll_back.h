// RollBack: a disk that comes back in an earlier state of itself, as from an old backup.
//
// Raft cannot bear that by itself: the node has forgotten votes and entries that it has promised,
// and does not know it. The leader that holds its acknowledgements sees it deny them, tells it, and
// has it admitted anew (core/standing.cc). So that no promise is broken before that, here the node
// can reach nobody but this leader until it goes by another incarnation, durably; if the leader
// goes first, an operator deletes what the node has, and the others notice that by the incarnation
// of the next disk. From then on nothing is kept from the node: whoever leads, whatever
// configuration the members have, itself among them, its vote is that of a disk which nobody knows.
// The rule is in checkers/forgetting.h.
#ifndef GRASSDB_SIM_ROLL_BACK_H_
#define GRASSDB_SIM_ROLL_BACK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/checkers/checkers.h"
#include "sim/host.h"
#include "sim/network.h"

namespace grassdb::sim {

class RollBack {
 public:
  using Hosts = std::vector<std::unique_ptr<Host>>;

  // All of them outlive it. `ids[i]` is the id of host i.
  RollBack(const Hosts* hosts, const std::vector<NodeId>* ids, SimNetwork* network,
           Checkers* checkers)
      : hosts_(hosts), ids_(ids), network_(network), checkers_(checkers) {}

  // Keeps what is durable on the host's disk now; what was kept before is dropped.
  void Save(std::uint32_t host);
  // Whether the saved disk is of the host, lacks something that `leader` holds acknowledged by it,
  // and the two can reach each other. Nothing is under way.
  bool MayBegin(std::uint32_t host, std::uint32_t leader) const;
  // The host is down: its disk becomes what was saved. MayBegin.
  void Begin(std::uint32_t host, std::uint32_t leader);

  bool IsUnderWay() const { return under_way_.has_value(); }
  bool IsOf(std::uint32_t host) const { return IsUnderWay() && under_way_->host == host; }
  // A message has been delivered.
  void OnDelivered(std::uint32_t to, const Message& message);
  // A leader has said that the host has forgotten something.
  void OnNoticed(std::uint32_t host);
  // Under way, after every event. Ends when the host's disk says that it has forgotten. False: the
  // leader has gone and nobody would notice; GiveUp, and wipe the disk.
  bool IsSupervised();
  // Under way; the host can be reached again.
  std::uint32_t host() const { return under_way_->host; }
  void GiveUp();

 private:
  struct Saved {
    std::uint32_t host = 0;
    Host::SavedDisk disk;
    Checkers::DiskState state;
  };
  struct UnderWay {
    std::uint32_t host = 0;
    std::uint32_t leader = 0;
    Incarnation incarnation;
    Term term;
    Index promised;
    Instant since;  // by the leader's clock
    std::uint32_t denials = 0;
    bool noticed = false;
  };

  const Progress* ProgressOf(std::uint32_t host, std::uint32_t leader) const;
  Incarnation IncarnationOf(std::uint32_t host) const;
  template <class Visit>
  void ForEachCutLink(Visit visit) const;

  const Hosts* hosts_;
  const std::vector<NodeId>* ids_;
  SimNetwork* network_;
  Checkers* checkers_;
  std::optional<Saved> saved_;
  std::optional<UnderWay> under_way_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_ROLL_BACK_H_
