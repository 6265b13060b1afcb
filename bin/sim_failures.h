// Where a sweep leaves the files of the seeds that fail: a directory that is made with the first.
#ifndef GRASSDB_BIN_SIM_FAILURES_H_
#define GRASSDB_BIN_SIM_FAILURES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/sweep.h"

namespace grassdb::sim_main {

class FailureFiles {
 public:
  // Of one sweep: whoever breaks every seed does not want a million files.
  static constexpr std::size_t kMax = 20;

  // nullopt: nothing is written.
  explicit FailureFiles(std::optional<std::string> directory);

  // Why nothing can be written there, for a person; asked before the hours that a sweep may take.
  // It makes nothing.
  std::optional<std::string> Problem() const;

  // Both return what went wrong, for a person. Nothing is written twice.
  std::optional<std::string> Save(const sim::FailedSeed& failed);
  // The files are those of the first seeds of `failed`, whichever was found first: the others go.
  std::optional<std::string> KeepTheFirst(const std::vector<sim::FailedSeed>& failed);

  // What is there, by seed.
  std::vector<std::string> Paths() const;

 private:
  std::optional<std::string> directory_;
  std::map<std::uint64_t, std::string> written_;
};

}  // namespace grassdb::sim_main

#endif  // GRASSDB_BIN_SIM_FAILURES_H_
