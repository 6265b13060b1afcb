// The bytes are a schedule for three Rafts: who steps, which message is delivered, dropped or
// repeated, whose write is durable, who restarts. Every step's own checks are on, and after each
// step no term may have two leaders and no index two committed entries.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/raft.h"

namespace grassdb {
namespace {

constexpr std::size_t kNodes = 3;

Configuration Members() {
  std::vector<Member> members;
  for (const char* name : {"n1", "n2", "n3"}) {
    members.push_back(MakeMember(name, std::string(name) + ":1"));
  }
  return Configuration(std::move(members));
}

class Schedule {
 public:
  Schedule() {
    for (std::size_t i = 0; i < kNodes; ++i) {
      Replica& replica = replicas_[i];
      replica.disk.identity.bootstrap = Members();
      replica.options.id = replica.disk.identity.bootstrap.members()[i].id;
      replica.options.seed = i + 1;
      replica.raft.emplace(replica.options, replica.disk, now_);
    }
  }

  void Run(const std::uint8_t* data, std::size_t size) {
    for (std::size_t at = 0; at + 1 < size; at += 2) Act(data[at], data[at + 1]);
  }

 private:
  struct Replica {
    RaftOptions options;
    std::optional<Raft> raft;
    RecoveredState disk;
    std::vector<Persist> writes;
  };

  void Act(std::uint8_t action, std::uint8_t argument) {
    Replica& replica = replicas_[argument % kNodes];
    switch (action % 8) {
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
        submit.commands.push_back(Bytes("x"));
        submit.reads.push_back(ReadId(++reads_));
        Step(replica, std::move(submit));
        break;
      }
      case 7:
        replica.writes.clear();
        replica.options.seed += 10;
        replica.raft.emplace(replica.options, replica.disk, now_);
        break;
    }
  }

  void Deliver(std::uint8_t argument, bool keep) {
    if (messages_.empty()) return;
    const std::size_t at = argument % messages_.size();
    Message message = messages_[at];
    if (!keep) messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(at));
    for (Replica& replica : replicas_) {
      if (replica.options.id == message.to) return Step(replica, std::move(message));
    }
  }

  void FinishWrite(Replica& replica) {
    if (replica.writes.empty()) return;
    const Persist write = replica.writes.front();
    replica.writes.erase(replica.writes.begin());
    if (write.hard_state.has_value()) replica.disk.hard_state = *write.hard_state;
    if (!write.entries.empty()) {
      auto& entries = replica.disk.entries;
      const Index from = write.entries.front().index;
      while (!entries.empty() && entries.back().index >= from) entries.pop_back();
      entries.insert(entries.end(), write.entries.begin(), write.entries.end());
    }
    Step(replica, Persisted{.id = write.id});
  }

  void Step(Replica& replica, Input input) {
    Output output;
    replica.raft->Step(now_, std::move(input), &output);
    for (Message& message : output.messages) {
      if (messages_.size() < 1000) messages_.push_back(std::move(message));
    }
    if (output.persist.has_value()) replica.writes.push_back(*std::move(output.persist));
    Check(replica);
  }

  void Check(const Replica& replica) {
    const Raft& raft = *replica.raft;
    if (raft.role() == Role::kLeader) {
      const auto [at, first] = leaders_.emplace(raft.term(), raft.id());
      GRASS_CHECK_MSG(at->second == raft.id(), "two leaders in one term");
    }
    for (Index index = raft.log().base_index() + 1; index <= raft.commit_index(); ++index) {
      const auto [at, first] = committed_.emplace(index, raft.log().At(index).term);
      GRASS_CHECK_EQ(at->second, raft.log().At(index).term);
    }
  }

  Instant now_{std::chrono::seconds(1)};
  Replica replicas_[kNodes];
  std::vector<Message> messages_;
  std::map<Term, NodeId> leaders_;
  std::map<Index, Term> committed_;
  std::uint64_t reads_ = 0;
};

}  // namespace
}  // namespace grassdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  grassdb::Schedule().Run(data, std::min<std::size_t>(size, 4096));
  return 0;
}
