// FaultAtlas: which damage a cluster can bear, so that it must always come out of it.
//
// Which nodes, by the plan's rule:
//
//   One node at a time. While one has damage, has lost its disk, or has an earlier state of it,
//   nobody else loses anything, and nobody changes the membership. All are up, and what is
//   committed is on a quorum: so it is whole on another node as well, and nobody is elected without
//   one who remembers what it has promised. Anything may be lost of that one, its vote and its
//   identity too; then its disk is replaced.
//
//   Each entry. Any number of nodes, up or down, led or not, while members come and go. A wound is
//   done if afterwards, by what is durable on all disks (holding.h), everybody who has lost
//   something is sure to get it back:
//     - Every disk still opens: the identity, the term and the vote are there. Nobody can give
//       these back. So that it opens later as well, no sector of a log is made illegible, for what
//       is written there next may be as well, and a live log of format 1 is spared, for what is
//       written behind the damage does not tell what that has taken. Nor is anything damaged while
//       a node starts, which removes and overwrites what does not count.
//     - An entry that is lost is whole on another disk, or within the state of a whole snapshot
//       there, and the owner of that disk is one whom the loser would ask. It must be able to tell
//       that it is the same: of a lost range only the last term is known, and of what is in front
//       of entries that somebody gives, then, the last term of that. Or it was never
//       committed: so many voters lack it, of each half of the configuration behind which it
//       stands, that no quorum has it. Only voters count that have never forgotten anything, and
//       can tell that from what is whole of their disks; and they must be able to say that they
//       lack it, though of a lost range only the last term is known: or else those who are whole,
//       or can mend before, must be a quorum, and can settle it by leading.
//     - A state that is lost (a snapshot behind which the log begins) is in a whole snapshot that
//       reaches as far; or others have its entries, and those who are whole, or can mend before,
//       are a quorum. Or one of those has all of its entries, and the loser's log says that a
//       snapshot stood for them. Nobody else knows without a leader which ones are committed.
//     - What a node still has twice counts once: behind a damaged snapshot a running node, which
//       does not read it again, releases the log. So the state up to a damaged snapshot is lost.
//   Nobody loses a disk while another one is damaged. While one that has an earlier state of its
//   disk is not back on record, nothing is damaged: it looks as if nothing were missing there.
//
//   Anywhere. Then the cluster may stop for good, but must not lie.
//
// Where, by every rule: not the newest record of the live log, unless the mark says that it was
// durable (store/mark.h), and then not the mark, which can be read as well; or unless a crash has
// torn one behind it, and then not the header of that. Else nothing on a disk says so: damaged, it
// looks like a torn write, and is cut.
#ifndef GRASSDB_SIM_FAULT_ATLAS_H_
#define GRASSDB_SIM_FAULT_ATLAS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/damage.h"
#include "sim/disk.h"
#include "sim/holding.h"
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

  // Whether the host's disk may lose what is on it now: by the rule of one node.
  bool MayForget(std::uint32_t host) const;
  // Whether a disk that its host refuses may be replaced by an empty one: the others remember all.
  bool MayReplace(std::uint32_t host) const;
  // Whether its disk may be damaged.
  bool MayDamage(std::uint32_t host);
  // It has lost its disk or a part of it, or has damage.
  void OnForgets(std::uint32_t host) {
    forgot_ = host;
    rolled_back_ = false;
  }
  // It comes back with an earlier state of its disk.
  void OnRollsBack(std::uint32_t host) {
    forgot_ = host;
    rolled_back_ = true;
  }
  // An operator who shrinks the cluster to the very node that is losing its disk has lost a
  // majority, and nobody could refuse it: that node answered a moment ago.
  bool MayChangeMembership();

  // A host at the end of whose log stands what is on no other disk; nullopt if there is none.
  std::optional<std::uint32_t> OneAhead() const;
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
  // The bytes of it without which nothing would say that the newest record was durable.
  static Extent Spared(std::string_view node_name, std::string_view name, std::string_view content,
                       store::RecordSequence marked);

 private:
  bool HasRejoined(std::uint32_t host) const;
  // It is up and whole, and is known to have forgotten nothing.
  bool Remembers(Host& host, const Configuration& configuration) const;
  bool AnotherIsDamaged(std::uint32_t host) const;
  bool NeedsItsMark(std::uint32_t host, std::string_view name) const;
  std::vector<Holding> Holdings() const;
  std::optional<Wound> DrawOne(std::uint64_t random, std::uint32_t host,
                               const std::vector<SimDisk::DurableFile>& files, bool down) const;

  const Plan& plan_;
  const Keyed random_;
  const Hosts* hosts_;
  const std::vector<NodeId>* ids_;
  std::optional<std::uint32_t> forgot_;
  bool rolled_back_ = false;  // not back on record, as far as is known
};

// The host that leads the newest term; nullopt if none leads.
std::optional<std::uint32_t> NewestLeader(const FaultAtlas::Hosts& hosts);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_FAULT_ATLAS_H_
