#include "sim/report/sweep_report.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "sim/report/build_id.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

std::string Line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

// XML 1.0 knows no other control characters, and a reader may refuse what is no UTF-8.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\n':
        escaped += "&#10;";
        break;
      default:
        escaped += c >= ' ' && c <= '~' ? c : '?';
    }
  }
  return escaped;
}

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kInterrupted:
      return "interrupted";
  }
  return "?";
}

// The pairs of kinds of fault in whose seeds there is a failure.
nlohmann::ordered_json FailedPairs(const SweepResult& result) {
  nlohmann::ordered_json pairs = nlohmann::ordered_json::array();
  for (std::size_t kind = 0; kind < kMixKinds; ++kind) {
    for (std::size_t other = kind + 1; other < kMixKinds; ++other) {
      const FaultTally& tally = result.by_pair[kind][other];
      if (tally.failed == 0) continue;
      pairs.push_back(
          {{"faults", {NameOf(static_cast<MixKind>(kind)), NameOf(static_cast<MixKind>(other))}},
           {"seeds", tally.seeds},
           {"failed", tally.failed}});
    }
  }
  return pairs;
}

// A test case that failed of `type`.
std::string FailedCase(const std::string& name, const std::string& type, const std::string& message,
                       const std::string& text) {
  return "  <testcase classname=\"grass-sim\" name=\"" + Escaped(name) +
         "\">\n    <failure type=\"" + Escaped(type) + "\" message=\"" + Escaped(message) + "\">" +
         Escaped(text) + "</failure>\n  </testcase>\n";
}

using SeedLines = std::map<std::uint64_t, std::string>;

absl::StatusOr<SeedLines> ParseFingerprints(std::string_view text, const std::string& name) {
  SeedLines lines;
  std::istringstream in{std::string(text)};
  std::uint64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::istringstream words(line);
    std::uint64_t seed = 0;
    std::string fingerprint;
    std::string more;
    const bool digits = !line.empty() && line[0] >= '0' && line[0] <= '9';
    if (!digits || !(words >> seed >> fingerprint) || words >> more ||
        !lines.emplace(seed, fingerprint).second) {
      return absl::InvalidArgumentError("'" + name + "' line " + Decimal(number) +
                                        ": expected a seed, each once, and its fingerprint");
    }
  }
  return lines;
}

}  // namespace

std::string JsonLine(const SeedRun& run) {
  nlohmann::ordered_json json = {{"seed", run.seed}, {"ok", run.rule.empty()}};
  if (!run.rule.empty()) json["rule"] = run.rule;
  json["fingerprint"] = run.fingerprint.Hex();
  json["events"] = run.events;
  const FaultMix& mix = run.mix;
  json["nodes"] = mix.nodes;
  json["voters"] = mix.voters;
  json["learners"] = mix.learners;
  json["clients"] = mix.clients;
  json["wire"] = mix.Has(MixKind::kWire);
  json["together"] = static_cast<std::uint64_t>(mix.together);
  json["faults"] = nlohmann::ordered_json::array();
  for (std::size_t kind = 0; kind < kMixKinds; ++kind) {
    if (mix.on[kind]) json["faults"].push_back(NameOf(static_cast<MixKind>(kind)));
  }
  return Line(json);
}

std::string JsonLines(const SweepOptions& options, const SweepResult& result) {
  std::string text;
  for (const SeedRun& run : result.runs) text += JsonLine(run);
  return text + JsonSummary(options, result);
}

std::string JsonSummary(const SweepOptions& options, const SweepResult& result) {
  nlohmann::ordered_json faults;
  for (std::size_t kind = 0; kind < kMixKinds; ++kind) {
    faults[NameOf(static_cast<MixKind>(kind))] = {{"seeds", result.by_fault[kind].seeds},
                                                  {"failed", result.by_fault[kind].failed}};
  }
  std::map<std::string, std::vector<std::uint64_t>> rules;
  for (const FailedSeed& failed : result.failed) rules[failed.rule].push_back(failed.seed);
  nlohmann::ordered_json summary = {{"build", BuildId()},
                                    {"first", options.first},
                                    {"last", options.last},
                                    {"shard", options.shard.index},
                                    {"shards", options.shard.count},
                                    {"seeds", result.seeds},
                                    {"wanted", result.wanted},
                                    {"verdict", NameOf(VerdictOf(options, result))},
                                    {"failed", result.failed.size()},
                                    {"events", result.counters.events},
                                    {"simulated_ns", result.counters.simulated_ns},
                                    {"fingerprint", result.fingerprint.Hex()}};
  // Nobody has said how many there are to be.
  if (options.endless) summary["last"] = summary["wanted"] = nullptr;
  summary["set"] = options.run.edits;
  summary["searched"] = {{"keys", result.counters.searched.keys},
                         {"undecided", result.counters.searched.undecided}};
  summary["by_fault"] = faults;
  summary["by_pair"] = FailedPairs(result);
  summary["by_rule"] = rules;
  nlohmann::ordered_json places = nlohmann::ordered_json::object();
  for (const SiteTally::Row& row : result.sites.Rows()) places[row.name] = row.seeds;
  summary["places"] = places;
  nlohmann::ordered_json last;
  last["summary"] = summary;
  return Line(last);
}

std::string JUnitXml(const SweepOptions& options, const SweepResult& result) {
  const std::uint64_t passed = result.seeds - result.failed.size();
  const std::string seeds = (options.endless ? " seeds " : " seeds of ") + SeedsOf(options);
  const std::optional<std::string> missed = MissedPlace(options, result);
  const std::size_t failures = result.failed.size() + (missed ? 1 : 0);
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  text += "<testsuite name=\"grass-sim sweep" +
          (options.shard.count > 1 ? ", " + NameOf(options.shard) : "") + "\" tests=\"" +
          Decimal(failures + (passed > 0 ? 1 : 0)) + "\" failures=\"" + Decimal(failures) +
          "\" errors=\"0\" skipped=\"0\">\n";
  if (passed > 0) {
    text += "  <testcase classname=\"grass-sim\" name=\"" + Decimal(passed) + seeds +
            " that passed\"/>\n";
  }
  for (const FailedSeed& failed : result.failed) {
    text += FailedCase("seed " + Decimal(failed.seed), failed.rule, failed.rule, failed.report);
  }
  if (missed) {
    std::string places;
    for (const std::string& place : result.sites.Unreached()) places += place + "\n";
    text += FailedCase("every place is reached", "--all-places", *missed, places);
  }
  return text + "</testsuite>\n";
}

std::string FingerprintLine(const SeedRun& run) {
  return Decimal(run.seed) + " " + run.fingerprint.Hex() + "\n";
}

std::string Fingerprints(const SweepResult& result) {
  std::string text;
  for (const SeedRun& run : result.runs) text += FingerprintLine(run);
  return text;
}

absl::StatusOr<std::string> CompareFingerprints(std::string_view a, const std::string& name_a,
                                                std::string_view b, const std::string& name_b) {
  const absl::StatusOr<SeedLines> lines_a = ParseFingerprints(a, name_a);
  if (!lines_a.ok()) return lines_a.status();
  const absl::StatusOr<SeedLines> lines_b = ParseFingerprints(b, name_b);
  if (!lines_b.ok()) return lines_b.status();
  const auto differ = std::ranges::mismatch(*lines_a, *lines_b);
  const bool end_a = differ.in1 == lines_a->end();
  const bool end_b = differ.in2 == lines_b->end();
  if (end_a && end_b) return std::string();
  const bool in_a = !end_a && (end_b || differ.in1->first <= differ.in2->first);
  const bool in_b = !end_b && (end_a || differ.in2->first <= differ.in1->first);
  const std::uint64_t seed = in_a ? differ.in1->first : differ.in2->first;
  return "the first seed that differs: " + Decimal(seed) + "\n  " +
         (in_a ? differ.in1->second : "not there") + " in " + name_a + "\n  " +
         (in_b ? differ.in2->second : "not there") + " in " + name_b + "\n";
}

}  // namespace grassdb::sim
