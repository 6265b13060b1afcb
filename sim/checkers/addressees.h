// An answer is for the disk that has asked (core/standing.cc): what is said to one disk of a node
// is not for the one that has taken its place, and so the answer to a request for a vote must name
// no other disk than that of who asked. Named after another one it is dropped, and who could be
// elected never is.
#ifndef GRASSDB_SIM_CHECKERS_ADDRESSEES_H_
#define GRASSDB_SIM_CHECKERS_ADDRESSEES_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/message.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim {

class Addressees {
 public:
  explicit Addressees(std::uint32_t nodes) : asked_(nodes) {}

  // `node` is handed this.
  void OnRequest(std::uint32_t node, const Message& message, const RequestVoteRequest& request) {
    std::deque<Asked>& asked = asked_[node];
    asked.push_back({message.from, request.ballot, request.campaign_term, message.incarnation});
    if (asked.size() > kKept) asked.pop_front();
  }
  // A new life of it has been told nothing.
  void Forget(std::uint32_t node) { asked_[node].clear(); }

  // It sends this. What it answers may have been asked too long ago to be known here.
  void CheckAnswer(std::uint32_t node, const Message& message,
                   const RequestVoteResponse& answer) const {
    if (message.to_incarnation == Incarnation(0)) return;
    bool known = false;
    bool same_disk = false;
    for (const Asked& asked : asked_[node]) {
      if (asked.by != message.to || asked.ballot != answer.ballot ||
          asked.campaign_term != answer.campaign_term) {
        continue;
      }
      known = true;
      same_disk |= asked.incarnation == message.to_incarnation;
    }
    GRASS_RULE("an answer is for the disk that has asked", !known || same_disk,
               NodeName(node) + " answers who has asked for its vote in term " +
                   Decimal(answer.campaign_term.value()) + ", by the name of another disk, " +
                   Decimal(message.to_incarnation.value()));
  }

 private:
  static constexpr std::size_t kKept = 32;
  struct Asked {
    NodeId by;
    Ballot ballot = Ballot::kPreVote;
    Term campaign_term;
    Incarnation incarnation;
  };

  std::vector<std::deque<Asked>> asked_;  // by node
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_ADDRESSEES_H_
