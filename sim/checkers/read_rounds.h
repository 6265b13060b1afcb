// Rounds of reads (thesis 6.4):
//
//   - a read rests on a quorum: a leader takes a round for confirmed only when a quorum of its
//     configuration has answered it, or a later one. Else it may have been deposed meanwhile;
//   - a read is not kept waiting: what a quorum has answered is confirmed. Nobody will answer it
//     once more.
#ifndef GRASSDB_SIM_CHECKERS_READ_ROUNDS_H_
#define GRASSDB_SIM_CHECKERS_READ_ROUNDS_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "core/configuration.h"
#include "core/progress.h"
#include "core/types.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class ReadRounds {
 public:
  explicit ReadRounds(std::uint32_t nodes) : led_(nodes) {}

  // What a leader goes by after a step.
  struct Leading {
    Term term;
    NodeId self;
    ReadRound started;
    ReadRound confirmed;
    const std::vector<Progress>* followers = nullptr;
    const Configuration* configuration = nullptr;
    // Of the one before that, as a step may have changed it; asked for seldom.
    std::function<Configuration()> before;
    std::function<bool(const Progress&)> counts;
  };
  // The leader of the term takes an answer. In the same step another one may have it forget that.
  void OnAnswer(std::uint32_t node, Term term, NodeId by, ReadRound round) {
    ReadRound& answered = LedIn(node, term).answered[by];
    answered = std::max(answered, round);
  }
  void Observe(std::uint32_t node, const Leading& now) {
    Led& led = LedIn(node, now.term);
    if (now.started == ReadRound() || led.confirmed == now.started) return;
    for (const Progress& follower : *now.followers) {
      ReadRound& answered = led.answered[follower.id];
      answered = std::max(answered, follower.read_round);
    }
    if (now.confirmed > led.confirmed) {
      const bool rests = Reached(led, now, *now.configuration) >= now.confirmed ||
                         Reached(led, now, now.before()) >= now.confirmed;
      GRASS_RULE("a read rests on a quorum", rests,
                 NodeName(node) + ", leader of term " + Decimal(now.term.value()) +
                     ", serves the reads of round " + Decimal(now.confirmed.value()) +
                     ", which no quorum has answered");
      led.confirmed = now.confirmed;
    }
    if (now.confirmed < now.started) CheckServed(node, now);
  }

 private:
  struct Led {
    Term term;
    ReadRound confirmed;
    std::map<NodeId, ReadRound> answered;
  };

  Led& LedIn(std::uint32_t node, Term term) {
    if (led_[node].term != term) led_[node] = {term, {}, {}};
    return led_[node];
  }
  static ReadRound Reached(const Led& led, const Leading& now, const Configuration& of) {
    return of.QuorumValue<ReadRound>([&](NodeId voter) {
      if (voter == now.self) return now.started;
      const auto answered = led.answered.find(voter);
      return answered == led.answered.end() ? ReadRound() : answered->second;
    });
  }

  static void CheckServed(std::uint32_t node, const Leading& now) {
    const auto reached = now.configuration->QuorumValue<ReadRound>([&](NodeId voter) {
      if (voter == now.self) return now.started;
      const auto follower = std::ranges::find(*now.followers, voter, &Progress::id);
      if (follower == now.followers->end() || !now.counts(*follower)) return ReadRound();
      return follower->read_round;
    });
    GRASS_RULE("a read is not kept waiting", reached <= now.confirmed,
               NodeName(node) + ", leader of term " + Decimal(now.term.value()) +
                   ", keeps the reads of round " + Decimal(now.started.value()) +
                   " waiting, and a quorum has answered round " + Decimal(reached.value()));
  }

  std::vector<Led> led_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_READ_ROUNDS_H_
