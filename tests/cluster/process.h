// Child processes of a test. They end with the test, however it ends.
#ifndef GRASSDB_TESTS_CLUSTER_PROCESS_H_
#define GRASSDB_TESTS_CLUSTER_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace grassdb {

using Seconds = std::chrono::seconds;

// True as soon as `condition` holds; false if it does not by then.
bool WaitFor(Seconds patience, const std::function<bool()>& condition);

class Process {
 public:
  // Starts it with both outputs appended to the files. The kernel kills it when this process ends.
  Process(const std::vector<std::string>& command, const std::string& stdout_file,
          const std::string& stderr_file, const std::string& stdin_file = "/dev/null");
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // Kills it if it still runs.
  ~Process();

  pid_t id() const { return pid_; }
  void Signal(int number);
  // The most memory that it has had in use, in bytes.
  std::size_t MemoryPeak() const;
  // The exit code; 128 + the signal's number if one ended it; nullopt if it still runs by then.
  std::optional<int> Wait(Seconds patience);

 private:
  pid_t pid_ = -1;
  std::optional<int> code_;
};

struct Finished {
  int code = -1;  // -1: it did not end in time
  std::string out;
  std::string err;
};

// Runs to the end.
Finished RunToEnd(const std::vector<std::string>& command, const std::string& directory,
                  Seconds patience = Seconds(60), const std::string& stdin_file = "/dev/null");

std::string ReadFile(const std::string& path);

}  // namespace grassdb

#endif  // GRASSDB_TESTS_CLUSTER_PROCESS_H_
