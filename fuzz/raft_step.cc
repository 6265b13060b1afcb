// The bytes are a schedule for a few Rafts, three that found the group and one that can join it:
// who steps, with which of the inputs of core/raft_types.h; which message is delivered, dropped or
// repeated; whose write is durable; who restarts. Every step's own checks are on, and after each
// step what raft_history.h says must hold.
//
// The driver keeps the contract of core/raft.h as core/node.h does: its disk writes in order, has
// what a Raft is told it has, and a snapshot is sent, staged and installed one at a time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/raft.h"
#include "raft_history.h"

namespace grassdb {
namespace {

constexpr std::size_t kNodes = 4;
constexpr std::size_t kFounders = 3;
constexpr std::size_t kMessagesMax = 1000;

std::string NameOf(std::size_t node) {
  return "n" + std::to_string(node % kNodes + 1);
}

Configuration Founders() {
  std::vector<Member> members;
  for (std::size_t i = 0; i < kFounders; ++i) {
    members.push_back(MakeMember(NameOf(i), NameOf(i) + ":1"));
  }
  return Configuration(std::move(members));
}

struct Replica {
  RaftOptions options;
  std::optional<Raft> raft;
  RaftHistory::Reached reached;
  RecoveredState disk;
  std::deque<Persist> writes;     // not durable yet
  std::deque<ReadEntries> reads;  // of the disk, not answered yet
  std::optional<SnapshotStaged> staged;
};

bool IsInstalling(const Replica& replica) {
  return std::ranges::any_of(replica.writes,
                             [](const Persist& w) { return w.install.has_value(); });
}

// The parts of a write that become durable one after the other.
std::size_t PartsOf(const Persist& write) {
  return (write.hard_state.has_value() ? 1 : 0) + (write.install.has_value() ? 1 : 0) +
         write.entries.size();
}

// Makes at most `parts` parts of it durable.
void Write(const Persist& write, std::size_t parts, RecoveredState* disk) {
  if (write.hard_state.has_value() && parts > 0) {
    disk->hard_state = *write.hard_state;
    --parts;
  }
  if (write.install.has_value() && parts > 0) {
    disk->snapshot = write.install;
    disk->base_index = write.install->index;
    disk->base_term = write.install->term;
    // Raft installs one only where the log does not have its last entry: nothing of it stays.
    disk->entries.clear();
    --parts;
  }
  for (const Entry& entry : write.entries) {
    if (parts-- == 0) return;
    GRASS_CHECK(entry.index > disk->base_index && entry.index <= disk->last().index + 1);
    disk->entries.resize(entry.index - disk->base_index - 1);
    disk->entries.push_back(entry);
  }
}

// What the disk has of them: none, if they have been released or replaced.
EntriesRead Read(const RecoveredState& disk, ReadEntries wanted) {
  EntriesRead read;
  for (const Entry& entry : disk.entries) {
    const Index next = wanted.first + read.entries.size();
    if (entry.index != next) continue;
    if (next > wanted.last || entry.term != wanted.term) break;
    if (read.entries.size() == wanted.count_max) break;
    read.entries.push_back(entry);
  }
  read.wanted = std::move(wanted);
  return read;
}

class Schedule {
 public:
  Schedule() {
    for (std::size_t i = 0; i < kNodes; ++i) {
      Replica& replica = replicas_[i];
      replica.options.id = NodeIdOf(NameOf(i));
      replica.options.seed = i + 1;
      // Few enough that a short schedule meets each limit.
      replica.options.append_entries_max = 3;
      replica.options.inflight_messages_max = 4;
      replica.options.unapplied_bytes_max = 1000;
      // One leader of them lets followers wait.
      if (i == 2) replica.options.append_delay = std::chrono::milliseconds(3);
      replica.disk.identity.node = replica.options.id;
      if (i < kFounders) replica.disk.identity.bootstrap = Founders();
      Start(replica);
    }
  }

  void Run(const std::uint8_t* data, std::size_t size) {
    for (std::size_t at = 0; at + 1 < size; at += 2) Act(data[at], data[at + 1]);
  }

 private:
  // `argument` says who acts, and how.
  void Act(std::uint8_t action, std::uint8_t argument) {
    Replica& replica = replicas_[argument % kNodes];
    const std::size_t how = argument / kNodes;
    switch (action % 18) {
      case 0:
        now_ += std::chrono::milliseconds(argument);
        break;
      case 1:
        if (replica.raft->NextDeadline() != Instant::max()) {
          now_ = std::max(now_, replica.raft->NextDeadline());
        }
        Step(replica, DeadlineReached{});
        break;
      case 2:
        Deliver(argument, /*keep=*/false);
        break;
      case 3:
        Deliver(argument, /*keep=*/true);
        break;
      case 4:
        if (!messages_.empty()) {
          messages_.erase(messages_.begin() + argument % static_cast<int>(messages_.size()));
        }
        break;
      case 5:
        FinishWrite(replica);
        break;
      case 6: {
        Submit submit;
        if (how % 2 == 0) submit.commands.emplace_back(std::to_string(++commands_));
        submit.reads.emplace_back(++reads_);
        history_.NoteAsked(submit.reads.back());
        Step(replica, std::move(submit));
        break;
      }
      case 7:
        Crash(replica, how);
        break;
      case 8: {
        const NodeId anybody;
        const bool named = how % (kNodes + 1) < kNodes;
        Step(replica, TransferLeadership{.target = named ? NodeIdOf(NameOf(how)) : anybody});
        break;
      }
      case 9:
        Step(replica, ChangeOf(how));
        break;
      case 10:
        TakeSnapshot(replica, how);
        break;
      case 11: {
        const Index through = replica.reached.apply_through;
        Step(replica, Evict{.through = through - std::min<std::uint64_t>(through.value(), how)});
        break;
      }
      case 12:
        AnswerRead(replica, /*fails=*/how % 8 == 7);
        break;
      case 13:
        SendSnapshots(replica);
        break;
      case 14:
        OfferStaged(replica);
        break;
      case 15:
        // What it knows when it starts anew, too.
        replica.disk.space.space = how % 2 == 0 ? DiskSpace::kAmple : DiskSpace::kFull;
        Step(replica, SpaceChanged{.full = how % 2 != 0});
        break;
      case 16:
        Settle(argument % 64);
        break;
      case 17:
        CutOff(how % 2 == 0 ? replica.options.id : NodeId());
        break;
    }
  }

  void Start(Replica& replica) {
    replica.raft.emplace(replica.options, replica.disk, now_);
    const Index index = replica.raft->commit_index();
    replica.reached = {replica.raft->term(), index, index};
  }

  // So many parts of what was under way have become durable.
  void Crash(Replica& replica, std::size_t parts) {
    for (const Persist& write : replica.writes) {
      Write(write, parts, &replica.disk);
      parts -= std::min(parts, PartsOf(write));
    }
    replica.writes.clear();
    replica.reads.clear();
    replica.staged.reset();
    replica.options.seed += 10;
    Start(replica);
  }

  void Deliver(std::size_t argument, bool keep) {
    if (messages_.empty()) return;
    const std::size_t at = argument % messages_.size();
    Message message = messages_[at];
    if (!keep) messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(at));
    for (Replica& replica : replicas_) {
      if (replica.options.id == message.to) return Step(replica, std::move(message));
    }
  }

  // It hears nothing more and is not heard of, until somebody else is cut off; 0: nobody is.
  void CutOff(NodeId node) {
    cut_off_ = node;
    std::erase_if(messages_, [this](const Message& message) { return IsLost(message); });
  }

  bool IsLost(const Message& message) const {
    return cut_off_ != NodeId() && (message.from == cut_off_ || message.to == cut_off_);
  }

  // A while in which nothing is reordered and no disk is slow.
  void Settle(std::size_t messages) {
    for (; messages > 0; --messages) {
      Deliver(0, /*keep=*/false);
      for (Replica& replica : replicas_) {
        while (!replica.writes.empty()) FinishWrite(replica);
        while (!replica.reads.empty()) AnswerRead(replica, /*fails=*/false);
        OfferStaged(replica);
      }
    }
  }

  void FinishWrite(Replica& replica) {
    if (replica.writes.empty()) return;
    const Persist write = std::move(replica.writes.front());
    replica.writes.pop_front();
    Write(write, SIZE_MAX, &replica.disk);
    Step(replica, Persisted{.id = write.id});
  }

  void AnswerRead(Replica& replica, bool fails) {
    if (replica.reads.empty()) return;
    EntriesRead read = Read(replica.disk, std::move(replica.reads.front()));
    replica.reads.pop_front();
    if (fails) read.entries.clear();
    Step(replica, std::move(read));
  }

  // One change, or one that comes with the removal of the next node.
  static ChangeMembership ChangeOf(std::size_t how) {
    using Kind = MemberChange::Kind;
    constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kMove);
    const std::size_t node = how / kKinds;
    const std::string next = NameOf(node + 1);
    std::vector<MemberChange> changes;
    changes.push_back({.kind = static_cast<Kind>(1 + how % kKinds),
                       .name = NameOf(node),
                       .address = NameOf(node) + (how % 2 == 0 ? ":1" : ":2"),
                       .replaced = next});
    if (node >= kNodes) {
      changes.push_back({.kind = Kind::kRemove, .name = next, .address = {}, .replaced = {}});
    }
    return {.changes = std::move(changes)};
  }

  // Of all but the newest `kept` of what may be applied, and keeps as many entries before it.
  void TakeSnapshot(Replica& replica, std::size_t how) {
    const Raft& raft = *replica.raft;
    const auto less = [](Index index, std::uint64_t by) {
      return index - std::min(index.value(), by);
    };
    SnapshotMeta meta;
    meta.index = less(replica.reached.apply_through, how % 8);
    const Index current = raft.snapshot().has_value() ? raft.snapshot()->index : Index(0);
    if (meta.index <= current || IsInstalling(replica)) return;
    meta.term = *raft.log().TermAt(meta.index);
    std::tie(meta.configuration, meta.configuration_index) = raft.ConfigurationAt(meta.index);
    const Index release = std::max(less(meta.index, how / 8), replica.disk.base_index);
    RecoveredState& disk = replica.disk;
    disk.snapshot = meta;
    disk.base_term = disk.TermAt(release);
    disk.base_index = release;
    std::erase_if(disk.entries, [release](const Entry& entry) { return entry.index <= release; });
    Step(replica, Compact{.meta = std::move(meta), .release_through = release});
  }

  void SendSnapshot(const Raft& raft, NodeId to) {
    InstallSnapshotRequest chunk;
    chunk.meta = *raft.snapshot();
    chunk.last = true;
    Send({.from = raft.id(), .to = to, .term = raft.term(), .body = std::move(chunk)});
  }

  // Again, to those that have not got theirs.
  void SendSnapshots(const Replica& replica) {
    const auto* followers = replica.raft->followers();
    if (followers == nullptr) return;
    for (const Progress& follower : *followers) {
      if (follower.state == ProgressState::kSnapshot) SendSnapshot(*replica.raft, follower.id);
    }
  }

  void OfferStaged(Replica& replica) {
    if (!replica.staged.has_value() || replica.raft->leader() != replica.staged->leader) return;
    Step(replica, *std::exchange(replica.staged, std::nullopt));
  }

  void Send(Message message) {
    if (messages_.size() < kMessagesMax && !IsLost(message))
      messages_.push_back(std::move(message));
  }

  void Step(Replica& replica, Input input) {
    Output output;
    const Raft& raft = *replica.raft;
    replica.raft->Step(now_, std::move(input), &output);
    for (Message& message : output.messages) Send(std::move(message));
    if (output.persist.has_value()) replica.writes.push_back(*std::move(output.persist));
    std::ranges::move(output.entries_needed, std::back_inserter(replica.reads));
    if (raft.role() == Role::kLeader) {
      for (const NodeId follower : output.snapshot_needed) SendSnapshot(raft, follower);
    }
    for (const Message& message : output.snapshot_traffic) {
      const auto* chunk = std::get_if<InstallSnapshotRequest>(&message.body);
      // While one is being installed its file must not be overwritten.
      if (chunk == nullptr || IsInstalling(replica)) continue;
      replica.staged = SnapshotStaged{.meta = chunk->meta, .leader = message.from};
    }
    Check(replica, output);
  }

  void Check(Replica& stepped, const Output& output) {
    history_.CheckStep(*stepped.raft, output, stepped.disk, &stepped.reached);
    for (const Replica& replica : replicas_) {
      const Raft& raft = *replica.raft;
      if (raft.role() != Role::kLeader) continue;
      history_.CheckLease(raft, now_);
      for (const Replica& follower : replicas_) {
        RaftHistory::CheckMatch(raft, follower.options.id, follower.disk);
      }
    }
  }

  Instant now_{std::chrono::seconds(1)};
  Replica replicas_[kNodes];
  std::deque<Message> messages_;
  NodeId cut_off_;
  RaftHistory history_;
  std::uint64_t commands_ = 0;
  std::uint64_t reads_ = 0;
};

}  // namespace
}  // namespace grassdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  grassdb::Schedule().Run(data, std::min<std::size_t>(size, 1024));
  return 0;
}
