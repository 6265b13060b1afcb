#include "sim/report/timeline.h"

#include <algorithm>

#include "core/check.h"
#include "core/event.h"
#include "sim/text.h"

namespace grassdb::sim {

Timeline::Timeline(std::uint32_t nodes, std::uint32_t clients, TimelineLimits limits)
    : nodes_(nodes), clients_(clients), limits_(limits), first_(limits.from) {
  for (std::uint32_t lane = 0; lane < nodes; ++lane) {
    role_of_lane_.push_back(roles_.size());
    roles_.push_back({lane, 0, 0, LaneRole::kDown, 0});
  }
}

std::uint32_t Timeline::LaneOf(const TraceLine& line) const {
  const bool client =
      line.kind == LineKind::kClientInvoked || line.kind == LineKind::kClientReturned;
  return client ? nodes_ + line.node : line.node;
}

void Timeline::OnLine(const TraceLine& line) {
  switch (line.kind) {
    case LineKind::kSent:
      return AddMessage(line, false);
    case LineKind::kTaken:
      return OnTaken(line);
    case LineKind::kDelivered:
      return OnFate(line, MessageFate::kDelivered);
    case LineKind::kLost:
      if (taken_ != UINT64_MAX && taken_in_event_ == line.event) {
        return OnFate(line, MessageFate::kLost);
      }
      return AddMessage(line, true);
    case LineKind::kCut:
      return Cut(line);
    case LineKind::kMended:
      return Mend(line);
    case LineKind::kClogged:
      return Clog(line);
    default:
      return AddPoint(line);
  }
}

void Timeline::AddPoint(const TraceLine& line) {
  const std::uint64_t at = Nanoseconds(line.at);
  switch (line.kind) {
    case LineKind::kRaftEvent:
      OnRaftEvent(line);
      break;
    case LineKind::kCrashed:
    case LineKind::kNodeFailed:
    case LineKind::kOpenFailed:
    case LineKind::kGivenUp:
      SetRole(line, LaneRole::kDown, 0);
      break;
    case LineKind::kBooted:
      SetRole(line, LaneRole::kRecovering, 0);
      break;
    case LineKind::kStarted:
      SetRole(line, LaneRole::kFollower, line.b);
      break;
    case LineKind::kFaultBegan:
      open_faults_.push_back(faults_.size());
      faults_.push_back({line.a, line.b, line.c, at, 0});
      break;
    case LineKind::kFaultEnded:
      EndFault(line);
      break;
    case LineKind::kHealed:
    case LineKind::kCoreHealed:
      for (const std::size_t open : open_faults_) faults_[open].until = at;
      for (const std::size_t open : open_cuts_) cuts_[open].until = at;
      open_faults_.clear();
      open_cuts_.clear();
      std::erase_if(clogs_, [at](const CutSpan& clog) { return clog.from >= at; });
      for (CutSpan& clog : clogs_) clog.until = std::min(clog.until, at);
      newest_clog_.clear();
      break;
    case LineKind::kClientInvoked:
      open_operations_[line.node] = operations_.size();
      operations_.push_back({line, {}, false});
      break;
    case LineKind::kClientReturned:
      Return(line);
      break;
    default:
      break;
  }
  if (!Shows(line)) return;
  points_.push_back(line);
  KeepToLimit();
}

void Timeline::OnRaftEvent(const TraceLine& line) {
  switch (static_cast<EventKind>(line.a)) {
    case EventKind::kBecameFollower:
    case EventKind::kLostPreVote:
    case EventKind::kLostElection:
    case EventKind::kSteppedDown:
    case EventKind::kFollowingLeader:
      return SetRole(line, LaneRole::kFollower, line.c);
    case EventKind::kStartedPreVote:
      return SetRole(line, LaneRole::kAsking, line.c);
    case EventKind::kStartedElection:
      return SetRole(line, LaneRole::kCandidate, line.c);
    case EventKind::kWonElection:
      return SetRole(line, LaneRole::kLeader, line.c);
    default:
      return;
  }
}

void Timeline::SetRole(const TraceLine& line, LaneRole role, std::uint64_t term) {
  RoleSpan& last = roles_[role_of_lane_[line.node]];
  if (last.role == role && last.term == term) return;
  last.until = Nanoseconds(line.at);
  role_of_lane_[line.node] = roles_.size();
  roles_.push_back({line.node, Nanoseconds(line.at), 0, role, term});
}

void Timeline::AddMessage(const TraceLine& line, bool lost) {
  const std::uint64_t number = messages_gone_ + messages_.size();
  if (!Shows(line)) {
    if (!lost) in_flight_.erase(line.d);
    return;
  }
  TimelineMessage message;
  message.sent = line;
  message.to = static_cast<std::uint32_t>(line.b);
  message.fate = lost ? MessageFate::kLost : MessageFate::kInFlight;
  messages_.push_back(message);
  if (!lost) in_flight_[line.d] = number;
  KeepToLimit();
}

TimelineMessage* Timeline::MessageAt(std::uint64_t number) {
  if (number < messages_gone_) return nullptr;
  return &messages_[number - messages_gone_];
}

void Timeline::OnTaken(const TraceLine& line) {
  taken_ = UINT64_MAX;
  const auto found = in_flight_.find(line.d);
  if (found == in_flight_.end()) {
    // It was sent where nobody looks; its fate must not be taken for that of another.
    taken_ = UINT64_MAX - 1;
    taken_in_event_ = line.event;
    return;
  }
  const std::uint64_t number = found->second;
  in_flight_.erase(found);
  TimelineMessage* message = MessageAt(number);
  taken_ = message == nullptr ? UINT64_MAX - 1 : number;
  taken_in_event_ = line.event;
  if (message == nullptr) return;
  message->came = line;
  message->arrived = true;
  // Nothing more is said about what goes to a client or comes from one.
  const bool packet = message->sent.a >= kPacketRequest;
  message->fate = packet ? MessageFate::kDelivered : MessageFate::kNobody;
}

void Timeline::OnFate(const TraceLine& line, MessageFate fate) {
  const std::uint64_t number = taken_;
  taken_ = UINT64_MAX;
  if (number >= UINT64_MAX - 1 || taken_in_event_ != line.event) return;
  TimelineMessage* message = MessageAt(number);
  if (message == nullptr) return;
  message->came = line;
  message->fate = fate;
}

void Timeline::EndFault(const TraceLine& line) {
  const auto open = std::find_if(open_faults_.begin(), open_faults_.end(), [&](std::size_t i) {
    return faults_[i].kind == line.a && faults_[i].number == line.b;
  });
  if (open == open_faults_.end()) return;
  faults_[*open].until = Nanoseconds(line.at);
  open_faults_.erase(open);
}

void Timeline::Cut(const TraceLine& line) {
  open_cuts_.push_back(cuts_.size());
  cuts_.push_back({line.node, static_cast<std::uint32_t>(line.b), Nanoseconds(line.at), 0});
}

void Timeline::Mend(const TraceLine& line) {
  const auto open = std::find_if(open_cuts_.begin(), open_cuts_.end(), [&](std::size_t i) {
    return cuts_[i].from_lane == line.node && cuts_[i].to_lane == line.b;
  });
  if (open == open_cuts_.end()) return;
  cuts_[*open].until = Nanoseconds(line.at);
  open_cuts_.erase(open);
}

void Timeline::Clog(const TraceLine& line) {
  const auto to = static_cast<std::uint32_t>(line.b);
  const CutSpan clog{line.node, to, line.c, line.d};
  const auto [newest, first] = newest_clog_.try_emplace({line.node, to}, clogs_.size());
  if (!first && clogs_[newest->second].until > Nanoseconds(line.at)) {
    clogs_[newest->second] = clog;  // the same one, which takes longer
    return;
  }
  newest->second = clogs_.size();
  clogs_.push_back(clog);
}

void Timeline::Return(const TraceLine& line) {
  const auto open = open_operations_.find(line.node);
  if (open == open_operations_.end()) return;
  operations_[open->second].returned = line;
  operations_[open->second].ended = true;
  open_operations_.erase(open);
}

bool Timeline::Shows(const TraceLine& line) {
  const std::uint64_t at = Nanoseconds(line.at);
  if (at >= limits_.from && at <= limits_.until) return true;
  ++outside_;
  return false;
}

void Timeline::KeepToLimit() {
  while (messages_.size() + points_.size() > limits_.rows) {
    const bool message =
        points_.empty() || (!messages_.empty() && messages_.front().sent.at < points_.front().at);
    first_ = Nanoseconds(message ? messages_.front().sent.at : points_.front().at);
    ++over_;
    if (!message) {
      points_.pop_front();
      continue;
    }
    messages_.pop_front();
    ++messages_gone_;
  }
}

void Timeline::End(std::uint64_t at) {
  GRASS_CHECK(end_ == 0);
  end_ = at;
  for (const std::size_t open : role_of_lane_) roles_[open].until = at;
  for (const std::size_t open : open_faults_) faults_[open].until = at;
  for (const std::size_t open : open_cuts_) cuts_[open].until = at;
  for (CutSpan& clog : clogs_) clog.until = std::min(clog.until, at);
}

std::string Timeline::LeftOut() const {
  std::string text;
  if (over_ > 0) {
    text += "The oldest " + Decimal(over_) + " rows are left out: a page holds " +
            Decimal(limits_.rows) + ". See them with --until. ";
  }
  if (outside_ > 0) {
    text += Decimal(outside_) + " rows lie outside --from and --until and are left out. ";
  }
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace grassdb::sim
