// Any bytes: DecodeCommand accepts exactly what EncodeCommand writes, and the store applies it.
#include "core/command.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "core/kv_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto command = grassdb::DecodeCommand(bytes);
  if (!command.has_value()) return 0;
  GRASS_CHECK(grassdb::EncodeCommand(*command).view() == bytes);
  grassdb::KvStore store;
  const auto first = store.Apply(grassdb::Index(1), *command);
  grassdb::KvStore twin;
  GRASS_CHECK(twin.Apply(grassdb::Index(1), *command) == first);
  GRASS_CHECK_EQ(twin.digest(), store.digest());
  return 0;
}
