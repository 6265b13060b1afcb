// The subcommands of grassdb; without one it runs a node.
#ifndef GRASSDB_BIN_DATA_TOOLS_H_
#define GRASSDB_BIN_DATA_TOOLS_H_

#include <optional>
#include <string>
#include <vector>

namespace grassdb {

// Runs the one that the first of `arguments` (without the program's name) names, and gives the exit
// code; nullopt if it names none.
std::optional<int> RunDataTool(const std::vector<std::string>& arguments);

}  // namespace grassdb

#endif  // GRASSDB_BIN_DATA_TOOLS_H_
