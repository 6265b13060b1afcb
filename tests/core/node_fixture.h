// One node with everything around it played by the test: it is told what arrives, what the disk has
// done and what time it is, and looked at for what it sends, writes and answers.
#ifndef GRASSDB_TESTS_CORE_NODE_FIXTURE_H_
#define GRASSDB_TESTS_CORE_NODE_FIXTURE_H_

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/node.h"
#include "tests/core/raft_cluster.h"

namespace grassdb {

class FakeClock : public Clock {
 public:
  Instant Now() const override {
    const Instant seen = now;
    if (looks_until_jump > 0 && --looks_until_jump == 0) now += jump;
    return seen;
  }
  // As if the process stood still for `time` after `looks` more looks at the clock.
  void JumpAfter(int looks, Duration time) {
    looks_until_jump = looks;
    jump = time;
  }
  mutable Instant now{std::chrono::seconds(10)};
  mutable int looks_until_jump = 0;
  Duration jump{};
};
class FakeNetwork : public Network {
 public:
  void Send(Message message) override { sent.push_back(std::move(message)); }
  std::vector<Message> sent;
};
class FakeDisk : public Disk {
 public:
  void Submit(DiskJob job) override { jobs.push_back(std::move(job)); }
  std::deque<DiskJob> jobs;
};
class FakeClients : public Clients {
 public:
  void Answer(RequestId request, Reply reply) override {
    EXPECT_FALSE(replies.contains(request)) << "answered twice";
    if (on_answer) on_answer();
    replies[request] = std::move(reply);
  }
  std::map<RequestId, Reply> replies;
  std::function<void()> on_answer;
};

class NodeTest : public ::testing::Test {
 protected:
  // What wakes a node by itself is switched on where it is tested.
  NodeTest() { options_.scrub_bytes_per_second = 0; }
  void Make(int voters) {
    options_.raft.id = IdOfNode(1);
    options_.mark_idle = Duration::zero();
    recovered_.identity.node = IdOfNode(1);
    recovered_.identity.bootstrap = VotersOf(voters);
    node_.emplace(options_, recovered_,
                  Environment{.clock = &clock_,
                              .network = &network_,
                              .disk = &disk_,
                              .clients = &clients_,
                              .trace = nullptr});
    node_->Start();
    node_->Flush();
  }
  void Lead() {
    clock_.now = node_->NextDeadline();
    node_->OnDeadline();
    node_->Flush();
    FinishDisk();
    ASSERT_EQ(node_->raft().role(), Role::kLeader);
  }
  // Elected by hand in term 1 of three nodes, with its no-op committed by n2.
  void LeadThree() {
    Make(3);
    clock_.now = node_->NextDeadline();
    BeElected(1);
    ASSERT_EQ(node_->raft().commit_index(), Index(1));
  }
  // In `term`, which is its next, by n2, which has all of the log then. Its deadline has come.
  void BeElected(std::uint64_t term) {
    node_->OnDeadline();
    node_->Flush();
    RequestVoteResponse vote{
        .ballot = Ballot::kPreVote, .campaign_term = Term(term), .granted = true};
    Receive(2, term - 1, vote);
    FinishDisk();
    vote.ballot = Ballot::kVote;
    Receive(2, term, vote);
    ASSERT_EQ(node_->raft().role(), Role::kLeader);
    FinishDisk();
    AcknowledgeAll(2);
  }
  // Follower `from` has all of the log, durably, and confirms every read round.
  void AcknowledgeAll(int from) {
    AppendEntriesResponse answer;
    answer.defends = options_.raft.election_timeout_min;
    answer.match_index = node_->raft().log().last_index();
    for (const Message& message : network_.sent) {
      const auto* append = std::get_if<AppendEntriesRequest>(&message.body);
      if (append == nullptr || message.to != IdOfNode(from)) continue;
      answer.prev_log_index = append->prev_log_index;
      answer.read_round = append->read_round;
      answer.sent_at = append->sent_at;
    }
    Receive(from, node_->raft().term().value(), answer);
  }
  template <class Body>
  std::size_t SentCount(int to) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(network_.sent, [to](const Message& message) {
          return message.to == IdOfNode(to) && std::holds_alternative<Body>(message.body);
        }));
  }
  // Completes log writes only; other jobs stay.
  void FinishDisk() {
    while (std::ranges::any_of(disk_.jobs, IsPersist)) FinishOne();
  }
  static bool IsPersist(const DiskJob& job) { return std::holds_alternative<Persist>(job); }
  // The oldest log write.
  Persist FinishOne() {
    const auto at = std::ranges::find_if(disk_.jobs, IsPersist);
    EXPECT_NE(at, disk_.jobs.end());
    if (at == disk_.jobs.end()) return {};
    Persist persist = std::get<Persist>(*at);
    disk_.jobs.erase(at);
    node_->OnDisk(PersistDone{.id = persist.id, .status = absl::OkStatus()});
    node_->Flush();
    return persist;
  }
  // The oldest job of this kind, taken from the disk.
  template <class Job>
  Job Take() {
    const auto at = std::ranges::find_if(
        disk_.jobs, [](const DiskJob& job) { return std::holds_alternative<Job>(job); });
    EXPECT_NE(at, disk_.jobs.end());
    if (at == disk_.jobs.end()) return {};
    Job job = std::get<Job>(*at);
    disk_.jobs.erase(at);
    return job;
  }
  template <class Done>
  void Finish(Done done) {
    node_->OnDisk(std::move(done));
    node_->Flush();
  }
  // The disk has no room for the snapshot that is being taken.
  void FindNoRoomToStage(const SpaceReport& space = {.space = DiskSpace::kFull,
                                                     .problem = "no space"}) {
    const auto stage = Take<StageSnapshot>();
    Finish(StageDone{.source = stage.source,
                     .index = stage.meta.index,
                     .next_offset = 0,
                     .last = stage.last,
                     .status = absl::ResourceExhaustedError("no space"),
                     .space = space});
  }
  // Completes the snapshot that is being taken, but for its publication.
  void StageAll() {
    while (true) {
      const auto stage = Take<StageSnapshot>();
      Finish(StageDone{.source = stage.source,
                       .index = stage.meta.index,
                       .next_offset = stage.offset + stage.data.size(),
                       .last = stage.last,
                       .status = absl::OkStatus()});
      if (stage.last) return;
    }
  }
  void Put(std::uint64_t request, const std::string& key, const std::string& value) {
    node_->OnClient(RequestId(request),
                    TransactionRequest{.session = {},
                                       .sequence = {},
                                       .acknowledged = {},
                                       .transaction = PutTransaction(key, value)});
  }
  void Get(std::uint64_t request, const std::string& key, ReadMode mode = ReadMode::kLinearizable) {
    node_->OnClient(RequestId(request), GetRequest{.mode = mode, .key = key});
  }
  ReplyCode CodeOf(std::uint64_t request) {
    EXPECT_TRUE(clients_.replies.contains(RequestId(request))) << "request " << request;
    return clients_.replies[RequestId(request)].code;
  }
  void Receive(int from, std::uint64_t term, MessageBody body) {
    node_->OnMessage(Message{
        .from = IdOfNode(from), .to = IdOfNode(1), .term = Term(term), .body = std::move(body)});
    node_->Flush();
  }

  NodeOptions options_;
  RecoveredState recovered_;
  FakeClock clock_;
  FakeNetwork network_;
  FakeDisk disk_;
  FakeClients clients_;
  std::optional<Node> node_;
};

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CORE_NODE_FIXTURE_H_
