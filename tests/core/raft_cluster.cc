#include "tests/core/raft_cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace grassdb {

std::string NameOfNode(int number) {
  return "n" + std::to_string(number);
}
NodeId IdOfNode(int number) {
  return NodeIdOf(NameOfNode(number));
}

Configuration VotersOf(int count) {
  std::vector<Member> members;
  for (int number = 1; number <= count; ++number) {
    members.push_back(MakeMember(NameOfNode(number), "127.0.0.1:" + std::to_string(7000 + number)));
  }
  return Configuration(std::move(members));
}

RaftCluster::RaftCluster(int voters, Options options) : options_(std::move(options)) {
  for (int number = 1; number <= voters; ++number)
    Start(number, VotersOf(voters), kFirstIncarnation);
}

void RaftCluster::Join(int number) {
  GRASS_CHECK(!Has(number));
  Start(number, Configuration(), kFirstIncarnation);
}

void RaftCluster::Start(int number, const Configuration& bootstrap, Incarnation incarnation) {
  Replica& replica = replicas_[number];
  replica.options.id = IdOfNode(number);
  replica.options.seed = static_cast<std::uint64_t>(number);
  if (options_.adjust) options_.adjust(replica.options);
  replica.durable.identity.node = replica.options.id;
  replica.durable.identity.bootstrap = bootstrap;
  if (options_.incarnations) replica.durable.identity.incarnation = incarnation;
  replica.raft.emplace(replica.options, replica.durable, now_);
}

std::vector<int> RaftCluster::Numbers() const {
  std::vector<int> numbers;
  for (const auto& [number, replica] : replicas_) numbers.push_back(number);
  return numbers;
}

int RaftCluster::NumberOf(NodeId id) const {
  for (const auto& [number, replica] : replicas_) {
    if (replica.options.id == id) return number;
  }
  return 0;
}

void RaftCluster::Step(int number, Input input) {
  Replica& replica = replicas_.at(number);
  replica.last.Clear();
  StepOnce(number, std::move(input));
  while (options_.instant_disk && !replica.disk_held && !replica.disk.empty()) {
    FinishOnePersist(number);
  }
}

void RaftCluster::StepOnce(int number, Input input) {
  Replica& replica = replicas_.at(number);
  Output output;
  const Input seen = options_.on_step ? input : Input(DeadlineReached{});
  replica.raft->Step(now_, std::move(input), &output);
  if (options_.on_step) options_.on_step(number, seen, output);
  for (Message& message : output.messages) network_.push_back(message);
  if (output.persist.has_value()) replica.disk.push_back(*output.persist);
  std::ranges::copy(output.reads_ready, std::back_inserter(replica.reads_ready));
  std::ranges::copy(output.reads_refused, std::back_inserter(replica.reads_refused));
  // What a test looks at is the sum of the steps.
  Output& last = replica.last;
  if (output.persist.has_value()) last.persist = output.persist;
  std::ranges::copy(output.messages, std::back_inserter(last.messages));
  if (output.change != ChangeOutcome::kNone) {
    last.change = output.change;
    last.change_problem = output.change_problem;
  }
  if (output.submit != SubmitOutcome::kNone) {
    last.submit = output.submit;
    last.first_index = output.first_index;
    last.term = output.term;
  }
  if (output.restore.has_value()) last.restore = output.restore;
  last.apply_through = output.apply_through;
  std::ranges::copy(output.snapshot_traffic, std::back_inserter(last.snapshot_traffic));
  std::ranges::copy(output.snapshot_needed, std::back_inserter(last.snapshot_needed));
  std::ranges::copy(output.entries_needed, std::back_inserter(last.entries_needed));
  std::ranges::copy(output.events, std::back_inserter(last.events));
  if (options_.stream_snapshots) StreamSnapshots(number, output);
}

void RaftCluster::StreamSnapshots(int number, const Output& output) {
  for (const NodeId follower : output.snapshot_needed) SendSnapshot(number, NumberOf(follower));
  for (const Message& message : output.snapshot_traffic) {
    if (const auto* chunk = std::get_if<InstallSnapshotRequest>(&message.body)) {
      StepOnce(number, SnapshotStaged{.meta = chunk->meta, .leader = message.from});
    }
  }
}

void RaftCluster::SendSnapshot(int from, int to) {
  const Raft& sender = raft(from);
  GRASS_CHECK(sender.snapshot().has_value());
  InstallSnapshotRequest chunk;
  chunk.meta = *sender.snapshot();
  chunk.last = true;
  chunk.data = Bytes("state");
  network_.push_back(Message{.from = sender.id(),
                             .to = IdOfNode(to),
                             .term = sender.term(),
                             .body = std::move(chunk),
                             .incarnation = DiskOf(from).identity.incarnation});
}

void RaftCluster::WriteToDisk(Replica& replica, const Persist& persist) {
  RecoveredState& disk = replica.durable;
  if (persist.hard_state.has_value()) disk.hard_state = *persist.hard_state;
  if (persist.install.has_value()) {
    disk.snapshot = persist.install;
    disk.base_index = persist.install->index;
    disk.base_term = persist.install->term;
    disk.entries.clear();
  }
  if (persist.entries.empty()) return;
  const Index from = persist.entries.front().index;
  while (!disk.entries.empty() && disk.entries.back().index >= from) disk.entries.pop_back();
  const Index last = disk.entries.empty() ? disk.base_index : disk.entries.back().index;
  ASSERT_EQ(last + 1, from) << "a Persist leaves a hole in the log";
  std::ranges::copy(persist.entries, std::back_inserter(disk.entries));
}

void RaftCluster::FinishOnePersist(int number) {
  Replica& replica = replicas_.at(number);
  GRASS_CHECK(!replica.disk.empty());
  const Persist persist = std::move(replica.disk.front());
  replica.disk.pop_front();
  WriteToDisk(replica, persist);
  StepOnce(number, Persisted{.id = persist.id});
}

void RaftCluster::ReleaseDisk(int number) {
  replicas_.at(number).disk_held = false;
  FinishDisk(number);
}

void RaftCluster::FinishDisk(int number) {
  while (!replicas_.at(number).disk.empty()) FinishOnePersist(number);
}

void RaftCluster::Deliver(Message message) {
  const int to = NumberOf(message.to);
  if (to == 0 || cut_.contains({message.from, message.to})) {
    if (options_.on_lost) options_.on_lost(message);
    return;
  }
  Step(to, std::move(message));
}

void RaftCluster::DeliverAll() {
  // A bound far above what any scenario needs: endless chatter is a failure, not a hang.
  for (int count = 0; !network_.empty(); ++count) {
    ASSERT_LT(count, 100000) << "the replicas never stop talking";
    Message message = std::move(network_.front());
    network_.pop_front();
    Deliver(std::move(message));
  }
}

void RaftCluster::Isolate(int number) {
  for (const auto& [other, replica] : replicas_) {
    if (other == number) continue;
    Cut(number, other);
    Cut(other, number);
  }
}

void RaftCluster::Advance(Duration time) {
  const Instant end = now_ + time;
  DeliverAll();
  while (true) {
    int next = 0;
    Instant at = end;
    for (const auto& [number, replica] : replicas_) {
      const Instant deadline = replica.raft->NextDeadline();
      if (deadline <= at && (next == 0 || deadline < at)) {
        next = number;
        at = deadline;
      }
    }
    if (next == 0) break;
    now_ = std::max(now_, at);
    Step(next, DeadlineReached{});
    DeliverAll();
  }
  now_ = end;
}

void RaftCluster::FireDeadline(int number) {
  now_ = std::max(now_, raft(number).NextDeadline());
  Step(number, DeadlineReached{});
}

void RaftCluster::Elect(int number) {
  // Far enough for every voter to have forgotten the last leader.
  now_ += raft(number).options().election_timeout_max;
  Step(number, DeadlineReached{});
  DeliverAll();
  ASSERT_EQ(raft(number).role(), Role::kLeader);
}

int RaftCluster::Leader() const {
  int leader = 0;
  for (const auto& [number, replica] : replicas_) {
    if (replica.raft->role() != Role::kLeader) continue;
    if (leader != 0) return 0;
    leader = number;
  }
  return leader;
}

void RaftCluster::Propose(int number, const std::string& command) {
  Submit submit;
  submit.commands.push_back(Bytes(command));
  Step(number, std::move(submit));
}

std::string RaftCluster::LogOf(int number) {
  const Log& log = raft(number).log();
  std::string text;
  for (Index index = log.base_index() + 1; index <= log.last_index(); ++index) {
    const Entry& entry = log.At(index);
    if (!text.empty()) text += ' ';
    text += entry.type == EntryType::kNoop ? "-" : std::string(entry.payload.view());
    text += "@" + std::to_string(entry.term.value());
  }
  return text;
}

void RaftCluster::Restart(int number) {
  Replica& replica = replicas_.at(number);
  replica.disk.clear();
  replica.options.seed += 1000;
  replica.raft.emplace(replica.options, replica.durable, now_);
}

void RaftCluster::Wipe(int number, std::optional<Incarnation> incarnation) {
  const Identity before = DiskOf(number).identity;
  GRASS_CHECK(before.incarnation != Incarnation(0));
  replicas_.erase(number);
  Start(number, before.bootstrap, incarnation.value_or(before.incarnation + 1));
}

void RaftCluster::RollBack(int number, const RecoveredState& earlier) {
  replicas_.at(number).durable = earlier;
  Restart(number);
}

void RaftCluster::Compact(int number) {
  Replica& replica = replicas_.at(number);
  FinishDisk(number);
  const Index index = std::min(replica.raft->commit_index(), replica.raft->durable_index());
  SnapshotMeta meta;
  meta.index = index;
  meta.term = *replica.raft->log().TermAt(index);
  std::tie(meta.configuration, meta.configuration_index) = replica.raft->ConfigurationAt(index);
  RecoveredState& disk = replica.durable;
  disk.snapshot = meta;
  std::erase_if(disk.entries, [index](const Entry& entry) { return entry.index <= index; });
  disk.base_index = meta.index;
  disk.base_term = meta.term;
  Step(number, grassdb::Compact{.meta = meta, .release_through = index});
}

}  // namespace grassdb
