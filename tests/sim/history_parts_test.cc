// sim/checkers/history_parts: a history that is checked part by part gets the verdicts that the
// whole of it would, and no more of it is kept than a part.
#include "sim/checkers/history_parts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "core/command.h"
#include "sim/checkers/reference_store.h"
#include "sim/run.h"
#include "tests/sanitized.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

// The commands of one session, and what clients see of them, in parts of two operations.
class HistoryPartsTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kPart = 2;

  HistoryPartsTest() {
    Command open;
    open.kind = Command::Kind::kOpenSession;
    Commit(open);
  }

  std::size_t Begin(OperationKind kind, ValueNumber written = 0) {
    HistoryOperation operation;
    operation.kind = kind;
    operation.key = 1;
    operation.written = written;
    if (kind == OperationKind::kPut) {
      operation.session = 1;
      operation.sequence = ++sequence_;
    }
    return history_.Invoke(operation);
  }
  void CommitPut(ValueNumber value, std::uint64_t sequence) {
    Command write;
    write.kind = Command::Kind::kTransaction;
    write.session = SessionId(1);
    write.sequence = Sequence(sequence);
    write.transaction.success = {{Operation::Kind::kPut, "k1", "v" + std::to_string(value)}};
    Commit(write);
  }
  void Commit(const Command& command) {
    reference_.Apply(
        {reference_.applied() + 1, Term(1), EntryType::kCommand, EncodeCommand(command)});
  }
  void EndPut(std::size_t number, bool found, std::uint64_t revision) {
    history_.At(number).found = found;
    history_.At(number).revision = revision;
    history_.Return(number);
  }
  void EndGet(std::size_t number, ValueNumber read, std::uint64_t revision) {
    history_.At(number).read = read;
    history_.At(number).revision = revision;
    history_.Return(number);
  }
  // Committed and answered at once.
  void Put(ValueNumber value) {
    const std::size_t number = Begin(OperationKind::kPut, value);
    CommitPut(value, sequence_);
    EndPut(number, value > 1, reference_.revision());
  }
  void Get(ValueNumber read, std::uint64_t revision) {
    EndGet(Begin(OperationKind::kGet), read, revision);
  }
  void EndPart() { parts_.EndPartIfLong(); }
  std::string RuleBrokenAtTheEnd() {
    return RuleBrokenBy([&] { parts_.CheckTheLast(); });
  }

  History history_;
  ReferenceStore reference_{KvOptions()};
  HistoryParts parts_{kPart, &history_, &reference_};
  std::uint64_t sequence_ = 0;
};

TEST_F(HistoryPartsTest, KeepsNoMoreThanAPart) {
  for (ValueNumber value = 1; value <= 100; ++value) {
    Put(value);
    EndPart();
    EXPECT_LE(history_.Checkable().size(), kPart);
    EXPECT_LE(reference_.changes().size(), 2 * kPart);
  }
  EXPECT_EQ(RuleBrokenAtTheEnd(), "");
}

TEST_F(HistoryPartsTest, EndsAPartOnlyWhenItIsLong) {
  Put(1);
  EndPart();
  EXPECT_EQ(history_.Checkable().size(), 1u);
}

TEST_F(HistoryPartsTest, WithoutTheCommittedCommandsThereIsOnePart) {
  HistoryParts parts(kPart, &history_, nullptr);
  Put(1);
  Put(2);
  Get(1, 2);
  parts.EndPartIfLong();
  EXPECT_EQ(history_.Checkable().size(), 3u);
  EXPECT_EQ(RuleBrokenBy([&] { parts.CheckTheLast(); }), "linearizability");
}

TEST_F(HistoryPartsTest, TheNextPartBeginsWithWhatTheLastHasLeft) {
  Put(1);
  Put(2);
  EndPart();
  Get(2, 2);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "");
}

TEST_F(HistoryPartsTest, SeesThatTheNextPartBeginsWithSomethingElse) {
  Put(1);
  Put(2);
  EndPart();
  Get(1, 2);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "witness");
}

// By itself, if the witness took it for one of before.
TEST_F(HistoryPartsTest, TheSearchKnowsWhatTheLastPartHasLeft) {
  Put(1);
  Put(2);
  EndPart();
  const std::size_t get = Begin(OperationKind::kGet);
  EndGet(get, 1, 1);
  history_.At(get).told = 0;
  EXPECT_EQ(RuleBrokenAtTheEnd(), "linearizability");
}

TEST_F(HistoryPartsTest, SeesAViolationWhenThePartEnds) {
  Put(1);
  Get(7, 1);
  EXPECT_EQ(RuleBrokenBy([&] { EndPart(); }), "witness");
}

TEST_F(HistoryPartsTest, NothingIsToldOfLessThanBeforeThePartBegan) {
  Put(1);
  Put(2);
  EndPart();
  Put(3);
  Put(4);
  EndPart();
  const std::size_t get = Begin(OperationKind::kGet);
  EndGet(get, 3, 3);
  const Violation violation = ViolationBy([&] { parts_.CheckTheLast(); });
  EXPECT_EQ(violation.rule, "witness");
  EXPECT_NE(violation.text.find("after 4 had been told"), std::string::npos) << violation.text;
}

TEST_F(HistoryPartsTest, AStaleReadOfLongAgoIsNotHeldToItsValue) {
  for (ValueNumber value = 1; value <= 6; ++value) {
    Put(value);
    EndPart();
  }
  EndGet(Begin(OperationKind::kStaleGet), 1, 1);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "");
  EndGet(Begin(OperationKind::kStaleGet), 1, 5);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "witness") << "v5 stood at revision 5";
}

TEST_F(HistoryPartsTest, WhatIsUnderWayIsCheckedWhenItReturns) {
  const std::size_t put = Begin(OperationKind::kPut, 1);
  CommitPut(1, sequence_);
  Get(1, 1);
  EndPart();
  EndPut(put, false, 1);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "");
  history_.At(put).found = true;
  EXPECT_EQ(RuleBrokenAtTheEnd(), "witness") << "it was new";
}

TEST_F(HistoryPartsTest, WhatIsUnderWayMayTakeEffectInTheNextPart) {
  const std::size_t put = Begin(OperationKind::kPut, 1);
  const std::uint64_t sequence = sequence_;
  Get(0, 0);
  EndPart();
  CommitPut(1, sequence);
  Get(1, 1);
  Get(1, 1);
  EndPart();
  EndPut(put, false, 1);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "");
}

TEST_F(HistoryPartsTest, OfUnknownOutcomeItMayTakeEffectPartsLater) {
  history_.GiveUp(Begin(OperationKind::kPut, 100));
  const std::uint64_t sequence = sequence_;
  for (ValueNumber value = 1; value <= 6; ++value) {
    Put(value);
    EndPart();
  }
  CommitPut(100, sequence);
  Get(100, 7);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "");
}

TEST_F(HistoryPartsTest, OfUnknownOutcomeItIsKeptUntilItsSessionIsGone) {
  for (int i = 0; i < 10; ++i)
    history_.GiveUp(Begin(OperationKind::kPut, 100 + static_cast<ValueNumber>(i)));
  Put(1);
  EndPart();
  EXPECT_EQ(history_.Checkable().size(), 10u);
  Command close;
  close.kind = Command::Kind::kCloseSession;
  close.session = SessionId(1);
  Commit(close);
  Get(1, 1);
  Get(1, 1);
  EndPart();
  EXPECT_EQ(history_.Checkable().size(), 0u);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "");
}

TEST_F(HistoryPartsTest, OfUnknownOutcomeItIsKeptUntilWhatItDidWasTold) {
  history_.GiveUp(Begin(OperationKind::kPut, 1));
  CommitPut(1, sequence_);
  Get(0, 0);
  EndPart();
  EXPECT_EQ(history_.Checkable().size(), 1u) << "nobody else has asked for revision 1";
  Get(1, 1);
  Get(1, 1);
  EndPart();
  EXPECT_EQ(history_.Checkable().size(), 0u);
  Get(1, 1);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "");
}

// What was refused and took effect all the same is seen, whenever that is.
TEST_F(HistoryPartsTest, SeesWhatTakesEffectAfterItWasRefused) {
  history_.Drop(Begin(OperationKind::kPut, 50));
  const std::uint64_t sequence = sequence_;
  Put(1);
  EndPart();
  CommitPut(50, sequence);
  Get(50, 2);
  EXPECT_EQ(RuleBrokenAtTheEnd(), "witness");
}

// The same run, whatever the length of the parts.
TEST(HistoryParts, ChangeNothingOfARun) {
  for (std::uint64_t seed = 1; seed <= SomeOf(12); ++seed) {
    RunOptions options;
    options.seed = seed;
    const RunResult whole = RunSeed(options);
    options.edits = {{"history_part", 20}};
    const RunResult parts = RunSeed(options);
    EXPECT_TRUE(parts.ok()) << "seed " << seed << ": " << parts.report;
    EXPECT_EQ(parts.fingerprint, whole.fingerprint) << "seed " << seed;
  }
}

}  // namespace
}  // namespace grassdb::sim
