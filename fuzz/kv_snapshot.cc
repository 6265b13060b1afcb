// Any bytes, cut into slices by the first byte: the reader refuses them or gives a store whose own
// snapshot is the same stream again.
#include "core/kv_snapshot.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t slice = static_cast<std::size_t>(data[0]) + 1;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  grassdb::KvSnapshotReader reader{grassdb::KvOptions()};
  for (std::size_t at = 0; at < stream.size(); at += slice) {
    if (!reader.Feed(stream.substr(at, slice)).ok()) return 0;
  }
  auto store = std::move(reader).Finish();
  if (!store.ok()) return 0;
  auto writer = grassdb::KvSnapshotWriter::Begin(*store);
  std::string again;
  while (!writer.done()) again += writer.Next(*store, slice).view();
  grassdb::KvSnapshotReader second{grassdb::KvOptions()};
  GRASS_CHECK(second.Feed(again).ok());
  auto copy = std::move(second).Finish();
  GRASS_CHECK(copy.ok());
  GRASS_CHECK_EQ(copy->digest(), store->digest());
  return 0;
}
