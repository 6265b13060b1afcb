// A directory in memory that crashes: a page cache over durable sectors of 512 bytes, and names
// that are durable only after a sync. For the tests of store/ only; the simulator has a disk of its
// own.
//
// A loss of power keeps any subset of what was not synced, chosen by a seed: of the dirty sectors
// (one of them torn), of the changes of names, and of the file sizes. The end of a process keeps it
// all.
#ifndef GRASSDB_TESTS_STORE_CRASH_DIRECTORY_H_
#define GRASSDB_TESTS_STORE_CRASH_DIRECTORY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/file.h"

namespace grassdb::store {

enum class Crash : std::uint8_t { kProcess, kPower };

enum class Fault : std::uint8_t {
  kStop,       // power fails within the operation: it and all later ones give errors
  kError,      // the operation fails; a write has written a part
  kDropPages,  // as kError; a failed sync also leaves its pages clean, as Linux does
};

// When a file that grows is told that there is no room for it (file.h).
enum class NoRoom : std::uint8_t { kAtTheWrite, kAtTheSync };

// What a crash may leave of up to four unsynced things, all of it: each subset of them. Where there
// are more, the subsets of up to four that are left, and of up to four that are lost.
std::vector<std::uint64_t> SubsetsOf(std::size_t things);

class CrashDirectory final : public Directory {
 public:
  struct Counters {
    std::uint64_t writes = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t file_syncs = 0;
    std::uint64_t directory_syncs = 0;
  };

  // `content` is durable.
  explicit CrashDirectory(const std::map<std::string, std::string>& content = {});

  absl::StatusOr<std::unique_ptr<File>> Open(std::string_view name, OpenMode mode) override;
  absl::Status Rename(std::string_view from, std::string_view to) override;
  absl::Status Remove(std::string_view name) override;
  absl::StatusOr<std::vector<std::string>> List() override;
  absl::Status Sync() override;
  absl::StatusOr<std::unique_ptr<Lock>> Acquire(std::string_view name) override;
  std::string path() const override { return "(memory)"; }

  // Invalidates all open files and locks and ends an injected fault.
  void CrashNow(Crash crash, std::uint64_t seed);
  // The `n`-th changing operation from now on, from 1, meets `fault`. 0: none does.
  void FailAt(std::uint64_t n, Fault fault);
  // The files may have so many bytes more than now, together; UINT64_MAX: as many as they like.
  // What is removed makes room.
  void LimitRoom(std::uint64_t bytes, NoRoom told = NoRoom::kAtTheWrite);
  // Flips a bit of a byte of the file, in the cache and on the disk.
  void Flip(const std::string& name, std::size_t at);
  // Reads of the sector, in units of 512 bytes, fail until it is written again as a whole.
  void FailReads(const std::string& name, std::size_t sector);
  // The next read of the sector shows this instead.
  void MisreadOnce(const std::string& name, std::size_t sector, std::string shown);
  // Changing operations so far.
  std::uint64_t operations() const { return operations_; }
  bool stopped() const { return stopped_; }
  const Counters& counters() const { return counters_; }
  std::size_t open_files() const { return *open_files_; }
  // All files as the cache has them.
  std::map<std::string, std::string> Content() const;
  // How many things a loss of power at this moment may each leave or lose: sectors, sizes and
  // changes of names that are not durable.
  std::size_t Unsynced() const;
  // All files after a loss of power that leaves exactly those whose bit is set in `kept`, numbered
  // in an order of their own.
  std::map<std::string, std::string> AfterPowerLoss(std::uint64_t kept) const;

 private:
  friend class CrashFile;
  friend class CrashLock;

  struct Inode {
    std::string cached;
    std::string durable;
    std::set<std::size_t> dirty;  // sectors
    std::set<std::size_t> illegible;
    std::optional<std::pair<std::size_t, std::string>> misread;  // once, of a sector
    bool overdrawn = false;                                      // holds what there was no room for
  };
  using InodePtr = std::shared_ptr<Inode>;

  // One change of names that is not durable yet.
  struct NameChange {
    std::string removed;  // or empty
    std::string added;    // or empty
    InodePtr inode;
  };

  // Counts a changing operation; the fault that it meets, if any.
  std::optional<Fault> Count();
  static absl::Status Stopped();
  std::uint64_t Used() const;
  std::uint64_t RoomLeft() const;
  bool Overdrawn() const { return Used() > limit_; }
  void Change(NameChange change);
  static void Write(Inode& inode, std::uint64_t offset, std::string_view bytes);
  static void LosePower(Inode& inode, std::uint64_t seed);
  // Of the files that a durable name, or one that may become durable, leads to; each once.
  std::vector<InodePtr> Reachable() const;

  std::map<std::string, InodePtr> cached_;
  std::map<std::string, InodePtr> durable_;
  std::vector<NameChange> changes_;
  std::set<std::string> locks_;
  std::uint64_t operations_ = 0;
  std::uint64_t fault_at_ = 0;  // 0: none
  Fault fault_ = Fault::kStop;
  bool stopped_ = false;
  std::uint64_t limit_ = UINT64_MAX;
  NoRoom told_ = NoRoom::kAtTheWrite;
  std::uint64_t life_ = 0;  // files of an earlier one are dead
  Counters counters_;
  std::shared_ptr<std::size_t> open_files_ = std::make_shared<std::size_t>(0);
};

}  // namespace grassdb::store

#endif  // GRASSDB_TESTS_STORE_CRASH_DIRECTORY_H_
