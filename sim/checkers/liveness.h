// Liveness: a cluster of which a connected quorum is whole comes back within bounds.
//
// The chaos has ended for good for a core of the nodes (surviving_core.h), or for all of them; the
// others are dead, or cut off in one direction or both, for ever. Then
//
//   - in time: there is a leader that commits within 10 election timeouts, everything that was
//     asked for has an outcome by its deadline, and all members in the core reach the same state,
//     each within a bound that the simulation names with its reason;
//   - answered: what each client asks for from then on succeeds. (A write may have to be asked for
//     once more, if other clients have pushed its session out while it was being retried. None is
//     asked for where sessions are forgotten sooner than an entry can be committed.)
//   - a quorum remembers: what is committed is on the disk of the member of the core with the
//     newest log. Else who is elected may lack it, and who has it cannot be;
//   - membership unharmed: no member is lost that was not on its way out already, and no voter in
//     the core loses its vote, since nobody asks for a change;
//   - the same state: members in the core that have applied the same entries show the same.
#ifndef GRASSDB_SIM_CHECKERS_LIVENESS_H_
#define GRASSDB_SIM_CHECKERS_LIVENESS_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/configuration.h"
#include "core/types.h"
#include "sim/text.h"
#include "sim/true_time.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Liveness {
 public:
  // `what` has not happened yet, and had until `deadline`.
  static void CheckTime(TrueTime now, TrueTime deadline, const std::string& what) {
    GRASS_RULE("convergence", now < deadline, what);
  }

  // A request of a client to a cluster that has come back has this outcome.
  static void CheckAnswered(std::uint32_t client, bool ok, const std::string& error) {
    GRASS_RULE(
        "convergence", ok,
        "client " + Decimal(client + 1) + " got no answer from the healed cluster: " + error);
  }

  // `newest` is the member of a core with the newest log.
  static void CheckRemembers(std::uint32_t newest, bool holds_committed, Index committed) {
    GRASS_RULE("a quorum remembers", holds_committed,
               "index " + Decimal(committed.value()) + " is committed, and not on the disk of " +
                   NodeName(newest) + ", which has the newest log of a whole quorum");
  }

  // `before` are the configurations that may have been in force when the others went, `after` is
  // the one that the core has now, `core` those in it whose disk was on record.
  static void CheckMembership(const std::vector<Configuration>& before, const Configuration& after,
                              const std::vector<NodeId>& core) {
    for (const Member& member : before.front().members()) {
      const bool stays = std::ranges::all_of(
          before, [&member](const Configuration& each) { return Stays(each, member.id); });
      if (!stays) continue;
      const Member* now = after.Find(member.id);
      GRASS_RULE("membership unharmed", now != nullptr,
                 member.name + " is a member no longer, and nobody has asked for that");
      const bool in_core = std::ranges::find(core, member.id) != core.end();
      const bool voted = std::ranges::all_of(before, [&member](const Configuration& each) {
        return each.Find(member.id)->role == MemberRole::kVoter;
      });
      GRASS_RULE("membership unharmed",
                 !in_core || !voted ||
                     (now->role == MemberRole::kVoter && IsOnRecordAsBefore(before, *now)),
                 member.name + " is whole, and has lost its vote");
    }
  }

  // Two nodes that have applied up to the same index.
  static void CheckSameState(std::uint32_t one, std::uint64_t its_digest, std::uint32_t other,
                             std::uint64_t other_digest, Index applied) {
    GRASS_RULE("the same state", its_digest == other_digest,
               NodeName(one) + " and " + NodeName(other) + " have both applied up to index " +
                   Decimal(applied.value()) + ", and are not in the same state");
  }

 private:
  static bool Stays(const Configuration& configuration, NodeId id) {
    const Member* member = configuration.Find(id);
    return member != nullptr && member->role != MemberRole::kLeaving &&
           std::ranges::none_of(configuration.members(),
                                [id](const Member& each) { return each.replaces == id; });
  }
  static bool IsOnRecordAsBefore(const std::vector<Configuration>& before, const Member& now) {
    return std::ranges::all_of(before, [&now](const Configuration& each) {
      const Incarnation recorded = each.Find(now.id)->incarnation;
      return recorded == Incarnation(0) || recorded == now.incarnation;
    });
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_LIVENESS_H_
