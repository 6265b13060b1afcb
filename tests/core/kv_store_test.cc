#include "core/kv_store.h"

#include <gtest/gtest.h>

namespace grassdb {
namespace {

class KvStoreTest : public ::testing::Test {
 protected:
  CommandResult Apply(Transaction transaction, SessionId session = {}, Sequence sequence = {},
                      Sequence acknowledged = {}) {
    Command command;
    command.time = time_;
    command.session = session;
    command.sequence = sequence;
    command.acknowledged = acknowledged;
    command.transaction = std::move(transaction);
    return store_.Apply(++index_, command);
  }
  SessionId Open() {
    Command command;
    command.kind = Command::Kind::kOpenSession;
    command.time = time_;
    return store_.Apply(++index_, command).session;
  }
  std::string ValueOf(const std::string& key) {
    const KeyValue* found = store_.Find(key);
    return found == nullptr ? "(nil)" : std::string(found->value());
  }

  // A write whose answer has the value of `key`.
  CommandResult ReadInSession(SessionId session, Sequence sequence, const std::string& key) {
    Transaction read = PutTransaction("reads", key);
    read.success.push_back({.kind = Operation::Kind::kGet, .key = key, .value = {}});
    return Apply(std::move(read), session, sequence);
  }

  // What that answer says; "(none)" if it is a refusal.
  std::string ValueReadInSession(SessionId session, Sequence sequence, const std::string& key) {
    const CommandResult result = ReadInSession(session, sequence, key);
    return result.operations.size() < 2 ? "(none)" : result.operations[1].value;
  }

  KvOptions options_{
      .session_idle_max = 1000, .sessions_max = 3, .answers_max = 4, .answer_bytes_max = 100};
  KvStore store_{options_};
  Index index_;
  ClusterTime time_ = 0;
};

TEST_F(KvStoreTest, KeepsRevisionsAndVersions) {
  Apply(PutTransaction("a", "1"));
  Apply(PutTransaction("b", "1"));
  Apply(PutTransaction("a", "2"));
  const KeyValue* a = store_.Find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->value(), "2");
  EXPECT_EQ(a->create_revision, Revision(1));
  EXPECT_EQ(a->mod_revision, Revision(3));
  EXPECT_EQ(a->version, 2u);
  EXPECT_EQ(store_.revision(), Revision(3));
}

TEST_F(KvStoreTest, AValueMayGrowAndShrink) {
  for (const std::size_t size : {3u, 4u, 300u, 299u, 0u, 5000u, 1u}) {
    const std::string value(size, static_cast<char>('a' + size % 26));
    Apply(PutTransaction("a", value));
    EXPECT_EQ(ValueOf("a"), value);
    KvStore other(options_);
    Command command;
    command.transaction = PutTransaction("a", value);
    for (std::uint64_t i = 1; i <= index_.value(); ++i) other.Apply(Index(i), command);
    EXPECT_EQ(store_.Find("a")->version, index_.value());
    EXPECT_EQ(store_.digest(), other.digest()) << "whatever it was before";
  }
}

TEST_F(KvStoreTest, ADeletedKeyBeginsAnew) {
  Apply(PutTransaction("a", "1"));
  EXPECT_TRUE(Apply(DeleteTransaction("a")).operations[0].found);
  EXPECT_EQ(ValueOf("a"), "(nil)");
  EXPECT_FALSE(Apply(DeleteTransaction("a")).operations[0].found);
  EXPECT_EQ(store_.revision(), Revision(2));  // deleting nothing changes nothing
  Apply(PutTransaction("a", "2"));
  EXPECT_EQ(store_.Find("a")->version, 1u);
  EXPECT_EQ(store_.Find("a")->create_revision, Revision(3));
}

TEST_F(KvStoreTest, ComparesAndSets) {
  EXPECT_TRUE(Apply(CompareAndSetTransaction("a", std::nullopt, "1")).succeeded);
  EXPECT_FALSE(Apply(CompareAndSetTransaction("a", std::nullopt, "2")).succeeded);
  EXPECT_FALSE(Apply(CompareAndSetTransaction("a", "x", "2")).succeeded);
  EXPECT_TRUE(Apply(CompareAndSetTransaction("a", "1", "2")).succeeded);
  EXPECT_EQ(ValueOf("a"), "2");
}

TEST_F(KvStoreTest, ATransactionSeesItsOwnChangesAndTakesOneRevision) {
  Transaction transaction = PutTransaction("a", "1");
  transaction.success.push_back({.kind = Operation::Kind::kGet, .key = "a", .value = {}});
  transaction.success.push_back({.kind = Operation::Kind::kPut, .key = "b", .value = "2"});
  const CommandResult result = Apply(transaction);
  EXPECT_EQ(result.operations[1].value, "1");
  EXPECT_EQ(store_.Find("a")->mod_revision, store_.Find("b")->mod_revision);
  EXPECT_EQ(store_.revision(), Revision(1));
}

TEST_F(KvStoreTest, RunsTheOtherBranchWhenACompareFails) {
  Transaction transaction = CompareAndSetTransaction("a", "x", "1");
  transaction.failure.push_back({.kind = Operation::Kind::kPut, .key = "b", .value = "2"});
  EXPECT_FALSE(Apply(transaction).succeeded);
  EXPECT_EQ(ValueOf("a"), "(nil)");
  EXPECT_EQ(ValueOf("b"), "2");
}

TEST_F(KvStoreTest, ARepeatedCommandGivesTheFirstAnswerAndChangesNothing) {
  const SessionId session = Open();
  const CommandResult first =
      Apply(CompareAndSetTransaction("a", std::nullopt, "1"), session, Sequence(1));
  Apply(PutTransaction("a", "other"));
  const CommandResult again =
      Apply(CompareAndSetTransaction("a", std::nullopt, "1"), session, Sequence(1));
  EXPECT_EQ(again, first);
  EXPECT_TRUE(again.succeeded);
  EXPECT_EQ(ValueOf("a"), "other");
}

TEST_F(KvStoreTest, AnAcknowledgedCommandIsNeverAppliedAgain) {
  const SessionId session = Open();
  Apply(PutTransaction("a", "1"), session, Sequence(1));
  Apply(PutTransaction("a", "2"), session, Sequence(2), Sequence(1));
  const CommandResult late = Apply(PutTransaction("a", "1"), session, Sequence(1));
  EXPECT_EQ(late.code, CommandResult::Code::kStaleSequence);
  EXPECT_EQ(ValueOf("a"), "2");
}

TEST_F(KvStoreTest, CommandsOfOneSessionMayOvertakeEachOther) {
  const SessionId session = Open();
  Apply(PutTransaction("b", "2"), session, Sequence(2));
  Apply(PutTransaction("a", "1"), session, Sequence(1));
  EXPECT_EQ(ValueOf("a"), "1");
  EXPECT_EQ(ValueOf("b"), "2");
}

TEST_F(KvStoreTest, EachOfThemHasItsOwnAnswerUntilThatIsAcknowledged) {
  const SessionId session = Open();
  const CommandResult third = Apply(PutTransaction("c", "3"), session, Sequence(3));
  const CommandResult first = Apply(PutTransaction("a", "1"), session, Sequence(1));
  const CommandResult second = Apply(PutTransaction("b", "2"), session, Sequence(2));
  EXPECT_EQ(Apply(PutTransaction("a", "x"), session, Sequence(1)), first);
  EXPECT_EQ(Apply(PutTransaction("b", "x"), session, Sequence(2)), second);
  EXPECT_EQ(Apply(PutTransaction("c", "x"), session, Sequence(3)), third);
  Apply(PutTransaction("d", "4"), session, Sequence(4), Sequence(2));
  EXPECT_EQ(Apply(PutTransaction("b", "x"), session, Sequence(2)).code,
            CommandResult::Code::kStaleSequence);
  EXPECT_EQ(Apply(PutTransaction("c", "x"), session, Sequence(3)), third);
  EXPECT_EQ(ValueOf("c"), "3");
}

TEST_F(KvStoreTest, AnUnknownSessionAppliesNothing) {
  const CommandResult result = Apply(PutTransaction("a", "1"), SessionId(99), Sequence(1));
  EXPECT_EQ(result.code, CommandResult::Code::kSessionUnknown);
  EXPECT_EQ(ValueOf("a"), "(nil)");
}

TEST_F(KvStoreTest, AnIdleSessionExpiresByReplicatedTimeAndIsFenced) {
  const SessionId session = Open();
  Apply(PutTransaction("a", "1"), session, Sequence(1));
  time_ = 1001;
  Apply(PutTransaction("b", "1"));
  EXPECT_EQ(store_.sessions(), 0u);
  EXPECT_EQ(Apply(PutTransaction("a", "1"), session, Sequence(1)).code,
            CommandResult::Code::kSessionUnknown);
}

TEST_F(KvStoreTest, AClosedSessionTakesNoPlaceAndALateCopyOfItsWritesIsRefused) {
  const SessionId closed = Open();
  const SessionId other = Open();
  Apply(PutTransaction("a", "1"), closed, Sequence(1));
  Command close;
  close.kind = Command::Kind::kCloseSession;
  close.session = closed;
  const Revision revision = store_.revision();
  for (int times = 0; times < 2; ++times) {
    const CommandResult result = store_.Apply(++index_, close);
    EXPECT_EQ(result.code, CommandResult::Code::kOk) << "also if it is closed already";
    EXPECT_EQ(result.revision, revision);
    EXPECT_EQ(store_.sessions(), 1u);
  }
  EXPECT_EQ(Apply(PutTransaction("a", "2"), closed, Sequence(1)).code,
            CommandResult::Code::kSessionUnknown);
  EXPECT_EQ(ValueOf("a"), "1");
  EXPECT_EQ(Apply(PutTransaction("a", "3"), other, Sequence(1)).code, CommandResult::Code::kOk);
}

TEST_F(KvStoreTest, UseKeepsASessionAlive) {
  const SessionId session = Open();
  for (int i = 1; i <= 5; ++i) {
    time_ += 900;
    EXPECT_EQ(
        Apply(PutTransaction("a", "1"), session, Sequence(static_cast<std::uint64_t>(i))).code,
        CommandResult::Code::kOk);
  }
}

TEST_F(KvStoreTest, TheSessionIdleLongestMakesRoom) {
  const SessionId first = Open();
  const SessionId second = Open();
  Open();
  Apply(PutTransaction("a", "1"), first, Sequence(1));
  Open();
  EXPECT_EQ(Apply(PutTransaction("a", "2"), second, Sequence(1)).code,
            CommandResult::Code::kSessionUnknown);
  EXPECT_EQ(Apply(PutTransaction("a", "2"), first, Sequence(2)).code, CommandResult::Code::kOk);
}

TEST_F(KvStoreTest, KeepsABoundedNumberOfAnswers) {
  const SessionId session = Open();
  for (std::uint64_t i = 1; i <= 6; ++i) Apply(PutTransaction("a", "1"), session, Sequence(i));
  EXPECT_EQ(Apply(PutTransaction("a", "1"), session, Sequence(1)).code,
            CommandResult::Code::kStaleSequence);
  EXPECT_EQ(Apply(PutTransaction("a", "1"), session, Sequence(6)).code, CommandResult::Code::kOk);
  EXPECT_EQ(store_.Find("a")->version, 6u);
}

TEST_F(KvStoreTest, TimeNeverGoesBack) {
  time_ = 500;
  Open();
  time_ = 100;
  Open();
  EXPECT_EQ(store_.time(), 500u);
}

TEST_F(KvStoreTest, TheDigestTellsStatesApartAndForgetsHistory) {
  KvStore other(options_);
  EXPECT_EQ(store_.digest(), other.digest());
  const std::uint64_t empty = store_.digest();
  Apply(PutTransaction("a", "1"));
  EXPECT_NE(store_.digest(), empty);
  Command command;
  command.transaction = PutTransaction("a", "1");
  other.Apply(Index(1), command);
  EXPECT_EQ(store_.digest(), other.digest());
  command.transaction = PutTransaction("a", "2");
  other.Apply(Index(2), command);
  EXPECT_NE(store_.digest(), other.digest());
}

TEST_F(KvStoreTest, ATransactionThatReadsTooMuchChangesNothingAndSaysSo) {
  const SessionId session = Open();
  for (const char* key : {"a", "b", "c"}) {
    Apply(PutTransaction(key, std::string(kAnswerBytesMax / 2, 'x')));
  }
  const Revision revision = store_.revision();
  Transaction both = PutTransaction("d", "1");
  for (const char* key : {"a", "b"}) {
    both.success.push_back({.kind = Operation::Kind::kGet, .key = key, .value = {}});
  }
  EXPECT_EQ(Apply(both).code, CommandResult::Code::kOk) << "just as much as may be";
  both.success.push_back({.kind = Operation::Kind::kGet, .key = "c", .value = {}});
  both.success[0].value = "2";
  for (int attempt = 0; attempt < 2; ++attempt) {
    const CommandResult result = Apply(both, session, Sequence(1));
    EXPECT_EQ(result.code, CommandResult::Code::kAnswerTooLarge);
    EXPECT_EQ(result.revision, revision + 1);
    EXPECT_TRUE(result.operations.empty());
  }
  EXPECT_EQ(ValueOf("d"), "1");
  EXPECT_EQ(store_.revision(), revision + 1);
}

TEST_F(KvStoreTest, AGetOfWhatTheTransactionItselfPutsCountsAsWell) {
  Transaction transaction = PutTransaction("a", std::string(kAnswerBytesMax / 2 + 1, 'x'));
  for (int i = 0; i < 2; ++i) {
    transaction.success.push_back({.kind = Operation::Kind::kGet, .key = "a", .value = {}});
  }
  EXPECT_EQ(Apply(transaction).code, CommandResult::Code::kAnswerTooLarge);
  EXPECT_EQ(ValueOf("a"), "(nil)");
}

TEST_F(KvStoreTest, AnswersThatAreTooLargeTogetherMakeItForgetTheSessionIdleLongest) {
  const SessionId first = Open();
  const SessionId second = Open();
  const SessionId third = Open();
  Apply(PutTransaction("a", std::string(40, 'x')));
  ReadInSession(first, Sequence(1), "a");
  ReadInSession(second, Sequence(1), "a");
  ReadInSession(first, Sequence(1), "a");  // the first answer again; and it is used
  const std::uint64_t version = store_.Find("reads")->version;
  EXPECT_EQ(store_.sessions(), 3u);
  ReadInSession(third, Sequence(1), "a");
  EXPECT_EQ(store_.sessions(), 2u);
  EXPECT_EQ(ReadInSession(second, Sequence(1), "a").code, CommandResult::Code::kSessionUnknown);
  EXPECT_EQ(store_.Find("reads")->version, version + 1) << "it was not done again";
  EXPECT_EQ(ValueReadInSession(first, Sequence(1), "a"), std::string(40, 'x'));
  EXPECT_EQ(ValueReadInSession(third, Sequence(1), "a"), std::string(40, 'x'));
  EXPECT_EQ(store_.Find("reads")->version, version + 1);
}

TEST_F(KvStoreTest, OneAnswerMayMakeItForgetAnotherSessionAndOlderAnswersOfItsOwn) {
  const SessionId first = Open();
  const SessionId second = Open();
  Apply(PutTransaction("a", std::string(40, 'x')));
  ReadInSession(first, Sequence(1), "a");
  ReadInSession(second, Sequence(1), "a");
  Apply(PutTransaction("a", std::string(90, 'y')));
  EXPECT_EQ(ValueReadInSession(second, Sequence(2), "a"), std::string(90, 'y'));
  EXPECT_EQ(store_.sessions(), 1u);
  EXPECT_EQ(ReadInSession(second, Sequence(1), "a").code, CommandResult::Code::kStaleSequence);
  EXPECT_EQ(ValueReadInSession(second, Sequence(2), "a"), std::string(90, 'y'));
  EXPECT_EQ(ReadInSession(first, Sequence(1), "a").code, CommandResult::Code::kSessionUnknown);
}

TEST_F(KvStoreTest, ASessionThatAloneHasTooMuchLosesItsOldestAnswers) {
  const SessionId session = Open();
  Apply(PutTransaction("a", std::string(40, 'x')));
  for (std::uint64_t i = 1; i <= 3; ++i) ReadInSession(session, Sequence(i), "a");
  EXPECT_EQ(store_.sessions(), 1u);
  EXPECT_EQ(ReadInSession(session, Sequence(1), "a").code, CommandResult::Code::kStaleSequence);
  EXPECT_EQ(ReadInSession(session, Sequence(2), "a").code, CommandResult::Code::kOk);
  EXPECT_EQ(store_.Find("reads")->version, 3u);
  // One that is too large by itself is kept: its client may have to ask for it once more.
  Apply(PutTransaction("b", std::string(400, 'x')));
  EXPECT_EQ(ReadInSession(session, Sequence(4), "b").code, CommandResult::Code::kOk);
  EXPECT_EQ(ValueReadInSession(session, Sequence(4), "b").size(), 400u);
  EXPECT_EQ(ReadInSession(session, Sequence(3), "a").code, CommandResult::Code::kStaleSequence);
}

TEST_F(KvStoreTest, WhatIsForgottenMakesRoomAgain) {
  const SessionId first = Open();
  Apply(PutTransaction("a", std::string(60, 'x')));
  ReadInSession(first, Sequence(1), "a");
  // It has the answer, and so its bytes are free.
  Apply(PutTransaction("c", "1"), first, Sequence(2), Sequence(1));
  const SessionId second = Open();
  ReadInSession(second, Sequence(1), "a");
  EXPECT_EQ(store_.sessions(), 2u);
  time_ = 2000;  // both are idle
  const SessionId third = Open();
  ReadInSession(third, Sequence(1), "a");
  EXPECT_EQ(store_.sessions(), 1u);
  ReadInSession(third, Sequence(2), "c");
  EXPECT_EQ(ReadInSession(third, Sequence(1), "a").code, CommandResult::Code::kOk);
}

}  // namespace
}  // namespace grassdb
