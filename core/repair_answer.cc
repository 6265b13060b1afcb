// What a running node says to one that repairs itself (core/repair.h).
#include "core/repair_answer.h"

#include <algorithm>

#include "core/probe.h"
#include "core/raft.h"

namespace grassdb {
namespace {

class RaftLogView {
 public:
  explicit RaftLogView(const Raft& raft) : raft_(raft) {}

  Index base_index() const { return raft_.log().base_index(); }
  Index last_index() const { return raft_.log().last_index(); }
  Index commit_index() const { return raft_.commit_index(); }
  Standing standing() const { return raft_.standing(); }
  std::optional<Term> TermAt(Index index) const { return raft_.log().TermAt(index); }
  const Entry* Find(Index index) const {
    if (index <= base_index() || index > last_index()) return nullptr;
    return &raft_.log().At(index);
  }

 private:
  const Raft& raft_;
};

}  // namespace

// Outside of the term checks: the one who asks promises nothing. Only where its term is to make an
// answer a proof is it taken over, as a candidate's is, and not against a leader (thesis 4.2.3).
void Raft::OnRepairRequest(const Message& message, const RepairRequest& request) {
  if (request.first == Index(0) || request.last < request.first) return;
  const bool defends = std::holds_alternative<LeaderState>(role_) || now_ < defends_until_;
  if (request.ask == RepairAsk::kProof && message.term > hard_state_.term && !defends) {
    GRASS_PROBE("repair: a term is taken over for a proof");
    BecomeFollower(message.term, NodeId());
  }
  const RaftLogView view(*this);
  RepairResponse answer =
      RepairAnswerer<RaftLogView>(view, options_.append_bytes_max).Answer(request);
  // What is said to be absent must not be there after a restart either.
  Send(message.from, std::move(answer), std::max(term_persist_, last_persist_));
}

}  // namespace grassdb
