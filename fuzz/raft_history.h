// What a group of Rafts has shown so far, and what must hold of it after every step: the safety
// properties of the thesis (figure 3.2), and what core/raft.h promises of reads and leases.
#ifndef GRASSDB_FUZZ_RAFT_HISTORY_H_
#define GRASSDB_FUZZ_RAFT_HISTORY_H_

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/disk.h"
#include "core/raft.h"

namespace grassdb {

class RaftHistory {
 public:
  // A read was asked for: it may not miss what is committed now.
  void NoteAsked(ReadId read) { asked_.emplace(read, last_committed()); }

  // What never falls in one life of a Raft.
  struct Reached {
    Term term;
    Index commit_index;
    Index apply_through;
  };
  // `before` the step, and brought up to date; `disk` is what is durable.
  void CheckStep(const Raft& raft, const Output& output, const RecoveredState& disk,
                 Reached* before) {
    GRASS_CHECK_GE(raft.term(), before->term);
    GRASS_CHECK_GE(raft.commit_index(), before->commit_index);
    GRASS_CHECK_GE(output.apply_through, before->apply_through);
    *before = {raft.term(), raft.commit_index(), output.apply_through};
    CheckCommitted(raft);
    GRASS_CHECK_LE(output.apply_through, disk.last().index);
    if (output.apply_through >= disk.base_index) {
      GRASS_CHECK_EQ(disk.TermAt(output.apply_through), TermOf(output.apply_through));
    }
    for (const ReadReady& read : output.reads_ready) {
      GRASS_CHECK_MSG(read.index >= asked_.at(read.id), "a read misses what was committed");
    }
    if (raft.role() == Role::kLeader) CheckLeader(raft);
  }

  // Of any one, whoever has stepped: nobody else leads, and nobody knows more to be committed.
  void CheckLease(const Raft& raft, Instant now) const {
    if (!raft.HoldsLease(now)) return;
    GRASS_CHECK_MSG(leaders_.rbegin()->second == raft.id(), "a lease outlives its leader");
    GRASS_CHECK_MSG(raft.commit_index() == last_committed(), "a lease misses what is committed");
  }

  // On a leader: what it counts as a follower's, the follower has on its disk, unless that has gone
  // on to a later term.
  static void CheckMatch(const Raft& leader, NodeId follower, const RecoveredState& disk) {
    if (disk.hard_state.term > leader.term()) return;
    const auto& followers = *leader.followers();
    const auto at = std::ranges::find(followers, follower, &Progress::id);
    if (at == followers.end()) return;
    GRASS_CHECK_MSG(at->match <= disk.last().index, "a match rests on no disk");
    if (at->match <= disk.base_index || at->match < leader.log().base_index()) return;
    GRASS_CHECK_MSG(leader.log().Matches(at->match, disk.TermAt(at->match)),
                    "a match is of another entry");
  }

 private:
  struct Committed {
    Entry entry;
    Term term;  // of the leader that committed it
  };

  Index last_committed() const { return Index(committed_.size()); }
  const Committed& At(Index index) const { return committed_[index.value() - 1]; }
  Term TermOf(Index index) const { return index == Index(0) ? Term(0) : At(index).entry.term; }

  // State machine safety: no two differ in a committed entry, in memory or, of one that is not in
  // memory, in its term.
  void CheckCommitted(const Raft& raft) {
    const Log& log = raft.log();
    for (Index index = log.base_index(); index <= raft.commit_index(); ++index) {
      const bool in_memory = index > log.evicted_through();
      if (index > last_committed()) {
        // What is let go of has been committed before.
        GRASS_CHECK(in_memory && index == last_committed() + 1);
        committed_.push_back({log.At(index), raft.term()});
      }
      GRASS_CHECK(log.Matches(index, TermOf(index)));
      GRASS_CHECK_MSG(!in_memory || log.At(index) == At(index).entry,
                      "two entries are committed at one index");
    }
  }

  void CheckLeader(const Raft& raft) {
    const auto [at, first] = leaders_.emplace(raft.term(), raft.id());
    GRASS_CHECK_MSG(at->second == raft.id(), "two leaders in one term");
    // Leader completeness: by log matching, the newest entry that it owes stands for all.
    Index owed = last_committed();
    while (owed > Index(0) && At(owed).term >= raft.term()) owed = owed - 1;
    if (owed < raft.log().base_index()) return;
    GRASS_CHECK_MSG(raft.log().Matches(owed, TermOf(owed)), "a leader lacks a committed entry");
  }

  std::map<Term, NodeId> leaders_;
  std::vector<Committed> committed_;  // from index 1 on
  std::map<ReadId, Index> asked_;     // what was committed then
};

}  // namespace grassdb

#endif  // GRASSDB_FUZZ_RAFT_HISTORY_H_
