#include "bin/output_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace grassdb {
namespace {

namespace fs = std::filesystem;

absl::Status SystemError() {
  return absl::UnavailableError(std::generic_category().message(errno));
}

// No signal ends the process while it lives.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// Where `path` leads to, also if there is nothing yet.
absl::StatusOr<std::string> Followed(fs::path path) {
  constexpr int kLinksMax = 40;  // as the kernel has it
  for (int links = 0; links < kLinksMax; ++links) {
    std::error_code error;
    if (!fs::is_symlink(fs::symlink_status(path, error))) return path.string();
    const fs::path target = fs::read_symlink(path, error);
    if (error) return absl::UnavailableError(error.message());
    path = path.parent_path() / target;
  }
  return absl::UnavailableError(std::generic_category().message(ELOOP));
}

// A new, empty file beside `target`. -1 and errno if there can be none.
int MakeBeside(const std::string& target, std::string* name) {
  *name = target + ".XXXXXX";
  return mkostemp(name->data(), O_CLOEXEC);
}

absl::Status WriteAll(int descriptor, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t result = write(descriptor, text.data() + written, text.size() - written);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return SystemError();
    written += static_cast<std::size_t>(result);
  }
  return absl::OkStatus();
}

// The mode of the file that it replaces, or the one of a new file.
mode_t ModeFor(const std::string& target) {
  struct stat old = {};
  if (stat(target.c_str(), &old) == 0) return old.st_mode & 07777;
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

}  // namespace

OutputFile::OutputFile(std::string target, int descriptor)
    : target_(std::move(target)), descriptor_(descriptor) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : target_(std::move(other.target_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::StatusOr<OutputFile> OutputFile::Open(const std::string& path) {
  struct stat there = {};
  const bool exists = stat(path.c_str(), &there) == 0;
  if (exists && S_ISDIR(there.st_mode)) {
    errno = EISDIR;
    return SystemError();
  }
  if (exists && !S_ISREG(there.st_mode)) {
    const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return SystemError();
    return OutputFile({}, descriptor);
  }
  // A file that nobody may write to is not replaced either.
  if (exists && access(path.c_str(), W_OK) != 0) return SystemError();
  absl::StatusOr<std::string> target = Followed(path);
  if (!target.ok()) return target.status();
  // Whether there can be a file beside it is known when there has been one.
  const SignalsHeld held;
  std::string name;
  const int descriptor = MakeBeside(*target, &name);
  if (descriptor < 0) return SystemError();
  close(descriptor);
  unlink(name.c_str());
  return OutputFile(*std::move(target), -1);
}

absl::Status OutputFile::Write(const std::string& text) {
  if (descriptor_ >= 0) return WriteAll(descriptor_, text);
  const SignalsHeld held;
  std::string name;
  const int descriptor = MakeBeside(target_, &name);
  if (descriptor < 0) return SystemError();
  absl::Status status = WriteAll(descriptor, text);
  if (status.ok() && fchmod(descriptor, ModeFor(target_)) != 0) status = SystemError();
  if (close(descriptor) != 0 && status.ok()) status = SystemError();
  if (status.ok() && std::rename(name.c_str(), target_.c_str()) != 0) status = SystemError();
  if (!status.ok()) unlink(name.c_str());
  return status;
}

}  // namespace grassdb
