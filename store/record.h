// The frame around everything in the log: one record is one batch, one segment header or one seal.
// store/FORMAT.md, "Records", has the bytes.
//
// A record is valid at its place only if the checksum over all of its other bytes (length, padding
// and salt included) is right, the salt is that of the segment, and the sequence number is the one
// that follows its predecessor's. So neither a stale byte of a recycled file, nor a sector of
// another node or file, nor an older record of this file passes.
#ifndef GRASSDB_STORE_RECORD_H_
#define GRASSDB_STORE_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/codec.h"
#include "core/disk.h"
#include "core/types.h"
#include "store/names.h"

namespace grassdb::store {

// Position of a record in the whole log of a data directory, from 1, across segments.
using RecordSequence = Tagged<struct RecordSequenceTag>;
// What ties bytes to one file of one life of one node of one cluster.
using Salt = Tagged<struct SaltTag>;

enum class RecordType : std::uint8_t {
  kSegmentHeader = 1,
  kBatch = 2,
  kSeal = 3,
};

inline constexpr std::uint8_t kRecordVersion = 1;
inline constexpr std::size_t kRecordHeaderBytes = 32;
inline constexpr std::size_t kRecordAlignment = 8;

// The salt of one segment. The identity's secret is in it, so a client cannot craft a value
// that contains a record.
Salt SegmentSalt(const Identity& identity, SegmentNumber number);

// Builds one record out of small fields, which it owns, and payload parts, which it only points to.
// Reused from record to record, so that the hot path allocates nothing.
class RecordBuilder {
 public:
  void Start(RecordType type);
  // Appends to the fields. They come before all parts.
  Encoder fields() { return Encoder(head_); }
  // `part` stays alive and unchanged until the record is written.
  void Add(std::string_view part);

  // Of the whole record with header and padding; a multiple of kRecordAlignment.
  std::size_t frame_bytes() const;
  // Completes the record. The result is valid until the next call of Start. Once per Start.
  std::span<const std::string_view> Finish(RecordSequence sequence, Salt salt);

 private:
  RecordType type_ = RecordType::kBatch;
  std::string head_;                     // the header and the fields
  std::vector<std::string_view> parts_;  // [0] is head_
  std::size_t parts_bytes_ = 0;          // without head_
};

struct RecordView {
  RecordType type = RecordType::kBatch;
  std::uint8_t version = 0;
  RecordSequence sequence;
  Salt salt;
  std::string_view payload;  // without the padding
  std::size_t frame_bytes = 0;
};

// The record at the start of `bytes`, or nullopt and in `problem` why there is none. `salt` of
// nullopt accepts any: only for a segment header, whose payload says what the salt must be.
std::optional<RecordView> ParseRecord(std::string_view bytes, std::optional<Salt> salt,
                                      std::string* problem);

// What the header at the start of `bytes` says, true or not; `bytes` holds all of a header.
struct RecordClaim {
  RecordSequence sequence;
  Salt salt;
  std::uint64_t frame_bytes = 0;  // with header and padding
};
RecordClaim ReadRecordClaim(std::string_view bytes);

// Offset of a record with this salt and a sequence above `sequence` anywhere at or behind `from`.
// Its existence proves that everything before it was durable once: a batch is written only after
// the one before it is synced.
std::optional<std::size_t> FindRecordAbove(std::string_view bytes, std::size_t from, Salt salt,
                                           RecordSequence sequence);
// The same where only a part of a file is in `bytes`: `is_record` is asked whether what has such a
// header at an offset is a record.
std::optional<std::size_t> FindRecordAbove(std::string_view bytes, std::size_t from, Salt salt,
                                           RecordSequence sequence,
                                           const std::function<bool(std::size_t)>& is_record);

// Whether a record with this salt and a sequence above `sequence` was begun at least, behind the
// header of the one that belongs at `at`: that alone proves the same.
bool IsBegunBehind(std::string_view bytes, std::uint64_t at, Salt salt, RecordSequence sequence);

// The salts of the records in `bytes` that are newer than `above` and no headers, each once, that
// of the newest record first. Gives up where what looks like records takes many times as long to
// check as reading `bytes` would.
std::vector<Salt> SaltsIn(std::string_view bytes, RecordSequence above);

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_RECORD_H_
