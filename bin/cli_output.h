// What grass-cli prints.
#ifndef GRASSDB_BIN_CLI_OUTPUT_H_
#define GRASSDB_BIN_CLI_OUTPUT_H_

#include <string>
#include <vector>

#include "bin/cli_options.h"
#include "core/client.h"
#include "net/database_client.h"

namespace grassdb {

struct CliResult {
  ExitCode code = ExitCode::kOk;
  std::string output;  // stdout, as it is
  std::string error;   // stderr, one line, if code is not kOk
};

// Whether an operation changes anything when it succeeds.
enum class Effect { kNone, kChange };

// Of an operation that gave no answer: code and error. kOk gives an empty result.
CliResult ResultOf(const Outcome& outcome, Effect effect);

// Of `status`: every node, the leader's followers, the members. kOk if some node leads and serves,
// else kUnreachable: the output is there in both cases.
CliResult StatusOf(const std::vector<net::NodeReport>& reports, const CliOptions& options);

// Of `transfer-leader`: who leads now, and in which term if the new leader is among the reports.
CliResult TransferOf(const Outcome& outcome, const std::vector<net::NodeReport>& reports);

// Of `member list`: what the leader says. kUnreachable if it is not among the reports.
CliResult MembersOf(const std::vector<net::NodeReport>& reports, const CliOptions& options);

}  // namespace grassdb

#endif  // GRASSDB_BIN_CLI_OUTPUT_H_
