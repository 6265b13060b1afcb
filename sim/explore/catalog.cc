#include "sim/explore/catalog.h"

#include <algorithm>
#include <numeric>

#include "core/check.h"

namespace grassdb::sim::explore {
namespace {

// An argument has 28 bits in the key of an outcome, and less in a step (explorer.cc).
constexpr std::size_t kMessagesMax = std::size_t{1} << 24;

// Of a replica with its usual containers, most of it the deques' first blocks.
constexpr std::size_t kReplicaBytes = sizeof(Replica) + 4096;

Uint128 DigestOf(const Facts& facts) {
  Fingerprint hash;
  hash.AddAll(facts.node, facts.leads ? 1 : 0, facts.term, facts.commit, facts.last, facts.durable,
              facts.log[facts.last], facts.disk[facts.durable], facts.disk_term, facts.disk_vote);
  for (const std::uint8_t match : facts.match) hash.Add(match);
  for (const std::uint8_t index : facts.answered) hash.Add(index);
  return Uint128{hash.high()} << 64 | hash.low();
}

}  // namespace

Catalog::Catalog(const Cluster& cluster, const Bounds& bounds)
    : cluster_(cluster), bounds_(bounds), permutations_(cluster.permutations().size()) {}

std::uint32_t Catalog::AddReplica(const Replica& replica) {
  const Uint128 digest = explore::DigestOf(cluster_, cluster_.permutations()[0], replica);
  const std::uint32_t known = replica_ids_.Find(digest);
  if (known != IdTable<Uint128>::kNone) return known;
  const auto number = static_cast<std::uint32_t>(replicas_.size());
  replica_ids_.Insert(digest, number);
  for (const Permutation& permutation : cluster_.permutations()) {
    replica_digests_.push_back(explore::DigestOf(cluster_, permutation, replica));
  }
  Abilities abilities;
  abilities.facts = AddFacts(FactsOf(cluster_, replica));
  abilities.parts_unfinished = static_cast<std::uint8_t>(PartsUnfinished(replica));
  abilities.finish = IsPossible(replica, ActionKind::kFinish, bounds_);
  abilities.time_out = IsPossible(replica, ActionKind::kTimeout, bounds_);
  abilities.lead = IsPossible(replica, ActionKind::kPropose, bounds_);
  abilities.step_down = IsPossible(replica, ActionKind::kStepDown, bounds_);
  abilities.age = AgeOf(replica);
  abilities_.push_back(abilities);
  replicas_.push_back(replica);
  return number;
}

std::uint32_t Catalog::AddMessage(const Message& message) {
  const Uint128 digest = explore::DigestOf(cluster_, cluster_.permutations()[0], message);
  const std::uint32_t known = message_ids_.Find(digest);
  if (known != IdTable<Uint128>::kNone) return known;
  const auto number = static_cast<std::uint32_t>(messages_.size());
  GRASS_CHECK_LT(messages_.size(), kMessagesMax);
  message_ids_.Insert(digest, number);
  for (const Permutation& permutation : cluster_.permutations()) {
    message_digests_.push_back(explore::DigestOf(cluster_, permutation, message));
  }
  letters_.push_back({.receiver = static_cast<std::uint8_t>(cluster_.NumberOf(message.to)),
                      .sender = static_cast<std::uint8_t>(cluster_.NumberOf(message.from)),
                      .moot_when = MootWhenOf(message, bounds_)});
  messages_.push_back(message);
  return number;
}

std::uint32_t Catalog::AddHistory(const History& history) {
  const Uint128 digest = explore::DigestOf(cluster_.permutations()[0], history);
  const std::uint32_t known = history_ids_.Find(digest);
  if (known != IdTable<Uint128>::kNone) return known;
  const auto number = static_cast<std::uint32_t>(histories_.size());
  history_ids_.Insert(digest, number);
  for (const Permutation& permutation : cluster_.permutations()) {
    history_digests_.push_back(explore::DigestOf(permutation, history));
  }
  histories_.push_back(history);
  return number;
}

std::uint32_t Catalog::AddFacts(const Facts& facts) {
  const Uint128 digest = DigestOf(facts);
  const std::uint32_t known = facts_ids_.Find(digest);
  if (known != IdTable<Uint128>::kNone) return known;
  const auto number = static_cast<std::uint32_t>(facts_.size());
  facts_ids_.Insert(digest, number);
  facts_.push_back(facts);
  return number;
}

Outcome Catalog::Compute(std::uint64_t key, std::uint32_t replica, ActionKind kind,
                         std::uint32_t argument) {
  Action action{.kind = kind};
  if (kind == ActionKind::kDeliver) action.message = &messages_[argument];
  if (kind == ActionKind::kCrash) action.kept = argument;
  if (kind == ActionKind::kRead) action.read = argument;
  Outcome outcome;
  try {
    const Replica& before = replicas_[replica];
    const Replica after = Act(cluster_, bounds_, before, action, &sending_);
    CheckStep(before, after, kind);
    outcome.replica = AddReplica(after);
    const Age was = abilities_[replica].age;
    const Age is = abilities_[outcome.replica].age;
    has_rejuvenated_ = has_rejuvenated_ || is.stage < was.stage || is.vote < was.vote;
    outcome.sent_begin = static_cast<std::uint32_t>(sent_.size());
    outcome.sent_count = static_cast<std::uint32_t>(sending_.size());
    for (const Message& message : sending_) sent_.push_back(AddMessage(message));
    std::sort(sent_.begin() + outcome.sent_begin, sent_.end());
  } catch (const Violation& violation) {
    failures_.push_back(violation);
    outcome.failure = static_cast<std::uint32_t>(failures_.size());
  }
  outcome_ids_.Insert(key, static_cast<std::uint32_t>(outcomes_.size()));
  outcomes_.push_back(outcome);
  return outcome;
}

std::uint32_t Catalog::Learned(std::uint32_t history, std::uint32_t facts) {
  const std::uint64_t key = std::uint64_t{history} << 32 | facts;
  const std::uint32_t known = learned_.Find(key);
  if (known != IdTable<std::uint64_t>::kNone) return known;
  History learned = histories_[history];
  Learn(&learned, facts_[facts]);
  const std::uint32_t number = AddHistory(learned);
  learned_.Insert(key, number);
  return number;
}

std::uint32_t Catalog::Asked(std::uint32_t history) {
  History asked = histories_[history];
  Ask(&asked);
  return AddHistory(asked);
}

Uint128 Catalog::ReplicasFingerprint() const {
  std::vector<Uint128> least;
  for (auto at = replica_digests_.begin(); at != replica_digests_.end();) {
    const auto end = at + static_cast<std::ptrdiff_t>(permutations_);
    least.push_back(*std::min_element(at, end));
    at = end;
  }
  std::ranges::sort(least);
  least.erase(std::unique(least.begin(), least.end()), least.end());
  return std::accumulate(least.begin(), least.end(), Uint128{0});
}

std::size_t Catalog::bytes() const {
  return replicas_.size() * kReplicaBytes + messages_.size() * (sizeof(Message) + 128) +
         outcomes_.capacity() * sizeof(Outcome) + outcome_ids_.bytes() + replica_ids_.bytes() +
         sent_.capacity() * 4 + replica_digests_.capacity() * sizeof(Uint128);
}

}  // namespace grassdb::sim::explore
