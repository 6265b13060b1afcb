#include "sim/explore/schedule.h"

#include "sim/text.h"

namespace grassdb::sim::explore {
namespace {

template <class Tag>
std::string D(Tagged<Tag> number) {
  return Decimal(number.value());
}

std::string TextOf(const Entry& entry) {
  const char* type = entry.type == EntryType::kNoop ? "noop" : "command";
  return D(entry.index) + "@" + D(entry.term) + " " + type;
}

std::string BodyOf(const RequestVoteRequest& request) {
  return std::string(request.ballot == Ballot::kPreVote ? "asks for a pre-vote"
                                                        : "asks for a vote") +
         (request.reason == CampaignReason::kTransfer ? " (transfer)" : "") + " in term " +
         D(request.campaign_term) + ", last entry " + D(request.last_log_index) + "@" +
         D(request.last_log_term);
}

std::string BodyOf(const RequestVoteResponse& response) {
  return std::string(response.granted ? "grants" : "denies") +
         (response.ballot == Ballot::kPreVote ? " a pre-vote" : " the vote") + " of term " +
         D(response.campaign_term) +
         (response.removed_at == Index() ? "" : ", removed by entry " + D(response.removed_at));
}

std::string BodyOf(const AppendEntriesRequest& request) {
  std::string text = "appends after " + D(request.prev_log_index) + "@" + D(request.prev_log_term);
  for (const Entry& entry : request.entries) text += ", " + TextOf(entry);
  return text + ", commit " + D(request.leader_commit) + ", round " + D(request.read_round);
}

std::string BodyOf(const AppendEntriesResponse& response) {
  std::string text;
  switch (response.result) {
    case AppendResult::kMatched:
      text = "matches through " + D(response.match_index);
      break;
    case AppendResult::kConflict:
      text = "conflicts from " + D(response.conflict_index) + "@" + D(response.conflict_term);
      break;
    case AppendResult::kStaleTerm:
      text = "refuses a stale term";
      break;
  }
  return text + " after " + D(response.prev_log_index) + ", round " + D(response.read_round) +
         (response.standing == Standing::kUnproven ? ", unproven" : "");
}

// Not met: there are no snapshots, transfers and reads in an exploration.
template <class Body>
std::string BodyOf(const Body&) {
  return "says something else";
}

}  // namespace

std::string TextOf(const Cluster& cluster, const Message& message) {
  return NodeName(cluster.NumberOf(message.from)) + " -> " +
         NodeName(cluster.NumberOf(message.to)) + " term " + D(message.term) + ": " +
         std::visit([](const auto& body) { return BodyOf(body); }, message.body);
}

std::string TextOf(const Cluster& cluster, StepKind kind, const Message& message) {
  const char* verb = kind == StepKind::kDeliver  ? "deliver "
                     : kind == StepKind::kRepeat ? "repeat "
                                                 : "drop ";
  return verb + TextOf(cluster, message);
}

std::string TextOf(std::uint32_t node, ActionKind kind, std::uint32_t kept) {
  const std::string name = NodeName(node);
  switch (kind) {
    case ActionKind::kDeliver:
      break;
    case ActionKind::kFinish:
      return "finish " + name;
    case ActionKind::kTimeout:
      return "timeout " + name;
    case ActionKind::kHeartbeat:
      return "heartbeat " + name;
    case ActionKind::kStepDown:
      return "step-down " + name;
    case ActionKind::kPropose:
      return "propose " + name;
    case ActionKind::kRead:
      return "read " + name;
    case ActionKind::kCrash:
      return "crash " + name + " keeping " + Decimal(kept);
  }
  return {};
}

std::string TextOf(const Cluster& cluster, const Replica& replica) {
  const Raft& raft = replica.raft;
  std::string text = NodeName(cluster.NumberOf(raft.id())) + " " + NameOf(raft.role()) +
                     " of term " + D(raft.term());
  if (raft.voted_for() != NodeId(0)) {
    text += ", voted for " + NodeName(cluster.NumberOf(raft.voted_for()));
  }
  text += ", log";
  for (Index index(1); index <= raft.log().last_index(); ++index) {
    text += " " + D(raft.log().At(index).term);
  }
  text +=
      ", on disk " + Decimal(replica.disk.entries.size()) + ", commit " + D(raft.commit_index());
  if (!replica.unfinished.empty()) {
    text += ", " + Decimal(replica.unfinished.size()) + " unfinished";
  }
  for (std::size_t read = 0; read < replica.answered.size(); ++read) {
    if (replica.answered[read] == 0) continue;
    text += ", read " + Decimal(read + 1) + " as of " + Decimal(replica.answered[read] - 1u);
  }
  return text;
}

}  // namespace grassdb::sim::explore
