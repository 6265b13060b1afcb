#include "sim/report/explain_page.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "core/event.h"
#include "sim/report/build_id.h"
#include "sim/report/explain_template.h"
#include "sim/report/failure_file.h"
#include "sim/report/highlights.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

using Json = nlohmann::ordered_json;

// Every text once; a row has its number.
class Strings {
 public:
  std::size_t NumberOf(const std::string& text) {
    const auto [found, added] = numbers_.try_emplace(text, texts_.size());
    if (added) texts_.push_back(text);
    return found->second;
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, std::size_t> numbers_;
  std::vector<std::string> texts_;
};

// What a reader may hide. Indexes of kGroups; the first six are of messages.
enum Group : std::uint8_t {
  kVotes,
  kAppends,
  kSnapshots,
  kReads,
  kHandOvers,
  kPackets,
  kElections,
  kLog,
  kMembership,
  kLives,
  kFaults,
  kDisks,
  kClients,
};
constexpr std::array<const char*, 13> kGroups = {
    "votes", "appends",    "snapshots", "reads",  "hand-overs", "client packets", "elections",
    "log",   "membership", "lives",     "faults", "disks",      "clients"};

Group GroupOfMessage(std::uint64_t kind) {
  constexpr std::array<Group, 11> kOf = {kVotes,     kVotes,     kAppends,   kAppends,
                                         kSnapshots, kSnapshots, kHandOvers, kReads,
                                         kReads,     kSnapshots, kSnapshots};
  return kind < kOf.size() ? kOf[kind] : kPackets;
}

Group GroupOfRaftEvent(EventKind kind) {
  switch (kind) {
    case EventKind::kTruncatedLog:
    case EventKind::kSnapshotNeeded:
    case EventKind::kSnapshotInstalled:
    case EventKind::kSnapshotTaken:
    case EventKind::kStateRestored:
    case EventKind::kChunkRefused:
    case EventKind::kSnapshotResumed:
    case EventKind::kEntriesLost:
    case EventKind::kSnapshotLost:
    case EventKind::kRepairWaits:
    case EventKind::kRepaired:
    case EventKind::kRepairedBySnapshot:
    case EventKind::kRepairCut:
      return kLog;
    case EventKind::kChangedMembership:
    case EventKind::kLeftCluster:
    case EventKind::kMemberForgot:
    case EventKind::kRenewed:
    case EventKind::kNewDisk:
    case EventKind::kRemoved:
      return kMembership;
    case EventKind::kDiskStalled:
    case EventKind::kDiskSpace:
    case EventKind::kFullLeader:
    case EventKind::kDamageFound:
    case EventKind::kDamageMended:
      return kDisks;
    default:
      return kElections;
  }
}

Group GroupOf(const TraceLine& line) {
  switch (line.kind) {
    case LineKind::kRaftEvent:
      return GroupOfRaftEvent(static_cast<EventKind>(line.a));
    case LineKind::kFaultBegan:
    case LineKind::kFaultEnded:
    case LineKind::kHealed:
    case LineKind::kCoreHealed:
      return kFaults;
    case LineKind::kDiskFinished:
    case LineKind::kDamaged:
    case LineKind::kDamageMet:
      return kDisks;
    case LineKind::kClientInvoked:
    case LineKind::kClientReturned:
      return kClients;
    default:
      return kLives;
  }
}

// 1: a reader should see it from afar. 2: something went wrong.
int WeightOf(const TraceLine& line) {
  switch (line.kind) {
    case LineKind::kCrashed:
    case LineKind::kNodeFailed:
    case LineKind::kOpenFailed:
    case LineKind::kWiped:
    case LineKind::kRolledBack:
    case LineKind::kDamaged:
    case LineKind::kRefused:
    case LineKind::kGivenUp:
      return 2;
    case LineKind::kDiskFinished:
      return line.c != 0 ? 0 : 2;
    case LineKind::kRaftEvent:
      return static_cast<EventKind>(line.a) == EventKind::kWonElection ? 1 : 0;
    default:
      return 0;
  }
}

Json MessagesOf(const Timeline& timeline, Strings* strings) {
  Json columns = {{"sent", Json::array()},  {"took", Json::array()}, {"event", Json::array()},
                  {"came", Json::array()},  {"from", Json::array()}, {"to", Json::array()},
                  {"group", Json::array()}, {"fate", Json::array()}, {"again", Json::array()},
                  {"words", Json::array()}};
  std::uint64_t at = 0;
  std::uint64_t event = 0;
  for (const TimelineMessage& message : timeline.messages()) {
    const TraceLine& sent = message.sent;
    const bool delivered = message.came.kind == LineKind::kDelivered && message.arrived;
    std::string words = NameOfMessage(sent.a);
    if (sent.c != 0) words += " term " + Decimal(sent.c);
    if (delivered) {
      // Without "<- n2 ", which the arrow says.
      words = WordsOf(message.came);
      words = words.substr(words.find(' ', 3) + 1);
    }
    columns["sent"].push_back(Nanoseconds(sent.at) - at);
    columns["event"].push_back(sent.event - event);
    if (message.arrived) {
      columns["took"].push_back(Nanoseconds(message.came.at) - Nanoseconds(sent.at));
      columns["came"].push_back(message.came.event - sent.event);
    } else {
      columns["took"].push_back(-1);
      columns["came"].push_back(-1);
    }
    columns["from"].push_back(sent.node);
    columns["to"].push_back(message.to);
    columns["group"].push_back(static_cast<int>(GroupOfMessage(sent.a)));
    columns["fate"].push_back(static_cast<int>(message.fate));
    columns["again"].push_back(sent.kind == LineKind::kSent ? sent.e : 0);
    columns["words"].push_back(strings->NumberOf(words));
    at = Nanoseconds(sent.at);
    event = sent.event;
  }
  return columns;
}

Json PointsOf(const Timeline& timeline, Strings* strings) {
  Json columns = {{"at", Json::array()},    {"event", Json::array()},  {"lane", Json::array()},
                  {"group", Json::array()}, {"weight", Json::array()}, {"words", Json::array()}};
  std::uint64_t at = 0;
  std::uint64_t event = 0;
  for (const TraceLine& line : timeline.points()) {
    columns["at"].push_back(Nanoseconds(line.at) - at);
    columns["event"].push_back(line.event - event);
    columns["lane"].push_back(timeline.LaneOf(line));
    columns["group"].push_back(static_cast<int>(GroupOf(line)));
    columns["weight"].push_back(WeightOf(line));
    columns["words"].push_back(strings->NumberOf(WordsOf(line)));
    at = Nanoseconds(line.at);
    event = line.event;
  }
  return columns;
}

Json LinksOf(const std::vector<CutSpan>& spans, std::uint64_t from, std::uint64_t until) {
  Json rows = Json::array();
  for (const CutSpan& span : spans) {
    if (span.until < from || span.from > until) continue;
    rows.push_back({span.from_lane, span.to_lane, span.from, span.until});
  }
  return rows;
}

// What lasts, as rows: there are few.
void AddSpans(const Timeline& timeline, std::uint64_t from, std::uint64_t until, Json* data) {
  Json roles = Json::array();
  for (const RoleSpan& span : timeline.roles()) {
    if (span.until < from || span.from > until) continue;
    roles.push_back({span.lane, span.from, span.until, static_cast<int>(span.role), span.term});
  }
  Json faults = Json::array();
  for (const FaultSpan& span : timeline.faults()) {
    if (span.until < from || span.from > until) continue;
    Json lanes = Json::array();
    for (std::uint32_t lane = 0; lane < timeline.nodes(); ++lane) {
      if ((span.hosts >> lane & 1) != 0) lanes.push_back(lane);
    }
    faults.push_back(
        {NameOf(static_cast<FaultKind>(span.kind)), span.number, lanes, span.from, span.until});
  }
  Json operations = Json::array();
  for (const OperationSpan& span : timeline.operations()) {
    const std::uint64_t begin = Nanoseconds(span.invoked.at);
    const std::uint64_t end = span.ended ? Nanoseconds(span.returned.at) : timeline.end();
    if (end < from || begin > until) continue;
    operations.push_back({timeline.nodes() + span.invoked.node, begin, end, WordsOf(span.invoked),
                          span.ended ? WordsOf(span.returned) : "has not returned",
                          span.ended ? span.returned.a : 0});
  }
  (*data)["roles"] = roles;
  (*data)["faults"] = faults;
  (*data)["cuts"] = LinksOf(timeline.cuts(), from, until);
  (*data)["clogs"] = LinksOf(timeline.clogs(), from, until);
  (*data)["operations"] = operations;
}

std::vector<Highlight> HighlightsIn(const ExplainedRun& run) {
  if (run.result.ok()) return {};
  return HighlightsOf(run.timeline, *run.result.violation, run.result.counters.events);
}

std::string LaneName(const Timeline& timeline, std::uint32_t lane) {
  return lane < timeline.nodes() ? NodeName(lane) : "c" + Decimal(lane - timeline.nodes() + 1);
}

std::string SecondsText(std::uint64_t at) {
  return Decimal(at / 1'000'000'000) + "." + Decimal(1'000'000'000 + at % 1'000'000'000).substr(1);
}

std::string HtmlOf(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '&':
        html += "&amp;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string RowOf(const ExplainedRun& run, const Highlight& highlight) {
  const Timeline& timeline = run.timeline;
  std::string who;
  std::string what;
  if (highlight.message) {
    const TimelineMessage& message = timeline.messages()[highlight.row];
    who = LaneName(timeline, message.sent.node) + " to " + LaneName(timeline, message.to);
    what = WordsOf(message.arrived && message.came.kind == LineKind::kDelivered ? message.came
                                                                                : message.sent);
    if (what.starts_with("<- ")) what = what.substr(what.find(' ', 3) + 1);
  } else {
    const TraceLine& line = timeline.points()[highlight.row];
    who = IsOfCluster(line.kind) ? "" : LaneName(timeline, timeline.LaneOf(line));
    what = WordsOf(line);
  }
  return "<tr><td>" + SecondsText(highlight.at) + "</td><td>" + HtmlOf(who) + "</td><td>" +
         HtmlOf(what) + "</td><td>" + HtmlOf(highlight.why) + "</td></tr>\n";
}

std::string Headline(const ExplainedRun& run) {
  if (run.result.ok()) return "Every rule held";
  return "Broken: " + run.result.violation->rule;
}

std::string NameOf(const Schedule& schedule) {
  return "seed " + Decimal(schedule.run.seed);
}

std::string Finding(const Schedule& schedule, const ExplainedRun& run) {
  return NameOf(schedule) + ", ended at " + SecondsText(run.timeline.end()) + " s, event " +
         Decimal(run.result.counters.events) + ", fingerprint " + run.result.fingerprint.Hex();
}

}  // namespace

ExplainedRun Explain(const Schedule& schedule, const TimelineLimits& limits,
                     const std::string& repeat) {
  const Plan plan = PlanOf(schedule);
  ExplainedRun run{{}, Timeline(plan.nodes, plan.workload.clients, limits)};
  RunObserver observer;
  observer.watch = [&run](const TraceLine& line) { run.timeline.OnLine(line); };
  run.result = RunSchedule(schedule, observer, repeat);
  run.timeline.End(Nanoseconds(run.result.ended));
  return run;
}

std::string DataOf(const std::string& name, const ExplainedRun& run) {
  const Timeline& timeline = run.timeline;
  Strings strings;
  Json data;
  data["run"] = name;
  data["nodes"] = timeline.nodes();
  data["clients"] = timeline.clients();
  // What is shown begins where nothing is missing and ends with its last row.
  std::uint64_t until = 0;
  for (const TimelineMessage& message : timeline.messages()) {
    until = std::max(until, Nanoseconds(message.arrived ? message.came.at : message.sent.at));
  }
  if (!timeline.points().empty()) until = std::max(until, Nanoseconds(timeline.points().back().at));
  until = std::max(std::min(until, timeline.end()), timeline.first() + 1);
  data["from"] = timeline.first();
  data["until"] = until;
  data["groups"] = kGroups;
  data["messages"] = MessagesOf(timeline, &strings);
  data["points"] = PointsOf(timeline, &strings);
  AddSpans(timeline, timeline.first(), until, &data);
  data["strings"] = strings.texts();
  Json highlights = Json::array();
  for (const Highlight& highlight : HighlightsIn(run)) {
    highlights.push_back({highlight.message ? 1 : 0, highlight.row, highlight.why});
  }
  data["highlights"] = highlights;
  if (!run.result.ok()) {
    const auto lane = LaneOfViolation(timeline, *run.result.violation, run.result.counters.events);
    data["violation"] = {{"at", timeline.end()},
                         {"lane", lane ? static_cast<int>(*lane) : -1},
                         {"text", run.result.violation->rule + ": " + run.result.violation->text}};
  }
  const std::string json = data.dump(-1, ' ', true, Json::error_handler_t::replace);
  // Outside of strings JSON has no '<'; without one nothing ends a script or begins a comment.
  std::string safe;
  safe.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string PageOf(const Schedule& schedule, const ExplainedRun& run, const std::string& notice) {
  return PageOf({.name = NameOf(schedule),
                 .finding = Finding(schedule, run),
                 .plan = Describe(PlanOf(schedule)),
                 .notice = notice},
                run);
}

std::string PageOf(const PageWords& words, const ExplainedRun& run) {
  std::map<std::string, std::string, std::less<>> parts;
  parts["TITLE"] = HtmlOf(words.name + " - " + Headline(run));
  parts["HEADLINE"] = HtmlOf(Headline(run));
  parts["TEXT"] = run.result.ok() ? "" : HtmlOf(run.result.violation->text);
  parts["RULE_CLASS"] = run.result.ok() ? "held" : "broken";
  parts["WHERE"] = run.result.ok() ? "" : HtmlOf(run.result.violation->where);
  parts["FINDING"] = HtmlOf(words.finding);
  std::string left_out = run.timeline.LeftOut();
  if (!words.notice.empty()) left_out = words.notice + (left_out.empty() ? "" : " ") + left_out;
  parts["NOTICE"] = HtmlOf(left_out);
  parts["PLAN"] = HtmlOf(words.plan);
  parts["BUILD"] = HtmlOf(BuildId());
  std::string rows;
  for (const Highlight& highlight : HighlightsIn(run)) rows += RowOf(run, highlight);
  if (rows.empty())
    rows = "<tr class=\"none\"><td colspan=\"4\">nothing is highlighted</td></tr>\n";
  parts["ROWS"] = rows;
  parts["STYLE"] = kExplainStyle;
  parts["SCRIPT"] = kExplainScript;
  parts["DATA"] = DataOf(words.name, run);
  // One pass, so that nothing in a value is taken for a place to fill.
  const std::string_view text = kExplainPage;
  std::string page;
  std::size_t at = 0;
  for (std::size_t open = text.find("{{"); open != std::string_view::npos;
       open = text.find("{{", at)) {
    const std::size_t close = text.find("}}", open);
    GRASS_CHECK(close != std::string_view::npos);
    const auto part = parts.find(text.substr(open + 2, close - open - 2));
    GRASS_CHECK(part != parts.end());
    page += text.substr(at, open - at);
    page += part->second;
    at = close + 2;
  }
  page += text.substr(at);
  return page;
}

absl::Status ReplaceFile(const std::string& path, std::string_view text) {
  const std::string half = path + ".half-written";
  const absl::Status written = WriteFile(half, text);
  if (!written.ok()) {
    std::remove(half.c_str());
    return absl::InvalidArgumentError("cannot write '" + path + "': " + std::strerror(errno));
  }
  if (std::rename(half.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    std::remove(half.c_str());
    return absl::InvalidArgumentError("cannot write '" + path + "': " + why);
  }
  return absl::OkStatus();
}

}  // namespace grassdb::sim
