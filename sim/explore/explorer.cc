#include "sim/explore/explorer.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "core/check.h"
#include "sim/explore/catalog.h"
#include "sim/explore/fingerprint_set.h"
#include "sim/explore/layer.h"
#include "sim/explore/moot.h"
#include "sim/explore/schedule.h"

namespace grassdb::sim::explore {
namespace {

constexpr std::uint32_t kNothing = UINT32_MAX;
constexpr std::size_t kMessagesInFlightMax = 255;
constexpr std::size_t kPermutationsMax = 120;
constexpr std::uint64_t kProgressEvery = 1 << 19;

// A step in 32 bits: 2 of StepKind - 1, 3 of the node or of ActionKind, 24 and more of the rest.
struct PackedStep {
  std::uint32_t word = 0;

  static PackedStep OfMessage(StepKind kind, std::uint32_t message) {
    return {(static_cast<std::uint32_t>(kind) - 1) | message << 2};
  }
  static PackedStep OfNode(std::uint32_t node, ActionKind kind, std::uint32_t kept) {
    return {(static_cast<std::uint32_t>(StepKind::kAct) - 1) | node << 2 |
            static_cast<std::uint32_t>(kind) << 5 | kept << 9};
  }
  StepKind kind() const { return static_cast<StepKind>((word & 3) + 1); }
  std::uint32_t message() const { return word >> 2; }
  std::uint32_t node() const { return word >> 2 & 7; }
  ActionKind action() const { return static_cast<ActionKind>(word >> 5 & 15); }
  std::uint32_t kept() const { return word >> 9; }
};

// How a state was first reached.
struct Origin {
  std::uint32_t parent = 0;
  PackedStep step;
};

Uint128 DigestOfSpent(std::uint32_t spent) {
  return Uint128{Mix(spent + 0x9e3779b97f4a7c15u)} << 64 | Mix(~std::uint64_t{spent});
}

class Explorer {
 public:
  explicit Explorer(const ExploreOptions& options)
      : options_(options),
        bounds_(options.bounds),
        // Which followers a leader asks to confirm a read hangs on their names.
        cluster_(bounds_.nodes, bounds_.reads > 0 ? Symmetry::kOff : options.symmetry),
        permutations_(cluster_.permutations().size()),
        catalog_(cluster_, bounds_),
        proof_(cluster_, bounds_, catalog_),
        reduces_(options.reduction == Reduction::kOn),
        current_(bounds_.nodes),
        next_(bounds_.nodes) {}

  ExploreResult Run();

 private:
  struct Successor {
    Uint128 hash;
    PackedStep step;
    std::uint32_t stepped;  // the node whose facts have changed, or kNothing
    std::uint32_t begin;    // of its words
    std::uint32_t end;
  };

  void Begin();
  bool Expand(StateView state);
  void ExpandNode(StateView state, std::uint32_t node);
  void ExpandMessages(StateView state);
  bool Has(std::uint32_t spent, Budget budget) const;
  void Take(StateView state, std::uint32_t node, ActionKind kind, std::uint32_t argument,
            std::uint32_t spent, std::size_t taken, PackedStep step);
  bool IsMoot(StateView state, std::uint32_t node, Age age, std::uint32_t message) const;
  void Lose(StateView state, std::size_t taken);
  std::uint32_t HistoryAfter(std::uint32_t history, std::uint32_t facts);
  void Emit(std::span<const Uint128> sums, std::uint32_t begin, PackedStep step,
            std::uint32_t stepped);
  bool Insert(const Successor& successor);
  // False.
  bool Stop(Ending ending);
  void Fail(PackedStep step, const Violation& violation);
  void Check(StateView state);
  std::size_t BytesInUse() const;
  void Report();
  ExploreResult Finish();
  std::string TextOfStep(PackedStep step) const;

  const ExploreOptions& options_;
  const Bounds bounds_;
  const Cluster cluster_;
  const std::size_t permutations_;
  Catalog catalog_;
  MootProof proof_;
  const bool reduces_;
  FingerprintSet visited_;
  std::deque<Origin> origins_;  // of every state, in the order found
  Layer current_;
  Layer next_;
  ExploreResult result_;
  bool stopped_ = false;

  // Of the state being expanded.
  std::uint32_t parent_ = 0;
  std::array<Uint128, kPermutationsMax> base_{};
  std::array<Uint128, kPermutationsMax> sums_{};
  std::vector<Successor> successors_;
  std::vector<std::uint32_t> words_;  // of the successors
  std::vector<std::uint32_t> sent_;   // of a successor, but for the moot ones
};

ExploreResult Explorer::Run() {
  const CheckFailuresThrow handler;
  Begin();
  while (!current_.empty() && !stopped_) {
    if (result_.depth == options_.depth_max) {
      result_.ending = Ending::kDepth;
      break;
    }
    result_.at_depth = current_.size();
    result_.expanded = 0;
    current_.Consume([this](StateView state) { return Expand(state); });
    if (stopped_) break;
    if (reduces_) result_.not_reduced = proof_.Problem();
    if (result_.not_reduced.has_value() || next_.empty()) break;
    std::swap(current_, next_);
    ++result_.depth;
  }
  return Finish();
}

void Explorer::Begin() {
  std::vector<std::uint32_t> words = {0, catalog_.AddHistory(History())};
  for (std::uint32_t node = 0; node < bounds_.nodes; ++node) {
    words.push_back(catalog_.AddReplica(StartReplica(cluster_, bounds_, node)));
  }
  words_ = words;
  for (std::size_t p = 0; p < permutations_; ++p) {
    sums_[p] = DigestOfSpent(0) + catalog_.HistoryDigests(words[1])[p];
    for (std::uint32_t node = 0; node < bounds_.nodes; ++node) {
      sums_[p] += catalog_.ReplicaDigests(words[2 + node])[p];
    }
  }
  Emit(std::span(sums_).first(permutations_), 0, PackedStep(), kNothing);
  Insert(successors_.front());
  std::swap(current_, next_);
}

bool Explorer::Expand(StateView state) {
  successors_.clear();
  words_.clear();
  const Uint128 spent = DigestOfSpent(state.spent());
  const Uint128* history = catalog_.HistoryDigests(state.history());
  for (std::size_t p = 0; p < permutations_; ++p) base_[p] = spent + history[p];
  for (std::uint32_t node = 0; node < bounds_.nodes; ++node) {
    const Uint128* digests = catalog_.ReplicaDigests(state.replica(node));
    for (std::size_t p = 0; p < permutations_; ++p) base_[p] += digests[p];
  }
  for (const std::uint32_t message : state.messages()) {
    const Uint128* digests = catalog_.MessageDigests(message);
    for (std::size_t p = 0; p < permutations_; ++p) base_[p] += digests[p];
  }
  for (std::uint32_t node = 0; node < bounds_.nodes && !stopped_; ++node) ExpandNode(state, node);
  if (!stopped_) ExpandMessages(state);
  for (const Successor& successor : successors_) {
    if (stopped_ || !Insert(successor)) break;
  }
  if (successors_.empty() && !stopped_) {
    ++result_.final;
    result_.final_fingerprint += *std::min_element(
        base_.begin(), base_.begin() + static_cast<std::ptrdiff_t>(permutations_));
  }
  if (!stopped_) ++result_.expanded;
  const std::uint64_t before = result_.transitions;
  result_.transitions += successors_.size();
  if (before / kProgressEvery != result_.transitions / kProgressEvery) Report();
  ++parent_;
  return !stopped_;
}

bool Explorer::Has(std::uint32_t spent, Budget budget) const {
  const std::uint32_t used = SpentOf(spent, budget);
  switch (budget) {
    case Budget::kEntries:
      return used < bounds_.entries;
    case Budget::kCrashes:
      return used < bounds_.crashes;
    case Budget::kDrops:
      return used < bounds_.drops && options_.losses == Losses::kExplored;
    case Budget::kDuplicates:
      return used < bounds_.duplicates;
    case Budget::kHeartbeats:
      return used < bounds_.heartbeats;
    case Budget::kTimeouts:
      return bounds_.timeouts == 0 || used < bounds_.timeouts;
  }
  return false;
}

void Explorer::ExpandNode(StateView state, std::uint32_t node) {
  // A copy: what is taken may add to the catalog.
  const Abilities abilities = catalog_.abilities(state.replica(node));
  const std::uint32_t spent = state.spent();
  const auto take = [&](ActionKind kind, std::uint32_t kept, std::uint32_t spent_after) {
    if (!stopped_) {
      Take(state, node, kind, kept, spent_after, kNothing, PackedStep::OfNode(node, kind, kept));
    }
  };
  if (abilities.finish) take(ActionKind::kFinish, 0, spent);
  if (abilities.time_out && Has(spent, Budget::kTimeouts)) {
    const bool counted = bounds_.timeouts != 0;
    take(ActionKind::kTimeout, 0, counted ? SpendOne(spent, Budget::kTimeouts) : spent);
  }
  if (abilities.step_down) {
    if (Has(spent, Budget::kHeartbeats)) {
      take(ActionKind::kHeartbeat, 0, SpendOne(spent, Budget::kHeartbeats));
    }
    take(ActionKind::kStepDown, 0, spent);
  }
  if (abilities.lead && Has(spent, Budget::kEntries)) {
    take(ActionKind::kPropose, 0, SpendOne(spent, Budget::kEntries));
  }
  // How many were asked is in the history, which knows what was committed then.
  const std::uint32_t reads = catalog_.history(state.history()).reads;
  if (abilities.lead && reads < bounds_.reads) take(ActionKind::kRead, reads + 1, spent);
  if (Has(spent, Budget::kCrashes)) {
    for (std::uint32_t kept = 0; kept <= abilities.parts_unfinished; ++kept) {
      take(ActionKind::kCrash, kept, SpendOne(spent, Budget::kCrashes));
    }
  }
}

void Explorer::ExpandMessages(StateView state) {
  const std::uint32_t spent = state.spent();
  const std::span<const std::uint32_t> messages = state.messages();
  for (std::size_t at = 0; at < messages.size() && !stopped_; ++at) {
    const std::uint32_t message = messages[at];
    if (at > 0 && messages[at - 1] == message) continue;  // its like is as good
    const std::uint32_t receiver = catalog_.letter(message).receiver;
    Take(state, receiver, ActionKind::kDeliver, message, spent, at,
         PackedStep::OfMessage(StepKind::kDeliver, message));
    if (stopped_) return;
    // A copy that is not delivered at once is one that is made later.
    if (Has(spent, Budget::kDuplicates)) {
      Take(state, receiver, ActionKind::kDeliver, message, SpendOne(spent, Budget::kDuplicates),
           kNothing, PackedStep::OfMessage(StepKind::kRepeat, message));
    }
    if (Has(spent, Budget::kDrops)) Lose(state, at);
  }
}

// `taken` is the position of the message that leaves the network, or kNothing.
void Explorer::Take(StateView state, std::uint32_t node, ActionKind kind, std::uint32_t argument,
                    std::uint32_t spent, std::size_t taken, PackedStep step) {
  const std::uint32_t before = state.replica(node);
  const Outcome outcome = catalog_.Take(before, kind, argument);
  if (outcome.failure != 0) return Fail(step, catalog_.Failure(outcome));
  const std::uint32_t facts = catalog_.abilities(outcome.replica).facts;
  const bool same_facts = facts == catalog_.abilities(before).facts;
  std::uint32_t history = state.history();
  if (kind == ActionKind::kRead) history = catalog_.Asked(history);
  try {
    if (!same_facts) history = HistoryAfter(history, facts);
  } catch (const Violation& violation) {
    return Fail(step, violation);
  }

  const std::span<const std::uint32_t> messages = state.messages();
  if (outcome.replica == before && outcome.sent_count == 0 && taken == kNothing &&
      spent == state.spent() && history == state.history()) {
    return;  // a leader that does not step down
  }
  const Age age = catalog_.abilities(outcome.replica).age;
  sent_.clear();
  for (const std::uint32_t message : catalog_.Sent(outcome)) {
    if (!reduces_ || !IsMoot(state, node, age, message)) sent_.push_back(message);
  }
  // What is in the network becomes moot when somebody's age rises.
  const bool older = reduces_ && age != catalog_.abilities(before).age;

  const std::span<Uint128> sums = std::span(sums_).first(permutations_);
  const Uint128* old_digests = catalog_.ReplicaDigests(before);
  const Uint128* new_digests = catalog_.ReplicaDigests(outcome.replica);
  const Uint128 spending = DigestOfSpent(spent) - DigestOfSpent(state.spent());
  for (std::size_t p = 0; p < sums.size(); ++p) {
    sums[p] = base_[p] + new_digests[p] - old_digests[p] + spending;
  }
  if (history != state.history()) {
    const Uint128* old_history = catalog_.HistoryDigests(state.history());
    const Uint128* new_history = catalog_.HistoryDigests(history);
    for (std::size_t p = 0; p < sums.size(); ++p) sums[p] += new_history[p] - old_history[p];
  }
  const auto remove = [&](std::uint32_t message) {
    const Uint128* digests = catalog_.MessageDigests(message);
    for (std::size_t p = 0; p < sums.size(); ++p) sums[p] -= digests[p];
  };
  for (const std::uint32_t message : sent_) {
    const Uint128* digests = catalog_.MessageDigests(message);
    for (std::size_t p = 0; p < sums.size(); ++p) sums[p] += digests[p];
  }
  if (taken != kNothing) remove(messages[taken]);

  const std::size_t begin = words_.size();
  words_.push_back(0);
  words_.push_back(history);
  for (std::uint32_t other = 0; other < bounds_.nodes; ++other) {
    words_.push_back(other == node ? outcome.replica : state.replica(other));
  }
  const std::size_t first_message = words_.size();
  auto new_message = sent_.begin();
  for (std::size_t at = 0; at < messages.size(); ++at) {
    if (at == taken) continue;
    if (older && IsMoot(state, node, age, messages[at])) {
      remove(messages[at]);
      continue;
    }
    while (new_message != sent_.end() && *new_message < messages[at]) {
      words_.push_back(*new_message++);
    }
    words_.push_back(messages[at]);
  }
  words_.insert(words_.end(), new_message, sent_.end());
  const std::size_t count = words_.size() - first_message;
  GRASS_CHECK_LE(count, kMessagesInFlightMax);
  words_[begin] = spent | static_cast<std::uint32_t>(count) << 24;
  Emit(sums, static_cast<std::uint32_t>(begin), step, same_facts ? kNothing : node);
}

// Once `node` has become so old.
bool Explorer::IsMoot(StateView state, std::uint32_t node, Age age, std::uint32_t message) const {
  const Letter& letter = catalog_.letter(message);
  const auto age_of = [&](std::uint32_t of) {
    return of == node ? age : catalog_.abilities(state.replica(of)).age;
  };
  return explore::IsMoot(letter.moot_when, age_of(letter.receiver), age_of(letter.sender));
}

void Explorer::Lose(StateView state, std::size_t taken) {
  const auto begin = static_cast<std::uint32_t>(words_.size());
  const std::span<const std::uint32_t> words = state.words();
  const std::span<const std::uint32_t> messages = state.messages();
  const std::uint32_t spent = SpendOne(state.spent(), Budget::kDrops);
  words_.push_back(spent | static_cast<std::uint32_t>(messages.size() - 1) << 24);
  for (std::size_t at = 1; at < words.size(); ++at) {
    if (at != words.size() - messages.size() + taken) words_.push_back(words[at]);
  }
  const Uint128 spending = DigestOfSpent(spent) - DigestOfSpent(state.spent());
  const Uint128* digests = catalog_.MessageDigests(messages[taken]);
  const std::span<Uint128> sums = std::span(sums_).first(permutations_);
  for (std::size_t p = 0; p < sums.size(); ++p) sums[p] = base_[p] - digests[p] + spending;
  Emit(sums, begin, PackedStep::OfMessage(StepKind::kDrop, messages[taken]), kNothing);
}

std::uint32_t Explorer::HistoryAfter(std::uint32_t history, std::uint32_t facts) {
  return IsNews(catalog_.history(history), catalog_.facts(facts)) ? catalog_.Learned(history, facts)
                                                                  : history;
}

// The words from `begin` on are a successor's, and `sums` its hashes under every permutation.
void Explorer::Emit(std::span<const Uint128> sums, std::uint32_t begin, PackedStep step,
                    std::uint32_t stepped) {
  const Uint128 hash = *std::min_element(sums.begin(), sums.end());
  visited_.Prefetch(hash);
  successors_.push_back({hash, step, stepped, begin, static_cast<std::uint32_t>(words_.size())});
}

bool Explorer::Insert(const Successor& successor) {
  const std::size_t bytes = visited_.bytes_during(successor.hash);
  if (bytes != visited_.bytes() && BytesInUse() - visited_.bytes() + bytes > options_.bytes_max) {
    return Stop(Ending::kMemory);
  }
  if (!visited_.Insert(successor.hash)) return true;
  result_.fingerprint += successor.hash;
  origins_.push_back(Origin{.parent = parent_, .step = successor.step});
  const std::span<const std::uint32_t> words =
      std::span(words_).subspan(successor.begin, successor.end - successor.begin);
  if (successor.stepped != kNothing) {
    try {
      Check(StateView(words.data(), bounds_.nodes));
    } catch (const Violation& violation) {
      Fail(successor.step, violation);
      return false;
    }
  }
  next_.Append(words);
  return visited_.size() < options_.states_max || Stop(Ending::kStates);
}

bool Explorer::Stop(Ending ending) {
  stopped_ = true;
  result_.ending = ending;
  return false;
}

void Explorer::Check(StateView state) {
  std::array<const Facts*, kNodesMax> facts{};
  for (std::uint32_t node = 0; node < bounds_.nodes; ++node) {
    facts[node] = &catalog_.facts(catalog_.abilities(state.replica(node)).facts);
  }
  CheckState(std::span<const Facts* const>(facts.data(), bounds_.nodes),
             catalog_.history(state.history()));
}

// `step` from the state being expanded broke a rule.
void Explorer::Fail(PackedStep step, const Violation& violation) {
  stopped_ = true;
  result_.ending = Ending::kViolation;
  result_.violation = violation;
  result_.schedule = {TextOfStep(step)};
  for (std::uint32_t state = parent_; state != 0; state = origins_[state].parent) {
    result_.schedule.push_back(TextOfStep(origins_[state].step));
  }
  std::ranges::reverse(result_.schedule);
}

std::string Explorer::TextOfStep(PackedStep step) const {
  if (step.kind() == StepKind::kAct) return TextOf(step.node(), step.action(), step.kept());
  return TextOf(cluster_, step.kind(), catalog_.message(step.message()));
}

std::size_t Explorer::BytesInUse() const {
  return visited_.bytes() + origins_.size() * sizeof(Origin) + current_.bytes() + next_.bytes() +
         catalog_.bytes();
}

void Explorer::Report() {
  if (stopped_) return;
  if (BytesInUse() > options_.bytes_max) Stop(Ending::kMemory);
  if (!stopped_ && options_.enough && options_.enough()) Stop(Ending::kEnough);
  if (!options_.on_progress) return;
  options_.on_progress(Progress{.distinct = visited_.size(),
                                .transitions = result_.transitions,
                                .depth = result_.depth,
                                .layer_left = current_.size(),
                                .bytes = BytesInUse()});
}

ExploreResult Explorer::Finish() {
  result_.distinct = visited_.size();
  result_.deeper = next_.size();
  result_.bytes = BytesInUse();
  result_.replicas = catalog_.replicas();
  result_.messages = catalog_.messages();
  result_.steps = catalog_.steps();
  result_.replicas_fingerprint = catalog_.ReplicasFingerprint();
  return std::move(result_);
}

}  // namespace

ExploreResult Explore(const ExploreOptions& options) {
  ExploreResult result = Explorer(options).Run();
  if (!result.not_reduced.has_value()) return result;
  ExploreOptions whole = options;
  whole.reduction = Reduction::kOff;
  std::optional<std::string> why = std::move(result.not_reduced);
  result = Explorer(whole).Run();
  result.not_reduced = std::move(why);
  return result;
}

std::string HexOf(Uint128 value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (int shift = 124; shift >= 0; shift -= 4) {
    text += kDigits[static_cast<std::size_t>(value >> shift & 15)];
  }
  return text;
}

}  // namespace grassdb::sim::explore
