// The replicated state machine: a sorted map of keys, a revision counter, and
// the client sessions that make every write exactly-once (thesis 6.3).
//
// Deterministic: the same commands in the same order give the same state, the
// same results and the same digest on every replica. Time is replicated time,
// stamped into commands by the leader; there is no other.
//
// A copyable value. Single-threaded.
#ifndef GRASSDB_CORE_KV_STORE_H_
#define GRASSDB_CORE_KV_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/command.h"
#include "core/idle_order.h"
#include "core/key_map.h"
#include "core/key_value.h"
#include "core/limits.h"
#include "core/types.h"

namespace grassdb {

class KvStore {
 public:
  explicit KvStore(const KvOptions& options = {}) : options_(options) {}

  // Applies the command of the entry at `index`; indexes rise with every call.
  // A command that its session has applied before changes nothing and gives the
  // first answer again.
  CommandResult Apply(Index index, const Command& command);

  // Points into the store; valid until the next Apply. Null if missing.
  const KeyValue* Find(std::string_view key) const;

  // For a state that begins another history: the revision rises by `revisions`, so that no number
  // that the first one may still have given comes again.
  void Advance(std::uint64_t revisions) { revision_ = revision_ + revisions; }
  void ForgetSessions();

  Revision revision() const { return revision_; }
  ClusterTime time() const { return time_; }
  std::size_t size() const { return map_.size(); }
  std::size_t sessions() const { return sessions_.size(); }
  // The answers that are kept for sessions, counted one by one; slow.
  struct KeptAnswers {
    std::size_t all = 0;
    std::size_t of_one_session = 0;  // of the one that has most
    std::size_t bytes = 0;           // as answer_bytes_max counts them
  };
  KeptAnswers CountAnswers() const;
  // A digest of the whole replicated state, sessions included; kept up with
  // every change.
  std::uint64_t digest() const;

 private:
  friend class KvSnapshotWriter;
  friend class KvSnapshotReader;

  struct Session {
    ClusterTime last_used = 0;
    std::uint64_t last_index = 0;  // of the command that used it last
    Sequence acknowledged;
    // By sequence, ascending: those of an orderly client come in that order and
    // go in it.
    std::vector<std::pair<Sequence, CommandResult>> answers;
    std::size_t answer_bytes = 0;
    IdleOrder::Place place{};  // in idle_order_; that of no session before its first use
  };

  CommandResult OpenSession(Index index);
  CommandResult ApplyInSession(Index index, const Command& command);
  void KeepAnswer(SessionId id, Session& session, Sequence sequence, const CommandResult& answer);
  void ForgetAnswers(SessionId id, Session& session, Sequence through);
  void DropAnswers(SessionId id, Session& session);
  CommandResult ApplyTransaction(const Transaction& transaction);
  bool Holds(const Compare& compare) const;
  std::size_t BytesRead(const std::vector<Operation>& operations) const;
  OperationResult Run(const Operation& operation, Revision revision);
  // `found`: what is there; null if the key is missing.
  void Put(const KeyValue* found, const Operation& operation, Revision revision);
  void Delete(const KeyValue& found, Revision revision);
  // Used now; its client has the answers up to `acknowledged`.
  void Touch(SessionId id, Session& session, Index index, Sequence acknowledged);
  void ForgetIdleSessions();
  void Forget(SessionId id);
  // For loading a snapshot: adds the largest key so far; digests the sessions.
  void Load(std::string_view key, std::string_view value, const KeyRevisions& revisions);
  void LoadAnswer(Session& session, Sequence sequence, CommandResult answer);
  // All sessions are there: puts them in their order. False if two were last used by one command.
  bool OrderSessions();
  void DigestSessions();
  // Tells a snapshot under way what a key was before it changes; null if it was missing.
  void BeforeChange(std::string_view key, const KeyValue* found);

  KvOptions options_;
  KeyMap map_;
  Revision revision_;
  ClusterTime time_ = 0;
  // Sums over keys, and over sessions and their answers: independent of order,
  // so they can be kept up.
  std::uint64_t map_digest_ = 0;
  std::uint64_t session_digest_ = 0;
  absl::btree_map<SessionId, Session> sessions_;
  std::size_t answer_bytes_ = 0;  // of all sessions
  IdleOrder idle_order_;          // in which they are forgotten

  // A snapshot under way: keys up to `cursor` are written; what changes above
  // it is preserved.
  struct Capture {
    std::optional<std::string> cursor;  // the last key written
    // Owns nothing where the key was missing.
    absl::btree_map<std::string, KeyValuePtr, std::less<>> preserved;
  };
  std::optional<Capture> capture_;
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_KV_STORE_H_
