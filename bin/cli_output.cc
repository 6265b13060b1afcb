#include "bin/cli_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

namespace grassdb {
namespace {

using net::NodeReport;

bool Leads(const NodeReport& report) {
  return report.status.has_value() && report.status->role() == "leader" && report.status->serving();
}

nlohmann::ordered_json JsonOf(const NodeReport& report) {
  nlohmann::ordered_json node;
  node["endpoint"] = report.endpoint;
  node["reachable"] = report.status.has_value();
  if (!report.status.has_value()) {
    node["error"] = report.error;
    return node;
  }
  const wire::StatusResponse& status = *report.status;
  node["id"] = status.id();
  node["cluster"] = status.cluster();
  node["role"] = status.role();
  node["term"] = status.term();
  node["leader_id"] = status.leader_id();
  node["leader_address"] = status.leader_address();
  node["serving"] = status.serving();
  node["commit_index"] = status.commit_index();
  node["applied_index"] = status.applied_index();
  node["durable_index"] = status.durable_index();
  node["last_index"] = status.last_index();
  node["first_index"] = status.first_index();
  node["snapshot_index"] = status.snapshot_index();
  node["revision"] = status.revision();
  node["keys"] = status.keys();
  node["sessions"] = status.sessions();
  node["digest"] = fmt::format("{:016x}", status.digest());
  node["followers"] = nlohmann::ordered_json::array();
  for (const wire::FollowerStatus& follower : status.followers()) {
    node["followers"].push_back({{"id", follower.id()},
                                 {"state", follower.state()},
                                 {"match", follower.match()},
                                 {"next", follower.next()}});
  }
  node["members"] = nlohmann::ordered_json::array();
  for (const wire::MemberStatus& member : status.members()) {
    node["members"].push_back(
        {{"id", member.id()}, {"address", member.address()}, {"voter", member.voter()}});
  }
  return node;
}

std::string JsonTextOf(const std::vector<NodeReport>& reports) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const NodeReport& report : reports) nodes.push_back(JsonOf(report));
  return nodes.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

constexpr std::size_t kColumns = 9;
using Row = std::array<std::string, kColumns>;

Row RowOf(const NodeReport& report) {
  if (!report.status.has_value()) {
    return {report.endpoint, "-", "unreachable", "-", "-", "-", "-", "-", "-"};
  }
  const wire::StatusResponse& status = *report.status;
  return {report.endpoint,
          status.id(),
          status.role() + (status.serving() ? "" : " (not serving)"),
          std::to_string(status.term()),
          status.leader_id().empty() ? "-" : status.leader_id(),
          std::to_string(status.commit_index()),
          std::to_string(status.applied_index()),
          status.snapshot_index() == 0 ? "-" : std::to_string(status.snapshot_index()),
          std::to_string(status.keys())};
}

std::string TableOf(const std::vector<NodeReport>& reports) {
  std::vector<Row> rows = {
      {"ENDPOINT", "ID", "ROLE", "TERM", "LEADER", "COMMIT", "APPLIED", "SNAPSHOT", "KEYS"}};
  for (const NodeReport& report : reports) rows.push_back(RowOf(report));
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string table;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < kColumns; ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + "\n";
  }
  return table;
}

}  // namespace

CliResult ResultOf(const Outcome& outcome) {
  switch (outcome.code) {
    case Outcome::Code::kOk:
      return {};
    case Outcome::Code::kRefused:
      return {.code = ExitCode::kError, .output = {}, .error = outcome.error};
    case Outcome::Code::kUnreachable:
      return {.code = ExitCode::kUnreachable,
              .output = {},
              .error = "no leader with a quorum was found in time, nothing was changed: " +
                       outcome.error};
    case Outcome::Code::kUnknown:
      return {.code = ExitCode::kOutcomeUnknown,
              .output = {},
              .error = "outcome unknown, the request may or may not take effect: " + outcome.error};
  }
  return {.code = ExitCode::kError, .output = {}, .error = outcome.error};
}

CliResult ResultOf(const std::vector<NodeReport>& reports, const CliOptions& options) {
  CliResult result;
  result.output = options.json ? JsonTextOf(reports) : TableOf(reports);
  if (std::ranges::none_of(reports, Leads)) {
    result.code = ExitCode::kUnreachable;
    result.error = "none of these nodes leads";
  }
  return result;
}

}  // namespace grassdb
