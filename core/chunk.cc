#include "core/chunk.h"

#include <string>

#include "core/checksum.h"
#include "core/codec.h"
#include "core/configuration.h"

namespace grassdb {

std::uint64_t ChecksumOf(const InstallSnapshotRequest& chunk) {
  std::string key;
  Encoder encoder(key);
  encoder.Put(chunk.meta.index);
  encoder.Put(chunk.meta.term);
  encoder.Put(chunk.meta.configuration_index);
  encoder.PutString(EncodeConfiguration(chunk.meta.configuration));
  encoder.Put(chunk.offset);
  encoder.Put(static_cast<std::uint8_t>(chunk.last ? 1 : 0));
  return Checksum(chunk.data.view(), Checksum(key));
}

}  // namespace grassdb
