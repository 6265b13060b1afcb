// One snapshot file, with and without compression: read at any offset, damaged at every byte, gone
// on with after a crash.
#include "store/snapshot_file.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

#include "core/codec.h"
#include "tests/store/crash_directory.h"
#include "tests/store/history.h"

namespace grassdb::store {
namespace {

constexpr std::uint32_t kBlock = 128;
constexpr char kFile[] = "file";

Home HomeIn(CrashDirectory& directory) {
  return {.directory = directory,
          .names = FileNames("a"),
          .identity = TestIdentity(),
          .options = TinySegments()};
}

SnapshotHeader HeaderOf(Compression compression) {
  return {.source = SnapshotSource::kReceived,
          .meta = {.index = Index(3),
                   .term = Term(2),
                   .configuration = TestIdentity().bootstrap,
                   .configuration_index = Index(1)},
          .block_bytes = kBlock,
          .compression = compression};
}

// Blocks that compress well and blocks that do not, in turns; the last one is shorter.
std::string MixedStream() {
  std::string stream;
  for (std::uint64_t block = 0; block < 6; ++block) {
    stream += block % 2 == 0 ? std::string(kBlock, static_cast<char>('a' + block))
                             : std::string(BytesOf(block, kBlock).view());
  }
  return stream + std::string(50, 'z');
}

std::map<std::string, std::string> Write(std::string_view stream, Compression compression) {
  CrashDirectory directory;
  auto writer = SnapshotWriter::Start(HomeIn(directory), kFile, HeaderOf(compression));
  EXPECT_TRUE(writer.ok()) << writer.status();
  // Cut elsewhere than the blocks.
  for (std::size_t at = 0; at < stream.size(); at += 77) {
    EXPECT_TRUE((*writer)->Append(stream.substr(at, 77)).ok());
  }
  EXPECT_TRUE((*writer)->Finish().ok());
  return directory.Content();
}

TEST(StoreSnapshotFile, IsReadAtAnyOffset) {
  const std::string stream = MixedStream();
  for (const Compression compression : {Compression::kNone, Compression::kZstd}) {
    CrashDirectory directory(Write(stream, compression));
    auto reader = SnapshotReader::Open(HomeIn(directory), kFile);
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_EQ((*reader)->header().compression, compression);
    ASSERT_EQ((*reader)->stream_bytes(), stream.size());
    EXPECT_TRUE((*reader)->Verify().ok());
    // Backwards, so that no read follows the one before it.
    for (std::size_t at = stream.size() + 1; at-- > 0;) {
      const auto read = (*reader)->Read(at, 200);
      ASSERT_TRUE(read.ok()) << read.status();
      ASSERT_EQ(read->view(), std::string_view(stream).substr(at, 200)) << at;
    }
    EXPECT_TRUE(absl::IsOutOfRange((*reader)->Read(stream.size() + 1, 1).status()));
  }
}

TEST(StoreSnapshotFile, OfNothingIsAFileToo) {
  for (const Compression compression : {Compression::kNone, Compression::kZstd}) {
    CrashDirectory directory(Write("", compression));
    auto reader = SnapshotReader::Open(HomeIn(directory), kFile);
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_TRUE((*reader)->Verify().ok());
    EXPECT_EQ((*reader)->Read(0, 10)->view(), "");
  }
}

TEST(StoreSnapshotFile, CompressesTheBlocksThatGetSmallerAndNoOthers) {
  const std::string stream = MixedStream();
  const auto plain = Write(stream, Compression::kNone).at(kFile);
  const auto mixed = Write(stream, Compression::kZstd).at(kFile);
  EXPECT_LT(mixed.size(), plain.size() - 3 * kBlock / 2);
  // Of the six full blocks every second one stands in the file as it is.
  for (std::uint64_t block = 0; block < 6; ++block) {
    const bool as_it_is = mixed.find(stream.substr(block * kBlock, kBlock)) != std::string::npos;
    EXPECT_EQ(as_it_is, block % 2 == 1) << block;
  }
  const std::string random(BytesOf(3, 10 * kBlock).view());
  const std::size_t table = 10 * 4 + 8;
  EXPECT_EQ(Write(random, Compression::kZstd).at(kFile).size(),
            Write(random, Compression::kNone).at(kFile).size() + table);
}

// What a program that knows no compression reads: version 1, every block in its place.
TEST(StoreSnapshotFile, WithoutCompressionIsOfVersion1) {
  const std::string stream = MixedStream();
  for (const Compression compression : {Compression::kNone, Compression::kZstd}) {
    const std::string file = Write(stream, compression).at(kFile);
    Decoder version(std::string_view(file).substr(16));
    EXPECT_EQ(version.Take<std::uint32_t>(), compression == Compression::kNone ? 1u : 2u);
    if (compression != Compression::kNone) continue;
    const std::size_t header = file.size() - 40 - stream.size() - 7 * 16;
    for (std::size_t block = 0; block < 7; ++block) {
      EXPECT_EQ(file.substr(header + block * (kBlock + 16) + 16, kBlock).substr(0, 50),
                stream.substr(block * kBlock, 50));
    }
  }
}

TEST(StoreSnapshotFile, OfANewerVersionIsRefusedAsSuch) {
  CrashDirectory directory(Write("x", Compression::kZstd));
  auto content = directory.Content();
  content[kFile][16] = 3;
  CrashDirectory newer(content);
  // The checksum is wrong as well, and comes first: a version is believed only if it is whole.
  EXPECT_TRUE(absl::IsDataLoss(SnapshotReader::Open(HomeIn(newer), kFile).status()));
}

TEST(StoreSnapshotFile, NamesTheDamageOfAnyByte) {
  for (const Compression compression : {Compression::kNone, Compression::kZstd}) {
    const auto content = Write(MixedStream(), compression);
    for (std::size_t at = 0; at < content.at(kFile).size(); ++at) {
      auto damaged = content;
      damaged[kFile][at] = static_cast<char>(damaged[kFile][at] ^ (at % 2 == 0 ? 0x01 : 0x80));
      CrashDirectory directory(damaged);
      auto reader = SnapshotReader::Open(HomeIn(directory), kFile);
      const absl::Status status = reader.ok() ? (*reader)->Verify() : reader.status();
      ASSERT_TRUE(absl::IsDataLoss(status)) << at << ": " << status;
      if (!reader.ok()) continue;
      const auto found = (*reader)->FindDamage();
      ASSERT_EQ(found.size(), 1u) << at;
      EXPECT_LE(found.front().offset, at);
      EXPECT_GT(found.front().offset + 16 + kBlock, at);
    }
  }
}

// How much of `file`, cut at `size`, is gone on with; what comes of it is the whole file again.
std::uint64_t GoOn(const std::string& file, std::size_t size, std::string_view stream) {
  CrashDirectory directory({{kFile, file.substr(0, size)}});
  const Home home = HomeIn(directory);
  auto whole = SnapshotReader::OpenStaged(home, kFile);
  if (!whole.ok()) return 0;
  const std::uint64_t offset = (*whole)->stream_bytes();
  auto writer = SnapshotWriter::Resume(home, kFile, **whole);
  EXPECT_TRUE(writer.ok()) << writer.status();
  EXPECT_TRUE((*writer)->Append(stream.substr(offset)).ok());
  EXPECT_TRUE((*writer)->Finish().ok());
  EXPECT_TRUE(directory.Content().at(kFile) == file) << "cut at " << size;
  return offset;
}

TEST(StoreSnapshotFile, IsGoneOnWithBehindItsLastWholeBlockWhereverItIsCut) {
  const std::string stream = MixedStream();
  for (const Compression compression : {Compression::kNone, Compression::kZstd}) {
    const std::string file = Write(stream, compression).at(kFile);
    std::uint64_t before = 0;
    for (std::size_t cut = 0; cut <= file.size(); ++cut) {
      const std::uint64_t offset = GoOn(file, cut, stream);
      ASSERT_EQ(offset % kBlock, 0u);
      ASSERT_GE(offset, before) << "more of the file, and less of it whole";
      ASSERT_LE(offset - before, kBlock);
      before = offset;
    }
    EXPECT_EQ(before, 6 * kBlock);
  }
}

TEST(StoreSnapshotFile, IsGoneOnWithBeforeItsFirstDamagedByte) {
  const std::string stream = MixedStream();
  const std::string file = Write(stream, Compression::kZstd).at(kFile);
  std::uint64_t before = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    CrashDirectory directory({{kFile, damaged}});
    auto whole = SnapshotReader::OpenStaged(HomeIn(directory), kFile);
    const std::uint64_t offset = whole.ok() ? (*whole)->stream_bytes() : 0;
    ASSERT_GE(offset, before) << at;
    ASSERT_LE(offset - before, kBlock) << at;
    before = offset;
  }
  EXPECT_EQ(before, 6 * kBlock);
}

}  // namespace
}  // namespace grassdb::store
