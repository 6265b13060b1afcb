// Moot messages: nothing can come of them any more, whenever they arrive. The explorer takes them
// out of the network at once, so that states are the same that differ in them only.
//
// Which ones. An Age is two numbers of a replica that never fall. A message is moot when the ages
// of its receiver and of its sender have reached what MootWhenOf asks for: an answer, when the
// campaign or the leadership is over that it belongs to; a request, when its receiver can do no
// more than refuse it, and the refusal would be moot.
//
// Why that leaves nothing out. By induction over the steps of a schedule of the whole search there
// is one of the reduced search that leads to the same replicas and history with no more steps, no
// more of any bound used up, and the same network but for moot messages:
//  - The step delivers a message that has been taken out. Ages have not fallen since, so it is
//    still moot: the receiver stays as it is, and sends nothing but what is moot itself. Nothing to
//    be done. The same if it is lost or repeated.
//  - Any other step is possible in the reduced search as well. Messages more in the network prevent
//    no step, and no rule looks at the network.
// So every violation is found, with as few steps.
//
// What that rests on is what Raft does with stale messages, which a bug may have changed. So it is
// not believed but looked at: MootProof delivers every moot message that there has been to every
// replica that there has been. If the proof fails, the search begins again and leaves nothing out.
#ifndef GRASSDB_SIM_EXPLORE_MOOT_H_
#define GRASSDB_SIM_EXPLORE_MOOT_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sim/explore/bounds.h"
#include "sim/explore/cluster.h"
#include "sim/explore/id_table.h"
#include "sim/explore/replica.h"

namespace grassdb::sim::explore {

class Catalog;

// By what is on disk, which a crash does not take.
struct Age {
  // 3 times the term; more by 1 if it leads that term, by 2 if it neither does nor campaigns in it.
  std::uint8_t stage = 0;
  // 2 times the term; more by 1 if it has voted in it.
  std::uint8_t vote = 0;

  friend bool operator==(const Age&, const Age&) = default;
};

Age AgeOf(const Replica& replica);

// The least ages at which a message is moot.
struct MootWhen {
  std::uint8_t receiver_stage = UINT8_MAX;
  std::uint8_t receiver_vote = 0;
  std::uint8_t sender_stage = 0;
};

MootWhen MootWhenOf(const Message& message, const Bounds& bounds);

inline bool CannotMatterTo(const MootWhen& when, Age receiver) {
  return receiver.stage >= when.receiver_stage && receiver.vote >= when.receiver_vote;
}
inline bool IsMoot(const MootWhen& when, Age receiver, Age sender) {
  return CannotMatterTo(when, receiver) && sender.stage >= when.sender_stage;
}

class MootProof {
 public:
  // All of them outlive it.
  MootProof(const Cluster& cluster, const Bounds& bounds, const Catalog& catalog)
      : cluster_(cluster), bounds_(bounds), catalog_(catalog) {}

  // Looks at what has come into the catalog since the last time. What is wrong, for a person.
  std::optional<std::string> Problem();

 private:
  // Messages that are the same but for who sends them to whom: where nodes are taken for each other
  // a replica may be spared a message that in the catalog has other names.
  struct Content {
    Message message;
    MootWhen when;
    std::uint32_t checked = 0;  // with so many replicas
  };

  void Add(Message message);
  std::optional<std::string> ProblemOf(std::uint32_t replica, const Content& content);
  // Whether the message, which answers such a one, is moot as soon as that one is.
  static bool IsCoveredBy(const Content& content, const MootWhen& answer);

  const Cluster& cluster_;
  const Bounds& bounds_;
  const Catalog& catalog_;
  std::uint32_t messages_seen_ = 0;
  std::deque<Content> contents_;
  IdTable<Uint128> content_ids_;
  std::vector<Message> sent_;
};

}  // namespace grassdb::sim::explore

#endif  // GRASSDB_SIM_EXPLORE_MOOT_H_
