// grass-cli: reads and writes a cluster. The options are bin/cli_options.h's, what is printed is
// bin/cli_output.h's, and the rest is net/database_client.h's.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "bin/cli_options.h"
#include "bin/cli_output.h"
#include "core/check.h"
#include "core/command.h"
#include "net/database_client.h"
#include "net/log.h"

namespace grassdb {
namespace {

CliResult ErrorOf(const absl::Status& status) {
  return {.code = ExitCode::kError, .output = {}, .error = std::string(status.message())};
}

// The whole of standard input, which may be any bytes. Reads no more than what shows that it is too
// long, because its end may never come.
absl::StatusOr<std::string> ReadValue() {
  if (isatty(STDIN_FILENO) == 1) {
    std::fprintf(stderr, "grass-cli: reading the value from standard input, up to its end\n");
  }
  std::string value(kValueBytesMax + 1, '\0');
  value.resize(std::fread(value.data(), 1, value.size(), stdin));
  if (std::ferror(stdin) != 0) return absl::UnavailableError("cannot read standard input");
  if (value.size() > kValueBytesMax) {
    return absl::InvalidArgumentError(fmt::format(
        "the value on standard input has more than the {} bytes that are allowed", kValueBytesMax));
  }
  return value;
}

CliResult PrintGet(const Outcome& outcome, bool raw) {
  CliResult result = ResultOf(outcome, Effect::kNone);
  if (result.code != ExitCode::kOk) return result;
  if (outcome.reply.found) {
    result.output = outcome.reply.value + (raw ? "" : "\n");
  } else if (!raw) {
    result.output = "(nil)\n";
  }
  return result;
}

CliResult PrintDelete(const Outcome& outcome) {
  CliResult result = ResultOf(outcome, Effect::kChange);
  if (result.code != ExitCode::kOk) return result;
  const auto& operations = outcome.reply.command.operations;
  result.output = operations.empty() || operations.front().found ? "1\n" : "0\n";
  return result;
}

CliResult PrintOk(const Outcome& outcome) {
  CliResult result = ResultOf(outcome, Effect::kChange);
  if (result.code == ExitCode::kOk) result.output = "OK\n";
  return result;
}

CliResult Transfer(net::DatabaseClient& client, const std::string& target) {
  // The answer names the new leader; only the new leader knows that its term has begun.
  constexpr Duration kPatience = std::chrono::seconds(1);
  const Outcome outcome = client.TransferLeadership(target);
  const std::string& address = outcome.reply.leader_address;
  std::vector<net::NodeReport> reports;
  if (!address.empty()) reports = net::AskForStatus({address}, kPatience);
  return TransferOf(outcome, reports);
}

// Of a command that changes the membership.
MemberChange ChangeOf(const CliOptions& options) {
  const std::vector<std::string>& arguments = options.arguments;
  MemberChange change;
  change.name = arguments[0];
  switch (options.command) {
    case CliCommand::kMemberAdd:
      change.kind = options.learner ? MemberChange::Kind::kAddLearner : MemberChange::Kind::kAdd;
      change.address = arguments[1];
      break;
    case CliCommand::kMemberPromote:
      change.kind = MemberChange::Kind::kPromote;
      break;
    case CliCommand::kMemberDemote:
      change.kind = MemberChange::Kind::kDemote;
      break;
    case CliCommand::kMemberReplace:
      change.kind = MemberChange::Kind::kReplace;
      change.replaced = arguments[0];
      change.name = arguments[1];
      change.address = arguments[2];
      break;
    case CliCommand::kMemberMove:
      change.kind = MemberChange::Kind::kMove;
      change.address = arguments[1];
      break;
    case CliCommand::kMemberRemove:
      change.kind = MemberChange::Kind::kRemove;
      break;
    default:
      GRASS_CHECK_MSG(false, "a command that does not change the membership");
  }
  return change;
}

// `client_made` is made if the command needs a client.
CliResult Execute(const CliOptions& options, std::optional<net::DatabaseClient>* client_made) {
  if (options.command == CliCommand::kStatus) {
    return StatusOf(net::AskWholeCluster(options.peers, options.deadline), options);
  }
  if (options.command == CliCommand::kMemberList) {
    return MembersOf(net::AskWholeCluster(options.peers, options.deadline), options);
  }
  ClientOptions client_options;
  client_options.endpoints = options.peers;
  client_options.deadline = options.deadline;
  client_options.seed = std::random_device()();
  net::DatabaseClient& client = client_made->emplace(client_options);
  const std::vector<std::string>& arguments = options.arguments;
  switch (options.command) {
    case CliCommand::kSet: {
      if (arguments.size() == 2) return PrintOk(client.Set(arguments[0], arguments[1]));
      absl::StatusOr<std::string> value = ReadValue();
      if (!value.ok()) return ErrorOf(value.status());
      if (value->empty()) {
        // More often a file or a program that failed than a value.
        return {.code = ExitCode::kUsage,
                .output = {},
                .error = "standard input is empty; an empty value is written as '' behind the key"};
      }
      return PrintOk(client.Set(arguments[0], *std::move(value)));
    }
    case CliCommand::kGet:
      return PrintGet(client.Get(arguments[0], options.read), options.raw);
    case CliCommand::kDel:
      return PrintDelete(client.Delete(arguments[0]));
    case CliCommand::kSnapshot:
      return PrintOk(client.TakeSnapshot());
    case CliCommand::kTransferLeader:
      return Transfer(client, arguments.empty() ? "" : arguments[0]);
    case CliCommand::kMemberAdd:
    case CliCommand::kMemberRemove:
    case CliCommand::kMemberPromote:
    case CliCommand::kMemberDemote:
    case CliCommand::kMemberReplace:
    case CliCommand::kMemberMove:
      return PrintOk(client.ChangeMembership({ChangeOf(options)}));
    case CliCommand::kStatus:
    case CliCommand::kMemberList:
      break;
  }
  return {.code = ExitCode::kError, .output = {}, .error = "unknown command"};
}

int Run(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCliArguments(arguments);
  if (const auto* exit = std::get_if<CliExit>(&parsed)) {
    const bool ok = exit->code == ExitCode::kOk;
    std::fprintf(ok ? stdout : stderr, ok ? "%s" : "%s\n", exit->text.c_str());
    return static_cast<int>(exit->code);
  }
  net::SilenceGrpc();
  std::optional<net::DatabaseClient> client;
  const CliResult result = Execute(std::get<CliOptions>(parsed), &client);
  const bool written =
      std::fwrite(result.output.data(), 1, result.output.size(), stdout) == result.output.size();
  if (std::fflush(stdout) != 0 || !written) {
    const std::string reason = std::generic_category().message(errno);
    std::fprintf(stderr, "grass-cli: %s its answer could not be written: %s\n",
                 result.code == ExitCode::kOk ? "the request was carried out, but"
                                              : (result.error + ";").c_str(),
                 reason.c_str());
    return static_cast<int>(ExitCode::kError);
  }
  if (result.code != ExitCode::kOk) std::fprintf(stderr, "grass-cli: %s\n", result.error.c_str());
  // Behind the answer, which does not wait for it.
  if (client.has_value()) client->CloseSession();
  return static_cast<int>(result.code);
}

}  // namespace
}  // namespace grassdb

int main(int argc, char** argv) {
  // Debian's abseil looks for deadlocks at every lock of gRPC, under one lock of the whole process.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  try {
    return grassdb::Run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {  // out of memory, or of threads
    std::fprintf(stderr, "grass-cli: %s\n", error.what());
    return static_cast<int>(grassdb::ExitCode::kError);
  }
}
