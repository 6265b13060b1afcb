// Describes a replica and its messages to a sink, field by field, so that states can be compared
// and hashed: two replicas that tell a sink the same do the same from then on.
//
// What is told is independent of how the replica came there: a Persist is told by how many before
// it are unfinished, not by its number; an instant by its distance from the replica's newest one;
// what has no order is told as a set. A new field of Raft is described here as well.
//
// A sink has
//   void Number(std::uint64_t);
//   void Node(NodeId);                // so that it can give the nodes other names
//   void Text(std::string_view);
//   void Span(Duration);              // from the newest step to an instant; may be negative
//   void Stamp(Instant);              // an instant of a clock that may be another node's
//   void Draws(std::uint64_t);        // what keys the draws of election timeouts
//   void Set(const Range&, describe); // calls describe(sink, element), where the order says
//   nothing
// and may leave out what cannot matter where it is used: instants, say, if it fires timeouts
// itself.
#ifndef GRASSDB_CORE_RAFT_DESCRIBE_H_
#define GRASSDB_CORE_RAFT_DESCRIBE_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "core/check.h"
#include "core/raft.h"

namespace grassdb {
namespace describe {

template <class Sink, class Tag>
void Put(Sink& sink, Tagged<Tag> number) {
  sink.Number(number.value());
}

template <class Sink>
void Put(Sink& sink, const Configuration& configuration) {
  sink.Set(configuration.members(), [](auto& inner, const Member& member) {
    inner.Node(member.id);
    inner.Number(static_cast<std::uint64_t>(member.role) * 2 + (member.outgoing ? 1 : 0));
    inner.Node(member.replaces);
    Put(inner, member.incarnation);
  });
}

template <class Sink>
void Put(Sink& sink, const Entry& entry) {
  Put(sink, entry.index);
  Put(sink, entry.term);
  sink.Number(static_cast<std::uint64_t>(entry.type));
  if (entry.type == EntryType::kConfiguration) {
    const auto configuration = DecodeConfiguration(entry.payload.view());
    GRASS_CHECK(configuration.has_value());
    Put(sink, *configuration);
  } else {
    sink.Text(entry.payload.view());
  }
}

template <class Sink>
void Put(Sink& sink, const HardState& hard_state) {
  Put(sink, hard_state.term);
  sink.Node(hard_state.voted_for);
  sink.Number(hard_state.founder ? 1 : 0);
  Put(sink, hard_state.renewed);
}

template <class Sink>
void Put(Sink& sink, const SnapshotMeta& meta) {
  Put(sink, meta.index);
  Put(sink, meta.term);
  Put(sink, meta.configuration);
  Put(sink, meta.configuration_index);
}

template <class Sink, class Range>
void PutAll(Sink& sink, const Range& range) {
  sink.Number(range.size());
  for (const auto& element : range) Put(sink, element);
}

template <class Sink>
void Put(Sink& sink, const Persist& persist) {
  sink.Number(persist.hard_state.has_value() ? 1 : 0);
  if (persist.hard_state.has_value()) Put(sink, *persist.hard_state);
  sink.Number(persist.install.has_value() ? 1 : 0);
  if (persist.install.has_value()) Put(sink, *persist.install);
  PutAll(sink, persist.entries);
}

// --- Messages ---

template <class Sink>
void Put(Sink& sink, const RequestVoteRequest& request) {
  sink.Number(static_cast<std::uint64_t>(request.ballot));
  sink.Number(static_cast<std::uint64_t>(request.reason));
  Put(sink, request.last_log_index);
  Put(sink, request.last_log_term);
  Put(sink, request.campaign_term);
}

template <class Sink>
void Put(Sink& sink, const RequestVoteResponse& response) {
  sink.Number(static_cast<std::uint64_t>(response.ballot));
  Put(sink, response.campaign_term);
  sink.Number(response.granted ? 1 : 0);
  Put(sink, response.removed_at);
}

template <class Sink>
void Put(Sink& sink, const AppendEntriesRequest& request) {
  Put(sink, request.prev_log_index);
  Put(sink, request.prev_log_term);
  Put(sink, request.leader_commit);
  Put(sink, request.read_round);
  sink.Number(request.vital ? 1 : 0);
  sink.Stamp(request.sent_at);
  PutAll(sink, request.entries);
  Put(sink, request.forgot);
}

template <class Sink>
void Put(Sink& sink, const AppendEntriesResponse& response) {
  sink.Number(static_cast<std::uint64_t>(response.result));
  sink.Number(static_cast<std::uint64_t>(response.standing));
  Put(sink, response.match_index);
  Put(sink, response.prev_log_index);
  Put(sink, response.conflict_term);
  Put(sink, response.conflict_index);
  Put(sink, response.read_round);
  sink.Stamp(response.sent_at);
  sink.Number(static_cast<std::uint64_t>(response.defends.count()));
  sink.Number(response.disk_full ? 1 : 0);
}

template <class Sink>
void Put(Sink& sink, const InstallSnapshotRequest& request) {
  Put(sink, request.meta);
  sink.Number(request.offset);
  sink.Number(request.last ? 1 : 0);
  sink.Text(request.data.view());
  sink.Number(request.checksum);
}

template <class Sink>
void Put(Sink& sink, const InstallSnapshotResponse& response) {
  Put(sink, response.snapshot_index);
  Put(sink, response.snapshot_term);
  sink.Number(response.installed ? 1 : 0);
  Put(sink, response.match_index);
  sink.Number(response.next_offset);
}

template <class Sink>
void Put(Sink&, const TimeoutNow&) {}

template <class Sink>
void Put(Sink& sink, const ReadIndexRequest& request) {
  Put(sink, request.read);
}

template <class Sink>
void Put(Sink& sink, const ReadIndexResponse& response) {
  Put(sink, response.read);
  sink.Number(response.confirmed ? 1 : 0);
  Put(sink, response.index);
}

template <class Sink>
void Put(Sink& sink, const RepairRequest& request) {
  sink.Number(static_cast<std::uint64_t>(request.ask));
  Put(sink, request.first);
  Put(sink, request.last);
  Put(sink, request.previous_term);
  Put(sink, request.last_term);
  Put(sink, request.snapshot_index);
  Put(sink, request.snapshot_term);
  sink.Number(request.offset);
}

template <class Sink>
void Put(Sink& sink, const RepairResponse& response) {
  sink.Number(static_cast<std::uint64_t>(response.verdict));
  Put(sink, response.first);
  Put(sink, response.last);
  Put(sink, response.last_term);
  Put(sink, response.previous_term);
  PutAll(sink, response.entries);
  Put(sink, response.chunk);
  sink.Number(response.checksum);
}

template <class Sink>
void Put(Sink& sink, const Message& message) {
  sink.Node(message.from);
  sink.Node(message.to);
  Put(sink, message.term);
  Put(sink, message.incarnation);
  Put(sink, message.to_incarnation);
  sink.Number(message.body.index());
  std::visit([&sink](const auto& body) { Put(sink, body); }, message.body);
}

// --- What a leader knows of a follower ---

template <class Sink>
void Put(Sink& sink, const Progress& follower, Instant now, std::uint64_t waiting_bytes) {
  sink.Node(follower.id);
  sink.Number(static_cast<std::uint64_t>(follower.state));
  Put(sink, follower.match);
  Put(sink, follower.next);
  sink.Number(follower.probe_sent ? 1 : 0);
  Put(sink, follower.snapshot_index);
  sink.Number(static_cast<std::uint64_t>(follower.role));
  Put(sink, follower.read_round);
  Put(sink, follower.round_sent);
  sink.Number(follower.round_answer);
  sink.Span(follower.last_heard - now);
  sink.Stamp(follower.lease_base);
  sink.Number(static_cast<std::uint64_t>(follower.defends.count()));
  sink.Stamp(follower.match_learned);
  Put(sink, follower.incarnation);
  sink.Number(static_cast<std::uint64_t>(follower.standing));
  sink.Number(static_cast<std::uint64_t>(follower.space));
  sink.Number(follower.rolled_back ? 1 : 0);
  sink.Stamp(follower.forgot_at);
  Put(sink, follower.catch_up_target);
  sink.Span(follower.catch_up_began - now);
  sink.Number(follower.caught_up ? 1 : 0);
  Put(sink, follower.reads_from);
  sink.Number(follower.inflight.size());
  for (const Progress::Inflight& inflight : follower.inflight) {
    Put(sink, inflight.last);
    sink.Number(inflight.bytes);
  }
  sink.Number(follower.inflight_bytes);
  const bool waits = follower.append_at != Instant::max();
  if (!follower.quick && !waits && waiting_bytes == 0) return;
  sink.Number(follower.quick ? 1 : 0);
  sink.Span(waits ? follower.append_at - now : Duration::max());
  sink.Number(follower.next <= follower.offered ? 1 : 0);
  sink.Number(waiting_bytes);
}

}  // namespace describe

template <class Sink>
void Raft::Describe(Sink& sink) const {
  using describe::Put;
  GRASS_CHECK(output_ == nullptr && !hard_state_dirty_ && !install_dirty_.has_value());
  GRASS_CHECK_EQ(first_dirty_, Index(0));
  // 0: durable.
  const auto unfinished = [this](PersistId id) {
    return id <= durable_persist_ ? 0 : id - durable_persist_;
  };
  // The limits of options_ are those of the cluster: the same before and after, and on all nodes.
  sink.Node(options_.id);
  sink.Draws(options_.seed);
  sink.Draws(election_resets_);
  Put(sink, incarnation_);
  Put(sink, removed_at_);
  sink.Set(heard_, [](auto& inner, const std::pair<NodeId, Incarnation>& heard) {
    inner.Node(heard.first);
    Put(inner, heard.second);
  });
  Put(sink, hard_state_);
  Put(sink, log_.base_index());
  Put(sink, log_.base_term());
  Put(sink, log_.evicted_through());
  for (Index index = log_.base_index() + 1; index <= log_.evicted_through(); ++index) {
    Put(sink, *log_.TermAt(index));
  }
  sink.Number(log_.last_index() - log_.evicted_through());
  for (Index index = log_.evicted_through() + 1; index <= log_.last_index(); ++index) {
    Put(sink, log_.At(index));
  }
  sink.Number(snapshot_.has_value() ? 1 : 0);
  if (snapshot_.has_value()) Put(sink, *snapshot_);
  sink.Number(configurations_.size());
  for (const ConfigurationRecord& record : configurations_) {
    Put(sink, record.index);
    Put(sink, record.configuration);
  }
  Put(sink, commit_index_);
  Put(sink, durable_index_);
  Put(sink, apply_through_);
  sink.Span(election_deadline_ - now_);
  sink.Span(defends_until_ - now_);
  sink.Span(disk_progress_at_ - now_);
  sink.Number(disk_full_ ? 1 : 0);
  sink.Span(std::max(full_hand_over_at_, now_) - now_);
  sink.Number(unfinished(last_persist_));
  sink.Number(unfinished(term_persist_));
  sink.Number(pending_entries_.size());
  for (const PendingEntries& pending : pending_entries_) {
    sink.Number(unfinished(pending.id));
    Put(sink, pending.last);
  }
  sink.Number(pending_installs_.size());
  for (const PendingInstall& pending : pending_installs_) {
    sink.Number(unfinished(pending.id));
    Put(sink, pending.meta);
    sink.Node(pending.leader);
  }
  // They go out together, and the network has no order.
  sink.Set(held_, [&unfinished](auto& inner, const HeldMessage& held) {
    inner.Number(unfinished(held.needs));
    Put(inner, held.message);
  });
  sink.Number(repair_waits_.has_value() ? 1 : 0);
  if (repair_waits_.has_value()) Put(sink, *repair_waits_);
  sink.Number(role_.index());
  if (const auto* follower = std::get_if<FollowerState>(&role_)) {
    sink.Node(follower->leader);
    Put(sink, follower->answered_round);
  } else if (const auto* candidate = std::get_if<CandidateState>(&role_)) {
    sink.Number(static_cast<std::uint64_t>(candidate->ballot));
    sink.Number(static_cast<std::uint64_t>(candidate->reason));
    Put(sink, candidate->campaign_term);
    sink.Number(unfinished(candidate->own_vote));
    sink.Set(candidate->votes, [](auto& inner, const std::pair<NodeId, bool>& vote) {
      inner.Node(vote.first);
      inner.Number(vote.second ? 1 : 0);
    });
  } else {
    DescribeLeader(sink, std::get<LeaderState>(role_));
  }
}

template <class Sink>
void Raft::DescribeLeader(Sink& sink, const LeaderState& leader) const {
  using describe::Put;
  sink.Set(leader.followers, [&](auto& inner, const Progress& follower) {
    const bool may_wait = options_.append_delay > Duration::zero();
    Put(inner, follower, now_, may_wait ? leader.appended_bytes - follower.offered_bytes : 0);
  });
  sink.Number(leader.joining);
  sink.Number(leader.incarnations_differ ? 1 : 0);
  Put(sink, leader.first_index);
  sink.Span(leader.heartbeat_deadline - now_);
  Put(sink, leader.round);
  Put(sink, leader.confirmed_round);
  Put(sink, leader.round_index);
  sink.Number(leader.round_answers);
  const bool never = leader.round_overdue_at == Instant::max();
  sink.Span(never ? Duration::max() : leader.round_overdue_at - now_);
  for (const auto* reads : {&leader.reads_in_round, &leader.reads_waiting}) {
    sink.Number(reads->size());
    for (const WaitingRead& read : *reads) {
      sink.Node(read.from);
      Put(sink, read.id);
    }
  }
  sink.Node(leader.transfer_target);
  sink.Span(leader.transfer_deadline - now_);
  sink.Number(leader.transfer_sent ? 1 : 0);
  sink.Number(leader.lease_void ? 1 : 0);
  sink.Number(leader.unapplied_bytes);
  if (leader.unapplied_evicted_bytes > 0) sink.Number(leader.unapplied_evicted_bytes);
}

}  // namespace grassdb

#endif  // GRASSDB_CORE_RAFT_DESCRIBE_H_
