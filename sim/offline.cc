#include "sim/offline.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/kv_snapshot.h"
#include "sim/checkers/offline_rules.h"
#include "sim/checkers/told.h"
#include "store/backup_file.h"
#include "store/io.h"
#include "store/salvage.h"
#include "store/stored_state.h"

namespace grassdb::sim {
namespace {

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

std::string TextOf(const KvStore& state) {
  return Decimal(state.size()) + " keys, " + Decimal(state.sessions()) + " sessions, revision " +
         Decimal(state.revision().value()) + " at " + Decimal(state.time());
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
  if (absl::IsDataLoss(loading_)) {
    SimDisk whole(DiskPlan(), Keyed(kNoSeed), 0, &counters_, &choices_);
    whole.BecomeCopyOf(disk);
    whole.Undamage();
    whole.BeginJob(TrueTime());
    Salvage(whole);
    whole.EndJob();
  }
  StartByMistake();
  disk_.EndJob();
}

void Offline::Fail(const std::string& problem) {
  if (problem_.empty()) problem_ = problem;
}

void Offline::Examine() {
  absl::StatusOr<store::Survey> survey = store::Examine(disk_, name_);
  if (!survey.ok()) return Fail("cannot be examined: " + Text(survey.status()));
  survey_ = *std::move(survey);
  const auto files = disk_.List();
  if (!files.ok() || store::NodesIn(*files) != std::vector<std::string>{name_}) {
    Fail("is not seen to be of one node");
  }
  if (!survey_.identity.has_value()) return;
  const auto walk = [&](const store::LogFile& log) {
    store::WalkSegment(log.file.bytes, log.salt, log.file.role, [&](const store::LogPlace& place) {
      if (place.record.has_value() || survey_.damaged()) return;
      Fail(log.file.name + " holds what is no record at " + Decimal(place.offset) +
           ", and nothing is found damaged: " + place.problem);
    });
  };
  const absl::Status read =
      store::VisitLogFiles(disk_, store::FileNames(name_), *survey_.identity, walk);
  if (!read.ok()) Fail("its log cannot be read: " + Text(read));
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
  absl::StatusOr<KvStore> read = (*reader)->ReadState();
  if (!read.ok()) return Fail("its backup cannot be read: " + Text(read.status()));
  if (read->digest() != state->digest()) return Fail("its backup holds another state");
  DamageBackup(backup);
  if (last_.index == Index()) return;
  read->ForgetSessions();
  read->Advance(store::kNewHistoryGap);
  const std::uint64_t digest = read->digest();
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
  if (restored->state.digest() != digest || restored->last != store::PositionOf(meta)) {
    Fail("its restored node has another state");
  }
}

void Offline::Salvage(SimDisk& whole) {
  const absl::StatusOr<store::Salvaged> salvaged = store::LoadUpToDamage(disk_, name_);
  if (!salvaged.ok()) {
    if (!absl::IsDataLoss(salvaged.status())) Fail("is not salvaged: " + Text(salvaged.status()));
    return;
  }
  if (!salvaged->damaged()) return Fail("is damaged, and nothing of it is said to be");
  const LogPosition kept = salvaged->kept.last;
  if (salvaged->known_end < kept.index) return Fail("keeps what is said not to be there");
  const absl::StatusOr<store::StoredState> sound = store::LoadState(whole, name_, kept.index);
  // Where the damage hides that the log was cut, what is kept of it may have been cut too. And a
  // snapshot was taken with this seed's limits of sessions, which no offline tool knows of: what
  // such a session then does is not what the log by itself makes of it.
  if (!sound.ok() || sound->last != kept || sound->snapshot != salvaged->kept.snapshot) return;
  if (salvaged->kept.state.digest() != sound->state.digest()) {
    Fail("keeps " + TextOf(salvaged->kept.state) + " through index " + Decimal(kept.index.value()) +
         ", where it had " + TextOf(sound->state));
  }
}

// One bit of it, somewhere.
void Offline::DamageBackup(const std::string& backup) {
  auto bytes = store::ReadWholeFile(disk_, backup);
  if (!bytes.ok()) return Fail("its backup cannot be read: " + Text(bytes.status()));
  const std::size_t at = last_.index.value() * 7919 % bytes->size();
  (*bytes)[at] = static_cast<char>((*bytes)[at] ^ 4);
  const std::string damaged = "damaged";
  const auto file = disk_.Open(damaged, store::OpenMode::kCreate);
  if (!file.ok() || !store::WriteOne(**file, 0, *bytes).ok()) return Fail("has no room");
  const auto reader = store::BackupReader::Open(disk_, damaged);
  if (reader.ok() && (*reader)->ReadState().ok()) Fail("its backup is read with a flipped bit");
}

void Offline::StartByMistake() {
  if (!survey_.identity.has_value() || survey_.last.index == Index()) return;
  const auto before = disk_.List();
  Identity other = *survey_.identity;
  other.cluster_name = "another";
  other.cluster = ClusterIdOf(other.bootstrap, other.cluster_name);
  const auto as_another = store::Storage::Open(disk_, options_, other);
  if (!absl::IsFailedPrecondition(as_another.status())) {
    Fail("is taken by a node of another cluster: " + Text(as_another.status()));
  }
  if (!disk_.Remove(store::FileNames(name_).Identity()).ok()) return Fail("keeps a file");
  const auto without = store::Storage::Open(disk_, options_, *survey_.identity);
  if (!absl::IsFailedPrecondition(without.status())) {
    Fail("is begun anew where its identity file is missing: " + Text(without.status()));
  }
  const auto survey = store::Examine(disk_, name_);
  if (!survey.ok() || survey->start.ok() || survey->findings.empty()) {
    Fail("is found sound without its identity file");
  }
  auto after = disk_.List();
  if (before.ok() && after.ok()) {
    after->push_back(store::FileNames(name_).Identity());
    std::ranges::sort(*after);
    if (*after != *before) Fail("has other files after a start that was refused");
  }
}

void Offline::Check(const RecoveredState* recovered) const {
  const std::string whose = "the disk of " + name_ + " ";
  OfflineRules::CheckCopy(whose, Told(told::kProblemOffline, problem_));
  const bool whole = recovered != nullptr && recovered->damage.empty();
  const bool sound = survey_.start.ok() && survey_.damage.empty();
  OfflineRules::CheckWhole(whose, sound, whole, survey_.start);
  OfflineRules::CheckState(whose, Told(told::kStateOffline, loading_.ok()), whole, loading_);
  if (!whole) return;
  const LogPosition last = recovered->last();
  OfflineRules::CheckEnd(whose, survey_.hard_state == recovered->hard_state && survey_.last == last,
                         survey_.last.index, last.index);
}

}  // namespace grassdb::sim
