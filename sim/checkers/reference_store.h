// Exactly-once and the meaning of every command: an independent, plain model of the key-value store
// that is given the committed log. Each command of a session takes effect once, at its first
// occurrence in the log (thesis 6.3); every node that has applied up to an index must show what the
// model shows there.
#ifndef GRASSDB_SIM_CHECKERS_REFERENCE_STORE_H_
#define GRASSDB_SIM_CHECKERS_REFERENCE_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/command.h"
#include "core/entry.h"
#include "core/kv_store.h"
#include "sim/checkers/by_index.h"

namespace grassdb::sim {

class ReferenceStore {
 public:
  explicit ReferenceStore(const KvOptions& options) : options_(options) { shown_.Set(Index(), {}); }

  // The committed entry that follows the last one given.
  void Apply(const Entry& entry);
  Index applied() const { return shown_.end() - 1; }
  std::uint64_t revision() const { return revision_; }

  struct Shown {
    std::uint64_t revision = 0;
    std::uint64_t keys = 0;
    std::uint64_t sessions = 0;
    friend bool operator==(const Shown&, const Shown&) = default;
  };
  // What the commands changed, in their order. `value` is nullopt for a deletion.
  struct Change {
    std::uint64_t revision = 0;
    std::string key;
    std::optional<std::string> value;
  };
  // Those that follow the revision that was last released.
  const std::vector<Change>& changes() const { return changes_; }
  void ReleaseChanges(std::uint64_t through);
  // Whether an entry behind applied() may still be the first that has this command.
  bool MayStillRun(std::uint64_t session, std::uint64_t sequence) const;
  // `node` has applied up to `index` <= applied() and shows `shown`.
  void Check(std::uint32_t node, Index index, const Shown& shown) const;
  // What is shown below `index` is not compared any more.
  void ReleaseBelow(Index index) { shown_.ReleaseBelow(index); }
  // Without changes(), which go with the history (history_parts.h).
  std::size_t Bytes() const { return shown_.Bytes(); }
  // `store` has applied up to applied(): every key and value is compared.
  void CheckAll(std::uint32_t node, const KvStore& store) const;

 private:
  struct Value {
    std::string value;
    std::uint64_t create = 0;
    std::uint64_t modified = 0;
    std::uint64_t version = 0;
  };
  struct Session {
    ClusterTime used = 0;
    std::uint64_t used_at = 0;  // index
    std::uint64_t acknowledged = 0;
    std::set<std::uint64_t> done;                 // above `acknowledged`
    std::map<std::uint64_t, std::uint64_t> kept;  // bytes of the answers that are, by sequence
  };

  void ApplyCommand(std::uint64_t index, const Command& command);
  std::uint64_t MayRead(const std::vector<Operation>& operations) const;
  // Returns the bytes of the values that it read. One that may read too much changes nothing.
  std::uint64_t Run(const Transaction& transaction);
  void KeepAnswer(std::uint64_t id, std::uint64_t sequence, std::uint64_t bytes);
  void Acknowledge(Session& session, std::uint64_t through);
  std::map<std::uint64_t, Session>::iterator Idlest();
  void Forget(std::map<std::uint64_t, Session>::iterator session);
  bool Holds(const Compare& compare) const;
  void ForgetIdle();

  KvOptions options_;
  std::map<std::string, Value> values_;
  std::map<std::uint64_t, Session> sessions_;
  std::uint64_t kept_bytes_ = 0;  // of the answers of all sessions
  std::uint64_t revision_ = 0;
  std::vector<Change> changes_;
  ClusterTime time_ = 0;
  ByIndex<Shown> shown_;
};

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_CHECKERS_REFERENCE_STORE_H_
