// The small parts of the store: names, records, runs of terms, snapshot files.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "core/hash.h"
#include "store/names.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/snapshot_file.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

std::string Join(std::span<const std::string_view> parts) {
  std::string bytes;
  for (const std::string_view part : parts) bytes.append(part);
  return bytes;
}

TEST(StoreNames, ParseWhatTheyMake) {
  const FileNames names("a");
  EXPECT_EQ(names.Live(), "distdb_a.wal");
  EXPECT_EQ(names.Sealed(SegmentNumber(7)), "distdb_a.00000000000000000007.seg");
  EXPECT_EQ(names.Parse(names.Live()).kind, FileKind::kLive);
  EXPECT_EQ(names.Parse(names.Sealed(SegmentNumber(7))).number, 7u);
  EXPECT_EQ(names.Parse(names.Free(SegmentNumber(8))).kind, FileKind::kFree);
  EXPECT_EQ(names.Parse(names.Replacing()).kind, FileKind::kReplacing);
  EXPECT_EQ(names.Parse(names.Placing()).kind, FileKind::kPlacing);
  EXPECT_EQ(names.Parse(names.Snapshot(Index(UINT64_MAX))).number, UINT64_MAX);
  for (const char* foreign :
       {"distdb_b.wal", "distdb_a.7.seg", "distdb_a.", "distdb_a.wal.old", "wal",
        "distdb_a.0000000000000000000x.seg", "distdb_a.99999999999999999999.snap"}) {
    EXPECT_EQ(names.Parse(foreign).kind, FileKind::kForeign) << foreign;
  }
}

TEST(StoreNames, OfNodesWhoseNamesBeginAlikeAreDisjoint) {
  const std::vector<std::string> nodes = {
      "a", "a.taken", "a.id", "a.wal", "a.00000000000000000001", "a.received"};
  std::set<std::string> seen;
  for (const std::string& node : nodes) {
    const FileNames names(node);
    for (const std::string& name :
         {names.Identity(), names.IdentityStaging(), names.Lock(), names.Live(), names.Next(),
          names.Mark(), names.Spare(), names.Taken(), names.Received(),
          names.Sealed(SegmentNumber(1)), names.Free(SegmentNumber(1)), names.Snapshot(Index(1))}) {
      EXPECT_TRUE(seen.insert(name).second) << name;
      for (const std::string& other : nodes) {
        EXPECT_EQ(FileNames(other).Parse(name).kind != FileKind::kForeign, other == node)
            << name << " for " << other;
      }
    }
  }
}

RC_GTEST_PROP(StoreRecord, IsReadBackAndNeverWithADamagedByte,
              (const std::string& fields, const std::vector<std::string>& parts,
               std::uint64_t where)) {
  RecordBuilder builder;
  builder.Start(RecordType::kBatch);
  builder.fields().PutString(fields);
  std::string payload;
  Encoder(payload).PutString(fields);
  for (const std::string& part : parts) {
    builder.Add(part);
    payload += part;
  }
  std::string bytes = Join(builder.Finish(RecordSequence(5), Salt(77)));
  RC_ASSERT(bytes.size() == builder.frame_bytes() || bytes.size() % kRecordAlignment == 0);
  std::string problem;
  const auto record = ParseRecord(bytes, Salt(77), &problem);
  RC_ASSERT(record.has_value());
  RC_ASSERT(record->payload == payload);
  RC_ASSERT(record->sequence == RecordSequence(5));
  RC_ASSERT(!ParseRecord(bytes, Salt(78), &problem).has_value());
  bytes[where % bytes.size()] = static_cast<char>(bytes[where % bytes.size()] ^ 0x10);
  RC_ASSERT(!ParseRecord(bytes, Salt(77), &problem).has_value());
}

TEST(StoreRecord, IsFoundBehindDamageOnlyWithAHigherSequence) {
  RecordBuilder builder;
  builder.Start(RecordType::kBatch);
  builder.Add("payload");
  const std::string bytes =
      std::string(64, 'x') + Join(builder.Finish(RecordSequence(9), Salt(1))) + "xxxx";
  EXPECT_EQ(FindRecordAbove(bytes, 0, Salt(1), RecordSequence(8)), std::size_t{64});
  EXPECT_FALSE(FindRecordAbove(bytes, 0, Salt(1), RecordSequence(9)).has_value());
  EXPECT_FALSE(FindRecordAbove(bytes, 0, Salt(2), RecordSequence(8)).has_value());
  EXPECT_FALSE(FindRecordAbove(bytes, 72, Salt(1), RecordSequence(8)).has_value());
}

// Bytes that carry a right checksum but were never written: the decoders take none that they would
// not have made, and read nothing outside.
// Without the frame and its padding.
template <class Encode>
std::string PayloadOf(RecordType type, Encode encode) {
  RecordBuilder builder;
  builder.Start(type);
  encode(builder);
  const std::string frame = Join(builder.Finish(RecordSequence(1), Salt(1)));
  std::string problem;
  return std::string(ParseRecord(frame, Salt(1), &problem).value().payload);
}

std::string PayloadOf(const Batch& batch) {
  return PayloadOf(RecordType::kBatch,
                   [&](RecordBuilder& record) { EncodeBatch(batch, batch.entries, record); });
}

RC_GTEST_PROP(StorePayload, DecodersTakeOnlyWhatTheyWouldHaveMade, (const std::string& bytes)) {
  if (const auto batch = DecodeBatch(bytes)) RC_ASSERT(PayloadOf(*batch) == bytes);
  if (const auto header = DecodeSegmentHeader(bytes)) {
    RC_ASSERT(PayloadOf(RecordType::kSegmentHeader, [&](RecordBuilder& record) {
                EncodeSegmentHeader(*header, record);
              }) == bytes);
  }
  if (const auto seal = DecodeSeal(bytes)) {
    RC_ASSERT(PayloadOf(RecordType::kSeal,
                        [&](RecordBuilder& record) { EncodeSeal(*seal, record); }) == bytes);
  }
}

// What a node has been told of its disk stands wherever its hard state does.
TEST(StorePayload, TheIncarnationThatANodeGoesByIsPartOfTheHardState) {
  const HardState state = {.term = Term(3), .voted_for = NodeId(4), .renewed = Incarnation(77)};
  const LogState log{.last = {.index = Index(9), .term = Term(2)},
                     .snapshot = {},
                     .hard_state = state,
                     .cut = RecordSequence(5)};
  Batch batch;
  batch.hard_state = state;
  batch.before = log;
  EXPECT_EQ(DecodeBatch(PayloadOf(batch))->hard_state, state);
  EXPECT_EQ(DecodeBatch(PayloadOf(batch))->before, log);
  const SegmentHeader header = HeaderOf(TestIdentity(), SegmentNumber(2), kLogFormat, log);
  const std::string bytes = PayloadOf(RecordType::kSegmentHeader, [&](RecordBuilder& record) {
    EncodeSegmentHeader(header, record);
  });
  EXPECT_EQ(DecodeSegmentHeader(bytes), header);
  const Seal seal{.last = log.last, .before = log};
  EXPECT_EQ(DecodeSeal(PayloadOf(RecordType::kSeal,
                                 [&](RecordBuilder& record) { EncodeSeal(seal, record); })),
            seal);
}

TEST(StorePayload, ABatchIsRefusedWhoseHardStateContradictsItself) {
  Batch batch;
  batch.hard_state = {.term = Term(3), .voted_for = NodeId(4), .renewed = Incarnation(77)};
  const std::string bytes = PayloadOf(batch);
  ASSERT_TRUE(DecodeBatch(bytes).has_value());
  const auto with = [&bytes](std::size_t at, std::uint8_t value) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(value);
    return DecodeBatch(changed);
  };
  EXPECT_FALSE(with(0, 1 | 8).has_value()) << "a founder that has been told that it had forgotten";
  EXPECT_FALSE(with(24, 1).has_value()) << "no incarnation that is drawn";
  EXPECT_FALSE(with(28, 1).has_value()) << "one that a header has no room for";
}

// Any sixteen bytes may be a seal, so that some are taken.
RC_GTEST_PROP(StorePayload, ASealIsDecodedExactlyIfItIsCanonical,
              (std::uint64_t index, std::uint64_t term)) {
  Seal seal{.last = {.index = Index(index), .term = Term(term)}, .before = {}};
  if (index % 2 == 0) seal.before.emplace().last = seal.last;
  const std::string bytes =
      PayloadOf(RecordType::kSeal, [&](RecordBuilder& record) { EncodeSeal(seal, record); });
  const auto decoded = DecodeSeal(bytes);
  RC_ASSERT(decoded == seal);
  RC_ASSERT(!DecodeSeal(bytes.substr(1)).has_value());
  RC_ASSERT(!DecodeSeal(bytes + "x").has_value());
}

RC_GTEST_PROP(StorePayload, DamagedBatchesAreRefusedOrCanonical,
              (std::uint64_t seed, std::uint8_t value)) {
  Batch whole;
  whole.hard_state = {.term = Term(3), .voted_for = NodeId(4)};
  whole.first = Index(8);
  whole.previous_term = Term(2);
  if (seed % 2 == 0) whole.before.emplace().last = {.index = Index(9), .term = Term(2)};
  for (std::uint64_t i = 0; i < 3; ++i) {
    whole.entries.push_back({.index = Index(8 + i),
                             .term = Term(3),
                             .type = EntryType::kCommand,
                             .payload = BytesOf(i, seed % 40)});
  }
  std::string payload = PayloadOf(whole);
  payload.resize(payload.size() - seed % 9);
  payload[Mix(seed) % payload.size()] = static_cast<char>(value);
  const auto batch = DecodeBatch(payload);
  if (batch.has_value()) RC_ASSERT(PayloadOf(*batch) == payload);
}

TEST(StoreSnapshotFile, VerifiesWholeAndFindsBlocksOfAnotherFile) {
  CrashDirectory directory;
  const Home home{.directory = directory,
                  .names = FileNames("a"),
                  .identity = TestIdentity(),
                  .options = TinySegments()};
  const SnapshotHeader header{.source = SnapshotSource::kTaken,
                              .meta = {.index = Index(3),
                                       .term = Term(2),
                                       .configuration = TestIdentity().bootstrap,
                                       .configuration_index = Index(1)},
                              .block_bytes = 64};
  for (const std::uint64_t seed : {1u, 2u}) {
    auto writer = SnapshotWriter::Start(home, "file" + std::to_string(seed), header);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Append(BytesOf(seed, 1000).view()).ok());
    ASSERT_TRUE((*writer)->Finish().ok());
    auto reader = SnapshotReader::Open(home, "file" + std::to_string(seed));
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_EQ((*reader)->header().meta, header.meta);
    EXPECT_TRUE((*reader)->Verify().ok());
    EXPECT_TRUE((*reader)->Read(10, 500)->view() == BytesOf(seed, 1000).view().substr(10, 500));
  }
  // Block 3 of the second file in the place of block 3 of the first: each block is whole.
  auto content = directory.Content();
  const std::size_t header_bytes = content.at("file1").size() - 40 - 1000 - 16 * 16;
  const std::size_t block = header_bytes + 3 * (64 + 16);
  content["file1"].replace(block, 80, content["file2"], block, 80);
  CrashDirectory mixed(content);
  const Home other{.directory = mixed,
                   .names = FileNames("a"),
                   .identity = TestIdentity(),
                   .options = TinySegments()};
  auto reader = SnapshotReader::Open(other, "file1");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE((*reader)->Read(0, 1000).ok());
  EXPECT_TRUE(absl::IsDataLoss((*reader)->Verify()));
  // Two blocks of one file that changed places.
  auto swapped = directory.Content();
  std::string& bytes = swapped["file1"];
  const std::string third = bytes.substr(block, 80);
  bytes.replace(block, 80, bytes, block + 160, 80);
  bytes.replace(block + 160, 80, third);
  CrashDirectory misdirected(swapped);
  const Home there{.directory = misdirected,
                   .names = FileNames("a"),
                   .identity = TestIdentity(),
                   .options = TinySegments()};
  reader = SnapshotReader::Open(there, "file1");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE((*reader)->Read(0, 192).ok());
  EXPECT_TRUE(absl::IsDataLoss((*reader)->Read(0, 193).status()));
}

}  // namespace
}  // namespace grassdb::store
