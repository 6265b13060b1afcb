#include "core/client.h"

#include <gtest/gtest.h>

#include <map>

namespace grassdb {
namespace {

using std::chrono::milliseconds;

Reply ReplyOf(ReplyCode code, const std::string& error = "") {
  Reply reply;
  reply.code = code;
  reply.error = error;
  return reply;
}

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() { client_.Begin(now_, PutTransaction("k", "v")); }

  // The next attempt, waiting out backoffs.
  Attempt Next() {
    for (int i = 0; i < 100; ++i) {
      if (auto attempt = client_.Next(now_)) return *attempt;
      if (client_.outcome().has_value()) break;
      now_ = std::max(now_, client_.NextDeadline());
      client_.OnDeadline(now_);
    }
    ADD_FAILURE() << "the client has nothing to send";
    return {};
  }
  void Answer(const Attempt& attempt, ReplyCode code, const std::string& leader = "") {
    Reply reply;
    reply.code = code;
    reply.leader_address = leader;
    client_.OnReply(now_, attempt.id, reply);
  }
  void Open(std::uint64_t session) {
    const Attempt attempt = Next();
    ASSERT_TRUE(std::holds_alternative<OpenSessionRequest>(attempt.request));
    Reply reply;
    reply.command.session = SessionId(session);
    client_.OnReply(now_, attempt.id, reply);
  }
  Outcome::Code Code() const { return client_.outcome()->code; }
  static const TransactionRequest& Write(const Attempt& attempt) {
    return std::get<TransactionRequest>(attempt.request);
  }

  Instant now_{std::chrono::seconds(1)};
  Client client_{ClientOptions{.endpoints = {"a:1", "b:2", "c:3"}}};
};

TEST_F(ClientTest, OpensASessionAndWritesInIt) {
  Open(7);
  const Attempt attempt = Next();
  EXPECT_EQ(Write(attempt).session, SessionId(7));
  EXPECT_EQ(Write(attempt).sequence, Sequence(1));
  Answer(attempt, ReplyCode::kOk);
  ASSERT_TRUE(client_.outcome().has_value());
  EXPECT_EQ(Code(), Outcome::Code::kOk);
}

TEST_F(ClientTest, TheNextWriteGoesOnInTheSessionAtTheSameNode) {
  Open(7);
  Answer(Next(), ReplyCode::kOk);
  client_.Begin(now_, PutTransaction("k", "w"));
  const Attempt attempt = Next();
  EXPECT_EQ(Write(attempt).sequence, Sequence(2));
  EXPECT_EQ(Write(attempt).acknowledged, Sequence(1));
  EXPECT_EQ(attempt.endpoint, "a:1");
}

TEST_F(ClientTest, ClosesItsSessionAndOpensAnotherOneForTheNextWrite) {
  Open(7);
  Answer(Next(), ReplyCode::kOk);
  client_.Begin(now_, CloseSession{});
  const Attempt first = Next();
  EXPECT_EQ(std::get<CloseSessionRequest>(first.request).session, SessionId(7));
  client_.OnLost(now_, first.id, Loss::kMaybeSent, "connection lost");
  const Attempt second = Next();
  EXPECT_EQ(std::get<CloseSessionRequest>(second.request).session, SessionId(7)) << "repeated";
  Answer(second, ReplyCode::kOk);
  EXPECT_EQ(Code(), Outcome::Code::kOk);
  client_.Begin(now_, PutTransaction("k", "w"));
  Open(8);
  EXPECT_EQ(Write(Next()).sequence, Sequence(1));
}

TEST_F(ClientTest, HasNothingToCloseWithoutASession) {
  Client client{ClientOptions{.endpoints = {"a:1"}}};
  client.Begin(now_, CloseSession{});
  ASSERT_TRUE(client.outcome().has_value());
  EXPECT_EQ(client.outcome()->code, Outcome::Code::kOk);
  EXPECT_FALSE(client.Next(now_).has_value());
}

TEST_F(ClientTest, GivesAClosingTheTimeOfOneAttemptAndForgetsTheSessionAllTheSame) {
  Open(7);
  Answer(Next(), ReplyCode::kOk);
  client_.Begin(now_, CloseSession{});
  (void)Next();
  EXPECT_EQ(client_.NextDeadline(), now_ + milliseconds(1000));
  now_ += milliseconds(1000);
  client_.OnDeadline(now_);
  ASSERT_TRUE(client_.outcome().has_value());
  EXPECT_EQ(Code(), Outcome::Code::kUnknown);
  client_.Begin(now_, PutTransaction("k", "w"));
  Open(8);
}

TEST_F(ClientTest, FollowsTheLeaderItIsTold) {
  Answer(Next(), ReplyCode::kNotLeader, "c:3");
  EXPECT_EQ(Next().endpoint, "c:3");
}

TEST_F(ClientTest, FollowsALeaderThatIsNotInItsList) {
  Answer(Next(), ReplyCode::kNotLeader, "d:4");
  EXPECT_EQ(Next().endpoint, "d:4");
}

TEST_F(ClientTest, IsNotSentRoundInCircles) {
  int asked = 0;
  const Instant start = now_;
  while (!client_.outcome().has_value() && asked < 1000) {
    const Attempt attempt = Next();
    if (client_.outcome().has_value()) break;
    ++asked;
    now_ += milliseconds(1);
    Answer(attempt, ReplyCode::kNotLeader, attempt.endpoint == "a:1" ? "b:2" : "a:1");
    if (now_ - start > std::chrono::seconds(4)) break;
  }
  EXPECT_LT(asked, 200);
}

// The leader has moved, and is on record with the place where another node is now.
TEST_F(ClientTest, GoesOnToTheOthersFromANodeThatNamesAWrongLeader) {
  Client client{ClientOptions{.endpoints = {"a:1", "b:2", "c:3", "d:4"}}};
  client.Begin(now_, GetRequest{ReadMode::kLinearizable, "k"});
  std::vector<std::string> asked;
  for (int i = 0; i < 20 && (asked.empty() || asked.back() != "d:4"); ++i) {
    std::optional<Attempt> attempt = client.Next(now_);
    if (!attempt.has_value()) {
      now_ = client.NextDeadline();
      client.OnDeadline(now_);
      attempt = client.Next(now_);
    }
    ASSERT_TRUE(attempt.has_value());
    asked.push_back(attempt->endpoint);
    Reply reply;
    reply.code = ReplyCode::kNotLeader;
    if (attempt->endpoint != "a:1") reply.leader_address = "a:1";
    client.OnReply(now_, attempt->id, std::move(reply));
  }
  EXPECT_EQ(asked.back(), "d:4") << "it has asked " << asked.size() << " times";
}

TEST_F(ClientTest, RepeatsAWriteWithTheSameNumber) {
  Open(7);
  const Attempt first = Next();
  client_.OnLost(now_, first.id, Loss::kMaybeSent, "connection lost");
  const Attempt second = Next();
  EXPECT_EQ(Write(second).sequence, Write(first).sequence);
  EXPECT_EQ(Write(second).session, Write(first).session);
  EXPECT_NE(second.endpoint, first.endpoint);
}

TEST_F(ClientTest, AnAttemptWithoutAnswerIsGivenUpAfterItsTimeout) {
  const Attempt first = Next();
  now_ += milliseconds(1000);
  client_.OnDeadline(now_);
  EXPECT_EQ(Next().endpoint, "b:2");
  // What comes late is not listened to.
  Answer(first, ReplyCode::kInvalid);
  EXPECT_FALSE(client_.outcome().has_value());
}

TEST_F(ClientTest, BacksOffWhenEveryEndpointHasFailed) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(client_.Next(now_).has_value());
    client_.OnLost(now_, AttemptId(static_cast<std::uint64_t>(i) + 1), Loss::kNeverSent, "refused");
  }
  EXPECT_FALSE(client_.Next(now_).has_value());
  EXPECT_GE(client_.NextDeadline() - now_, milliseconds(10));
  EXPECT_LE(client_.NextDeadline() - now_, milliseconds(20));
}

// The followers could only send it back.
TEST_F(ClientTest, WaitsAtAnOverloadedLeaderTwiceAsLongEachTime) {
  Answer(Next(), ReplyCode::kOverloaded);
  EXPECT_EQ(Next().endpoint, "a:1");
  client_.OnReply(now_, AttemptId(2), ReplyOf(ReplyCode::kOverloaded));
  EXPECT_GE(client_.NextDeadline() - now_, milliseconds(20));
  EXPECT_LE(client_.NextDeadline() - now_, milliseconds(40));
  Open(7);
  for (const int longest : {80, 160}) {
    const Attempt attempt = Next();
    EXPECT_EQ(attempt.endpoint, "a:1");
    EXPECT_EQ(Write(attempt).sequence, Sequence(1));
    Answer(attempt, ReplyCode::kOverloaded);
    EXPECT_GE(client_.NextDeadline() - now_, milliseconds(longest / 2));
    EXPECT_LE(client_.NextDeadline() - now_, milliseconds(longest));
  }
}

// It was the leader, and has no way to notice that it is none any more: its clock stands.
TEST_F(ClientTest, AWriteGoesOnFromANodeThatIsOverloadedForLong) {
  Open(7);
  int waits = 0;
  Attempt attempt = Next();
  for (; attempt.endpoint == "a:1" && waits < 10; ++waits) {
    Answer(attempt, ReplyCode::kOverloaded);
    attempt = Next();
  }
  EXPECT_EQ(waits, 4);
  EXPECT_EQ(attempt.endpoint, "b:2");
  Answer(attempt, ReplyCode::kNotLeader, "c:3");
  EXPECT_EQ(Next().endpoint, "c:3");
}

TEST_F(ClientTest, AReadGoesOnFromAnOverloadedNodeToTheNext) {
  Client client(ClientOptions{.endpoints = {"a:1", "b:2", "c:3"}});
  client.Begin(now_, GetRequest{.key = "k"});
  client.OnReply(now_, client.Next(now_)->id, ReplyOf(ReplyCode::kOverloaded));
  const std::optional<Attempt> next = client.Next(now_);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->endpoint, "b:2");
}

TEST_F(ClientTest, IsUnreachableWhenNothingWasEverSent) {
  while (!client_.outcome().has_value()) {
    if (auto attempt = client_.Next(now_)) {
      client_.OnLost(now_, attempt->id, Loss::kNeverSent, "refused");
    } else {
      now_ = client_.NextDeadline();
      client_.OnDeadline(now_);
    }
  }
  EXPECT_EQ(Code(), Outcome::Code::kUnreachable);
  EXPECT_EQ(now_, Instant(std::chrono::seconds(6)));
}

TEST_F(ClientTest, IsUnknownWhenAWriteMayHaveReachedALeader) {
  Open(7);
  Next();
  now_ += std::chrono::seconds(6);
  client_.OnDeadline(now_);
  EXPECT_EQ(Code(), Outcome::Code::kUnknown);
}

TEST_F(ClientTest, ARefusalDoesNotSettleAnEarlierAttempt) {
  Open(7);
  client_.OnLost(now_, Next().id, Loss::kMaybeSent, "lost");
  Answer(Next(), ReplyCode::kUnavailable);
  now_ += std::chrono::seconds(6);
  client_.OnDeadline(now_);
  EXPECT_EQ(Code(), Outcome::Code::kUnknown);
}

TEST_F(ClientTest, AReadIsNeverUnknown) {
  Client reader{ClientOptions{.endpoints = {"a:1"}}};
  reader.Begin(now_, GetRequest{.key = "k"});
  ASSERT_TRUE(reader.Next(now_).has_value());
  reader.OnDeadline(now_ + std::chrono::seconds(6));
  EXPECT_EQ(reader.outcome()->code, Outcome::Code::kUnreachable);
}

TEST_F(ClientTest, AnExpiredSessionIsReplacedIfNothingCanHaveHappened) {
  Open(7);
  Answer(Next(), ReplyCode::kSessionUnknown);
  Open(8);
  const Attempt attempt = Next();
  EXPECT_EQ(Write(attempt).session, SessionId(8));
  EXPECT_EQ(Write(attempt).sequence, Sequence(1));
}

TEST_F(ClientTest, AnExpiredSessionAfterALostAttemptIsUnknown) {
  Open(7);
  client_.OnLost(now_, Next().id, Loss::kMaybeSent, "lost");
  Answer(Next(), ReplyCode::kSessionUnknown);
  EXPECT_EQ(Code(), Outcome::Code::kUnknown);
}

TEST_F(ClientTest, ABrokenLimitIsFinal) {
  Open(7);
  Answer(Next(), ReplyCode::kInvalid);
  EXPECT_EQ(Code(), Outcome::Code::kRefused);
}

TEST_F(ClientTest, ADiskWithoutRoomIsFinalAndUnknownOnlyAfterALostAttempt) {
  Open(7);
  Answer(Next(), ReplyCode::kDiskFull);
  EXPECT_EQ(Code(), Outcome::Code::kDiskFull);
  Client admin{ClientOptions{.endpoints = {"a:1", "b:2"}}};
  admin.Begin(now_, ChangeMembershipRequest{});
  admin.OnLost(now_, admin.Next(now_)->id, Loss::kMaybeSent, "lost");
  admin.OnReply(now_, admin.Next(now_)->id, ReplyOf(ReplyCode::kDiskFull, "full"));
  EXPECT_EQ(admin.outcome()->code, Outcome::Code::kUnknown);
}

TEST_F(ClientTest, ATransferIsNotRepeatedBlindly) {
  Client admin{ClientOptions{.endpoints = {"a:1", "b:2"}}};
  admin.Begin(now_, TransferLeadershipRequest{});
  const auto attempt = admin.Next(now_);
  admin.OnLost(now_, attempt->id, Loss::kMaybeSent, "lost");
  EXPECT_EQ(admin.outcome()->code, Outcome::Code::kUnknown);
}

// Perhaps the lost attempt has done it, and that is why this one is refused.
TEST_F(ClientTest, ARefusalAfterALostAttemptIsUnknown) {
  for (const ReplyCode refusal : {ReplyCode::kRefused, ReplyCode::kInvalid}) {
    Client admin{ClientOptions{.endpoints = {"a:1", "b:2"}}};
    admin.Begin(now_, ChangeMembershipRequest{});
    admin.OnLost(now_, admin.Next(now_)->id, Loss::kMaybeSent, "lost");
    const auto again = admin.Next(now_);
    ASSERT_TRUE(again.has_value());
    admin.OnReply(now_, again->id, ReplyOf(refusal, "no"));
    EXPECT_EQ(admin.outcome()->code, Outcome::Code::kUnknown) << static_cast<int>(refusal);

    admin.Begin(now_, ChangeMembershipRequest{});
    admin.OnLost(now_, admin.Next(now_)->id, Loss::kNeverSent, "refused");
    admin.OnReply(now_, admin.Next(now_)->id, ReplyOf(refusal, "no"));
    EXPECT_EQ(admin.outcome()->code, Outcome::Code::kRefused) << "nothing was sent before";
  }
}

TEST_F(ClientTest, AChangeOfTheMembershipIsRepeated) {
  Client admin{ClientOptions{.endpoints = {"a:1", "b:2"}}};
  ChangeMembershipRequest change;
  change.changes.push_back(MemberChange{
      .kind = MemberChange::Kind::kAdd, .name = "n4", .address = "d:4", .replaced = {}});
  admin.Begin(now_, change);
  const auto first = admin.Next(now_);
  admin.OnReply(now_, first->id, ReplyOf(ReplyCode::kOutcomeUnknown, "lost it"));
  const auto second = admin.Next(now_);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->endpoint, "b:2");
  EXPECT_EQ(std::get<ChangeMembershipRequest>(second->request).changes.size(), 1u);
  admin.OnReply(now_, second->id, ReplyOf(ReplyCode::kOk));
  EXPECT_EQ(admin.outcome()->code, Outcome::Code::kOk);
}

TEST_F(ClientTest, AChangeOfTheMembershipThatWasNeverAnsweredIsUnknown) {
  Client admin{ClientOptions{.endpoints = {"a:1"}}};
  admin.Begin(now_, ChangeMembershipRequest{});
  ASSERT_TRUE(admin.Next(now_).has_value());
  admin.OnDeadline(now_ + std::chrono::seconds(6));
  EXPECT_EQ(admin.outcome()->code, Outcome::Code::kUnknown);
}

TEST_F(ClientTest, ATransferOfUnknownOutcomeIsSettled) {
  Client admin{ClientOptions{.endpoints = {"a:1", "b:2"}}};
  admin.Begin(now_, TransferLeadershipRequest{});
  admin.OnReply(now_, admin.Next(now_)->id,
                ReplyOf(ReplyCode::kOutcomeUnknown, "nobody leads yet"));
  ASSERT_TRUE(admin.outcome().has_value()) << "asked again, the new leader would hand over too";
  EXPECT_EQ(admin.outcome()->code, Outcome::Code::kUnknown);
  EXPECT_EQ(admin.outcome()->error, "nobody leads yet");
}

// Runs the client to its end against endpoints that always say the same.
class AtTheDeadline {
 public:
  explicit AtTheDeadline(std::vector<std::string> endpoints)
      : client_(ClientOptions{.endpoints = std::move(endpoints)}) {}

  Outcome Run(const std::map<std::string, std::string>& answers) {
    Instant now(std::chrono::seconds(1));
    client_.Begin(now, GetRequest{.mode = ReadMode::kLinearizable, .key = "k"});
    while (!client_.outcome().has_value()) {
      const auto attempt = client_.Next(now);
      if (!attempt.has_value()) {
        now = client_.NextDeadline();
        client_.OnDeadline(now);
      } else if (const auto at = answers.find(attempt->endpoint); at != answers.end()) {
        client_.OnReply(now, attempt->id, ReplyOf(ReplyCode::kUnavailable, at->second));
      } else {
        client_.OnLost(now, attempt->id, Loss::kNeverSent,
                       "cannot connect to " + attempt->endpoint);
      }
    }
    return *client_.outcome();
  }

 private:
  Client client_;
};

TEST(ClientErrors, AreThoseOfEveryEndpointTheAnswerOfANodeFirst) {
  const Outcome outcome = AtTheDeadline({"a:1", "b:2", "c:3"}).Run({{"b:2", "no quorum"}});
  EXPECT_EQ(outcome.code, Outcome::Code::kUnreachable);
  EXPECT_EQ(outcome.error.find("b:2: no quorum; "), 0u) << outcome.error;
  EXPECT_NE(outcome.error.find("cannot connect to a:1"), std::string::npos) << outcome.error;
  EXPECT_NE(outcome.error.find("cannot connect to c:3"), std::string::npos) << outcome.error;
  EXPECT_EQ(outcome.error.find("a:1: cannot"), std::string::npos) << "said once is enough";
}

TEST(ClientErrors, AreBounded) {
  std::vector<std::string> endpoints;
  for (int i = 1; i <= 20; ++i) endpoints.push_back("h:" + std::to_string(i));
  const Outcome outcome = AtTheDeadline(endpoints).Run({{"h:20", "no quorum"}});
  EXPECT_EQ(outcome.error.find("h:20: no quorum; "), 0u) << outcome.error;
  EXPECT_NE(outcome.error.find("; and 15 more"), std::string::npos) << outcome.error;
}

TEST(ClientErrors, NameTheAttemptThatWasUnderWay) {
  Client client{ClientOptions{.endpoints = {"a:1"}}};
  const Instant now(std::chrono::seconds(1));
  client.Begin(now, GetRequest{.mode = ReadMode::kLinearizable, .key = "k"});
  ASSERT_TRUE(client.Next(now).has_value());
  client.OnDeadline(now + std::chrono::seconds(6));
  EXPECT_EQ(client.outcome()->error, "a:1 did not answer in time");
}

}  // namespace
}  // namespace grassdb
