// A log in small segments, written an entry at a time.
#ifndef GRASSDB_TESTS_STORE_SMALL_LOG_H_
#define GRASSDB_TESTS_STORE_SMALL_LOG_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "core/entry.h"
#include "store/payload.h"
#include "store/storage.h"
#include "tests/store/history.h"

namespace grassdb::store {

using Content = std::map<std::string, std::string>;

inline constexpr StorageOptions kOptions = {.segment_bytes = 1024, .recycled_segments_max = 0};
inline constexpr std::size_t kSegmentHeaderBytes = HeaderFrameBytes(kLogFormat);

inline Persist OneEntry(std::uint64_t index, std::uint64_t term) {
  Persist persist;
  persist.id = PersistId(index);
  persist.hard_state = {.term = Term(term), .voted_for = NodeId(2)};
  persist.entries.push_back({.index = Index(index),
                             .term = Term(term),
                             .type = EntryType::kCommand,
                             .payload = BytesOf(index, 90 + index)});
  return persist;
}

inline std::size_t EndOf(const std::string& wal) {
  return (wal.find_last_not_of('\0') + 8) / 8 * 8;
}

}  // namespace grassdb::store

#endif  // GRASSDB_TESTS_STORE_SMALL_LOG_H_
