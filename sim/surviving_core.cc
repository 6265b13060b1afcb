#include "sim/surviving_core.h"

#include <algorithm>
#include <tuple>

#include "core/check.h"
#include "sim/random.h"

namespace grassdb::sim {
namespace {

class Chooser {
 public:
  Chooser(const std::vector<CoreCandidate>& hosts, const std::vector<Configuration>& in_force)
      : hosts_(hosts), in_force_(in_force) {}

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
    return std::ranges::all_of(in_force_, [&](const Configuration& configuration) {
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
};

bool HasASmallerOne(const SurvivingCore& core, const std::vector<SurvivingCore>& cores) {
  return std::ranges::any_of(cores, [&core](const SurvivingCore& other) {
    return other.hosts != core.hosts && (other.hosts & ~core.hosts) == 0;
  });
}

}  // namespace

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
