#include "sim/holding.h"

#include <algorithm>
#include <utility>

#include "core/quorum.h"
#include "sim/choices.h"
#include "sim/recorder.h"
#include "sim/sites.h"
#include "store/storage.h"

namespace grassdb::sim {
namespace {

// Keys nothing: a copy draws nothing that counts.
constexpr std::uint64_t kNoSeed = 0;

// A copy of a host's disk, to be opened once.
class Scratch {
 public:
  Scratch(Host& host, const std::vector<Wound>& more)
      : host_(host), disk_(DiskPlan(), Keyed(kNoSeed), 0, &counters_, &choices_) {
    host.CopyDurable(&disk_);
    for (Wound wound : more) {
      wound.evicted = true;
      disk_.Damage(TrueTime(), wound);
    }
  }

  SimDisk& disk() { return disk_; }

  std::optional<RecoveredState> Open(const store::StorageOptions& options) {
    disk_.BeginJob(TrueTime());
    auto opened = store::Storage::Open(disk_, options, host_.identity());
    disk_.EndJob();
    if (!opened.ok()) return std::nullopt;
    return std::move(opened->state);
  }

 private:
  Host& host_;
  Counters counters_;
  Choices choices_;
  SimDisk disk_;
};

void AddUnique(std::vector<NodeId>& ids, const Configuration& configuration) {
  for (const Member& member : configuration.members()) {
    if (std::ranges::find(ids, member.id) == ids.end()) ids.push_back(member.id);
  }
}

// The newest configuration that is whole; nullopt if none is.
std::optional<Configuration> NewestConfiguration(const RecoveredState& state) {
  for (auto entry = state.entries.rbegin(); entry != state.entries.rend(); ++entry) {
    if (entry->type == EntryType::kConfiguration) {
      return DecodeConfiguration(entry->payload.view());
    }
  }
  if (state.snapshot.has_value()) return state.snapshot->configuration;
  if (state.base_index > Index(0)) return std::nullopt;
  return state.identity.bootstrap;
}

// As the node itself would judge (core/standing.cc, core/repair.cc).
Standing StandingOf(const RecoveredState& state) {
  const auto newest = NewestConfiguration(state);
  const Member* self = newest.has_value() ? newest->Find(state.identity.node) : nullptr;
  if (self != nullptr && self->incarnation != Incarnation(0)) {
    return self->incarnation == state.identity.incarnation ? Standing::kProven
                                                           : Standing::kUnproven;
  }
  return state.hard_state.founder ? Standing::kProven : Standing::kUnproven;
}

void TakeTruth(const RecoveredState& state, Holding* holding) {
  holding->base = state.base_index;
  holding->base_term = state.base_term;
  holding->snapshot = state.snapshot;
  holding->bootstrap = state.identity.bootstrap;
  for (const Entry& entry : state.entries) {
    holding->terms.push_back(entry.term);
    if (entry.type != EntryType::kConfiguration) continue;
    if (auto known = DecodeConfiguration(entry.payload.view())) {
      holding->configurations[entry.index] = *std::move(known);
    }
  }
  holding->standing = StandingOf(state);
}

void TakeLoss(const RecoveredState& state, Holding* holding) {
  holding->lost = state.damage.lost;
  holding->state_lost = state.damage.snapshot_lost;
  holding->told = state.damage.committed;
  holding->told_term = state.damage.committed_term;
  holding->state_whole = state.snapshot.has_value() ? state.snapshot->index : Index();
  holding->entries_whole_after = state.base_index;
  holding->standing_in_repair = StandingOf(state);
  AddUnique(holding->knows, state.identity.bootstrap);
  for (const Configuration& known : state.members) AddUnique(holding->knows, known);
  if (state.snapshot.has_value()) AddUnique(holding->knows, state.snapshot->configuration);
  for (const Entry& entry : state.entries) {
    if (entry.type != EntryType::kConfiguration) continue;
    if (const auto known = DecodeConfiguration(entry.payload.view())) {
      AddUnique(holding->knows, *known);
    }
  }
}

// A running node does not look at its snapshots again: it releases the log behind one that is
// damaged, and then needs from others what it still has now.
void TakeDamagedSnapshots(const Host& host, const std::vector<std::string>& damaged,
                          Holding* holding) {
  const store::FileNames names(host.identity().node_name);
  for (const std::string& name : damaged) {
    const store::ParsedName file = names.Parse(name);
    const bool is_snapshot = file.kind == store::FileKind::kSnapshot;
    if (is_snapshot && Index(file.number) <= holding->last()) {
      holding->state_lost = std::max(holding->state_lost, Index(file.number));
    } else if (file.kind == store::FileKind::kTaken && !host.down()) {
      holding->state_lost = std::max(holding->state_lost, holding->last());
    } else if ((is_snapshot || file.kind == store::FileKind::kReceived) && !host.down()) {
      holding->opens = false;  // what it is to stand for is not in the log
    }
  }
  if (holding->state_whole < holding->state_lost) {
    holding->state_whole = Index();
    holding->entries_whole_after = std::max(holding->entries_whole_after, holding->state_lost);
  } else {
    holding->state_lost = Index();
  }
}

const Holding* Find(const std::vector<Holding>& holdings, NodeId node) {
  const auto at = std::ranges::find(holdings, node, &Holding::node);
  return at == holdings.end() ? nullptr : &*at;
}

bool IsAmong(const std::vector<NodeId>& ids, NodeId id) {
  return std::ranges::find(ids, id) != ids.end();
}

bool Knows(const Holding& one, const Holding& other) {
  return IsAmong(one.knows, other.node);
}

bool IsAskedBy(const Holding& other, const Holding& by) {
  return other.node != by.node && other.opens && Knows(by, other);
}

// Somebody else has it whole. Of what is within this one's snapshot it is known by the last entry
// of that, if the other one has it: then what is before it is the same (thesis 3.5).
bool IsHeld(const std::vector<Holding>& all, const Holding& by, Index index) {
  Index at = index;
  std::optional<Term> term = by.TermAt(at);
  if (!term.has_value() && by.snapshot.has_value() && index <= by.snapshot->index) {
    at = by.snapshot->index;
    term = by.snapshot->term;
  }
  while (!term.has_value() && at < by.last()) term = by.TermAt(++at);
  return std::ranges::any_of(all, [&](const Holding& other) {
    return IsAskedBy(other, by) &&
           (index <= other.state_whole ||
            (term.has_value() && other.TermAt(at) == term && other.Gives(index)));
  });
}

// Up to where `other` has for certain what is lost from `index` on; index - 1: nothing of it. Of a
// lost range only the last term is known.
Index ProvenThrough(const Holding& other, const LostRange& range, Index index) {
  Index proof = std::min(range.last, other.last());
  while (proof >= index && other.TermAt(proof) != range.last_term) proof = proof - 1;
  return std::max(proof, index - 1);
}

// Up to where `other` gives the range from `index` on (core/repair_answer.cc). It must have an
// entry of the range's last term, or what it has is committed.
Index GivenThrough(const Holding& other, const LostRange& range, Index index, bool is_committed) {
  Index through = std::max(other.state_whole, index - 1);
  const Index end =
      is_committed ? std::min(range.last, other.last()) : ProvenThrough(other, range, index);
  const bool joins = index - 1 <= other.entries_whole_after || other.Gives(index - 1);
  if (index <= other.entries_whole_after || !joins) return through;
  while (through < end && other.Gives(through + 1)) through = through + 1;
  return through;
}

// The first entries behind `index` that `other` gives, where it has not that one, if it can say of
// which term the one before them is (kRest).
std::optional<LostRange> GivenBehind(const Holding& other, const LostRange& range, Index index) {
  const Index proof = ProvenThrough(other, range, index);
  Index begin = std::max(index, other.entries_whole_after) + 1;
  while (begin <= proof && (!other.Gives(begin) || !other.TermAt(begin - 1))) begin = begin + 1;
  if (begin > proof) return std::nullopt;
  Index end = begin;
  while (end < proof && other.Gives(end + 1)) end = end + 1;
  return LostRange{.first = begin, .last = end, .last_term = *other.TermAt(begin - 1)};
}

// Of a lost range only the last term is known: the entry may be of any up to that. Whether this one
// lacks it is certain if it ends before, or has one there that is of no such term.
bool TellsThatItLacks(const Holding& voter, const Holding& by, const LostRange& range,
                      Index index) {
  if (index > voter.last()) return true;
  const bool knows =
      voter.Gives(index) ||
      std::ranges::any_of(voter.lost, [index](const auto& lost) { return lost.last == index; });
  const std::optional<Term> own = voter.TermAt(index);
  const std::optional<Term> before = by.TermAt(index - 1);
  return knows && own.has_value() &&
         (*own > range.last_term || (before.has_value() && *own < *before));
}

// Those in `whole` can lead: what they agree on is committed, and all others get to know it.
// Whoever of them it is counts by the newest configuration of its own log.
bool CanLead(const std::vector<Holding>& all, const std::vector<NodeId>& whole,
             const Configuration& configuration) {
  const auto counts = [&](NodeId voter) -> std::optional<bool> {
    const Holding* holding = Find(all, voter);
    return holding != nullptr && IsAmong(whole, voter) && holding->standing == Standing::kProven;
  };
  const auto wins = [&](NodeId id) {
    const Holding* leader = Find(all, id);
    if (!configuration.IsVoter(id) || leader == nullptr) return true;
    const auto own = leader->ConfigurationBehind(leader->last());
    return own.has_value() && own->Count(counts) == Tally::kWon;
  };
  return configuration.Count(counts) == Tally::kWon && std::ranges::all_of(whole, wins);
}

// So many voters lack it, who can be counted on, that no quorum has ever had it; and they can say
// so, or lead.
bool IsUncommitted(const std::vector<Holding>& all, const std::vector<NodeId>& whole,
                   const Holding& by, const LostRange& range, Index index) {
  const std::optional<Term> term = by.TermAt(index);
  if (by.snapshot.has_value() && index <= by.snapshot->index) return false;
  const auto configuration = by.ConfigurationBehind(index - 1);
  if (!configuration.has_value() || configuration->voters().empty()) return false;
  const bool can_lead = CanLead(all, whole, *configuration);
  const auto answer = [&](NodeId voter) -> std::optional<bool> {
    const Holding* other = Find(all, voter);
    if (other == nullptr || !other->has_data || voter == by.node || !Knows(by, *other)) return {};
    const bool is_whole = IsAmong(whole, voter);
    const Standing standing = is_whole ? other->standing : other->standing_in_repair;
    if (standing != Standing::kProven || other->Had(index, term)) return {};
    if (!can_lead && !TellsThatItLacks(*other, by, range, index)) return {};
    return false;
  };
  return CountVotes(configuration->voters(), answer) == Tally::kLost &&
         (!configuration->IsJoint() ||
          CountVotes(configuration->outgoing(), answer) == Tally::kLost);
}

// Somebody has a snapshot that reaches as far, or all the entries, and is told that they are
// committed; or those who are whole can lead, learn what is committed, and take one.
bool IsStateHeld(const std::vector<Holding>& all, const std::vector<NodeId>& whole,
                 const Holding& by) {
  const auto has_it = [&](const Holding& other) {
    return other.node != by.node && Knows(by, other) && other.state_whole >= by.state_lost;
  };
  if (std::ranges::any_of(all, has_it)) return true;
  const auto takes_it = [&](const Holding& other) {
    const bool is_whole = std::ranges::find(whole, other.node) != whole.end();
    return is_whole && IsAskedBy(other, by) && other.TermAt(by.told) == by.told_term;
  };
  if (by.told >= by.state_lost && std::ranges::any_of(all, takes_it)) return true;
  const auto newest = by.ConfigurationBehind(by.last());
  if (!newest.has_value() || !CanLead(all, whole, *newest)) return false;
  for (Index index(1); index <= by.state_lost; ++index) {
    if (!IsHeld(all, by, index)) return false;
  }
  return true;
}

bool CanMendRange(const std::vector<Holding>& all, const std::vector<NodeId>& whole,
                  const Holding& by, const LostRange& range);

// With what somebody gives from behind the range's front.
bool CanMendFromBehind(const std::vector<Holding>& all, const std::vector<NodeId>& whole,
                       const Holding& by, const LostRange& range) {
  for (const Holding& other : all) {
    if (!IsAskedBy(other, by)) continue;
    const auto given = GivenBehind(other, range, range.first);
    if (!given.has_value()) continue;
    const LostRange front = {
        .first = range.first, .last = given->first - 1, .last_term = given->last_term};
    const LostRange behind = {
        .first = given->last + 1, .last = range.last, .last_term = range.last_term};
    return CanMendRange(all, whole, by, front) &&
           (behind.first > behind.last || CanMendRange(all, whole, by, behind));
  }
  return false;
}

// Piece by piece, from the front. What is behind one that was never committed is cut with it.
bool CanMendRange(const std::vector<Holding>& all, const std::vector<NodeId>& whole,
                  const Holding& by, const LostRange& range) {
  const auto newest = by.ConfigurationBehind(by.last());
  const bool can_lead = newest.has_value() && CanLead(all, whole, *newest);
  for (Index index = range.first; index <= range.last;) {
    Index through = index - 1;
    for (const Holding& other : all) {
      if (!IsAskedBy(other, by)) continue;
      const bool is_committed = can_lead && IsAmong(whole, other.node);
      through = std::max(through, GivenThrough(other, range, index, is_committed));
    }
    if (through < index) {
      const LostRange left = {.first = index, .last = range.last, .last_term = range.last_term};
      return CanMendFromBehind(all, whole, by, left) || IsUncommitted(all, whole, by, range, index);
    }
    index = through + 1;
  }
  return true;
}

bool CanMend(const std::vector<Holding>& all, const std::vector<NodeId>& whole, const Holding& by) {
  return std::ranges::all_of(
             by.lost, [&](const auto& range) { return CanMendRange(all, whole, by, range); }) &&
         (by.state_lost == Index(0) || IsStateHeld(all, whole, by));
}

}  // namespace

std::optional<Term> Holding::TermAt(Index index) const {
  if (index < base || index > last()) return std::nullopt;
  const Term term = index == base ? base_term : terms[static_cast<std::size_t>(index - base) - 1];
  return term == Term() ? std::nullopt : std::optional<Term>(term);
}

bool Holding::Had(Index index, std::optional<Term> term) const {
  if (snapshot.has_value() && index <= snapshot->index) return true;
  if (index <= base) return true;
  if (index > last()) return false;
  const std::optional<Term> own = TermAt(index);
  return !term.has_value() || !own.has_value() || own == term;
}

bool Holding::IsLost(Index index) const {
  return std::ranges::any_of(lost, [index](const LostRange& range) {
    return index >= range.first && index <= range.last;
  });
}

bool Holding::Gives(Index index) const {
  if (!has_data || !opens) return false;
  return index <= state_whole || (index > entries_whole_after && index <= last() && !IsLost(index));
}

std::optional<Configuration> Holding::ConfigurationBehind(Index index) const {
  const auto at = configurations.upper_bound(index);
  if (at != configurations.begin()) return std::prev(at)->second;
  if (snapshot.has_value()) return snapshot->configuration;
  if (base > Index(0)) return std::nullopt;
  return bootstrap;
}

Holding HoldingOf(Host& host, const Plan& plan, const std::vector<Wound>& more) {
  const Watching nobody(nullptr);
  Holding holding;
  holding.node = host.identity().node;
  store::StorageOptions options = plan.storage;
  options.on_damage = store::OnDamage::kReport;
  Scratch wounded(host, more);
  if (!wounded.disk().Holds(store::FileNames(host.identity().node_name).Identity())) return holding;
  holding.has_data = true;
  const bool is_damaged = wounded.disk().IsDamaged();
  std::optional<RecoveredState> whole;
  if (is_damaged) {
    Scratch sound(host, {});
    sound.disk().Undamage();
    whole = sound.Open(options);
    if (whole.has_value()) TakeTruth(*whole, &holding);
  }
  const std::vector<std::string> damaged = wounded.disk().DamagedFiles();
  const std::optional<RecoveredState> state = wounded.Open(options);
  holding.opens = state.has_value() && (whole.has_value() || !is_damaged);
  if (!holding.opens) return holding;
  if (!is_damaged) TakeTruth(*state, &holding);
  TakeLoss(*state, &holding);
  TakeDamagedSnapshots(host, damaged, &holding);
  return holding;
}

bool CanAllMend(const std::vector<Holding>& holdings) {
  std::vector<NodeId> whole;
  std::vector<const Holding*> left;
  for (const Holding& each : holdings) {
    if (!each.opens) return false;
    if (!each.has_data) continue;
    if (each.lost.empty() && each.state_lost == Index(0)) {
      whole.push_back(each.node);
    } else {
      left.push_back(&each);
    }
  }
  // Who is mended may be needed by the next.
  while (!left.empty()) {
    const auto mends = [&](const Holding* each) { return CanMend(holdings, whole, *each); };
    const auto next = std::ranges::find_if(left, mends);
    if (next == left.end()) return false;
    whole.push_back((*next)->node);
    left.erase(next);
  }
  return true;
}

}  // namespace grassdb::sim
