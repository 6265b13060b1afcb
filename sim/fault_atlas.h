// FaultAtlas: which damage a cluster can bear, so that it must always come out of it.
//
// 1. Who: one node at a time. While one has damage, has lost its disk, or has an earlier state of
//    it, nobody else loses anything, and nobody changes the membership. What is committed is on a
//    quorum, and so is whole on another node as well; and nobody is elected without one who
//    remembers what it has promised.
// 2. Where: not the newest record of the live log, unless the mark says that it was durable
//    (store/mark.h), and then not the mark, which can be read as well. Else nothing on a disk says
//    so: damaged, it looks like a torn write, and is cut.
//
// With the plan's `atlas` off only the second holds: then the cluster may stop for good, but must
// not lie.
#ifndef GRASSDB_SIM_FAULT_ATLAS_H_
#define GRASSDB_SIM_FAULT_ATLAS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/damage.h"
#include "sim/disk.h"
#include "sim/host.h"
#include "sim/plan.h"
#include "sim/random.h"
#include "store/record.h"

namespace grassdb::sim {

class FaultAtlas final : public DamageGuard {
 public:
  using Hosts = std::vector<std::unique_ptr<Host>>;

  // All of them outlive it. `ids[i]` is the id of host i.
  FaultAtlas(const Plan& plan, const Hosts* hosts, const std::vector<NodeId>* ids)
      : plan_(plan), random_(plan.seed, plan.tape), hosts_(hosts), ids_(ids) {}

  // Whether the host's disk may lose what is on it now: by the cluster as a whole, and by rule 1.
  bool MayForget(std::uint32_t host) const;
  // Whether its disk may be damaged.
  bool MayDamage(std::uint32_t host) const;
  // It has lost its disk or a part of it, or has damage.
  void OnForgets(std::uint32_t host) { forgot_ = host; }
  // An operator who shrinks the cluster to the very node that is losing its disk has lost a
  // majority, and nobody could refuse it: that node answered a moment ago.
  bool MayChangeMembership();

  // What damage number `number` does to the host's disk. `down`: also what no running node has.
  std::vector<Wound> Draw(std::uint32_t host, std::uint64_t number, bool down) const;

  // DamageGuard.
  bool MayMisread(std::uint32_t host, std::string_view name, std::string_view content,
                  const Extent& extent) const override;
  bool MayFailToRead(std::uint32_t host, std::string_view name) const override;

  // The newest record of the live log in `content`, which is what the file should hold; empty if
  // the file is none that can be one, or if record `marked` is not older.
  static Extent NewestRecord(std::string_view node_name, std::string_view name,
                             std::string_view content,
                             store::RecordSequence marked = store::RecordSequence());

 private:
  bool HasRejoined(std::uint32_t host) const;
  bool AnotherIsDamaged(std::uint32_t host) const;
  bool NeedsItsMark(std::uint32_t host, std::string_view name) const;
  std::optional<Wound> DrawOne(std::uint64_t random, std::uint32_t host,
                               const std::vector<SimDisk::DurableFile>& files, bool down) const;

  const Plan& plan_;
  const Keyed random_;
  const Hosts* hosts_;
  const std::vector<NodeId>* ids_;
  std::optional<std::uint32_t> forgot_;
};

// The host that leads the newest term; nullopt if none leads.
std::optional<std::uint32_t> NewestLeader(const FaultAtlas::Hosts& hosts);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_FAULT_ATLAS_H_
