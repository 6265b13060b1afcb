#include "bin/cli_options.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "bin/quantity.h"
#include "core/configuration.h"
#include "net/server_options.h"

namespace grassdb {
namespace {

constexpr const char* kHelpText =
    R"(grass-cli: reads and writes a grassdb cluster.

  grass-cli [flags] COMMAND [arguments]

Commands:
  set KEY VALUE         Set a key. Prints OK.
  set KEY               The same with the value read from standard input, up to its end: for values
                        that are large or no text. An empty one is refused; that is set KEY ''.
  get KEY               Print the value of a key, or (nil) if it is missing.
  del KEY               Delete a key. Prints 1, or 0 if it was missing.
  status                Show every node, how far each follower is, and the members.
  snapshot              Make a node take a snapshot now.
  transfer-leader [ID]  Hand leadership to node ID, or to the one whose log is furthest.

Changes of the membership; done when they print OK:
  member list                      Show the members, as the leader knows them.
  member add NAME ADDRESS          Add a node. It votes once it has caught up, or never (--learner).
                                   A node that is started with grassdb --join adds itself.
  member remove NAME               Remove a node, also the leader.
  member promote NAME              Make a learner that has caught up a voter.
  member demote NAME               Make a voter a learner.
  member replace OLD NEW ADDRESS   Add NEW; once it has caught up, it votes in the place of OLD,
                                   which is removed.
  member move NAME ADDRESS         The node has another address now.

Flags, before or after the command, with one dash or two, with '=' or a space:
  --peers LIST          Nodes to ask, host:port,host:port,... Some of a cluster are enough.
                        Default: localhost:50051,localhost:50052,localhost:50053
  --deadline TIME       How long to try, for example 500ms or 10s. Default: 5s
  --stale               get: take the answer of any node, which may be out of date
  --lease               get: let the leader answer without asking the others, while its lease lasts.
                        As good as an ordinary get as long as no clock runs far too slow or fast
  --learner             member add: the node never votes
  -r, --raw             get: print the value as it is, without the newline at its end, and nothing
                        for a missing key
  -w, --write-out FORM  status, member list: table (default) or json
  --version             Print the version
  -h, --help            Print this

The leader is found from any node; elections are waited for. A write is applied once, however often
it had to be sent. Keys have 1 to 4096 bytes, values up to 1 MiB. Of the arguments, negative numbers
stand as they are; whatever else begins with a dash goes after "--":
  grass-cli set temperature -5
  grass-cli set -- -key --value

Exit codes:
  0  ok (also for get of a missing key)
  1  an error; the cluster refused the request and nothing was changed, or the request was carried
     out and its answer could not be written; the message says which
  2  usage
  3  no quorum or no node reachable; nothing was changed
  4  outcome unknown: the write may or may not take effect
  5  no room on the disks; nothing was changed, and reads and deletes go on
)";

struct CommandInfo {
  std::string_view name;
  CliCommand command;
  std::size_t arguments_min;
  std::size_t arguments_max;
  std::string_view usage;
};

constexpr std::array<CommandInfo, 13> kCommands = {{
    {"set", CliCommand::kSet, 1, 2, "set KEY [VALUE]"},
    {"get", CliCommand::kGet, 1, 1, "get KEY"},
    {"del", CliCommand::kDel, 1, 1, "del KEY"},
    {"status", CliCommand::kStatus, 0, 0, "status"},
    {"snapshot", CliCommand::kSnapshot, 0, 0, "snapshot"},
    {"transfer-leader", CliCommand::kTransferLeader, 0, 1, "transfer-leader [ID]"},
    {"member list", CliCommand::kMemberList, 0, 0, "member list"},
    {"member add", CliCommand::kMemberAdd, 2, 2, "member add NAME ADDRESS [--learner]"},
    {"member remove", CliCommand::kMemberRemove, 1, 1, "member remove NAME"},
    {"member promote", CliCommand::kMemberPromote, 1, 1, "member promote NAME"},
    {"member demote", CliCommand::kMemberDemote, 1, 1, "member demote NAME"},
    {"member replace", CliCommand::kMemberReplace, 3, 3, "member replace OLD NEW ADDRESS"},
    {"member move", CliCommand::kMemberMove, 2, 2, "member move NAME ADDRESS"},
}};

const CommandInfo* Find(std::string_view name) {
  for (const CommandInfo& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

// Which of a command's arguments is an address; nullopt if none.
std::optional<std::size_t> AddressArgument(CliCommand command) {
  switch (command) {
    case CliCommand::kMemberAdd:
    case CliCommand::kMemberMove:
      return 1;
    case CliCommand::kMemberReplace:
      return 2;
    default:
      return std::nullopt;
  }
}

// Which of the names that come before it are members'.
std::size_t NameArguments(CliCommand command) {
  switch (command) {
    case CliCommand::kMemberAdd:
    case CliCommand::kMemberRemove:
    case CliCommand::kMemberPromote:
    case CliCommand::kMemberDemote:
    case CliCommand::kMemberMove:
      return 1;
    case CliCommand::kMemberReplace:
      return 2;
    default:
      return 0;
  }
}

enum class Flag { kPeers, kDeadline, kStale, kLease, kLearner, kRaw, kWriteOut, kVersion, kHelp };

struct FlagInfo {
  std::string_view name;
  Flag flag;
  bool has_value;
};

constexpr std::array<FlagInfo, 12> kFlags = {{
    {"peers", Flag::kPeers, true},
    {"deadline", Flag::kDeadline, true},
    {"stale", Flag::kStale, false},
    {"lease", Flag::kLease, false},
    {"learner", Flag::kLearner, false},
    {"raw", Flag::kRaw, false},
    {"r", Flag::kRaw, false},
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

// The way out for an argument that was taken for a flag.
constexpr const char* kAfterDashes = "; an argument that begins with a dash goes after --";

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
    } else if (LooksLikeNumber(argument)) {
      words_.push_back(argument);
    } else {
      exit_ = UsageError("unknown flag " + argument + kAfterDashes);
    }
  }

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
        // One letter may have been meant as a value; "--peers" was not.
        exit_ = UsageError("the flag " + argument + " needs a value" +
                           (flag.name.size() == 1 ? kAfterDashes : ""));
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
        const absl::StatusOr<Duration> deadline = ParseDuration(value);
        if (!deadline.ok()) {
          exit_ = UsageError("--deadline " + std::string(deadline.status().message()));
          return;
        }
        options_.deadline = *deadline;
        return;
      }
      case Flag::kStale:
        stale_ = true;
        return;
      case Flag::kLease:
        lease_ = true;
        return;
      case Flag::kLearner:
        options_.learner = true;
        return;
      case Flag::kRaw:
        options_.raw = true;
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
    absl::StatusOr<std::vector<std::string>> peers = net::ParsePeerList(list);
    if (!peers.ok()) {
      exit_ = UsageError("--peers " + std::string(peers.status().message()));
      return;
    }
    options_.peers = *std::move(peers);
  }

  void Finish() {
    if (words_.empty()) {
      exit_ = UsageError(
          "which command? One of set, get, del, status, snapshot, transfer-leader, member");
      return;
    }
    std::string name = words_.front();
    words_.erase(words_.begin());
    if (name == "help") {
      exit_ = CliExit{.code = ExitCode::kOk, .text = kHelpText};
      return;
    }
    if (name == "member") {
      if (words_.empty()) {
        exit_ = UsageError("member: one of list, add, remove, promote, demote, replace, move");
        return;
      }
      name += " " + words_.front();
      words_.erase(words_.begin());
    }
    const CommandInfo* command = Find(name);
    if (command == nullptr) {
      exit_ = UsageError("unknown command '" + name + "'");
      return;
    }
    if (words_.size() < command->arguments_min || words_.size() > command->arguments_max) {
      exit_ = UsageError("usage: grass-cli " + std::string(command->usage));
      return;
    }
    options_.command = command->command;
    options_.arguments = std::move(words_);
    CheckFlags();
    CheckMember();
  }

  // Flags that say nothing to the command are mistakes.
  void CheckFlags() {
    const CliCommand command = options_.command;
    if (stale_ && lease_) exit_ = UsageError("--stale and --lease exclude each other");
    if (stale_ && command != CliCommand::kGet) exit_ = UsageError("--stale is for get");
    if (lease_ && command != CliCommand::kGet) exit_ = UsageError("--lease is for get");
    if (options_.raw && command != CliCommand::kGet) exit_ = UsageError("--raw is for get");
    if (options_.learner && command != CliCommand::kMemberAdd) {
      exit_ = UsageError("--learner is for member add");
    }
    if (json_given_ && command != CliCommand::kStatus && command != CliCommand::kMemberList) {
      exit_ = UsageError("--write-out is for status and member list");
    }
    if (stale_) options_.read = ReadMode::kStale;
    if (lease_) options_.read = ReadMode::kLease;
  }

  void CheckMember() {
    for (std::size_t i = 0; i < NameArguments(options_.command); ++i) {
      if (const auto problem = MemberNameProblem(options_.arguments[i])) {
        exit_ = UsageError(*problem);
      }
    }
    if (const std::optional<std::size_t> at = AddressArgument(options_.command)) {
      const auto address = net::ParsePeerAddress(options_.arguments[*at]);
      if (!address.ok()) exit_ = UsageError(std::string(address.status().message()));
    }
  }

  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
  bool flags_ended_ = false;
  bool json_given_ = false;
  bool stale_ = false;
  bool lease_ = false;
  std::vector<std::string> words_;  // the command and its arguments
  CliOptions options_;
  std::optional<CliExit> exit_;
};

}  // namespace

std::variant<CliOptions, CliExit> ParseCliArguments(const std::vector<std::string>& arguments) {
  return Parser(arguments).Parse();
}

}  // namespace grassdb
