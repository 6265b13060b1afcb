// Monotony (thesis figure 3.1): within one life of a node its term, its commit index and its
// applied index never fall, a vote once given in a term is not changed, and applied <= committed. A
// new life begins with what was durable. Within the term of a leader what it knows a follower to
// hold, its match index, never falls, but once for each time that the follower's disk was lost or
// rolled back; of a member that was none for a while nothing is known.
#ifndef GRASSDB_SIM_CHECKERS_PROGRESS_RULES_H_
#define GRASSDB_SIM_CHECKERS_PROGRESS_RULES_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/configuration.h"
#include "core/progress.h"
#include "core/types.h"
#include "sim/checkers/member_name.h"
#include "sim/violation.h"

namespace grassdb::sim {

class ProgressRules {
 public:
  struct Standing {
    Term term;
    NodeId voted_for;
    Index commit;
    Index applied;
  };

  // How often the disk of a node was lost or rolled back so far.
  using LossesOf = std::function<std::uint64_t(NodeId)>;

  explicit ProgressRules(std::uint32_t nodes) : last_(nodes), led_(nodes) {}

  void Observe(std::uint32_t node, const Standing& now) {
    const Standing& before = last_[node];
    const auto who = [node] { return NodeName(node) + ": "; };
    GRASS_RULE("monotony", now.term >= before.term, who() + Fell("term", before.term, now.term));
    GRASS_RULE(
        "monotony",
        now.term > before.term || before.voted_for == NodeId() || now.voted_for == before.voted_for,
        who() + "changed its vote within a term");
    GRASS_RULE("monotony", now.commit >= before.commit,
               who() + Fell("commit index", before.commit, now.commit));
    GRASS_RULE("monotony", now.applied >= before.applied,
               who() + Fell("applied index", before.applied, now.applied));
    GRASS_RULE("monotony", now.applied <= now.commit, who() + "applied more than is committed");
    last_[node] = now;
  }
  // A new life: `term` and `voted_for` as recovered.
  void Begin(std::uint32_t node, Term term, NodeId voted_for) {
    last_[node] = {term, voted_for, Index(), Index()};
    led_[node] = {};
  }
  // What a leader goes by.
  struct Leading {
    Term term;
    const std::vector<Progress>* followers = nullptr;
    const Configuration* configuration = nullptr;
    Index configured;  // the index of the configuration
  };
  // `node` leads.
  void ObserveMatch(std::uint32_t node, const Leading& now, const LossesOf& losses_of) {
    Led& led = led_[node];
    const std::vector<Progress>& followers = *now.followers;
    if (led.term != now.term) led = {now.term, {}, {}};
    if (led.configured != now.configured ||
        !std::ranges::equal(led.followers, followers, {}, &Known::id, &Progress::id)) {
      led.followers = Among(led.followers, now, losses_of);
      led.configured = now.configured;
    }
    for (std::size_t i = 0; i < followers.size(); ++i) {
      Known& known = led.followers[i];
      const Index match = followers[i].match;
      if (match < known.match) {
        const std::uint64_t losses = losses_of(known.id);
        GRASS_RULE("monotony", losses > known.losses,
                   NodeName(node) + ", leader of term " + Decimal(now.term.value()) +
                       ", forgets what " + MemberName(known.id) +
                       " has acknowledged: " + Fell("match index", known.match, match));
        known.losses = losses;
      }
      known.match = match;
    }
  }

 private:
  struct Known {
    NodeId id;
    Index match;
    std::uint64_t losses = 0;  // of its disk, when its match index fell last or was first seen
    bool member = false;       // of the configuration; else it is about to be left out
  };
  struct Led {
    Term term;
    Index configured;
    std::vector<Known> followers;
  };

  // Those that there are now, with what was known of them. Who was no member any more and is one
  // again is added anew, and nothing is known of it.
  static std::vector<Known> Among(const std::vector<Known>& before, const Leading& now,
                                  const LossesOf& losses_of) {
    std::vector<Known> those;
    for (const Progress& follower : *now.followers) {
      const bool member = now.configuration->Find(follower.id) != nullptr;
      const auto known = std::ranges::find(before, follower.id, &Known::id);
      if (known != before.end() && (known->member || !member)) {
        those.push_back(*known);
      } else {
        those.push_back({follower.id, {}, losses_of(follower.id)});
      }
      those.back().member = member;
    }
    return those;
  }

  template <class Id>
  static std::string Fell(const char* what, Id from, Id to) {
    return std::string(what) + " fell from " + Decimal(from.value()) + " to " + Decimal(to.value());
  }

  std::vector<Standing> last_;
  std::vector<Led> led_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_PROGRESS_RULES_H_
