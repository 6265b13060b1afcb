#include "sim/explore/replica.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/raft_describe.h"
#include "sim/hermetic.h"

namespace grassdb::sim::explore {
namespace {

constexpr Instant kStart{std::chrono::hours(1)};
constexpr Duration kHeartbeat = std::chrono::nanoseconds(1);
constexpr Duration kElectionTimeout = std::chrono::hours(1);

RaftOptions OptionsOf(const Cluster& cluster, const Bounds& bounds, std::uint32_t number) {
  RaftOptions options;
  options.id = cluster.IdOf(number);
  options.heartbeat_interval = kHeartbeat;
  options.election_timeout_min = kElectionTimeout;
  options.election_timeout_max = kElectionTimeout + std::chrono::nanoseconds(1);
  options.disk_stall_timeouts = 1'000'000;
  if (bounds.append_max != 0) options.append_entries_max = bounds.append_max;
  return options;
}

Replica Start(const Cluster& cluster, const Bounds& bounds, std::uint32_t number, Disk disk) {
  RecoveredState recovered;
  recovered.identity.node = cluster.IdOf(number);
  recovered.identity.bootstrap = cluster.configuration();
  recovered.hard_state = disk.hard_state;
  recovered.entries = disk.entries;
  return Replica{.raft = Raft(OptionsOf(cluster, bounds, number), recovered, kStart),
                 .now = kStart,
                 .unfinished = {},
                 .disk = std::move(disk),
                 .answered = {}};
}

void Write(Disk* disk, const Entry& entry) {
  GRASS_CHECK_LE(entry.index.value(), disk->entries.size() + 1);
  disk->entries.resize(entry.index.value() - 1);
  disk->entries.push_back(entry);
}

// Makes at most `parts` parts of `persist` durable; returns how many that were.
std::uint32_t Write(Disk* disk, const Persist& persist, std::uint32_t parts) {
  std::uint32_t written = 0;
  if (persist.hard_state.has_value() && written < parts) {
    disk->hard_state = *persist.hard_state;
    ++written;
  }
  for (const Entry& entry : persist.entries) {
    if (written == parts) break;
    Write(disk, entry);
    ++written;
  }
  return written;
}

// One replica while an action is under way.
class Actor {
 public:
  Actor(const Cluster& cluster, const Bounds& bounds, Replica* replica, std::vector<Message>* sent)
      : cluster_(cluster), bounds_(bounds), replica_(*replica), sent_(*sent) {}

  void Step(Input input) {
    replica_.raft.Step(replica_.now, std::move(input), &output_);
    if (output_.persist.has_value()) replica_.unfinished.push_back(*std::move(output_.persist));
    for (Message& message : output_.messages) {
      if (auto* append = std::get_if<AppendEntriesRequest>(&message.body)) append->sent_at = kStart;
      sent_.push_back(std::move(message));
    }
    for (const ReadReady& read : output_.reads_ready) {
      GRASS_CHECK_LT(read.index.value(), std::uint64_t{kLogMax} + 1);
      replica_.answered.at(read.id.value() - 1) = static_cast<std::uint8_t>(read.index.value() + 1);
    }
    if (bounds_.disk == DiskSpeed::kInstant && !replica_.unfinished.empty()) FinishPersist();
  }

  void Deliver(const Message& message) {
    // See the head of replica.h: the defence of a leader has ended.
    if (std::holds_alternative<RequestVoteRequest>(message.body) &&
        replica_.raft.role() != Role::kLeader) {
      JumpTo(replica_.raft.NextDeadline());
    }
    Step(message);
  }

  void Timeout() {
    JumpTo(replica_.raft.NextDeadline());
    Step(DeadlineReached{});
    if (bounds_.pre_votes == PreVotes::kExplored) return;
    std::erase_if(sent_, [](const Message& message) {
      const auto* request = std::get_if<RequestVoteRequest>(&message.body);
      return request != nullptr && request->ballot == Ballot::kPreVote;
    });
    for (std::uint32_t voter = 0; voter < cluster_.size(); ++voter) {
      const Raft& raft = replica_.raft;
      if (raft.role() != Role::kPreCandidate) break;
      if (cluster_.IdOf(voter) == raft.id()) continue;
      RequestVoteResponse yes;
      yes.ballot = Ballot::kPreVote;
      yes.campaign_term = raft.term() + 1;
      yes.granted = true;
      Step(
          Message{.from = cluster_.IdOf(voter), .to = raft.id(), .term = raft.term(), .body = yes});
    }
  }

  void FinishPersist() {
    const Persist persist = std::move(replica_.unfinished.front());
    replica_.unfinished.pop_front();
    Write(&replica_.disk, persist, UINT32_MAX);
    Step(Persisted{persist.id});
  }

  void Advance(Duration time) { replica_.now += time; }

 private:
  void JumpTo(Instant deadline) {
    if (deadline != Instant::max()) replica_.now = std::max(replica_.now, deadline);
  }

  const Cluster& cluster_;
  const Bounds& bounds_;
  Replica& replica_;
  std::vector<Message>& sent_;
  Output output_;
};

}  // namespace

Replica StartReplica(const Cluster& cluster, const Bounds& bounds, std::uint32_t number) {
  return Start(cluster, bounds, number, Disk());
}

bool IsPossible(const Replica& replica, ActionKind kind, const Bounds& bounds) {
  const Raft& raft = replica.raft;
  switch (kind) {
    case ActionKind::kDeliver:
    case ActionKind::kCrash:
      return true;
    case ActionKind::kFinish:
      return !replica.unfinished.empty();
    case ActionKind::kTimeout:
      return raft.role() != Role::kLeader && raft.role() != Role::kPreCandidate &&
             raft.term() < Term(bounds.terms);
    case ActionKind::kHeartbeat:
    case ActionKind::kStepDown:
      return raft.role() == Role::kLeader && bounds.nodes > 1;
    case ActionKind::kPropose:
    case ActionKind::kRead:
      return raft.role() == Role::kLeader;
  }
  return false;
}

std::uint32_t PartsUnfinished(const Replica& replica) {
  std::size_t parts = 0;
  for (const Persist& persist : replica.unfinished) {
    parts += (persist.hard_state.has_value() ? 1 : 0) + persist.entries.size();
  }
  return static_cast<std::uint32_t>(parts);
}

Replica Act(const Cluster& cluster, const Bounds& bounds, const Replica& before,
            const Action& action, std::vector<Message>* sent) {
  const Hermetic hermetic;
  sent->clear();
  if (action.kind == ActionKind::kCrash) {
    Disk disk = before.disk;
    std::uint32_t left = action.kept;
    for (const Persist& persist : before.unfinished) left -= Write(&disk, persist, left);
    return Start(cluster, bounds, cluster.NumberOf(before.raft.id()), std::move(disk));
  }
  Replica after = before;
  Actor actor(cluster, bounds, &after, sent);
  switch (action.kind) {
    case ActionKind::kDeliver:
      actor.Deliver(*action.message);
      break;
    case ActionKind::kFinish:
      actor.FinishPersist();
      break;
    case ActionKind::kTimeout:
      actor.Timeout();
      break;
    case ActionKind::kHeartbeat:
      actor.Advance(kHeartbeat);
      actor.Step(DeadlineReached{});
      break;
    case ActionKind::kStepDown:
      actor.Advance(kElectionTimeout * 3);
      actor.Step(DeadlineReached{});
      // A leader that stays has sent heartbeats that no bound counts.
      if (after.raft.role() == Role::kLeader) {
        sent->clear();
        return before;
      }
      break;
    case ActionKind::kPropose:
      actor.Step(Submit{.commands = {Bytes("x")}, .reads = {}});
      break;
    case ActionKind::kRead:
      actor.Step(Submit{.commands = {}, .reads = {ReadId(action.read)}});
      break;
    case ActionKind::kCrash:
      break;
  }
  return after;
}

Uint128 DigestOf(const Cluster& cluster, const Permutation& permutation, const Replica& replica) {
  Digest digest(cluster, permutation);
  replica.raft.Describe(digest);
  digest.Number(replica.unfinished.size());
  for (const Persist& persist : replica.unfinished) describe::Put(digest, persist);
  describe::Put(digest, replica.disk.hard_state);
  describe::PutAll(digest, replica.disk.entries);
  for (std::size_t read = 0; read < replica.answered.size(); ++read) {
    if (replica.answered[read] == 0) continue;
    digest.Number(read);
    digest.Number(replica.answered[read]);
  }
  return digest.value();
}

Uint128 DigestOf(const Cluster& cluster, const Permutation& permutation, const Message& message) {
  Digest digest(cluster, permutation);
  digest.Number(0x6d657373616765);  // no replica's
  describe::Put(digest, message);
  return digest.value();
}

}  // namespace grassdb::sim::explore
