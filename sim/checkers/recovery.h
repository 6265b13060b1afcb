// Recovery: what a node finds on its disk after a crash is exactly what had become durable, plus
// possibly the job that was at the disk, or a prefix of its parts. Nothing less, nothing else
// (core/disk.h, Persist in core/entry.h). Of a damaged disk, what it says is lost put back. And a
// disk without damage is refused for a reason only: it has reported an error, or is a new one
// without room. (Over damage: justified_refusal.h.)
#ifndef GRASSDB_SIM_CHECKERS_RECOVERY_H_
#define GRASSDB_SIM_CHECKERS_RECOVERY_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "core/disk.h"
#include "sim/checkers/durable_image.h"
#include "sim/damage.h"

namespace grassdb::sim {

class Recovery {
 public:
  enum class Directory : std::uint8_t { kNew, kOld };
  // Whether such a refusal has nothing to do with damage.
  static bool NeedsNoDamage(const absl::Status& status, Directory directory);
  // A storage on a disk without damage could not be opened, with this status.
  static void CheckOpening(std::uint32_t node, const absl::Status& status, Directory directory);
  // A node says that something is lost.
  static void CheckLoss(std::uint32_t node, DamageMet met);
  // `found` with what is lost put back from what must be there.
  static RecoveredState Completed(const DurableImage& image,
                                  const std::optional<DiskJob>& unfinished, RecoveredState found);
  // `image` is what must be there; `unfinished` the Persist or PublishSnapshot that may be there.
  static void Check(std::uint32_t node, const DurableImage& image,
                    const std::optional<DiskJob>& unfinished, const RecoveredState& found,
                    DamageMet met = DamageMet::kNo);
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_RECOVERY_H_
