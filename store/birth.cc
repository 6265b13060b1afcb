#include "store/birth.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "store/identity.h"
#include "store/log.h"
#include "store/recovery.h"
#include "store/segment_scan.h"

namespace grassdb::store {
namespace {

// A log without an identity file is what a crash leaves of making a data directory: it holds
// nothing but a header of the first segment then, in its place or on its way there, and there is
// nothing else but zeros. Anything more is a directory whose identity file was lost.
absl::StatusOr<bool> IsUsed(const Home& home, const Inventory& inventory) {
  if (!inventory.sealed.empty() || !inventory.snapshots.empty() || !inventory.free.empty() ||
      inventory.mark || inventory.received) {
    return true;
  }
  if (inventory.live) {
    const auto live = ReadSegmentFile(home.directory, home.names.Live(), SegmentRole::kLive);
    if (!live.ok()) return live.status();
    return !live->illegible.empty() || !IsUnusedLog(*live);
  }
  if (!inventory.next) return false;
  const auto next = ReadSegmentFile(home.directory, home.names.Next(), SegmentRole::kLive);
  if (!next.ok()) return next.status();
  if (!next->illegible.empty()) return true;
  // Its header may be torn. The rest is zeros then, as it was filled before.
  const std::string_view bytes = next->bytes;
  const std::string_view rest = bytes.substr(std::min(bytes.size(), HeaderFrameBytes(kLogFormat)));
  if (rest.find_first_not_of('\0') != std::string_view::npos) return true;
  std::string problem;
  return ParseRecord(bytes, std::nullopt, &problem).has_value() && !IsUnusedLog(*next);
}

absl::Status CheckUnused(const Home& home, const Inventory& inventory) {
  const auto used = IsUsed(home, inventory);
  if (!used.ok()) return used.status();
  if (!*used) return absl::OkStatus();
  return absl::FailedPreconditionError(
      home.names.Identity() + " is missing in " + home.directory.path() +
      ", but the log of this node is there, or was. Nothing was changed. Way out: put the identity "
      "file back, or, if the data is not needed, delete this node's distdb_ files.");
}

}  // namespace

absl::StatusOr<std::optional<Identity>> FindIdentity(const Home& home) {
  const auto inventory = TakeInventory(home.directory, home.names);
  if (!inventory.ok()) return inventory.status();
  if (absl::Status s = CheckNotReplaced(home.directory, *inventory); !s.ok()) return s;
  if (!inventory->identity) {
    if (absl::Status s = CheckUnused(home, *inventory); !s.ok()) return s;
    return std::nullopt;
  }
  auto found = ReadIdentity(home.directory, home.names);
  if (!found.ok()) return found.status();
  if (absl::Status s = CheckIdentity(home.directory, home.names, *found, home.identity); !s.ok()) {
    return s;
  }
  return *std::move(found);
}

absl::Status Initialise(const Home& home) {
  // The identity comes last: once it is there, so is the log.
  Log log(home);
  if (absl::Status s = log.Create(); !s.ok()) return s;
  return WriteIdentity(home.directory, home.names, home.identity);
}

}  // namespace grassdb::store
