#include "store/snapshot_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/checksum.h"
#include "core/codec.h"
#include "store/io.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

constexpr std::uint64_t kHeaderMagic = 0x504e535353415247u;  // "GRASSSNP"
constexpr std::uint64_t kFooterMagic = 0x444e455353415247u;  // "GRASSEND"
constexpr std::uint32_t kVersionUncompressed = 1;
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kPrefixBytes = 24;  // magic, checksum, version, header size
constexpr std::size_t kChecksummedFrom = 16;
constexpr std::size_t kOwnerOffset = 32;
constexpr std::size_t kBlockHeaderBytes = 16;
constexpr std::size_t kFooterBytes = 40;
constexpr std::size_t kHeaderBytesMax = std::size_t{1} << 20;
constexpr std::uint32_t kBlockBytesMax = 1u << 24;

Salt SnapshotSalt(const Identity& identity, const LogPosition& position) {
  std::string key;
  Encoder encoder(key);
  encoder.PutString("snapshot");
  encoder.Put(identity.cluster);
  encoder.Put(identity.node);
  encoder.Put(identity.incarnation);
  encoder.Put(identity.secret);
  encoder.Put(position.index);
  encoder.Put(position.term);
  return Salt(Checksum(key));
}

std::string EncodeHeader(const Identity& identity, const SnapshotHeader& header) {
  std::string bytes;
  Encoder encoder(bytes);
  encoder.Put(kHeaderMagic);
  encoder.Put(std::uint64_t{0});  // the checksum's place
  // What needs no newer program says so.
  encoder.Put(header.compression == Compression::kNone ? kVersionUncompressed : kVersion);
  encoder.Put(std::uint32_t{0});  // the size's place
  encoder.Put(header.block_bytes);
  encoder.Put(static_cast<std::uint8_t>(header.source));
  encoder.Put(static_cast<std::uint8_t>(header.compression));
  encoder.Put(std::uint16_t{0});
  encoder.Put(identity.cluster);
  encoder.Put(identity.node);
  encoder.Put(identity.incarnation);
  encoder.Put(header.meta.index);
  encoder.Put(header.meta.term);
  encoder.Put(header.meta.configuration_index);
  encoder.PutString(EncodeConfiguration(header.meta.configuration));
  bytes.resize((bytes.size() + 7) / 8 * 8, '\0');
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data() + kPrefixBytes - sizeof size, &size, sizeof size);
  const std::uint64_t checksum = Checksum(std::string_view(bytes).substr(kChecksummedFrom));
  std::memcpy(bytes.data() + sizeof kHeaderMagic, &checksum, sizeof checksum);
  return bytes;
}

// The fields behind the prefix. False if they do not decode or belong to another data directory.
bool DecodeHeader(std::string_view bytes, std::uint32_t version, const Identity& identity,
                  SnapshotHeader& header) {
  Decoder decoder(bytes);
  header.block_bytes = decoder.Take<std::uint32_t>();
  header.source = static_cast<SnapshotSource>(decoder.Take<std::uint8_t>());
  header.compression = static_cast<Compression>(decoder.Take<std::uint8_t>());
  decoder.Take<std::uint16_t>();
  const auto cluster = decoder.Take<ClusterId>();
  const auto node = decoder.Take<NodeId>();
  const auto incarnation = decoder.Take<Incarnation>();
  header.meta.index = decoder.Take<Index>();
  header.meta.term = decoder.Take<Term>();
  header.meta.configuration_index = decoder.Take<Index>();
  auto configuration = DecodeConfiguration(decoder.TakeString());
  if (!decoder.ok() || !configuration.has_value()) return false;
  header.meta.configuration = std::move(*configuration);
  const Compression expected =
      version == kVersionUncompressed ? Compression::kNone : Compression::kZstd;
  return header.compression == expected && header.block_bytes > 0 &&
         header.block_bytes <= kBlockBytesMax && cluster == identity.cluster &&
         node == identity.node && incarnation == identity.incarnation;
}

// Over the bytes in the file, tied to the file, to the block's place in it and to what they become.
std::uint64_t BlockChecksum(Salt salt, std::uint64_t number, const StoredBlock& block) {
  std::string key;
  Encoder encoder(key);
  encoder.Put(salt);
  encoder.Put(number);
  encoder.Put(static_cast<std::uint64_t>(block.bytes.size()));
  if (block.size > 0) encoder.Put(static_cast<std::uint64_t>(block.size));
  return Checksum(block.bytes, Checksum(key));
}

std::uint64_t Chained(std::uint64_t chain, std::uint64_t checksum) {
  return Checksum(std::string_view(reinterpret_cast<const char*>(&checksum), sizeof checksum),
                  chain);
}

// Why a read has failed, as the system says it.
std::string ReasonOf(const absl::Status& status) {
  return " (" + std::string(status.message().data(), status.message().size()) + ")";
}

std::string IllegibleBlock(const std::string& block, const absl::Status& status) {
  return block + " cannot be read" + ReasonOf(status);
}

std::string EncodeFooter(Salt salt, std::uint64_t stream_bytes, std::uint64_t blocks,
                         std::uint64_t chain) {
  std::string bytes;
  Encoder encoder(bytes);
  encoder.Put(stream_bytes);
  encoder.Put(blocks);
  encoder.Put(chain);
  encoder.Put(Checksum(bytes, salt.value()));
  encoder.Put(kFooterMagic);
  GRASS_CHECK_EQ(bytes.size(), kFooterBytes);
  return bytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SnapshotWriter>> SnapshotWriter::Start(
    const Home& home, const std::string& name, const SnapshotHeader& header) {
  GRASS_CHECK(header.block_bytes > 0 && header.block_bytes <= kBlockBytesMax);
  auto file = home.directory.Open(name, OpenMode::kReplace);
  if (!file.ok()) return file.status();
  const std::string bytes = EncodeHeader(home.identity, header);
  if (absl::Status s = WriteOne(**file, 0, bytes); !s.ok()) return s;
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(
      std::move(*file), header, SnapshotSalt(home.identity, PositionOf(header.meta))));
  writer->end_ = bytes.size();
  return writer;
}

absl::StatusOr<std::unique_ptr<SnapshotWriter>> SnapshotWriter::Resume(const Home& home,
                                                                       const std::string& name,
                                                                       SnapshotReader& whole) {
  auto file = home.directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  const SnapshotHeader& header = whole.header();
  const std::string bytes = EncodeHeader(home.identity, header);
  if (absl::Status s = WriteOne(**file, 0, bytes); !s.ok()) return s;
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(
      std::move(*file), header, SnapshotSalt(home.identity, PositionOf(header.meta))));
  writer->end_ = bytes.size();
  for (std::uint64_t number = 0; number < whole.blocks(); ++number) {
    if (absl::Status s = whole.ReadBlock(number); !s.ok()) return s;
    if (absl::Status s = writer->WriteStored(whole.stored_); !s.ok()) return s;
  }
  writer->stream_bytes_ = whole.stream_bytes();
  if (absl::Status s = writer->file_->Truncate(writer->end_); !s.ok()) return s;
  if (absl::Status s = writer->Sync(); !s.ok()) return s;
  return writer;
}

SnapshotWriter::SnapshotWriter(std::unique_ptr<File> file, SnapshotHeader header, Salt salt)
    : file_(std::move(file)), header_(std::move(header)), salt_(salt) {}

absl::Status SnapshotWriter::Append(std::string_view bytes) {
  GRASS_CHECK(!finished());
  stream_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t room = header_.block_bytes - pending_.size();
    if (pending_.empty() && bytes.size() >= room) {
      // A whole block goes from the caller's bytes to the file without a copy.
      if (absl::Status s = WriteBlock(bytes.substr(0, room)); !s.ok()) return s;
      bytes.remove_prefix(room);
      continue;
    }
    const std::size_t size = std::min(room, bytes.size());
    pending_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (pending_.size() < header_.block_bytes) continue;
    if (absl::Status s = WriteBlock(pending_); !s.ok()) return s;
    pending_.clear();
  }
  return absl::OkStatus();
}

absl::Status SnapshotWriter::Finish() {
  GRASS_CHECK(!finished());
  if (!pending_.empty()) {
    if (absl::Status s = WriteBlock(pending_); !s.ok()) return s;
    pending_.clear();
  }
  const std::string end = EncodeTable() + EncodeFooter(salt_, stream_bytes_, blocks_, chain_);
  if (absl::Status s = WriteOne(*file_, end_, end); !s.ok()) return s;
  if (absl::Status s = file_->Sync(); !s.ok()) return s;
  file_.reset();
  return absl::OkStatus();
}

absl::Status SnapshotWriter::Sync() {
  GRASS_CHECK(!finished());
  if (absl::Status s = file_->Sync(); !s.ok()) return s;
  synced_ = end_;
  return absl::OkStatus();
}

absl::Status SnapshotWriter::WriteBlock(std::string_view payload) {
  StoredBlock block{.bytes = payload};
  if (header_.compression == Compression::kZstd) {
    const std::string_view compressed = compressor_.Compress(payload);
    if (!compressed.empty()) {
      block.size = static_cast<std::uint32_t>(payload.size());
      block.bytes = compressed;
    }
  }
  block.checksum = BlockChecksum(salt_, blocks_, block);
  return WriteStored(block);
}

absl::Status SnapshotWriter::WriteStored(const StoredBlock& block) {
  std::string header;
  Encoder encoder(header);
  encoder.Put(block.checksum);
  encoder.Put(static_cast<std::uint32_t>(block.bytes.size()));
  encoder.Put(block.size);
  GRASS_CHECK_EQ(header.size(), kBlockHeaderBytes);
  const std::array<std::string_view, 2> parts = {header, block.bytes};
  if (absl::Status s = file_->WriteAt(end_, parts); !s.ok()) return s;
  end_ += header.size() + block.bytes.size();
  chain_ = Chained(chain_, block.checksum);
  ++blocks_;
  if (header_.compression != Compression::kNone) {
    stored_bytes_.push_back(static_cast<std::uint32_t>(block.bytes.size()));
  }
  return absl::OkStatus();
}

// Where the blocks are, so that any of them is read without those before it.
std::string SnapshotWriter::EncodeTable() const {
  std::string table;
  if (header_.compression == Compression::kNone) return table;
  Encoder encoder(table);
  for (const std::uint32_t bytes : stored_bytes_) encoder.Put(bytes);
  encoder.Put(Checksum(table, salt_.value()));
  return table;
}

absl::StatusOr<std::unique_ptr<SnapshotReader>> SnapshotReader::Open(const Home& home,
                                                                     const std::string& name) {
  auto file = home.directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  std::unique_ptr<SnapshotReader> reader(
      new SnapshotReader(home.directory.path(), name, std::move(*file)));
  if (absl::Status s = reader->ReadHeader(home); !s.ok()) return s;
  if (absl::Status s = reader->ReadFooter(); !s.ok()) return s;
  return reader;
}

absl::StatusOr<std::unique_ptr<SnapshotReader>> SnapshotReader::OpenStaged(
    const Home& home, const std::string& name) {
  auto file = home.directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  std::unique_ptr<SnapshotReader> reader(
      new SnapshotReader(home.directory.path(), name, std::move(*file)));
  if (absl::Status s = reader->ReadHeader(home); !s.ok()) return s;
  reader->FindWholeBlocks();
  return reader;
}

SnapshotReader::SnapshotReader(std::string path, std::string name, std::unique_ptr<File> file)
    : path_(std::move(path)), name_(std::move(name)), file_(std::move(file)) {}

absl::StatusOr<Identity> SnapshotReader::OwnerOf(Directory& directory, const std::string& name) {
  auto file = directory.Open(name, OpenMode::kExisting);
  if (!file.ok()) return file.status();
  SnapshotReader reader(directory.path(), name, std::move(*file));
  const auto bytes = reader.ReadHeaderBytes();
  if (!bytes.ok()) return bytes.status();
  Decoder decoder(std::string_view(*bytes).substr(kOwnerOffset));
  Identity owner;
  owner.cluster = decoder.Take<ClusterId>();
  owner.node = decoder.Take<NodeId>();
  owner.incarnation = decoder.Take<Incarnation>();
  if (decoder.ok()) return owner;
  return Damaged(directory.path(), name, kOwnerOffset, "the snapshot header is cut short");
}

absl::Status SnapshotReader::ReadPart(std::uint64_t offset, std::span<char> out) {
  const absl::Status status = ReadExactly(*file_, offset, out);
  if (status.ok()) return status;
  return Damaged(path_, name_, offset,
                 IllegibleText({offset, offset + out.size()}) + ReasonOf(status));
}

absl::StatusOr<std::string> SnapshotReader::ReadHeaderBytes() {
  const auto file_bytes = file_->Size();
  if (!file_bytes.ok()) return file_bytes.status();
  file_bytes_ = *file_bytes;
  if (file_bytes_ < kPrefixBytes) return Damaged(path_, name_, 0, "the snapshot file is cut short");
  std::string bytes(kPrefixBytes, '\0');
  if (absl::Status s = ReadPart(0, bytes); !s.ok()) return s;
  Decoder prefix(bytes);
  const auto magic = prefix.Take<std::uint64_t>();
  const auto checksum = prefix.Take<std::uint64_t>();
  version_ = prefix.Take<std::uint32_t>();
  const std::size_t size = prefix.Take<std::uint32_t>();
  if (magic != kHeaderMagic) return Damaged(path_, name_, 0, "this is not a snapshot file");
  if (size < kPrefixBytes || size > kHeaderBytesMax || size > file_bytes_) {
    return Damaged(path_, name_, kPrefixBytes - 4,
                   "the header's size " + std::to_string(size) + " is impossible");
  }
  bytes.resize(size);
  if (absl::Status s = ReadPart(0, bytes); !s.ok()) return s;
  if (Checksum(std::string_view(bytes).substr(kChecksummedFrom)) != checksum) {
    return Damaged(path_, name_, 0, "the snapshot header's checksum is wrong");
  }
  if (version_ == kVersion || version_ == kVersionUncompressed) return bytes;
  return absl::FailedPreconditionError(
      name_ + " in " + path_ + " has version " + std::to_string(version_) +
      "; this program reads versions 1 and 2. Use the newer program");
}

absl::Status SnapshotReader::ReadHeader(const Home& home) {
  const auto bytes = ReadHeaderBytes();
  if (!bytes.ok()) return bytes.status();
  if (!DecodeHeader(std::string_view(*bytes).substr(kPrefixBytes), version_, home.identity,
                    header_)) {
    return Damaged(path_, name_, kPrefixBytes,
                   "the snapshot is not one of this node and data directory");
  }
  header_bytes_ = bytes->size();
  salt_ = SnapshotSalt(home.identity, PositionOf(header_.meta));
  return absl::OkStatus();
}

absl::Status SnapshotReader::ReadFooter() {
  if (file_bytes_ < header_bytes_ + kFooterBytes) {
    return Damaged(path_, name_, file_bytes_, "the snapshot file is cut short");
  }
  const std::uint64_t at = file_bytes_ - kFooterBytes;
  std::string bytes(kFooterBytes, '\0');
  if (absl::Status s = ReadPart(at, bytes); !s.ok()) return s;
  Decoder decoder(bytes);
  stream_bytes_ = decoder.Take<std::uint64_t>();
  blocks_ = decoder.Take<std::uint64_t>();
  chain_ = decoder.Take<std::uint64_t>();
  if (bytes != EncodeFooter(salt_, stream_bytes_, blocks_, chain_)) {
    return Damaged(path_, name_, at, "the snapshot's footer is missing or damaged");
  }
  const std::uint64_t blocks = (stream_bytes_ + header_.block_bytes - 1) / header_.block_bytes;
  const bool plain = header_.compression == Compression::kNone;
  if (blocks_ != blocks ||
      (plain && at != header_bytes_ + stream_bytes_ + blocks * kBlockHeaderBytes)) {
    return Damaged(path_, name_, at, "the snapshot file's size does not fit its footer");
  }
  return plain ? absl::OkStatus() : ReadTable(at);
}

absl::Status SnapshotReader::ReadTable(std::uint64_t footer_at) {
  const std::uint64_t room = footer_at - header_bytes_;
  if (room < sizeof(std::uint64_t) ||
      blocks_ > (room - sizeof(std::uint64_t)) / sizeof(std::uint32_t)) {
    return Damaged(path_, name_, footer_at, "the snapshot file's size does not fit its footer");
  }
  std::string bytes(static_cast<std::size_t>(blocks_ * sizeof(std::uint32_t)), '\0');
  const std::uint64_t at = footer_at - sizeof(std::uint64_t) - bytes.size();
  const std::size_t table_bytes = bytes.size();
  bytes.resize(table_bytes + sizeof(std::uint64_t));
  if (absl::Status s = ReadPart(at, bytes); !s.ok()) return s;
  const std::string_view table = std::string_view(bytes).substr(0, table_bytes);
  Decoder checksum(std::string_view(bytes).substr(table_bytes));
  if (checksum.Take<std::uint64_t>() != Checksum(table, salt_.value())) {
    return Damaged(path_, name_, at, "the table of the snapshot's blocks has a wrong checksum");
  }
  Decoder decoder(table);
  block_offsets_.assign(1, header_bytes_);
  for (std::uint64_t number = 0; number < blocks_; ++number) {
    block_offsets_.push_back(block_offsets_.back() + kBlockHeaderBytes +
                             decoder.Take<std::uint32_t>());
  }
  if (block_offsets_.back() == at) return absl::OkStatus();
  return Damaged(path_, name_, at, "the table does not fit the place of the snapshot's blocks");
}

void SnapshotReader::FindWholeBlocks() {
  block_offsets_.assign(1, header_bytes_);
  for (blocks_ = 0;; ++blocks_) {
    // As if the file went on: only full blocks count.
    stream_bytes_ = (blocks_ + 1) * header_.block_bytes;
    if (!LoadBlock(blocks_).empty()) break;
    chain_ = Chained(chain_, stored_.checksum);
    block_offsets_.push_back(block_offsets_.back() + kBlockHeaderBytes + stored_.bytes.size());
  }
  stream_bytes_ = blocks_ * header_.block_bytes;
}

absl::StatusOr<Bytes> SnapshotReader::Read(std::uint64_t offset, std::uint32_t size_max) {
  if (offset > stream_bytes_) {
    return absl::OutOfRangeError(name_ + ": offset " + std::to_string(offset) +
                                 " is behind the snapshot's end at " +
                                 std::to_string(stream_bytes_));
  }
  const auto size = std::min<std::uint64_t>(size_max, stream_bytes_ - offset);
  absl::Status status;
  Bytes bytes = Bytes::Build(static_cast<std::size_t>(size), [&](char* out) {
    std::uint64_t done = 0;
    while (done < size) {
      const std::uint64_t at = offset + done;
      status = ReadBlock(at / header_.block_bytes);
      if (!status.ok()) {
        std::memset(out + done, 0, static_cast<std::size_t>(size - done));
        return;
      }
      const auto within = static_cast<std::size_t>(at % header_.block_bytes);
      const std::size_t share =
          std::min(block_.size() - within, static_cast<std::size_t>(size - done));
      std::memcpy(out + done, block_.data() + within, share);
      done += share;
    }
  });
  if (!status.ok()) return status;
  return bytes;
}

absl::Status SnapshotReader::Verify() {
  const std::vector<DamagedPlace> damage = FindDamage();
  if (damage.empty()) return absl::OkStatus();
  return Damaged(path_, name_, damage.front().offset, damage.front().problem);
}

std::vector<DamagedPlace> SnapshotReader::FindDamage() {
  std::vector<DamagedPlace> damage;
  std::uint64_t chain = 0;
  for (std::uint64_t number = 0; number < blocks_; ++number) {
    const std::string problem = LoadBlock(number);
    if (!problem.empty()) {
      damage.push_back({.file = name_, .offset = BlockOffset(number), .problem = problem});
    }
    chain = Chained(chain, stored_.checksum);
  }
  if (damage.empty() && chain != chain_) {
    damage.push_back({.file = name_,
                      .offset = BlockOffset(blocks_),
                      .problem = "the blocks are each whole, but not those that the footer stands "
                                 "for"});
  }
  return damage;
}

absl::Status SnapshotReader::ReadBlock(std::uint64_t number) {
  if (number == block_number_) return absl::OkStatus();
  const std::string problem = LoadBlock(number);
  if (problem.empty()) return absl::OkStatus();
  return Damaged(path_, name_, BlockOffset(number), problem);
}

std::string SnapshotReader::LoadBlock(std::uint64_t number) {
  block_number_ = UINT64_MAX;
  const std::string block = "block " + std::to_string(number);
  const std::uint64_t at = BlockOffset(number);
  std::array<char, kBlockHeaderBytes> header;
  if (at + header.size() > file_bytes_) return block + " is behind the end of the file";
  if (absl::Status s = ReadExactly(*file_, at, header); !s.ok()) return IllegibleBlock(block, s);
  Decoder decoder(std::string_view(header.data(), header.size()));
  stored_.checksum = decoder.Take<std::uint64_t>();
  const std::uint64_t bytes = decoder.Take<std::uint32_t>();
  stored_.size = decoder.Take<std::uint32_t>();
  const std::uint64_t size = stored_.size == 0 ? bytes : stored_.size;
  const bool plain = header_.compression == Compression::kNone;
  if (size != BlockBytes(number) || bytes > size || (plain && stored_.size != 0)) {
    return block + " says " + std::to_string(size) + " bytes instead of " +
           std::to_string(BlockBytes(number));
  }
  if (bytes > file_bytes_ - at - header.size()) {
    return block + " reaches beyond the end of the file";
  }
  stored_bytes_.resize(static_cast<std::size_t>(bytes));
  if (absl::Status s = ReadExactly(*file_, at + kBlockHeaderBytes, stored_bytes_); !s.ok()) {
    return IllegibleBlock(block, s);
  }
  stored_.bytes = stored_bytes_;
  if (BlockChecksum(salt_, number, stored_) != stored_.checksum) {
    return block + " has a wrong checksum";
  }
  if (stored_.size == 0) {
    block_ = stored_bytes_;
  } else if (decompressor_.Decompress(stored_bytes_, stored_.size, &decompressed_)) {
    block_ = decompressed_;
  } else {
    return block + " is whole, but cannot be decompressed";
  }
  block_number_ = number;
  return {};
}

std::uint64_t SnapshotReader::BlockOffset(std::uint64_t number) const {
  if (!block_offsets_.empty()) return block_offsets_[static_cast<std::size_t>(number)];
  return header_bytes_ + std::min(stream_bytes_, number * header_.block_bytes) +
         number * kBlockHeaderBytes;
}

std::uint64_t SnapshotReader::BlockBytes(std::uint64_t number) const {
  return std::min<std::uint64_t>(header_.block_bytes, stream_bytes_ - number * header_.block_bytes);
}

}  // namespace grassdb::store
