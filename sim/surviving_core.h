// SurvivingCore: which nodes are left when nobody else ever comes back.
//
// A core is a set of nodes that can go on by itself for good: a quorum of every configuration that
// may be in force or come into force without anybody asking for it, of members that remember all
// that they have promised and have it on whole disks.
// What is more, somebody who remembers in it has everything that is committed; if not, the cluster
// has broken its promise already.
//
// Some cores are harder than others. The smallest have nobody to spare. And hard is where who has
// the newest log is in an older term than somebody else: the one who must lead has yet to learn of
// an election that it took no part in.
#ifndef GRASSDB_SIM_SURVIVING_CORE_H_
#define GRASSDB_SIM_SURVIVING_CORE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/configuration.h"
#include "core/types.h"

namespace grassdb::sim {

// One bit a host.
using HostSet = std::uint64_t;
inline bool Contains(HostSet set, std::uint32_t host) {
  return (set >> host & 1) != 0;
}

struct CoreCandidate {
  NodeId id;
  Incarnation incarnation;  // of the disk it has
  bool whole = false;       // nothing on its disk is lost or damaged
  bool proven = false;      // its promises count, as far as its own log tells
  bool holds_committed = false;
  Term term;  // that it is in
  Term last_term;
  Index last;
};

struct SurvivingCore {
  HostSet hosts = 0;
  // Who of them has the newest log on disk, of those that remember.
  std::uint32_t newest = 0;
  bool hard = false;
};

// And those that may come into force yet: a leader makes voters of members that are joining and
// have caught up, also where it has been cut off a moment ago, or they have, and it does not know
// yet.
std::vector<Configuration> WithPromotions(const std::vector<Configuration>& in_force);

// Whether one of the cores there are is hard.
bool HasHardCore(const std::vector<CoreCandidate>& hosts,
                 const std::vector<Configuration>& in_force);

// Nothing if no set that leaves somebody out is a core. `in_force` is not empty.
std::optional<SurvivingCore> ChooseCore(const std::vector<CoreCandidate>& hosts,
                                        const std::vector<Configuration>& in_force,
                                        std::uint64_t random);

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_SURVIVING_CORE_H_
