#include "sim/report/explore_page.h"

#include <utility>
#include <variant>
#include <vector>

#include "core/event.h"
#include "sim/history.h"
#include "sim/network.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

using explore::ActionKind;
using explore::Cluster;
using explore::ReplayedStep;
using explore::Replica;

constexpr Duration kStep = std::chrono::milliseconds(1);
// Of the numbers of messages in flight; client packets have the odd ones.
constexpr std::uint64_t kInFlightStep = 2;

class Watcher {
 public:
  Watcher(std::uint32_t nodes, Timeline* timeline)
      : timeline_(*timeline), lives_(nodes, 1), client_place_(nodes) {
    for (std::uint32_t node = 0; node < nodes; ++node) Add(LineKind::kStarted, node, {1});
  }

  void OnStep(const Cluster& cluster, const ReplayedStep& step) {
    step_ = step.number;
    switch (step.kind) {
      case ActionKind::kDeliver:
        OnMessage(cluster, step);
        break;
      case ActionKind::kFinish:
        Add(LineKind::kDiskFinished, step.node, {0, step.before->unfinished.front().id.value(), 1});
        break;
      case ActionKind::kCrash:
        OnCrash(step);
        break;
      case ActionKind::kPropose:
        OnRequest(step, OperationKind::kPut);
        break;
      case ActionKind::kRead:
        OnRequest(step, OperationKind::kGet);
        break;
      case ActionKind::kTimeout:
      case ActionKind::kHeartbeat:
      case ActionKind::kStepDown:
        break;
    }
    ShowRole(step);
    std::uint64_t number = step.first_sent;
    for (const Message& message : step.sent) Send(cluster, message, number++, 0);
  }

 private:
  struct Values {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    std::uint64_t d = 0;
    std::uint64_t e = 0;
  };

  void Add(LineKind kind, std::uint32_t node, const Values& v) {
    const TrueTime at = TrueTime() + kStep * static_cast<Duration::rep>(step_);
    timeline_.OnLine({at, step_, kind, node, v.a, v.b, v.c, v.d, v.e});
  }

  void Send(const Cluster& cluster, const Message& message, std::uint64_t number,
            std::uint64_t again) {
    Add(LineKind::kSent, cluster.NumberOf(message.from),
        {message.body.index(), cluster.NumberOf(message.to), message.term.value(),
         number * kInFlightStep, again});
  }

  void OnMessage(const Cluster& cluster, const ReplayedStep& step) {
    const Message& message = *step.message;
    const std::uint32_t from = cluster.NumberOf(message.from);
    const std::uint64_t kind = message.body.index();
    Add(LineKind::kTaken, step.node, {0, 0, 0, step.message_number * kInFlightStep});
    if (step.lost) return Add(LineKind::kLost, from, {kind, step.node, message.term.value()});
    const MessageFacts facts = FactsOf(message);
    Add(LineKind::kDelivered, step.node, {kind, from, message.term.value(), facts.a, facts.b});
    if (step.stays) Send(cluster, message, step.message_number, 1);
  }

  void OnCrash(const ReplayedStep& step) {
    const Raft& raft = step.after->raft;
    Add(LineKind::kCrashed, step.node, {1});
    Add(LineKind::kBooted, step.node, {++lives_[step.node]});
    Add(LineKind::kStarted, step.node,
        {lives_[step.node], raft.term().value(), raft.log().last_index().value()});
  }

  // By the one client that there is.
  void OnRequest(const ReplayedStep& step, OperationKind operation) {
    ++requests_;
    Add(LineKind::kClientInvoked, 0, {static_cast<std::uint64_t>(operation), 0, requests_});
    const std::uint64_t number = requests_ * kInFlightStep + 1;
    Add(LineKind::kSent, client_place_, {kPacketRequest, step.node, 0, number});
    Add(LineKind::kTaken, step.node, {0, 0, 0, number});
  }

  // What its role has become; a step may be a whole campaign.
  void ShowRole(const ReplayedStep& step) {
    const Raft& before = step.before->raft;
    const Raft& after = step.after->raft;
    if (before.role() == after.role() && before.term() == after.term()) return;
    EventKind kind = EventKind::kBecameFollower;
    switch (after.role()) {
      case Role::kPreCandidate:
        kind = EventKind::kStartedPreVote;
        break;
      case Role::kCandidate:
        kind = EventKind::kStartedElection;
        break;
      case Role::kLeader:
        kind = EventKind::kWonElection;
        break;
      default:
        if (step.kind == ActionKind::kStepDown) kind = EventKind::kSteppedDown;
    }
    Add(LineKind::kRaftEvent, step.node,
        {static_cast<std::uint64_t>(kind), 0, after.term().value()});
  }

  Timeline& timeline_;
  std::uint64_t step_ = 0;
  std::vector<std::uint64_t> lives_;  // by node
  std::uint32_t client_place_;
  std::uint64_t requests_ = 0;
};

}  // namespace

absl::StatusOr<ExplainedSchedule> ExplainSchedule(const explore::ScheduleFile& file,
                                                  const std::string& name) {
  ExplainedSchedule explained{{{}, Timeline(file.bounds.nodes, 1, {})}, {}};
  ExplainedRun& run = explained.run;
  Watcher watcher(file.bounds.nodes, &run.timeline);
  const explore::ReplayResult replayed = explore::Replay(
      file.bounds, file.steps, [&watcher](const Cluster& cluster, const ReplayedStep& step) {
        watcher.OnStep(cluster, step);
      });
  if (replayed.problem.has_value()) {
    return absl::InvalidArgumentError("'" + name + "': " + *replayed.problem);
  }
  run.result.violation = replayed.violation;
  run.result.counters.events = replayed.steps;
  run.result.ended = TrueTime() + kStep * static_cast<Duration::rep>(replayed.steps);
  run.timeline.End(Nanoseconds(run.result.ended));
  explained.words.name = name;
  explained.words.finding =
      Decimal(replayed.steps) + " steps; repeat with: grass-sim explore " + "--replay " + name;
  explained.words.plan = "grass-sim explore " + FlagsOf(file.bounds) + "\n\n" + replayed.text;
  explained.words.notice = "A step of the exploration is shown as a millisecond.";
  return explained;
}

}  // namespace grassdb::sim
