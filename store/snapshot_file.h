// A snapshot as a file: header, blocks of one fixed size, each compressed if that helps, footer.
// store/FORMAT.md, "Snapshot files", has the bytes. The state inside is an opaque stream; offsets
// are of the stream, not of the file.
#ifndef GRASSDB_STORE_SNAPSHOT_FILE_H_
#define GRASSDB_STORE_SNAPSHOT_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/disk.h"
#include "store/compression.h"
#include "store/file.h"
#include "store/home.h"
#include "store/payload.h"
#include "store/record.h"
#include "store/text.h"

namespace grassdb::store {

struct SnapshotHeader {
  SnapshotSource source = SnapshotSource::kTaken;
  SnapshotMeta meta;
  // Of the stream in every block but the last, which may be shorter.
  std::uint32_t block_bytes = 0;
  Compression compression = Compression::kNone;
};

inline LogPosition PositionOf(const SnapshotMeta& meta) {
  return {.index = meta.index, .term = meta.term};
}

// A block as it stands in the file.
struct StoredBlock {
  std::uint64_t checksum = 0;
  std::uint32_t size = 0;  // of the stream; 0: the bytes are not compressed
  std::string_view bytes;
};

class SnapshotReader;

// Writes a staging file from front to back. An error is final.
class SnapshotWriter {
 public:
  // Begins the file `name` anew.
  static absl::StatusOr<std::unique_ptr<SnapshotWriter>> Start(const Home& home,
                                                               const std::string& name,
                                                               const SnapshotHeader& header);
  // Goes on behind `whole`, the SnapshotReader::OpenStaged of the same file. What `whole` has read
  // may come from a cache and its write have failed: it is written again, with the same bytes, and
  // synced. What is behind it is cut off.
  static absl::StatusOr<std::unique_ptr<SnapshotWriter>> Resume(const Home& home,
                                                                const std::string& name,
                                                                SnapshotReader& whole);

  absl::Status Append(std::string_view bytes);
  // Writes what is left and the footer, and syncs the file. Nothing may be appended after it.
  absl::Status Finish();
  // Makes the blocks so far durable.
  absl::Status Sync();
  bool synced() const { return synced_ > 0; }
  // Bytes of the file written since the last sync.
  std::uint64_t unsynced_bytes() const { return end_ - synced_; }

  const SnapshotMeta& meta() const { return header_.meta; }
  std::uint64_t stream_bytes() const { return stream_bytes_; }
  bool finished() const { return file_ == nullptr; }

 private:
  SnapshotWriter(std::unique_ptr<File> file, SnapshotHeader header, Salt salt);

  absl::Status WriteBlock(std::string_view payload);
  absl::Status WriteStored(const StoredBlock& block);
  std::string EncodeTable() const;

  std::unique_ptr<File> file_;  // null when finished
  SnapshotHeader header_;
  Salt salt_;
  std::uint64_t end_ = 0;           // of the file
  std::uint64_t synced_ = 0;        // of it
  std::uint64_t stream_bytes_ = 0;  // appended so far
  std::uint64_t blocks_ = 0;
  std::uint64_t chain_ = 0;  // checksum of the blocks' checksums
  std::string pending_;      // appended, but less than a block
  Compressor compressor_;
  std::vector<std::uint32_t> stored_bytes_;  // of each block, if they may be compressed
};

// Reads a finished file at any offset. An error concerns this read only.
class SnapshotReader {
 public:
  // Checks header, footer and size, but no block. DataLoss for damage, of which a read that fails
  // is one; FailedPrecondition for a file of a newer version.
  static absl::StatusOr<std::unique_ptr<SnapshotReader>> Open(const Home& home,
                                                              const std::string& name);
  // A file that need not be finished. Its stream is that of the full blocks at its beginning that
  // are whole; none may be. Reads them all. Errors as for Open, of the header only.
  static absl::StatusOr<std::unique_ptr<SnapshotReader>> OpenStaged(const Home& home,
                                                                    const std::string& name);

  // Cluster, node and incarnation of the directory that the file is from, as its header has them.
  // Errors as for Open, of the header only.
  static absl::StatusOr<Identity> OwnerOf(Directory& directory, const std::string& name);

  // [offset, offset + size_max) of the stream, less at its end. DataLoss if a block that is touched
  // is damaged; OutOfRange if `offset` is behind the end.
  absl::StatusOr<Bytes> Read(std::uint64_t offset, std::uint32_t size_max);
  // Reads every block, and holds their checksums against the footer's.
  absl::Status Verify();
  // The same, but goes on behind damage and gives all of it.
  std::vector<DamagedPlace> FindDamage();

  // What is read next should come from the device.
  void Evict() { file_->Evict(); }

  const SnapshotHeader& header() const { return header_; }
  std::uint64_t stream_bytes() const { return stream_bytes_; }
  std::uint64_t file_bytes() const { return file_bytes_; }
  std::uint64_t blocks() const { return blocks_; }

 private:
  friend class SnapshotWriter;

  SnapshotReader(std::string path, std::string name, std::unique_ptr<File> file);

  // DataLoss, naming the place, if the disk does not give these bytes.
  absl::Status ReadPart(std::uint64_t offset, std::span<char> out);
  // The header's bytes, whole and of a known version.
  absl::StatusOr<std::string> ReadHeaderBytes();
  absl::Status ReadHeader(const Home& home);
  absl::Status ReadFooter();
  absl::Status ReadTable(std::uint64_t footer_at);
  void FindWholeBlocks();
  // Leaves the block as it is in the file in stored_, and its share of the stream in block_.
  // Returns what is wrong with it; empty if nothing is.
  std::string LoadBlock(std::uint64_t number);
  // The same, as a status.
  absl::Status ReadBlock(std::uint64_t number);
  std::uint64_t BlockOffset(std::uint64_t number) const;
  std::uint64_t BlockBytes(std::uint64_t number) const;

  std::string path_;
  std::string name_;
  std::unique_ptr<File> file_;
  SnapshotHeader header_;
  Salt salt_;
  std::uint32_t version_ = 0;
  std::uint64_t header_bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t stream_bytes_ = 0;
  std::uint64_t blocks_ = 0;
  std::uint64_t chain_ = 0;
  // Where each block begins and where the last one ends, if they may be compressed.
  std::vector<std::uint64_t> block_offsets_;
  // The block read last: its share of the stream, which is in one of the two behind it.
  std::string_view block_;
  std::string stored_bytes_;
  std::string decompressed_;
  StoredBlock stored_;
  std::uint64_t block_number_ = UINT64_MAX;
  Decompressor decompressor_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_SNAPSHOT_FILE_H_
