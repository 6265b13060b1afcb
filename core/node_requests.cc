// What clients ask: checks each request and hands it to Raft or to the store.
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/node.h"
#include "core/probe.h"

namespace grassdb {
namespace {

// Commands that gather for one append: beyond it there is nothing to gain, and a follower would
// begin late with much.
constexpr std::size_t kGroupBytesMax = std::size_t{256} << 10;

}  // namespace

void Node::OnClient(RequestId id, ClientRequest request) {
  if (failed()) return;
  std::visit([this, id](auto&& value) { OnRequest(id, std::forward<decltype(value)>(value)); },
             std::move(request));
}

Reply Node::MakeReply(ReplyCode code, std::string error) const {
  Reply reply;
  reply.code = code;
  reply.error = std::move(error);
  reply.leader = raft_.leader();
  if (const Member* leader = raft_.configuration().Find(reply.leader)) {
    reply.leader_name = leader->name;
    reply.leader_address = leader->address;
  }
  return reply;
}

void Node::Refuse(RequestId request, ReplyCode code, std::string error) {
  Reply reply = MakeReply(code, std::move(error));
  if (code == ReplyCode::kNotLeader) {
    reply.error = reply.leader == NodeId(0) ? "not the leader; no leader is known"
                                            : "not the leader; the leader is " + reply.leader_name +
                                                  " at " + reply.leader_address;
  }
  environment_.clients->Answer(request, std::move(reply));
}

bool Node::Accepts(RequestId request) {
  if (stopping_) {
    Refuse(request, ReplyCode::kUnavailable, "this node is shutting down");
    return false;
  }
  const std::size_t waiting = requests_waiting();
  if (waiting >= options_.waiting_requests_max || GRASS_BUGGIFY("requests: too many wait")) {
    Refuse(request, ReplyCode::kOverloaded,
           "overloaded: " + std::to_string(waiting) + " requests are waiting; try again later");
    return false;
  }
  return true;
}

std::size_t Node::requests_waiting() const {
  return waiting_commands_.size() + waiting_reads_.size() + new_command_requests_.size() +
         waiting_transfers_.size() + (waiting_change_.has_value() ? 1 : 0) +
         snapshot_requests_.size() + (taking_.has_value() ? taking_->requesters.size() : 0);
}

bool Node::AcceptsWrite(RequestId request, const Command& command) {
  // First, also where too much waits: for that a client waits at the leader, and nowhere else.
  if (raft_.role() != Role::kLeader && !stopping_) {
    Refuse(request, ReplyCode::kNotLeader, {});
    return false;
  }
  if (!Accepts(request)) return false;
  if (!loaded()) {
    GRASS_PROBE("write: the leader is still loading");
    // Nothing is applied, so nothing could be answered.
    Refuse(request, ReplyCode::kUnavailable, "this node is still loading its state");
    return false;
  }
  if (RefuseForSpace(request, command)) return false;
  // Told at once, and not when what is held here is handed to Raft.
  if (new_command_bytes_ + raft_.load().unapplied_bytes >= options_.raft.unapplied_bytes_max) {
    Refuse(request, ReplyCode::kOverloaded,
           "overloaded: " + std::to_string(options_.raft.unapplied_bytes_max) +
               " bytes of writes are under way; try again later");
    return false;
  }
  return true;
}

void Node::Propose(RequestId request, const Command& command) {
  new_command_requests_.push_back(request);
  new_commands_.push_back(EncodeCommand(command));
  new_command_bytes_ += new_commands_.back().size();
}

void Node::SubmitRequests() {
  const bool held = HoldsCommands() || GathersCommands();
  if ((new_commands_.empty() || held) && new_reads_.empty()) return;
  Submit submit;
  if (!held) {
    std::swap(submit.commands, new_commands_);
    new_command_bytes_ = 0;
  }
  std::swap(submit.reads, new_reads_);
  reads_asked_of_ = raft_.leader();
  reads_asked_in_ = raft_.term();
  Step(std::move(submit));
}

// Thesis 3.10: a leader that hands over appends nothing, so that the target can catch up for good.
// What comes meanwhile is held. It is appended if the transfer is abandoned, after an election
// timeout at most; otherwise it is answered with the next leader, once that is known.
bool Node::HoldsCommands() {
  const Instant now = environment_.clock->Now();
  if (raft_.transfer_target() != NodeId(0)) {
    hold_until_ = now + options_.raft.election_timeout_max;
    return true;
  }
  return raft_.leader() == NodeId(0) && now < hold_until_;
}

// What comes in while a write is at the disk, and every voter that is sent entries at once has an
// append to work at, becomes one append: a message and its answer cost more than all else that is
// done for a command. Nothing is lost by it, for no sooner could it be durable here. It ends with
// the write, or when such a voter has nothing to do: a disk that hangs does not keep the others
// from the entries.
bool Node::GathersCommands() const {
  if (!persisting_ || stopping_ || new_commands_.empty()) return false;
  const std::vector<Progress>* followers = raft_.followers();
  if (followers == nullptr || new_command_bytes_ >= kGroupBytesMax) return false;
  const bool one_waits = std::ranges::any_of(*followers, [this](const Progress& follower) {
    return follower.role == MemberRole::kVoter && follower.state == ProgressState::kReplicate &&
           follower.inflight.empty() && !raft_.MayWait(follower);
  });
  if (one_waits || GRASS_BUGGIFY("requests: not gathered")) return false;
  GRASS_PROBE("requests: gathered behind a write");
  return true;
}

void Node::OnRequest(RequestId request, const OpenSessionRequest&) {
  Command command;
  command.kind = Command::Kind::kOpenSession;
  if (!AcceptsWrite(request, command)) return;
  command.time = CurrentTime();
  Propose(request, command);
}

void Node::OnRequest(RequestId request, const CloseSessionRequest& close) {
  if (close.session == SessionId(0)) {
    return Refuse(request, ReplyCode::kInvalid, "0 is no session that could be closed");
  }
  Command command;
  command.kind = Command::Kind::kCloseSession;
  command.session = close.session;
  if (!AcceptsWrite(request, command)) return;
  command.time = CurrentTime();
  Propose(request, command);
}

std::optional<std::string> Node::SessionProblem(const TransactionRequest& transaction) const {
  if (transaction.session == SessionId(0)) {
    if (transaction.sequence != Sequence(0) || transaction.acknowledged != Sequence(0)) {
      return "a sequence number needs a session; open one first";
    }
    return std::nullopt;
  }
  if (transaction.sequence == Sequence(0)) {
    return "a write in a session needs a sequence number from 1";
  }
  if (transaction.acknowledged >= transaction.sequence) {
    return "the write " + std::to_string(transaction.sequence.value()) +
           " of the session is not above the acknowledged " +
           std::to_string(transaction.acknowledged.value());
  }
  return std::nullopt;
}

void Node::OnRequest(RequestId request, TransactionRequest transaction) {
  if (auto problem = BrokenLimit(transaction.transaction)) {
    return Refuse(request, ReplyCode::kInvalid, *std::move(problem));
  }
  if (auto problem = SessionProblem(transaction)) {
    return Refuse(request, ReplyCode::kInvalid, *std::move(problem));
  }
  Command command;
  command.session = transaction.session;
  command.sequence = transaction.sequence;
  command.acknowledged = transaction.acknowledged;
  command.transaction = std::move(transaction.transaction);
  if (!AcceptsWrite(request, command)) return;
  command.time = CurrentTime();
  Propose(request, command);
}

void Node::OnRequest(RequestId request, GetRequest get) {
  if (auto problem = BrokenKeyLimit(get.key)) {
    return Refuse(request, ReplyCode::kInvalid, *std::move(problem));
  }
  if (!Accepts(request)) return;
  if (get.mode == ReadMode::kStale) {
    if (!loaded()) return Refuse(request, ReplyCode::kUnavailable, "this node is still loading");
    return environment_.clients->Answer(request, Read(get.key));
  }
  if (get.mode == ReadMode::kLease && ServeUnderLease(request, get)) return;
  const ReadId id = ++last_read_;
  waiting_reads_.emplace(id,
                         WaitingGet{.request = request,
                                    .key = std::move(get.key),
                                    .deadline = environment_.clock->Now() + options_.read_patience,
                                    .index = std::nullopt});
  new_reads_.push_back(id);
}

void Node::OnBackup(RequestId id, const BackupRequest& backup) {
  if (failed() || !Accepts(id)) return;
  if (backup.snapshot != Index(0)) return ReadForBackup(id, backup.snapshot, backup.offset);
  // Two would make snapshots in turns, each superseding the other's.
  if (environment_.clock->Now() < backup_until_) {
    return Refuse(id, ReplyCode::kOverloaded,
                  "another client is copying this node's state; try again, or ask another node");
  }
  backup_until_ = environment_.clock->Now() + options_.read_patience;
  const ReadId read = ++last_read_;
  waiting_reads_.emplace(read,
                         WaitingGet{.request = id,
                                    .key = std::nullopt,
                                    .deadline = environment_.clock->Now() + options_.read_patience,
                                    .index = std::nullopt});
  new_reads_.push_back(read);
}

// False: not served, the read needs a round.
bool Node::ServeUnderLease(RequestId request, const GetRequest& get) {
  if (!loaded() || applied_ < raft_.commit_index()) return false;
  if (!raft_.HoldsLease(environment_.clock->Now()) || GRASS_BUGGIFY("lease: not relied on")) {
    return false;
  }
  Reply reply = Read(get.key);
  // Whoever was paused since the first look may have lost the lease before it read.
  // In the simulator no time passes in between.
  if (!raft_.HoldsLease(environment_.clock->Now()) ||
      GRASS_BUGGIFY("lease: lost between the looks")) {
    return false;
  }
  environment_.clients->Answer(request, std::move(reply));
  return true;
}

void Node::OnRequest(RequestId request, ChangeMembershipRequest change) {
  if (!Accepts(request)) return;
  if (raft_.role() != Role::kLeader) return Refuse(request, ReplyCode::kNotLeader, {});
  if (waiting_change_.has_value()) {
    return Refuse(request, ReplyCode::kUnavailable,
                  "another change of the membership is under way; try again when it has ended");
  }
  waiting_change_ = WaitingChange{.request = request, .term = Term()};
  Step(ChangeMembership{.changes = std::move(change.changes)});
}

void Node::OnRequest(RequestId request, const TakeSnapshotRequest&) {
  if (!Accepts(request)) return;
  if (!loaded()) return Refuse(request, ReplyCode::kUnavailable, "this node is still loading");
  snapshot_requests_.push_back({.request = request, .purpose = SnapshotRequest::Purpose::kAnswer});
}

void Node::OnRequest(RequestId request, const TransferLeadershipRequest& transfer) {
  if (!Accepts(request)) return;
  if (raft_.role() != Role::kLeader) return Refuse(request, ReplyCode::kNotLeader, {});
  if (transfer.target == raft_.id()) {
    return environment_.clients->Answer(request, MakeReply(ReplyCode::kOk));
  }
  if (transfer.target != NodeId(0) && !raft_.configuration().IsVoter(transfer.target)) {
    return Refuse(request, ReplyCode::kInvalid, "the target is not a voting member");
  }
  const NodeId under_way = raft_.transfer_target();
  if (under_way != NodeId(0) && transfer.target != NodeId(0) && under_way != transfer.target) {
    return Refuse(request, ReplyCode::kUnavailable,
                  "leadership is being handed to another node already; try again");
  }
  const Term term = raft_.term();
  Step(TransferLeadership{.target = transfer.target});
  const NodeId target = raft_.transfer_target();
  if (target == NodeId(0) && transfer.target != NodeId(0)) {
    return Refuse(request, ReplyCode::kRefused,
                  raft_.configuration().Find(transfer.target)->name +
                      " has not been heard of for a while, or cannot lead yet; see status");
  }
  if (target == NodeId(0)) {
    return Refuse(request, ReplyCode::kUnavailable,
                  "no voting follower that could take the leadership over is in reach");
  }
  waiting_transfers_.push_back(WaitingTransfer{
      .request = request,
      .target = target,
      .term = term,
      .deadline = environment_.clock->Now() + 3 * options_.raft.election_timeout_max});
}

}  // namespace grassdb
