#include "sim/checkers/membership_rules.h"

#include <algorithm>
#include <optional>

#include "sim/checkers/told.h"
#include "sim/violation.h"

namespace grassdb::sim {
namespace {

bool IsQuorum(const Configuration& configuration, const std::vector<NodeId>& nodes,
              std::uint64_t set) {
  return configuration.Count([&](NodeId voter) -> std::optional<bool> {
    const auto at = std::ranges::find(nodes, voter);
    return at != nodes.end() && (set >> (at - nodes.begin()) & 1) != 0;
  }) == Tally::kWon;
}

}  // namespace

// By enumeration: a set of nodes and the rest of them must not both be quorums.
bool MembershipRules::QuorumsIntersect(const Configuration& a, const Configuration& b) {
  std::vector<NodeId> nodes;
  for (const Configuration* configuration : {&a, &b}) {
    for (const Member& member : configuration->members()) {
      if (std::ranges::find(nodes, member.id) == nodes.end()) nodes.push_back(member.id);
    }
  }
  const std::uint64_t all = (std::uint64_t{1} << nodes.size()) - 1;
  for (std::uint64_t set = 0; set <= all; ++set) {
    if (IsQuorum(a, nodes, set) && IsQuorum(b, nodes, all & ~set)) return false;
  }
  return true;
}

void MembershipRules::Observe(std::uint32_t node, const Raft& raft) {
  const Index index = raft.configuration_index();
  const Log& log = raft.log();
  Seen& seen = seen_[node];
  Seen now{index, log.TermAt(index).value_or(Term()), log.last_index(), log.last_term()};
  const bool changed = now.index != seen.index || now.term != seen.term;
  // Of the log, what was cut or came new may hold a configuration.
  if (changed) {
    CheckInForce(node, raft);
    CheckChange(node, raft);
  }
  if (changed || now.last != seen.last || now.last_term != seen.last_term) {
    // By log matching all up to there is as it was.
    const bool longer = !changed && log.Matches(seen.last, seen.last_term);
    CheckNoneNewer(node, log, index, Told(told::kConfigurationsAfter, longer ? seen.last : index));
  }
  seen = now;
}

// Unless it is that of the snapshot, or the one that the node was born with.
void MembershipRules::CheckInForce(std::uint32_t node, const Raft& raft) {
  const Index index = raft.configuration_index();
  const Log& log = raft.log();
  if (index <= log.evicted_through()) return;
  const bool same = index <= log.last_index() && log.At(index).type == EntryType::kConfiguration &&
                    EncodeConfiguration(raft.configuration()) == log.At(index).payload.view();
  GRASS_RULE("configuration in force", Told(told::kConfigurationIsInLog, same),
             NodeName(node) + " goes by a configuration of index " + Decimal(index.value()) +
                 " that its log does not hold");
}

void MembershipRules::CheckNoneNewer(std::uint32_t node, const Log& log, Index index, Index after) {
  // What is evicted has been in memory before, and was looked at then; or at the start
  // (CheckRecovered).
  for (Index at = std::max(after, log.evicted_through()) + 1; at <= log.last_index(); ++at) {
    GRASS_RULE("configuration in force", log.At(at).type != EntryType::kConfiguration,
               NodeName(node) + " goes by the configuration of index " + Decimal(index.value()) +
                   ", but its log has a newer one at " + Decimal(at.value()));
  }
}

void MembershipRules::CheckRecovered(std::uint32_t node, const RecoveredState& state,
                                     const LogMatching& logs) {
  auto told = state.evicted.configurations.begin();
  for (Index at = state.base_index + 1; at <= state.before_entries().index; ++at) {
    const bool is_told = told != state.evicted.configurations.end() && told->index == at;
    const Entry* was = logs.Find(at, state.TermAt(at));
    const bool is_one = was != nullptr && was->type == EntryType::kConfiguration;
    // One that nobody has seen yet is not known to be none.
    GRASS_RULE("configuration in force",
               was == nullptr || (is_one == is_told && (!is_one || *was == *told)),
               NodeName(node) + " recovered " + (is_told ? "a" : "no") +
                   " configuration of index " + Decimal(at.value()) +
                   ", which is not what its log has there");
    if (is_told) ++told;
  }
}

void MembershipRules::CheckOneAtATime(std::uint32_t node, Index before, Index index, Index commit) {
  GRASS_RULE("one change at a time", before <= commit,
             NodeName(node) + " leads with two configurations that are not committed, of index " +
                 Decimal(before.value()) + " and " + Decimal(index.value()));
}

void MembershipRules::CheckCommittedInTerm(std::uint32_t node, Term term, Index index,
                                           Term committed) {
  GRASS_RULE("no change before a commit of the term", committed == term,
             NodeName(node) + " leads in term " + Decimal(term.value()) +
                 " and has appended the configuration of index " + Decimal(index.value()) +
                 ", but has committed nothing of its term; the newest is of term " +
                 Decimal(committed.value()));
}

void MembershipRules::CheckDisks(std::uint32_t node, const Configuration& before,
                                 const Configuration& now) {
  for (const Member& member : now.members()) {
    const Member* was = before.Find(member.id);
    if (was == nullptr || was->incarnation == Incarnation(0)) continue;
    GRASS_RULE("a new disk has no vote",
               member.incarnation == was->incarnation || !now.IsVoter(member.id) ||
                   !before.IsVoter(member.id),
               NodeName(node) + " lets " + member.name + " vote on with another disk");
  }
}

void MembershipRules::CheckChange(std::uint32_t node, const Raft& raft) {
  const Index index = raft.configuration_index();
  if (raft.snapshot().has_value() && index <= raft.snapshot()->index) return;
  if (index == Index(0)) return;
  const auto [before, before_index] = raft.ConfigurationAt(index - 1);
  // Of one that it appended itself: of those it inherits it may not know yet what is committed.
  if (raft.role() == Role::kLeader && raft.log().TermAt(index) == raft.term()) {
    CheckOneAtATime(node, Told(told::kConfigurationBefore, before_index), index,
                    raft.commit_index());
    const Term committed = raft.log().TermAt(raft.commit_index()).value_or(Term());
    CheckCommittedInTerm(node, raft.term(), index, Told(told::kCommittedBeforeChange, committed));
  }
  if (before.empty()) return;  // a node that was added: it never decided by it
  CheckDisks(node, *Told(told::kDisksBefore, &before), raft.configuration());
  GRASS_RULE("configurations intersect",
             QuorumsIntersect(*Told(told::kChangedFrom, &before), raft.configuration()),
             NodeName(node) + " went from the configuration of index " +
                 Decimal(before_index.value()) + " to that of index " + Decimal(index.value()) +
                 ", and they have quorums without a common node");
}

}  // namespace grassdb::sim
