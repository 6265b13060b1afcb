#include "bin/cli_options.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "net/server_options.h"

namespace grassdb {
namespace {

constexpr const char* kHelpText =
    R"(grass-cli: reads and writes a grassdb cluster.

  grass-cli [flags] COMMAND [arguments]

Commands:
  set KEY VALUE         Set a key. Prints OK.
  get KEY               Print the value of a key, or (nil) if it is missing.
  del KEY               Delete a key. Prints 1, or 0 if it was missing.
  status                Show every node.
  snapshot              Make a node take a snapshot now.
  transfer-leader [ID]  Hand leadership to node ID, or to the one whose log is furthest.

Flags, before or after the command, with one dash or two, with '=' or a space:
  --peers LIST          Nodes to ask, host:port,host:port,... Some of a cluster are enough.
                        Default: localhost:50051,localhost:50052,localhost:50053
  --deadline TIME       How long to try, for example 500ms or 10s. Default: 5s
  --stale               get: take the answer of any node, which may be out of date
  -w, --write-out FORM  status: table (default) or json
  --version             Print the version
  -h, --help            Print this

The leader is found from any node; elections are waited for. A write is applied once, however often
it had to be sent. Keys have 1 to 4096 bytes, values up to 1 MiB. What begins with a dash goes after
"--":  grass-cli set -- -key --value

Exit codes:
  0  ok (also for get of a missing key)
  1  error: the cluster refused the request
  2  usage
  3  no quorum or no node reachable; nothing was changed
  4  outcome unknown: the write may or may not take effect
)";

struct CommandInfo {
  std::string_view name;
  CliCommand command;
  std::size_t arguments_min;
  std::size_t arguments_max;
  std::string_view usage;
};

constexpr std::array<CommandInfo, 6> kCommands = {{
    {"set", CliCommand::kSet, 2, 2, "set KEY VALUE"},
    {"get", CliCommand::kGet, 1, 1, "get KEY"},
    {"del", CliCommand::kDel, 1, 1, "del KEY"},
    {"status", CliCommand::kStatus, 0, 0, "status"},
    {"snapshot", CliCommand::kSnapshot, 0, 0, "snapshot"},
    {"transfer-leader", CliCommand::kTransferLeader, 0, 1, "transfer-leader [ID]"},
}};

enum class Flag { kPeers, kDeadline, kStale, kWriteOut, kVersion, kHelp };

struct FlagInfo {
  std::string_view name;
  Flag flag;
  bool has_value;
};

constexpr std::array<FlagInfo, 8> kFlags = {{
    {"peers", Flag::kPeers, true},
    {"deadline", Flag::kDeadline, true},
    {"stale", Flag::kStale, false},
    {"write-out", Flag::kWriteOut, true},
    {"w", Flag::kWriteOut, true},
    {"version", Flag::kVersion, false},
    {"help", Flag::kHelp, false},
    {"h", Flag::kHelp, false},
}};

CliExit UsageError(const std::string& problem) {
  return {.code = ExitCode::kUsage, .text = "grass-cli: " + problem + " (see grass-cli --help)"};
}

// The flag that `argument` is, whatever comes after its '='.
const FlagInfo* FlagOf(std::string_view argument) {
  if (argument.size() < 2 || argument.front() != '-') return nullptr;
  argument.remove_prefix(argument.starts_with("--") ? 2 : 1);
  const std::string_view name = argument.substr(0, argument.find('='));
  for (const FlagInfo& flag : kFlags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

bool LooksLikeNumber(std::string_view argument) {
  return argument.size() >= 2 && argument.front() == '-' &&
         (argument[1] == '.' || (argument[1] >= '0' && argument[1] <= '9'));
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  std::variant<CliOptions, CliExit> Parse() {
    for (; at_ < arguments_.size() && !exit_.has_value(); ++at_) Take(arguments_[at_]);
    if (!exit_.has_value()) Finish();
    if (exit_.has_value()) return *exit_;
    return std::move(options_);
  }

 private:
  void Take(const std::string& argument) {
    if (!flags_ended_ && argument == "--") {
      flags_ended_ = true;
    } else if (flags_ended_ || argument.size() < 2 || argument.front() != '-') {
      words_.push_back(argument);
    } else if (const FlagInfo* flag = FlagOf(argument)) {
      TakeFlag(*flag, argument);
    } else if (LooksLikeNumber(argument) || (IsValueOfSet() && !argument.starts_with("--"))) {
      words_.push_back(argument);
    } else {
      exit_ = UsageError("unknown flag " + argument + "; what begins with a dash goes after --");
    }
  }

  bool IsValueOfSet() const { return words_.size() == 2 && words_.front() == "set"; }

  void TakeFlag(const FlagInfo& flag, const std::string& argument) {
    std::optional<std::string> value;
    if (const std::size_t equals = argument.find('='); equals != std::string::npos) {
      value = argument.substr(equals + 1);
    }
    if (!flag.has_value && value.has_value()) {
      exit_ = UsageError("the flag " + argument + " takes no value");
      return;
    }
    if (flag.has_value && !value.has_value()) {
      if (at_ + 1 == arguments_.size()) {
        exit_ = UsageError("the flag " + argument + " needs a value");
        return;
      }
      value = arguments_[++at_];
    }
    Set(flag.flag, value.value_or(""));
  }

  void Set(Flag flag, const std::string& value) {
    switch (flag) {
      case Flag::kPeers:
        return SetPeers(value);
      case Flag::kDeadline: {
        const absl::StatusOr<Duration> deadline = net::ParseDuration(value);
        if (!deadline.ok()) {
          exit_ = UsageError("--deadline " + std::string(deadline.status().message()));
          return;
        }
        options_.deadline = *deadline;
        return;
      }
      case Flag::kStale:
        options_.stale = true;
        return;
      case Flag::kWriteOut:
        if (value != "json" && value != "table") {
          exit_ = UsageError("--write-out '" + value + "': expected table or json");
        }
        options_.json = value == "json";
        json_given_ = true;
        return;
      case Flag::kVersion:
        exit_ = CliExit{.code = ExitCode::kOk, .text = "grass-cli " GRASSDB_VERSION "\n"};
        return;
      case Flag::kHelp:
        exit_ = CliExit{.code = ExitCode::kOk, .text = kHelpText};
        return;
    }
  }

  void SetPeers(std::string_view list) {
    options_.peers.clear();
    while (true) {
      const std::size_t comma = list.find(',');
      const absl::StatusOr<std::string> peer =
          net::ParseEndpoint(list.substr(0, comma), net::EmptyHost::kRefused);
      if (!peer.ok()) {
        exit_ = UsageError("--peers " + std::string(peer.status().message()));
        return;
      }
      options_.peers.push_back(*peer);
      if (comma == std::string_view::npos) return;
      list.remove_prefix(comma + 1);
    }
  }

  void Finish() {
    if (words_.empty()) {
      exit_ = UsageError("which command? One of set, get, del, status, snapshot, transfer-leader");
      return;
    }
    const CommandInfo* command = nullptr;
    for (const CommandInfo& known : kCommands) {
      if (known.name == words_.front()) command = &known;
    }
    if (command == nullptr) {
      exit_ = UsageError("unknown command '" + words_.front() + "'");
      return;
    }
    const std::size_t count = words_.size() - 1;
    if (count < command->arguments_min || count > command->arguments_max) {
      exit_ = UsageError("usage: grass-cli " + std::string(command->usage));
      return;
    }
    if (options_.stale && command->command != CliCommand::kGet) {
      exit_ = UsageError("--stale is for get");
      return;
    }
    if (json_given_ && command->command != CliCommand::kStatus) {
      exit_ = UsageError("--write-out is for status");
      return;
    }
    options_.command = command->command;
    options_.arguments.assign(words_.begin() + 1, words_.end());
  }

  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
  bool flags_ended_ = false;
  bool json_given_ = false;
  std::vector<std::string> words_;  // the command and its arguments
  CliOptions options_;
  std::optional<CliExit> exit_;
};

}  // namespace

std::variant<CliOptions, CliExit> ParseCliArguments(const std::vector<std::string>& arguments) {
  return Parser(arguments).Parse();
}

}  // namespace grassdb
