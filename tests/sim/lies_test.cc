// In a running simulation something lies to one checker about one thing (sim/testimony.h), and the
// run must end with a violation of that checker's rule. A checker that is not fed any more sees no
// lie, and its row here fails. Each testimony and each rule there is has a row.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/node.h"
#include "core/repair.h"
#include "sim/checkers/told.h"
#include "sim/report/failure_file.h"
#include "sim/run.h"
#include "sim/schedule.h"
#include "sim/testimony.h"

namespace grassdb::sim {
namespace {

constexpr std::uint64_t kFar = std::uint64_t{1} << 40;

struct Lie {
  const void* testimony = nullptr;
  std::string about;
  std::string rule;                 // that it breaks
  std::string text;                 // in the text of the violation
  std::function<void(void*)> tell;  // falsifies what is told; may remember what was
  // In which it matters soon: of sim/profiles/, and what is set besides.
  std::string profile;
  std::map<std::string, std::uint64_t> edits;

  friend std::ostream& operator<<(std::ostream& out, const Lie& lie) {
    return out << lie.about << ": " << lie.rule;
  }
};

template <class T>
Lie About(const Testimony<T>& testimony, std::string rule, std::string text,
          std::type_identity_t<std::function<void(T&)>> tell, std::string profile = "",
          std::map<std::string, std::uint64_t> edits = {}) {
  const auto typed = [tell](void* value) { tell(*static_cast<T*>(value)); };
  return {&testimony, testimony.about,    std::move(rule), std::move(text),
          typed,      std::move(profile), std::move(edits)};
}

// Of what is told by pointer: a falsified copy of it.
template <class T, class Tell>
std::function<void(const T*&)> Copy(Tell tell) {
  return [tell, copy = std::optional<T>()](const T*& told) mutable {
    copy.emplace(*told);
    tell(*copy);
    told = &*copy;
  };
}
template <class T, class Tell>
std::function<void(T&)> Late(Tell tell) {
  constexpr std::uint64_t kTruths = 400;
  return [tell, told = std::uint64_t{0}](T& value) mutable {
    if (++told > kTruths) tell(value);
  };
}
template <class T>
std::function<void(T&)> Always(T lie) {
  return [lie](T& value) { value = lie; };
}
// Another one each time.
std::function<void(std::uint64_t&)> EachAnother() {
  return [lies = std::uint64_t{0}](std::uint64_t& value) mutable { value += ++lies; };
}
template <class Integer>
std::function<void(Integer&)> OneMore() {
  return [](Integer& value) { value = value + 1; };
}

const absl::Status kNo = absl::UnknownError("a lie");

// What is the newest entry of another log has other bytes in this one.
void ForgeKnownEntry(std::set<std::pair<Index, Term>>& known, Log& log) {
  if (log.last_index() == log.evicted_through()) return;
  Entry last = log.At(log.last_index());
  if (known.emplace(last.index, last.term).second) return;
  last.payload = Bytes("forged");
  log.TruncateFrom(last.index);
  log.Append(last);
}

void ForgeARead(std::vector<HistoryOperation>& history) {
  for (HistoryOperation& operation : history) {
    if (operation.kind != OperationKind::kGet || operation.returned == kNotReturned) continue;
    operation.read = 999'999'999;
    return;
  }
}

template <class Body>
std::function<void(const Message*&)> In(std::function<void(Message&, Body&)> tell) {
  return Copy<Message>([tell](Message& message) {
    if (auto* body = std::get_if<Body>(&message.body)) tell(message, *body);
  });
}

std::function<void(const Message*&)> InLaterTerm() {
  return Copy<Message>([](Message& message) { message.term = message.term + kFar; });
}

std::vector<Lie> AfterSteps() {
  using Standing = ProgressRules::Standing;
  using Followers = std::vector<Progress>;
  const std::string monotony = "monotony";
  const auto forge = Copy<Log>([known = std::set<std::pair<Index, Term>>()](Log& log) mutable {
    ForgeKnownEntry(known, log);
  });
  const Configuration strangers({MakeMember("stranger", "s:1", MemberRole::kVoter)});
  return {
      About(told::kStanding, monotony, "term fell from",
            Late<Standing>([](Standing& now) { now.term = Term(); })),
      About(told::kStanding, monotony, "changed its vote",
            [lies = std::uint64_t{0}](Standing& now) mutable { now.voted_for = NodeId(++lies); }),
      About(told::kStanding, monotony, "commit index fell from",
            Late<Standing>([](Standing& now) { now.commit = now.applied = Index(); })),
      About(told::kStanding, monotony, "applied index fell from",
            Late<Standing>([](Standing& now) { now.applied = Index(); })),
      About(told::kStanding, monotony, "applied more than is committed",
            [](Standing& now) { now.applied = now.commit + 1; }),
      About(told::kLog, "log matching", "differs from the one another log holds", forge),
      About(told::kLogChange, "leader append-only", "cut its own log",
            [](LogMatching::Change& change) { change.cut = true; }),
      About(told::kConfigurationIsInLog, "configuration in force", "that its log does not hold",
            Always(false), "membership"),
      About(told::kConfigurationsAfter, "configuration in force", "its log has a newer one",
            Always(Index()), "membership"),
      About(told::kConfigurationBefore, "one change at a time", "two configurations",
            Always(Index(kFar)), "membership"),
      About(told::kCommittedBeforeChange, "no change before a commit of the term",
            "has committed nothing of its term", Always(Term()), "membership"),
      About(told::kChangedFrom, "configurations intersect", "without a common node",
            Copy<Configuration>([strangers](Configuration& before) { before = strangers; }),
            "membership"),
      About(told::kLifeOfLeader, "election safety", "both lead in term", EachAnother()),
      About(told::kLogOfNewLeader, "leader completeness", "lacks the entry",
            Copy<Log>([](Log& log) { log = Log(); })),
      About(told::kTermWon, "leadership rests on votes", "without the votes", OneMore<Term>()),
      About(told::kFollowers, "match rests on disk", "matches its log up to",
            Copy<Followers>([](Followers& followers) {
              for (Progress& follower : followers) follower.match = Index(kFar);
            })),
      About(told::kFollowersOverTime, monotony, "match index fell from",
            Late<const Followers*>(Copy<Followers>([](Followers& followers) {
              for (Progress& follower : followers) follower.match = Index();
            }))),
      About(told::kCommit, "committed for ever", "beyond the end of its log", Always(Index(kFar))),
      About(told::kTermOfCommit, "commit rule", "by an entry of term", OneMore<Term>()),
      About(told::kCommittedByQuorum, "commit rests on a quorum", "is not durable on a quorum",
            OneMore<Term>()),
      About(told::kConfigurationCommitted, "commit rests on a quorum", "is not durable on a quorum",
            OneMore<Term>(), "membership"),
      About(told::kCommittedEntry, "exactly once", "out of order",
            Copy<Entry>([](Entry& entry) { entry.index = entry.index + 1; })),
      About(told::kServerAfterStep, "specification", "which no candidate has begun",
            [](ServerView& now) { now.term = now.term + kFar; }),
      About(told::kHeld, "resource bounds", "requests that wait",
            [](ResourceBounds::Held& held) { held.requests_waiting = kFar; }),
      About(told::kAnswersKept, "resource bounds", "answers of one session",
            [](KvStore::KeptAnswers& kept) { kept.of_one_session = kFar; }),
      About(told::kDigest, "state machine safety", "has another state than others", EachAnother()),
      About(told::kStoreShown, "exactly once", "it must be",
            [](ReferenceStore::Shown& shown) { ++shown.keys; }),
  };
}

std::vector<Lie> OfMessages() {
  const std::string promise = "durable before promised";
  const auto acknowledge = [](Message&, AppendEntriesResponse& answer) {
    answer.match_index = answer.match_index + kFar;
  };
  const auto vote_for_another = [](Message& message, RequestVoteRequest&) {
    message.from = NodeId(kFar);
  };
  const auto next_term = [](Message& message, RequestVoteRequest&) {
    message.term = message.term + 1;
  };
  const auto ask_for_votes = [](Message& message) { message.body = RequestVoteRequest(); };
  return {
      About(told::kPromise, promise, "acknowledges index", In<AppendEntriesResponse>(acknowledge)),
      About(told::kPromise, promise, "rests on a vote for",
            In<RequestVoteRequest>(vote_for_another)),
      About(told::kServerAtSend, "specification", "which no candidate has begun",
            [](ServerView& now) { now.term = now.term + kFar; }),
      About(told::kSent, "specification", "is no candidate in it",
            In<RequestVoteRequest>(next_term)),
      About(told::kPromiseInRepair, "who repairs itself promises nothing",
            "comes from a node in repair", Copy<Message>(ask_for_votes), "repair"),
      About(told::kPromiseInRepair, promise, "but the durable term is", InLaterTerm(), "repair"),
      About(told::kSentInRepair, "specification", "behind term", InLaterTerm(), "repair"),
      About(told::kReadsItself, "wire", "does not read what it has written", Always(false), "wire"),
      About(told::kMessageTaken, "wire", "is refused by its receiver: a lie", Always(kNo), "wire"),
      About(told::kMessageIsTheSame, "wire", "is not what was sent", Always(false), "wire"),
      About(told::kRequestTaken, "wire", "a request of kind", Always(kNo), "wire"),
      About(told::kRequestIsTheSame, "wire", "a request of kind", Always(false), "wire"),
      About(told::kReplyTaken, "wire", "the reply to a request of kind", Always(kNo), "wire"),
      About(told::kReplyIsTheSame, "wire", "the reply to a request of kind", Always(false), "wire"),
      About(told::kDamagedIsAMessage, "wire", "with flipped bits is taken", Always(false), "wire"),
  };
}

std::vector<Lie> OfDisks() {
  const auto later_term = Copy<RecoveredState>(
      [](RecoveredState& state) { state.hard_state.term = state.hard_state.term + kFar; });
  const auto other_bytes = Copy<RecoveredState>([](RecoveredState& state) {
    for (Entry& entry : state.entries) entry.payload = Bytes("forged");
  });
  const auto other_members = Copy<RecoveredState>([](RecoveredState& state) {
    if (state.evicted.empty()) return;
    if (!std::exchange(state.evicted.configurations, {}).empty()) return;
    Entry entry;
    entry.index = state.base_index + 1;
    state.evicted.configurations.push_back(entry);
  });
  const auto much_more = Copy<RecoveredState>([](RecoveredState& state) {
    state.entries.emplace_back().payload = Bytes(std::string(std::size_t{1} << 26, 'x'));
  });
  return {
      About(told::kHoldsCommitted, "committed for ever", "durably cut the committed entry",
            Always(false)),
      About(told::kRecovered, "recovery", "recovered term", later_term),
      About(told::kRecoveredMembers, "configuration in force", "which is not what its log has",
            other_members),
      About(told::kRecoveredInMemory, "resource bounds", "bytes of the log that it need not",
            much_more),
      About(told::kDamagedInMemory, "resource bounds", "bytes of the log that it need not",
            much_more, "repair"),
      About(told::kRecoveredFromDamage, "damage is noticed", "with other bytes", other_bytes,
            "disk"),
      About(told::kMetByLoss, "recovery", "of a disk without damage", Always(DamageMet::kNo),
            "repair"),
      About(told::kRecoveredWithLoss, "recovery", "recovered term", later_term, "repair"),
      About(told::kOpening, "recovery", "cannot recover: a lie", Always(kNo), "disk"),
      About(told::kRefusal, "justified refusal", "names no damaged place", Always(kNo), "disk"),
      About(told::kJobOnDamage, "damage is noticed", "for good ones", Always(absl::OkStatus()),
            "disk"),
      About(told::kRepairFailure, "full disk", "gives its repair up",
            Always(absl::ResourceExhaustedError("a lie")), "repair",
            {{"write_failure_ppm", 20000}, {"sync_failure_ppm", 20000}}),
      About(told::kRecoveredBesideOffline, "offline", "is said to be whole",
            Always<const RecoveredState*>(nullptr)),
      About(told::kRecoveredBesideOffline, "offline", "is said to end at index",
            [later_term](const RecoveredState*& state) {
              if (state != nullptr) later_term(state);
            }),
      About(told::kProblemOffline, "offline", "lies", Always<std::string>("lies")),
      About(told::kStateOffline, "offline", "state", [](bool& has) { has = !has; }),
  };
}

std::vector<Lie> OfConduct() {
  using Followers = std::vector<Progress>;
  const Duration long_time = std::chrono::hours(1);
  const auto granted =
      Copy<RequestVoteResponse>([](RequestVoteResponse& answer) { answer.granted = true; });
  const auto to_another_disk = Copy<Message>([](Message& message) {
    if (message.to_incarnation == Incarnation(0)) return;
    message.to_incarnation = Incarnation(message.to_incarnation.value() + kFar);
  });
  const auto behind = [copy = Followers()](CatchUp::Leading& now) mutable {
    copy = *now.followers;
    for (Progress& follower : copy) follower.match = Index();
    now.followers = &copy;
  };
  const auto other_disks = Copy<Configuration>([](Configuration& before) {
    std::vector<Member> members = before.members();
    for (Member& member : members) member.incarnation = Incarnation(kFar);
    before = Configuration(std::move(members));
  });
  return {
      About(told::kAnswerToCampaign, "a won election is taken", "does nothing with them", granted),
      About(told::kAnswerToCandidate, "an answer is for the disk that has asked",
            "by the name of another disk", to_another_disk),
      About(
          told::kKnownAfterMessage, "what was said to another disk is not heard",
          "takes what was said to its disk",
          [](Misaddressed::Known& known) { known.term = known.term + 1; }, "disk"),
      About(told::kCatchingUp, "caught up before it votes", "", behind, "membership"),
      About(told::kRounds, "a read rests on a quorum", "which no quorum has answered",
            [](ReadRounds::Leading& now) { now.confirmed = now.started = now.started + 1; }),
      About(told::kRounds, "a read is not kept waiting", "waiting, and a quorum has answered",
            [](ReadRounds::Leading& now) { now.confirmed = ReadRound(); }),
      About(told::kGathered, "no voter idles", "has nothing to do", Always(std::size_t{1})),
      About(told::kLastToSend, "what waits is sent", "not to be sent by any time",
            Always(Index(std::uint64_t{1} << 40))),
      About(told::kTimeoutOfVoter, "the leader is defended", "gives its vote", Always(long_time)),
      About(told::kIsDefended, "the leader is defended", "leader of term", Always(false), "lease"),
      About(told::kPatience, "a held write is sent on", "before it knows who leads",
            Always(long_time), "",
            {{"transfer_weight", 3000}, {"fault_partition", 1}, {"fault_crash", 1}}),
      About(told::kGoesByAnotherName, "who forgets knows it", "goes by it still", Always(false),
            "disk"),
      About(told::kKnowsAbsence, "who forgets knows it", "which it may have acknowledged",
            Always(false), "repair"),
      About(told::kRepairCut, "a repair cuts with proof", "cuts its log", Always(Index(kFar)),
            "repair"),
      About(told::kInstalls, "one snapshot at a time", "puts another one in force", Always(true)),
      About(told::kInstallsAndAsks, "one snapshot at a time", "while it puts one in force",
            Always(true)),
      About(told::kLiveLogIsDamaged, "everything is read again", "found nothing", Always(true)),
      About(told::kLogBegins, "log and disk let go of the same", "still reaches back",
            Always(Index())),
      About(told::kOpenAndGone, "what is gone is let go of", "open, which is gone",
            Always(std::optional<std::string>("a.wal"))),
      About(told::kMustMend, "damage is mended", "thinks no more of it", Always(false), "disk"),
      About(told::kKnownWithoutSnapshot, "whom a snapshot brought is known", "would not know",
            Always(std::vector<NodeId>())),
      About(told::kFilled, "a repair gives back what was lost", "what it has lost there",
            Copy<Entry>([](Entry& entry) { entry.term = entry.term + kFar; }), "repair"),
      About(told::kFilled, "a repair gives back what was lost", "other bytes",
            Copy<Entry>([](Entry& entry) { entry.payload = Bytes("forged"); }), "repair"),
      About(told::kTermLearnt, "a repair gives back what was lost", "what it has lost there",
            OneMore<Term>(), "repair"),
      About(told::kDisksBefore, "a new disk has no vote", "vote on with another disk", other_disks,
            "membership"),
      About(told::kIsFounder, "a cluster is born once", "takes part in the birth", Always(true)),
  };
}

std::vector<Lie> OfClientsAndOperators() {
  static const std::string kForged = "x1";
  const auto forged = Always<const std::string*>(&kForged);
  const auto results = OneMore<std::size_t>();
  return {
      About(told::kRequestIsOpen, "client", "answers a request twice", Always(false)),
      About(told::kSlipTaken, "client", "was taken", Always(true)),
      About(told::kKey, "client", "a key that nobody wrote", forged),
      About(told::kValue, "client", "a value that nobody wrote", forged),
      About(told::kResultsOfPut, "client", "says what 2 gave", results),
      About(told::kResultsOfDelete, "client", "says what 2 gave", results),
      About(told::kResultsOfSwap, "client", "says what", results),
      About(told::kResultsOfTransaction, "client", "says what", results),
      About(told::kSwapReads, "client", "a compare-and-set has read", Always(false)),
      About(told::kOwnRead, "client", "what it has written itself", OneMore<std::uint64_t>()),
      About(told::kPieceOfCopy, "backup", "gives another piece",
            Copy<BackupPiece>([](BackupPiece& piece) { ++piece.offset; })),
      About(told::kAcknowledgedBeforeCopy, "backup", "had been acknowledged", Always(kFar)),
      About(told::kCopyShown, "exactly once", "it must be",
            [](ReferenceStore::Shown& shown) { ++shown.keys; }),
      About(told::kDigestOfCopy, "state machine safety", "a copy of", OneMore<std::uint64_t>()),
      About(told::kStatus, "status", "says of itself what it is not",
            [](NodeStatus& status) { status.term = status.term + 1; }),
      About(told::kStatusShown, "status", "cannot be read", Always<std::string>("\xff")),
      About(
          told::kRepairStatus, "status", "by more than it has asked",
          [](RepairStatus& status) { status.without_it.resize(status.asked.size() + 2); },
          "repair"),
      About(told::kStopBy, "stop", "does not", Always(Instant::min())),
  };
}

std::vector<Lie> OfLeadershipAndTheEnd() {
  return {
      About(told::kHoldsLease, "one leader under a lease", "holds a lease", Always(true), "lease"),
      About(told::kHasForgotten, "who remembers is believed", "has lost its disk", Always(false),
            "disk"),
      About(told::kDenials, "who forgets is noticed", "does not notice",
            Always(std::uint32_t{1000}), "disk"),
      About(told::kDeadline, "convergence", "", Always(TrueTime())),
      About(told::kAnswered, "convergence", "got no answer", Always(false)),
      About(told::kAppliedAtEnd, "convergence", "has not applied everything", OneMore<Index>()),
      About(told::kStoreAtEnd, "exactly once", "another number of keys",
            Copy<KvStore>([](KvStore& store) { store = KvStore(); })),
      About(told::kNewestHoldsCommitted, "a quorum remembers", "not on the disk of", Always(false)),
      About(told::kConfigurationOfCore, "membership unharmed", "is a member no longer",
            Copy<Configuration>([](Configuration& now) { now = Configuration(); })),
      About(told::kDigestInCore, "the same state", "are not in the same state",
            OneMore<std::uint64_t>()),
      About(told::kWitnessed, "witness", "", ForgeARead),
      About(told::kHistory, "linearizability", "", ForgeARead),
  };
}

const std::vector<Lie>& Lies() {
  static const std::vector<Lie> lies = [] {
    std::vector<Lie> all;
    for (const auto& some : {AfterSteps(), OfMessages(), OfDisks(), OfConduct(),
                             OfClientsAndOperators(), OfLeadershipAndTheEnd()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return lies;
}

// Tells one lie while it lives.
class OneLiar final : public Liar {
 public:
  explicit OneLiar(const Lie& lie) : lie_(lie) { liar = this; }
  ~OneLiar() override { liar = nullptr; }
  void OnTold(const void* testimony, void* value) override {
    if (testimony == lie_.testimony) lie_.tell(value);
  }

 private:
  Lie lie_;
};

std::string ReadText(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

RunOptions OptionsFor(const Lie& lie, std::uint64_t seed) {
  RunOptions options;
  options.seed = seed;
  options.seconds = 8;
  options.edits = lie.edits;
  if (!lie.profile.empty()) {
    const std::string file = std::string(GRASSDB_SIM_DIR) + "/profiles/" + lie.profile + ".json";
    EXPECT_EQ(AddProfile(ReadText(file), file, &options.edits), std::nullopt);
  }
  return options;
}

class ALie : public ::testing::TestWithParam<Lie> {};

TEST_P(ALie, IsSeenByItsCheckerInARunningSimulation) {
  constexpr std::uint64_t kSeeds = 40;
  const Lie& lie = GetParam();
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const OneLiar liar(lie);
    const RunResult run = RunSeed(OptionsFor(lie, seed));
    if (run.ok()) continue;  // where nothing like it happened
    EXPECT_EQ(run.violation->rule, lie.rule) << "seed " << seed << ": " << run.violation->text;
    EXPECT_NE(run.violation->text.find(lie.text), std::string::npos)
        << "seed " << seed << ": " << run.violation->text;
    return;
  }
  FAIL() << "in " << kSeeds << " seeds no checker of '" << lie.rule << "' is told a lie about '"
         << lie.about << "': is it fed?";
}

INSTANTIATE_TEST_SUITE_P(Each, ALie, ::testing::ValuesIn(Lies()), [](const auto& row) {
  std::string name = std::to_string(row.index + 1) + "_";
  for (const char letter : row.param.about) name += std::isalnum(letter) ? letter : '_';
  return name;
});

TEST(Lies, OneOfEachTestimony) {
  const std::string told = ReadText(std::filesystem::path(GRASSDB_SIM_DIR) / "checkers/told.h");
  const std::regex variable(R"re(constexpr Testimony<.*> k\w+\{\s*"([^"]*)"\})re");
  std::set<std::string> testimonies;
  for (std::sregex_iterator at(told.begin(), told.end(), variable), end; at != end; ++at) {
    EXPECT_TRUE(testimonies.insert((*at)[1]).second) << (*at)[1] << " stands twice in told.h";
  }
  std::set<std::string> lies;
  for (const Lie& lie : Lies()) lies.insert(lie.about);
  EXPECT_EQ(testimonies, lies) << "each testimony of told.h needs a row here, and no other";
}

// The first argument of each GRASS_RULE, a string or a constant of the same file.
std::set<std::string> RulesIn(const std::string& text) {
  const std::regex rule(R"re(GRASS_(?:RULE|VIOLATION)\(\s*("[^"]*"|\w+)\s*,)re");
  std::set<std::string> rules;
  for (std::sregex_iterator at(text.begin(), text.end(), rule), end; at != end; ++at) {
    std::string name = (*at)[1];
    if (name.front() != '"') {
      std::smatch constant;
      const std::regex definition("constexpr const char\\* " + name + " = (\"[^\"]*\");");
      if (std::regex_search(text, constant, definition)) name = constant[1];
    }
    rules.insert(name.substr(1, name.size() - 2));
  }
  return rules;
}

TEST(Lies, OneAgainstEachRule) {
  const std::filesystem::path sim = GRASSDB_SIM_DIR;
  std::set<std::string> lied;
  for (const Lie& lie : Lies()) lied.insert(lie.rule);
  std::set<std::string> rules;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sim)) {
    const std::filesystem::path& path = entry.path();
    // An exploration runs no simulation, and has its own invariants.
    if (path.parent_path().filename() == "explore" || path.filename() == "violation.h") continue;
    if (path.extension() != ".h" && path.extension() != ".cc") continue;
    for (const std::string& rule : RulesIn(ReadText(path))) {
      EXPECT_TRUE(lied.contains(rule))
          << path << ": nothing lies to the rule '" << rule << "' in a running simulation";
      rules.insert(rule);
    }
  }
  EXPECT_EQ(rules, lied) << "where are the rules? looked in " << sim;
}

}  // namespace
}  // namespace grassdb::sim
