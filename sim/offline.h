// Offline: what an operator does with a data directory on which no node runs (`grassdb verify`,
// `dump`, `backup`, `restore`, `recover`), done with a copy of a disk as a node is about to find
// it. The copy costs no time and fails nowhere; what is damaged is damaged in it as well.
//
// The rule: whoever looks sees what the node's own recovery sees, and a state that is backed up and
// restored is the same state. What can be kept of a damaged disk without anybody's help is a state
// that the disk has had, and all that is behind it is told. What operators do by mistake is refused
// and changes nothing: a start of another node on the directory, or of this one without its
// identity file, a damaged backup.
#ifndef GRASSDB_SIM_OFFLINE_H_
#define GRASSDB_SIM_OFFLINE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "core/disk.h"
#include "sim/choices.h"
#include "sim/disk.h"
#include "sim/recorder.h"
#include "store/inspect.h"

namespace grassdb::sim {

class Offline {
 public:
  // Looks at a copy of `disk`, which belongs to the node `name`, and goes the whole way from it to
  // a restored node, which has `options`.
  Offline(const SimDisk& disk, std::string name, const store::StorageOptions& options);

  // `recovered` is what a recovery of that disk, which read nothing wrong that is not on it, has
  // found; null if it has refused the disk as damaged.
  void Check(const RecoveredState* recovered) const;

 private:
  void Examine();
  void BackUpAndRestore();
  // The disk is damaged. `whole` is what it would be.
  void Salvage(SimDisk& whole);
  void Restore(KvStore* state, const std::string& backup);
  void DamageBackup(const std::string& backup);
  void StartByMistake();
  void Fail(const std::string& problem);

  std::string name_;
  store::StorageOptions options_;
  Counters counters_;
  Choices choices_;
  SimDisk disk_;
  store::Survey survey_;
  absl::Status loading_;  // of the state that the directory adds up to
  LogPosition last_;      // of that state
  std::string problem_;   // the first; empty: none
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_OFFLINE_H_
