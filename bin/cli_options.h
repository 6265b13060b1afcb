// The command line of grass-cli.
#ifndef GRASSDB_BIN_CLI_OPTIONS_H_
#define GRASSDB_BIN_CLI_OPTIONS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/api.h"
#include "core/types.h"

namespace grassdb {

// Exit codes, a contract with scripts.
enum class ExitCode : int {
  kOk = 0,
  kError = 1,
  kUsage = 2,
  kUnreachable = 3,     // no node or no quorum could be reached; nothing was changed
  kOutcomeUnknown = 4,  // the write may or may not take effect
  kDiskFull = 5,        // no node that could lead has room for it; nothing was changed
};

enum class CliCommand : std::uint8_t {
  kSet,
  kGet,
  kDel,
  kStatus,
  kSnapshot,
  kTransferLeader,
  kMemberList,
  kMemberAdd,
  kMemberRemove,
  kMemberPromote,
  kMemberDemote,
  kMemberReplace,
  kMemberMove,
};

struct CliOptions {
  CliCommand command = CliCommand::kGet;
  std::vector<std::string> arguments;  // of the command, as many as it takes
  std::vector<std::string> peers = {"localhost:50051", "localhost:50052", "localhost:50053"};
  Duration deadline = std::chrono::seconds(5);
  ReadMode read = ReadMode::kLinearizable;  // get
  bool raw = false;                         // get
  bool json = false;                        // status, member list
  bool learner = false;                     // member add
};

struct CliExit {
  ExitCode code = ExitCode::kOk;
  std::string text;  // for stdout if code is kOk, else for stderr
};

// `arguments` without the program's name. Flags stand anywhere, with one dash or two, their values
// after '=' or as the next argument; after "--" everything is an argument of the command. What
// looks like a negative number is never taken for a flag. `set` without a value: that is standard
// input's.
std::variant<CliOptions, CliExit> ParseCliArguments(const std::vector<std::string>& arguments);

}  // namespace grassdb

#endif  // GRASSDB_BIN_CLI_OPTIONS_H_
