// The state that the log's records add up to.
//
// Where records are damaged (Lose), the next one that restates what the log was (LogState) says
// where it had come to. What of that is not known from the records before is lost. The rules, with
// G for the first of the damaged records:
//
//   - No record from G on has cut the log (LogState::cut): all that was there before still is, and
//     what lies between its end and the restated one is lost.
//   - One has: the log may have been cut anywhere above its snapshot. It is known still as far as
//   it
//     holds the restated last entry (log matching, thesis 3.5); otherwise up to the snapshot, and
//     the rest is lost.
//
// Segments of format 1 restate less: there a gap is taken for a cut, and only a header, or a batch
// with entries, ends it.
#ifndef GRASSDB_STORE_REPLAY_H_
#define GRASSDB_STORE_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/entry.h"
#include "core/log.h"
#include "store/lost.h"
#include "store/payload.h"

namespace grassdb::store {

enum class LostRecords : std::uint8_t {
  kHeader = 1,  // a segment header and nothing else: it only restates
  kAny = 2,
};

// Whether the entries keep what stands in them, which is nearly all of the memory they take.
enum class Payloads : std::uint8_t { kKept, kDropped };

class Replay {
 public:
  // Of the entries only the newest stay in memory that fit into `memory_bytes` (CostOf), an eighth
  // more, and a batch.
  explicit Replay(Payloads payloads = Payloads::kKept, std::size_t memory_bytes = SIZE_MAX)
      : payloads_(payloads), memory_bytes_(memory_bytes) {}

  // Records from `first` on, up to the next one that is applied, are damaged or missing.
  void Lose(LostRecords what, RecordSequence first);

  // The header of the oldest segment begins the state; every later one restates it. Returns what
  // does not fit, in words.
  std::optional<std::string> Apply(const SegmentHeader& header, RecordSequence sequence);
  // Returns what does not fit, in words. Takes the entries out of `batch`.
  std::optional<std::string> Apply(Batch& batch, RecordSequence sequence);
  std::optional<std::string> Apply(const Seal& seal, RecordSequence sequence);
  // The log is known to have been `state` behind its last, damaged record.
  std::optional<std::string> EndWith(const LogState& state, RecordSequence sequence);
  // What is between `snapshot` and the log's base, which is behind it, was in segments that are
  // missing. Returns what does not fit, in words.
  std::optional<std::string> LoseBeginning(const LogPosition& snapshot);
  // `snapshot`, which is current, stands for everything up to it that is lost.
  void CoverLost(const LogPosition& snapshot);

  // Why the state is not known, in words; nullopt if it is.
  std::optional<std::string> Problem() const;

  LogState state() const;
  const HardState& hard_state() const { return hard_state_; }
  const LogPosition& base() const { return base_; }
  // Of what was before the first legible record of format 1 nothing is known: the log may have
  // begun before base(), and behind no snapshot.
  bool guesses_base() const { return guesses_base_; }
  LogPosition last() const;
  // nullopt below base(), above last(), and for a lost entry whose term is not known.
  std::optional<Term> TermAt(Index index) const;
  bool IsUnknown(Index index) const { return lost_.IsUnknown(index); }
  const std::vector<LostRange>& lost() const { return lost_.ranges(); }
  // Snapshots that the log says were current at some time, in that order.
  const std::vector<LogPosition>& marks() const { return marks_; }
  bool IsMarked(const LogPosition& snapshot) const;
  // What the batches say of the members (Batch::members), oldest first, without repetition.
  const std::vector<std::string>& members() const { return members_; }

  // The oldest ones, of which only this is left...
  EvictedEntries TakeEvicted() { return std::exchange(evicted_, {}); }
  // ...and the rest, behind them. In the place of a lost entry stands one without payload, and of
  // term 0 unless its term is known.
  std::vector<Entry> TakeEntries();

 private:
  bool Holds(const LogPosition& position) const { return TermAt(position.index) == position.term; }
  // Ends the gap, if there is one, at a record that restates `now`.
  std::optional<std::string> Bridge(const LogState& now, RecordSequence sequence);
  // As far as a batch of format 1 allows.
  std::optional<std::string> BridgeTo(const LogPosition& joint);
  void KeepOnly(const LogPosition& snapshot);
  std::optional<std::string> LoseUpTo(const LogPosition& last);
  std::optional<std::string> Install(const InstallMark& install, RecordSequence sequence);
  std::optional<std::string> Append(Batch& batch, RecordSequence sequence);
  std::optional<std::string> Fill(Batch& batch);
  void KeepBelow(const Batch& fill);
  bool IsBounded() const { return memory_bytes_ < SIZE_MAX; }
  void NoteSnapshot(const LogPosition& current);
  void Reset(const LogPosition& base);
  void CutBehind(const LogPosition& last);
  void Put(Entry entry);
  void SetTerm(Index index, Term term);
  void EvictOldest();
  // Until no more than `bytes` are in memory.
  void EvictDownTo(std::size_t bytes);
  // Behind which the entries in memory begin.
  LogPosition before_entries() const { return evicted_.empty() ? base_ : evicted_.last(); }
  Entry& At(Index index) {
    return entries_[static_cast<std::size_t>(index - before_entries().index) - 1];
  }

  Payloads payloads_;
  std::size_t memory_bytes_;
  bool begun_ = false;
  std::optional<RecordSequence> gap_;  // where the damaged records begin
  bool only_header_ = false;           // is lost, of what was before begun_
  bool guesses_base_ = false;          // it is where the log was first known to be, in format 1
  bool knows_hard_state_ = true;
  RecordSequence cut_;
  HardState hard_state_;
  LogPosition base_;
  EvictedEntries evicted_;
  std::deque<Entry> entries_;  // contiguous, behind evicted_
  std::size_t bytes_ = 0;      // of entries_
  LostEntries lost_;
  // Batches that fill what is below the base, in case no snapshot stands for that. What stands in
  // their entries is kept where all of the log is.
  std::vector<Batch> fills_below_;
  std::vector<LogPosition> marks_;
  std::vector<std::string> members_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_REPLAY_H_
