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

std::uint64_t ChecksumOf(const RepairResponse& answer) {
  std::string key;
  Encoder encoder(key);
  encoder.Put(static_cast<std::uint8_t>(answer.verdict));
  encoder.Put(answer.first);
  encoder.Put(answer.last);
  encoder.Put(answer.last_term);
  encoder.Put(answer.previous_term);
  encoder.Put(ChecksumOf(answer.chunk));
  std::uint64_t checksum = Checksum(key);
  for (const Entry& entry : answer.entries) {
    key.clear();
    encoder.Put(entry.index);
    encoder.Put(entry.term);
    encoder.Put(static_cast<std::uint8_t>(entry.type));
    encoder.Put(static_cast<std::uint64_t>(entry.payload.size()));
    checksum = Checksum(entry.payload.view(), Checksum(key, checksum));
  }
  return checksum;
}

}  // namespace grassdb
