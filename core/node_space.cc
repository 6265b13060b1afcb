// A full disk, which is a normal state. What adds data is refused or held back, by a leader where
// it enters and by a follower before it reaches the log, so that nothing is accepted that could not
// be made durable; everything else goes on in the reserve. A snapshot lets go of the log before it,
// and room is looked for at growing intervals, so that the node comes back by itself.
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/node.h"
#include "core/probe.h"

namespace grassdb {

const char* NameOf(DiskSpace space) {
  switch (space) {
    case DiskSpace::kAmple:
      return "ample";
    case DiskSpace::kFull:
      return "full";
    case DiskSpace::kSpent:
      return "spent";
  }
  return "unknown";
}

// What one completion says counts until the next.
void Node::NoteSpace(const SpaceReport& report) {
  const DiskSpace before = space_.space;
  if (report.space == DiskSpace::kAmple && before == DiskSpace::kAmple) return;
  space_ = report;
  // Less is missing than before: what waits may go on.
  if (report.space < before) persist_waits_ = false;
  if (report.space == before) return;
  if (before == DiskSpace::kAmple) PutOffSpace();
  if (report.space == DiskSpace::kSpent) GRASS_PROBE("space: the reserve is nearly used up");
  if (report.space == DiskSpace::kAmple) GRASS_PROBE("space: there is room again");
  if (environment_.trace != nullptr) {
    environment_.trace->OnEvent(raft_.term(), Event{.kind = EventKind::kDiskSpace,
                                                    .peer = NodeId(),
                                                    .a = static_cast<std::uint64_t>(report.space),
                                                    .b = static_cast<std::uint64_t>(before)});
  }
  const bool full = report.space != DiskSpace::kAmple;
  if (full != (before != DiskSpace::kAmple)) Step(SpaceChanged{.full = full});
}

// Begins the series of looks anew.
void Node::PutOffSpace() {
  space_wait_ = options_.space_retry_min;
  space_look_at_ = environment_.clock->Now() + space_wait_;
}

Instant Node::NextLookForSpace() const {
  return space_.space == DiskSpace::kAmple ? Instant::max() : space_look_at_;
}

// Flush then submits what waits, and begins the snapshot.
void Node::LookForSpace() {
  const Instant now = environment_.clock->Now();
  if (now < NextLookForSpace()) return;
  space_wait_ = std::min(2 * space_wait_, options_.space_retry_max);
  space_look_at_ = now + space_wait_;
  persist_waits_ = false;
  snapshot_for_space_ = true;
  if (std::exchange(restocking_, true)) return;
  environment_.disk->Submit(Restock{});
}

// Behind the write that it is due for, whose answers do not wait for it.
void Node::FillAhead() {
  if (!std::exchange(filling_ahead_, true)) environment_.disk->Submit(Restock{.ahead = true});
}

void Node::OnDone(const RestockDone& done) {
  if (!done.status.ok()) return Fail(done.status);
  if (done.ahead) {
    filling_ahead_ = false;
    return NoteSpace(done.space);
  }
  restocking_ = false;
  NoteSpace(done.space);
  if (!done.more || space_.space == DiskSpace::kAmple) return;
  restocking_ = true;
  environment_.disk->Submit(Restock{});
}

bool Node::Admits(bool adds_data) const {
  return space_.space == DiskSpace::kAmple || (space_.space == DiskSpace::kFull && !adds_data);
}

// Whether data that are in the log already go into the reserve: no quorum has room for them, so the
// leader takes no more, and nothing that frees room can be committed before they are.
bool Node::UsesReserve() const {
  return raft_.role() == Role::kLeader ? raft_.LacksRoom() : takes_vital_;
}

// The write that waits for room is tried once more, with the reserve.
bool Node::RetriesAsVital() {
  if (persist_queue_.front().vital || !UsesReserve()) return false;
  GRASS_PROBE("space: what waited for room goes into the reserve");
  persist_waits_ = false;
  return true;
}

// A follower takes the leader's entries up to the first that it has no room for: a shorter message
// is a message too, and the leader repeats what is not acknowledged.
void Node::HoldBackEntries(Message& message) {
  auto* append = std::get_if<AppendEntriesRequest>(&message.body);
  if (append == nullptr) return;
  takes_vital_ = append->vital;
  if (append->vital && space_.space == DiskSpace::kFull) return;
  const auto held = std::ranges::find_if(
      append->entries, [this](const Entry& entry) { return !Admits(AddsData(entry)); });
  if (held != append->entries.end()) GRASS_PROBE("space: entries are held back");
  append->entries.erase(held, append->entries.end());
}

// As a leader; true if it has answered.
bool Node::RefuseForSpace(RequestId request, const Command& command) {
  if (space_.space == DiskSpace::kAmple) return RefuseForOthersSpace(request, command);
  if (Admits(AddsData(command))) return false;
  if (raft_.transfer_target() != NodeId(0) || raft_.HasSuccessorWithRoom()) {
    Refuse(request, ReplyCode::kUnavailable,
           "the disk of " + identity_.node_name + " is full, and it hands leadership over");
    return true;
  }
  GRASS_PROBE("space: a write is refused");
  Refuse(request, ReplyCode::kDiskFull,
         "the disk of " + identity_.node_name + " is full (" + space_.problem +
             "), and no other node could take over. Nothing was changed; reads" +
             (space_.space == DiskSpace::kFull ? " and deletes" : "") +
             " go on. Way out: make room there, or add a node that has some");
  return true;
}

// A leader with room of its own, of whose voters too few have any.
bool Node::RefuseForOthersSpace(RequestId request, const Command& command) {
  if (!raft_.LacksRoom() || !AddsData(command)) return false;
  GRASS_PROBE("space: a write is refused as no quorum has room");
  std::string full;
  for (const Progress& follower : *raft_.followers()) {
    const Member* member = raft_.configuration().Find(follower.id);
    if (member == nullptr || member->role != MemberRole::kVoter) continue;
    if (follower.space == FollowerSpace::kFull) full += (full.empty() ? "" : ", ") + member->name;
  }
  Refuse(request, ReplyCode::kDiskFull,
         "the disks of " + full +
             " are full, and the voters that have room are no majority. Nothing was changed; reads"
             " and deletes go on. Way out: make room there, or add nodes that have some");
  return true;
}

// Whatever was staged is gone.
void Node::OnNoRoomToStage(const StageDone& done) {
  if (done.source == SnapshotSource::kReceived) {
    GRASS_PROBE("space: a snapshot is not received");
    receiving_.reset();
    receive_again_at_ = environment_.clock->Now() + options_.space_retry_min;
  } else if (taking_.has_value() && taking_->meta.index == done.index) {
    GRASS_PROBE("space: a snapshot is given up");
    for (const SnapshotRequest& request : taking_->requesters) {
      Refuse(request.request, ReplyCode::kDiskFull,
             "there is no room for a snapshot (" + done.space.problem + ")");
    }
    taking_.reset();
  }
  NoteSpace(done.space);
}

}  // namespace grassdb
