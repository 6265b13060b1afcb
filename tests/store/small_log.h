// A log in small segments, written an entry at a time.
#ifndef GRASSDB_TESTS_STORE_SMALL_LOG_H_
#define GRASSDB_TESTS_STORE_SMALL_LOG_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>

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

// A snapshot of the node's own state, of so many bytes, is staged and published.
inline SnapshotMeta TakeSnapshot(Storage& storage, std::uint64_t index, Index release_through,
                                 std::size_t bytes = 300, bool mends = false) {
  const SnapshotMeta meta{.index = Index(index),
                          .term = Term(1),
                          .configuration = TestIdentity().bootstrap,
                          .configuration_index = Index(0)};
  StageSnapshot stage{.source = SnapshotSource::kTaken,
                      .meta = meta,
                      .offset = 0,
                      .last = true,
                      .data = BytesOf(index, bytes)};
  EXPECT_TRUE(std::get<StageDone>(storage.Execute(std::move(stage))).status.ok());
  const PublishSnapshot publish{.meta = meta, .release_through = release_through, .mends = mends};
  EXPECT_TRUE(std::get<PublishDone>(storage.Execute(publish)).status.ok());
  return meta;
}

inline std::size_t EndOf(const std::string& wal) {
  return (wal.find_last_not_of('\0') + 8) / 8 * 8;
}

}  // namespace grassdb::store

#endif  // GRASSDB_TESTS_STORE_SMALL_LOG_H_
