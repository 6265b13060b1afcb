// A few Rafts wired together by hand: the test chooses which message is delivered, which write is
// durable and when time passes. Single-threaded, without any randomness of its own.
#ifndef GRASSDB_TESTS_CORE_RAFT_CLUSTER_H_
#define GRASSDB_TESTS_CORE_RAFT_CLUSTER_H_

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/raft.h"

namespace grassdb {

// "n1", "n2", ... and their ids.
std::string NameOfNode(int number);
NodeId IdOfNode(int number);
Configuration VotersOf(int count);

class RaftCluster {
 public:
  struct Options {
    // false: a Persist stays under way until FinishDisk.
    bool instant_disk = true;
    // What a node does with snapshots (core/node_snapshot.cc), in its simplest form: a follower
    // that needs one is sent it as one chunk, and a chunk that arrives is staged at once.
    bool stream_snapshots = false;
    // Every disk has its number (core/standing.cc): 1 for the first one of a node.
    bool incarnations = false;
    std::function<void(RaftOptions&)> adjust;
    // Hears of every single step, after it.
    std::function<void(int number, const Input& input, const Output& output)> on_step;
    // Hears of every message that a cut link, or a node that is not there, has lost.
    std::function<void(const Message&)> on_lost;
  };
  static constexpr Instant kStart{std::chrono::seconds(1000)};

  explicit RaftCluster(int voters, Options options);
  explicit RaftCluster(int voters) : RaftCluster(voters, Options()) {}

  // Starts a node that has nothing: it knows of no cluster until a leader tells it.
  void Join(int number);
  bool Has(int number) const { return replicas_.contains(number); }
  std::vector<int> Numbers() const;

  // Numbers start at 1.
  Raft& raft(int number) { return *replicas_.at(number).raft; }
  Instant now() const { return now_; }

  // Steps one replica; its messages join the network's queue.
  void Step(int number, Input input);
  // The output of the last Step of this replica, all its follow-up steps included.
  const Output& last(int number) const { return replicas_.at(number).last; }
  // Everything this replica was told to serve or refuse so far.
  const std::vector<ReadReady>& reads_ready(int number) { return replicas_.at(number).reads_ready; }
  const std::vector<ReadId>& reads_refused(int number) {
    return replicas_.at(number).reads_refused;
  }

  // Completes the oldest unfinished Persist of this replica, or all of them.
  void FinishOnePersist(int number);
  void FinishDisk(int number);
  std::size_t UnfinishedPersists(int number) const { return replicas_.at(number).disk.size(); }
  void SetInstantDisk(bool instant) { options_.instant_disk = instant; }
  // Of one replica, whatever holds for all: its Persists stay under way until released.
  void HoldDisk(int number) { replicas_.at(number).disk_held = true; }
  void ReleaseDisk(int number);

  // The messages under way, oldest first.
  std::deque<Message>& network() { return network_; }
  template <class Body>
  std::vector<Message> Sent(int from, int to) const {
    std::vector<Message> found;
    for (const Message& message : network_) {
      if (message.from == IdOfNode(from) && message.to == IdOfNode(to) &&
          std::holds_alternative<Body>(message.body)) {
        found.push_back(message);
      }
    }
    return found;
  }
  // Delivers what is under way, and what that causes, until nothing is; links that are cut lose
  // their messages.
  void DeliverAll();
  void Deliver(Message message);
  void DropAll() { network_.clear(); }
  // One direction.
  void Cut(int from, int to) { cut_.insert({IdOfNode(from), IdOfNode(to)}); }
  void Isolate(int number);
  void Heal() { cut_.clear(); }

  // Lets time pass; deadlines fire in their order and messages are delivered at once.
  void Advance(Duration time);
  // Only moves the clock: nothing fires and nothing is delivered.
  void Skip(Duration time) { now_ += time; }
  // Fires this replica's next deadline, without delivering anything.
  void FireDeadline(int number);
  // Makes `number` the leader by its own timeout, with all messages delivered.
  void Elect(int number);
  int Leader() const;  // 0: none, or more than one

  void Propose(int number, const std::string& command);
  // The payloads of the log, no-ops as "-", terms as suffix: "a@1 -@2 b@2".
  std::string LogOf(int number);

  // Loses what is not durable, and comes back with the rest.
  void Restart(int number);
  static constexpr Incarnation kFirstIncarnation{10};
  // Comes back with an empty disk of that incarnation (by default the next greater one), and the
  // configuration that it was first started with.
  void Wipe(int number, std::optional<Incarnation> incarnation = std::nullopt);
  // Comes back with an earlier state of its disk.
  void RollBack(int number, const RecoveredState& earlier);
  // What this replica would find on its disk.
  const RecoveredState& DiskOf(int number) const { return replicas_.at(number).durable; }
  // Compacts the whole applied log into a snapshot.
  void Compact(int number);
  // Puts the snapshot of `from` under way to `to`, as one chunk.
  void SendSnapshot(int from, int to);

 private:
  struct Replica {
    RaftOptions options;
    std::optional<Raft> raft;
    RecoveredState durable;
    std::deque<Persist> disk;
    bool disk_held = false;
    Output last;
    std::vector<ReadReady> reads_ready;
    std::vector<ReadId> reads_refused;
  };

  int NumberOf(NodeId id) const;
  void Start(int number, const Configuration& bootstrap, Incarnation incarnation);
  void StepOnce(int number, Input input);
  void StreamSnapshots(int number, const Output& output);
  void WriteToDisk(Replica& replica, const Persist& persist);

  Options options_;
  std::map<int, Replica> replicas_;
  std::deque<Message> network_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  Instant now_ = kStart;
};

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CORE_RAFT_CLUSTER_H_
