#include "store/stored_state.h"

#include <utility>

#include "core/command.h"
#include "core/kv_snapshot.h"
#include "store/birth.h"
#include "store/home.h"
#include "store/identity.h"
#include "store/mark.h"
#include "store/recovery.h"
#include "store/snapshot_file.h"
#include "store/text.h"

namespace grassdb::store {
namespace {

constexpr std::uint32_t kSliceBytes = 262144;

absl::StatusOr<KvStore> LoadSnapshot(const Home& home, Index index) {
  const std::string name = home.names.Snapshot(index);
  auto file = SnapshotReader::Open(home, name);
  if (!file.ok()) return file.status();
  KvSnapshotReader reader{KvOptions()};
  for (std::uint64_t at = 0; at < (*file)->stream_bytes();) {
    const auto slice = (*file)->Read(at, kSliceBytes);
    if (!slice.ok()) return slice.status();
    if (absl::Status s = reader.Feed(slice->view()); !s.ok()) return Annotate(s, name);
    at += slice->size();
  }
  return std::move(reader).Finish();
}

absl::Status ApplyLog(std::span<const Entry> entries, Index through, StoredState& loaded) {
  for (const Entry& entry : entries) {
    if (entry.index <= loaded.snapshot.index || entry.index > through) continue;
    loaded.last = {.index = entry.index, .term = entry.term};
    const std::string where = "the log's entry " + std::to_string(entry.index.value());
    if (entry.type == EntryType::kCommand) {
      const auto command = DecodeCommand(entry.payload.view());
      if (!command.has_value()) return absl::DataLossError(where + " does not decode");
      loaded.state.Apply(entry.index, *command);
    } else if (entry.type == EntryType::kConfiguration) {
      auto configuration = DecodeConfiguration(entry.payload.view());
      if (!configuration.has_value()) return absl::DataLossError(where + " does not decode");
      loaded.configuration = std::move(*configuration);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoppedNode> HoldStopped(Directory& directory, const std::string& node) {
  StoppedNode stopped{.home = {.directory = directory,
                               .names = FileNames(node),
                               .identity = {},
                               .options = StorageOptions()},
                      .inventory = {},
                      .lock = nullptr};
  auto identity = ReadIdentity(directory, stopped.home.names);
  if (!identity.ok()) return Refusal(identity.status(), node);
  stopped.home.identity = std::move(*identity);
  auto lock = directory.Acquire(stopped.home.names.Lock());
  if (!lock.ok()) return lock.status();
  stopped.lock = std::move(*lock);
  auto inventory = TakeInventory(directory, stopped.home.names);
  if (!inventory.ok()) return inventory.status();
  stopped.inventory = *std::move(inventory);
  if (absl::Status s = CheckNotReplaced(directory, stopped.inventory); !s.ok()) return s;
  return stopped;
}

absl::StatusOr<StoredState> Assemble(const Home& home, const std::optional<SnapshotMeta>& snapshot,
                                     std::span<const Entry> entries, Index through) {
  StoredState loaded;
  loaded.identity = home.identity;
  loaded.configuration = home.identity.bootstrap;
  if (snapshot.has_value()) {
    auto store = LoadSnapshot(home, snapshot->index);
    if (!store.ok()) return store.status();
    loaded.state = std::move(*store);
    loaded.configuration = snapshot->configuration;
    loaded.snapshot = loaded.last = PositionOf(*snapshot);
  }
  if (absl::Status s = ApplyLog(entries, through, loaded); !s.ok()) return s;
  return loaded;
}

absl::StatusOr<StoredState> LoadState(Directory& directory, const std::string& node,
                                      Index through) {
  auto stopped = HoldStopped(directory, node);
  if (!stopped.ok()) return stopped.status();
  const Home& home = stopped->home;
  const auto recovered = Recover(home, stopped->inventory, MarkFile(home).Read());
  if (!recovered.ok()) return Refusal(recovered.status(), node);
  const RecoveredState& state = recovered->state;
  if (!state.damage.empty()) return Lost(directory.path(), state.damage);
  auto loaded = Assemble(home, state.snapshot, state.entries, through);
  if (!loaded.ok()) return loaded;
  loaded->hard_state = state.hard_state;
  loaded->lock = std::move(stopped->lock);
  return loaded;
}

// As if a leader had sent it: staged, then installed by one record.
absl::Status BeginWith(Directory& directory, const StorageOptions& options,
                       const Identity& identity, const HardState& hard_state,
                       const SnapshotMeta& meta, KvStore& state) {
  auto opened = Storage::Open(directory, options, identity);
  if (!opened.ok()) return opened.status();
  Storage& storage = *opened->storage;
  KvSnapshotWriter writer = KvSnapshotWriter::Begin(state);
  for (std::uint64_t at = 0; !writer.done();) {
    StageSnapshot stage;
    stage.source = SnapshotSource::kReceived;
    stage.meta = meta;
    stage.offset = at;
    stage.data = writer.Next(state, kSliceBytes);
    stage.last = writer.done();
    at += stage.data.size();
    const DiskDone done = storage.Execute(std::move(stage));
    if (absl::Status s = std::get<StageDone>(done).status; !s.ok()) return s;
  }
  Persist persist;
  persist.id = PersistId(1);
  persist.hard_state = hard_state;
  persist.install = meta;
  const DiskDone done = storage.Execute(std::move(persist));
  return std::get<PersistDone>(done).status;
}

}  // namespace grassdb::store
