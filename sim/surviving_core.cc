#include "sim/surviving_core.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>

#include "core/check.h"
#include "core/member_change.h"
#include "sim/random.h"

namespace grassdb::sim {
namespace {

// What `from` leads to when `promoted` of its joining members, one bit each, become voters.
Configuration Promoted(const Configuration& from, const std::vector<std::string>& joining,
                       std::uint64_t promoted) {
  std::vector<MemberChange> changes;
  for (std::size_t i = 0; i < joining.size(); ++i) {
    if ((promoted >> i & 1) == 0) continue;
    changes.push_back(
        {.kind = MemberChange::Kind::kPromote, .name = joining[i], .address = {}, .replaced = {}});
  }
  const auto target = ChangedConfiguration(from, changes);
  GRASS_CHECK(target.ok());
  return from.JointTo(*target);
}

class Chooser {
 public:
  Chooser(const std::vector<CoreCandidate>& hosts, const std::vector<Configuration>& in_force)
      : hosts_(hosts), in_force_(in_force), may_come_(WithPromotions(in_force)) {}

  std::vector<SurvivingCore> All() const {
    const HostSet all = (HostSet{1} << hosts_.size()) - 1;
    std::vector<SurvivingCore> cores;
    for (HostSet set = 1; set < all; ++set) {
      if (IsCore(set)) cores.push_back(Describe(set));
    }
    return cores;
  }

 private:
  // Its vote counts: in its own eyes, and in those of whoever has this configuration.
  bool Remembers(const CoreCandidate& host, const Configuration& configuration) const {
    const Member* member = configuration.Find(host.id);
    return host.proven && member != nullptr &&
           (member->incarnation == Incarnation(0) || member->incarnation == host.incarnation);
  }
  bool IsCore(HostSet set) const {
    for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
      if (Contains(set, i) && !hosts_[i].whole) return false;
    }
    return std::ranges::all_of(may_come_, [&](const Configuration& configuration) {
      return configuration.Count([&](NodeId voter) -> std::optional<bool> {
        const auto host = std::ranges::find(hosts_, voter, &CoreCandidate::id);
        return host != hosts_.end() &&
               Contains(set, static_cast<std::uint32_t>(host - hosts_.begin())) &&
               Remembers(*host, configuration);
      }) == Tally::kWon;
    });
  }
  bool Votes(const CoreCandidate& host) const {
    return std::ranges::any_of(in_force_, [&](const Configuration& configuration) {
      return configuration.IsVoter(host.id) && Remembers(host, configuration);
    });
  }
  SurvivingCore Describe(HostSet set) const {
    std::optional<std::uint32_t> newest;
    Term term;
    for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
      if (!Contains(set, i) || !Votes(hosts_[i])) continue;
      term = std::max(term, hosts_[i].term);
      const auto rank = [this](std::uint32_t host) {
        return std::tuple(hosts_[host].last_term, hosts_[host].last, hosts_[host].term);
      };
      if (!newest.has_value() || rank(i) > rank(*newest)) newest = i;
    }
    GRASS_CHECK(newest.has_value());
    return {set, *newest, hosts_[*newest].term < term};
  }

  const std::vector<CoreCandidate>& hosts_;
  const std::vector<Configuration>& in_force_;
  const std::vector<Configuration> may_come_;
};

bool HasASmallerOne(const SurvivingCore& core, const std::vector<SurvivingCore>& cores) {
  return std::ranges::any_of(cores, [&core](const SurvivingCore& other) {
    return other.hosts != core.hosts && (other.hosts & ~core.hosts) == 0;
  });
}

}  // namespace

std::vector<Configuration> WithPromotions(const std::vector<Configuration>& in_force) {
  std::vector<Configuration> all = in_force;
  for (const Configuration& each : in_force) {
    const Configuration from = each.IsJoint() ? each.LeaveJoint() : each;
    std::vector<std::string> joining;
    for (const Member& member : from.members()) {
      if (member.role == MemberRole::kJoining) joining.push_back(member.name);
    }
    for (std::uint64_t promoted = 1; promoted >> joining.size() == 0; ++promoted) {
      all.push_back(Promoted(from, joining, promoted));
    }
  }
  return all;
}

bool HasHardCore(const std::vector<CoreCandidate>& hosts,
                 const std::vector<Configuration>& in_force) {
  return std::ranges::any_of(Chooser(hosts, in_force).All(),
                             [](const SurvivingCore& core) { return core.hard; });
}

std::optional<SurvivingCore> ChooseCore(const std::vector<CoreCandidate>& hosts,
                                        const std::vector<Configuration>& in_force,
                                        std::uint64_t random) {
  const std::vector<SurvivingCore> all = Chooser(hosts, in_force).All();
  if (all.empty()) return std::nullopt;
  std::vector<SurvivingCore> hard;
  std::vector<SurvivingCore> smallest;
  for (const SurvivingCore& core : all) {
    if (core.hard) hard.push_back(core);
    if (!HasASmallerOne(core, all)) smallest.push_back(core);
  }
  // Mostly where it is hardest, and now and then anywhere.
  const std::uint64_t where = Bounded(Derive(random, 1), 4);
  const std::vector<SurvivingCore>& from =
      where < 2 && !hard.empty() ? hard : (where < 3 ? smallest : all);
  return from[Bounded(Derive(random, 2), from.size())];
}

}  // namespace grassdb::sim
