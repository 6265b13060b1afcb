// The commands of a golden transcript: what a person at the table of a few replicas can do, and the
// record of what it caused.
//
//     nodes 3 [inflight=N] [batch=N]   first: voters n1.. with an empty log; limits of RaftOptions
//     join n4 ...                      nodes that have nothing and know of no cluster
//     elect n1                         time passes, n1 campaigns, all messages arrive: it leads
//     propose n1 a b                   one submission
//     read n1                          one linearizable read; reads are numbered from 1
//     deliver n1->n2 [COUNT]           what is under way there now, oldest first, up to COUNT
//     deliver all                      everything, and what that causes, until nothing is under way
//     repeat n1->n2                    the network delivers the last message of this link once more
//     drop n1->n2 [COUNT] | drop all   loses what is under way
//     delay n1->n2 [COUNT]             moves it, or COUNT of it, behind everything else under way
//     cut n1->n2 ... | isolate n1      from now on the link, or all of the node's, loses what it is
//                                      given to deliver
//     heal                             no link is cut any more
//     fire n2                          the clock moves to n2's deadline, which fires
//     skip 100ms                       the clock moves; nothing fires
//     advance 100ms                    the clock moves; deadlines fire and messages arrive at once
//     disk n2 hold|release             writes stay under way, until released
//     disk n2 finish one|all           of what is under way
//     restart n2                       loses what is not durable
//     compact n1                       takes a snapshot of what is committed and drops the log
//     snapshot n1->n3                  n1 streams its snapshot once more
//     change n1 CHANGE, CHANGE         add|learner|remove|promote|demote n4, replace n1 by n4
//     transfer n1 [n2]                 without n2: to the best
//     show [n1 ...]                    the state and the log
//     append n1->n3 term=3 prev=1@1 commit=0 [2@1:b 3@3:c ...]
//                                      a message made by hand, put under way: one that a leader may
//                                      send, though ours does not
//     quietly COMMAND; COMMAND; ...    records no step, only what state all nodes are in after it
#ifndef GRASSDB_TESTS_CORE_TRANSCRIPT_RUNNER_H_
#define GRASSDB_TESTS_CORE_TRANSCRIPT_RUNNER_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/core/raft_cluster.h"

namespace grassdb {

class TranscriptRunner {
 public:
  // The record of what the command caused, line by line. InvalidArgument: what is wrong with it.
  absl::StatusOr<std::vector<std::string>> Run(const std::string& command);

 private:
  using Words = std::vector<std::string>;
  using Handler = absl::Status (TranscriptRunner::*)(const Words&);
  struct Link {
    int from = 0;
    int to = 0;
  };

  static const std::map<std::string, Handler>& Handlers();

  absl::Status Nodes(const Words& words);
  absl::Status Join(const Words& words);
  absl::Status Elect(const Words& words);
  absl::Status Propose(const Words& words);
  absl::Status Read(const Words& words);
  absl::Status Deliver(const Words& words);
  absl::Status Repeat(const Words& words);
  absl::Status Delay(const Words& words);
  absl::Status Drop(const Words& words);
  absl::Status Cut(const Words& words);
  absl::Status Isolate(const Words& words);
  absl::Status Heal(const Words& words);
  absl::Status Fire(const Words& words);
  absl::Status Skip(const Words& words);
  absl::Status Advance(const Words& words);
  absl::Status Disk(const Words& words);
  absl::Status Restart(const Words& words);
  absl::Status Compact(const Words& words);
  absl::Status Snapshot(const Words& words);
  absl::Status Change(const Words& words);
  absl::Status Transfer(const Words& words);
  absl::Status Show(const Words& words);

  absl::Status Append(const Words& words);
  absl::Status Quietly(const Words& words);

  absl::Status RunCommand(const Words& words);
  absl::StatusOr<int> NodeOf(const std::string& word) const;
  absl::StatusOr<Link> LinkOf(const std::string& word) const;
  absl::Status TakeFromLink(const Words& words, std::vector<Message>& taken);

  void Record(int number, const Input& input, const Output& output);
  std::vector<std::string> NewsOfFollowers(int number);
  void RecordState(int number);
  void Say(std::string line) { lines_.push_back(std::move(line)); }

  std::optional<RaftCluster> cluster_;
  std::vector<std::string> lines_;
  std::map<int, Index> apply_through_;                         // as last told
  std::map<int, std::map<NodeId, std::string>> followers_;     // as last recorded, of a leader
  std::map<std::pair<NodeId, NodeId>, Message> last_message_;  // of each link, as last delivered
  std::uint64_t reads_ = 0;
};

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CORE_TRANSCRIPT_RUNNER_H_
