// Every checker is shown a violation of its rule and must see it, and the nearest thing that is
// none and must not. The rules of logs and terms, of the state and of what a node holds; the others
// are in files of their own.
#include <gtest/gtest.h>

#include <vector>

#include "sim/checkers/commit_ledger.h"
#include "sim/checkers/election_safety.h"
#include "sim/checkers/leader_append_only.h"
#include "sim/checkers/log_matching.h"
#include "sim/checkers/progress_rules.h"
#include "sim/checkers/reference_store.h"
#include "sim/checkers/resource_bounds.h"
#include "sim/checkers/state_machine_safety.h"
#include "tests/sim/logs.h"
#include "tests/sim/planted.h"

namespace grassdb::sim {
namespace {

TEST(ElectionSafetyChecker, SeesTwoLeadersOfOneTerm) {
  ElectionSafety checker;
  EXPECT_TRUE(checker.ObserveLeader(0, 1, Term(3)));
  EXPECT_FALSE(checker.ObserveLeader(0, 1, Term(3)));
  EXPECT_TRUE(checker.ObserveLeader(1, 1, Term(4)));
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveLeader(1, 1, Term(3)); }), "election safety");
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveLeader(0, 2, Term(3)); }), "election safety");
}

TEST(LogMatchingChecker, SeesAnEntryThatDiffers) {
  LogMatching checker(2);
  checker.Observe(0, LogOf({1, 1, 2}));
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, LogOf({1, 1, 2})); }), "");
  LogMatching other(2);
  other.Observe(0, LogOf({1, 1}));
  EXPECT_EQ(RuleBrokenBy([&] { other.Observe(1, LogOf({1, 1}, "y")); }), "log matching");
}

TEST(LogMatchingChecker, SeesAnotherPastBehindTheSameEntry) {
  LogMatching checker(2);
  checker.Observe(0, LogOf({1, 1, 3}));
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, LogOf({1, 2, 3})); }), "log matching");
}

TEST(LogMatchingChecker, TellsWhatIsNewAndWhatWasCut) {
  LogMatching checker(1);
  EXPECT_EQ(checker.Observe(0, LogOf({1, 1})).first_new, Index(1));
  EXPECT_EQ(checker.Observe(0, LogOf({1, 1})).first_new, Index());
  EXPECT_FALSE(checker.Observe(0, LogOf({1, 1, 1})).cut);
  const LogMatching::Change change = checker.Observe(0, LogOf({1, 2}));
  EXPECT_TRUE(change.cut);
  EXPECT_EQ(change.first_new, Index(2));
  EXPECT_NE(checker.Find(Index(2), Term(2)), nullptr);
  EXPECT_EQ(checker.Find(Index(2), Term(3)), nullptr);
}

TEST(LeaderAppendOnlyChecker, SeesALeaderThatCutsItsLog) {
  const LeaderAppendOnly::Standing leads{Role::kLeader, Term(2)};
  const LeaderAppendOnly::Standing follows{Role::kFollower, Term(3)};
  const LogMatching::Change cut{.cut = true, .first_new = Index(1)};
  EXPECT_EQ(RuleBrokenBy([&] { LeaderAppendOnly::Observe(0, leads, follows, cut); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { LeaderAppendOnly::Observe(0, leads, leads, cut); }),
            "leader append-only");
}

TEST(CommitLedgerChecker, SeesTwoEntriesCommittedAtOneIndex) {
  CommitLedger checker(2);
  EXPECT_TRUE(checker.ObserveCommit(0, Role::kLeader, Term(1), Index(2), LogOf({1, 1})));
  EXPECT_FALSE(checker.ObserveCommit(1, Role::kFollower, Term(1), Index(2), LogOf({1, 1})));
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveCommit(1, Role::kFollower, Term(2), Index(2), LogOf({1, 2}));
            }),
            "committed for ever");
}

TEST(CommitLedgerChecker, SeesACommitBeyondTheLogAndASnapshotOfNothing) {
  CommitLedger checker(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveCommit(0, Role::kFollower, Term(1), Index(3), LogOf({1, 1}));
            }),
            "committed for ever");
  CommitLedger other(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              other.ObserveCommit(0, Role::kFollower, Term(1), Index(5),
                                  Log(Index(5), Term(1), {}));
            }),
            "committed for ever");
}

TEST(CommitLedgerChecker, SeesALeaderThatCommitsAnOldTermByCounting) {
  CommitLedger checker(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveCommit(0, Role::kLeader, Term(4), Index(2), LogOf({1, 2, 4}));
            }),
            "commit rule");
}

TEST(LeaderCompletenessChecker, SeesALeaderWithoutACommittedEntry) {
  CommitLedger checker(2);
  checker.ObserveCommit(0, Role::kLeader, Term(2), Index(2), LogOf({1, 2}));
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveNewLeader(1, Term(3), LogOf({1, 2})); }), "");
  // A leader of an earlier term, elected late by votes given before, owes nothing.
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveNewLeader(1, Term(2), LogOf({1})); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { checker.ObserveNewLeader(1, Term(3), LogOf({1})); }),
            "leader completeness");
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.ObserveNewLeader(1, Term(3), LogOf({1, 1}));
            }),
            "leader completeness");
}

TEST(StateMachineSafetyChecker, SeesAnotherEntryAppliedAndAnotherState) {
  CommitLedger ledger(2);
  ledger.ObserveCommit(0, Role::kLeader, Term(2), Index(2), LogOf({1, 2}));
  StateMachineSafety checker(2);
  checker.Observe(0, Index(2), 77, LogOf({1, 2}), ledger);
  EXPECT_EQ(RuleBrokenBy([&] { checker.Observe(1, Index(2), 77, LogOf({1, 2}), ledger); }), "");
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(1, Index(2), 78, LogOf({1, 2}), ledger);
            }),
            "state machine safety");
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(1, Index(2), 77, LogOf({1, 1}), ledger);
            }),
            "state machine safety");
  checker.Forget(1);
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(1, Index(3), 79, LogOf({1, 2, 2}), ledger);
            }),
            "state machine safety");
}

TEST(MonotonyChecker, SeesWhateverFalls) {
  using Standing = ProgressRules::Standing;
  const Standing before{Term(3), NodeId(1), Index(5), Index(4)};
  const auto then = [&before](const Standing& after) {
    return RuleBrokenBy([&] {
      ProgressRules checker(1);
      checker.Observe(0, before);
      checker.Observe(0, after);
    });
  };
  EXPECT_EQ(then({Term(4), NodeId(), Index(5), Index(5)}), "");
  EXPECT_EQ(then({Term(2), NodeId(1), Index(5), Index(4)}), "monotony");
  EXPECT_EQ(then({Term(3), NodeId(2), Index(5), Index(4)}), "monotony");
  EXPECT_EQ(then({Term(3), NodeId(1), Index(4), Index(4)}), "monotony");
  EXPECT_EQ(then({Term(3), NodeId(1), Index(5), Index(3)}), "monotony");
  EXPECT_EQ(then({Term(3), NodeId(1), Index(5), Index(6)}), "monotony");
  ProgressRules checker(1);
  checker.Observe(0, before);
  checker.Begin(0, Term(3), NodeId(1));
  EXPECT_EQ(RuleBrokenBy([&] {
              checker.Observe(0, {Term(3), NodeId(2), Index(), Index()});
            }),
            "monotony");
}

Entry CommandEntry(std::uint64_t index, const Command& command) {
  return {Index(index), Term(1), EntryType::kCommand, EncodeCommand(command)};
}

// A store that has opened session 1 and been given the same write twice.
TEST(ReferenceStoreChecker, SeesACommandAppliedTwice) {
  Command open;
  open.kind = Command::Kind::kOpenSession;
  Command write;
  write.session = SessionId(1);
  write.sequence = Sequence(1);
  write.transaction = PutTransaction("k", "v");
  ReferenceStore reference{KvOptions()};
  KvStore store;
  reference.Apply(CommandEntry(1, open));
  reference.Apply(CommandEntry(2, write));
  reference.Apply(CommandEntry(3, write));
  store.Apply(Index(1), open);
  store.Apply(Index(2), write);
  store.Apply(Index(3), write);
  const ReferenceStore::Shown shown{store.revision().value(), store.size(), store.sessions()};
  EXPECT_EQ(RuleBrokenBy([&] { reference.Check(0, Index(3), shown); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { reference.CheckAll(0, store); }), "");
  EXPECT_EQ(RuleBrokenBy([&] { reference.Check(0, Index(3), {2, 1, 1}); }), "exactly once");
  write.sequence = Sequence(2);
  store.Apply(Index(4), write);
  EXPECT_EQ(RuleBrokenBy([&] { reference.CheckAll(0, store); }), "exactly once");
}

TEST(ReferenceStoreChecker, SeesALogThatIsNoneAndAStoreThatHasOtherKeys) {
  Command write;
  write.transaction = PutTransaction("k", "v");
  ReferenceStore reference{KvOptions()};
  EXPECT_EQ(RuleBrokenBy([&] { reference.Apply(CommandEntry(2, write)); }), "exactly once");
  EXPECT_EQ(RuleBrokenBy([&] { reference.Apply(EntryOf(1, 1, "no command")); }), "exactly once");
  reference.Apply(CommandEntry(1, write));
  EXPECT_EQ(RuleBrokenBy([&] { reference.Check(0, Index(2), {}); }), "exactly once");
  KvStore store;
  EXPECT_EQ(RuleBrokenBy([&] { reference.CheckAll(0, store); }), "exactly once");
  store.Apply(Index(1), write);
  EXPECT_EQ(RuleBrokenBy([&] { reference.CheckAll(0, store); }), "");
}

TEST(ReferenceStoreChecker, RefusesWhatWouldReadTooMuchAsTheStoreDoes) {
  Command write;
  ReferenceStore reference{KvOptions()};
  KvStore store;
  const Operation get{.kind = Operation::Kind::kGet, .key = "k", .value = {}};
  // Together as much as an answer may carry, or just too much.
  const std::size_t each = kAnswerBytesMax / (kOperationsMax - 1);
  for (std::uint64_t index = 1; const std::size_t bytes : {each, each + 1, each}) {
    write.transaction = PutTransaction("k", std::string(bytes, 'v'));
    write.transaction.success.resize(kOperationsMax, get);
    reference.Apply(CommandEntry(index, write));
    store.Apply(Index(index), write);
    EXPECT_EQ(RuleBrokenBy([&] {
                reference.Check(0, Index(index), {store.revision().value(), store.size(), 0});
                reference.CheckAll(0, store);
              }),
              "");
    EXPECT_EQ(store.revision(), Revision(index < 3 ? 1 : 2));
    ++index;
  }
}

TEST(ReferenceStoreChecker, ForgetsSessionsAsTheStoreDoes) {
  KvOptions options;
  options.sessions_max = 2;
  options.session_idle_max = 50;
  ReferenceStore reference(options);
  KvStore store(options);
  Command open;
  open.kind = Command::Kind::kOpenSession;
  for (std::uint64_t index = 1; index <= 40; ++index) {
    open.time = index * 7 * (index % 5);
    Command write;
    write.time = open.time;
    write.session = SessionId(index < 2 ? 1 : index - 1);
    write.sequence = Sequence(index);
    write.transaction = CompareAndSetTransaction("k", std::nullopt, "v");
    const Command& command = index % 3 == 1 ? open : write;
    reference.Apply(CommandEntry(index, command));
    store.Apply(Index(index), command);
    EXPECT_EQ(RuleBrokenBy([&] {
                reference.Check(0, Index(index),
                                {store.revision().value(), store.size(), store.sessions()});
              }),
              "");
  }
}

TEST(ResourceBoundsChecker, SeesWhatGoesBeyondItsLimit) {
  NodeOptions options;
  options.waiting_requests_max = 3;
  options.store.sessions_max = 4;
  options.raft.reads_waiting_max = 5;
  options.raft.unapplied_bytes_max = 1000;
  options.raft.inflight_messages_max = 2;
  options.raft.inflight_bytes_max = 100;
  options.raft.append_bytes_max = 50;
  options.log_memory_bytes = 800;
  const ResourceBounds checker(options, 10);
  ResourceBounds::Held held;
  const auto broken = [&] { return RuleBrokenBy([&] { checker.Observe(0, held); }); };
  held = {3, 4, 900, {2000, 5}, nullptr};
  EXPECT_EQ(broken(), "");
  held = {4, 4, 900, {2000, 5}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  held = {3, 5, 900, {2000, 5}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  held = {3, 4, 900, {2000 + 10 * 300, 5}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  held = {3, 4, 900, {2000, 6}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  held = {3, 4, 901, {2000, 5}, nullptr};
  EXPECT_EQ(broken(), "resource bounds");
  RecoveredState state;
  state.entries.resize(900 / CostOf(Entry()));
  const auto begun = [&] { return RuleBrokenBy([&] { checker.ObserveStart(0, state); }); };
  EXPECT_EQ(begun(), "");
  state.entries.emplace_back();
  EXPECT_EQ(begun(), "resource bounds");
  state.damage.places.push_back("of a damaged log no more is held");
  EXPECT_EQ(begun(), "resource bounds");
  std::vector<Progress> followers(1);
  followers[0].BecomeReplicate();
  followers[0].Sent(Index(1), 80);
  followers[0].Sent(Index(2), 80);
  held = {0, 0, std::nullopt, {}, &followers};
  EXPECT_EQ(broken(), "") << "the last one may go beyond";
  followers[0].Sent(Index(3), 0);
  EXPECT_EQ(broken(), "resource bounds");
  followers[0].Acknowledged(Index(2));
  EXPECT_EQ(broken(), "");
  followers[0].Sent(Index(4), 161);
  EXPECT_EQ(broken(), "resource bounds");
}

}  // namespace
}  // namespace grassdb::sim
