#include "bin/bench/micro_replication.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bin/bench/workload.h"
#include "core/check.h"
#include "core/configuration.h"
#include "core/node.h"
#include "core/raft.h"

namespace grassdb::bench {
namespace {

constexpr std::size_t kNodes = 3;
constexpr std::uint64_t kKeys = 10'000;
// Entries kept in the logs of the bare Rafts; then they are released.
constexpr std::uint64_t kLogEntriesMax = 50'000;

std::string NameOf(std::size_t node) {
  return "node" + std::to_string(node);
}

Configuration ThreeVoters() {
  std::vector<Member> members;
  for (std::size_t i = 0; i < kNodes; ++i) {
    members.push_back(MakeMember(NameOf(i), "host:" + std::to_string(i + 1)));
  }
  return Configuration(members);
}

RaftOptions OptionsOf(std::size_t node) {
  RaftOptions options;
  options.id = NodeIdOf(NameOf(node));
  options.seed = node + 1;
  return options;
}

RecoveredState NothingRecovered(std::size_t node) {
  RecoveredState state;
  state.identity.node = NodeIdOf(NameOf(node));
  state.identity.bootstrap = ThreeVoters();
  state.identity.incarnation = Incarnation(node + 1);
  return state;
}

// Which replica has this id.
class Numbers {
 public:
  Numbers() {
    for (std::size_t i = 0; i < kNodes; ++i) ids_[i] = NodeIdOf(NameOf(i));
  }
  std::size_t Of(NodeId id) const {
    for (std::size_t i = 0; i < kNodes; ++i) {
      if (ids_[i] == id) return i;
    }
    GRASS_CHECK_MSG(false, "a message to nobody");
    return 0;
  }

 private:
  std::array<NodeId, kNodes> ids_;
};

class RaftReplication final : public MicroBenchmark {
 public:
  explicit RaftReplication(std::uint64_t window) : window_(window) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      rafts_.emplace_back(OptionsOf(i), NothingRecovered(i), now_);
    }
    now_ = rafts_[0].NextDeadline();
    Step(0, DeadlineReached{});
    Deliver();
    GRASS_CHECK(rafts_[0].role() == Role::kLeader);
    Settle();
  }

  std::uint64_t Run(std::uint64_t operations) override {
    const Index before = Committed();
    for (std::uint64_t left = operations; left > 0;) {
      const std::uint64_t count = std::min(window_, left);
      Submit submit;
      submit.commands.reserve(count);
      for (std::uint64_t i = 0; i < count; ++i) submit.commands.emplace_back(payload_);
      Step(0, std::move(submit));
      Deliver();
      left -= count;
      if (rafts_[0].log().bytes() > kLogEntriesMax * entry_cost_) Release();
    }
    Settle();
    return Committed() - before;
  }

 private:
  static constexpr std::size_t kCommandBytes = 256;

  Index Committed() const {
    return std::ranges::min_element(rafts_, {}, &Raft::commit_index)->commit_index();
  }

  // What was committed last reaches the followers with a message of its own.
  void Settle() {
    now_ = std::max(now_, rafts_[0].NextDeadline());
    Step(0, DeadlineReached{});
    Deliver();
  }

  void Step(std::size_t node, Input input) {
    Output& output = output_;
    rafts_[node].Step(now_, std::move(input), &output);
    for (Message& message : output.messages) messages_.push_back(std::move(message));
    if (output.persist.has_value()) durable_.push_back({node, output.persist->id});
  }

  void Deliver() {
    while (!durable_.empty() || !messages_.empty()) {
      if (!messages_.empty()) {
        Message message = std::move(messages_.front());
        messages_.pop_front();
        const std::size_t to = numbers_.Of(message.to);
        Step(to, std::move(message));
      } else {
        const auto [node, id] = durable_.front();
        durable_.pop_front();
        Step(node, Persisted{.id = id});
      }
    }
  }

  void Release() {
    for (std::size_t i = 0; i < kNodes; ++i) {
      const Index through = rafts_[i].commit_index() - 1;
      const auto [configuration, configuration_index] = rafts_[i].ConfigurationAt(through);
      Step(i, Compact{.meta = {.index = through,
                               .term = *rafts_[i].log().TermAt(through),
                               .configuration = configuration,
                               .configuration_index = configuration_index},
                      .release_through = through});
    }
  }

  const std::uint64_t window_;
  const std::string payload_ = std::string(kCommandBytes, 'x');
  const std::size_t entry_cost_ =
      CostOf({.index = {}, .term = {}, .type = EntryType::kCommand, .payload = Bytes(payload_)});
  const Numbers numbers_;
  Instant now_{std::chrono::seconds(1)};
  std::vector<Raft> rafts_;
  Output output_;
  std::deque<Message> messages_;
  std::deque<std::pair<std::size_t, PersistId>> durable_;
};

// Everything around three nodes: a clock that stands still but for what the nodes wait for, a
// network and disks that are queues, and clients that only count. Each put that may be under way
// has a client of its own, with a session.
class NodeReplication final : public MicroBenchmark,
                              private Clock,
                              private Network,
                              private Clients {
 public:
  explicit NodeReplication(std::uint64_t window)
      : window_(window), source_({.workload = Workload::kPut, .keys = kKeys}) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      disks_[i].owner = this;
      NodeOptions options;
      options.raft = OptionsOf(i);
      options.scrub_bytes_per_second = 0;  // the first deadline is the election's
      options.mark_idle = Duration(0);
      nodes_.push_back(std::make_unique<Node>(options, NothingRecovered(i),
                                              Environment{.clock = this,
                                                          .network = this,
                                                          .disk = &disks_[i],
                                                          .clients = this,
                                                          .trace = nullptr}));
      nodes_[i]->Start();
    }
    Wake(0);
    GRASS_CHECK(nodes_[0]->raft().role() == Role::kLeader);
    Fill();
    OpenSessions();
  }

  std::uint64_t Run(std::uint64_t operations) override {
    const Index before = Applied();
    const std::uint64_t answered_before = answered_;
    for (std::uint64_t left = operations; left > 0;) {
      const std::uint64_t count = std::min(window_, left);
      for (std::uint64_t i = 0; i < count; ++i) {
        // As a client does whose last write was answered before it begins the next.
        Session& session = sessions_[i];
        TransactionRequest request = requests_[proposed_ % kRequests];
        request.session = session.id;
        request.acknowledged = session.last;
        request.sequence = ++session.last;
        Put(std::move(request));
      }
      nodes_[0]->Flush();
      Deliver();
      left -= count;
    }
    Wake(0);
    GRASS_CHECK_EQ(nodes_[0]->store().digest(), nodes_[2]->store().digest());
    return std::min(Applied() - before, answered_ - answered_before);
  }

 private:
  struct Session {
    SessionId id;
    Sequence last;  // of what it has written
  };

  struct MemoryDisk final : Disk {
    void Submit(DiskJob job) override {
      owner->done_.push_back({this, std::visit([](auto& each) { return Do(each); }, job)});
    }
    static DiskDone Do(Persist& persist) {
      return PersistDone{.id = persist.id, .status = absl::OkStatus()};
    }
    static DiskDone Do(StageSnapshot& stage) {
      return StageDone{.source = stage.source,
                       .index = stage.meta.index,
                       .next_offset = stage.offset + stage.data.size(),
                       .last = stage.last,
                       .status = absl::OkStatus()};
    }
    static DiskDone Do(PublishSnapshot& publish) {
      return PublishDone{.meta = std::move(publish.meta), .status = absl::OkStatus()};
    }
    static DiskDone Do(Restock&) { return RestockDone{}; }
    static DiskDone Do(Scrub&) { return ScrubDone{}; }
    static DiskDone Do(MarkDurable&) { return MarkDone{}; }
    static DiskDone Do(MendLog&) {
      GRASS_CHECK_MSG(false, "nothing is damaged here");
      return MendDone{};
    }
    static DiskDone Do(ReadSnapshot&) {
      GRASS_CHECK_MSG(false, "nobody falls behind here");
      return SnapshotRead{};
    }
    static DiskDone Do(ReadEntries&) {
      GRASS_CHECK_MSG(false, "nobody falls behind here");
      return EntriesRead{};
    }
    NodeReplication* owner = nullptr;
  };

  Instant Now() const override { return now_; }
  void Send(Message message) override { messages_.push_back(std::move(message)); }
  void Answer(RequestId, Reply reply) override {
    GRASS_CHECK(reply.code == ReplyCode::kOk);
    if (reply.command.session != SessionId(0)) {
      sessions_.push_back({.id = reply.command.session, .last = {}});
      return;
    }
    ++answered_;
  }

  // Every key is there before anything is counted, so that all puts do the same; and the requests
  // are, so that what makes them up does not count.
  void Fill() {
    constexpr std::uint64_t kTogether = 256;
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      Put(RequestOf(source_.Fill(key)));
      if (key % kTogether != kTogether - 1 && key != kKeys - 1) continue;
      nodes_[0]->Flush();
      Deliver();
    }
    for (std::uint64_t i = 0; i < kRequests; ++i) requests_.push_back(RequestOf(source_.At(i)));
  }

  void OpenSessions() {
    for (std::uint64_t i = 0; i < window_; ++i) {
      nodes_[0]->OnClient(RequestId(++proposed_), OpenSessionRequest{});
    }
    nodes_[0]->Flush();
    Deliver();
    GRASS_CHECK_EQ(sessions_.size(), window_);
  }

  static TransactionRequest RequestOf(Request request) {
    return {.session = {},
            .sequence = {},
            .acknowledged = {},
            .transaction = PutTransaction(std::move(request.key), std::move(request.value))};
  }

  void Put(TransactionRequest request) {
    nodes_[0]->OnClient(RequestId(++proposed_), std::move(request));
  }

  Index Applied() const {
    return (*std::ranges::min_element(nodes_, {},
                                      [](const auto& node) { return node->applied_index(); }))
        ->applied_index();
  }

  void Wake(std::size_t node) {
    now_ = std::max(now_, nodes_[node]->NextDeadline());
    nodes_[node]->OnDeadline();
    nodes_[node]->Flush();
    Deliver();
  }

  void Deliver() {
    while (!done_.empty() || !messages_.empty()) {
      std::size_t at = 0;
      if (!messages_.empty()) {
        Message message = std::move(messages_.front());
        messages_.pop_front();
        at = numbers_.Of(message.to);
        nodes_[at]->OnMessage(std::move(message));
      } else {
        auto [disk, done] = std::move(done_.front());
        done_.pop_front();
        at = static_cast<std::size_t>(disk - disks_.data());
        nodes_[at]->OnDisk(std::move(done));
      }
      nodes_[at]->Flush();
    }
  }

  static constexpr std::uint64_t kRequests = 4096;

  const std::uint64_t window_;
  const RequestSource source_;
  std::vector<TransactionRequest> requests_;  // over and over, each time in a session
  std::vector<Session> sessions_;             // of each place in the window
  const Numbers numbers_;
  Instant now_{std::chrono::seconds(1)};
  std::deque<Message> messages_;
  std::deque<std::pair<const MemoryDisk*, DiskDone>> done_;
  std::array<MemoryDisk, kNodes> disks_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::uint64_t proposed_ = 0;
  std::uint64_t answered_ = 0;
};

}  // namespace

std::unique_ptr<MicroBenchmark> MakeRaftReplication(std::uint64_t window) {
  return std::make_unique<RaftReplication>(window);
}

std::unique_ptr<MicroBenchmark> MakeNodeReplication(std::uint64_t window) {
  return std::make_unique<NodeReplication>(window);
}

}  // namespace grassdb::bench
