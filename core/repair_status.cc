// What a repair says of itself, for people.
#include <string>

#include "core/repair.h"

namespace grassdb {

RepairStatus Repair::Status() const {
  RepairStatus status;
  if (lost() != nullptr) status.lost = *lost();
  status.snapshot_wanted = snapshot_wanted_;
  if (transfer_.has_value()) {
    status.snapshot_index = transfer_->meta.index;
    status.snapshot_offset = transfer_->offset;
  }
  for (const Member& member : members_.members()) status.asked.push_back(member.id);
  status.without_it = without_;
  status.waits_for_room = full_;
  return status;
}

// No waiting changes that; but it may have been one bad read, and whoever starts the node again
// reads its disk again.
absl::Status Repair::NobodyToAsk() const {
  std::string what;
  if (WantsSnapshot()) what = "a snapshot of index " + std::to_string(snapshot_wanted_.value());
  if (lost() != nullptr) {
    what += (what.empty() ? "" : " and ") + std::string("log entries ") +
            std::to_string(lost()->first.value()) + " to " + std::to_string(lost()->last.value());
  }
  return absl::DataLossError(
      what + " cannot be read, and nothing that can names another member to ask. Way out: start " +
      identity_.node_name +
      " once more, in case its disk failed this once; then delete its distdb_ files and start it "
      "with the flags of its first start: it receives everything anew. Without other members, "
      "restore a backup, or go on with what is whole here (`grassdb recover --force-new-cluster "
      "--discard-from-damage`, which says first what that drops)");
}

}  // namespace grassdb
