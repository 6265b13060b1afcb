#include "bin/cli_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/convert.h"

namespace grassdb {
namespace {

using net::NodeReport;

nlohmann::ordered_json JsonOfMembers(const wire::StatusResponse& status) {
  auto members = nlohmann::ordered_json::array();
  // By name, as in the table.
  std::vector<wire::MemberStatus> sorted(status.members().begin(), status.members().end());
  std::ranges::sort(sorted, {}, [](const wire::MemberStatus& member) { return member.id(); });
  for (const wire::MemberStatus& member : sorted) {
    members.push_back({{"id", member.id()},
                       {"address", member.address()},
                       {"voter", member.voter()},
                       {"role", member.role()},
                       {"outgoing", member.outgoing()},
                       {"replaces", member.replaces()},
                       {"problem", member.problem()}});
  }
  return members;
}

// What the node that answers is itself in the membership; empty: it is no member that it knows of.
std::string OwnMemberRole(const wire::StatusResponse& status) {
  for (const wire::MemberStatus& member : status.members()) {
    if (member.id() == status.id()) return member.role();
  }
  return {};
}

nlohmann::ordered_json JsonOf(const wire::DiskLatency& latency) {
  return {{"count", latency.count()},
          {"p50_us", latency.p50_us()},
          {"p99_us", latency.p99_us()},
          {"max_us", latency.max_us()}};
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
  node["cluster_id"] = HexOf(status.cluster_id());
  node["role"] = status.role();
  node["member_role"] = OwnMemberRole(status);
  node["term"] = status.term();
  node["leader_id"] = status.leader_id();
  node["leader_address"] = status.leader_address();
  node["serving"] = status.serving();
  node["repairing"] = status.repairing();
  node["commit_index"] = status.commit_index();
  node["applied_index"] = status.applied_index();
  node["durable_index"] = status.durable_index();
  node["last_index"] = status.last_index();
  node["first_index"] = status.first_index();
  node["memory_index"] = status.memory_index();
  node["snapshot_index"] = status.snapshot_index();
  node["revision"] = status.revision();
  node["keys"] = status.keys();
  node["sessions"] = status.sessions();
  node["digest"] = fmt::format("{:016x}", status.digest());
  node["configuration_index"] = status.configuration_index();
  node["changing_membership"] = status.changing_membership();
  node["transfer_target_id"] = status.transfer_target_id();
  node["receiving_index"] = status.receiving_index();
  node["receiving_offset"] = status.receiving_offset();
  node["failures_tolerated"] = status.failures_tolerated();
  node["disk_space"] = status.disk_space();
  node["disk_problem"] = status.disk_problem();
  node["log_writes"] = JsonOf(status.log_writes());
  node["disk_reads"] = JsonOf(status.disk_reads());
  node["disk_under_way_us"] = status.disk_under_way_us();
  node["scrub"] = {{"bytes", status.scrub().bytes()},
                   {"passes", status.scrub().passes()},
                   {"found", status.scrub().found()},
                   {"mended", status.scrub().mended()},
                   {"newest", status.scrub().newest()}};
  node["followers"] = nlohmann::ordered_json::array();
  for (const wire::FollowerStatus& follower : status.followers()) {
    node["followers"].push_back({{"id", follower.id()},
                                 {"state", follower.state()},
                                 {"counts", follower.counts()},
                                 {"disk_full", follower.disk_full()},
                                 {"match", follower.match()},
                                 {"next", follower.next()},
                                 {"lag", follower.lag()},
                                 {"silent_ms", follower.silent_ms()},
                                 {"snapshot_index", follower.snapshot_index()},
                                 {"snapshot_offset", follower.snapshot_offset()}});
  }
  node["members"] = JsonOfMembers(status);
  return node;
}

std::string TextOf(const nlohmann::ordered_json& json) {
  // Text of a node may be no UTF-8; what is printed always is.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string JsonTextOf(const std::vector<NodeReport>& reports) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const NodeReport& report : reports) nodes.push_back(JsonOf(report));
  return TextOf(nodes);
}

using Row = std::vector<std::string>;

// The first row is the header. All have the same number of columns.
std::string TableOf(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string table;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + "\n";
  }
  return table;
}

std::string TextOfBytes(std::uint64_t bytes) {
  if (bytes < std::uint64_t{1} << 20) return fmt::format("{} KiB", bytes >> 10);
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string SnapshotOf(const wire::StatusResponse& status) {
  std::string text =
      status.snapshot_index() == 0 ? std::string("-") : std::to_string(status.snapshot_index());
  if (status.receiving_index() != 0) {
    text += fmt::format(" (receiving {}: {})", status.receiving_index(),
                        TextOfBytes(status.receiving_offset()));
  }
  return text;
}

// As the table names it: a learner follows too, but counts in no quorum.
std::string RoleOf(const wire::StatusResponse& status) {
  const std::string member_role = OwnMemberRole(status);
  const bool learns = member_role == "learner" || member_role == "joining";
  return (status.role() == "follower" && learns ? "learner" : status.role()) +
         (status.repairing() ? " (repairing its log)"
          : status.serving() ? ""
                             : " (not serving)");
}

std::string NodeTableOf(const std::vector<NodeReport>& reports) {
  std::vector<Row> rows = {{"ENDPOINT", "ID", "ROLE", "TERM", "LEADER", "COMMIT", "APPLIED",
                            "DURABLE", "KEYS", "SNAPSHOT"}};
  for (const NodeReport& report : reports) {
    if (!report.status.has_value()) {
      rows.push_back({report.endpoint, "-", "unreachable", "-", "-", "-", "-", "-", "-", "-"});
      continue;
    }
    const wire::StatusResponse& status = *report.status;
    const auto number = [&status](std::uint64_t value) {
      // There is no state yet, and what is committed is for the others to say.
      return status.repairing() ? std::string("-") : std::to_string(value);
    };
    rows.push_back({report.endpoint, status.id(), RoleOf(status), std::to_string(status.term()),
                    status.leader_id().empty() ? "-" : status.leader_id(),
                    number(status.commit_index()), number(status.applied_index()),
                    number(status.durable_index()), number(status.keys()), SnapshotOf(status)});
  }
  return TableOf(rows);
}

std::string FollowerTableOf(const wire::StatusResponse& leader) {
  std::vector<Row> rows = {{"FOLLOWER", "STATE", "MATCH", "LAG", "SILENT", "SNAPSHOT"}};
  for (const wire::FollowerStatus& follower : leader.followers()) {
    const double seconds = static_cast<double>(follower.silent_ms()) / 1000;
    rows.push_back({follower.id(),
                    follower.state() + (follower.counts() ? "" : ", has no say") +
                        (follower.disk_full() ? ", disk full" : ""),
                    std::to_string(follower.match()), std::to_string(follower.lag()),
                    fmt::format("{:.1f}s", seconds),
                    follower.snapshot_index() == 0
                        ? std::string("-")
                        : fmt::format("{} ({} sent)", follower.snapshot_index(),
                                      TextOfBytes(follower.snapshot_offset()))});
  }
  std::ranges::sort(rows.begin() + 1, rows.end());
  return TableOf(rows);
}

std::string MemberTableOf(const wire::StatusResponse& status) {
  std::vector<Row> rows = {{"MEMBER", "ADDRESS", "ROLE"}};
  for (const wire::MemberStatus& member : status.members()) {
    std::string role = member.role();
    if (!member.replaces().empty()) role += ", in the place of " + member.replaces();
    if (member.outgoing() && !member.voter()) role += ", votes until the change has ended";
    rows.push_back({member.id(), member.address(), std::move(role)});
  }
  std::ranges::sort(rows.begin() + 1, rows.end());
  std::string text = TableOf(rows);
  if (status.changing_membership()) {
    text += fmt::format("A change of the membership is under way (log entry {}).\n",
                        status.configuration_index());
  }
  return text;
}

// Who does not reach whom. Nobody but the one who is refused knows.
std::string ProblemsOf(const std::vector<NodeReport>& reports) {
  std::string text;
  for (const NodeReport& report : reports) {
    if (!report.status.has_value()) continue;
    for (const wire::MemberStatus& member : report.status->members()) {
      if (member.problem().empty()) continue;
      text += fmt::format("{} does not reach {} at {}: {}.\n", report.status->id(), member.id(),
                          member.address(), member.problem());
    }
  }
  return text;
}

// What a full disk refuses, and which it is.
std::string FullDisksOf(const std::vector<NodeReport>& reports) {
  std::string text;
  for (const NodeReport& report : reports) {
    if (!report.status.has_value() || report.status->disk_problem().empty()) continue;
    text += fmt::format(
        "The disk of {} is full, it takes {}: {}.\n", report.status->id(),
        report.status->disk_space() == "full" ? "deletes but no new data" : "no writes at all",
        report.status->disk_problem());
  }
  return text;
}

// Damage that reading the disk again has found; mended or not, the disk is worth a look.
std::string DamageOf(const std::vector<NodeReport>& reports) {
  std::string text;
  for (const NodeReport& report : reports) {
    if (!report.status.has_value() || report.status->scrub().found() == 0) continue;
    const wire::ScrubStatus& scrub = report.status->scrub();
    text += fmt::format("The disk of {} was found damaged {} time{}, mended {}: {}\n",
                        report.status->id(), scrub.found(), scrub.found() == 1 ? "" : "s",
                        scrub.mended(), scrub.newest());
  }
  return text;
}

std::string ToleranceOf(const wire::StatusResponse& leader) {
  const bool full = !leader.disk_problem().empty() ||
                    std::ranges::any_of(leader.followers(), &wire::FollowerStatus::disk_full);
  if (leader.failures_tolerated() == 0) {
    return fmt::format("Fault tolerance: none; {} when one more voter that {} fails.\n",
                       full ? "no new data is taken" : "writes stop",
                       full ? "is up and has room" : "is up");
  }
  return fmt::format("Fault tolerance: writes go on when any {} of the voters that {} fail{}.\n",
                     leader.failures_tolerated(), full ? "are up and have room" : "are up",
                     leader.failures_tolerated() == 1 ? "s" : "");
}

std::string StatusTextOf(const std::vector<NodeReport>& reports) {
  std::string text = NodeTableOf(reports);
  const NodeReport* source = net::FindLeader(reports);
  if (source != nullptr) {
    const wire::StatusResponse& leader = *source->status;
    if (leader.followers_size() > 0) text += "\n" + FollowerTableOf(leader);
    if (!leader.transfer_target_id().empty()) {
      text += "Leadership is being handed to " + leader.transfer_target_id() + ".\n";
    }
    text += ToleranceOf(leader);
  }
  for (const NodeReport& report : reports) {
    if (source == nullptr && report.status.has_value()) source = &report;
  }
  if (source != nullptr) text += "\n" + MemberTableOf(*source->status);
  return text + FullDisksOf(reports) + DamageOf(reports) + ProblemsOf(reports);
}

}  // namespace

CliResult ResultOf(const Outcome& outcome, Effect effect) {
  switch (outcome.code) {
    case Outcome::Code::kOk:
      return {};
    case Outcome::Code::kRefused:
      return {.code = ExitCode::kError, .output = {}, .error = outcome.error};
    case Outcome::Code::kDiskFull:
      return {.code = ExitCode::kDiskFull, .output = {}, .error = outcome.error};
    case Outcome::Code::kUnreachable:
      return {.code = ExitCode::kUnreachable,
              .output = {},
              .error = std::string("no leader with a quorum was found in time") +
                       (effect == Effect::kChange ? ", nothing was changed: " : ": ") +
                       outcome.error};
    case Outcome::Code::kUnknown:
      return {.code = ExitCode::kOutcomeUnknown,
              .output = {},
              .error = "outcome unknown, the request may or may not take effect: " + outcome.error};
  }
  return {.code = ExitCode::kError, .output = {}, .error = outcome.error};
}

CliResult StatusOf(const std::vector<NodeReport>& reports, const CliOptions& options) {
  CliResult result;
  result.output = options.json ? JsonTextOf(reports) : StatusTextOf(reports);
  if (net::FindLeader(reports) == nullptr) {
    result.code = ExitCode::kUnreachable;
    result.error = "none of these nodes leads";
  }
  return result;
}

CliResult TransferOf(const Outcome& outcome, const std::vector<NodeReport>& reports) {
  CliResult result = ResultOf(outcome, Effect::kChange);
  if (result.code != ExitCode::kOk) return result;
  const std::string& leader = outcome.reply.leader_name;
  result.output = leader.empty() ? "OK" : "OK, " + leader + " leads";
  const NodeReport* report = net::FindLeader(reports);
  if (report != nullptr && report->status->id() == leader) {
    result.output += fmt::format(" (term {})", report->status->term());
  }
  result.output += "\n";
  return result;
}

CliResult MembersOf(const std::vector<NodeReport>& reports, const CliOptions& options) {
  const NodeReport* leader = net::FindLeader(reports);
  if (leader == nullptr) {
    return {.code = ExitCode::kUnreachable, .output = {}, .error = "no node that leads was found"};
  }
  const wire::StatusResponse& status = *leader->status;
  CliResult result;
  if (options.json) {
    nlohmann::ordered_json json;
    json["cluster"] = status.cluster();
    json["cluster_id"] = HexOf(status.cluster_id());
    json["leader_id"] = status.leader_id();
    json["configuration_index"] = status.configuration_index();
    json["changing_membership"] = status.changing_membership();
    json["members"] = JsonOfMembers(status);
    result.output = TextOf(json);
  } else {
    result.output = MemberTableOf(status);
  }
  return result;
}

}  // namespace grassdb
