// What a leader knows of one follower's log (thesis 3.5, 10.2.1).
//
//              kMatched at prev                    window full: wait
//     kProbe ------------------> kReplicate
//       ^  ^------ kConflict --------'  |
//       |                               | the entry needed is compacted away
//       |        installed              v
//       '--------------------------- kSnapshot
#ifndef GRASSDB_CORE_PROGRESS_H_
#define GRASSDB_CORE_PROGRESS_H_

#include <cstddef>
#include <deque>

#include "core/configuration.h"
#include "core/message.h"
#include "core/types.h"

namespace grassdb {

enum class ProgressState : std::uint8_t {
  kProbe = 1,      // where the logs part is not known: one message at a time
  kReplicate = 2,  // pipelined, next runs ahead of match
  kSnapshot = 3,   // receives the snapshot; no entries until it is in place
};

const char* NameOf(ProgressState state);

// Of a follower's disk, by its answers in this term.
enum class FollowerSpace : std::uint8_t { kUnknown = 0, kAmple = 1, kFull = 2 };

// Invariant: match < next.
struct Progress {
  struct Inflight {
    Index last;
    std::size_t bytes;
  };

  NodeId id;
  ProgressState state = ProgressState::kProbe;
  Index match;              // the follower holds the leader's log durably up to here
  Index next{1};            // the next entry to send
  bool probe_sent = false;  // kProbe: a message is out; wait for its answer or the heartbeat
  Index snapshot_index;     // kSnapshot: the snapshot it is to receive
  MemberRole role = MemberRole::kVoter;
  ReadRound read_round;            // the newest round this follower has confirmed
  ReadRound round_sent;            // the newest round this follower was asked to confirm
  std::uint64_t round_answer = 0;  // of all answers to rounds, the number of its newest one
  Instant last_heard;              // when an answer in this term came in last
  // When the newest of the messages that it has answered in this term was sent (lease).
  Instant lease_base = Instant::min();
  Duration defends{};  // as it said in that answer, and at most this node's own timeout
  // When `match` rose last. A denial of what is at or below `match`, in answer to what was sent
  // after that, comes from a node that has lost a part of its disk.
  Instant match_learned = Instant::min();
  // Of its disk, by its answers in this term (Raft::IsOfPresentDisk); 0: none yet.
  Incarnation incarnation;
  Standing standing = Standing::kProven;  // as it said last
  FollowerSpace space = FollowerSpace::kUnknown;
  // It has denied what it had acknowledged, and goes by the same incarnation still.
  bool rolled_back = false;
  // When it did. Answers to what was sent earlier may come from before its disk was rolled back.
  Instant forgot_at = Instant::min();
  // A learner's catching up, in rounds (thesis 4.2.1): a round ends when it has what the leader had
  // when the round began. It has caught up when a round was shorter than an election timeout.
  Index catch_up_target;
  Instant catch_up_began;
  bool caught_up = false;
  // It is sent entries at once (Raft::MayWait, ChooseQuick).
  bool quick = false;
  // kReplicate: when the entries from `next` on are due; max: none wait for a time, for they are
  // due already (`offered`), or there are none.
  Instant append_at = Instant::max();
  // What was due last, through which entry and up to which LeaderState::appended_bytes. What its
  // window has no room for is sent as soon as there is some.
  Index offered;
  std::uint64_t offered_bytes = 0;
  Index reads_from;  // the first of the evicted entries that are read for it; 0: none are
  std::deque<Inflight> inflight;
  std::size_t inflight_bytes = 0;

  void BecomeProbe(Index next_index);
  // It holds nothing any more, as far as is known.
  void Forget(Index next_index);
  void BecomeReplicate();
  void BecomeSnapshot(Index index);
  void Sent(Index last, std::size_t bytes);
  // Frees the window of everything at or below `through`.
  void Acknowledged(Index through);

 private:
  void CloseWindow();
};

}  // namespace grassdb

#endif  // GRASSDB_CORE_PROGRESS_H_
