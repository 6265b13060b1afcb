#include "sim/schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/check.h"
#include "sim/sites.h"
#include "sim/strict_json.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

// Of when an operation began.
constexpr std::uint64_t kNanosecondsMax = 1'000'000'000'000'000;

// Of those like one that is not there.
constexpr std::size_t kNamesShown = 16;

struct ChoiceForm {
  const char* name;
  std::size_t about;  // how many numbers say what it is about
};

// By value of Choice.
constexpr std::array<ChoiceForm, kChoices> kForms = {{{"faults", 1},
                                                      {"operations", 1},
                                                      {"reconnects", 1},
                                                      {"lost_messages", 3},
                                                      {"repeated_messages", 3},
                                                      {"late_messages", 3},
                                                      {"late_copies", 3},
                                                      {"damaged_chunks", 3},
                                                      {"lost_packets", 2},
                                                      {"late_packets", 2},
                                                      {"failed_ios", 1},
                                                      {"late_ios", 1},
                                                      {"lossy_crashes", 1},
                                                      {"restart_at_heal", 0},
                                                      {"old_mail", 1},
                                                      {"rare_paths", 2},
                                                      {"damaged_messages", 3},
                                                      {"damaged_packets", 2},
                                                      {"pulses", 2},
                                                      {"deaths_in_standing_partition", 0},
                                                      {"damage", 2},
                                                      {"misreads", 1},
                                                      {"deaths_beside_core", 1}}};

const ChoiceForm& FormOf(Choice choice) {
  return kForms[static_cast<std::size_t>(choice)];
}

// Begins with the kind of fault.
bool IsOfAFault(Choice choice) {
  return choice == Choice::kFault || choice == Choice::kPulse;
}

nlohmann::json ToJson(const Decision& decision) {
  nlohmann::json row = nlohmann::json::array();
  for (std::size_t i = 0; i < FormOf(decision.choice).about; ++i) {
    if (i == 0 && IsOfAFault(decision.choice)) {
      row.push_back(NameOf(static_cast<FaultKind>(decision.about[i])));
    } else if (decision.choice == Choice::kRarePath && i == 0) {
      row.push_back(NameOfSite(decision.about[i]));
    } else {
      row.push_back(decision.about[i]);
    }
  }
  row.push_back(decision.number);
  if (decision.choice == Choice::kOperation) row.push_back(decision.not_before);
  return row;
}

std::optional<std::uint32_t> FaultNamed(const nlohmann::json& name) {
  if (!name.is_string()) return std::nullopt;
  for (std::uint32_t kind = 0; kind < kFaultKinds; ++kind) {
    if (name.get<std::string>() == NameOf(static_cast<FaultKind>(kind))) return kind;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> SiteNamed(const nlohmann::json& name) {
  if (!name.is_string()) return std::nullopt;
  const std::uint32_t key = KeyOfSite(name.get<std::string>());
  if (NameOfSite(key) == nullptr) return std::nullopt;
  return key;
}

std::optional<Decision> ReadDecision(Choice choice, const nlohmann::json& row) {
  const std::size_t about = FormOf(choice).about;
  const bool timed = choice == Choice::kOperation;
  if (!row.is_array() || row.size() != about + (timed ? 2 : 1)) return std::nullopt;
  Decision decision;
  decision.choice = choice;
  for (std::size_t i = 0; i < about; ++i) {
    if (i == 0 && IsOfAFault(choice)) {
      const std::optional<std::uint32_t> kind = FaultNamed(row[i]);
      if (!kind.has_value()) return std::nullopt;
      decision.about[i] = *kind;
    } else if (choice == Choice::kRarePath && i == 0) {
      const std::optional<std::uint32_t> site = SiteNamed(row[i]);
      if (!site.has_value()) return std::nullopt;
      decision.about[i] = *site;
    } else if (row[i].is_number_unsigned() && row[i].get<std::uint64_t>() <= UINT32_MAX) {
      decision.about[i] = row[i].get<std::uint32_t>();
    } else {
      return std::nullopt;
    }
  }
  if (!row[about].is_number_unsigned() || !row.back().is_number_unsigned()) return std::nullopt;
  decision.number = row[about].get<std::uint64_t>();
  if (timed) decision.not_before = row.back().get<std::uint64_t>();
  if (decision.not_before > kNanosecondsMax) return std::nullopt;
  return decision;
}

std::vector<Decision> ReadDecisions(StrictObject object) {
  std::vector<Decision> decisions;
  for (std::size_t i = 0; i < kChoices; ++i) {
    const auto choice = static_cast<Choice>(i);
    const std::string name = NameOf(choice);
    if (!object.Has(name)) continue;
    for (const nlohmann::json& row : object.Array(name)) {
      const std::optional<Decision> decision = ReadDecision(choice, row);
      if (decision.has_value()) {
        decisions.push_back(*decision);
      } else {
        object.Fail(name, "'" + row.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
                              "' names no such decision");
      }
    }
  }
  object.End();
  std::ranges::sort(decisions);
  const auto twice = std::ranges::adjacent_find(decisions);
  if (twice != decisions.end()) object.Fail(NameOf(twice->choice), "names a decision twice");
  return decisions;
}

}  // namespace

const char* NameOf(Choice choice) {
  return FormOf(choice).name;
}

namespace {

// The words of a name, "drop_ppm" has two.
std::vector<std::string> WordsOf(const std::string& name) {
  return absl::StrSplit(name, '_', absl::SkipEmpty());
}

// How many letters must be put in, left out or replaced (Levenshtein).
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

// For a person who took `name` for one: those with most of its words; where these are none or far
// too many, those with a slip or two.
std::vector<std::string> NamesLike(const std::string& name) {
  const std::vector<std::string> wanted = WordsOf(name);
  std::vector<std::string> like;
  std::ptrdiff_t most = 1;
  for (const std::string& known : EditNames()) {
    const auto shared = std::ranges::count_if(WordsOf(known), [&wanted](const std::string& word) {
      return std::ranges::find(wanted, word) != wanted.end();
    });
    if (shared < most) continue;
    if (shared > most) like.clear();
    most = shared;
    like.push_back(known);
  }
  if (!like.empty() && like.size() <= kNamesShown) return like;
  like = EditNames();
  std::erase_if(like, [&name](const std::string& known) { return Distance(name, known) > 2; });
  return like;
}

// For a person: those of the faults once each.
std::string KnownNames() {
  constexpr std::array<std::string_view, 3> kOfAFault = {"_gap_ns", "_length_min_ns",
                                                         "_length_max_ns"};
  std::string names;
  for (const std::string& name : EditNames()) {
    if (std::ranges::none_of(kOfAFault, [&name](auto end) { return name.ends_with(end); })) {
      names += name + ", ";
    }
  }
  return names +
         "or, of a fault that goes on and off, its name and one of _gap_ns, _length_min_ns, " +
         "_length_max_ns";
}

}  // namespace

std::optional<std::string> AddEdit(std::string_view text, Edits* edits) {
  const std::size_t equals = text.find('=');
  const std::string name(text.substr(0, equals));
  const auto known = AllEdits().find(name);
  if (known == AllEdits().end()) {
    const std::vector<std::string> like = NamesLike(name);
    if (like.empty() || like.size() > kNamesShown) {
      return "'" + std::string(text) + "' is not NAME=VALUE with one of the names " + KnownNames();
    }
    return "'" + name + "' is not the name of a value; like it: " + absl::StrJoin(like, ", ") +
           "; x=1 lists all";
  }
  if (equals == std::string_view::npos) {
    return "'" + name + "' has no value; expected " + name + "=NUMBER";
  }
  const Edit& edit = known->second;
  std::uint64_t value = 0;
  const std::string_view digits = text.substr(equals + 1);
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || at != end || value < edit.min || value > edit.max) {
    return "'" + std::string(text) + "': expected a whole number from " + Decimal(edit.min) +
           " to " + Decimal(edit.max);
  }
  (*edits)[name] = value;
  return std::nullopt;
}

namespace {

Edits ReadEdits(StrictObject* object) {
  Edits edits;
  for (const auto& [name, edit] : AllEdits()) {
    if (const auto value = object->OptionalNumber(name, edit.min, edit.max)) edits[name] = *value;
  }
  object->End();
  return edits;
}

}  // namespace

std::optional<std::string> AddProfile(std::string_view text, const std::string& name,
                                      Edits* edits) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return "'" + name + "': is not JSON; expected a profile";
  std::string error;
  StrictObject object(json, "'" + name + "'", &error);
  if (object.Has("about")) object.Text("about");
  const Edits found = ReadEdits(&object);
  if (!error.empty()) return error;
  edits->insert(found.begin(), found.end());
  return std::nullopt;
}

nlohmann::json ToJson(const Schedule& schedule) {
  nlohmann::json json = {{"seed", schedule.run.seed}};
  if (schedule.run.nodes) json["nodes"] = *schedule.run.nodes;
  if (schedule.run.steps) json["steps"] = *schedule.run.steps;
  if (schedule.run.seconds) json["seconds"] = *schedule.run.seconds;
  if (!schedule.run.edits.empty()) json["edits"] = schedule.run.edits;
  if (schedule.only.has_value()) {
    nlohmann::json& only = json["only"] = nlohmann::json::object();
    for (const Decision& decision : *schedule.only) {
      only[NameOf(decision.choice)].push_back(ToJson(decision));
    }
  }
  return json;
}

namespace {

// What both kinds of schedule have, and the end of the object.
void ReadRest(StrictObject* object, Schedule* schedule) {
  schedule->run.seed = object->Number("seed", 0, UINT64_MAX);
  if (object->Has("edits")) {
    StrictObject edits = object->Object("edits");
    schedule->run.edits = ReadEdits(&edits);
  }
  if (object->Has("only")) schedule->only = ReadDecisions(object->Object("only"));
  object->End();
}

}  // namespace

Schedule ReadSchedule(StrictObject object) {
  Schedule schedule;
  if (const auto nodes = object.OptionalNumber("nodes", 1, 7)) {
    schedule.run.nodes = static_cast<std::uint32_t>(*nodes);
  }
  schedule.run.steps = object.OptionalNumber("steps", 1, UINT64_MAX);
  if (const auto seconds = object.OptionalNumber("seconds", 1, 1'000'000)) {
    schedule.run.seconds = static_cast<std::uint32_t>(*seconds);
  }
  ReadRest(&object, &schedule);
  return schedule;
}

Schedule ReadSchedule(StrictObject object, StrictObject configuration) {
  Schedule schedule;
  schedule.configuration = ReadEdits(&configuration);
  ReadRest(&object, &schedule);
  return schedule;
}

}  // namespace grassdb::sim
