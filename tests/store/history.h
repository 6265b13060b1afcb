// Random histories of a storage beside a model in memory. Each step is chosen by one number, so
// that a history is a list of numbers: it can be repeated, shrunk and cut short anywhere.
#ifndef GRASSDB_TESTS_STORE_HISTORY_H_
#define GRASSDB_TESTS_STORE_HISTORY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/disk.h"
#include "store/payload.h"
#include "store/storage.h"
#include "tests/store/crash_directory.h"

namespace grassdb::store {

// The identity of the node "a" in a cluster of three.
Identity TestIdentity();
// Small enough that a few batches fill a segment.
StorageOptions TinySegments();

// What a storage must hold.
struct Model {
  HardState hard_state;
  std::optional<SnapshotMeta> snapshot;
  std::string stream;  // the snapshot's state
  LogPosition start;   // nothing at or before it is in `entries`
  std::vector<Entry> entries;
  Index released;  // what recovery may leave out

  LogPosition last() const;
  std::optional<Term> TermAt(Index index) const;
  void Apply(const Persist& persist, const std::string& received);
};

// What differs between the recovered state and the model, in words; empty if nothing does. Reads
// the snapshot through `storage`.
std::string Difference(const RecoveredState& state, Storage& storage, const Model& model);

// Opens a directory that may be damaged, gives back what it says is lost from `model`, in shares
// chosen by `choice`, and opens it again. Empty if the model's state comes out; else what is wrong,
// or the refusal. `*mended` grows by the lost ranges and snapshots.
std::string OpenAndMend(Directory& directory, const StorageOptions& options, Model model,
                        std::uint64_t choice, std::uint64_t* mended);

// A refusal in the store's words: it names a file, and what is wrong.
bool IsRefusal(const std::string& text);

Bytes BytesOf(std::uint64_t seed, std::size_t size);

class History {
 public:
  explicit History(CrashDirectory& directory, StorageOptions options = TinySegments())
      : directory_(directory), options_(options) {}

  // Opens the storage. After a crash it must recover to one of the states that the crash allows.
  // Returns what is wrong, in words; empty if nothing is. With an injected fault still ahead it may
  // also fail with that fault: see `down`.
  std::string Open();
  // Does one step. Returns what is wrong, in words.
  std::string Step(std::uint64_t choice);
  // Tries to get back what a full disk has denied, a share of it; `*more`: the next one is worth
  // trying. Returns what is wrong, in words.
  std::string Restock(bool* more);
  // Reads a piece of the disk again; `*damage`: what it has found, in words.
  std::string Scrub(std::string* damage);
  // Marks what is durable. Returns what is wrong, in words.
  std::string Mark();
  // Loses what a crash loses; Open comes next.
  void CrashNow(Crash crash, std::uint64_t seed);

  // Down: the same history on another directory, which holds what a crash of this one has left.
  History On(CrashDirectory& directory) const;

  // True when the storage has failed or not been opened: a fault was met.
  bool down() const { return storage_ == nullptr; }
  const Model& model() const { return allowed_.back(); }
  // What recovery may find.
  const std::vector<Model>& allowed() const { return allowed_; }
  Storage& storage() { return *storage_; }
  // Transfers that went on after a crash.
  std::uint64_t resumed() const { return resumed_; }
  // Starts with a log that was longer than memory was to hold.
  std::uint64_t evicted() const { return evicted_; }

 private:
  void Append(std::uint64_t choice);
  void Rewrite(std::uint64_t choice);
  void Vote(std::uint64_t choice);
  void Take(std::uint64_t choice);
  void Install(std::uint64_t choice);

  std::vector<Entry> MakeEntries(Index first, std::uint64_t choice);
  // Executes a job that takes the model to `after` when it is done.
  bool Do(Persist persist, const std::string& received = {});
  bool Stage(SnapshotSource source, const SnapshotMeta& meta, const std::string& stream,
             std::uint64_t choice, std::size_t from = 0);
  // Goes on with the snapshot that was being received when the last life ended.
  void FinishInstall(std::uint64_t choice);
  void InstallStaged(const SnapshotMeta& meta, std::uint64_t choice, std::size_t from = 0);
  std::string ProblemOf(const StagedSnapshot& staged) const;
  void Settle(absl::Status status, Model after);

  CrashDirectory& directory_;
  StorageOptions options_;
  std::unique_ptr<Storage> storage_;
  // The states that recovery may find; the last one is what has been acknowledged or is in flight.
  std::vector<Model> allowed_ = {Model()};
  PersistId next_persist_ = PersistId(1);
  // The snapshots of which something has been received, and what recovery says is there of one. It
  // need not be the newest: until that is synced, a loss of power may bring back the one before.
  std::vector<SnapshotMeta> received_;
  std::optional<StagedSnapshot> staged_;
  std::uint64_t resumed_ = 0;
  std::uint64_t evicted_ = 0;
  std::string problem_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_TESTS_STORE_HISTORY_H_
