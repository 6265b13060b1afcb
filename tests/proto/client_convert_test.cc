#include "proto/client_convert.h"

#include "tests/property.h"

namespace grassdb {
namespace {

std::string AnyText() {
  return *rc::gen::arbitrary<std::string>();
}
std::uint64_t Any() {
  return *rc::gen::arbitrary<std::uint64_t>();
}

Operation AnyOperation() {
  return {.kind = *rc::gen::element(Operation::Kind::kPut, Operation::Kind::kDelete,
                                    Operation::Kind::kGet),
          .key = AnyText(),
          .value = AnyText()};
}

Compare AnyCompare() {
  return {
      .target = *rc::gen::element(Compare::Target::kValue, Compare::Target::kVersion,
                                  Compare::Target::kCreateRevision, Compare::Target::kModRevision),
      .relation = *rc::gen::element(Compare::Relation::kEqual, Compare::Relation::kNotEqual,
                                    Compare::Relation::kLess, Compare::Relation::kGreater),
      .key = AnyText(),
      .value = AnyText(),
      .number = Any()};
}

template <class Make>
auto Several(Make make) {
  std::vector<decltype(make())> result;
  const auto count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i) result.push_back(make());
  return result;
}

Reply AnyReply() {
  Reply reply;
  reply.code = static_cast<ReplyCode>(*rc::gen::inRange(1, 10));
  reply.error = *rc::gen::string<std::string>();
  if (*rc::gen::arbitrary<bool>()) {
    reply.leader_name = "node" + std::to_string(*rc::gen::inRange(1, 9));
    reply.leader = NodeIdOf(reply.leader_name);
    reply.leader_address = "host:1";
  }
  return reply;
}

void AssertSameOutcome(const Reply& a, const Reply& b) {
  RC_ASSERT(a.code == b.code);
  RC_ASSERT(a.error == b.error);
  RC_ASSERT(a.leader == b.leader);
  RC_ASSERT(a.leader_name == b.leader_name);
  RC_ASSERT(a.leader_address == b.leader_address);
}

RC_GTEST_PROP(ClientProtocol, TransactionsArriveAsTheyWereSent, ()) {
  TransactionRequest request;
  request.session = SessionId(1 + Any() / 2);
  request.acknowledged = Sequence(Any() / 2);
  request.sequence = request.acknowledged + 1 + Any() / 4;
  request.transaction.compares = Several(AnyCompare);
  request.transaction.success = Several(AnyOperation);
  request.transaction.failure = Several(AnyOperation);
  const auto arrived = FromWire(ToWire(request));
  RC_ASSERT(arrived.ok());
  const auto& transaction = std::get<TransactionRequest>(*arrived);
  RC_ASSERT(transaction.session == request.session);
  RC_ASSERT(transaction.sequence == request.sequence);
  RC_ASSERT(transaction.acknowledged == request.acknowledged);
  RC_ASSERT(transaction.transaction == request.transaction);
}

RC_GTEST_PROP(ClientProtocol, GetsArriveAsTheyWereSent, ()) {
  const GetRequest request{
      .mode = *rc::gen::element(ReadMode::kStale, ReadMode::kLinearizable, ReadMode::kLease),
      .key = AnyText()};
  const auto arrived = FromWire(ToWire(request));
  RC_ASSERT(arrived.ok());
  RC_ASSERT(std::get<GetRequest>(*arrived).mode == request.mode);
  RC_ASSERT(std::get<GetRequest>(*arrived).key == request.key);
}

RC_GTEST_PROP(ClientProtocol, TransactionRepliesArriveAsTheyWereSent, ()) {
  Reply reply = AnyReply();
  reply.command.succeeded = reply.code == ReplyCode::kOk && *rc::gen::arbitrary<bool>();
  reply.command.revision = Revision(Any());
  reply.command.operations = Several([] {
    return OperationResult{
        .found = *rc::gen::arbitrary<bool>(), .value = AnyText(), .mod_revision = Revision(Any())};
  });
  wire::TransactResponse response;
  ToWire(Reply(reply), &response);
  const auto arrived = ReplyFrom(std::move(response));
  RC_ASSERT(arrived.ok());
  AssertSameOutcome(*arrived, reply);
  RC_ASSERT(arrived->command == reply.command);
}

// Also a lone put, which travels as a Set.
RC_GTEST_PROP(ClientProtocol, WritesOfAPipelineArriveAsTheyWereSent, ()) {
  TransactionRequest request;
  request.session = SessionId(1 + Any() / 2);
  request.acknowledged = Sequence(Any() / 2);
  request.sequence = request.acknowledged + 1 + Any() / 4;
  request.transaction.success = Several(AnyOperation);
  if (*rc::gen::arbitrary<bool>()) request.transaction.compares = Several(AnyCompare);
  if (*rc::gen::arbitrary<bool>()) request.transaction.failure = Several(AnyOperation);
  wire::PipelineOperation operation;
  ToWire(ClientRequest(request), &operation);
  const auto arrived = FromWire(std::move(operation));
  RC_ASSERT(arrived.ok());
  const auto& transaction = std::get<TransactionRequest>(*arrived);
  RC_ASSERT(transaction.session == request.session);
  RC_ASSERT(transaction.sequence == request.sequence);
  RC_ASSERT(transaction.acknowledged == request.acknowledged);
  RC_ASSERT(transaction.transaction == request.transaction);
}

TEST(ClientProtocol, APutOfAPipelineTravelsAsASetAndOtherOperationsAsWhatTheyAre) {
  const auto kind = [](const ClientRequest& request) {
    wire::PipelineOperation operation;
    ToWire(request, &operation);
    return operation.operation_case();
  };
  TransactionRequest put;
  put.transaction = PutTransaction("k", "v");
  EXPECT_EQ(kind(put), wire::PipelineOperation::kSet);
  put.transaction = DeleteTransaction("k");
  EXPECT_EQ(kind(put), wire::PipelineOperation::kTransact);
  EXPECT_EQ(kind(GetRequest{.mode = ReadMode::kStale, .key = "k"}), wire::PipelineOperation::kGet);
  EXPECT_EQ(kind(OpenSessionRequest{}), wire::PipelineOperation::kOpenSession);
  EXPECT_EQ(kind(CloseSessionRequest{SessionId(3)}), wire::PipelineOperation::kCloseSession);
}

// The leader is named only where the code is not OK.
RC_GTEST_PROP(ClientProtocol, AnswersOfAPipelineArriveAsTheyWereSent, ()) {
  Reply reply = AnyReply();
  reply.command.succeeded = reply.code == ReplyCode::kOk;
  reply.command.revision = Revision(Any());
  const auto kind =
      *rc::gen::element(wire::PipelineOperation::kSet, wire::PipelineOperation::kGet,
                        wire::PipelineOperation::kTransact, wire::PipelineOperation::kCloseSession);
  wire::PipelineAnswer answer;
  answer.set_id(7);
  ToWire(Reply(reply), kind, &answer);
  const bool refused_read = kind == wire::PipelineOperation::kGet && reply.code != ReplyCode::kOk;
  RC_ASSERT((answer.answer_case() == wire::PipelineAnswer::kError) ==
            (refused_read || reply.code == ReplyCode::kInvalid));
  RC_ASSERT(answer.id() == 7u);
  const auto arrived = ReplyFrom(std::move(answer));
  RC_ASSERT(arrived.ok());
  if (reply.code == ReplyCode::kOk) {
    RC_ASSERT(arrived->leader_name.empty());
    reply.leader = NodeId();
    reply.leader_name.clear();
    reply.leader_address.clear();
    if (kind == wire::PipelineOperation::kGet) reply.error.clear();
  }
  AssertSameOutcome(*arrived, reply);
}

TEST(ClientProtocol, AnAnswerOfAPipelineThatSaysNothingIsRefused) {
  wire::PipelineAnswer answer;
  answer.set_id(3);
  EXPECT_EQ(ReplyFrom(std::move(answer)).status().message(), "answer: to id 3 says nothing");
  wire::PipelineAnswer ok;
  ok.mutable_error()->set_code(wire::OK);
  EXPECT_EQ(ReplyFrom(std::move(ok)).status().message(), "error.code: OK");
}

RC_GTEST_PROP(ClientProtocol, SetRepliesArriveAsTheyWereSent, ()) {
  Reply reply = AnyReply();
  reply.command.revision = Revision(Any());
  wire::SetResponse response;
  ToWire(Reply(reply), &response);
  RC_ASSERT(response.success() == (reply.code == ReplyCode::kOk));
  const auto arrived = ReplyFrom(std::move(response));
  RC_ASSERT(arrived.ok());
  AssertSameOutcome(*arrived, reply);
  RC_ASSERT(arrived->command.revision == reply.command.revision);
}

RC_GTEST_PROP(ClientProtocol, SessionsArriveAsTheyWereSent, ()) {
  Reply reply = AnyReply();
  reply.command.session = SessionId(1 + Any() / 2);
  wire::OpenSessionResponse response;
  ToWire(Reply(reply), &response);
  const auto arrived = ReplyFrom(std::move(response));
  RC_ASSERT(arrived.ok());
  AssertSameOutcome(*arrived, reply);
  RC_ASSERT(arrived->command.session == reply.command.session);
}

RC_GTEST_PROP(ClientProtocol, TheEndOfASessionArrivesAsItWasSent, ()) {
  const CloseSessionRequest request{SessionId(1 + Any() / 2)};
  RC_ASSERT(FromWire(ToWire(request)).value() == ClientRequest(request));
  wire::PipelineOperation operation;
  ToWire(ClientRequest(request), &operation);
  RC_ASSERT(FromWire(std::move(operation)).value() == ClientRequest(request));
  const Reply reply = AnyReply();
  wire::CloseSessionResponse response;
  ToWire(Reply(reply), &response);
  const auto arrived = ReplyFrom(std::move(response));
  RC_ASSERT(arrived.ok());
  AssertSameOutcome(*arrived, reply);
}

TEST(ClientProtocol, RefusesToCloseWhatIsNoSession) {
  EXPECT_EQ(FromWire(wire::CloseSessionRequest()).status().message(),
            "session: 0 is no session that could be closed");
}

RC_GTEST_PROP(ClientProtocol, ValuesArriveAsTheyWereSent, ()) {
  Reply reply;
  reply.found = *rc::gen::arbitrary<bool>();
  if (reply.found) reply.value = AnyText();
  reply.mod_revision = Revision(Any());
  reply.revision = Revision(Any());
  wire::GetResponse response;
  ToWire(Reply(reply), &response);
  const auto arrived = ReplyFrom(std::move(response));
  RC_ASSERT(arrived.ok());
  RC_ASSERT(arrived->found == reply.found);
  RC_ASSERT(arrived->value == reply.value);
  RC_ASSERT(arrived->mod_revision == reply.mod_revision);
  RC_ASSERT(arrived->revision == reply.revision);
}

TEST(ClientProtocol, ASetIsATransactionWithOnePut) {
  wire::SetRequest set;
  set.set_key("k");
  set.set_value(std::string("\0\xff", 2));
  const auto request = FromWire(std::move(set));
  ASSERT_TRUE(request.ok());
  const auto& transaction = std::get<TransactionRequest>(*request);
  EXPECT_EQ(transaction.transaction, PutTransaction("k", std::string("\0\xff", 2)));
  EXPECT_EQ(transaction.session, SessionId(0));
}

TEST(ClientProtocol, FieldNumbersOfTheOriginalApiAreKept) {
  wire::SetRequest set;
  set.set_key("k");
  set.set_value("v");
  EXPECT_EQ(set.SerializeAsString(), "\x0a\x01k\x12\x01v");
  wire::GetResponse got;
  got.set_value("v");
  got.set_found(true);
  EXPECT_EQ(got.SerializeAsString(), "\x0a\x01v\x10\x01");
  wire::SetResponse refused;
  refused.set_leader_id("n");
  refused.set_error("e");
  EXPECT_EQ(refused.SerializeAsString(),
            "\x12\x01n\x1a\x01"
            "e");
}

std::string ErrorOf(wire::TransactRequest request) {
  const auto result = FromWire(std::move(request));
  EXPECT_TRUE(absl::IsInvalidArgument(result.status()));
  return std::string(result.status().message());
}

TEST(ClientProtocol, RefusesAnUnknownOperation) {
  wire::TransactRequest request;
  request.add_success()->set_kind(wire::Operation::GET);
  request.add_success()->set_kind(static_cast<wire::Operation::Kind>(4));
  EXPECT_EQ(ErrorOf(request), "success[1].kind: 4 is not an operation");
}

TEST(ClientProtocol, RefusesACompareWithoutATarget) {
  wire::TransactRequest request;
  request.add_compares()->set_relation(wire::Compare::EQUAL);
  EXPECT_EQ(ErrorOf(request), "compares[0].target: 0 is not a target");
}

TEST(ClientProtocol, RefusesASequenceWithoutASession) {
  wire::TransactRequest request;
  request.set_sequence(3);
  EXPECT_EQ(ErrorOf(request), "session: 0 (no session), but sequence is 3 and acknowledged is 0");
}

TEST(ClientProtocol, RefusesASessionWithoutASequence) {
  wire::TransactRequest request;
  request.set_session(3);
  EXPECT_EQ(ErrorOf(request), "sequence: 0; the writes of a session are numbered from 1");
}

TEST(ClientProtocol, RefusesAnAcknowledgementOfTheWriteItself) {
  wire::TransactRequest request;
  request.set_session(3);
  request.set_sequence(2);
  request.set_acknowledged(2);
  EXPECT_EQ(ErrorOf(request), "acknowledged: 2 is not below sequence 2");
}

TEST(ClientProtocol, RefusesAReplyWithAnUnknownCode) {
  wire::TransactResponse response;
  response.set_code(static_cast<wire::ReplyCode>(99));
  EXPECT_FALSE(ReplyFrom(std::move(response)).ok());
  EXPECT_FALSE(ReplyFrom(wire::TransactResponse()).ok());
}

TEST(ClientProtocol, RefusesASuccessThatDoesNotFitItsCode) {
  wire::SetResponse response;
  response.set_success(true);
  response.set_code(wire::NOT_LEADER);
  EXPECT_FALSE(ReplyFrom(std::move(response)).ok());
}

TEST(ClientProtocol, RefusesAReadOfTwoKinds) {
  wire::GetRequest request;
  request.set_stale(true);
  request.set_lease(true);
  EXPECT_EQ(FromWire(std::move(request)).status().message(),
            "lease: true, and so is stale; a read is of one kind");
}

// --- The membership ---

MemberChange AnyChange() {
  MemberChange change;
  change.kind = static_cast<MemberChange::Kind>(*rc::gen::inRange(1, 8));
  change.name = "node" + std::to_string(*rc::gen::inRange(1, 9));
  const wire::MemberChange::Kind kind = static_cast<wire::MemberChange::Kind>(change.kind);
  if (kind == wire::MemberChange::ADD || kind == wire::MemberChange::ADD_LEARNER ||
      kind == wire::MemberChange::REPLACE || kind == wire::MemberChange::MOVE) {
    change.address = "host:" + std::to_string(*rc::gen::inRange(1, 9));
  }
  if (kind == wire::MemberChange::REPLACE) change.replaced = "old";
  return change;
}

RC_GTEST_PROP(ClientProtocol, MembershipChangesArriveAsTheyWereSent, ()) {
  ChangeMembershipRequest request;
  const auto count = static_cast<std::size_t>(*rc::gen::inRange(1, 65));
  while (request.changes.size() < count) request.changes.push_back(AnyChange());
  const auto arrived = FromWire(ToWire(request));
  RC_ASSERT(arrived.ok());
  const auto& changes = std::get<ChangeMembershipRequest>(*arrived).changes;
  RC_ASSERT(changes.size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    RC_ASSERT(changes[i].kind == request.changes[i].kind);
    RC_ASSERT(changes[i].name == request.changes[i].name);
    RC_ASSERT(changes[i].address == request.changes[i].address);
    RC_ASSERT(changes[i].replaced == request.changes[i].replaced);
  }
}

RC_GTEST_PROP(ClientProtocol, MembershipRepliesArriveAsTheyWereSent, ()) {
  const Reply reply = AnyReply();
  wire::ChangeMembershipResponse response;
  ToWire(Reply(reply), &response);
  const auto arrived = ReplyFrom(std::move(response));
  RC_ASSERT(arrived.ok());
  AssertSameOutcome(*arrived, reply);
}

// The error of a request whose second change, the replacement of "b" by "a" at h:1, is spoilt.
template <class Spoil>
std::string ChangeErrorAfter(Spoil spoil) {
  wire::ChangeMembershipRequest request;
  wire::MemberChange* change = request.add_changes();
  change->set_kind(wire::MemberChange::REMOVE);
  change->set_name("gone");
  change = request.add_changes();
  change->set_kind(wire::MemberChange::REPLACE);
  change->set_name("a");
  change->set_address("h:1");
  change->set_replaced("b");
  spoil(*change);
  const auto result = FromWire(std::move(request));
  EXPECT_TRUE(absl::IsInvalidArgument(result.status()));
  return std::string(result.status().message());
}

TEST(ClientProtocol, RefusesAChangeOfAnUnknownKind) {
  EXPECT_EQ(ChangeErrorAfter(
                [](auto& change) { change.set_kind(static_cast<wire::MemberChange::Kind>(8)); }),
            "changes[1].kind: 8 is not a change");
  EXPECT_EQ(ChangeErrorAfter([](auto& change) { change.clear_kind(); }),
            "changes[1].kind: 0 is not a change");
}

TEST(ClientProtocol, RefusesANameThatNoMemberCanHave) {
  EXPECT_EQ(ChangeErrorAfter([](auto& change) { change.set_name(""); }),
            "changes[1].name: a member has an empty name");
  EXPECT_NE(ChangeErrorAfter([](auto& change) {
              change.set_name("a/b");
            }).find("changes[1].name: the member name 'a/b' may hold only"),
            std::string::npos);
  EXPECT_EQ(ChangeErrorAfter([](auto& change) { change.set_replaced(""); }),
            "changes[1].replaced: a member has an empty name");
  EXPECT_EQ(ChangeErrorAfter([](auto& change) { change.set_replaced("a"); }),
            "changes[1].replaced: 'a' cannot replace itself");
}

TEST(ClientProtocol, RefusesAFieldThatDoesNotFitTheChange) {
  EXPECT_EQ(ChangeErrorAfter([](auto& change) { change.clear_address(); }),
            "changes[1].address: '' does not fit REPLACE");
  EXPECT_EQ(ChangeErrorAfter([](auto& change) { change.set_kind(wire::MemberChange::DEMOTE); }),
            "changes[1].address: 'h:1' does not fit DEMOTE");
  EXPECT_EQ(ChangeErrorAfter([](auto& change) { change.set_kind(wire::MemberChange::ADD); }),
            "changes[1].replaced: 'b' does not fit ADD");
}

TEST(ClientProtocol, RefusesNoChangeAndTooMany) {
  EXPECT_EQ(FromWire(wire::ChangeMembershipRequest()).status().message(),
            "changes: 0 of them; from 1 to 64 go into one request");
  wire::ChangeMembershipRequest request;
  for (int i = 0; i < 65; ++i) request.add_changes();
  EXPECT_EQ(FromWire(std::move(request)).status().message(),
            "changes: 65 of them; from 1 to 64 go into one request");
}

TEST(ClientProtocol, AStatusTellsTheMembershipAndEveryFollowersProgress) {
  Member joining = MakeMember("c", "h:3", MemberRole::kJoining);
  joining.replaces = NodeIdOf("b");
  Member outgoing = MakeMember("b", "h:2");
  outgoing.outgoing = true;
  NodeStatus status;
  status.id = NodeIdOf("a");
  status.leader = status.id;
  status.configuration = Configuration({MakeMember("a", "h:1"), outgoing, joining});
  status.configuration_index = Index(7);
  status.changing_membership = true;
  status.transfer_target = NodeIdOf("b");
  status.receiving_index = Index(8);
  status.receiving_offset = 9;
  status.failures_tolerated = 10;
  status.followers.push_back({.id = NodeIdOf("c"),
                              .state = ProgressState::kSnapshot,
                              .counts = false,
                              .match = Index(1),
                              .next = Index(2),
                              .lag = 3,
                              .snapshot_index = Index(4),
                              .snapshot_offset = 5,
                              .silent = std::chrono::milliseconds(6)});
  status.followers.emplace_back().id = NodeId(0xabc);
  Identity self;
  self.cluster = ClusterId(0xfeed);
  self.cluster_name = "blue";
  self.node_name = "a";
  wire::StatusResponse response;
  ToWire(status, self, &response);
  EXPECT_EQ(response.id(), "a");
  EXPECT_EQ(response.cluster(), "blue");
  EXPECT_EQ(response.cluster_id(), 0xfeedu);
  EXPECT_EQ(response.configuration_index(), 7u);
  EXPECT_TRUE(response.changing_membership());
  EXPECT_EQ(response.transfer_target_id(), "b");
  EXPECT_EQ(response.receiving_index(), 8u);
  EXPECT_EQ(response.receiving_offset(), 9u);
  EXPECT_EQ(response.failures_tolerated(), 10u);
  ASSERT_EQ(response.members_size(), 3);
  for (const wire::MemberStatus& member : response.members()) {
    EXPECT_EQ(member.role(), member.id() == "c" ? "joining" : "voter");
    EXPECT_EQ(member.voter(), member.id() != "c");
    EXPECT_EQ(member.outgoing(), member.id() == "b");
    EXPECT_EQ(member.replaces(), member.id() == "c" ? "b" : "");
  }
  ASSERT_EQ(response.followers_size(), 2);
  const wire::FollowerStatus& follower = response.followers(0);
  EXPECT_EQ(follower.id(), "c");
  EXPECT_EQ(follower.state(), "snapshot");
  EXPECT_EQ(follower.lag(), 3u);
  EXPECT_EQ(follower.silent_ms(), 6u);
  EXPECT_EQ(follower.snapshot_index(), 4u);
  EXPECT_EQ(follower.snapshot_offset(), 5u);
  EXPECT_FALSE(follower.counts());
  EXPECT_EQ(response.followers(1).id(), "0000000000000abc") << "no member any more";
}

TEST(ClientProtocol, ANodeThatHasJustJoinedKnowsItsNameAndCluster) {
  Identity self;
  self.cluster = ClusterId(1);
  self.cluster_name = "blue";
  self.node_name = "new";
  wire::StatusResponse response;
  ToWire(NodeStatus(), self, &response);
  EXPECT_EQ(response.id(), "new");
  EXPECT_EQ(response.members_size(), 0);
}

TEST(ClientProtocol, EveryCodeHasANameThatIsReadBack) {
  for (int code = 1; code <= 9; ++code) {
    const auto value = static_cast<ReplyCode>(code);
    EXPECT_EQ(ReplyCodeFrom(WireNameOf(value)), value);
  }
  EXPECT_EQ(ReplyCodeFrom("REPLY_CODE_UNSPECIFIED"), std::nullopt);
  EXPECT_EQ(ReplyCodeFrom("NONSENSE"), std::nullopt);
}

}  // namespace
}  // namespace grassdb
