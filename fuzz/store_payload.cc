// Any bytes as the payload of a record of the log: it is decoded exactly if it is canonical. And as
// a record: what the frame accepts, it reads as it was written.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/check.h"
#include "store/payload.h"
#include "store/record.h"

namespace grassdb::store {
namespace {

// The whole record with what `encode` puts into it.
template <class Encode>
std::string FrameOf(RecordType type, Encode encode) {
  RecordBuilder builder;
  builder.Start(type);
  encode(builder);
  std::string bytes;
  for (const std::string_view part : builder.Finish(RecordSequence(3), Salt(4))) bytes += part;
  return bytes;
}

void CheckFrame(std::string_view frame, std::string_view payload) {
  std::string problem;
  const auto record = ParseRecord(frame, Salt(4), &problem);
  GRASS_CHECK_MSG(record.has_value(), problem);
  GRASS_CHECK(record->payload == payload);
  GRASS_CHECK_EQ(record->frame_bytes, frame.size());
}

void Run(std::string_view bytes) {
  std::string problem;
  (void)ParseRecord(bytes, std::nullopt, &problem);
  (void)FindRecordAbove(bytes, 0, Salt(4), RecordSequence(1));
  // Of a header of a newer format only the front is read, so it cannot be written again.
  const auto header = DecodeSegmentHeader(bytes);
  if (header.has_value() && header->format <= kLogFormat) {
    CheckFrame(FrameOf(RecordType::kSegmentHeader,
                       [&](RecordBuilder& record) { EncodeSegmentHeader(*header, record); }),
               bytes);
  }
  if (const auto seal = DecodeSeal(bytes)) {
    CheckFrame(
        FrameOf(RecordType::kSeal, [&](RecordBuilder& record) { EncodeSeal(*seal, record); }),
        bytes);
  }
  if (const auto batch = DecodeBatch(bytes)) {
    CheckFrame(FrameOf(RecordType::kBatch,
                       [&](RecordBuilder& record) { EncodeBatch(*batch, batch->entries, record); }),
               bytes);
  }
}

}  // namespace
}  // namespace grassdb::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  grassdb::store::Run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
