#include "store/record.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "core/check.h"
#include "core/checksum.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

// The checksum comes first, so that what it covers is one contiguous run for the reader.
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kLengthOffset = 8;
constexpr std::size_t kTypeOffset = 12;
constexpr std::size_t kVersionOffset = 13;
constexpr std::size_t kSequenceOffset = 16;
constexpr std::size_t kSaltOffset = 24;
static_assert(kSaltOffset + sizeof(std::uint64_t) == kRecordHeaderBytes);
static_assert(kRecordHeaderBytes % kRecordAlignment == 0);

constexpr std::string_view kZeros("\0\0\0\0\0\0\0\0", kRecordAlignment);

constexpr std::size_t PaddingOf(std::size_t bytes) {
  return (kRecordAlignment - bytes % kRecordAlignment) % kRecordAlignment;
}

std::uint64_t LoadU64(std::string_view bytes, std::size_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

void StoreU64(std::string& bytes, std::size_t offset, std::uint64_t value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

}  // namespace

Salt SegmentSalt(const Identity& identity, SegmentNumber number) {
  std::string key;
  Encoder encoder(key);
  encoder.PutString("segment");
  encoder.Put(identity.cluster);
  encoder.Put(identity.node);
  encoder.Put(identity.incarnation);
  encoder.Put(identity.secret);
  encoder.Put(number);
  return Salt(Checksum(key));
}

void RecordBuilder::Start(RecordType type) {
  type_ = type;
  head_.assign(kRecordHeaderBytes, '\0');
  parts_.assign(1, std::string_view());
  parts_bytes_ = 0;
}

void RecordBuilder::Add(std::string_view part) {
  if (part.empty()) return;
  parts_.push_back(part);
  parts_bytes_ += part.size();
}

std::size_t RecordBuilder::frame_bytes() const {
  const std::size_t bytes = head_.size() + parts_bytes_;
  return bytes + PaddingOf(bytes);
}

std::span<const std::string_view> RecordBuilder::Finish(RecordSequence sequence, Salt salt) {
  GRASS_CHECK(!parts_.empty());
  const std::size_t padding = PaddingOf(head_.size() + parts_bytes_);
  const std::size_t length = head_.size() - kRecordHeaderBytes + parts_bytes_;
  GRASS_CHECK_LE(length, std::numeric_limits<std::uint32_t>::max() - kRecordAlignment);

  const auto length32 = static_cast<std::uint32_t>(length);
  std::memcpy(head_.data() + kLengthOffset, &length32, sizeof length32);
  head_[kTypeOffset] = static_cast<char>(type_);
  head_[kVersionOffset] = static_cast<char>(kRecordVersion);
  StoreU64(head_, kSequenceOffset, sequence.value());
  StoreU64(head_, kSaltOffset, salt.value());

  parts_[0] = head_;
  parts_[0].remove_prefix(kChecksumBytes);
  if (padding > 0) parts_.push_back(kZeros.substr(0, padding));
  StoreU64(head_, 0, Checksum(parts_));
  parts_[0] = head_;
  return parts_;
}

std::optional<RecordView> ParseRecord(std::string_view bytes, std::optional<Salt> salt,
                                      std::string* problem) {
  if (bytes.size() < kRecordHeaderBytes) {
    *problem = "the file ends within the record header";
    return std::nullopt;
  }
  Decoder decoder(bytes.substr(0, kRecordHeaderBytes));
  const auto checksum = decoder.Take<std::uint64_t>();
  const std::size_t length = decoder.Take<std::uint32_t>();
  RecordView record;
  record.type = static_cast<RecordType>(decoder.Take<std::uint8_t>());
  record.version = decoder.Take<std::uint8_t>();
  decoder.Take<std::uint16_t>();  // reserved
  record.sequence = decoder.Take<RecordSequence>();
  record.salt = decoder.Take<Salt>();
  GRASS_CHECK(decoder.done());

  if (salt.has_value() && record.salt != *salt) {
    *problem = "salt " + Hex(record.salt.value()) + " instead of " + Hex(salt->value()) +
               " (not written, or bytes of another file)";
    return std::nullopt;
  }
  const std::size_t frame_bytes = kRecordHeaderBytes + length + PaddingOf(length);
  if (frame_bytes > bytes.size()) {
    *problem = "length " + std::to_string(length) + " reaches beyond the end of the file";
    return std::nullopt;
  }
  const std::uint64_t found = Checksum(bytes.substr(kChecksumBytes, frame_bytes - kChecksumBytes));
  if (found != checksum) {
    *problem = "checksum " + Hex(checksum) + " stands over bytes whose checksum is " + Hex(found);
    return std::nullopt;
  }
  record.payload = bytes.substr(kRecordHeaderBytes, length);
  record.frame_bytes = frame_bytes;
  return record;
}

RecordClaim ReadRecordClaim(std::string_view bytes) {
  GRASS_CHECK_GE(bytes.size(), kRecordHeaderBytes);
  Decoder decoder(bytes.substr(kChecksumBytes, kRecordHeaderBytes - kChecksumBytes));
  const std::size_t length = decoder.Take<std::uint32_t>();
  decoder.Take<std::uint32_t>();  // type, version, reserved
  RecordClaim claim;
  claim.sequence = decoder.Take<RecordSequence>();
  claim.salt = decoder.Take<Salt>();
  claim.frame_bytes = kRecordHeaderBytes + length + PaddingOf(length);
  return claim;
}

std::optional<std::size_t> FindRecordAbove(std::string_view bytes, std::size_t from, Salt salt,
                                           RecordSequence sequence) {
  std::string problem;
  return FindRecordAbove(bytes, from, salt, sequence, [&](std::size_t at) {
    return ParseRecord(bytes.substr(at), salt, &problem).has_value();
  });
}

std::optional<std::size_t> FindRecordAbove(std::string_view bytes, std::size_t from, Salt salt,
                                           RecordSequence sequence,
                                           const std::function<bool(std::size_t)>& is_record) {
  GRASS_CHECK_EQ(from % kRecordAlignment, std::size_t{0});
  for (std::size_t at = from; at + kRecordHeaderBytes <= bytes.size(); at += kRecordAlignment) {
    // The two loads decide almost every place; a checksum is computed only where both fit.
    if (LoadU64(bytes, at + kSaltOffset) != salt.value()) continue;
    if (LoadU64(bytes, at + kSequenceOffset) <= sequence.value()) continue;
    if (is_record(at)) return at;
  }
  return std::nullopt;
}

bool IsBegunBehind(std::string_view bytes, std::uint64_t at, Salt salt, RecordSequence sequence) {
  const std::size_t from = static_cast<std::size_t>(at) + kRecordHeaderBytes;
  return FindRecordAbove(bytes, from, salt, sequence, [](std::size_t) { return true; }).has_value();
}

std::vector<Salt> SaltsIn(std::string_view bytes, RecordSequence above) {
  constexpr std::uint64_t kEffortMax = 16;  // times the size
  std::vector<std::pair<RecordSequence, Salt>> newest;
  std::uint64_t left = kEffortMax * bytes.size();
  std::string problem;
  for (std::size_t at = 0; at + kRecordHeaderBytes <= bytes.size(); at += kRecordAlignment) {
    const std::string_view rest = bytes.substr(at);
    const auto type = static_cast<RecordType>(rest[kTypeOffset]);
    if (type != RecordType::kBatch && type != RecordType::kSeal) continue;
    if (static_cast<std::uint8_t>(rest[kVersionOffset]) < 1) continue;
    const RecordClaim claim = ReadRecordClaim(rest);
    if (claim.frame_bytes > rest.size() || claim.sequence <= above) continue;
    if (claim.frame_bytes > left) return {};
    left -= claim.frame_bytes;
    if (!ParseRecord(rest, claim.salt, &problem).has_value()) continue;
    at += static_cast<std::size_t>(claim.frame_bytes) - kRecordAlignment;
    const auto known =
        std::ranges::find(newest, claim.salt, &std::pair<RecordSequence, Salt>::second);
    if (known == newest.end()) {
      newest.emplace_back(claim.sequence, claim.salt);
    } else {
      known->first = std::max(known->first, claim.sequence);
    }
  }
  std::ranges::sort(newest, std::greater());
  std::vector<Salt> salts;
  for (const auto& [sequence, salt] : newest) salts.push_back(salt);
  return salts;
}

}  // namespace grassdb::store
