#include "proto/convert.h"

#include "core/chunk.h"
#include "core/command.h"
#include "proto/messages.h"
#include "tests/property.h"

namespace grassdb {
namespace {

namespace raft = wire::raft;

constexpr ClusterId kCluster{0xfeed};

std::uint64_t Below(std::uint64_t end) {
  return *rc::gen::inRange<std::uint64_t>(0, end);
}
std::uint64_t Any() {
  return *rc::gen::arbitrary<std::uint64_t>();
}
bool Flip() {
  return *rc::gen::arbitrary<bool>();
}

Instant AnyInstant() {
  return Instant(Duration(*rc::gen::arbitrary<std::int64_t>()));
}

Configuration AnyConfiguration() {
  std::vector<Member> members;
  const std::uint64_t count = 1 + Below(5);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string name = "node" + std::to_string(i);
    const MemberRole role =
        i == 0 ? MemberRole::kVoter
               : *rc::gen::element(MemberRole::kVoter, MemberRole::kLearner, MemberRole::kJoining);
    members.push_back(MakeMember(name, "host:" + std::to_string(1000 + i), role));
    if (role == MemberRole::kJoining && Flip()) members.back().replaces = members.front().id;
  }
  return Configuration(std::move(members));
}

RequestVoteRequest AnyVoteRequest() {
  RequestVoteRequest body;
  body.ballot = Flip() ? Ballot::kPreVote : Ballot::kVote;
  body.reason = Flip() ? CampaignReason::kTimeout : CampaignReason::kTransfer;
  if (Flip()) {
    body.last_log_index = Index(1 + Below(1000));
    body.last_log_term = Term(1 + Below(10));
  }
  body.campaign_term = Term(1 + Below(100));
  return body;
}

RequestVoteResponse AnyVoteResponse() {
  return {.ballot = Flip() ? Ballot::kPreVote : Ballot::kVote,
          .campaign_term = Term(1 + Below(100)),
          .granted = Flip(),
          .removed_at = Index(Below(1000))};
}

AppendEntriesRequest AnyAppend(Term term) {
  AppendEntriesRequest body;
  if (Flip()) {
    body.prev_log_index = Index(1 + Below(1000));
    body.prev_log_term = Term(1 + Below(term.value()));
  }
  body.leader_commit = Index(Any());
  body.read_round = ReadRound(Any());
  body.sent_at = AnyInstant();
  body.vital = Flip();
  Term entry_term = std::max(body.prev_log_term, Term(1));
  Index index = body.prev_log_index;
  const std::uint64_t count = Below(6);
  for (std::uint64_t i = 0; i < count; ++i) {
    entry_term = entry_term + Below(term - entry_term + 1);
    Entry entry;
    entry.index = ++index;
    entry.term = entry_term;
    entry.type =
        *rc::gen::element(EntryType::kNoop, EntryType::kCommand, EntryType::kConfiguration);
    if (entry.type == EntryType::kCommand) {
      Command command;
      command.transaction = PutTransaction(*rc::gen::arbitrary<std::string>(), "value");
      entry.payload = EncodeCommand(command);
    }
    if (entry.type == EntryType::kConfiguration) {
      entry.payload = Bytes(EncodeConfiguration(AnyConfiguration()));
    }
    body.entries.push_back(entry);
  }
  if (Flip()) body.forgot = Incarnation(Any());
  return body;
}

AppendEntriesResponse AnyAppendResponse() {
  return {.result = static_cast<AppendResult>(1 + Below(3)),
          .standing = Flip() ? Standing::kProven : Standing::kUnproven,
          .match_index = Index(Any()),
          .prev_log_index = Index(Any()),
          .conflict_term = Term(Any()),
          .conflict_index = Index(Any()),
          .read_round = ReadRound(Any()),
          .sent_at = AnyInstant(),
          .defends = Duration(static_cast<Duration::rep>(Below(1'000'000'000)))};
}

InstallSnapshotRequest AnyChunk(Term term) {
  InstallSnapshotRequest body;
  body.meta.index = Index(1 + Below(1000));
  body.meta.term = Term(1 + Below(term.value()));
  body.meta.configuration = AnyConfiguration();
  body.meta.configuration_index = Index(Below(body.meta.index.value() + 1));
  body.offset = Below(1 << 30);
  body.last = Flip();
  body.data = Bytes(*rc::gen::arbitrary<std::string>());
  body.checksum = ChecksumOf(body);
  return body;
}

RepairRequest AnyRepairRequest() {
  RepairRequest body;
  body.ask = static_cast<RepairAsk>(1 + Below(3));
  body.first = Index(1 + Below(1000));
  body.last = body.first + Below(100);
  body.previous_term = Term(Below(100));
  body.last_term = Term(Below(100));
  body.snapshot_index = Index(Below(1000));
  body.snapshot_term = Term(Below(100));
  body.offset = Below(1 << 30);
  body.takes_rest = Below(2) == 1;
  body.deposes = Below(2) == 1;
  return body;
}

RepairResponse AnyRepairResponse(Term term) {
  RepairResponse body;
  body.verdict = static_cast<RepairVerdict>(1 + Below(7));
  body.entries = AnyAppend(term).entries;
  // Nobody has a rest of nothing.
  if (body.entries.empty() && body.verdict == RepairVerdict::kRest) {
    body.verdict = RepairVerdict::kUnknown;
  }
  body.first = body.entries.empty() ? Index(1 + Below(1000)) : body.entries.front().index;
  if (body.verdict == RepairVerdict::kRest) {
    const std::uint64_t before = 1 + Below(10);
    for (Entry& entry : body.entries) entry.index = entry.index + before;
  }
  body.last = body.first + Below(100);
  body.last_term = term;
  if (body.verdict == RepairVerdict::kChunk) body.chunk = AnyChunk(term);
  body.checksum = ChecksumOf(body);
  return body;
}

Message AnyMessage() {
  Message message;
  message.from = NodeId(1 + Below(1000));
  message.to = NodeId(2000 + Below(1000));
  message.term = Term(1 + Below(100));
  message.incarnation = Incarnation(1 + Below(100));
  message.to_incarnation = Incarnation(Below(100));
  switch (Below(11)) {
    case 0:
      message.body = AnyVoteRequest();
      break;
    case 1:
      message.body = AnyVoteResponse();
      break;
    case 2:
      message.body = AnyAppend(message.term);
      break;
    case 3:
      message.body = AnyAppendResponse();
      break;
    case 4:
      message.body = AnyChunk(message.term);
      break;
    case 5:
      message.body = InstallSnapshotResponse{.snapshot_index = Index(1 + Below(1000)),
                                             .snapshot_term = Term(1 + Below(100)),
                                             .installed = Flip(),
                                             .match_index = Index(Any()),
                                             .next_offset = Any()};
      break;
    case 6:
      message.body = TimeoutNow{};
      break;
    case 7:
      message.body = ReadIndexRequest{.read = ReadId(1 + Below(1000))};
      break;
    case 8:
      message.body = AnyRepairRequest();
      break;
    case 9:
      message.body = AnyRepairResponse(message.term);
      break;
    default:
      message.body = ReadIndexResponse{
          .read = ReadId(1 + Below(1000)), .confirmed = Flip(), .index = Index(Any())};
  }
  return message;
}

// Messages have no operator==: equal if they encode to the same bytes, which the properties below
// tie to their fields.
bool Same(const Message& a, const Message& b) {
  return EncodeMessage(a, kCluster) == EncodeMessage(b, kCluster);
}

RC_GTEST_PROP(PeerMessages, AreDecodedAsTheyWereEncoded, ()) {
  const Message message = AnyMessage();
  const auto decoded =
      DecodeMessage(KindOf(message.body), EncodeMessage(message, kCluster), kCluster);
  RC_ASSERT(decoded.ok());
  RC_ASSERT(decoded->from == message.from);
  RC_ASSERT(decoded->to == message.to);
  RC_ASSERT(decoded->term == message.term);
  RC_ASSERT(decoded->body.index() == message.body.index());
  RC_ASSERT(Same(*decoded, message));
}

RC_GTEST_PROP(PeerMessages, EntriesSurviveOneByOne, ()) {
  Message message{.from = NodeId(1),
                  .to = NodeId(2),
                  .term = Term(50),
                  .body = {},
                  .incarnation = Incarnation(1)};
  const AppendEntriesRequest append = AnyAppend(message.term);
  message.body = append;
  const auto decoded =
      DecodeMessage(MessageKind::kAppendEntriesRequest, EncodeMessage(message, kCluster), kCluster);
  RC_ASSERT(decoded.ok());
  const auto& body = std::get<AppendEntriesRequest>(decoded->body);
  RC_ASSERT(body.prev_log_index == append.prev_log_index);
  RC_ASSERT(body.prev_log_term == append.prev_log_term);
  RC_ASSERT(body.leader_commit == append.leader_commit);
  RC_ASSERT(body.read_round == append.read_round);
  RC_ASSERT(body.sent_at == append.sent_at);
  RC_ASSERT(body.vital == append.vital);
  RC_ASSERT(body.entries == append.entries);
  RC_ASSERT(body.forgot == append.forgot);
}

RC_GTEST_PROP(PeerMessages, AnswersToAppendsSurviveFieldByField, ()) {
  const AppendEntriesResponse answer = AnyAppendResponse();
  const Message message{.from = NodeId(1),
                        .to = NodeId(2),
                        .term = Term(50),
                        .body = answer,
                        .incarnation = Incarnation(1)};
  const auto decoded = DecodeMessage(MessageKind::kAppendEntriesResponse,
                                     EncodeMessage(message, kCluster), kCluster);
  RC_ASSERT(decoded.ok());
  const auto& body = std::get<AppendEntriesResponse>(decoded->body);
  RC_ASSERT(body.result == answer.result);
  RC_ASSERT(body.match_index == answer.match_index);
  RC_ASSERT(body.prev_log_index == answer.prev_log_index);
  RC_ASSERT(body.conflict_term == answer.conflict_term);
  RC_ASSERT(body.conflict_index == answer.conflict_index);
  RC_ASSERT(body.read_round == answer.read_round);
  RC_ASSERT(body.sent_at == answer.sent_at);
  RC_ASSERT(body.defends == answer.defends);
}

RC_GTEST_PROP(PeerMessages, AnswersToRepairsAreWholeUnlessAFieldIsChanged, ()) {
  Message message{.from = NodeId(1),
                  .to = NodeId(2),
                  .term = Term(50),
                  .body = AnyRepairResponse(Term(50)),
                  .incarnation = Incarnation(1)};
  const auto decoded =
      DecodeMessage(MessageKind::kRepairResponse, EncodeMessage(message, kCluster), kCluster);
  RC_ASSERT(decoded.ok());
  auto body = std::get<RepairResponse>(decoded->body);
  RC_ASSERT(IsWhole(body));
  body.previous_term = body.previous_term + 1;
  RC_ASSERT(!IsWhole(body));
  body.previous_term = body.previous_term - 1;
  body.entries.push_back(
      Entry{.index = body.first + body.entries.size(), .term = Term(50), .payload = {}});
  RC_ASSERT(!IsWhole(body));
}

RC_GTEST_PROP(PeerMessages, HandWrittenEntriesAreWhatProtobufWouldWrite, ()) {
  Message message{.from = NodeId(1),
                  .to = NodeId(2),
                  .term = Term(50),
                  .body = {},
                  .incarnation = Incarnation(1)};
  const AppendEntriesRequest append = AnyAppend(message.term);
  message.body = append;
  raft::AppendEntriesRequest wire;
  RC_ASSERT(wire.ParseFromString(EncodeMessage(message, kCluster)));
  RC_ASSERT(wire.entries_size() == static_cast<int>(append.entries.size()));
  // Not byte by byte, for protobuf writes sent_at behind the entries; but nothing is longer.
  const std::string canonical = wire.SerializeAsString();
  RC_ASSERT(canonical.size() == EncodeMessage(message, kCluster).size());
  raft::AppendEntriesRequest again;
  RC_ASSERT(again.ParseFromString(canonical));
  for (int i = 0; i < wire.entries_size(); ++i) {
    const Entry& entry = append.entries[static_cast<std::size_t>(i)];
    RC_ASSERT(again.entries(i).payload() == entry.payload.view());
    RC_ASSERT(again.entries(i).term() == entry.term.value());
  }
  // Decoding is by hand too; it takes the fields in any order, and what it does not know.
  const std::string unknown("\x9a\x06\x02hi\xa0\x06\x07", 8);  // fields 99 and 100
  for (const std::string& bytes : {canonical, canonical + unknown, unknown + canonical}) {
    const auto decoded = DecodeMessage(MessageKind::kAppendEntriesRequest, bytes, kCluster);
    RC_ASSERT(decoded.ok());
    const auto& body = std::get<AppendEntriesRequest>(decoded->body);
    RC_ASSERT(body.entries == append.entries);
    RC_ASSERT(body.sent_at == append.sent_at);
  }
}

RC_GTEST_PROP(PeerMessages, AnyBytesAreDecodedOrRefused, (const std::string& bytes)) {
  for (std::uint8_t kind = 0; kind < std::variant_size_v<MessageBody>; ++kind) {
    const auto decoded = DecodeMessage(static_cast<MessageKind>(kind), bytes, kCluster);
    if (decoded.ok()) RC_ASSERT(KindOf(decoded->body) == static_cast<MessageKind>(kind));
  }
}

RC_GTEST_PROP(PeerMessages, OfAnotherClusterAreRefusedByName, ()) {
  const Message message = AnyMessage();
  const auto decoded =
      DecodeMessage(KindOf(message.body), EncodeMessage(message, ClusterId(0xabc)), kCluster);
  RC_ASSERT(absl::IsFailedPrecondition(decoded.status()));
  const std::string text(decoded.status().message());
  RC_ASSERT(text.find("0000000000000abc") != std::string::npos);
  RC_ASSERT(text.find("000000000000feed") != std::string::npos);
}

// Whatever the wire does to the fields, the checksum still fits them.
RC_GTEST_PROP(PeerMessages, AChunkIsStillWholeWhenItIsDecoded, ()) {
  const Message message{.from = NodeId(1),
                        .to = NodeId(2),
                        .term = Term(9),
                        .body = AnyChunk(Term(9)),
                        .incarnation = Incarnation(1)};
  auto decoded = DecodeMessage(MessageKind::kInstallSnapshotRequest,
                               EncodeMessage(message, kCluster), kCluster);
  RC_ASSERT(decoded.ok());
  auto& chunk = std::get<InstallSnapshotRequest>(decoded->body);
  RC_ASSERT(IsWhole(chunk));
  chunk.offset += 1 + Below(1000);
  RC_ASSERT(!IsWhole(chunk));
}

TEST(PeerMessages, TheLargestCommandFitsOneMessage) {
  Message message{.from = NodeId(1),
                  .to = NodeId(2),
                  .term = Term(1),
                  .body = {},
                  .incarnation = Incarnation(1)};
  Command command;
  command.transaction = PutTransaction("a", std::string(kValueBytesMax, 'x'));
  command.transaction.success.push_back(PutTransaction("b", "").success.front());
  command.transaction.success.back().value.resize(kTransactionBytesMax -
                                                  EncodeCommand(command).size());
  ASSERT_EQ(BrokenLimit(command.transaction), std::nullopt);
  ASSERT_EQ(EncodeCommand(command).size(), kTransactionBytesMax);
  AppendEntriesRequest append;
  append.entries.push_back(Entry{.index = Index(1),
                                 .term = Term(1),
                                 .type = EntryType::kCommand,
                                 .payload = EncodeCommand(command)});
  message.body = append;
  const std::string bytes = EncodeMessage(message, kCluster);
  EXPECT_LE(bytes.size(), kPeerMessageBytesMax);
  EXPECT_TRUE(DecodeMessage(MessageKind::kAppendEntriesRequest, bytes, kCluster).ok());
}

}  // namespace
}  // namespace grassdb
