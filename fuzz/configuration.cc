// Any bytes: DecodeConfiguration accepts only canonical ones.
#include "core/configuration.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto configuration = grassdb::DecodeConfiguration(bytes);
  if (configuration.has_value()) {
    GRASS_CHECK(grassdb::EncodeConfiguration(*configuration) == bytes);
    (void)configuration->Problem();
  }
  return 0;
}
