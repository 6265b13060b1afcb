// The file of grassdb's --config: one option a line, `name = value`, the names those of the flags.
//
//   # A comment. Blank lines mean nothing.
//   id = "node1"
//   data-dir = '/var/lib/grassdb'   # quoted with either mark, or bare
//   cluster = node1=10.0.0.1:50051,node2=10.0.0.2:50051,node3=10.0.0.3:50051
//
// The part of TOML that flat text options need, but for bare values. By hand, because CLI11's own
// reader drops what it does not understand, and a node that misses an option is another node.
#ifndef GRASSDB_BIN_CONFIG_FILE_H_
#define GRASSDB_BIN_CONFIG_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace grassdb {

struct ConfigLine {
  std::size_t number = 0;  // from 1
  std::string name;
  std::string value;
};

// The options in `text`, none of them twice. The error names the line, in words for a person.
absl::StatusOr<std::vector<ConfigLine>> ParseConfig(std::string_view text);

// Of a file; the error names it too.
absl::StatusOr<std::vector<ConfigLine>> ReadConfigFile(const std::string& path);

}  // namespace grassdb

#endif  // GRASSDB_BIN_CONFIG_FILE_H_
