// A data directory that was damaged: the bytes say what is appended to the live log as a record
// with a right checksum, what is overwritten in any file, and what is cut off. Opening it gives an
// error, or a state that is contiguous; once it has been given what it says is lost, a second
// opening gives that state again, and nothing is lost.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/check.h"
#include "memory_directory.h"
#include "store/record.h"
#include "store/storage.h"

namespace grassdb::store {
namespace {

constexpr StorageOptions kOptions{
    .segment_bytes = 4096, .recycled_segments_max = 1, .on_damage = OnDamage::kReport};
// More lost entries than this are not given back: it takes too long.
constexpr std::uint64_t kMendedMax = 4096;

Identity Owner() {
  Identity identity;
  identity.cluster = ClusterId(1);
  identity.node_name = "n1";
  identity.cluster_name = "fuzz";
  identity.bootstrap = Configuration({MakeMember("n1", "n1:1"), MakeMember("n2", "n2:1")});
  identity.node = identity.bootstrap.members()[0].name == "n1" ? identity.bootstrap.members()[0].id
                                                               : identity.bootstrap.members()[1].id;
  identity.incarnation = Incarnation(77);
  return identity;
}

Entry EntryOf(std::uint64_t index) {
  return {.index = Index(index),
          .term = Term(1),
          .type = EntryType::kCommand,
          .payload = Bytes(std::string(40, static_cast<char>('a' + index % 26)))};
}

// A log of a few segments and a snapshot in its middle.
void Fill(Storage& storage) {
  std::uint64_t id = 0;
  for (std::uint64_t index = 1; index <= 120; index += 4) {
    Persist persist;
    persist.id = PersistId(++id);
    if (index == 1) persist.hard_state = HardState{.term = Term(1), .voted_for = NodeId(5)};
    for (std::uint64_t i = index; i < index + 4; ++i) persist.entries.push_back(EntryOf(i));
    GRASS_CHECK(std::get<PersistDone>(storage.Execute(std::move(persist))).status.ok());
  }
  SnapshotMeta meta;
  meta.index = Index(50);
  meta.term = Term(1);
  meta.configuration = Owner().bootstrap;
  GRASS_CHECK(std::get<StageDone>(storage.Execute(StageSnapshot{.source = SnapshotSource::kTaken,
                                                                .meta = meta,
                                                                .offset = 0,
                                                                .last = true,
                                                                .data = Bytes("the state")}))
                  .status.ok());
  GRASS_CHECK(std::get<PublishDone>(
                  storage.Execute(PublishSnapshot{.meta = meta, .release_through = Index(40)}))
                  .status.ok());
}

class Bytewise {
 public:
  explicit Bytewise(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  std::size_t Number() {
    std::size_t value = 0;
    for (const char byte : Take(2)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::string_view Take(std::size_t size) {
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view bytes_;
};

// Where the valid records of a live log end, and what the next one needs.
void AppendRecord(std::string& log, RecordType type, std::string_view payload) {
  std::string problem;
  std::optional<Salt> salt;
  std::size_t end = 0;
  RecordSequence next(1);
  while (end < log.size()) {
    const auto record = ParseRecord(std::string_view(log).substr(end), salt, &problem);
    if (!record.has_value() || (salt.has_value() && record->sequence != next)) break;
    salt = record->salt;
    next = record->sequence + 1;
    end += record->frame_bytes;
  }
  if (!salt.has_value()) return;
  RecordBuilder builder;
  builder.Start(type);
  builder.Add(payload);
  std::string frame;
  for (const std::string_view part : builder.Finish(next, *salt)) frame += part;
  if (log.size() < end + frame.size()) log.resize(end + frame.size());
  log.replace(end, frame.size(), frame);
}

void Damage(MemoryDirectory& directory, Bytewise input) {
  const std::vector<std::string> names = *directory.List();
  while (!input.empty()) {
    const std::size_t what = input.Number();
    std::string& content = *directory.Find(names[what / 8 % names.size()]);
    switch (what % 8) {
      case 0:
      case 1:
      case 2: {
        const auto type = static_cast<RecordType>(what % 8 == 0 ? 3 : 2);
        AppendRecord(*directory.Find("distdb_n1.wal"), type, input.Take(input.Number() % 512));
        break;
      }
      case 3:
        content.resize(content.empty() ? 0 : input.Number() % content.size());
        break;
      default: {
        const std::size_t at = input.Number();
        const std::string_view bytes = input.Take(what / 1024 % 32 + 1);
        if (!content.empty() && at % content.size() + bytes.size() <= content.size()) {
          content.replace(at % content.size(), bytes.size(), bytes);
        }
      }
    }
  }
}

// In the place of a lost entry stands one without a term, but for the last one of a range.
void CheckWhole(const RecoveredState& state) {
  Index next = state.base_index + 1;
  Term term = state.base_term;
  for (const Entry& entry : state.entries) {
    GRASS_CHECK_EQ(entry.index, next);
    next = next + 1;
    const bool lost = std::ranges::any_of(state.damage.lost, [&entry](const LostRange& range) {
      return range.first <= entry.index && entry.index < range.last;
    });
    if (lost) continue;
    GRASS_CHECK_GE(entry.term, term);
    term = entry.term;
  }
  GRASS_CHECK_LE(term, state.hard_state.term);
  const bool reaches = state.damage.snapshot_lost == Index(0);
  if (reaches && state.snapshot.has_value()) {
    GRASS_CHECK_LE(state.base_index, state.snapshot->index);
  }
}

// In place of a snapshot that is lost, one of the same index.
void MendSnapshot(Storage& storage, RecoveredState& state) {
  SnapshotMeta meta;
  meta.index = state.damage.snapshot_lost;
  meta.term = state.base_term;
  meta.configuration = Owner().bootstrap;
  GRASS_CHECK(std::get<StageDone>(storage.Execute(StageSnapshot{.source = SnapshotSource::kReceived,
                                                                .meta = meta,
                                                                .offset = 0,
                                                                .last = true,
                                                                .data = Bytes("another state")}))
                  .status.ok());
  Persist persist;
  persist.install = meta;
  GRASS_CHECK(std::get<PersistDone>(storage.Execute(std::move(persist))).status.ok());
  state.snapshot = meta;
  state.damage.snapshot_lost = Index();
}

// Entries that fit: of the lost range's last term, which none of them can be above.
void MendEntries(Storage& storage, const LostRange& range, RecoveredState& state) {
  MendLog mend;
  for (Index index = range.first; index <= range.last; index = index + 1) {
    Entry& entry = state.entries[index - state.base_index - 1];
    entry = EntryOf(index.value());
    entry.term = range.last_term;
    mend.fill.push_back(entry);
  }
  const absl::Status status = std::get<MendDone>(storage.Execute(std::move(mend))).status;
  GRASS_CHECK_MSG(status.ok(), std::string(status.message()));
}

// Gives back what is lost, in the storage and in the state. False if that is too much.
bool Mend(Storage& storage, RecoveredState& state) {
  for (const LostRange& range : state.damage.lost) {
    if (range.last - range.first >= kMendedMax) return false;
  }
  if (state.damage.snapshot_lost > Index(0)) MendSnapshot(storage, state);
  for (const LostRange& range : state.damage.lost) MendEntries(storage, range, state);
  return true;
}

void Run(std::string_view bytes) {
  MemoryDirectory directory;
  {
    auto opened = Storage::Open(directory, kOptions, Owner());
    GRASS_CHECK_MSG(opened.ok(), std::string(opened.status().message()));
    Fill(*opened->storage);
  }
  Damage(directory, Bytewise(bytes));
  std::optional<RecoveredState> first;
  {
    auto opened = Storage::Open(directory, kOptions, Owner());
    if (!opened.ok()) return;
    first = std::move(opened->state);
    CheckWhole(*first);
    if (!Mend(*opened->storage, *first)) return;
  }
  const auto again = Storage::Open(directory, kOptions, Owner());
  GRASS_CHECK_MSG(again.ok(), std::string(again.status().message()));
  GRASS_CHECK(again->state.damage.empty());
  GRASS_CHECK(again->state.hard_state == first->hard_state);
  GRASS_CHECK(again->state.snapshot == first->snapshot);
  GRASS_CHECK_EQ(again->state.base_index, first->base_index);
  GRASS_CHECK(again->state.entries == first->entries);
}

}  // namespace
}  // namespace grassdb::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  grassdb::store::Run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
