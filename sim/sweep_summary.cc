// What a sweep says to a person: at most 120 columns, what is worst first. What it leaves out is in
// the JSON lines (report/sweep_report.h).
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "sim/run.h"
#include "sim/sweep.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

constexpr std::size_t kColumns = 120;
constexpr std::size_t kLabel = 15;  // columns of what a line is about
constexpr std::size_t kNamedMax = 10;
constexpr std::size_t kSeedsNamedMax = 20;

using Items = std::vector<std::string>;

// The items behind `head`, with `separator` between them; further lines are indented.
std::string Wrapped(const std::string& head, const Items& items, const std::string& separator,
                    std::size_t indent) {
  std::string text;
  std::string line = head;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string item = items[i] + (i + 1 < items.size() ? separator : "");
    if (i > 0 && line.size() + 1 + item.size() > kColumns) {
      text += line + "\n";
      line = std::string(indent - 1, ' ');
    }
    line += ' ';
    line += item;
  }
  return text + line + "\n";
}

// The first `max` of the items; `before` and `behind` are around the number of the others.
Items Shortened(Items items, std::size_t max, const char* before, const char* behind) {
  if (items.size() <= max) return items;
  const std::string others = before + Decimal(items.size() - max) + behind;
  items.resize(max);
  items.push_back(others);
  return items;
}

// Those of which the JSON lines have all.
Items First(Items items) {
  return Shortened(std::move(items), kNamedMax, "", " more, all with --json");
}

std::string Row(const std::string& label, const Items& items) {
  return Wrapped(label + std::string(kLabel - 1 - label.size(), ' '), items, ",", kLabel);
}

std::string Of(const char* what, std::uint64_t count) {
  return what + (" " + Decimal(count));
}

// " (1.3 %)", or nothing of nothing.
std::string Share(std::uint64_t part, std::uint64_t all) {
  if (all == 0) return "";
  return " (" + Fixed(100.0 * static_cast<double>(part) / static_cast<double>(all), 1) + " %)";
}

std::string Totals(const Counters& sum) {
  std::string text;
  text += Row("events", {Decimal(sum.events) + " in " + Decimal(sum.simulated_ns / 1'000'000'000) +
                         " simulated seconds"});
  text += Row("messages", {Of("sent", sum.messages_sent), Of("lost", sum.messages_lost),
                           Of("repeated", sum.messages_repeated),
                           Of("connections broken", sum.connections_broken)});
  text += Row("I/Os", {Decimal(sum.ios), Of("failed", sum.io_failures),
                       "power lost behind what a failed sync had left " +
                           Decimal(sum.saved_from_syncs) + " times"});
  text += Row("nodes", {Of("crashed", sum.crashes),
                        Of("stopped", sum.stops) + Of(" (leading", sum.stops_led) +
                            Of(", handed over", sum.handed_over) + ")",
                        Of("copied", sum.copies)});
  text += Row("disks", {Of("lost", sum.wipes), Of("rolled back", sum.roll_backs),
                        Of("damaged", sum.damages) + " times", Of("misread", sum.misreads),
                        Of("not read", sum.read_failures)});
  text +=
      Row("damage",
          {Of("repaired", sum.repairs) + " (" + Decimal(sum.repairs_joined) + " beside another)",
           Of("refused", sum.refusals) + Of(" (for the identity", sum.refused_identity) +
               Of(", the end of the log", sum.refused_log) + Of(", a read", sum.refused_read) + ")",
           Of("given up", sum.given_up)});
  text += Row("other faults",
              {Of("partitions", sum.partitions) + Of(" (standing", sum.standing_partitions) + ")",
               Of("leaders that hung in the end", sum.hung_leaders),
               Of("cores that went on alone", sum.cores) + Of(" (hard", sum.hard_cores) + ")",
               Of("others", sum.other_faults)});
  text += Row("log", {Of("elections won", sum.elections_won),
                      Of("entries committed", sum.entries_committed),
                      Of("configurations", sum.memberships_committed)});
  text += Row("snapshots",
              {Of("taken", sum.snapshots_taken), Of("installed", sum.snapshots_installed),
               Of("resumed", sum.snapshots_resumed), Of("chunks damaged", sum.chunks_damaged),
               Of("chunks refused", sum.chunks_refused)});
  text += Row("operations", {Decimal(sum.operations_ok) + " ok",
                             Decimal(sum.operations_unknown) + " of unknown outcome",
                             Decimal(sum.operations_failed) + " without effect"});
  return text + Row("linearization", {Of("keys searched", sum.searched.keys),
                                      Of("not decided", sum.searched.undecided) +
                                          Share(sum.searched.undecided, sum.searched.keys)});
}

// What no seed came to, or how many there are.
std::string Places(const SiteTally& sites) {
  const Items unreached = sites.Unreached();
  const std::size_t count = sites.Rows().size();
  const std::string reached =
      "places reached " + Decimal(count - unreached.size()) + " of " + Decimal(count);
  if (unreached.empty()) return reached + "\n";
  return Wrapped(reached + "; not:", First(unreached), ",", 4);
}

struct NamedTally {
  std::string name;
  FaultTally tally;
};

// Those of which a seed has failed, `first` being the order.
template <class Order>
std::string FailedWith(const std::string& head, std::vector<NamedTally> tallies, Order first) {
  std::erase_if(tallies, [](const NamedTally& named) { return named.tally.failed == 0; });
  if (tallies.empty()) return "";
  std::ranges::stable_sort(tallies, first, &NamedTally::tally);
  Items items;
  for (const auto& [name, tally] : tallies) {
    items.push_back(name + " " + Decimal(tally.failed) + "/" + Decimal(tally.seeds));
  }
  return Wrapped(head, First(std::move(items)), ",", 4);
}

std::string NameOfKind(std::size_t kind) {
  return NameOf(static_cast<MixKind>(kind));
}

// Which kinds of fault the failures have in common: those first of whose seeds most have failed.
std::string Faults(const SweepResult& result) {
  std::vector<NamedTally> kinds;
  for (std::size_t kind = 0; kind < kMixKinds; ++kind) {
    kinds.push_back({NameOfKind(kind), result.by_fault[kind]});
  }
  return FailedWith("failed of the seeds with", std::move(kinds),
                    [](const FaultTally& a, const FaultTally& b) {
                      const std::uint64_t of_a = a.failed * b.seeds;
                      const std::uint64_t of_b = b.failed * a.seeds;
                      return of_a != of_b ? of_a > of_b : a.failed > b.failed;
                    });
}

// And which two of them. There are so many pairs that some have one seed alone, which has failed:
// two that have not are added to each, so that those come first of which most is known.
std::string Pairs(const SweepResult& result) {
  std::vector<NamedTally> pairs;
  for (std::size_t kind = 0; kind < kMixKinds; ++kind) {
    for (std::size_t other = kind + 1; other < kMixKinds; ++other) {
      pairs.push_back({NameOfKind(kind) + " + " + NameOfKind(other), result.by_pair[kind][other]});
    }
  }
  return FailedWith("failed of the seeds with both", std::move(pairs),
                    [](const FaultTally& a, const FaultTally& b) {
                      const std::uint64_t of_a = a.failed * (b.seeds + 2);
                      const std::uint64_t of_b = b.failed * (a.seeds + 2);
                      return of_a != of_b ? of_a > of_b : a.failed > b.failed;
                    });
}

// Those first that most seeds have broken.
std::string Rules(const SweepResult& result) {
  std::map<std::string, Items> by_rule;
  for (const FailedSeed& failed : result.failed) {
    by_rule[failed.rule].push_back(Decimal(failed.seed));
  }
  std::vector<std::pair<std::string, Items>> rules(by_rule.begin(), by_rule.end());
  std::ranges::stable_sort(
      rules, [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  std::string text;
  for (auto& [rule, seeds] : rules) {
    text += Wrapped("failed, " + rule + ":",
                    Shortened(std::move(seeds), kSeedsNamedMax, "and ", " more"), "", 4);
  }
  return text;
}

}  // namespace

std::string Summary(const SweepOptions& options, const SweepResult& result,
                    const std::vector<std::string>& files) {
  std::string text;
  if (!result.failed.empty()) text += "\nfirst failure:\n" + result.failed.front().report + "\n";
  const std::string range = "seeds " + SeedsOf(options);
  if (SeedCount(options) == 0) text += NameOf(options.shard) + " of " + range + " has no seed\n";
  text += range;
  if (options.shard.count > 1) text += ", " + NameOf(options.shard);
  const bool is_short = options.endless ? result.interrupted : result.seeds < result.wanted;
  if (is_short) text += ", ended early";
  text += ": " + Decimal(result.seeds - result.failed.size()) + " passed, " +
          Decimal(result.failed.size()) + " failed\n";
  text += Totals(result.counters);
  text += Places(result.sites);
  text += "fingerprint: " + result.fingerprint.Hex() + "\n";
  if (result.failed.empty()) return text;
  text += Faults(result) + Pairs(result) + Rules(result);
  if (!files.empty()) {
    text += "replay with: grass-sim replay " + files.front();
    if (files.size() > 1) text += "   # " + Decimal(files.size() - 1) + " more beside it";
    text += "\n";
  }
  RunOptions run = options.run;
  run.seed = result.failed.front().seed;
  return text + "repeat with: " + CommandFor(run) + "\n";
}

}  // namespace grassdb::sim
