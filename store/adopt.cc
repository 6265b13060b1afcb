// What recovery writes, once it has succeeded.
#include <string>
#include <utility>
#include <vector>

#include "core/probe.h"
#include "store/io.h"
#include "store/recovery.h"

namespace grassdb::store {
namespace {

absl::Status RemoveFiles(Directory& directory, const std::vector<std::string>& files) {
  for (const std::string& name : files) {
    GRASS_PROBE("recovery: a leftover file is removed");
    if (absl::Status s = directory.Remove(name); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// Makes what recovery read of the live log durable. It may have come from a cache: the last life's
// sync may not have begun, or have failed. After a failed sync the pages may count as clean, so
// that a sync alone would write nothing; hence the last record, the only one that can be in that
// state, is written again with the bytes it already has.
absl::Status MakeLiveLogDurable(const Home& home, const Recovered& recovered) {
  auto file = home.directory.Open(home.names.Live(), OpenMode::kExisting);
  if (!file.ok()) return file.status();
  if (absl::Status s = WriteOne(**file, recovered.last_record, recovered.last_record_bytes);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = WriteZeros(**file, recovered.live.end, recovered.dirty_end); !s.ok()) {
    return s;
  }
  return (*file)->Sync();
}

absl::Status ResumeLog(const Recovered& recovered, std::vector<SegmentNumber> free, Log& log) {
  const LiveLog& live = recovered.live;
  if (recovered.end == LogEnd::kSealed) {
    GRASS_PROBE("recovery: the live log is sealed");
    return log.ResumeSealed(live, recovered.sealed, std::move(free), recovered.log);
  }
  return log.Resume(live, recovered.sealed, std::move(free));
}

}  // namespace

absl::Status Adopt(const Home& home, const Inventory& inventory, const Recovered& recovered,
                   Log& log) {
  Directory& directory = home.directory;
  // Names that recovery saw may be in a cache only.
  if (absl::Status s = directory.Sync(); !s.ok()) return s;
  if (recovered.end == LogEnd::kNext) {
    GRASS_PROBE("recovery: the next segment takes the live log's place");
    if (absl::Status s = directory.Rename(home.names.Next(), home.names.Live()); !s.ok()) return s;
  } else if (absl::Status s = MakeLiveLogDurable(home, recovered); !s.ok()) {
    return s;
  }
  std::vector<std::string> remove = recovered.obsolete;
  remove.insert(remove.end(), inventory.staging.begin(), inventory.staging.end());
  if (inventory.next && recovered.end != LogEnd::kNext) {
    // On a full disk it may have been the reserve, and be all there is to finish a rotation with.
    if (inventory.reserve) {
      remove.push_back(home.names.Next());
    } else if (absl::Status s = directory.Rename(home.names.Next(), home.names.Reserve());
               !s.ok()) {
      return s;
    }
  }
  std::vector<SegmentNumber> free = inventory.free;
  for (; free.size() > home.options.recycled_segments_max; free.pop_back()) {
    remove.push_back(home.names.Free(free.back()));
  }
  if (absl::Status s = RemoveFiles(directory, remove); !s.ok()) return s;
  if (absl::Status s = directory.Sync(); !s.ok()) return s;
  return ResumeLog(recovered, std::move(free), log);
}

}  // namespace grassdb::store
