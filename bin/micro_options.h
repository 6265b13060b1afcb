// The command line of grass-bench micro.
#ifndef GRASSDB_BIN_MICRO_OPTIONS_H_
#define GRASSDB_BIN_MICRO_OPTIONS_H_

#include <string>
#include <variant>
#include <vector>

#include "bin/bench/micro.h"
#include "bin/grassdb_options.h"

namespace grassdb {

struct MicroCommand {
  bench::MicroOptions options;  // data_directory is the folder to make one in
  bool count = false;           // CountMicro instead of RunMicro
};

// `arguments` without "micro".
std::variant<MicroCommand, EarlyExit> ParseMicroArguments(
    const std::vector<std::string>& arguments);

}  // namespace grassdb

#endif  // GRASSDB_BIN_MICRO_OPTIONS_H_
