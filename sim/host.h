// Host: one simulated machine. It has a disk that outlives its node, a clock, and, while it is up,
// the real store::Storage and the real Node on top of them. It is all four sockets of that Node at
// once.
//
//     down --Boot--> recovering --(recovery's I/O time)--> up --Crash--> down
//                     ^    |
//                     |    +--(something is lost)--> mending --+
//                     +----(the storage is opened again)-------+
//
// While mending there is a Repair in the Node's place (core/repair.h).
//
// Inputs (messages, requests, disk completions, deadlines) wait in an inbox while the node is busy
// or paused; what has gathered is stepped as one batch with one Flush, as the server does it.
#ifndef GRASSDB_SIM_HOST_H_
#define GRASSDB_SIM_HOST_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/environment.h"
#include "core/node.h"
#include "core/repair.h"
#include "sim/checkers/recovery.h"
#include "sim/checkers/scrubbing.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/event_queue.h"
#include "sim/plan.h"
#include "sim/recorder.h"
#include "store/storage.h"

namespace grassdb::sim {

// Who hears of what a host does. Nothing of it is called from inside a step of another host.
class HostOwner {
 public:
  virtual ~HostOwner() = default;
  virtual void OnSend(std::uint32_t host, Message message) = 0;
  virtual void OnAnswer(std::uint32_t host, RequestId request, Reply reply) = 0;
  virtual void OnRaftEvent(std::uint32_t host, Term term, const Event& event) = 0;
  // A Persist, a PublishSnapshot or a MendLog begins at the disk; no other one is under way on this
  // host.
  virtual void OnDurableJobBegins(std::uint32_t host, const DiskJob& job) = 0;
  // The job that began last is durable.
  virtual void OnDurableJobDone(std::uint32_t host) = 0;
  // There was no room for it.
  virtual void OnDurableJobRefused(std::uint32_t host) = 0;
  // Recovery has ended, and `state` says that something is lost.
  virtual void OnDamaged(std::uint32_t host, const RecoveredState& state, DamageMet met) = 0;
  // Recovery has ended and the node is about to be made from `state`.
  virtual void OnRecovered(std::uint32_t host, const RecoveredState& state, DamageMet met) = 0;
  // The node is up, or has taken a batch of inputs.
  virtual void AfterStep(std::uint32_t host) = 0;
  // Whether an operator asks for changes of the membership now. A request of one that is about to
  // be taken is lost otherwise.
  virtual bool MayChangeMembership() = 0;
  // The node has failed, or its recovery has: the owner should crash and boot the host.
  virtual void OnNodeFailed(std::uint32_t host) = 0;
  // The node was told to stop and is ready to: the owner should end the process.
  virtual void OnStopped(std::uint32_t host) = 0;
  // As OnNodeFailed, and it has said that its disk is damaged.
  virtual void OnDamageFound(std::uint32_t host) = 0;
  // The node, which is up, is about to be handed this.
  virtual void OnTakes(std::uint32_t host, const Message& message) = 0;
  // It has been, and has been handed nothing else since.
  virtual void OnTook(std::uint32_t host) = 0;
  virtual void OnTakesRequest(std::uint32_t host, RequestId request) = 0;
};

class Host final : private Clock, private Network, private Disk, private Clients, private Trace {
 public:
  // All of them outlive the host.
  Host(std::uint32_t number, const Plan& plan, const Identity& identity, EventQueue* queue,
       Recorder* recorder, HostOwner* owner);
  ~Host() override;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Down before. Opens the storage; the node starts when the I/Os of its recovery have ended.
  void Boot();
  // Whatever the host was doing. Down afterwards.
  void Crash(CrashKind kind);
  // Down. Its disk is replaced by an empty one.
  void Wipe();
  // What is durable now; and, down, the same disk as it was then. Where a read had failed, or was
  // another place's, the node may have begun to mend what is not damaged.
  struct SavedDisk {
    SimDisk::Image image;
    DamageMet met = DamageMet::kNo;
  };
  SavedDisk SaveDisk() { return {disk_.Save(queue_->now()), met_}; }
  void RestoreDisk(const SavedDisk& disk);
  // Also while it is up.
  void Damage(const Wound& wound) { disk_.Damage(queue_->now(), wound); }
  bool IsDamaged() { return disk_.IsDamaged(); }
  std::vector<SimDisk::DurableFile> DurableFiles() { return disk_.DurableFiles(queue_->now()); }
  // What is durable on its disk now, as SimDisk::BecomeDurableCopyOf.
  void CopyDurable(SimDisk* copy) { copy->BecomeDurableCopyOf(disk_, queue_->now()); }
  void SetGuard(const DamageGuard* guard) { disk_.SetGuard(guard); }

  void OnStartEvent(std::uint64_t life);
  void OnWorkEvent(std::uint64_t life);
  void OnTimerEvent(std::uint64_t life);
  void OnDiskEvent(std::uint64_t life);

  // For a node that is up, or mends its disk; dropped otherwise.
  void Deliver(Message message);
  void Request(RequestId id, ClientRequest request);
  void Backup(RequestId id, const BackupRequest& request);

  // Tells the node to stop, as an operator does; nothing unless it is up.
  void Stop();
  void Pause();
  void Resume();
  void SetSlowness(std::uint32_t factor) { slowness_ = factor; }
  void SetDiskSlowness(std::uint32_t factor) { disk_.SetSlowness(factor); }
  // The disk answers nothing, in this life and those that follow, until it goes on. What is under
  // way becomes durable all the same; nobody hears of it.
  void HangDisk() { disk_hangs_ = true; }
  void LetDiskGoOn();
  void LimitDiskRoom(std::uint64_t bytes) { disk_.LimitRoom(bytes); }
  void FreeDiskRoom() { disk_.FreeRoom(); }
  // The event kTrapSprings comes in the middle of that I/O (SimDisk::SetTrap).
  void SetTrap(IoType type, std::uint64_t passes) { disk_.SetTrap(type, passes); }
  void RemoveTrap() { disk_.RemoveTrap(); }
  void JumpClock(Duration by);
  bool ClockStands() const { return clock_.stands(); }
  void StopClock() { clock_.Stop(queue_->now()); }
  // A clock that stands goes on: where it stopped, or, kCaughtUp, about where it would be.
  enum class GoOn : std::uint8_t { kBehind = 1, kCaughtUp = 2 };
  void LetClockGoOn(GoOn how);
  // The disk fails no more, the clock runs true, nothing is slow or paused. Does not boot.
  void Heal();

  std::uint32_t number() const { return number_; }
  std::uint64_t life() const { return life_; }
  // Of the disk it has.
  const Identity& identity() const { return identity_; }
  // By this host's own clock.
  Instant LocalTime() const { return Now(); }
  bool down() const { return state_ == State::kDown; }
  bool up() const { return state_ == State::kUp; }
  bool stopping() const { return stopping_; }
  bool recovering() const { return state_ == State::kRecovering; }
  bool mending() const { return state_ == State::kMending; }
  // When the I/O that is under way ends.
  TrueTime disk_busy_until() const { return disk_.busy_until(); }
  bool disk_hangs() const { return disk_hangs_; }
  // In this life: the log as the version before does.
  bool writes_old_format() const { return writes_old_format_; }
  // Null unless up.
  const Node* node() const { return node_.get(); }
  // Null unless mending.
  const Repair* repair() const { return repair_.get(); }

 private:
  enum class State : std::uint8_t { kDown, kRecovering, kMending, kUp };
  struct ClientInput {
    RequestId id;
    ClientRequest request;
  };
  struct BackupInput {
    RequestId id;
    BackupRequest request;
  };
  using Input = std::variant<Message, ClientInput, BackupInput, DiskDone>;

  // The sockets.
  Instant Now() const override { return clock_.At(queue_->now()); }
  void Send(Message message) override;
  void Submit(DiskJob job) override;
  void Answer(RequestId request, Reply reply) override {
    owner_->OnAnswer(number_, request, std::move(reply));
  }
  void OnEvent(Term term, const Event& event) override {
    owner_->OnRaftEvent(number_, term, event);
  }

  void OpenStorage(TrueTime from);
  // Reads that were misdirected or have failed once, so far.
  std::uint64_t ReadSlips() const {
    return recorder_->counters.misreads + recorder_->counters.read_failures;
  }
  // Of a start; there had been so many before it.
  void JudgeRefusal(const absl::Status& status, Recovery::Directory directory, std::uint64_t slips);
  void StartNode(RecoveredState state);
  void StartRepair(RecoveredState state);
  void StepRepair();
  Environment Sockets();
  // Has somebody to step.
  bool runs() const { return up() || mending(); }
  Instant NextDeadline() const;
  template <class T>
  void Enqueue(T input);
  void ScheduleWork();
  void Work();
  void StepBatch();
  void ReportFailure();
  void BeginShutdown();
  void EndShutdown();
  void ArmTimer();
  void StartNextJob();
  TrueTime EndJob();
  NodeOptions OptionsOfThisLife() const;
  void NoteInstalls(const DiskJob& job);
  void NoteScrub(const ScrubDone& done);
  void CheckLetGo() const;
  void CheckFiles();
  bool LiveLogIsDamaged();

  const std::uint32_t number_;
  const Plan& plan_;
  Identity identity_;
  const Keyed random_;
  EventQueue* queue_;
  Recorder* recorder_;
  HostOwner* owner_;

  State state_ = State::kDown;
  std::uint64_t life_ = 0;
  SimDisk disk_;
  DriftingClock clock_;
  bool drifts_ = true;
  std::unique_ptr<store::Storage> storage_;
  std::optional<RecoveredState> recovered_;  // while recovering
  std::unique_ptr<Repair> repair_;           // while mending
  std::unique_ptr<Node> node_;

  std::vector<Input> inbox_;
  std::vector<Input> batch_;  // of the step under way; kept for its memory
  bool paused_ = false;
  bool stopping_ = false;
  // By this host's clock: when the node must be ready, and whether it led when it was told.
  Instant stop_by_ = Instant::max();
  bool stopped_leading_ = false;
  bool work_scheduled_ = false;
  bool stepping_ = false;
  TrueTime busy_until_;
  std::uint32_t slowness_ = 1;
  // The one timer event that counts: for this deadline, at this time.
  Instant armed_ = Instant::max();
  TrueTime timer_at_ = kNever;

  std::deque<DiskJob> persists_;
  std::deque<DiskJob> snapshot_jobs_;
  std::optional<DiskDone> running_;  // the completion of the job at the disk
  bool running_durable_ = false;     // and the owner was told of its beginning
  bool installs_ = false;            // a received snapshot is being put in force
  Index released_;                   // by the newest PublishSnapshot: the log through that
  Scrubbing scrubbing_;
  bool writes_old_format_ = false;
  bool disk_failed_ = false;  // a write has failed in this life
  bool disk_hangs_ = false;
  std::optional<EventType> held_;   // that comes when the disk goes on
  DamageMet met_ = DamageMet::kNo;  // in this life, by a read that has failed
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_HOST_H_
