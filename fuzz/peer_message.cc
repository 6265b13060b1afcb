// Any bytes as a message from a peer: it is refused, or core gets what encodes to the same message
// again, and a replica in each role takes it without breaking a check. (A well-formed message of a
// second leader of one's own term is the one thing that a replica rightly stops for.)
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/check.h"
#include "core/raft.h"
#include "proto/convert.h"

namespace grassdb {
namespace {

constexpr std::uint64_t kKinds = std::variant_size_v<MessageBody>;
constexpr Instant kNow{std::chrono::seconds(10)};

Configuration Members() {
  std::vector<Member> members;
  for (const char* name : {"n1", "n2", "n3"}) {
    members.push_back(MakeMember(name, std::string(name) + ":1"));
  }
  return Configuration(std::move(members));
}
NodeId IdOf(const char* name) {
  return MakeMember(name, "x:1").id;
}

// A follower in term 2 with three entries, none of them known to be committed.
Raft Follower() {
  RaftOptions options;
  options.id = IdOf("n1");
  RecoveredState state;
  state.identity.bootstrap = Members();
  state.hard_state.term = Term(2);
  for (std::uint64_t index = 1; index <= 3; ++index) {
    state.entries.push_back({.index = Index(index),
                             .term = Term(index < 3 ? 1 : 2),
                             .type = EntryType::kNoop,
                             .payload = Bytes()});
  }
  return Raft(options, state, kNow);
}

void Step(Raft& raft, Instant now, Input input) {
  Output output;
  raft.Step(now, std::move(input), &output);
  if (output.persist.has_value()) {
    const PersistId id = output.persist->id;
    raft.Step(now, Persisted{.id = id}, &output);
  }
}

Raft Candidate() {
  Raft raft = Follower();
  Step(raft, kNow + std::chrono::seconds(1), DeadlineReached{});
  const RequestVoteResponse yes{
      .ballot = Ballot::kPreVote, .campaign_term = Term(3), .granted = true};
  Step(raft, kNow + std::chrono::seconds(1),
       Message{.from = IdOf("n2"), .to = raft.id(), .term = Term(2), .body = yes});
  GRASS_CHECK(raft.role() == Role::kCandidate);
  return raft;
}

Raft Leader() {
  Raft raft = Candidate();
  const RequestVoteResponse yes{.ballot = Ballot::kVote, .campaign_term = Term(3), .granted = true};
  Step(raft, kNow + std::chrono::seconds(1),
       Message{.from = IdOf("n2"), .to = raft.id(), .term = Term(3), .body = yes});
  GRASS_CHECK(raft.role() == Role::kLeader);
  return raft;
}

bool IsFromALeader(const Message& message) {
  return std::holds_alternative<AppendEntriesRequest>(message.body) ||
         std::holds_alternative<InstallSnapshotRequest>(message.body);
}

void Run(MessageKind kind, std::string_view bytes) {
  absl::StatusOr<Message> message = DecodeMessage(kind, bytes, ClusterId(7));
  if (!message.ok()) return;
  GRASS_CHECK(KindOf(message->body) == kind);
  const std::string again = EncodeMessage(*message, ClusterId(7));
  const absl::StatusOr<Message> copy = DecodeMessage(kind, again, ClusterId(7));
  GRASS_CHECK_MSG(copy.ok(), std::string(copy.status().message()));
  GRASS_CHECK(EncodeMessage(*copy, ClusterId(7)) == again);
  GRASS_CHECK_EQ(copy->term, message->term);

  message->to = IdOf("n1");
  if (message->from == message->to || message->from == NodeId(0)) message->from = IdOf("n2");
  // The largest term is the end of terms: no candidate could ever go above it.
  if (message->term.value() > UINT64_MAX / 2) return;
  static const Raft kFollower = Follower();
  static const Raft kCandidate = Candidate();
  static const Raft kLeader = Leader();
  for (const Raft* start : {&kFollower, &kCandidate, &kLeader}) {
    const bool leads = start->role() == Role::kLeader;
    if (leads && message->term == start->term() && IsFromALeader(*message)) continue;
    Raft raft = *start;
    const Instant later = kNow + std::chrono::seconds(2);
    for (int i = 0; i < 2; ++i) Step(raft, later, *message);
    const Instant next = raft.NextDeadline();
    Step(raft, next == Instant::max() ? later : std::max(later, next), DeadlineReached{});
  }
}

}  // namespace
}  // namespace grassdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 65536) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  grassdb::Run(static_cast<grassdb::MessageKind>(data[0] % grassdb::kKinds), bytes);
  return 0;
}
