#include "tests/cluster/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace grassdb {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(10);

// In the child, between fork and exec: only what may be called there.
[[noreturn]] void Exec(char* const* arguments, const char* in, const char* out, const char* err,
                       pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);
  const int in_fd = open(in, O_RDONLY);
  const int out_fd = open(out, O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int err_fd = open(err, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (in_fd < 0 || out_fd < 0 || err_fd < 0) _exit(126);
  dup2(in_fd, 0);
  dup2(out_fd, 1);
  dup2(err_fd, 2);
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

bool WaitFor(Seconds patience, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

Process::Process(const std::vector<std::string>& command, const std::string& stdout_file,
                 const std::string& stderr_file, const std::string& stdin_file) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    Exec(arguments.data(), stdin_file.c_str(), stdout_file.c_str(), stderr_file.c_str(), parent);
  }
  if (pid_ < 0) ADD_FAILURE() << "cannot fork";
}

Process::~Process() {
  if (pid_ < 0 || code_.has_value()) return;
  Signal(SIGKILL);
  Wait(Seconds(30));
}

void Process::Signal(int number) {
  // Not waited for yet, so that the id is still this process's.
  if (pid_ > 0 && !code_.has_value()) kill(pid_, number);
}

std::optional<int> Process::Wait(Seconds patience) {
  if (pid_ < 0) return std::nullopt;
  WaitFor(patience, [this] {
    int status = 0;
    if (!code_.has_value() && waitpid(pid_, &status, WNOHANG) == pid_) {
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return code_.has_value();
  });
  return code_;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

Finished RunToEnd(const std::vector<std::string>& command, const std::string& directory,
                  Seconds patience, const std::string& stdin_file) {
  static int count = 0;
  const std::string prefix = directory + "/run" + std::to_string(++count);
  Process process(command, prefix + ".out", prefix + ".err", stdin_file);
  Finished result;
  result.code = process.Wait(patience).value_or(-1);
  result.out = ReadFile(prefix + ".out");
  result.err = ReadFile(prefix + ".err");
  return result;
}

}  // namespace grassdb
