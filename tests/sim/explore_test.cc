// sim/explore: what it reaches within small bounds, and that what it merges is the same.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "core/raft_describe.h"
#include "sim/explore/catalog.h"
#include "sim/explore/explorer.h"
#include "sim/explore/fingerprint_set.h"
#include "sim/explore/replay.h"
#include "sim/explore/replica.h"
#include "sim/explore/schedule.h"
#include "tests/property.h"
#include "tests/sanitized.h"

namespace grassdb::sim::explore {
namespace {

ExploreResult ExploreWithin(const Bounds& bounds, Symmetry symmetry = Symmetry::kOn,
                            Losses losses = Losses::kExplored,
                            Reduction reduction = Reduction::kOn) {
  ExploreOptions options;
  options.bounds = bounds;
  options.reduction = reduction;
  options.symmetry = symmetry;
  options.losses = losses;
  return Explore(options);
}

ExploreResult ExploreAllOf(const Bounds& bounds) {
  return ExploreWithin(bounds, Symmetry::kOn, Losses::kExplored, Reduction::kOff);
}

// --- What is reached ---

TEST(Explore, ExhaustsAnElectionOfThreeNodes) {
  const ExploreResult result = ExploreAllOf({.terms = 1, .entries = 0});
  EXPECT_EQ(result.ending, Ending::kExhausted);
  EXPECT_EQ(result.distinct, 2557u);
  EXPECT_EQ(result.final, 7u);
  EXPECT_EQ(result.depth, 21u);
  EXPECT_EQ(HexOf(result.fingerprint), "bb75f1f0e147052777ec4e572d15d4e3");
  EXPECT_EQ(HexOf(result.final_fingerprint), "b289fad1085f3fbebcd589847b9192b4");
}

TEST(Explore, ExhaustsAnEntryInOneTerm) {
  const ExploreResult result = ExploreAllOf({.terms = 1, .entries = 1});
  EXPECT_EQ(result.ending, Ending::kExhausted);
  EXPECT_EQ(result.distinct, 27427u);
  EXPECT_EQ(result.final, 61u);
}

TEST(Explore, AsksLeadersForAsManyReadsAsItMay) {
  Bounds bounds{.terms = 1, .entries = 0, .disk = DiskSpeed::kInstant};
  std::uint64_t distinct = ExploreWithin(bounds).distinct;
  for (bounds.reads = 1; bounds.reads <= kReadsMax; ++bounds.reads) {
    const ExploreResult result = ExploreWithin(bounds);
    EXPECT_EQ(result.ending, Ending::kExhausted);
    EXPECT_GT(result.distinct, distinct);
    EXPECT_FALSE(result.not_reduced.has_value());
    distinct = result.distinct;
  }
}

TEST(Explore, ANodeAloneLeadsAndCommitsByItself) {
  const ExploreResult result = ExploreWithin({.nodes = 1, .terms = 3, .entries = 2, .crashes = 1});
  EXPECT_EQ(result.ending, Ending::kExhausted);
  EXPECT_EQ(result.messages, 0u);
  EXPECT_GT(result.final, 0u);
}

TEST(Explore, PreVotesAddMessagesAndNoViolation) {
  const ExploreResult result =
      ExploreAllOf({.terms = 1, .entries = 0, .pre_votes = PreVotes::kExplored, .timeouts = 2});
  EXPECT_EQ(result.ending, Ending::kExhausted);
  EXPECT_EQ(result.distinct, 179316u);
  EXPECT_GT(result.messages, 23u);  // so many without
}

TEST(Explore, NodesThatDifferInTheirNamesAreTheSame) {
  const Bounds bounds{.terms = 1, .entries = 0, .crashes = 1};
  const ExploreResult with = ExploreWithin(bounds);
  const ExploreResult without = ExploreWithin(bounds, Symmetry::kOff);
  EXPECT_EQ(with.ending, Ending::kExhausted);
  EXPECT_EQ(without.ending, Ending::kExhausted);
  // Three nodes have six orders; few states are the same in two of them.
  EXPECT_GT(without.distinct, with.distinct * 5);
  EXPECT_LE(without.distinct, with.distinct * 6);
  EXPECT_GT(without.final, with.final);
  EXPECT_LE(without.final, with.final * 6);
  EXPECT_EQ(without.depth, with.depth);
}

TEST(Explore, LossesLeadToNoReplicaThatIsNotReachedWithoutThem) {
  const Bounds bounds{.terms = 1, .entries = 0, .crashes = 1, .drops = 2};
  const ExploreResult explored = ExploreWithin(bounds, Symmetry::kOff);
  const ExploreResult skipped = ExploreWithin(bounds, Symmetry::kOff, Losses::kSkipped);
  EXPECT_GT(explored.distinct, skipped.distinct);
  EXPECT_EQ(explored.replicas, skipped.replicas);
  EXPECT_EQ(explored.messages, skipped.messages);
  EXPECT_EQ(explored.ending, skipped.ending);
}

TEST(Explore, AnInstantDiskEndsWhereASlowOneDoes) {
  Bounds bounds{.terms = 1, .entries = 0};
  const ExploreResult slow = ExploreWithin(bounds);
  bounds.disk = DiskSpeed::kInstant;
  const ExploreResult instant = ExploreWithin(bounds);
  EXPECT_LT(instant.distinct, slow.distinct);
  EXPECT_EQ(instant.final, slow.final);
  EXPECT_EQ(HexOf(instant.final_fingerprint), HexOf(slow.final_fingerprint));
}

TEST(Explore, StopsAtTheDepthItIsGiven) {
  ExploreOptions options;
  options.bounds = {.terms = 1, .entries = 0};
  options.depth_max = 5;
  const ExploreResult result = Explore(options);
  EXPECT_EQ(result.ending, Ending::kDepth);
  EXPECT_EQ(result.depth, 5u);
  EXPECT_LT(result.distinct, 2557u);
  EXPECT_EQ(result.deeper, 0u) << "all that it has found is covered";
}

// What a search that was ended early has covered is what another one of that depth finds.
TEST(Explore, SaysWhatItHasCoveredWhereItIsEndedEarly) {
  ExploreOptions options;
  options.bounds = {.terms = 1, .entries = 1};
  options.reduction = Reduction::kOff;
  options.states_max = 20000;
  const ExploreResult result = Explore(options);
  EXPECT_EQ(result.ending, Ending::kStates);
  EXPECT_EQ(result.distinct, 20000u);
  EXPECT_GT(result.deeper, 0u);
  EXPECT_GT(result.expanded, 0u);
  EXPECT_LT(result.expanded, result.at_depth);
  options.states_max = UINT64_MAX;
  options.depth_max = result.depth;
  const ExploreResult covered = Explore(options);
  EXPECT_EQ(covered.distinct, result.distinct - result.deeper);
  options.depth_max = UINT32_MAX;
  options.enough = [] { return true; };
  options.bounds.terms = 2;
  EXPECT_EQ(Explore(options).ending, Ending::kEnough);
}

TEST(Explore, RemembersEveryStateInTablesThatGrowALittleAtATime) {
  FingerprintSet set;
  std::size_t most = 0;
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = 0; i < 300000; ++i) {
      const Uint128 hash = Uint128{Mix(i)} << 64 | Mix(~i);
      most = std::max(most, set.bytes_during(hash) - set.bytes());
      ASSERT_EQ(set.Insert(hash), round == 0) << i;
    }
  }
  EXPECT_EQ(set.size(), 300000u);
  EXPECT_LT(set.bytes(), 300000u * sizeof(Uint128) * 2);
  EXPECT_LT(most, set.bytes() / 100);
}

TEST(Explore, StopsBeforeTheMemoryItIsGivenIsUsedUp) {
  ExploreOptions options;
  options.bounds = {.terms = 2, .entries = 1};
  options.bytes_max = std::size_t{64} << 20;
  const ExploreResult result = Explore(options);
  EXPECT_EQ(result.ending, Ending::kMemory);
  EXPECT_LE(result.bytes, options.bytes_max);
  EXPECT_GT(result.distinct, 100000u);
}

// --- What is merged ---

// A cluster of replicas of their own, beside their numbers in a catalog.
class Walk {
 public:
  Walk(const Cluster& cluster, const Bounds& bounds, Catalog* catalog)
      : cluster_(cluster), bounds_(bounds), catalog_(*catalog) {
    for (std::uint32_t node = 0; node < cluster.size(); ++node) {
      replicas_.push_back(StartReplica(cluster, bounds, node));
      numbers_.push_back(catalog_.AddReplica(replicas_.back()));
    }
  }

  // Does one of the steps that are possible. False if none is.
  bool StepBy(std::uint64_t random) {
    struct Choice {
      std::uint32_t node;
      ActionKind kind;
      std::uint32_t argument;
    };
    std::vector<Choice> choices;
    for (std::uint32_t node = 0; node < cluster_.size(); ++node) {
      for (const ActionKind kind :
           {ActionKind::kFinish, ActionKind::kTimeout, ActionKind::kHeartbeat,
            ActionKind::kStepDown, ActionKind::kPropose, ActionKind::kCrash, ActionKind::kRead}) {
        if (!IsPossible(replicas_[node], kind, bounds_)) continue;
        if (kind == ActionKind::kPropose && ++proposals_seen_ % 4 != 0) continue;
        if (kind == ActionKind::kCrash && ++crashes_seen_ % 16 != 0) continue;
        if (kind == ActionKind::kRead && reads_asked_ == bounds_.reads) continue;
        if (kind == ActionKind::kHeartbeat && bounds_.reads > 0) continue;  // see bounds.h
        const auto parts = PartsUnfinished(replicas_[node]) + 1;
        const bool crash = kind == ActionKind::kCrash;
        choices.push_back({node, kind, crash ? static_cast<std::uint32_t>(random % parts) : 0});
      }
      if (replicas_[node].raft.log().last_index() > Index(kLogMax - 3)) return false;
    }
    for (std::uint32_t at = 0; at < network_.size(); ++at) {
      const NodeId to = catalog_.message(network_[at]).to;
      choices.push_back({cluster_.NumberOf(to), ActionKind::kDeliver, at});
    }
    if (choices.empty()) return false;
    const Choice choice = choices[Bounded(random, choices.size())];
    Do(choice.node, choice.kind, choice.argument, random % 8 == 0);
    return true;
  }

 private:
  void Do(std::uint32_t node, ActionKind kind, std::uint32_t argument, bool repeat) {
    std::uint32_t in_catalog = argument;
    Action action{.kind = kind, .message = nullptr, .kept = argument, .read = 0};
    if (kind == ActionKind::kRead) action.read = in_catalog = ++reads_asked_;
    if (kind == ActionKind::kDeliver) {
      in_catalog = network_[argument];
      action.message = &catalog_.message(in_catalog);
      if (!repeat) network_.erase(network_.begin() + argument);
    }
    std::vector<Message> sent;
    replicas_[node] = Act(cluster_, bounds_, replicas_[node], action, &sent);
    // The catalog steps the first replica it has met that has the same digest.
    const Outcome outcome = catalog_.Take(numbers_[node], kind, in_catalog);
    RC_ASSERT(outcome.failure == 0u);
    numbers_[node] = outcome.replica;
    RC_ASSERT(DigestOf(cluster_, cluster_.permutations()[0], replicas_[node]) ==
              catalog_.ReplicaDigests(outcome.replica)[0]);
    std::vector<std::uint32_t> sent_here;
    for (const Message& message : sent) sent_here.push_back(catalog_.AddMessage(message));
    std::ranges::sort(sent_here);
    const auto sent_there = catalog_.Sent(outcome);
    RC_ASSERT(std::ranges::equal(sent_here, sent_there));
    network_.insert(network_.end(), sent_here.begin(), sent_here.end());
    while (network_.size() > 12) network_.erase(network_.begin());
  }

  const Cluster& cluster_;
  const Bounds& bounds_;
  Catalog& catalog_;
  std::vector<Replica> replicas_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::uint32_t> network_;
  std::uint64_t proposals_seen_ = 0;
  std::uint64_t crashes_seen_ = 0;
  std::uint32_t reads_asked_ = 0;
};

RC_GTEST_PROP(ExploreCatalog, ReplicasOfEqualDigestBehaveTheSame, (std::uint64_t seed)) {
  const CheckFailuresThrow handler;
  const bool pre_votes = seed % 2 == 0;
  const Bounds bounds{.terms = 3,
                      .pre_votes = pre_votes ? PreVotes::kExplored : PreVotes::kAssumed,
                      .reads = seed / 2 % 2 == 0 ? kReadsMax : 0};
  const Cluster cluster(3, Symmetry::kOn);
  Catalog catalog(cluster, bounds);
  for (std::uint64_t walk = 0; walk < SomeOf(40); ++walk) {
    Walk walker(cluster, bounds, &catalog);
    for (std::uint64_t step = 0; step < 60; ++step) {
      if (!walker.StepBy(KeyedRandom(seed, walk, step))) break;
    }
  }
}

class Renaming : public testing::Test {
 protected:
  Replica After(Replica replica, const std::vector<ActionKind>& actions) {
    std::vector<Message> sent;
    for (const ActionKind kind : actions) {
      replica = Act(cluster_, bounds_, replica, Action{.kind = kind}, &sent);
    }
    return replica;
  }
  Uint128 Digest(const Replica& replica, const Permutation& permutation = {0, 1, 2, 3, 4}) {
    return DigestOf(cluster_, permutation, replica);
  }

  const Bounds bounds_{.terms = 2};
  const Cluster cluster_{3, Symmetry::kOn};
};

TEST_F(Renaming, MakesTheCandidateOfOneNameThatOfAnother) {
  const std::vector<ActionKind> campaign = {ActionKind::kTimeout, ActionKind::kFinish};
  const Replica n1 = After(StartReplica(cluster_, bounds_, 0), campaign);
  const Replica n2 = After(StartReplica(cluster_, bounds_, 1), campaign);
  EXPECT_NE(Digest(n1), Digest(n2));
  EXPECT_EQ(Digest(n1, {1, 0, 2, 3, 4}), Digest(n2));
  EXPECT_EQ(Digest(n1, {1, 2, 0, 3, 4}), Digest(n2));
  EXPECT_NE(Digest(n1, {2, 1, 0, 3, 4}), Digest(n2));
}

TEST_F(Renaming, TellsWhoWasVotedFor) {
  const auto ask = [this](std::uint32_t from) {
    RequestVoteRequest request;
    request.campaign_term = Term(1);
    return Message{
        .from = cluster_.IdOf(from), .to = cluster_.IdOf(0), .term = Term(1), .body = request};
  };
  std::vector<Message> sent;
  const auto vote = [&](std::uint32_t candidate) {
    const Message message = ask(candidate);
    return Act(cluster_, bounds_, StartReplica(cluster_, bounds_, 0),
               Action{.kind = ActionKind::kDeliver, .message = &message}, &sent);
  };
  EXPECT_NE(Digest(vote(1)), Digest(vote(2)));
  EXPECT_EQ(Digest(vote(1), {0, 2, 1, 3, 4}), Digest(vote(2)));
}

// --- What is told apart ---

class Described : public testing::Test {
 protected:
  static constexpr Instant kNow{std::chrono::seconds(1000)};

  Described() {
    options_.id = cluster_.IdOf(0);
    recovered_.identity.bootstrap = cluster_.configuration();
    recovered_.hard_state = {.term = Term(2), .voted_for = cluster_.IdOf(0), .founder = true};
    recovered_.entries = {EntryOf(1, EntryType::kNoop, ""), EntryOf(2, EntryType::kCommand, "a")};
  }
  static Entry EntryOf(std::uint64_t index, EntryType type, const char* payload) {
    return Entry{.index = Index(index), .term = Term(1), .type = type, .payload = Bytes(payload)};
  }
  Raft Recovered() { return Raft(options_, recovered_, kNow); }
  Message From(std::uint32_t from, Term term, MessageBody body) {
    return Message{
        .from = cluster_.IdOf(from), .to = cluster_.IdOf(0), .term = term, .body = std::move(body)};
  }
  // Steps it at its next deadline, or now.
  Raft After(Raft raft, std::vector<Input> inputs) {
    for (Input& input : inputs) {
      if (std::holds_alternative<DeadlineReached>(input)) {
        now_ = std::max(now_, raft.NextDeadline());
      }
      raft.Step(now_, std::move(input), &output_);
    }
    return raft;
  }
  Raft Candidate() { return After(Recovered(), {DeadlineReached{}, PreVoteYes()}); }
  Raft Leader() {
    return After(Candidate(), {Persisted{PersistId(1)}, VoteOf(1, true), Persisted{PersistId(2)}});
  }
  Message PreVoteYes() {
    return From(1, Term(2), RequestVoteResponse{Ballot::kPreVote, Term(3), true});
  }
  Message VoteOf(std::uint32_t from, bool granted) {
    return From(from, Term(3), RequestVoteResponse{Ballot::kVote, Term(3), granted});
  }
  Message Matched(std::uint32_t from, std::uint64_t through, std::uint64_t prev) {
    AppendEntriesResponse response;
    response.match_index = Index(through);
    response.prev_log_index = Index(prev);
    return From(from, Term(3), response);
  }
  Uint128 Of(const Raft& raft) {
    Digest digest(cluster_, cluster_.permutations()[0]);
    raft.Describe(digest);
    return digest.value();
  }

  const Cluster cluster_{3, Symmetry::kOff};
  RaftOptions options_;
  RecoveredState recovered_;
  Instant now_ = kNow;
  Output output_;
};

TEST_F(Described, WhatWasRecoveredIsToldFieldByField) {
  const Uint128 as_it_is = Of(Recovered());
  const RecoveredState original = recovered_;
  const auto differs = [&](const char* what, auto change) {
    recovered_ = original;
    change(recovered_);
    EXPECT_NE(Of(Recovered()), as_it_is) << what;
  };
  differs("term", [](RecoveredState& state) { state.hard_state.term = Term(3); });
  differs("vote", [&](RecoveredState& state) { state.hard_state.voted_for = cluster_.IdOf(1); });
  differs("founder", [](RecoveredState& state) { state.hard_state.founder = false; });
  differs("length", [](RecoveredState& state) { state.entries.pop_back(); });
  differs("entry's term", [](RecoveredState& state) { state.entries[1].term = Term(2); });
  differs("entry's type", [](RecoveredState& state) { state.entries[1].type = EntryType::kNoop; });
  differs("payload", [](RecoveredState& state) { state.entries[1].payload = Bytes("b"); });
  differs("incarnation",
          [](RecoveredState& state) { state.identity.incarnation = Incarnation(7); });
  differs("configuration",
          [](RecoveredState& state) { state.identity.bootstrap = Configuration(); });
  differs("snapshot and commit index", [](RecoveredState& state) {
    state.snapshot = SnapshotMeta{Index(1), Term(1), state.identity.bootstrap, Index(0)};
  });
  differs("base of the log", [](RecoveredState& state) {
    state.snapshot = SnapshotMeta{Index(1), Term(1), state.identity.bootstrap, Index(0)};
    state.base_index = Index(1);
    state.base_term = Term(1);
    state.entries.erase(state.entries.begin());
  });
  recovered_ = original;
  EXPECT_EQ(Of(Recovered()), as_it_is);
}

TEST_F(Described, WhatACandidateHasHeardIsTold) {
  const Uint128 candidate = Of(Candidate());
  EXPECT_NE(candidate, Of(Recovered()));
  EXPECT_NE(candidate, Of(After(Recovered(), {DeadlineReached{}})));
  EXPECT_NE(candidate, Of(After(Candidate(), {Persisted{PersistId(1)}})));
  EXPECT_NE(candidate, Of(After(Candidate(), {VoteOf(1, false)})));
  EXPECT_NE(candidate, Of(After(Candidate(), {VoteOf(1, true)})));
  EXPECT_NE(Of(After(Candidate(), {VoteOf(1, true)})), Of(After(Candidate(), {VoteOf(2, true)})));
  EXPECT_NE(Of(After(Candidate(), {VoteOf(1, true)})), Of(After(Candidate(), {VoteOf(1, false)})));
  EXPECT_EQ(Of(After(Candidate(), {VoteOf(1, false), VoteOf(1, false)})),
            Of(After(Candidate(), {VoteOf(1, false)})));
}

TEST_F(Described, WhatALeaderKnowsOfItsFollowersIsTold) {
  const Raft leader = Leader();
  ASSERT_EQ(leader.role(), Role::kLeader);
  const Uint128 as_it_is = Of(leader);
  const auto differs = [&](const char* what, std::vector<Input> inputs) {
    EXPECT_NE(Of(After(leader, std::move(inputs))), as_it_is) << what;
  };
  differs("match", {Matched(1, 1, 0)});
  differs("match, and commit", {Matched(1, 3, 2)});
  EXPECT_NE(Of(After(leader, {Matched(1, 1, 0)})), Of(After(leader, {Matched(2, 1, 0)})));
  differs("an entry under way", {Submit{{Bytes("c")}, {}}});
  differs("a read that waits", {Submit{{}, {ReadId(1)}}});
  differs("a transfer", {TransferLeadership{cluster_.IdOf(1)}});
  EXPECT_NE(Of(After(leader, {TransferLeadership{cluster_.IdOf(1)}})),
            Of(After(leader, {TransferLeadership{cluster_.IdOf(2)}})));
  AppendEntriesResponse conflict;
  conflict.result = AppendResult::kConflict;
  conflict.prev_log_index = Index(2);
  conflict.conflict_index = Index(1);
  differs("next", {From(1, Term(3), conflict)});
  AppendEntriesResponse unproven;
  unproven.standing = Standing::kUnproven;
  differs("standing", {From(1, Term(3), unproven)});
  EXPECT_EQ(Of(After(leader, {DeadlineReached{}})), Of(After(leader, {DeadlineReached{}})));
}

TEST_F(Described, AFollowersLeaderAndWhatItHoldsBackAreTold) {
  const auto append = [&](std::uint32_t from) {
    AppendEntriesRequest request;
    request.prev_log_index = Index(2);
    request.prev_log_term = Term(1);
    return From(from, Term(3), request);
  };
  const Uint128 of_n2 = Of(After(Recovered(), {append(1)}));
  EXPECT_NE(of_n2, Of(Recovered()));
  EXPECT_NE(of_n2, Of(After(Recovered(), {append(2)})));
  EXPECT_NE(of_n2, Of(After(Recovered(), {append(1), append(1)})));  // two answers are held
  EXPECT_NE(of_n2, Of(After(Recovered(), {append(1), Persisted{PersistId(1)}})));
}

// --- Schedules ---

// n1 wins an election of three and commits its no-op.
const std::vector<std::string> kElection = {
    "timeout n1",
    "finish n1",
    "deliver n1 -> n2 term 1: asks for a vote in term 1, last entry 0@0",
    "finish n2",
    "deliver n2 -> n1 term 1: grants the vote of term 1",
    "deliver n1 -> n2 term 1: appends after 0@0, 1@1 noop, commit 0, round 0",
    "finish n2",
    "finish n1",
    "deliver n2 -> n1 term 1: matches through 1 after 0, round 0",
};

TEST(ExploreReplay, RunsAScheduleStepByStep) {
  const ReplayResult result = Replay({.terms = 1}, kElection);
  EXPECT_EQ(result.problem, std::nullopt);
  EXPECT_FALSE(result.violation.has_value());
  EXPECT_EQ(result.steps, kElection.size());
  EXPECT_NE(result.text.find("n1 leader of term 1, voted for n1, log 1, on disk 1, commit 1"),
            std::string::npos)
      << result.text;
}

TEST(ExploreReplay, SaysWhichStepCannotBeDone) {
  const auto problem = [](std::vector<std::string> steps) {
    return Replay({.terms = 1}, steps).problem.value_or("none");
  };
  EXPECT_EQ(problem({"finish n1"}), "step 1, 'finish n1': it is not possible here");
  EXPECT_EQ(problem({"timeout n1", "timeout n1"}), "step 2, 'timeout n1': it is not possible here");
  EXPECT_EQ(problem({"timeout n4"}), "step 1, 'timeout n4': no node is called 'n4'");
  EXPECT_EQ(problem({"jump n1"}), "step 1, 'jump n1': no step begins with 'jump'");
  EXPECT_EQ(problem({"drop n1 -> n2"}),
            "step 1, 'drop n1 -> n2': no such message is in the network");
  EXPECT_EQ(problem({"crash n1 keeping 1"}),
            "step 1, 'crash n1 keeping 1': expected 'keeping N', N from 0 to 0 here");
  EXPECT_EQ(problem({"timeout n1 now"}),
            "step 1, 'timeout n1 now': does not know what 'now' means");
}

TEST(ExploreReplay, ACrashKeepsThePartsOfAWriteThatItIsTold) {
  const std::vector<std::string> lost = {"timeout n1", "crash n1 keeping 0"};
  const std::vector<std::string> kept = {"timeout n1", "crash n1 keeping 1"};
  EXPECT_NE(Replay({}, lost).text.find("n1 follower of term 0"), std::string::npos);
  EXPECT_NE(Replay({}, kept).text.find("n1 follower of term 1, voted for n1"), std::string::npos);
}

TEST(ExploreReplay, AReadIsAnsweredAsOfWhatIsCommitted) {
  const Bounds alone{.nodes = 1};
  const std::vector<std::string> steps = {"timeout n1", "finish n1", "finish n1", "read n1",
                                          "propose n1", "finish n1", "read n1"};
  const ReplayResult result = Replay(alone, steps);
  EXPECT_EQ(result.problem, std::nullopt);
  EXPECT_FALSE(result.violation.has_value());
  EXPECT_NE(result.text.find("commit 2, read 1 as of 1, read 2 as of 2\n"), std::string::npos)
      << result.text;
  std::vector<std::string> too_many = {"timeout n1", "finish n1", "finish n1"};
  too_many.resize(too_many.size() + kReadsMax + 1, "read n1");
  EXPECT_EQ(Replay(alone, too_many).problem, "step 7, 'read n1': there are no more than 3 reads");
  EXPECT_EQ(Replay(alone, std::vector<std::string>{"read n1"}).problem,
            "step 1, 'read n1': it is not possible here");
}

TEST(ExploreReplay, AFileGivesBackItsBoundsAndItsSteps) {
  const Bounds bounds{.nodes = 3,
                      .terms = 4,
                      .entries = 2,
                      .crashes = 1,
                      .drops = 3,
                      .duplicates = 5,
                      .heartbeats = 6,
                      .disk = DiskSpeed::kInstant,
                      .pre_votes = PreVotes::kExplored,
                      .timeouts = 7,
                      .append_max = 1,
                      .reads = 2};
  ScheduleFile file;
  const std::string text = FileOf(bounds, kElection, "what it shows\nin two lines\n");
  EXPECT_EQ(ParseFile(text, &file), std::nullopt);
  EXPECT_EQ(file.bounds, bounds);
  EXPECT_EQ(file.steps, kElection);
}

TEST(ExploreReplay, AFileThatIsNoneIsRefusedWithTheReason) {
  ScheduleFile file;
  const std::string header = "grass-sim explore schedule 1\n";
  EXPECT_EQ(ParseFile("", &file), "its first line is not 'grass-sim explore schedule 1'");
  EXPECT_EQ(ParseFile("nonsense\nbounds: --nodes 3\n", &file),
            "its first line is not 'grass-sim explore schedule 1'");
  EXPECT_EQ(ParseFile(header + "--nodes 3\n", &file),
            "its second line does not begin with 'bounds: '");
  EXPECT_EQ(ParseFile(header + "bounds: --nodes x\n", &file),
            "its bounds have '--nodes', which is no bound with a number");
  EXPECT_NE(ParseFile(header + "bounds: --nodes 9\n", &file), std::nullopt);
}

}  // namespace
}  // namespace grassdb::sim::explore
