// Any bytes as a backup, as they are or as the stream in a file whose checksums are right: it is
// refused with a reason, or read; the backup that is written of it again is read as the same.
#include "store/backup_file.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/kv_snapshot.h"
#include "memory_directory.h"
#include "store/io.h"

namespace grassdb::store {
namespace {

struct Read {
  BackupOrigin origin;
  std::optional<KvStore> state;  // nullopt: refused behind the origin
};

// nullopt: refused.
std::optional<Read> ReadBackup(Directory& directory, const std::string& name) {
  const auto backup = BackupReader::Open(directory, name);
  if (!backup.ok()) {
    GRASS_CHECK(!backup.status().message().empty());
    return std::nullopt;
  }
  Read read{.origin = (*backup)->origin(), .state = std::nullopt};
  auto state = (*backup)->ReadState();
  if (state.ok()) read.state = *std::move(state);
  return read;
}

void Write(Directory& directory, const std::string& name, const BackupOrigin& origin,
           KvStore& state) {
  auto backup = BackupWriter::Start(directory, name, origin);
  GRASS_CHECK(backup.ok());
  auto writer = KvSnapshotWriter::Begin(state);
  while (!writer.done()) GRASS_CHECK((*backup)->Append(writer.Next(state, 65536).view()).ok());
  GRASS_CHECK((*backup)->Finish().ok());
}

// A file of blocks as a backup's, of the node "n".
void WriteFramed(Directory& directory, const std::string& name, std::string_view stream) {
  Identity identity;
  identity.cluster = ClusterId(1);
  identity.node = NodeIdOf("n");
  identity.incarnation = Incarnation(1);
  const Home home{.directory = directory,
                  .names = FileNames("n"),
                  .identity = std::move(identity),
                  .options = StorageOptions()};
  SnapshotHeader header;
  header.meta.index = Index(7);
  header.meta.term = Term(3);
  header.block_bytes = 4096;
  auto writer = SnapshotWriter::Start(home, name, header);
  GRASS_CHECK(writer.ok() && (*writer)->Append(stream).ok() && (*writer)->Finish().ok());
}

}  // namespace
}  // namespace grassdb::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace grassdb::store;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  MemoryDirectory directory;
  if (data[0] % 2 == 0) {
    const auto file = directory.Open("given", OpenMode::kCreate);
    GRASS_CHECK(file.ok() && WriteOne(**file, 0, bytes).ok());
  } else {
    WriteFramed(directory, "given", bytes);
  }
  auto given = ReadBackup(directory, "given");
  if (!given.has_value() || !given->state.has_value() || given->origin.id == 0) return 0;
  Write(directory, "again", given->origin, *given->state);
  const auto again = ReadBackup(directory, "again");
  GRASS_CHECK(again.has_value() && again->state.has_value());
  GRASS_CHECK(again->origin.cluster == given->origin.cluster);
  GRASS_CHECK(again->origin.cluster_name == given->origin.cluster_name);
  GRASS_CHECK(again->origin.node_name == given->origin.node_name);
  GRASS_CHECK(again->origin.position == given->origin.position);
  GRASS_CHECK(again->origin.id == given->origin.id);
  GRASS_CHECK_EQ(again->state->digest(), given->state->digest());
  return 0;
}
