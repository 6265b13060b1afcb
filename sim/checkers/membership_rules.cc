#include "sim/checkers/membership_rules.h"

#include <algorithm>
#include <optional>

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

// The newest configuration entry of the log; 0 if it holds none.
Index NewestIn(const Log& log) {
  for (Index index = log.last_index(); index > log.base_index(); index = index - 1) {
    if (log.At(index).type == EntryType::kConfiguration) return index;
  }
  return Index();
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
  const Seen now{index, raft.log().TermAt(index).value_or(Term()), raft.log().last_index()};
  Seen& seen = seen_[node];
  const bool changed = now.index != seen.index || now.term != seen.term;
  // Of the log, what was cut or came new may hold a configuration.
  if (changed || now.last != seen.last) CheckInForce(node, raft);
  if (changed) CheckChange(node, raft);
  seen = now;
}

void MembershipRules::CheckInForce(std::uint32_t node, const Raft& raft) {
  const Index newest = NewestIn(raft.log());
  if (newest == Index(0)) {
    // That of the snapshot, or the one the node was born with.
    GRASS_RULE("configuration in force", raft.configuration_index() <= raft.log().base_index(),
               NodeName(node) + " goes by a configuration of index " +
                   Decimal(raft.configuration_index().value()) + " that its log does not hold");
    return;
  }
  const bool same =
      newest == raft.configuration_index() &&
      EncodeConfiguration(raft.configuration()) == raft.log().At(newest).payload.view();
  GRASS_RULE("configuration in force", same,
             NodeName(node) + " goes by the configuration of index " +
                 Decimal(raft.configuration_index().value()) + ", but its log has a newer one at " +
                 Decimal(newest.value()));
}

void MembershipRules::CheckChange(std::uint32_t node, const Raft& raft) {
  const Index index = raft.configuration_index();
  if (raft.snapshot().has_value() && index <= raft.snapshot()->index) return;
  if (index == Index(0)) return;
  const auto [before, before_index] = raft.ConfigurationAt(index - 1);
  // Of one that it appended itself: of those it inherits it may not know yet what is committed.
  if (raft.role() == Role::kLeader && raft.log().TermAt(index) == raft.term()) {
    GRASS_RULE("one change at a time", before_index <= raft.commit_index(),
               NodeName(node) + " leads with two configurations that are not committed, of index " +
                   Decimal(before_index.value()) + " and " + Decimal(index.value()));
  }
  if (before.empty()) return;  // a node that was added: it never decided by it
  GRASS_RULE("configurations intersect", QuorumsIntersect(before, raft.configuration()),
             NodeName(node) + " went from the configuration of index " +
                 Decimal(before_index.value()) + " to that of index " + Decimal(index.value()) +
                 ", and they have quorums without a common node");
}

}  // namespace grassdb::sim
