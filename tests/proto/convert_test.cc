#include "proto/convert.h"

#include <functional>
#include <limits>

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
  return body;
}

RepairResponse AnyRepairResponse(Term term) {
  RepairResponse body;
  body.verdict = static_cast<RepairVerdict>(1 + Below(6));
  body.entries = AnyAppend(term).entries;
  body.first = body.entries.empty() ? Index(1 + Below(1000)) : body.entries.front().index;
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
  RC_ASSERT(body.entries == append.entries);
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

// --- Refusals: a good message with one field spoilt ---

template <class Wire>
std::string Header(Wire& wire, std::uint64_t term) {
  wire.mutable_header()->set_cluster(kCluster.value());
  wire.mutable_header()->set_from(1);
  wire.mutable_header()->set_to(2);
  wire.mutable_header()->set_term(term);
  wire.mutable_header()->set_incarnation(4);
  return wire.SerializeAsString();
}

std::string ErrorOf(MessageKind kind, const std::string& bytes) {
  const auto decoded = DecodeMessage(kind, bytes, kCluster);
  EXPECT_FALSE(decoded.ok());
  EXPECT_TRUE(absl::IsInvalidArgument(decoded.status())) << decoded.status();
  return std::string(decoded.status().message());
}

TEST(PeerMessages, AnEntryThatIsCutOrTooLongDoesNotParse) {
  raft::AppendEntriesRequest wire;
  wire.add_entries()->set_term(1);
  std::string bytes = wire.SerializeAsString();
  ASSERT_EQ(bytes, std::string("\x32\x02\x08\x01", 4));
  for (const std::string& bad :
       {std::string("\x32\x03\x08\x01", 4), std::string("\x32\x01\x08\x01", 4),
        std::string("\x32\x02\x1a\x01", 4), std::string("\x32\x04\x08\x01\x1a\x7f", 6)}) {
    EXPECT_EQ(ErrorOf(MessageKind::kAppendEntriesRequest, bad),
              "AppendEntriesRequest: " + std::to_string(bad.size()) + " bytes that do not parse");
  }
}

std::string VoteErrorAfter(const std::function<void(raft::RequestVoteRequest&)>& spoil) {
  raft::RequestVoteRequest wire;
  wire.set_ballot(raft::VOTE);
  wire.set_campaign_term(3);
  Header(wire, 3);
  spoil(wire);
  return ErrorOf(MessageKind::kRequestVoteRequest, wire.SerializeAsString());
}

TEST(PeerMessages, RefuseAnUnknownBallot) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.set_ballot(static_cast<raft::Ballot>(7)); }),
            "RequestVoteRequest.ballot: 7 is not a ballot");
}

TEST(PeerMessages, RefuseABallotThatIsMissing) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.clear_ballot(); }),
            "RequestVoteRequest.ballot: 0 is not a ballot");
}

TEST(PeerMessages, RefuseASenderOrReceiverOfNobody) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.mutable_header()->set_from(0); }),
            "RequestVoteRequest.header.from: 0 is not a valid value");
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.mutable_header()->set_to(0); }),
            "RequestVoteRequest.header.to: 0 is not a valid value");
}

TEST(PeerMessages, RefuseAMessageToItsOwnSender) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.mutable_header()->set_to(1); }),
            "RequestVoteRequest.header.from: 1 is also the receiver");
}

TEST(PeerMessages, RefuseASenderWithoutAnIncarnation) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.mutable_header()->set_incarnation(0); }),
            "RequestVoteRequest.header.incarnation: 0 is not a valid value");
}

TEST(PeerMessages, RefuseAnAnswerWithoutAResultOrAStanding) {
  raft::AppendEntriesResponse wire;
  wire.set_standing(raft::PROVEN);
  EXPECT_EQ(ErrorOf(MessageKind::kAppendEntriesResponse, Header(wire, 3)),
            "AppendEntriesResponse.result: 0 is not a result");
  wire.set_result(raft::MATCHED);
  wire.set_standing(raft::STANDING_UNSPECIFIED);
  EXPECT_EQ(ErrorOf(MessageKind::kAppendEntriesResponse, Header(wire, 3)),
            "AppendEntriesResponse.standing: 0 is not a standing");
}

TEST(PeerMessages, RefuseAnAnswerThatPromisesMoreThanTimeHas) {
  raft::AppendEntriesResponse wire;
  wire.set_standing(raft::PROVEN);
  wire.set_result(raft::MATCHED);
  wire.set_defends(UINT64_MAX);
  EXPECT_EQ(ErrorOf(MessageKind::kAppendEntriesResponse, Header(wire, 3)),
            "AppendEntriesResponse.defends: 18446744073709551615 is longer than any election "
            "timeout");
}

TEST(PeerMessages, RefuseACampaignForTermZero) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.set_campaign_term(0); }),
            "RequestVoteRequest.campaign_term: 0 is not a valid value");
}

TEST(PeerMessages, RefuseALogWithATermButNoEntry) {
  EXPECT_EQ(VoteErrorAfter([](auto& wire) { wire.set_last_log_term(2); }),
            "RequestVoteRequest.last_log_term: 2 does not fit last_log_index");
}

std::string AppendErrorAfter(const std::function<void(raft::AppendEntriesRequest&)>& spoil) {
  raft::AppendEntriesRequest wire;
  wire.set_prev_log_index(4);
  wire.set_prev_log_term(2);
  raft::LogEntry& entry = *wire.add_entries();
  entry.set_term(3);
  entry.set_type(2);
  entry.set_payload(std::string(EncodeCommand(Command()).view()));
  Header(wire, 3);
  spoil(wire);
  return ErrorOf(MessageKind::kAppendEntriesRequest, wire.SerializeAsString());
}

std::string ChunkErrorAfter(const std::function<void(raft::InstallSnapshotRequest&)>& spoil) {
  raft::InstallSnapshotRequest wire;
  wire.mutable_meta()->set_index(5);
  wire.mutable_meta()->set_term(2);
  wire.mutable_meta()->set_configuration(
      EncodeConfiguration(Configuration({MakeMember("a", "a:1")})));
  Header(wire, 3);
  spoil(wire);
  return ErrorOf(MessageKind::kInstallSnapshotRequest, wire.SerializeAsString());
}

TEST(PeerMessages, RefuseAnUnknownEntryType) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_type(9); }),
            "AppendEntriesRequest.entries.type: 9 is not an entry type");
}

TEST(PeerMessages, RefuseEntriesWhoseTermsFall) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_term(1); }),
            "AppendEntriesRequest.entries.term: 1 is below the term of the entry before it");
}

TEST(PeerMessages, RefuseEntriesAboveTheLeadersTerm) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_term(4); }),
            "AppendEntriesRequest.entries.term: 4 is above the term of the leader");
}

TEST(PeerMessages, RefuseAConfigurationEntryThatDoesNotDecode) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_type(3); }),
            "AppendEntriesRequest.entries.payload: does not decode as a configuration");
}

// Bytes that decode are not yet a configuration that a cluster can have.
TEST(PeerMessages, RefuseAConfigurationThatNoClusterHas) {
  const std::string rule = "is a configuration that no cluster has: ";
  const Member voter = MakeMember("a", "h:1");
  const auto error = [](std::vector<Member> members) {
    const std::string bytes = EncodeConfiguration(Configuration(std::move(members)));
    const std::string of_entry = AppendErrorAfter([&](auto& wire) {
      wire.mutable_entries(0)->set_type(3);
      wire.mutable_entries(0)->set_payload(bytes);
    });
    const std::string of_snapshot =
        ChunkErrorAfter([&](auto& wire) { wire.mutable_meta()->set_configuration(bytes); });
    const std::string entry_field = "AppendEntriesRequest.entries.payload: ";
    const std::string snapshot_field = "InstallSnapshotRequest.meta.configuration: ";
    EXPECT_EQ(of_entry.find(entry_field), 0u) << of_entry;
    EXPECT_EQ(of_snapshot.find(snapshot_field), 0u) << of_snapshot;
    EXPECT_EQ(of_entry.substr(entry_field.size()), of_snapshot.substr(snapshot_field.size()));
    return of_entry.substr(entry_field.size());
  };
  EXPECT_EQ(error({}), rule + "a cluster needs at least one voting member");
  EXPECT_EQ(error({MakeMember("a", "h:1", MemberRole::kLearner)}),
            rule + "a cluster needs at least one voting member");
  EXPECT_EQ(error({voter, MakeMember("b", "h:1")}).find(rule + "the members "), 0u);
  EXPECT_EQ(error({voter, MakeMember("b", "")}), rule + "member 'b' has no address");
  EXPECT_EQ(error({voter, MakeMember("b", "h:2", MemberRole::kLeaving)}),
            rule + "member 'b' leaves a configuration that it is not in");
  EXPECT_EQ(error({voter, MakeMember("../b", "h:2")}).find(rule), 0u);
}

TEST(PeerMessages, NameTheFirstFieldThatIsWrong) {
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) {
              wire.mutable_meta()->set_index(0);
              wire.mutable_meta()->set_configuration("?");
            }),
            "InstallSnapshotRequest.meta.index: 0 is not a valid value");
}

TEST(PeerMessages, RefuseANoopWithAPayload) {
  EXPECT_EQ(
      AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_type(1); }),
      "AppendEntriesRequest.entries.payload: " + std::to_string(EncodeCommand(Command()).size()) +
          " bytes in an entry that carries none");
}

TEST(PeerMessages, RefuseACommandThatDoesNotDecode) {
  EXPECT_EQ(AppendErrorAfter([](auto& wire) { wire.mutable_entries(0)->set_payload("command"); }),
            "AppendEntriesRequest.entries.payload: does not decode as a command");
}

// It would be the highest for ever: no later one could be campaigned for.
TEST(PeerMessages, RefuseATermThatWouldOverflow) {
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  EXPECT_NE(AppendErrorAfter([=](auto& wire) {
              wire.mutable_header()->set_term(last);
            }).find("AppendEntriesRequest.header.term"),
            std::string::npos);
  EXPECT_NE(VoteErrorAfter([=](auto& wire) {
              wire.set_campaign_term(last);
            }).find("RequestVoteRequest.campaign_term"),
            std::string::npos);
}

TEST(PeerMessages, RefuseAnIndexThatWouldOverflow) {
  EXPECT_NE(AppendErrorAfter([](auto& wire) {
              wire.set_prev_log_index(std::numeric_limits<std::uint64_t>::max());
            }).find("AppendEntriesRequest.prev_log_index"),
            std::string::npos);
}

TEST(PeerMessages, RefuseASnapshotWithoutAConfiguration) {
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) { wire.mutable_meta()->set_configuration("?"); }),
            "InstallSnapshotRequest.meta.configuration: does not decode as a configuration");
}

TEST(PeerMessages, RefuseASnapshotAtIndexZeroOrOfALaterTerm) {
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) { wire.mutable_meta()->set_index(0); }),
            "InstallSnapshotRequest.meta.index: 0 is not a valid value");
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) { wire.mutable_meta()->set_term(4); }),
            "InstallSnapshotRequest.meta.term: 4 is above the term of the leader");
  EXPECT_EQ(ChunkErrorAfter([](auto& wire) { wire.mutable_meta()->set_configuration_index(6); }),
            "InstallSnapshotRequest.meta.configuration_index: 6 is above meta.index");
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

TEST(PeerMessages, RefuseAReadWithoutANumber) {
  raft::ReadIndexRequest wire;
  EXPECT_EQ(ErrorOf(MessageKind::kReadIndexRequest, Header(wire, 1)),
            "ReadIndexRequest.read: 0 is not a valid value");
}

TEST(PeerMessages, RefuseBytesThatDoNotParse) {
  EXPECT_EQ(ErrorOf(MessageKind::kTimeoutNow, "\xff\xff\xff"),
            "TimeoutNowRequest: 3 bytes that do not parse");
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
