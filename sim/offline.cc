#include "sim/offline.h"

#include <memory>
#include <utility>

#include "core/kv_snapshot.h"
#include "sim/violation.h"
#include "store/backup_file.h"
#include "store/stored_state.h"

namespace grassdb::sim {
namespace {

constexpr const char* kRule = "offline";
constexpr std::size_t kSliceBytes = 1000;
// Keys nothing: a copy draws nothing that counts.
constexpr std::uint64_t kNoSeed = 0;

std::string Text(const absl::Status& status) {
  return std::string(status.message());
}

absl::Status WriteBackup(store::Directory& directory, const std::string& file,
                         const store::BackupOrigin& origin, KvStore* state) {
  auto writer = store::BackupWriter::Start(directory, file, origin);
  if (!writer.ok()) return writer.status();
  KvSnapshotWriter stream = KvSnapshotWriter::Begin(*state);
  while (!stream.done()) {
    const Bytes slice = stream.Next(*state, kSliceBytes);
    if (absl::Status s = (*writer)->Append(slice.view()); !s.ok()) return s;
  }
  return (*writer)->Finish();
}

absl::StatusOr<KvStore> ReadBackup(store::BackupReader& backup) {
  KvSnapshotReader reader{KvOptions()};
  while (true) {
    const absl::StatusOr<Bytes> slice = backup.Next();
    if (!slice.ok()) return slice.status();
    if (slice->empty()) return std::move(reader).Finish();
    if (absl::Status s = reader.Feed(slice->view()); !s.ok()) return s;
  }
}

}  // namespace

Offline::Offline(const SimDisk& disk, std::string name, const store::StorageOptions& options)
    : name_(std::move(name)),
      options_(options),
      disk_(DiskPlan(), Keyed(kNoSeed), 0, &counters_, &choices_) {
  disk_.BecomeCopyOf(disk);
  disk_.BeginJob(TrueTime());
  Examine();
  BackUpAndRestore();
  disk_.EndJob();
}

void Offline::Fail(const std::string& problem) {
  if (problem_.empty()) problem_ = problem;
}

void Offline::Examine() {
  absl::StatusOr<store::Survey> survey = store::Examine(disk_, name_);
  if (!survey.ok()) return Fail("cannot be examined: " + Text(survey.status()));
  survey_ = *std::move(survey);
  if (!survey_.identity.has_value()) return;
  const auto logs = store::ReadLogFiles(disk_, store::FileNames(name_), *survey_.identity);
  if (!logs.ok()) return Fail("its log cannot be read: " + Text(logs.status()));
  for (const store::LogFile& log : *logs) {
    store::WalkSegment(log.file.bytes, log.salt, log.file.role, [&](const store::LogPlace& place) {
      if (place.record.has_value() || survey_.damaged()) return;
      Fail(log.file.name + " holds what is no record at " + Decimal(place.offset) +
           ", and nothing is found damaged: " + place.problem);
    });
  }
}

void Offline::BackUpAndRestore() {
  absl::StatusOr<store::StoredState> loaded = store::LoadState(disk_, name_);
  loading_ = loaded.status();
  if (!loaded.ok()) return;
  last_ = loaded->last;
  const std::string file = "backup";
  const store::BackupOrigin origin{.cluster = loaded->identity.cluster,
                                   .cluster_name = loaded->identity.cluster_name,
                                   .node_name = name_,
                                   .position = loaded->last,
                                   .id = 7};
  if (absl::Status s = WriteBackup(disk_, file, origin, &loaded->state); !s.ok()) {
    return Fail("its state cannot be backed up: " + Text(s));
  }
  if (!absl::IsAlreadyExists(WriteBackup(disk_, file, origin, &loaded->state))) {
    return Fail("a backup takes the place of another one");
  }
  Restore(&loaded->state, file);
}

void Offline::Restore(KvStore* state, const std::string& backup) {
  const auto reader = store::BackupReader::Open(disk_, backup);
  if (!reader.ok()) return Fail("its backup cannot be opened: " + Text(reader.status()));
  if ((*reader)->origin().position != last_) return Fail("its backup is of another position");
  absl::StatusOr<KvStore> read = ReadBackup(**reader);
  if (!read.ok()) return Fail("its backup cannot be read: " + Text(read.status()));
  if (read->digest() != state->digest()) return Fail("its backup holds another state");
  if (last_.index == Index()) return;
  SimDisk disk(DiskPlan(), Keyed(kNoSeed), 0, &counters_, &choices_);
  disk.BeginJob(TrueTime());
  Identity identity = *survey_.identity;
  identity.cluster_name = "restored";
  identity.cluster = ClusterIdOf(identity.bootstrap, identity.cluster_name);
  const SnapshotMeta meta{.index = last_.index + store::kNewHistoryGap,
                          .term = last_.term,
                          .configuration = identity.bootstrap,
                          .configuration_index = {}};
  const HardState hard_state{.term = last_.term, .voted_for = {}, .founder = true};
  const absl::Status begun = store::BeginWith(disk, options_, identity, hard_state, meta, *read);
  if (!begun.ok()) return Fail("its backup cannot be restored: " + Text(begun));
  const absl::StatusOr<store::StoredState> restored = store::LoadState(disk, name_);
  disk.EndJob();
  if (!restored.ok()) return Fail("its restored node has no state: " + Text(restored.status()));
  if (restored->state.digest() != state->digest() || restored->last != store::PositionOf(meta)) {
    Fail("its restored node has another state");
  }
}

void Offline::Check(const RecoveredState* recovered) const {
  const std::string whose = "the disk of " + name_ + " ";
  GRASS_RULE(kRule, problem_.empty(), whose + problem_);
  const bool whole = recovered != nullptr && recovered->damage.empty();
  GRASS_RULE(kRule, survey_.start.ok() == whole,
             whose +
                 (whole ? "is whole for recovery, and is said not to be: "
                        : "is damaged for recovery, and is said to be whole") +
                 Text(survey_.start));
  GRASS_RULE(kRule, loading_.ok() == whole,
             whose + (whole ? "has no state to back up: " : "has a state for all its damage") +
                 Text(loading_));
  if (!whole) return;
  LogPosition last{.index = recovered->base_index, .term = recovered->base_term};
  if (!recovered->entries.empty()) {
    last = {.index = recovered->entries.back().index, .term = recovered->entries.back().term};
  }
  GRASS_RULE(kRule, survey_.hard_state == recovered->hard_state && survey_.last == last,
             whose + "is said to end at index " + Decimal(survey_.last.index.value()) +
                 "; recovery gives index " + Decimal(last.index.value()));
}

}  // namespace grassdb::sim
