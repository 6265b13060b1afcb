#include "sim/explore/moot.h"

#include <algorithm>
#include <utility>

#include "sim/explore/catalog.h"
#include "sim/explore/schedule.h"
#include "sim/violation.h"

namespace grassdb::sim::explore {
namespace {

constexpr std::uint8_t kNever = UINT8_MAX;

std::uint8_t Stage(Term term, std::uint64_t more) {
  return static_cast<std::uint8_t>(3 * term.value() + more);
}
std::uint8_t Vote(Term term, std::uint64_t more) {
  return static_cast<std::uint8_t>(2 * term.value() + more);
}

// Only when no refusal can come from a later term than the sender's: a term that is new to it
// matters.
MootWhen OfRequest(const Bounds& bounds, std::uint8_t receiver_vote, std::uint8_t sender_stage) {
  const Term last(bounds.terms);
  // A refusal waits for the write of a newer term or vote. When it has voted in the last term there
  // is none to come.
  const bool waits = bounds.disk == DiskSpeed::kSlow;
  return {.receiver_stage = 0,
          .receiver_vote = waits ? std::max(receiver_vote, Vote(last, 1)) : receiver_vote,
          .sender_stage = std::max(sender_stage, Stage(last, 0))};
}

}  // namespace

Age AgeOf(const Replica& replica) {
  const HardState& disk = replica.disk.hard_state;
  const Role role = replica.raft.role();
  std::uint64_t more = 2;
  if (replica.raft.term() == disk.term && role == Role::kCandidate) more = 0;
  if (replica.raft.term() == disk.term && role == Role::kLeader) more = 1;
  return {.stage = Stage(disk.term, more),
          .vote = Vote(disk.term, disk.voted_for == NodeId() ? 0 : 1)};
}

MootWhen MootWhenOf(const Message& message, const Bounds& bounds) {
  const MootWhen never{.receiver_stage = kNever};
  if (const auto* answer = std::get_if<RequestVoteResponse>(&message.body)) {
    const std::uint64_t elected = answer->ballot == Ballot::kVote ? 1 : 0;
    return {.receiver_stage =
                std::max(Stage(message.term, 0), Stage(answer->campaign_term, elected))};
  }
  if (const auto* answer = std::get_if<AppendEntriesResponse>(&message.body)) {
    return {.receiver_stage =
                Stage(message.term, answer->result == AppendResult::kStaleTerm ? 0 : 2)};
  }
  if (const auto* request = std::get_if<RequestVoteRequest>(&message.body)) {
    if (request->ballot == Ballot::kPreVote) return never;
    return OfRequest(bounds, Vote(message.term, 1), Stage(message.term, 1));
  }
  if (std::holds_alternative<AppendEntriesRequest>(message.body)) {
    if (message.term == Term(bounds.terms)) return never;
    return OfRequest(bounds, Vote(message.term + 1, 0), 0);
  }
  return never;
}

bool MootProof::IsCoveredBy(const Content& content, const MootWhen& answer) {
  return answer.receiver_stage <= content.when.sender_stage && answer.receiver_vote == 0 &&
         answer.sender_stage == 0;
}

void MootProof::Add(Message message) {
  message.from = cluster_.IdOf(0);
  message.to = cluster_.IdOf(1);
  const Uint128 digest = DigestOf(cluster_, cluster_.permutations()[0], message);
  if (content_ids_.Find(digest) != IdTable<Uint128>::kNone) return;
  content_ids_.Insert(digest, static_cast<std::uint32_t>(contents_.size()));
  const MootWhen when = MootWhenOf(message, bounds_);
  contents_.push_back({.message = std::move(message), .when = when});
}

std::optional<std::string> MootProof::Problem() {
  if (catalog_.has_rejuvenated()) return "a replica's age has fallen";
  while (messages_seen_ < catalog_.messages()) Add(catalog_.message(messages_seen_++));
  const auto replicas = static_cast<std::uint32_t>(catalog_.replicas());
  // Grows while it is gone through.
  for (std::size_t at = 0; at < contents_.size(); ++at) {
    Content& content = contents_[at];
    for (; content.checked < replicas; ++content.checked) {
      if (auto problem = ProblemOf(content.checked, content)) return problem;
    }
  }
  return std::nullopt;
}

std::optional<std::string> MootProof::ProblemOf(std::uint32_t replica, const Content& content) {
  const Replica& receiver = catalog_.replica(replica);
  if (!CannotMatterTo(content.when, catalog_.abilities(replica).age)) return std::nullopt;
  Message message = content.message;
  message.to = receiver.raft.id();
  const auto problem = [&](const std::string& what) {
    return TextOf(cluster_, message) + " arrives at " + TextOf(cluster_, receiver) + ", and " +
           what;
  };
  for (std::uint32_t sender = 0; sender < cluster_.size(); ++sender) {
    message.from = cluster_.IdOf(sender);
    if (message.from == message.to) continue;
    try {
      const Replica after = Act(cluster_, bounds_, receiver,
                                Action{.kind = ActionKind::kDeliver, .message = &message}, &sent_);
      if (DigestOf(cluster_, cluster_.permutations()[0], after) !=
          catalog_.ReplicaDigests(replica)[0]) {
        return problem("changes it");
      }
    } catch (const Violation& violation) {
      return problem("breaks the rule " + violation.rule);
    }
    for (const Message& answer : sent_) {
      if (answer.to != message.from || !IsCoveredBy(content, MootWhenOf(answer, bounds_))) {
        return problem("is answered: " + TextOf(cluster_, answer));
      }
      Add(answer);
    }
  }
  return std::nullopt;
}

}  // namespace grassdb::sim::explore
