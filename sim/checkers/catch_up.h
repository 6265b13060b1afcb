// Caught up before it votes (thesis 4.2.1): when a leader makes a voter of a member, that member
// has on its disk what the leader's log had two of its election timeouts before: the last round of
// catching up took at most one, and so long at most ago was its end. Else the cluster waits for the
// new voter wherever it is needed.
#ifndef GRASSDB_SIM_CHECKERS_CATCH_UP_H_
#define GRASSDB_SIM_CHECKERS_CATCH_UP_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "core/configuration.h"
#include "core/progress.h"
#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class CatchUp {
 public:
  explicit CatchUp(std::uint32_t nodes) : led_(nodes) {}

  // What a leader goes by after a step, at `now` by its own clock.
  struct Leading {
    Instant now;
    Duration timeout{};  // the least one
    Term term;
    Index last;  // of its log
    const Configuration* configuration = nullptr;
    Index configured;  // the index of the configuration
    const std::vector<Progress>* followers = nullptr;
  };
  void Observe(std::uint32_t node, const Leading& now) {
    Led& led = led_[node];
    if (led.term != now.term) {
      led = {now.term, now.configured, *now.configuration, {}};
    } else if (led.configured != now.configured) {
      CheckVoters(node, led, now);
      led.configured = now.configured;
      led.configuration = *now.configuration;
    }
    if (std::ranges::all_of(led.configuration.members(), [](const Member& member) {
          return member.role == MemberRole::kVoter;
        })) {
      led.ends.clear();
      return;
    }
    if (led.ends.empty() || led.ends.back().second != now.last) {
      led.ends.emplace_back(now.now, now.last);
    }
    // The newest one that is older than that says what there was then.
    while (led.ends.size() > 1 && led.ends[1].first < now.now - 2 * now.timeout) {
      led.ends.pop_front();
    }
  }
  // It leads no more, or has ended.
  void Forget(std::uint32_t node) {
    if (led_[node].term != Term()) led_[node] = {};
  }

 private:
  struct Led {
    Term term;
    Index configured;
    Configuration configuration;
    std::deque<std::pair<Instant, Index>> ends;  // of the log, and since when
  };

  static void CheckVoters(std::uint32_t node, const Led& led, const Leading& now) {
    Index wanted;  // 0: it has not led for so long
    for (const auto& [since, last] : led.ends) {
      if (since < now.now - 2 * now.timeout) wanted = last;
    }
    for (const NodeId voter : now.configuration->voters()) {
      if (led.configuration.IsVoter(voter)) continue;
      const auto follower = std::ranges::find(*now.followers, voter, &Progress::id);
      if (follower == now.followers->end()) continue;
      GRASS_RULE("caught up before it votes", follower->match >= wanted,
                 NodeName(node) + " makes a voter of " + now.configuration->Find(voter)->name +
                     ", which has its log up to " + Decimal(follower->match.value()) +
                     "; two election timeouts ago that reached to " + Decimal(wanted.value()));
    }
  }

  std::vector<Led> led_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_CATCH_UP_H_
