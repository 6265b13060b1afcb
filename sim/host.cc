#include "sim/host.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/hash.h"
#include "sim/checkers/damage_noticed.h"
#include "sim/checkers/full_disk.h"
#include "sim/checkers/justified_refusal.h"
#include "sim/checkers/letting_go.h"
#include "sim/checkers/shutdown.h"
#include "sim/checkers/staging.h"
#include "sim/checkers/told.h"
#include "sim/fault_atlas.h"
#include "sim/offline.h"
#include "store/names.h"

namespace grassdb::sim {
namespace {

// What a host's keyed decisions are about. Append, never renumber.
enum HostDecision : std::uint64_t {
  kDrift = 1,
  kBase = 2,
  kDeadlineFirst = 3,
  kTimeouts = 4,
  kLogFormat = 5,
  kOffline = 6,
};

const absl::Status& StatusOf(const DiskDone& done) {
  return std::visit([](const auto& value) -> const absl::Status& { return value.status; }, done);
}

std::uint64_t NumberOf(const DiskDone& done) {
  if (const auto* persist = std::get_if<PersistDone>(&done)) return persist->id.value();
  if (const auto* stage = std::get_if<StageDone>(&done)) return stage->index.value();
  if (const auto* publish = std::get_if<PublishDone>(&done)) return publish->meta.index.value();
  if (const auto* read = std::get_if<SnapshotRead>(&done)) return read->index.value();
  if (const auto* restock = std::get_if<RestockDone>(&done)) return restock->more ? 1 : 0;
  if (const auto* entries = std::get_if<EntriesRead>(&done)) {
    return entries->wanted.first.value() + entries->entries.size();
  }
  if (const auto* scrub = std::get_if<ScrubDone>(&done)) return scrub->bytes;
  return 0;
}

}  // namespace

Host::Host(std::uint32_t number, const Plan& plan, const Identity& identity, EventQueue* queue,
           Recorder* recorder, HostOwner* owner)
    : number_(number),
      plan_(plan),
      identity_(identity),
      random_(plan.seed, plan.tape),
      queue_(queue),
      recorder_(recorder),
      owner_(owner),
      disk_(plan.disk, Keyed(plan.seed, plan.tape), number, &recorder->counters,
            &recorder->choices) {}

Host::~Host() = default;

NodeOptions Host::OptionsOfThisLife() const {
  NodeOptions options = plan_.node;
  options.raft.id = identity_.node;
  options.raft.seed = random_(Stream::kRaftSeed, number_, life_);
  // Its own for good: a lease trusts what a follower has said it would do, restarts included.
  const std::uint64_t percent =
      Between(random_(Stream::kHost, number_, kTimeouts), plan_.timeout_percent_min, 100);
  options.raft.election_timeout_min =
      options.raft.election_timeout_min * static_cast<Duration::rep>(percent) / 100;
  return options;
}

void Host::Boot() {
  GRASS_CHECK(down());
  ++life_;
  recorder_->Note(LineKind::kBooted, number_, life_);
  const std::int64_t drift_max = drifts_ ? plan_.clock.drift_ppm_max : 0;
  const auto drift =
      static_cast<std::int64_t>(Between(random_(Stream::kClock, number_, kDrift, life_), 0,
                                        static_cast<std::uint64_t>(2 * drift_max))) -
      drift_max;
  const Duration base =
      Between(random_(Stream::kClock, number_, kBase, life_), Duration(0), plan_.clock.offset_max);
  clock_ = DriftingClock(queue_->now(), Instant(base), drift);
  OpenStorage(queue_->now() + plan_.process_start);
}

void Host::OpenStorage(TrueTime from) {
  state_ = State::kRecovering;
  const bool is_new = !disk_.Holds(store::FileNames(identity_.node_name).Identity());
  std::optional<Offline> offline;
  if (!is_new && Bounded(random_(Stream::kHost, number_, kOffline, life_), 4) == 0) {
    offline.emplace(disk_, identity_.node_name, plan_.storage);
  }
  const std::uint64_t slips = ReadSlips();
  disk_.BeginJob(from);
  store::StorageOptions options = plan_.storage;
  options.on_damage = store::OnDamage::kReport;
  options.log_memory_bytes = plan_.node.log_memory_bytes;
  writes_old_format_ = Chance(random_(Stream::kHost, number_, kLogFormat, life_), plan_.old_format);
  if (writes_old_format_) options.log_format = 1;
  absl::StatusOr<store::Opened> opened = store::Storage::Open(disk_, options, identity_);
  const TrueTime end = EndJob();
  if (disk_.TakeMet()) {
    recorder_->Note(LineKind::kDamageMet, number_, 1);
    met_ = DamageMet::kYes;
  }
  if (opened.ok()) {
    storage_ = std::move(opened->storage);
    recovered_ = std::move(opened->state);
  } else {
    JudgeRefusal(opened.status(), is_new ? Recovery::Directory::kNew : Recovery::Directory::kOld,
                 slips);
  }
  // What a failing or full disk refuses, nobody was shown.
  const bool sees = ReadSlips() == slips && !absl::IsInternal(opened.status()) &&
                    !absl::IsResourceExhausted(opened.status());
  if (offline.has_value() && sees && plan_.white_box) {
    offline->Check(Told(told::kRecoveredBesideOffline, opened.ok() ? &*recovered_ : nullptr));
  }
  queue_->Push(end, EventType::kHostStart, number_, life_);
}

// Damage is no reason for what would be refused without it too: an error of the disk, or, of a new
// directory, want of room.
void Host::JudgeRefusal(const absl::Status& status, Recovery::Directory directory,
                        std::uint64_t slips) {
  if (met_ == DamageMet::kNo || Recovery::NeedsNoDamage(status, directory)) {
    return Recovery::CheckOpening(number_, Told(told::kOpening, status), directory);
  }
  Counters& counters = recorder_->counters;
  if (ReadSlips() != slips) {
    ++counters.refused_read;
    return;
  }
  const auto over =
      JustifiedRefusal::Check(identity_.node_name, disk_.path(), Told(told::kRefusal, status),
                              [this](std::string_view name) { return disk_.Show(name); });
  ++(over == JustifiedRefusal::Over::kIdentity ? counters.refused_identity : counters.refused_log);
}

void Host::OnStartEvent(std::uint64_t life) {
  if (life != life_ || state_ != State::kRecovering) return;
  if (disk_hangs_) {
    held_ = EventType::kHostStart;
    return;
  }
  if (!recovered_.has_value()) {
    recorder_->Note(LineKind::kOpenFailed, number_);
    ReportFailure();
    return;
  }
  RecoveredState state = *std::move(recovered_);
  recovered_.reset();
  if (state.damage.empty()) {
    StartNode(std::move(state));
  } else {
    StartRepair(std::move(state));
  }
}

Environment Host::Sockets() {
  Environment environment;
  environment.clock = this;
  environment.network = this;
  environment.disk = this;
  environment.clients = this;
  environment.trace = this;
  return environment;
}

void Host::StartRepair(RecoveredState state) {
  state_ = State::kMending;
  ++recorder_->counters.repairs;
  owner_->OnDamaged(number_, state, met_);
  repair_ = std::make_unique<Repair>(OptionsOfThisLife(), std::move(state), Sockets());
  repair_->Start();
  ArmTimer();
}

void Host::StartNode(RecoveredState state) {
  state_ = State::kUp;
  owner_->OnRecovered(number_, state, std::exchange(met_, DamageMet::kNo));
  const Index snapshot = state.snapshot.has_value() ? state.snapshot->index : Index();
  recorder_->Note(LineKind::kStarted, number_, life_, state.hard_state.term.value(),
                  state.last().index.value(), snapshot.value());
  node_ = std::make_unique<Node>(OptionsOfThisLife(), std::move(state), Sockets());
  node_->Start();
  node_->Flush();
  owner_->AfterStep(number_);
  ArmTimer();
}

void Host::ReportFailure() {
  if (met_ == DamageMet::kYes) {
    owner_->OnDamageFound(number_);
  } else {
    owner_->OnNodeFailed(number_);
  }
}

// The node and the storage go first: what they hold of the disk must be closed when it crashes.
void Host::Crash(CrashKind kind) {
  GRASS_CHECK(!down());
  GRASS_CHECK(!stepping_);
  ++recorder_->counters.crashes;
  recorder_->Note(LineKind::kCrashed, number_, static_cast<std::uint64_t>(kind));
  node_.reset();
  repair_.reset();
  storage_.reset();
  // A recovery may have removed the damage that it met, and nobody knows of it yet.
  if (up()) met_ = DamageMet::kNo;
  recovered_.reset();
  inbox_.clear();
  persists_.clear();
  snapshot_jobs_.clear();
  running_.reset();
  running_durable_ = false;
  installs_ = false;
  scrubbing_.Forget();
  disk_failed_ = false;
  held_.reset();
  paused_ = false;
  stopping_ = false;
  stop_by_ = Instant::max();
  work_scheduled_ = false;
  busy_until_ = TrueTime();
  armed_ = Instant::max();
  timer_at_ = kNever;
  state_ = State::kDown;
  disk_.Crash(queue_->now(), kind, life_);
}

void Host::Wipe() {
  GRASS_CHECK(down());
  disk_.Wipe();
  met_ = DamageMet::kNo;
  // Neither greater nor smaller than the one before: incarnations have no order.
  const std::uint64_t drawn =
      KeyedRandom(identity_.secret, identity_.node.value(), identity_.incarnation.value());
  identity_.incarnation = Incarnation(std::max<std::uint64_t>(drawn, 1));
}

void Host::RestoreDisk(const SavedDisk& disk) {
  GRASS_CHECK(down());
  disk_.Restore(disk.image);
  met_ = disk.met;
}

// --- Inputs ---

template <class T>
void Host::Enqueue(T input) {
  inbox_.emplace_back(std::in_place_type<T>, std::move(input));
  ScheduleWork();
}

void Host::Deliver(Message message) {
  if (runs()) Enqueue(std::move(message));
}

void Host::Request(RequestId id, ClientRequest request) {
  GRASS_CHECK(up());
  Enqueue(ClientInput{id, std::move(request)});
}

void Host::Backup(RequestId id, const BackupRequest& request) {
  GRASS_CHECK(up());
  Enqueue(BackupInput{id, request});
}

void Host::ScheduleWork() {
  if (paused_ || work_scheduled_) return;
  if (busy_until_ <= queue_->now()) {
    Work();
    return;
  }
  work_scheduled_ = true;
  queue_->Push(busy_until_, EventType::kHostWork, number_, life_);
}

void Host::OnWorkEvent(std::uint64_t life) {
  if (life != life_ || !runs()) return;
  work_scheduled_ = false;
  if (!paused_) Work();
}

void Host::OnTimerEvent(std::uint64_t life) {
  if (life != life_ || !runs() || queue_->now() != timer_at_) return;
  armed_ = Instant::max();
  timer_at_ = kNever;
  if (Now() >= NextDeadline()) {
    ScheduleWork();
  } else {
    ArmTimer();
  }
}

void Host::Work() {
  GRASS_CHECK(runs());
  const Duration cost = plan_.processing * slowness_;
  busy_until_ = queue_->now() + cost * static_cast<Duration::rep>(inbox_.size() + 1);
  if (mending()) return StepRepair();
  StepBatch();
  owner_->AfterStep(number_);
  if (node_->failed()) {
    recorder_->Note(LineKind::kNodeFailed, number_);
    ReportFailure();
    return;
  }
  if (stopping_ && node_->ReadyToStop()) return EndShutdown();
  // What hangs at the disk holds it up, and is no fault of its own.
  if (stopping_ && !disk_hangs_) Shutdown::CheckTime(number_, Now(), Told(told::kStopBy, stop_by_));
  ArmTimer();
}

void Host::BeginShutdown() {
  if (stop_by_ == Instant::max()) {
    stop_by_ = Now() + plan_.node.raft.election_timeout_max;
    stopped_leading_ = node_->raft().role() == Role::kLeader;
  }
  node_->BeginShutdown();
}

void Host::EndShutdown() {
  ++recorder_->counters.stops;
  if (stopped_leading_) ++recorder_->counters.stops_led;
  if (stopped_leading_ && node_->raft().role() == Role::kFollower) {
    ++recorder_->counters.handed_over;
  }
  owner_->OnStopped(number_);
}

Instant Host::NextDeadline() const {
  return mending() ? repair_->NextDeadline() : node_->NextDeadline();
}

void Host::StepRepair() {
  stepping_ = true;
  batch_.swap(inbox_);
  for (Input& input : batch_) {
    if (auto* message = std::get_if<Message>(&input)) {
      repair_->OnMessage(std::move(*message));
    } else if (auto* done = std::get_if<DiskDone>(&input)) {
      repair_->OnDisk(std::move(*done));
    }
  }
  batch_.clear();
  repair_->OnDeadline();
  stepping_ = false;
  if (repair_->failed()) {
    FullDisk::CheckRepairFailure(number_, Told(told::kRepairFailure, repair_->failure()));
    recorder_->Note(LineKind::kNodeFailed, number_);
    return ReportFailure();
  }
  if (!repair_->done()) return ArmTimer();
  // What is at the disk for others, and what is under way to here, ends with this life.
  repair_.reset();
  storage_.reset();
  inbox_.clear();
  persists_.clear();
  snapshot_jobs_.clear();
  running_.reset();
  running_durable_ = false;
  installs_ = false;
  armed_ = Instant::max();
  timer_at_ = kNever;
  ++life_;
  OpenStorage(std::max(queue_->now(), disk_.busy_until()));
}

void Host::StepBatch() {
  stepping_ = true;
  batch_.swap(inbox_);
  const bool due = Now() >= node_->NextDeadline();
  const bool deadline_first =
      due &&
      Bounded(random_(Stream::kHost, number_, kDeadlineFirst, Nanoseconds(queue_->now())), 2) == 0;
  if (deadline_first) node_->OnDeadline();
  for (Input& input : batch_) {
    if (auto* message = std::get_if<Message>(&input)) {
      owner_->OnTakes(number_, *message);
      node_->OnMessage(std::move(*message));
      owner_->OnTook(number_);
    } else if (auto* client = std::get_if<ClientInput>(&input)) {
      if (std::holds_alternative<ChangeMembershipRequest>(client->request) &&
          !owner_->MayChangeMembership()) {
        continue;
      }
      owner_->OnTakesRequest(number_, client->id);
      node_->OnClient(client->id, std::move(client->request));
    } else if (auto* backup = std::get_if<BackupInput>(&input)) {
      node_->OnBackup(backup->id, backup->request);
    } else {
      const bool publishes = std::holds_alternative<PublishDone>(std::get<DiskDone>(input));
      node_->OnDisk(std::get<DiskDone>(std::move(input)));
      if (publishes) CheckLetGo();
    }
  }
  batch_.clear();
  if (due && !deadline_first) node_->OnDeadline();
  if (stopping_) BeginShutdown();
  node_->Flush();
  stepping_ = false;
}

// Events cannot be taken back. When the deadline moves nearer another one is pushed, and the older
// one is passed over when it comes. One that comes too early, because the deadline has moved away
// meanwhile, costs a look at the node and is armed again.
void Host::ArmTimer() {
  const Instant deadline = NextDeadline();
  if (deadline >= armed_) return;
  const TrueTime when = clock_.When(deadline);
  if (when == kNever) return;  // until the clock goes on
  armed_ = deadline;
  timer_at_ = std::max(when, queue_->now());
  queue_->Push(timer_at_, EventType::kHostTimer, number_, life_);
}

// --- The disk ---

void Host::NoteInstalls(const DiskJob& job) {
  if (const auto* persist = std::get_if<Persist>(&job)) installs_ |= persist->install.has_value();
  const auto* stage = std::get_if<StageSnapshot>(&job);
  if (!plan_.white_box || stage == nullptr || stage->source != SnapshotSource::kReceived) return;
  Staging::CheckStage(number_, stage->meta.index, Told(told::kInstalls, installs_));
}

void Host::Send(Message message) {
  const auto* answer = std::get_if<InstallSnapshotResponse>(&message.body);
  if (plan_.white_box && answer != nullptr && !answer->installed && !mending()) {
    Staging::CheckAsk(number_, answer->snapshot_index, Told(told::kInstallsAndAsks, installs_));
  }
  owner_->OnSend(number_, std::move(message));
}

// Before its newest record, as a process can read it.
bool Host::LiveLogIsDamaged() {
  if (!disk_.IsDamaged()) return false;
  const std::string name = store::FileNames(identity_.node_name).Live();
  const auto shown = disk_.Show(name);
  if (!shown.has_value()) return false;
  const Extent newest = FaultAtlas::NewestRecord(identity_.node_name, name, shown->sound);
  const std::string_view legible(shown->legible);
  return legible.substr(0, newest.begin) != std::string_view(shown->sound).substr(0, newest.begin);
}

void Host::NoteScrub(const ScrubDone& done) {
  if (!plan_.white_box) return;
  scrubbing_.OnPiece(done);
  if (done.pass_done) {
    scrubbing_.OnPassEnded(number_, Told(told::kLiveLogIsDamaged, LiveLogIsDamaged()));
  }
}

void Host::CheckLetGo() const {
  if (!plan_.white_box || node_->failed()) return;
  LettingGo::Check(number_, released_, Told(told::kLogBegins, node_->raft().log().base_index()));
}

// A job that has failed ends the node, which lets go of everything.
void Host::CheckFiles() {
  const std::optional<std::string> open = disk_.TakeOpenAndGone();
  if (!plan_.white_box || !StatusOf(*running_).ok()) return;
  LettingGo::CheckFiles(number_, Told(told::kOpenAndGone, open));
}

void Host::Submit(DiskJob job) {
  NoteInstalls(job);
  const bool writes_log =
      std::holds_alternative<Persist>(job) || std::holds_alternative<MendLog>(job);
  (writes_log ? persists_ : snapshot_jobs_).push_back(std::move(job));
  if (!running_.has_value()) StartNextJob();
}

void Host::StartNextJob() {
  std::deque<DiskJob>& source = persists_.empty() ? snapshot_jobs_ : persists_;
  if (source.empty() || disk_failed_ || disk_hangs_) return;
  DiskJob job = std::move(source.front());
  source.pop_front();
  running_durable_ = std::holds_alternative<Persist>(job) ||
                     std::holds_alternative<PublishSnapshot>(job) ||
                     std::holds_alternative<MendLog>(job);
  if (running_durable_) owner_->OnDurableJobBegins(number_, job);
  if (const auto* publish = std::get_if<PublishSnapshot>(&job)) {
    released_ = publish->release_through;
  }
  disk_.BeginJob(queue_->now());
  running_ = storage_->Execute(std::move(job));
  CheckFiles();
  // A scrub also reads what no record stands in, and who reads entries more than it makes use of;
  // the node goes on with what they find.
  const bool looks = std::holds_alternative<ScrubDone>(*running_) ||
                     std::holds_alternative<EntriesRead>(*running_);
  if (const auto* scrub = std::get_if<ScrubDone>(&*running_)) NoteScrub(*scrub);
  if (disk_.TakeMet() && !looks) {
    recorder_->Note(LineKind::kDamageMet, number_);
    DamageNoticed::CheckJob(number_, Told(told::kJobOnDamage, StatusOf(*running_)));
    met_ = DamageMet::kYes;
  }
  queue_->Push(EndJob(), EventType::kDiskDone, number_, life_);
}

TrueTime Host::EndJob() {
  const TrueTime end = disk_.EndJob();
  if (const auto sprung = disk_.TakeSprung()) {
    queue_->Push(*sprung, EventType::kTrapSprings, number_, life_);
  }
  return end;
}

void Host::OnDiskEvent(std::uint64_t life) {
  if (life != life_ || !runs()) return;
  GRASS_CHECK(running_.has_value());
  if (disk_hangs_) {
    held_ = EventType::kDiskDone;
    return;
  }
  DiskDone done = *std::move(running_);
  running_.reset();
  const bool ok = StatusOf(done).ok();
  recorder_->Note(LineKind::kDiskFinished, number_, done.index(), NumberOf(done), ok ? 1 : 0);
  recorder_->fingerprint.AddAll(done.index(), NumberOf(done), ok ? 1 : 0);
  const bool refused = absl::IsResourceExhausted(StatusOf(done));
  // One that was refused comes again.
  if (std::holds_alternative<PersistDone>(done) && ok) installs_ = false;
  if (running_durable_ && ok) owner_->OnDurableJobDone(number_);
  if (running_durable_ && refused) owner_->OnDurableJobRefused(number_);
  // After a failed write nothing more is tried: the node stops as soon as it hears of it.
  const bool reads =
      std::holds_alternative<SnapshotRead>(done) || std::holds_alternative<EntriesRead>(done);
  if (!ok && !refused && !reads) disk_failed_ = true;
  StartNextJob();
  Enqueue(std::move(done));
}

// --- Faults ---

void Host::LetDiskGoOn() {
  if (!std::exchange(disk_hangs_, false)) return;
  // It could not get ready meanwhile.
  if (stop_by_ != Instant::max()) stop_by_ = Now() + plan_.node.raft.election_timeout_max;
  if (const auto held = std::exchange(held_, std::nullopt)) {
    queue_->Push(queue_->now(), *held, number_, life_);
  } else if (runs() && !running_.has_value()) {
    StartNextJob();
  }
}

void Host::Stop() {
  if (!up()) return;
  stopping_ = true;
  ScheduleWork();
}

void Host::Pause() {
  paused_ = true;
}

void Host::Resume() {
  if (!paused_) return;
  paused_ = false;
  if (runs()) ScheduleWork();
}

void Host::LetClockGoOn(GoOn how) {
  if (!clock_.stands()) return;  // another life has another clock
  const Duration stood = queue_->now() - clock_.stopped_at();
  clock_.GoOn(queue_->now(), how == GoOn::kCaughtUp ? stood : Duration(0));
  JumpClock(Duration(0));
}

void Host::JumpClock(Duration by) {
  clock_.JumpAhead(by);
  if (!runs()) return;
  armed_ = Instant::max();
  ArmTimer();
}

void Host::Heal() {
  disk_.Heal();
  LetDiskGoOn();
  slowness_ = 1;
  drifts_ = false;
  clock_.RunTrue(queue_->now());
  JumpClock(Duration(0));  // what the node waits for comes at another time now
  Resume();
}

}  // namespace grassdb::sim
