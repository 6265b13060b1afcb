// Timeline: a run as a person looks at it: messages with both their ends, what happened on a lane,
// and what lasted for a while (roles, faults, cut links, clients' operations). Filled by watching a
// recorder (RunObserver::watch), which changes nothing about the run.
//
// Lanes are places (network.h): nodes first, then clients. Times are virtual nanoseconds.
#ifndef GRASSDB_SIM_REPORT_TIMELINE_H_
#define GRASSDB_SIM_REPORT_TIMELINE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "sim/recorder.h"

namespace grassdb::sim {

enum class MessageFate : std::uint8_t {
  kInFlight = 0,  // at the end of the run
  kDelivered = 1,
  kLost = 2,    // when it was sent, or when it would have arrived
  kNobody = 3,  // its receiver was down
};

struct TimelineMessage {
  TraceLine sent;  // kSent, or kLost if it never was in flight
  TraceLine came;  // kDelivered or kTaken; without meaning while in flight or lost at once
  MessageFate fate = MessageFate::kInFlight;
  std::uint32_t to = 0;
  bool arrived = false;  // `came` says when
};

enum class LaneRole : std::uint8_t {
  kDown = 0,
  kRecovering = 1,
  kFollower = 2,
  kAsking = 3,  // before an election: a pre-vote
  kCandidate = 4,
  kLeader = 5,
};

struct RoleSpan {
  std::uint32_t lane = 0;
  std::uint64_t from = 0;
  std::uint64_t until = 0;
  LaneRole role = LaneRole::kDown;
  std::uint64_t term = 0;
};

struct FaultSpan {
  std::uint64_t kind = 0;  // FaultKind
  std::uint64_t number = 0;
  std::uint64_t hosts = 0;  // that it is done to, one bit each
  std::uint64_t from = 0;
  std::uint64_t until = 0;
};

// Of a link that is cut, or clogged.
struct CutSpan {
  std::uint32_t from_lane = 0;
  std::uint32_t to_lane = 0;
  std::uint64_t from = 0;
  std::uint64_t until = 0;
};

struct OperationSpan {
  TraceLine invoked;
  TraceLine returned;  // without meaning unless `ended`
  bool ended = false;
};

struct TimelineLimits {
  std::uint64_t from = 0;
  std::uint64_t until = UINT64_MAX;  // included
  // Of messages and points together; the oldest go first.
  std::uint64_t rows = 300'000;
};

class Timeline {
 public:
  Timeline(std::uint32_t nodes, std::uint32_t clients, TimelineLimits limits);

  void OnLine(const TraceLine& line);
  // Ends what still lasts. Once, after the run.
  void End(std::uint64_t at);

  std::uint32_t nodes() const { return nodes_; }
  std::uint32_t clients() const { return clients_; }
  std::uint64_t first() const { return first_; }  // time from which on nothing is missing
  std::uint64_t end() const { return end_; }
  std::uint64_t left_out() const { return outside_ + over_; }
  // What has been left out and how to see it, for a person; empty if nothing is.
  std::string LeftOut() const;

  // In the order in which they were sent, or happened.
  const std::deque<TimelineMessage>& messages() const { return messages_; }
  const std::deque<TraceLine>& points() const { return points_; }
  const std::vector<RoleSpan>& roles() const { return roles_; }
  const std::vector<FaultSpan>& faults() const { return faults_; }
  const std::vector<CutSpan>& cuts() const { return cuts_; }
  const std::vector<CutSpan>& clogs() const { return clogs_; }
  const std::vector<OperationSpan>& operations() const { return operations_; }

  // The lane of a line, of a client too.
  std::uint32_t LaneOf(const TraceLine& line) const;

 private:
  bool Shows(const TraceLine& line);
  void KeepToLimit();
  void AddMessage(const TraceLine& line, bool lost);
  void OnTaken(const TraceLine& line);
  void OnFate(const TraceLine& line, MessageFate fate);
  void AddPoint(const TraceLine& line);
  void OnRaftEvent(const TraceLine& line);
  void SetRole(const TraceLine& line, LaneRole role, std::uint64_t term);
  void Cut(const TraceLine& line);
  void Mend(const TraceLine& line);
  void Clog(const TraceLine& line);
  void Return(const TraceLine& line);
  void EndFault(const TraceLine& line);
  // Null once it has been left out.
  TimelineMessage* MessageAt(std::uint64_t number);

  std::uint32_t nodes_;
  std::uint32_t clients_;
  TimelineLimits limits_;
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t outside_ = 0;
  std::uint64_t over_ = 0;
  std::deque<TimelineMessage> messages_;
  std::deque<TraceLine> points_;
  std::uint64_t messages_gone_ = 0;
  // By what it is in flight as: the number of the message, counted from the run's first.
  std::map<std::uint64_t, std::uint64_t> in_flight_;
  std::uint64_t taken_ = UINT64_MAX;  // the message that its receiver is about to get
  std::uint64_t taken_in_event_ = 0;
  std::vector<RoleSpan> roles_;
  std::vector<std::size_t> role_of_lane_;  // index of the last one
  std::vector<FaultSpan> faults_;
  std::vector<std::size_t> open_faults_;
  std::vector<CutSpan> cuts_;
  std::vector<std::size_t> open_cuts_;
  std::vector<CutSpan> clogs_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> newest_clog_;  // by link
  std::vector<OperationSpan> operations_;
  std::map<std::uint32_t, std::size_t> open_operations_;  // by client
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_REPORT_TIMELINE_H_
