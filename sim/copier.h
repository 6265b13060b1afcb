// Copier: an operator who copies the state of one node after the other while the cluster works
// (`grass-cli backup`), piece by piece, beside the node, so that no network comes in between.
//
// The rule: a copy that ends is the state after some committed index, and has every write that had
// been acknowledged to anybody when it began. It may be refused at any time, never wrong.
#ifndef GRASSDB_SIM_COPIER_H_
#define GRASSDB_SIM_COPIER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/api.h"
#include "core/kv_snapshot.h"
#include "sim/checkers/checkers.h"
#include "sim/history.h"
#include "sim/host.h"

namespace grassdb::sim {

class Copier {
 public:
  // All of them outlive the copier. Requests have ids with `slot` in their lower half.
  Copier(const KvOptions& options, std::uint64_t slot,
         const std::vector<std::unique_ptr<Host>>* hosts, const History* history,
         const Checkers* checkers);

  // Begins with the host, unless a copy is under way or the host is not up.
  void Begin(std::uint32_t host);
  void OnAnswer(std::uint32_t host, RequestId request, const Reply& reply);
  // The process of the host has ended.
  void OnDown(std::uint32_t host);

 private:
  struct Copy {
    std::uint32_t host = 0;
    RequestId request;  // under way
    std::uint64_t acknowledged = 0;
    std::uint64_t offset = 0;
    SnapshotMeta snapshot;
    KvSnapshotReader reader;
  };

  void Ask(const BackupRequest& request);
  void Check();

  const KvOptions options_;
  const std::uint64_t slot_;
  const std::vector<std::unique_ptr<Host>>* hosts_;
  const History* history_;
  const Checkers* checkers_;
  std::uint64_t asked_ = 0;
  std::optional<Copy> copy_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_COPIER_H_
