#include "sim/explore/invariants.h"

#include <algorithm>

#include "core/check.h"
#include "sim/text.h"
#include "sim/violation.h"

namespace grassdb::sim::explore {
namespace {

std::uint64_t HashOf(const Entry& entry) {
  return KeyedRandom(static_cast<std::uint64_t>(entry.type), entry.term.value(),
                     HashBytes(entry.payload.view()));
}

std::string InTerm(const Facts& facts) {
  return NodeName(facts.node) + " of term " + Decimal(facts.term);
}

void CheckLogMatching(const Facts& a, const Facts& b) {
  // Below the highest index with equal terms an equal prefix says it all.
  std::uint32_t index = std::min(a.last, b.last);
  while (index > 0 && a.terms[index] != b.terms[index]) --index;
  GRASS_RULE("log matching", a.log[index] == b.log[index],
             "the logs of " + NodeName(a.node) + " and " + NodeName(b.node) +
                 " have the same term at index " + Decimal(index) +
                 ", and are not the same up to there");
}

void CheckCompleteness(const Facts& leader, const History& history) {
  std::uint32_t owed = history.committed;
  while (owed > 0 && history.commit_term[owed] >= leader.term) --owed;
  GRASS_RULE("leader completeness", leader.last >= owed && leader.log[owed] == history.prefix[owed],
             "the leader " + InTerm(leader) + " lacks an entry at or below index " + Decimal(owed) +
                 ", committed in term " + Decimal(history.commit_term[owed]));
}

void CheckVotes(const Facts& leader, std::span<const Facts* const> cluster) {
  std::size_t votes = 0;
  for (const Facts* voter : cluster) {
    const bool gone_on = voter->disk_term > leader.term;
    if (gone_on || (voter->disk_term == leader.term && voter->disk_vote == leader.node + 1))
      ++votes;
  }
  GRASS_RULE("leadership rests on votes", votes > cluster.size() / 2,
             InTerm(leader) + " leads with the votes of " + Decimal(votes) + " of " +
                 Decimal(cluster.size()) + " nodes");
}

void CheckMatch(const Facts& leader, std::span<const Facts* const> cluster) {
  for (const Facts* follower : cluster) {
    const std::uint32_t match = leader.match[follower->node];
    if (match == 0 || follower->disk_term > leader.term) continue;
    GRASS_RULE("match rests on disk",
               match <= follower->durable && follower->disk[match] == leader.log[match],
               InTerm(leader) + " believes that " + NodeName(follower->node) +
                   " has its log up to index " + Decimal(match) + ", which has " +
                   Decimal(follower->durable) + " entries on disk");
  }
}

void CheckReads(const Facts& facts, const History& history) {
  for (std::uint32_t read = 0; read < history.reads; ++read) {
    if (facts.answered[read] == 0) continue;
    const std::uint32_t index = facts.answered[read] - 1u;
    GRASS_RULE("read misses nothing", index >= history.asked[read],
               InTerm(facts) + " answers read " + Decimal(read + 1) + " as of index " +
                   Decimal(index) + "; when it was asked, index " + Decimal(history.asked[read]) +
                   " was committed");
  }
}

}  // namespace

Facts FactsOf(const Cluster& cluster, const Replica& replica) {
  const Raft& raft = replica.raft;
  Facts facts;
  facts.node = cluster.NumberOf(raft.id());
  facts.leads = raft.role() == Role::kLeader;
  GRASS_CHECK_LE(raft.term().value(), std::uint64_t{kTermsMax});
  GRASS_CHECK_LE(raft.log().last_index().value(), std::uint64_t{kLogMax});
  GRASS_CHECK_LE(replica.disk.entries.size(), std::size_t{kLogMax});
  facts.term = static_cast<std::uint8_t>(raft.term().value());
  facts.commit = static_cast<std::uint8_t>(raft.commit_index().value());
  facts.last = static_cast<std::uint8_t>(raft.log().last_index().value());
  facts.durable = static_cast<std::uint8_t>(replica.disk.entries.size());
  for (std::uint32_t index = 1; index <= facts.last; ++index) {
    const Entry& entry = raft.log().At(Index(index));
    facts.terms[index] = static_cast<std::uint8_t>(entry.term.value());
    facts.log[index] = Fold(facts.log[index - 1], HashOf(entry));
  }
  for (std::uint32_t index = 1; index <= facts.durable; ++index) {
    facts.disk[index] = Fold(facts.disk[index - 1], HashOf(replica.disk.entries[index - 1]));
  }
  facts.answered = replica.answered;
  const HardState& disk = replica.disk.hard_state;
  facts.disk_term = static_cast<std::uint8_t>(disk.term.value());
  if (disk.voted_for != NodeId(0)) {
    facts.disk_vote = static_cast<std::uint8_t>(cluster.NumberOf(disk.voted_for) + 1);
  }
  if (facts.leads) {
    for (const Progress& follower : *raft.followers()) {
      facts.match[cluster.NumberOf(follower.id)] =
          static_cast<std::uint8_t>(follower.match.value());
    }
  }
  return facts;
}

Uint128 DigestOf(const Permutation& permutation, const History& history) {
  Fingerprint hash;
  for (const std::uint8_t leader : history.leader) {
    hash.Add(leader == 0 ? 0 : std::uint64_t{permutation[leader - 1]} + 1);
  }
  hash.Add(history.committed);
  for (std::uint32_t index = 1; index <= history.committed; ++index) {
    hash.AddAll(history.commit_term[index], history.prefix[index]);
  }
  for (std::uint32_t read = 0; read < history.reads; ++read) hash.Add(history.asked[read]);
  return Uint128{hash.high()} << 64 | hash.low();
}

void Learn(History* history, const Facts& facts) {
  if (facts.leads) {
    std::uint8_t& leader = history->leader[facts.term];
    GRASS_RULE("election safety", leader == 0 || leader == facts.node + 1,
               NodeName(leader - 1) + " and " + NodeName(facts.node) + " both led term " +
                   Decimal(facts.term));
    leader = static_cast<std::uint8_t>(facts.node + 1);
  }
  if (facts.commit <= history->committed) return;
  GRASS_RULE("state machine safety",
             facts.log[history->committed] == history->prefix[history->committed],
             InTerm(facts) + " commits through index " + Decimal(facts.commit) +
                 " and differs at or below index " + Decimal(history->committed) +
                 " from what was committed");
  for (std::uint32_t index = history->committed + 1u; index <= facts.commit; ++index) {
    history->commit_term[index] = facts.term;
    history->prefix[index] = facts.log[index];
  }
  history->committed = facts.commit;
}

std::uint32_t Ask(History* history) {
  history->asked.at(history->reads) = history->committed;
  return ++history->reads;
}

void CheckState(std::span<const Facts* const> cluster, const History& history) {
  std::size_t holders = 0;
  for (std::size_t number = 0; number < cluster.size(); ++number) {
    const Facts& facts = *cluster[number];
    for (std::size_t other = 0; other < number; ++other) {
      CheckLogMatching(*cluster[other], facts);
    }
    GRASS_RULE("state machine safety", facts.log[facts.commit] == history.prefix[facts.commit],
               InTerm(facts) + " knows index " + Decimal(facts.commit) +
                   " to be committed, and differs at or below it from what was committed");
    CheckReads(facts, history);
    if (facts.leads) {
      CheckCompleteness(facts, history);
      CheckVotes(facts, cluster);
      CheckMatch(facts, cluster);
    }
    if (facts.durable >= history.committed &&
        facts.disk[history.committed] == history.prefix[history.committed]) {
      ++holders;
    }
  }
  GRASS_RULE("commit rests on disks", holders > cluster.size() / 2,
             "committed through index " + Decimal(history.committed) +
                 ", which is on the disks of " + Decimal(holders) + " of " +
                 Decimal(cluster.size()) + " nodes");
}

void CheckStep(const Replica& before, const Replica& after, ActionKind action) {
  const Raft& old = before.raft;
  const Raft& now = after.raft;
  const std::uint32_t life = action == ActionKind::kCrash ? 1 : 0;
  const HardState& disk = before.disk.hard_state;
  GRASS_RULE(
      "monotony", now.term() >= (life == 1 ? disk.term : old.term()),
      "the term falls from " + Decimal(old.term().value()) + " to " + Decimal(now.term().value()));
  GRASS_RULE("monotony", life == 1 || now.commit_index() >= old.commit_index(),
             "the commit index falls from " + Decimal(old.commit_index().value()) + " to " +
                 Decimal(now.commit_index().value()));
  GRASS_RULE("monotony",
             life == 1 || now.term() != old.term() || old.voted_for() == NodeId(0) ||
                 now.voted_for() == old.voted_for(),
             "a second vote in term " + Decimal(now.term().value()));
  // Thesis figure 3.7. What it does to a later leader takes two terms more to show.
  const bool counts = now.role() == Role::kLeader && now.commit_index() > old.commit_index();
  GRASS_RULE("commit rule", !counts || now.log().TermAt(now.commit_index()) == now.term(),
             "the leader of term " + Decimal(now.term().value()) + " commits up to index " +
                 Decimal(now.commit_index().value()) + " by an entry of an earlier term");
  if (old.role() != Role::kLeader || now.role() != Role::kLeader || now.term() != old.term()) {
    return;
  }
  GRASS_RULE("leader append-only", now.log().last_index() >= old.log().last_index(),
             "the leader cuts its log to " + Decimal(now.log().last_index().value()));
  for (Index index(1); index <= old.log().last_index(); ++index) {
    GRASS_RULE("leader append-only", now.log().At(index) == old.log().At(index),
               "the leader changes its entry " + Decimal(index.value()));
  }
}

}  // namespace grassdb::sim::explore
