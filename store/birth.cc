#include "store/birth.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "store/identity.h"
#include "store/io.h"
#include "store/log.h"
#include "store/segment_scan.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

// A log without an identity file is what a crash leaves of making a data directory: it holds
// nothing but a header of the first segment then, in its place or on its way there, and there is
// nothing else but zeros. Anything more is a directory whose identity file was lost.
absl::StatusOr<bool> IsUsed(Directory& directory, const FileNames& names,
                            const Inventory& inventory) {
  if (!inventory.sealed.empty() || !inventory.snapshots.empty() || !inventory.free.empty() ||
      inventory.mark || inventory.received) {
    return true;
  }
  if (inventory.live) {
    const auto live = ReadSegmentFile(directory, names.Live(), SegmentRole::kLive);
    if (!live.ok()) return live.status();
    return !live->illegible.empty() || !IsUnusedLog(*live);
  }
  if (!inventory.next) return false;
  const auto next = ReadSegmentFile(directory, names.Next(), SegmentRole::kLive);
  if (!next.ok()) return next.status();
  if (!next->illegible.empty()) return true;
  // Its header may be torn. The rest is zeros then, as it was filled before.
  const std::string_view bytes = next->bytes;
  const std::string_view rest = bytes.substr(std::min(bytes.size(), HeaderFrameBytes(kLogFormat)));
  if (rest.find_first_not_of('\0') != std::string_view::npos) return true;
  std::string problem;
  return ParseRecord(bytes, std::nullopt, &problem).has_value() && !IsUnusedLog(*next);
}

absl::Status CheckUnused(Directory& directory, const FileNames& names, const Inventory& inventory) {
  const auto used = IsUsed(directory, names, inventory);
  if (!used.ok()) return used.status();
  if (!*used) return absl::OkStatus();
  return absl::FailedPreconditionError(names.Identity() + " is missing in " + directory.path() +
                                       ", but the log of this node is there, or was. Nothing was "
                                       "changed. Way out: put a copy of the "
                                       "identity file back. Without one: " +
                                       WayOutWithout(names.node()));
}

std::string MebibytesOf(std::uint64_t bytes) {
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  return std::to_string((bytes + kMebibyte - 1) / kMebibyte) + " MiB";
}

// Nobody else would remove what was begun: there is no node whose next start could.
absl::Status WithoutRoom(const Home& home, const absl::Status& problem) {
  for (const std::string& name :
       {home.names.Spare(), home.names.Next(), home.names.IdentityStaging()}) {
    const absl::Status removed = home.directory.Remove(name);
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  }
  const std::uint64_t reserve = std::min(home.options.reserve_bytes, home.options.segment_bytes);
  return absl::ResourceExhaustedError(
      std::string(problem.message().data(), problem.message().size()) + ": a new node takes " +
      MebibytesOf(home.options.segment_bytes + reserve) + " of disk at once, " +
      MebibytesOf(home.options.segment_bytes) +
      " of them for its log, and no flag makes it less. " +
      "What was begun is removed. Way out: make room in " + home.directory.path() + ", or give " +
      home.names.node() + " a data directory on another disk");
}

}  // namespace

absl::StatusOr<std::optional<Identity>> FindIdentity(const Home& home) {
  const auto inventory = TakeInventory(home.directory, home.names);
  if (!inventory.ok()) return inventory.status();
  if (absl::Status s = CheckNotReplaced(home.directory, *inventory); !s.ok()) return s;
  if (!inventory->identity) {
    const absl::Status unused = CheckUnused(home.directory, home.names, *inventory);
    if (!unused.ok()) return unused;
    return std::nullopt;
  }
  auto found = ReadIdentity(home.directory, home.names);
  if (!found.ok()) return Refusal(found.status(), home.names.node());
  if (absl::Status s = CheckIdentity(home.directory, home.names, *found, home.identity); !s.ok()) {
    return s;
  }
  return *std::move(found);
}

absl::Status CheckNotLost(Directory& directory, const FileNames& names) {
  const auto inventory = TakeInventory(directory, names);
  if (!inventory.ok()) return inventory.status();
  if (absl::Status s = CheckNotReplaced(directory, *inventory); !s.ok()) return s;
  return inventory->identity ? absl::OkStatus() : CheckUnused(directory, names, *inventory);
}

Replacement ReplacementIn(Directory& directory, const Inventory& inventory) {
  // More than either takes: one that is longer is none of them.
  constexpr std::uint64_t kBytesMax = 4096;
  const auto mark = ReadLegible(directory, inventory.replacement, kBytesMax);
  if (mark.ok() && mark->bytes == kRestoreMark) return Replacement::kRestore;
  if (mark.ok() && mark->bytes == kRecoveryMark) return Replacement::kRecovery;
  return Replacement::kUnknown;
}

absl::Status CheckNotReplaced(Directory& directory, const Inventory& inventory) {
  if (inventory.replacement.empty()) return absl::OkStatus();
  std::string command = "`grassdb restore` or `grassdb recover`";
  switch (ReplacementIn(directory, inventory)) {
    case Replacement::kUnknown:
      break;
    case Replacement::kRestore:
      command = "`grassdb restore`";
      break;
    case Replacement::kRecovery:
      command = "`grassdb recover`";
      break;
  }
  return absl::FailedPreconditionError(
      directory.path() + " holds " + inventory.replacement + ": a " + command +
      " of this node was interrupted, or is under way. Nothing was changed. Way out: run the same "
      "command again; it goes on where it was");
}

absl::Status Initialise(const Home& home) {
  // The identity comes last: once it is there, so is the log.
  absl::Status status = Log(home).Create();
  if (status.ok()) status = WriteIdentity(home.directory, home.names, home.identity);
  return absl::IsResourceExhausted(status) ? WithoutRoom(home, status) : status;
}

}  // namespace grassdb::store
