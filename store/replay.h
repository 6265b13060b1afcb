// The state that the log's records add up to.
#ifndef GRASSDB_STORE_REPLAY_H_
#define GRASSDB_STORE_REPLAY_H_

#include <optional>
#include <string>
#include <vector>

#include "core/entry.h"
#include "store/payload.h"

namespace grassdb::store {

class Replay {
 public:
  // The header of the oldest segment begins the state; every later one restates it. Returns what
  // does not fit, in words.
  std::optional<std::string> Apply(const SegmentHeader& header);
  // Returns what does not fit, in words. Takes the entries out of `batch`.
  std::optional<std::string> Apply(Batch& batch);

  const HardState& hard_state() const { return hard_state_; }
  const LogPosition& base() const { return base_; }
  LogPosition last() const;
  // nullopt below base() and above last().
  std::optional<Term> TermAt(Index index) const;
  // Snapshots that the log says were current at some time, in that order.
  const std::vector<LogPosition>& marks() const { return marks_; }
  bool IsMarked(const LogPosition& snapshot) const;

  std::vector<Entry> TakeEntries() { return std::move(entries_); }

 private:
  std::optional<std::string> Install(const InstallMark& install);
  std::optional<std::string> Append(Batch& batch);

  bool begun_ = false;
  HardState hard_state_;
  LogPosition base_;
  std::vector<Entry> entries_;  // contiguous from base_.index + 1
  std::vector<LogPosition> marks_;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_REPLAY_H_
