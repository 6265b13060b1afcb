// The simulated disk of one node: store::Directory in memory, with the page cache that POSIX has
// over durable sectors.
//
// The store calls it synchronously, in no virtual time at all, and sees the page cache. Each I/O is
// given a simulated duration and is written down with its begin and end; what it does to the
// durable image becomes true only when virtual time has reached that end. So a whole job runs at
// once and can still be cut anywhere by a crash in the middle of its time.
//
//     BeginJob(now) ... the store's I/Os ...  EndJob() -> when the job is done
//
// What was durable may be damaged (damage.h): by order, or when a read returns another place.
// Beside a damaged file stands what it would be without that, so that it is known of every byte
// which is damaged, until it is written again.
//
// At a crash of the machine at time t: a sync that ended by t has made durable what was written
// before it. Of every other I/O begun by t, any sectors may have landed in any order, a sector of
// 512 bytes may be torn, sizes and names may be old or new. At the death of the process alone, the
// page cache with every I/O begun by t survives, and is as undurable as before.
#ifndef GRASSDB_SIM_DISK_H_
#define GRASSDB_SIM_DISK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/checkers/justified_refusal.h"
#include "sim/choices.h"
#include "sim/damage.h"
#include "sim/plan.h"
#include "sim/random.h"
#include "sim/recorder.h"
#include "sim/true_time.h"
#include "store/file.h"

namespace grassdb::sim {

enum class CrashKind : std::uint8_t {
  kProcess = 0,  // kill -9: the page cache survives
  kPower = 1,    // only what is durable survives, and perhaps more
};

// What a node asks of its disk.
enum class IoType : std::uint8_t {
  kWrite,
  kTruncate,
  kFileSync,
  kCreate,
  kRename,
  kRemove,
  kDirectorySync
};
inline constexpr std::uint64_t kIoTypes = 7;

// Says where a read may not be misdirected, or fail once.
class DamageGuard {
 public:
  virtual ~DamageGuard() = default;
  // `content` is what the file `name` of the disk of `node` would be without any damage.
  virtual bool MayMisread(std::uint32_t node, std::string_view name, std::string_view content,
                          const Extent& extent) const = 0;
  virtual bool MayFailToRead(std::uint32_t node, std::string_view name) const = 0;
};

class SimDisk final : public store::Directory {
 public:
  // `node` keys the decisions. `counters` and `choices` outlive the disk.
  SimDisk(const DiskPlan& plan, Keyed random, std::uint32_t node, Counters* counters,
          Choices* choices);
  ~SimDisk() override;
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  // I/Os happen between BeginJob and EndJob only; `now` is not before the end of the last job.
  void BeginJob(TrueTime now);
  TrueTime EndJob();
  // When the last job ends, or ended.
  TrueTime busy_until() const { return cursor_; }

  // No file of this disk is open. `number` of the crash keys what survives.
  void Crash(TrueTime now, CrashKind kind, std::uint64_t number);

  // No file is left. As for a crash, no file of this disk is open.
  void Wipe();

  // The names and contents that are durable at one moment.
  using Image = std::map<std::string, std::string>;
  Image Save(TrueTime now);
  // As Wipe, and then the files of `image` are there.
  void Restore(const Image& image);

  // As Wipe, and then its files are those of `other` as a process finds them, damage and all.
  void BecomeCopyOf(const SimDisk& other);
  // As Wipe, and then its files are what a loss of power would spare for certain of those of
  // `other`, damage and all.
  void BecomeDurableCopyOf(SimDisk& other, TrueTime now);

  // There is room for so many bytes more than the files have now, and for what is removed or cut
  // off of them; until FreeRoom.
  void LimitRoom(std::uint64_t bytes) { limit_ = Used() + bytes; }
  void FreeRoom() { limit_ = UINT64_MAX; }
  bool Holds(std::string_view name) const { return names_.contains(name); }
  // Of the files whose names are durable, by name.
  struct DurableFile {
    std::string name;
    std::string content;           // without any damage
    std::uint64_t older_size = 0;  // it had this durable size before; 0: it had none
  };
  std::vector<DurableFile> DurableFiles(TrueTime now);
  // The wound's places exist, but nothing needs to come of it: a bit of an unreadable sector.
  void Damage(TrueTime now, const Wound& wound);
  // Whether any byte of any file is damaged.
  bool IsDamaged();
  // The durable ones that are, by name.
  std::vector<std::string> DamagedFiles() const;
  // Makes every damaged byte what it would be without that. No file of this disk is open.
  void Undamage();
  // A file as the process can read it, and as it should be; nullopt if there is none.
  std::optional<JustifiedRefusal::Shown> Show(std::string_view name) const;
  // Whether a read since this was last asked has met damage, or another place than its own.
  bool TakeMet() { return std::exchange(met_, false); }
  // Null: no read is misdirected, and any may fail. Outlives the disk.
  void SetGuard(const DamageGuard* guard) { guard_ = guard; }

  // Multiplies every duration from now on.
  void SetSlowness(std::uint32_t factor) { slowness_ = factor; }
  // Springs at the `passes`-th I/O of the type from now on, 1 being the next. Replaces the one
  // before.
  void SetTrap(IoType type, std::uint64_t passes) { trap_ = {type, passes, {}}; }
  void RemoveTrap() { trap_ = {}; }
  // A file that is open and has no name any more, by the name that it was opened by, if one has
  // lost it since this was last asked: a disk keeps its bytes, and nobody sees them.
  std::optional<std::string> TakeOpenAndGone();
  // A moment of the I/O at which the trap has sprung since this was last asked.
  std::optional<TrueTime> TakeSprung() { return std::exchange(trap_.sprung, std::nullopt); }

  // Room, no failures, no misdirected reads, no stragglers and no trap from now on. Damage stays.
  void Heal();

  // store::Directory.
  absl::StatusOr<std::unique_ptr<store::File>> Open(std::string_view name,
                                                    store::OpenMode mode) override;
  absl::Status Rename(std::string_view from, std::string_view to) override;
  absl::Status Remove(std::string_view name) override;
  absl::StatusOr<std::vector<std::string>> List() override;
  absl::Status Sync() override;
  absl::StatusOr<std::unique_ptr<store::Lock>> Acquire(std::string_view name) override;
  std::string path() const override;

 private:
  class OpenFile;
  class HeldLock;

  struct Inode {
    std::uint64_t number = 0;
    std::string durable;
    std::string cache;
    // Without the damage; none if there is none.
    struct Sound {
      std::string durable;
      std::string cache;
    };
    std::optional<Sound> sound;
    std::set<std::uint64_t> unreadable;  // where such sectors begin
    // What a failed sync has not written, by where the sector begins: the cache shows it and takes
    // it for written, until the sector is written to again.
    std::map<std::uint64_t, std::string> clean;
    // The newest write took such sectors along, and so made them dirty again.
    bool saved = false;
    bool overdrawn = false;  // took more than there is room for, which its next sync finds out
    // What each sector held before its last write, and the last smaller size.
    std::string previous;
    std::uint64_t older_size = 0;
  };
  using InodeRef = std::shared_ptr<Inode>;
  using Names = std::map<std::string, InodeRef, std::less<>>;

  // One I/O that is not durable yet, or a sync that has not ended.
  struct Io {
    IoType type = IoType::kWrite;
    TrueTime begin;
    TrueTime end;
    std::uint64_t number = 0;
    InodeRef inode;            // all but kRemove and kDirectorySync
    std::uint64_t offset = 0;  // kWrite; the size for kTruncate
    std::string data;          // kWrite
    std::string from;          // kRename, kRemove
    std::string to;            // kCreate, kRename
  };
  struct Trap {
    IoType type = IoType::kWrite;
    std::uint64_t passes = 0;  // left; 0: none is set
    std::optional<TrueTime> sprung;
  };
  // How much of what was not durable a crash of the machine leaves.
  enum class Survival : std::uint8_t { kNothing, kEverything, kPrefix, kSectors };

  static std::size_t SizeAfter(const Io& change, std::size_t size);
  static void ApplyToPiece(const Io& change, std::size_t begin, std::string* piece);
  static void ApplyToContent(const Io& io, std::string* content);
  static void ApplyToNames(const Io& io, Names* names);
  static void ApplyToCache(const Io& io);
  static void ApplyToDurable(const Io& io);
  static bool ChangesContent(const Io& io) {
    return io.type == IoType::kWrite || io.type == IoType::kTruncate;
  }
  static bool ChangesNames(const Io& io) {
    return io.type == IoType::kCreate || io.type == IoType::kRename || io.type == IoType::kRemove;
  }

  // Takes the time of one I/O of `bytes` and records it.
  Io& Record(IoType type, Duration base, std::uint64_t bytes);
  // What a failed sync of the file leaves; `sync` is its number.
  void LosePages(const InodeRef& inode, std::uint64_t sync);
  static void MakeClean(Inode& inode, const Io& io, std::size_t from);
  // The write takes what is clean of its sectors with it.
  static void MakeDirty(Io& io);
  // Files whose newest write has saved what a failed sync had lost, and is durable.
  std::uint64_t CountSaved();
  void Spend(Duration base, std::uint64_t bytes);
  // Bytes of all files, as the process sees them.
  std::uint64_t Used() const;
  std::uint64_t RoomLeft() const;
  // Whether this I/O fails.
  bool Fails(PerMillion rate);
  // A read of the next number that fails once.
  bool FailsToRead(std::string_view name);
  // The status of an operation on names or sizes that has failed, and changed nothing.
  absl::Status Failed(std::string_view what, std::string_view name);
  // Makes everything durable that syncs ended by `now` cover.
  void Settle(TrueTime now);
  void SettleFile(std::size_t sync);
  void SettleNames(std::size_t sync);
  void CrashProcess(TrueTime now, std::uint64_t number);
  void CrashPower(std::uint64_t number);
  void LandSectors(Inode& inode, std::uint64_t crash);
  std::string Landed(const Inode& inode, const std::string& durable, std::uint64_t crash) const;
  void LandPrefix(std::uint64_t crash);
  void LandNames(Survival survival, std::uint64_t crash);
  void ForEachInode(const std::function<void(Inode&)>& visit);
  // As a process that has just begun finds it: what is durable, and what was written since.
  void RebuildCache(Inode& inode);
  // disk_damage.cc
  void Wreck(Inode& inode, const Wound& wound);
  absl::Status Meet(const Inode& inode, const std::string& name, std::uint64_t offset,
                    std::span<char> out);
  bool Misreads(const Inode& inode, const std::string& name, std::uint64_t offset,
                std::span<char> out);

  DiskPlan plan_;
  Keyed random_;
  std::uint32_t node_;
  Counters* counters_;
  Choices* choices_;
  std::uint32_t slowness_ = 1;
  std::uint64_t limit_ = UINT64_MAX;  // of Used()
  Trap trap_;

  TrueTime cursor_;
  bool in_job_ = false;
  bool locked_ = false;
  std::uint64_t next_inode_ = 1;
  std::uint64_t next_io_ = 1;
  Names names_;  // as the process sees them
  std::vector<const OpenFile*> open_;
  bool name_lost_ = false;  // by a file, since TakeOpenAndGone
  Names durable_names_;
  std::deque<Io> pending_;  // in the order they were issued
  std::vector<InodeRef> wounded_;
  const DamageGuard* guard_ = nullptr;
  bool met_ = false;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_DISK_H_
