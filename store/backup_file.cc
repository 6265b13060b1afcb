#include "store/backup_file.h"

#include <utility>

#include "core/check.h"
#include "core/codec.h"
#include "core/kv_snapshot.h"
#include "store/home.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

constexpr std::uint64_t kMagic = 0x4b41425353415247u;  // "GRASSBAK"
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kOriginBytesMax = 4096;
constexpr std::uint32_t kReadBytes = 262144;

// Whoever has the file has all that its checksums are seeded with: they are against decay, not
// against forgery.
Home HomeOf(Directory& directory, ClusterId cluster, const std::string& node_name,
            std::uint64_t id) {
  Identity identity;
  identity.cluster = cluster;
  identity.node = NodeIdOf(node_name);
  identity.node_name = node_name;
  identity.incarnation = Incarnation(id);
  return {.directory = directory,
          .names = FileNames(node_name),
          .identity = std::move(identity),
          .options = StorageOptions()};
}

absl::Status NoBackup(const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return status;
  return Annotate(status, "this is no backup, or a damaged one");
}

std::string StagingOf(const std::string& name) {
  return name + ".tmp";
}

std::string EncodeOrigin(const BackupOrigin& origin) {
  std::string bytes;
  Encoder encoder(bytes);
  encoder.Put(kMagic);
  encoder.Put(kVersion);
  encoder.PutString(origin.cluster_name);
  encoder.PutString(origin.node_name);
  return bytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BackupWriter>> BackupWriter::Start(Directory& directory,
                                                                  const std::string& name,
                                                                  const BackupOrigin& origin) {
  GRASS_CHECK(origin.id != 0);
  const auto there = directory.Open(name, OpenMode::kExisting);
  if (!absl::IsNotFound(there.status())) {
    if (!there.ok()) return there.status();
    return absl::AlreadyExistsError(directory.path() + "/" + name +
                                    " is there already; give the backup another name");
  }
  std::unique_ptr<BackupWriter> backup(new BackupWriter(directory, name));
  const Home home = HomeOf(directory, origin.cluster, origin.node_name, origin.id);
  auto writer = SnapshotWriter::Start(home, StagingOf(name),
                                      {.source = SnapshotSource::kTaken,
                                       .meta = {.index = origin.position.index,
                                                .term = origin.position.term,
                                                .configuration = {},
                                                .configuration_index = {}},
                                       .block_bytes = home.options.snapshot_block_bytes,
                                       .compression = Compression::kZstd});
  if (!writer.ok()) return writer.status();
  backup->writer_ = std::move(*writer);
  if (absl::Status s = backup->Append(EncodeOrigin(origin)); !s.ok()) return s;
  return backup;
}

BackupWriter::~BackupWriter() {
  if (writer_ != nullptr) directory_.Remove(StagingOf(name_)).IgnoreError();
}

absl::Status BackupWriter::Append(std::string_view bytes) {
  return writer_->Append(bytes);
}

absl::Status BackupWriter::Finish() {
  if (absl::Status s = writer_->Finish(); !s.ok()) return s;
  if (absl::Status s = directory_.Rename(StagingOf(name_), name_); !s.ok()) return s;
  writer_.reset();
  return directory_.Sync();
}

absl::StatusOr<std::unique_ptr<BackupReader>> BackupReader::Open(Directory& directory,
                                                                 const std::string& name) {
  const auto owner = SnapshotReader::OwnerOf(directory, name);
  if (!owner.ok()) return NoBackup(owner.status());
  Home home = HomeOf(directory, owner->cluster, {}, owner->incarnation.value());
  home.identity.node = owner->node;
  auto reader = SnapshotReader::Open(home, name);
  if (!reader.ok()) return NoBackup(reader.status());
  std::unique_ptr<BackupReader> backup(new BackupReader());
  backup->reader_ = std::move(*reader);
  const auto head = backup->reader_->Read(0, kOriginBytesMax);
  if (!head.ok()) return head.status();
  Decoder decoder(head->view());
  const auto magic = decoder.Take<std::uint64_t>();
  const auto version = decoder.Take<std::uint32_t>();
  if (magic == kMagic && version > kVersion) {
    return absl::FailedPreconditionError(name + " in " + directory.path() + " has version " +
                                         std::to_string(version) +
                                         "; this program reads version 1. Use the newer program");
  }
  BackupOrigin& origin = backup->origin_;
  origin.cluster_name = decoder.TakeString();
  origin.node_name = decoder.TakeString();
  if (!decoder.ok() || magic != kMagic || NodeIdOf(origin.node_name) != owner->node) {
    return Damaged(directory.path(), name, 0, "the file does not begin as a backup does");
  }
  origin.cluster = owner->cluster;
  origin.id = owner->incarnation.value();
  origin.position = PositionOf(backup->reader_->header().meta);
  backup->offset_ = head->size() - decoder.remaining();
  return backup;
}

absl::StatusOr<KvStore> BackupReader::ReadState() {
  KvSnapshotReader reader{KvOptions()};
  while (true) {
    const auto slice = Next();
    if (!slice.ok()) return slice.status();
    if (slice->empty()) return std::move(reader).Finish();
    if (absl::Status s = reader.Feed(slice->view()); !s.ok()) return s;
  }
}

absl::StatusOr<Bytes> BackupReader::Next() {
  auto bytes = reader_->Read(offset_, kReadBytes);
  if (bytes.ok()) offset_ += bytes->size();
  return bytes;
}

}  // namespace grassdb::store
