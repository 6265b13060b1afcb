#include "tests/core/transcript_text.h"

#include <algorithm>
#include <string_view>

#include "tests/core/raft_cluster.h"

namespace grassdb {
namespace {

template <class Tag>
std::string Number(Tagged<Tag> value) {
  return std::to_string(value.value());
}

std::string Position(Index index, Term term) {
  return Number(index) + "@" + Number(term);
}

// "n1 n2 n3", or "none".
std::string Nodes(const std::vector<NodeId>& nodes) {
  std::vector<std::string> names;
  names.reserve(nodes.size());
  for (const NodeId node : nodes) names.push_back(TextOf(node));
  std::ranges::sort(names);
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text.empty() ? "none" : text;
}

std::string Entries(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) text += (text.empty() ? "" : ", ") + TextOf(entry);
  return text;
}

std::string Body(const RequestVoteRequest& request) {
  std::string text = request.ballot == Ballot::kPreVote ? "PreVote" : "Vote";
  text += " for term " + Number(request.campaign_term) + ", log " +
          Position(request.last_log_index, request.last_log_term);
  if (request.reason == CampaignReason::kTransfer) text += ", as the leader asked";
  return text;
}

std::string Body(const RequestVoteResponse& response) {
  return std::string(response.ballot == Ballot::kPreVote ? "PreVoteAnswer" : "VoteAnswer") +
         " for term " + Number(response.campaign_term) +
         (response.granted ? ", granted" : ", denied") +
         (response.removed_at == Index() ? ""
                                         : ", removed by entry " + Number(response.removed_at));
}

std::string Body(const AppendEntriesRequest& request) {
  std::string text = request.entries.empty() ? "Heartbeat" : "Append";
  text += " prev " + Position(request.prev_log_index, request.prev_log_term) + ", commit " +
          Number(request.leader_commit) + ", sent " + TextOf(request.sent_at);
  if (request.read_round != ReadRound(0)) text += ", round " + Number(request.read_round);
  if (!request.entries.empty()) text += ", entries " + Entries(request.entries);
  return text;
}

std::string Body(const AppendEntriesResponse& response) {
  std::string text = "AppendAnswer prev " + Number(response.prev_log_index);
  if (response.result == AppendResult::kMatched) {
    text += ", matched through " + Number(response.match_index);
  } else if (response.result == AppendResult::kStaleTerm) {
    text += ", stale term";
  } else {
    text += ", conflict, hint " + Position(response.conflict_index, response.conflict_term);
  }
  text += ", sent " + TextOf(response.sent_at);
  if (response.read_round != ReadRound(0)) text += ", round " + Number(response.read_round);
  return text;
}

std::string Meta(const SnapshotMeta& meta) {
  return Position(meta.index, meta.term) + " with " + TextOf(meta.configuration) + " of index " +
         Number(meta.configuration_index);
}

std::string Body(const InstallSnapshotRequest& request) {
  return "Snapshot " + Meta(request.meta) + ", offset " + std::to_string(request.offset) +
         (request.last ? ", last chunk" : "");
}

std::string Body(const InstallSnapshotResponse& response) {
  const std::string text =
      "SnapshotAnswer " + Position(response.snapshot_index, response.snapshot_term);
  if (response.installed)
    return text + ", in place, matched through " + Number(response.match_index);
  return text + ", wants offset " + std::to_string(response.next_offset);
}

std::string Body(const TimeoutNow&) {
  return "TimeoutNow";
}

std::string Body(const ReadIndexRequest& request) {
  return "ReadIndex for read " + Number(request.read);
}

std::string Body(const ReadIndexResponse& response) {
  return "ReadIndexAnswer for read " + Number(response.read) +
         (response.confirmed ? ", index " + Number(response.index) : ", refused");
}

std::string Body(const RepairRequest& request) {
  return "Repair of " + Number(request.first) + ".." + Position(request.last, request.last_term);
}

std::string Body(const RepairResponse& response) {
  return "RepairAnswer for " + Number(response.first) + ".." +
         Position(response.last, response.last_term) + ", " +
         std::to_string(response.entries.size()) + " entries";
}

std::string In(const DeadlineReached&) {
  return "deadline";
}

std::string In(const Message& message) {
  return TextOf(message.from) + ": " + TextOf(message);
}

std::string In(const Persisted& persisted) {
  return "durable through persist " + Number(persisted.id);
}

std::string In(const Submit& submit) {
  std::string text = "submit";
  for (const Bytes& command : submit.commands) text += " " + std::string(command.view());
  for (const ReadId read : submit.reads) text += " read " + Number(read);
  return text;
}

std::string In(const Compact& compact) {
  return "compacted into snapshot " + Meta(compact.meta) + ", released through " +
         Number(compact.release_through);
}

std::string In(const Evict& evict) {
  return "evicted through " + Number(evict.through);
}

std::string In(const EntriesRead& read) {
  return "read " + (read.entries.empty() ? "nothing" : Entries(read.entries)) + " for " +
         TextOf(read.wanted.reader);
}

std::string In(const SnapshotStaged& staged) {
  return "staged snapshot " + Position(staged.meta.index, staged.meta.term) + " of " +
         TextOf(staged.leader);
}

std::string In(const TransferLeadership& transfer) {
  return "transfer leadership to " +
         (transfer.target == NodeId(0) ? "the best" : TextOf(transfer.target));
}

std::string In(const SpaceChanged& space) {
  return space.full ? "the disk is full" : "the disk has room";
}

std::string In(const ChangeMembership& change) {
  constexpr const char* kVerbs[] = {"",        "add",    "add learner", "remove",
                                    "promote", "demote", "replace",     "move"};
  std::string text = "change membership:";
  for (const MemberChange& one : change.changes) {
    text += std::string(text.back() == ':' ? " " : ", ") +
            kVerbs[static_cast<std::size_t>(one.kind)] + " ";
    text += one.replaced.empty() ? one.name : one.replaced + " by " + one.name;
  }
  return text;
}

std::string Text(const Persist& persist) {
  std::string text = "persist " + Number(persist.id) + ":";
  if (persist.hard_state.has_value()) {
    text += " term " + Number(persist.hard_state->term) + " vote " +
            TextOf(persist.hard_state->voted_for) + ";";
  }
  if (persist.install.has_value()) text += " install snapshot " + Meta(*persist.install) + ";";
  if (!persist.entries.empty()) text += " entries " + Entries(persist.entries) + ";";
  text.pop_back();
  return text;
}

std::string Text(const Event& event) {
  std::string text = std::string("event: ") + NameOf(event.kind);
  if (event.peer != NodeId(0)) text += " " + TextOf(event.peer);
  if (event.a != 0 || event.b != 0) text += " " + std::to_string(event.a);
  if (event.b != 0) text += " " + std::to_string(event.b);
  return text;
}

const char* NameOf(SubmitOutcome outcome) {
  switch (outcome) {
    case SubmitOutcome::kNone:
      return "none";
    case SubmitOutcome::kAppended:
      return "appended";
    case SubmitOutcome::kNotLeader:
      return "refused, not the leader";
    case SubmitOutcome::kOverloaded:
      return "refused, overloaded";
    case SubmitOutcome::kTransferring:
      return "refused, leadership is being handed over";
  }
  return "unknown";
}

const char* NameOf(ChangeOutcome outcome) {
  switch (outcome) {
    case ChangeOutcome::kNone:
      return "none";
    case ChangeOutcome::kAppended:
      return "appended";
    case ChangeOutcome::kUnchanged:
      return "unchanged";
    case ChangeOutcome::kNotLeader:
      return "refused, not the leader";
    case ChangeOutcome::kBusy:
      return "busy";
    case ChangeOutcome::kRefused:
      return "refused";
  }
  return "unknown";
}

}  // namespace

std::string TextOf(NodeId node) {
  if (node == NodeId(0)) return "-";
  for (int number = 1; number <= 9; ++number) {
    if (IdOfNode(number) == node) return NameOfNode(number);
  }
  return "stranger";
}

std::string TextOf(Instant time) {
  const auto since =
      std::chrono::duration_cast<std::chrono::milliseconds>(time - RaftCluster::kStart);
  return std::to_string(since.count()) + "ms";
}

std::string TextOf(const Configuration& configuration) {
  std::string text = "{voters " + Nodes(configuration.voters());
  if (configuration.IsJoint()) text += "; old voters " + Nodes(configuration.outgoing());
  std::vector<std::string> others;
  for (const Member& member : configuration.members()) {
    if (member.role == MemberRole::kVoter || member.role == MemberRole::kLeaving) continue;
    others.push_back(std::string(NameOf(member.role)) + " " + member.name);
    if (member.replaces != NodeId(0)) others.back() += " for " + TextOf(member.replaces);
  }
  std::ranges::sort(others);
  for (const std::string& other : others) text += "; " + other;
  return text + "}";
}

std::string TextOf(const Entry& entry) {
  const std::string text = Position(entry.index, entry.term) + " ";
  switch (entry.type) {
    case EntryType::kNoop:
      return text + "noop";
    case EntryType::kCommand:
      return text + std::string(entry.payload.view());
    case EntryType::kConfiguration: {
      const auto configuration = DecodeConfiguration(entry.payload.view());
      return text + (configuration.has_value() ? TextOf(*configuration) : "{broken}");
    }
  }
  return text + "unknown";
}

std::string TextOf(const Message& message) {
  return "term " + Number(message.term) + " " +
         std::visit([](const auto& body) { return Body(body); }, message.body);
}

std::string TextOf(const Input& input) {
  return std::visit([](const auto& value) { return In(value); }, input);
}

std::string TextOf(const Progress& follower) {
  std::string text = TextOf(follower.id) + " ";
  if (follower.role != MemberRole::kVoter) text += std::string(NameOf(follower.role)) + ", ";
  if (follower.caught_up) text += "caught up, ";
  text += NameOf(follower.state);
  if (follower.state == ProgressState::kSnapshot) text += " " + Number(follower.snapshot_index);
  text += ", match " + Number(follower.match) + ", next " + Number(follower.next);
  if (follower.state == ProgressState::kProbe && follower.probe_sent)
    text += ", waits for the answer";
  if (!follower.inflight.empty()) {
    text += ", in flight " + std::to_string(follower.inflight.size());
  }
  return text;
}

std::string TextOf(const Raft& raft, Index apply_through) {
  std::string text = NameOf(raft.role());
  if (raft.role() == Role::kFollower && raft.leader() != NodeId(0)) {
    text += " of " + TextOf(raft.leader());
  }
  text += " | term " + Number(raft.term()) + " vote " + TextOf(raft.voted_for()) + " | commit " +
          Number(raft.commit_index()) + " durable " + Number(raft.durable_index()) + " apply " +
          Number(apply_through) + " last " +
          Position(raft.log().last_index(), raft.log().last_term());
  if (raft.log().base_index() != Index(0)) {
    text += " base " + Position(raft.log().base_index(), raft.log().base_term());
  }
  return text;
}

std::vector<std::string> LinesOf(const Output& output) {
  std::vector<std::string> lines;
  if (output.persist.has_value()) lines.push_back(Text(*output.persist));
  for (const Message& message : output.messages) {
    lines.push_back("-> " + TextOf(message.to) + ": " + TextOf(message));
  }
  if (output.submit != SubmitOutcome::kNone) {
    lines.push_back(std::string("commands ") + NameOf(output.submit));
    if (output.submit == SubmitOutcome::kAppended) {
      lines.back() += " from " + Position(output.first_index, output.term);
    }
  }
  if (output.change != ChangeOutcome::kNone) {
    lines.push_back(std::string("change ") + NameOf(output.change));
    if (output.change == ChangeOutcome::kAppended) {
      lines.back() += " at " + Position(output.first_index, output.term);
    }
    if (!output.change_problem.empty()) lines.back() += ": " + output.change_problem;
  }
  for (const ReadReady& read : output.reads_ready) {
    lines.push_back("read " + Number(read.id) + " ready at index " + Number(read.index));
  }
  for (const ReadId read : output.reads_refused)
    lines.push_back("read " + Number(read) + " refused");
  if (output.restore.has_value()) {
    lines.push_back("restore snapshot " + Position(output.restore->index, output.restore->term));
  }
  for (const Message& message : output.snapshot_traffic) {
    lines.push_back("snapshot traffic of " + TextOf(message.from));
  }
  for (const NodeId follower : output.snapshot_needed) {
    lines.push_back("snapshot needed by " + TextOf(follower));
  }
  for (const Event& event : output.events) lines.push_back(Text(event));
  return lines;
}

}  // namespace grassdb
