#include "sim/explore/replay.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sim/explore/invariants.h"
#include "sim/explore/replica.h"
#include "sim/explore/schedule.h"
#include "sim/text.h"

namespace grassdb::sim::explore {
namespace {

constexpr std::string_view kHeader = "grass-sim explore schedule 1";
constexpr std::string_view kBounds = "bounds: ";

std::optional<std::uint32_t> ParseCount(std::string_view text) {
  std::uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

// Removes what is in front of the first space and returns it.
std::string_view TakeWord(std::string_view* text) {
  const std::size_t space = std::min(text->find(' '), text->size());
  const std::string_view word = text->substr(0, space);
  text->remove_prefix(std::min(space + 1, text->size()));
  return word;
}

class Replayer {
 public:
  Replayer(const Bounds& bounds, const ReplayWatch& watch)
      : bounds_(bounds), watch_(watch), cluster_(bounds.nodes, Symmetry::kOff) {
    for (std::uint32_t number = 0; number < bounds.nodes; ++number) {
      replicas_.push_back(StartReplica(cluster_, bounds_, number));
      facts_.push_back(FactsOf(cluster_, replicas_.back()));
    }
  }

  // The problem, if the step cannot be done.
  std::optional<std::string> Step(const std::string& line) {
    ++steps_;
    std::string_view rest = line;
    const std::string_view verb = TakeWord(&rest);
    if (verb == "deliver" || verb == "repeat" || verb == "drop") return Handle(verb, rest);
    constexpr std::array<std::pair<std::string_view, ActionKind>, 7> kVerbs = {{
        {"finish", ActionKind::kFinish},
        {"timeout", ActionKind::kTimeout},
        {"heartbeat", ActionKind::kHeartbeat},
        {"step-down", ActionKind::kStepDown},
        {"propose", ActionKind::kPropose},
        {"crash", ActionKind::kCrash},
        {"read", ActionKind::kRead},
    }};
    const auto* known =
        std::ranges::find(kVerbs, verb, [](const auto& pair) { return pair.first; });
    if (known == kVerbs.end()) return "no step begins with '" + std::string(verb) + "'";
    const std::string_view name = TakeWord(&rest);
    std::uint32_t node = 0;
    while (node < cluster_.size() && NodeName(node) != name) ++node;
    if (node == cluster_.size()) return "no node is called '" + std::string(name) + "'";
    Action action{.kind = known->second};
    if (action.kind == ActionKind::kCrash) {
      const bool says_so = TakeWord(&rest) == "keeping";
      const auto kept = ParseCount(TakeWord(&rest));
      if (!says_so || !kept.has_value() || *kept > PartsUnfinished(replicas_[node])) {
        return "expected 'keeping N', N from 0 to " + Decimal(PartsUnfinished(replicas_[node])) +
               " here";
      }
      action.kept = *kept;
    }
    if (!rest.empty()) return "does not know what '" + std::string(rest) + "' means";
    if (!IsPossible(replicas_[node], action.kind, bounds_)) return "it is not possible here";
    if (action.kind == ActionKind::kRead) {
      if (history_.reads == kReadsMax)
        return "there are no more than " + Decimal(kReadsMax) + " reads";
      action.read = Ask(&history_);
    }
    Do(node, action, {});
    return std::nullopt;
  }

  const std::string& text() const { return text_; }

 private:
  std::optional<std::string> Handle(std::string_view verb, std::string_view message_text) {
    const auto at = std::ranges::find_if(network_, [&](const InFlight& in_flight) {
      return TextOf(cluster_, in_flight.message) == message_text;
    });
    if (at == network_.end()) return "no such message is in the network";
    const InFlight taken = *at;
    if (verb != "repeat") network_.erase(at);
    const std::uint32_t to = cluster_.NumberOf(taken.message.to);
    ReplayedStep step;
    step.message = &taken.message;
    step.message_number = taken.number;
    step.stays = verb == "repeat";
    step.lost = verb == "drop";
    if (step.lost) {
      Show(step, to, replicas_[to]);
    } else {
      Do(to, Action{.kind = ActionKind::kDeliver, .message = &taken.message}, step);
    }
    return std::nullopt;
  }

  void Show(ReplayedStep step, std::uint32_t node, const Replica& before) const {
    if (!watch_) return;
    step.number = steps_;
    step.node = node;
    step.before = &before;
    step.after = &replicas_[node];
    watch_(cluster_, step);
  }

  void Do(std::uint32_t node, const Action& action, ReplayedStep step) {
    std::vector<Message> sent;
    Replica after = Act(cluster_, bounds_, replicas_[node], action, &sent);
    const Replica before = std::exchange(replicas_[node], std::move(after));
    text_ += "       " + TextOf(cluster_, replicas_[node]) + "\n";
    step.kind = action.kind;
    step.sent = sent;
    step.first_sent = sent_;
    for (const Message& message : sent) {
      text_ += "       sends " + TextOf(cluster_, message) + "\n";
      network_.push_back({sent_++, message});
    }
    Show(step, node, before);
    CheckStep(before, replicas_[node], action.kind);
    facts_[node] = FactsOf(cluster_, replicas_[node]);
    if (IsNews(history_, facts_[node])) Learn(&history_, facts_[node]);
    std::vector<const Facts*> facts;
    for (const Facts& of_node : facts_) facts.push_back(&of_node);
    CheckState(facts, history_);
  }

  struct InFlight {
    std::uint64_t number = 0;  // of all that were sent
    Message message;
  };

  const Bounds bounds_;
  const ReplayWatch& watch_;
  const Cluster cluster_;
  std::vector<Replica> replicas_;
  std::vector<Facts> facts_;
  History history_;
  std::vector<InFlight> network_;
  std::size_t steps_ = 0;
  std::uint64_t sent_ = 0;
  std::string text_;
};

}  // namespace

ReplayResult Replay(const Bounds& bounds, std::span<const std::string> steps,
                    const ReplayWatch& watch) {
  const CheckFailuresThrow handler;
  Replayer replayer(bounds, watch);
  ReplayResult result;
  std::size_t shown = 0;
  for (const std::string& step : steps) {
    ++result.steps;
    result.text += (result.steps < 10 ? "   " : "  ") + Decimal(result.steps) + "  " + step + "\n";
    try {
      result.problem = replayer.Step(step);
    } catch (const Violation& violation) {
      result.violation = violation;
    }
    result.text += replayer.text().substr(shown);
    shown = replayer.text().size();
    if (result.problem.has_value()) {
      result.problem = "step " + Decimal(result.steps) + ", '" + step + "': " + *result.problem;
    }
    if (result.problem.has_value() || result.violation.has_value()) break;
  }
  return result;
}

std::string FileOf(const Bounds& bounds, std::span<const std::string> steps,
                   const std::string& comment) {
  std::string text = std::string(kHeader) + "\n" + std::string(kBounds) + FlagsOf(bounds) + "\n";
  std::string_view rest = comment;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    text += "# " + std::string(rest.substr(0, end)) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const std::string& step : steps) text += step + "\n";
  return text;
}

namespace {

std::optional<std::string> ParseBounds(std::string_view flags, Bounds* bounds) {
  const std::array<std::pair<std::string_view, std::uint32_t*>, 10> known = {{
      {"--nodes", &bounds->nodes},
      {"--terms", &bounds->terms},
      {"--entries", &bounds->entries},
      {"--crashes", &bounds->crashes},
      {"--drops", &bounds->drops},
      {"--duplicates", &bounds->duplicates},
      {"--heartbeats", &bounds->heartbeats},
      {"--timeouts", &bounds->timeouts},
      {"--append-max", &bounds->append_max},
      {"--reads", &bounds->reads},
  }};
  while (!flags.empty()) {
    const std::string_view flag = TakeWord(&flags);
    if (flag == "--instant-disk") {
      bounds->disk = DiskSpeed::kInstant;
      continue;
    }
    if (flag == "--pre-votes") {
      bounds->pre_votes = PreVotes::kExplored;
      continue;
    }
    const auto* at = std::ranges::find(known, flag, [](const auto& pair) { return pair.first; });
    const auto value = ParseCount(TakeWord(&flags));
    if (at == known.end() || !value.has_value()) {
      return "its bounds have '" + std::string(flag) + "', which is no bound with a number";
    }
    *at->second = *value;
  }
  if (bounds->nodes < 1 || bounds->nodes > kNodesMax || bounds->terms < 1 ||
      bounds->terms > kTermsMax || bounds->entries > kEntriesMax || bounds->reads > kReadsMax) {
    return "its bounds are out of range: " + FlagsOf(*bounds);
  }
  return std::nullopt;
}

}  // namespace

bool IsSchedule(std::string_view text) {
  return text.starts_with("grass-sim explore schedule ");
}

std::optional<std::string> ParseFile(const std::string& text, ScheduleFile* file) {
  std::string_view rest = text;
  std::size_t number = 0;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (number == 1) {
      if (line != kHeader) break;
    } else if (number == 2) {
      if (!line.starts_with(kBounds)) return "its second line does not begin with 'bounds: '";
      if (auto problem = ParseBounds(line.substr(kBounds.size()), &file->bounds)) return problem;
    } else if (!line.empty() && !line.starts_with('#')) {
      file->steps.emplace_back(line);
    }
  }
  if (number < 2) return "its first line is not '" + std::string(kHeader) + "'";
  return std::nullopt;
}

}  // namespace grassdb::sim::explore
