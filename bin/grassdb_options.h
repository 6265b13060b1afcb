// The command line, environment and configuration file of grassdb.
#ifndef GRASSDB_BIN_GRASSDB_OPTIONS_H_
#define GRASSDB_BIN_GRASSDB_OPTIONS_H_

#include <string>
#include <variant>
#include <vector>

#include "net/server_options.h"

namespace grassdb {

inline constexpr int kUsageError = 2;

// The program has said all it was asked for (--help, --version), or cannot go on (one line about
// what is wrong with the arguments).
struct EarlyExit {
  int code = 0;
  std::string text;  // for stdout if code is 0, else for stderr
};

// `arguments` without the program's name. Flags win over the environment, the environment over the
// file.
std::variant<net::ServerOptions, EarlyExit> ParseServerArguments(
    const std::vector<std::string>& arguments);

}  // namespace grassdb

#endif  // GRASSDB_BIN_GRASSDB_OPTIONS_H_
