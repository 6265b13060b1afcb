#include "bin/sim_failures.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "sim/report/failure_file.h"

namespace grassdb::sim_main {
namespace {

// Where `directory` is to be made.
std::string ParentOf(const std::string& directory) {
  const std::size_t slash = directory.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : directory.substr(0, slash);
}

std::string Because(const std::string& directory, const std::string& what, int error) {
  return "--failures: " + what + " '" + directory + "': " + std::strerror(error) +
         "; name another directory, or give --no-failures";
}

}  // namespace

FailureFiles::FailureFiles(std::optional<std::string> directory)
    : directory_(std::move(directory)) {
  while (directory_ && directory_->size() > 1 && directory_->back() == '/') directory_->pop_back();
}

std::optional<std::string> FailureFiles::Problem() const {
  if (!directory_) return std::nullopt;
  struct stat is {};
  if (stat(directory_->c_str(), &is) == 0) {
    if (!S_ISDIR(is.st_mode)) return Because(*directory_, "cannot write into", ENOTDIR);
    if (access(directory_->c_str(), W_OK | X_OK) == 0) return std::nullopt;
    return Because(*directory_, "cannot write into", errno);
  }
  if (errno == ENOENT && !directory_->empty() &&
      access(ParentOf(*directory_).c_str(), W_OK | X_OK) == 0) {
    return std::nullopt;
  }
  return Because(*directory_, "cannot make", errno);
}

std::optional<std::string> FailureFiles::Save(const sim::FailedSeed& failed) {
  if (!directory_ || written_.contains(failed.seed)) return std::nullopt;
  if (mkdir(directory_->c_str(), 0777) != 0 && errno != EEXIST) {
    return Because(*directory_, "cannot make", errno);
  }
  const std::string path = *directory_ + "/" + sim::FailureFileName(failed.seed);
  const absl::Status saved = sim::WriteFile(path, failed.file);
  if (!saved.ok()) return "--failures: " + std::string(saved.message());
  written_.emplace(failed.seed, path);
  return std::nullopt;
}

std::optional<std::string> FailureFiles::KeepTheFirst(const std::vector<sim::FailedSeed>& failed) {
  std::optional<std::string> problem;
  std::map<std::uint64_t, std::string> others = written_;
  for (std::size_t i = 0; i < std::min(failed.size(), kMax); ++i) {
    others.erase(failed[i].seed);
    if (const auto met = Save(failed[i]); met && !problem) problem = met;
  }
  for (const auto& [seed, path] : others) {
    std::remove(path.c_str());
    written_.erase(seed);
  }
  return problem;
}

std::vector<std::string> FailureFiles::Paths() const {
  std::vector<std::string> paths;
  for (const auto& [seed, path] : written_) paths.push_back(path);
  return paths;
}

}  // namespace grassdb::sim_main
