// No voter idles (thesis 10.2.1): commands that a leader has taken wait for its own disk only while
// voters who make a quorum with it have something to work at, and all who are sent entries at once.
// A disk that hangs does not keep them from the others. And what a follower has not been sent has a
// time at which it is, and no later one than RaftOptions::append_delay allows; without such a delay
// no voter may wait at all.
#ifndef GRASSDB_SIM_CHECKERS_IDLE_VOTERS_H_
#define GRASSDB_SIM_CHECKERS_IDLE_VOTERS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/configuration.h"
#include "core/progress.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class IdleVoters {
 public:
  struct Leading {
    Instant now;  // of its clock
    Duration append_delay{};
    std::size_t commands_gathered = 0;
    Index last;       // of its log
    Index evicted{};  // through which it is not in memory
    const std::vector<Progress>* followers = nullptr;
    const Configuration* configuration = nullptr;
  };

  // After a step of a leader that hands over to nobody.
  static void Check(std::uint32_t node, const Leading& leading) {
    for (const Progress& follower : *leading.followers) CheckSent(node, leading, follower);
    if (leading.commands_gathered == 0) return;
    const auto works = [&](NodeId voter) -> std::uint8_t {
      const auto at = std::ranges::find(*leading.followers, voter, &Progress::id);
      return at == leading.followers->end() || !Idles(*at) ? 1 : 0;
    };
    const bool delays = leading.append_delay > Duration::zero();
    const bool one_idles =
        std::ranges::any_of(*leading.followers, [delays](const Progress& follower) {
          return Idles(follower) && (follower.quick || !delays);
        });
    const bool enough = !one_idles && leading.configuration->QuorumValue<std::uint8_t>(works) != 0;
    GRASS_RULE("no voter idles", enough,
               NodeName(node) + " gathers " + Decimal(leading.commands_gathered) +
                   " commands while a voter has nothing to do");
  }

 private:
  static bool Idles(const Progress& follower) {
    return follower.role == MemberRole::kVoter && follower.state == ProgressState::kReplicate &&
           follower.inflight.empty();
  }

  static void CheckSent(std::uint32_t node, const Leading& leading, const Progress& follower) {
    const bool waits = follower.state == ProgressState::kReplicate && follower.inflight.empty() &&
                       follower.next <= leading.last && follower.next > leading.evicted;
    GRASS_RULE("what waits is sent",
               !waits || follower.append_at <= leading.now + leading.append_delay,
               NodeName(node) + " has " + Decimal(leading.last + 1 - follower.next) +
                   " entries for a follower that are not to be sent by any time");
  }
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_IDLE_VOTERS_H_
