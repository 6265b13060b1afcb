#include "sim/report/failure_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/check.h"
#include "sim/report/build_id.h"
#include "sim/strict_json.h"
#include "sim/text.h"

namespace grassdb::sim {
namespace {

constexpr const char* kFormat = "grass-sim failure";
constexpr std::uint64_t kVersion = 3;
// Without a configuration: its plan is drawn.
constexpr std::uint64_t kVersionDrawn = 2;
// The same, and its edits counted in the order of their names.
constexpr std::uint64_t kVersionByName = 1;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

absl::Status FileError(const char* what, const std::string& path) {
  return absl::InvalidArgumentError(std::string("cannot ") + what + " '" + path +
                                    "': " + std::strerror(errno));
}

void Compare(const char* what, const std::string& wanted, const std::string& got,
             std::string* text) {
  if (wanted == got) return;
  *text += std::string("  ") + what + ": " + got + "\n    in the file: " + wanted + "\n";
}

// The same run, with nothing left to be drawn or to be set.
Schedule Whole(const Schedule& schedule) {
  Schedule whole;
  whole.run.seed = schedule.run.seed;
  whole.configuration = ConfigurationOf(PlanOf(schedule));
  whole.only = schedule.only;
  return whole;
}

}  // namespace

FailureFile FailureOf(const Schedule& schedule, const RunResult& result) {
  GRASS_CHECK(!result.ok());
  FailureFile failure;
  failure.build = BuildId();
  failure.schedule = Whole(schedule);
  failure.drawn_by = CommandFor(schedule.run);
  failure.violation = *result.violation;
  failure.at_ns = Nanoseconds(result.ended);
  failure.event = result.counters.events;
  failure.fingerprint = result.fingerprint.Hex();
  failure.plan = Lines(Describe(PlanOf(schedule)));
  failure.trace = Lines(result.trace);
  return failure;
}

std::string TextOf(const FailureFile& failure) {
  // In this order, for people.
  nlohmann::ordered_json json;
  json["format"] = kFormat;
  json["version"] = kVersion;
  json["build"] = failure.build;
  json["violation"] = {{"rule", failure.violation.rule},
                       {"where", failure.violation.where},
                       {"text", failure.violation.text},
                       {"virtual_ns", failure.at_ns},
                       {"event", failure.event}};
  json["fingerprint"] = failure.fingerprint;
  json["drawn_by"] = failure.drawn_by;
  json["plan"] = failure.plan;
  const Schedule whole = Whole(failure.schedule);
  json["configuration"] = *whole.configuration;
  json["trace"] = failure.trace;
  // The schedule by hand: a decision a line would be thousands of lines.
  std::string text = json.dump(2, ' ', true, nlohmann::json::error_handler_t::replace);
  text.erase(text.size() - 2);
  return text + ",\n  \"schedule\": " + ToJson(whole).dump() + "\n}\n";
}

absl::StatusOr<FailureFile> ParseFailure(std::string_view text, const std::string& name) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    return absl::InvalidArgumentError("'" + name + "': is not JSON; expected a file of grass-sim");
  }
  std::string error;
  StrictObject object(json, "'" + name + "'", &error);
  if (object.Text("format") != kFormat) {
    object.Fail("format", std::string("expected \"") + kFormat + "\"");
  }
  const std::uint64_t version = object.Number("version", 0, UINT64_MAX);
  if (version < kVersionByName || version > kVersion) {
    object.Fail("version", "this grass-sim reads versions " + Decimal(kVersionByName) + " to " +
                               Decimal(kVersion) + " only");
  }
  FailureFile failure;
  failure.build = object.Text("build");
  StrictObject violation = object.Object("violation");
  failure.violation = {violation.Text("rule"), violation.Text("where"), violation.Text("text")};
  failure.at_ns = violation.Number("virtual_ns", 0, UINT64_MAX);
  failure.event = violation.Number("event", 0, UINT64_MAX);
  violation.End();
  failure.fingerprint = object.Text("fingerprint");
  failure.plan = object.Texts("plan");
  failure.trace = object.Texts("trace");
  const bool is_drawn = version <= kVersionDrawn;
  if (is_drawn) {
    failure.schedule = ReadSchedule(object.Object("schedule"));
  } else {
    failure.drawn_by = object.Text("drawn_by");
    failure.schedule = ReadSchedule(object.Object("schedule"), object.Object("configuration"));
  }
  object.End();
  if (!error.empty()) return absl::InvalidArgumentError(error);
  if (version == kVersionByName) failure.schedule.run = InOrder(failure.schedule.run);
  if (is_drawn) {
    failure.drawn_by = CommandFor(failure.schedule.run);
  } else if (const auto problem = Contradiction(failure.schedule.run)) {
    return absl::InvalidArgumentError("'" + name + "': schedule: edits: " + *problem);
  }
  if (const auto problem = WhyNot(PlanOf(failure.schedule))) {
    return absl::InvalidArgumentError("'" + name + "': configuration: " + *problem);
  }
  return failure;
}

std::string FailureFileName(std::uint64_t seed) {
  return "grass-sim-failure-" + Decimal(seed) + ".json";
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  // Where there is nothing to copy, that fails without an error of the system.
  if (in && text.fail() && errno == 0) {
    return absl::InvalidArgumentError("cannot read '" + path + "': it is empty");
  }
  if (!in || text.fail()) return FileError("read", path);
  return text.str();
}

absl::Status WriteFile(const std::string& path, std::string_view text) {
  errno = 0;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  return out ? absl::OkStatus() : FileError("write", path);
}

std::string Difference(const FailureFile& failure, const RunResult& result) {
  std::string text;
  const Violation none{"no rule is broken", "", ""};
  const Violation& found = result.ok() ? none : *result.violation;
  Compare("rule", failure.violation.rule, found.rule, &text);
  Compare("where", failure.violation.where, found.where, &text);
  Compare("text", failure.violation.text, found.text, &text);
  Compare("event", Decimal(failure.event), Decimal(result.counters.events), &text);
  Compare("fingerprint", failure.fingerprint, result.fingerprint.Hex(), &text);
  if (!text.empty()) Compare("build", failure.build, BuildId(), &text);
  return text;
}

}  // namespace grassdb::sim
