// What was said to another disk is not heard (core/standing.cc): what names an earlier life of a
// node's disk, or one that its disk has forgotten, was said to who knew what the present one does
// not. By an answer of then nobody is elected now, by a request nobody takes part in a birth that
// is long past. Nothing of it is to be seen in what the node knows and is.
#ifndef GRASSDB_SIM_CHECKERS_MISADDRESSED_H_
#define GRASSDB_SIM_CHECKERS_MISADDRESSED_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/message.h"
#include "core/raft.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Misaddressed {
 public:
  // What a message could change.
  struct Known {
    Term term;
    NodeId voted_for;
    Role role = Role::kFollower;
    NodeId leader;
    Index last;
    Index commit;
    Standing standing = Standing::kProven;

    friend bool operator==(const Known&, const Known&) = default;
  };
  static Known Of(const Raft& raft) {
    return {.term = raft.term(),
            .voted_for = raft.voted_for(),
            .role = raft.role(),
            .leader = raft.leader(),
            .last = raft.log().last_index(),
            .commit = raft.commit_index(),
            .standing = raft.standing()};
  }

  explicit Misaddressed(std::uint32_t nodes) : before_(nodes) {}

  // Whether `message` was said to another disk than `disk`.
  static bool IsMisaddressed(const Message& message, Incarnation disk) {
    return message.to_incarnation != Incarnation(0) && message.to_incarnation != disk;
  }
  // Such a one is about to be handed to `node`, whose disk is `disk` and which knows `before`.
  void OnTakes(std::uint32_t node, const Message& message, Incarnation disk, const Known& before) {
    before_[node] = Before{before, message.to_incarnation, disk};
  }
  bool Awaits(std::uint32_t node) const { return before_[node].has_value(); }
  // It has been, and nothing else since.
  void OnTook(std::uint32_t node, const Known& after) {
    const Before before = *std::exchange(before_[node], std::nullopt);
    GRASS_RULE("what was said to another disk is not heard", before.known == after,
               NodeName(node) + " takes what was said to its disk " +
                   Decimal(before.addressee.value()) + "; it has " + Decimal(before.disk.value()));
  }

 private:
  struct Before {
    Known known;
    Incarnation addressee;
    Incarnation disk;
  };

  std::vector<std::optional<Before>> before_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_MISADDRESSED_H_
