// A file that is written as a whole at the end of a long run, and checked at its beginning.
#ifndef GRASSDB_BIN_OUTPUT_FILE_H_
#define GRASSDB_BIN_OUTPUT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grassdb {

// What is written takes the place of a file in one step, so that what was there is kept until then,
// also where the run does not come so far; nothing is left beside it, whatever ends the process but
// SIGKILL in the moment of the writing. A symbolic link stays, and the file that it leads to is
// replaced. What is no regular file (a device, a pipe) is written to as it is.
class OutputFile {
 public:
  // An error says why `path` cannot be written. Opening a named pipe waits for its reader.
  static absl::StatusOr<OutputFile> Open(const std::string& path);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  absl::Status Write(const std::string& text);

 private:
  OutputFile(std::string target, int descriptor);

  std::string target_;  // the regular file, links followed
  int descriptor_;      // of what is no regular file; -1: it is one
};

}  // namespace grassdb

#endif  // GRASSDB_BIN_OUTPUT_FILE_H_
